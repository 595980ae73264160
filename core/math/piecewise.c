#include "math/piecewise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_COEFFICIENTS 24

/* Row k: the monomial coefficients of t^k as a combination of the values at the n Chebyshev-Lobatto nodes. The discrete
   cosine sum gives Chebyshev coefficients, whose polynomials expand to monomials by their recurrence; for n <= 16 on
   [-1, 1] the loss is a few digits of coefficients that are themselves small. Both ends of a cell are nodes: values do
   not jump from a cell to the next, and slopes err 2.5 times less at the ends than with Chebyshev's nodes. */
static void interpolation_matrix(int n, double nodes[], double matrix[][MAX_COEFFICIENTS]) {
  double cheb[MAX_COEFFICIENTS][MAX_COEFFICIENTS] = {{0}}; /* T_k in monomials */
  cheb[0][0] = 1;
  if (n > 1) cheb[1][1] = 1;
  for (int k = 2; k < n; k++)
    for (int d = 0; d <= k; d++) cheb[k][d] = (d > 0 ? 2 * cheb[k - 1][d - 1] : 0) - cheb[k - 2][d];
  memset(matrix, 0, (size_t)n * sizeof matrix[0]);
  for (int j = 0; j < n; j++) {
    const double theta = M_PI * j / (n - 1), at_end = j == 0 || j == n - 1 ? 0.5 : 1;
    nodes[j] = cos(theta);
    for (int k = 0; k < n; k++) {
      const double weight = at_end * (k == 0 || k == n - 1 ? 1.0 : 2.0) / (n - 1) * cos(k * theta);
      for (int d = 0; d <= k; d++) matrix[d][j] += weight * cheb[k][d];
    }
  }
}

ftl_status ftl_piecewise_fit(const ftl_cell *cell, int n_coefficients, int n, ftl_sample_fn sample, void *context,
                             double *coefficients, ftl_error *error) {
  const int m = n_coefficients;
  double nodes[MAX_COEFFICIENTS], matrix[MAX_COEFFICIENTS][MAX_COEFFICIENTS];
  double *values = malloc((size_t)n * sizeof *values);
  if (!values) return ftl_no_memory(error, NULL, "radial tables");
  interpolation_matrix(m, nodes, matrix);
  memset(coefficients, 0, (size_t)m * (size_t)n * sizeof *coefficients);
  for (int j = 0; j < m; j++) {
    sample(context, cell->middle + nodes[j] / cell->slope, values);
    for (int k = 0; k < m; k++)
      for (int f = 0; f < n; f++) coefficients[(size_t)k * (size_t)n + (size_t)f] += matrix[k][j] * values[f];
  }
  free(values);
  return FTL_OK;
}

void ftl_piecewise_eval(int n_coefficients, int n, const double *coefficients, double t, double *values) {
  for (int f = 0; f < n; f++) {
    double v = 0;
    for (int k = n_coefficients - 1; k >= 0; k--) v = v * t + coefficients[(size_t)k * (size_t)n + (size_t)f];
    values[f] = v;
  }
}

double ftl_piecewise_error(const ftl_cell *cell, int n_coefficients, int n, ftl_sample_fn sample, void *context,
                           const double *coefficients) {
  static const double probes[3] = {-0.955, 0.19, 0.56};
  double worst = 0, *exact = malloc(2 * (size_t)n * sizeof *exact), *fit = exact + n;
  if (!exact) return INFINITY;
  for (int q = 0; q < 3; q++) {
    sample(context, cell->middle + probes[q] / cell->slope, exact);
    ftl_piecewise_eval(n_coefficients, n, coefficients, probes[q], fit);
    for (int f = 0; f < n; f++)
      if (!(fabs(fit[f] - exact[f]) <= worst)) worst = fabs(fit[f] - exact[f]);
  }
  free(exact);
  return worst;
}
