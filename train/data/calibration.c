#include "data/calibration.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"

static const double SHARES[2] = {0.68, 0.95};

void ftl_calibration_free(ftl_calibration *c) {
  free(c->pair);
  c->pair = NULL;
  c->n = c->room = 0;
}

ftl_status ftl_calibration_add(ftl_calibration *c, double error_size, double deviation, ftl_error *error) {
  FTL_TRY(FTL_GROW(c->pair, c->room, c->n + 1, "errors and their deviations", error));
  c->pair[c->n][0] = error_size;
  c->pair[c->n++][1] = deviation;
  return FTL_OK;
}

double ftl_calibration_scale(const ftl_calibration *c) {
  double sum = 0;
  size_t n = 0;
  for (size_t k = 0; k < c->n; k++) {
    if (!(c->pair[k][1] > 0)) continue;
    const double z = c->pair[k][0] / c->pair[k][1];
    sum += z * z;
    n++;
  }
  return n > 0 && sum > 0 ? sqrt(sum / (double)n) : 1;
}

/* The probability of a smaller error, were it normal with this deviation: of one number, or of the length of a vector
   whose components have an equal part each (a chi distribution). */
static double probability(int dimensions, double error_size, double deviation) {
  if (!(deviation > 0)) return error_size > 0 ? 1 : 0;
  const double x = error_size / deviation * sqrt((double)dimensions);
  return erf(x / M_SQRT2) - (dimensions == 3 ? sqrt(2 / M_PI) * x * exp(-0.5 * x * x) : 0);
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Ranks of column `column`, equal ones sharing theirs; `order` is scratch. */
static void rank(const ftl_calibration *c, int column, double (*order)[2], double *ranks) {
  for (size_t k = 0; k < c->n; k++) {
    order[k][0] = c->pair[k][column];
    order[k][1] = (double)k;
  }
  qsort(order, c->n, sizeof *order, by_value);
  for (size_t k = 0; k < c->n;) {
    size_t end = k;
    while (end < c->n && order[end][0] == order[k][0]) end++;
    for (size_t j = k; j < end; j++) ranks[(size_t)order[j][1]] = 0.5 * (double)(k + end - 1);
    k = end;
  }
}

static double correlation(size_t n, const double *x, const double *y) {
  const double mean = 0.5 * (double)(n - 1);
  double xx = 0, yy = 0, xy = 0;
  for (size_t k = 0; k < n; k++) {
    xx += (x[k] - mean) * (x[k] - mean);
    yy += (y[k] - mean) * (y[k] - mean);
    xy += (x[k] - mean) * (y[k] - mean);
  }
  return n < 3 || xx == 0 || yy == 0 ? NAN : xy / sqrt(xx * yy);
}

ftl_status ftl_calibration_measure(const ftl_calibration *c, ftl_calibration_result *r, ftl_error *error) {
  const size_t n = c->n;
  *r = (ftl_calibration_result){
      .n = (int64_t)n, .error = NAN, .deviation = NAN, .within = {NAN, NAN}, .miscalibration = NAN, .spearman = NAN};
  if (n == 0) return FTL_OK;
  double *p = malloc(3 * n * sizeof *p), (*order)[2] = malloc(n * sizeof *order);
  if (!p || !order) {
    free(p);
    free(order);
    return ftl_no_memory(error, NULL, "the calibration of %zu errors", n);
  }
  double squares[2] = {0}, inside[2] = {0}, area = 0;
  for (size_t k = 0; k < n; k++) {
    p[k] = probability(c->dimensions, c->pair[k][0], c->pair[k][1]);
    for (int m = 0; m < 2; m++) {
      squares[m] += c->pair[k][m] * c->pair[k][m];
      inside[m] += p[k] <= SHARES[m];
    }
  }
  qsort(p, n, sizeof *p, by_value);
  for (size_t k = 0; k < n; k++) area += fabs(((double)k + 0.5) / (double)n - p[k]);
  r->error = sqrt(squares[0] / (double)n);
  r->deviation = sqrt(squares[1] / (double)n);
  for (int m = 0; m < 2; m++) r->within[m] = inside[m] / (double)n;
  r->miscalibration = area / (double)n;
  rank(c, 0, order, p + n);
  rank(c, 1, order, p + 2 * n);
  r->spearman = correlation(n, p + n, p + 2 * n);
  free(p);
  free(order);
  return FTL_OK;
}
