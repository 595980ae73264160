/* One evaluation of a model on rattled fcc copper with 2 % of hydrogen (or of a model's first element alone), in each
   execution space of Kokkos, beside the C core on one thread: time and memory.

     kokkos_step MODEL CELLS double|mixed [SPACE [memory] [alone] [stages] [gamma] [energy] [force]]

   With `memory`, an evaluation is only begun: its memory is all there then. `alone` leaves out the C core, `stages`
   adds the time of each kernel, of one more step in which the space is waited for after each. The other words ask for
   extrapolation and for deviations of energies and forces besides. Prints CSV: engine,atoms,edges per atom,microseconds
   per atom,bytes per atom,largest difference of forces; stages as SPACE/NAME,atoms,launches,microseconds per atom. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crystal.h"
#include "kokkos/evaluate.h"
#include "kokkos/stage_times.h"
#include "neighbour/neighbours.h"

#define SKIN   1.0 /* of LAMMPS' list, roughly */
#define REPEAT 2   /* the second is timed: buffers are there */

enum { MEMORY, ALONE, STAGES, GAMMA, ENERGY, FORCE, N_WORDS };
enum { MOST_STAGES = 256 };

static void stop(const char *what) {
  fprintf(stderr, "kokkos_step: %s\n", what);
  exit(1);
}
static void check(ftl_status status, const ftl_error *error) {
  if (status) stop(error->message);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_stages(const char *space, int n) {
  static kokkos_stage stages[MOST_STAGES];
  const int found = kokkos_stages(stages, MOST_STAGES);
  for (int k = 0; k < found && k < MOST_STAGES; k++)
    printf("\"%s/%s\",%d,%ld,%.4f\n", space, stages[k].name, n, stages[k].launches, 1e6 * stages[k].seconds / n);
}

int main(int argc, char **argv) {
  if (argc < 4)
    stop("usage: kokkos_step MODEL CELLS double|mixed [SPACE [memory] [alone] [stages] [gamma] [energy] [force]]");
  static const char *const words[N_WORDS] = {"memory", "alone", "stages", "gamma", "energy", "force"};
  bool wanted[N_WORDS] = {false};
  for (int k = 5; k < argc; k++) {
    int w = 0;
    while (w < N_WORDS && strcmp(argv[k], words[w]) != 0) w++;
    if (w == N_WORDS) stop("after SPACE may follow memory, alone, stages, gamma, energy, force");
    wanted[w] = true;
  }
  const bool no_core = wanted[MEMORY] || wanted[ALONE];
  const int cells = atoi(argv[2]);
  ftl_model *model;
  ftl_workspace *ws;
  ftl_error error = {0};
  if (cells < 1) stop("CELLS is a number of unit cells along an edge");
  kokkos_start(1, argv); /* says so where there is no device, before a model is opened */
  check(ftl_open_for_crystal(argv[1], strcmp(argv[3], "mixed") == 0 ? FTL_MIXED : FTL_DOUBLE, &model, &error), &error);
  int *species;
  double(*position)[3];
  const int n = ftl_crystal(model, cells, &species, &position), pbc[3] = {1, 1, 1};
  if (n < 0) stop("out of memory");
  const double edge = LATTICE * cells, cell[3][3] = {{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}};
  double *forces = calloc(3 * (size_t)n, sizeof *forces), *node_energy = calloc((size_t)n, sizeof *node_energy);
  double *others = calloc(3 * (size_t)n, sizeof *others), *trust = calloc(3 * (size_t)n, sizeof *trust);
  if (!forces || !node_energy || !others || !trust) stop("out of memory");
  double *const asked[3] = {wanted[GAMMA] ? trust : NULL, wanted[ENERGY] ? trust + n : NULL,
                            wanted[FORCE] ? trust + 2 * n : NULL};

  ftl_result result = {.forces = forces,
                       .node_energy = node_energy,
                       .extrapolation = asked[0],
                       .energy_deviation = asked[1],
                       .force_deviation = asked[2]};
  check(ftl_workspace_new(model, 1, &ws, &error), &error);
  double spent = 0;
  for (int k = 0; k < REPEAT && !no_core; k++) {
    const double start = seconds();
    check(ftl_compute(ws, n, species, (const double(*)[3])position, cell, pbc, &result, &error), &error);
    spent = seconds() - start;
  }
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  ftl_neighbours list = {0};
  check(ftl_neighbours_build_images(&list, n, (const double(*)[3])position, cell, pbc, info.cutoff + SKIN, &error),
        &error);
  if (!no_core)
    printf("C core,%d,%.1f,%.2f,%.0f,0\n", n, (double)list.n_edges / n, 1e6 * spent / n,
           (double)ftl_workspace_bytes(ws) / n);
  ftl_workspace_free(ws);
  const ftl_graph graph = ftl_neighbours_graph(&list, n, species);
  int end = 0;
  for (const char *const *space = kokkos_spaces(); *space; space++) {
    if (argc > 4 && strcmp(argv[4], *space) != 0) continue;
    kokkos_answer answer = {.forces = others,
                            .node_energy = node_energy,
                            .extrapolation = asked[0],
                            .energy_deviation = asked[1],
                            .force_deviation = asked[2]};
    const ftl_status status =
        kokkos_evaluate(*space, model, &graph, NULL, wanted[MEMORY] ? 0 : REPEAT, &answer, &error);
    if (status == FTL_ERR_MEMORY) {
      fprintf(stderr, "kokkos_step: %d atoms do not fit into the memory of %s (%s)\n", n, *space, error.message);
      end = 4;
      break;
    }
    check(status, &error);
    double most = 0, differ = 0;
    for (int k = 0; k < 3 * n; k++) {
      most = fmax(most, fabs(forces[k]));
      differ = fmax(differ, fabs(forces[k] - others[k]));
    }
    printf("%s,%d,%.1f,%.2f,%.0f,%.2g\n", *space, n, (double)list.n_edges / n, 1e6 * answer.seconds / n,
           (double)answer.bytes / n, no_core ? 0 : differ / most);
    fflush(stdout);
    if (wanted[STAGES]) {
      kokkos_time_stages(1);
      check(kokkos_evaluate(*space, model, &graph, NULL, 1, &answer, &error), &error);
      kokkos_time_stages(0);
      print_stages(*space, n);
    }
  }
  kokkos_stop();
  ftl_neighbours_free(&list);
  ftl_model_free(model);
  free(species), free(position), free(forces), free(node_energy), free(others), free(trust);
  return end;
}
