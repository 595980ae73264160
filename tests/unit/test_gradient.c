/* The gradient of a loss by every parameter: mace-torch's gradients and optimiser steps on the batches of
   ../shared/reference/train, finite differences on twins in the tree, and what freezing may not change. */
#include "twins.h"

#include "close.h"
#include "gradient_problem.h"
#include "tune/optimiser.h"

/* The largest error of the gradient of a loss, relative to the largest component of each tensor. */
static double compare(const problem *p, const gradient_file *file, const char *loss, char worst[200]) {
  double largest = 0;
  for (int k = 0; k < p->parameters.n; k++) {
    const ftl_parameter *parameter = &p->parameters.parameter[k];
    char key[300];
    snprintf(key, sizeof key, "%s/%s", loss, parameter->name);
    const json_t *entry = json_object_get(file->header, key);
    if (!entry) {
      if (parameter->trained) fail_msg("there is no gradient of %s", key);
      continue;
    }
    const double *expected =
        (const double *)(file->data + json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0)));
    double scale = 0, error = 0;
    for (int64_t i = 0; i < parameter->count; i++) {
      scale = fmax(scale, fabs(expected[i]));
      error = fmax(error, fabs(expected[i] - p->gradient[parameter->offset + i]));
    }
    if (getenv("FTL_VERBOSE")) print_message("  %-60s %.1e of %.1e\n", parameter->name, error, scale);
    if (scale > 0) error /= scale;
    if (!(error <= largest)) {
      largest = error;
      snprintf(worst, 200, "%s", parameter->name);
    }
  }
  return largest;
}

static const char *const references[] = {"corr2-small",  "h2cu",         "mh1",      "mp0a-small",
                                         "mp0b3-medium", "three-layers", "two-heads"};
enum { N_REFERENCES = sizeof references / sizeof *references };

typedef struct {
  json_t *json;
  char model[1200], xyz[1200], gradients[1200];
} reference;

/* False if the model is too large for this build. */
static bool reference_open(const char *name, reference *r) {
  char twin[64];
  snprintf(twin, sizeof twin, "train/%s", name);
  snprintf(r->xyz, sizeof r->xyz, "%s.xyz", shared_twin(twin));
  snprintf(r->gradients, sizeof r->gradients, "%s.grads.safetensors", shared_twin(twin));
  r->json = json_load_file(with_extension(shared_twin(twin), "json"), 0, NULL);
  assert_non_null(r->json);
  const char *model = json_string_value(json_object_get(r->json, "model"));
  if (strcmp(name, "h2cu") == 0) snprintf(r->model, sizeof r->model, "%s.model", shared_twin("h2cu/h2cu-mace"));
  else snprintf(r->model, sizeof r->model, "%s/%s", shared_twin("mace"), model);
  struct stat info;
  return stat(r->model, &info) != 0 || info.st_size <= LARGEST_MODEL;
}

static ftl_loss loss_named(const char *name, json_t *weights) {
  const bool universal = strcmp(name, "universal_huber0.01") == 0;
  if (!universal && strcmp(name, "weighted") != 0) fail_msg("which loss is %s?", name);
  return (ftl_loss){.kind = universal ? FTL_LOSS_UNIVERSAL : FTL_LOSS_WEIGHTED,
                    .energy = json_number_value(json_object_get(weights, "energy_weight")),
                    .forces = json_number_value(json_object_get(weights, "forces_weight")),
                    .stress = json_number_value(json_object_get(weights, "stress_weight")),
                    .huber_delta = 0.01};
}

/* tests/accuracy-gradients.csv keeps the figures so that a change shows as a diff: FTL_UPDATE=1 writes it anew. Two
   digits would change with the compiler; the decade is what is kept. */
static FILE *figures;
static void keep_figure(const char *model, const char *what, const char *quantity, double error) {
  if (figures) fprintf(figures, "%s,%s,%s,1e%.0f\n", model, what, quantity, ceil(log10(fmax(error, 1e-16))));
}
static int open_figures(void **unused) {
  (void)unused;
  if (!getenv("FTL_UPDATE")) return 0;
  figures = fopen("tests/accuracy-gradients.csv", "w");
  if (figures) fprintf(figures, "model,loss or freeze,quantity,relative error below\n");
  return figures ? 0 : -1;
}
static int close_figures(void **unused) {
  (void)unused;
  return figures ? fclose(figures) : 0;
}

/* Guards every stage's second sweep, for all kinds of blocks: mace-torch's double backward gives the same to 1e-8. */
static void gradients_of_mace_torch(void **unused) {
  (void)unused;
  need_shared();
  for (int k = 0; k < N_REFERENCES; k++) {
    reference r;
    if (getenv("FTL_ONLY") && strcmp(getenv("FTL_ONLY"), references[k]) != 0) continue;
    if (reference_open(references[k], &r)) {
      problem p;
      problem_open(&p, r.model, r.xyz, NULL, FTL_DOUBLE);
      gradient_file file = gradient_file_open(r.gradients);
      const char *name;
      json_t *weights;
      json_object_foreach(json_object_get(r.json, "losses"), name, weights) {
        const ftl_loss loss = loss_named(name, weights);
        char worst[200] = "";
        const double expected = json_number_value(json_object_get(weights, "value"));
        const double value = loss_of(&p, &loss, true), error = compare(&p, &file, name, worst);
        print_message("%-13s %-20s loss off by %.1e, gradient by %.1e (%s)\n", references[k], name,
                      fabs(value / expected - 1), error, worst);
        keep_figure(references[k], name, "loss", fabs(value / expected - 1));
        keep_figure(references[k], name, "gradient", error);
        assert_true(fabs(value / expected - 1) < 1e-9);
        assert_true(error < 1e-8);
      }
      json_decref(file.header);
      free(file.data);
      problem_close(&p);
    }
    json_decref(r.json);
  }
}

/* Guards freezing and the optimiser together: the losses of eight AMSGrad steps at f0, f5 and f6. */
static void steps_of_mace_torch(void **unused) {
  (void)unused;
  if (SANITIZED) skip(); /* the gradients of the test before, eight times */
  need_shared();
  for (int k = 0; k < N_REFERENCES; k++) {
    reference r;
    if (getenv("FTL_ONLY") && strcmp(getenv("FTL_ONLY"), references[k]) != 0) continue;
    if (!reference_open(references[k], &r)) {
      json_decref(r.json);
      continue;
    }
    const char *level;
    json_t *steps;
    json_object_foreach(json_object_get(r.json, "amsgrad_lr1e-3"), level, steps) {
      problem p;
      ftl_error error = {0};
      ftl_optimiser optimiser;
      const ftl_optimiser_options options = {
          .kind = FTL_OPTIMISER_AMSGRAD, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
      const ftl_loss loss = loss_named("weighted", json_object_get(json_object_get(r.json, "losses"), "weighted"));
      const json_t *losses = json_object_get(steps, "losses");
      problem_open(&p, r.model, r.xyz, level, FTL_DOUBLE);
      assert_int_equal(ftl_parameters_trained(&p.parameters), json_integer_value(json_object_get(steps, "trainable")));
      check(ftl_optimiser_new(&p.parameters, &options, &optimiser, &error), &error);
      double worst = 0;
      for (size_t s = 0; s < json_array_size(losses); s++) {
        const double expected = json_number_value(json_array_get(losses, s));
        worst = fmax(worst, fabs(loss_of(&p, &loss, true) / expected - 1));
        ftl_optimiser_step(&optimiser, 1e-3, p.gradient, p.values);
        check(ftl_network_set(p.network, p.values, &error), &error);
      }
      print_message("%-13s %s: losses of %zu steps off by %.1e\n", references[k], level, json_array_size(losses),
                    worst);
      keep_figure(references[k], level, "losses of 8 AMSGrad steps", worst);
      assert_true(worst < 1e-7);
      ftl_optimiser_free(&optimiser);
      problem_close(&p);
    }
    json_decref(r.json);
  }
}

/* ---- twins in the tree ---- */

/* Guards every parameter of every kind of block without mace-torch's files: along a direction through all parameters
   the derivative of the loss is that of central differences. */
static void difference(const char *twin) {
  char xyz[1200];
  if (strstr(twin, "tests/parity/twins") == NULL) return;
  snprintf(xyz, sizeof xyz, "%s.xyz", twin);
  check_difference(strrchr(twin, '/') + 1, twin_model(twin), xyz);
}
static void gradients_by_differences(void **unused) {
  (void)unused;
  for_each_twin(difference);
}

/* Guards what freezing skips and what is kept between epochs. */
static void freezing_changes_no_gradient(void **unused) {
  (void)unused;
  static const char *const freezes[] = {"f5",     "f6",       "radial", "layer0.linear_up", "product.weights",
                                        "linear", "embedding"};
  static const char *const twins[] = {"t-nonlinear-heads", "t-density-zbl", "t-plain-residual"};
  for (size_t t = 0; t < sizeof twins / sizeof *twins; t++) {
    char model[200], xyz[200];
    snprintf(model, sizeof model, "tests/parity/twins/%s.model", twins[t]);
    snprintf(xyz, sizeof xyz, "tests/parity/twins/%s.xyz", twins[t]);
    check_freezing(model, xyz, freezes, sizeof freezes / sizeof *freezes);
  }
}

/* Guards the float32 build: close to the float64 one. */
static void mixed_is_close(void **unused) {
  (void)unused;
  problem exact, mixed;
  const char *model = "tests/parity/twins/t-density-zbl.model", *xyz = "tests/parity/twins/t-density-zbl.xyz";
  problem_open(&exact, model, xyz, NULL, FTL_DOUBLE);
  problem_open(&mixed, model, xyz, NULL, FTL_MIXED);
  make_labels(&exact);
  make_labels(&mixed);
  const double a = loss_of(&exact, &all_terms, true), b = loss_of(&mixed, &all_terms, true);
  double square = 0, error = 0;
  for (int64_t i = 0; i < exact.parameters.count; i++) {
    square += exact.gradient[i] * exact.gradient[i];
    error += pow(exact.gradient[i] - mixed.gradient[i], 2);
  }
  print_message("mixed: loss off by %.1e, gradient by %.1e\n", fabs(b / a - 1), sqrt(error / square));
  assert_true(fabs(b / a - 1) < 1e-5 && sqrt(error / square) < 1e-4);
  problem_close(&exact);
  problem_close(&mixed);
}

/* Guards the way without forces: energies alone have the gradient that they have in company; and the second gradient
   after one prediction, which a first one with other derivatives leaves as it was. */
static void energies_alone(void **unused) {
  (void)unused;
  problem p;
  ftl_error error = {0};
  ftl_prediction prediction;
  problem_open(&p, "tests/parity/twins/t-density-other.model", "tests/parity/twins/t-density-other.xyz", NULL,
               FTL_DOUBLE);
  double *alone = calloc((size_t)p.parameters.count, sizeof *alone);
  check(ftl_sweep_predict(p.sweep, &p.graph[0].graph, NULL, 0, false, &prediction, &error), &error);
  assert_null(prediction.forces);
  const double energy = prediction.energy;
  check(ftl_sweep_gradient(p.sweep, 1, NULL, NULL, alone, &error), &error);
  check(ftl_sweep_predict(p.sweep, &p.graph[0].graph, NULL, 0, true, &prediction, &error), &error);
  assert_close(prediction.energy, energy, 0);
  check(ftl_sweep_gradient(p.sweep, 1, NULL, NULL, p.gradient, &error), &error);
  for (int64_t i = 0; i < p.parameters.count; i++) assert_close(alone[i], p.gradient[i], 0);
  double *again = calloc((size_t)p.parameters.count, sizeof *again);
  check(ftl_sweep_gradient(p.sweep, 0, (const double(*)[3])prediction.forces, NULL, again, &error), &error);
  memset(again, 0, (size_t)p.parameters.count * sizeof *again);
  check(ftl_sweep_gradient(p.sweep, 1, NULL, NULL, again, &error), &error);
  for (int64_t i = 0; i < p.parameters.count; i++) assert_close(alone[i], again[i], 0);
  free(again);
  free(alone);
  problem_close(&p);
}

/* Guards the builds for other processors: every one that this CPU runs gives the same gradient to rounding. */
static void builds_agree(void **unused) {
  (void)unused;
  check_builds("tests/parity/twins/t-nonlinear-heads.model", "tests/parity/twins/t-nonlinear-heads.xyz");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_of_mace_torch),
                                     cmocka_unit_test(steps_of_mace_torch),
                                     cmocka_unit_test(gradients_by_differences),
                                     cmocka_unit_test(freezing_changes_no_gradient),
                                     cmocka_unit_test(mixed_is_close),
                                     cmocka_unit_test(energies_alone),
                                     cmocka_unit_test(builds_agree)};
  return cmocka_run_group_tests(tests, open_figures, close_figures);
}
