/* Labels and structures of the sets of a run: how they are read, and what is said about them. */
#include <string.h>

#include "tune/replay.h"
#include "tune/train_sets.h"
#include "base/error.h"

void ftl_sets_options(const ftl_recipe *recipe, ftl_dataset_options *options) {
  *options = (ftl_dataset_options){
      .labels = {recipe->labels,
                 {recipe->label.energy, recipe->label.forces, recipe->label.stress, recipe->label.virial}},
      .select = {recipe->select.n, recipe->select.item},
      .max_force = recipe->max_force,
      .drop_absurd = recipe->large_forces == FTL_FORCES_DROP,
      .n_configs = recipe->loss.configs.n,
      .config = recipe->loss.configs.name,
      .config_weight = recipe->loss.configs.value};
}

/* A set as its labels are checked. */
typedef struct {
  const char *name;
  const ftl_words *paths;
  const ftl_dataset *dataset;
  bool learnt; /* without labels the run makes no sense */
} labelled_set;

enum { SETS = 4 };

static int list(const ftl_recipe *recipe, const ftl_sets *sets, labelled_set set[SETS]) {
  int n = 0;
  set[n++] = (labelled_set){"train", &recipe->data, &sets->train, true};
  if (recipe->valid.n > 0) set[n++] = (labelled_set){"valid", &recipe->valid, &sets->valid, true};
  if (recipe->test.n > 0) set[n++] = (labelled_set){"test", &recipe->test, &sets->test, false};
  if (recipe->replay.data.n > 0 && recipe->replay.labels == FTL_REPLAY_DATA)
    set[n++] = (labelled_set){"replay", &recipe->replay.data, &sets->replay, true};
  return n;
}

static bool is_replay(const labelled_set *set, const ftl_sets *sets) { return set->dataset == &sets->replay; }

ftl_status ftl_sets_require_labels(const ftl_recipe *recipe, const ftl_sets *sets, ftl_error *error) {
  const ftl_selection replay = {recipe->replay.select.n, recipe->replay.select.item};
  labelled_set set[SETS];
  ftl_dataset_options o;
  ftl_tally heads = {0};
  ftl_status status = FTL_OK;
  const int n = list(recipe, sets, set);
  ftl_sets_options(recipe, &o);
  for (int k = 0; !status && k < n; k++) {
    const ftl_label_survey *survey = &set[k].dataset->survey;
    const char *path = set[k].paths->item[0];
    if (k == 0) status = ftl_label_survey_require_names(survey, &o.labels, set[k].name, path, error);
    if (!status && set[k].learnt) status = ftl_label_survey_require_any(survey, &o.labels, set[k].name, path, error);
    if (!status && is_replay(&set[k], sets))
      status = ftl_heads_require_one(&survey->heads, &replay, "--set replay.select=", path, error);
    if (!is_replay(&set[k], sets)) ftl_tally_join(&heads, &survey->heads);
  }
  FTL_TRY(status);
  return ftl_heads_require_one(&heads, &o.select, "--select ", recipe->data.item[0], error);
}

void ftl_sets_report_labels(const ftl_recipe *recipe, const ftl_sets *sets,
                            void (*say)(void *context, const char *text), void *context) {
  labelled_set set[SETS];
  ftl_dataset_options o;
  const int n = list(recipe, sets, set);
  ftl_sets_options(recipe, &o);
  for (int k = 0; k < n; k++) {
    const ftl_label_survey *survey = &set[k].dataset->survey;
    ftl_label_survey_report(survey, &o.labels, set[k].name, true, false, say, context);
    if (!is_replay(&set[k], sets)) ftl_heads_report(&survey->heads, &o.select, set[k].name, false, say, context);
  }
  if (sets->replay.dropped > 0 && recipe->replay.labels != FTL_REPLAY_DATA) { /* otherwise a check of the set says it */
    char text[700];
    snprintf(text, sizeof text, "replay: structures left out for large forces: %lld; first: %s",
             (long long)sets->replay.dropped, sets->replay.first_dropped);
    say(context, text);
  }
}
