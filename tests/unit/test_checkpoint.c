/* Checkpoints of a run: a delta with its foundation is the full file to the bit, holds what changed only, is small, and
   is refused where it cannot hold the model; what a model was trained on is in the file. */
#include "delta_files.h"
#include "new_model/new_model.h"

static void a_delta_is_the_full_file(void **unused) {
  (void)unused;
  static const char *const seeds[] = {SEED_MODEL, SEED_HEADS, SEED_ZBL, SEED_PLAIN, SEED_OLDER};
  static const ftl_group groups[] = {FTL_GROUP_READOUT, FTL_GROUP_RADIAL, FTL_GROUP_PRODUCT_WEIGHTS};
  for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++)
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
      ftl_source *source = write_base(seeds[k]);
      write_both(source, base_path, groups[g]);
      expect_same_model();
      ftl_source_free(source);
    }
}

static void a_torch_file_as_foundation(void **unused) {
  (void)unused;
  char path[128];
  bytes model = load_bytes(SEED_HEADS);
  snprintf(path, sizeof path, "%s/base.ftl", places[0]); /* told apart by content, so the name does not matter */
  save_bytes(path, model.data, model.size);
  free(model.data);
  setenv("FROZENTL_PATH", places[0], 1);
  ftl_source *source = read_file(path);
  write_both(source, path, FTL_GROUP_READOUT);
  expect_same_model();
  ftl_source_free(source);
}

static void holds_what_changed_only(void **unused) {
  (void)unused;
  write_example();
  bytes file;
  json_t *header = header_of(delta_path, &file), *value;
  const char *name;
  int readouts = 0, energies = 0;
  json_object_foreach(header, name, value) {
    if (!strncmp(name, "readouts.", 9)) readouts++;
    else if (!strcmp(name, "atomic_energies_fn.atomic_energies")) energies++;
    else assert_string_equal(name, "__metadata__");
  }
  assert_true(readouts > 0);
  assert_int_equal(energies, 1);
  free(file.data);

  /* what it was trained on is there, in the keys of the format */
  json_t *metadata = metadata_of(header);
  assert_string_equal(json_string_value(json_object_get(metadata, "kind")), "delta");
  assert_non_null(strstr(json_string_value(json_object_get(metadata, "foundation")), "\"name\":\"base.ftl\""));
  assert_string_equal(json_string_value(json_object_get(metadata, "freeze")), "{\"freeze\":[\"f6\",\"radial\"]}");
  assert_non_null(strstr(json_string_value(json_object_get(metadata, "trained")), "readouts."));
  assert_null(strstr(json_string_value(json_object_get(metadata, "trained")), "atomic_energies"));
  assert_non_null(strstr(json_string_value(json_object_get(metadata, "dataset")), "\"frames\":7"));
  assert_non_null(strstr(json_string_value(json_object_get(metadata, "training")), "\"epochs\":3"));
  json_decref(header);
}

/* As the training loop has it: scale and shift become float64. Frozen weights in another type are no difference. */
static void other_types(void **unused) {
  (void)unused;
  ftl_error error = {0};
  ftl_source *source = write_base(SEED_MODEL);
  ftl_tensor *shift = (ftl_tensor *)ftl_tensors_find(&source->tensors, "scale_shift.shift");
  double value = ftl_tensor_at(shift, 0);
  const void *old = shift->data;
  shift->data = &value;
  shift->dtype = FTL_F64;
  write_both(source, base_path, FTL_GROUP_READOUT);
  expect_same_model();
  shift->data = old;
  shift->dtype = FTL_F32;
  must(ftl_source_cast(source, FTL_F64, &error), &error);
  write_both(source, base_path, FTL_GROUP_READOUT);
  ftl_source *full = read_file(full_path), *delta = read_file(delta_path);
  for (int k = 0; k < full->tensors.n; k++)
    for (int64_t i = 0; i < full->tensors.tensor[k].count; i++)
      assert_true(ftl_tensor_at(&full->tensors.tensor[k], i) == ftl_tensor_at(&delta->tensors.tensor[k], i));
  bytes file;
  json_t *header = header_of(delta_path, &file);
  assert_null(json_object_get(header, "interactions.0.linear.weight"));
  json_decref(header);
  free(file.data);
  ftl_source_free(full);
  ftl_source_free(delta);
  ftl_source_free(source);
}

static void foundation_cut_before_training(void **unused) {
  (void)unused;
  ftl_error error = {0};
  ftl_source *source = write_base(SEED_HEADS);
  const int element = source->arch.atomic_numbers[source->arch.n_elements - 1];
  must(ftl_source_cut_elements(source, &element, 1, &error), &error);
  must(ftl_source_cut_head(source, source->arch.heads[1], &error), &error);
  write_both(source, base_path, FTL_GROUP_READOUT);
  ftl_source_free(source);
  expect_same_model();
}

static void what_a_delta_cannot_hold(void **unused) {
  (void)unused;
  ftl_error error = {0};
  ftl_source *source = write_base(SEED_MODEL), *base;
  const ftl_new_element gold = {.atomic_number = 79, .like = FTL_LIKE_MEAN, .e0 = NAN};
  must(ftl_source_add_elements(source, &gold, 1, NULL, &error), &error);
  assert_int_equal(ftl_checkpoint_base(base_path, source, &base, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "Au"));
  assert_non_null(strstr(error.message, "full checkpoint"));
  assert_null(base);
  ftl_source_free(source);

  write_example();
  source = read_file(delta_path);
  assert_int_equal(ftl_checkpoint_base(delta_path, source, &base, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "delta of a delta"));
  ftl_source_free(source);
}

/* Energies and forces of some atoms by a file, through the public interface. */
static void answer_of(const char *path, const char *foundation, int element, double *forces, double *energy) {
  enum { N = 4 };
  static const double x[N][3] = {{0, 0, 0}, {1.1, 0.2, 0}, {-0.3, 1.4, 0.5}, {0.4, -0.6, 1.7}};
  ftl_error error = {0};
  ftl_model *model;
  ftl_workspace *workspace;
  const ftl_open_options options = {.elements = &element, .n_elements = 1, .foundation = foundation};
  const int species[N] = {0};
  must(ftl_model_open(path, &options, &model, &error), &error);
  must(ftl_workspace_new(model, 1, &workspace, &error), &error);
  ftl_result result = {.forces = forces};
  must(ftl_compute(workspace, N, species, x, NULL, (int[3]){0}, &result, &error), &error);
  *energy = result.energy;
  ftl_workspace_free(workspace);
  ftl_model_free(model);
}

/* The case that deltas are for: only the readouts of a foundation with 89 elements are trained. */
static void small_and_the_same(void **unused) {
  (void)unused;
  const char *shared = getenv("FTL_SHARED");
  char foundation[1024];
  double full_forces[12], delta_forces[12], full, delta;
  struct stat info, whole;
  snprintf(foundation, sizeof foundation, "%s/reference/mace/mp0a-small.model", shared ? shared : "../shared");
  if (access(foundation, R_OK)) {
    print_message("skipped: there is no %s\n", foundation);
    skip();
  }
  ftl_source *source = read_file(foundation);
  write_both(source, foundation, FTL_GROUP_READOUT);
  ftl_source_free(source);
  assert_int_equal(stat(delta_path, &info), 0);
  assert_int_equal(stat(full_path, &whole), 0);
  print_message("mp0a-small with trained readouts: %lld bytes, the full file %lld\n", (long long)info.st_size,
                (long long)whole.st_size);
  assert_true(info.st_size < 100000);
  answer_of(full_path, NULL, 29, full_forces, &full);
  answer_of(delta_path, foundation, 29, delta_forces, &delta);
  assert_memory_equal(&full, &delta, sizeof full);
  assert_memory_equal(full_forces, delta_forces, sizeof full_forces);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(a_delta_is_the_full_file, clean),
      cmocka_unit_test_teardown(a_torch_file_as_foundation, clean),
      cmocka_unit_test_teardown(holds_what_changed_only, clean),
      cmocka_unit_test_teardown(other_types, clean),
      cmocka_unit_test_teardown(foundation_cut_before_training, clean),
      cmocka_unit_test_teardown(what_a_delta_cannot_hold, clean),
      cmocka_unit_test_teardown(small_and_the_same, clean),
  };
  return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
