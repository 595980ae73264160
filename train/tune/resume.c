/* What a run goes on with. */
#include "tune/resume.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/inputs.h"
#include "base/error.h"
#include "support/record.h"
#include "support/ranks.h"

static const char *const free_keys[] = {"epochs",     "steps",        "patience", "threads",
                                        "save_every", "save_seconds", "cache_mb", NULL};
static const char *const file_keys[] = {"foundation", "data", "valid", "test", "replay.data", NULL};

bool ftl_train_may_change(const char *key) {
  for (const char *const *k = free_keys; *k; k++)
    if (strcmp(key, *k) == 0) return true;
  for (const char *const *k = file_keys; *k; k++)
    if (strcmp(key, *k) == 0) return true;
  return false;
}

/* Copies an option that is given. */
static ftl_status change(ftl_recipe *recipe, const ftl_recipe *changes, const char *key, ftl_error *error) {
  if (!ftl_recipe_is_set(changes, key)) return FTL_OK;
  const ftl_option *option = ftl_option_find(&ftl_recipe_table, key);
  const void *member = (const char *)changes + option->offset;
  const ftl_words *words = option->type == FTL_OPTION_PATHS ? member : NULL; /* a path is taken whole, one at a time */
  ftl_status status = FTL_OK;
  for (int k = 0; words && !status && k < words->n; k++)
    status = ftl_options_set(&recipe->options, key, words->item[k], "--resume", error);
  if (words) return status;
  char *text = ftl_options_text(&changes->options, option);
  if (!text) return ftl_no_memory(error, NULL, "the recipe");
  status = ftl_options_set(&recipe->options, key, text, "--resume", error);
  free(text);
  return status;
}

static ftl_status read_recipe(const char *run, const ftl_recipe *changes, ftl_recipe **recipe, ftl_error *error) {
  char path[4096];
  snprintf(path, sizeof path, "%s/recipe.yaml", run);
  ftl_status status = ftl_recipe_new(recipe, error);
  if (status == FTL_OK) status = ftl_options_read(&(*recipe)->options, path, error);
  if (status == FTL_OK) status = ftl_options_set(&(*recipe)->options, "output", run, "--resume", error);
  for (const char *const *key = free_keys; status == FTL_OK && *key; key++)
    status = change(*recipe, changes, *key, error);
  for (const char *const *key = file_keys; status == FTL_OK && *key; key++)
    status = change(*recipe, changes, *key, error);
  if (status == FTL_OK) status = ftl_options_settle(&(*recipe)->options, error);
  if (status == FTL_OK) status = ftl_options_locate(&(*recipe)->options, error);
  return status == FTL_OK ? ftl_options_check(&(*recipe)->options, error) : status;
}

/* The recipe against what the run began with. A state of an earlier version says nothing of it. */
static ftl_status compare(ftl_recipe *recipe, const ftl_state *state, const ftl_host *host, ftl_error *error) {
  const json_t *before = json_object_get(state->object, "recipe"), *inputs = json_object_get(state->object, "inputs");
  char said[400], text[440];
  ftl_status status = FTL_OK;
  for (int k = 0; !status && k < 2; k++) {
    *said = '\0';
    if (k == 0 && before)
      status = ftl_options_compare(&recipe->options, before, free_keys, recipe->output, said, error);
    if (k == 1 && inputs) status = ftl_inputs_find(&recipe->options, inputs, recipe->output, said, error);
    snprintf(text, sizeof text, "changed since: %s", said);
    if (!status && *said && host->say && ftl_ranks_mine() == 0) host->say(host->context, text);
  }
  return status;
}

/* Whether there is a state; it may be unreadable. */
static bool has_state(const char *run, char path[4096]) {
  struct stat info;
  snprintf(path, 4096, "%s/state.ftl", run);
  return lstat(path, &info) == 0;
}

ftl_status ftl_train_is_finished(const char *run, bool *finished, ftl_error *error) {
  char path[4096];
  ftl_state state = {0};
  *finished = false;
  if (!has_state(run, path)) return FTL_OK;
  FTL_TRY(ftl_state_read(path, &state, error));
  *finished = json_integer_value(json_object_get(json_object_get(state.object, "position"), "finished")) == 1;
  ftl_state_free(&state);
  return FTL_OK;
}

ftl_status ftl_resume_read(const char *run, const ftl_recipe *changes, const ftl_host *host, ftl_recipe **recipe,
                           ftl_state *state, bool *any, ftl_error *error) {
  char path[4096];
  *any = has_state(run, path);
  ftl_status status = read_recipe(run, changes, recipe, error);
  if (!status && *any) status = ftl_state_read(path, state, error);
  return status == FTL_OK && *any ? compare(*recipe, state, host, error) : status;
}
