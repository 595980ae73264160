/* What is wrong or doubtful about the structures of a fit. */
#include <stdlib.h>
#include <string.h>

#include "data/checks.h"
#include "data/findings/compare.h"
#include "base/error.h"
#include "surrogate/fit_run_internal.h"

enum { STRUCTURES = 40, ATOMS = 2500 }; /* of data that the model answers for */

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
                             .cutoff = r->basis.cutoff};
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

static ftl_status answer(const ftl_surrogate_state *run, ftl_workspace *workspace, const ftl_structure *s,
                         ftl_comparison *comparison, ftl_error *error) {
  int *species = malloc((size_t)s->n * sizeof *species);
  double(*forces)[3] = malloc((size_t)s->n * sizeof *forces), stress[3][3] = {{0}};
  static const int at[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}}; /* xx yy zz xy xz yz, as frozentl.h has it */
  ftl_status status = FTL_OK;
  if (!species || !forces) status = ftl_no_memory(error, NULL, "checking the data");
  for (int i = 0; !status && i < s->n; i++) species[i] = ftl_model_species(run->model, s->atomic_number[i]);
  ftl_result result = {.forces = status ? NULL : forces[0]};
  if (!status)
    status = ftl_compute(workspace, s->n, species, (const double(*)[3])s->position,
                         s->has_cell ? (const double(*)[3])s->cell : NULL, s->pbc, &result, error);
  for (int k = 0; !status && s->volume > 0 && k < 9; k++)
    stress[k / 3][k % 3] = -result.virial[at[k / 3][k % 3]] / s->volume;
  if (!status)
    status =
        ftl_comparison_add(comparison, s, result.energy, (const double(*)[3])forces, (const double(*)[3])stress, error);
  free(species);
  free(forces);
  return status;
}

ftl_status ftl_surrogate_check_answers(ftl_surrogate_state *run, ftl_error *error) {
  ftl_comparison comparison = {0};
  ftl_workspace *workspace = NULL;
  const int first = run->findings.n;
  if (run->data.n == 0) return FTL_OK;
  bool *chosen = malloc((size_t)run->data.n);
  ftl_status status = chosen ? ftl_workspace_new(run->model, (int)run->recipe->threads, &workspace, error)
                             : ftl_no_memory(error, NULL, "checking the data");
  if (!status) ftl_comparison_choose(&run->data, STRUCTURES, ATOMS, chosen);
  for (int64_t k = 0; !status && k < run->data.n; k++)
    if (chosen[k]) status = answer(run, workspace, &run->data.structure[k], &comparison, error);
  if (!status) status = ftl_comparison_units("data", &comparison, &run->findings, error);
  if (!status && !ftl_findings_have(&run->findings, FTL_FINDING_ENERGY_UNIT))
    status = ftl_comparison_zero("data", &comparison, NULL,
                                 "data and sampled structures would contradict each other: distil a model that was "
                                 "trained on this calculation, or set weights.data=0",
                                 NULL, &run->findings, error);
  free(chosen);
  ftl_workspace_free(workspace);
  ftl_comparison_free(&comparison);
  return status ? status : tell(run, first, error);
}
