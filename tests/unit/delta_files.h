/* A foundation, a fine-tune of it as a full file and as a delta, in a folder of /tmp; for tests of either. Header only,
   because each test is one program. */
#ifndef FTL_TESTS_DELTA_FILES_H
#define FTL_TESTS_DELTA_FILES_H

#include "model_files.h"

#include <jansson.h>
#include <math.h>
#include <sys/stat.h>

#include "tune/checkpoint.h"
#include "model/provenance.h"

static char folder[] = "/tmp/frozentl-test-XXXXXX";
static char base_path[64], full_path[64], delta_path[64], places[2][64];

static inline int make_folders(void **unused) {
  (void)unused;
  if (!mkdtemp(folder)) return -1;
  snprintf(base_path, sizeof base_path, "%s/base.ftl", folder);
  snprintf(full_path, sizeof full_path, "%s/full.ftl", folder);
  snprintf(delta_path, sizeof delta_path, "%s/delta.ftl", folder);
  for (int k = 0; k < 2; k++) {
    snprintf(places[k], sizeof places[k], "%s/place%d", folder, k);
    if (mkdir(places[k], 0777)) return -1;
  }
  unsetenv("FROZENTL_PATH");
  return 0;
}

static inline int clean(void **unused) {
  (void)unused;
  char path[128];
  unlink(base_path);
  unlink(full_path);
  unlink(delta_path);
  for (int k = 0; k < 2; k++) {
    snprintf(path, sizeof path, "%s/base.ftl", places[k]);
    unlink(path);
  }
  unsetenv("FROZENTL_PATH");
  return 0;
}

static inline int remove_folders(void **unused) {
  (void)unused;
  return rmdir(places[0]) || rmdir(places[1]) || rmdir(folder); /* fails if anything was left behind */
}

static inline void must(ftl_status status, const ftl_error *error) {
  if (status) fail_msg("%s: %s", error->where, error->message);
}

static inline ftl_source *write_base(const char *seed) {
  ftl_error error = {0};
  ftl_source *source = read_file(seed);
  must(ftl_source_write(source, base_path, &error), &error);
  ftl_source_free(source);
  return read_file(base_path);
}

/* A fine-tune: readouts get other values (or the group that is given), and E0, which is fitted and not trained. */
static inline void fine_tune(ftl_source *source, ftl_group group, ftl_parameters *parameters) {
  ftl_error error = {0};
  must(ftl_parameters_list(source, parameters, &error), &error);
  double *values = malloc((size_t)parameters->count * sizeof *values);
  ftl_parameters_get(parameters, source, values);
  for (int k = 0; k < parameters->n; k++) {
    ftl_parameter *p = &parameters->parameter[k];
    p->trained = p->group == group || p->group == FTL_GROUP_E0;
    for (int64_t i = 0; i < p->count; i++) values[p->offset + i] += 0.01 * sin((double)(p->offset + i));
  }
  must(ftl_parameters_put(parameters, values, source, &error), &error);
  for (int k = 0; k < parameters->n; k++)
    if (parameters->parameter[k].group == FTL_GROUP_E0) parameters->parameter[k].trained = false;
  free(values);
}

static inline ftl_checkpoint_info describe(const char *foundation, char digest[FTL_SHA256_HEX]) {
  static json_t *freeze, *dataset, *training;
  ftl_error error = {0};
  must(ftl_sha256_file(foundation, digest, &error), &error);
  if (!freeze) {
    freeze = json_pack("{s:[s,s]}", "freeze", "f6", "radial");
    dataset = json_pack("{s:[{s:s, s:i}], s:s}", "files", "name", "a.xyz", "frames", 7, "sha256", "00");
    training = json_pack("{s:i, s:f}", "epochs", 3, "forces_rmse", 0.1);
  }
  return (ftl_checkpoint_info){
      .foundation = foundation, .sha256 = digest, .freeze = freeze, .dataset = dataset, .training = training};
}

/* Writes full.ftl and delta.ftl of one fine-tune of `foundation`; `source` is read and cut as for training. */
static inline void write_both(ftl_source *source, const char *foundation, ftl_group group) {
  char digest[FTL_SHA256_HEX];
  ftl_error error = {0};
  ftl_parameters parameters;
  ftl_source *base;
  must(ftl_checkpoint_base(foundation, source, &base, &error), &error);
  fine_tune(source, group, &parameters);
  ftl_checkpoint_info info = describe(foundation, digest);
  must(ftl_checkpoint_write(source, &parameters, &info, full_path, &error), &error);
  info.base = base;
  must(ftl_checkpoint_write(source, &parameters, &info, delta_path, &error), &error);
  ftl_parameters_free(&parameters);
  ftl_source_free(base);
}

static inline void write_example(void) {
  ftl_source *source = write_base(SEED_MODEL);
  write_both(source, base_path, FTL_GROUP_READOUT);
  ftl_source_free(source);
}

static inline void compare_tensors(const ftl_source *a, const ftl_source *b) {
  assert_int_equal(a->tensors.n, b->tensors.n);
  for (int k = 0; k < a->tensors.n; k++) {
    const ftl_tensor *x = &a->tensors.tensor[k], *y = &b->tensors.tensor[k];
    assert_string_equal(x->name, y->name);
    assert_int_equal(x->dtype, y->dtype);
    assert_int_equal(x->is_parameter, y->is_parameter);
    assert_int_equal(x->ndim, y->ndim);
    assert_memory_equal(x->shape, y->shape, (size_t)x->ndim * sizeof *x->shape);
    assert_memory_equal(x->data, y->data, (size_t)x->count * ftl_dtype_bytes(x->dtype));
  }
}

static inline void expect_same_model(void) {
  ftl_source *full = read_file(full_path), *delta = read_file(delta_path);
  assert_true(delta->delta);
  assert_false(full->delta);
  compare_tensors(full, delta);
  assert_string_equal(full->metadata, delta->metadata);
  ftl_source_free(full);
  ftl_source_free(delta);
}

/* ---- header of a file ---- */

static inline json_t *header_of(const char *path, bytes *file) {
  *file = load_bytes(path);
  uint64_t length = 0;
  for (int k = 7; k >= 0; k--) length = length << 8 | file->data[k];
  json_t *header = json_loadb((char *)file->data + 8, length, 0, NULL);
  assert_non_null(header);
  return header;
}

static inline json_t *metadata_of(json_t *header) { return json_object_get(header, "__metadata__"); }

#endif
