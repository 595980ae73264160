#include "tune/train_sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/isolated.h"
#include "data/sense.h"
#include "tune/replay.h"
#include "tune/split.h"
#include "tune/suit.h"
#include "base/path.h"
#include "base/error.h"

void ftl_sets_free(ftl_sets *sets) {
  ftl_dataset_free(&sets->train);
  ftl_dataset_free(&sets->valid);
  ftl_dataset_free(&sets->test);
  ftl_dataset_free(&sets->isolated);
  ftl_dataset_free(&sets->replay);
}

/* ---- reading and dividing ---- */

static ftl_status move(ftl_dataset *from, const bool *moved, ftl_dataset *into, ftl_error *error) {
  if (!moved) return ftl_no_memory(error, NULL, "dividing the data set");
  return ftl_dataset_move(from, moved, into, error);
}

static ftl_status set_isolated_aside(ftl_sets *sets, ftl_error *error) {
  bool *moved = calloc((size_t)sets->train.n + 1, sizeof *moved);
  int64_t count = 0;
  for (int64_t k = 0; moved && k < sets->train.n; k++) count += moved[k] = sets->train.structure[k].isolated;
  ftl_status status = count > 0 || !moved ? move(&sets->train, moved, &sets->isolated, error) : FTL_OK;
  free(moved);
  return status;
}

/* The same structures are validated on, however many of the others are trained on: learning curves need that. */
static ftl_status split_valid(const ftl_recipe *recipe, ftl_sets *sets, ftl_error *error) {
  if (sets->train.n == 0) return FTL_OK; /* the checks say it */
  const int64_t n = sets->train.n;
  ftl_status status =
      ftl_split_off(&sets->train, recipe->valid_fraction, (uint64_t)recipe->seed, &sets->valid, sets->note[1], error);
  if (!ftl_options_is_chosen(&recipe->options, "valid_fraction"))
    sets->note[1][0] = '\0'; /* the manual says it of the default */
  if (status != FTL_OK || sets->valid.n > 0) return status;
  return ftl_fail(error, FTL_ERR_INPUT, recipe->data.item[0], "%s to validate on; give a set with valid",
                  n == 1 ? "there is one structure, so none can be split off"
                         : "too many structures are copies of each other to split some off");
}

static ftl_status take_part(const ftl_recipe *recipe, ftl_sets *sets, ftl_error *error) {
  const uint64_t seed = (uint64_t)recipe->seed;
  if (ftl_recipe_is_set(recipe, "frames")) return ftl_split_keep(&sets->train, recipe->frames, seed, "frames", error);
  if (!ftl_recipe_is_set(recipe, "fraction")) return FTL_OK;
  return ftl_split_keep(&sets->train, llround(ceil(recipe->fraction * (double)sets->train.n)), seed, "fraction", error);
}

static ftl_status labels_possible(const ftl_sets *sets, ftl_error *error) {
  const ftl_dataset *set[] = {&sets->train, &sets->valid, &sets->test, &sets->isolated, &sets->replay};
  ftl_status status = FTL_OK;
  for (size_t k = 0; k < sizeof set / sizeof *set && status == FTL_OK; k++) status = ftl_labels_possible(set[k], error);
  return status;
}

ftl_status ftl_sets_read(ftl_recipe *recipe, double cutoff, ftl_sets *sets, ftl_error *error) {
  ftl_dataset_options options;
  ftl_sets_options(recipe, &options);
  const struct {
    const ftl_words *paths;
    ftl_dataset *dataset;
  } set[] = {{&recipe->data, &sets->train}, {&recipe->valid, &sets->valid}, {&recipe->test, &sets->test}};
  ftl_status status = FTL_OK;
  for (int k = 0; !status && k < 3; k++)
    if (set[k].paths->n > 0)
      status = ftl_dataset_read(set[k].paths->item, set[k].paths->n, &options, set[k].dataset, error);
  for (int k = 0; status == FTL_OK && k < 3; k++) status = ftl_isolated_mark(set[k].dataset, cutoff, error);
  if (status == FTL_OK) status = ftl_replay_read(recipe, cutoff, sets, error);
  if (status == FTL_OK) status = ftl_sets_require_labels(recipe, sets, error);
  if (status == FTL_OK) status = set_isolated_aside(sets, error);
  if (status == FTL_OK) status = ftl_recipe_suit(recipe, &sets->train, sets->note[0], error);
  if (status == FTL_OK && recipe->valid.n == 0) status = split_valid(recipe, sets, error);
  if (status == FTL_OK) status = take_part(recipe, sets, error);
  if (status == FTL_OK) ftl_dataset_remove_isolated(&sets->valid);
  return status == FTL_OK ? labels_possible(sets, error) : status;
}

/* ---- checks ---- */

ftl_status ftl_sets_weigh(const ftl_recipe *r, const ftl_sets *sets, ftl_error *error) {
  const ftl_label_weights first = {r->loss.energy, r->loss.forces, r->loss.stress, "loss"},
                          second = {r->swa.energy, r->swa.forces, r->swa.stress, "swa"};
  ftl_status status = ftl_labels_weigh(&sets->train, &first, "train", error);
  if (status == FTL_OK) status = ftl_labels_weigh(&sets->valid, &first, "valid", error);
  if (status == FTL_OK && ftl_recipe_is_set(r, "swa.start"))
    status = ftl_labels_weigh(&sets->train, &second, "train, in stage two,", error);
  return status;
}

ftl_status ftl_sets_check(const ftl_recipe *recipe, const ftl_sets *sets, const int *elements, int n_elements,
                          double cutoff, ftl_findings *findings, ftl_error *error) {
  ftl_checked_set set[4] = {{"train", &sets->train, true, false}, {"valid", &sets->valid, true, false}};
  int n = 2;
  if (recipe->test.n > 0) set[n++] = (ftl_checked_set){"test", &sets->test, false, false};
  /* labels that the foundation is to give are not there yet */
  if (sets->replay.n_files > 0 && recipe->replay.labels == FTL_REPLAY_DATA)
    set[n++] = (ftl_checked_set){"replay", &sets->replay, true, true};
  /* a default weight of stress is no reason to remark that there is none */
  ftl_label_counts counts;
  ftl_dataset_count_labels(&sets->train, &counts);
  const bool stress = recipe->loss.stress > 0 && (counts.stress + counts.stress_without_volume > 0 ||
                                                  ftl_options_is_chosen(&recipe->options, "loss.stress"));
  const bool given = recipe->e0.kind == FTL_START_GIVEN && ftl_recipe_is_set(recipe, "e0.kind");
  int element[FTL_MAX_ELEMENTS], n_e0 = 0;
  for (int k = 0; given && k < recipe->e0.values.n && n_e0 < FTL_MAX_ELEMENTS; k++) {
    element[n_e0] = ftl_atomic_number(recipe->e0.values.name[k]);
    n_e0 += element[n_e0] > 0 && n_e0 == k; /* another than a symbol is refused where they are used */
  }
  const ftl_checks checks = {.n_sets = n,
                             .set = set,
                             .weights = "loss",
                             .n_elements = n_elements,
                             .elements = elements,
                             .energy = recipe->loss.energy > 0,
                             .forces = recipe->loss.forces > 0,
                             .stress = stress,
                             .n_configs = recipe->loss.configs.n,
                             .config = recipe->loss.configs.name,
                             .isolated = &sets->isolated,
                             .n_e0 = n_e0,
                             .e0_element = element,
                             .e0 = recipe->e0.values.value,
                             .cutoff = cutoff,
                             .adds_elements = recipe->foundation != NULL};
  return ftl_checks_run(&checks, findings, error);
}

int ftl_sets_elements(const ftl_sets *sets, int elements[118]) {
  const ftl_dataset *all[] = {&sets->train, &sets->valid, &sets->test, &sets->isolated, &sets->replay};
  bool present[119] = {false};
  int n = 0;
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    const int count = ftl_dataset_elements(all[k], elements);
    for (int i = 0; i < count; i++) present[elements[i]] = true;
  }
  for (int z = 1; z <= 118; z++)
    if (present[z]) elements[n++] = z;
  return n;
}

/* ---- what was trained on ---- */

/* Structures of the set that are from the file: not all of it may be used. */
static int64_t frames_of(const ftl_dataset *dataset, const char *path) {
  int64_t frames = 0;
  for (int64_t k = 0; k < dataset->n; k++) frames += strcmp(dataset->structure[k].path, path) == 0;
  return frames;
}

/* A file that is given twice has its frames once. */
static bool named_before(const ftl_dataset *dataset, int file) {
  for (int k = 0; k < file; k++)
    if (strcmp(dataset->file[k].path, dataset->file[file].path) == 0) return true;
  return false;
}

static bool describe_set(const ftl_dataset *dataset, const char *name, json_t *files) {
  for (int k = 0; k < dataset->n_files; k++) {
    const ftl_dataset_file *file = &dataset->file[k];
    const json_int_t frames = frames_of(dataset, file->path);
    if (frames == 0 || named_before(dataset, k)) continue;
    json_t *entry = json_pack("{s:s, s:I, s:s, s:s}", "name", ftl_path_name(file->path), "frames", frames, "sha256",
                              file->sha256, "set", name);
    /* a name that is not UTF-8 is left out */
    if (!entry) entry = json_pack("{s:I, s:s, s:s}", "frames", frames, "sha256", file->sha256, "set", name);
    if (json_array_append_new(files, entry) != 0) return false;
  }
  return true;
}

static bool describe_sample(const ftl_recipe *recipe, json_t *files) {
  if (!ftl_recipe_is_set(recipe, "replay.sample")) return true;
  return json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "name", "(sampled)", "frames",
                                                (json_int_t)recipe->replay.sample, "set", "replay")) == 0;
}

json_t *ftl_sets_describe(const ftl_recipe *recipe, const ftl_sets *sets) {
  json_t *files = json_array();
  const bool ok = files && describe_set(&sets->train, "train", files) && describe_set(&sets->valid, "valid", files) &&
                  describe_set(&sets->test, "test", files) && describe_set(&sets->isolated, "isolated", files) &&
                  describe_set(&sets->replay, "replay", files) && describe_sample(recipe, files);
  char *text = ok ? json_dumps(files, JSON_COMPACT | JSON_SORT_KEYS) : NULL, digest[FTL_SHA256_HEX];
  if (!text) {
    json_decref(files);
    return NULL;
  }
  ftl_sha256(text, strlen(text), digest);
  free(text);
  return json_pack("{s:o, s:s}", "files", files, "sha256", digest);
}
