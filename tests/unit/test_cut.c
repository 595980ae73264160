/* Cutting to elements and heads, and conversion between float types: the energies stay. The plain reference stages
   answer. */
#include "model_files.h"
#include "twins.h"

#include "files/architecture_json.h"
#include "reference/reference.h"

/* Energy and forces of a structure of atoms that the model has. */
typedef struct {
  double energy, node_energy[MAX_ATOMS], forces[MAX_ATOMS][3];
} result;

static void compute(const ftl_source *source, int head, const structure *s, result *r) {
  structure_graph g;
  ftl_error error = {0};
  build_graph(&g, s, source->arch.atomic_numbers, source->arch.n_elements, source->arch.r_max);
  if (ftl_reference_compute(source, head, &g.graph, &r->energy, r->node_energy, r->forces, NULL, &error))
    fail_msg("%s: %s", error.where, error.message);
  free_graph(&g);
}

static void compare(const result *a, const result *b, int n, double tolerance) {
  double energy = 1e-3, force = 1e-3;
  for (int i = 0; i < n; i++) {
    energy = fmax(energy, fabs(a->node_energy[i]));
    for (int c = 0; c < 3; c++) force = fmax(force, fabs(a->forces[i][c]));
  }
  for (int i = 0; i < n; i++) {
    assert_true(fabs(a->node_energy[i] - b->node_energy[i]) <= tolerance * energy);
    for (int c = 0; c < 3; c++) assert_true(fabs(a->forces[i][c] - b->forces[i][c]) <= tolerance * force);
  }
}

static void check(const ftl_source *source) {
  ftl_error error = {0};
  if (ftl_source_check(source, &error)) fail_msg("%s: %s", error.where, error.message);
}

/* Every head and the first and last element on their own and together; then both cuts and the other float type. */
static void cut_every_way(const char *path) {
  ftl_source *whole = read_file(path);
  const int n_elements = whole->arch.n_elements, n_heads = whole->arch.n_heads;
  const int ends[2] = {whole->arch.atomic_numbers[n_elements - 1], whole->arch.atomic_numbers[0]};
  uint64_t random = 11;
  structure s;
  result before, after;
  random_structure(&s, 7, 4.5, 1.2, ends, 2, &random);
  for (int head = 0; head < n_heads; head++) {
    compute(whole, head, &s, &before);
    ftl_source *cut = read_file(path);
    assert_int_equal(ftl_source_cut_elements(cut, ends, 2, NULL), FTL_OK);
    assert_int_equal(cut->arch.n_elements, n_elements > 1 ? 2 : 1);
    assert_int_equal(cut->arch.atomic_numbers[0], ends[1]); /* the file's order, not the caller's */
    assert_int_equal(cut->arch.norm_elements, n_elements);
    check(cut);
    compute(cut, head, &s, &after);
    compare(&before, &after, s.n, 1e-13);
    assert_int_equal(ftl_source_cut_head(cut, whole->arch.heads[head], NULL), FTL_OK);
    assert_int_equal(cut->arch.n_heads, 1);
    assert_int_equal(cut->arch.norm_heads, n_heads);
    assert_string_equal(cut->arch.heads[0], whole->arch.heads[head]);
    check(cut);
    compute(cut, 0, &s, &after);
    compare(&before, &after, s.n, 1e-13);
    assert_int_equal(ftl_source_cast(cut, FTL_F64, NULL), FTL_OK); /* float32 fits into float64 */
    compute(cut, 0, &s, &after);
    compare(&before, &after, s.n, 1e-13);
    assert_int_equal(ftl_source_cast(cut, FTL_F32, NULL), FTL_OK);
    check(cut);
    compute(cut, 0, &s, &after);
    compare(&before, &after, s.n, 1e-4);
    if (n_heads > 1) assert_non_null(strstr(cut->metadata, "cut to head "));
    if (n_elements > 2) assert_non_null(strstr(cut->metadata, "cut to elements "));
    ftl_source_free(cut);
  }
  ftl_source *one = read_file(path);
  s = (structure){.n = 3, .position = {{0, 0, 0}, {1.5, 0, 0.2}, {0.3, 1.9, 0}}};
  for (int i = 0; i < s.n; i++) s.number[i] = ends[0];
  compute(whole, 0, &s, &before);
  assert_int_equal(ftl_source_cut_elements(one, ends, 1, NULL), FTL_OK);
  assert_int_equal(ftl_source_cut_elements(one, ends, 1, NULL), FTL_OK); /* again: nothing to do */
  compute(one, 0, &s, &after);
  compare(&before, &after, s.n, 1e-13);
  ftl_source_free(one);
  ftl_source_free(whole);
}

static void seeds(void **unused) {
  (void)unused;
  cut_every_way(SEED_MODEL);
  cut_every_way(SEED_HEADS);
  cut_every_way(SEED_ZBL);
  cut_every_way(SEED_PLAIN);
  cut_every_way(SEED_OLDER);
}

static void twins_of_the_tree(void **unused) {
  (void)unused;
  glob_t found;
  assert_int_equal(glob("tests/parity/twins/*.model", 0, NULL, &found), 0);
  for (size_t k = 0; k < found.gl_pathc; k++) cut_every_way(found.gl_pathv[k]);
  globfree(&found);
}

static void reference_models(void **unused) {
  (void)unused;
  need_shared();
  static const char *const names[] = {"mace/two-heads", "mace/mh1", "mace/corr2-small", "h2cu/h2cu-mace"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++)
    if (!is_too_large(shared_twin(names[k]))) cut_every_way(with_extension(shared_twin(names[k]), "model"));
}

static void wrong_requests(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_HEADS);
  ftl_error error = {0};
  const int gold = 79, nothing = 500;
  assert_int_equal(ftl_source_cut_elements(s, &gold, 1, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "no element Au"));
  assert_int_equal(ftl_source_cut_elements(s, &nothing, 1, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "500"));
  assert_int_equal(ftl_source_cut_elements(s, &gold, 0, &error), FTL_ERR_INPUT);
  assert_int_equal(ftl_source_cut_head(s, "c", &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "no head \"c\"; it has a, b"));
  assert_int_equal(ftl_source_cut_head(s, NULL, &error), FTL_OK);
  assert_int_equal(s->arch.n_heads, 2);
  assert_int_equal(ftl_source_cast(s, FTL_I32, &error), FTL_ERR_ARGUMENT);
  ftl_source_free(s);
}

/* 1e300 has no float32. */
static void casts_that_lose(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_PLAIN);
  ftl_error error = {0};
  assert_int_equal(ftl_source_cast(s, FTL_F64, NULL), FTL_OK);
  double *e0 = (double *)ftl_tensors_find(&s->tensors, "atomic_energies_fn.atomic_energies")->data;
  e0[1] = 1e300;
  assert_int_equal(ftl_source_cast(s, FTL_F32, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "atomic_energies_fn.atomic_energies has a value that float32 cannot hold"));
  ftl_source_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(seeds),          cmocka_unit_test(twins_of_the_tree), cmocka_unit_test(reference_models),
      cmocka_unit_test(wrong_requests), cmocka_unit_test(casts_that_lose),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
