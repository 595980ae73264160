/* New models: the same tensors as in mace-torch's own files of the same architecture, with the same constants, so that
   they answer alike with the same weights; random weights distributed as mace-torch's; options that make no sense. */
#include "twins.h"

#include "close.h"
#include "files/architecture_json.h"
#include "reference/reference.h"
#include "new_model/new_model.h"

/* ---- options that describe a file ---- */

typedef struct {
  ftl_scratch_options options;
  char hidden[100], mlp[40];
  const char *heads[FTL_MAX_HEADS];
} description;

static const ftl_tensor *tensor(const ftl_source *source, const char *name) {
  const ftl_tensor *t = ftl_tensors_find(&source->tensors, name);
  if (!t) fail_msg("%s has no tensor %s", source->path, name);
  return t;
}

/* Widths of the hidden layers of the first radial network. */
static void describe_radial_mlp(const ftl_source *source, ftl_scratch_options *o) {
  const bool net = source->arch.layer[0].kind == FTL_INTERACTION_NONLINEAR;
  for (o->n_radial_mlp = 0;; o->n_radial_mlp++) {
    char name[100];
    const ftl_tensor *t;
    snprintf(name, sizeof name,
             net ? "interactions.0.conv_tp_weights.net.%d.weight" : "interactions.0.conv_tp_weights.layer%d.weight",
             (net ? 3 : 1) * (o->n_radial_mlp + 1));
    if (!ftl_tensors_find(&source->tensors, name)) return;
    snprintf(name, sizeof name,
             net ? "interactions.0.conv_tp_weights.net.%d.weight" : "interactions.0.conv_tp_weights.layer%d.weight",
             (net ? 3 : 1) * o->n_radial_mlp);
    t = tensor(source, name);
    o->radial_mlp[o->n_radial_mlp] = (int)t->shape[net ? 0 : 1];
  }
}

static void describe(const ftl_source *source, description *d) {
  const ftl_architecture *arch = &source->arch;
  const ftl_readout *last = &arch->readout[arch->n_readouts - 1];
  ftl_scratch_options *o = &d->options;
  ftl_scratch_defaults(o);
  o->n_elements = arch->n_elements;
  o->elements = arch->atomic_numbers;
  o->n_heads = arch->n_heads;
  for (int h = 0; h < arch->n_heads; h++) d->heads[h] = arch->heads[h];
  o->heads = d->heads;
  o->r_max = arch->r_max;
  o->radial = arch->radial;
  o->num_bessel = arch->num_bessel;
  o->cutoff_p = (int)ftl_tensor_at(tensor(source, "radial_embedding.cutoff_fn.p"), 0);
  o->transform = arch->transform;
  describe_radial_mlp(source, o);
  o->apply_cutoff = arch->apply_cutoff;
  o->pair_repulsion = arch->pair_repulsion;
  assert_true(ftl_irreps_format(&arch->layer[0].product, d->hidden, sizeof d->hidden));
  o->hidden = d->hidden;
  o->max_ell = arch->sh.n - 1;
  o->n_layers = arch->n_layers;
  for (int t = 0; t < arch->n_layers; t++) o->correlation[t] = arch->layer[t].correlation;
  o->first = arch->layer[0].kind;
  if (arch->n_layers > 1) o->other = arch->layer[1].kind;
  if (last->kind != FTL_READOUT_LINEAR) {
    snprintf(d->mlp, sizeof d->mlp, "%dx0e", ftl_irreps_count(&last->mlp, 0, 1) / arch->n_heads);
    o->mlp = d->mlp;
    o->gate = last->gate;
  }
  o->avg_num_neighbors = arch->layer[0].avg_num_neighbors;
  o->dtype = tensor(source, "node_embedding.linear.weight")->dtype;
}

static ftl_source *make(const ftl_scratch_options *options, uint64_t seed) {
  ftl_random random;
  ftl_source *source = NULL;
  ftl_error error = {0};
  ftl_random_seed(&random, seed);
  if (ftl_scratch_new(options, &random, &source, &error)) fail_msg("%s: %s", error.where, error.message);
  assert_int_equal(ftl_source_check(source, NULL), FTL_OK);
  return source;
}

static char *architecture_text(const ftl_source *source) {
  json_t *json = ftl_architecture_to_json(&source->arch);
  char *text = json_dumps(json, JSON_SORT_KEYS);
  json_decref(json);
  assert_non_null(text);
  return text;
}

/* ---- comparison with mace-torch's files ---- */

/* Older versions save E0, scale and shift of one head with one dimension less. */
static void compare_shape(const ftl_tensor *made, const ftl_tensor *file) {
  const char *name = file->name;
  assert_int_equal(made->is_parameter, file->is_parameter);
  assert_int_equal(made->count, file->count);
  if (made->dtype != file->dtype)
    fail_msg("%s: dtype %s, %s", name, ftl_dtype_name(made->dtype), ftl_dtype_name(file->dtype));
  if (!strcmp(name, "atomic_energies_fn.atomic_energies") || !strncmp(name, "scale_shift.", 12)) return;
  if (made->ndim != file->ndim) fail_msg("%s: %d dimensions, %d in the file", name, made->ndim, file->ndim);
  for (int d = 0; d < made->ndim; d++) assert_int_equal(made->shape[d], file->shape[d]);
}

static bool is_fitted(const char *name) {
  return !strcmp(name, "atomic_energies_fn.atomic_energies") || !strncmp(name, "scale_shift.", 12);
}

/* Constants agree; weights, E0, scale and shift are taken over from the file. */
static void compare_tensor(const ftl_tensor *made, const ftl_tensor *file, double tolerance) {
  compare_shape(made, file);
  if (file->is_parameter || is_fitted(file->name)) {
    memcpy((void *)made->data, file->data, (size_t)file->count * ftl_dtype_bytes(file->dtype));
    return;
  }
  for (int64_t k = 0; k < file->count; k++) {
    const double a = ftl_tensor_at(made, k), b = ftl_tensor_at(file, k);
    if (!(fabs(a - b) <= tolerance * fmax(1, fabs(b))))
      fail_msg("%s[%lld] is %.17g, but %.17g in the file", file->name, (long long)k, a, b);
  }
}

static void compare_energies(const ftl_source *made, const ftl_source *file, double tolerance) {
  uint64_t state = 5;
  structure s;
  structure_graph g;
  double energy[2], node_energy[2][MAX_ATOMS], forces[2][MAX_ATOMS][3];
  random_structure(&s, 6, 5.5, 1.8, file->arch.atomic_numbers, file->arch.n_elements, &state);
  build_graph(&g, &s, file->arch.atomic_numbers, file->arch.n_elements, file->arch.r_max);
  for (int head = 0; head < file->arch.n_heads; head++) {
    double force = 1;
    for (int k = 0; k < 2; k++)
      assert_int_equal(
          ftl_reference_compute(k ? file : made, head, &g.graph, &energy[k], node_energy[k], forces[k], NULL, NULL),
          FTL_OK);
    assert_close(energy[0], energy[1], tolerance * fmax(1, fabs(energy[1])));
    for (int i = 0; i < s.n; i++)
      for (int c = 0; c < 3; c++) force = fmax(force, fabs(forces[1][i][c]));
    for (int i = 0; i < s.n; i++)
      for (int c = 0; c < 3; c++) assert_close(forces[0][i][c], forces[1][i][c], tolerance * force);
  }
  free_graph(&g);
}

/* False: the file has an option that new models do not have. Models made in float32 carry constants rounded (and, the U
   matrices, multiplied) in float32, also where they were saved as float64. */
static bool compare_with_file(const char *twin) {
  ftl_source *file = read_twin(twin);
  json_t *answers = read_answers(twin);
  const char *dtype = json_string_value(json_object_get(json_object_get(answers, "architecture"), "dtype"));
  const bool exact = dtype && !strcmp(dtype, "float64");
  description d = {0};
  describe(file, &d);
  ftl_source *made = make(&d.options, 3);
  char *text[2] = {architecture_text(made), architecture_text(file)};
  const bool same = !strcmp(text[0], text[1]);
  if (same) {
    assert_int_equal(made->tensors.n, file->tensors.n);
    for (int k = 0; k < file->tensors.n; k++)
      compare_tensor(tensor(made, file->tensors.tensor[k].name), &file->tensors.tensor[k], exact ? 1e-12 : 1e-6);
    compare_energies(made, file, exact ? 1e-12 : 1e-5);
    print_message("%s: as mace-torch makes it (%s)\n", twin, exact ? "float64" : "float32");
  }
  free(text[0]);
  free(text[1]);
  json_decref(answers);
  ftl_source_free(made);
  ftl_source_free(file);
  return same;
}

static void files_in_the_tree(void **unused) {
  (void)unused;
  assert_true(compare_with_file("tests/parity/twins/t-one-layer"));
  assert_true(compare_with_file("tests/parity/twins/t-plain-residual"));
}

static void reference_files(void **unused) {
  (void)unused;
  need_shared();
  static const char *const names[] = {"mace/corr2-small",  "mace/corr4-ell2",  "mace/mp0a-small-r1",
                                      "mace/mp0a-small",   "mace/mp0a-medium", "mace/mp0a-large",
                                      "mace/mp0b3-medium", "mace/mp0b2-large", "mace/off23-small",
                                      "mace/three-layers", "mace/two-heads",   "h2cu-trained/h2cu-16x0e"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    struct stat model;
    const char *twin = shared_twin(names[k]);
    if (stat(twin_model(twin), &model) || model.st_size > LARGEST_MODEL) continue;
    if (!compare_with_file(twin)) fail_msg("%s cannot be made from scratch", names[k]);
  }
}

/* ---- random weights ---- */

static const int elements[3] = {29, 1, 22};

static ftl_scratch_options small(void) {
  ftl_scratch_options o;
  ftl_scratch_defaults(&o);
  o.n_elements = 3;
  o.elements = elements;
  o.hidden = "16x0e+16x1o";
  o.avg_num_neighbors = 10;
  return o;
}

/* Mean 0 and the right width, within five standard errors. */
static void expect_distribution(const ftl_source *source, const char *name, double width) {
  const ftl_tensor *t = tensor(source, name);
  const double n = (double)t->count;
  double sum = 0, square = 0;
  assert_true(t->is_parameter);
  for (int64_t k = 0; k < t->count; k++) {
    sum += ftl_tensor_at(t, k) / width;
    square += ftl_tensor_at(t, k) * ftl_tensor_at(t, k) / (width * width);
  }
  if (fabs(sum / n) > 5 / sqrt(n)) fail_msg("%s: the mean is %g", name, width * sum / n);
  if (fabs(square / n - 1) > 5 * sqrt(2 / n)) fail_msg("%s: the variance is %g of what it should be", name, square / n);
}

static void distributions(void **unused) {
  (void)unused;
  ftl_scratch_options o = small();
  ftl_source *s = make(&o, 1);
  static const char *const normal[] = {"node_embedding.linear.weight",
                                       "interactions.0.linear_up.weight",
                                       "interactions.1.linear.weight",
                                       "interactions.0.skip_tp.weight",
                                       "interactions.1.skip_tp.weight",
                                       "interactions.1.conv_tp_weights.layer0.weight",
                                       "interactions.1.conv_tp_weights.layer3.weight",
                                       "products.0.linear.weight",
                                       "readouts.0.linear.weight",
                                       "readouts.1.linear_1.weight",
                                       "readouts.1.linear_2.weight"};
  for (size_t k = 0; k < sizeof normal / sizeof *normal; k++) expect_distribution(s, normal[k], 1);
  /* mace divides by the number of paths: 23 of three factors to a scalar, 51 to a vector, 6 of two factors to one */
  expect_distribution(s, "products.1.symmetric_contractions.contractions.0.weights_max", 1.0 / 23);
  expect_distribution(s, "products.0.symmetric_contractions.contractions.1.weights_max", 1.0 / 51);
  expect_distribution(s, "products.0.symmetric_contractions.contractions.1.weights.0", 1.0 / 6);
  ftl_source_free(s);

  o.first = o.other = FTL_INTERACTION_NONLINEAR;
  s = make(&o, 1);
  expect_distribution(s, "interactions.0.source_embedding.weight", 0.001 / sqrt(3)); /* uniform */
  expect_distribution(s, "interactions.1.conv_tp_weights.net.3.weight", 1 / 8.0 / sqrt(3));
  expect_distribution(s, "interactions.1.linear_res.weight", 1);
  assert_close(ftl_tensor_at(tensor(s, "interactions.0.alpha"), 0), 20, 0);
  assert_close(ftl_tensor_at(tensor(s, "interactions.0.conv_tp_weights.net.1.weight"), 63), 1, 0);
  ftl_source_free(s);
}

static bool same_bits(const ftl_source *a, const ftl_source *b) {
  assert_int_equal(a->tensors.n, b->tensors.n);
  for (int k = 0; k < a->tensors.n; k++) {
    const ftl_tensor *s = &a->tensors.tensor[k], *t = &b->tensors.tensor[k];
    assert_string_equal(s->name, t->name);
    if (s->count != t->count || memcmp(s->data, t->data, (size_t)s->count * ftl_dtype_bytes(s->dtype))) return false;
  }
  return true;
}

/* A seed is a model; elements are sorted, and their energies go with them. */
static void seeds_and_order(void **unused) {
  (void)unused;
  static const int sorted[3] = {1, 22, 29};
  static const double e0[6] = {-29, -1, -22, 29, 1, 22}, e0_sorted[6] = {-1, -22, -29, 1, 22, 29};
  static const double scale[2] = {1.5, 2.5}, shift[2] = {0.25, -0.5};
  static const char *const heads[2] = {"a", "b"};
  ftl_scratch_options o = small();
  o.n_heads = 2;
  o.heads = heads;
  o.e0 = e0;
  o.scale = scale;
  o.shift = shift;
  ftl_source *a = make(&o, 1), *c = make(&o, 2);
  o.elements = sorted;
  o.e0 = e0_sorted;
  ftl_source *b = make(&o, 1);
  assert_true(same_bits(a, b));
  assert_false(same_bits(a, c));
  assert_int_equal(a->arch.atomic_numbers[1], 22);
  for (int k = 0; k < 6; k++) assert_close(twin_e0(a, k / 3, k % 3), e0_sorted[k], 0);
  assert_close(ftl_tensor_at(tensor(a, "scale_shift.scale"), 1), 2.5, 0);
  assert_close(ftl_tensor_at(tensor(a, "scale_shift.shift"), 1), -0.5, 0);
  assert_int_equal(ftl_irreps_count(&a->arch.readout[1].mlp, 0, 1), 32); /* 16 for each head */
  ftl_source_free(a);
  ftl_source_free(b);
  ftl_source_free(c);
}

/* Written, read again, and found to be what it was. */
static void survives_a_file(void **unused) {
  (void)unused;
  char path[] = "/tmp/frozentl-test-XXXXXX";
  const int fd = mkstemp(path);
  ftl_scratch_options o = small();
  o.dtype = FTL_F32;
  o.pair_repulsion = true;
  ftl_source *a = make(&o, 1), *b = NULL;
  ftl_error error = {0};
  assert_true(fd >= 0);
  close(fd);
  if (ftl_source_write(a, path, &error) || ftl_source_read(path, &b, &error)) fail_msg("%s", error.message);
  unlink(path);
  assert_true(same_bits(a, b));
  char *text[2] = {architecture_text(a), architecture_text(b)};
  assert_string_equal(text[0], text[1]);
  assert_non_null(strstr(b->metadata, "made with random weights"));
  free(text[0]);
  free(text[1]);
  ftl_source_free(a);
  ftl_source_free(b);
}

/* ---- options that make no sense ---- */

static void refuse(const ftl_scratch_options *o, const char *part) {
  ftl_random random;
  ftl_source *source = NULL;
  ftl_error error = {0};
  ftl_random_seed(&random, 1);
  const ftl_status status = ftl_scratch_new(o, &random, &source, &error);
  assert_null(source);
  if (status != FTL_ERR_INPUT || !strstr(error.message, part)) fail_msg("expected '%s', got '%s'", part, error.message);
}

#define REFUSE(part, ...)                                                                                              \
  do {                                                                                                                 \
    ftl_scratch_options o = small();                                                                                   \
    __VA_ARGS__;                                                                                                       \
    refuse(&o, part);                                                                                                  \
  } while (0)

static void wrong_options(void **unused) {
  (void)unused;
  static const int twice[3] = {1, 29, 1}, nothing[3] = {1, 119, 2};
  static const char *const heads[2] = {"a", "a"}, *const nameless[2] = {"a", ""};
  static const double infinite[3] = {0, INFINITY, 0};
  REFUSE("no elements", o.n_elements = 0);
  REFUSE("element H is given twice", o.elements = twice);
  REFUSE("no element 119", o.elements = nothing);
  REFUSE("up to 120", o.n_elements = 121);
  REFUSE("head a is given twice", o.n_heads = 2, o.heads = heads);
  REFUSE("head 2 has no name", o.n_heads = 2, o.heads = nameless);
  REFUSE("65 heads", o.n_heads = 65, o.heads = heads);
  REFUSE("energy of a single atom is not a number (number 2)", o.e0 = infinite);
  REFUSE("r_max is -1", o.r_max = -1);
  REFUSE("r_max is nan", o.r_max = NAN);
  REFUSE("radial functions is 0", o.num_bessel = 0);
  REFUSE("radial functions is 1", o.num_bessel = 1, o.radial = FTL_RADIAL_GAUSSIAN);
  REFUSE("exponent of the cutoff is 0", o.cutoff_p = 0);
  REFUSE("width of the radial MLP is 0", o.radial_mlp[1] = 0);
  REFUSE("layers of the radial MLP is 9", o.n_radial_mlp = 9);
  REFUSE("avg_num_neighbors is 0", o.avg_num_neighbors = 0);
  REFUSE("max_ell is 0", o.max_ell = 0);
  REFUSE("max_ell is 4", o.max_ell = 4);
  REFUSE("number of layers is 0", o.n_layers = 0);
  REFUSE("number of layers is 9", o.n_layers = 9);
  REFUSE("correlation is 5", o.correlation[1] = 5);
  REFUSE("correlation is 0", o.correlation[0] = 0);
  REFUSE("must be the like of 32x0e+32x1o", o.hidden = "32 scalars");
  REFUSE("must be the like of 32x0e+32x1o", o.hidden = NULL);
  REFUSE("start with 0e", o.hidden = "8x1o+8x0e");
  REFUSE("start with 0e", o.hidden = "8x0e+8x0e");
  REFUSE("parities", o.hidden = "8x0e+8x1e");
  REFUSE("same number of channels", o.hidden = "8x0e+4x1o");
  REFUSE("l = 2 (more is not covered)", o.hidden = "8x0e+8x3o");
  REFUSE("l = 1 (max_ell)", o.hidden = "8x0e+8x2e", o.max_ell = 1);
  REFUSE("must be scalars", o.mlp = "16x1o");
  REFUSE("its numbers are I32", o.dtype = FTL_I32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_in_the_tree), cmocka_unit_test(reference_files), cmocka_unit_test(distributions),
      cmocka_unit_test(seeds_and_order),   cmocka_unit_test(survives_a_file), cmocka_unit_test(wrong_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
