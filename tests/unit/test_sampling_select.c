/* Choosing among candidates: farthest points and D-optimal designs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "base/random.h"
#include "sampling/select.h"

enum { N = 400, P = 7, M = 40 };

static double features[N][P];
static int64_t permutation[N];

static ftl_select_input all(void) { return (ftl_select_input){.n = N, .n_features = P, .features = features[0]}; }

static void fill(void) {
  ftl_random random;
  int order[N];
  ftl_random_seed(&random, 3);
  for (int k = 0; k < N * P; k++) features[k / P][k % P] = ftl_random_normal(&random);
  for (int k = 0; k < N; k++) order[k] = k;
  ftl_random_shuffle(&random, N, order);
  for (int k = 0; k < N; k++) permutation[k] = order[k];
}

static void permuted(double out[N][P]) {
  for (int k = 0; k < N; k++) memcpy(out[k], features[permutation[k]], sizeof out[k]);
}

static double distance(int64_t a, int64_t b) {
  double sum = 0;
  for (int c = 0; c < P; c++) sum += pow(features[a][c] - features[b][c], 2);
  return sqrt(sum);
}

/* Every choice is the farthest there is, and its radius the distance of what is left. */
static void farthest_is_farthest(void **unused) {
  (void)unused;
  fill();
  for (int start = 0; start < 2; start++) {
    const ftl_select_input in = all();
    int64_t chosen[M], n;
    double radius[M];
    assert_int_equal(ftl_select_farthest(&in, (ftl_select_start)start, M, chosen, radius, &n, NULL), FTL_OK);
    assert_int_equal(n, M);
    assert_true(isinf(radius[0]));
    for (int k = 1; k < M; k++) {
      double farthest = 0;
      for (int i = 0; i < N; i++) {
        double nearest = INFINITY;
        for (int j = 0; j < k; j++) nearest = fmin(nearest, distance(i, chosen[j]));
        farthest = fmax(farthest, nearest);
        if (i == chosen[k]) assert_close(nearest, radius[k], 1e-12);
      }
      assert_close(radius[k], farthest, 1e-12);
      assert_true(radius[k] <= radius[k - 1]);
    }
  }
}

static void beginnings(void **unused) {
  (void)unused;
  const double f[5] = {1, 2, 4, 9, -10}; /* mean 1.2 */
  const ftl_select_input in = {.n = 5, .n_features = 1, .features = f};
  int64_t chosen[5], n;
  assert_int_equal(ftl_select_farthest(&in, FTL_SELECT_LARGEST, 3, chosen, NULL, &n, NULL), FTL_OK);
  assert_true(chosen[0] == 4 && chosen[1] == 3 && chosen[2] == 0);
  assert_int_equal(ftl_select_farthest(&in, FTL_SELECT_CENTRAL, 2, chosen, NULL, &n, NULL), FTL_OK);
  assert_true(chosen[0] == 0 && chosen[1] == 4);
  const int64_t given[2] = {4, 3};
  const ftl_select_input more = {.n = 5, .n_features = 1, .features = f, .n_given = 2, .given = given};
  double radius[5];
  assert_int_equal(ftl_select_farthest(&more, FTL_SELECT_LARGEST, 5, chosen, radius, &n, NULL), FTL_OK);
  assert_true(n == 3 && chosen[0] == 0 && chosen[1] == 2 && chosen[2] == 1);
  assert_close(radius[0], 8, 1e-12);
}

/* Copies are not chosen, nor more than there is. */
static void copies_are_left(void **unused) {
  (void)unused;
  const double f[6][2] = {{1, 0}, {0, 1}, {1, 0}, {0, 1}, {1, 0}, {3, 3}};
  const ftl_select_input in = {.n = 6, .n_features = 2, .features = f[0]};
  int64_t chosen[6], n;
  assert_int_equal(ftl_select_farthest(&in, FTL_SELECT_LARGEST, 6, chosen, NULL, &n, NULL), FTL_OK);
  assert_true(n == 3 && chosen[0] == 5 && chosen[1] == 0 && chosen[2] == 1);
  assert_int_equal(ftl_select_farthest(&in, FTL_SELECT_LARGEST, 0, chosen, NULL, &n, NULL), FTL_OK);
  assert_int_equal(n, 0);
}

static int ascending(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* The same set, in the numbers of the first order. */
static void assert_same_set(const int64_t *chosen, const int64_t *of_permuted, int m) {
  int64_t a[M], b[M];
  for (int k = 0; k < m; k++) a[k] = chosen[k], b[k] = permutation[of_permuted[k]];
  qsort(a, (size_t)m, sizeof *a, ascending);
  qsort(b, (size_t)m, sizeof *b, ascending);
  for (int k = 0; k < m; k++) assert_int_equal(a[k], b[k]);
}

static void order_does_not_matter(void **unused) {
  (void)unused;
  static double other[N][P];
  int64_t a[M], b[M], n;
  fill();
  permuted(other);
  const ftl_select_input in = all(), turned = {.n = N, .n_features = P, .features = other[0]};
  assert_int_equal(ftl_select_farthest(&in, FTL_SELECT_LARGEST, M, a, NULL, &n, NULL), FTL_OK);
  assert_int_equal(ftl_select_farthest(&turned, FTL_SELECT_LARGEST, M, b, NULL, &n, NULL), FTL_OK);
  assert_same_set(a, b, M);
  assert_int_equal(ftl_select_d_optimal(&in, NULL, 0, M, a, NULL, &n, NULL), FTL_OK);
  assert_int_equal(ftl_select_d_optimal(&turned, NULL, 0, M, b, NULL, &n, NULL), FTL_OK);
  assert_same_set(a, b, M);
}

/* ---- D-optimal ---- */

/* log det(ridge I + sum w f f^T) of some rows, by elimination. */
static double log_determinant(const int64_t *chosen, int n, const double *weight, double ridge) {
  double a[P][P] = {{0}}, sum = 0;
  for (int c = 0; c < P; c++) a[c][c] = ridge;
  for (int k = 0; k < n; k++)
    for (int c = 0; c < P; c++)
      for (int d = 0; d < P; d++)
        a[c][d] += (weight ? weight[chosen[k]] : 1) * features[chosen[k]][c] * features[chosen[k]][d];
  for (int c = 0; c < P; c++) {
    sum += log(a[c][c]);
    for (int r = c + 1; r < P; r++) {
      const double f = a[r][c] / a[c][c];
      for (int d = c; d < P; d++) a[r][d] -= f * a[c][d];
    }
  }
  return sum;
}

/* No other candidate would make the determinant larger at any step, and the gains are its growth. */
static void d_optimal_is_greedy(void **unused) {
  (void)unused;
  double weight[N], gain[M], largest = 0;
  int64_t chosen[M + 1], n;
  fill();
  for (int k = 0; k < N; k++) {
    double norm = 0;
    weight[k] = 0.5 + (k % 5);
    for (int c = 0; c < P; c++) norm += features[k][c] * features[k][c];
    largest = fmax(largest, weight[k] * norm);
  }
  const ftl_select_input in = all();
  const double ridge = 1e-6;
  assert_int_equal(ftl_select_d_optimal(&in, weight, ridge, M, chosen, gain, &n, NULL), FTL_OK);
  assert_int_equal(n, M);
  double before = P * log(ridge * largest);
  for (int k = 0; k < M; k++) {
    const double after = log_determinant(chosen, k + 1, weight, ridge * largest);
    assert_close(gain[k], after - before, 1e-6);
    assert_true(k == 0 || gain[k] <= gain[k - 1] + 1e-9);
    int64_t other[M];
    memcpy(other, chosen, (size_t)k * sizeof *chosen);
    for (int i = 0; i < N; i++) {
      other[k] = i;
      bool there = false;
      for (int j = 0; j < k; j++) there |= chosen[j] == i;
      if (!there) assert_true(log_determinant(other, k + 1, weight, ridge * largest) <= after + 1e-7);
    }
    before = after;
  }
}

/* Rank 3 hidden in 7 features, mostly copies of one direction: the first three choices have it all. */
static void rank_is_complete(void **unused) {
  (void)unused;
  ftl_random random;
  double basis[3][P], gain[10];
  int64_t chosen[10], n;
  ftl_random_seed(&random, 8);
  for (int k = 0; k < 3 * P; k++) basis[k / P][k % P] = ftl_random_normal(&random);
  for (int k = 0; k < N; k++)
    for (int c = 0; c < P; c++)
      features[k][c] = (1 + 0.01 * k) * basis[0][c] + (k == 77) * 1e-2 * basis[1][c] + (k == 5) * 1e-3 * basis[2][c];
  const ftl_select_input in = all();
  assert_int_equal(ftl_select_d_optimal(&in, NULL, 0, 10, chosen, gain, &n, NULL), FTL_OK);
  assert_int_equal(n, 10);
  assert_int_equal(chosen[0], N - 1);
  assert_int_equal(chosen[1], 77);
  assert_int_equal(chosen[2], 5);
  assert_true(gain[2] > 1 && gain[3] < 1); /* what follows only repeats */
  const int64_t given[1] = {77};
  const ftl_select_input more = {.n = N, .n_features = P, .features = features[0], .n_given = 1, .given = given};
  assert_int_equal(ftl_select_d_optimal(&more, NULL, 0, 2, chosen, NULL, &n, NULL), FTL_OK);
  assert_true(chosen[0] == N - 1 && chosen[1] == 5);
}

static void weight_of_nothing(void **unused) {
  (void)unused;
  double weight[N] = {0};
  int64_t chosen[M], n;
  fill();
  weight[3] = weight[9] = 1;
  const ftl_select_input in = all();
  assert_int_equal(ftl_select_d_optimal(&in, weight, 0, M, chosen, NULL, &n, NULL), FTL_OK);
  assert_int_equal(n, 2);
  assert_int_equal(chosen[0] + chosen[1], 12);
  weight[3] = weight[9] = 0;
  assert_int_equal(ftl_select_d_optimal(&in, weight, 0, M, chosen, NULL, &n, NULL), FTL_OK);
  assert_int_equal(n, 0);
}

static void wrong_input(void **unused) {
  (void)unused;
  const double f[2] = {1, NAN}, weight[2] = {1, -1}, good[2] = {1, 2};
  const int64_t twice[2] = {1, 1}, none[1] = {2};
  int64_t chosen[2], n;
  ftl_error error = {0};
  ftl_select_input in = {.n = 2, .n_features = 1, .features = f};
  assert_int_equal(ftl_select_farthest(&in, FTL_SELECT_LARGEST, 1, chosen, NULL, &n, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "feature 0 of candidate 1"));
  in.features = good;
  assert_int_equal(ftl_select_d_optimal(&in, weight, 0, 1, chosen, NULL, &n, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "weight -1 of candidate 1"));
  in.given = twice, in.n_given = 2;
  assert_int_equal(ftl_select_farthest(&in, FTL_SELECT_LARGEST, 1, chosen, NULL, &n, &error), FTL_ERR_ARGUMENT);
  in.given = none, in.n_given = 1;
  assert_int_equal(ftl_select_d_optimal(&in, NULL, 0, 1, chosen, NULL, &n, &error), FTL_ERR_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(farthest_is_farthest), cmocka_unit_test(beginnings),
      cmocka_unit_test(copies_are_left),      cmocka_unit_test(order_does_not_matter),
      cmocka_unit_test(d_optimal_is_greedy),  cmocka_unit_test(rank_is_complete),
      cmocka_unit_test(weight_of_nothing),    cmocka_unit_test(wrong_input),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
