/* The structures of a fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/energies.h"
#include "data/isolated.h"
#include "data/sense.h"
#include "tune/split.h"
#include "base/error.h"
#include "surrogate/fit_run_internal.h"
#include "surrogate/student.h"

static void options_of(const ftl_surrogate_recipe *r, ftl_dataset_options *options) {
  *options =
      (ftl_dataset_options){.labels = {r->labels, {r->label.energy, r->label.forces, r->label.stress, r->label.virial}},
                            .select = {r->select.n, r->select.item},
                            .max_force = r->max_force,
                            .drop_absurd = r->large_forces == FTL_FORCES_DROP,
                            .n_configs = r->weights.configs.n,
                            .config = r->weights.configs.name,
                            .config_weight = r->weights.configs.value};
}

/* What the files have and the run does not use, as far as the checks do not say it; what there is to learn from. */
static void report_set(const ftl_surrogate_state *run, const ftl_dataset *set, const ftl_dataset_options *options,
                       const char *name) {
  const ftl_host *host = run->host;
  char counts[400];
  ftl_label_survey_report(&set->survey, &options->labels, name, true, false, host->warn, host->context);
  ftl_heads_report(&set->survey.heads, &options->select, name, false, host->warn, host->context);
  ftl_dataset_describe_labels(set, counts);
  ftl_surrogate_say(run, "%s: %lld structures (%lld atoms), %s", name, (long long)set->n,
                    (long long)ftl_dataset_atoms(set), counts);
}

/* What must be there: names that were given in data, and a label of data for a fit. Errors of valid, and data beside
   sampled structures, can do without. */
static ftl_status check_set(const ftl_dataset *set, const ftl_dataset_options *options, const char *path, bool fitted,
                            bool distilled, ftl_error *error) {
  const ftl_label_survey *survey = &set->survey;
  ftl_status status = FTL_OK;
  if (fitted) status = ftl_label_survey_require_names(survey, &options->labels, "data", path, error);
  if (!status && fitted && !distilled)
    status = ftl_label_survey_require_any(survey, &options->labels, "data", path, error);
  return status ? status : ftl_heads_require_one(&survey->heads, &options->select, "--select ", path, error);
}

static ftl_status read_set(ftl_surrogate_state *run, const ftl_words *files, bool fitted, ftl_dataset *set,
                           ftl_error *error) {
  const char *name = fitted ? "data" : "valid";
  ftl_dataset_options options;
  if (files->n == 0) return FTL_OK;
  options_of(run->recipe, &options);
  ftl_status status = ftl_dataset_read(files->item, files->n, &options, set, error);
  if (!status) status = ftl_isolated_mark(set, ftl_student_cutoff(run->recipe), error);
  if (!status && set->n == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, files->item[0], "there is no structure in it to %s",
                      fitted ? "fit" : "measure errors on");
  if (!status) status = ftl_labels_possible(set, error);
  if (!status) status = check_set(set, &options, files->item[0], fitted, run->recipe->model != NULL, error);
  if (!status) report_set(run, set, &options, name);
  return status;
}

/* ---- elements and E0 of a fit ---- */

static ftl_status choose_elements(ftl_surrogate_state *run, ftl_error *error) {
  const ftl_words *words = &run->recipe->elements;
  if (words->n == 0) {
    int all[118], n = ftl_dataset_elements(&run->data, all);
    if (n > FTL_MAX_ELEMENTS)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "the data have %d elements; up to %d can be fitted", n,
                      FTL_MAX_ELEMENTS);
    memcpy(run->elements, all, (size_t)n * sizeof *all);
    run->n_elements = n;
    return FTL_OK;
  }
  for (int k = 0; k < words->n; k++) {
    int z = ftl_atomic_number(words->item[k]);
    if (z == 0 || run->n_elements == FTL_MAX_ELEMENTS)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "elements: '%.30s' is no chemical symbol", words->item[k]);
    if (ftl_element_index(run->elements, run->n_elements, z) >= 0)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "elements: %s is given twice", words->item[k]);
    run->elements[run->n_elements++] = z;
  }
  return FTL_OK;
}

/* E0 are found from energies; where there are none, the reason may be their name. */
static ftl_status require_energies(const ftl_surrogate_state *run, ftl_error *error) {
  const ftl_label_survey *survey = &run->data.survey;
  char advice[400];
  if (survey->energy > 0) return FTL_OK;
  ftl_label_survey_advise(survey, advice);
  return ftl_fail(
      error, FTL_ERR_INPUT, run->recipe->data.item[0],
      "data: no structure has an energy that is read, from which E0 could be found: give e0 (--e0 EL=X,...)%s%s",
      *advice ? "; not used are " : "", advice);
}

static ftl_status choose_e0(ftl_surrogate_state *run, ftl_error *error) {
  const ftl_rates *given = &run->recipe->e0;
  const int n = run->n_elements;
  bool found[FTL_MAX_ELEMENTS] = {false}, all = true;
  if (given->n > 0) {
    run->e0_from = "as given";
    return ftl_e0_given(given->name, given->value, given->n, run->elements, n, run->e0, error);
  }
  ftl_status status = require_energies(run, error);
  if (!status)
    status = ftl_e0_isolated(&run->data, ftl_student_cutoff(run->recipe), run->elements, n, run->e0, found, error);
  for (int k = 0; k < n; k++) all = all && found[k];
  run->e0_from = all ? "from isolated atoms" : "fitted to compositions";
  if (status || all) return status;
  ftl_e0_fit fit;
  status = ftl_e0_least_squares(&run->data, run->elements, n, NULL, NULL, run->e0, &fit, error);
  if (!status && *fit.warning) run->host->warn(run->host->context, fit.warning);
  /* these are no energies of free atoms: the fit may have others, with which its errors are smaller */
  if (!status && run->recipe->weights.energy > 0)
    status = ftl_options_suit(&run->recipe->options, "solver.e0", "true", error);
  return status;
}

ftl_status ftl_surrogate_read_sets(ftl_surrogate_state *run, ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  const bool distilled = r->model != NULL;
  if (r->weights.energy + r->weights.forces + r->weights.stress == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "weights.energy, weights.forces and weights.stress are all 0, so that nothing would be fitted");
  FTL_TRY(read_set(run, &r->data, true, &run->data, error));
  if (ftl_options_is_set(&r->options, "frames"))
    FTL_TRY(ftl_split_keep(&run->data, r->frames, (uint64_t)r->seed, "frames", error));
  FTL_TRY(read_set(run, &r->valid, false, &run->valid, error));
  if (!distilled && run->data.n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "a fit needs data: labelled structures in extended XYZ");
  ftl_status status = FTL_OK;
  if (run->data.n > 0) status = ftl_dataset_digest(&run->data, run->data_sha256, error);
  if (!status) status = ftl_surrogate_check(run, error);
  if (!status && !distilled) status = choose_elements(run, error);
  if (!status && !distilled) status = choose_e0(run, error);
  if (!status) ftl_dataset_remove_isolated(&run->data); /* their energies are E0 */
  return status;
}

/* ---- what is fitted, and what is held back ---- */

/* All of data, as weights.data says. */
static ftl_status add_data(ftl_surrogate_state *run, ftl_error *error) {
  const size_t n = (size_t)run->data.n;
  bool *all = malloc(n + 1);
  if (!all) return ftl_no_memory(error, NULL, "the structures of a fit");
  memset(all, 1, n);
  for (size_t k = 0; k < n && run->recipe->model; k++) run->data.structure[k].weight *= run->recipe->weights.data;
  ftl_status status = ftl_dataset_move(&run->data, all, &run->train, error);
  free(all);
  return status;
}

ftl_status ftl_surrogate_split(ftl_surrogate_state *run, ftl_error *error) {
  /* data that count nothing are not measured on either */
  const bool weighed = !run->recipe->model || run->recipe->weights.data > 0;
  if (weighed) FTL_TRY(add_data(run, error));
  char note[300] = "";
  ftl_status status = FTL_OK;
  if (run->recipe->holdout > 0)
    status = ftl_split_off(&run->train, run->recipe->holdout, (uint64_t)run->recipe->seed + 1, &run->held, note, error);
  if (*note) ftl_surrogate_say(run, "holdout: %s", note);
  if (!status && !weighed) status = add_data(run, error);
  if (!status && run->train.n == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, NULL, "there are no structures to fit: isolated atoms only give E0");
  return status;
}
