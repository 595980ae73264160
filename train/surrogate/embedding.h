/* F(rho) of a second density, with two derivatives: FinnisSinclairShiftedScaled of docs/ace.md (A5), as
   core/ace/functions.h evaluates it. */
#ifndef FTL_EMBEDDING_H
#define FTL_EMBEDDING_H

#include "ace/functions.h"

/* F = sign(rho) ((o + a)^m - v) with a = |rho|, o = A e^-a, v = B e^-a, so that F'' = sign(rho) (-v + m (o (o +
   a)^(m-1)
   + (m - 1) (1 - o)^2 (o + a)^(m-2))). It jumps at 0, where F and F' are continuous. */
static inline void ftl_embedding_at(double rho, double m, double *f, double *slope, double *curvature) {
  const double a = fabs(rho), q = 1 / m, decay = exp(-a);
  const double o = pow(q, q / (1 - q)) * decay, v = pow(q, 1 / (1 - q)) * decay;
  *f = ftl_ace_shifted_power_law(rho, m, slope);
  const double bend = -v + m * (o * pow(o + a, m - 1) + (m - 1) * (1 - o) * (1 - o) * pow(o + a, m - 2));
  *curvature = rho < 0 ? -bend : bend;
}

#endif
