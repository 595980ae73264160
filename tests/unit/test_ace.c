/* PACE potentials: energies and forces against ML-PACE's own evaluator (tests/ace/make_cases.py), derivatives,
   invariance, smoothness, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ace/ace.h"
#include "close.h"
#include "model/prepared.h"
#include "files/model_file.h"

enum { MAX_ATOMS = 16 };
static const int periodic[3] = {1, 1, 1};

typedef struct {
  int n, species[MAX_ATOMS];
  double x[MAX_ATOMS][3], cell[3][3];
} structure;

typedef struct {
  structure at;
  double energy, virial[6], node_energy[MAX_ATOMS], forces[MAX_ATOMS][3];
} answers;

static void numbers(const json_t *list, int n, double *values) {
  assert_int_equal(json_array_size(list), n);
  for (int k = 0; k < n; k++) values[k] = json_number_value(json_array_get(list, (size_t)k));
}

static ftl_model *open_in(const char *name, ftl_precision precision) {
  char path[128];
  ftl_model *model = NULL;
  ftl_error error = {0};
  snprintf(path, sizeof path, "tests/ace/%s.yace", name);
  if (ftl_model_open(path, &(ftl_open_options){.precision = precision}, &model, &error))
    fail_msg("%s [%s]", error.message, error.where);
  return model;
}

static ftl_model *open_case(const char *name) { return open_in(name, FTL_DOUBLE); }

static answers read_answers(const ftl_model *model, const char *name) {
  char path[128];
  answers a = {0};
  snprintf(path, sizeof path, "tests/ace/%s.json", name);
  json_t *json = json_load_file(path, 0, NULL);
  if (!json) fail_msg("%s cannot be read: run the tests from the project's root", path);
  const json_t *elements = json_object_get(json, "elements");
  a.at.n = (int)json_array_size(elements);
  assert_in_range(a.at.n, 1, MAX_ATOMS);
  for (int i = 0; i < a.at.n; i++) {
    const size_t k = (size_t)i;
    a.at.species[i] = ftl_model_species(model, ftl_atomic_number(json_string_value(json_array_get(elements, k))));
    numbers(json_array_get(json_object_get(json, "positions"), k), 3, a.at.x[i]);
    numbers(json_array_get(json_object_get(json, "forces"), k), 3, a.forces[i]);
  }
  for (size_t k = 0; k < 3; k++) numbers(json_array_get(json_object_get(json, "cell"), k), 3, a.at.cell[k]);
  a.energy = json_number_value(json_object_get(json, "energy"));
  numbers(json_object_get(json, "virial"), 6, a.virial);
  numbers(json_object_get(json, "node_energy"), a.at.n, a.node_energy);
  json_decref(json);
  return a;
}

static answers evaluate(const ftl_model *model, const structure *at, int n_threads) {
  answers a = {.at = *at};
  ftl_workspace *workspace = NULL;
  ftl_error error = {0};
  ftl_result result = {.forces = &a.forces[0][0], .node_energy = a.node_energy};
  assert_int_equal(ftl_workspace_new(model, n_threads, &workspace, &error), FTL_OK);
  if (ftl_compute(workspace, at->n, at->species, at->x, at->cell, periodic, &result, &error))
    fail_msg("%s", error.message);
  ftl_workspace_free(workspace);
  a.energy = result.energy;
  memcpy(a.virial, result.virial, sizeof a.virial);
  return a;
}

static double largest(const double *values, int n) {
  double most = 0;
  for (int k = 0; k < n; k++) most = fmax(most, fabs(values[k]));
  return most;
}

static void assert_near(const double *a, const double *b, int n, double relative) {
  const double tolerance = relative * largest(b, n);
  for (int k = 0; k < n; k++) assert_close(a[k], b[k], tolerance);
}

/* Guards every formula: radial bases and their splines, harmonics, products and their conjugates, embedding, cores and
   inner cutoffs; each way to get an edge's functions: from tables, from tables of g_k, R_nl = g_n with rank 1 among
   them and apart. */
static void agrees_with_ml_pace(void **unused) {
  (void)unused;
  static const char *const names[] = {"chebyshev", "distance", "zbl", "coupled", "coarse", "plain", "wide"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++)
    for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
      ftl_model *model = open_case(names[k]);
      const answers want = read_answers(model, names[k]), got = evaluate(model, &want.at, n_threads);
      print_message("%s: forces up to %.3g, energies up to %.3g\n", names[k], largest(want.forces[0], 3 * want.at.n),
                    largest(want.node_energy, want.at.n));
      assert_close(got.energy, want.energy, 1e-10 * want.at.n * largest(want.node_energy, want.at.n));
      assert_near(got.node_energy, want.node_energy, want.at.n, 1e-10);
      assert_near(got.forces[0], want.forces[0], 3 * want.at.n, 1e-10);
      assert_near(got.virial, want.virial, 6, 1e-10);
      ftl_model_free(model);
    }
}

/* Guards coupled products: invariants of two to seven factors, equal ones among them, are found to be sums of them,
   give what the products one by one give, and are not used where functions are no invariants. */
static void coupled_products(void **unused) {
  (void)unused;
  static const char *const paths[] = {"tests/ace/products.yace", "tests/ace/coupled.yace", "potentials/tialv-ace.yace"};
  static const char *const isas[] = {"generic", "avx2", "avx512", "neon"};
  const int metals[] = {22, 13, 23};
  for (size_t k = 0; k < sizeof paths / sizeof *paths; k++)
    for (size_t isa = 0; isa < sizeof isas / sizeof *isas; isa++) {
      ftl_model *model = NULL;
      setenv("FROZENTL_ISA", isas[isa], 1);
      const bool opened = ftl_model_open(paths[k], NULL, &model, NULL) == FTL_OK;
      unsetenv("FROZENTL_ISA");
      if (!opened) continue; /* not on this CPU */
      const char *atoms = k < 2 ? "coupled" : "plain";
      answers at = {0};
      if (k < 2) at = read_answers(model, atoms);
      else {
        ftl_model *other = open_case(atoms);
        at = read_answers(other, atoms);
        for (int i = 0; i < at.at.n; i++) at.at.species[i] = ftl_model_species(model, metals[at.at.species[i]]);
        ftl_model_free(other);
      }
      const answers got = evaluate(model, &at.at, 1);
      for (int z = 0; z < model->n_species; z++) {
        ftl_ace_element *element = &model->ace->element[z];
        assert_non_null(element->coupled);
        for (int set = 0; set < element->n_programs; set++) ftl_arena_free(&element->coupled[set].memory);
        free(element->coupled);
        element->coupled = NULL;
      }
      const answers want = evaluate(model, &at.at, 1);
      assert_near(got.node_energy, want.node_energy, want.at.n, 1e-12);
      assert_near(got.forces[0], want.forces[0], 3 * want.at.n, 1e-11);
      assert_near(got.virial, want.virial, 6, 1e-11);
      ftl_model_free(model);
    }
  ftl_model *model = open_case("chebyshev");
  assert_null(model->ace->element[0].coupled);
  ftl_model_free(model);
}

/* Edges in float32, products and sums in float64. */
static void mixed_precision(void **unused) {
  (void)unused;
  static const char *const names[] = {"chebyshev", "distance", "zbl", "coupled", "coarse", "plain", "wide"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    ftl_model *model = open_in(names[k], FTL_MIXED);
    const answers want = read_answers(model, names[k]), got = evaluate(model, &want.at, 2);
    assert_near(got.node_energy, want.node_energy, want.at.n, 1e-5);
    assert_near(got.forces[0], want.forces[0], 3 * want.at.n, 1e-5);
    assert_near(got.virial, want.virial, 6, 1e-5);
    assert_true(got.forces[0][0] != want.forces[0][0]);
    ftl_model_free(model);
  }
}

static void forces_are_derivatives(void **unused) {
  (void)unused;
  static const char *const names[] = {"chebyshev", "distance", "zbl", "plain", "wide"};
  const double h = 1e-4;
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    ftl_model *model = open_case(names[k]);
    const answers a = read_answers(model, names[k]), got = evaluate(model, &a.at, 1);
    for (int c = 0; c < 3 * a.at.n; c++) {
      double e[4];
      for (int s = 0; s < 4; s++) {
        structure moved = a.at;
        moved.x[c / 3][c % 3] += h * (s < 2 ? s - 2 : s - 1);
        e[s] = evaluate(model, &moved, 1).energy;
      }
      assert_close(-(e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h), got.forces[c / 3][c % 3],
                   1e-6 * largest(got.forces[0], 3 * a.at.n));
    }
    ftl_model_free(model);
  }
}

/* x -> x M for positions and cell. */
static structure deformed(const structure *at, const double m[3][3]) {
  structure out = *at;
  for (int i = 0; i < at->n + 3; i++) {
    const double *x = i < at->n ? at->x[i] : at->cell[i - at->n];
    double *y = i < at->n ? out.x[i] : out.cell[i - at->n];
    for (int c = 0; c < 3; c++) y[c] = x[0] * m[0][c] + x[1] * m[1][c] + x[2] * m[2][c];
  }
  return out;
}

static void virial_is_a_derivative(void **unused) {
  (void)unused;
  static const int row[6] = {0, 1, 2, 0, 0, 1}, column[6] = {0, 1, 2, 1, 2, 2};
  ftl_model *model = open_case("coupled"); /* the virial is symmetric for invariant potentials only */
  const answers a = read_answers(model, "coupled"), got = evaluate(model, &a.at, 1);
  for (int k = 0; k < 6; k++) {
    double e[2];
    for (int s = 0; s < 2; s++) {
      double m[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
      m[row[k]][column[k]] += s ? 1e-5 : -1e-5;
      const structure strained = deformed(&a.at, (const double(*)[3])m);
      e[s] = evaluate(model, &strained, 1).energy;
    }
    assert_close(-(e[1] - e[0]) / 2e-5, got.virial[k], 1e-6 * largest(got.virial, 6));
  }
  ftl_model_free(model);
}

static void coupled_functions_are_invariant(void **unused) {
  (void)unused;
  const double a = 0.7, b = 1.9;
  const double m[3][3] = {
      {cos(a), sin(a), 0}, {-sin(a) * cos(b), cos(a) * cos(b), sin(b)}, {sin(a) * sin(b), -cos(a) * sin(b), cos(b)}};
  ftl_model *model = open_case("coupled");
  const answers at = read_answers(model, "coupled"), before = evaluate(model, &at.at, 1);
  const structure turned = deformed(&at.at, m);
  const answers after = evaluate(model, &turned, 1);
  assert_near(after.node_energy, before.node_energy, at.at.n, 1e-12);
  for (int i = 0; i < at.at.n; i++)
    for (int c = 0; c < 3; c++)
      assert_close(after.forces[i][c],
                   before.forces[i][0] * m[0][c] + before.forces[i][1] * m[1][c] + before.forces[i][2] * m[2][c],
                   1e-11 * largest(before.forces[0], 3 * at.at.n));
  ftl_model_free(model);
}

static answers dimer(const ftl_model *model, double r) {
  structure at = {.n = 2, .species = {0, 1}, .cell = {{30, 0, 0}, {0, 30, 0}, {0, 0, 30}}};
  at.x[1][0] = 0.6 * r;
  at.x[1][2] = 0.8 * r;
  return evaluate(model, &at, 1);
}

/* Energies and forces have no jump where a cutoff begins or ends. */
static void cutoffs_are_smooth(void **unused) {
  (void)unused;
  static const struct {
    const char *name;
    double r[4];
  } cases[] = {{"coupled", {5, 4.4, 0, 0}}, {"distance", {5, 2.4, 1.7, 0}}, {"zbl", {5, 4.4, 2.4, 1.7}}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_model *model = open_case(cases[k].name);
    for (int c = 0; c < 4 && cases[k].r[c] > 0; c++) {
      const double r = cases[k].r[c], h = 1e-7;
      const answers before = dimer(model, r - h), after = dimer(model, r + h);
      const double scale = fmax(1, largest(before.forces[0], 6));
      assert_close(before.energy, after.energy, 1e-5 * scale);
      assert_close(before.forces[1][2], after.forces[1][2], 1e-4 * scale);
    }
    const answers apart = dimer(model, 5 + 1e-9);
    assert_close(apart.forces[1][2], 0, 0);
    assert_close(apart.energy, ftl_model_e0(model, 0) + ftl_model_e0(model, 1), 1e-12);
    ftl_model_free(model);
  }
}

/* Elements that are not asked for leave no trace; species follow the order of the file. */
static void some_elements(void **unused) {
  (void)unused;
  const int nickel = 28, oxygen = 8, gold = 79;
  ftl_model *all = open_case("coupled"), *one = NULL;
  ftl_model_info info;
  ftl_error error = {0};
  ftl_open_options options = {.elements = &oxygen, .n_elements = 1};
  ftl_model_get_info(all, &info);
  assert_int_equal(info.n_elements, 2);
  assert_int_equal(info.atomic_numbers[0], nickel);
  assert_int_equal(info.n_layers, 1);
  assert_true(info.cutoff == 5);
  assert_int_equal(ftl_model_open("tests/ace/coupled.yace", &options, &one, &error), FTL_OK);
  answers a = read_answers(all, "coupled");
  for (int i = 0; i < a.at.n; i++) a.at.species[i] = 1;
  const answers want = evaluate(all, &a.at, 1);
  for (int i = 0; i < a.at.n; i++) a.at.species[i] = 0;
  const answers got = evaluate(one, &a.at, 1);
  assert_near(got.node_energy, want.node_energy, a.at.n, 1e-12);
  assert_near(got.forces[0], want.forces[0], 3 * a.at.n, 1e-11); /* slopes of a fine spline: 1e-16 / 1e-4 */
  ftl_model_free(one);
  ftl_model_free(all);
  options.elements = &gold;
  assert_int_equal(ftl_model_open("tests/ace/coupled.yace", &options, &one, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "Au"));
}

/* ---- refusals ---- */

static void refused(const char *path, const ftl_open_options *options, ftl_status code, const char *part) {
  ftl_model *model = NULL;
  ftl_error error = {0};
  const ftl_status status = ftl_model_open(path, options, &model, &error);
  if (status != code || !strstr(error.message, part))
    fail_msg("wanted %d with '%s', got %d: %s [%s]", (int)code, part, (int)status, error.message, error.where);
  assert_null(model);
}

static void options_that_do_not_fit(void **unused) {
  (void)unused;
  ftl_source *source = NULL;
  ftl_error error = {0};
  refused("tests/ace/zbl.yace", &(ftl_open_options){.head = "dft"}, FTL_ERR_INPUT, "no head 'dft'");
  assert_int_equal(ftl_source_read("tests/ace/zbl.yace", &source, &error), FTL_ERR_UNSUPPORTED);
  assert_non_null(strstr(error.message, "PACE potential"));
}

static char *read_text(const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *text = calloc(1, 1 << 16);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
  fclose(file);
  return text;
}

static void write_text(const char *path, const char *text, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* Each change to a good file gets its own sentence, which names the field. */
static void files_that_are_wrong(void **unused) {
  (void)unused;
  static const struct {
    const char *from, *to, *part;
  } changes[] = {
      {"elements: [Cu, H]", "elements: [Cu, Xx]", "'Xx' is no chemical symbol"},
      {"elements: [Cu, H]", "elements: [Cu, Cu]", "elements has Cu twice"},
      {"elements: [Cu, H]", "elements: [Cu, H", "this is not YAML"},
      {"E0: [-1.25, -1.75]", "E0: [-1.25]", "E0 has 1 entries where 2 are needed"},
      {"E0: [-1.25, -1.75]", "E0: [-1.25, .nan]", "E0: '.nan' is not a finite number"},
      {"E0: [-1.25, -1.75]", "E0: [-1.25, 1e999]", "not a finite number"},
      {"deltaSplineBins: 0.0001", "deltaSplineBins: -1", "deltaSplineBins is -1"},
      {"E0: [", "E1: [", "has a field 'E1', which is not known here"},
      {"deltaSplineBins:", "E0: [1, 2]\ndeltaSplineBins:", "'E0' is given twice"},
      {"npoti: FinnisSinclairShiftedScaled", "npoti: Linear", "npoti is 'Linear'"},
      {"ndensity: 1, FS", "ndensity: 2, FS", "FS_parameters has 2 entries where 4 are needed"},
      {"radbasename: SBessel", "radbasename: Gauss", "radbasename is 'Gauss'"},
      {"radbasename: SBessel", "radbasename: ACE.jl.base", "ACE.jl are not covered"},
      {"inner_cutoff_type: zbl", "inner_cutoff_type: none", "inner_cutoff_type is 'none'"},
      {"inner_cutoff_type: zbl", "inner_cutoff_type: density", "the same inner_cutoff_type"},
      {"rcut: 5", "rcut: -5", "rcut is -5"},
      {"[1, 0]: {nradmax", "[0, 1]: {nradmax", "bonds of [0, 1] are given twice"},
      {"[1, 0]: {nradmax", "[1, 2]: {nradmax", "bonds is 2, outside 0 .. 1"},
      {"nradbasemax: 4", "nradbasemax: 5", "radcoefficients has 4 entries where 5 are needed"},
      {"nradbasemax: 4", "nradbasemax: 1000000", "nradbasemax is 1000000"},
      {"lmax: 2", "lmax: 3", "lmax + 1 = 4"},
      {"lmax: 2", "unknown: 2", "has a field 'unknown'"},
      {", prehc: 1", "", "lacks the field 'prehc'"},
      {"mu0: 0, rank: 2", "mu0: 1, rank: 2", "mu0 is 1"},
      {"mu0: 0, rank: 2", "mu0: 0, rank: 200", "rank is 200"},
      {"mu0: 0, rank: 2", "mu0: 0, rank: 3", "mus has 2 entries where 3 are needed"},
      {"num_ms_combs: 5", "num_ms_combs: 6", "ms_combs must have"},
      {"ls: [0], ms_combs: [0]", "ls: [0], ms_combs: [1]", "m = 1 for l = 0"},
      {"ns: [1]", "ns: [9]", "which no bond has radial functions for"},
      {"E0: [-1.25, -1.75]", "E0: &a [-1.25, *a]", ""},
      {"functions:\n  0:", "functions:\n  5:", "functions is 5, outside"},
  };
  char path[] = "/tmp/frozentl-ace-XXXXXX", *good = read_text("tests/ace/zbl.yace"), *bad = calloc(1, 1 << 17);
  const int fd = mkstemp(path);
  assert_true(fd >= 0 && bad);
  close(fd);
  for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
    const char *at = strstr(good, changes[k].from);
    if (!at) fail_msg("the good file does not have '%s'", changes[k].from);
    const int n =
        snprintf(bad, 1 << 17, "%.*s%s%s", (int)(at - good), good, changes[k].to, at + strlen(changes[k].from));
    write_text(path, bad, (size_t)n);
    refused(path, NULL, FTL_ERR_FORMAT, changes[k].part);
  }
  /* cut anywhere, it is refused or (in the last function list) still whole, and never crashes */
  const size_t size = strlen(good);
  for (size_t cut = 11; cut < size; cut += 97) {
    ftl_model *model = NULL;
    write_text(path, good, cut);
    if (ftl_model_open(path, NULL, &model, NULL) == FTL_OK) assert_non_null(strstr(good, "  1:\n"));
    ftl_model_free(model);
  }
  unlink(path);
  free(good);
  free(bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_ml_pace),     cmocka_unit_test(coupled_products),
      cmocka_unit_test(mixed_precision),         cmocka_unit_test(forces_are_derivatives),
      cmocka_unit_test(virial_is_a_derivative),  cmocka_unit_test(coupled_functions_are_invariant),
      cmocka_unit_test(cutoffs_are_smooth),      cmocka_unit_test(some_elements),
      cmocka_unit_test(options_that_do_not_fit), cmocka_unit_test(files_that_are_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
