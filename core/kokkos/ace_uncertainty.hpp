/* Uncertainty of surrogates (engine/uncertainty_ace.c): the functions of the basis one by one, from radial functions as
   they are defined, with what the members of a committee weigh them. As in ace.hpp a batch of blocks goes through A,
   functions and edges; the atoms of a block are side by side. */
#ifndef FROZENTL_KOKKOS_ACE_UNCERTAINTY_HPP
#define FROZENTL_KOKKOS_ACE_UNCERTAINTY_HPP

#include "kokkos/ace_edges.hpp"
#include "kokkos/uncertainty.hpp"

extern "C" {
#include "ace/descriptor_value.h"
#include "ace/radial.h"
}

namespace frozentl {

/* ftl_descriptors, of the elements the model is open for. */
struct AceBasis {
  int n_elements, n_labels, n_base, n_radial, lmax, n_members, max_slots, max_functions;
  const int *element;             /* [species] in the surrogate */
  const int *label_n, *label_row; /* of a label: its radial function, and the row of its harmonic's real part */
  const ftl_ace_bond *bond;       /* [species][species], the centre first */
  const int *n_functions;         /* [species] */
  const ftl_descriptor_function *const *function; /* [species][n_functions] */
  const double *const *weight;                    /* [species][n_functions][n_members] members less the coefficients */

  KOKKOS_INLINE_FUNCTION int label(int n, int l, int m) const {
    return l == 0 ? n : n_base + n_radial * (l * (l + 1) / 2 - 1) + n * (l + 1) + m;
  }
  KOKKOS_INLINE_FUNCTION int n_rows() const { return (lmax + 1) * (lmax + 1); }
};

enum { ACE_BASIS_CHUNK = 8 }; /* edges that are staged at a time */

/* g, with slopes dg, and Y of a few edges, a column each. */
template <class Space> struct AceBasisStaged {
  static constexpr int chunk = ACE_BASIS_CHUNK;
  const ftl_ace *ace;
  AceBasis basis;
  double *g, *dg, *y;

  KOKKOS_INLINE_FUNCTION AceBasisStaged(const ftl_ace *ace_, const AceBasis &basis_, char *scratch)
      : ace(ace_), basis(basis_), g(reinterpret_cast<double *>(scratch)), dg(g + basis_.n_base * chunk),
        y(dg + basis_.n_base * chunk) {}
  KOKKOS_INLINE_FUNCTION double *end() const { return y + basis.n_rows() * chunk; }
  static std::size_t bytes(const AceBasis &basis) {
    return static_cast<std::size_t>((2 * basis.n_base + basis.n_rows()) * chunk) * sizeof(double);
  }

  template <class Team>
  KOKKOS_INLINE_FUNCTION void stage(const Team &team, const ftl_ace_bond &bond, const EdgeVector *vector,
                                    const int *slot, int n) const {
    on_lanes(team, n, [&](int e) {
      double value[FTL_ACE_MAX_RADIAL], slope[FTL_ACE_MAX_RADIAL];
      const EdgeVector v = vector[slot[e]];
      const double direction[3] = {-v.n[0], -v.n[1], -v.n[2]};
      ftl_ace_radial(&bond, basis.n_base, v.r, value, slope);
      for (int k = 0; k < basis.n_base; k++) {
        g[k * chunk + e] = value[k];
        dg[k * chunk + e] = slope[k];
      }
      ace_harmonics(ace, basis.lmax, direction, y + e, chunk);
    });
  }
};

/* Numbers of the atoms of a batch: [block][number][atom of the block]. */
struct AceBasisNumbers {
  double *data;
  std::size_t block_stride;
  int block_atoms;
  KOKKOS_INLINE_FUNCTION double *of_item(int item) const {
    return data + static_cast<std::size_t>(item / block_atoms) * block_stride + item % block_atoms;
  }
};

/* A [element][label][2] of a receiver. */
template <class Space> struct AceBasisSums {
  static constexpr int block_atoms = AceAtoms<Space>::block;
  const ftl_ace *ace;
  AceBasis basis;
  AceBatch batch;
  AceNeighbours neighbours;
  EdgeList edges;
  AceBasisNumbers a; /* zero */

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    constexpr int chunk = ACE_BASIS_CHUNK;
    const AceBasisStaged<Space> staged(ace, basis, scratch);
    int species;
    const int i = batch.receiver(item, block_atoms, &species);
    if (i < 0) return;
    for (int z = 0; z < ace->n_species; z++) {
      const int n = neighbours.count(i, z), *const slot = neighbours.slots(edges, i, z);
      double *const to = a.of_item(item) + 2 * basis.element[z] * basis.n_labels * block_atoms;
      for (int done = 0; done < n; done += chunk) {
        const int now = n - done < chunk ? n - done : chunk;
        staged.stage(team, basis.bond[species * ace->n_species + z], edges.vector, slot + done, now);
        on_lanes(team, basis.n_labels, [&](int k) {
          const int row = basis.label_row[k], l2 = row_of_m0(row);
          const double *const g = staged.g + basis.label_n[k] * chunk, *const y = staged.y + row * chunk;
          double re = 0, im = 0;
          for (int e = 0; e < now; e++) {
            re += g[e] * y[e];
            if (row != l2) im += g[e] * y[chunk + e];
          }
          to[2 * k * block_atoms] += re;
          to[(2 * k + 1) * block_atoms] += im;
        });
      }
    }
  }

private:
  /* l^2 of the row l^2 + ... */
  KOKKOS_INLINE_FUNCTION static int row_of_m0(int row) {
    int l = 0;
    while ((l + 1) * (l + 1) <= row) l++;
    return l * l;
  }
};

/* The functions of each atom; with `adjoint`, what each member's energy has as adjoints of A, [entry of A][member]. */
template <class Space> struct AceBasisFunctions {
  static constexpr int block_atoms = AceAtoms<Space>::block;
  AceBasis basis;
  AceBatch batch;
  AceBasisNumbers a, slot_adjoint, adjoint; /* adjoint: zero */
  double *value;                            /* [item][max_functions] */

  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    int species;
    if (batch.receiver(item, block_atoms, &species) < 0) return;
    const double *const from = a.of_item(item), *weight = basis.weight[species];
    double *const slots = adjoint.data ? slot_adjoint.of_item(item) : nullptr;
    for (int f = 0; f < basis.n_functions[species]; f++, weight += basis.n_members) {
      const ftl_descriptor_function &function = basis.function[species][f];
      value[static_cast<std::size_t>(item) * basis.max_functions + f] =
          ftl_descriptor_value(&function, basis.n_labels, from, slots, block_atoms);
      for (int k = 0; k < 2 * function.n_slots && slots; k++) {
        const ftl_descriptor_slot &slot = function.slot[k / 2];
        const int entry = 2 * (slot.mu * basis.n_labels + slot.label) + k % 2;
        double *const to = adjoint.of_item(item) + static_cast<std::size_t>(entry * basis.n_members) * block_atoms;
        for (int m = 0; m < basis.n_members; m++) to[m * block_atoms] += slots[k * block_atoms] * weight[m];
      }
    }
  }
};

/* Gradients of a receiver's edges for each member, from the adjoints of A. */
template <class Space> struct AceBasisForces {
  static constexpr int block_atoms = AceAtoms<Space>::block, chunk = ACE_BASIS_CHUNK;
  const ftl_ace *ace;
  AceBasis basis;
  AceBatch batch;
  AceNeighbours neighbours;
  EdgeList edges;
  AceBasisNumbers adjoint;
  double *gradient; /* [slot][member][3] */

  static std::size_t scratch_bytes(const AceBasis &basis) {
    return AceBasisStaged<Space>::bytes(basis) +
           static_cast<std::size_t>(basis.n_rows() * basis.n_members * chunk) * sizeof(double);
  }

  KOKKOS_INLINE_FUNCTION void operator()(const Member<Space> &team, int item, char *scratch) const {
    const AceBasisStaged<Space> staged(ace, basis, scratch);
    int species;
    const int i = batch.receiver(item, block_atoms, &species);
    if (i < 0) return;
    for (int z = 0; z < ace->n_species; z++) {
      const int n = neighbours.count(i, z), *const slot = neighbours.slots(edges, i, z);
      const double *const from =
          adjoint.of_item(item) +
          static_cast<std::size_t>(2 * basis.element[z] * basis.n_labels * basis.n_members) * block_atoms;
      for (int done = 0; done < n; done += chunk) {
        const int now = n - done < chunk ? n - done : chunk;
        staged.stage(team, basis.bond[species * ace->n_species + z], edges.vector, slot + done, now);
        on_lanes<Space>(team, basis.n_members, now, [&](int m, int e) { member(staged, from, m, e, slot[done + e]); });
      }
    }
  }

private:
  KOKKOS_INLINE_FUNCTION void member(const AceBasisStaged<Space> &staged, const double *from, int m, int e,
                                     int slot) const {
    const int stride = basis.n_members * chunk;
    double *const dy = staged.end() + m * chunk + e;
    double dr = 0, d[3];
    for (int l = 0, row = 0; l <= basis.lmax; l++)
      for (int part = 0; part < 2 * l + 1; part++, row++) { /* m = 0, then Re and Im of m = 1 ... */
        double value = 0, slope = 0;
        for (int n = 0; n < (l == 0 ? basis.n_base : basis.n_radial); n++) {
          const int entry = 2 * basis.label(n, l, (part + 1) / 2) + (part > 0 && part % 2 == 0);
          const double b = from[static_cast<std::size_t>(entry * basis.n_members + m) * block_atoms];
          value += b * staged.g[n * chunk + e];
          slope += b * staged.dg[n * chunk + e];
        }
        dy[row * stride] = value;
        dr += slope * staged.y[row * chunk + e];
      }
    const EdgeVector &v = edges.vector[slot];
    const double direction[3] = {-v.n[0], -v.n[1], -v.n[2]};
    ace_harmonics_reverse(ace, basis.lmax, ~0u, direction, dy, stride, d);
    const double along = d[0] * direction[0] + d[1] * direction[1] + d[2] * direction[2];
    double *const to = gradient + 3 * (static_cast<std::int64_t>(slot) * basis.n_members + m);
    for (int x = 0; x < 3; x++) to[x] = dr * direction[x] + (d[x] - along * direction[x]) / v.r;
  }
};

/* Receivers that have a neighbour within its pair's inner cutoff, where the potential is not that of the functions. */
template <class Space> struct AceTooClose {
  static constexpr int block_atoms = AceAtoms<Space>::block;
  int n_species;
  const ftl_ace_bond *bond;
  AceBatch batch;
  AceNeighbours neighbours;
  EdgeList edges;
  double *grade;
  KOKKOS_INLINE_FUNCTION void operator()(int item) const {
    int species;
    const int i = batch.receiver(item, block_atoms, &species);
    if (i < 0) return;
    for (int z = 0; z < n_species; z++) {
      const ftl_ace_bond &b = bond[species * n_species + z];
      const int *const slot = neighbours.slots(edges, i, z);
      for (int k = 0; k < neighbours.count(i, z); k++)
        if (b.inner_kind == FTL_ACE_INNER_ZBL && edges.vector[slot[k]].r < b.inner && grade[i] < FTL_TOO_CLOSE)
          grade[i] = FTL_TOO_CLOSE;
    }
  }
};

template <class Space> class AceUncertainty {
public:
  AceUncertainty(const ftl_model *opened, const ftl_ace *on_device)
      : committee(opened), model(opened), ace(on_device) {}

  static bool wanted(const Output<Space> &output) {
    return output.extrapolation.data() || output.energy_deviation.data() || output.force_deviation.data();
  }

  /* What a step with this output needs and the steps before did not. */
  ftl_status begin(const Output<Space> &output, const Edges<Space> &edges, int n_blocks, ftl_error *error) {
    if (!wanted(output)) return FTL_OK;
    if (!basis.function) {
      const ftl_status status = upload(error);
      if (status) return status;
    }
    if (output.extrapolation.data()) {
      upload_inverses();
      clear(output.extrapolation.data(), static_cast<std::size_t>(edges.n_local()));
    }
    if (output.energy_deviation.data()) {
      upload_weights();
      clear(output.energy_deviation.data(), static_cast<std::size_t>(edges.n_local()));
    }
    const int n_a = 2 * basis.n_elements * basis.n_labels;
    const bool forces = output.force_deviation.data();
    const int n_adjoint = forces ? n_a * basis.n_members : 0, n_slots = forces ? 2 * basis.max_slots : 0;
    const std::size_t block =
        static_cast<std::size_t>(n_a + n_adjoint + n_slots + basis.max_functions) * block_atoms * sizeof(double);
    batch_blocks = std::max(1, static_cast<int>(ace_blocks_together<Space>(block, static_cast<std::size_t>(n_blocks))));
    a = numbers(a_buffer, "A", n_a);
    value = numbers(value_buffer, "functions", basis.max_functions).data;
    adjoint = {};
    if (!forces) return FTL_OK;
    slot_adjoint = numbers(slot_buffer, "adjoints of slots", n_slots);
    adjoint = numbers(adjoint_buffer, "members' dE/dA", n_adjoint);
    const std::size_t n_gradient = edges.n_slots() * 3 * static_cast<std::size_t>(basis.n_members);
    gradient = gradient_buffer.template reserve<double>("members' gradients", n_gradient);
    clear(gradient, n_gradient);
    committee.begin(edges.n_total());
    return FTL_OK;
  }

  void compute(const Output<Space> &output, const Blocks<Space> &blocks, const AceNeighbours &neighbours,
               const Edges<Space> &edges) {
    if (!wanted(output)) return;
    for (int b = 0, n = static_cast<int>(blocks.host.size()); b < n; b += batch_blocks)
      compute(output, {blocks.block, blocks.order, b}, std::min(batch_blocks, n - b), neighbours, edges.list());
    if (adjoint.data) committee.add(edges, gradient, 3 * basis.n_members, 0);
  }

  Committee<Space> committee;
  std::size_t bytes() const {
    return store.bytes() + a_buffer.bytes() + value_buffer.bytes() + slot_buffer.bytes() + adjoint_buffer.bytes() +
           gradient_buffer.bytes() + committee.bytes();
  }

private:
  static constexpr int block_atoms = AceAtoms<Space>::block;

  static void clear(double *p, std::size_t n) {
    Kokkos::deep_copy(Space(), Kokkos::View<double *, typename Space::memory_space>(p, n), 0.0);
  }
  AceBasisNumbers numbers(Buffer<Space> &buffer, const char *name, int n) const {
    const std::size_t stride = static_cast<std::size_t>(n) * block_atoms;
    return {buffer.template reserve<double>(name, static_cast<std::size_t>(batch_blocks) * stride), stride,
            block_atoms};
  }

  void compute(const Output<Space> &output, const AceBatch &batch, int n_blocks, const AceNeighbours &neighbours,
               const EdgeList &edges) {
    const int n_items = n_blocks * block_atoms;
    const std::size_t n = static_cast<std::size_t>(n_blocks);
    clear(a.data, n * a.block_stride);
    if (adjoint.data) clear(adjoint.data, n * adjoint.block_stride);
    for_items<Space>("A of functions", n_items, AceBasisStaged<Space>::bytes(basis),
                     AceBasisSums<Space>{ace, basis, batch, neighbours, edges, a});
    for_each<Space>("functions", n_items, AceBasisFunctions<Space>{basis, batch, a, slot_adjoint, adjoint, value});
    if (output.extrapolation.data()) {
      norms<true>("extrapolation", inverses, batch, n_blocks, 1, output.extrapolation.data());
      for_each<Space>(
          "too close", n_items,
          AceTooClose<Space>{model->n_species, basis.bond, batch, neighbours, edges, output.extrapolation.data()});
    }
    if (output.energy_deviation.data())
      norms<false>("deviations of energies", weights, batch, n_blocks, model->energy_scale / sqrt(basis.n_members),
                   output.energy_deviation.data());
    if (adjoint.data)
      for_items<Space>("members' edges", n_items, AceBasisForces<Space>::scratch_bytes(basis),
                       AceBasisForces<Space>{ace, basis, batch, neighbours, edges, adjoint, gradient});
  }

  template <bool Largest>
  void norms(const char *name, const FeatureMatrices<Space> &matrices, const AceBatch &batch, int n_blocks,
             double factor, double *to) {
    using Stage = FeatureNorms<Space, Largest>;
    for_items<Space>(name, n_blocks, Stage::scratch_bytes(),
                     Stage{matrices.of_species(),
                           {value, static_cast<std::size_t>(basis.max_functions), block_atoms},
                           batch.block,
                           batch.order,
                           batch.begin,
                           factor,
                           to});
  }

  /* ---- tables ---- */

  int element_of(int species) const {
    return ftl_uncertainty_element(model->surrogate, model->arch.atomic_numbers[species]);
  }

  ftl_status upload(ftl_error *error) {
    const ftl_surrogate &s = *model->surrogate;
    const int n_species = model->n_species;
    std::vector<int> element, n_functions, row;
    std::vector<ftl_ace_bond> bond;
    for (int z = 0; z < n_species; z++) {
      element.push_back(element_of(z));
      if (element.back() < 0)
        return fail(error, FTL_ERR_FORMAT, "", "the surrogate's error estimates do not know all of its elements");
      n_functions.push_back(s.file.n_functions[element.back()]);
    }
    for (int mu : element)
      for (int nu : element) bond.push_back(s.file.bond[mu * s.file.n_elements + nu]);
    ftl_descriptors *plan;
    const ftl_status status = ftl_descriptors_new(&s, &plan, error);
    if (status) return status;
    for (int k = 0; k < plan->n_labels; k++) {
      int l = 0;
      while ((l + 1) * (l + 2) / 2 <= plan->label_lm[k]) l++;
      const int m = plan->label_lm[k] - l * (l + 1) / 2;
      row.push_back(l * l + (m > 0 ? 2 * m - 1 : 0));
    }
    basis.n_elements = plan->n_species;
    basis.n_labels = plan->n_labels;
    basis.n_base = plan->n_base;
    basis.n_radial = plan->n_radial;
    basis.lmax = plan->lmax;
    basis.n_members = s.n_committee;
    basis.max_slots = plan->max_slots;
    basis.max_functions = plan->max_functions;
    basis.element = store.upload("elements", element);
    basis.n_functions = store.upload("numbers of functions", n_functions);
    basis.label_n = store.upload("labels", plan->label_n, row.size());
    basis.label_row = store.upload("labels", row);
    basis.bond = store.upload("bonds", bond);
    basis.weight = upload_weight_rows(element);
    basis.function = upload_functions(*plan, element);
    ftl_descriptors_free(plan);
    return FTL_OK;
  }

  const ftl_descriptor_function *const *upload_functions(const ftl_descriptors &plan, const std::vector<int> &element) {
    std::vector<const ftl_descriptor_function *> lists;
    for (int mu : element) {
      const int n = plan.file->n_functions[mu];
      std::vector<ftl_descriptor_function> list(plan.function[mu], plan.function[mu] + n);
      std::size_t n_slots = 0, n_terms = 0, n_factors = 0; /* those of an element follow one another */
      for (const ftl_descriptor_function &f : list) {
        n_slots += static_cast<std::size_t>(f.n_slots);
        n_terms += static_cast<std::size_t>(f.n_terms);
        n_factors += static_cast<std::size_t>(f.n_terms * f.rank);
      }
      if (n == 0) {
        lists.push_back(nullptr);
        continue;
      }
      const ftl_descriptor_function first = list[0];
      const auto *const slot = store.upload("slots", first.slot, n_slots);
      const auto *const c = store.upload("couplings", first.c, n_terms);
      const auto *const factor = store.upload("factors", first.factor, n_factors);
      for (ftl_descriptor_function &f : list) {
        f.slot = slot + (f.slot - first.slot);
        f.c = c + (f.c - first.c);
        f.factor = factor + (f.factor - first.factor);
      }
      lists.push_back(store.upload("functions", list));
    }
    return store.upload("functions", lists);
  }

  /* Members less the coefficients, [n_functions][n_members] of each species. */
  std::vector<double> weights_of(int element) const {
    const ftl_surrogate &s = *model->surrogate;
    std::vector<double> weight;
    for (int f = s.first[element]; f < s.first[element + 1]; f++)
      for (int k = 0; k < s.n_committee; k++)
        weight.push_back(s.committee[k * s.first[s.file.n_elements] + f] - s.coefficient[f]);
    return weight;
  }
  const double *const *upload_weight_rows(const std::vector<int> &element) {
    std::vector<const double *> rows;
    for (int mu : element) rows.push_back(store.upload("weights of the committee", weights_of(mu)));
    return store.upload("weights of the committee", rows);
  }

  void upload_weights() {
    if (weights.made()) return;
    const ftl_surrogate &s = *model->surrogate;
    for (int z = 0; z < model->n_species; z++)
      weights.add(weights_of(element_of(z)).data(), s.file.n_functions[element_of(z)], s.n_committee, store);
    weights.done(model->n_species, store);
  }
  void upload_inverses() {
    if (inverses.made()) return;
    for (int z = 0; z < model->n_species; z++) {
      int n = 0;
      const double *const active = ftl_uncertainty_active(model, z, &n);
      inverses.add(active, n, n, store);
    }
    inverses.done(model->n_species, store);
  }

  const ftl_model *model;
  const ftl_ace *ace; /* in the space's memory */
  Store<Space> store;
  AceBasis basis{};
  FeatureMatrices<Space> inverses, weights;
  int batch_blocks = 1;
  AceBasisNumbers a{}, slot_adjoint{}, adjoint{};
  double *value = nullptr, *gradient = nullptr;
  Buffer<Space> a_buffer, value_buffer, slot_buffer, adjoint_buffer, gradient_buffer;
};

} // namespace frozentl

#endif
