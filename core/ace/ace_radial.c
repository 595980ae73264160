/* Core repulsion of PACE, evaluated as it is defined, and one place to call its radial functions. */
#include <math.h>

#include "ace/ace.h"
#include "ace/radial.h"

void ftl_ace_base(const ftl_ace_bond *b, int n, double r, double *g, double *dg) { ftl_ace_radial(b, n, r, g, dg); }

/* ---- core repulsion ---- */

/* phi(r / a) / r and its first two derivatives. */
static void screened(double r, double a, double v[3]) {
  static const double weight[4] = {0.18175, 0.50986, 0.28022, 0.02817}, decay[4] = {3.19980, 0.94229, 0.40290, 0.20162};
  double p = 0, dp = 0, ddp = 0;
  for (int k = 0; k < 4; k++) {
    double term = weight[k] * exp(-decay[k] * r / a), rate = -decay[k] / a;
    p += term;
    dp += rate * term;
    ddp += rate * rate * term;
  }
  v[0] = p / r;
  v[1] = (dp - v[0]) / r;
  v[2] = (ddp - 2 * v[1]) / r;
}

static double zbl(const ftl_ace_pair *pair, double r, double *slope) {
  const ftl_ace_bond *b = &pair->bond;
  double a = 0.46850 / (pow(pair->z[0], 0.23) + pow(pair->z[1], 0.23)), v[3], end[3], w = b->d_cutoff, df;
  screened(r, a, v);
  screened(b->cutoff, a, end);
  double third = (-3 * end[1] + w * end[2]) / (w * w), fourth = (2 * end[1] - w * end[2]) / (w * w * w);
  double energy = v[0] - end[0] + w * end[1] / 2 - w * w * end[2] / 12, de = v[1], x = r - (b->cutoff - w);
  if (x > 0) {
    energy += x * x * x * (third / 3 + x * fourth / 4);
    de += x * x * (third + x * fourth);
  }
  double f = ftl_ace_switch(r, b->cutoff, w, &df);
  double prefactor = b->core * 14.399645351950543 / 2 * pair->z[0] * pair->z[1];
  *slope = prefactor * (de * f + energy * df);
  return prefactor * energy * f;
}

double ftl_ace_core(const ftl_ace_pair *pair, double r, double *slope) {
  const ftl_ace_bond *b = &pair->bond;
  *slope = 0;
  if (b->core == 0) return 0;
  if (b->inner_kind == FTL_ACE_INNER_ZBL) return zbl(pair, r, slope);
  double decay = fabs(b->core_decay) * r * r, df;
  if (decay >= 50 || (b->inner_kind == FTL_ACE_INNER_DISTANCE && r >= b->inner)) return 0;
  double energy = fabs(b->core) * exp(-decay) / r, de = -energy * (2 * decay + 1) / r;
  double f = ftl_ace_cosine_cutoff(r, 0, b->cutoff, &df);
  de = de * f + energy * df;
  energy *= f;
  if (b->inner_kind == FTL_ACE_INNER_DISTANCE) {
    f = ftl_ace_switch(r, b->inner, b->d_inner, &df);
    de = de * f + energy * df;
    energy *= f;
  }
  *slope = de;
  return energy;
}
