/* Losses: mace-torch's values and derivatives on made-up numbers (loss_cases.h) and on the reference batches of
   ../shared, what missing labels and weights do, derivatives against finite differences. */
#include "twins.h"

#include "close.h"
#include "data/dataset.h"
#include "tune/loss.h"

#include "loss_cases.h"

typedef struct {
  ftl_structure structure;
  ftl_prediction prediction;
  double label[CASE_ATOMS][3], forces[CASE_ATOMS][3];
} made_up;

/* Structure s of a batch of loss_cases.h. */
static void make(made_up *m, int batch, int s) {
  static const double ones[4] = {1, 1, 1, 1};
  const double *weights = batch ? case_weights[s] : ones;
  memset(m, 0, sizeof *m);
  memcpy(m->label, case_label_forces[s], sizeof m->label);
  memcpy(m->forces, case_predicted_forces[s], sizeof m->forces);
  m->structure = (ftl_structure){.n = case_sizes[s],
                                 .volume = case_volume[s],
                                 .weight = weights[0],
                                 .energy_weight = weights[1],
                                 .forces_weight = weights[2],
                                 .stress_weight = weights[3],
                                 .labels = {.has_energy = weights[1] > 0,
                                            .has_forces = weights[2] > 0,
                                            .has_stress = weights[3] > 0,
                                            .energy = case_label_energy[s],
                                            .forces = weights[2] > 0 ? m->label : NULL}};
  memcpy(m->structure.labels.stress, case_label_stress[s], sizeof m->structure.labels.stress);
  m->prediction = (ftl_prediction){.energy = case_predicted_energy[s], .forces = m->forces};
  for (int k = 0; k < 9; k++)
    m->prediction.virial[k / 3][k % 3] = -case_predicted_stress[s][k / 3][k % 3] * case_volume[s];
}

static ftl_batch whole_batch(void) {
  ftl_batch batch = {.structures = CASE_STRUCTURES};
  for (int s = 0; s < CASE_STRUCTURES; s++) batch.atoms += case_sizes[s];
  return batch;
}

/* Guards the definitions: values and all derivatives as torch gives them. */
static void agrees_with_mace_torch(void **unused) {
  (void)unused;
  const ftl_batch batch = whole_batch();
  for (size_t c = 0; c < sizeof loss_cases / sizeof *loss_cases; c++) {
    const loss_case *expected = &loss_cases[c];
    double value = 0;
    for (int s = 0; s < CASE_STRUCTURES; s++) {
      made_up m;
      double d_forces[CASE_ATOMS][3];
      ftl_loss_gradient gradient = {.forces = d_forces};
      make(&m, expected->batch, s);
      if (expected->loss.kind == FTL_LOSS_UNIVERSAL) m.structure.weight = 1;
      value += ftl_loss_structure(&expected->loss, &batch, &m.structure, &m.prediction, &gradient);
      assert_close(gradient.energy, expected->d_energy[s], 1e-13);
      assert_int_equal(gradient.has_forces || gradient.has_virial,
                       ftl_loss_needs_derivatives(&expected->loss, &m.structure));
      for (int i = 0; i < case_sizes[s]; i++)
        for (int k = 0; k < 3; k++)
          assert_close(gradient.has_forces ? d_forces[i][k] : 0, expected->d_forces[s][i][k], 1e-13);
      for (int k = 0; k < 9; k++) /* by the chain rule through stress = -W/volume */
        assert_close(gradient.has_virial ? -gradient.virial[k / 3][k % 3] * case_volume[s] : 0,
                     expected->d_stress[s][k / 3][k % 3], 1e-13);
    }
    assert_close(value, expected->value, 1e-13 * fabs(expected->value));
  }
}

/* Guards the derivative by the virial (sign, volume) and the rest by central differences of the value. */
static void derivatives_are_those_of_the_value(void **unused) {
  (void)unused;
  const ftl_batch batch = whole_batch();
  const double h = 1e-6;
  for (int kind = FTL_LOSS_WEIGHTED; kind <= FTL_LOSS_UNIVERSAL; kind++) {
    const ftl_loss loss = {kind, 2, 30, 5, 0.02};
    for (int s = 0; s < CASE_STRUCTURES; s++) {
      made_up m;
      double d_forces[CASE_ATOMS][3], *number[1 + 9 + 3 * CASE_ATOMS], derivative[1 + 9 + 3 * CASE_ATOMS];
      ftl_loss_gradient gradient = {.forces = d_forces};
      int n = 0;
      make(&m, 0, s);
      m.structure.weight = 1.7;
      m.structure.forces_weight = 0.3;
      m.structure.stress_weight = 1.2;
      ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, &gradient);
      assert_true(gradient.has_forces && gradient.has_virial);
      number[n] = &m.prediction.energy;
      derivative[n++] = gradient.energy;
      for (int k = 0; k < 9; k++) {
        number[n] = &m.prediction.virial[k / 3][k % 3];
        derivative[n++] = gradient.virial[k / 3][k % 3];
      }
      for (int k = 0; k < 3 * case_sizes[s]; k++) {
        number[n] = &m.prediction.forces[k / 3][k % 3];
        derivative[n++] = d_forces[k / 3][k % 3];
      }
      for (int k = 0; k < n; k++) {
        const double at = *number[k];
        *number[k] = at + h;
        const double above = ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, NULL);
        *number[k] = at - h;
        const double below = ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, NULL);
        *number[k] = at;
        assert_close((above - below) / (2 * h), derivative[k], 1e-7);
      }
    }
  }
}

/* Guards what is ours: the weight of a structure multiplies its part in every loss, a missing label adds nothing. */
static void weights_and_missing_labels(void **unused) {
  (void)unused;
  const ftl_batch batch = whole_batch();
  for (int kind = FTL_LOSS_WEIGHTED; kind <= FTL_LOSS_UNIVERSAL; kind++) {
    const ftl_loss loss = {kind, 2, 30, 5, 0.02};
    made_up m;
    make(&m, 0, 0);
    const double whole = ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, NULL);
    assert_true(whole > 0);
    m.structure.weight = 0.25;
    assert_close(ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, NULL), 0.25 * whole, 1e-15 * whole);
    double parts = 0;
    m.structure.weight = 1;
    for (int keep = 0; keep < 3; keep++) {
      m.structure.labels.has_energy = keep == 0;
      m.structure.labels.has_forces = keep == 1;
      m.structure.labels.has_stress = keep == 2;
      assert_int_equal(ftl_loss_needs_derivatives(&loss, &m.structure), keep > 0);
      parts += ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, NULL);
    }
    assert_close(parts, whole, 1e-14 * whole);
    m.structure.labels.has_stress = false;
    assert_close(ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, NULL), 0, 0);
    m.structure.labels.has_energy = true;
    m.prediction.energy = NAN; /* must not be clipped away by Huber: it is how a diverging run is noticed */
    assert_true(isnan(ftl_loss_structure(&loss, &batch, &m.structure, &m.prediction, NULL)));
  }
}

/* ---- the reference batches ---- */

static void predict(const char *model_path, const ftl_structure *atoms, ftl_prediction *prediction) {
  ftl_error error = {0};
  ftl_model *model = NULL;
  ftl_workspace *workspace = NULL;
  const ftl_open_options options = {.head = atoms->head};
  if (ftl_model_open(model_path, &options, &model, &error) != FTL_OK ||
      ftl_workspace_new(model, 1, &workspace, &error) != FTL_OK)
    fail_msg("%s: %s", error.where, error.message);
  int *species = malloc((size_t)atoms->n * sizeof *species);
  assert_non_null(species);
  for (int i = 0; i < atoms->n; i++) species[i] = ftl_model_species(model, atoms->atomic_number[i]);
  *prediction = (ftl_prediction){.forces = calloc((size_t)atoms->n, sizeof *prediction->forces)};
  ftl_result result = {.forces = prediction->forces[0]};
  if (ftl_compute(workspace, atoms->n, species, (const double(*)[3])atoms->position, atoms->cell, atoms->pbc, &result,
                  &error) != FTL_OK)
    fail_msg("%s: %s", error.where, error.message);
  const double *w = result.virial;
  const double virial[3][3] = {{w[0], w[3], w[4]}, {w[3], w[1], w[5]}, {w[4], w[5], w[2]}};
  prediction->energy = result.energy;
  memcpy(prediction->virial, virial, sizeof virial);
  free(species);
  ftl_workspace_free(workspace);
  ftl_model_free(model);
}

/* Guards the whole way from a file to the loss: reading, heads, prediction, loss. */
static void reference_batches(void **unused) {
  (void)unused;
  static const char *const names[] = {"corr2-small", "h2cu", "mh1", "three-layers", "two-heads"};
  need_shared();
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    char twin[64], xyz[1200], model[1200];
    snprintf(twin, sizeof twin, "train/%s", names[k]);
    snprintf(xyz, sizeof xyz, "%s.xyz", shared_twin(twin));
    json_t *json = json_load_file(with_extension(shared_twin(twin), "json"), 0, NULL);
    assert_non_null(json);
    if (strcmp(names[k], "h2cu") == 0) snprintf(model, sizeof model, "%s.model", shared_twin("h2cu/h2cu-mace"));
    else snprintf(model, sizeof model, "%s/%s", shared_twin("mace"), json_string_value(json_object_get(json, "model")));
    struct stat info;
    if (stat(model, &info) == 0 && info.st_size > LARGEST_MODEL) {
      json_decref(json);
      continue;
    }

    ftl_dataset dataset = {0};
    ftl_error error = {0};
    char *path = xyz;
    if (ftl_dataset_read(&path, 1, NULL, &dataset, &error) != FTL_OK) fail_msg("%s: %s", error.where, error.message);
    const ftl_batch batch = {dataset.n, ftl_dataset_atoms(&dataset)};
    ftl_prediction *predictions = calloc((size_t)dataset.n, sizeof *predictions);
    assert_non_null(predictions);
    for (int64_t s = 0; s < dataset.n; s++) predict(model, &dataset.structure[s], &predictions[s]);

    const char *name;
    json_t *reference;
    json_object_foreach(json_object_get(json, "losses"), name, reference) {
      const bool universal = strcmp(name, "universal_huber0.01") == 0;
      if (!universal && strcmp(name, "weighted") != 0) fail_msg("%s: which loss is %s?", twin, name);
      const ftl_loss loss = {.kind = universal ? FTL_LOSS_UNIVERSAL : FTL_LOSS_WEIGHTED,
                             .energy = json_number_value(json_object_get(reference, "energy_weight")),
                             .forces = json_number_value(json_object_get(reference, "forces_weight")),
                             .stress = json_number_value(json_object_get(reference, "stress_weight")),
                             .huber_delta = 0.01};
      const double expected = json_number_value(json_object_get(reference, "value"));
      double value = 0;
      for (int64_t s = 0; s < dataset.n; s++)
        value += ftl_loss_structure(&loss, &batch, &dataset.structure[s], &predictions[s], NULL);
      print_message("%-13s %-20s %.15g, off by %.1e\n", names[k], name, value, fabs(value / expected - 1));
      assert_close(value, expected, 1e-9 * expected);
    }
    for (int64_t s = 0; s < dataset.n; s++) free(predictions[s].forces);
    free(predictions);
    ftl_dataset_free(&dataset);
    json_decref(json);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_mace_torch),
                                     cmocka_unit_test(derivatives_are_those_of_the_value),
                                     cmocka_unit_test(weights_and_missing_labels), cmocka_unit_test(reference_batches)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
