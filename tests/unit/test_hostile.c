/* What keeps hostile input from doing harm, below the command line: text that a terminal would act on, YAML that grows
   faster than its file, memory and threads that cannot be had. */
#include "model_files.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/threads.h"
#include "data/sense.h"
#include "base/error.h"
#include "base/printable.h"
#include "files/yaml_load.h"
#include "sanitized.h"
#include "support/work_memory.h"

/* ---- text ---- */

static void shown(const char *text, const char *want) {
  char copy[256];
  strcpy(copy, text);
  assert_ptr_equal(ftl_printable(copy, ""), copy);
  assert_string_equal(copy, want);
  assert_int_equal(ftl_is_printable(text), strcmp(text, want) == 0);
}

static void what_acts_is_replaced(void **unused) {
  (void)unused;
  shown("Cu, 5 \xc3\x85 and \xe9\x93\x9c, \xf0\x9f\x98\x80", "Cu, 5 \xc3\x85 and \xe9\x93\x9c, \xf0\x9f\x98\x80");
  shown("\033[31mred\033[0m", "?[31mred?[0m");
  shown("a\rb\nc\td\ae\177f", "a?b?c?d?e?f");
  shown("\xc2\x9b"
        "31m",
        "?31m");                                 /* C1: CSI in one character */
  shown("x\xe2\x80\xaey\xe2\x81\xa6z", "x?y?z"); /* right-to-left override, isolate */
  shown("a\xe2\x80\x8b"
        "b\xef\xbb\xbf"
        "c\xc2\xad",
        "a?b?c?"); /* zero width, byte order mark, soft hyphen */
  shown("\xff\xfe\x80", "???");
  shown("\xc0\x9b\xe0\x82\x9b\xed\xa0\x80\xf4\x90\x80\x80", "????????????"); /* overlong, surrogate, beyond Unicode */
  shown("cut \xe9\x93", "cut ??");
  char lines[] = "a\nb\033\tc";
  assert_string_equal(ftl_printable(lines, "\n\t"), "a\nb?\tc");
}

/* A character whose bytes come in two writes is one character. */
static void parts_of_characters_wait(void **unused) {
  (void)unused;
  char part[8] = "a\xe9\x93";
  size_t rest;
  assert_int_equal(ftl_printable_bytes(part, 3, "", &rest), 1);
  assert_int_equal(rest, 2);
  assert_memory_equal(part + 1, "\xe9\x93", 2);
  assert_int_equal(ftl_printable_bytes(part, 3, "", NULL), 3);
  assert_memory_equal(part, "a??", 3);
  char zero[] = "a\0b";
  assert_int_equal(ftl_printable_bytes(zero, 3, "\n", NULL), 3);
  assert_memory_equal(zero, "a?b", 3);
}

static void errors_are_printable(void **unused) {
  (void)unused;
  ftl_error error;
  ftl_fail(&error, FTL_ERR_FORMAT, "dir\033[2J/x.model", "tensor %s", "a\033]0;title\a\nfrozentl: forged");
  assert_string_equal(error.where, "dir?[2J/x.model");
  assert_string_equal(error.message, "tensor a?]0;title??frozentl: forged");
}

static void names_that_cannot_be_shown(void **unused) {
  (void)unused;
  ftl_tensors tensors = {0};
  ftl_error error;
  const int64_t shape[] = {1};
  const double one = 1;
  assert_int_equal(ftl_tensors_add(&tensors, "a\033[31m", FTL_F64, 1, shape, &one, true, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "'a?[31m'"));
  ftl_tensors_free(&tensors);
  bytes b = patch_pickle(SEED_HEADS, NULL, "X\1\0\0\0b", 6, "X\1\0\0\0\033", 6);
  expect_refusal(b.data, b.size, FTL_ERR_FORMAT, "cannot be shown");
  free(b.data);
}

/* ---- YAML ---- */

static void refuse(const char *text, size_t size, const char *where, const char *part) {
  yaml_document_t document;
  ftl_error error = {0};
  if (ftl_yaml_load(text, size, "f.yaml", &document, &error) == FTL_OK) {
    yaml_document_delete(&document);
    fail_msg("accepted, but '%s' was expected", part);
  }
  assert_int_equal(error.code, FTL_ERR_FORMAT);
  if (!strstr(error.where, where) || !strstr(error.message, part)) fail_msg("%s: %s", error.where, error.message);
}

static void yaml_that_is_refused(void **unused) {
  (void)unused;
  enum { N = 1 << 20 };
  char *deep = malloc(N);
  assert_non_null(deep);
  static const char *const brackets[] = {"[", "{", "[{", "? ", "- "};
  for (size_t k = 0; k < sizeof brackets / sizeof *brackets; k++) {
    for (size_t i = 0; i < N; i++) deep[i] = brackets[k][i % strlen(brackets[k])];
    refuse(deep, N, "f.yaml, line 1", "deeper than 64");
  }
  free(deep);
  refuse("a: 1\nb: {c: 2, d: 3, c: 4}\n", 27, "line 2", "'c' is given twice");
  refuse("a: 1\n\"a\": 2\n", 12, "line 2", "'a' is given twice");
  refuse("a: &x 1\n", 8, "line 1", "anchors");
  refuse("a: [1, *x]\n", 11, "line 1", "anchors");
  refuse("a: 1\n---\nb: 2\n", 14, "line 2", "second document");
  refuse("a: 1\n...\n---\n", 13, "line 3", "second document");
  refuse("a: [1\n", 6, "line", "not YAML");
  refuse("a: \001\n", 5, "f.yaml", "not YAML");
}

static void yaml_that_is_read(void **unused) {
  (void)unused;
  char deep[200] = "";
  for (int k = 0; k < 64; k++) strcat(deep, "[");
  for (int k = 0; k < 64; k++) strcat(deep, "]");
  const char *good[] = {"",   "# nothing\n",           "--- \na: 1\n...\n", "%YAML 1.1\n---\na: [1, {b: 2}]\n",
                        deep, "[0, 0]: 1\n[0, 1]: 2\n"};
  for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
    yaml_document_t document;
    ftl_error error = {0};
    if (ftl_yaml_load(good[k], strlen(good[k]), "f.yaml", &document, &error))
      fail_msg("%s: %s", good[k], error.message);
    assert_int_equal(yaml_document_get_root_node(&document) == NULL, k < 2);
    yaml_document_delete(&document);
  }
}

/* ---- memory ---- */

/* Runs a test in a child with this much address space more than it has: the limit must not stay. */
static void limited(size_t megabytes, int (*test)(void)) {
  if (SANITIZED) skip(); /* which needs more address space than any limit would leave */
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    if (!file || fscanf(file, "%lu", &pages) != 1) _exit(90);
    fclose(file);
    const rlim_t most = pages * (rlim_t)sysconf(_SC_PAGE_SIZE) + (megabytes << 20);
    const struct rlimit limit = {most, most};
    if (setrlimit(RLIMIT_AS, &limit)) _exit(91);
    _exit(test());
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFEXITED(status) || WEXITSTATUS(status)) fail_msg("the child ended with %x", (unsigned)status);
}

static int many_threads(void) {
  ftl_model *model;
  ftl_workspace *workspace = NULL;
  ftl_error error = {0};
  const int possible = ftl_threads_possible(100);
  if (possible < 1 || possible > 60) return 1;
  if (ftl_threads_start(100, &error) != FTL_ERR_MEMORY || !strstr(error.message, "100 threads")) return 2;
  if (ftl_threads_start(2, &error)) return 3;
  if (ftl_model_open("potentials/h2cu-ace.yace", NULL, &model, &error)) return 4;
  if (ftl_workspace_new(model, 100, &workspace, &error) != FTL_ERR_MEMORY || workspace) return 5;
  if (ftl_workspace_new(model, 2, &workspace, &error)) return 6;
  ftl_workspace_free(workspace);
  ftl_model_free(model);
  return 0;
}

static void threads_that_cannot_be_had(void **unused) {
  (void)unused;
  limited(300, many_threads);
}

static int no_room(void) {
  ftl_error error = {0};
  const size_t left = ftl_free_bytes();
  if (left < ((size_t)40 << 20) || left > ((size_t)60 << 20)) return 1;
  if (!ftl_memory_is_left()) return 2;
  if (ftl_work_start(1, 1, &error) != FTL_ERR_MEMORY || !strstr(error.message, "OpenBLAS")) return 3;
  char *most = malloc(left - ((size_t)4 << 20));
  if (!most) return 4;
  const int code = ftl_memory_is_left() ? 5 : 0;
  free(most);
  return code;
}

static void the_limit_of_address_space_counts(void **unused) {
  (void)unused;
  limited(60, no_room);
}

/* ---- labels that say nothing ---- */

static ftl_structure frame(double energy, double (*forces)[3], double weight) {
  static int copper[1] = {29};
  static double origin[1][3];
  static char path[] = "d.xyz";
  return (ftl_structure){
      .path = path,
      .line = 1,
      .n = 1,
      .atomic_number = copper,
      .position = origin,
      .weight = weight,
      .energy_weight = 1,
      .forces_weight = 1,
      .stress_weight = 1,
      .labels = {.has_energy = true, .energy = energy, .has_forces = forces != NULL, .forces = forces}};
}

static void labels_without_sense(void **unused) {
  (void)unused;
  double forces[1][3] = {{0, 1e9, 0}};
  const ftl_label_weights weights = {1, 1, 1, "loss"}, none = {0, 0, 0, "loss"}, stress = {0, 0, 1, "loss"};
  ftl_error error;
  ftl_structure list[2] = {frame(-3, NULL, 1), frame(1e15, NULL, 1)};
  ftl_dataset set = {.n = 2, .structure = list};
  list[1].frame = 1;
  assert_int_equal(ftl_labels_possible(&set, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.where, "frame 1"));
  list[1] = frame(-3, forces, 1);
  assert_int_equal(ftl_labels_possible(&set, &error), FTL_ERR_INPUT);
  forces[0][1] = -50;
  assert_int_equal(ftl_labels_possible(&set, &error), FTL_OK);
  assert_int_equal(ftl_labels_weigh(&set, &weights, "train", &error), FTL_OK);
  assert_int_equal(ftl_labels_weigh(&set, &none, "train", &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "all weights are zero"));
  assert_int_equal(ftl_labels_weigh(&set, &stress, "train", &error), FTL_ERR_INPUT);
  list[0].weight = list[1].weight = 0;
  assert_int_equal(ftl_labels_weigh(&set, &weights, "train", &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "config_weight"));
  set.n = 0;
  assert_int_equal(ftl_labels_weigh(&set, &weights, "train", &error), FTL_ERR_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_acts_is_replaced),      cmocka_unit_test(parts_of_characters_wait),
      cmocka_unit_test(errors_are_printable),       cmocka_unit_test(names_that_cannot_be_shown),
      cmocka_unit_test(yaml_that_is_refused),       cmocka_unit_test(yaml_that_is_read),
      cmocka_unit_test(threads_that_cannot_be_had), cmocka_unit_test(the_limit_of_address_space_counts),
      cmocka_unit_test(labels_without_sense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
