/* Wigner 3j symbols and U matrices of new models: invariance under rotations, norms, numbers of paths, and e3nn's
   signs. test_scratch compares them with mace-torch's own files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "reference/reference_stages.h"
#include "model/u_matrix.h"
#include "math/wigner.h"

#define MAX_ELL 3
#define N_LM    ((MAX_ELL + 1) * (MAX_ELL + 1))

/* Three directions, and the same ones rotated by a rotation that is not about an axis of the frame. */
static const double direction[3][3] = {{0.3, -0.5, 0.8}, {1.1, 0.2, -0.4}, {-0.6, 0.9, 0.25}};

static void rotate(const double v[3], double r[3]) {
  static const double q[4] = {0.5, 0.1, -0.7, 0.5}; /* unit quaternion */
  const double a = q[0], b = q[1], c = q[2], d = q[3];
  const double m[3][3] = {{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
                          {2 * (b * c + a * d), a * a - b * b + c * c - d * d, 2 * (c * d - a * b)},
                          {2 * (b * d - a * c), 2 * (c * d + a * b), a * a - b * b - c * c + d * d}};
  for (int i = 0; i < 3; i++) r[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
}

static void harmonics(int k, bool rotated, double y[N_LM]) {
  double v[3] = {direction[k][0], direction[k][1], direction[k][2]};
  if (rotated) rotate(direction[k], v);
  ftl_ref_harmonics(v, MAX_ELL, y);
}

/* sum c_ijk Y_l1,i(a) Y_l2,j(b) Y_l3,k(c) does not change when the directions turn together. */
static void invariant_3j(void **unused) {
  (void)unused;
  for (int l1 = 0; l1 <= MAX_ELL; l1++)
    for (int l2 = 0; l2 <= MAX_ELL; l2++)
      for (int l3 = abs(l1 - l2); l3 <= l1 + l2 && l3 <= MAX_ELL; l3++) {
        double c[343], value[2] = {0, 0}, norm = 0;
        const int d2 = 2 * l2 + 1, d3 = 2 * l3 + 1, n = (2 * l1 + 1) * d2 * d3;
        ftl_wigner_3j(l1, l2, l3, c);
        for (int turned = 0; turned < 2; turned++) {
          double y[3][N_LM];
          for (int k = 0; k < 3; k++) harmonics(k, turned, y[k]);
          for (int k = 0; k < n; k++)
            value[turned] +=
                c[k] * y[0][l1 * l1 + k / (d2 * d3)] * y[1][l2 * l2 + k / d3 % d2] * y[2][l3 * l3 + k % d3];
        }
        assert_close(value[0], value[1], 1e-13);
        assert_true(fabs(value[0]) > 1e-6); /* else it says nothing */
        for (int k = 0; k < n; k++) norm += c[k] * c[k];
        assert_close(norm, 1, 1e-14);
      }
}

/* Norms up to the largest l that four factors need, and values that e3nn 0.4.4's o3.wigner_3j gives. */
static void values_3j(void **unused) {
  (void)unused;
  static double c[25 * 25 * 25];
  for (int l1 = 0; l1 <= 9; l1++)
    for (int l2 = 0; l2 <= 3; l2++)
      for (int l3 = abs(l1 - l2); l3 <= l1 + l2; l3++) {
        double norm = 0;
        ftl_wigner_3j(l1, l2, l3, c);
        for (int k = 0; k < (2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1); k++) norm += c[k] * c[k];
        assert_close(norm, 1, 1e-12);
      }
  ftl_wigner_3j(1, 1, 1, c);
  assert_close(c[0 * 9 + 1 * 3 + 2], 1 / sqrt(6), 1e-15);
  assert_close(c[0 * 9 + 2 * 3 + 1], -1 / sqrt(6), 1e-15);
  ftl_wigner_3j(1, 1, 2, c);
  assert_close(c[(1 * 3 + 1) * 5 + 2], 2 / sqrt(30), 1e-15);
  assert_close(c[(0 * 3 + 1) * 5 + 1], 1 / sqrt(10), 1e-15);
  ftl_wigner_3j(2, 1, 2, c); /* odd sum: the sign depends on the order */
  assert_close(c[(2 * 3 + 0) * 5 + 3], 1 / sqrt(10), 1e-15);
  ftl_wigner_3j(2, 2, 1, c);
  assert_close(c[(1 * 5 + 2) * 3 + 2], -1 / sqrt(10), 1e-15);
  ftl_wigner_3j(3, 1, 4, c);
  assert_close(c[(1 * 3 + 0) * 9 + 7], -1 / sqrt(24), 1e-15);
}

/* Numbers of paths of mace-torch 0.3.16 (use_reduced_cg False): U_matrix_real(...)[-1].shape[-1]. */
static void numbers_of_paths(void **unused) {
  (void)unused;
  static const struct {
    int max_ell, l, nu, paths;
  } expected[] = {{1, 0, 3, 4},  {1, 1, 3, 6},  {1, 0, 4, 9}, {2, 0, 3, 11}, {2, 1, 3, 21}, {2, 2, 3, 23},
                  {2, 0, 4, 46}, {2, 2, 4, 85}, {3, 0, 1, 1}, {3, 0, 2, 4},  {3, 0, 3, 23}, {3, 0, 4, 158},
                  {3, 1, 2, 6},  {3, 1, 3, 51}, {3, 2, 2, 7}, {3, 2, 3, 65}};
  for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
    double *u;
    int n;
    assert_int_equal(ftl_u_matrix(expected[k].max_ell, expected[k].l, expected[k].nu, &u, &n, NULL), FTL_OK);
    assert_int_equal(n, expected[k].paths);
    free(u);
  }
}

/* u contracted with nu times a[n_lm], for each component and path: value[(2 l + 1) * paths]. */
static void contract(const double *u, int l, int nu, int n_paths, const double *a, double *value) {
  size_t n = (size_t)(2 * l + 1);
  for (int k = 0; k < nu; k++) n *= N_LM;
  memset(value, 0, (size_t)((2 * l + 1) * n_paths) * sizeof *value);
  for (size_t k = 0; k < n; k++) {
    size_t rest = k;
    double product = 1;
    for (int f = 0; f < nu; f++, rest /= N_LM) product *= a[rest % N_LM];
    for (int p = 0; p < n_paths; p++)
      value[rest * (size_t)n_paths + (size_t)p] += product * u[k * (size_t)n_paths + (size_t)p];
  }
}

/* A_lm = sum over two directions of w Y_lm is what a contraction sees. Each path makes an irrep l of it: its scalar
   product with Y_l of a third direction does not change under rotation. */
static void equivariant_u(void **unused) {
  (void)unused;
  for (int l = 0; l <= 2; l++)
    for (int nu = 1; nu <= 3; nu++) {
      double *u, value[2][70] = {{0}};
      int n;
      assert_int_equal(ftl_u_matrix(MAX_ELL, l, nu, &u, &n, NULL), FTL_OK);
      assert_in_range(n, 1, 70);
      for (int turned = 0; turned < 2; turned++) {
        double y[3][N_LM], a[N_LM], b[5 * 70];
        for (int k = 0; k < 3; k++) harmonics(k, turned, y[k]);
        for (int k = 0; k < N_LM; k++) a[k] = 0.7 * y[0][k] - 0.4 * y[1][k];
        contract(u, l, nu, n, a, b);
        for (int p = 0; p < n; p++)
          for (int m = 0; m < 2 * l + 1; m++) value[turned][p] += b[m * n + p] * y[2][l * l + m];
      }
      for (int p = 0; p < n; p++) assert_close(value[0][p], value[1][p], 1e-11);
      free(u);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(invariant_3j),
      cmocka_unit_test(values_3j),
      cmocka_unit_test(numbers_of_paths),
      cmocka_unit_test(equivariant_u),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
