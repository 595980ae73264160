/* The folder of a sampling: what is finished, and its candidates. */
#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/output.h"
#include "support/record.h"
#include "base/path.h"
#include "base/error.h"
#include "sampling/frames.h"
#include "sampling/sampling_internal.h"

enum { PATH_ROOM = 4096 };

static const char *const names[FTL_SAMPLING_ENDS] = {"done",
                                                     "left",
                                                     "too hot",
                                                     "atoms too close",
                                                     "force too large",
                                                     "no finite energy",
                                                     "gamma too large",
                                                     "differs from the model"};
static const char *const advice[FTL_SAMPLING_ENDS] = {
    [FTL_SAMPLING_DONE] = "",
    [FTL_SAMPLING_LEFT] = "",
    [FTL_SAMPLING_HOT] = "the temperature rose far above its target, also after the start was relaxed where that could "
                         "help: the time step is too long, or the potential gives energy that is not there",
    [FTL_SAMPLING_CLOSE] = "two atoms came closer than 0.6 times the sum of their covalent radii: lower the "
                           "temperature, or look at the start",
    [FTL_SAMPLING_FORCE] = "a force rose above sample.max_force: the structure is far from what is wanted, or the "
                           "potential is no good there",
    [FTL_SAMPLING_ENERGY] = "the prediction was not finite, or there was none: the potential has nothing to say there",
    [FTL_SAMPLING_GRADE] = "the surrogate met surroundings that its data do not span (round.gamma); the frame is a "
                           "candidate",
    [FTL_SAMPLING_DIFFERS] = "the model's forces were others than the surrogate's (round.difference); the frame is a "
                             "candidate"};

const char *ftl_sampling_end_name(ftl_sampling_end end) { return names[end]; }
const char *ftl_sampling_end_advice(ftl_sampling_end end) { return advice[end]; }

static void path_of(const ftl_sampling_store *store, const char *name, char path[PATH_ROOM]) {
  ftl_path_put(path, PATH_ROOM, store->folder, name);
}

static void run_path(const ftl_sampling_store *store, int64_t run, const char *extension, char path[PATH_ROOM]) {
  snprintf(path, PATH_ROOM, "%s/runs/%06lld.%s", store->folder, (long long)run, extension);
}

/* ---- JSON ---- */

static json_t *entry_to_json(const ftl_sampling_store *store, int64_t run) {
  const ftl_sampling_entry *e = &store->entry[run];
  return json_pack("{s:I, s:s, s:s, s:b, s:I, s:s}", "run", (json_int_t)run, "config_type",
                   store->plan->run[run].config_type, "end", names[e->end], "relaxed", e->relaxed, "frames",
                   (json_int_t)e->frames, "sha256", e->sha256);
}

static bool entry_from_json(const json_t *json, int64_t run, ftl_sampling_entry *entry) {
  json_int_t number, frames;
  const char *end, *sha256;
  int relaxed;
  if (json_unpack((json_t *)json, "{s:I, s:s, s:b, s:I, s:s}", "run", &number, "end", &end, "relaxed", &relaxed,
                  "frames", &frames, "sha256", &sha256) ||
      number != run || frames < 0 || strlen(sha256) != FTL_SHA256_HEX - 1)
    return false;
  for (int k = 0; k < FTL_SAMPLING_ENDS; k++)
    if (strcmp(end, names[k]) == 0) {
      *entry = (ftl_sampling_entry){.finished = true, .relaxed = relaxed, .end = (ftl_sampling_end)k, .frames = frames};
      memcpy(entry->sha256, sha256, FTL_SHA256_HEX);
      return true;
    }
  return false;
}

/* ---- opening ---- */

static bool is_file(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* What stays behind does no harm. */
static void remove_runs(const ftl_sampling_store *store) {
  char folder[PATH_ROOM], path[PATH_ROOM + 300];
  path_of(store, "runs", folder);
  DIR *list = opendir(folder);
  for (struct dirent *item; list && (item = readdir(list));) {
    if (item->d_name[0] < '0' || item->d_name[0] > '9') continue;
    ftl_path_put(path, sizeof path, folder, item->d_name);
    unlink(path);
  }
  if (list) closedir(list);
  rmdir(folder);
}

/* What is on disk as it was written: its file and the digest of that. */
static void read_run(ftl_sampling_store *store, int64_t run) {
  char path[PATH_ROOM], digest[FTL_SHA256_HEX];
  ftl_sampling_entry entry;
  run_path(store, run, "json", path);
  json_t *json = is_file(path) ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
  if (json && entry_from_json(json, run, &entry)) {
    run_path(store, run, "xyz", path);
    if (ftl_sha256_file(path, digest, NULL) == FTL_OK && strcmp(digest, entry.sha256) == 0) store->entry[run] = entry;
  }
  json_decref(json);
}

static ftl_status read_finished(ftl_sampling_store *store, const json_t *json, const char *sha256, ftl_error *error) {
  char path[PATH_ROOM], digest[FTL_SHA256_HEX];
  const json_t *list = json_object_get(json, "runs");
  path_of(store, "candidates.xyz", path);
  FTL_TRY(ftl_sha256_file(path, digest, error));
  bool good = strcmp(digest, sha256) == 0 && (int64_t)json_array_size(list) == store->plan->n;
  for (int64_t k = 0; good && k < store->plan->n; k++)
    good = entry_from_json(json_array_get(list, (size_t)k), k, &store->entry[k]);
  if (!good)
    return ftl_fail(error, FTL_ERR_FORMAT, path,
                    "the candidates are not those that the sampling wrote: restore the folder, or remove it and sample "
                    "anew");
  memcpy(store->sha256, digest, sizeof digest);
  return FTL_OK;
}

static ftl_status read_folder(ftl_sampling_store *store, const char *path, ftl_error *error) {
  json_error_t why;
  const char *digest = NULL, *sha256 = NULL;
  json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
  ftl_status status = FTL_OK;
  if (!json || json_unpack(json, "{s:s, s?s}", "plan", &digest, "candidates", &sha256))
    status = ftl_fail(error, FTL_ERR_FORMAT, path, "this is not the state of a sampling%s%.200s", json ? "" : ": ",
                      json ? "" : why.text);
  else if (strcmp(digest, store->plan->digest) != 0)
    status = ftl_fail(error, FTL_ERR_INPUT, path,
                      "the folder holds a sampling with another plan, model or seed: choose another folder, or remove "
                      "this one");
  else if (sha256) status = read_finished(store, json, sha256, error);
  else
    for (int64_t k = 0; k < store->plan->n; k++) read_run(store, k);
  json_decref(json);
  return status;
}

ftl_status ftl_sampling_store_open(const ftl_sampling_plan *plan, const char *folder, ftl_sampling_store *store,
                                   ftl_error *error) {
  char path[PATH_ROOM];
  *store = (ftl_sampling_store){.plan = plan};
  if (strlen(folder) > PATH_ROOM - 64) return ftl_fail(error, FTL_ERR_INPUT, folder, "the name is too long");
  store->folder = strdup(folder);
  store->entry = calloc((size_t)plan->n + 1, sizeof *store->entry);
  if (!store->folder || !store->entry) return ftl_no_memory(error, folder, "its runs");
  ftl_status status = ftl_output_folder(folder, error);
  path_of(store, "sampling.json", path);
  if (!status && access(path, F_OK) == 0 && !is_file(path))
    status =
        ftl_fail(error, FTL_ERR_INPUT, path, "it is no regular file, as a sampling wrote it: restore it, or remove it");
  else if (!status && is_file(path)) status = read_folder(store, path, error);
  else if (!status) status = ftl_record_write(path, json_pack("{s:s}", "plan", plan->digest), error);
  FTL_TRY(status);
  if (store->sha256[0]) {
    remove_runs(store); /* left by a process that was killed when it had finished them */
    return FTL_OK;
  }
  path_of(store, "runs", path);
  return ftl_output_folder(path, error);
}

void ftl_sampling_store_free(ftl_sampling_store *store) {
  free(store->folder);
  free(store->entry);
  *store = (ftl_sampling_store){0};
}

/* ---- adding ---- */

static ftl_status write_frames(const char *path, int64_t run, const ftl_dataset *frames, ftl_error *error) {
  ftl_output_file output;
  char more[80];
  FTL_TRY(ftl_output_open(path, &output, error));
  for (int64_t k = 0; k < frames->n; k++) {
    snprintf(more, sizeof more, " run=%lld step=%lld", (long long)run, (long long)frames->structure[k].frame);
    ftl_frame_write(output.stream, &frames->structure[k], more);
  }
  return ftl_output_commit(&output, error); /* it sees the stream's errors */
}

ftl_status ftl_sampling_store_add(ftl_sampling_store *store, int64_t run, const ftl_sampling_result *result,
                                  ftl_error *error) {
  char path[PATH_ROOM];
  ftl_sampling_entry *entry = &store->entry[run];
  run_path(store, run, "xyz", path);
  FTL_TRY(write_frames(path, run, &result->frames, error));
  FTL_TRY(ftl_sha256_file(path, entry->sha256, error));
  entry->end = result->end;
  entry->relaxed = result->relaxed;
  entry->frames = result->frames.n;
  run_path(store, run, "json", path);
  ftl_status status = ftl_record_write(path, entry_to_json(store, run), error);
  entry->finished = status == FTL_OK;
  return status;
}

/* ---- the end ---- */

ftl_status ftl_sampling_store_finish(ftl_sampling_store *store, ftl_error *error) {
  char path[PATH_ROOM], part[PATH_ROOM];
  ftl_output_file output;
  path_of(store, "candidates.xyz", path);
  FTL_TRY(ftl_output_open(path, &output, error));
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < store->plan->n; k++) {
    run_path(store, k, "xyz", part);
    status = ftl_output_append(part, output.stream, error);
  }
  if (!status) status = ftl_output_commit(&output, error);
  else ftl_output_discard(&output);
  if (!status) status = ftl_sha256_file(path, store->sha256, error);
  FTL_TRY(status);
  json_t *list = json_array();
  for (int64_t k = 0; k < store->plan->n; k++) json_array_append_new(list, entry_to_json(store, k));
  path_of(store, "sampling.json", path);
  status = ftl_record_write(
      path, json_pack("{s:s, s:s, s:o}", "plan", store->plan->digest, "candidates", store->sha256, "runs", list),
      error);
  if (!status) remove_runs(store);
  return status;
}

ftl_status ftl_sampling_store_load(const ftl_sampling_store *store, ftl_dataset *candidates, ftl_error *error) {
  char path[PATH_ROOM], *const paths[] = {path};
  path_of(store, "candidates.xyz", path);
  return ftl_dataset_read(paths, 1, NULL, candidates, error);
}
