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

#include "support/options.h"

typedef struct {
  char *teacher;
  double scale;
  struct {
    int kind;
    int64_t order;
  } shape;
  ftl_words names;
  bool last, loud;
  double rate, limit;
  ftl_words kept;
  int64_t count;
} values;

#define FTL_VALUES values
#include "support/option_table.h"

/* A value in their middle that has no word. */
CHOICES(shapes, 4, [0] = "round", [1] = "oval", [3] = "square");

static const ftl_option rows[] = {
    PATH(teacher, .key = "teacher", .needed = true, .flag = "teacher", .when = "", .doc = "model that is asked"),
    REAL(scale, 0, 2, .key = "scale", .initial = "0.5", .when = "", .doc = "a factor"),
    CHOICE(shape.kind, shapes, .key = "shape.kind", .initial = "round", .when = "", .doc = "a shape"),
    INTEGER(shape.order, 1, 9, .key = "shape.order", .initial = "3", .when = "shape.kind=square", .doc = "an order"),
    WORDS(names, .key = "names", .initial = "a,b", .when = "", .doc = "names"),
    BOOL(last, .key = "last", .initial = "true", .when = "", .doc = "the last member"),
    SWITCH(loud, .key = "loud", .flag = "loud", .doc = "a switch, without conditions"),
    REAL(rate, 0, 9, .key = "rate", .initial = "0.5", .tuned = "0.25", .when = "", .doc = "a rate"),
    WORDS(kept, .key = "kept", .tuned = "data", .when = "", .doc = "words"),
    REAL(limit, 0, 9, .key = "limit", .when = "scale>0", .doc = "a limit"),
    INTEGER(count, 0, 9, .key = "count", .initial = "1", .when = "names=b|c", .doc = "a number"),
};
static const ftl_option_table table = {
    .command = "other", .option = rows, .n = sizeof rows / sizeof *rows, .tuned_by = "teacher"};

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
  assert_true(v.shape.kind == 3 && v.shape.order == 4 && !v.last);
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

/* A word stands at its value; a value without a word cannot be chosen, and is not named. */
static void words_stand_at_their_values(void **state) {
  (void)state;
  ftl_options options;
  values v;
  ftl_error error = {0};
  char text[FTL_CHOICES_LENGTH];
  make(&options, &v);
  ftl_option_choices(ftl_option_find(&table, "shape.kind"), text);
  assert_string_equal(text, "round|oval|square");
  assert_int_equal(ftl_options_set(&options, "shape.kind", "oval", "--set", &error), FTL_OK);
  assert_int_equal(v.shape.kind, 1);
  assert_int_equal(ftl_options_set(&options, "shape.kind", "", "--set", &error), FTL_ERR_INPUT);
  assert_int_equal(ftl_options_set(&options, "shape.kind", "squar", "--set", &error), FTL_ERR_INPUT);
  assert_string_equal(error.message, "shape.kind is one of round|oval|square, not 'squar'");
  assert_true(!v.loud);
  assert_int_equal(ftl_options_set(&options, "loud", "true", "--loud", &error), FTL_OK);
  assert_true(v.loud);
  assert_int_equal(ftl_options_set(&options, "teacher", "m", "--teacher", &error), FTL_OK);
  assert_int_equal(ftl_options_check(&options, &error), FTL_OK);
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

/* Options with another default where the teacher is given, whenever it is given; what was set stays. */
static void defaults_follow_what_is_given(void **state) {
  (void)state;
  for (int given = 0; given < 2; given++)
    for (int rate = 0; rate < 2; rate++) {
      ftl_options options;
      values v;
      make(&options, &v);
      if (rate) assert_int_equal(ftl_options_set(&options, "rate", "3", "--rate", NULL), FTL_OK);
      if (given) assert_int_equal(ftl_options_set(&options, "teacher", "m", "--teacher", NULL), FTL_OK);
      for (int again = 0; again < 2; again++) {
        assert_int_equal(ftl_options_settle(&options, NULL), FTL_OK);
        assert_true(v.rate == (rate ? 3 : given ? 0.25 : 0.5));
        assert_int_equal(v.kept.n, given);
        assert_true(ftl_options_is_set(&options, "rate") == rate && !ftl_options_is_set(&options, "kept"));
      }
      assert_int_equal(ftl_options_suit(&options, "rate", "5", NULL), FTL_OK);
      assert_true(v.rate == (rate ? 3 : 5));
      ftl_options_free(&options);
    }
}

/* Conditions on a number and on the words of a list. */
static void conditions_see_numbers_and_lists(void **state) {
  (void)state;
  static const struct {
    const char *scale, *names, *key, *words; /* words: NULL when it applies */
  } cases[] = {
      {"1", "a,b", "limit", NULL}, {"0", "a,b", "limit", "scale above 0, and scale is 0"}, {"1", "a,c", "count", NULL},
      {"1", "c", "count", NULL},   {"1", "a,bb", "count", "b|c, and names is a,bb"},       {"0", "b", "count", NULL}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_options options;
    values v;
    ftl_error error = {0};
    make(&options, &v);
    assert_int_equal(ftl_options_set(&options, "scale", cases[k].scale, "--set", NULL), FTL_OK);
    assert_int_equal(ftl_options_set(&options, "names", cases[k].names, "--set", NULL), FTL_OK);
    assert_int_equal(ftl_options_set(&options, cases[k].key, "2", "--set", NULL), FTL_OK);
    assert_int_equal(ftl_options_check_given(&options, &error), cases[k].words ? FTL_ERR_INPUT : FTL_OK);
    if (cases[k].words && !strstr(error.message, cases[k].words)) fail_msg("%s", error.message);
    ftl_options_free(&options);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_follow_what_is_given),   cmocka_unit_test(conditions_see_numbers_and_lists),
      cmocka_unit_test(values_are_the_callers),          cmocka_unit_test(mistakes_name_the_table),
      cmocka_unit_test(words_stand_at_their_values),     cmocka_unit_test(two_sets_of_one_table_are_apart),
      cmocka_unit_test(the_manual_is_that_of_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
