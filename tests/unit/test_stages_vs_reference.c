/* The fast stages against the reference, on the frames of every twin and on random small structures: energy, energies
   of the atoms, forces, virial and descriptors, every head. */
#include "twins.h"

#include "reference/reference.h"

/* Largest relative deviation allowed: energies of the atoms by the largest of them, the energy by the sum of their
   sizes. Forces and virial, by their largest component, come from the slopes of the radial tables (piecewise
   polynomials fitted to about 1e-12 of a function's size), which err some hundred times more. */
#define ENERGY_TOLERANCE 1e-11
#define FORCE_TOLERANCE  5e-10
/* In mixed precision, whose accuracy test_operations and parity measure: that its arrays are the right ones (this runs
   under sanitizers too). */
#define MIXED_TOLERANCE 5e-5

static double largest_of_all;
static int n_failed;

static double size(const double *x, int n) {
  double largest = 0;
  for (int k = 0; k < n; k++) largest = fmax(largest, fabs(x[k]));
  return largest;
}

static double deviation(const double *x, const double *y, int n) {
  double largest = 0;
  for (int k = 0; k < n; k++) largest = fmax(largest, isfinite(x[k]) ? fabs(x[k] - y[k]) : INFINITY);
  return largest;
}

typedef struct {
  double energy, node_energy[MAX_ATOMS], forces[MAX_ATOMS][3], virial[6];
  int width;
  double *descriptors; /* [n][width], owned */
} outcome;

static double *rows_of(const outcome *out, int n) {
  double *rows = malloc(((size_t)n * (size_t)out->width + 1) * sizeof *rows);
  assert_non_null(rows);
  return rows;
}

/* Outputs of the layers, one after another in an atom's row. */
static void gather_descriptors(const ftl_ref_run *run, outcome *out) {
  const ftl_architecture *arch = &run->source->arch;
  out->width = 0;
  for (int t = 0; t < arch->n_layers; t++) out->width += ftl_irreps_dim(&arch->layer[t].product);
  out->descriptors = rows_of(out, run->n);
  for (int i = 0; i < run->n; i++) {
    double *row = out->descriptors + i * out->width;
    for (int t = 0; t < arch->n_layers; t++) {
      const int dim = ftl_irreps_dim(&arch->layer[t].product);
      memcpy(row, run->layer[t].x[FTL_FEATURES_OUTPUT] + i * dim, (size_t)dim * sizeof *row);
      row += dim;
    }
  }
}

static void by_reference(const ftl_source *source, int head, const structure *s, outcome *out) {
  static structure_graph g;
  build_graph(&g, s, source->arch.atomic_numbers, source->arch.n_elements, source->arch.r_max);
  ftl_error error = {0};
  ftl_ref_run *run;
  double w[9];
  if (ftl_ref_run_new(source, head, &g.graph, &run, &error) != FTL_OK)
    fail_msg("%s: %s (%s)", source->path, error.message, error.where);
  ftl_ref_run_results(run, &out->energy, out->node_energy, out->forces, w);
  gather_descriptors(run, out);
  ftl_ref_run_free(run);
  for (int k = 0; k < 3; k++) {
    out->virial[k] = w[k];
    out->virial[3 + k] = 0.5 * (w[3 + k] + w[6 + k]); /* xy and yx and so on */
  }
  free_graph(&g);
}

static void by_stages(const ftl_model *model, ftl_workspace *workspace, const structure *s, outcome *out) {
  int species[MAX_ATOMS];
  for (int i = 0; i < s->n; i++) species[i] = ftl_model_species(model, s->number[i]);
  ftl_model_descriptors(model, NULL, &out->width);
  out->descriptors = rows_of(out, s->n);
  ftl_result result = {.forces = out->forces[0], .node_energy = out->node_energy, .descriptors = out->descriptors};
  ftl_error error = {0};
  if (ftl_compute(workspace, s->n, species, s->position, s->cell, s->pbc, &result, &error) != FTL_OK)
    fail_msg("%s (%s)", error.message, error.where);
  out->energy = result.energy;
  memcpy(out->virial, result.virial, sizeof out->virial);
}

/* Returns the largest relative deviation, and says what deviates if it is too much. */
static double compare(const char *what, const structure *s, const outcome *stages, const outcome *reference,
                      bool mixed) {
  double sum = 0;
  for (int i = 0; i < s->n; i++) sum += fabs(reference->node_energy[i]);
  const double node = fmax(size(reference->node_energy, s->n), 1e-10);
  const double force = fmax(size(reference->forces[0], 3 * s->n), 1e-4);
  const double virial = fmax(size(reference->virial, 6), 1e-4);
  assert_int_equal(stages->width, reference->width);
  const int n_rows = s->n * reference->width;
  const double d[5] = {fabs(stages->energy - reference->energy) / fmax(sum, 1e-10),
                       deviation(stages->node_energy, reference->node_energy, s->n) / node,
                       deviation(stages->descriptors, reference->descriptors, n_rows) /
                           fmax(size(reference->descriptors, n_rows), 1e-10),
                       deviation(stages->forces[0], reference->forces[0], 3 * s->n) / force,
                       deviation(stages->virial, reference->virial, 6) / virial};
  if (!(fmax(fmax(d[0], d[1]), d[2]) < (mixed ? MIXED_TOLERANCE : ENERGY_TOLERANCE) &&
        fmax(d[3], d[4]) < (mixed ? MIXED_TOLERANCE : FORCE_TOLERANCE))) {
    n_failed++;
    print_error(
        "%s, %d atoms: energy %.1e, node energies %.1e, descriptors %.1e, forces %.1e, virial %.1e (relative)\n", what,
        s->n, d[0], d[1], d[2], d[3], d[4]);
  }
  return size(d, 5);
}

/* False for a model that the stages refuse. */
static bool compare_head(const ftl_source *source, const char *twin, int head, ftl_precision precision,
                         const structure *s, int n, double *worst) {
  const ftl_open_options options = {.head = source->arch.heads[head], .precision = precision};
  ftl_error error = {0};
  ftl_model *model;
  ftl_workspace *workspace;
  const ftl_status status = ftl_model_open(twin_model(twin), &options, &model, &error);
  if (status == FTL_ERR_UNSUPPORTED && strstr(error.message, "cannot be tabulated")) {
    print_message("%-44s is refused: %s\n", twin, error.message);
    return false;
  }
  if (status != FTL_OK || ftl_workspace_new(model, 2, &workspace, &error) != FTL_OK)
    fail_msg("%s: %s (%s)", twin, error.message, error.where);
  for (int k = 0; k < n; k++) {
    static outcome stages, reference;
    char what[1200];
    by_reference(source, head, &s[k], &reference);
    by_stages(model, workspace, &s[k], &stages);
    snprintf(what, sizeof what, "%s head %s structure %d", twin, options.head, k);
    *worst = fmax(*worst, compare(what, &s[k], &stages, &reference, precision == FTL_MIXED));
    free(stages.descriptors);
    free(reference.descriptors);
  }
  ftl_workspace_free(workspace);
  ftl_model_free(model);
  return true;
}

static void compare_twin(const char *twin) {
  ftl_source *source = read_twin(twin);
  static structure s[16];
  int n_structures = 0;
  FILE *file = fopen(with_extension(twin, "xyz"), "r");
  assert_non_null(file);
  const int most = SANITIZED ? 2 : 8; /* crystals of many neighbours are the same code */
  while (n_structures < most && read_frame(file, &s[n_structures])) n_structures++;
  fclose(file);
  uint64_t state = 7;
  static const struct {
    int n;
    double side, closest;
    bool periodic;
  } random_ones[] = {{1, 4, 1, false}, {1, 2.2, 1, true}, {2, 3, 1.2, true}, {5, 6, 1.5, true}, {7, 5, 1.4, false}};
  for (size_t k = 0; k < sizeof random_ones / sizeof random_ones[0]; k++, n_structures++) {
    structure *r = &s[n_structures];
    random_structure(r, random_ones[k].n, random_ones[k].side, random_ones[k].closest, source->arch.atomic_numbers,
                     source->arch.n_elements, &state);
    for (int c = 0; c < 3; c++) r->pbc[c] = random_ones[k].periodic;
  }
  double worst = 0;
  for (int head = 0; head < source->arch.n_heads; head++)
    if (!compare_head(source, twin, head, FTL_DOUBLE, s, n_structures, &worst)) break;
  double worst_mixed = 0;
  compare_head(source, twin, source->arch.n_heads - 1, FTL_MIXED, s + n_structures - 3, 3, &worst_mixed);
  ftl_source_free(source);
  largest_of_all = fmax(largest_of_all, worst);
  print_message("%-44s largest relative deviation %.1e, mixed %.1e\n", twin, worst, worst_mixed);
}

static void test_twins(void **unused) {
  (void)unused;
  for_each_twin(compare_twin);
  print_message("largest of all: %.1e\n", largest_of_all);
  if (n_failed > 0) fail_msg("the stages deviate from the reference for %d structures", n_failed);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_twins)};
  share_twins(test_twins);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
