/* How far to trust the answer (engine/uncertainty.h) in a Kokkos execution space: what MACE and ACE share. Grades and
   deviations of energies are products of an atom's features with a matrix of its element; deviations of forces are the
   length of what the members of a committee make of each edge. */
#ifndef FROZENTL_KOKKOS_UNCERTAINTY_HPP
#define FROZENTL_KOKKOS_UNCERTAINTY_HPP

#include "kokkos/blocks.hpp"
#include "kokkos/exchange.hpp"

extern "C" {
#include "engine/uncertainty.h"
}

namespace frozentl {

/* ---- features times a matrix ---- */

/* [panel][n][columns of the panel], a panel as wide as the lanes; the last one is padded with zeros. */
struct FeatureMatrix {
  const double *panel; /* null: there is none */
  int n, n_panels;
};

template <class Space> class FeatureMatrices {
public:
  static constexpr int width = Lane<Space, double>::lanes * Lane<Space, double>::width;

  /* matrix[n][columns] of the next species; NULL: it has none. */
  void add(const double *matrix, int n, int columns, Store<Space> &store) {
    const int n_panels = (columns + width - 1) / width;
    std::vector<double> panels(matrix ? static_cast<std::size_t>(n_panels) * static_cast<std::size_t>(n) * width : 0);
    for (int f = 0; f < n && matrix; f++)
      for (int c = 0; c < columns; c++)
        panels[(static_cast<std::size_t>(c / width) * static_cast<std::size_t>(n) + static_cast<std::size_t>(f)) *
                   width +
               static_cast<std::size_t>(c % width)] =
            matrix[static_cast<std::size_t>(f) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c)];
    const bool there = matrix || n == 0;
    matrices.push_back({there ? store.upload("matrix of features", panels) : nullptr, n, n_panels});
  }
  /* Species that have none of their own share the last one. */
  void done(int n_species, Store<Space> &store) {
    matrices.resize(static_cast<std::size_t>(n_species), matrices.back());
    on_device = store.upload("matrices of features", matrices);
  }
  bool made() const { return on_device != nullptr; }
  const FeatureMatrix *of_species() const { return on_device; }

private:
  std::vector<FeatureMatrix> matrices;
  const FeatureMatrix *on_device = nullptr;
};

/* Rows of features of receivers: by position, or [block][block_atoms] where that is not 0. */
struct FeatureRows {
  const double *data;
  std::size_t stride;
  int block_atoms;
  KOKKOS_INLINE_FUNCTION const double *row(int block, int atom, int position) const {
    return data + static_cast<std::size_t>(block_atoms ? block * block_atoms + atom : position) * stride;
  }
};

/* Of the receivers of block `begin + item`: factor times the root of the sum of squares of the products, or their
   largest; FTL_TOO_CLOSE without a matrix. */
template <class Space, bool Largest> struct FeatureNorms {
  using lane = Lane<Space, double>;
  using Pack = typename lane::Pack;
  static constexpr int atoms = FTL_BLOCK_ATOMS, panel = FeatureMatrices<Space>::width;
  const FeatureMatrix *of_species;
  FeatureRows features;
  const Block *block;
  const int *order;
  int begin;
  double factor;
  double *to; /* by node */

  static constexpr std::size_t scratch_bytes() { return atoms * panel * sizeof(double); }

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    const Block b = block[begin + item];
    const FeatureMatrix matrix = of_species[b.species];
    if (!matrix.panel) {
      on_lanes(team, b.n, [&](int a) { to[order[b.first + a]] = FTL_TOO_CLOSE; });
      return;
    }
    for (int at = 0; at < b.n; at += atoms) few(team, matrix, item, at, b, reinterpret_cast<double *>(scratch));
  }

private:
  /* Each lane holds what its columns make of the atoms; then each atom adds up what the lanes hold. */
  KOKKOS_INLINE_FUNCTION void few(const Member<Space> &team, const FeatureMatrix &matrix, int item, int at,
                                  const Block &b, double *held) const {
    const int n = b.n - at < atoms ? b.n - at : atoms;
    on_lanes(team, lane::lanes, [&](int l) {
      const double *x[atoms];
      Pack norm[atoms];
      for (int a = 0; a < atoms; a++) {
        const int atom = at + (a < n ? a : 0);
        x[a] = features.row(item, atom, b.first + atom);
        norm[a] = Pack{};
      }
      for (int p = 0; p < matrix.n_panels; p++) {
        const double *w = matrix.panel + static_cast<std::size_t>(p) * static_cast<std::size_t>(matrix.n) * panel;
        Pack sum[atoms];
        for (int a = 0; a < atoms; a++) sum[a] = Pack{};
        for (int f = 0; f < matrix.n; f++, w += panel) {
          const Pack v = load<Pack>(w + l * lane::width);
          for (int a = 0; a < atoms; a++) sum[a] += x[a][f] * v;
        }
        for (int a = 0; a < atoms; a++) norm[a] = with(norm[a], sum[a]);
      }
      for (int a = 0; a < atoms; a++) store(held + a * panel + l * lane::width, norm[a]);
    });
    on_lanes(team, n, [&](int a) {
      double norm = 0;
      for (int k = 0; k < panel; k++) {
        const double x = held[a * panel + k];
        norm = !Largest ? norm + x : x > norm ? x : norm;
      }
      to[order[b.first + at + a]] = factor * (Largest ? norm : sqrt(norm));
    });
  }

  KOKKOS_INLINE_FUNCTION static Pack with(const Pack &norm, const Pack &x) {
    if constexpr (!Largest) return norm + x * x;
    else {
      const Pack size = x < 0 ? -x : x;
      return size > norm ? size : norm;
    }
  }
};

/* ---- the forces of a committee ---- */

/* What members' energies make of a node's forces: F_i += g, F_j -= g, for `width` numbers of each edge. */
struct CollectMembers {
  EdgeList edges;
  int n_local, width;
  const double *gradient; /* [slot][width] */
  double *to;             /* of node 0, added to */
  int stride;
  KOKKOS_INLINE_FUNCTION void operator()(std::int64_t k) const {
    const int j = static_cast<int>(k / width), c = static_cast<int>(k % width);
    double f = 0;
    if (j < n_local)
      for (std::int64_t s = edges.first[j]; s < edges.first[j] + edges.count[j]; s++) f += gradient[s * width + c];
    for (std::int64_t q = edges.first_sent[j]; q < edges.first_sent[j] + edges.count_sent[j]; q++)
      f -= gradient[static_cast<std::int64_t>(edges.sent[q]) * width + c];
    to[static_cast<std::size_t>(j) * stride + c] += f;
  }
};

/* As ftl_force_deviation. */
struct MemberDeviation {
  const double *forces;
  int n_members;
  double scale;
  double *to;
  KOKKOS_INLINE_FUNCTION void operator()(int i) const {
    const double *const f = forces + static_cast<std::size_t>(i) * 3 * n_members;
    double sum = 0;
    for (int k = 0; k < 3 * n_members; k++) sum += f[k] * f[k];
    to[i] = scale * sqrt(sum / n_members);
  }
};

template <class Space> class Committee {
public:
  explicit Committee(const ftl_model *opened) : model(opened) {}

  int members() const { return model->n_committee; }
  int row_doubles() const { return 3 * model->n_committee; }
  double *rows() const { return forces; }
  std::size_t bytes() const { return buffer.bytes(); }

  void begin(int n_total) {
    const std::size_t n = static_cast<std::size_t>(n_total) * static_cast<std::size_t>(row_doubles());
    forces = buffer.template reserve<double>("forces of the committee", n);
    Kokkos::deep_copy(Kokkos::View<double *, typename Space::memory_space>(forces, n), 0.0);
  }
  /* Of some members from `first` on: gradient[slot][width] has 3 numbers for each. */
  void add(const Edges<Space> &edges, const double *gradient, int width, int first) {
    for_each_number<Space>(
        "collect the committee's forces", edges.n_total(), width,
        CollectMembers{edges.list(), edges.n_local(), width, gradient, forces + 3 * first, row_doubles()});
  }
  void deviations(int n_local, double *to) const {
    for_each<Space>("deviations of forces", n_local,
                    MemberDeviation{forces, model->n_committee, model->force_scale, to});
  }

private:
  const ftl_model *model;
  Buffer<Space> buffer;
  double *forces = nullptr; /* [n_total][n_committee][3] */
};

/* FTL_ERR_UNSUPPORTED: the model does not know what is asked of it. */
template <class Space>
ftl_status check_uncertainty(const ftl_model *model, const Output<Space> &output, ftl_error *error) {
  double asked;
  ftl_output same{};
  if (output.extrapolation.data()) same.extrapolation = &asked;
  if (output.energy_deviation.data()) same.energy_deviation = &asked;
  if (output.force_deviation.data()) same.committee_forces = &asked;
  return ftl_uncertainty_check(model, &same, error);
}

} // namespace frozentl

#endif
