/* First layer's message (prepared.h, ftl_first_layer; docs/theory.md, eq. 12), senders of one element at a time: sums
   of spherical harmonics times radial functions over them, then the folded matrices. */
#ifndef FROZENTL_KOKKOS_FIRST_LAYER_HPP
#define FROZENTL_KOKKOS_FIRST_LAYER_HPP

#include "kokkos/edges.hpp"
#include "kokkos/linear.hpp"

namespace frozentl {

/* Radial functions of a pair of elements. */
struct FirstPair {
  std::size_t phi;
  int pad, class_;
};

template <class Real> struct FirstGeometry {
  EdgeList edges;
  ftl_grid grid;
  int n_species;
  bool raw;              /* harmonics */
  const FirstPair *pair; /* [receiver][sender] */
  const Real *phi;
};

template <class Real> struct FirstEdge {
  Real t;
  int cell; /* within its class; < 0: of another element */
};

template <int Lmax, class Real>
KOKKOS_INLINE_FUNCTION void stage_first_edge(const FirstGeometry<Real> &geometry, int slot, int species, int class_,
                                             FirstEdge<Real> &edge, Real *y) {
  constexpr int n_sh = (Lmax + 1) * (Lmax + 1);
  const EdgeVector &v = geometry.edges.vector[slot];
  double exact[FTL_MAX_SH], t, slope;
  edge.cell = -1;
  if (geometry.edges.species[geometry.edges.node[slot]] != species) return;
  ftl_grid_locate(&geometry.grid, class_, v.r, &edge.cell, &t, &slope);
  edge.t = static_cast<Real>(t);
  edge_harmonics(Lmax, geometry.raw, v, exact);
  for (int lm = 0; lm < n_sh; lm++) y[lm] = static_cast<Real>(exact[lm]);
}

/* sums[lm][function] of a receiver. */
template <class Space, class Real, int Lmax> struct FirstSums {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  FirstGeometry<Real> geometry;
  int species; /* of senders */
  const int *order;
  int first;
  Rows<Real> sums;
  int sums_pad;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    constexpr int n_sh = (Lmax + 1) * (Lmax + 1), n_coefficients = FTL_RADIAL_COEFFICIENTS(sizeof(Real));
    const int position = first + item, i = order[position], n = geometry.edges.count[i];
    const int start = static_cast<int>(geometry.edges.first[i]);
    const FirstPair pair = geometry.pair[geometry.edges.species[i] * geometry.n_species + species];
    Real *const y = reinterpret_cast<Real *>(scratch);
    FirstEdge<Real> *const staged = reinterpret_cast<FirstEdge<Real> *>(y + static_cast<std::size_t>(n) * n_sh);
    on_lanes(team, n, [&](int k) {
      stage_first_edge<Lmax>(geometry, start + k, species, pair.class_, staged[k], y + k * n_sh);
    });
    Real *const to = sums.row(position);
    on_lanes(team, pair.pad / lane::width, [&](int pack) {
      Pack sum[n_sh];
      for (int lm = 0; lm < n_sh; lm++) sum[lm] = Pack{};
      for (int k = 0; k < n; k++) {
        if (staged[k].cell < 0) continue;
        const Real t = staged[k].t;
        const Real *c = geometry.phi + pair.phi + static_cast<std::size_t>(staged[k].cell) * n_coefficients * pair.pad +
                        pack * lane::width;
        Pack f = load<Pack>(c + (n_coefficients - 1) * pair.pad);
        for (int q = n_coefficients - 2; q >= 0; q--) f = f * t + load<Pack>(c + q * pair.pad);
        for (int lm = 0; lm < n_sh; lm++) sum[lm] += y[k * n_sh + lm] * f;
      }
      for (int lm = 0; lm < n_sh; lm++) store(to + lm * sums_pad + pack * lane::width, sum[lm]);
    });
  }
};

/* dE/dr_ij of a receiver's edges from the adjoint of its sums. */
template <class Space, class Real, int Lmax> struct FirstReverse {
  using lane = Lane<Space, Real>;
  using Pack = typename lane::Pack;
  FirstGeometry<Real> geometry;
  int species;
  const int *order;
  int first;
  Rows<Real> sums_adjoint;
  int sums_pad;
  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    constexpr int n_sh = (Lmax + 1) * (Lmax + 1), n_coefficients = FTL_RADIAL_COEFFICIENTS(sizeof(Real));
    const int position = first + item, i = order[position], n = geometry.edges.count[i];
    const int start = static_cast<int>(geometry.edges.first[i]);
    const FirstPair pair = geometry.pair[geometry.edges.species[i] * geometry.n_species + species];
    /* Y, later dE/dY and, last, dE/dt */
    Real *const y = reinterpret_cast<Real *>(scratch);
    FirstEdge<Real> *const staged = reinterpret_cast<FirstEdge<Real> *>(y + static_cast<std::size_t>(n) * (n_sh + 1));
    on_lanes(team, n, [&](int k) {
      stage_first_edge<Lmax>(geometry, start + k, species, pair.class_, staged[k], y + k * (n_sh + 1));
    });
    const Real *const from = sums_adjoint.row(position);
    for (int k = 0; k < n; k++) {
      if (staged[k].cell < 0) continue;
      Real *const yk = y + k * (n_sh + 1);
      EdgeSums<Pack, n_sh> sums;
      sum_lanes(team, pair.pad / lane::width, sums, [&](int pack, EdgeSums<Pack, n_sh> &add) {
        const Real t = staged[k].t;
        const Real *c = geometry.phi + pair.phi + static_cast<std::size_t>(staged[k].cell) * n_coefficients * pair.pad +
                        pack * lane::width;
        Pack f = load<Pack>(c + (n_coefficients - 1) * pair.pad), d = Pack{}, contracted = Pack{};
        for (int q = n_coefficients - 2; q >= 0; q--) {
          d = d * t + f;
          f = f * t + load<Pack>(c + q * pair.pad);
        }
        for (int lm = 0; lm < n_sh; lm++) {
          const Pack w = load<Pack>(from + lm * sums_pad + pack * lane::width);
          add.v[lm] += w * f;
          contracted += w * yk[lm];
        }
        add.slope += lane_sum(contracted * d);
      });
      Kokkos::single(Kokkos::PerThread(team), [&]() {
        for (int q = 0; q < n_sh; q++) yk[q] = static_cast<Real>(lane_sum(sums.v[q]));
        yk[n_sh] = static_cast<Real>(sums.slope);
      });
    }
    on_lanes(team, n, [&](int k) {
      if (staged[k].cell < 0) return;
      const EdgeVector &v = geometry.edges.vector[start + k];
      double dy[FTL_MAX_SH], t, slope;
      int cell;
      ftl_grid_locate(&geometry.grid, pair.class_, v.r, &cell, &t, &slope);
      for (int q = 0; q < n_sh; q++) dy[q] = static_cast<double>(y[k * (n_sh + 1) + q]);
      add_edge_gradient(Lmax, geometry.raw, v, static_cast<double>(y[k * (n_sh + 1) + n_sh]) * slope, dy,
                        geometry.edges.gradient[start + k]);
    });
  }
};

template <class F> void by_lmax(int lmax, const F &f) {
  using std::integral_constant;
  if (lmax == 0) f(integral_constant<int, 0>{});
  else if (lmax == 1) f(integral_constant<int, 1>{});
  else if (lmax == 2) f(integral_constant<int, 2>{});
  else f(integral_constant<int, 3>{});
}

template <class Space, class Real> class FirstLayer {
public:
  FirstLayer() = default;
  FirstLayer(const ftl_model *model, const ftl_grid &in_space, Store<Space> &store)
      : lmax(model->lmax), n_species(model->n_species), raw(model->arch.nequip.raw_harmonics) {
    const ftl_prepared_layer &layer = model->layer[0];
    const ftl_first_layer &first_layer = layer.first_layer;
    grid = in_space;
    const std::size_t n = static_cast<std::size_t>(n_species);
    pad = first_layer.max_pad;
    std::size_t phi_size = 0, v_size = 0, vt_size = 0;
    std::vector<FirstPair> pairs;
    for (int c = 0; c < model->n_classes; c++) {
      const ftl_first_class &class_ = first_layer.class_[c];
      const std::size_t end =
          class_.phi_offset + static_cast<std::size_t>(layer.grid.first[c + 1] - layer.grid.first[c]) *
                                  static_cast<std::size_t>(layer.grid.n_coefficients) *
                                  static_cast<std::size_t>(class_.pad);
      if (end > phi_size) phi_size = end;
    }
    for (std::size_t ij = 0; ij < n * n; ij++) {
      const ftl_first_class &class_ = first_layer.class_[model->pair_class[ij]];
      pairs.push_back({class_.phi_offset, class_.pad, model->pair_class[ij]});
      for (int p = 0; p < first_layer.n_paths; p++) {
        const ftl_layout_block &out = layer.message.b[first_layer.path_out[p]];
        const std::size_t at = ij * static_cast<std::size_t>(first_layer.n_paths) + static_cast<std::size_t>(p);
        const std::size_t end = first_layer.v_offset[at] + static_cast<std::size_t>(class_.pad * out.pad);
        const std::size_t end_transpose = first_layer.vt_offset[at] + static_cast<std::size_t>(out.mul * class_.pad);
        if (end > v_size) v_size = end;
        if (end_transpose > vt_size) vt_size = end_transpose;
      }
    }
    phi = store.upload("radial functions", static_cast<const Real *>(first_layer.phi), phi_size);
    const Real *v = store.upload("first layer", static_cast<const Real *>(first_layer.v), v_size);
    const Real *vt = store.upload("first layer", static_cast<const Real *>(first_layer.v_transpose), vt_size);
    pair = store.upload("pairs", pairs);
    for (std::size_t j = 0; j < n; j++)
      for (int p = 0; p < first_layer.n_paths; p++) {
        const int l = first_layer.path_l[p], panel = FTL_PANEL_VECTORS * model->lanes;
        const ftl_layout_block &out = layer.message.b[first_layer.path_out[p]];
        std::vector<MatrixOf> down, up;
        for (std::size_t i = 0; i < n; i++) {
          const std::size_t at =
              (i * n + j) * static_cast<std::size_t>(first_layer.n_paths) + static_cast<std::size_t>(p);
          const int k = pairs[i * n + j].pad;
          down.push_back({first_layer.v_offset[at], k, out.pad});
          up.push_back({first_layer.vt_offset[at], out.mul, k});
        }
        forward_maps.push_back(
            {v, store.upload("matrices", down), panel, 2 * l + 1, l * l * pad, pad, out.offset, out.pad, false});
        reverse_maps.push_back(
            {vt, store.upload("matrices", up), panel, 2 * l + 1, out.offset, out.pad, l * l * pad, pad, true});
      }
    n_paths = first_layer.n_paths;
  }

  std::size_t sums_dim() const { return static_cast<std::size_t>((lmax + 1) * (lmax + 1) * pad); }

  /* message rows of a batch; `sums` is scratch, sums_dim() numbers for each of its receivers. */
  void forward(const EdgeList &edges, int most_edges, const int *order, const Block *block, const Batch &batch,
               Real *sums, const Rows<Real> &message, int message_dim) const {
    const Rows<Real> rows{sums, sums_dim(), batch.first, nullptr};
    zero<Space>(message, batch, 0, message_dim);
    for (int j = 0; j < n_species; j++) {
      by_lmax(lmax, [&](auto l) {
        constexpr int n_sh = (decltype(l)::value + 1) * (decltype(l)::value + 1);
        for_items<Space>("first layer's sums", batch.n, staged(most_edges, n_sh),
                         FirstSums<Space, Real, decltype(l)::value>{geometry(edges), j, order, batch.first, rows, pad});
      });
      for (int p = 0; p < n_paths; p++) {
        const Map<Real> &map = forward_maps[static_cast<std::size_t>(j * n_paths + p)];
        multiply<Space>("first layer's matrices", map, map.out_pad, rows, message, block, batch, true);
      }
    }
  }
  /* Gradients of the edges from the message's adjoint. */
  void reverse(const EdgeList &edges, int most_edges, const int *order, const Block *block, const Batch &batch,
               Real *sums, const Rows<Real> &message_adjoint) const {
    const Rows<Real> rows{sums, sums_dim(), batch.first, nullptr};
    for (int j = 0; j < n_species; j++) {
      zero<Space>(rows, batch, 0, static_cast<int>(sums_dim())); /* of l that no path reaches */
      for (int p = 0; p < n_paths; p++) {
        const Map<Real> &map = reverse_maps[static_cast<std::size_t>(j * n_paths + p)];
        multiply<Space>("first layer's matrices, reverse", map, pad, message_adjoint, rows, block, batch, true);
      }
      by_lmax(lmax, [&](auto l) {
        constexpr int n_sh = (decltype(l)::value + 1) * (decltype(l)::value + 1);
        for_items<Space>(
            "first layer's edges", batch.n, staged(most_edges, n_sh + 1),
            FirstReverse<Space, Real, decltype(l)::value>{geometry(edges), j, order, batch.first, rows, pad});
      });
    }
  }

private:
  FirstGeometry<Real> geometry(const EdgeList &edges) const { return {edges, grid, n_species, raw, pair, phi}; }
  static std::size_t staged(int n_edges, int numbers) {
    return static_cast<std::size_t>(n_edges) *
               (sizeof(FirstEdge<Real>) + static_cast<std::size_t>(numbers) * sizeof(Real)) +
           64;
  }
  int lmax = 0, n_species = 0, pad = 0, n_paths = 0;
  bool raw = false;
  ftl_grid grid{};
  const FirstPair *pair = nullptr;
  const Real *phi = nullptr;
  std::vector<Map<Real>> forward_maps, reverse_maps;
};

} // namespace frozentl

#endif
