/* The table of options and what is made from it: a recipe that is written and read again is the same; typos, options
   that do not apply and bad values are told with their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tune/train_recipe.h"

static char folder[] = "/tmp/frozentl-recipe-XXXXXX";

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[64];
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

static const char *write_file(const char *name, const char *text) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *stream = fopen(path, "w");
  assert_non_null(stream);
  fputs(text, stream);
  assert_int_equal(fclose(stream), 0);
  return path;
}

static ftl_recipe *new_recipe(void) {
  ftl_recipe *recipe;
  ftl_error error = {0};
  if (ftl_recipe_new(&recipe, &error) != FTL_OK) fail_msg("%s: %s", error.where, error.message);
  return recipe;
}

static ftl_status read_text(const char *text, ftl_recipe **recipe, ftl_error *error) {
  *recipe = new_recipe();
  return ftl_options_read(&(*recipe)->options, write_file("r.yaml", text), error);
}

static void set(ftl_recipe *recipe, const char *key, const char *text) {
  ftl_error error = {0};
  if (ftl_options_set(&recipe->options, key, text, "--flag", &error) != FTL_OK) fail_msg("%s", error.message);
}

/* Every default is a value of its option, every condition names an option, flags and keys are unique, and sections
   stand together. */
static void the_table_is_sound(void **state) {
  (void)state;
  const int n = ftl_recipe_table.n;
  const ftl_option *option = ftl_recipe_table.option;
  ftl_recipe *recipe = new_recipe();
  for (int k = 0; k < n; k++) {
    assert_ptr_equal(ftl_option_find(&ftl_recipe_table, option[k].key), &option[k]);
    assert_true(option[k].min <= option[k].max);
    assert_true((option[k].type == FTL_OPTION_CHOICE) == (option[k].choices != NULL));
    assert_non_null(option[k].doc);
    for (const char *p = option[k].when; *p;) {
      char key[80];
      p += *p == '!';
      const size_t length = strcspn(p, " ");
      const bool alternatives = memchr(p, '=', length) == NULL; /* "a|b" of keys, not of values */
      snprintf(key, sizeof key, "%.*s", (int)strcspn(p, "=| "), p);
      if (!ftl_option_find(&ftl_recipe_table, key))
        fail_msg("%s: condition on '%s', which is no option", option[k].key, key);
      p += alternatives ? strcspn(p, "| ") : length;
      if (*p == '|') p++;
      p += *p == ' ';
    }
    for (int j = 0; j < k; j++) {
      assert_false(option[k].flag && option[j].flag && strcmp(option[k].flag, option[j].flag) == 0);
      assert_false(option[k].letter && option[k].letter == option[j].letter);
      const char *dot = strchr(option[k].key, '.');
      if (dot && strncmp(option[j].key, option[k].key, (size_t)(dot - option[k].key) + 1) == 0)
        assert_int_equal(strncmp(option[k - 1].key, option[k].key, (size_t)(dot - option[k].key) + 1), 0);
    }
  }
  ftl_recipe_free(recipe);
}

static void values_are_read(void **state) {
  (void)state;
  ftl_recipe *recipe;
  ftl_error error = {0};
  ftl_status status = read_text("data: train.xyz\n"
                                "valid: [a.xyz, /b/c.xyz]\n"
                                "freeze: f4,radial\n"
                                "train: ['products.*']\n"
                                "rates: {radial: 0.1, 'x*': 2}\n"
                                "loss:\n  kind: huber\n  huber_delta: 0.02\n"
                                "optimiser.lr: 1e-3\n"
                                "epochs: 7\n",
                                &recipe, &error);
  if (status != FTL_OK) fail_msg("%s: %s", error.where, error.message);
  char path[128];
  snprintf(path, sizeof path, "%s/train.xyz", folder);
  assert_int_equal(recipe->data.n, 1);
  assert_string_equal(recipe->data.item[0], path);
  assert_int_equal(recipe->valid.n, 2);
  assert_string_equal(recipe->valid.item[1], "/b/c.xyz");
  assert_int_equal(recipe->freeze.n, 2);
  assert_string_equal(recipe->freeze.item[1], "radial");
  assert_string_equal(recipe->train.item[0], "products.*");
  assert_int_equal(recipe->rates.n, 2);
  assert_string_equal(recipe->rates.name[1], "x*");
  assert_true(recipe->rates.value[0] == 0.1 && recipe->rates.value[1] == 2);
  assert_true(recipe->loss.huber_delta == 0.02 && recipe->optimiser.lr == 1e-3);
  assert_int_equal(recipe->epochs, 7);
  assert_true(ftl_recipe_is_set(recipe, "epochs") && !ftl_recipe_is_set(recipe, "seed"));
  /* a flag replaces the list of the file, the next one adds to it */
  set(recipe, "valid", "d,e.xyz");
  set(recipe, "valid", "f.xyz");
  assert_int_equal(recipe->valid.n, 2);
  assert_string_equal(recipe->valid.item[0], "d,e.xyz");
  ftl_recipe_free(recipe);
}

static void written_and_read_again_is_the_same(void **state) {
  (void)state;
  const int n = ftl_recipe_table.n;
  const ftl_option *option = ftl_recipe_table.option;
  for (int documented = 0; documented < 2; documented++) {
    ftl_recipe *recipe = new_recipe(), *again = new_recipe();
    ftl_error error = {0};
    char *text;
    size_t size;
    set(recipe, "output", "run");
    set(recipe, "foundation", "/m/a \"b\": {c} #.model");
    set(recipe, "data", "/d/x.xyz");
    set(recipe, "data", "/d/*y, [1].xyz");
    set(recipe, "labels", "");
    set(recipe, "freeze", "f5,products.*,null");
    set(recipe, "rates", "layer0.radial=0.1,*=3");
    set(recipe, "loss.kind", "universal");
    set(recipe, "loss.energy", "0.1");
    set(recipe, "steps", "12");
    assert_int_equal(ftl_options_set(&recipe->options, "steps", "12345678", "--steps", &error), FTL_OK);
    FILE *stream = open_memstream(&text, &size);
    const ftl_options_style style = {.documented = documented, .preamble = "for\na test"};
    assert_int_equal(ftl_options_write(&recipe->options, &style, stream, &error), FTL_OK);
    fclose(stream);
    if (ftl_options_read(&again->options, write_file("again.yaml", text), &error) != FTL_OK)
      fail_msg("%s: %s\n%s", error.where, error.message, text);
    if (ftl_options_check(&again->options, &error) != FTL_OK) fail_msg("%s: %s\n%s", error.where, error.message, text);
    for (int k = 0; k < n; k++) {
      if (strcmp(option[k].key, "output") == 0) continue; /* it is relative to the recipe */
      char *a = ftl_options_text(&recipe->options, &option[k]), *b = ftl_options_text(&again->options, &option[k]);
      assert_string_equal(a, b);
      free(a);
      free(b);
    }
    free(text);
    ftl_recipe_free(recipe);
    ftl_recipe_free(again);
  }
}

/* Relative paths of a recipe in one folder are written for another. */
static void paths_follow_the_folder(void **state) {
  (void)state;
  char path[128], *text;
  size_t size;
  ftl_recipe *recipe;
  ftl_error error = {0};
  snprintf(path, sizeof path, "%s/run", folder);
  assert_int_equal(mkdir(path, 0700), 0);
  write_file("x.xyz", "");
  assert_int_equal(chdir(folder), 0);
  recipe = new_recipe();
  set(recipe, "data", "x.xyz");
  set(recipe, "output", "run");
  FILE *stream = open_memstream(&text, &size);
  const ftl_options_style style = {.folder = path};
  assert_int_equal(ftl_options_write(&recipe->options, &style, stream, &error), FTL_OK);
  fclose(stream);
  assert_non_null(strstr(text, "data: [../x.xyz]\n"));
  assert_non_null(strstr(text, "output: .\n"));
  free(text);
  ftl_recipe_free(recipe);
}

static void refuse(const char *text, ftl_status code, const char *where, const char *words) {
  ftl_recipe *recipe;
  ftl_error error = {0};
  ftl_status status = read_text(text, &recipe, &error);
  if (status == FTL_OK) status = ftl_options_check(&recipe->options, &error);
  ftl_recipe_free(recipe);
  assert_int_equal(status, code);
  if (!strstr(error.where, where)) fail_msg("where is '%s', not '%s'", error.where, where);
  if (!strstr(error.message, words)) fail_msg("'%s' without '%s'", error.message, words);
}

static void mistakes_are_told(void **state) {
  (void)state;
  refuse("data: x\nbatchsize: 3\n", FTL_ERR_FORMAT, "r.yaml, line 2", "'batch_size'");
  refuse("data: x\nloss:\n  enrgy: 3\n", FTL_ERR_FORMAT, "line 3", "'loss.energy'");
  refuse("data: x\nhuber_detla: 3\n", FTL_ERR_FORMAT, "line 2", "'loss.huber_delta'");
  refuse("epochs: many\n", FTL_ERR_FORMAT, "line 1", "whole number from 1");
  refuse("epochs: 1.5\n", FTL_ERR_FORMAT, "line 1", "1.5");
  refuse("optimiser: {lr: nan}\n", FTL_ERR_FORMAT, "line 1", "optimiser.lr");
  refuse("optimiser: {lr: -1}\n", FTL_ERR_FORMAT, "line 1", "optimiser.lr");
  refuse("loss: {kind: squares}\n", FTL_ERR_FORMAT, "line 1", "weighted|huber|universal");
  refuse("loss: weighted\n", FTL_ERR_FORMAT, "line 1", "below it");
  refuse("rates: {radial: fast}\n", FTL_ERR_FORMAT, "line 1", "radial=fast");
  refuse("epochs: 3\nepochs: 4\n", FTL_ERR_FORMAT, "line 2", "twice");
  refuse("loss: {energy: 1}\nloss.energy: 2\n", FTL_ERR_FORMAT, "line 2", "twice");
  refuse("epochs:\n", FTL_ERR_FORMAT, "line 1", "no value");
  refuse("epochs: [1, 2]\n", FTL_ERR_FORMAT, "line 1", "one value");
  refuse("data: {a: b}\n", FTL_ERR_FORMAT, "line 1", "nested");
  refuse("a: [\n", FTL_ERR_FORMAT, "r.yaml, line", "not YAML");
  refuse("", FTL_ERR_FORMAT, "r.yaml", "empty");
  refuse("- a\n", FTL_ERR_FORMAT, "r.yaml", "option: value");
  refuse("&a a: *a\n", FTL_ERR_FORMAT, "line 1", "anchors");
  refuse("loss: &a {kind: *a}\n", FTL_ERR_FORMAT, "line 1", "anchors");
  /* options that do not apply, and what is missing */
  const char *base = "output: r\nfoundation: m\ndata: x\n";
  char text[256];
  snprintf(text, sizeof text, "%sschedule: {kind: cosine, patience: 3}\n", base);
  refuse(text, FTL_ERR_INPUT, "line 4", "schedule.kind is cosine");
  snprintf(text, sizeof text, "%sframes: 3\nfraction: 0.5\n", base);
  refuse(text, FTL_ERR_INPUT, "line 5", "frames");
  snprintf(text, sizeof text, "%sswa: {lr: 0.1}\n", base);
  refuse(text, FTL_ERR_INPUT, "line 4", "swa.start");
  snprintf(text, sizeof text, "%sloss: {huber_delta: 1}\n", base);
  refuse(text, FTL_ERR_INPUT, "line 4", "loss.kind is weighted");
  refuse("output: r\nfoundation: m\n", FTL_ERR_INPUT, "", "data is not given");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table_is_sound),
      cmocka_unit_test(values_are_read),
      cmocka_unit_test(written_and_read_again_is_the_same),
      cmocka_unit_test(mistakes_are_told),
      cmocka_unit_test(paths_follow_the_folder),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
