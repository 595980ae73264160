/* The training state: what is written comes back to the bit; what was not written so is refused in a sentence; a full
   disk leaves the file before. */
#include "model_files.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "tune/state.h"

static char folder[] = "/tmp/ftl-state-XXXXXX", path[64];

static int set_up(void **unused) {
  (void)unused;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/state.ftl", folder);
  return 0;
}

static int tear_down(void **unused) {
  (void)unused;
  unlink(path);
  return rmdir(folder); /* fails when a temporary file was left behind */
}

/* Bits that comparing or printing numbers would lose: NaN with a payload, -0, a denormal, infinities. */
static const uint64_t odd_bits[] = {0x7ff8dead0000beefu, 0xfff0000000000001u, 0x8000000000000000u, 1u,
                                    0x7ff0000000000000u, 0xfff0000000000000u, 0x3fb999999999999au};
enum { N_ODD = sizeof odd_bits / sizeof *odd_bits };

static json_t *example_object(void) {
  return json_pack("{s:I, s:I, s:f, s:{s:[i,i]}, s:s}", "big", (json_int_t)INT64_MAX, "small", (json_int_t)INT64_MIN,
                   "tenth", 0.1, "nested", "list", 1, 2, "text", "quotes \" and \u00c5");
}

static void write_example(double last) {
  double odd[N_ODD], many[1000];
  ftl_error error = {0};
  memcpy(odd, odd_bits, sizeof odd);
  for (int k = 0; k < 1000; k++) many[k] = sin(k);
  many[999] = last;
  const ftl_state_vector vector[] = {{"values", N_ODD, odd}, {"nothing", 0, odd}, {"moments", 1000, many}};
  json_t *object = example_object();
  if (ftl_state_write(path, vector, 3, object, &error)) fail_msg("%s", error.message);
  json_decref(object);
}

static void comes_back_to_the_bit(void **unused) {
  (void)unused;
  ftl_state state;
  ftl_error error = {0};
  const double *data;
  write_example(7);
  if (ftl_state_read(path, &state, &error)) fail_msg("%s", error.message);
  assert_int_equal(state.n, 3);
  assert_string_equal(state.vector[0].name, "values");
  assert_int_equal(ftl_state_find(&state, "values", N_ODD, &data, &error), FTL_OK);
  assert_memory_equal(data, odd_bits, sizeof odd_bits);
  assert_int_equal(ftl_state_find(&state, "moments", 1000, &data, &error), FTL_OK);
  for (int k = 0; k < 999; k++) assert_true(data[k] == sin(k));
  assert_true(data[999] == 7);
  assert_int_equal(ftl_state_find(&state, "nothing", 0, &data, &error), FTL_OK);
  json_t *object = example_object();
  assert_true(json_equal(state.object, object));
  json_decref(object);

  assert_int_equal(ftl_state_find(&state, "moments", 999, &data, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "1000"));
  assert_int_equal(ftl_state_find(&state, "square", 1, &data, &error), FTL_ERR_FORMAT);
  ftl_state_free(&state);
}

static void replaces_the_one_before(void **unused) {
  (void)unused;
  ftl_state state;
  const double *data;
  write_example(1);
  write_example(2);
  assert_int_equal(ftl_state_read(path, &state, NULL), FTL_OK);
  assert_int_equal(ftl_state_find(&state, "moments", 1000, &data, NULL), FTL_OK);
  assert_true(data[999] == 2);
  ftl_state_free(&state);
}

static void refuse(const char *part) {
  ftl_state state;
  ftl_error error = {0};
  if (ftl_state_read(path, &state, &error) == FTL_OK) {
    ftl_state_free(&state);
    fail_msg("accepted, but '%s' was expected", part);
  }
  assert_int_equal(error.code, FTL_ERR_FORMAT);
  if (!strstr(error.message, part)) fail_msg("expected '%s', got '%s'", part, error.message);
  assert_string_equal(error.where, path);
}

static void refuses_damage(void **unused) {
  (void)unused;
  write_example(3);
  bytes good = load_bytes(path);
  save_bytes(path, good.data, 0);
  refuse("empty");
  for (size_t size = 1; size < good.size; size += size < 600 ? 1 : 97) {
    save_bytes(path, good.data, size);
    refuse("cannot be used");
  }
  for (size_t at = 0; at < good.size; at += at < 900 ? 1 : 61) { /* the header and a part of the data */
    unsigned char *byte = &good.data[at];
    const unsigned char before = *byte;
    *byte ^= (unsigned char)(1u << at % 7);
    save_bytes(path, good.data, good.size);
    refuse("training state");
    *byte = before;
  }
  good.data[good.size] = 0; /* load_bytes has room for one more */
  save_bytes(path, good.data, good.size + 1);
  refuse("cannot be used");
  free(good.data);
}

static void refuses_other_files(void **unused) {
  (void)unused;
  write_example(3);
  bytes b = load_bytes(path);
  unsigned char *version = memmem(b.data, b.size, "\"format_version\":\"1\"", 20);
  assert_non_null(version);
  version[18] = '2';
  save_bytes(path, b.data, b.size);
  refuse("version 2");
  free(b.data);
  b = load_bytes("tests/fuzz/corpus/ftl/residual.ftl"); /* a model is no state */
  save_bytes(path, b.data, b.size);
  refuse("no training state");
  free(b.data);

  ftl_state state;
  ftl_error error = {0};
  unlink(path);
  assert_int_equal(ftl_state_read(path, &state, &error), FTL_ERR_IO);
  assert_int_equal(ftl_state_read(folder, &state, &error), FTL_ERR_IO);
}

/* RLIMIT_FSIZE fails a write in the middle of the file as a full disk does. */
static void full_disk_keeps_the_old_file(void **unused) {
  (void)unused;
  write_example(4);
  bytes before = load_bytes(path);
  struct rlimit old, low;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  low = old;
  low.rlim_cur = 20000;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
  double *big = calloc(5000, sizeof *big);
  json_t *object = json_object();
  ftl_error error = {0};
  const ftl_state_vector vector = {"values", 5000, big};
  const ftl_status status = ftl_state_write(path, &vector, 1, object, &error);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  free(big);
  json_decref(object);
  assert_int_equal(status, FTL_ERR_IO);
  assert_non_null(strstr(error.message, "File too large"));
  bytes after = load_bytes(path);
  assert_int_equal(after.size, before.size);
  assert_memory_equal(after.data, before.data, before.size);
  free(before.data);
  free(after.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back_to_the_bit), cmocka_unit_test(replaces_the_one_before),
                                     cmocka_unit_test(refuses_damage), cmocka_unit_test(refuses_other_files),
                                     cmocka_unit_test(full_disk_keeps_the_old_file)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
