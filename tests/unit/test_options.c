/* A table of options with a struct of values of its own, beside that of recipes (test_recipe.c): its defaults, a file,
   texts, conditions and the manual; nothing in the machinery is tied to one command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "options/options.h"

typedef struct {
  char *teacher;
  double scale;
  struct {
    int kind;
    int64_t order;
  } shape;
  ftl_words names;
  bool last;
} values;

#define FTL_VALUES values
#include "options/table.h"

static const ftl_option rows[] = {
    PATH(teacher, .key = "teacher", .needed = true, .flag = "teacher", .when = "", .doc = "model that is asked"),
    REAL(scale, 0, 2, .key = "scale", .initial = "0.5", .when = "", .doc = "a factor"),
    CHOICE(shape.kind, "round|square", .key = "shape.kind", .initial = "round", .when = "", .doc = "a shape"),
    INTEGER(shape.order, 1, 9, .key = "shape.order", .initial = "3", .when = "shape.kind=square", .doc = "an order"),
    WORDS(names, .key = "names", .initial = "a,b", .when = "", .doc = "names"),
    BOOL(last, .key = "last", .initial = "true", .when = "", .doc = "the last member"),
};
static const ftl_option_table table = {.command = "other", .option = rows, .n = sizeof rows / sizeof *rows};

static void make(ftl_options *options, values *v) {
  ftl_error error = {0};
  *v = (values){0};
  if (ftl_options_make(options, &table, v, &error) != FTL_OK) fail_msg("%s: %s", error.where, error.message);
}

static void read_text(ftl_options *options, const char *text) {
  char path[] = "/tmp/frozentl-options-XXXXXX";
  ftl_error error = {0};
  const int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, text, strlen(text)), strlen(text));
  close(file);
  const ftl_status status = ftl_options_read(options, path, &error);
  unlink(path);
  if (status != FTL_OK) fail_msg("%s: %s", error.where, error.message);
}

static void values_are_the_callers(void **state) {
  (void)state;
  ftl_options options;
  values v;
  make(&options, &v);
  assert_null(v.teacher);
  assert_true(v.scale == 0.5 && v.shape.kind == 0 && v.shape.order == 3 && v.last);
  assert_int_equal(v.names.n, 2);
  read_text(&options, "teacher: m.ftl\nshape:\n  kind: square\n  order: 4\nnames: [c]\nlast: false\n");
  assert_string_equal(v.teacher, "/tmp/m.ftl");
  assert_true(v.shape.kind == 1 && v.shape.order == 4 && !v.last);
  assert_int_equal(v.names.n, 1);
  assert_true(ftl_options_is_set(&options, "last") && !ftl_options_is_set(&options, "scale"));
  assert_int_equal(ftl_options_check(&options, NULL), FTL_OK);
  ftl_options_free(&options);
}

static void mistakes_name_the_table(void **state) {
  (void)state;
  ftl_options options;
  values v;
  ftl_error error = {0};
  make(&options, &v);
  assert_int_equal(ftl_options_set(&options, "shape.ordre", "1", "--set", &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "'shape.order' (frozentl other --help lists all)"));
  assert_int_equal(ftl_options_set(&options, "epochs", "1", "--set", &error), FTL_ERR_INPUT); /* of recipes only */
  assert_int_equal(ftl_options_check(&options, &error), FTL_ERR_INPUT);
  assert_string_equal(error.message, "teacher is not given: model that is asked");
  assert_int_equal(ftl_options_set(&options, "teacher", "m", "--teacher", &error), FTL_OK);
  assert_int_equal(ftl_options_set(&options, "shape.order", "2", "--set", &error), FTL_OK);
  assert_int_equal(ftl_options_check(&options, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "shape.kind is round"));
  ftl_options_free(&options);
}

static void two_sets_of_one_table_are_apart(void **state) {
  (void)state;
  ftl_options first, second;
  values a, b;
  make(&first, &a);
  make(&second, &b);
  assert_int_equal(ftl_options_set(&first, "names", "x", "--set", NULL), FTL_OK);
  assert_int_equal(ftl_options_set(&second, "names", "y,z", "--set", NULL), FTL_OK);
  assert_int_equal(a.names.n, 1);
  assert_int_equal(b.names.n, 2);
  char *text = ftl_options_text(&second, ftl_option_find(&table, "names"));
  assert_string_equal(text, "y,z");
  free(text);
  ftl_options_free(&first);
  ftl_options_free(&second);
}

static void the_manual_is_that_of_the_table(void **state) {
  (void)state;
  char *text;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  ftl_options_document(&table, stream);
  fclose(stream);
  assert_non_null(strstr(text, "| `teacher` | `--teacher` | needed |  | model that is asked |\n"));
  assert_non_null(strstr(text, "| `shape.order` |  | 3 | shape.kind=square | an order (1 to 9) |\n"));
  assert_null(strstr(text, "epochs"));
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_the_callers),
      cmocka_unit_test(mistakes_name_the_table),
      cmocka_unit_test(two_sets_of_one_table_are_apart),
      cmocka_unit_test(the_manual_is_that_of_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
