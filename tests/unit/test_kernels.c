/* What must not change an outcome: which instruction set the kernels were built for, how many threads run them, and, to
   its own tolerance, float32 stages. And what the layer-wise interface refuses. On the twins in tests/parity/twins. */
#include "twins.h"

typedef struct {
  double energy, *forces, *node_energy, virial[6];
} outcome;

#define N 27

/* A rattled block of simple cubic with the model's elements in turn, periodic in x and y. */
static void make_block(const ftl_model *model, int species[N], double x[N][3], double cell[3][3], int pbc[3]) {
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  unsigned seed = 7;
  for (int i = 0; i < N; i++) {
    species[i] = i % info.n_elements;
    int at[3] = {i % 3, i / 3 % 3, i / 9};
    for (int k = 0; k < 3; k++) {
      seed = seed * 1103515245u + 12345u;
      x[i][k] = 2.4 * at[k] + 0.4 * ((seed >> 8) % 1000 / 1000.0 - 0.5);
    }
  }
  memset(cell, 0, 9 * sizeof(double));
  for (int k = 0; k < 3; k++) cell[k][k] = 7.2;
  pbc[0] = pbc[1] = 1;
  pbc[2] = 0;
}

static void run(const char *path, const char *isa, int threads, ftl_precision precision, outcome *a) {
  if (isa) setenv("FROZENTL_ISA", isa, 1);
  ftl_open_options options = {.precision = precision};
  ftl_model *model = NULL;
  ftl_workspace *ws = NULL;
  ftl_error error = {0};
  ftl_status status = ftl_model_open(path, &options, &model, &error);
  unsetenv("FROZENTL_ISA");
  if (status || ftl_workspace_new(model, threads, &ws, &error))
    fail_msg("%s: %s (%s)", path, error.message, error.where);
  int species[N], pbc[3];
  double x[N][3], cell[3][3];
  make_block(model, species, x, cell, pbc);
  a->forces = calloc(3 * N, sizeof(double));
  a->node_energy = calloc(N, sizeof(double));
  ftl_result result = {.forces = a->forces, .node_energy = a->node_energy};
  if (ftl_compute(ws, N, species, (const double(*)[3])x, (const double(*)[3])cell, pbc, &result, &error))
    fail_msg("%s: %s (%s)", path, error.message, error.where);
  a->energy = result.energy;
  memcpy(a->virial, result.virial, sizeof a->virial);
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

static void release(outcome *a) {
  free(a->forces);
  free(a->node_energy);
}

/* Largest deviation of forces and node energies, each relative to its largest. */
static double difference(const outcome *a, const outcome *b) {
  double f = 0, f_max = 0, e = 0, e_max = 0;
  for (int k = 0; k < 3 * N; k++) {
    f = fmax(f, fabs(a->forces[k] - b->forces[k]));
    f_max = fmax(f_max, fabs(a->forces[k]));
  }
  for (int k = 0; k < N; k++) {
    e = fmax(e, fabs(a->node_energy[k] - b->node_energy[k]));
    e_max = fmax(e_max, fabs(a->node_energy[k]));
  }
  return fmax(f / f_max, e / e_max);
}

static const char *const twins[] = {"t-density-zbl", "t-nonlinear-heads", "t-nonresidual", "t-plain-residual",
                                    "t-one-layer"};
#define N_TWINS (sizeof twins / sizeof *twins)

static const char *twin_path(size_t k) {
  static char path[256];
  snprintf(path, sizeof path, "tests/parity/twins/%s.model", twins[k]);
  return path;
}

static void test_instruction_sets(void **state) {
  (void)state;
  static const char *const isas[] = {"generic", "avx2", "avx512", "neon"};
  for (ftl_precision precision = FTL_DOUBLE; precision <= FTL_MIXED; precision++) {
    double worst = 0;
    int compared = 0;
    for (size_t t = 0; t < N_TWINS; t++) {
      outcome first;
      run(twin_path(t), NULL, 1, precision, &first); /* the best */
      for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
        ftl_model *model = NULL;
        setenv("FROZENTL_ISA", isas[k], 1);
        bool runs = ftl_model_open(twin_path(t), NULL, &model, NULL) == FTL_OK;
        unsetenv("FROZENTL_ISA");
        ftl_model_free(model);
        if (!runs) continue; /* a CPU without it */
        outcome other;
        run(twin_path(t), isas[k], 1, precision, &other);
        worst = fmax(worst, difference(&first, &other));
        release(&other);
        compared++;
      }
      release(&first);
    }
    print_message("instruction sets, %s: %d comparisons, largest difference %.1e\n", precision ? "mixed" : "double",
                  compared, worst);
    assert_true(worst < (precision ? 2e-5 : 1e-12));
  }
}

static void test_unknown_instruction_set(void **state) {
  (void)state;
  ftl_model *model = NULL;
  ftl_error error = {0};
  setenv("FROZENTL_ISA", "quantum", 1);
  ftl_status status = ftl_model_open(twin_path(0), NULL, &model, &error);
  unsetenv("FROZENTL_ISA");
  assert_int_equal(status, FTL_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "quantum"));
}

static void test_threads(void **state) {
  (void)state;
  double worst = 0;
  for (size_t t = 0; t < N_TWINS; t++) {
    outcome one;
    run(twin_path(t), NULL, 1, FTL_DOUBLE, &one);
    for (int threads = 2; threads <= 5; threads++) {
      outcome many, again;
      run(twin_path(t), NULL, threads, FTL_DOUBLE, &many);
      run(twin_path(t), NULL, threads, FTL_DOUBLE, &again);
      worst = fmax(worst, difference(&one, &many));
      assert_memory_equal(many.forces, again.forces,
                          3 * N * sizeof(double)); /* deterministic for a number of threads */
      release(&many);
      release(&again);
    }
    release(&one);
  }
  print_message("1 to 5 threads: largest difference %.1e\n", worst);
  assert_true(worst < 1e-12);
}

static void test_mixed(void **state) {
  (void)state;
  double worst = 0;
  for (size_t t = 0; t < N_TWINS; t++) {
    outcome exact, mixed;
    run(twin_path(t), NULL, 1, FTL_DOUBLE, &exact);
    run(twin_path(t), NULL, 1, FTL_MIXED, &mixed);
    worst = fmax(worst, difference(&exact, &mixed));
    release(&exact);
    release(&mixed);
  }
  print_message("mixed against double: largest difference %.1e\n", worst);
  assert_true(worst < 1e-5);
}

/* The virial is the energy's derivative by strain. */
static void test_virial(void **state) {
  (void)state;
  ftl_model *model = NULL;
  ftl_workspace *ws = NULL;
  ftl_error error = {0};
  assert_int_equal(ftl_model_open(twin_path(0), NULL, &model, &error), FTL_OK);
  assert_int_equal(ftl_workspace_new(model, 1, &ws, &error), FTL_OK);
  int species[N], pbc[3];
  double x[N][3], cell[3][3], worst = 0, largest = 0;
  static const int row[6] = {0, 1, 2, 0, 0, 1}, column[6] = {0, 1, 2, 1, 2, 2};
  ftl_result middle = {0};
  make_block(model, species, x, cell, pbc);
  pbc[2] = 1;
  assert_int_equal(ftl_compute(ws, N, species, (const double(*)[3])x, (const double(*)[3])cell, pbc, &middle, &error),
                   FTL_OK);
  for (int k = 0; k < 6; k++) {
    double energy[2], h = 1e-5;
    for (int side = 0; side < 2; side++) {
      double y[N][3], deformed[3][3];
      for (int i = 0; i < N + 3; i++) {
        const double *from = i < N ? x[i] : cell[i - N];
        double *to = i < N ? y[i] : deformed[i - N];
        for (int c = 0; c < 3; c++) to[c] = from[c];
        to[row[k]] += (side ? h : -h) * (row[k] == column[k] ? 1 : 0.5) * from[column[k]];
        if (row[k] != column[k]) to[column[k]] += (side ? h : -h) * 0.5 * from[row[k]];
      }
      ftl_result result = {0};
      assert_int_equal(
          ftl_compute(ws, N, species, (const double(*)[3])y, (const double(*)[3])deformed, pbc, &result, &error),
          FTL_OK);
      energy[side] = result.energy;
    }
    worst = fmax(worst, fabs(middle.virial[k] + (energy[1] - energy[0]) / (2 * h)));
    largest = fmax(largest, fabs(middle.virial[k]));
  }
  print_message("virial against strain: %.1e of the largest\n", worst / largest);
  assert_true(worst < 1e-6 * largest);
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

static void test_refusals(void **state) {
  (void)state;
  ftl_model *model = NULL;
  ftl_workspace *ws = NULL;
  ftl_error error = {0};
  assert_int_equal(ftl_model_open("no/such/file.model", NULL, &model, &error), FTL_ERR_IO);
  assert_int_equal(ftl_model_open(twin_path(0), &(ftl_open_options){.head = "nobody"}, &model, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "nobody"));
  assert_int_equal(
      ftl_model_open(twin_path(0), &(ftl_open_options){.elements = (int[]){118}, .n_elements = 1}, &model, &error),
      FTL_ERR_INPUT);
  assert_int_equal(ftl_model_open(twin_path(0), NULL, &model, &error), FTL_OK);
  assert_int_equal(ftl_workspace_new(model, 2, &ws, &error), FTL_OK);
  ftl_result result = {0};
  int species[2] = {0, 0}, pbc[3] = {0, 0, 0};
  double x[2][3] = {{0, 0, 0}, {0, 0, 0}};
  assert_int_equal(ftl_compute(ws, 2, species, (const double(*)[3])x, NULL, pbc, &result, &error), FTL_ERR_INPUT);
  x[1][0] = NAN;
  assert_int_equal(ftl_compute(ws, 2, species, (const double(*)[3])x, NULL, pbc, &result, &error), FTL_ERR_INPUT);
  x[1][0] = 1;
  species[1] = 999;
  assert_int_equal(ftl_compute(ws, 2, species, (const double(*)[3])x, NULL, pbc, &result, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.where, "atom 2"));
  species[1] = 0;

  /* the layer-wise calls out of order, and edges that make no sense */
  const int64_t first_edge[2] = {0, 1};
  int sender = 1;
  double vector[1][3] = {{1, 0, 0}};
  ftl_graph graph = {.n_local = 1,
                     .n_total = 2,
                     .species = species,
                     .first_edge = first_edge,
                     .sender = &sender,
                     .vector = (const double(*)[3])vector};
  ftl_output output = {0};
  assert_int_equal(ftl_end(ws, &error), FTL_ERR_ARGUMENT);
  assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_OK);
  assert_int_equal(ftl_layer_reverse(ws, 0, FTL_ALL, &error), FTL_ERR_ARGUMENT);
  /* parts: inner receivers after the outer ones, and neither twice */
  assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_OK);
  assert_int_equal(ftl_layer_forward(ws, 0, FTL_INNER, &error), FTL_ERR_ARGUMENT);
  assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_OK);
  assert_int_equal(ftl_layer_forward(ws, 0, FTL_OUTER, &error), FTL_OK);
  assert_int_equal(ftl_layer_forward(ws, 0, FTL_ALL, &error), FTL_ERR_ARGUMENT);
  sender = 2;
  assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_ERR_ARGUMENT);
  sender = 1;
  vector[0][0] = 0;
  assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_ERR_INPUT);
  vector[0][0] = NAN;
  assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_ERR_INPUT);
  vector[0][0] = 1;
  species[1] = -1; /* an atom of another style: no edges allowed */
  assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_ERR_INPUT);

  /* nothing at all is a valid outcome: a rank without atoms */
  ftl_graph empty = {0};
  assert_int_equal(ftl_begin(ws, &empty, &output, &error), FTL_OK);
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  for (int t = 0; t < info.n_layers - 1; t++) assert_int_equal(ftl_layer_forward(ws, t, FTL_ALL, &error), FTL_OK);
  assert_int_equal(ftl_last_layer(ws, FTL_ALL, &error), FTL_OK);
  for (int t = info.n_layers - 2; t >= 0; t--) assert_int_equal(ftl_layer_reverse(ws, t, FTL_ALL, &error), FTL_OK);
  assert_int_equal(ftl_end(ws, &error), FTL_OK);
  assert_true(output.energy == 0);
  ftl_workspace_free(ws);
  ftl_model_free(model);
  ftl_model_free(NULL);
  ftl_workspace_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_instruction_sets), cmocka_unit_test(test_unknown_instruction_set),
      cmocka_unit_test(test_threads),          cmocka_unit_test(test_mixed),
      cmocka_unit_test(test_virial),           cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
