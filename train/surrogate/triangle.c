#include "surrogate/triangle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support/work_memory.h"
#include "support/ranks.h"
#include "surrogate/lapack.h"

enum { BLOCK = 64 }; /* columns that a step of the factorisation takes together */

static size_t side(int n) { return (size_t)n + 1; }

size_t ftl_triangle_bytes(int n) { return (side(n) * side(n) + 2 * BLOCK * side(n)) * sizeof(double); }

ftl_status ftl_triangle_new(int n, ftl_triangle *triangle, ftl_error *error) {
  *triangle = (ftl_triangle){.n = n};
  triangle->r = calloc(side(n) * side(n), sizeof(double));
  triangle->t = malloc(BLOCK * side(n) * sizeof(double));
  triangle->work = malloc(BLOCK * side(n) * sizeof(double));
  if (triangle->r && triangle->t && triangle->work && ftl_memory_is_left()) return FTL_OK;
  ftl_triangle_free(triangle);
  return ftl_no_memory(error, NULL, "a fit of %d functions (%zu MB)", n, ftl_triangle_bytes(n) >> 20);
}

void ftl_triangle_free(ftl_triangle *triangle) {
  free(triangle->r);
  free(triangle->t);
  free(triangle->work);
  *triangle = (ftl_triangle){0};
}

ftl_status ftl_triangle_add(ftl_triangle *x, double *block, int rows, int ld, ftl_error *error) {
  int n = x->n + 1, l = 0, nb = n < BLOCK ? n : BLOCK, info;
  if (rows == 0) return FTL_OK;
  for (int k = 0; k < n; k++) {
    double sum = 0;
    for (int i = 0; i < rows; i++) sum += fabs(block[(size_t)k * (size_t)ld + (size_t)i]);
    if (!isfinite(sum))
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "a number of the fit is not finite, in function %d", k);
  }
  dtpqrt_(&rows, &n, &l, &nb, x->r, &n, block, &ld, x->t, &nb, x->work, &info);
  x->rows += rows;
  return info ? ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "dtpqrt refused its argument %d", -info) : FTL_OK;
}

ftl_status ftl_triangle_join(ftl_triangle *x, const ftl_triangle *other, ftl_error *error) {
  size_t bytes = side(x->n) * side(x->n) * sizeof(double);
  double *copy = malloc(bytes);
  if (!copy) return ftl_no_memory(error, NULL, "a fit of %d functions", x->n);
  memcpy(copy, other->r, bytes);
  int64_t rows = x->rows + other->rows;
  ftl_status status = ftl_triangle_add(x, copy, x->n + 1, x->n + 1, error);
  x->rows = rows;
  free(copy);
  return status;
}

ftl_status ftl_triangle_join_ranks(ftl_triangle *x, ftl_error *error) {
  int n_ranks = ftl_ranks_n(), mine = ftl_ranks_mine();
  if (n_ranks == 1) return FTL_OK;
  size_t n = side(x->n) * side(x->n), total = n * (size_t)n_ranks;
  double *all = calloc(total, sizeof *all), rows = (double)x->rows;
  if (!all) return ftl_no_memory(error, NULL, "joining the fits of %d ranks", n_ranks);
  memcpy(all + n * (size_t)mine, x->r, n * sizeof *all);
  ftl_ranks_sum(all, (int64_t)total);
  ftl_ranks_sum(&rows, 1);
  /* the same order on every rank, so that all get the same bits */
  memcpy(x->r, all, n * sizeof *all);
  ftl_status status = FTL_OK;
  for (int k = 1; k < n_ranks && !status; k++)
    status = ftl_triangle_add(x, all + n * (size_t)k, x->n + 1, x->n + 1, error);
  x->rows = (int64_t)rows;
  free(all);
  return status;
}

ftl_status ftl_triangle_rest(const ftl_triangle *x, int first, ftl_triangle *rest, ftl_error *error) {
  FTL_TRY(ftl_triangle_new(x->n - first, rest, error));
  const size_t from = side(x->n), to = side(rest->n);
  rest->rows = x->rows > first ? x->rows - first : 0;
  for (size_t k = 0; k < to; k++)
    memcpy(rest->r + k * to, x->r + (k + (size_t)first) * from + first, to * sizeof *rest->r);
  return FTL_OK;
}

void ftl_triangle_first(const ftl_triangle *t, int first, const double *rest, double *x) {
  const size_t ld = side(t->n);
  for (int i = first - 1; i >= 0; i--) {
    double sum = t->r[(size_t)t->n * ld + (size_t)i], column = 0;
    for (int k = i + 1; k < t->n; k++) sum -= t->r[(size_t)k * ld + (size_t)i] * (k < first ? x[k] : rest[k - first]);
    for (int k = 0; k <= i; k++) column = fmax(column, fabs(t->r[(size_t)i * ld + (size_t)k]));
    const double pivot = t->r[(size_t)i * ld + (size_t)i];
    x[i] = fabs(pivot) > 1e-10 * column ? sum / pivot : 0;
  }
}

double ftl_triangle_residual(const ftl_triangle *x, const double *solution) {
  size_t n = side(x->n);
  double sum = x->r[n * n - 1] * x->r[n * n - 1];
  for (size_t i = 0; i + 1 < n; i++) {
    double row = -x->r[(n - 1) * n + i];
    for (size_t k = i; k + 1 < n; k++) row += x->r[k * n + i] * solution[k];
    sum += row * row;
  }
  return sum;
}
