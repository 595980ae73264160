/* Reading `.model` files: what comes out of good ones, and which sentence the others get. */
#include "model_files.h"
#include "twins.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- good files ---- */

static void architecture_of_a_seed(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_MODEL);
  const ftl_architecture *a = &s->arch;
  char text[64];
  assert_true(a->scale_shift);
  assert_int_equal(a->n_elements, 2);
  assert_int_equal(a->atomic_numbers[1], 29);
  assert_int_equal(a->norm_elements, 2);
  assert_int_equal(a->n_heads, 1);
  assert_int_equal(a->norm_heads, 1);
  assert_string_equal(a->heads[0], "Default");
  assert_true(a->r_max == 4);
  assert_int_equal(a->num_bessel, 2);
  assert_int_equal(a->radial, FTL_RADIAL_BESSEL);
  assert_int_equal(a->transform, FTL_TRANSFORM_NONE);
  assert_true(a->apply_cutoff);
  assert_false(a->pair_repulsion);
  assert_int_equal(a->n_layers, 2);
  assert_int_equal(a->layer[0].kind, FTL_INTERACTION_RESIDUAL);
  assert_true(a->layer[1].use_sc);
  assert_int_equal(a->layer[1].correlation, 2);
  assert_true(a->layer[0].avg_num_neighbors == 8);
  assert_true(fabs(a->layer[0].radial_act_cst - 1.6791767923989418) < 1e-15); /* e3nn's constant of silu */
  assert_true(ftl_irreps_format(&a->layer[1].node_feats, text, sizeof text));
  assert_string_equal(text, "2x0e+2x1o");
  assert_int_equal(a->n_readouts, 2);
  assert_int_equal(a->readout[0].kind, FTL_READOUT_LINEAR);
  assert_int_equal(a->readout[1].kind, FTL_READOUT_NONLINEAR);
  assert_int_equal(a->readout[1].layer, 1);
  assert_int_equal(a->readout[1].gate, FTL_ACTIVATION_SILU);
  assert_false(a->readout[1].masks_heads);
  assert_non_null(strstr(s->metadata, "\"source\":\"residual.model\""));
  ftl_source_free(s);
}

/* The Wigner 3j come out of the TorchScript archive inside the pickle; their squares sum to one. */
static void wigner_3j_of_nested_archives(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_MODEL);
  const ftl_tensor *w = ftl_tensors_find(&s->tensors, "interactions.1.conv_tp._compiled_main_left_right._w3j_1_1_2");
  double sum = 0;
  assert_non_null(w);
  assert_int_equal(w->dtype, FTL_F32);
  assert_int_equal(w->ndim, 3);
  assert_int_equal(w->shape[2], 5);
  assert_false(w->is_parameter);
  for (int64_t k = 0; k < w->count; k++) sum += ftl_tensor_at(w, k) * ftl_tensor_at(w, k);
  assert_true(fabs(sum - 1) < 1e-6);
  ftl_source_free(s);
}

static void parameters_are_told_from_buffers(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_MODEL);
  assert_true(ftl_tensors_find(&s->tensors, "interactions.0.linear_up.weight")->is_parameter);
  assert_true(
      ftl_tensors_find(&s->tensors, "products.0.symmetric_contractions.contractions.0.weights.0")->is_parameter);
  assert_false(ftl_tensors_find(&s->tensors, "atomic_energies_fn.atomic_energies")->is_parameter);
  assert_null(ftl_tensors_find(&s->tensors, "interactions.0.linear_up.output_mask"));
  ftl_source_free(s);
}

static void options_of_other_seeds(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_HEADS);
  assert_int_equal(s->arch.layer[0].kind, FTL_INTERACTION_NONLINEAR);
  assert_true(s->arch.layer[0].agnostic_product);
  assert_false(s->arch.apply_cutoff);
  assert_int_equal(s->arch.n_heads, 2);
  assert_string_equal(s->arch.heads[1], "b");
  assert_true(fabs(s->arch.layer[0].gate_cst - 1.8467055342154763) < 1e-15);
  ftl_source_free(s);
  s = read_file(SEED_ZBL);
  assert_int_equal(s->arch.layer[0].kind, FTL_INTERACTION_DENSITY);
  assert_int_equal(s->arch.transform, FTL_TRANSFORM_AGNESI);
  assert_true(s->arch.pair_repulsion);
  ftl_source_free(s);
  s = read_file(SEED_PLAIN);
  assert_int_equal(s->arch.radial, FTL_RADIAL_GAUSSIAN);
  assert_true(fabs(s->arch.gaussian_coeff + 0.5 / 16) < 1e-15); /* -1/2 / (r_max/(n-1))^2 */
  assert_false(s->arch.scale_shift);
  ftl_source_free(s);
}

/* No heads, no apply_cutoff, irreps as text, a numpy number, e3nn's nn.Gate, a cutoff in ZBL that is not used. */
static void models_of_older_versions(void **unused) {
  (void)unused;
  ftl_source *s = read_file(SEED_OLDER);
  assert_int_equal(s->arch.n_heads, 1);
  assert_string_equal(s->arch.heads[0], "Default");
  assert_true(s->arch.apply_cutoff);
  assert_true(s->arch.layer[0].avg_num_neighbors == 8);
  assert_int_equal(s->arch.layer[0].hidden.n, 1);
  assert_true(fabs(s->arch.layer[0].gate_scalar_cst - 1.6791767923989418) < 1e-15);
  assert_true(fabs(s->arch.layer[0].gate_cst - 1.8467055342154763) < 1e-15);
  assert_int_equal(ftl_tensors_find(&s->tensors, "pair_repulsion_fn.p")->dtype, FTL_F32);
  assert_null(ftl_tensors_find(&s->tensors, "pair_repulsion_fn.r_max"));
  ftl_source_free(s);
}

/* A reference model against the options it was made with. */
static void compare_with_options(const char *twin) {
  json_t *root = read_answers(twin), *made = json_object_get(root, "architecture");
  const char *hidden = json_string_value(json_object_get(made, "hidden"));
  json_t *z = json_object_get(made, "z"), *heads = json_object_get(made, "heads");
  ftl_irreps irreps;
  ftl_source *s = read_twin(twin);
  if (json_is_integer(json_object_get(made, "nint"))) { /* as in ../shared/reference/mace */
    assert_int_equal(s->arch.n_layers, json_integer_value(json_object_get(made, "nint")));
    assert_int_equal(s->arch.n_elements, json_array_size(z));
    for (size_t j = 0; j < json_array_size(z); j++)
      assert_int_equal(s->arch.atomic_numbers[j], json_integer_value(json_array_get(z, j)));
    assert_int_equal(s->arch.n_heads, json_array_size(heads));
    for (size_t j = 0; j < json_array_size(heads); j++)
      assert_string_equal(s->arch.heads[j], json_string_value(json_array_get(heads, j)));
    assert_int_equal(ftl_irreps_parse(hidden, &irreps, NULL), FTL_OK);
    if (s->arch.n_layers > 1) assert_true(ftl_irreps_equal(&s->arch.layer[1].node_feats, &irreps));
    assert_int_equal(s->arch.layer[0].correlation, json_integer_value(json_object_get(made, "corr")));
    assert_int_equal(s->arch.sh.n - 1, json_integer_value(json_object_get(made, "ell")));
    assert_int_equal(s->arch.num_bessel, json_integer_value(json_object_get(made, "num_bessel")));
    assert_int_equal(s->arch.pair_repulsion, json_is_true(json_object_get(made, "zbl")));
    assert_int_equal(s->arch.scale_shift, json_is_true(json_object_get(made, "scaleshift")));
    assert_true(s->arch.layer[0].avg_num_neighbors == json_number_value(json_object_get(made, "avg")));
  }
  json_decref(root);
  ftl_source_free(s);
}

static void reference_models(void **unused) {
  (void)unused;
  for_each_twin(compare_with_options);
}

/* ---- files that are no models ---- */

static void expect_path_refused(const char *path, ftl_status code, const char *part) {
  ftl_source *source = NULL;
  ftl_error error = {0};
  assert_int_equal(ftl_source_read(path, &source, &error), code);
  assert_null(source);
  if (!strstr(error.message, part)) fail_msg("expected '%s', got '%s'", part, error.message);
  assert_string_equal(error.where, path);
}

static void paths(void **unused) {
  (void)unused;
  char folder[] = "/tmp/frozentl-test-XXXXXX", path[64];
  assert_non_null(mkdtemp(folder));
  expect_path_refused("/tmp/there-is-no-such.model", FTL_ERR_IO, "cannot be opened: No such file");
  expect_path_refused(folder, FTL_ERR_IO, "a folder");
  snprintf(path, sizeof path, "%s/fifo", folder);
  assert_int_equal(mkfifo(path, 0600), 0);
  expect_path_refused(path, FTL_ERR_IO, "a device or pipe");
  unlink(path);
  snprintf(path, sizeof path, "%s/empty.model", folder);
  save_bytes(path, "", 0);
  expect_path_refused(path, FTL_ERR_FORMAT, "empty");
  int fd = open(path, O_WRONLY);
  assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0); /* a sparse terabyte */
  close(fd);
  expect_path_refused(path, FTL_ERR_FORMAT, "more than any model");
  unlink(path);
  rmdir(folder);
  assert_int_equal(ftl_source_read(NULL, &(ftl_source *){NULL}, NULL), FTL_ERR_ARGUMENT);
}

static void other_content(void **unused) {
  (void)unused;
  expect_refusal("", 0, FTL_ERR_FORMAT, "empty");
  expect_refusal("hello, this is text", 19, FTL_ERR_FORMAT, "neither a MACE .model file");
  expect_refusal("\x80\x02}q\0.", 6, FTL_ERR_UNSUPPORTED, "bare pickle");
  expect_refusal("PK\3\4", 4, FTL_ERR_FORMAT, "truncated or damaged");
}

static void pickles_that_are_no_models(void **unused) {
  (void)unused;
  static const struct {
    const char *pickle;
    size_t size;
    ftl_status code;
    const char *part;
  } cases[] = {
#define CASE(pickle, code, part) {pickle, sizeof(pickle) - 1, code, part}
      CASE("cos\nsystem\n(X\4\0\0\0halttR.", FTL_ERR_UNSUPPORTED, "the file holds os.system"),
      CASE("cposix\nsystem\n.", FTL_ERR_UNSUPPORTED, "the file holds posix.system"),
      CASE("\x80\x02}.", FTL_ERR_UNSUPPORTED, "state_dict"),
      CASE("\x80\x02N.", FTL_ERR_UNSUPPORTED, "the file holds None"),
      CASE("cmace.modules.models\nMACE\n)\x81.", FTL_ERR_FORMAT, "no submodules"),
      CASE("cmace.modules.models\nMACE\n)\x81}X\x08\0\0\0_modules}sb.", FTL_ERR_FORMAT, "atomic_numbers"),
      CASE("", FTL_ERR_FORMAT, "ends in the middle"),
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    bytes b = make_pickle_zip(cases[k].pickle, cases[k].size);
    expect_refusal(b.data, b.size, cases[k].code, cases[k].part);
    free(b.data);
  }
}

/* Modules in modules, and modules shared so often that a walk without a limit would take for ever. */
static void bottomless_modules(void **unused) {
  (void)unused;
  static const char root[] = "cmace.modules.models\nMACE\n)\x81}X\x08\0\0\0_modules}X\x08\0\0\0products";
  static const char begin[] = "ctorch.nn.modules.container\nSequential\n)\x81}X\x08\0\0\0_modules}X\1\0\0\0a";
  static const char both[] = "X\1\0\0\0bh\0uu"; /* a second child "b": the same as "a" */
  char pickle[8192];
  for (int shared = 0; shared < 2; shared++) {
    size_t n = sizeof root - 1;
    memcpy(pickle, root, n);
    for (int k = 0; k < (shared ? 15 : 60); k++) {
      memcpy(pickle + n, begin, sizeof begin - 1);
      if (shared) memmove(memchr(pickle + n, '_', sizeof begin), "_modules}(X\1\0\0\0a", 16);
      n += sizeof begin - 1 + (shared ? 1 : 0);
    }
    pickle[n++] = 'N';
    for (int k = 0; k < (shared ? 15 : 60); k++) {
      if (shared) {
        memcpy(pickle + n, "q\0", 2);
        memcpy(pickle + n + 2, both, sizeof both - 2);
        n += 2 + sizeof both - 2;
      } else pickle[n++] = 's';
      memcpy(pickle + n, "sb", 2);
      n += 2;
    }
    memcpy(pickle + n, "ssb.", 4);
    bytes b = make_pickle_zip(pickle, n + 4);
    expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "nest too deeply or are too many");
    free(b.data);
  }
}

/* ---- archives ---- */

static void archives_that_are_no_models(void **unused) {
  (void)unused;
  static const char pickle[] = "\x80\x02N.";
  char *zeros = calloc(1, 20 << 20);
  assert_non_null(zeros);
  const entry other[] = {{"README", "hello", 5}}, twice[] = {{"a/data.pkl", pickle, 4}, {"b/data.pkl", pickle, 4}};
  const entry script[] = {{"a/data.pkl", pickle, 4}, {"a/code/__torch__.py", "pass", 4}};
  const entry big_endian[] = {{"a/data.pkl", pickle, 4}, {"a/byteorder", "big", 3}};
  const entry bomb[] = {{"a/data.pkl", zeros, 20 << 20}};
  const struct {
    const entry *entries;
    int n, compression;
    ftl_status code;
    const char *part;
  } cases[] = {{other, 1, ZIP_CM_STORE, FTL_ERR_FORMAT, "not written by torch.save"},
               {twice, 2, ZIP_CM_STORE, FTL_ERR_FORMAT, "two data.pkl"},
               {script, 2, ZIP_CM_STORE, FTL_ERR_UNSUPPORTED, "TorchScript"},
               {big_endian, 2, ZIP_CM_STORE, FTL_ERR_UNSUPPORTED, "big-endian"},
               {bomb, 1, ZIP_CM_DEFLATE, FTL_ERR_FORMAT, "compressed"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    bytes b = make_zip(cases[k].entries, cases[k].n, cases[k].compression);
    expect_refusal(b.data, b.size, cases[k].code, cases[k].part);
    free(b.data);
  }
  free(zeros);
}

/* The central directory says that a stored entry is enormous. */
static void a_declared_size_that_is_not_there(void **unused) {
  (void)unused;
  bytes b = make_pickle_zip("\x80\x02N.", 4);
  unsigned char *central = memmem(b.data, b.size, "PK\1\2", 4);
  assert_non_null(central);
  memset(central + 20, 0x7f, 8); /* compressed and real size: 2 GB */
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "");
  free(b.data);
}

static void truncated_anywhere(void **unused) {
  (void)unused;
  bytes b = load_bytes(SEED_PLAIN);
  for (size_t n = 0; n < b.size; n += n < 200 || n + 200 > b.size ? 1 : 97) {
    unsigned char *part = malloc(n ? n : 1); /* its own block, so that a sanitizer sees a read beyond it */
    memcpy(part, b.data, n);
    expect_refusal(part, n, FTL_ERR_FORMAT, "");
    free(part);
  }
  free(b.data);
}

/* A flipped bit in an entry is caught by its CRC; one in a name, a date or the padding may be harmless. */
static void bit_flips(void **unused) {
  (void)unused;
  bytes b = load_bytes(SEED_PLAIN);
  uint64_t random = 7;
  for (int k = 0; k < 600; k++) {
    size_t at = (size_t)(random_unit(&random) * (double)b.size);
    unsigned char bit = (unsigned char)(1 << (int)(random_unit(&random) * 8));
    ftl_source *source = NULL;
    ftl_error error = {0};
    b.data[at] ^= bit;
    if (ftl_source_read_memory(b.data, b.size, "x.model", &source, &error)) assert_true(error.message[0] != 0);
    ftl_source_free(source);
    b.data[at] ^= bit;
  }
  unsigned char *pickle = memmem(b.data, b.size, "cmace.modules.models", 20);
  assert_non_null(pickle);
  pickle[5] ^= 1;
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "is damaged");
  free(b.data);
}

/* ---- models with one thing changed ---- */

static void classes_that_are_not_covered(void **unused) {
  (void)unused;
  expect_patch_refused(SEED_MODEL, NULL, "ScaleShiftMACE", "AtomicDipolesMACE", FTL_ERR_UNSUPPORTED,
                       "mace.modules.models.AtomicDipolesMACE");
  expect_patch_refused(SEED_MODEL, NULL, "RealAgnosticResidualInteractionBlock",
                       "RealAgnosticAttResidualInteractionBlock", FTL_ERR_UNSUPPORTED,
                       "interactions.0 is a mace.modules.blocks.RealAgnosticAttResidualInteractionBlock");
  expect_patch_refused(SEED_MODEL, NULL, "NonLinearReadoutBlock", "GeneralNonLinearBiasReadoutBlock",
                       FTL_ERR_UNSUPPORTED, "readouts.1 is a mace.modules.blocks.GeneralNonLinearBiasReadoutBlock");
  expect_patch_refused(SEED_MODEL, NULL, "ce3nn.o3._linear\nLinear\n", "cmace.modules.lora\nLoRAO3Linear\n",
                       FTL_ERR_UNSUPPORTED, "LoRAO3Linear");
  expect_patch_refused(SEED_MODEL, NULL, "BesselBasis", "SplineBasis", FTL_ERR_UNSUPPORTED, "SplineBasis");
  expect_patch_refused(SEED_ZBL, NULL, "AgnesiTransform", "MorseTransform", FTL_ERR_UNSUPPORTED, "MorseTransform");
  expect_patch_refused(SEED_ZBL, NULL, "ZBLBasis", "D3Basis", FTL_ERR_UNSUPPORTED, "D3Basis");
}

static void options_that_are_not_covered(void **unused) {
  (void)unused;
  expect_patch_refused(SEED_MODEL, NULL, "ctorch.nn.functional\nsilu\n", "ctorch.nn.functional\ngelu\n",
                       FTL_ERR_UNSUPPORTED, "torch.nn.functional.gelu");
  static const char config[] = "cmace.modules.wrapper_ops\nCuEquivarianceConfig\n)\x81}X\7\0\0\0enabled\x88sb";
  bytes b = patch_pickle(SEED_PLAIN, "cueq_config", "N", 1, config, sizeof config - 1);
  expect_refusal(b.data, b.size, FTL_ERR_UNSUPPORTED, "cueq_config");
  free(b.data);
  b = patch_pickle(SEED_MODEL, NULL, "X\x0b\0\0\0scale_shift", 16, "X\x0f\0\0\0joint_embedding", 20);
  expect_refusal(b.data, b.size, FTL_ERR_UNSUPPORTED, "a part named joint_embedding");
  free(b.data);
  b = patch_pickle(SEED_PLAIN, "correlation", "K\2", 2, "K\5", 2);
  expect_refusal(b.data, b.size, FTL_ERR_UNSUPPORTED, "the correlation of layer 0 is 5");
  free(b.data);
}

static void tensors_that_are_not_covered(void **unused) {
  (void)unused;
  expect_patch_refused(SEED_MODEL, NULL, "FloatStorage", "HalfStorage", FTL_ERR_UNSUPPORTED, "torch.HalfStorage");
  expect_patch_refused(SEED_MODEL, NULL, "FloatStorage", "BFloat16Storage", FTL_ERR_UNSUPPORTED, ".float()");
  expect_patch_refused(SEED_MODEL, NULL, "_rebuild_tensor_v2", "_rebuild_qtensor", FTL_ERR_UNSUPPORTED,
                       "only plain dense tensors");
  expect_patch_refused(SEED_MODEL, NULL, "LongStorage", "ByteStorage", FTL_ERR_FORMAT, "");
}

static void tensors_that_lie(void **unused) {
  (void)unused;
  bytes b = patch_pickle(SEED_MODEL, "atomic_numbers", "K\2\x85", 3, "K\x7f\x85", 3);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "atomic_numbers reaches outside of its storage");
  free(b.data);
  b = patch_pickle(SEED_MODEL, "atomic_numbers", "K\2\x85", 3, "J\xff\xff\xff\xff\x85", 6);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "atomic_numbers has no credible shape");
  free(b.data);
  /* a million million elements by strides of zero */
  b = patch_pickle(SEED_MODEL, "atomic_numbers", "K\2\x85", 3, "\x8a\5\0\0\0\0\xff\x85", 8);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "atomic_numbers");
  free(b.data);
  b = patch_pickle(SEED_MODEL, "atomic_numbers", "X\1\0\0\0000", 6, "X\4\0\0\0../0", 9);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "the storage of tensor atomic_numbers is missing");
  free(b.data);
}

static void numbers_that_lie(void **unused) {
  (void)unused;
  static const char nan[] = "G\x7f\xf8\0\0\0\0\0\0", eight[] = "G@ \0\0\0\0\0\0"; /* 8.0: avg_num_neighbors */
  bytes b = patch_pickle(SEED_MODEL, "avg_num_neighbors", eight, 9, nan, 9);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "avg_num_neighbors is not a finite number");
  free(b.data);
  b = patch_pickle(SEED_MODEL, "avg_num_neighbors", eight, 9, "K\0", 2);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "avg_num_neighbors of layer 0 is 0");
  free(b.data);
  b = patch_pickle(SEED_MODEL, "avg_num_neighbors", eight, 9, "]", 1);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "interactions.0.avg_num_neighbors is a list");
  free(b.data);
  /* a numpy number, as training scripts leave there, is as good */
  static const char numpy[] = "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\2\0\0\0f8\x89\x88\x87R"
                              "c_codecs\nencode\nX\x08\0\0\0\0\0\0\0\0\0 @X\6\0\0\0latin1\x86R\x86R";
  b = patch_pickle(SEED_MODEL, "avg_num_neighbors", eight, 9, numpy, sizeof numpy - 1);
  ftl_source *s = NULL;
  ftl_error error = {0};
  if (ftl_source_read_memory(b.data, b.size, "x.model", &s, &error)) fail_msg("%s", error.message);
  assert_true(s->arch.layer[0].avg_num_neighbors == 8);
  ftl_source_free(s);
  free(b.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(architecture_of_a_seed),
      cmocka_unit_test(wigner_3j_of_nested_archives),
      cmocka_unit_test(parameters_are_told_from_buffers),
      cmocka_unit_test(options_of_other_seeds),
      cmocka_unit_test(models_of_older_versions),
      cmocka_unit_test(reference_models),
      cmocka_unit_test(paths),
      cmocka_unit_test(other_content),
      cmocka_unit_test(pickles_that_are_no_models),
      cmocka_unit_test(bottomless_modules),
      cmocka_unit_test(archives_that_are_no_models),
      cmocka_unit_test(a_declared_size_that_is_not_there),
      cmocka_unit_test(truncated_anywhere),
      cmocka_unit_test(bit_flips),
      cmocka_unit_test(classes_that_are_not_covered),
      cmocka_unit_test(options_that_are_not_covered),
      cmocka_unit_test(tensors_that_are_not_covered),
      cmocka_unit_test(tensors_that_lie),
      cmocka_unit_test(numbers_that_lie),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
