/* PACE potentials in a Kokkos execution space (docs/ace.md has the equations): A of a batch of receivers, products and
   energies, dE/dA, and gradients of the edges. One layer, nothing to exchange. */
#ifndef FROZENTL_KOKKOS_ACE_HPP
#define FROZENTL_KOKKOS_ACE_HPP

#include "kokkos/ace_forces.hpp"
#include "kokkos/ace_products.hpp"
#include "kokkos/ace_uncertainty.hpp"
#include "kokkos/exchange.hpp"

#include <algorithm>
#include <optional>

namespace frozentl {

template <class Space, class Real> class AceEvaluator final : public Evaluator<Space> {
public:
  explicit AceEvaluator(const ftl_model *opened) : model(opened), host(*opened->ace) {
    ace = AceUpload<Space, Real>(model, store).ace();
    uncertainty.emplace(model, ace);
    e0 = store.upload("e0", model->e0, static_cast<std::size_t>(model->n_species));
    block_stride = static_cast<std::size_t>(host.n_a + 8 * host.n_chunks) * atoms;
    gather_layout = layout(false);
    force_layout = layout(true);
  }

  ftl_status set_graph(const Graph<Space> &graph, ftl_error *error) override {
    const ftl_status status = edges.set_graph(graph, model->n_species, error);
    if (status) return status;
    if (!blocks.make(graph.n_local, graph.species.data(), model->n_species, order_buffer, block_buffer, position_buffer,
                     atoms))
      return fail(error, FTL_ERR_INPUT, "", "a species index is not one of those that the model is open for");
    const std::size_t local = static_cast<std::size_t>(graph.n_local);
    neighbours.n_species = model->n_species;
    neighbours.start =
        start_buffer.template reserve<int>("starts", local * (static_cast<std::size_t>(model->n_species) + 1));
    neighbours.slot = slot_buffer.template reserve<int>("slots", edges.n_slots());
    node_energy = energy_buffer.template reserve<double>("node_energy", local);
    reserve_batch();
    return FTL_OK;
  }

  ftl_status begin(const Array<const double *[3], Space> &positions, const Output<Space> &wanted,
                   ftl_error *error) override {
    output = wanted;
    ftl_status status = check_uncertainty(model, output, error);
    if (!status) status = edges.begin(positions, model->arch.r_max, error);
    return status ? status : uncertainty->begin(output, edges, static_cast<int>(blocks.host.size()), error);
  }

  void layer_forward(int) override {}
  void layer_reverse(int) override {}

  int n_sweeps() const override { return 1; } /* members' forces come with the functions */

  void last_layer(int) override {
    for_each<Space>("sort edges by element", edges.n_local(), ace_stages::SortEdges{ace, edges.list(), neighbours});
    for (int b = 0, n = static_cast<int>(blocks.host.size()); b < n; b += batch_blocks)
      compute({blocks.block, blocks.order, b}, std::min(batch_blocks, n - b));
    uncertainty->compute(output, blocks, neighbours, edges);
  }

  void end(Totals &totals) override {
    totals.energy = sum_energies<Space>(edges, e0, model->shift, node_energy, output);
    edges.collect(output, totals.virial);
  }

  void force_deviations() override {
    uncertainty->committee.deviations(edges.n_local(), output.force_deviation.data());
  }

  int row_doubles(int) const override { return uncertainty->committee.row_doubles(); }
  void pack_features(int, int, const int *, double *) override {}
  void unpack_features(int, int, int, const double *) override {}
  void pack_adjoints(int t, int n, int first, double *buffer) override {
    pack_rows<Space>(row_doubles(t), n, nullptr, first, uncertainty->committee.rows(), buffer);
  }
  void add_adjoints(int t, int n, const int *nodes, const double *buffer) override {
    add_rows<Space>(row_doubles(t), n, nodes, buffer, uncertainty->committee.rows());
  }
  std::size_t bytes() const override {
    return store.bytes() + uncertainty->bytes() + edges.bytes() + order_buffer.bytes() + block_buffer.bytes() +
           position_buffer.bytes() + start_buffer.bytes() + slot_buffer.bytes() + energy_buffer.bytes() +
           a_buffer.bytes() + adjoint_buffer.bytes() + number_buffer.bytes() + atom_buffer.bytes();
  }

private:
  static constexpr int atoms = AceAtoms<Space>::block;

  /* As many edges at a time as the fast scratch memory has room for. */
  AceLayout layout(bool slopes) const {
    const int width = Lane<Space, Real>::width, n_mixed = host.n_out - host.n_direct;
    const int n_table = (host.table[0].n_functions + width - 1) / width * width; /* as many in every table */
    const int n_functions = n_table + n_mixed + ACE_TILE;                        /* tiles are read beyond the last */
    int n_parts = 0, n_adjoint = 0;
    for (int ij = 0; ij < host.n_species * host.n_species && slopes; ij++) {
      int parts = 0, numbers = 0;
      for (int s = 0; s < host.pair[ij].n_segments; s++) {
        parts += ace_force_tiles(host.pair[ij].segment[s]);
        numbers += host.pair[ij].segment[s].n_lm * host.pair[ij].segment[s].n;
      }
      n_parts = std::max(n_parts, parts);
      n_adjoint = std::max(n_adjoint, numbers);
    }
    AceLayout to{};
    to.value = ACE_ROWS;
    to.slope = to.value + n_functions;
    to.y = to.slope + (slopes ? n_functions : 0);
    to.part = to.y + host.n_lm;
    to.n_rows = to.part + n_parts;
    to.mixed = n_table;
    to.n_adjoint = n_adjoint;
    const std::size_t most = 10 * 1024 - 256; /* of a warp: loops.hpp */
    for (to.chunk = on_host<Space> && !slopes ? 64 : 32;; to.chunk /= 2) {
      to.stride = on_host<Space> ? to.chunk : to.chunk + 1; /* odd: a column's numbers are in different banks */
      if (on_host<Space> || to.bytes(sizeof(Real)) <= most) return to;
      if (to.chunk == 8) break;
    }
    to.chunk = 32; /* in slow memory */
    to.stride = 33;
    return to;
  }

  void reserve_batch() {
    const std::size_t together = ace_blocks_together<Space>(2 * block_stride * sizeof(double), blocks.host.size()),
                      numbers = together * FTL_ACE_MAX_DENSITY * atoms;
    batch_blocks = std::max(1, static_cast<int>(together));
    a = {a_buffer.template reserve<double>("A", together * block_stride), block_stride, atoms};
    adjoint = {adjoint_buffer.template reserve<double>("dE/dA", together * block_stride), block_stride, atoms};
    double *const at = number_buffer.template reserve<double>("densities", 3 * numbers);
    rho = {at, atoms};
    linear = {at + numbers, atoms};
    seed = {at + 2 * numbers, atoms};
    atom = atom_buffer.template reserve<AceAtom>("atoms", together * atoms);
  }

  static void clear(double *p, std::size_t n) {
    Kokkos::deep_copy(Space(), Kokkos::View<double *, typename Space::memory_space>(p, n), 0.0);
  }

  void compute(const AceBatch &batch, int n_blocks) {
    const std::size_t n = static_cast<std::size_t>(n_blocks);
    const int n_items = n_blocks * atoms;
    const EdgeList &list = edges.list();
    clear(a.data, n * block_stride);
    clear(adjoint.data, n * block_stride);
    clear(linear.data, n * FTL_ACE_MAX_DENSITY * atoms);
    for_items<Space>("A", n_items, gather_layout.bytes(sizeof(Real)),
                     AceGather<Space, Real>{ace, batch, neighbours, list, gather_layout, a, linear});
    for_items<Space>("products", n_blocks, 0, AceProducts<Space, false>{ace, batch, neighbours, a, adjoint, rho, seed});
    for_each<Space>(
        "energies", n_items,
        AceEnergies<Space>{ace, model->arch.r_max, batch, neighbours, list, rho, linear, seed, atom, node_energy});
    for_items<Space>("products, reverse", n_blocks, 0,
                     AceProducts<Space, true>{ace, batch, neighbours, a, adjoint, rho, seed});
    for_items<Space>("edges", n_items, force_layout.bytes(sizeof(Real)),
                     AceForces<Space, Real>{ace, batch, neighbours, list, force_layout, adjoint, seed, atom});
  }

  const ftl_model *model;
  const ftl_ace &host;
  Store<Space> store;
  const ftl_ace *ace = nullptr;
  const double *e0 = nullptr;
  std::optional<AceUncertainty<Space>> uncertainty;
  AceLayout gather_layout{}, force_layout{};
  std::size_t block_stride = 0; /* doubles of a block in A */

  Edges<Space> edges;
  Blocks<Space> blocks;
  Output<Space> output;
  AceNeighbours neighbours{};
  int batch_blocks = 1;
  AceSums a{}, adjoint{};
  AceNumbers rho{}, linear{}, seed{};
  AceAtom *atom = nullptr;
  double *node_energy = nullptr;
  Buffer<Space> order_buffer, block_buffer, position_buffer, start_buffer, slot_buffer, energy_buffer, a_buffer,
      adjoint_buffer, number_buffer, atom_buffer;
};

} // namespace frozentl

#endif
