#include "tune/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/isolated.h"
#include "base/error.h"

bool ftl_replay_wanted(const ftl_recipe *recipe) {
  return recipe->replay.data.n > 0 || ftl_recipe_is_set(recipe, "replay.sample");
}

ftl_status ftl_replay_read(const ftl_recipe *recipe, double cutoff, ftl_sets *sets, ftl_error *error) {
  ftl_dataset_options options;
  ftl_sets_options(recipe, &options);
  options.select = (ftl_selection){recipe->replay.select.n, recipe->replay.select.item};
  options.drop_absurd = true;
  options.n_configs = 0;
  if (recipe->replay.data.n == 0) return FTL_OK;
  ftl_status status = ftl_dataset_read(recipe->replay.data.item, recipe->replay.data.n, &options, &sets->replay, error);
  if (!status) status = ftl_isolated_mark(&sets->replay, cutoff, error);
  if (!status) ftl_dataset_remove_isolated(&sets->replay);
  if (!status && sets->replay.n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, recipe->replay.data.item[0], "there is no structure in it to replay");
  return status;
}

ftl_status ftl_replay_relabel(ftl_structure *structure, const ftl_prediction *prediction, ftl_error *error) {
  ftl_labels *labels = &structure->labels;
  if (!labels->forces) {
    labels->forces = malloc((size_t)structure->n * sizeof *labels->forces);
    labels->room = (size_t)structure->n;
    if (!labels->forces) return ftl_no_memory(error, NULL, "labels of replay");
  }
  labels->has_energy = labels->has_forces = true;
  labels->has_stress = structure->volume > 0;
  labels->energy = prediction->energy;
  memcpy(labels->forces, prediction->forces, (size_t)structure->n * sizeof *labels->forces);
  for (int k = 0; labels->has_stress && k < 9; k++)
    labels->stress[k / 3][k % 3] = -prediction->virial[k / 3][k % 3] / structure->volume;
  return FTL_OK;
}

ftl_status ftl_replay_label(ftl_setup *s, ftl_error *error) {
  ftl_dataset *replay = &s->sets.replay;
  const ftl_architecture *arch = &s->source->arch;
  ftl_predictions predictions = {0};
  ftl_graphs graphs = {0};
  if (replay->n == 0 || s->recipe->replay.labels != FTL_REPLAY_FOUNDATION) return FTL_OK;
  ftl_setup_say(s, "the foundation labels %lld structures of replay", (long long)replay->n);
  ftl_status status =
      ftl_graphs_new(replay, arch->atomic_numbers, arch->n_elements, arch->r_max, &s->memory, &graphs, error);
  if (!status) status = ftl_evaluate(&s->team, &graphs, NULL, FTL_ANSWER_ALL, &predictions, error);
  for (int64_t k = 0; !status && k < replay->n; k++) {
    const ftl_prediction prediction = ftl_predictions_get(&predictions, k);
    status = ftl_replay_relabel(&replay->structure[k], &prediction, error);
  }
  ftl_predictions_free(&predictions);
  ftl_graphs_free(&graphs);
  return status;
}

ftl_status ftl_replay_shift(ftl_setup *s, const ftl_baseline *before, ftl_error *error) {
  const ftl_architecture *arch = &s->source->arch;
  if (arch->n_heads > 1) return FTL_OK; /* replay has a head, and E0, of its own */
  for (int64_t k = 0; k < s->sets.replay.n; k++) {
    ftl_structure *structure = &s->sets.replay.structure[k];
    for (int i = 0; structure->labels.has_energy && i < structure->n; i++) {
      const int species = ftl_element_index(arch->atomic_numbers, arch->n_elements, structure->atomic_number[i]);
      if (species < 0) return ftl_fail(error, FTL_ERR_INPUT, structure->path, "it has an element the model lacks");
      structure->labels.energy += s->baseline.e0[species] - before->e0[species];
    }
  }
  return FTL_OK;
}

/* The user's structures are answered by the last head, replay by the first. */
static ftl_status assign_heads(ftl_setup *s, ftl_error *error) {
  const int64_t train = s->sets.train.n, others = s->sets.valid.n > s->sets.test.n ? s->sets.valid.n : s->sets.test.n;
  if (s->source->arch.n_heads == 1) return FTL_OK;
  s->train_head = calloc((size_t)train + 1, sizeof *s->train_head);
  s->own_head = calloc((size_t)others + 1, sizeof *s->own_head);
  if (!s->train_head || !s->own_head) return ftl_no_memory(error, NULL, "replay");
  for (int64_t k = 0; k < s->own; k++) s->train_head[k] = s->source->arch.n_heads - 1;
  for (int64_t k = 0; k < others; k++) s->own_head[k] = s->source->arch.n_heads - 1;
  return FTL_OK;
}

ftl_status ftl_replay_join(ftl_setup *s, ftl_error *error) {
  const ftl_recipe *recipe = s->recipe;
  ftl_dataset *replay = &s->sets.replay;
  const int64_t n = replay->n;
  s->own = s->sets.train.n;
  ftl_status status = FTL_OK;
  if (n > 0) {
    bool *all = malloc((size_t)n * sizeof *all);
    if (!all) return ftl_no_memory(error, NULL, "replay");
    for (int64_t k = 0; k < n; k++) {
      all[k] = true;
      replay->structure[k].weight *= recipe->replay.weight;
    }
    status = ftl_dataset_move(replay, all, &s->sets.train, error);
    free(all);
  }
  int64_t taken = ftl_recipe_is_set(recipe, "replay.frames") ? recipe->replay.frames
                                                             : llround(ceil(recipe->replay.fraction * (double)n));
  if (taken > n) taken = n;
  if (!status)
    status = ftl_batches_new((int)s->own, (int)n, (int)taken,
                             ftl_recipe_is_linear(recipe) ? 1 : (int)recipe->batch_size, &s->batches, error);
  return status ? status : assign_heads(s, error);
}
