/* Potentials with a second density, E = rho_1 + F(rho_2): the equations of a step are the derivatives of what
   evaluators answer, and steps from the linear fit find the potential that labels come from. */
#include "surrogate_cases.h"

#include <unistd.h>

#include "files/yace_writer.h"
#include "surrogate/embedding.h"
#include "surrogate/gauss_newton.h"

enum { N_STRUCTURES = 24, MOST_ROWS = 1 + 3 * MOST_ATOMS + 6 };

static const ftl_design_rows all_rows = {.energy = true, .forces = true, .stress = true};
static const ftl_basis_bounds bounds = {.n = {4, 2, 1}, .l = {0, 2, 1}};

/* With coefficients of both densities, and a designer that knows it. */
static void start_second(designed *d, double exponent, int rank, uint64_t seed) {
  const ftl_basis_options options = small_options(2, bounds);
  ftl_random random;
  ftl_random_seed(&random, seed);
  start_design(&options, d);
  ftl_designer_free(&d->designer);
  d->surrogate.coefficient = calloc((size_t)d->n, sizeof(double));
  d->surrogate.second = calloc((size_t)d->n, sizeof(double));
  d->surrogate.second_rank = rank;
  d->surrogate.exponent = exponent;
  d->n = ftl_design_unknowns(&d->surrogate);
  double *x = malloc((size_t)d->n * sizeof *x);
  for (int k = 0; k < d->n; k++) x[k] = 0.1 * ftl_random_normal(&random);
  ftl_design_unpack(x, &d->surrogate);
  free(x);
  assert_int_equal(ftl_designer_new(&d->surrogate, d->plan, &d->designer, NULL), FTL_OK);
}

/* f(x): the columns times x, less what stands on the right-hand side. *rows: the block, the caller's. */
static int answers(designed *d, const made_structure *m, double *answer, double **rows) {
  const int count = ftl_design_count(&m->s, all_rows);
  double *block = calloc((size_t)count * ((size_t)d->n + 1), sizeof *block);
  double *x = malloc((size_t)d->n * sizeof *x);
  ftl_error error = {0};
  assert_true(block && x);
  if (ftl_design_fill(&d->designer, &m->s, all_rows, block, count, 0, &error)) fail_msg("%s", error.message);
  ftl_design_pack(&d->surrogate, x);
  for (int i = 0; i < count; i++) {
    answer[i] = -block[d->n * count + i];
    for (int k = 0; k < d->n; k++) answer[i] += x[k] * block[k * count + i];
  }
  free(x);
  if (rows) *rows = block;
  else free(block);
  return count;
}

static made_structure some_structure(uint64_t seed) {
  made_structure m;
  ftl_random random;
  ftl_random_seed(&random, seed);
  make_structure(&random, 8, 5, 1.3, true, 2, hydrogen_copper, &m);
  point_to_own(&m);
  return m;
}

static void embedding_has_its_derivatives(void **unused) {
  (void)unused;
  for (double m = 0.3; m < 3; m += 0.4)
    for (double rho = -2.05; rho < 2; rho += 0.3) {
      const double h = 1e-5;
      double f[3], slope[3], curvature[3];
      for (int k = 0; k < 3; k++) ftl_embedding_at(rho + (k - 1) * h, m, &f[k], &slope[k], &curvature[k]);
      assert_close((f[2] - f[0]) / (2 * h), slope[1], 1e-8);
      assert_close((slope[2] - slope[0]) / (2 * h), curvature[1], 1e-7);
    }
}

static void columns_are_derivatives(void **unused) {
  (void)unused;
  for (int rank = 1; rank <= 3; rank++) {
    designed d;
    start_second(&d, 0.5, rank, 5);
    made_structure m = some_structure(7);
    point_to_own(&m);
    double *x = malloc((size_t)d.n * sizeof *x), *rows, at[MOST_ROWS], up[MOST_ROWS], down[MOST_ROWS], largest = 0;
    const int count = answers(&d, &m, at, &rows);
    ftl_design_pack(&d.surrogate, x);
    for (int k = 0; k < d.n; k += 3) {
      const double h = 1e-5, was = x[k];
      x[k] = was + h;
      ftl_design_unpack(x, &d.surrogate);
      answers(&d, &m, up, NULL);
      x[k] = was - h;
      ftl_design_unpack(x, &d.surrogate);
      answers(&d, &m, down, NULL);
      x[k] = was;
      ftl_design_unpack(x, &d.surrogate);
      for (int i = 0; i < count; i++) {
        const double column = rows[k * count + i];
        largest = fmax(largest, fabs((up[i] - down[i]) / (2 * h) - column) / (1 + fabs(column)));
      }
    }
    printf("  rank %d: columns differ from differences by %.1e\n", rank, largest);
    assert_true(largest < 1e-7);
    free(x);
    free(rows);
    free_designed(&d);
  }
}

/* The .yace, as evaluators (and ML-PACE, tests/unit/test_ace.c) read it. */
static ftl_model *open_yace(const ftl_surrogate *s) {
  char path[] = "/tmp/frozentl-second-XXXXXX.yace";
  ftl_ace_file file;
  ftl_model *model = NULL;
  ftl_error error = {0};
  const int handle = mkstemps(path, 5);
  FILE *stream = handle < 0 ? NULL : fdopen(handle, "w");
  assert_non_null(stream);
  ftl_status status = ftl_surrogate_file(s, s->coefficient, &file, &error);
  if (!status) status = ftl_ace_file_write(&file, 1e-4, NULL, stream, &error);
  ftl_ace_file_free(&file);
  fclose(stream);
  if (!status) status = ftl_model_open(path, NULL, &model, &error);
  remove(path);
  if (status) fail_msg("%s [%s]", error.message, error.where);
  return model;
}

static void yace_answers_as_the_equations(void **unused) {
  (void)unused;
  static const double exponents[] = {0.5, 2};
  for (int e = 0; e < 2; e++) {
    designed d;
    start_second(&d, exponents[e], 2, 9);
    made_structure m = some_structure(11);
    point_to_own(&m);
    double want[MOST_ROWS];
    answers(&d, &m, want, NULL);
    expect_rows(open_yace(&d.surrogate), &m, 0, want, 1e-8, 1e-8);
    free_designed(&d);
  }
}

/* ---- the fit ---- */

typedef struct {
  made_structure made[N_STRUCTURES];
  ftl_structure structure[N_STRUCTURES];
  ftl_dataset set;
} labelled;

static labelled train, other;

static void label(designed *truth, uint64_t seed, labelled *l) {
  static const int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  ftl_random random;
  ftl_random_seed(&random, seed);
  for (int k = 0; k < N_STRUCTURES; k++) {
    made_structure *m = &l->made[k];
    double answer[MOST_ROWS];
    make_structure(&random, 5 + k % 7, 4.5 + 0.03 * k, 1.1, true, 2, hydrogen_copper, m);
    answers(truth, m, answer, NULL);
    m->s.labels = (ftl_labels){.has_energy = true, .has_forces = true, .has_stress = true, .energy = answer[0]};
    for (int i = 0; i < 3 * m->s.n; i++) m->forces[i / 3][i % 3] = answer[1 + i];
    for (int v = 0; v < 6; v++)
      m->s.labels.stress[voigt[v][0]][voigt[v][1]] = m->s.labels.stress[voigt[v][1]][voigt[v][0]] =
          -answer[1 + 3 * m->s.n + v] / m->s.volume;
    m->s.labels.forces = m->forces;
    l->structure[k] = m->s;
  }
  l->set = (ftl_dataset){.n = N_STRUCTURES, .structure = l->structure};
}

static double force_error(const ftl_surrogate *s, const labelled *l) {
  ftl_fit_errors errors;
  ftl_error_table table = {0};
  ftl_error error = {0};
  if (ftl_fit_measure(s, &l->set, 1, &errors, &table, &error)) fail_msg("%s", error.message);
  ftl_error_table_free(&table);
  return errors.rmse[1];
}

static int n_said;
static void count_steps(void *context, const char *text) {
  (void)context;
  printf("  %s\n", text);
  n_said++;
}

/* Labels of an embedded atom: pairs in both densities. */
static void steps_find_the_potential(void **unused) {
  (void)unused;
  designed truth, d;
  start_second(&truth, 0.5, 1, 3);
  for (int mu = 0; mu < 2; mu++)
    for (int f = 0; f < truth.surrogate.file.n_functions[mu]; f++) {
      const int column = truth.surrogate.first[mu] + f;
      if (truth.surrogate.second[column] != 0)
        truth.surrogate.second[column] = fabs(truth.surrogate.second[column]) * 5;
    }
  label(&truth, 1, &train);
  label(&truth, 2, &other);
  const ftl_basis_options basis = small_options(2, bounds);
  const ftl_fit_options fit = {.energy = 10,
                               .forces = 1,
                               .stress = 1,
                               .smooth_power = 2,
                               .threads = 1,
                               .solve = {.kind = FTL_SOLVE_EVIDENCE, .max_iterations = 100, .n_draws = 3, .seed = 3}};
  const ftl_gauss_newton_options steps = {.exponent = 0.5, .rank = 1, .steps = 20, .say = count_steps};
  ftl_solution solution;
  ftl_error error = {0};
  start_design(&basis, &d);
  if (ftl_fit_surrogate(&d.surrogate, &train.set, &fit, &solution, &error)) fail_msg("%s", error.message);
  const double linear = force_error(&d.surrogate, &other);
  n_said = 0;
  ftl_gauss_newton_state state = {0};
  if (ftl_gauss_newton(&d.surrogate, &train.set, &fit, &steps, &solution, &state, &error))
    fail_msg("%s", error.message);
  ftl_gauss_newton_state_free(&state);
  const double found = force_error(&d.surrogate, &other);
  printf("  linear %.2e, with a second density %.2e eV/A on other structures\n", linear, found);
  assert_true(n_said >= 2 && found < 0.25 * linear);
  assert_int_equal(d.surrogate.n_committee, 0);
  /* functions beyond the rank are not in the second density */
  for (int mu = 0; mu < 2; mu++)
    for (int f = 0; f < d.surrogate.file.n_functions[mu]; f++)
      if (d.surrogate.file.function[mu][f].rank > 1) assert_true(d.surrogate.second[d.surrogate.first[mu] + f] == 0);
  ftl_solution_free(&solution);
  free_designed(&d);
  free_designed(&truth);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(embedding_has_its_derivatives), cmocka_unit_test(columns_are_derivatives),
      cmocka_unit_test(yace_answers_as_the_equations), cmocka_unit_test(steps_find_the_potential)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
