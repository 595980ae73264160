/* Piecewise polynomials in r, and their fit to a vector of functions by Chebyshev interpolation. */
#ifndef FTL_PIECEWISE_H
#define FTL_PIECEWISE_H

#include <stdint.h>

#include "math/function.h"
#include "frozentl.h"

/* [0, cutoff) in cells whose width follows the functions, for each pair class (pairs of elements whose functions are
   the same) its own: narrow where they turn quickly, wide where most edges are, so that tables are small and stay in
   cache. In a cell, value = sum_k c[k] t^k with t in [-1, 1]. Cells begin and end at multiples of a unit. */
typedef struct {
  double middle, slope; /* t = (r - middle) * slope */
} ftl_cell;

typedef struct {
  int n_coefficients; /* degree + 1 */
  int n_units;
  double units;      /* per Angstrom */
  uint16_t *cell_of; /* [class][n_units], counted within the class */
  int *first;        /* [n_classes + 1]: where a class's cells begin among all */
  ftl_cell *cell;    /* [first[n_classes]] */
} ftl_grid;

/* The cell of r, counted within its class, t in it, and dt/dr. */
FTL_FUNCTION void ftl_grid_locate(const ftl_grid *grid, int class_, double r, int *cell, double *t, double *slope) {
  int unit = (int)(r * grid->units);
  if (unit >= grid->n_units) unit = grid->n_units - 1;
  *cell = grid->cell_of[class_ * grid->n_units + unit];
  const ftl_cell *at = &grid->cell[grid->first[class_] + *cell];
  *t = (r - at->middle) * at->slope;
  *slope = at->slope;
}

/* ---- fitting, while a model is prepared ---- */

/* n functions at r; `values` has room for them. */
typedef void (*ftl_sample_fn)(void *context, double r, double *values);

/* Fits n functions in a cell by n_coefficients each: coefficients[k][function], monomials in t of [-1, 1]. */
ftl_status ftl_piecewise_fit(const ftl_cell *cell, int n_coefficients, int n, ftl_sample_fn sample, void *context,
                             double *coefficients, ftl_error *error);
/* Largest |fit - function| over points of the cell between the nodes; infinite when out of memory. */
double ftl_piecewise_error(const ftl_cell *cell, int n_coefficients, int n, ftl_sample_fn sample, void *context,
                           const double *coefficients);
/* Values of the fit at t: values[n]. */
void ftl_piecewise_eval(int n_coefficients, int n, const double *coefficients, double t, double *values);

#endif
