/* Every backend against the plain reference, operation by operation (core/model/operations.h): the C kernels of each
   instruction set that this CPU has and the trainer's sweeps, in double and mixed, values and adjoints. Prints the
   largest error of each, relative to the largest value of the features.

   The C kernels fuse: features that they never hold (sum and message of layers that fold them into other tables) are
   compared where they come out again, in the target. The Kokkos stages are held to the C kernels by tests/kokkos. */
#include "../twins.h"

#include "engine/workspace.h"
#include "gradient/gradient.h"
#include "operations/probe.h"
#include "reference/reference.h"

#define LARGEST_ROW (1 << 16)

/* ---- errors by backend, operation and direction ---- */

typedef struct {
  char backend[16], what[48];
  bool mixed;
  double error;
  int n;
} entry;

static entry table[400];
static int n_entries, n_failed;

/* Ten times what is seen: rounding, and in double the radial tables' error (docs/theory.md, eq. 22). */
static double tolerance(bool mixed) { return mixed ? 1e-5 : 1e-12; }

static void record(const char *backend, bool mixed, const char *operation, bool adjoint, const char *twin, int t,
                   const double *x, const double *reference, int64_t n) {
  char what[48];
  double largest = 0, error = 0;
  int k = 0;
  snprintf(what, sizeof what, "%s%s", operation, adjoint ? ", adjoint" : "");
  for (int64_t i = 0; i < n; i++) {
    largest = fmax(largest, fabs(reference[i]));
    error = fmax(error, isfinite(x[i]) ? fabs(x[i] - reference[i]) : INFINITY);
  }
  if (largest > 0) error /= largest;
  while (k < n_entries && (strcmp(table[k].backend, backend) || strcmp(table[k].what, what) || table[k].mixed != mixed))
    k++;
  if (k == n_entries) {
    assert_true(n_entries < (int)(sizeof table / sizeof *table));
    n_entries++;
    table[k] = (entry){.mixed = mixed};
    snprintf(table[k].backend, sizeof table[k].backend, "%s", backend);
    snprintf(table[k].what, sizeof table[k].what, "%s", what);
  }
  table[k].error = fmax(table[k].error, error);
  table[k].n++;
  if (error <= tolerance(mixed)) return;
  n_failed++;
  print_error("%s, layer %d: %s %s, %s: %.1e\n", twin, t, backend, mixed ? "mixed" : "double", what, error);
}

/* The operation that completes these features: the last that writes them. */
static const char *maker(const ftl_operations *operations, ftl_features_of f) {
  static char text[48];
  const char *name = "embedding";
  for (int k = 0; k < operations->n; k++)
    if (operations->op[k].to == f) name = ftl_operation_name(operations->op[k].kind);
  snprintf(text, sizeof text, "%s -> %s", name, ftl_features_name(f));
  return text;
}

/* ---- backends ---- */

static void allocate(probe_features *f, const ftl_ref_layer *layer, int n) {
  for (int k = 0; k < FTL_N_FEATURES; k++) {
    const size_t size = (size_t)n * (size_t)ftl_irreps_dim(&layer->operations.irreps[k]) + 1;
    f->x[k] = calloc(size, sizeof(double));
    f->d[k] = calloc(size, sizeof(double));
    assert_non_null(f->x[k]);
    assert_non_null(f->d[k]);
  }
}
static void release(probe_features *f) {
  for (int k = 0; k < FTL_N_FEATURES; k++) {
    free(f->x[k]);
    free(f->d[k]);
  }
}

static int64_t numbers(const ftl_ref_run *run, int t, int f) {
  return (int64_t)run->n * ftl_irreps_dim(&run->layer[t].operations.irreps[f]);
}

static void compare(const char *backend, bool mixed, const char *twin, const ftl_ref_run *run, int t, int f,
                    bool adjoint, const probe_features *found) {
  const ftl_ref_layer *layer = &run->layer[t];
  record(backend, mixed, maker(&layer->operations, (ftl_features_of)f), adjoint, twin, t,
         adjoint ? found->d[f] : found->x[f], adjoint ? layer->d[f] : layer->x[f], numbers(run, t, f));
}

/* Which adjoints the kernels hold: all after the gate, the sum's of later layers. */
static void kernel_adjoints(const char *backend, bool mixed, const char *twin, const ftl_ref_run *run, int t,
                            const probe_features *found) {
  const ftl_ref_layer *layer = &run->layer[t];
  if (layer->traits.nonlinear || layer->traits.gated)
    compare(backend, mixed, twin, run, t, FTL_FEATURES_MESSAGE, true, found);
  for (int f = FTL_FEATURES_GATED; f < FTL_FEATURES_OUTPUT; f++)
    if (layer->operations.used[f]) compare(backend, mixed, twin, run, t, f, true, found);
  if (t > 0) compare(backend, mixed, twin, run, t, FTL_FEATURES_SUM, true, found);
}

static void check_kernels(const kernel_probe *probe, bool mixed, const char *isa, const char *twin,
                          const ftl_graph *graph, const ftl_ref_run *run) {
  ftl_open_options options = {.precision = mixed ? FTL_MIXED : FTL_DOUBLE,
                              .head = run->source->arch.heads[run->head],
                              .elements = run->source->arch.atomic_numbers,
                              .n_elements = run->source->arch.n_elements};
  ftl_model *model;
  ftl_workspace *ws;
  ftl_error error = {0};
  ftl_output output = {0};
  char backend[16];
  snprintf(backend, sizeof backend, "C %s", isa);
  double forces[MAX_ATOMS][3] = {{0}};
  output.forces = forces[0];
  setenv("FROZENTL_ISA", isa, 1);
  if (ftl_model_open(twin_model(twin), &options, &model, &error) || ftl_workspace_new(model, 1, &ws, &error) ||
      ftl_begin(ws, graph, &output, &error))
    fail_msg("%s: %s (%s)", twin, error.message, error.where);
  for (int t = 0; t < model->arch.n_layers; t++) {
    probe_features found;
    const bool last = t == model->arch.n_layers - 1;
    double *up = calloc(LARGEST_ROW * 8, sizeof *up);
    allocate(&found, &run->layer[t], run->n);
    for (int b = 0; b < ws->n_blocks; b++) probe->forward(ws, t, &ws->block[b], &found, up);
    const ftl_ref_layer *layer = &run->layer[t];
    for (int f = layer->traits.gated ? FTL_FEATURES_MESSAGE : FTL_FEATURES_TARGET; f <= FTL_FEATURES_OUTPUT; f++)
      if (layer->operations.used[f]) compare(backend, mixed, twin, run, t, f, false, &found);
    if (!last)
      record(backend, mixed, "linear -> up", false, twin, t + 1, up, run->layer[t + 1].x[FTL_FEATURES_UP],
             numbers(run, t + 1, FTL_FEATURES_UP));
    memcpy(found.d[FTL_FEATURES_OUTPUT], run->layer[t].d[FTL_FEATURES_OUTPUT],
           (size_t)numbers(run, t, FTL_FEATURES_OUTPUT) * sizeof(double));
    for (int b = 0; b < ws->n_blocks; b++) probe->reverse(ws, t, &ws->block[b], &found);
    kernel_adjoints(backend, mixed, twin, run, t, &found);
    release(&found);
    free(up);
  }
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

static void check_sweeps(bool mixed, const char *twin, const ftl_graph *graph, const ftl_ref_run *run) {
  ftl_parameters parameters;
  ftl_network *network;
  ftl_sweep *sweep;
  ftl_prediction prediction;
  ftl_error error = {0};
  if (ftl_parameters_list(run->source, &parameters, &error) ||
      ftl_network_new(run->source, &parameters, mixed ? FTL_MIXED : FTL_DOUBLE, &network, &error) ||
      ftl_sweep_new(network, &sweep, &error) ||
      ftl_sweep_predict(sweep, graph, NULL, run->head, true, &prediction, &error))
    fail_msg("%s: %s (%s)", twin, error.message, error.where);
  for (int t = 0; t < run->source->arch.n_layers; t++) {
    const ftl_ref_layer *layer = &run->layer[t];
    probe_features found;
    allocate(&found, layer, run->n);
    (mixed ? sweep_features_f32 : sweep_features_f64)(sweep, t, &found);
    for (int f = FTL_FEATURES_UP; f < FTL_N_FEATURES; f++) {
      if (!layer->operations.used[f]) continue;
      compare("sweeps", mixed, twin, run, t, f, false, &found);
      if (t > 0 || f != FTL_FEATURES_UP) compare("sweeps", mixed, twin, run, t, f, true, &found);
    }
    release(&found);
  }
  ftl_sweep_free(sweep);
  ftl_network_free(network);
  ftl_parameters_free(&parameters);
}

/* ---- twins ---- */

/* Does this CPU have the build? The choice of the product answers. */
static bool has_isa(const char *isa) {
  const ftl_kernels *kernels;
  setenv("FROZENTL_ISA", isa, 1);
  return ftl_kernels_choose(FTL_DOUBLE, &kernels, NULL) == FTL_OK;
}

static void check_twin(const char *twin) {
  if (is_published(twin)) return;
  ftl_source *source;
  ftl_ref_run *run;
  ftl_error error = {0};
  static structure s;
  static structure_graph g;
  uint64_t seed = 5;
  if (ftl_source_read(twin_model(twin), &source, &error)) fail_msg("%s: %s", twin, error.message);
  const ftl_architecture *arch = &source->arch;
  /* 1.4 Angstrom between Ac, Ag and Al, SevenNet's first elements, is so far from what it was trained on that rounding
     grows a thousandfold in its five layers */
  const bool heavy = arch->atomic_numbers[0] > 20;
  random_structure(&s, 10, heavy ? 6.5 : 5.0, heavy ? 2.3 : 1.4, arch->atomic_numbers,
                   arch->n_elements < 6 ? arch->n_elements : 6, &seed);
  build_graph(&g, &s, arch->atomic_numbers, arch->n_elements, arch->r_max);
  if (ftl_ref_run_new(source, arch->n_heads - 1, &g.graph, &run, &error)) fail_msg("%s: %s", twin, error.message);
  ftl_ref_run_forward(run);
  ftl_ref_run_reverse(run);
#define CHECK_ISA(isa)                                                                                                 \
  if (has_isa(#isa)) {                                                                                                 \
    check_kernels(&kernel_probe_##isa##_f64, false, #isa, twin, &g.graph, run);                                        \
    check_kernels(&kernel_probe_##isa##_f32, true, #isa, twin, &g.graph, run);                                         \
  }
  FTL_FOR_EACH_ISA(CHECK_ISA)
  unsetenv("FROZENTL_ISA");
  check_sweeps(false, twin, &g.graph, run);
  check_sweeps(true, twin, &g.graph, run);
  ftl_ref_run_free(run);
  free_graph(&g);
  ftl_source_free(source);
}

static int by_name(const void *a, const void *b) {
  const entry *x = a, *y = b;
  const int order = strcmp(x->backend, y->backend);
  return order ? order : x->mixed != y->mixed ? x->mixed - y->mixed : strcmp(x->what, y->what);
}

static void every_operation(void **unused) {
  (void)unused;
  for_each_twin(check_twin);
  qsort(table, (size_t)n_entries, sizeof *table, by_name);
  for (int k = 0; k < n_entries; k++)
    print_message("%-14s %-7s %-40s %.1e (%d layers)\n", table[k].backend, table[k].mixed ? "mixed" : "double",
                  table[k].what, table[k].error, table[k].n);
  assert_int_equal(n_failed, 0);
}

/* Transposes and sums of lanes, whatever the number of sums, in each instruction set that this CPU has. */
static void exchanges_of_lanes(void **unused) {
  (void)unused;
#define CHECK_LANES(isa)                                                                                               \
  if (has_isa(#isa)) {                                                                                                 \
    assert_int_equal(kernel_probe_##isa##_f64.lanes(), 0);                                                             \
    assert_int_equal(kernel_probe_##isa##_f32.lanes(), 0);                                                             \
  }
  FTL_FOR_EACH_ISA(CHECK_LANES)
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(exchanges_of_lanes), cmocka_unit_test(every_operation)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
