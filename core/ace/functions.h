/* An atom's energy from its densities and core sum, and the splines' bins: what the kernels and the Kokkos build
   (core/kokkos) have in common. docs/ace.md, (A5). */
#ifndef FTL_ACE_FUNCTIONS_H
#define FTL_ACE_FUNCTIONS_H

#include <math.h>

#include "model/ace_potential.h"
#include "math/function.h"

/* 1 below `end - width`, 0 above `end`, a polynomial of degree 5 between. */
FTL_FUNCTION double ftl_ace_switch(double x, double end, double width, double *slope) {
  *slope = 0;
  if (x <= end - width) return 1;
  if (x >= end) return 0;
  double u = 1 - 2 * (1 + (x - end) / width), u2 = u * u;
  *slope = -7.5 / width * (0.25 - 0.5 * u2 + 0.25 * u2 * u2);
  return 0.5 + 3.75 * u * (0.25 - u2 / 6 + u2 * u2 / 20);
}

/* sign(x) |x|^m, made linear within 1e-6 of 0. */
FTL_FUNCTION double ftl_ace_power_law(double x, double m, double *slope) {
  const double w = 1e6;
  double linear = pow(1 / w, m - 1), a = fabs(x);
  *slope = linear;
  if (a <= 1e-10) return linear * x;
  double u = w * a, u3 = u * u * u, blend = u3 > 30 ? 0 : exp(-u3), dblend = -3 * w * u * u * blend, p = pow(a, m);
  *slope = m * p / a * (1 - blend) - p * dblend + linear * (dblend * a + blend);
  return copysign((1 - blend) * p + linear * blend * a, x);
}

FTL_FUNCTION double ftl_ace_shifted_power_law(double x, double m, double *slope) {
  *slope = 1;
  if (fabs(m - 1) < 1e-10) return x;
  double a = fabs(x), decay = exp(-a), q = 1 / m;
  double offset = pow(q, q / (1 - q)) * decay, value = pow(q, 1 / (1 - q)) * decay;
  *slope = value + m * (1 - offset) * pow(offset + a, m - 1);
  return copysign(pow(offset + a, m) - value, x);
}

/* Embedding energy of densities, with its derivatives by them. */
FTL_FUNCTION double ftl_ace_embed(const ftl_ace_embedding *e, const double *rho, double *derivative) {
  double energy = 0, slope;
  for (int p = 0; p < e->n_density; p++) {
    double f = e->shifted ? ftl_ace_shifted_power_law(rho[p], e->exponent[p], &slope)
                          : ftl_ace_power_law(rho[p], e->exponent[p], &slope);
    energy += e->weight[p] * f;
    derivative[p] = e->weight[p] * slope;
  }
  return energy;
}

/* What neighbours say about an atom, apart from its densities. */
typedef struct {
  double core; /* sum of core repulsions */
  bool zbl;    /* the potential's inner cutoff is ZBL: the neighbour that is deepest in it counts */
  bool any; /* there is one; its distance is `depth` beyond where only ZBL is left, `width` beyond which all is PACE */
  double depth, width;
} ftl_ace_core_sums;

/* The energy of an atom from that of its densities. *fraction, *d_core, *d_depth: its derivatives by the latter, the
   core sum and the depth. */
FTL_FUNCTION double ftl_ace_site(const ftl_ace_embedding *embedding, const ftl_ace_core_sums *sums, double energy,
                                 double *fraction, double *d_core, double *d_depth) {
  double slope = 0;
  *d_depth = 0;
  if (sums->zbl) {
    *fraction = sums->any ? ftl_ace_switch(sums->width - sums->depth, sums->width, sums->width, &slope) : 1;
    *d_core = 1 - *fraction;
    *d_depth = -slope * (energy - sums->core);
    return energy * *fraction + sums->core * (1 - *fraction);
  }
  *fraction = ftl_ace_switch(sums->core, embedding->core_cutoff, embedding->d_core_cutoff, &slope);
  *d_core = 1 + energy * slope;
  return energy * *fraction + sums->core;
}

/* The bin of r in a table of n_bins, and w, the place in it. */
FTL_FUNCTION int ftl_ace_bin(double r, double inverse, int n_bins, double *w) {
  const double x = r * inverse;
  int bin = (int)x;
  if (bin >= n_bins) bin = n_bins - 1;
  *w = x - bin;
  return bin;
}

/* The core repulsion in a bin and its slope; core[n_core + 1][2]: value and slope at the nodes. */
FTL_FUNCTION double ftl_ace_core_spline(const double *core, int n_core, double inverse, int bin, double w,
                                        double *slope) {
  *slope = 0;
  if (bin >= n_core) return 0;
  const double *p = core + 2 * bin, *q = p + 2;
  double step = q[0] - p[0], c2 = 3 * step - q[1] - 2 * p[1], c3 = p[1] + q[1] - 2 * step;
  *slope = (p[1] + w * (2 * c2 + 3 * w * c3)) * inverse;
  return p[0] + w * (p[1] + w * (c2 + w * c3));
}

#endif
