#ifndef FTL_CUTOFF_H
#define FTL_CUTOFF_H

#include <math.h>

#include "math/function.h"

/* MACE's polynomial envelope (arXiv 2003.03123, eq. 8) and its derivative by r; zero from r_max on. */
FTL_FUNCTION double ftl_polynomial_cutoff(double r, double r_max, double p, double *derivative) {
  *derivative = 0;
  if (!(r < r_max)) return 0;
  double x = r / r_max, xp1 = pow(x, p - 1), xp = xp1 * x;
  double c0 = (p + 1) * (p + 2) / 2, c1 = p * (p + 2), c2 = p * (p + 1) / 2;
  *derivative = (-c0 * p * xp1 + c1 * (p + 1) * xp - c2 * (p + 2) * xp * x) / r_max;
  return 1 - xp * (c0 - x * (c1 - x * c2));
}

/* XPLOR's switching function (X-PLOR manual 3.1, chapter 4; HOOMD-blue's) and its derivative: 1 up to r_on, 0 from
   r_max on. Its second derivative jumps at r_on. */
FTL_FUNCTION double ftl_xplor_cutoff(double r, double r_max, double r_on, double *derivative) {
  *derivative = 0;
  if (r < r_on) return 1;
  if (!(r < r_max)) return 0;
  double a = r_max * r_max - r * r, b = r_max * r_max + 2 * r * r - 3 * r_on * r_on, c = r_max * r_max - r_on * r_on;
  *derivative = 4 * r * a * (a - b) / (c * c * c);
  return a * a * b / (c * c * c);
}

#endif
