#include "evaluate.h"

#include "kokkos/evaluator.hpp"

#include <cstring>
#include <string>
#include <vector>

using frozentl::Array;

namespace {

template <class Space, class T> Array<T *, Space> to_device(const T *from, std::size_t n) {
  Array<T *, Space> to("test", n + 1);
  if (n > 0)
    Kokkos::deep_copy(Kokkos::subview(to, std::make_pair(std::size_t(0), n)),
                      Kokkos::View<const T *, Kokkos::LayoutRight, Kokkos::HostSpace>(from, n));
  return to;
}
template <class T, class View> void to_host(const View &from, T *to, std::size_t n) {
  auto copy = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), from);
  if (n > 0) std::memcpy(to, copy.data(), n * sizeof(T));
}

/* Ghosts in groups without two of one owner, as a host's exchanges have them: first .. first + n - 1. */
struct Swap {
  int first, n;
};
std::vector<Swap> swaps_of(const int *owner, int n_ghosts, int n_local) {
  std::vector<Swap> swaps;
  std::vector<int> seen(static_cast<std::size_t>(n_local), -1);
  for (int k = 0; k < n_ghosts; k++) {
    int &last = seen[static_cast<std::size_t>(owner[k])];
    const int current = static_cast<int>(swaps.size()) - 1;
    if (current < 0 || last == current) swaps.push_back({k, 0});
    last = static_cast<int>(swaps.size()) - 1;
    swaps.back().n++;
  }
  return swaps;
}

template <class Space>
ftl_status evaluate(const ftl_model *model, const ftl_graph *g, const int *owner, int repeat, kokkos_answer *answer,
                    ftl_error *error) {
  using namespace frozentl;
  const std::size_t local = static_cast<std::size_t>(g->n_local), total = static_cast<std::size_t>(g->n_total);
  const std::size_t n_edges = static_cast<std::size_t>(local > 0 ? g->first_edge[local] : 0);
  const std::size_t n_atoms = g->node ? static_cast<std::size_t>(g->n_atoms) : total;
  const std::int64_t none = 0;
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  std::unique_ptr<Evaluator<Space>> evaluator;
  ftl_status status = make_evaluator<Space>(model, evaluator, error);
  if (status) return status;

  Graph<Space> graph;
  graph.n_local = g->n_local;
  graph.n_total = g->n_total;
  graph.n_atoms = static_cast<int>(n_atoms);
  graph.species = to_device<Space>(g->species, total);
  graph.first_edge = to_device<Space>(local > 0 ? g->first_edge : &none, local + 1);
  graph.sender = to_device<Space>(g->sender, n_edges);
  if (g->node) graph.node = to_device<Space>(g->node, n_atoms);
  Array<double *[3], Space> positions("positions", n_atoms + 1);
  Kokkos::deep_copy(
      Array<double *, Space>(positions.data(), 3 * n_atoms),
      Kokkos::View<const double *, Kokkos::LayoutRight, Kokkos::HostSpace>(&g->position[0][0], 3 * n_atoms));

  const std::vector<Swap> swaps = owner ? swaps_of(owner, g->n_total - g->n_local, g->n_local) : std::vector<Swap>();
  const Array<int *, Space> owners = to_device<Space>(owner, owner ? total - local : 0);
  Totals totals{};
  Output<Space> output;
  if ((status = evaluator->set_graph(graph, error))) return status;
  const auto ask_trust = [&]() {
    if (answer->extrapolation) output.extrapolation = Array<double *, Space>("extrapolation", local);
    if (answer->energy_deviation) output.energy_deviation = Array<double *, Space>("energy_deviation", local);
    if (answer->force_deviation) output.force_deviation = Array<double *, Space>("force_deviation", local);
  };
  if (repeat == 0) {
    ask_trust();
    status = evaluator->begin(positions, output, error);
    answer->bytes = evaluator->bytes();
    return status;
  }
  for (int r = 0; r < repeat; r++) {
    Kokkos::fence();
    Kokkos::Timer timer;
    output.forces = Array<double *[3], Space>("forces", total);
    output.node_energy = Array<double *, Space>("node_energy", local);
    if (answer->atom_virial) output.atom_virial = Array<double *[9], Space>("atom_virial", total);
    if (answer->centroid_virial) output.centroid_virial = Array<double *[9], Space>("centroid_virial", total);
    ask_trust();
    if ((status = evaluator->begin(positions, output, error))) return status;
    const auto buffer_of = [&](int t) {
      return Array<double *, Space>("buffer",
                                    (total - local) * static_cast<std::size_t>(evaluator->row_doubles(t)) + 1);
    };
    for (int t = 0; t + 1 < info.n_layers; t++) {
      evaluator->layer_forward(t);
      const auto buffer = buffer_of(t);
      for (const Swap &swap : swaps) {
        evaluator->pack_features(t, swap.n, owners.data() + swap.first, buffer.data());
        evaluator->unpack_features(t, swap.n, g->n_local + swap.first, buffer.data());
      }
    }
    const auto send_home = [&](int t) {
      const auto buffer = buffer_of(t);
      for (const Swap &swap : swaps) {
        evaluator->pack_adjoints(t, swap.n, g->n_local + swap.first, buffer.data());
        evaluator->add_adjoints(t, swap.n, owners.data() + swap.first, buffer.data());
      }
    };
    for (int sweep = 0; sweep < evaluator->n_sweeps(); sweep++) {
      evaluator->last_layer(sweep);
      for (int t = info.n_layers - 2; t >= 0; t--) {
        send_home(t);
        evaluator->layer_reverse(t);
      }
    }
    evaluator->end(totals);
    if (answer->force_deviation) {
      send_home(info.n_layers - 1);
      evaluator->force_deviations();
    }
    Kokkos::fence();
    answer->seconds = timer.seconds();
  }
  answer->energy = totals.energy;
  std::memcpy(answer->virial, totals.virial, sizeof totals.virial);
  answer->bytes = evaluator->bytes();
  to_host(output.forces, answer->forces, 3 * total);
  to_host(output.node_energy, answer->node_energy, local);
  if (answer->atom_virial) to_host(output.atom_virial, &answer->atom_virial[0][0], 9 * total);
  if (answer->centroid_virial) to_host(output.centroid_virial, &answer->centroid_virial[0][0], 9 * total);
  if (answer->extrapolation) to_host(output.extrapolation, answer->extrapolation, local);
  if (answer->energy_deviation) to_host(output.energy_deviation, answer->energy_deviation, local);
  if (answer->force_deviation) to_host(output.force_deviation, answer->force_deviation, local);
  for (std::size_t k = local; k < total && owner; k++)
    for (std::size_t x = 0; x < 3; x++)
      answer->forces[3 * static_cast<std::size_t>(owner[k - local]) + x] += answer->forces[3 * k + x];
  return FTL_OK;
}

} // namespace

extern "C" {

void kokkos_start(int argc, char **argv) { Kokkos::initialize(argc, argv); }
void kokkos_stop(void) { Kokkos::finalize(); }

const char *const *kokkos_spaces(void) {
  static const char *const names[] = {
#ifdef KOKKOS_ENABLE_SERIAL
      "Serial",
#endif
#ifdef KOKKOS_ENABLE_OPENMP
      "OpenMP",
#endif
#ifdef KOKKOS_ENABLE_THREADS
      "Threads",
#endif
#ifdef KOKKOS_ENABLE_CUDA
      "Cuda",
#endif
      nullptr};
  return names;
}

ftl_status kokkos_evaluate(const char *space, const ftl_model *model, const ftl_graph *graph, const int *owner,
                           int repeat, kokkos_answer *answer, ftl_error *error) {
  const std::string name(space);
#ifdef KOKKOS_ENABLE_SERIAL
  if (name == "Serial") return evaluate<Kokkos::Serial>(model, graph, owner, repeat, answer, error);
#endif
#ifdef KOKKOS_ENABLE_OPENMP
  if (name == "OpenMP") return evaluate<Kokkos::OpenMP>(model, graph, owner, repeat, answer, error);
#endif
#ifdef KOKKOS_ENABLE_THREADS
  if (name == "Threads") return evaluate<Kokkos::Threads>(model, graph, owner, repeat, answer, error);
#endif
#ifdef KOKKOS_ENABLE_CUDA
  if (name == "Cuda") return evaluate<Kokkos::Cuda>(model, graph, owner, repeat, answer, error);
#endif
  return FTL_ERR_ARGUMENT;
}

} // extern "C"
