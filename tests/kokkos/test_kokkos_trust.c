/* Grades and deviations of core/kokkos against the C core's: of every kind of readout, with the last layer of a
   committee that is made up, as the numbers need no meaning here. Surrogates: test_kokkos_ace. */
#include "compare.h"

#include "files/model_file.h"
#include "model/prepared.h"

enum { MEMBERS = 3 };

static double pseudo(int64_t k) { return cos(1.3 * (double)k) * (1 + 0.3 * (double)(k % 5)); }

/* Of all elements of the model but the last, of which nothing is known. */
static ftl_trust *make_trust(const ftl_model *model) {
  const int n = model->n_last, n_active = model->n_species > 1 ? model->n_species - 1 : 1;
  ftl_trust *trust = ftl_trust_new(n, MEMBERS, n_active, model->arch.atomic_numbers);
  assert_non_null(trust);
  for (int i = 0; i < n; i++)
    for (int j = i; j < n; j++) trust->factor[i * n + j] = 0.01 * pseudo(i + 7 * j);
  for (int k = 0; k < MEMBERS * n; k++) trust->committee[k] = 0.1 * pseudo(k);
  for (int z = 0; z < n_active; z++)
    for (int k = 0; k < n * n; k++) trust->active[z][k] = pseudo(3 * k + z);
  trust->energy_scale = 1.5;
  trust->force_scale = 0.5;
  return trust;
}

static ftl_model *open_taught(const char *twin, ftl_precision precision) {
  const ftl_open_options options = {.precision = precision};
  ftl_source *source = read_twin(twin);
  ftl_model *model;
  MUST(ftl_source_cut_head(source, source->arch.heads[source->arch.n_heads - 1], error));
  MUST(ftl_prepare(source, &options, &model, error));
  MUST(ftl_prepare_trust(model, make_trust(model), twin, error));
  ftl_source_free(source);
  return model;
}

/* As a rank may have none. */
static void check_no_atoms(const ftl_model *model) {
  const int64_t first_edge[1] = {0};
  const double position[1][3] = {{0}};
  const ftl_graph graph = {.first_edge = first_edge, .position = position};
  double none[3];
  for (const char *const *space = kokkos_spaces(); *space; space++) {
    kokkos_answer asking = {
        .forces = none, .node_energy = none, .extrapolation = none, .energy_deviation = none, .force_deviation = none};
    MUST(kokkos_evaluate(*space, model, &graph, NULL, 2, &asking, error));
  }
}

static void check_twin(const char *twin) {
  static structure s;
  ftl_model_info info;
  ftl_model *models[2] = {open_taught(twin, FTL_DOUBLE), open_taught(twin, FTL_MIXED)};
  const double before = worst_trust;
  FILE *frames = fopen(with_extension(twin, "xyz"), "r");
  assert_non_null(frames);
  worst_trust = 0;
  assert_true(read_frame(frames, &s));
  fclose(frames);
  check_structure(twin, models, &s);
  ftl_model_get_info(models[0], &info);
  uint64_t state = 7;
  random_structure(&s, 6, 5, 1.3, info.atomic_numbers, info.n_elements, &state); /* smaller than the cutoff */
  check_structure(twin, models, &s);
  check_no_atoms(models[0]);
  for (int k = 0; k < 2; k++) ftl_model_free(models[k]);
  print_message("%-40s %.2g\n", twin, worst_trust);
  worst_trust = fmax(worst_trust, before);
}

/* Readouts linear, of one hidden layer with and without bias, two linear maps in one, nets; a density that normalises,
   ZBL, a gate before the product, one layer, three. */
static void test_readouts(void **unused) {
  (void)unused;
  const char *const twins[] = {"tests/parity/twins/t-density-zbl",     "tests/parity/twins/t-nonlinear-heads",
                               "tests/parity/twins/t-one-layer",       "tests/parity/sevennet-twins/s-fcn",
                               "tests/parity/sevennet-twins/s-modal",  "tests/parity/sevennet-twins/s-parity-l3",
                               "tests/parity/sevennet-twins/s-manual", "tests/parity/twins/t-density-other"};
  for (size_t k = 0; k < sizeof twins / sizeof *twins; k++) check_twin(twins[k]);
  assert_true(worst_trust > 0);
}

/* A model that does not know says so. */
static void test_unknown(void **unused) {
  (void)unused;
  const double position[2][3] = {{0, 0, 0}, {0, 0, 2}};
  const int64_t first_edge[3] = {0, 1, 2};
  const int sender[2] = {1, 0}, species[2] = {0, 0};
  const ftl_graph graph = {
      .n_local = 2, .n_total = 2, .species = species, .first_edge = first_edge, .sender = sender, .position = position};
  double forces[6], node_energy[2], asked[2];
  ftl_model *model;
  MUST(ftl_model_open("tests/parity/twins/t-one-layer.model", NULL, &model, error));
  for (const char *const *space = kokkos_spaces(); *space; space++) {
    kokkos_answer asking[3] = {{.extrapolation = asked}, {.energy_deviation = asked}, {.force_deviation = asked}};
    for (int k = 0; k < 3; k++) {
      ftl_error error = {0};
      asking[k].forces = forces;
      asking[k].node_energy = node_energy;
      assert_int_equal(kokkos_evaluate(*space, model, &graph, NULL, 1, &asking[k], &error), FTL_ERR_UNSUPPORTED);
      assert_non_null(strstr(error.message, "frozentl trust"));
    }
  }
  ftl_model_free(model);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_readouts), cmocka_unit_test(test_unknown)};
  kokkos_start(argc, argv);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  kokkos_stop();
  return failed;
}
