#include "support/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/output.h"
#include "base/path.h"
#include "base/error.h"

enum { PATH_ROOM = 4096 };

static const char *const commands[] = {"", "train", "fit", "distill"};

/* What a run writes; the recipe comes first. */
static const char *const train_files[] = {
    "recipe.yaml",          "state.ftl", "log.csv", "log.jsonl", "model.ftl", "errors.csv", "predictions-valid.csv",
    "predictions-test.csv", NULL};
static const char *const fit_files[] = {"recipe.yaml", "model.ftl", "model.yace", "errors.csv",
                                        "report.json", "steps.ftl", NULL};
static const char *const distill_files[] = {"recipe.yaml", "state.json",  "model.ftl", "model.yace", "errors.csv",
                                            "report.json", "sampled.xyz", "sampling",  "student",    "steps.ftl",
                                            "rounds",      "rounds.json", NULL};
/* Those of them that are folders. */
static const char *const folders[] = {"sampling", "student", "rounds", NULL};
static const char *const *const files_of[] = {NULL, train_files, fit_files, distill_files};

/* Folders below it, and below those of its rounds, that a run writes temporary files to. */
static const char *const below[] = {"", "sampling", "sampling/runs"};

static bool has(const char *folder, const char *name) {
  struct stat info;
  char path[PATH_ROOM];
  ftl_path_put(path, sizeof path, folder, name);
  return lstat(path, &info) == 0;
}

/* ---- what a folder holds ---- */

/* A recipe alone: by options that only one command has. */
static ftl_run_kind kind_of_recipe(const char *folder) {
  char path[PATH_ROOM], line[4096];
  struct stat info;
  bool basis = false, model = false, optimiser = false;
  ftl_path_put(path, sizeof path, folder, "recipe.yaml");
  FILE *stream = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? fopen(path, "r") : NULL;
  while (stream && fgets(line, sizeof line, stream)) {
    basis |= strncmp(line, "basis", 5) == 0;
    model |= strncmp(line, "model:", 6) == 0;
    optimiser |= strncmp(line, "optimiser", 9) == 0;
  }
  if (stream) fclose(stream);
  return optimiser ? FTL_RUN_TRAIN : basis ? (model ? FTL_RUN_DISTILL : FTL_RUN_FIT) : FTL_RUN_NONE;
}

ftl_run_kind ftl_run_folder_kind(const char *path) {
  if (!has(path, "recipe.yaml")) return FTL_RUN_NONE;
  if (has(path, "state.ftl") || has(path, "log.csv") || has(path, "log.jsonl")) return FTL_RUN_TRAIN;
  if (has(path, "state.json") || has(path, "sampling") || has(path, "sampled.xyz")) return FTL_RUN_DISTILL;
  return kind_of_recipe(path);
}

/* ---- what would be overwritten ---- */

static ftl_status check_inputs(const char *path, ftl_run_kind kind, const ftl_options *options, ftl_error *error) {
  ftl_paths paths = {0};
  char name[PATH_ROOM], what[64];
  ftl_paths_options(&paths, options);
  for (const char *const *file = files_of[kind]; *file; file++) {
    ftl_path_put(name, sizeof name, path, *file);
    snprintf(what, sizeof what, "%s of the run", *file);
    ftl_paths_output(&paths, what, name);
  }
  ftl_status status = ftl_paths_check(&paths, error);
  ftl_paths_free(&paths);
  return status;
}

ftl_status ftl_run_folder_check_inputs(const char *path, ftl_run_kind kind, const ftl_options *options,
                                       ftl_error *error) {
  ftl_options own = *options;
  own.source = NULL;
  return check_inputs(path, kind, &own, error);
}

static ftl_status check_unused(const char *path, ftl_run_kind kind, ftl_error *error) {
  const ftl_run_kind there = ftl_run_folder_kind(path);
  const bool begins_again = kind == FTL_RUN_FIT && there == FTL_RUN_FIT && !has(path, "report.json");
  if (begins_again) return FTL_OK;
  if (there != FTL_RUN_NONE && there != kind)
    return ftl_fail(error, FTL_ERR_INPUT, path,
                    "it holds a run of frozentl %s, whose files this %s would overwrite: give another folder",
                    commands[there], commands[kind]);
  if (there == FTL_RUN_FIT) return ftl_fail(error, FTL_ERR_INPUT, path, "it holds a run; give another folder");
  if (there != FTL_RUN_NONE)
    return ftl_fail(error, FTL_ERR_INPUT, path,
                    "it holds a run; go on with it by --resume %.200s, or give another folder", path);
  for (const char *const *file = files_of[kind]; *file; file++)
    if (has(path, *file))
      return ftl_fail(
          error, FTL_ERR_INPUT, path,
          "it has a file %s, which is of no run and which this one would overwrite: give another folder, or "
          "move the file",
          *file);
  return FTL_OK;
}

/* A pipe would be waited for. */
static bool is_folder(const char *name) {
  for (const char *const *folder = folders; *folder; folder++)
    if (strcmp(*folder, name) == 0) return true;
  return false;
}

static ftl_status check_regular(const char *path, ftl_run_kind kind, ftl_error *error) {
  char name[PATH_ROOM];
  struct stat info;
  for (const char *const *file = files_of[kind]; *file; file++) {
    ftl_path_put(name, sizeof name, path, *file);
    if (stat(name, &info) != 0 || S_ISREG(info.st_mode) || is_folder(*file)) continue;
    return ftl_fail(error, FTL_ERR_INPUT, name,
                    "it is no regular file, as the run wrote it: restore it from a copy, or begin another run");
  }
  return FTL_OK;
}

static ftl_status check_used(const char *path, ftl_run_kind kind, ftl_error *error) {
  const ftl_run_kind there = ftl_run_folder_kind(path);
  if (there == kind) return check_regular(path, kind, error);
  if (!has(path, "recipe.yaml"))
    return ftl_fail(error, FTL_ERR_INPUT, path, "there is no run to go on with: it has no recipe.yaml");
  if (there == FTL_RUN_FIT)
    return ftl_fail(error, FTL_ERR_INPUT, path, "it is a run of frozentl fit, which begins anew: there is no resume");
  if (there != FTL_RUN_NONE)
    return ftl_fail(error, FTL_ERR_INPUT, path, "it is a run of frozentl %s: go on with frozentl %s --resume %.200s",
                    commands[there], commands[there], path);
  return FTL_OK; /* reading the recipe says what is wrong */
}

/* ---- what a process that was killed left ---- */

/* NAME.XXXXXX.tmp (support/output.h) or NAME.PID.tmp (core), NAME a file of the run. */
static bool is_left(const char *name, bool below_run, ftl_run_kind kind) {
  const size_t length = strlen(name);
  if (length < 6 || strcmp(name + length - 4, ".tmp") != 0) return false;
  const char *dot = name + length - 5;
  while (dot > name && *dot != '.') dot--;
  if (dot == name || name + length - 4 - dot < 2) return false;
  if (below_run) return true; /* all is the run's there */
  for (const char *const *file = files_of[kind]; *file; file++)
    if (strlen(*file) == (size_t)(dot - name) && strncmp(*file, name, (size_t)(dot - name)) == 0) return true;
  return false;
}

/* `round` is "" or "rounds/N". */
static void remove_left_in(const char *path, const char *round, ftl_run_kind kind) {
  for (size_t k = 0; k < (kind == FTL_RUN_DISTILL ? 3 : 1); k++) {
    char folder[PATH_ROOM], file[PATH_ROOM + 300];
    snprintf(folder, sizeof folder, "%s/%s/%s", path, round, below[k]);
    DIR *list = opendir(folder);
    for (struct dirent *item; list && (item = readdir(list));) {
      if (!is_left(item->d_name, *round || *below[k], kind)) continue;
      ftl_path_put(file, sizeof file, folder, item->d_name);
      unlink(file);
    }
    if (list) closedir(list);
  }
}

static void remove_left(const char *path, ftl_run_kind kind) {
  char round[32] = "";
  for (int k = 1; k == 1 || has(path, round); k++) {
    remove_left_in(path, round, kind);
    snprintf(round, sizeof round, "rounds/%d", k);
  }
}

/* ---- opening and closing ---- */

static ftl_status make(const char *path, int *made, ftl_error *error) {
  const int code = ftl_output_make_folders(path, made);
  if (*made > 0) ftl_output_remember_folder(path, *made);
  if (!code) return FTL_OK;
  struct stat info;
  if (stat(path, &info) == 0)
    return ftl_fail(error, FTL_ERR_INPUT, path, "it is no folder: a run needs one for its files");
  return ftl_fail(error, FTL_ERR_IO, path, "the folder cannot be made: %s", strerror(code));
}

ftl_status ftl_run_folder_open(const char *path, ftl_run_kind kind, bool resume, const ftl_options *options,
                               ftl_run_folder *folder, char warning[400], ftl_error *error) {
  *folder = (ftl_run_folder){.path = path};
  *warning = '\0';
  ftl_status status = resume ? check_used(path, kind, error) : check_inputs(path, kind, options, error);
  if (!status && !resume) status = make(path, &folder->made, error);
  if (!status) status = ftl_lock_take(path, commands[kind], &folder->lock, warning, error);
  /* that a folder cannot be written says less than what is in it */
  const bool unwritten = status == FTL_ERR_IO;
  if (!resume && (!status || (unwritten && check_unused(path, kind, NULL) != FTL_OK)))
    status = check_unused(path, kind, error);
  if (!status) remove_left(path, kind);
  if (status) ftl_run_folder_close(folder);
  return status;
}

void ftl_run_folder_close(ftl_run_folder *folder) {
  ftl_lock_release(&folder->lock);
  if (folder->made > 0) {
    ftl_output_remember_folder(NULL, 0);
    ftl_output_remove_folders(folder->path, folder->made);
  }
  *folder = (ftl_run_folder){0};
}

/* ---- outputs of other commands ---- */

/* `name` is a file of the run in `folder`, or the folder of its samples. */
static bool belongs(const char *folder, const char *name, ftl_run_kind *kind) {
  *kind = ftl_run_folder_kind(folder);
  for (const char *const *file = files_of[*kind]; file && *file; file++)
    if (strcmp(*file, name) == 0) return true;
  return false;
}

ftl_status ftl_run_folder_check_output(const char *path, ftl_error *error) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return FTL_OK;
  char *folder = realpath(path, NULL);
  ftl_status status = FTL_OK;
  ftl_run_kind kind;
  /* up to RUN/rounds/N/sampling/runs/FILE */
  for (int k = 0; folder && k < 5 && !status; k++) {
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder) break;
    *slash = '\0';
    if (belongs(folder, slash + 1, &kind))
      status =
          ftl_fail(error, FTL_ERR_INPUT, path,
                   "it belongs to the run of frozentl %s in %.200s, and would be overwritten: choose another output",
                   commands[kind], folder);
  }
  free(folder);
  return status;
}
