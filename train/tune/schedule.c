#include "tune/schedule.h"

#include <math.h>

void ftl_schedule_start(ftl_schedule *schedule) { *schedule = (ftl_schedule){.factor = 1, .best = INFINITY}; }

/* Cosine from 1, at the first step after the warm-up, to 0 at the last step of all. */
static double cosine(const ftl_recipe *recipe, int64_t step, int64_t total) {
  const double length = (double)(total - 1 - recipe->schedule.warmup);
  const double passed = (double)(step - recipe->schedule.warmup);
  if (passed <= 0 || length <= 0) return 1;
  return passed >= length ? 0 : 0.5 * (1 + cos(M_PI * passed / length));
}

double ftl_schedule_rate(const ftl_schedule *schedule, const ftl_recipe *recipe, int64_t step, int64_t total) {
  const double lr = recipe->optimiser.lr, least = fmin(recipe->schedule.min_lr, lr);
  const int64_t warmup = recipe->schedule.warmup;
  double rate = lr * schedule->factor;
  if (recipe->schedule.kind == FTL_SCHEDULE_COSINE) rate = least + (lr - least) * cosine(recipe, step, total);
  if (recipe->schedule.kind != FTL_SCHEDULE_CONSTANT) rate = fmax(rate, least);
  /* The first step is not one of length 0, and step `warmup` is the first of full length. */
  return step < warmup ? rate * (double)(step + 1) / (double)(warmup + 1) : rate;
}

/* torch.optim.lr_scheduler.ReduceLROnPlateau, with its default threshold and its default for the least change of the
   rate that is made. */
static void plateau(ftl_schedule *schedule, const ftl_recipe *recipe, double loss) {
  static const double threshold = 1e-4, least_change = 1e-8;
  if (loss < schedule->best * (1 - threshold)) {
    schedule->best = loss;
    schedule->bad = 0;
    return;
  }
  if (++schedule->bad <= recipe->schedule.patience) return;
  const double lr = recipe->optimiser.lr, old = lr * schedule->factor;
  const double fallen = fmax(old * recipe->schedule.factor, recipe->schedule.min_lr);
  if (old - fallen > least_change) schedule->factor = fallen / lr;
  schedule->bad = 0;
}

void ftl_schedule_epoch(ftl_schedule *schedule, const ftl_recipe *recipe, double valid_loss) {
  schedule->epoch++;
  if (recipe->schedule.kind == FTL_SCHEDULE_PLATEAU) plateau(schedule, recipe, valid_loss);
  if (recipe->schedule.kind == FTL_SCHEDULE_EXPONENTIAL) schedule->factor *= recipe->schedule.gamma;
}
