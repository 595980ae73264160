/* Forces and virial of the fast stages are the derivatives of their own energy, and nothing jumps at the cutoff. */
#include "twins.h"

#include "close.h"

#define MUST(call)                                                                                                     \
  do {                                                                                                                 \
    ftl_error must_error = {0};                                                                                        \
    ftl_error *error = &must_error;                                                                                    \
    if ((call) != FTL_OK) fail_msg("%s: %s (%s)", #call, must_error.message, must_error.where);                        \
  } while (0)

/* Central difference of fourth order: sum of factor[q] E(x + at[q] h) / h. */
static const double at[4] = {-2, -1, 1, 2}, factor[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
#define STEP       1e-3
#define SMALL_STEP 1e-4 /* where STEP is too large: many layers; a cutoff whose second derivative jumps (XPLOR) */

static ftl_model *model;
static ftl_workspace *workspace;
static ftl_model_info info;

static double energy(const structure *s, double (*forces)[3], double virial[6]) {
  int species[MAX_ATOMS];
  for (int i = 0; i < s->n; i++) species[i] = ftl_model_species(model, s->number[i]);
  ftl_result result = {.forces = forces ? forces[0] : NULL};
  MUST(ftl_compute(workspace, s->n, species, s->position, s->cell, s->pbc, &result, error));
  if (virial) memcpy(virial, result.virial, sizeof result.virial);
  return result.energy;
}

/* x -> x + h e_a (e_b . x), for atoms and cell; symmetrised with (b, a). */
static structure strained(const structure *s, int a, int b, double h) {
  structure t = *s;
  for (int k = 0; k < s->n + 3; k++) {
    const double *from = k < s->n ? s->position[k] : s->cell[k - s->n];
    double *to = k < s->n ? t.position[k] : t.cell[k - s->n];
    to[a] += 0.5 * h * from[b];
    to[b] += 0.5 * h * from[a];
  }
  return t;
}

static double by_differences(const structure *s, int i, int c, double step) {
  structure moved = *s;
  double force = 0;
  for (int q = 0; q < 4; q++) {
    moved.position[i][c] = s->position[i][c] + at[q] * step;
    force -= factor[q] / step * energy(&moved, NULL, NULL);
  }
  return force;
}

static double by_strain(const structure *s, int row, int column, double step) {
  double virial = 0;
  for (int q = 0; q < 4; q++) {
    const structure t = strained(s, row, column, at[q] * step);
    virial -= factor[q] / step * energy(&t, NULL, NULL);
  }
  return virial;
}

static void check_structure(const char *twin, const structure *s) {
  double forces[MAX_ATOMS][3], virial[6], force_scale = 1e-2, virial_scale = 1e-2;
  energy(s, forces, virial);
  for (int i = 0; i < s->n; i++)
    for (int c = 0; c < 3; c++) force_scale = fmax(force_scale, fabs(forces[i][c]));
  for (int c = 0; c < 6; c++) virial_scale = fmax(virial_scale, fabs(virial[c]));
  double total[3] = {0, 0, 0};
  for (int i = 0; i < s->n; i++)
    for (int c = 0; c < 3; c++) {
      double difference = by_differences(s, i, c, STEP);
      total[c] += forces[i][c];
      if (!(fabs(difference - forces[i][c]) < 1e-6 * force_scale)) difference = by_differences(s, i, c, SMALL_STEP);
      if (!(fabs(difference - forces[i][c]) < 1e-6 * force_scale))
        fail_msg("%s: force %d on atom %d is %.10g, and %.10g by finite differences", twin, c, i, forces[i][c],
                 difference);
    }
  for (int c = 0; c < 3; c++) assert_close(total[c], 0, 1e-12 * s->n * force_scale);
  static const int row[6] = {0, 1, 2, 0, 0, 1}, column[6] = {0, 1, 2, 1, 2, 2};
  for (int k = 0; k < 6; k++) {
    double difference = by_strain(s, row[k], column[k], STEP);
    if (!(fabs(difference - virial[k]) < 1e-6 * virial_scale)) difference = by_strain(s, row[k], column[k], SMALL_STEP);
    if (!(fabs(difference - virial[k]) < 1e-6 * virial_scale))
      fail_msg("%s: virial %d is %.10g, and %.10g by finite strain", twin, k, virial[k], difference);
  }
}

static void open_twin(const char *twin) {
  const ftl_open_options options = {.head = head_of_twin(twin_model(twin))};
  MUST(ftl_model_open(twin_model(twin), &options, &model, error));
  MUST(ftl_workspace_new(model, 1, &workspace, error));
  ftl_model_get_info(model, &info);
}

static void close_twin(void) {
  ftl_workspace_free(workspace);
  ftl_model_free(model);
}

static void check_twin(const char *twin) {
  if (is_published(twin)) return;
  open_twin(twin);
  uint64_t state = 11;
  structure s;
  for (int repeat = 0; repeat < 2; repeat++) {
    random_structure(&s, 4, 5, 1.6, info.atomic_numbers, info.n_elements, &state);
    for (int c = 0; c < 3; c++) s.pbc[c] = repeat == 0;
    check_structure(twin, &s);
  }
  close_twin();
}

static void test_gradients(void **unused) {
  (void)unused;
  for_each_twin(check_twin);
}

/* A dimer pulled through the cutoff: from just inside to just outside, the energy moves by less than the cutoff's first
   term ((r_max - r)^3 and on) lets it, the force vanishes, and beyond nothing is left of the bond. */
static void check_cutoff(const char *name) {
  open_twin(shared_twin(name));
  structure s = {.n = 2, .number = {info.atomic_numbers[0], info.atomic_numbers[1]}};
  double far, forces[MAX_ATOMS][3];
  s.position[1][2] = info.cutoff + 1;
  far = energy(&s, NULL, NULL);
  s.position[1][2] = info.cutoff; /* at the cutoff itself: no edge */
  assert_true(energy(&s, forces, NULL) == far && forces[0][2] == 0);
  for (double gap = 1e-2; gap > 1e-6; gap /= 10) {
    s.position[1][2] = info.cutoff - gap;
    const double inside = energy(&s, forces, NULL);
    assert_close(inside, far, 1e3 * gap * gap * gap + 1e-12 * fabs(far));
    assert_close(forces[1][2], 0, 1e3 * gap * gap + 1e-12);
  }
  close_twin();
}

static void test_cutoff(void **unused) {
  (void)unused;
  need_shared();
  static const char *const names[] = {"mace/corr2-small", "mace/plain-mace", "mace/mp0b3-medium", "mace/mh1"};
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
    if (!is_too_large(shared_twin(names[k]))) check_cutoff(names[k]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients), cmocka_unit_test(test_cutoff)};
  share_twins(test_gradients);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
