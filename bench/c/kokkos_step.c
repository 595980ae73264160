/* One evaluation of a model on rattled fcc copper with 2 % of hydrogen (or of a model's first element alone), in each
   execution space of Kokkos, beside the C core on one thread: time and memory.

     kokkos_step MODEL CELLS double|mixed [SPACE [memory] [gamma] [energy] [force]]

   With `memory`, an evaluation is only begun: its memory is all there then. The other words ask for extrapolation and
   for deviations of energies and forces besides. Prints CSV: engine,atoms,edges per atom,microseconds per atom,bytes
   per atom,largest difference of forces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kokkos/evaluate.h"
#include "neighbour/neighbours.h"

#define LATTICE 3.615 /* as bench/lib/structures.py */
#define RATTLE  0.05
#define SKIN    1.0 /* of LAMMPS' list, roughly */
#define REPEAT  2   /* the second is timed: buffers are there */

static void stop(const char *what) {
  fprintf(stderr, "kokkos_step: %s\n", what);
  exit(1);
}
static void check(ftl_status status, const ftl_error *error) {
  if (status) stop(error->message);
}

static double uniform(unsigned long long *state) {
  *state = *state * 6364136223846793005ull + 1442695040888963407ull;
  return (double)(*state >> 11) / 9007199254740992.0;
}
static double gauss(unsigned long long *state) {
  return sqrt(-2 * log(uniform(state) + 1e-300)) * cos(2 * M_PI * uniform(state));
}

/* Returns the number of atoms. */
static int crystal(const ftl_model *model, int cells, int **species, double (**position)[3]) {
  static const double fcc[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
  int copper = ftl_model_species(model, 29), hydrogen = ftl_model_species(model, 1), n = 0;
  unsigned long long state = 1;
  *species = calloc((size_t)cells * (size_t)cells * (size_t)cells * 5, sizeof **species);
  *position = calloc((size_t)cells * (size_t)cells * (size_t)cells * 5, sizeof **position);
  if (!*species || !*position) stop("out of memory");
  for (int c = 0; c < cells * cells * cells; c++) {
    const double corner[3] = {c % cells, c / cells % cells, c / (cells * cells)};
    for (int k = 0; k < 5; k++) {
      const int is_hydrogen = k == 4;
      if (is_hydrogen && (hydrogen < 0 || copper < 0 || uniform(&state) >= 0.08)) continue;
      for (int x = 0; x < 3; x++)
        (*position)[n][x] = LATTICE * (corner[x] + (is_hydrogen ? 0.5 : fcc[k][x])) + RATTLE * gauss(&state);
      (*species)[n++] = is_hydrogen ? hydrogen : copper < 0 ? 0 : copper;
    }
  }
  return n;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 4) stop("usage: kokkos_step MODEL CELLS double|mixed [SPACE [memory] [gamma] [energy] [force]]");
  static const char *const words[] = {"memory", "gamma", "energy", "force"};
  int wanted[4] = {0};
  for (int k = 5; k < argc; k++) {
    int w = 0;
    while (w < 4 && strcmp(argv[k], words[w]) != 0) w++;
    if (w == 4) stop("after SPACE may follow memory, gamma, energy, force");
    wanted[w] = 1;
  }
  const int memory_only = wanted[0];
  const int cells = atoi(argv[2]);
  ftl_open_options options = {.precision = strcmp(argv[3], "mixed") == 0 ? FTL_MIXED : FTL_DOUBLE};
  static const int elements[2] = {1, 29};
  ftl_model *model;
  ftl_workspace *ws;
  ftl_error error = {0};
  if (cells < 1) stop("CELLS is a number of unit cells along an edge");
  options.elements = elements;
  options.n_elements = 2;
  if (ftl_model_open(argv[1], &options, &model, &error)) { /* not for copper: as it is */
    options.elements = NULL;
    options.n_elements = 0;
    check(ftl_model_open(argv[1], &options, &model, &error), &error);
  }
  kokkos_start(1, argv);
  int *species;
  double(*position)[3];
  const int n = crystal(model, cells, &species, &position), pbc[3] = {1, 1, 1};
  const double edge = LATTICE * cells, cell[3][3] = {{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}};
  double *forces = calloc(3 * (size_t)n, sizeof *forces), *node_energy = calloc((size_t)n, sizeof *node_energy);
  double *others = calloc(3 * (size_t)n, sizeof *others), *trust = calloc(3 * (size_t)n, sizeof *trust);
  if (!forces || !node_energy || !others || !trust) stop("out of memory");
  double *const asked[3] = {wanted[1] ? trust : NULL, wanted[2] ? trust + n : NULL, wanted[3] ? trust + 2 * n : NULL};

  ftl_result result = {.forces = forces,
                       .node_energy = node_energy,
                       .extrapolation = asked[0],
                       .energy_deviation = asked[1],
                       .force_deviation = asked[2]};
  check(ftl_workspace_new(model, 1, &ws, &error), &error);
  double spent = 0;
  for (int k = 0; k < REPEAT && !memory_only; k++) {
    const double start = seconds();
    check(ftl_compute(ws, n, species, (const double(*)[3])position, cell, pbc, &result, &error), &error);
    spent = seconds() - start;
  }
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  ftl_neighbours list = {0};
  check(ftl_neighbours_build_images(&list, n, (const double(*)[3])position, cell, pbc, info.cutoff + SKIN, &error),
        &error);
  if (!memory_only)
    printf("C core,%d,%.1f,%.2f,%.0f,0\n", n, (double)list.n_edges / n, 1e6 * spent / n,
           (double)ftl_workspace_bytes(ws) / n);
  ftl_workspace_free(ws);
  const ftl_graph graph = {.n_local = n,
                           .n_total = n,
                           .species = species,
                           .first_edge = list.first_edge,
                           .sender = list.sender,
                           .position = (const double(*)[3])list.position,
                           .n_atoms = list.n_atoms,
                           .node = list.node};
  for (const char *const *space = kokkos_spaces(); *space; space++) {
    if (argc > 4 && strcmp(argv[4], *space) != 0) continue;
    kokkos_answer answer = {.forces = others,
                            .node_energy = node_energy,
                            .extrapolation = asked[0],
                            .energy_deviation = asked[1],
                            .force_deviation = asked[2]};
    check(kokkos_evaluate(*space, model, &graph, NULL, memory_only ? 0 : REPEAT, &answer, &error), &error);
    double most = 0, differ = 0;
    for (int k = 0; k < 3 * n; k++) {
      most = fmax(most, fabs(forces[k]));
      differ = fmax(differ, fabs(forces[k] - others[k]));
    }
    printf("%s,%d,%.1f,%.2f,%.0f,%.2g\n", *space, n, (double)list.n_edges / n, 1e6 * answer.seconds / n,
           (double)answer.bytes / n, memory_only ? 0 : differ / most);
  }
  kokkos_stop();
  ftl_neighbours_free(&list);
  ftl_model_free(model);
  free(species), free(position), free(forces), free(node_energy), free(others), free(trust);
  return 0;
}
