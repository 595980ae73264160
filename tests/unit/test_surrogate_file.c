/* Files of surrogates: both forms come back to the bit, both evaluate alike, and files that break a rule are refused.
 */
#include "model_files.h"

#include <jansson.h>
#include <math.h>

#include "files/yace_writer.h"
#include "close.h"
#include "base/random.h"
#include "files/surrogate_file.h"
#include "surrogate/basis.h"

static char folder[] = "/tmp/frozentl-test-XXXXXX";
static char ftl[64], yace[64];

static int make_folder(void **unused) {
  (void)unused;
  if (!mkdtemp(folder)) return -1;
  snprintf(ftl, sizeof ftl, "%s/x.ftl", folder);
  snprintf(yace, sizeof yace, "%s/x.yace", folder);
  return 0;
}

static int remove_folder(void **unused) {
  (void)unused;
  unlink(ftl);
  unlink(yace);
  return rmdir(folder);
}

/* Two elements, rank up to 4, an inner cutoff, a committee of three, and the active set of the second element. */
static ftl_surrogate make_surrogate(void) {
  const ftl_basis_options options = {.n_elements = 2,
                                     .elements = {1, 29},
                                     .bounds = {.n = {5, 3, 2, 1}, .l = {0, 2, 2, 1}},
                                     .radial = FTL_ACE_CHEB_EXP_COS,
                                     .lambda = 5.25,
                                     .cutoff = 4.5,
                                     .d_cutoff = 0.7,
                                     .max_functions = 10000};
  const double inner[] = {0.6, 1.2, 1.2, 2.1};
  ftl_surrogate s;
  ftl_error error = {0};
  if (ftl_basis_make(&options, &s, &error)) fail_msg("%s", error.message);
  ftl_basis_set_inner(&s, inner, 0.3);
  s.file.e0[0] = -1.0 / 3;
  s.file.e0[1] = -3.3e-5;
  const int n = s.first[2], n1 = s.file.n_functions[1];
  ftl_random random;
  ftl_random_seed(&random, 5);
  s.coefficient = malloc((size_t)n * sizeof(double));
  s.n_committee = 3;
  s.committee = malloc((size_t)n * 3 * sizeof(double));
  s.active[1] = malloc((size_t)n1 * (size_t)n1 * sizeof(double));
  assert_true(s.coefficient && s.committee && s.active[1]);
  for (int k = 0; k < n; k++) s.coefficient[k] = k % 7 == 3 ? 0 : 0.1 * ftl_random_normal(&random); /* some pruned */
  for (int k = 0; k < 3 * n; k++) s.committee[k] = ftl_random_normal(&random);
  for (int k = 0; k < n1 * n1; k++) s.active[1][k] = (float)ftl_random_normal(&random); /* as the file has it */
  s.energy_scale = 1.7;
  s.force_scale = 2.0 / 3;
  return s;
}

#define SAME(a, b, n) assert_memory_equal(a, b, (size_t)(n) * sizeof *(a))

static void compare_files(const ftl_ace_file *a, const ftl_ace_file *b) {
  const int n = a->n_elements;
  assert_int_equal(b->n_elements, n);
  SAME(a->atomic_number, b->atomic_number, n);
  SAME(a->e0, b->e0, n);
  SAME(a->n_functions, b->n_functions, n);
  for (int mu = 0; mu < n; mu++) {
    const ftl_ace_embedding *e = &a->embedding[mu], *f = &b->embedding[mu];
    assert_true(e->n_density == f->n_density && e->shifted == f->shifted && e->weight[0] == f->weight[0] &&
                e->exponent[0] == f->exponent[0] && e->core_cutoff == f->core_cutoff &&
                e->d_core_cutoff == f->d_core_cutoff);
    for (int k = 0; k < a->n_functions[mu]; k++) {
      const ftl_ace_function *g = &a->function[mu][k], *h = &b->function[mu][k];
      assert_true(g->rank == h->rank && g->n_m == h->n_m && g->n_density == h->n_density);
      SAME(g->mu, h->mu, g->rank);
      SAME(g->n, h->n, g->rank);
      SAME(g->l, h->l, g->rank);
      SAME(g->m, h->m, g->rank * g->n_m);
      SAME(g->c, h->c, g->n_m);
    }
  }
  for (int k = 0; k < n * n; k++) {
    ftl_ace_bond x = a->bond[k], y = b->bond[k];
    SAME(x.coefficient, y.coefficient, x.n_radial * (x.lmax + 1) * x.n_base);
    assert_true(x.kind == y.kind && x.inner_kind == y.inner_kind && x.lambda == y.lambda && x.cutoff == y.cutoff &&
                x.d_cutoff == y.d_cutoff && x.inner == y.inner && x.d_inner == y.d_inner && x.core == y.core &&
                x.core_decay == y.core_decay && x.n_radial == y.n_radial && x.lmax == y.lmax && x.n_base == y.n_base);
  }
}

static void write_ftl(const ftl_surrogate *s) {
  ftl_error error = {0};
  if (ftl_surrogate_write(s, ftl, "{\"training\": {\"rmse\": 0.25}, \"provenance\": {\"source\": \"a.model\"}}",
                          &error))
    fail_msg("%s: %s", error.where, error.message);
}

static void write_yace(const ftl_surrogate *s) {
  ftl_error error = {0};
  ftl_ace_file file;
  FILE *stream = fopen(yace, "w");
  assert_non_null(stream);
  assert_int_equal(ftl_surrogate_file(s, s->coefficient, &file, &error), FTL_OK);
  assert_int_equal(ftl_ace_file_write(&file, 0.001, "{\"made by\": \"a \\\"test\\\"\", \"n\": [1, 2]}", stream, &error),
                   FTL_OK);
  assert_int_equal(fclose(stream), 0);
  ftl_ace_file_free(&file);
}

static void ftl_round_trip(void **unused) {
  (void)unused;
  ftl_surrogate a = make_surrogate(), b;
  ftl_error error = {0};
  char *metadata;
  write_ftl(&a);
  if (ftl_surrogate_open(ftl, &b, &metadata, &error)) fail_msg("%s: %s", error.where, error.message);
  compare_files(&a.file, &b.file);
  const int n = a.first[2], n1 = a.file.n_functions[1];
  SAME(a.first, b.first, 3);
  SAME(a.coefficient, b.coefficient, n);
  assert_int_equal(b.n_committee, 3);
  SAME(a.committee, b.committee, 3 * n);
  assert_null(b.active[0]);
  SAME(a.active[1], b.active[1], n1 * n1);
  assert_true(a.energy_scale == b.energy_scale && a.force_scale == b.force_scale);
  assert_int_equal(b.file.n_parameters, n);
  assert_string_equal(metadata, "{\"training\":{\"rmse\":0.25},\"provenance\":{\"source\":\"a.model\"}}");
  free(metadata);
  ftl_surrogate_free(&b);
  /* without uncertainty and metadata */
  a.n_committee = 0;
  free(a.active[1]);
  a.active[1] = NULL;
  assert_int_equal(ftl_surrogate_write(&a, ftl, NULL, &error), FTL_OK);
  assert_int_equal(ftl_surrogate_open(ftl, &b, NULL, &error), FTL_OK);
  assert_true(b.n_committee == 0 && !b.committee && !b.active[1]);
  ftl_surrogate_free(&b);
  ftl_surrogate_free(&a);
}

static void yace_round_trip(void **unused) {
  (void)unused;
  ftl_surrogate s = make_surrogate();
  ftl_ace_file a, b;
  ftl_error error = {0};
  write_yace(&s);
  assert_int_equal(ftl_surrogate_file(&s, s.coefficient, &a, &error), FTL_OK);
  if (ftl_ace_file_open(yace, &b, &error)) fail_msg("%s: %s", error.where, error.message);
  compare_files(&a, &b);
  assert_true(b.n_functions[0] < s.file.n_functions[0]); /* pruned ones are gone */
  ftl_ace_file_free(&a);
  ftl_ace_file_free(&b);
  /* the committed potentials too: other radial functions, densities, cores */
  static const char *const names[] = {"chebyshev", "distance", "zbl", "coupled"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    char path[64];
    snprintf(path, sizeof path, "tests/ace/%s.yace", names[k]);
    assert_int_equal(ftl_ace_file_open(path, &a, &error), FTL_OK);
    FILE *stream = fopen(yace, "w");
    assert_int_equal(ftl_ace_file_write(&a, 1e-4, NULL, stream, &error), FTL_OK);
    fclose(stream);
    assert_int_equal(ftl_ace_file_open(yace, &b, &error), FTL_OK);
    compare_files(&a, &b);
    ftl_ace_file_free(&a);
    ftl_ace_file_free(&b);
  }
  /* what cannot be a spacing of splines */
  assert_int_equal(ftl_ace_file_write(&s.file, 0, NULL, stdout, &error), FTL_ERR_INPUT);
  assert_int_equal(ftl_ace_file_write(&s.file, NAN, NULL, stdout, &error), FTL_ERR_INPUT);
  ftl_surrogate_free(&s);
}

enum { N = 7 };

static double evaluate(const char *path, double *forces) {
  static const double x[N][3] = {{0, 0, 0},       {2.2, 0.1, -.2}, {0.3, 2.5, 0.4}, {-1.1, 0.6, 0.9},
                                 {1.3, 1.5, 1.9}, {0.1, -.9, 2.7}, {2.9, 2.4, 1.1}};
  static const double cell[3][3] = {{0}};
  static const int periodic[3] = {0}, z[N] = {29, 29, 1, 1, 29, 1, 29};
  int species[N];
  ftl_model *model = NULL;
  ftl_workspace *workspace = NULL;
  ftl_error error = {0};
  ftl_result result = {.forces = forces};
  if (ftl_model_open(path, NULL, &model, &error)) fail_msg("%s: %s", error.where, error.message);
  for (int i = 0; i < N; i++) species[i] = ftl_model_species(model, z[i]);
  assert_int_equal(ftl_workspace_new(model, 1, &workspace, &error), FTL_OK);
  assert_int_equal(ftl_compute(workspace, N, species, x, cell, periodic, &result, &error), FTL_OK);
  ftl_workspace_free(workspace);
  ftl_model_free(model);
  return result.energy;
}

static void both_forms_evaluate_alike(void **unused) {
  (void)unused;
  ftl_surrogate s = make_surrogate();
  double f[3 * N], g[3 * N], most = 0;
  write_ftl(&s);
  write_yace(&s);
  const double a = evaluate(ftl, f), b = evaluate(yace, g);
  for (int k = 0; k < 3 * N; k++) most = fmax(most, fabs(f[k]));
  assert_true(most > 0.1);
  assert_close(a, b, 1e-13 * fabs(a));
  for (int k = 0; k < 3 * N; k++) assert_close(f[k], g[k], 1e-13 * most);
  ftl_surrogate_free(&s);
}

/* ---- refusals ---- */

typedef struct {
  json_t *header, *architecture;
  unsigned char *data;
  size_t size;
} parts;

static parts take_apart(void) {
  bytes b = load_bytes(ftl);
  parts p = {0};
  uint64_t length = 0;
  for (int k = 7; k >= 0; k--) length = length << 8 | b.data[k];
  p.header = json_loadb((char *)b.data + 8, length, 0, NULL);
  assert_non_null(p.header);
  json_t *metadata = json_object_get(p.header, "__metadata__");
  p.architecture = json_loads(json_string_value(json_object_get(metadata, "architecture")), 0, NULL);
  assert_non_null(p.architecture);
  p.size = b.size - 8 - length;
  p.data = malloc(p.size);
  memcpy(p.data, b.data + 8 + length, p.size);
  free(b.data);
  return p;
}

static bytes put_together(parts *p) {
  json_t *metadata = json_object_get(p->header, "__metadata__");
  char *text = json_dumps(p->architecture, JSON_COMPACT | JSON_REAL_PRECISION(17));
  json_object_set_new(metadata, "architecture", json_string(text));
  free(text);
  text = json_dumps(p->header, JSON_COMPACT);
  const size_t length = strlen(text);
  bytes b = {malloc(8 + length + p->size), 8 + length + p->size};
  for (int k = 0; k < 8; k++) b.data[k] = (unsigned char)((uint64_t)length >> (8 * k));
  memcpy(b.data + 8, text, length);
  memcpy(b.data + 8 + length, p->data, p->size);
  free(text);
  free(p->data);
  json_decref(p->header);
  json_decref(p->architecture);
  return b;
}

static void expect(const bytes *b, ftl_status code, const char *part) {
  ftl_surrogate s;
  ftl_error error = {0};
  char *metadata;
  ftl_status status = ftl_surrogate_read(b->data, b->size, "folder/x.ftl", &s, &metadata, &error);
  if (status != code || !strstr(error.message, part))
    fail_msg("wanted %d with '%s', got %d: %s", (int)code, part, (int)status, error.message);
  assert_null(metadata);
  assert_non_null(strstr(error.where, "x.ftl"));
}

static unsigned char *tensor(parts *p, const char *name) {
  json_int_t begin, end;
  json_t *described = json_object_get(p->header, name);
  assert_int_equal(json_unpack(json_object_get(described, "data_offsets"), "[I,I]", &begin, &end), 0);
  return p->data + begin;
}

static void damaged_numbers(void **unused) {
  (void)unused;
  static const struct {
    const char *tensor;
    int at; /* which I32, or which F64 (made NaN) if value is 99 */
    int value;
    const char *part;
  } cases[] = {{"functions.count", 0, -1, "functions.count has -1"},
               {"functions.count", 0, 1 << 30, "functions.count has"},
               {"functions.count", 0, 3, "tensor functions.rank has"},
               {"functions.rank", 0, 0, "has rank 0"},
               {"functions.rank", 0, 9, "has rank 9"},
               {"functions.rank", 0, 2, "tensor functions.mu has"},
               {"functions.terms", 1, 0, "0 terms"},
               {"functions.terms", 1, 1 << 30, "has rank 1 and 1073741824 terms"},
               {"functions.terms", 1, 2, "tensor functions.m has"},
               {"functions.mu", 0, 2, "factor of element 2"},
               {"functions.mu", 0, -1, "factor of element -1"},
               {"functions.n", 0, 0, "n = 0"},
               {"functions.n", 0, -2147483647 - 1, "n = 0"},
               {"functions.n", 0, 65, "n = 65"},
               {"functions.l", 0, 17, "l = 17"},
               {"functions.l", 0, 1, "rank 1 has l = 0"},
               {"functions.m", 0, 1, "m = 1 for l = 0"},
               {"functions.coupling", 3, 99, "not finite"},
               {"coefficient", 2, 99, "number 2 of tensor coefficient is not finite"},
               {"committee", 7, 99, "number 7 of tensor committee"},
               {"active.1", 1, 99, "number 3 of tensor active.1"}, /* in float32 */
               {"radial", 0, 99, "number 0 of tensor radial"}};
  ftl_surrogate s = make_surrogate();
  write_ftl(&s);
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    parts p = take_apart();
    const double nan = NAN;
    const int32_t value = cases[k].value;
    unsigned char *to = tensor(&p, cases[k].tensor);
    if (value == 99) memcpy(to + 8 * cases[k].at, &nan, 8);
    else memcpy(to + 4 * cases[k].at, &value, 4);
    bytes b = put_together(&p);
    expect(&b, FTL_ERR_FORMAT, cases[k].part);
    free(b.data);
  }
  /* a number that is as good as another: the digest tells */
  parts p = take_apart();
  tensor(&p, "coefficient")[0] ^= 1;
  bytes b = put_together(&p);
  expect(&b, FTL_ERR_FORMAT, "damaged");
  free(b.data);
  ftl_surrogate_free(&s);
}

static void bad_headers(void **unused) {
  (void)unused;
  /* what to set (JSON) or, if NULL, remove; in the architecture unless `member` begins with a slash: then a member of
     the header */
  static const struct {
    const char *member, *json, *part;
  } cases[] = {
      {"model", "\"MACE\"", "model is \"MACE\""},
      {"energy_scale", "-1", "energy_scale is -1"},
      {"energy_scale", NULL, "energy_scale"},
      {"colour", "1", "colour"},
      {"atomic_numbers", "[]", "0 elements"},
      {"atomic_numbers", "[1, 1]", "element 1 is there twice"},
      {"atomic_numbers", "[1, 119]", "119 is no atomic number"},
      {"atomic_numbers", "[1, 28]", "are not those of the architecture"},
      {"E0", "[1]", "E0 has 1 entries for 2"},
      {"E0", "[1, \"2\"]", "E0 of element 29"},
      {"embeddings", "[]", "0 embeddings"},
      {"bonds", "[]", "0 bonds"},
      {"bonds", "[1, 2, 3, 4]", "a bond"},
      {"/coefficient", NULL, "leave a hole"},
      {"/committee", "{\"dtype\": \"F64\", \"shape\": [3], \"data_offsets\": [0, 8]}", "tensor committee has 8 bytes"},
      {"/__metadata__", "{\"format_version\": \"1\", \"kind\": \"ace\", \"units\": \"Ha\"}", "units are \"Ha\""},
      {"/__metadata__", "{\"format_version\": \"1\", \"kind\": \"full\", \"units\": \"eV, Angstrom\"}",
       "kind is \"full\""},
  };
  ftl_surrogate s = make_surrogate();
  write_ftl(&s);
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    parts p = take_apart();
    const bool top = *cases[k].member == '/';
    json_t *object = top ? p.header : p.architecture;
    const char *member = cases[k].member + top;
    if (cases[k].json) json_object_set_new(object, member, json_loads(cases[k].json, JSON_DECODE_ANY, NULL));
    else json_object_del(object, member);
    bytes b = put_together(&p);
    expect(&b,
           strstr(cases[k].part, " is \"") || strstr(cases[k].part, "are \"") ? FTL_ERR_UNSUPPORTED : FTL_ERR_FORMAT,
           cases[k].part);
    free(b.data);
  }
  ftl_surrogate_free(&s);
}

static void bad_bonds(void **unused) {
  (void)unused;
  static const struct {
    const char *list, *member, *json, *part;
  } cases[] = {{"bonds", "basis", "\"Bessel\"", "basis \"Bessel\""},
               {"bonds", "inner", "\"none\"", "inner \"none\""},
               {"bonds", "inner", "\"density\"", "same kind of inner cutoff"},
               {"bonds", "cutoff", "-1", "rcut is -1"},
               {"bonds", "cutoff", "1e9", "rcut is 1e+09"},
               {"bonds", "width", "0", "zbl needs a positive"},
               {"bonds", "width", "9", "dcut is 9"},
               {"bonds", "inner_cutoff", "-1", "must not be negative"},
               {"bonds", "lambda", "0", "a number other than 0"},
               {"bonds", "lmax", "17", "lmax 17"},
               {"bonds", "lmax", "-1", "lmax -1"},
               {"bonds", "base_functions", "0", "nradbasemax 0"},
               {"bonds", "radial_functions", "64", "tensor radial has"},
               {"embeddings", "exponent", "0.5", "a surrogate is linear"},
               {"embeddings", "exponent", "-1", "not positive"},
               {"embeddings", "core_width", "-1", "must not be negative"}};
  ftl_surrogate s = make_surrogate();
  write_ftl(&s);
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    parts p = take_apart();
    json_t *first = json_array_get(json_object_get(p.architecture, cases[k].list), 0);
    json_object_set_new(first, cases[k].member, json_loads(cases[k].json, JSON_DECODE_ANY, NULL));
    bytes b = put_together(&p);
    expect(&b, FTL_ERR_FORMAT, cases[k].part);
    free(b.data);
  }
  ftl_surrogate_free(&s);
}

/* Cut anywhere it is refused, and no byte of it can be another without notice. */
static void truncated_and_flipped(void **unused) {
  (void)unused;
  ftl_surrogate s = make_surrogate(), t;
  write_ftl(&s);
  bytes b = load_bytes(ftl);
  for (size_t size = 0; size < b.size; size += 1 + size / 64) {
    ftl_error error = {0};
    assert_int_not_equal(ftl_surrogate_read(b.data, size, "x.ftl", &t, NULL, &error), FTL_OK);
  }
  for (size_t at = b.size - 1; at > b.size / 2; at -= 1 + b.size / 300) {
    b.data[at] ^= 4;
    assert_int_not_equal(ftl_surrogate_read(b.data, b.size, "x.ftl", &t, NULL, NULL), FTL_OK);
    b.data[at] ^= 4;
  }
  free(b.data);
  ftl_surrogate_free(&s);
}

static void other_uses_say_why_not(void **unused) {
  (void)unused;
  ftl_surrogate s = make_surrogate();
  write_ftl(&s);
  bytes b = load_bytes(ftl);
  expect_refusal(b.data, b.size, FTL_ERR_UNSUPPORTED, "this is a surrogate (a linear ACE)");
  ftl_pace_kind kind;
  assert_int_equal(ftl_pace_kind_of_file(ftl, &kind, NULL), FTL_OK);
  assert_int_equal(kind, FTL_PACE_SURROGATE);
  free(b.data);
  double *coefficient = s.coefficient;
  s.coefficient = NULL;
  ftl_error error = {0};
  assert_int_equal(ftl_surrogate_write(&s, ftl, NULL, &error), FTL_ERR_ARGUMENT);
  s.coefficient = coefficient;
  assert_int_equal(ftl_surrogate_write(&s, "/tmp/there-is-no-such-folder/x.ftl", NULL, &error), FTL_ERR_IO);
  ftl_surrogate_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ftl_round_trip),
      cmocka_unit_test(yace_round_trip),
      cmocka_unit_test(both_forms_evaluate_alike),
      cmocka_unit_test(damaged_numbers),
      cmocka_unit_test(bad_headers),
      cmocka_unit_test(bad_bonds),
      cmocka_unit_test(truncated_and_flipped),
      cmocka_unit_test(other_uses_say_why_not),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
