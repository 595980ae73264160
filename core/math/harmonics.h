/* Real spherical harmonics of a unit vector, in e3nn's order and "component" normalisation (sum_m Y_lm^2 = 2l+1),
   always in double, and their reverse. MACE takes the direction from sender to receiver. Written as homogeneous
   polynomials: of a vector of length r they are r^l times those of its direction ("raw" harmonics). */
#ifndef FTL_HARMONICS_H
#define FTL_HARMONICS_H

#include "math/function.h"

#define SQRT3   1.7320508075688772
#define SQRT5   2.23606797749979
#define SQRT7   2.6457513110645907
#define SQRT5_6 0.9128709291752769 /* sqrt(5/6) */
#define SQRT3_8 0.6123724356957945 /* sqrt(3/8) */

FTL_FUNCTION void spherical_harmonics(int lmax, double x, double y, double z, double *Y) {
  Y[0] = 1;
  if (lmax < 1) return;
  Y[1] = SQRT3 * x;
  Y[2] = SQRT3 * y;
  Y[3] = SQRT3 * z;
  if (lmax < 2) return;
  double x2z2 = x * x + z * z, y2 = y * y;
  double s20 = SQRT3 * x * z, s24 = 0.5 * SQRT3 * (z * z - x * x);
  Y[4] = SQRT5 * s20;
  Y[5] = SQRT5 * SQRT3 * x * y;
  Y[6] = SQRT5 * (y2 - 0.5 * x2z2);
  Y[7] = SQRT5 * SQRT3 * y * z;
  Y[8] = SQRT5 * s24;
  if (lmax < 3) return;
  Y[9] = SQRT7 * SQRT5_6 * (s20 * z + s24 * x);
  Y[10] = SQRT7 * SQRT5 * s20 * y;
  Y[11] = SQRT7 * SQRT3_8 * (4 * y2 - x2z2) * x;
  Y[12] = SQRT7 * 0.5 * y * (2 * y2 - 3 * x2z2);
  Y[13] = SQRT7 * SQRT3_8 * (4 * y2 - x2z2) * z;
  Y[14] = SQRT7 * SQRT5 * s24 * y;
  Y[15] = SQRT7 * SQRT5_6 * (s24 * z - s20 * x);
}

/* g = sum_lm dY[lm] * grad Y_lm as polynomials in x, y, z; the caller projects it on the sphere. */
FTL_FUNCTION void spherical_harmonics_reverse(int lmax, double x, double y, double z, const double *dY, double g[3]) {
  double gx = 0, gy = 0, gz = 0;
  if (lmax >= 1) {
    gx += SQRT3 * dY[1];
    gy += SQRT3 * dY[2];
    gz += SQRT3 * dY[3];
  }
  if (lmax >= 2) {
    double a = SQRT5 * SQRT3;
    gx += a * (z * dY[4] + y * dY[5] - x * dY[8]) - SQRT5 * x * dY[6];
    gy += a * (x * dY[5] + z * dY[7]) + 2 * SQRT5 * y * dY[6];
    gz += a * (x * dY[4] + y * dY[7] + z * dY[8]) - SQRT5 * z * dY[6];
  }
  if (lmax >= 3) {
    double s20 = SQRT3 * x * z, s24 = 0.5 * SQRT3 * (z * z - x * x);
    double d9 = SQRT7 * SQRT5_6 * dY[9], d10 = SQRT7 * SQRT5 * dY[10], d11 = SQRT7 * SQRT3_8 * dY[11];
    double d12 = SQRT7 * dY[12], d13 = SQRT7 * SQRT3_8 * dY[13], d14 = SQRT7 * SQRT5 * dY[14],
           d15 = SQRT7 * SQRT5_6 * dY[15];
    gx += d9 * (SQRT3 * z * z + s24 - SQRT3 * x * x) + d10 * SQRT3 * z * y + d11 * (4 * y * y - 3 * x * x - z * z) -
          3 * d12 * x * y - 2 * d13 * x * z - d14 * SQRT3 * x * y - d15 * (2 * SQRT3 * x * z + s20);
    gy += d10 * s20 + 8 * d11 * x * y + d12 * (3 * y * y - 1.5 * (x * x + z * z)) + 8 * d13 * y * z + d14 * s24;
    gz += d9 * (2 * SQRT3 * x * z + s20) + d10 * SQRT3 * x * y - 2 * d11 * x * z - 3 * d12 * y * z +
          d13 * (4 * y * y - x * x - 3 * z * z) + d14 * SQRT3 * z * y + d15 * (SQRT3 * z * z + s24 - SQRT3 * x * x);
  }
  g[0] = gx;
  g[1] = gy;
  g[2] = gz;
}

#endif
