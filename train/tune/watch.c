#include "tune/watch.h"

#include <math.h>

void ftl_watch_start(ftl_watch *watch, double valid_loss) {
  *watch = (ftl_watch){.reference = isnan(valid_loss) ? 0 : valid_loss, .smallest = INFINITY};
}

bool ftl_watch_step(ftl_watch *watch, double loss, int64_t window, double bound, double *mean) {
  /* neither alone: valid, or the first batch, may be easier than the rest of the data by far */
  if (isinf(watch->smallest)) watch->smallest = fmax(watch->reference, loss);
  watch->sum += loss;
  if (++watch->steps < window) return false;
  *mean = watch->sum / (double)watch->steps;
  const double limit = fmax(FTL_WATCH_FACTOR * watch->smallest, bound);
  const bool diverged = *mean > limit && loss > limit; /* a peak that is over by now does no harm */
  watch->smallest = fmin(watch->smallest, *mean);
  watch->sum = 0;
  watch->steps = 0;
  return diverged;
}

double ftl_watch_bound(const ftl_loss *loss, const ftl_dataset *dataset) {
  double forces[1][3] = {{0, 0, 0}}, wrong[1][3] = {{1, 1, 1}}, largest = 0;
  int atomic_number[1] = {1};
  const ftl_batch batch = {.structures = 1, .atoms = 1};
  ftl_prediction prediction = {.energy = 1, .forces = wrong};
  for (int k = 0; k < 9; k++) prediction.virial[k / 3][k % 3] = 0.1;
  for (int64_t k = 0; k < dataset->n; k++) {
    const ftl_structure *like = &dataset->structure[k];
    const ftl_structure structure = {
        .n = 1,
        .atomic_number = atomic_number,
        .volume = 1,
        .weight = like->weight,
        .energy_weight = like->energy_weight,
        .forces_weight = like->forces_weight,
        .stress_weight = like->stress_weight,
        .labels = {.has_energy = true, .has_forces = true, .has_stress = true, .forces = forces}};
    largest = fmax(largest, ftl_loss_structure(loss, &batch, &structure, &prediction, NULL));
  }
  return largest;
}
