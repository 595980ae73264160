/* When a finite loss counts as diverged: not in what a normal run does, and soon when the learning rate is absurd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "close.h"
#include "tune/watch.h"

/* Feeds n times the same loss; returns whether the watch cried. */
static bool feed(ftl_watch *w, double loss, int n, double bound) {
  double mean;
  bool cried = false;
  for (int k = 0; k < n; k++) cried |= ftl_watch_step(w, loss, 50, bound, &mean);
  return cried;
}

static void normal_runs_pass(void **unused) {
  (void)unused;
  ftl_watch w;
  /* from scratch: a first peak, and a fall over five orders */
  ftl_watch_start(&w, 100);
  assert_false(feed(&w, 5000, 50, 101));
  for (double loss = 100; loss > 1e-3; loss *= 0.9) assert_false(feed(&w, loss, 50, 101));
  /* a foundation that is right already, and is spoilt a little: a million times the loss, but small errors */
  ftl_watch_start(&w, 1e-9);
  assert_false(feed(&w, 1e-9, 50, 101) || feed(&w, 1e-3, 500, 101) || feed(&w, 50, 500, 101));
  /* valid is trivial, data are not */
  ftl_watch_start(&w, 1e-6);
  assert_false(feed(&w, 2500, 500, 101));
  /* a peak that is over */
  ftl_watch_start(&w, 1);
  assert_false(feed(&w, 1, 60, 101) || feed(&w, 1e6, 30, 101) || feed(&w, 1, 60, 101));
}

static void divergence_is_seen(void **unused) {
  (void)unused;
  ftl_watch w;
  double mean = 0;
  ftl_watch_start(&w, 1);
  ftl_watch_step(&w, 1, 50, 101, &mean);
  assert_true(feed(&w, 1e6, 49, 101)); /* in the first window */
  assert_false(feed(&w, 1, 49, 101));  /* windows do not overlap */
  ftl_watch_start(&w, NAN);
  assert_false(feed(&w, 0.2, 50, 101) || feed(&w, 150, 50, 101));
  assert_true(feed(&w, 201, 50, 101));
  /* another stage begins anew */
  ftl_watch_start(&w, 300);
  assert_false(feed(&w, 250, 100, 101));
}

/* The bound is the loss of large errors, with the largest weight there is. */
static void bound_of_a_set(void **unused) {
  (void)unused;
  const ftl_loss loss = {.kind = FTL_LOSS_WEIGHTED, .energy = 2, .forces = 100, .stress = 10};
  ftl_structure two[2] = {{.weight = 1, .energy_weight = 1, .forces_weight = 1, .stress_weight = 1},
                          {.weight = 3, .energy_weight = 1, .forces_weight = 1, .stress_weight = 1}};
  const ftl_dataset dataset = {.n = 2, .structure = two};
  assert_close(ftl_watch_bound(&loss, &dataset), 3 * (2 + 100 + 10 * 0.01), 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normal_runs_pass),
      cmocka_unit_test(divergence_is_seen),
      cmocka_unit_test(bound_of_a_set),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
