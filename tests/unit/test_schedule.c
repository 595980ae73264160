/* Schedules of the learning rate: torch's ReduceLROnPlateau (schedule_cases.h), and closed forms of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "close.h"
#include "tune/schedule.h"

#include "schedule_cases.h"

static ftl_recipe *recipe(int kind, double lr, double min_lr) {
  ftl_recipe *r = NULL;
  assert_int_equal(ftl_recipe_new(&r, NULL), FTL_OK);
  r->optimiser.lr = lr;
  r->schedule.kind = kind;
  r->schedule.min_lr = min_lr;
  return r;
}

/* Guards threshold, patience, the floor and what a loss that is not a number does. */
static void plateau_as_torch(void **unused) {
  (void)unused;
  ftl_recipe *r = recipe(FTL_SCHEDULE_PLATEAU, 0.01, 0.002);
  ftl_schedule s;
  r->schedule.factor = 0.5;
  r->schedule.patience = 2;
  ftl_schedule_start(&s);
  assert_close(ftl_schedule_rate(&s, r, 0, 100), 0.01, 0);
  for (int epoch = 0; epoch < CASE_EPOCHS; epoch++) {
    ftl_schedule_epoch(&s, r, case_losses[epoch]);
    assert_close(ftl_schedule_rate(&s, r, epoch, 100), case_plateau[epoch], 1e-17);
    assert_int_equal(s.epoch, epoch + 1);
  }
  ftl_recipe_free(r);
}

static void exponential_and_constant(void **unused) {
  (void)unused;
  ftl_recipe *r = recipe(FTL_SCHEDULE_EXPONENTIAL, 0.01, 0.004);
  ftl_schedule s;
  r->schedule.gamma = 0.9;
  ftl_schedule_start(&s);
  for (int epoch = 0; epoch < 20; epoch++) {
    assert_close(ftl_schedule_rate(&s, r, epoch, 20), fmax(0.01 * pow(0.9, epoch), 0.004), 1e-16);
    ftl_schedule_epoch(&s, r, 1);
  }
  r->schedule.kind = FTL_SCHEDULE_CONSTANT;
  ftl_schedule_start(&s);
  for (int epoch = 0; epoch < 200; epoch++) ftl_schedule_epoch(&s, r, 1);
  assert_close(ftl_schedule_rate(&s, r, 199, 200), 0.01, 0);
  ftl_recipe_free(r);
}

/* From lr at the first step after the warm-up to min_lr at the last of all. */
static void cosine(void **unused) {
  (void)unused;
  ftl_recipe *r = recipe(FTL_SCHEDULE_COSINE, 0.01, 0.002);
  ftl_schedule s;
  ftl_schedule_start(&s);
  assert_close(ftl_schedule_rate(&s, r, 0, 101), 0.01, 1e-17);
  assert_close(ftl_schedule_rate(&s, r, 25, 101), 0.002 + 0.008 * 0.5 * (1 + sqrt(0.5)), 1e-16);
  assert_close(ftl_schedule_rate(&s, r, 50, 101), 0.006, 1e-16);
  assert_close(ftl_schedule_rate(&s, r, 100, 101), 0.002, 1e-17);
  assert_close(ftl_schedule_rate(&s, r, 120, 101), 0.002, 1e-17); /* a run that was made longer */
  r->schedule.warmup = 20;
  assert_close(ftl_schedule_rate(&s, r, 20, 121), 0.01, 1e-17);
  assert_close(ftl_schedule_rate(&s, r, 70, 121), 0.006, 1e-16);
  assert_close(ftl_schedule_rate(&s, r, 120, 121), 0.002, 1e-17);
  assert_true(isfinite(ftl_schedule_rate(&s, r, 20, 21))); /* nothing is left after the warm-up */
  ftl_recipe_free(r);
}

static void warm_up(void **unused) {
  (void)unused;
  static const int kinds[4] = {FTL_SCHEDULE_CONSTANT, FTL_SCHEDULE_PLATEAU, FTL_SCHEDULE_EXPONENTIAL,
                               FTL_SCHEDULE_COSINE};
  for (int k = 0; k < 4; k++) {
    ftl_recipe *r = recipe(kinds[k], 0.01, 0.009); /* the warm-up may be below min_lr */
    ftl_schedule s;
    r->schedule.warmup = 4;
    ftl_schedule_start(&s);
    for (int step = 0; step < 5; step++)
      assert_close(ftl_schedule_rate(&s, r, step, 100), 0.01 * (step + 1) / 5, 1e-17);
    ftl_recipe_free(r);
  }
}

/* A floor above the learning rate does not raise it. */
static void floor_above(void **unused) {
  (void)unused;
  static const int kinds[3] = {FTL_SCHEDULE_PLATEAU, FTL_SCHEDULE_EXPONENTIAL, FTL_SCHEDULE_COSINE};
  for (int k = 0; k < 3; k++) {
    ftl_recipe *r = recipe(kinds[k], 0.01, 0.1);
    ftl_schedule s;
    ftl_schedule_start(&s);
    for (int epoch = 0; epoch < 120; epoch++) {
      assert_close(ftl_schedule_rate(&s, r, epoch, 120), 0.01, 1e-17);
      ftl_schedule_epoch(&s, r, 1);
    }
    ftl_recipe_free(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plateau_as_torch), cmocka_unit_test(exponential_and_constant),
      cmocka_unit_test(cosine),           cmocka_unit_test(warm_up),
      cmocka_unit_test(floor_above),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
