/* Elements added to a model: what it knew stays as it was, to the bit where opening it makes the same tables; what is
   new starts as was asked. */
#include "model_files.h"
#include "twins.h"

#include "close.h"
#include "new_model/new_model.h"

static const ftl_tensor *tensor(const ftl_source *source, const char *name) {
  const ftl_tensor *t = ftl_tensors_find(&source->tensors, name);
  if (!t) fail_msg("%s has no tensor %s", source->path, name);
  return t;
}

static void add(ftl_source *source, const ftl_new_element *elements, int n) {
  ftl_random random;
  ftl_error error = {0};
  ftl_random_seed(&random, 1);
  if (ftl_source_add_elements(source, elements, n, &random, &error)) fail_msg("%s: %s", error.where, error.message);
}

/* ---- energies ---- */

typedef struct {
  double energy, node_energy[MAX_ATOMS], forces[MAX_ATOMS][3];
} result;

/* With the production stages, through a file: what LAMMPS would get. */
static void compute(const ftl_source *source, int head, const structure *s, result *r) {
  char path[] = "/tmp/frozentl-test-XXXXXX";
  const int fd = mkstemp(path);
  const ftl_open_options options = {.head = source->arch.heads[head]};
  ftl_model *model = NULL;
  ftl_workspace *workspace = NULL;
  ftl_error error = {0};
  ftl_result out = {.forces = r->forces[0], .node_energy = r->node_energy};
  int species[MAX_ATOMS];
  assert_true(fd >= 0);
  close(fd);
  if (ftl_source_write(source, path, &error) || ftl_model_open(path, &options, &model, &error) ||
      ftl_workspace_new(model, 1, &workspace, &error))
    fail_msg("%s: %s", error.where, error.message);
  unlink(path);
  for (int i = 0; i < s->n; i++) species[i] = ftl_model_species(model, s->number[i]);
  if (ftl_compute(workspace, s->n, species, s->position, s->cell, s->pbc, &out, &error)) fail_msg("%s", error.message);
  r->energy = out.energy;
  ftl_workspace_free(workspace);
  ftl_model_free(model);
}

static void expect_same_bits(const result *a, const result *b, int n) {
  assert_memory_equal(&a->energy, &b->energy, sizeof a->energy);
  assert_memory_equal(a->node_energy, b->node_energy, (size_t)n * sizeof *a->node_energy);
  assert_memory_equal(a->forces, b->forces, (size_t)n * sizeof *a->forces);
}

/* With a distance transform each pair of elements has radial functions of its own, and all of them share a grid, which
   is as fine as the worst pair needs (mace/prepare_radial.c): a new element may refine it, and then the tables of
   the old ones differ by their error, 1e-13 of the functions and a hundred times that of their slopes. The weights are
   the same. */
static void expect_same_but_for_tables(const result *a, const result *b, int n) {
  const double *f = a->forces[0], *g = b->forces[0];
  double largest = 1;
  for (int k = 0; k < 3 * n; k++) largest = fmax(largest, fabs(f[k]));
  assert_close(a->energy, b->energy, 1e-14 * fmax(1, fabs(a->energy)));
  for (int i = 0; i < n; i++) assert_close(a->node_energy[i], b->node_energy[i], 1e-14 * fmax(1, fabs(a->energy)));
  for (int k = 0; k < 3 * n; k++) assert_close(f[k], g[k], 1e-11 * largest);
}

/* Four elements, one of each kind, and two of them before, between and after the old ones. */
static void old_elements_stay(const char *path) {
  ftl_source *before = read_file(path), *after = read_file(path);
  const ftl_architecture *old = &before->arch;
  const ftl_new_element more[4] = {{92, old->atomic_numbers[0], -3.5},
                                   {2, FTL_LIKE_MEAN, NAN},
                                   {11, FTL_LIKE_RANDOM, NAN},
                                   {54, old->atomic_numbers[old->n_elements - 1], NAN}};
  uint64_t state = 4;
  add(after, more, 4);
  assert_int_equal(after->arch.n_elements, old->n_elements + 4);
  assert_int_equal(after->arch.norm_elements, old->norm_elements);
  assert_non_null(strstr(after->metadata, "added elements U (like "));
  assert_non_null(strstr(after->metadata, ", He (mean), Na (random), Xe (like "));
  const int far =
      old->n_heads > 1 ? old->n_heads - 1 : 1; /* the first head and the last: opening is what takes the time */
  for (int head = 0; head < old->n_heads; head += far) {
    structure s;
    result a, b;
    random_structure(&s, 8, 4.5, 1.3, old->atomic_numbers, old->n_elements, &state);
    compute(before, head, &s, &a);
    compute(after, head, &s, &b);
    if (old->transform == FTL_TRANSFORM_NONE) expect_same_bits(&a, &b, s.n);
    else expect_same_but_for_tables(&a, &b, s.n);
  }
  ftl_source_free(before);
  ftl_source_free(after);
}

static void old_energies(void **unused) {
  (void)unused;
  static const char *const files[] = {SEED_MODEL, SEED_HEADS, SEED_ZBL, SEED_OLDER, SEED_PLAIN};
  for (size_t k = 0; k < sizeof files / sizeof *files; k++) old_elements_stay(files[k]);
  old_elements_stay("tests/parity/twins/t-density-zbl.model");
  old_elements_stay("tests/parity/twins/t-nonresidual.model");
}

static void reference_models(void **unused) {
  (void)unused;
  need_shared();
  static const char *const names[] = {"mace/corr2-small", "mace/mh1", "mace/mp0b3-medium"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    struct stat model;
    const char *twin = shared_twin(names[k]);
    if (stat(twin_model(twin), &model) || model.st_size > LARGEST_MODEL) continue;
    old_elements_stay(twin_model(twin));
  }
}

/* Where no radii tell elements apart, atoms of a new element behave as those it is like; E0 is another's if asked for.
 */
static void like_means_alike(void **unused) {
  (void)unused;
  static const char *const files[] = {SEED_MODEL, SEED_HEADS, SEED_PLAIN};
  for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
    ftl_source *source = read_file(files[k]);
    const int old = source->arch.atomic_numbers[source->arch.n_elements - 1];
    const ftl_new_element more[2] = {{79, old, NAN}, {47, old, 2.5}};
    uint64_t state = 9;
    structure s;
    result a, b;
    add(source, more, 2);
    random_structure(&s, 8, 4.5, 1.3, source->arch.atomic_numbers, 1, &state);
    for (int i = 0; i < s.n; i += 2) s.number[i] = old;
    compute(source, 0, &s, &a);
    for (int i = 0; i < s.n; i += 2) s.number[i] = 79;
    compute(source, 0, &s, &b);
    expect_same_bits(&a, &b, s.n);
    for (int species = 0; species < source->arch.n_elements; species++)
      if (source->arch.atomic_numbers[species] == 47)
        for (int head = 0; head < source->arch.n_heads; head++) assert_close(twin_e0(source, head, species), 2.5, 0);
    ftl_source_free(source);
  }
}

/* Adding elements and cutting them away again gives the same tensors. */
static void undone_by_a_cut(void **unused) {
  (void)unused;
  static const char *const files[] = {SEED_MODEL, SEED_HEADS, SEED_ZBL, SEED_OLDER, SEED_PLAIN};
  const ftl_new_element more[2] = {{2, FTL_LIKE_MEAN, NAN}, {92, FTL_LIKE_RANDOM, 1}};
  for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
    ftl_source *before = read_file(files[f]), *after = read_file(files[f]);
    add(after, more, 2);
    assert_int_equal(ftl_source_cut_elements(after, before->arch.atomic_numbers, before->arch.n_elements, NULL),
                     FTL_OK);
    for (int k = 0; k < before->tensors.n; k++) {
      const ftl_tensor *a = &before->tensors.tensor[k], *b = &after->tensors.tensor[k];
      assert_string_equal(a->name, b->name);
      assert_int_equal(a->count, b->count);
      for (int64_t j = 0; j < a->count; j++)
        if (ftl_tensor_at(a, j) != ftl_tensor_at(b, j)) fail_msg("%s of %s has changed", a->name, files[f]);
    }
    ftl_source_free(before);
    ftl_source_free(after);
  }
}

/* ---- what new rows hold ---- */

static ftl_source *new_model(void) {
  static const int elements[3] = {1, 22, 29};
  static const double e0[3] = {-1, -2, -6};
  ftl_scratch_options o;
  ftl_random random;
  ftl_source *source = NULL;
  ftl_scratch_defaults(&o);
  o.n_elements = 3;
  o.elements = elements;
  o.e0 = e0;
  o.hidden = "32x0e+32x1o";
  o.avg_num_neighbors = 10;
  ftl_random_seed(&random, 2);
  assert_int_equal(ftl_scratch_new(&o, &random, &source, NULL), FTL_OK);
  return source;
}

/* Rows of a tensor with the elements first. */
static double row_mean_square(const ftl_source *source, const char *name, int row) {
  const ftl_tensor *t = tensor(source, name);
  const int64_t n = t->count / source->arch.n_elements;
  double sum = 0;
  for (int64_t k = 0; k < n; k++) sum += ftl_tensor_at(t, row * n + k) * ftl_tensor_at(t, row * n + k);
  return sum / (double)n;
}

static void means_and_random_rows(void **unused) {
  (void)unused;
  static const char embedding[] = "node_embedding.linear.weight";
  static const char weights[] = "products.0.symmetric_contractions.contractions.1.weights_max";
  ftl_source *s = new_model();
  const ftl_new_element more[2] = {{26, FTL_LIKE_MEAN, NAN}, {27, FTL_LIKE_RANDOM, NAN}};
  add(s, more, 2); /* 1 22 26 27 29 */
  assert_int_equal(s->arch.atomic_numbers[2], 26);
  assert_close(ftl_tensor_at(tensor(s, "atomic_numbers"), 3), 27, 0);
  for (int c = 0; c < 32; c++) {
    const ftl_tensor *t = tensor(s, embedding);
    const double mean = (ftl_tensor_at(t, c) + ftl_tensor_at(t, 32 + c) + ftl_tensor_at(t, 4 * 32 + c)) / 3;
    assert_close(ftl_tensor_at(t, 2 * 32 + c), mean, 1e-15);
  }
  assert_close(twin_e0(s, 0, 2), -3, 1e-15);
  assert_close(twin_e0(s, 0, 3), 0, 0);
  /* 32 and 51 * 32 normal numbers, five standard errors */
  assert_close(row_mean_square(s, embedding, 3), 1, 5 * sqrt(2.0 / 32));
  assert_close(row_mean_square(s, weights, 3) * 51 * 51, 1, 5 * sqrt(2.0 / (51 * 32)));
  ftl_source_free(s);
}

/* ---- wrong requests ---- */

static void refuse(ftl_source *s, const ftl_new_element *elements, int n, const char *part) {
  ftl_random random;
  ftl_error error = {0};
  const int n_elements = s->arch.n_elements;
  const int64_t count = tensor(s, "node_embedding.linear.weight")->count;
  ftl_random_seed(&random, 1);
  if (ftl_source_add_elements(s, elements, n, &random, &error) != FTL_ERR_INPUT || !strstr(error.message, part))
    fail_msg("expected '%s', got '%s'", part, error.message);
  assert_int_equal(s->arch.n_elements, n_elements);
  assert_int_equal(tensor(s, "node_embedding.linear.weight")->count, count);
}

static void wrong_requests(void **unused) {
  (void)unused;
  ftl_source *s = new_model();
  ftl_error error = {0};
  const ftl_new_element random = {79, FTL_LIKE_RANDOM, NAN};
  refuse(s, &random, 0, "no element is given");
  refuse(s, &(ftl_new_element){22, FTL_LIKE_MEAN, NAN}, 1, "has the element Ti already");
  refuse(s, (ftl_new_element[]){{79, 29, NAN}, {79, 1, NAN}}, 2, "element Au is to be added twice");
  refuse(s, (ftl_new_element[]){{47, 29, NAN}, {79, 78, NAN}}, 2, "element Au is to start like Pt");
  refuse(s, &(ftl_new_element){79, 500, NAN}, 1, "like no element");
  refuse(s, &(ftl_new_element){0, 29, NAN}, 1, "no element 0");
  refuse(s, &(ftl_new_element){119, 29, NAN}, 1, "no element 119");
  refuse(s, &(ftl_new_element){79, 29, INFINITY}, 1, "E0 of Au");
  assert_int_equal(ftl_source_add_elements(s, &random, 1, NULL, &error), FTL_ERR_ARGUMENT);
  ftl_source_free(s);

  s = read_file(SEED_ZBL); /* a table of radii that ends early */
  ftl_tensor *radii = (ftl_tensor *)tensor(s, "pair_repulsion_fn.covalent_radii");
  radii->count = radii->shape[0] = 79;
  refuse(s, &(ftl_new_element){79, FTL_LIKE_MEAN, NAN}, 1, "covalent radii ends before it");
  ftl_source_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(old_energies),    cmocka_unit_test(reference_models),      cmocka_unit_test(like_means_alike),
      cmocka_unit_test(undone_by_a_cut), cmocka_unit_test(means_and_random_rows), cmocka_unit_test(wrong_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
