/* Names of foundations: the table is sound, folders are looked through in order, digests are compared, and everything
   that is no name stays as it is. */
#include "model_files.h"

#include <sys/stat.h>

#include "files/foundations.h"
#include "model/provenance.h"

static char folder[] = "/tmp/frozentl-test-XXXXXX";
static char first[64], second[64], cache[80];

static int make_folders(void **unused) {
  (void)unused;
  if (!mkdtemp(folder)) return -1;
  snprintf(first, sizeof first, "%s/first", folder);
  snprintf(second, sizeof second, "%s/second", folder);
  snprintf(cache, sizeof cache, "%s/frozentl", folder);
  unsetenv("FROZENTL_PATH");
  return setenv("XDG_CACHE_HOME", folder, 1) || mkdir(first, 0777) || mkdir(second, 0777) || mkdir(cache, 0777);
}

static int remove_folders(void **unused) {
  (void)unused;
  return rmdir(first) || rmdir(second) || rmdir(cache) || rmdir(folder); /* fails if anything was left behind */
}

static void put(const char *where, const char *name, const char *text) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", where, name);
  if (!text) {
    assert_int_equal(unlink(path), 0);
    return;
  }
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void table(void **unused) {
  (void)unused;
  for (int k = 0; k < ftl_n_foundations; k++) {
    const ftl_foundation *f = &ftl_foundations[k];
    assert_ptr_equal(ftl_foundation_find(f->name), f); /* no name and no file is there twice */
    assert_ptr_equal(ftl_foundation_of_file(f->file), f);
    assert_null(strchr(f->name, '/'));
    assert_int_equal(strncmp(f->file, f->name, strlen(f->name)), 0);
    assert_true(f->package || !strncmp(f->source, "https://", 8));
    assert_true(*f->licence && *f->citation && *f->about);
    if (f->sha256) assert_int_equal(strspn(f->sha256, "0123456789abcdef"), FTL_SHA256_HEX - 1);
  }
  assert_null(ftl_foundation_find("sevennet"));
}

static void folders(void **unused) {
  (void)unused;
  char path[FTL_PATH_ROOM], text[200];
  snprintf(text, sizeof text, ":%s::%s:", first, second);
  setenv("FROZENTL_PATH", text, 1);
  const char *const want[] = {first, second, cache};
  for (int k = 0; k < 3; k++) {
    assert_true(ftl_search_folder(k, path));
    assert_string_equal(path, want[k]);
  }
  assert_false(ftl_search_folder(3, path));
  unsetenv("FROZENTL_PATH");
  assert_true(ftl_search_folder(0, path));
  assert_string_equal(path, cache);

  setenv("XDG_CACHE_HOME", "relative", 1); /* which its specification forbids */
  setenv("HOME", "/home/somebody", 1);
  assert_true(ftl_search_folder(0, path));
  assert_string_equal(path, "/home/somebody/.cache/frozentl");
  unsetenv("HOME");
  assert_false(ftl_search_folder(0, path));
  setenv("XDG_CACHE_HOME", folder, 1);
}

static void expect(const char *given, ftl_status status, const char *part) {
  char path[FTL_PATH_ROOM] = "";
  ftl_error error = {0};
  assert_int_equal(ftl_model_path(given, path, sizeof path, &error), status);
  if (!strstr(status ? error.message : path, part)) fail_msg("'%s' is not in '%s%s'", part, error.message, path);
}

static void names(void **unused) {
  (void)unused;
  static const char name[] = "mace-mp-0-small", file[] = "mace-mp-0-small.model",
                    record[] = "mace-mp-0-small.model.sha256";
  char path[8];
  setenv("FROZENTL_PATH", first, 1);
  expect("some/where.model", FTL_OK, "some/where.model");
  expect("./mace-mp-0-small", FTL_OK, "./mace-mp-0-small");
  expect(name, FTL_ERR_IO, "frozentl foundation mace-mp-0-small");
  expect(name, FTL_ERR_IO, first);
  put(cache, file, "abc");
  expect(name, FTL_OK, cache);
  put(first, file, "abc");
  expect(name, FTL_OK, first);
  assert_int_equal(ftl_model_path(name, path, sizeof path, NULL), FTL_ERR_IO); /* too long */
  assert_int_equal(ftl_model_path(NULL, path, sizeof path, NULL), FTL_ERR_ARGUMENT);

  /* FIPS 180-2, of "abc" */
  put(first, record, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  x\n");
  expect(name, FTL_OK, first);
  put(first, file, "abd");
  expect(name, FTL_ERR_FORMAT, "first download");
  put(first, record, "ba7816bf");
  expect(name, FTL_ERR_FORMAT, "64 hexadecimal digits");
  put(first, "sevennet-0.pth", "abc");
  expect("sevennet-0", FTL_ERR_FORMAT, "7052cb42b7b3");
  put(first, "sevennet-0.pth", NULL);
  put(first, record, NULL);
  put(first, file, NULL);
  put(cache, file, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(folders), cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
