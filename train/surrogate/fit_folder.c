/* The folder of a fit or a distillation: what it begins with, and what it goes on with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/output.h"
#include "support/inputs.h"
#include "base/path.h"
#include "base/error.h"
#include "support/record.h"
#include "support/ranks.h"
#include "surrogate/fit_run_internal.h"

char *ftl_surrogate_path(const ftl_surrogate_state *run, const char *name) {
  return ftl_path_join(run->recipe->output, name);
}

/* ---- a run that begins ---- */

static ftl_status write_recipe(ftl_surrogate_state *run, const char *path, ftl_error *error) {
  const ftl_options_style style = {.folder = run->recipe->output};
  ftl_output_file file = {0};
  ftl_status status = ftl_output_open(path, &file, error);
  if (!status) status = ftl_options_write(&run->recipe->options, &style, file.stream, error);
  if (!status) status = ftl_output_commit(&file, error);
  else ftl_output_discard(&file);
  return status;
}

/* What a distillation began with, for the one that goes on. */
static ftl_status write_state(ftl_surrogate_state *run, const char *path, ftl_error *error) {
  json_t *inputs = ftl_inputs_record(&run->recipe->options, error);
  if (!inputs) return error ? error->code : FTL_ERR_IO;
  return ftl_record_write(path,
                          json_pack("{s:s, s:o, s:o}", "version", ftl_version(), "recipe",
                                    ftl_options_record(&run->recipe->options), "inputs", inputs),
                          error);
}

ftl_status ftl_surrogate_begin(ftl_surrogate_state *run, ftl_error *error) {
  if (ftl_ranks_mine() > 0) return FTL_OK;
  char *recipe = ftl_surrogate_path(run, "recipe.yaml"), *state = ftl_surrogate_path(run, "state.json");
  ftl_status status = recipe && state ? FTL_OK : ftl_no_memory(error, NULL, "a path");
  if (!status) status = write_recipe(run, recipe, error);
  if (!status && run->recipe->model) status = write_state(run, state, error);
  run->unwritten = status == FTL_ERR_IO;
  if (!status) run->host->phase(run->host->context, FTL_SURROGATE_BEGUN);
  free(recipe);
  free(state);
  return status;
}

/* ---- a distillation that goes on ---- */

static const char *const free_keys[] = {"threads", NULL};

/* The options against what the run began with. A run of an earlier version did not write that down. */
static ftl_status compare(ftl_surrogate_recipe *recipe, const char *folder, const ftl_host *host, ftl_error *error) {
  char *path = ftl_path_join(folder, "state.json"), said[400] = "", text[440];
  struct stat info;
  json_error_t why;
  if (!path) return ftl_no_memory(error, NULL, "a path");
  if (lstat(path, &info) != 0) {
    free(path);
    return FTL_OK;
  }
  json_t *state = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? json_load_file(path, 0, &why) : NULL;
  const json_t *before = json_object_get(state, "recipe"), *inputs = json_object_get(state, "inputs");
  ftl_status status = FTL_OK;
  if (!json_is_object(before) || !json_is_array(inputs))
    status = ftl_fail(error, FTL_ERR_FORMAT, path,
                      "it is not what a distillation began with, as it was written: restore it, or begin another run");
  for (int k = 0; k < 2 && !status; k++) {
    status = k == 0 ? ftl_options_compare(&recipe->options, before, free_keys, folder, said, error)
                    : ftl_inputs_find(&recipe->options, inputs, folder, said, error);
    snprintf(text, sizeof text, "changed since: %s", said);
    if (!status && *said) host->say(host->context, text);
  }
  json_decref(state);
  free(path);
  return status;
}

ftl_status ftl_surrogate_recipe_of_run(const char *folder, ftl_surrogate_recipe **recipe, ftl_error *error) {
  char *path = ftl_path_join(folder, "recipe.yaml");
  if (!path) return ftl_no_memory(error, NULL, "a path");
  ftl_status status = FTL_OK;
  if (access(path, R_OK) != 0)
    status = ftl_fail(error, FTL_ERR_INPUT, folder, "there is no run to go on with: it has no recipe.yaml");
  else if (ftl_run_folder_kind(folder) == FTL_RUN_FIT)
    status =
        ftl_fail(error, FTL_ERR_INPUT, folder, "it is a run of frozentl fit, which begins anew: there is no resume");
  else if (ftl_run_folder_kind(folder) == FTL_RUN_TRAIN)
    status = ftl_fail(error, FTL_ERR_INPUT, folder,
                      "it is a run of frozentl train: go on with frozentl train --resume %.200s", folder);
  if (!status) status = ftl_surrogate_recipe_new(&ftl_distill_table, recipe, error);
  if (!status) status = ftl_options_read(&(*recipe)->options, path, error);
  if (!status) status = ftl_options_set(&(*recipe)->options, "output", folder, "--resume", error);
  free(path);
  return status;
}

/* ---- taking the folder ---- */

ftl_status ftl_surrogate_open_folder(ftl_surrogate_recipe *recipe, bool resume, const ftl_host *host,
                                     ftl_run_folder *folder, ftl_error *error) {
  char warning[400];
  if (ftl_ranks_mine() > 0) return FTL_OK;
  ftl_status status = ftl_run_folder_open(recipe->output, recipe->model ? FTL_RUN_DISTILL : FTL_RUN_FIT, resume,
                                          &recipe->options, folder, warning, error);
  if (!status && *warning) host->warn(host->context, warning);
  if (!status && resume) status = compare(recipe, recipe->output, host, error);
  if (!status && resume) status = ftl_run_folder_check_inputs(recipe->output, FTL_RUN_DISTILL, &recipe->options, error);
  return status;
}
