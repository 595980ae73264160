/* Makes the surrogate of the LAMMPS tests: copper with hydrogen, fitted to Morse pairs, with a committee and an active
   set. Usage: make_surrogate OUT.ftl */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "files/surrogate_file.h"
#include "neighbour/neighbours.h"
#include "surrogate/active_set.h"
#include "surrogate/basis.h"
#include "surrogate/fit.h"

enum { N_FRAMES = 40, MAX_ATOMS = 36 };
static const double cutoff = 4.2;

typedef struct {
  int z[MAX_ATOMS];
  double x[MAX_ATOMS][3], forces[MAX_ATOMS][3];
} frame;

static void fail(const ftl_error *error) {
  fprintf(stderr, "make_surrogate: %s [%s]\n", error->message, error->where);
  exit(1);
}

/* Rattled fcc copper, some of its holes filled. */
static void place(ftl_random *random, double a, double rattle, int hydrogens, frame *f, ftl_structure *s) {
  static const double base[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
  static char path[] = "make_surrogate", config[] = "Default";
  *s = (ftl_structure){.path = path, .config_type = config, .pbc = {1, 1, 1}, .has_cell = true, .weight = 1};
  s->energy_weight = s->forces_weight = s->stress_weight = 1;
  for (int c = 0; c < 8; c++)
    for (int b = 0; b < 5; b++) {
      if (b == 4 && c >= hydrogens) continue;
      f->z[s->n] = b < 4 ? 29 : 1;
      for (int d = 0; d < 3; d++)
        f->x[s->n][d] = a * ((c >> d & 1) + (b < 4 ? base[b][d] : 0.5)) + rattle * (2 * ftl_random_uniform(random) - 1);
      s->n++;
    }
  for (int d = 0; d < 3; d++) s->cell[d][d] = 2 * a;
  s->volume = 8 * a * a * a;
  s->atomic_number = f->z;
  s->position = f->x;
}

/* Morse, with a factor that is smooth at the cutoff. */
static double pair_energy(int hydrogens, double r, double *slope) {
  const double depth[3] = {0.34, 0.3, 0.2}, width[3] = {1.36, 1.2, 1.5}, at[3] = {2.7, 1.9, 1.6};
  double e = exp(-width[hydrogens] * (r - at[hydrogens])), v = depth[hydrogens] * (e * e - 2 * e);
  double dv = 2 * width[hydrogens] * depth[hydrogens] * (e - e * e), f = 1 - r / cutoff;
  *slope = dv * f * f - 2 * v * f / cutoff;
  return v * f * f;
}

static void label(frame *f, ftl_structure *s, ftl_neighbours *list) {
  ftl_error error = {0};
  if (ftl_neighbours_build(list, s->n, (const double(*)[3])f->x, (const double(*)[3])s->cell, s->pbc, cutoff, &error))
    fail(&error);
  s->labels.has_energy = s->labels.has_forces = true;
  s->labels.forces = f->forces;
  for (int i = 0; i < s->n; i++)
    for (int64_t e = list->first_edge[i]; e < list->first_edge[i + 1]; e++) {
      int j = list->sender[e];
      const double *v = list->vector[e];
      double r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), slope;
      s->labels.energy += 0.5 * pair_energy((f->z[i] == 1) + (f->z[j] == 1), r, &slope);
      for (int d = 0; d < 3; d++) f->forces[i][d] += slope * v[d] / r; /* half from each of the edge's directions */
    }
}

int main(int argc, char **argv) {
  static frame frames[N_FRAMES];
  static ftl_structure structures[N_FRAMES];
  const ftl_basis_options basis = {.n_elements = 2,
                                   .elements = {1, 29},
                                   .bounds = {.n = {6, 3, 2}, .l = {0, 2, 1}},
                                   .radial = FTL_ACE_CHEB_EXP_COS,
                                   .lambda = 3,
                                   .cutoff = cutoff,
                                   .d_cutoff = 0.5,
                                   .max_functions = 1000};
  const double inner[4] = {0.6, 0.8, 0.8, 1.2};
  const ftl_fit_options fit = {.energy = 10,
                               .forces = 1,
                               .smooth_power = 2,
                               .smooth_n = 0.1,
                               .smooth_l = 0.1,
                               .solve = {.kind = FTL_SOLVE_EVIDENCE, .max_iterations = 30, .n_draws = 8, .seed = 1},
                               .threads = 1};
  const ftl_dataset data = {.n = N_FRAMES, .structure = structures};
  ftl_surrogate surrogate = {0};
  ftl_solution solution = {0};
  ftl_error error = {0};
  ftl_random random;
  ftl_neighbours list = {0};
  if (argc != 2) return 2;
  ftl_random_seed(&random, 1);
  for (int k = 0; k < N_FRAMES; k++) {
    place(&random, 3.4 + 0.01 * k, 0.1 + 0.005 * k, k % 5, &frames[k], &structures[k]);
    label(&frames[k], &structures[k], &list);
  }
  if (ftl_basis_make(&basis, &surrogate, &error)) fail(&error);
  ftl_basis_set_inner(&surrogate, inner, 0.2);
  if (ftl_fit_surrogate(&surrogate, &data, &fit, &solution, &error)) fail(&error);
  if (ftl_active_set_make(&surrogate, &data, &(ftl_active_set_options){.threads = 1}, NULL, &error)) fail(&error);
  surrogate.energy_scale = 1.25;
  surrogate.force_scale = 1.5;
  if (ftl_surrogate_write(&surrogate, argv[1], NULL, &error)) fail(&error);
  ftl_solution_free(&solution);
  ftl_surrogate_free(&surrogate);
  ftl_neighbours_free(&list);
  return 0;
}
