#ifndef FTL_ZBL_H
#define FTL_ZBL_H

#include "math/cutoff.h"

/* Half of a pair's ZBL energy at r, as MACE's ZBLBasis has it, and its derivative by r. z: ftl_model.zbl of the pair, c
   and p: zbl_c and zbl_p. Zero from z[2] on. */
FTL_FUNCTION double ftl_zbl(const double *z, const double *c, int p, double r, double *derivative) {
  const double decay[4] = {3.2, 0.9423, 0.4028, 0.2016};
  double phi = 0, slope = 0, cutoff_slope, cutoff = ftl_polynomial_cutoff(r, z[2], p, &cutoff_slope);
  for (int k = 0; k < 4; k++) {
    double term = c[k] * exp(-decay[k] * r * z[1]);
    phi += term;
    slope -= decay[k] * z[1] * term;
  }
  double energy = z[0] / r * phi;
  *derivative = z[0] / r * slope * cutoff - energy / r * cutoff + energy * cutoff_slope;
  return energy * cutoff;
}

#endif
