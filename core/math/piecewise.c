#include "math/piecewise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_COEFFICIENTS 24

/* Row k: the monomial coefficients of t^k as a combination of the values at the n Chebyshev nodes. The discrete cosine
   sum gives Chebyshev coefficients, whose polynomials expand to monomials by their recurrence; for n <= 16 on [-1, 1]
   the loss is a few digits of coefficients that are themselves small. */
static void interpolation_matrix(int n, double nodes[], double matrix[][MAX_COEFFICIENTS]) {
  double cheb[MAX_COEFFICIENTS][MAX_COEFFICIENTS] = {{0}}; /* T_k in monomials */
  cheb[0][0] = 1;
  if (n > 1) cheb[1][1] = 1;
  for (int k = 2; k < n; k++)
    for (int d = 0; d <= k; d++) cheb[k][d] = (d > 0 ? 2 * cheb[k - 1][d - 1] : 0) - cheb[k - 2][d];
  memset(matrix, 0, (size_t)n * sizeof matrix[0]);
  for (int j = 0; j < n; j++) {
    double theta = M_PI * (j + 0.5) / n;
    nodes[j] = cos(theta);
    for (int k = 0; k < n; k++) {
      double weight = (k == 0 ? 1.0 : 2.0) / n * cos(k * theta);
      for (int d = 0; d <= k; d++) matrix[d][j] += weight * cheb[k][d];
    }
  }
}

ftl_status ftl_piecewise_fit(const ftl_grid *grid, int n, ftl_sample_fn sample, void *context, double *coefficients,
                             ftl_error *error) {
  int m = grid->n_coefficients;
  double nodes[MAX_COEFFICIENTS], matrix[MAX_COEFFICIENTS][MAX_COEFFICIENTS];
  double *values = malloc((size_t)m * (size_t)n * sizeof *values);
  if (!values) return ftl_no_memory(error, NULL, "radial tables");
  interpolation_matrix(m, nodes, matrix);
  for (int cell = 0; cell < grid->n_cells; cell++) {
    for (int j = 0; j < m; j++) sample(context, ftl_grid_point(grid, cell, nodes[j]), values + (size_t)j * (size_t)n);
    double *c = coefficients + (size_t)cell * (size_t)m * (size_t)n;
    memset(c, 0, (size_t)m * (size_t)n * sizeof *c);
    for (int k = 0; k < m; k++)
      for (int j = 0; j < m; j++)
        for (int f = 0; f < n; f++)
          c[(size_t)k * (size_t)n + (size_t)f] += matrix[k][j] * values[(size_t)j * (size_t)n + (size_t)f];
  }
  free(values);
  return FTL_OK;
}

void ftl_piecewise_eval(const ftl_grid *grid, int n, const double *coefficients, double r, double *values) {
  int cell;
  double t, slope;
  ftl_grid_locate(grid, r, &cell, &t, &slope);
  const double *c = coefficients + (size_t)cell * (size_t)grid->n_coefficients * (size_t)n;
  for (int f = 0; f < n; f++) {
    double v = 0;
    for (int k = grid->n_coefficients - 1; k >= 0; k--) v = v * t + c[(size_t)k * (size_t)n + (size_t)f];
    values[f] = v;
  }
}

void ftl_piecewise_error(const ftl_grid *grid, int n, ftl_sample_fn sample, void *context, const double *coefficients,
                         double r_low, double *fine, double *coarse) {
  static const double probes[3] = {-0.999, 0.055, 0.93};
  double largest[2] = {0, 0}, worst[2] = {0, 0};
  double *exact = malloc(2 * (size_t)n * sizeof *exact), *fit = exact + n;
  *fine = *coarse = INFINITY;
  if (!exact) return;
  for (int cell = 0; cell < grid->n_cells; cell++)
    for (int q = 0; q < 3; q++) {
      int coarse_cell = cell >= grid->n_fine;
      double r = ftl_grid_point(grid, cell, probes[q]);
      if (r < r_low) continue;
      sample(context, r, exact);
      ftl_piecewise_eval(grid, n, coefficients, r, fit);
      for (int f = 0; f < n; f++) {
        worst[coarse_cell] = fmax(worst[coarse_cell], fabs(fit[f] - exact[f]));
        largest[coarse_cell] = fmax(largest[coarse_cell], fabs(exact[f]));
      }
    }
  free(exact);
  *fine = largest[0] > 0 ? worst[0] / largest[0] : 0;
  *coarse = largest[1] > 0 ? worst[1] / largest[1] : 0;
}
