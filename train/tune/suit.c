#include "tune/suit.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>

static ftl_status suit(ftl_recipe *recipe, const char *key, const char *text, ftl_error *error) {
  return ftl_options_suit(&recipe->options, key, text, error);
}

/* A weight without labels would have no effect. */
static ftl_status suit_labels(ftl_recipe *recipe, const ftl_dataset *data, char note[300], ftl_error *error) {
  ftl_label_counts labels;
  ftl_dataset_count_labels(data, &labels);
  ftl_status status = FTL_OK;
  note[0] = '\0';
  if (labels.none == data->n) return FTL_OK; /* the checks say it */
  if (labels.energy == 0) status = suit(recipe, "loss.energy", "0", error);
  if (!status && labels.forces == 0) status = suit(recipe, "loss.forces", "0", error);
  /* that a stress is left out for want of a volume is for the checks to say */
  if (!status && labels.stress + labels.stress_without_volume == 0) status = suit(recipe, "loss.stress", "0", error);
  if (!status && labels.energy == 0 && recipe->foundation) status = suit(recipe, "e0.kind", "keep", error);
  if (status != FTL_OK || recipe->foundation || (labels.energy > 0 && labels.forces > 0) ||
      ftl_recipe_is_set(recipe, "scale_shift"))
    return status;
  snprintf(note, 300, "scale and shift stay 1 and 0: to fit them, train needs energies and forces");
  return suit(recipe, "scale_shift", "keep", error);
}

/* As many structures as leave many steps in an epoch; fine-tuning gains more from steps than from calm ones. */
static int64_t suit_batch(const ftl_recipe *recipe, int64_t frames) {
  if (ftl_recipe_is_set(recipe, "batch_size")) return recipe->batch_size;
  if (recipe->foundation) return frames < 1000 ? 2 : 5;
  return frames < 100 ? 2 : frames < 1000 ? 5 : 10;
}

/* About 20 000 steps from scratch and 5000 from a foundation. */
static ftl_status suit_length(ftl_recipe *recipe, int64_t frames, ftl_error *error) {
  const int64_t batch = suit_batch(recipe, frames);
  const int64_t per_epoch = (frames + batch - 1) / batch, steps = recipe->foundation ? 5000 : 20000;
  const int64_t epochs = steps / per_epoch < 10 ? 10 : steps / per_epoch > 500 ? 500 : steps / per_epoch;
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)batch);
  ftl_status status = suit(recipe, "batch_size", text, error);
  snprintf(text, sizeof text, "%lld", (long long)epochs);
  if (!status && !ftl_recipe_is_set(recipe, "steps")) status = suit(recipe, "epochs", text, error);
  return status;
}

ftl_status ftl_recipe_suit(ftl_recipe *recipe, const ftl_dataset *data, char note[300], ftl_error *error) {
  int64_t frames = data->n;
  if (ftl_recipe_is_set(recipe, "fraction")) frames = llround(ceil(recipe->fraction * (double)frames));
  if (ftl_recipe_is_set(recipe, "frames") && recipe->frames < frames) frames = recipe->frames;
  FTL_TRY(suit_labels(recipe, data, note, error));
  if (!ftl_recipe_is_linear(recipe)) FTL_TRY(suit_length(recipe, frames < 1 ? 1 : frames, error));
  /* what is sampled is to have elements that the data lack */
  if (recipe->foundation && ftl_recipe_is_set(recipe, "replay.sample")) FTL_TRY(suit(recipe, "elements", "all", error));
  return FTL_OK;
}
