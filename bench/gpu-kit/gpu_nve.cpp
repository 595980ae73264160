/* Dynamics at constant energy in the memory of a Kokkos space, twice from the same start:

     gpu_kit nve MODEL CELLS double|mixed SPACE STEPS

   Velocity Verlet, 0.5 fs, copper with 2 % of hydrogen at 300 K (or a model's first element). Positions, velocities and
   forces stay in the space; lists are made on the host when an atom has moved half of their skin. Prints CSV:
   run,ps,lists made, and energies in eV per atom; then the drift of the total energy (slope of a line through it) and
   whether both runs end in the same bits. Ends with 1 if they do not, or if the drift of at least 2000 steps is above
   its limit. */
#include "kit.h"

#include "c/crystal.h"
#include "kokkos/evaluate.h"
#include "kokkos/instances.hpp"
#include "kokkos/step.hpp"

extern "C" {
#include "base/masses.h"
#include "neighbour/neighbours.h"
}

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace frozentl;

namespace {

constexpr double time_step = 0.0005;           /* ps */
constexpr double acceleration = 9648.533212;   /* Angstrom/ps^2 of 1 eV/(Angstrom u) */
constexpr double boltzmann = 8.617333262e-5;   /* eV/K */
constexpr double temperature = 300, skin = 1;  /* K, Angstrom */
constexpr double most_drift[2] = {1e-6, 1e-5}; /* eV/atom/ps, double and mixed */
constexpr int lines = 20;                      /* of a run */
constexpr int long_enough = 2000;              /* steps: in shorter runs the slope is that of vibrations */

[[noreturn]] void stop(const char *what) {
  std::fprintf(stderr, "gpu_kit nve: %s\n", what);
  std::exit(2);
}

struct Start {
  const ftl_model *model;
  int n, steps;
  double edge;
  int *species;
  double (*position)[3];
  std::vector<double> mass, velocity;
};

struct End {
  std::vector<double> position, velocity;
  double drift;
};

/* Normal velocities without a momentum. */
void make_velocities(Start &start) {
  ftl_model_info info;
  ftl_model_get_info(start.model, &info);
  unsigned long long state = 5;
  double momentum[3] = {0}, sum = 0;
  for (int i = 0; i < start.n; i++) {
    const double m = ftl_atomic_weight(info.atomic_numbers[start.species[i]]);
    start.mass.push_back(m);
    sum += m;
    for (double &p : momentum) {
      start.velocity.push_back(std::sqrt(boltzmann * temperature * acceleration / m) * ftl_bench_gauss(&state));
      p += m * start.velocity.back();
    }
  }
  for (std::size_t k = 0; k < start.velocity.size(); k++) start.velocity[k] -= momentum[k % 3] / sum;
}

template <class Space> class Dynamics {
public:
  explicit Dynamics(const Start &from) : start(from), n(static_cast<std::size_t>(from.n)) {
    ftl_model_get_info(start.model, &info);
    if (make_evaluator<Space>(start.model, evaluator, &error)) stop(error.message);
    x = vectors_in<Space>(start.position, n);
    v = vectors_in<Space>(reinterpret_cast<const double(*)[3]>(start.velocity.data()), n);
    mass = to_device<Space>(start.mass.data(), n);
    forces = Array<double *[3], Space>("forces", n);
    energies = Array<double *, Space>("energies", n);
  }
  ~Dynamics() { ftl_neighbours_free(&list); }
  Dynamics(const Dynamics &) = delete;
  Dynamics &operator=(const Dynamics &) = delete;

  End run(int number) {
    double sums[4] = {0}; /* of t, e, t t, t e, for the line through the energies */
    make_list();
    evaluate();
    const double first = potential + kinetic();
    for (int s = 1; s <= start.steps; s++) {
      kick_and_drift();
      if (moved() > skin / 2) make_list();
      evaluate();
      kick();
      const double t = s * time_step, now = kinetic(), e = (potential + now - first) / start.n;
      const double terms[4] = {t, e, t * t, t * e};
      for (int k = 0; k < 4; k++) sums[k] += terms[k];
      if (s % ((start.steps + lines - 1) / lines) == 0 || s == start.steps)
        std::printf("%d,%.4f,%d,%.9f,%.9f,%.9f\n", number, t, lists, potential / start.n, now / start.n,
                    (potential + now) / start.n);
    }
    const double m = start.steps;
    return {to_host(x), to_host(v), (m * sums[3] - sums[0] * sums[1]) / (m * sums[2] - sums[0] * sums[0])};
  }

  /* CUDA wants kernels in functions that are not private. */
  void kick() {
    const auto to = v, f = forces;
    const auto m = mass;
    Kokkos::parallel_for(
        "kick", Kokkos::RangePolicy<Space>(0, start.n), KOKKOS_LAMBDA(int i) {
          for (int k = 0; k < 3; k++) to(i, k) += 0.5 * time_step * acceleration / m(i) * f(i, k);
        });
  }
  void kick_and_drift() {
    kick();
    const auto to = x, from = v;
    Kokkos::parallel_for(
        "drift", Kokkos::RangePolicy<Space>(0, start.n), KOKKOS_LAMBDA(int i) {
          for (int k = 0; k < 3; k++) to(i, k) += time_step * from(i, k);
        });
  }
  double kinetic() {
    const auto from = v;
    const auto m = mass;
    double sum = 0;
    Kokkos::parallel_reduce(
        "kinetic energy", Kokkos::RangePolicy<Space>(0, start.n),
        KOKKOS_LAMBDA(int i, double &part) {
          for (int k = 0; k < 3; k++) part += 0.5 / acceleration * m(i) * from(i, k) * from(i, k);
        },
        sum);
    return sum;
  }
  /* Angstrom, the farthest since the list was made. */
  double moved() {
    const auto now = x, then = at_list;
    double most = 0;
    Kokkos::parallel_reduce(
        "moved", Kokkos::RangePolicy<Space>(0, start.n),
        KOKKOS_LAMBDA(int i, double &largest) {
          double d = 0;
          for (int k = 0; k < 3; k++) d += (now(i, k) - then(i, k)) * (now(i, k) - then(i, k));
          if (d > largest) largest = d;
        },
        Kokkos::Max<double>(most));
    return std::sqrt(most);
  }
  void move_images() {
    const auto to = images, from = x, by = shift;
    const auto node = graph.node;
    Kokkos::parallel_for(
        "images", Kokkos::RangePolicy<Space>(0, graph.n_atoms), KOKKOS_LAMBDA(int a) {
          for (int k = 0; k < 3; k++) to(a, k) = from(node(a), k) + by(a, k);
        });
  }

private:
  void make_list() {
    const double cell[3][3] = {{start.edge, 0, 0}, {0, start.edge, 0}, {0, 0, start.edge}};
    const int pbc[3] = {1, 1, 1};
    const std::vector<double> at = to_host(x);
    if (ftl_neighbours_build_images(&list, start.n, reinterpret_cast<const double(*)[3]>(at.data()), cell, pbc,
                                    info.cutoff + skin, &error))
      stop(error.message);
    std::vector<double> shifts;
    for (int a = 0; a < list.n_atoms; a++)
      for (int k = 0; k < 3; k++)
        shifts.push_back(list.position[a][k] - at[static_cast<std::size_t>(3 * list.node[a] + k)]);
    const ftl_graph g = {start.n, start.n, start.species, list.first_edge, list.sender,
                         nullptr, nullptr, list.n_atoms,  list.node};
    graph = graph_in<Space>(&g);
    shift =
        vectors_in<Space>(reinterpret_cast<const double(*)[3]>(shifts.data()), static_cast<std::size_t>(list.n_atoms));
    images = Array<double *[3], Space>("images", static_cast<std::size_t>(list.n_atoms));
    at_list = vectors_in<Space>(reinterpret_cast<const double(*)[3]>(at.data()), n);
    if (evaluator->set_graph(graph, &error)) stop(error.message);
    lists++;
  }
  void evaluate() {
    const auto alone = [](int) {}; /* images share their atom's rows */
    Output<Space> output;
    Totals totals{};
    move_images();
    Kokkos::deep_copy(forces, 0.0);
    output.forces = forces;
    output.node_energy = energies;
    if (step(*evaluator, info.n_layers, Array<const double *[3], Space>(images), output, alone, alone, totals, &error))
      stop(error.message);
    potential = totals.energy;
  }
  std::vector<double> to_host(const Array<double *[3], Space> &from) const {
    std::vector<double> to(3 * n);
    const auto copy = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), from);
    std::memcpy(to.data(), copy.data(), to.size() * sizeof(double));
    return to;
  }

  const Start &start;
  std::size_t n;
  ftl_model_info info;
  ftl_error error{};
  std::unique_ptr<Evaluator<Space>> evaluator;
  ftl_neighbours list{};
  Graph<Space> graph;
  Array<double *[3], Space> x, v, forces, images, shift, at_list;
  Array<double *, Space> mass, energies;
  double potential = 0;
  int lists = 0;
};

template <class Space> int both_runs(const Start &start, bool mixed) {
  End ends[2];
  std::printf("run,ps,lists,potential,kinetic,total\n");
  for (int k = 0; k < 2; k++) {
    Dynamics<Space> dynamics(start);
    ends[k] = dynamics.run(k + 1);
    std::fflush(stdout);
  }
  const bool same = ends[0].position == ends[1].position && ends[0].velocity == ends[1].velocity;
  const bool judged = start.steps >= long_enough, fine = !judged || std::fabs(ends[0].drift) <= most_drift[mixed];
  std::printf("drift,%.2g eV/atom/ps,limit %.0g,%s\n", ends[0].drift, most_drift[mixed],
              !judged ? "too short to tell"
              : fine  ? "within"
                      : "ABOVE");
  std::printf("bits,%s\n", same ? "the same twice" : "DIFFER");
  return fine && same ? 0 : 1;
}

} // namespace

int gpu_nve(int argc, char **argv) {
  if (argc != 6) stop("usage: gpu_kit nve MODEL CELLS double|mixed SPACE STEPS");
  const bool mixed = std::strcmp(argv[3], "mixed") == 0;
  const int cells = std::atoi(argv[2]), steps = std::atoi(argv[5]);
  if (cells < 1 || steps < 2) stop("CELLS is a number of unit cells along an edge, STEPS at least 2");
  kokkos_start(1, argv);
  ftl_error error{};
  ftl_model *model;
  if (ftl_open_for_crystal(argv[1], mixed ? FTL_MIXED : FTL_DOUBLE, &model, &error)) stop(error.message);
  Start start{model, 0, steps, LATTICE * cells, nullptr, nullptr, {}, {}};
  start.n = ftl_crystal(model, cells, &start.species, &start.position);
  if (start.n < 0) stop("out of memory");
  make_velocities(start);
  int end = 2;
#define FTL_RUN(Space)                                                                                                 \
  if (!std::strcmp(argv[4], Space::name())) end = both_runs<Space>(start, mixed);
  FTL_FOR_EACH_SPACE(FTL_RUN)
  if (end == 2) std::fprintf(stderr, "gpu_kit nve: this program was not compiled for space '%s'\n", argv[4]);
  std::free(start.species);
  std::free(start.position);
  ftl_model_free(model);
  kokkos_stop();
  return end;
}
