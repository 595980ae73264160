/* What a MACE or NequIP model knows of its errors (docs/uncertainty.md), for every kind of readout: features are what
   the energies are linear in, and the trainer's rows are their derivatives; a member's forces are those of a model with
   its weights; the posterior is that of a dense solution; threads, precision and the file change nothing. */
#include "twins.h"

#include "base/random.h"
#include "engine/uncertainty.h"
#include "gradient/gradient.h"
#include "model/prepared.h"
#include "trust/equations.h"
#include "trust/posterior.h"
#include "trust/trusted.h"

enum { MEMBERS = 3 };
static const char *const twins[] = {"tests/parity/twins/t-density-zbl",    "tests/parity/twins/t-nonlinear-heads",
                                    "tests/parity/twins/t-one-layer",      "tests/parity/sevennet-twins/s-fcn",
                                    "tests/parity/sevennet-twins/s-modal", "tests/parity/sevennet-twins/s-parity-l3",
                                    "tests/parity/twins/t-density-other"};

static void must(ftl_status status, const ftl_error *error) {
  if (status) fail_msg("%s: %s", error->where, error->message);
}

/* Numbers within `relative` of the largest one wanted. */
static void alike(const char *what, const double *have, const double *want, int n, double relative) {
  double largest = 0, worst = 0;
  for (int k = 0; k < n; k++) {
    largest = fmax(largest, fabs(want[k]));
    worst = fmax(worst, fabs(have[k] - want[k]));
  }
  print_message("  %s: %.1e\n", what, worst / largest);
  if (!(largest > 0) || !(worst <= relative * largest))
    fail_msg("%s: off by %g of %g, more than %g of it", what, worst, largest, relative);
}

static double pseudo(int64_t k) { return cos(1.3 * (double)k) * (1 + 0.3 * (double)(k % 5)); }

/* A twin cut to one head, with a made-up trust. */
static ftl_source *open_twin(const char *twin) {
  ftl_error error = {0};
  ftl_source *source = read_twin(twin);
  must(ftl_source_cut_head(source, source->arch.heads[source->arch.n_heads - 1], &error), &error);
  ftl_parameters parameters;
  ftl_last_weights layer;
  must(ftl_parameters_list(source, &parameters, &error), &error);
  must(ftl_last_weights_mark(source, &parameters, &layer, &error), &error);
  ftl_parameters_free(&parameters);
  source->trust = ftl_trust_new(layer.n, MEMBERS, 1, source->arch.atomic_numbers);
  assert_non_null(source->trust);
  for (int i = 0; i < layer.n; i++)
    for (int j = i; j < layer.n; j++) source->trust->factor[i * layer.n + j] = (float)(0.01 * pseudo(i + 7 * j));
  for (int k = 0; k < MEMBERS * layer.n; k++) source->trust->committee[k] = (float)(0.1 * pseudo(k));
  for (int k = 0; k < layer.n * layer.n; k++) source->trust->active[0][k] = (float)pseudo(3 * k);
  source->trust->energy_scale = 1.5;
  source->trust->force_scale = 0.5;
  return source;
}

static void read_structure(const char *twin, structure *s) {
  FILE *file = fopen(with_extension(twin, "xyz"), "r");
  assert_non_null(file);
  assert_true(read_frame(file, s));
  fclose(file);
}

typedef struct {
  ftl_model *model;
  ftl_workspace *workspace;
  int species[MAX_ATOMS];
  double forces[MAX_ATOMS][3], deviation[MAX_ATOMS], energy_deviation[MAX_ATOMS], gamma[MAX_ATOMS];
  ftl_result result;
} answers;

/* Everything of a structure; the source keeps its trust. */
static void ask(ftl_source *source, const structure *s, ftl_precision precision, int threads, answers *a) {
  ftl_error error = {0};
  const ftl_open_options options = {.precision = precision};
  *a = (answers){0};
  must(ftl_prepare(source, &options, &a->model, &error), &error);
  must(ftl_prepare_trust(a->model, source->trust, source->path, &error), &error);
  must(ftl_workspace_new(a->model, threads, &a->workspace, &error), &error);
  for (int i = 0; i < s->n; i++) a->species[i] = ftl_model_species(a->model, s->number[i]);
  a->result = (ftl_result){.forces = a->forces[0],
                           .extrapolation = a->gamma,
                           .energy_deviation = a->energy_deviation,
                           .force_deviation = a->deviation};
  must(ftl_compute(a->workspace, s->n, a->species, s->position, s->cell, s->pbc, &a->result, &error), &error);
}

static void leave(answers *a) {
  a->model->trust = NULL;
  ftl_workspace_free(a->workspace);
  ftl_model_free(a->model);
}

/* Of a structure moved by `step` along a made-up direction: [n features] summed over atoms. */
static void summed_features(answers *a, const structure *s, double step, double *sum) {
  static structure moved;
  ftl_error error = {0};
  int n;
  moved = *s;
  for (int c = 0; c < 3 * s->n; c++) moved.position[c / 3][c % 3] += step * pseudo(11 * c);
  ftl_result result = {.energy_deviation = a->energy_deviation, .energy_only = 1};
  must(ftl_compute(a->workspace, s->n, a->species, moved.position, s->cell, s->pbc, &result, &error), &error);
  const double *feature = ftl_uncertainty_features(a->workspace, &n);
  memset(sum, 0, (size_t)n * sizeof *sum);
  for (int i = 0; i < s->n; i++)
    for (int k = 0; k < n; k++) sum[k] += feature[i * n + k];
}

/* The trainer's gradients by the last weights, against the engine's features and their differences. */
static void check_rows(const ftl_source *source, const structure *s, answers *a) {
  ftl_error error = {0};
  ftl_parameters parameters;
  ftl_last_weights layer;
  ftl_network *network;
  ftl_sweep *sweep;
  ftl_prediction prediction;
  static structure_graph g;
  must(ftl_parameters_list(source, &parameters, &error), &error);
  must(ftl_last_weights_mark(source, &parameters, &layer, &error), &error);
  const int n = layer.n;
  double *values = calloc((size_t)parameters.count, sizeof *values), *row = calloc(6 * (size_t)n, sizeof *row),
         *gradient = calloc((size_t)parameters.count, sizeof *gradient), (*w)[3] = calloc((size_t)s->n, sizeof *w);
  double *force_row = row + n, *here = row + 2 * n, *up = row + 3 * n, *down = row + 4 * n, *slope = row + 5 * n;
  ftl_parameters_get(&parameters, source, values);
  must(ftl_network_new(source, &parameters, FTL_DOUBLE, &network, &error), &error);
  must(ftl_network_set(network, values, &error), &error);
  must(ftl_sweep_new(network, &sweep, &error), &error);
  build_graph(&g, s, source->arch.atomic_numbers, source->arch.n_elements, source->arch.r_max);
  must(ftl_sweep_predict(sweep, &g.graph, NULL, 0, false, &prediction, &error), &error);
  must(ftl_sweep_gradient(sweep, 1, NULL, NULL, gradient, &error), &error);
  ftl_last_weights_take(&layer, gradient, row);
  memset(gradient, 0, (size_t)parameters.count * sizeof *gradient);
  for (int c = 0; c < 3 * s->n; c++) w[c / 3][c % 3] = pseudo(11 * c);
  must(ftl_sweep_gradient(sweep, 0, (const double(*)[3])w, NULL, gradient, &error),
       &error); /* of the same prediction */
  ftl_last_weights_take(&layer, gradient, force_row);
  summed_features(a, s, 0, here);
  summed_features(a, s, 1e-4, up);
  summed_features(a, s, -1e-4, down);
  for (int k = 0; k < n; k++) slope[k] = -(up[k] - down[k]) / 2e-4; /* forces are -d/dx */
  alike("features: engine and trainer", here, row, n, 1e-9);
  alike("their derivatives along a direction", slope, force_row, n, 1e-5);
  ftl_sweep_free(sweep);
  ftl_network_free(network);
  ftl_parameters_free(&parameters);
  free_graph(&g);
  free(values);
  free(row);
  free(gradient);
  free(w);
}

/* Forces of the model whose last weights are member m's, less the model's. */
static void forces_of_member(ftl_source *source, const structure *s, int m, const double (*own)[3], double (*out)[3]) {
  ftl_error error = {0};
  ftl_parameters parameters;
  ftl_last_weights layer;
  ftl_model *model;
  ftl_workspace *workspace;
  int species[MAX_ATOMS];
  must(ftl_source_cast(source, FTL_F64, &error), &error);
  must(ftl_parameters_list(source, &parameters, &error), &error);
  must(ftl_last_weights_mark(source, &parameters, &layer, &error), &error);
  double *values = calloc((size_t)parameters.count, sizeof *values), *changed = calloc((size_t)layer.n, sizeof(double));
  ftl_parameters_get(&parameters, source, values);
  ftl_trust *trust = source->trust; /* forgotten with the weights */
  source->trust = NULL;
  for (int b = 0, at = 0; b < layer.n_blocks; b++)
    for (int64_t k = 0; k < layer.count[b]; k++, at++)
      values[layer.offset[b] + k] += trust->committee[m * layer.n + at];
  must(ftl_parameters_put(&parameters, values, source, &error), &error);
  must(ftl_prepare(source, NULL, &model, &error), &error);
  must(ftl_workspace_new(model, 1, &workspace, &error), &error);
  for (int i = 0; i < s->n; i++) species[i] = ftl_model_species(model, s->number[i]);
  ftl_result result = {.forces = out[0]};
  must(ftl_compute(workspace, s->n, species, s->position, s->cell, s->pbc, &result, &error), &error);
  for (int c = 0; c < 3 * s->n; c++) out[c / 3][c % 3] -= own[c / 3][c % 3];
  for (int b = 0, at = 0; b < layer.n_blocks; b++)
    for (int64_t k = 0; k < layer.count[b]; k++, at++)
      values[layer.offset[b] + k] -= trust->committee[m * layer.n + at];
  must(ftl_parameters_put(&parameters, values, source, &error), &error);
  source->trust = trust;
  ftl_workspace_free(workspace);
  ftl_model_free(model);
  ftl_parameters_free(&parameters);
  free(values);
  free(changed);
}

static void check_members(ftl_source *source, const structure *s, const answers *a) {
  static double member[MAX_ATOMS][3], told[MAX_ATOMS], one[MAX_ATOMS];
  memset(told, 0, sizeof told);
  for (int m = 0; m < MEMBERS; m++) {
    forces_of_member(source, s, m, a->forces, member);
    for (int c = 0; c < 3 * s->n; c++) told[c / 3] += member[c / 3][c % 3] * member[c / 3][c % 3] / MEMBERS;
  }
  for (int i = 0; i < s->n; i++) told[i] = source->trust->force_scale * sqrt(told[i]);
  memcpy(one, a->deviation, sizeof one);
  alike("deviations of forces: sweeps and whole models", one, told, s->n, 1e-7);
}

/* Energies and grades in closed form, from the engine's features. */
static void check_energies(const ftl_source *source, const structure *s, const answers *a) {
  const ftl_trust *t = source->trust;
  static double told[MAX_ATOMS + 1], have[MAX_ATOMS + 1], grade[MAX_ATOMS], graded[MAX_ATOMS];
  int n;
  const double *feature = ftl_uncertainty_features(a->workspace, &n);
  double *sum = calloc((size_t)n, sizeof *sum);
  for (int i = 0; i <= s->n; i++) {
    const double *f = i < s->n ? feature + i * n : sum;
    double square = 0;
    for (int j = 0; j < n; j++) {
      double y = 0;
      for (int k = 0; k <= j; k++) y += t->factor[k * n + j] * f[k];
      square += y * y;
    }
    told[i] = t->energy_scale * sqrt(square);
    have[i] = i < s->n ? a->energy_deviation[i] : a->result.total_deviation;
    for (int k = 0; i < s->n && k < n; k++) sum[k] += f[k];
  }
  alike("deviations of energies", have, told, s->n + 1, 1e-9);
  for (int i = 0; i < s->n; i++) {
    graded[i] = a->gamma[i];
    grade[i] = s->number[i] == t->atomic_number[0] ? 0 : FTL_TOO_CLOSE;
    for (int k = 0; k < n && grade[i] < FTL_TOO_CLOSE; k++) {
      double y = 0;
      for (int f = 0; f < n; f++) y += feature[i * n + f] * t->active[0][f * n + k];
      grade[i] = fmax(grade[i], fabs(y));
    }
    if (grade[i] == FTL_TOO_CLOSE) assert_true(graded[i] == FTL_TOO_CLOSE);
    if (grade[i] == FTL_TOO_CLOSE) grade[i] = graded[i] = 0;
  }
  alike("grades", graded, grade, s->n, 1e-9);
  free(sum);
}

static void test_answers(void **state) {
  (void)state;
  static structure s;
  static answers one, three, mixed;
  for (size_t k = 0; k < sizeof twins / sizeof *twins; k++) {
    print_message("%s\n", twins[k]);
    ftl_source *source = open_twin(twins[k]);
    read_structure(twins[k], &s);
    ask(source, &s, FTL_DOUBLE, 1, &one);
    check_energies(source, &s, &one);
    ask(source, &s, FTL_DOUBLE, 3, &three);
    alike("three threads: forces", three.deviation, one.deviation, s.n, 1e-11);
    alike("three threads: energies", three.energy_deviation, one.energy_deviation, s.n, 1e-11);
    alike("three threads: all", &three.result.total_deviation, &one.result.total_deviation, 1, 1e-11);
    ask(source, &s, FTL_MIXED, 1, &mixed);
    alike("float32: forces", mixed.deviation, one.deviation, s.n, 1e-4);
    check_rows(source, &s, &three);
    check_members(source, &s, &one);
    leave(&one);
    leave(&three);
    leave(&mixed);
    ftl_source_free(source);
  }
}

/* (A^T A + prior) U U^T = 1. */
static void test_posterior(void **state) {
  (void)state;
  enum { N = 6, ROWS = 40 };
  const double prior = 0.3;
  ftl_error error = {0};
  ftl_random random;
  ftl_random_seed(&random, 5);
  double a[ROWS][N + 1], block[(N + 1) * ROWS], precision[N][N], data = 0;
  for (int r = 0; r < ROWS; r++)
    for (int k = 0; k <= N; k++) {
      a[r][k] = ftl_random_normal(&random) * (k == N ? 1 : pow(10, -k % 3));
      block[k * ROWS + r] = a[r][k];
    }
  ftl_triangle triangle;
  must(ftl_triangle_new(N, &triangle, &error), &error);
  must(ftl_triangle_add(&triangle, block, ROWS, ROWS, &error), &error);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      precision[i][j] = i == j ? prior : 0;
      for (int r = 0; r < ROWS; r++) precision[i][j] += a[r][i] * a[r][j];
    }
  ftl_trust *trust = ftl_trust_new(N, FTL_MAX_COMMITTEE, 0, NULL);
  double effective;
  must(ftl_posterior_set(&triangle, prior, 7, trust, &effective, &error), &error);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < N; k++)
        for (int m = 0; m < N; m++) sum += precision[i][k] * trust->factor[k * N + m] * trust->factor[j * N + m];
      assert_true(fabs(sum - (i == j)) < 1e-9);
    }
  /* the trace of A^T A (A^T A + prior)^-1 */
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      for (int m = 0; m < N; m++)
        data += (precision[i][j] - (i == j ? prior : 0)) * trust->factor[j * N + m] * trust->factor[i * N + m];
  assert_true(fabs(data - effective) < 1e-9 && effective > 0 && effective < N);
  /* draws have this covariance: U^-1 d are standard normal numbers, and so is their mean square 1 within 5 sigma */
  double mean = 0;
  for (int m = 0; m < FTL_MAX_COMMITTEE; m++) {
    double z[N];
    for (int i = N - 1; i >= 0; i--) {
      z[i] = trust->committee[m * N + i];
      for (int j = i + 1; j < N; j++) z[i] -= trust->factor[i * N + j] * z[j];
      z[i] /= trust->factor[i * N + i];
      mean += z[i] * z[i] / (N * FTL_MAX_COMMITTEE);
    }
  }
  assert_true(fabs(mean - 1) < 5 * sqrt(2.0 / (N * FTL_MAX_COMMITTEE)));
  ftl_trust_free(trust);
  ftl_triangle_free(&triangle);
}

/* The file: float32 numbers come back; elements that are cut away take their sets along; a file with a trust of another
   layer is refused, and weights that change forget it. */
static void test_file(void **state) {
  (void)state;
  ftl_error error = {0};
  char path[] = "/tmp/ftl-trust-XXXXXX";
  close(mkstemp(path));
  ftl_source *source = open_twin(twins[0]), *again;
  const ftl_trust *t = source->trust;
  must(ftl_source_write(source, path, &error), &error);
  must(ftl_source_read(path, &again, &error), &error);
  assert_non_null(again->trust);
  assert_int_equal(again->tensors.n, source->tensors.n);
  assert_int_equal(again->trust->n, t->n);
  assert_int_equal(again->trust->atomic_number[0], t->atomic_number[0]);
  assert_memory_equal(again->trust->factor, t->factor, (size_t)t->n * (size_t)t->n * sizeof(double));
  assert_memory_equal(again->trust->committee, t->committee, (size_t)t->n * MEMBERS * sizeof(double));
  assert_memory_equal(again->trust->active[0], t->active[0], (size_t)t->n * (size_t)t->n * sizeof(double));
  assert_true(again->trust->energy_scale == 1.5 && again->trust->force_scale == 0.5);
  ftl_source_free(again);
  /* another last layer */
  ftl_trust *other = ftl_trust_new(t->n + 1, MEMBERS, 0, NULL);
  ftl_source_forget(source);
  source->trust = other;
  must(ftl_source_write(source, path, &error), &error);
  ftl_model *model;
  assert_int_equal(ftl_model_open(path, NULL, &model, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "frozentl trust"));
  ftl_parameters parameters;
  must(ftl_parameters_list(source, &parameters, &error), &error);
  double *values = calloc((size_t)parameters.count, sizeof *values);
  ftl_parameters_get(&parameters, source, values);
  must(ftl_parameters_put(&parameters, values, source, &error), &error);
  assert_null(source->trust);
  free(values);
  ftl_parameters_free(&parameters);
  ftl_source_free(source);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_posterior),
                                     cmocka_unit_test(test_file)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
