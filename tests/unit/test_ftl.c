/* The `.ftl` format: what is written is read back the same, and files that break a rule are refused. */
#include "model_files.h"

#include <jansson.h>
#include <math.h>
#include <sys/stat.h>

#include "files/architecture_json.h"
#include "model/provenance.h"

static char folder[] = "/tmp/frozentl-test-XXXXXX";
static char file[64]; /* folder/x.ftl */

static int make_folder(void **unused) {
  (void)unused;
  if (!mkdtemp(folder)) return -1;
  snprintf(file, sizeof file, "%s/x.ftl", folder);
  return 0;
}

static int remove_folder(void **unused) {
  (void)unused;
  unlink(file);
  return rmdir(folder); /* fails, and with it the test, if anything else was left behind */
}

static void write_seed(const char *seed) {
  ftl_error error = {0};
  ftl_source *s = read_file(seed);
  if (ftl_source_write(s, file, &error)) fail_msg("%s: %s", error.where, error.message);
  ftl_source_free(s);
}

/* ---- good files ---- */

static void compare_models(const ftl_source *a, const ftl_source *b) {
  assert_int_equal(a->tensors.n, b->tensors.n);
  for (int k = 0; k < a->tensors.n; k++) {
    const ftl_tensor *x = &a->tensors.tensor[k], *y = &b->tensors.tensor[k];
    assert_string_equal(x->name, y->name);
    assert_int_equal(x->dtype, y->dtype);
    assert_int_equal(x->ndim, y->ndim);
    assert_memory_equal(x->shape, y->shape, (size_t)x->ndim * sizeof *x->shape);
    assert_int_equal(x->count, y->count);
    assert_int_equal(x->is_parameter, y->is_parameter);
    assert_int_equal((uintptr_t)y->data % 8, 0);
    assert_memory_equal(x->data, y->data, (size_t)x->count * ftl_dtype_bytes(x->dtype));
  }
  json_t *u = ftl_architecture_to_json(&a->arch), *v = ftl_architecture_to_json(&b->arch);
  assert_true(json_equal(u, v));
  json_decref(u);
  json_decref(v);
}

static void compare(const ftl_source *a, const ftl_source *b) {
  compare_models(a, b);
  assert_string_equal(a->metadata, b->metadata);
}

static void round_trip(void **unused) {
  (void)unused;
  static const char *const seeds[] = {SEED_MODEL, SEED_HEADS, SEED_ZBL, SEED_PLAIN, SEED_OLDER};
  for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++) {
    ftl_source *a = read_file(seeds[k]), *b, *c = NULL;
    write_seed(seeds[k]);
    b = read_file(file);
    compare(a, b);
    bytes content = load_bytes(file);
    assert_int_equal(ftl_source_read_memory(content.data, content.size, file, &c, NULL), FTL_OK);
    free(content.data);
    compare(b, c);
    ftl_source_free(a);
    ftl_source_free(b);
    ftl_source_free(c);
  }
}

/* "U_matrix_ in the header of the file. */
static int stored_u_matrices(void) {
  bytes b = load_bytes(file);
  int n = 0;
  for (char *at = (char *)b.data; (at = memmem(at, b.size - (size_t)(at - (char *)b.data), ".U_matrix_", 10)); at++)
    if (at[11] == '"' && at[12] == ':') n++; /* not in the list of buffers */
  free(b.data);
  return n;
}

/* U matrices that are what a reader makes are not stored, one that differs in a bit is, and both come back to the bit.
 */
static void u_matrices_are_left_out(void **unused) {
  (void)unused;
  for (int wide = 0; wide < 2; wide++) {
    ftl_source *a = read_file(SEED_PLAIN);
    if (wide) assert_int_equal(ftl_source_cast(a, FTL_F64, NULL), FTL_OK); /* of numbers that were rounded: some stay */
    const ftl_tensor *u = ftl_tensors_find(&a->tensors, "products.0.symmetric_contractions.contractions.0.U_matrix_1");
    assert_non_null(u);
    int stored[2];
    for (int changed = 0; changed < 2; changed++) {
      ((unsigned char *)u->data)[0] ^= (unsigned char)changed;
      assert_int_equal(ftl_source_write(a, file, NULL), FTL_OK);
      stored[changed] = stored_u_matrices();
      ftl_source *b = read_file(file);
      compare(a, b);
      ftl_source_free(b);
    }
    assert_true(wide || stored[0] == 0);
    assert_int_equal(stored[1], stored[0] + 1);
    ftl_source_free(a);
  }
}

/* The file's first bytes as docs/ftl-format.md describes them. */
static void layout(void **unused) {
  (void)unused;
  write_seed(SEED_MODEL);
  bytes b = load_bytes(file);
  uint64_t length = 0, at = 0;
  for (int k = 7; k >= 0; k--) length = length << 8 | b.data[k];
  assert_int_equal(length % 8, 0);
  json_t *header = json_loadb((char *)b.data + 8, length, JSON_REJECT_DUPLICATES, NULL), *value;
  const char *name;
  assert_non_null(header);
  json_t *metadata = json_object_get(header, "__metadata__");
  json_object_foreach(metadata, name, value) assert_true(json_is_string(value));
  assert_string_equal(json_string_value(json_object_get(metadata, "format_version")), "2");
  assert_string_equal(json_string_value(json_object_get(metadata, "kind")), "full");
  assert_string_equal(json_string_value(json_object_get(metadata, "elements")), "H Cu");
  assert_string_equal(json_string_value(json_object_get(metadata, "heads")), "[\"Default\"]");
  json_object_foreach(header, name, value) {
    json_int_t begin, end;
    if (!strcmp(name, "__metadata__")) continue;
    assert_int_equal(json_unpack(json_object_get(value, "data_offsets"), "[I,I]", &begin, &end), 0);
    assert_int_equal(begin, at);
    at = (uint64_t)end;
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    assert_int_equal(begin % (strstr(dtype, "64") ? 8 : strstr(dtype, "32") ? 4 : 1), 0);
  }
  assert_int_equal(8 + length + at, b.size);
  json_decref(header);
  free(b.data);
}

static void sha256_of_the_origin(void **unused) {
  (void)unused;
  ftl_source *s = NULL;
  char *found;
  char digest[FTL_SHA256_HEX];
  ftl_sha256("abc", 3, digest); /* FIPS 180-2, B.1 */
  assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  bytes b = load_bytes(SEED_PLAIN);
  assert_int_equal(ftl_source_read_memory(b.data, b.size, "/somewhere/else/name.model", &s, NULL), FTL_OK);
  assert_non_null(strstr(s->metadata, "\"source\":\"name.model\""));
  assert_null(strstr(s->metadata, "somewhere"));
  found = strstr(s->metadata, "\"source_sha256\":\"");
  assert_non_null(found);
  ftl_sha256(b.data, b.size, digest);
  assert_memory_equal(found + 17, digest, 64);
  ftl_source_free(s);
  free(b.data);
}

static void writing_fails_cleanly(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_PLAIN);
  ftl_error error = {0};
  struct stat st;
  assert_int_equal(ftl_source_write(s, "/tmp/there-is-no-such-folder/x.ftl", &error), FTL_ERR_IO);
  assert_non_null(strstr(error.message, "cannot be created: No such file"));
  /* an existing folder in the way: the temporary file must not stay */
  unlink(file);
  assert_int_equal(mkdir(file, 0700), 0);
  assert_int_equal(ftl_source_write(s, file, &error), FTL_ERR_IO);
  assert_non_null(strstr(error.message, "cannot be put in place"));
  assert_int_equal(rmdir(file), 0);
  /* what does not pass the check is not written, and what was there stays */
  assert_int_equal(ftl_source_write(s, file, &error), FTL_OK);
  s->arch.layer[0].correlation = 3;
  assert_int_equal(ftl_source_write(s, file, &error), FTL_ERR_FORMAT);
  assert_int_equal(stat(file, &st), 0);
  ftl_source *again = read_file(file);
  assert_int_equal(again->arch.layer[0].correlation, 2);
  ftl_source_free(again);
  ftl_source_free(s);
}

/* A mapping of the old file stays good while a new one takes its place. */
static void a_file_replaces_itself(void **unused) {
  (void)unused;
  write_seed(SEED_PLAIN);
  ftl_source *s = read_file(file);
  ftl_error error = {0};
  assert_int_equal(ftl_source_cast(s, FTL_F64, &error), FTL_OK);
  assert_int_equal(ftl_source_write(s, file, &error), FTL_OK);
  ftl_source *again = read_file(file);
  compare(s, again);
  assert_int_equal(again->tensors.tensor[0].dtype, FTL_F64);
  assert_non_null(strstr(again->metadata, "converted to float64"));
  ftl_source_free(again);
  ftl_source_free(s);
}

/* ---- bad files ---- */

/* The file of a seed with its header run through `change` (data as they are), or with other text in its place. */
typedef void change(json_t *header);

static bytes with_header(const char *header, size_t length) {
  bytes b = load_bytes(file), out;
  uint64_t old = 0;
  for (int k = 7; k >= 0; k--) old = old << 8 | b.data[k];
  out.size = 8 + length + b.size - 8 - old;
  out.data = malloc(out.size);
  assert_non_null(out.data);
  for (int k = 0; k < 8; k++) out.data[k] = (unsigned char)((uint64_t)length >> (8 * k));
  memcpy(out.data + 8, header, length);
  memcpy(out.data + 8 + length, b.data + 8 + old, b.size - 8 - old);
  free(b.data);
  return out;
}

/* Without its digest, which would speak before the rule that is tested. */
static json_t *header_of_file(void) {
  bytes b = load_bytes(file);
  uint64_t length = 0;
  for (int k = 7; k >= 0; k--) length = length << 8 | b.data[k];
  json_t *header = json_loadb((char *)b.data + 8, length, 0, NULL);
  assert_non_null(header);
  assert_int_equal(json_object_del(json_object_get(header, "__metadata__"), "content_sha256"), 0);
  free(b.data);
  return header;
}

static void expect_changed(change *f, ftl_status code, const char *part) {
  json_t *header = header_of_file();
  f(header);
  char *text = json_dumps(header, JSON_COMPACT);
  bytes b = with_header(text, strlen(text));
  expect_refusal(b.data, b.size, code, part);
  free(b.data);
  free(text);
  json_decref(header);
}

static json_t *tensor(json_t *header, const char *name) {
  json_t *t = json_object_get(header, name);
  assert_non_null(t);
  return t;
}

static void shift(json_t *header, const char *name, int begin, int end) {
  json_t *offsets = json_object_get(tensor(header, name), "data_offsets");
  json_integer_set(json_array_get(offsets, 0), json_integer_value(json_array_get(offsets, 0)) + begin);
  json_integer_set(json_array_get(offsets, 1), json_integer_value(json_array_get(offsets, 1)) + end);
}

#define TENSOR "interactions.0.linear_up.weight" /* 4 numbers */

static void overlap(json_t *h) { shift(h, TENSOR, -8, -8); }
static void hole(json_t *h) { shift(h, TENSOR, 8, 8); }
static void out_of_range(json_t *h) { shift(h, TENSOR, 1 << 20, 1 << 20); }
static void negative(json_t *h) { shift(h, TENSOR, -(1 << 20), -(1 << 20)); }
static void wrong_size(json_t *h) { shift(h, TENSOR, 0, 4); }
static void gone(json_t *h) { json_object_del(h, TENSOR); }
static void bf16(json_t *h) { json_object_set_new(tensor(h, TENSOR), "dtype", json_string("BF16")); }
static void no_dtype(json_t *h) { json_object_del(tensor(h, TENSOR), "dtype"); }
static void new_key(json_t *h) { json_object_set_new(tensor(h, TENSOR), "scale", json_integer(2)); }
static void no_tensor(json_t *h) { json_object_set_new(h, TENSOR, json_integer(2)); }
static void shape_text(json_t *h) { json_object_set_new(tensor(h, TENSOR), "shape", json_string("4")); }
static void shape_real(json_t *h) { json_object_set_new(tensor(h, TENSOR), "shape", json_pack("[f]", 4.0)); }
static void shape_huge(json_t *h) {
  json_object_set_new(tensor(h, TENSOR), "shape", json_pack("[I,I]", (json_int_t)1 << 40, (json_int_t)1 << 40));
}
static void odd_name(json_t *h) {
  json_object_set(h, "a b", tensor(h, TENSOR));
  json_object_del(h, TENSOR);
}

static json_t *metadata(json_t *header) { return json_object_get(header, "__metadata__"); }
static void set(json_t *h, const char *key, const char *text) {
  json_object_set_new(metadata(h), key, json_string(text));
}
static void no_metadata(json_t *h) { json_object_del(h, "__metadata__"); }
static void number_metadata(json_t *h) { json_object_set_new(metadata(h), "training", json_integer(1)); }
static void version_1(json_t *h) { set(h, "format_version", "1"); }
static void other_paths(json_t *h) {
  json_t *shape = json_object_get(tensor(h, "products.0.symmetric_contractions.contractions.0.weights_max"), "shape");
  const json_int_t paths = json_integer_value(json_array_get(shape, 1));
  assert_true(paths > 1);
  json_array_set_new(shape, 1, json_integer(1));
  json_array_set_new(shape, 2, json_integer(paths * json_integer_value(json_array_get(shape, 2))));
}
static void version_3(json_t *h) { set(h, "format_version", "3"); }
static void delta(json_t *h) { set(h, "kind", "delta"); }
static void other_kind(json_t *h) { set(h, "kind", "half"); }
static void other_units(json_t *h) { set(h, "units", "kcal/mol, Angstrom"); }
static void other_elements(json_t *h) { set(h, "elements", "H Au"); }
static void other_heads(json_t *h) { set(h, "heads", "[]"); }
static void bad_buffers(json_t *h) { set(h, "buffers", "[\"no.such.tensor\"]"); }
static void no_buffers(json_t *h) { json_object_del(metadata(h), "buffers"); }
static void bad_architecture(json_t *h) { set(h, "architecture", "{"); }
static void array_architecture(json_t *h) { set(h, "architecture", "[]"); }

/* Runs a change on the architecture, which is JSON in a string. */
static void edit(json_t *h, void (*f)(json_t *architecture)) {
  json_t *a = json_loads(json_string_value(json_object_get(metadata(h), "architecture")), 0, NULL);
  assert_non_null(a);
  f(a);
  char *text = json_dumps(a, JSON_COMPACT | JSON_REAL_PRECISION(17));
  set(h, "architecture", text);
  free(text);
  json_decref(a);
}
static json_t *layer_of(json_t *a) { return json_array_get(json_object_get(a, "layers"), 0); }
static json_t *readout_of(json_t *a) { return json_array_get(json_object_get(a, "readouts"), 1); }
static void add_key(json_t *a) { json_object_set_new(a, "attention", json_true()); }
static void unknown_key(json_t *h) { edit(h, add_key); }
static void add_layer_key(json_t *a) { json_object_set_new(layer_of(a), "dropout", json_real(0.5)); }
static void unknown_layer_key(json_t *h) { edit(h, add_layer_key); }
static void drop_r_max(json_t *a) { json_object_del(a, "r_max"); }
static void no_r_max(json_t *h) { edit(h, drop_r_max); }
static void change_block(json_t *a) { json_object_set_new(layer_of(a), "interaction", json_string("AttBlock")); }
static void unknown_block(json_t *h) { edit(h, change_block); }
static void drop_cst(json_t *a) { json_object_del(layer_of(a), "radial_act_cst"); }
static void no_cst(json_t *h) { edit(h, drop_cst); }
static void change_gate(json_t *a) { json_object_set_new(readout_of(a), "gate", json_string("gelu")); }
static void unknown_gate(json_t *h) { edit(h, change_gate); }
static void change_irreps(json_t *a) { json_object_set_new(layer_of(a), "target", json_string("many")); }
static void bad_irreps(json_t *h) { edit(h, change_irreps); }
static void change_layers(json_t *a) { json_object_set_new(a, "layers", json_array()); }
static void no_layers(json_t *h) { edit(h, change_layers); }
static void change_model(json_t *a) { json_object_set_new(a, "model", json_string("BOTNet")); }
static void unknown_model(json_t *h) { edit(h, change_model); }
static void change_bessel(json_t *a) { json_object_set_new(json_object_get(a, "radial"), "size", json_integer(9)); }
static void wrong_bessel(json_t *h) { edit(h, change_bessel); }

static void headers_that_break_a_rule(void **unused) {
  (void)unused;
  write_seed(SEED_MODEL);
  expect_changed(overlap, FTL_ERR_FORMAT, "the regions overlap");
  expect_changed(hole, FTL_ERR_FORMAT, "the regions");
  expect_changed(out_of_range, FTL_ERR_FORMAT, TENSOR " lies at bytes");
  expect_changed(negative, FTL_ERR_FORMAT, TENSOR " lies at bytes");
  expect_changed(wrong_size, FTL_ERR_FORMAT, TENSOR " has 20 bytes");
  expect_changed(gone, FTL_ERR_FORMAT, "leave a hole");
  expect_changed(bf16, FTL_ERR_UNSUPPORTED, TENSOR " has the type BF16");
  expect_changed(no_dtype, FTL_ERR_FORMAT, TENSOR);
  expect_changed(new_key, FTL_ERR_FORMAT, TENSOR);
  expect_changed(no_tensor, FTL_ERR_FORMAT, TENSOR);
  expect_changed(shape_text, FTL_ERR_FORMAT, "the shape of tensor " TENSOR);
  expect_changed(shape_real, FTL_ERR_FORMAT, "the shape of tensor " TENSOR);
  expect_changed(shape_huge, FTL_ERR_FORMAT, "the shape of tensor " TENSOR);
  expect_changed(odd_name, FTL_ERR_FORMAT, "the name of a tensor");
}

static void metadata_that_break_a_rule(void **unused) {
  (void)unused;
  write_seed(SEED_MODEL);
  expect_changed(no_metadata, FTL_ERR_FORMAT, "is no .ftl file");
  expect_changed(number_metadata, FTL_ERR_FORMAT, "metadata training is not a string");
  expect_changed(version_3, FTL_ERR_UNSUPPORTED, "format version 3");
  expect_changed(delta, FTL_ERR_FORMAT, "do not say which foundation");
  expect_changed(other_kind, FTL_ERR_UNSUPPORTED, "kind is \"half\"");
  expect_changed(other_units, FTL_ERR_UNSUPPORTED, "kcal/mol");
  expect_changed(other_elements, FTL_ERR_FORMAT, "the elements in the metadata");
  expect_changed(other_heads, FTL_ERR_FORMAT, "the heads in the metadata");
  expect_changed(bad_buffers, FTL_ERR_FORMAT, "no.such.tensor");
  expect_changed(no_buffers, FTL_ERR_FORMAT, "list of buffers");
}

/* Version 1 has them all; weights with another number of paths are of other matrices, which nobody can make. */
static void u_matrices_that_are_missing(void **unused) {
  (void)unused;
  write_seed(SEED_MODEL);
  expect_changed(version_1, FTL_ERR_FORMAT, ".U_matrix_2 is missing");
  expect_changed(other_paths, FTL_ERR_FORMAT, "is missing");
}

static void architectures_that_break_a_rule(void **unused) {
  (void)unused;
  write_seed(SEED_MODEL);
  expect_changed(bad_architecture, FTL_ERR_FORMAT, "no architecture in JSON");
  expect_changed(array_architecture, FTL_ERR_FORMAT, "the model");
  expect_changed(unknown_key, FTL_ERR_FORMAT, "attention");
  expect_changed(unknown_layer_key, FTL_ERR_FORMAT, "dropout");
  expect_changed(no_r_max, FTL_ERR_FORMAT, "r_max");
  expect_changed(unknown_block, FTL_ERR_UNSUPPORTED, "AttBlock");
  expect_changed(no_cst, FTL_ERR_FORMAT, "wrong constants");
  expect_changed(unknown_gate, FTL_ERR_UNSUPPORTED, "gelu");
  expect_changed(bad_irreps, FTL_ERR_FORMAT, "target is \"many\"");
  expect_changed(no_layers, FTL_ERR_FORMAT, "0 layers");
  expect_changed(unknown_model, FTL_ERR_UNSUPPORTED, "BOTNet");
  expect_changed(wrong_bessel, FTL_ERR_FORMAT, "radial_embedding.bessel_fn.bessel_weights has shape [2]");
}

static void raw_headers(void **unused) {
  (void)unused;
  static const struct {
    const char *text, *part;
  } cases[] = {{"{", "not a JSON object"},
               {"{\"a\":1,\"a\":2}", "duplicate"},
               {"{}", "is no .ftl file"},
               {"{\"__metadata__\":[]}", "is no .ftl file"}};
  write_seed(SEED_PLAIN);
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    bytes b = with_header(cases[k].text, strlen(cases[k].text));
    expect_refusal(b.data, b.size, FTL_ERR_FORMAT, cases[k].part);
    free(b.data);
  }
  expect_refusal("\xff\xff\xff\x7f\0\0\0\0{}", 10, FTL_ERR_FORMAT, "the header claims 2147483647 bytes");
}

static void truncated_anywhere(void **unused) {
  (void)unused;
  write_seed(SEED_PLAIN);
  bytes b = load_bytes(file);
  for (size_t n = 0; n < b.size; n++) {
    unsigned char *part = malloc(n ? n : 1);
    memcpy(part, b.data, n);
    expect_refusal(part, n, FTL_ERR_FORMAT, "");
    free(part);
  }
  ftl_source *s = NULL;
  ftl_error error = {0};
  save_bytes(file, b.data, 5); /* by name, where the content says nothing */
  assert_int_equal(ftl_source_read(file, &s, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "truncated"));
  unsigned char *longer = malloc(b.size + 1);
  memcpy(longer, b.data, b.size);
  longer[b.size] = 0;
  expect_refusal(longer, b.size + 1, FTL_ERR_FORMAT, "the tensors end at byte");
  free(longer);
  free(b.data);
}

static void values_that_are_not_finite(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_PLAIN);
  const float nan = NAN;
  write_seed(SEED_PLAIN);
  json_t *header = header_of_file();
  json_int_t begin, end;
  assert_int_equal(json_unpack(json_object_get(tensor(header, TENSOR), "data_offsets"), "[I,I]", &begin, &end), 0);
  char *text = json_dumps(header, JSON_COMPACT);
  json_decref(header);
  size_t length = strlen(text);
  bytes b = with_header(text, length);
  free(text);
  memcpy(b.data + 8 + length + (size_t)begin + 4, &nan, sizeof nan);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, TENSOR " has a value that is not finite (number 1)");
  free(b.data);
  ftl_source_free(s);
}

/* Any one flipped bit of the data is found, and any of the header that could change an energy; one in, say, the
   provenance may pass, and the model is then what it was. */
static void bit_flips(void **unused) {
  (void)unused;
  write_seed(SEED_PLAIN);
  bytes b = load_bytes(file);
  ftl_source *good = read_file(file);
  uint64_t length = 0;
  for (int k = 7; k >= 0; k--) length = length << 8 | b.data[k];
  for (size_t at = 0; at < b.size; at += at < 8 + length || at % 5 == 0 ? 1 : 5) {
    unsigned char bit = (unsigned char)(1 << at % 8);
    ftl_source *source = NULL;
    ftl_error error = {0};
    b.data[at] ^= bit;
    if (at >= 8 + length) expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "");
    else if (ftl_source_read_memory(b.data, b.size, "x.ftl", &source, &error)) assert_true(error.message[0] != 0);
    else compare_models(good, source);
    ftl_source_free(source);
    b.data[at] ^= bit;
  }
  b.data[8 + length + 3] ^= 1;
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "the file is damaged");
  free(b.data);
  ftl_source_free(good);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_trip),
      cmocka_unit_test(u_matrices_are_left_out),
      cmocka_unit_test(u_matrices_that_are_missing),
      cmocka_unit_test(layout),
      cmocka_unit_test(sha256_of_the_origin),
      cmocka_unit_test(writing_fails_cleanly),
      cmocka_unit_test(a_file_replaces_itself),
      cmocka_unit_test(headers_that_break_a_rule),
      cmocka_unit_test(metadata_that_break_a_rule),
      cmocka_unit_test(architectures_that_break_a_rule),
      cmocka_unit_test(raw_headers),
      cmocka_unit_test(truncated_anywhere),
      cmocka_unit_test(values_that_are_not_finite),
      cmocka_unit_test(bit_flips),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
