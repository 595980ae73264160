/* libFuzzer target: recipes of train, fit and distill; what was accepted can be written. See scripts/fuzz.sh. */
#include "exercise_file.h"

#include <string.h>

#include "tune/train_recipe.h"
#include "surrogate/fit_recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(const ftl_options *options) {
  const ftl_options_style style = {.folder = "."};
  ftl_error error = {0};
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (!stream || refused_file(ftl_options_write(options, &style, stream, &error), &error)) abort();
  fclose(stream);
  return text;
}

static void exercise_train(const char *path) {
  ftl_recipe *recipe = NULL;
  ftl_error error = {0};
  if (ftl_recipe_new(&recipe, &error)) abort();
  if (!refused_file(ftl_options_read(&recipe->options, path, &error), &error)) {
    refused_file(ftl_options_check(&recipe->options, &error), &error);
    free(written(&recipe->options));
  }
  ftl_recipe_free(recipe);
}

static void exercise_surrogate(const ftl_option_table *table, const char *path) {
  ftl_surrogate_recipe *recipe = NULL;
  ftl_error error = {0};
  if (ftl_surrogate_recipe_new(table, &recipe, &error)) abort();
  if (!refused_file(ftl_options_read(&recipe->options, path, &error), &error)) {
    refused_file(ftl_options_check(&recipe->options, &error), &error);
    free(written(&recipe->options));
  }
  ftl_surrogate_recipe_free(recipe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = path_of(data, size);
  exercise_train(path);
  exercise_surrogate(&ftl_fit_table, path);
  exercise_surrogate(&ftl_distill_table, path);
  return 0;
}
