/* Piecewise polynomials fitted to a vector of functions of r by Chebyshev interpolation. Used while preparing. */
#ifndef FTL_PIECEWISE_H
#define FTL_PIECEWISE_H

#include "compute/prepared.h"

/* n functions at r; `values` has room for them. */
typedef void (*ftl_sample_fn)(void *context, double r, double *values);

/* Fits on [0, cutoff) with the grid given: coefficients[cell][k][function], monomials in t of [-1, 1]. */
ftl_status ftl_piecewise_fit(const ftl_grid *grid, int n, ftl_sample_fn sample, void *context, double *coefficients,
                             ftl_error *error);
/* Largest |fit - function| / max |function| over points between the nodes at r_low <= r, of the fine cells and of the
 * others. */
void ftl_piecewise_error(const ftl_grid *grid, int n, ftl_sample_fn sample, void *context, const double *coefficients,
                         double r_low, double *fine, double *coarse);
/* Values of the fit at r: values[n]. */
void ftl_piecewise_eval(const ftl_grid *grid, int n, const double *coefficients, double r, double *values);

#endif
