/* Piecewise polynomials in r, and their fit to a vector of functions by Chebyshev interpolation. */
#ifndef FTL_PIECEWISE_H
#define FTL_PIECEWISE_H

#include "math/function.h"
#include "frozentl.h"

/* n_fine cells on [0, split), the rest on [split, cutoff). Short distances, which are rare
   in a run, need narrow cells (the Agnesi transform turns quickly there); where most edges are, wide cells keep the
   tables in cache. In a cell, value = sum_k c[k] t^k with t in [-1, 1]. One polynomial set per pair class (pairs of
   elements whose functions are the same). */
typedef struct {
  int n_cells, n_fine, n_coefficients;        /* degree + 1 */
  double split, inverse_fine, inverse_coarse; /* cells per Angstrom */
} ftl_grid;

/* The cell of r, t in it, and dt/dr. */
FTL_FUNCTION void ftl_grid_locate(const ftl_grid *grid, double r, int *cell, double *t, double *slope) {
  int fine = r < grid->split;
  double inverse = fine ? grid->inverse_fine : grid->inverse_coarse, s = (fine ? r : r - grid->split) * inverse;
  int k = (int)s, most = (fine ? grid->n_fine : grid->n_cells - grid->n_fine) - 1;
  if (k > most) k = most;
  *cell = fine ? k : grid->n_fine + k;
  *t = 2 * (s - k) - 1;
  *slope = 2 * inverse;
}
/* The r at t of a cell. */
static inline double ftl_grid_point(const ftl_grid *grid, int cell, double t) {
  return cell < grid->n_fine ? (cell + 0.5 * (t + 1)) / grid->inverse_fine
                             : grid->split + (cell - grid->n_fine + 0.5 * (t + 1)) / grid->inverse_coarse;
}

/* ---- fitting, while a model is prepared ---- */

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
