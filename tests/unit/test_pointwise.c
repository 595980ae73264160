/* core/math's pointwise functions: values against the reference's own or against closed forms, each derivative against
   a central difference of the one before it. Fails when a sign, a factor or a branch of one of them is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "math/activations.h"
#include "math/cutoff.h"
#include "math/radial_basis.h"
#include "math/zbl.h"
#include "reference/reference_stages.h"

#define STEP 1e-5

static void near(const char *what, double x, double got, double wanted, double tolerance) {
  if (!(fabs(got - wanted) <= tolerance * (1 + fabs(wanted))))
    fail_msg("%s at %g: %.17g, and should be %.17g", what, x, got, wanted);
}

/* ---- activations ---- */

static double exactly(ftl_activation kind, double x) {
  switch (kind) {
  case FTL_ACTIVATION_NONE:
    return x;
  case FTL_ACTIVATION_SILU:
    return ftl_ref_silu(x);
  case FTL_ACTIVATION_TANH:
    return (exp(x) - exp(-x)) / (exp(x) + exp(-x));
  case FTL_ACTIVATION_ABS:
    return fabs(x);
  case FTL_ACTIVATION_SIGMOID:
    return ftl_ref_sigmoid(x);
  case FTL_ACTIVATION_RELU:
    return fmax(x, 0);
  case FTL_ACTIVATION_SSP:
    return log(0.5 * exp(x) + 0.5); /* as SchNet and e3nn write it */
  case FTL_ACTIVATION_ELU:
    return x > 0 ? x : exp(x) - 1;
  case FTL_ACTIVATION_CAS:
    return sqrt(2) * cos(x - atan(1)) - 1;
  case FTL_N_ACTIVATIONS:
    break;
  }
  return NAN;
}

static void activations(void **state) {
  (void)state;
  for (int kind = FTL_ACTIVATION_NONE; kind <= FTL_ACTIVATION_ELU; kind++)
    for (double x = -4.95; x < 5; x += 0.3) { /* no corner within a step */
      char what[32];
      double d1, d2, low[2], high[2], unused;
      snprintf(what, sizeof what, "activation %d", kind);
      near(what, x, ftl_activate((ftl_activation)kind, x, &d1, &d2), exactly((ftl_activation)kind, x), 1e-14);
      const double below = ftl_activate((ftl_activation)kind, x - STEP, &low[0], &unused);
      const double above = ftl_activate((ftl_activation)kind, x + STEP, &high[0], &unused);
      near(what, x, d1, (above - below) / (2 * STEP), 1e-9);
      near(what, x, d2, (high[0] - low[0]) / (2 * STEP), 1e-9);
    }
}

/* Far out nothing overflows, and corners have PyTorch's derivative. */
static void activations_at_the_ends(void **state) {
  (void)state;
  double d1, d2;
  for (int kind = FTL_ACTIVATION_NONE; kind <= FTL_ACTIVATION_ELU; kind++)
    for (double x = -1000; x <= 1000; x += 1000) {
      const double y = ftl_activate((ftl_activation)kind, x, &d1, &d2);
      assert_true(isfinite(y) && isfinite(d1) && isfinite(d2));
    }
  near("ssp", 1000, ftl_activate(FTL_ACTIVATION_SSP, 1000, &d1, &d2), 1000 - log(2), 1e-15);
  ftl_activate(FTL_ACTIVATION_RELU, 0, &d1, &d2);
  assert_true(d1 == 0);
  ftl_activate(FTL_ACTIVATION_ABS, 0, &d1, &d2);
  assert_true(d1 == 0);
}

/* ---- functions of a distance ---- */

static void cutoff(void **state) {
  (void)state;
  for (double p = 4; p < 7; p++)
    for (double r = 0.2; r < 6; r += 0.23) {
      double d, d_ref;
      const double value = ftl_ref_cutoff(r, 4.5, p, &d_ref);
      near("cutoff", r, ftl_polynomial_cutoff(r, 4.5, p, &d), value, 1e-13);
      near("cutoff's slope", r, d, d_ref, 1e-13);
    }
  for (double r = 0.2; r < 6; r += 0.23) {
    double d, d_ref;
    const double value = ftl_ref_xplor(r, 4.5, 3.5, &d_ref);
    near("XPLOR's cutoff", r, ftl_xplor_cutoff(r, 4.5, 3.5, &d), value, 1e-13);
    near("XPLOR's slope", r, d, d_ref, 1e-13);
  }
}

static void transforms(void **state) {
  (void)state;
  const double radius[3] = {0, 0.31, 1.32};
  const ftl_ref_radial agnesi = {.transform = FTL_TRANSFORM_AGNESI,
                                 .q_agnesi = 0.9183,
                                 .p_agnesi = 4.5791,
                                 .a_agnesi = 1.0805,
                                 .covalent_radius = radius},
                       soft = {.transform = FTL_TRANSFORM_SOFT, .alpha_soft = 4, .covalent_radius = radius};
  for (double r = 0.2; r < 6; r += 0.23) {
    double d, d_ref, value = ftl_ref_transform(&agnesi, r, 1, 2, &d_ref);
    near("Agnesi", r, ftl_agnesi(r, 0.5 * (radius[1] + radius[2]), 0.9183, 4.5791, 1.0805, &d), value, 1e-13);
    near("Agnesi's slope", r, d, d_ref, 1e-12);
    value = ftl_ref_transform(&soft, r, 1, 2, &d_ref);
    near("Soft", r, ftl_soft(r, radius[1] + radius[2], 4, &d), value, 1e-13);
    near("Soft's slope", r, d, d_ref, 1e-13);
  }
  double d; /* atoms in one place: while tables are fitted */
  near("Agnesi", 0, ftl_agnesi(0, 0.8, 0.9183, 4.5791, 1.0805, &d), 1, 0);
  assert_true(d == 0);
}

static void basis(void **state) {
  (void)state;
  enum { N = 8 };
  double weight[N], b[N], d[N], value[N], slope[N];
  for (int n = 0; n < N; n++) weight[n] = (n + 1) * 0.63;
  for (int kind = FTL_RADIAL_BESSEL; kind <= FTL_RADIAL_CHEBYSHEV; kind++)
    for (double x = 0.05; x < 5; x += 0.31) {
      const ftl_ref_radial reference = {
          .kind = (ftl_radial_kind)kind, .n = N, .prefactor = 0.7, .weight = weight, .gaussian_coeff = -1.4};
      ftl_ref_basis(&reference, x, 1, 1, b, d);
      for (int n = 0; n < N; n++)
        value[n] = kind == FTL_RADIAL_BESSEL ? ftl_bessel(x, weight[n], 0.7, &slope[n])
                                             : ftl_gaussian(x, weight[n], -1.4, &slope[n]);
      if (kind == FTL_RADIAL_CHEBYSHEV) ftl_chebyshev(x, N, value, slope);
      for (int n = 0; n < N; n++) {
        near("basis", x, value[n], b[n], 1e-13);
        near("basis' slope", x, slope[n], d[n], 1e-12);
      }
    }
  near("Bessel", 0, ftl_bessel(0, 0.63, 0.7, d), 0.7 * 0.63, 0);
}

static void repulsion(void **state) {
  (void)state;
  const double c[4] = {0.1818, 0.5099, 0.2802, 0.02817}, radius[9] = {[1] = 0.31, [8] = 0.66};
  const ftl_ref_zbl zbl = {.a_exp = 0.3, .a_prefactor = 0.4543, .p = 6, .c = c, .covalent_radius = radius};
  const double table[4] = {0.5 * (double)(14.3996f * 8), (1 + pow(8, 0.3)) / (0.4543 * 0.529), 0.97, 0};
  for (double r = 0.1; r < 1.3; r += 0.07) {
    double d, d_ref;
    const double value = ftl_ref_zbl_energy(&zbl, r, 1, 8, &d_ref);
    near("ZBL", r, ftl_zbl(table, c, 6, r, &d), value, 1e-13);
    near("ZBL's slope", r, d, d_ref, 1e-12);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(activations), cmocka_unit_test(activations_at_the_ends),
                                     cmocka_unit_test(cutoff),      cmocka_unit_test(transforms),
                                     cmocka_unit_test(basis),       cmocka_unit_test(repulsion)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
