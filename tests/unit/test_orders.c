/* The orders in which a computation can be had: fused (ftl_compute, ftl_last_layer), the last layer forward for all
   atoms and only then back, and energies alone. Energies must be the same to the bit, forces and virials to rounding.
   What the first layer keeps for the reverse changes no bit; blocks of receivers of another size give the same to
   rounding.
   For MACE twins and PACE potentials, both precisions, one and three threads, each instruction set of this CPU. */
#include "twins.h"

#include "engine/workspace.h"
#include "model/kernels.h"
#include "neighbour/neighbours.h"

#define N 27

typedef struct {
  double energy, forces[N][3], node_energy[N], virial[9];
} outcome;

typedef struct {
  ftl_workspace *ws;
  int n_layers, species[N], pbc[3];
  double x[N][3], cell[3][3];
  ftl_neighbours list;
  ftl_graph graph;
} bench;

static void set_up(bench *b, const ftl_model *model, int threads) {
  ftl_error error = {0};
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  memset(b, 0, sizeof *b);
  b->n_layers = info.n_layers;
  unsigned seed = 11;
  for (int i = 0; i < N; i++) {
    b->species[i] = i % info.n_elements;
    const int at[3] = {i % 3, i / 3 % 3, i / 9};
    for (int k = 0; k < 3; k++) {
      seed = seed * 1103515245u + 12345u;
      b->x[i][k] = 2.4 * at[k] + 0.4 * ((seed >> 8) % 1000 / 1000.0 - 0.5);
    }
  }
  for (int k = 0; k < 3; k++) b->cell[k][k] = 7.2;
  b->pbc[0] = b->pbc[1] = 1;
  if (ftl_workspace_new(model, threads, &b->ws, &error) ||
      ftl_neighbours_build_images(&b->list, N, (const double(*)[3])b->x, (const double(*)[3])b->cell, b->pbc,
                                  info.cutoff, &error))
    fail_msg("%s", error.message);
  b->graph = ftl_neighbours_graph(&b->list, N, b->species);
}

static void take_down(bench *b) {
  ftl_neighbours_free(&b->list);
  ftl_workspace_free(b->ws);
}

typedef enum { FUSED, APART, ENERGIES } order;

typedef enum { FORWARD, LAST, REVERSE } stage;

static void each_part(bench *b, stage what, int layer, bool parts) {
  ftl_error error = {0};
  for (int part = parts ? FTL_OUTER : FTL_ALL; part <= (parts ? FTL_INNER : FTL_ALL); part++) {
    ftl_status status = what == FORWARD   ? ftl_layer_forward(b->ws, layer, (ftl_part)part, &error)
                        : what == REVERSE ? ftl_layer_reverse(b->ws, layer, (ftl_part)part, &error)
                                          : ftl_last_layer(b->ws, (ftl_part)part, &error);
    if (status) fail_msg("%s: %s", error.where, error.message);
  }
}

/* Layer by layer; `parts`: outer receivers first. */
static void run(bench *b, order how, bool parts, outcome *out) {
  ftl_error error = {0};
  memset(out, 0, sizeof *out);
  ftl_output output = {.forces = how == ENERGIES ? NULL : out->forces[0], .node_energy = out->node_energy};
  const int last = b->n_layers - 1;
  if (ftl_begin(b->ws, &b->graph, &output, &error)) fail_msg("%s", error.message);
  for (int t = 0; t < last; t++) each_part(b, FORWARD, t, parts);
  each_part(b, how == FUSED ? LAST : FORWARD, last, parts);
  for (int t = how == FUSED ? last - 1 : last; t >= 0 && how != ENERGIES; t--) each_part(b, REVERSE, t, parts);
  if (ftl_end(b->ws, &error)) fail_msg("%s: %s", error.where, error.message);
  out->energy = output.energy;
  memcpy(out->virial, output.virial, sizeof out->virial);
}

static void compare_derivatives(const char *what, const outcome *a, const outcome *b, double tolerance) {
  double most = 0, apart = 0;
  for (int k = 0; k < 3 * N + 9; k++) {
    const double x = k < 3 * N ? a->forces[k / 3][k % 3] : a->virial[k - 3 * N];
    const double y = k < 3 * N ? b->forces[k / 3][k % 3] : b->virial[k - 3 * N];
    most = fmax(most, fabs(x));
    apart = fmax(apart, fabs(x - y));
  }
  if (!(apart <= tolerance * (1 + most))) fail_msg("%s: forces or virials differ by %g of %g", what, apart, most);
}

static void compare(const char *what, const outcome *a, const outcome *b, double tolerance) {
  if (a->energy != b->energy || memcmp(a->node_energy, b->node_energy, sizeof a->node_energy))
    fail_msg("%s: energies differ: %.17g and %.17g", what, a->energy, b->energy);
  compare_derivatives(what, a, b, tolerance);
}

/* The first layer's messages of no atom kept for the reverse, or of some; then smaller blocks. */
static void other_memory(const char *what, ftl_model *model, int threads, const outcome *usual, double tolerance) {
  const int block_atoms = model->block_atoms;
  outcome other;
  bench b;
  for (int keep = 0; keep < 2; keep++) {
    set_up(&b, model, threads);
    b.ws->keep_bytes = keep * 13 * (size_t)model->layer[0].target.dim * (size_t)model->real_bytes;
    run(&b, FUSED, false, &other);
    compare(what, usual, &other, 0);
    take_down(&b);
  }
  model->block_atoms = 3;
  set_up(&b, model, threads);
  run(&b, FUSED, false, &other);
  if (!(fabs(other.energy - usual->energy) <= tolerance * (1 + fabs(usual->energy))))
    fail_msg("%s: blocks of 3: energies differ: %.17g and %.17g", what, usual->energy, other.energy);
  compare_derivatives(what, usual, &other, tolerance);
  take_down(&b);
  model->block_atoms = block_atoms;
}

static void check_model(const char *path, ftl_precision precision, int threads) {
  const ftl_open_options options = {.precision = precision};
  ftl_model *model;
  ftl_error error = {0};
  outcome fused, other;
  bench b;
  char what[300];
  if (ftl_model_open(path, &options, &model, &error)) fail_msg("%s: %s", path, error.message);
  set_up(&b, model, threads);
  snprintf(what, sizeof what, "%s, %s, %d threads", path, precision == FTL_MIXED ? "mixed" : "double", threads);
  run(&b, FUSED, false, &fused);
  const double tolerance = precision == FTL_MIXED ? 1e-5 : 1e-13;
  for (int parts = 0; parts < 2; parts++) {
    run(&b, APART, parts, &other);
    compare(what, &fused, &other, tolerance);
  }
  other_memory(what, model, threads, &fused, tolerance);
  run(&b, ENERGIES, false, &other);
  assert_true(isnan(other.virial[0]) && isnan(other.virial[8]));
  if (other.energy != fused.energy || memcmp(other.node_energy, fused.node_energy, sizeof fused.node_energy))
    fail_msg("%s: energies alone differ: %.17g and %.17g", what, other.energy, fused.energy);
  /* and in one call */
  double forces[N][3], node_energy[N];
  ftl_result whole = {.forces = forces[0]}, alone = {.node_energy = node_energy, .energy_only = 1};
  if (ftl_compute(b.ws, N, b.species, (const double(*)[3])b.x, (const double(*)[3])b.cell, b.pbc, &whole, &error) ||
      ftl_compute(b.ws, N, b.species, (const double(*)[3])b.x, (const double(*)[3])b.cell, b.pbc, &alone, &error))
    fail_msg("%s: %s", what, error.message);
  assert_true(alone.energy == whole.energy && isnan(alone.virial[0]) && isfinite(whole.virial[0]));
  assert_memory_equal(node_energy, fused.node_energy, sizeof node_energy);
  take_down(&b);
  ftl_model_free(model);
}

static void check_file(const char *path) {
  for (int precision = FTL_DOUBLE; precision <= FTL_MIXED; precision++)
    for (int threads = 1; threads <= 3; threads += 2) check_model(path, (ftl_precision)precision, threads);
}

static const char *const files[] = {"tests/parity/twins/t-density-zbl.model",
                                    "tests/parity/twins/t-nonlinear-heads.model",
                                    "tests/parity/twins/t-nonresidual.model",
                                    "tests/parity/twins/t-plain-residual.model",
                                    "tests/parity/twins/t-one-layer.model",
                                    "tests/ace/zbl.yace",
                                    "tests/ace/coupled.yace",
                                    "tests/ace/chebyshev.yace"};

static void orders(void **state) {
  (void)state;
  static const char *const isas[] = {"generic", "avx2", "avx512", "neon"};
  for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
    const ftl_kernels *kernels;
    setenv("FROZENTL_ISA", isas[k], 1);
    const bool runs = ftl_kernels_choose(FTL_DOUBLE, &kernels, NULL) == FTL_OK;
    for (size_t f = 0; runs && f < sizeof files / sizeof *files; f++) check_file(files[f]);
    unsetenv("FROZENTL_ISA");
  }
}

/* What has no sense: forces with energy_only, and an end before the way back when forces are asked for. */
static void refusals(void **state) {
  (void)state;
  ftl_model *model;
  ftl_error error = {0};
  bench b;
  outcome out;
  assert_int_equal(ftl_model_open(files[0], NULL, &model, &error), FTL_OK);
  set_up(&b, model, 1);
  ftl_result result = {.forces = out.forces[0], .energy_only = 1};
  assert_int_equal(
      ftl_compute(b.ws, N, b.species, (const double(*)[3])b.x, (const double(*)[3])b.cell, b.pbc, &result, &error),
      FTL_ERR_ARGUMENT);
  assert_non_null(strstr(error.message, "energy_only"));
  ftl_output output = {.forces = out.forces[0]};
  assert_int_equal(ftl_begin(b.ws, &b.graph, &output, &error), FTL_OK);
  for (int t = 0; t < b.n_layers; t++) assert_int_equal(ftl_layer_forward(b.ws, t, FTL_ALL, &error), FTL_OK);
  assert_int_equal(ftl_layer_forward(b.ws, b.n_layers, FTL_ALL, &error), FTL_ERR_ARGUMENT);
  assert_int_equal(ftl_begin(b.ws, &b.graph, &output, &error), FTL_OK);
  for (int t = 0; t < b.n_layers; t++) assert_int_equal(ftl_layer_forward(b.ws, t, FTL_ALL, &error), FTL_OK);
  assert_int_equal(ftl_end(b.ws, &error), FTL_ERR_ARGUMENT);
  /* half of the atoms is not all */
  output.forces = NULL;
  assert_int_equal(ftl_begin(b.ws, &b.graph, &output, &error), FTL_OK);
  for (int t = 0; t < b.n_layers - 1; t++) assert_int_equal(ftl_layer_forward(b.ws, t, FTL_ALL, &error), FTL_OK);
  assert_int_equal(ftl_layer_forward(b.ws, b.n_layers - 1, FTL_OUTER, &error), FTL_OK);
  assert_int_equal(ftl_end(b.ws, &error), FTL_ERR_ARGUMENT);
  take_down(&b);
  ftl_model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(orders), cmocka_unit_test(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
