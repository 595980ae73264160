/* The last layer in closed form, and random features (docs/uncertainty.md, eqs. L1 to L3): the solution is where the
   trainer's exact gradient of the loss and of the prior vanishes; the triangle has the loss itself; a model with random
   features is evaluated alike by the engine, the reference and the trainer, its forces are differences of its energies,
   and it comes back from its file. One twin of each family. */
#include "twins.h"

#include "close.h"
#include "gradient_problem.h"

#include "base/random.h"
#include "model/prepared.h"
#include "new_model/new_model.h"
#include "parameters/last_weights.h"
#include "reference/reference.h"
#include "surrogate/solve.h"
#include "trust/equations.h"

enum { FEATURES = 12 };
static const char *const twins[] = {"tests/parity/twins/t-density-zbl", "tests/parity/twins/t-nonlinear-heads",
                                    "tests/parity/sevennet-twins/s-parity-l3", "tests/parity/sevennet-twins/s-fcn"};
enum { N_TWINS = sizeof twins / sizeof *twins };
static const ftl_loss weighted = {.kind = FTL_LOSS_WEIGHTED, .energy = 500, .forces = 100, .stress = 1000};

/* One head, and random features whose weights are not zero. */
static ftl_source *open_twin(const char *twin) {
  ftl_error error = {0};
  ftl_source *source = read_twin(twin);
  check(ftl_source_cut_head(source, source->arch.heads[source->arch.n_heads - 1], &error), &error);
  const int n = ftl_irreps_count(&source->arch.layer[source->arch.n_layers - 1].product, 0, 1);
  double *spread = calloc((size_t)n, sizeof *spread);
  for (int c = 0; c < n; c++) spread[c] = c % 3 ? 0.1 + 0.05 * c : 0;
  ftl_random random;
  ftl_random_seed(&random, 3);
  check(ftl_source_add_random_features(source, FEATURES, spread, 0.7, &random, &error), &error);
  assert_int_equal(ftl_source_add_random_features(source, FEATURES, spread, 0.7, &random, &error), FTL_ERR_INPUT);
  free(spread);
  ftl_parameters parameters;
  check(ftl_parameters_list(source, &parameters, &error), &error);
  double *values = calloc((size_t)parameters.count, sizeof *values);
  ftl_parameters_get(&parameters, source, values);
  char name[64];
  snprintf(name, sizeof name, "readouts.%d.linear_2.weight", source->arch.n_readouts - 1);
  const ftl_parameter *last = ftl_parameters_find(&parameters, name);
  assert_non_null(last);
  for (int k = 0; k < FEATURES; k++) values[last->offset + k] = 0.3 * cos(1.7 * k);
  check(ftl_parameters_put(&parameters, values, source, &error), &error);
  ftl_parameters_free(&parameters);
  free(values);
  return source;
}

static void open_problem(problem *p, const char *twin, ftl_last_weights *layer) {
  ftl_error error = {0};
  char xyz[1200];
  *p = (problem){.source = open_twin(twin)};
  check(ftl_parameters_list(p->source, &p->parameters, &error), &error);
  check(ftl_last_weights_mark(p->source, &p->parameters, layer, &error), &error);
  check(ftl_last_weights_mark_e0(p->source, &p->parameters, layer, &error), &error);
  snprintf(xyz, sizeof xyz, "%s.xyz", twin);
  problem_prepare(p, xyz, FTL_DOUBLE);
  make_labels(p);
}

/* The largest component of the gradient by the last layer and E0. */
static double largest(const ftl_last_weights *layer, const double *gradient) {
  double most = 0;
  for (int b = 0; b < layer->n_blocks; b++)
    for (int64_t k = layer->offset[b]; k < layer->offset[b] + layer->count[b]; k++)
      most = fmax(most, fabs(gradient[k]));
  return most;
}

static void close_to(const char *what, double have, double want, double relative) {
  print_message("  %s: %.1e\n", what, fabs(have - want) / fabs(want));
  if (!(fabs(have - want) <= relative * fabs(want))) fail_msg("%s: %.15g, and should be %.15g", what, have, want);
}

static void closed_form_is_the_minimum(void **state) {
  (void)state;
  for (int t = 0; t < N_TWINS; t++) {
    ftl_error error = {0};
    problem p;
    ftl_last_weights layer;
    ftl_equations equations;
    ftl_ridge *ridge;
    print_message("%s\n", twins[t]);
    open_problem(&p, twins[t], &layer);
    const ftl_equations_options how = {.rows = FTL_ALL_ROWS, .threads = 2, .loss = &weighted, .e0 = true};
    check(ftl_equations_make(p.source, &p.dataset, &how, &equations, &error), &error);
    assert_int_equal(equations.triangle.n, layer.n);
    double *start = calloc((size_t)layer.n, sizeof *start), *change = calloc((size_t)layer.n, sizeof *change),
           *penalty = calloc((size_t)layer.n, sizeof *penalty), *rest = calloc((size_t)layer.n, sizeof *rest);
    for (int k = 0; k < layer.n; k++) rest[k] = 1;
    check(ftl_ridge_new(&equations.triangle, rest, &ridge, &error), &error);
    const double before = loss_of(&p, &weighted, true), steep = largest(&layer, p.gradient);
    close_to("loss and triangle at the foundation", ftl_triangle_residual(&equations.triangle, change), before, 1e-10);
    ftl_last_weights_take(&layer, p.values, start);
    const double strengths[] = {1e-1, 1e-4};
    for (int i = 0; i < 2; i++) {
      ftl_ridge_solve(ridge, strengths[i], change);
      ftl_ridge_penalty(ridge, strengths[i], penalty);
      for (int k = 0; k < layer.n; k++) rest[k] = start[k] + change[k];
      ftl_last_weights_put(&layer, rest, p.values);
      check(ftl_network_set(p.network, p.values, &error), &error);
      const double after = loss_of(&p, &weighted, true);
      close_to("loss and triangle at the solution", ftl_triangle_residual(&equations.triangle, change), after, 1e-9);
      assert_true(after < before);
      ftl_last_weights_take(&layer, p.gradient, rest);
      double left = 0;
      for (int k = 0; k < layer.n; k++) left = fmax(left, fabs(rest[k] + 2 * penalty[k] * penalty[k] * change[k]));
      print_message("  strength %g: loss %.4g to %.4g, gradient of loss and prior %.1e of that before\n", strengths[i],
                    before, after, left / steep);
      assert_true(left < 1e-8 * steep);
    }
    free(start);
    free(change);
    free(penalty);
    free(rest);
    ftl_ridge_free(ridge);
    ftl_equations_free(&equations);
    problem_close(&p);
  }
}

/* A prediction may be differentiated again: the same bits as after a prediction of its own. */
static void gradients_of_one_prediction(void **state) {
  (void)state;
  for (int t = 0; t < N_TWINS; t++) {
    ftl_error error = {0};
    ftl_prediction prediction;
    problem p;
    char xyz[1200];
    snprintf(xyz, sizeof xyz, "%s.xyz", twins[t]);
    problem_open(&p, twin_model(twins[t]), xyz, NULL, FTL_DOUBLE);
    const int n = p.dataset.structure[0].n;
    const size_t size = (size_t)p.parameters.count * sizeof(double);
    double *alone = malloc(size);
    for (int again = 0; again < 2; again++)
      for (int k = 0; k < 3; k++) {
        double *gradient = again ? p.gradient : alone;
        for (int c = 0; c < 3 * n; c++) p.d_forces[c / 3][c % 3] = cos(1.0 + k + 7 * c);
        if (!again || k == 0)
          check(ftl_sweep_predict(p.sweep, &p.graph[0].graph, NULL, 0, true, &prediction, &error), &error);
        if (k < 2) {
          check(ftl_sweep_gradient(p.sweep, k, (const double(*)[3])p.d_forces, NULL, p.gradient, &error), &error);
          continue;
        }
        memset(gradient, 0, size);
        check(ftl_sweep_gradient(p.sweep, k, (const double(*)[3])p.d_forces, NULL, gradient, &error), &error);
      }
    assert_true(largest(&(ftl_last_weights){.n_blocks = 1, .count = {p.parameters.count}}, alone) > 0);
    assert_memory_equal(alone, p.gradient, size);
    free(alone);
    problem_close(&p);
  }
}

/* ---- a model with random features ---- */

typedef struct {
  ftl_model *model;
  ftl_workspace *workspace;
  int species[MAX_ATOMS];
} engine;

static void engine_open(const ftl_source *source, const structure *s, engine *e) {
  ftl_error error = {0};
  check(ftl_prepare(source, NULL, &e->model, &error), &error);
  check(ftl_workspace_new(e->model, 1, &e->workspace, &error), &error);
  for (int i = 0; i < s->n; i++) e->species[i] = ftl_model_species(e->model, s->number[i]);
}

static double engine_ask(engine *e, const structure *s, double (*forces)[3]) {
  ftl_error error = {0};
  ftl_result result = {.forces = forces ? forces[0] : NULL};
  check(ftl_compute(e->workspace, s->n, e->species, s->position, s->cell, s->pbc, &result, &error), &error);
  return result.energy;
}

static void engine_close(engine *e) {
  ftl_workspace_free(e->workspace);
  ftl_model_free(e->model);
}

static void compare_forces(const char *what, int n, const double (*have)[3], const double (*want)[3], double relative) {
  double most = 0, worst = 0;
  for (int c = 0; c < 3 * n; c++) {
    most = fmax(most, fabs(want[c / 3][c % 3]));
    worst = fmax(worst, fabs(have[c / 3][c % 3] - want[c / 3][c % 3]));
  }
  print_message("  %s: %.1e\n", what, worst / most);
  if (!(worst <= relative * most)) fail_msg("%s: forces are off by %g of %g", what, worst, most);
}

static void random_features_answer_alike(void **state) {
  (void)state;
  static structure s, moved;
  static structure_graph g;
  static double forces[MAX_ATOMS][3], other[MAX_ATOMS][3];
  char path[] = "/tmp/ftl-linear-XXXXXX";
  close(mkstemp(path));
  for (int t = 0; t < N_TWINS; t++) {
    ftl_error error = {0};
    ftl_source *source = open_twin(twins[t]), *again;
    engine e, f;
    problem p;
    ftl_last_weights layer;
    ftl_prediction prediction;
    print_message("%s\n", twins[t]);
    FILE *file = fopen(with_extension(twins[t], "xyz"), "r");
    assert_true(file && read_frame(file, &s));
    fclose(file);
    engine_open(source, &s, &e);
    const double energy = engine_ask(&e, &s, forces);
    /* differences */
    double slope = 0, want = 0;
    for (int sign = -1; sign < 2; sign += 2) {
      moved = s;
      for (int c = 0; c < 3 * s.n; c++) moved.position[c / 3][c % 3] += sign * 1e-4 * cos(3.0 * c);
      slope += sign * engine_ask(&e, &moved, NULL) / 2e-4;
    }
    for (int c = 0; c < 3 * s.n; c++) want -= forces[c / 3][c % 3] * cos(3.0 * c);
    close_to("differences of the energy", slope, want, 1e-5);
    /* the trainer */
    open_problem(&p, twins[t], &layer);
    check(ftl_sweep_predict(p.sweep, &p.graph[0].graph, NULL, 0, true, &prediction, &error), &error);
    close_to("energy of the trainer", prediction.energy, energy, 1e-9);
    compare_forces("forces of the trainer", s.n, (const double(*)[3])prediction.forces, (const double(*)[3])forces,
                   1e-7);
    problem_close(&p);
    /* the reference */
    build_graph(&g, &s, source->arch.atomic_numbers, source->arch.n_elements, source->arch.r_max);
    check(ftl_reference_compute(source, 0, &g.graph, &slope, NULL, other, NULL, &error), &error);
    close_to("energy of the reference", energy, slope, 1e-9);
    compare_forces("forces and the reference's", s.n, (const double(*)[3])forces, (const double(*)[3])other, 1e-6);
    free_graph(&g);
    /* the file */
    check(ftl_source_write(source, path, &error), &error);
    check(ftl_source_read(path, &again, &error), &error);
    assert_int_equal(again->arch.readout[again->arch.n_readouts - 1].kind, FTL_READOUT_RANDOM);
    engine_open(again, &s, &f);
    assert_true(engine_ask(&f, &s, other) == energy);
    assert_memory_equal(forces, other, (size_t)s.n * sizeof *forces);
    engine_close(&e);
    engine_close(&f);
    ftl_source_free(again);
    ftl_source_free(source);
  }
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(closed_form_is_the_minimum),
                                     cmocka_unit_test(gradients_of_one_prediction),
                                     cmocka_unit_test(random_features_answer_alike)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
