#include "evaluate.h"

#include "step.hpp"

#include "kokkos/instances.hpp"
#include "kokkos/tables.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

using frozentl::Array;

namespace {

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
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  std::unique_ptr<Evaluator<Space>> evaluator;
  ftl_status status = make_evaluator<Space>(model, evaluator, error);
  if (status) return status;

  const Graph<Space> graph = graph_in<Space>(g);
  const Array<double *[3], Space> positions = vectors_in<Space>(g->position, static_cast<std::size_t>(graph.n_atoms));

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
    const auto buffer_of = [&](int t) {
      return Array<double *, Space>("buffer",
                                    (total - local) * static_cast<std::size_t>(evaluator->row_doubles(t)) + 1);
    };
    const auto fill_ghosts = [&](int t) {
      const auto buffer = buffer_of(t);
      for (const Swap &swap : swaps) {
        evaluator->pack_features(t, swap.n, owners.data() + swap.first, buffer.data());
        evaluator->unpack_features(t, swap.n, g->n_local + swap.first, buffer.data());
      }
    };
    const auto send_home = [&](int t) {
      const auto buffer = buffer_of(t);
      for (const Swap &swap : swaps) {
        evaluator->pack_adjoints(t, swap.n, g->n_local + swap.first, buffer.data());
        evaluator->add_adjoints(t, swap.n, owners.data() + swap.first, buffer.data());
      }
    };
    if ((status = step(*evaluator, info.n_layers, positions, output, fill_ghosts, send_home, totals, error)))
      return status;
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

void kokkos_start(int argc, char **argv) {
#ifdef KOKKOS_ENABLE_CUDA
  int n_devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&n_devices);
  if (status != cudaSuccess || n_devices == 0) {
    std::fprintf(stderr,
                 "%s: no GPU can be used here (CUDA says: %s); an NVIDIA GPU of compute capability 8.0 or later and a "
                 "driver for CUDA %d.%d are needed\n",
                 argv[0], cudaGetErrorString(status), CUDART_VERSION / 1000, CUDART_VERSION / 10 % 100);
    std::exit(3);
  }
#endif
  Kokkos::initialize(argc, argv);
}
void kokkos_stop(void) { Kokkos::finalize(); }

const char *const *kokkos_spaces(void) {
#define FTL_NAME(Space) Space::name(),
  static const char *const names[] = {FTL_FOR_EACH_SPACE(FTL_NAME) nullptr};
  return names;
}

/* The first sentence of what Kokkos or CUDA says. */
static ftl_status fail_as(const std::exception &failure, const std::string &space, ftl_error *error) {
  const std::string text = failure.what(), sentence = text.substr(0, text.find('\n'));
  const bool memory = text.find("alloc") != std::string::npos || text.find("memory") != std::string::npos;
  return frozentl::fail(error, memory ? FTL_ERR_MEMORY : FTL_ERR_ARGUMENT, "space " + space,
                        memory ? "out of memory: " + sentence : sentence);
}

ftl_status kokkos_evaluate(const char *space, const ftl_model *model, const ftl_graph *graph, const int *owner,
                           int repeat, kokkos_answer *answer, ftl_error *error) {
  const std::string name(space);
#define FTL_EVALUATE(Space)                                                                                            \
  if (name == Space::name()) return evaluate<Space>(model, graph, owner, repeat, answer, error);
  try {
    FTL_FOR_EACH_SPACE(FTL_EVALUATE)
  } catch (const std::exception &failure) {
    return fail_as(failure, name, error);
  }
  return frozentl::fail(error, FTL_ERR_ARGUMENT, "space " + name, "this program was not compiled for it");
}

} // extern "C"
