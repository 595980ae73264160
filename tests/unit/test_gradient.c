/* The gradient of a loss by every parameter: mace-torch's gradients and optimiser steps on the batches of
   ../shared/reference/train, finite differences on twins in the tree, and what freezing may not change. */
#include "twins.h"

#include "close.h"
#include "data/dataset.h"
#include "tune/loss.h"
#include "tune/optimiser.h"
#include "gradient/gradient.h"
#include "parameters/freeze.h"

/* ---- a batch, a model, its loss and gradient ---- */

typedef struct {
  ftl_source *source;
  ftl_parameters parameters;
  ftl_network *network;
  ftl_sweep *sweep;
  ftl_dataset dataset;
  ftl_structure_graph *graph;
  ftl_kept **kept; /* [dataset.n], or NULL: nothing is kept */
  double *values, *gradient;
  double (*d_forces)[3];
} problem;

static void check(ftl_status status, const ftl_error *error) {
  if (status) fail_msg("%s: %s", error->where, error->message);
}

static void problem_open(problem *p, const char *model, const char *xyz, const char *freeze, ftl_precision precision) {
  ftl_error error = {0};
  char *path = (char *)xyz, *word = (char *)freeze;
  ftl_words words = {freeze != NULL, &word}, none = {0};
  ftl_rates rates = {0};
  *p = (problem){0};
  check(ftl_source_read(model, &p->source, &error), &error);
  check(ftl_parameters_list(p->source, &p->parameters, &error), &error);
  check(ftl_freeze_apply(&p->parameters, &words, &none, &rates, &error), &error);
  check(ftl_network_new(p->source, &p->parameters, precision, &p->network, &error), &error);
  check(ftl_sweep_new(p->network, &p->sweep, &error), &error);
  check(ftl_dataset_read(&path, 1, NULL, &p->dataset, &error), &error);
  p->graph = calloc((size_t)p->dataset.n, sizeof *p->graph);
  p->values = calloc((size_t)p->parameters.count, sizeof *p->values);
  p->gradient = calloc((size_t)p->parameters.count, sizeof *p->gradient);
  p->d_forces = calloc((size_t)ftl_dataset_atoms(&p->dataset), sizeof *p->d_forces);
  assert_true(p->graph && p->values && p->gradient && p->d_forces);
  ftl_parameters_get(&p->parameters, p->source, p->values);
  ftl_neighbours scratch = {0};
  for (int64_t s = 0; s < p->dataset.n; s++)
    check(ftl_structure_graph_build(&p->dataset.structure[s], p->source->arch.atomic_numbers,
                                    p->source->arch.n_elements, p->source->arch.r_max, &scratch, &p->graph[s], &error),
          &error);
  ftl_neighbours_free(&scratch);
}

static void problem_close(problem *p) {
  for (int64_t s = 0; s < p->dataset.n; s++) ftl_structure_graph_free(&p->graph[s]);
  for (int64_t s = 0; p->kept && s < p->dataset.n; s++) ftl_kept_free(p->kept[s]);
  free(p->kept);
  free(p->graph);
  free(p->values);
  free(p->gradient);
  free(p->d_forces);
  ftl_dataset_free(&p->dataset);
  ftl_sweep_free(p->sweep);
  ftl_network_free(p->network);
  ftl_parameters_free(&p->parameters);
  ftl_source_free(p->source);
}

static int head_of(const problem *p, const ftl_structure *atoms) {
  for (int h = 0; atoms->head && h < p->source->arch.n_heads; h++)
    if (strcmp(p->source->arch.heads[h], atoms->head) == 0) return h;
  return 0;
}

/* The loss of the whole batch; with `gradient` also its gradient, from zero. */
static double loss_of(problem *p, const ftl_loss *loss, bool gradient) {
  ftl_error error = {0};
  const ftl_batch batch = {p->dataset.n, ftl_dataset_atoms(&p->dataset)};
  double value = 0;
  if (gradient) memset(p->gradient, 0, (size_t)p->parameters.count * sizeof *p->gradient);
  for (int64_t s = 0; s < p->dataset.n; s++) {
    const ftl_structure *atoms = &p->dataset.structure[s];
    ftl_prediction prediction;
    ftl_loss_gradient d = {.forces = p->d_forces};
    check(ftl_sweep_predict(p->sweep, &p->graph[s].graph, p->kept ? p->kept[s] : NULL, head_of(p, atoms), true,
                            &prediction, &error),
          &error);
    value += ftl_loss_structure(loss, &batch, atoms, &prediction, gradient ? &d : NULL);
    if (gradient)
      check(ftl_sweep_gradient(p->sweep, d.energy, d.has_forces ? (const double(*)[3])d.forces : NULL,
                               d.has_virial ? (const double(*)[3])d.virial : NULL, p->gradient, &error),
            &error);
  }
  return value;
}

/* ---- mace-torch's gradients ---- */

/* A safetensors file of float64 tensors. */
typedef struct {
  json_t *header;
  char *data;
} gradient_file;

static gradient_file gradient_file_open(const char *path) {
  gradient_file file = {0};
  uint64_t length;
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  assert_int_equal(fread(&length, 8, 1, stream), 1);
  char *text = malloc(length + 1);
  assert_int_equal(fread(text, 1, length, stream), length);
  file.header = json_loadb(text, length, 0, NULL);
  assert_non_null(file.header);
  free(text);
  long begin = ftell(stream);
  fseek(stream, 0, SEEK_END);
  size_t size = (size_t)(ftell(stream) - begin);
  fseek(stream, begin, SEEK_SET);
  file.data = malloc(size);
  assert_int_equal(fread(file.data, 1, size, stream), size);
  fclose(stream);
  return file;
}

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

/* Labels that are not the model's: every term of the loss has a gradient. */
static void make_labels(problem *p) {
  for (int64_t s = 0; s < p->dataset.n; s++) {
    ftl_structure *atoms = &p->dataset.structure[s];
    ftl_labels *labels = &atoms->labels;
    labels->has_energy = labels->has_forces = true;
    labels->has_stress = atoms->volume > 0;
    labels->energy = 0.3 * atoms->n;
    if (!labels->forces) labels->forces = calloc((size_t)atoms->n, sizeof *labels->forces);
    for (int i = 0; i < atoms->n; i++)
      for (int x = 0; x < 3; x++) labels->forces[i][x] = sin(1 + 3 * i + x);
    for (int k = 0; k < 9; k++) labels->stress[k / 3][k % 3] = 0.01 * cos(k / 3 + k % 3);
  }
}

static const ftl_loss all_terms = {.kind = FTL_LOSS_WEIGHTED, .energy = 1, .forces = 10, .stress = 50};
static double direction_of(int64_t k) { return cos(0.7 * (double)k) * (1 + (double)(k % 3)); }

/* Guards every parameter of every kind of block without mace-torch's files: along a direction through all parameters
   the derivative of the loss is that of central differences. */
static void difference(const char *twin) {
  if (strstr(twin, "tests/parity/twins") == NULL) return;
  problem p;
  ftl_error error = {0};
  char model[1200], xyz[1200];
  snprintf(model, sizeof model, "%s.model", twin);
  snprintf(xyz, sizeof xyz, "%s.xyz", twin);
  problem_open(&p, model, xyz, NULL, FTL_DOUBLE);
  make_labels(&p);
  double expected = 0, step = 3e-6, loss[2], *moved = calloc((size_t)p.parameters.count, sizeof *moved);
  loss_of(&p, &all_terms, true);
  for (int k = 0; k < p.parameters.n; k++) {
    const ftl_parameter *parameter = &p.parameters.parameter[k];
    for (int64_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
      expected += parameter->trained ? direction_of(i) * p.gradient[i] : 0;
  }
  for (int sign = 0; sign < 2; sign++) {
    memcpy(moved, p.values, (size_t)p.parameters.count * sizeof *moved);
    for (int k = 0; k < p.parameters.n; k++) {
      const ftl_parameter *parameter = &p.parameters.parameter[k];
      for (int64_t i = parameter->offset; parameter->trained && i < parameter->offset + parameter->count; i++)
        moved[i] += (sign ? -1 : 1) * step * direction_of(i);
    }
    check(ftl_network_set(p.network, moved, &error), &error);
    loss[sign] = loss_of(&p, &all_terms, false);
  }
  const double found = (loss[0] - loss[1]) / (2 * step);
  print_message("%s: derivative %.9e, by differences %.9e\n", strrchr(twin, '/') + 1, expected, found);
  assert_true(fabs(found - expected) < 1e-6 * fabs(expected));
  free(moved);
  problem_close(&p);
}
static void gradients_by_differences(void **unused) {
  (void)unused;
  for_each_twin(difference);
}

static void keep(problem *p) {
  p->kept = calloc((size_t)p->dataset.n, sizeof *p->kept);
  for (int64_t s = 0; s < p->dataset.n; s++) assert_non_null(p->kept[s] = ftl_kept_new());
}

/* Guards what freezing skips and what is kept between epochs: the gradient of what is trained is the same, the rest
   gets none; and it is the same to the bit whether parts are computed, being kept, or were kept, also after a step. */
static void freezing_changes_no_gradient(void **unused) {
  (void)unused;
  static const char *const freezes[] = {"f5",     "f6",       "radial", "layer0.linear_up", "product.weights",
                                        "linear", "embedding"};
  static const char *const twins[] = {"t-nonlinear-heads", "t-density-zbl", "t-plain-residual"};
  for (size_t t = 0; t < sizeof twins / sizeof *twins; t++) {
    problem all;
    char model[200], xyz[200];
    snprintf(model, sizeof model, "tests/parity/twins/%s.model", twins[t]);
    snprintf(xyz, sizeof xyz, "tests/parity/twins/%s.xyz", twins[t]);
    problem_open(&all, model, xyz, NULL, FTL_DOUBLE);
    make_labels(&all);
    loss_of(&all, &all_terms, true);
    for (size_t f = 0; f < sizeof freezes / sizeof *freezes; f++) {
      problem some;
      problem_open(&some, model, xyz, freezes[f], FTL_DOUBLE);
      make_labels(&some);
      loss_of(&some, &all_terms, true);
      for (int k = 0; k < some.parameters.n; k++) {
        const ftl_parameter *parameter = &some.parameters.parameter[k];
        double scale = 0;
        for (int64_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
          scale = fmax(scale, fabs(all.gradient[i]));
        for (int64_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
          if (parameter->trained) assert_close(some.gradient[i], all.gradient[i], 1e-11 * scale);
          else assert_true(some.gradient[i] == 0);
      }
      const size_t bytes = (size_t)some.parameters.count * sizeof(double);
      double *computed = malloc(bytes), loss[3];
      ftl_error error = {0};
      for (int step = 0; step < 2; step++) {
        loss[0] = loss_of(&some, &all_terms, true);
        memcpy(computed, some.gradient, bytes);
        if (step == 0) keep(&some);
        for (int pass = 1; pass < 3; pass++) {
          loss[pass] = loss_of(&some, &all_terms, true);
          assert_memory_equal(computed, some.gradient, bytes);
          assert_true(loss[pass] == loss[0]);
          assert_true(ftl_kept_bytes(some.kept[0]) > 0);
        }
        for (int k = 0; k < some.parameters.n; k++) /* only what is trained moves */
          for (int64_t i = 0; some.parameters.parameter[k].trained && i < some.parameters.parameter[k].count; i++)
            some.values[some.parameters.parameter[k].offset + i] *= 1.01;
        check(ftl_network_set(some.network, some.values, &error), &error);
        for (int64_t s = 0; step == 0 && s < some.dataset.n; s++) { /* compute again, from nothing */
          ftl_kept *kept = some.kept[s];
          some.kept[s] = NULL;
          const double fresh = loss_of(&some, &all_terms, true);
          some.kept[s] = kept;
          assert_true(loss_of(&some, &all_terms, true) == fresh);
        }
      }
      free(computed);
      problem_close(&some);
    }
    problem_close(&all);
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

/* Guards the way without forces: energies alone have the gradient that they have in company. */
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
  assert_int_equal(ftl_sweep_gradient(p.sweep, 1, NULL, NULL, alone, &error), FTL_ERR_ARGUMENT); /* used up */
  free(alone);
  problem_close(&p);
}

/* Guards the builds for other processors: every one that this CPU runs gives the same gradient to rounding. */
static void builds_agree(void **unused) {
  (void)unused;
  static const char *const isas[] = {"generic", "avx2", "avx512", "neon"};
  const char *model = "tests/parity/twins/t-nonlinear-heads.model", *xyz = "tests/parity/twins/t-nonlinear-heads.xyz";
  double *first = NULL;
  for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
    ftl_model *runs = NULL;
    setenv("FROZENTL_ISA", isas[k], 1);
    const bool there = ftl_model_open(model, NULL, &runs, NULL) == FTL_OK;
    ftl_model_free(runs);
    if (!there) continue;
    problem p;
    problem_open(&p, model, xyz, NULL, FTL_DOUBLE);
    make_labels(&p);
    loss_of(&p, &all_terms, true);
    double scale = 0, error = 0;
    for (int64_t i = 0; i < p.parameters.count && first; i++) {
      scale = fmax(scale, fabs(first[i]));
      error = fmax(error, fabs(first[i] - p.gradient[i]));
    }
    if (first) print_message("%s: gradient off by %.1e of the largest component\n", isas[k], error / scale);
    assert_true(error <= 1e-12 * scale);
    if (first) free(p.gradient);
    else first = p.gradient;
    p.gradient = NULL;
    problem_close(&p);
  }
  unsetenv("FROZENTL_ISA");
  assert_non_null(first);
  free(first);
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
