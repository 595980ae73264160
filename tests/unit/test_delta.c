/* Reading delta files: the foundation is found where it may be and only the right one is taken; low-rank products;
   deltas that break a rule are refused. */
#include "delta_files.h"

static void expect_unreadable(const char *foundation, ftl_status code, const char *part, const char *more) {
  ftl_source *source;
  ftl_error error = {0};
  const ftl_status status = ftl_source_read_with(delta_path, foundation, &source, &error);
  if (status != code || !strstr(error.message, part) || !strstr(error.message, more))
    fail_msg("expected '%s' and '%s', got '%s' (%d)", part, more, error.message, (int)status);
  assert_null(source);
}

static void move_base(int place) {
  char path[128];
  snprintf(path, sizeof path, "%s/base.ftl", places[place]);
  assert_int_equal(rename(base_path, path), 0);
}

static void write_recipe(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs(text, out);
  assert_int_equal(fclose(out), 0);
}

/* A run's recipe beside the delta, whose paths are relative to it; one that cannot be read says nothing. */
static void where_a_recipe_says(void **unused) {
  (void)unused;
  char recipe[128], text[300];
  write_example();
  move_base(1);
  snprintf(recipe, sizeof recipe, "%s/recipe.yaml", folder);
  snprintf(text, sizeof text, "data: [x.xyz]\nfoundation: %s/base.ftl\n", strrchr(places[1], '/') + 1);
  write_recipe(recipe, text);
  expect_same_model();
  static const char *const others[] = {"foundation: [", "foundation: {a: b}\n", "foundation: nowhere.ftl\n", "",
                                       "- foundation\n"};
  for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
    write_recipe(recipe, others[k]);
    expect_unreadable(NULL, FTL_ERR_IO, "recipe.yaml", "FROZENTL_PATH, which is not set");
  }
  assert_int_equal(unlink(recipe), 0);
}

static void where_the_foundation_is_looked_for(void **unused) {
  (void)unused;
  char path[200], digest[FTL_SHA256_HEX], other[FTL_SHA256_HEX];
  ftl_error error = {0};
  ftl_source *source;
  ftl_model *model;
  write_example();
  expect_same_model(); /* next to it */
  must(ftl_sha256_file(base_path, digest, &error), &error);

  move_base(1);
  expect_unreadable(NULL, FTL_ERR_IO, folder, "FROZENTL_PATH, which is not set");
  setenv("FROZENTL_PATH", places[0], 1);
  expect_unreadable(NULL, FTL_ERR_IO, "base.ftl", places[0]);
  snprintf(path, sizeof path, "/nowhere::%s:%s", places[0], places[1]);
  setenv("FROZENTL_PATH", path, 1);
  expect_same_model();

  /* by option, and then nowhere else */
  unsetenv("FROZENTL_PATH");
  snprintf(path, sizeof path, "%s/base.ftl", places[1]);
  must(ftl_source_read_with(delta_path, path, &source, &error), &error);
  ftl_source_free(source);
  must(ftl_model_open(delta_path, &(ftl_open_options){.foundation = path}, &model, &error), &error);
  ftl_model_free(model);
  setenv("FROZENTL_PATH", places[1], 1);
  expect_unreadable("/nowhere/base.ftl", FTL_ERR_IO, "no such file", "delta.ftl");

  /* a file of its name with other content is not it: the right one is taken, and without that both digests are named */
  ftl_source_free(write_base(SEED_PLAIN));
  must(ftl_sha256_file(base_path, other, &error), &error);
  expect_same_model();
  unsetenv("FROZENTL_PATH");
  digest[12] = other[12] = 0;
  expect_unreadable(NULL, FTL_ERR_FORMAT, digest, other);
  expect_unreadable(base_path, FTL_ERR_FORMAT, base_path, other);
}

/* delta.ftl again with a header that `change` changed, and without digest. */
static void change_header(void (*change)(json_t *header)) {
  bytes file;
  json_t *header = header_of(delta_path, &file);
  uint64_t length = 0;
  for (int k = 7; k >= 0; k--) length = length << 8 | file.data[k];
  json_object_del(metadata_of(header), "content_sha256");
  change(header);
  char *text = json_dumps(header, JSON_COMPACT);
  const uint64_t now = strlen(text);
  unsigned char prefix[8];
  for (int k = 0; k < 8; k++) prefix[k] = (unsigned char)(now >> (8 * k));
  FILE *out = fopen(delta_path, "wb");
  assert_non_null(out);
  fwrite(prefix, 1, 8, out);
  fwrite(text, 1, now, out);
  fwrite(file.data + 8 + length, 1, file.size - 8 - length, out);
  assert_int_equal(fclose(out), 0);
  free(text);
  free(file.data);
  json_decref(header);
}

#define READOUT "readouts.0.linear.weight"

static void rename_tensor(json_t *header, const char *from, const char *to) {
  json_t *described = json_incref(json_object_get(header, from));
  assert_non_null(described);
  json_object_del(header, from);
  json_object_set_new(header, to, described);
}

static void set_foundation(json_t *header, const char *name, const char *sha256) {
  char text[200];
  snprintf(text, sizeof text, "{\"name\":\"%s\",\"sha256\":\"%s\"}", name, sha256);
  json_object_set_new(metadata_of(header), "foundation", json_string(text));
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
static void no_foundation(json_t *h) { json_object_del(metadata_of(h), "foundation"); }
static void a_path(json_t *h) { set_foundation(h, "../base.ftl", ZEROS); }
static void parent(json_t *h) { set_foundation(h, "..", ZEROS); }
static void short_digest(json_t *h) { set_foundation(h, "base.ftl", "00"); }
static void another_digest(json_t *h) { set_foundation(h, "base.ftl", ZEROS); }
static void unknown_tensor(json_t *h) { rename_tensor(h, READOUT, "readouts.7.linear.weight"); }
static void other_shape(json_t *h) {
  json_t *shape = json_object_get(json_object_get(h, READOUT), "shape");
  json_array_append_new(shape, json_integer(1));
}
static void one_factor(json_t *h) { rename_tensor(h, READOUT, READOUT ".lora_A"); }
static void unknown_element(json_t *h) {
  const char *old = json_string_value(json_object_get(metadata_of(h), "architecture"));
  json_t *arch = json_loads(old, 0, NULL);
  json_array_set_new(json_object_get(arch, "atomic_numbers"), 0, json_integer(2));
  char *text = json_dumps(arch, JSON_COMPACT), elements[64];
  json_object_set_new(metadata_of(h), "architecture", json_string(text));
  old = json_string_value(json_object_get(metadata_of(h), "elements"));
  snprintf(elements, sizeof elements, "He%s", strchr(old, ' '));
  json_object_set_new(metadata_of(h), "elements", json_string(elements));
  free(text);
  json_decref(arch);
}
static void nothing(json_t *h) { (void)h; }

static void deltas_that_break_a_rule(void **unused) {
  (void)unused;
  static const struct {
    void (*change)(json_t *);
    ftl_status code;
    const char *part;
  } all[] = {{no_foundation, FTL_ERR_FORMAT, "which foundation"},
             {a_path, FTL_ERR_FORMAT, "which foundation"},
             {parent, FTL_ERR_FORMAT, "which foundation"},
             {short_digest, FTL_ERR_FORMAT, "which foundation"},
             {another_digest, FTL_ERR_FORMAT, "000000000000"},
             {unknown_tensor, FTL_ERR_FORMAT, "is none of its foundation"},
             {other_shape, FTL_ERR_FORMAT, "another shape"},
             {one_factor, FTL_ERR_FORMAT, "lacks the other factor"},
             {unknown_element, FTL_ERR_INPUT, "no element He"},
             {nothing, FTL_OK, ""}};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    write_example();
    change_header(all[k].change);
    if (all[k].code) expect_unreadable(NULL, all[k].code, all[k].part, "");
    else expect_same_model();
  }
}

static void a_delta_of_a_delta(void **unused) {
  (void)unused;
  char digest[FTL_SHA256_HEX], path[128];
  ftl_error error = {0};
  write_example();
  bytes first = load_bytes(delta_path);
  snprintf(path, sizeof path, "%s/base.ftl", places[0]);
  save_bytes(path, first.data, first.size);
  free(first.data);
  must(ftl_sha256_file(path, digest, &error), &error);
  ftl_source *source = read_file(base_path);
  must(ftl_source_write_delta(source, &(ftl_source_delta){"base.ftl", digest, 0, NULL, 0, NULL}, delta_path, &error),
       &error);
  ftl_source_free(source);
  expect_unreadable(path, FTL_ERR_UNSUPPORTED, "a delta cannot be the foundation of a delta", "frozentl merge");
}

static void flipped_bits(void **unused) {
  (void)unused;
  write_example();
  ftl_source *good = read_file(delta_path);
  bytes b = load_bytes(delta_path);
  for (size_t at = 0; at < b.size; at++) {
    const unsigned char bit = (unsigned char)(1u << at % 8);
    ftl_source *source = NULL;
    ftl_error error = {0};
    b.data[at] ^= bit;
    if (ftl_source_read_memory(b.data, b.size, delta_path, &source, &error)) assert_true(error.message[0] != 0);
    else compare_tensors(good, source); /* in the training summary, say */
    ftl_source_free(source);
    b.data[at] ^= bit;
  }
  free(b.data);
  ftl_source_free(good);
}

/* A delta made by hand: one tensor as a product of factors with these shapes and numbers 1, 2, 3, ... */
static void write_product(const char *name, int rows, int rank_a, int rank_b, int columns, const char *digest) {
  ftl_source *base = read_file(base_path);
  ftl_error error = {0};
  must(ftl_source_write_delta(base, &(ftl_source_delta){"base.ftl", digest, 0, NULL, 0, NULL}, delta_path, &error),
       &error);
  ftl_source_free(base);
  bytes file;
  json_t *header = header_of(delta_path, &file);
  free(file.data);
  char a[200], b[200];
  snprintf(a, sizeof a, "%s.lora_A", name);
  snprintf(b, sizeof b, "%s.lora_B", name);
  const int n_a = rows * rank_a, n_b = rank_b * columns;
  json_object_del(metadata_of(header), "content_sha256");
  json_object_set_new(
      header, a,
      json_pack("{s:s, s:[i,i], s:[i,i]}", "dtype", "F64", "shape", rows, rank_a, "data_offsets", 0, 8 * n_a));
  json_object_set_new(header, b,
                      json_pack("{s:s, s:[i,i], s:[i,i]}", "dtype", "F64", "shape", rank_b, columns, "data_offsets",
                                8 * n_a, 8 * (n_a + n_b)));
  char *text = json_dumps(header, JSON_COMPACT);
  const uint64_t length = strlen(text);
  FILE *out = fopen(delta_path, "wb");
  assert_non_null(out);
  fwrite(&length, 8, 1, out);
  fwrite(text, 1, length, out);
  for (double k = 1; k <= n_a + n_b; k++) fwrite(&k, 8, 1, out);
  assert_int_equal(fclose(out), 0);
  free(text);
  json_decref(header);
}

static void products(void **unused) {
  (void)unused;
  static const char name[] = "interactions.0.conv_tp_weights.layer0.weight";
  char digest[FTL_SHA256_HEX];
  ftl_error error = {0};
  ftl_source *base = write_base(SEED_MODEL);
  must(ftl_sha256_file(base_path, digest, &error), &error);
  const ftl_tensor *before = ftl_tensors_find(&base->tensors, name);
  assert_non_null(before);
  const int rows = (int)before->shape[0], columns = (int)before->shape[1], rank = 2;
  write_product(name, rows, rank, rank, columns, digest);
  ftl_source *delta = read_file(delta_path);
  const ftl_tensor *after = ftl_tensors_find(&delta->tensors, name);
  assert_int_equal(after->dtype, FTL_F64);
  assert_int_equal(after->ndim, 2);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) {
      double sum = 0;
      for (int k = 0; k < rank; k++) sum += (double)(1 + i * rank + k) * (1 + rows * rank + k * columns + j);
      assert_true(ftl_tensor_at(after, i * columns + j) == ftl_tensor_at(before, i * columns + j) + sum);
    }
  assert_int_equal(delta->tensors.n, base->tensors.n);
  ftl_source_free(delta);

  static const char shapes[] = "do not have the shapes [rows, rank] and [rank, columns]";
  write_product(name, rows, 2, 1, columns, digest);
  expect_unreadable(NULL, FTL_ERR_FORMAT, name, shapes);
  write_product(name, rows + 1, 1, 1, columns, digest);
  expect_unreadable(NULL, FTL_ERR_FORMAT, name, shapes);
  write_product(name, rows, columns + 1, columns + 1, columns, digest);
  expect_unreadable(NULL, FTL_ERR_FORMAT, name, shapes);
  write_product("atomic_numbers", 2, 1, 1, 1, digest);
  expect_unreadable(NULL, FTL_ERR_FORMAT, "atomic_numbers", "is a factor of no weights");
  ftl_source_free(base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(where_a_recipe_says, clean),
      cmocka_unit_test_teardown(where_the_foundation_is_looked_for, clean),
      cmocka_unit_test_teardown(deltas_that_break_a_rule, clean),
      cmocka_unit_test_teardown(a_delta_of_a_delta, clean),
      cmocka_unit_test_teardown(flipped_bits, clean),
      cmocka_unit_test_teardown(products, clean),
  };
  return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
