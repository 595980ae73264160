/* Radial basis functions and distance transforms of MACE, each with its derivative. */
#ifndef FTL_RADIAL_BASIS_H
#define FTL_RADIAL_BASIS_H

#include <math.h>

#include "math/function.h"

/* prefactor sin(k x) / x: MACE (7), arXiv 2206.07697. */
FTL_FUNCTION double ftl_bessel(double x, double k, double prefactor, double *derivative) {
  if (fabs(x) < 1e-12) {
    *derivative = 0;
    return prefactor * k;
  }
  *derivative = prefactor * (k * cos(k * x) / x - sin(k * x) / (x * x));
  return prefactor * (sin(k * x) / x);
}

/* exp(c (x - centre)^2), c < 0 */
FTL_FUNCTION double ftl_gaussian(double x, double centre, double c, double *derivative) {
  const double value = exp(c * (x - centre) * (x - centre));
  *derivative = value * 2 * c * (x - centre);
  return value;
}

/* Chebyshev polynomials T_1 .. T_n of x itself, as mace has them: not scaled to [-1, 1]. */
FTL_FUNCTION void ftl_chebyshev(double x, int n, double *value, double *derivative) {
  double t_before = 1, t = x, d_before = 0, d = 1;
  for (int k = 0; k < n; k++) {
    value[k] = t;
    derivative[k] = d;
    const double t_next = 2 * x * t - t_before, d_next = 2 * t + 2 * x * d - d_before;
    t_before = t;
    t = t_next;
    d_before = d;
    d = d_next;
  }
}

/* 1 / (1 + a s^q / (1 + s^(q-p))), s = r / r0 (ACEpotentials.jl, J. Chem. Phys. 159, 164101), multiplied through with
   s^(p-q) so that r = 0 is harmless. */
FTL_FUNCTION double ftl_agnesi(double r, double r0, double q, double p, double a, double *derivative) {
  const double s = r / r0, top = a * pow(s, p), bottom = 1 + pow(s, p - q), x = 1 / (1 + top / bottom);
  const double d_top = a * p * pow(s, p - 1), d_bottom = (p - q) * pow(s, p - q - 1);
  *derivative = -x * x * (d_top * bottom - top * d_bottom) / (bottom * bottom) / r0;
  return x;
}

/* p0 + (r - p0) (1 + tanh(alpha' (r - m))) / 2 with p0 = 3/4 r0, p1 = 4/3 r0, m halfway, alpha' = alpha / (p1 - p0);
   r0 is the sum of the covalent radii. */
FTL_FUNCTION double ftl_soft(double r, double r0, double alpha, double *derivative) {
  const double p0 = 0.75 * r0, p1 = 4.0 / 3.0 * r0, slope = alpha / (p1 - p0), th = tanh(slope * (r - 0.5 * (p0 + p1)));
  *derivative = 0.5 * (1 + th) + (r - p0) * 0.5 * (1 - th * th) * slope;
  return p0 + (r - p0) * 0.5 * (1 + th);
}

#endif
