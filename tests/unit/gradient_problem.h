/* A batch, a model, the loss and its gradient, for the tests of gradients. Header only, after twins.h. */
#ifndef FTL_TESTS_GRADIENT_PROBLEM_H
#define FTL_TESTS_GRADIENT_PROBLEM_H

#include "data/dataset.h"
#include "gradient/gradient.h"
#include "model/kernels.h"
#include "parameters/freeze.h"
#include "tune/loss.h"

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

static inline void check(ftl_status status, const ftl_error *error) {
  if (status) fail_msg("%s: %s", error->where, error->message);
}

/* `p` has a source and its parameters, with marks on those that are trained. */
static inline void problem_prepare(problem *p, const char *xyz, ftl_precision precision) {
  ftl_error error = {0};
  char *path = (char *)xyz;
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

/* What freezing by the word leaves is trained. */
static inline void problem_open(problem *p, const char *model, const char *xyz, const char *freeze,
                                ftl_precision precision) {
  ftl_error error = {0};
  char *word = (char *)freeze;
  ftl_words words = {freeze != NULL, &word}, none = {0};
  ftl_rates rates = {0};
  *p = (problem){0};
  check(ftl_source_read(model, &p->source, &error), &error);
  check(ftl_parameters_list(p->source, &p->parameters, &error), &error);
  check(ftl_freeze_apply(&p->parameters, &words, &none, &rates, &error), &error);
  problem_prepare(p, xyz, precision);
}

static inline void problem_close(problem *p) {
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

static inline int head_of(const problem *p, const ftl_structure *atoms) {
  for (int h = 0; atoms->head && h < p->source->arch.n_heads; h++)
    if (strcmp(p->source->arch.heads[h], atoms->head) == 0) return h;
  return 0;
}

/* The loss of the whole batch; with `gradient` also its gradient, from zero. */
static inline double loss_of(problem *p, const ftl_loss *loss, bool gradient) {
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

/* A safetensors file of float64 tensors. */
typedef struct {
  json_t *header;
  char *data;
} gradient_file;

static inline gradient_file gradient_file_open(const char *path) {
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

/* Labels that are not the model's: every term of the loss has a gradient. */
static inline void make_labels(problem *p) {
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
static inline double direction_of(int64_t k) { return cos(0.7 * (double)k) * (1 + (double)(k % 3)); }

static inline void keep(problem *p) {
  p->kept = calloc((size_t)p->dataset.n, sizeof *p->kept);
  for (int64_t s = 0; s < p->dataset.n; s++) assert_non_null(p->kept[s] = ftl_kept_new());
}

/* The gradient of what is trained is that of all, and the rest gets none. */
static inline void compare_frozen(const problem *all, const problem *some) {
  for (int k = 0; k < some->parameters.n; k++) {
    const ftl_parameter *parameter = &some->parameters.parameter[k];
    double scale = 0;
    for (int64_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
      scale = fmax(scale, fabs(all->gradient[i]));
    for (int64_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
      if (parameter->trained) assert_close(some->gradient[i], all->gradient[i], 1e-11 * scale);
      else assert_true(some->gradient[i] == 0);
  }
}

/* It is the same to the bit whether parts are computed, being kept, or were kept, also after a step. */
static inline void check_keeping(problem *some) {
  const size_t bytes = (size_t)some->parameters.count * sizeof(double);
  double *computed = malloc(bytes), loss[3];
  ftl_error error = {0};
  for (int step = 0; step < 2; step++) {
    loss[0] = loss_of(some, &all_terms, true);
    memcpy(computed, some->gradient, bytes);
    if (step == 0) keep(some);
    for (int pass = 1; pass < 3; pass++) {
      loss[pass] = loss_of(some, &all_terms, true);
      assert_memory_equal(computed, some->gradient, bytes);
      assert_true(loss[pass] == loss[0]);
      assert_true(ftl_kept_bytes(some->kept[0]) > 0);
    }
    for (int k = 0; k < some->parameters.n; k++) /* only what is trained moves */
      for (int64_t i = 0; some->parameters.parameter[k].trained && i < some->parameters.parameter[k].count; i++)
        some->values[some->parameters.parameter[k].offset + i] *= 1.01;
    check(ftl_network_set(some->network, some->values, &error), &error);
    for (int64_t s = 0; step == 0 && s < some->dataset.n; s++) { /* compute again, from nothing */
      ftl_kept *kept = some->kept[s];
      some->kept[s] = NULL;
      const double fresh = loss_of(some, &all_terms, true);
      some->kept[s] = kept;
      assert_true(loss_of(some, &all_terms, true) == fresh);
    }
  }
  free(computed);
}

static inline void check_freezing(const char *model, const char *xyz, const char *const *freezes, size_t n) {
  problem all;
  problem_open(&all, model, xyz, NULL, FTL_DOUBLE);
  make_labels(&all);
  loss_of(&all, &all_terms, true);
  for (size_t f = 0; f < n; f++) {
    problem some;
    problem_open(&some, model, xyz, freezes[f], FTL_DOUBLE);
    make_labels(&some);
    loss_of(&some, &all_terms, true);
    compare_frozen(&all, &some);
    check_keeping(&some);
    problem_close(&some);
  }
  problem_close(&all);
}

/* Along a direction through all that is trained the derivative of the loss is that of central differences. */
static inline void check_direction(const char *name, problem *p) {
  ftl_error error = {0};
  make_labels(p);
  double expected = 0, step = 3e-6, loss[2], *moved = calloc((size_t)p->parameters.count, sizeof *moved);
  loss_of(p, &all_terms, true);
  for (int k = 0; k < p->parameters.n; k++) {
    const ftl_parameter *parameter = &p->parameters.parameter[k];
    for (int64_t i = parameter->offset; i < parameter->offset + parameter->count; i++)
      expected += parameter->trained ? direction_of(i) * p->gradient[i] : 0;
  }
  for (int sign = 0; sign < 2; sign++) {
    memcpy(moved, p->values, (size_t)p->parameters.count * sizeof *moved);
    for (int k = 0; k < p->parameters.n; k++) {
      const ftl_parameter *parameter = &p->parameters.parameter[k];
      for (int64_t i = parameter->offset; parameter->trained && i < parameter->offset + parameter->count; i++)
        moved[i] += (sign ? -1 : 1) * step * direction_of(i);
    }
    check(ftl_network_set(p->network, moved, &error), &error);
    loss[sign] = loss_of(p, &all_terms, false);
  }
  const double found = (loss[0] - loss[1]) / (2 * step);
  print_message("%s: derivative %.9e, by differences %.9e\n", name, expected, found);
  assert_true(fabs(found - expected) < 1e-6 * fabs(expected));
  free(moved);
}

static inline void check_difference(const char *name, const char *model, const char *xyz) {
  problem p;
  problem_open(&p, model, xyz, NULL, FTL_DOUBLE);
  check_direction(name, &p);
  problem_close(&p);
}

/* Every build that this CPU runs gives the same gradient to rounding. */
static inline void check_builds(const char *model, const char *xyz) {
  static const char *const isas[] = {"generic", "avx2", "avx512", "neon"};
  double *first = NULL;
  for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
    const ftl_kernels *kernels;
    setenv("FROZENTL_ISA", isas[k], 1);
    if (ftl_kernels_choose(FTL_DOUBLE, &kernels, NULL) != FTL_OK) continue;
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

#endif
