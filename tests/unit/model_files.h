/* Small model files for unit tests: the seeds of the fuzzers, and archives with one thing changed. Header only, because
   each test is one program. */
#ifndef FTL_TESTS_MODEL_FILES_H
#define FTL_TESTS_MODEL_FILES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "files/model_file.h"

#define SEED_MODEL "tests/fuzz/corpus/model/residual.model"
#define SEED_HEADS "tests/fuzz/corpus/model/nonlinear-heads.model"
#define SEED_ZBL   "tests/fuzz/corpus/model/density-agnesi-zbl.model"
#define SEED_OLDER "tests/fuzz/corpus/model/older-versions.model"
#define SEED_PLAIN "tests/fuzz/corpus/model/plain-gaussian.model"

typedef struct {
  unsigned char *data; /* malloc'ed */
  size_t size;
} bytes;

static inline bytes load_bytes(const char *path) {
  FILE *file = fopen(path, "rb");
  bytes b = {NULL, 0};
  if (!file) fail_msg("%s cannot be opened: run the tests from the project's root", path);
  fseek(file, 0, SEEK_END);
  b.size = (size_t)ftell(file);
  rewind(file);
  b.data = malloc(b.size + 1);
  assert_non_null(b.data);
  assert_int_equal(fread(b.data, 1, b.size, file), b.size);
  fclose(file);
  return b;
}

static inline void save_bytes(const char *path, const void *data, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* Reads what must be refused: with this code and a message that holds `part`. */
static inline void expect_refusal(const void *data, size_t size, ftl_status code, const char *part) {
  ftl_source *source = NULL;
  ftl_error error = {0};
  ftl_status status = ftl_source_read_memory(data, size, "folder/x.model", &source, &error);
  if (status == FTL_OK) {
    ftl_source_free(source);
    fail_msg("accepted, but '%s' was expected", part);
  }
  assert_null(source);
  assert_int_equal(error.code, status);
  if (status != code || !strstr(error.message, part)) fail_msg("expected '%s', got '%s'", part, error.message);
  assert_non_null(strstr(error.where, "x.model"));
}

static inline ftl_source *read_file(const char *path) {
  ftl_source *source = NULL;
  ftl_error error = {0};
  if (ftl_source_read(path, &source, &error)) fail_msg("%s: %s", error.where, error.message);
  return source;
}

/* ---- archives ---- */

typedef struct {
  const char *name;
  const void *data;
  size_t size;
} entry;

/* A ZIP archive of these entries; compression is ZIP_CM_STORE or ZIP_CM_DEFLATE. */
static inline bytes make_zip(const entry *entries, int n, int compression) {
  char path[] = "/tmp/frozentl-test-XXXXXX";
  int fd = mkstemp(path), code;
  assert_true(fd >= 0);
  close(fd);
  zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
  assert_non_null(zip);
  for (int k = 0; k < n; k++) {
    zip_source_t *source = zip_source_buffer(zip, entries[k].data, entries[k].size, 0);
    zip_int64_t index = zip_file_add(zip, entries[k].name, source, 0);
    assert_true(index >= 0);
    assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)index, compression, 0), 0);
  }
  assert_int_equal(zip_close(zip), 0);
  bytes b = load_bytes(path);
  unlink(path);
  return b;
}

/* An archive with this pickle and nothing else. */
static inline bytes make_pickle_zip(const void *pickle, size_t size) {
  entry e = {"x/data.pkl", pickle, size};
  return make_zip(&e, 1, ZIP_CM_STORE);
}

/* The archive at `path` in which the first `from` after `after` (NULL: the first of all) in its pickle is replaced by
   `to`, all given with their lengths. */
static inline bytes patch_pickle(const char *path, const char *after, const void *from, size_t n_from, const void *to,
                                 size_t n_to) {
  int code, n;
  zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
  assert_non_null(zip);
  n = (int)zip_get_num_entries(zip, 0);
  entry *entries = calloc((size_t)n, sizeof *entries);
  assert_non_null(entries);
  for (int k = 0; k < n; k++) {
    zip_stat_t st;
    assert_int_equal(zip_stat_index(zip, (zip_uint64_t)k, 0, &st), 0);
    char *data = malloc(st.size + n_to + 1);
    zip_file_t *file = zip_fopen_index(zip, (zip_uint64_t)k, 0);
    assert_non_null(data);
    assert_int_equal(zip_fread(file, data, st.size), st.size);
    zip_fclose(file);
    entries[k] = (entry){strdup(st.name), data, st.size};
    if (strcmp(strchr(st.name, '/'), "/data.pkl")) continue;
    char *at = data;
    if (after) at = memmem(data, st.size, after, strlen(after));
    if (at) at = memmem(at, st.size - (size_t)(at - data), from, n_from);
    if (!at) fail_msg("the pickle of %s does not hold what is to be replaced", path);
    size_t rest = st.size - (size_t)(at - data) - n_from;
    memmove(at + n_to, at + n_from, rest);
    memcpy(at, to, n_to);
    entries[k].size = st.size - n_from + n_to;
  }
  zip_discard(zip);
  bytes b = make_zip(entries, n, ZIP_CM_STORE);
  for (int k = 0; k < n; k++) {
    free((char *)entries[k].name);
    free((char *)entries[k].data);
  }
  free(entries);
  return b;
}

/* patch_pickle with strings, and the refusal it must lead to. */
static inline void expect_patch_refused(const char *path, const char *after, const char *from, const char *to,
                                        ftl_status code, const char *part) {
  bytes b = patch_pickle(path, after, from, strlen(from), to, strlen(to));
  expect_refusal(b.data, b.size, code, part);
  free(b.data);
}

#endif
