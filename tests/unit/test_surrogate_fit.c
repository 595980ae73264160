/* Fits of surrogates: the rows are those of what evaluators run, a fit finds the potential that labels come from,
   weights and errors mean what their headers say, and what cannot be fitted is refused. */
#include "surrogate_cases.h"

#include <unistd.h>

#include "files/yace_writer.h"
#include "surrogate/fit.h"

enum { N_STRUCTURES = 40 };

static const ftl_basis_bounds to_rank_4 = {.n = {5, 3, 2, 1}, .l = {0, 2, 1, 1}};
static const double inner[4] = {0.7, 0.8, 0.8, 1.0};
static const double spline_bins = 1e-4; /* evaluators may use splines on this grid */

static void give_coefficients(ftl_surrogate *s, uint64_t seed) {
  ftl_random random;
  ftl_random_seed(&random, seed);
  s->coefficient = malloc((size_t)n_functions(s) * sizeof(double));
  assert_non_null(s->coefficient);
  for (int k = 0; k < n_functions(s); k++) s->coefficient[k] = 0.1 * ftl_random_normal(&random);
  s->file.e0[0] = -13.6;
  s->file.e0[1] = -4.25;
}

static ftl_model *open_model(const ftl_surrogate *s) {
  char path[] = "/tmp/frozentl-fit-XXXXXX.yace";
  ftl_ace_file file;
  ftl_model *model = NULL;
  ftl_error error = {0};
  int handle = mkstemps(path, 5);
  FILE *stream = handle < 0 ? NULL : fdopen(handle, "w");
  assert_non_null(stream);
  ftl_status status = ftl_surrogate_file(s, s->coefficient, &file, &error);
  if (!status) status = ftl_ace_file_write(&file, spline_bins, NULL, stream, &error);
  ftl_ace_file_free(&file);
  fclose(stream);
  if (!status) status = ftl_model_open(path, NULL, &model, &error);
  remove(path);
  if (status) fail_msg("%s [%s]", error.message, error.where);
  return model;
}

/* Columns times coefficients, E0 not included. */
static void predict(designed *d, const double *coefficient, const made_structure *m, ftl_design_rows rows, double *to) {
  int count;
  double *block = rows_of(d, m, rows, &count);
  for (int i = 0; i < count; i++) {
    to[i] = 0;
    for (int k = 0; k < d->n; k++) to[i] += block[(size_t)k * (size_t)count + (size_t)i] * coefficient[k];
  }
  free(block);
}

static double e0_of(const ftl_surrogate *s, const made_structure *m) {
  double sum = 0;
  for (int i = 0; i < m->s.n; i++) sum += s->file.e0[m->z[i] == 29];
  return sum;
}

static void rows_are_those_of_the_evaluator(void **unused) {
  (void)unused;
  static const ftl_ace_base_kind kinds[] = {FTL_ACE_SBESSEL, FTL_ACE_CHEB_EXP_COS, FTL_ACE_CHEB_POW,
                                            FTL_ACE_CHEB_LINEAR};
  for (int kind = 0; kind < 4; kind++) {
    ftl_basis_options options = small_options(2, (ftl_basis_bounds){.n = {4, 2, 2, 1, 1}, .l = {0, 3, 2, 2, 1}});
    designed d;
    ftl_random random;
    made_structure m;
    double want[1 + 3 * MOST_ATOMS + 6];
    options.radial = kinds[kind];
    start_design(&options, &d);
    ftl_basis_set_inner(&d.surrogate, inner, 0.2);
    give_coefficients(&d.surrogate, 4);
    ftl_random_seed(&random, 31);
    make_structure(&random, 8, 5, 1.3, true, 2, hydrogen_copper, &m);
    predict(&d, d.surrogate.coefficient, &m, (ftl_design_rows){.energy = true, .forces = true, .stress = true}, want);
    const double e0 = e0_of(&d.surrogate, &m), tolerance = 1e-9;
    expect_rows(open_model(&d.surrogate), &m, e0, want, tolerance * (1 + fabs(e0 + want[0])), tolerance);
    free_designed(&d);
  }
}

/* Energies of single atoms come last, and are parts of the structure's. */
static void rows_of_atoms_add_up(void **unused) {
  (void)unused;
  const ftl_basis_options options = small_options(2, to_rank_4);
  designed d;
  ftl_random random;
  made_structure m;
  int count, with;
  start_design(&options, &d);
  ftl_random_seed(&random, 31);
  make_structure(&random, 8, 5, 1.3, true, 2, hydrogen_copper, &m);
  point_to_own(&m);
  double *plain = rows_of(&d, &m, (ftl_design_rows){.energy = true, .forces = true, .stress = true}, &count);
  double *block =
      rows_of(&d, &m, (ftl_design_rows){.energy = true, .forces = true, .stress = true, .atoms = true}, &with);
  assert_int_equal(with, count + m.s.n);
  for (int k = 0; k < d.n; k++) {
    double sum = 0;
    for (int i = 0; i < m.s.n; i++) sum += block[k * with + count + i];
    assert_close(sum, block[k * with], 1e-12 * (1 + fabs(sum)));
    for (int i = 0; i < count; i++) assert_close(block[k * with + i], plain[k * count + i], 0);
  }
  free(plain);
  free(block);
  free_designed(&d);
}

/* ---- fits ---- */

/* Structures labelled by a surrogate with noise on the forces; one in three has no stress, one in four no energy. */
typedef struct {
  made_structure made[N_STRUCTURES];
  ftl_structure structure[N_STRUCTURES];
  ftl_dataset set;
} labelled;

static void make_labelled(designed *d, uint64_t seed, double noise, labelled *l) {
  ftl_random random;
  ftl_random_seed(&random, seed);
  static const int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  for (int k = 0; k < N_STRUCTURES; k++) {
    made_structure *m = &l->made[k];
    double answer[1 + 3 * MOST_ATOMS + 6];
    make_structure(&random, 4 + k % 7, 4.5 + 0.02 * k, 1.1, true, 2, hydrogen_copper, m);
    predict(d, d->surrogate.coefficient, m, (ftl_design_rows){.energy = true, .forces = true, .stress = true}, answer);
    m->s.labels = (ftl_labels){.has_energy = k % 4 != 3, .has_forces = true, .has_stress = k % 3 != 2};
    m->s.labels.energy = answer[0] + e0_of(&d->surrogate, m);
    for (int i = 0; i < 3 * m->s.n; i++) m->forces[i / 3][i % 3] = answer[1 + i] + noise * ftl_random_normal(&random);
    for (int v = 0; v < 6; v++)
      m->s.labels.stress[voigt[v][0]][voigt[v][1]] = m->s.labels.stress[voigt[v][1]][voigt[v][0]] =
          -answer[1 + 3 * m->s.n + v] / m->s.volume;
    m->s.labels.forces = m->forces;
    m->s.frame = k;
    l->structure[k] = m->s;
  }
  l->set = (ftl_dataset){.n = N_STRUCTURES, .structure = l->structure};
}

static ftl_fit_options plain_options(void) {
  return (ftl_fit_options){.energy = 10,
                           .forces = 1,
                           .stress = 1,
                           .smooth_power = 2,
                           .smooth_n = 0.1,
                           .smooth_l = 0.1,
                           .folds = 4,
                           .threads = 1,
                           .solve = {.kind = FTL_SOLVE_EVIDENCE,
                                     .lambda = 1e-10,
                                     .max_ratio = 1e12,
                                     .max_iterations = 100,
                                     .n_draws = 6,
                                     .seed = 3}};
}

/* A fresh basis with the E0 of the truth, or far from them where they are to be found, fitted. */
static void fit(const designed *truth, const labelled *l, const ftl_fit_options *options, designed *d) {
  const ftl_basis_options basis = small_options(2, to_rank_4);
  ftl_solution solution;
  ftl_error error = {0};
  start_design(&basis, d);
  memcpy(d->surrogate.file.e0, truth->surrogate.file.e0, sizeof truth->surrogate.file.e0);
  if (options->free_e0) d->surrogate.file.e0[0] += 5, d->surrogate.file.e0[1] -= 3;
  if (ftl_fit_surrogate(&d->surrogate, &l->set, options, &solution, &error)) fail_msg("%s", error.message);
  assert_int_equal(d->surrogate.n_committee, options->solve.n_draws);
  ftl_solution_free(&solution);
}

static designed truth;
static labelled train, other;

static int make_truth(void **unused) {
  (void)unused;
  const ftl_basis_options options = small_options(2, to_rank_4);
  start_design(&options, &truth);
  give_coefficients(&truth.surrogate, 8);
  return 0;
}

static int free_truth(void **unused) {
  (void)unused;
  free_designed(&truth);
  return 0;
}

static ftl_fit_errors measured(const designed *d, const labelled *l, int threads) {
  ftl_fit_errors errors;
  ftl_error_table table = {0};
  ftl_error error = {0};
  if (ftl_fit_measure(&d->surrogate, &l->set, threads, &errors, &table, &error)) fail_msg("%s", error.message);
  const ftl_error_row total = ftl_error_table_total(&table, NULL); /* the same answers, by config_type */
  assert_int_equal(total.frames, l->set.n);
  assert_close(ftl_error_rmse(&total.energy), errors.rmse[0], 1e-12);
  assert_close(ftl_error_rmse(&total.forces), errors.rmse[1], 1e-12);
  ftl_error_table_free(&table);
  return errors;
}

static void fit_without_prior(int kind, bool free_e0, designed *d) {
  ftl_fit_options options = plain_options();
  options.solve.kind = (ftl_solve_kind)kind;
  options.solve.lambda = 0;
  options.free_e0 = free_e0;
  fit(&truth, &train, &options, d);
}

static void exact_labels_give_the_potential(void **unused) {
  (void)unused;
  make_labelled(&truth, 1, 0, &train);
  make_labelled(&truth, 2, 0, &other);
  for (int kind = FTL_SOLVE_RIDGE; kind <= FTL_SOLVE_ARD; kind++) {
    designed d;
    fit_without_prior(kind, false, &d);
    const ftl_fit_errors seen = measured(&d, &train, 1), fresh = measured(&d, &other, 1);
    printf("  solver %d: %.1e eV/atom, %.1e eV/A, %.1e eV/atom on other structures\n", kind, fresh.rmse[0],
           fresh.rmse[1], fresh.rmse[2]);
    for (int k = 0; k < 3; k++) assert_true(seen.rmse[k] < 1e-5 && fresh.rmse[k] < 1e-4);
    free_designed(&d);
  }
}

/* Where E0 are unknowns they come out as those of the labels, by every solver; one of which no energy tells stays. */
static void e0_are_found(void **unused) {
  (void)unused;
  make_labelled(&truth, 1, 0, &train);
  make_labelled(&truth, 2, 0, &other);
  for (int kind = FTL_SOLVE_RIDGE; kind <= FTL_SOLVE_ARD; kind++) {
    designed d;
    fit_without_prior(kind, true, &d);
    const ftl_fit_errors fresh = measured(&d, &other, 1);
    for (int k = 0; k < 3; k++) assert_true(fresh.rmse[k] < 1e-4);
    for (int mu = 0; mu < 2; mu++) assert_close(d.surrogate.file.e0[mu], truth.surrogate.file.e0[mu], 1e-4);
    free_designed(&d);
  }
  for (int k = 0; k < N_STRUCTURES; k++) train.structure[k].labels.has_energy = false;
  ftl_fit_options options = plain_options();
  options.free_e0 = true;
  designed d;
  fit(&truth, &train, &options, &d);
  assert_close(d.surrogate.file.e0[0], truth.surrogate.file.e0[0] + 5, 0);
  assert_true(measured(&d, &other, 1).rmse[1] < 1e-4);
  free_designed(&d);
}

/* The prior of a function is that of its factors alone, or goes by its column; always so where a strength is given. */
static void scale_of_the_prior(void **unused) {
  (void)unused;
  make_labelled(&truth, 1, 0.05, &train);
  ftl_fit_options options = plain_options();
  for (int kind = FTL_SOLVE_RIDGE; kind <= FTL_SOLVE_EVIDENCE; kind++)
    for (int scale = 0; scale < FTL_N_SCALES; scale++) {
      const ftl_basis_options basis = small_options(2, to_rank_4);
      designed d;
      ftl_solution solution;
      options.solve.kind = (ftl_solve_kind)kind;
      options.scale = (ftl_prior_scale)scale;
      start_design(&basis, &d);
      assert_int_equal(ftl_fit_surrogate(&d.surrogate, &train.set, &options, &solution, NULL), FTL_OK);
      double unit = 0, most = 0;
      for (int mu = 0; mu < 2; mu++)
        for (int k = 0; k < d.surrogate.file.n_functions[mu]; k++) {
          const ftl_ace_function *f = &d.surrogate.file.function[mu][k];
          const double ratio =
              solution.penalty[d.surrogate.first[mu] + k] / (ftl_basis_roughness(f, 2, 0.1, 0.1) * ftl_basis_scale(f));
          unit = unit == 0 ? ratio : unit;
          most = fmax(most, fabs(ratio / unit - 1));
        }
      if (scale == FTL_SCALE_FIXED && kind != FTL_SOLVE_RIDGE) assert_close(most, 0, 1e-12);
      else assert_true(most > 0.1);
      ftl_solution_free(&solution);
      free_designed(&d);
    }
}

static void threads_agree(void **unused) {
  (void)unused;
  make_labelled(&truth, 1, 0.05, &train);
  ftl_fit_options options = plain_options();
  options.solve.kind = FTL_SOLVE_CV;
  designed one, two;
  fit(&truth, &train, &options, &one);
  options.threads = 2;
  fit(&truth, &train, &options, &two);
  for (int k = 0; k < one.n; k++)
    assert_close(two.surrogate.coefficient[k], one.surrogate.coefficient[k],
                 1e-8 * (1 + fabs(one.surrogate.coefficient[k])));
  const ftl_fit_errors a = measured(&one, &train, 1), b = measured(&one, &train, 2);
  for (int k = 0; k < 3; k++) assert_close(a.rmse[k], b.rmse[k], 1e-12 * a.rmse[k]);
  free_designed(&one);
  free_designed(&two);
}

/* What a structure weighs: none, and it may say anything; twice the weight is the structure twice. */
static void weights_weigh(void **unused) {
  (void)unused;
  make_labelled(&truth, 1, 0.05, &train);
  ftl_fit_options options = plain_options();
  options.solve.kind = FTL_SOLVE_RIDGE;
  options.solve.lambda = 1e-14;
  designed one, two;
  train.structure[5].weight = 0;
  train.structure[6].energy_weight = 0;
  train.structure[7].weight = 2;
  fit(&truth, &train, &options, &one);
  train.structure[5].labels.energy += 100;
  train.structure[6].labels.energy -= 100;
  static ftl_structure twice[N_STRUCTURES + 1];
  memcpy(twice, train.structure, sizeof train.structure);
  twice[7].weight = 1;
  twice[N_STRUCTURES] = twice[7];
  labelled again = {.set = {.n = N_STRUCTURES + 1, .structure = twice}};
  fit(&truth, &again, &options, &two);
  const ftl_fit_errors a = measured(&one, &other, 1), b = measured(&two, &other, 1);
  for (int k = 0; k < 3; k++) assert_close(a.rmse[k], b.rmse[k], 1e-6 * a.rmse[k]);
  free_designed(&one);
  free_designed(&two);
}

/* The header's words: 1 eV/atom of energy counts energy sqrt(n), 1 eV of a virial component stress / sqrt(n). */
static void weights_of_kinds(void **unused) {
  (void)unused;
  make_labelled(&truth, 1, 0, &train);
  ftl_fit_options options = plain_options();
  options.energy = 3;
  options.forces = 2;
  options.stress = 5;
  designed d;
  ftl_solution solution;
  const ftl_basis_options basis = small_options(2, (ftl_basis_bounds){.n = {1}});
  start_design(&basis, &d);
  memcpy(d.surrogate.file.e0, truth.surrogate.file.e0, sizeof d.surrogate.file.e0);
  double want = 0; /* of rows that the functions cannot change: the labels alone, with tiny functions */
  options.solve.kind = FTL_SOLVE_RIDGE;
  options.solve.lambda = 1;
  options.solve.n_draws = 0;
  train.set.n = 2; /* one has all labels; one has no stress, once it is told so */
  train.structure[1].labels.has_stress = false;
  assert_int_equal(ftl_fit_surrogate(&d.surrogate, &train.set, &options, &solution, NULL), FTL_OK);
  for (int s = 0; s < 2; s++) {
    const ftl_structure *at = &train.structure[s];
    double rows[1 + 3 * MOST_ATOMS + 6], label[1 + 3 * MOST_ATOMS + 6];
    const ftl_design_rows which = ftl_design_labelled(at);
    predict(&d, d.surrogate.coefficient, &train.made[s], which, rows);
    ftl_design_labels(&d.surrogate, at, which, label);
    double e = (rows[0] - label[0]) / at->n;
    want += 9 * at->n * e * e;
    for (int i = 1; i <= 3 * at->n; i++) want += 4 * (rows[i] - label[i]) * (rows[i] - label[i]);
    for (int i = 3 * at->n + 1; i < ftl_design_count(at, which); i++)
      want += 25.0 / at->n * (rows[i] - label[i]) * (rows[i] - label[i]);
  }
  const double rows = ftl_design_count(&train.structure[0], ftl_design_labelled(&train.structure[0])) +
                      ftl_design_count(&train.structure[1], ftl_design_labelled(&train.structure[1]));
  assert_close((rows - solution.effective) / solution.beta, want, 1e-9 * want);
  ftl_solution_free(&solution);
  free_designed(&d);
}

static void errors_are_those_of_predictions(void **unused) {
  (void)unused;
  make_labelled(&truth, 1, 0.2, &train);
  const ftl_fit_options options = plain_options();
  designed d;
  fit(&truth, &train, &options, &d);
  const ftl_fit_errors have = measured(&d, &train, 1);
  double square[3] = {0}, spread[2] = {0};
  int64_t n[3] = {0};
  for (int s = 0; s < N_STRUCTURES; s++) {
    const ftl_structure *at = &train.structure[s];
    double rows[1 + 3 * MOST_ATOMS + 6], draw[1 + 3 * MOST_ATOMS + 6], label[1 + 3 * MOST_ATOMS + 6];
    const ftl_design_rows which = ftl_design_labelled(at);
    predict(&d, d.surrogate.coefficient, &train.made[s], which, rows);
    ftl_design_labels(&d.surrogate, at, which, label);
    for (int c = -1; c < 6; c++) {
      if (c >= 0) predict(&d, d.surrogate.committee + c * d.n, &train.made[s], which, draw);
      for (int i = 0; i < ftl_design_count(at, which); i++) {
        const int kind = which.energy && i == 0 ? 0 : i < which.energy + 3 * at->n ? 1 : 2;
        const double per = kind == 1 ? 1 : 1.0 / at->n;
        if (c < 0) square[kind] += pow(per * (rows[i] - label[i]), 2);
        else if (kind < 2) spread[kind] += pow(per * (rows[i] - draw[i]), 2) / 6;
        n[kind] += c < 0;
      }
    }
  }
  for (int k = 0; k < 3; k++) {
    assert_int_equal(have.n[k], n[k]);
    assert_close(have.rmse[k], sqrt(square[k] / (double)n[k]), 1e-9);
    if (k < 2) assert_close(have.spread[k], sqrt(spread[k] / (double)n[k]), 1e-9);
  }
  assert_true(have.rmse[1] > 0.1 && have.rmse[1] < 0.25 && have.spread[1] > 0);
  free_designed(&d);
}

/* ---- what is refused ---- */

static void refuse_with(ftl_status code, designed *d, const ftl_dataset *set, const ftl_fit_options *options,
                        const char *words, const char *where) {
  ftl_solution solution;
  ftl_error error = {0};
  assert_int_equal(ftl_fit_surrogate(&d->surrogate, set, options, &solution, &error), code);
  if (!strstr(error.message, words)) fail_msg("'%s' does not say '%s'", error.message, words);
  if (!strstr(error.where, where)) fail_msg("'%s' is not at '%s'", error.where, where);
}

static void refuse(designed *d, const ftl_dataset *set, const ftl_fit_options *options, const char *words,
                   const char *where) {
  refuse_with(FTL_ERR_INPUT, d, set, options, words, where);
}

static void refused(void **unused) {
  (void)unused;
  const ftl_basis_options basis = small_options(2, to_rank_4);
  const double wide[4] = {2.5, 2.5, 2.5, 2.5};
  ftl_fit_options options = plain_options();
  designed d;
  make_labelled(&truth, 1, 0, &train);
  start_design(&basis, &d);
  options.solve.kind = FTL_SOLVE_CV;
  options.folds = 1000000000;
  refuse_with(FTL_ERR_MEMORY, &d, &train.set, &options,
              " GB are free; make the basis smaller, or choose the strength by evidence", "");
  options.folds = 2;
  train.set.n = 1;
  refuse(&d, &train.set, &options, "at least two folds", "");
  options.solve.kind = FTL_SOLVE_EVIDENCE;
  train.structure[0].labels = (ftl_labels){0};
  refuse(&d, &train.set, &options, "no labels", "");
  make_labelled(&truth, 1, 0, &train);
  train.structure[9].labels.energy = NAN;
  refuse(&d, &train.set, &options, "not finite", "");
  make_labelled(&truth, 1, 0, &train);
  ftl_basis_set_inner(&d.surrogate, wide, 0.2);
  refuse(&d, &train.set, &options, "within the inner cutoff of 2.500; choose a smaller one", "made.xyz, line");
  volatile sig_atomic_t stop = 1;
  ftl_solution solution;
  options.stop = &stop;
  assert_int_equal(ftl_fit_surrogate(&d.surrogate, &train.set, &options, &solution, NULL), FTL_ERR_ARGUMENT);
  free_designed(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_those_of_the_evaluator),
                                     cmocka_unit_test(rows_of_atoms_add_up),
                                     cmocka_unit_test(exact_labels_give_the_potential),
                                     cmocka_unit_test(e0_are_found),
                                     cmocka_unit_test(scale_of_the_prior),
                                     cmocka_unit_test(threads_agree),
                                     cmocka_unit_test(weights_weigh),
                                     cmocka_unit_test(weights_of_kinds),
                                     cmocka_unit_test(errors_are_those_of_predictions),
                                     cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, make_truth, free_truth);
}
