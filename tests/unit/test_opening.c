/* What makes opening a model quick, without a clock: an .ftl file is mapped and its tensors stay where they are, tables
   are made for the elements asked for and no others, and receivers share the first layer's tables where these do not
   depend on them. */
#include "model_files.h"

#include "model/prepared.h"
#include "frozentl.h"

#include <unistd.h>

static const struct {
  const char *model;
  bool transform; /* of distances: each pair of elements has radial functions of its own */
  bool shared;    /* nothing of the receiver is in the first layer's tables: there is one per sender */
} models[] = {{SEED_MODEL, false, true}, {SEED_ZBL, true, false}, {"potentials/ftl-metals-0.ftl", false, false}};
#define N_MODELS (sizeof models / sizeof *models)

/* The addresses at which this process has mapped a file, read-only. */
static void mapping_of(const char *path, uintptr_t *begin, uintptr_t *end) {
  char line[4096], rights[5];
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  *begin = *end = 0;
  while (fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    if (!strstr(line, path) || sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3) continue;
    assert_string_equal(rights, "r--p");
    *begin = from;
    *end = to;
  }
  fclose(maps);
}

static void tensors_stay_in_the_file(void **unused) {
  (void)unused;
  const char *path = "potentials/h2cu.ftl";
  uintptr_t begin, end;
  ftl_source *source = read_file(path);
  mapping_of(path, &begin, &end);
  assert_true(begin != 0);
  size_t copied = 0, all = 0;
  for (int t = 0; t < source->tensors.n; t++) {
    const ftl_tensor *tensor = &source->tensors.tensor[t];
    if (strstr(tensor->name, ".U_matrix_")) continue; /* not in the file: made by the reader */
    const size_t size = (size_t)tensor->count * ftl_dtype_bytes(tensor->dtype);
    const uintptr_t at = (uintptr_t)tensor->data;
    all += size;
    if (at < begin || at >= end) copied += size;
  }
  print_message("%zu of %zu bytes copied\n", copied, all);
  assert_true(all > 300000);
  assert_true(copied < 1000); /* what does not lie at a multiple of 8 bytes: a few buffers */
  ftl_source_free(source);
  mapping_of(path, &begin, &end);
  assert_true(begin == 0);

  ftl_model *model; /* nor does an opened model hold on to the file */
  ftl_error error = {0};
  if (ftl_model_open(path, NULL, &model, &error)) fail_msg("%s", error.message);
  mapping_of(path, &begin, &end);
  assert_true(begin == 0);
  ftl_model_free(model);
}

static int different(const size_t *offset, int n, int stride) {
  int found = 0;
  for (int a = 0; a < n; a++) {
    bool new = true;
    for (int b = 0; b < a && new; b++) new = offset[b * stride] != offset[a * stride];
    found += new;
  }
  return found;
}

static void check_tables(const ftl_model *model, int n, size_t k) {
  const ftl_first_layer *first = &model->layer[0].first_layer;
  assert_int_equal(model->n_species, n);
  assert_int_equal(model->n_classes, models[k].transform ? n * (n + 1) / 2 : 1);
  assert_int_equal(different(first->v_offset, n * n, first->n_paths), models[k].shared ? n : n * n);
  assert_int_equal(different(first->vt_offset, n * n, first->n_paths), models[k].shared ? n : n * n);
}

static void tables_of_the_elements_in_use(void **unused) {
  (void)unused;
  for (size_t k = 0; k < N_MODELS; k++) {
    ftl_error error = {0};
    ftl_model *all, *few;
    if (ftl_model_open(models[k].model, NULL, &all, &error)) fail_msg("%s", error.message);
    const int n = all->n_species / 2;
    assert_true(n > 0);
    const ftl_open_options options = {.elements = all->arch.atomic_numbers, .n_elements = n};
    if (ftl_model_open(models[k].model, &options, &few, &error)) fail_msg("%s", error.message);
    check_tables(all, all->n_species, k);
    check_tables(few, n, k);
    ftl_model_free(all);
    ftl_model_free(few);
  }
}

/* An option without effect is refused. */
static void no_foundation_for_whole_models(void **unused) {
  (void)unused;
  const char *whole[] = {"potentials/h2cu.ftl", "potentials/h2cu-ace.ftl", "potentials/h2cu-ace.yace", SEED_MODEL};
  for (size_t k = 0; k < sizeof whole / sizeof *whole; k++) {
    ftl_model *model = NULL;
    ftl_error error = {0};
    const ftl_open_options options = {.foundation = "potentials/h2cu.ftl"};
    if (access(whole[k], R_OK)) continue;
    assert_int_equal(ftl_model_open(whole[k], &options, &model, &error), FTL_ERR_INPUT);
    assert_string_equal(error.where, whole[k]);
    assert_non_null(strstr(error.message, "foundation"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_stay_in_the_file),
                                     cmocka_unit_test(no_foundation_for_whole_models),
                                     cmocka_unit_test(tables_of_the_elements_in_use)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
