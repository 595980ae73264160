/* What a model's error estimates cost: processor time of an evaluation of rattled fcc copper, 256 atoms, one thread,
   with nothing but forces and with each of them; the least of three. docs/uncertainty.md has a table of it.

     trust_cost MODEL.ftl                a model that frozentl trust has taught, or a surrogate, with copper */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "frozentl.h"

enum { REPEATS = 4, N = 4 * REPEATS * REPEATS * REPEATS, TIMES = 3 };

static double x[N][3], forces[N][3], grade[N], energy[N], force[N];
static int species[N];

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void make_crystal(double a) {
  static const double base[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
  srand(1);
  for (int i = 0; i < N; i++) {
    const int cell[3] = {i / 4 % REPEATS, i / 4 / REPEATS % REPEATS, i / 4 / REPEATS / REPEATS};
    for (int d = 0; d < 3; d++) x[i][d] = a * (cell[d] + base[i % 4][d]) + 0.1 * (rand() / (double)RAND_MAX - 0.5);
  }
}

int main(int argc, char **argv) {
  const int copper = 29, periodic[3] = {1, 1, 1};
  const double a = 3.62, cell[3][3] = {{REPEATS * a, 0, 0}, {0, REPEATS * a, 0}, {0, 0, REPEATS * a}};
  const ftl_open_options options = {.elements = &copper, .n_elements = 1};
  const struct {
    const char *what;
    ftl_result asked;
  } cases[] = {{"forces", {.forces = forces[0]}},
               {"and extrapolation", {.forces = forces[0], .extrapolation = grade}},
               {"and energy_deviation", {.forces = forces[0], .energy_deviation = energy}},
               {"and force_deviation", {.forces = forces[0], .force_deviation = force}}};
  ftl_model *model = NULL;
  ftl_workspace *workspace = NULL;
  ftl_error error = {0};
  double plain = 0;
  if (argc != 2) {
    fputs("trust_cost MODEL.ftl\n", stderr);
    return 2;
  }
  ftl_status status = ftl_model_open(argv[1], &options, &model, &error);
  if (!status) status = ftl_workspace_new(model, 1, &workspace, &error);
  make_crystal(a);
  for (size_t k = 0; k < sizeof cases / sizeof *cases && !status; k++) {
    double least = 1e300;
    for (int t = 0; t <= TIMES && !status; t++) { /* the first one makes room */
      ftl_result result = cases[k].asked;
      const double began = seconds();
      status = ftl_compute(workspace, N, species, x, cell, periodic, &result, &error);
      if (t > 0 && seconds() - began < least) least = seconds() - began;
    }
    if (k == 0) plain = least;
    if (!status) printf("%-22s %9.1f us/atom  %5.2f\n", cases[k].what, 1e6 * least / N, least / plain);
  }
  if (status) fprintf(stderr, "trust_cost: %s: %s\n", error.where, error.message);
  ftl_workspace_free(workspace);
  ftl_model_free(model);
  return status != FTL_OK;
}
