/* The structures of a fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/energies.h"
#include "data/sense.h"
#include "fit/random.h"
#include "model/error.h"
#include "surrogate/run_internal.h"

static ftl_status read_set(ftl_surrogate_state *run, const ftl_words *files, bool fitted, ftl_dataset *set,
                           ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  const ftl_dataset_options options = {.prefix = r->labels,
                                       .frames = fitted ? r->frames : 0,
                                       .max_force = r->max_force,
                                       .n_configs = r->weights.configs.n,
                                       .config = r->weights.configs.name,
                                       .config_weight = r->weights.configs.value};
  if (files->n == 0) return FTL_OK;
  ftl_status status = ftl_dataset_read(files->item, files->n, &options, set, error);
  if (!status && set->n == 0) status = ftl_fail(error, FTL_ERR_INPUT, files->item[0], "the file has no structures");
  if (!status) status = ftl_labels_possible(set, error);
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

static ftl_status choose_e0(ftl_surrogate_state *run, ftl_error *error) {
  const ftl_rates *given = &run->recipe->e0;
  const int n = run->n_elements;
  bool found[FTL_MAX_ELEMENTS] = {false}, all = true;
  if (given->n > 0) {
    run->e0_from = "given";
    return ftl_e0_given(given->name, given->value, given->n, run->elements, n, run->e0, error);
  }
  ftl_status status = ftl_e0_isolated(&run->data, run->recipe->basis.cutoff, run->elements, n, run->e0, found, error);
  for (int k = 0; k < n; k++) all = all && found[k];
  run->e0_from = all ? "isolated atoms" : "fitted to compositions";
  if (status || all) return status;
  ftl_e0_fit fit;
  status = ftl_e0_least_squares(&run->data, run->elements, n, NULL, NULL, run->e0, &fit, error);
  if (!status && *fit.warning) run->host->warn(run->host->context, fit.warning);
  return status;
}

ftl_status ftl_surrogate_read_sets(ftl_surrogate_state *run, ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  const bool distilled = r->model != NULL;
  if (r->weights.energy + r->weights.forces + r->weights.stress == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "weights.energy, weights.forces and weights.stress are all 0, so that nothing would be fitted");
  ftl_status status = read_set(run, &run->recipe->data, true, &run->data, error);
  if (!status) status = read_set(run, &run->recipe->valid, false, &run->valid, error);
  if (status) return status;
  if (!distilled && run->data.n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "a fit needs data: labelled structures in extended XYZ");
  if (run->data.n > 0) status = ftl_dataset_digest(&run->data, run->data_sha256, error);
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
  if (!all) return ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory for the structures of a fit");
  memset(all, 1, n);
  for (size_t k = 0; k < n && run->recipe->model; k++) run->data.structure[k].weight *= run->recipe->weights.data;
  ftl_status status = ftl_dataset_move(&run->data, all, &run->train, error);
  free(all);
  return status;
}

ftl_status ftl_surrogate_split(ftl_surrogate_state *run, ftl_error *error) {
  if (!run->recipe->model) {
    ftl_status status = add_data(run, error);
    if (status) return status;
  }
  const int64_t n = run->train.n, share = (int64_t)((double)n * run->recipe->holdout + 0.5);
  const int64_t n_held = share < n ? share : n > 0 ? n - 1 : 0;
  bool *held = calloc((size_t)n + 1, sizeof *held);
  ftl_random random;
  if (!held) return ftl_fail(error, FTL_ERR_MEMORY, NULL, "no memory for the structures of a fit");
  ftl_random_seed(&random, (uint64_t)run->recipe->seed + 1);
  for (int64_t k = 0; k < n_held;) {
    int64_t at = ftl_random_below(&random, n);
    k += !held[at];
    held[at] = true;
  }
  ftl_status status = n_held > 0 ? ftl_dataset_move(&run->train, held, &run->held, error) : FTL_OK;
  free(held);
  if (!status && run->recipe->model && run->data.n > 0) status = add_data(run, error);
  if (!status && run->train.n == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, NULL, "there are no structures to fit: isolated atoms only give E0");
  return status;
}
