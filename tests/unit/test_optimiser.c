/* Optimisers: torch's numbers (optimiser_cases.h) for each kind, with decay, rates, clipping and averages; frozen
   numbers keep their bits; a gradient that is not finite; a continuation that agrees to the
   bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "close.h"
#include "tune/optimiser.h"

#include "optimiser_cases.h"

/* The tensors of the cases, with a frozen one between them. */
enum { FROZEN = 2, TENSORS = CASE_TENSORS + 1, COUNT = TENSORS * CASE_NUMBERS };
static ftl_parameter list[TENSORS] = {
    {.name = "interactions.0.linear.weight",
     .decays = true,
     .group = FTL_GROUP_LINEAR,
     .layer = 0,
     .offset = 0,
     .count = CASE_NUMBERS,
     .trained = true,
     .rate = 1},
    {.name = "interactions.0.linear_up.weight",
     .group = FTL_GROUP_LINEAR_UP,
     .layer = 0,
     .offset = CASE_NUMBERS,
     .count = CASE_NUMBERS,
     .trained = true,
     .rate = 1},
    {.name = "products.1.linear.weight",
     .decays = true,
     .group = FTL_GROUP_PRODUCT_LINEAR,
     .layer = 1,
     .offset = 2 * CASE_NUMBERS,
     .count = CASE_NUMBERS,
     .trained = false,
     .rate = 1},
    {.name = "products.0.linear.weight",
     .decays = true,
     .group = FTL_GROUP_PRODUCT_LINEAR,
     .layer = 0,
     .offset = 3 * CASE_NUMBERS,
     .count = CASE_NUMBERS,
     .trained = true,
     .rate = 0.1},
};
static const ftl_parameters parameters = {.n = TENSORS, .parameter = list, .count = COUNT};

static double *at(double vector[COUNT], int tensor) { return vector + list[tensor + (tensor >= FROZEN)].offset; }

/* A vector from the numbers of a case; those of the frozen tensor are `frozen`. */
static void fill(double vector[COUNT], const double numbers[CASE_TENSORS][CASE_NUMBERS], double frozen) {
  for (int i = 0; i < COUNT; i++) vector[i] = frozen;
  for (int k = 0; k < CASE_TENSORS; k++) memcpy(at(vector, k), numbers[k], sizeof numbers[k]);
}

static void expect(double vector[COUNT], const double numbers[CASE_TENSORS][CASE_NUMBERS]) {
  for (int k = 0; k < CASE_TENSORS; k++)
    for (int i = 0; i < CASE_NUMBERS; i++) assert_close(at(vector, k)[i], numbers[k][i], 1e-14);
}

static ftl_optimiser start(int kind, double clip) {
  const ftl_optimiser_options options = {kind, case_beta1, case_beta2, case_epsilon, case_decay, clip};
  ftl_optimiser optimiser;
  assert_int_equal(ftl_optimiser_new(&parameters, &options, &optimiser, NULL), FTL_OK);
  assert_true((optimiser.largest != NULL) == (kind == FTL_OPTIMISER_AMSGRAD));
  return optimiser;
}

/* The frozen tensor's values are odd, and its gradient, which nobody computes, is not a number. */
static void as_torch(void **unused) {
  (void)unused;
  static const double odd = 0.1;
  for (size_t c = 0; c < sizeof optimiser_cases / sizeof *optimiser_cases; c++) {
    const optimiser_case *expected = &optimiser_cases[c];
    double values[COUNT], average[COUNT], gradient[COUNT];
    ftl_optimiser optimiser = start(expected->kind, expected->clip);
    fill(values, case_start, odd);
    fill(average, case_start, odd);
    for (int step = 0; step < CASE_STEPS; step++) {
      fill(gradient, case_gradients[step], NAN);
      assert_close(ftl_optimiser_step(&optimiser, case_lr, gradient, values), expected->norm[step], 1e-14);
      expect(values, expected->values[step]);
      ftl_ema_update(&parameters, case_ema, step + 1, values, average);
    }
    expect(average, expected->average);
    assert_int_equal(optimiser.step, CASE_STEPS);
    for (int i = 0; i < CASE_NUMBERS; i++) {
      const int64_t k = list[FROZEN].offset + i;
      assert_memory_equal(&values[k], &odd, sizeof odd);
      assert_memory_equal(&average[k], &odd, sizeof odd);
      assert_true(isnan(gradient[k]));
      assert_true(optimiser.mean[k] == 0 && optimiser.square[k] == 0);
    }
    ftl_optimiser_free(&optimiser);
  }
}

/* The step clips in place, to the norm asked for and not a short gradient. */
static void clipping(void **unused) {
  (void)unused;
  double values[COUNT], gradient[COUNT], sum = 0;
  ftl_optimiser optimiser = start(FTL_OPTIMISER_ADAM, 0.5);
  fill(values, case_start, 0);
  fill(gradient, case_gradients[0], 0);
  ftl_optimiser_step(&optimiser, case_lr, gradient, values);
  for (int i = 0; i < COUNT; i++) sum += gradient[i] * gradient[i];
  assert_close(sqrt(sum), 0.5, 1e-6);
  optimiser.options.clip = 100;
  fill(gradient, case_gradients[1], 0);
  ftl_optimiser_step(&optimiser, case_lr, gradient, values);
  assert_memory_equal(at(gradient, 0), case_gradients[1][0], sizeof case_gradients[1][0]);
  ftl_optimiser_free(&optimiser);
}

static void not_finite(void **unused) {
  (void)unused;
  static const double wrong[2] = {NAN, INFINITY};
  double values[COUNT], before[COUNT], gradient[COUNT];
  ftl_optimiser optimiser = start(FTL_OPTIMISER_AMSGRAD, 1);
  fill(values, case_start, 0);
  fill(gradient, case_gradients[0], 0);
  ftl_optimiser_step(&optimiser, case_lr, gradient, values);
  memcpy(before, values, sizeof before);
  const double mean = optimiser.mean[1], square = optimiser.square[1], largest = optimiser.largest[1];
  for (int k = 0; k < 2; k++) {
    fill(gradient, case_gradients[1], 0);
    gradient[1] = wrong[k];
    assert_false(isfinite(ftl_optimiser_step(&optimiser, case_lr, gradient, values)));
    assert_memory_equal(values, before, sizeof before);
    assert_int_equal(optimiser.step, 1);
    assert_true(optimiser.mean[1] == mean && optimiser.square[1] == square && optimiser.largest[1] == largest);
    assert_close(gradient[0], case_gradients[1][0][0], 0);
  }
  ftl_optimiser_free(&optimiser);
}

/* Three steps, moments carried to another optimiser, three more: the bits of six. */
static void continuation(void **unused) {
  (void)unused;
  double whole[COUNT], parts[COUNT], gradient[COUNT];
  ftl_optimiser one = start(FTL_OPTIMISER_AMSGRAD, 1), other = start(FTL_OPTIMISER_AMSGRAD, 1);
  fill(whole, case_start, 0);
  for (int step = 0; step < CASE_STEPS; step++) {
    if (step == CASE_STEPS / 2) {
      memcpy(parts, whole, sizeof parts);
      memcpy(other.mean, one.mean, sizeof parts);
      memcpy(other.square, one.square, sizeof parts);
      memcpy(other.largest, one.largest, sizeof parts);
      other.step = one.step;
    }
    fill(gradient, case_gradients[step], 0);
    ftl_optimiser_step(&one, case_lr, gradient, whole);
    fill(gradient, case_gradients[step], 0);
    if (step >= CASE_STEPS / 2) ftl_optimiser_step(&other, case_lr, gradient, parts);
  }
  assert_memory_equal(parts, whole, sizeof whole);
  ftl_optimiser_free(&one);
  ftl_optimiser_free(&other);
}

/* The running mean of 1, 2, ..., whatever stood there; frozen numbers stay. */
static void running_mean(void **unused) {
  (void)unused;
  double average[COUNT], values[COUNT];
  for (int i = 0; i < COUNT; i++) average[i] = 1e9;
  for (int n = 0; n < 5; n++) {
    for (int i = 0; i < COUNT; i++) values[i] = n + 1;
    ftl_mean_update(&parameters, n, values, average);
    for (int k = 0; k < CASE_TENSORS; k++) assert_close(at(average, k)[1], (n + 2) / 2.0, 1e-15);
  }
  assert_close(average[list[FROZEN].offset], 1e9, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_torch),     cmocka_unit_test(clipping),     cmocka_unit_test(not_finite),
      cmocka_unit_test(continuation), cmocka_unit_test(running_mean),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
