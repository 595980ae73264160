/* The learning rate over a run. Plain numbers: it is copied into the state of a run and back. */
#ifndef FTL_SCHEDULE_H
#define FTL_SCHEDULE_H

#include "tune/train_recipe.h"

typedef struct {
  double factor; /* of the initial learning rate, what plateau and exponential made of it so far */
  double best;   /* plateau: smallest loss on valid; INFINITY at the beginning */
  int64_t bad;   /* plateau: epochs since */
  int64_t epoch; /* ended */
} ftl_schedule;

void ftl_schedule_start(ftl_schedule *schedule);
/* Learning rate of optimiser step `step` (from 0) of `total` in all; warm-up and, for cosine, the fall from the end of
   the warm-up to min_lr at the last step are made here. */
double ftl_schedule_rate(const ftl_schedule *schedule, const ftl_recipe *recipe, int64_t step, int64_t total);
/* After an epoch, with the loss on valid: ReduceLROnPlateau (torch: threshold 1e-4 relative, no cooldown) and
   ExponentialLR. */
void ftl_schedule_epoch(ftl_schedule *schedule, const ftl_recipe *recipe, double valid_loss);

#endif
