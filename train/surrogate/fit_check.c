/* What is wrong or doubtful about the structures of a fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/checks.h"
#include "base/error.h"
#include "surrogate/teacher.h"
#include "surrogate/fit_run_internal.h"
#include "surrogate/student.h"

enum { STRUCTURES = 100, ATOMS = 5000 }; /* of data that the model answers for */

static ftl_status tell(ftl_surrogate_state *run, int first, ftl_error *error) {
  if (run->recipe->checks == FTL_CHECKS_WARN) ftl_findings_accept(&run->findings);
  return ftl_findings_tell(&run->findings, first, run->host->warn, run->host->context,
                           "; --checks warn fits it as it is", error);
}

/* Shallow copies of the isolated structures of a set, or of the others. */
static ftl_status view(const ftl_dataset *set, bool isolated, ftl_dataset *copies, ftl_error *error) {
  *copies = *set;
  copies->structure = malloc(((size_t)set->n + 1) * sizeof *copies->structure);
  copies->n = 0;
  if (!copies->structure) return ftl_no_memory(error, NULL, "checking the data");
  for (int64_t k = 0; k < set->n; k++)
    if (set->structure[k].isolated == isolated) copies->structure[copies->n++] = set->structure[k];
  return FTL_OK;
}

static ftl_status check(ftl_surrogate_state *run, const ftl_dataset *data, const ftl_dataset *isolated,
                        ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  ftl_checked_set set[2];
  ftl_label_counts counts;
  int n = 0;
  if (run->data.n > 0) set[n++] = (ftl_checked_set){"data", data, r->model == NULL, false};
  if (run->valid.n > 0) set[n++] = (ftl_checked_set){"valid", &run->valid, false, false};
  int element[FTL_MAX_ELEMENTS], n_e0 = 0;
  double e0[FTL_MAX_ELEMENTS];
  for (int k = 0; k < r->e0.n && n_e0 < FTL_MAX_ELEMENTS; k++) {
    e0[n_e0] = r->e0.value[k];
    element[n_e0] = ftl_atomic_number(r->e0.name[k]); /* another than a symbol is refused where they are used */
    n_e0 += element[n_e0] > 0;
  }
  ftl_dataset_count_labels(data, &counts);
  if (!r->model && counts.none == data->n) return FTL_OK; /* the fit says it */
  /* a default weight of stress is no reason to remark that there is none */
  const bool stress = r->weights.stress > 0 && (counts.stress + counts.stress_without_volume > 0 ||
                                                ftl_options_is_chosen(&r->options, "weights.stress"));
  const ftl_checks checks = {.n_sets = n,
                             .set = set,
                             .weights = "weights",
                             .energy = r->weights.energy > 0,
                             .forces = r->weights.forces > 0,
                             .stress = stress,
                             .n_configs = r->model ? 0 : r->weights.configs.n, /* sampling makes types of its own */
                             .config = r->weights.configs.name,
                             .isolated = isolated,
                             .n_e0 = n_e0,
                             .e0_element = element,
                             .e0 = e0,
                             .cutoff = ftl_student_cutoff(r)};
  return n > 0 ? ftl_checks_run(&checks, &run->findings, error) : FTL_OK;
}

ftl_status ftl_surrogate_check(ftl_surrogate_state *run, ftl_error *error) {
  ftl_dataset data = {0}, isolated = {0};
  const int first = run->findings.n;
  ftl_status status = view(&run->data, false, &data, error);
  if (!status) status = view(&run->data, true, &isolated, error);
  if (!status) status = check(run, &data, &isolated, error);
  free(data.structure);
  free(isolated.structure);
  return status ? status : tell(run, first, error);
}

/* ---- against the model ---- */

/* How good the teacher is on reference labels: what is learned from it can't be better. Of valid all structures. */
static ftl_status ask_teacher(ftl_surrogate_state *run, const char *name, const ftl_dataset *set, const bool *chosen,
                              ftl_comparison *comparison, ftl_error_row *total, ftl_error *error) {
  ftl_error_table table = {0};
  int64_t n = 0;
  char title[200];
  for (int64_t k = 0; k < set->n; k++) n += !chosen || chosen[k];
  snprintf(title, sizeof title, "the model itself, on %lld of %lld structures of %s", (long long)n, (long long)set->n,
           name);
  ftl_status status =
      ftl_answers_compare(run->model, (int)run->recipe->threads, set, chosen, &table, comparison, error);
  if (!status && ftl_error_table_has_labels(&table)) status = ftl_surrogate_show_table(run, title, &table, error);
  if (!status && total) *total = ftl_error_table_total(&table, NULL);
  ftl_error_table_free(&table);
  return status;
}

static ftl_status find_differences(ftl_surrogate_state *run, const ftl_comparison *comparison, ftl_error *error) {
  const int first = run->findings.n;
  ftl_status status = ftl_comparison_units("data", comparison, &run->findings, error);
  if (!status && !ftl_findings_have(&run->findings, FTL_FINDING_ENERGY_UNIT))
    status = ftl_comparison_zero("data", comparison, NULL,
                                 "data and sampled structures would contradict each other: distil a model that was "
                                 "trained on this calculation, or set weights.data=0",
                                 NULL, &run->findings, error);
  return status ? status : tell(run, first, error);
}

ftl_status ftl_surrogate_check_answers(ftl_surrogate_state *run, bool resume, ftl_error *error) {
  ftl_comparison comparison = {0};
  ftl_status status = FTL_OK;
  bool *chosen = malloc((size_t)run->data.n + 1);
  if (!chosen) return ftl_no_memory(error, NULL, "checking the data");
  if (run->data.n > 0) {
    ftl_comparison_choose(&run->data, STRUCTURES, ATOMS, chosen);
    status = ask_teacher(run, "data", &run->data, chosen, &comparison, NULL, error);
  }
  if (!status && run->valid.n > 0)
    status = ask_teacher(run, "valid", &run->valid, NULL, NULL, &run->teacher_on_valid, error);
  if (!status && run->data.n > 0 && !resume) status = find_differences(run, &comparison, error);
  free(chosen);
  ftl_comparison_free(&comparison);
  return status;
}
