/* The few radial functions that span the features of the radial network: a column subset, so that they are tabulated as
   the features are. */
#include "mace/first_features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Column-pivoted Gram-Schmidt on samples[point][feature]: picks the features that span all to the tolerance and writes
   every feature as their combination: feature q = sum_k chosen[k] * combination[k][q]. Returns their number. */
static int choose_features(double *samples, int n_points, int n, double tolerance, int *chosen, double *combination) {
  double *r = calloc((size_t)n * (size_t)n, sizeof *r); /* r[k][q]: coefficient of orthonormal vector k in feature q */
  double *norm = malloc((size_t)n * sizeof *norm), largest = 0;
  int rank = 0;
  if (!r || !norm) {
    free(r);
    free(norm);
    return -1;
  }
  for (; rank < n; rank++) {
    int best = -1;
    double best_norm = 0;
    memset(norm, 0, (size_t)n * sizeof *norm);
    for (int s = 0; s < n_points; s++)
      for (int q = 0; q < n; q++)
        norm[q] += samples[(size_t)s * (size_t)n + (size_t)q] * samples[(size_t)s * (size_t)n + (size_t)q];
    for (int q = 0; q < n; q++)
      if (norm[q] > best_norm) {
        best_norm = norm[q];
        best = q;
      }
    best_norm = sqrt(best_norm);
    if (rank == 0) largest = best_norm;
    if (best < 0 || best_norm <= tolerance * largest) break;
    chosen[rank] = best;
    double *rk = r + (size_t)rank * (size_t)n;
    for (int s = 0; s < n_points; s++) {
      double v = samples[(size_t)s * (size_t)n + (size_t)best] / best_norm;
      for (int q = 0; q < n; q++) rk[q] += v * samples[(size_t)s * (size_t)n + (size_t)q];
    }
    for (int s = 0; s < n_points; s++) {
      double v = samples[(size_t)s * (size_t)n + (size_t)best] / best_norm;
      for (int q = 0; q < n; q++)
        if (q != best) samples[(size_t)s * (size_t)n + (size_t)q] -= v * rk[q];
    }
    for (int s = 0; s < n_points; s++) samples[(size_t)s * (size_t)n + (size_t)best] = 0;
    for (int k = 0; k < rank; k++) rk[chosen[k]] = 0;
  }
  /* solve R11 C = R(all): back substitution */
  for (int q = 0; q < n; q++)
    for (int k = rank - 1; k >= 0; k--) {
      double v = r[(size_t)k * (size_t)n + (size_t)q];
      for (int m = k + 1; m < rank; m++)
        v -= r[(size_t)k * (size_t)n + (size_t)chosen[m]] * combination[(size_t)m * (size_t)n + (size_t)q];
      combination[(size_t)k * (size_t)n + (size_t)q] = v / r[(size_t)k * (size_t)n + (size_t)chosen[k]];
    }
  free(r);
  free(norm);
  return rank;
}

#define N_POINTS 768

/* Features on a grid of points, each scaled by the largest weight that it meets: what counts is its part of the
   weights. */
static void sample(const ftl_model *model, const ftl_radial *radial, const ftl_grid *grid, int class_,
                   const double *coefficients, double *row, double *size, double *samples) {
  const int n = radial->n_features, n_w = radial->n_weights;
  for (int q = 0; q < n; q++)
    for (int w = 0; w < n_w; w++) size[q] = fmax(size[q], fabs(radial->matrix[(size_t)q * (size_t)n_w + (size_t)w]));
  for (int s = 0; s < N_POINTS; s++) {
    int cell;
    double t, slope;
    ftl_grid_locate(grid, class_, (s + 0.5) / N_POINTS * model->arch.r_max, &cell, &t, &slope);
    ftl_piecewise_eval(grid->n_coefficients, n, coefficients + (size_t)(cell * grid->n_coefficients * n), t, row);
    for (int q = 0; q < n; q++) samples[(size_t)s * (size_t)n + (size_t)q] = row[q] * size[q];
  }
}

/* T[k][weight]: the network's last layer after the features are combinations of those chosen. */
static void fold_matrix(const ftl_radial *radial, int rank, const double *combination, const double *size, double *t) {
  const int n = radial->n_features, n_w = radial->n_weights;
  memset(t, 0, (size_t)n * (size_t)n_w * sizeof *t);
  for (int k = 0; k < rank; k++)
    for (int q = 0; q < n; q++) {
      double f = size[q] > 0 ? combination[(size_t)k * (size_t)n + (size_t)q] / size[q] : 0;
      for (int w = 0; w < n_w; w++)
        t[(size_t)k * (size_t)n_w + (size_t)w] += f * radial->matrix[(size_t)q * (size_t)n_w + (size_t)w];
    }
}

ftl_status ftl_first_features(const ftl_model *model, const ftl_radial *radial, const ftl_grid *grid, int class_index,
                              const double *coefficients, ftl_first_class *class_, double **phi, double *t,
                              ftl_error *error) {
  const int n = radial->n_features;
  const size_t rows = (size_t)(grid->first[class_index + 1] - grid->first[class_index]) * (size_t)grid->n_coefficients;
  double *samples = malloc(N_POINTS * (size_t)n * sizeof *samples), *row = malloc((size_t)n * sizeof *row);
  double *combination = calloc((size_t)n * (size_t)n, sizeof *combination), *size = calloc((size_t)n, sizeof *size);
  int *chosen = malloc((size_t)n * sizeof *chosen), rank = -1;
  *phi = NULL;
  if (samples && row && combination && size && chosen) {
    sample(model, radial, grid, class_index, coefficients, row, size, samples);
    rank = choose_features(samples, N_POINTS, n, model->precision == FTL_DOUBLE ? 1e-14 : 1e-8, chosen, combination);
  }
  if (rank >= 0) {
    class_->n_radial = rank;
    class_->pad = (rank + model->lanes - 1) / model->lanes * model->lanes;
    if (class_->pad == 0) class_->pad = model->lanes;
    *phi = calloc(rows * (size_t)class_->pad, sizeof **phi);
  }
  if (*phi) {
    for (size_t c = 0; c < rows; c++)
      for (int k = 0; k < rank; k++)
        (*phi)[c * (size_t)class_->pad + (size_t)k] = coefficients[c * (size_t)n + (size_t)chosen[k]] * size[chosen[k]];
    fold_matrix(radial, rank, combination, size, t);
  }
  free(samples);
  free(row);
  free(combination);
  free(size);
  free(chosen);
  return *phi ? FTL_OK : ftl_no_memory(error, NULL, "the first layer's radial functions");
}
