/* The parallelepiped that a structure's fractional coordinates refer to, whatever its periodicity. */
#ifndef FTL_BOX_H
#define FTL_BOX_H

#include "frozentl.h"

#define FTL_MAX_POSITION 1e8  /* Angstrom; the spacing of doubles there is 1.5e-8 */
#define FTL_MIN_DISTANCE 1e-6 /* Angstrom; closer atoms are in one place */

/* A basis with the periodic vectors; the rest are unit vectors orthogonal to them. */
typedef struct {
  double vector[3][3];
  double dual[3][3]; /* vector[a] . dual[b] = (a == b): fractional coordinate a of x is x . dual[a] */
  double reach[3];   /* the cutoff as a difference of fractional coordinates: cutoff * |dual| */
  int periodic[3];
  double cutoff;
  double low[3], high[3]; /* what the wrapped atoms occupy, fractional */
} ftl_box;

/* cell and pbc as in ftl_neighbours_build, whose errors about cells are made here. low and high are left to the caller.
 */
ftl_status ftl_box_make(ftl_box *box, const double (*cell)[3], const int pbc[3], double cutoff, ftl_error *error);

static inline double ftl_dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

#endif
