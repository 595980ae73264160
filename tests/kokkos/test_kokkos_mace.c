/* core/kokkos against the C core: every twin's frames and random structures, in each execution space there is, alone
   and with every periodic image as a ghost of its own, double and mixed. Prints the largest differences. */
#include "compare.h"

#include "model/prepared.h"

static void check_twin(const char *twin) {
  static structure s;
  ftl_model *models[2];
  ftl_model_info info;
  FILE *frames = fopen(with_extension(twin, "xyz"), "r");
  assert_non_null(frames);
  for (int k = 0; k < 2; k++) {
    ftl_open_options options = {.precision = k ? FTL_MIXED : FTL_DOUBLE, .head = head_of_twin(twin_model(twin))};
    MUST(ftl_model_open(twin_model(twin), &options, &models[k], error));
  }
  ftl_model_get_info(models[0], &info);
  for (int frame = 0; frame < 4 && read_frame(frames, &s); frame++) check_structure(twin, models, &s);
  fclose(frames);
  uint64_t state = 7;
  random_structure(&s, 6, 5, 1.3, info.atomic_numbers, info.n_elements, &state); /* smaller than the cutoff */
  check_structure(twin, models, &s);
  for (int k = 0; k < 2; k++) ftl_model_free(models[k]);
}

static void test_twins(void **unused) {
  (void)unused;
  for_each_twin(check_twin);
  print_message("Kokkos against the C core: double %.2g, forces in mixed %.2g\n", worst_double, worst_mixed);
}

/* The NequIP family without ../shared: biases, heads, both parities, l = 3, either readout, raw harmonics. */
static void test_small_sevennets(void **unused) {
  (void)unused;
  glob_t found;
  assert_int_equal(glob("tests/parity/sevennet-twins/*.pth", 0, NULL, &found), 0);
  assert_in_range(found.gl_pathc, 5, 100);
  for (size_t k = 0; k < found.gl_pathc; k++) {
    *strrchr(found.gl_pathv[k], '.') = 0;
    check_twin(found.gl_pathv[k]);
  }
  globfree(&found);
}

/* A readout of random features beside those that a twin has (docs/uncertainty.md, eq. L3). */
static void add_random_features(ftl_source *source) {
  enum { N = 20 };
  ftl_architecture *arch = &source->arch;
  const ftl_irreps *in = &arch->layer[arch->n_layers - 1].product;
  const int k = arch->n_readouts++;
  const int64_t n = N, both = (int64_t)ftl_irreps_count(in, 0, 1) * N;
  double *weights = calloc((size_t)both, sizeof *weights);
  char name[64];
  assert_non_null(weights);
  for (int64_t i = 0; i < both; i++) weights[i] = 3 * cos(1.3 * (double)(i * i % 1000));
  snprintf(name, sizeof name, "readouts.%d.linear_1.weight", k);
  MUST(ftl_tensors_add(&source->tensors, name, FTL_F64, 1, &both, weights, true, error));
  snprintf(name, sizeof name, "readouts.%d.linear_2.weight", k);
  MUST(ftl_tensors_add(&source->tensors, name, FTL_F64, 1, &n, weights, true, error));
  ftl_tensors_sort(&source->tensors);
  arch->readout[k] = (ftl_readout){.kind = FTL_READOUT_RANDOM,
                                   .layer = arch->n_layers - 1,
                                   .in = *in,
                                   .mlp = {1, {{N, 0, 1}}},
                                   .gate = FTL_ACTIVATION_CAS,
                                   .gate_cst = 1};
  MUST(ftl_source_check(source, error));
  free(weights);
}

static void test_random_features(void **unused) {
  (void)unused;
  static const char *const twins[] = {"tests/parity/twins/t-density-zbl", "tests/parity/sevennet-twins/s-parity-l3"};
  static structure s;
  for (int t = 0; t < 2; t++) {
    ftl_model *models[2];
    for (int k = 0; k < 2; k++) {
      const ftl_open_options options = {.precision = k ? FTL_MIXED : FTL_DOUBLE};
      ftl_source *source = read_twin(twins[t]);
      add_random_features(source);
      MUST(ftl_prepare(source, &options, &models[k], error));
      ftl_source_free(source);
    }
    FILE *frames = fopen(with_extension(twins[t], "xyz"), "r");
    assert_true(frames && read_frame(frames, &s));
    fclose(frames);
    check_structure(twins[t], models, &s);
    for (int k = 0; k < 2; k++) ftl_model_free(models[k]);
  }
}

/* What an evaluator refuses: it must say so, and take the next step as if nothing had been. */
static void test_bad_input(void **unused) {
  (void)unused;
  const double close[2][3] = {{0, 0, 0}, {0, 0, 0}}, fine[2][3] = {{0, 0, 0}, {0, 0, 2}};
  const int64_t first_edge[3] = {0, 1, 2};
  const int sender[2] = {1, 0}, species[2] = {0, 0}, stranger[2] = {0, -1}, unknown[2] = {0, 1000};
  double forces[6], node_energy[2];
  ftl_model *model;
  MUST(ftl_model_open("tests/parity/twins/t-one-layer.model", NULL, &model, error));
  for (const char *const *space = kokkos_spaces(); *space; space++) {
    kokkos_answer k = {.forces = forces, .node_energy = node_energy};
    ftl_error error = {0};
    ftl_graph graph = {
        .n_local = 2, .n_total = 2, .species = species, .first_edge = first_edge, .sender = sender, .position = close};
    assert_int_equal(kokkos_evaluate(*space, model, &graph, NULL, 1, &k, &error), FTL_ERR_INPUT);
    assert_non_null(strstr(error.message, "same place"));
    assert_string_equal(error.where, "atoms 1 and 2");
    graph.position = fine;
    graph.species = stranger;
    assert_int_equal(kokkos_evaluate(*space, model, &graph, NULL, 1, &k, &error), FTL_ERR_INPUT);
    graph.species = unknown;
    assert_int_equal(kokkos_evaluate(*space, model, &graph, NULL, 1, &k, &error), FTL_ERR_INPUT);
    graph.species = species;
    assert_int_equal(kokkos_evaluate(*space, model, &graph, NULL, 1, &k, &error), FTL_OK);
    graph.n_local = graph.n_total = 0; /* a rank without atoms */
    assert_int_equal(kokkos_evaluate(*space, model, &graph, NULL, 1, &k, &error), FTL_OK);
    assert_close(k.energy, 0, 0);
  }
  ftl_model_free(model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bad_input), cmocka_unit_test(test_small_sevennets),
                                     cmocka_unit_test(test_random_features), cmocka_unit_test(test_twins)};
  kokkos_start(argc, argv);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  kokkos_stop();
  return failed;
}
