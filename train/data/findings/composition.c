#include "data/findings/composition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"

enum { ITERATIONS = 40 };

/* LAPACK: solves A x = b for a symmetric positive definite A, which is overwritten. */
void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b, const int *ldb,
            int *info);

ftl_status ftl_compositions_add(ftl_compositions *c, int n, const int *atomic_number, ftl_error *error) {
  int count[119] = {0}, different = 0;
  for (int i = 0; i < n; i++) different += count[atomic_number[i]]++ == 0;
  const size_t used = c->n > 0 ? (size_t)c->first[c->n] : 0, need = used + (size_t)different;
  FTL_TRY(FTL_GROW(c->first, c->first_room, (size_t)c->n + 2, "compositions", error));
  FTL_TRY(FTL_GROW(c->at, c->at_room, need + 1, "compositions", error));
  FTL_TRY(FTL_GROW(c->fraction, c->fraction_room, need + 1, "compositions", error));
  size_t k = used;
  c->first[c->n++] = (int64_t)used;
  for (int z = 0; z < 119; z++) {
    if (count[z] == 0) continue;
    if (c->column[z] == 0) {
      c->element[c->n_elements++] = z;
      c->column[z] = c->n_elements;
    }
    c->at[k] = c->column[z] - 1;
    c->fraction[k++] = (double)count[z] / n;
  }
  c->first[c->n] = (int64_t)k;
  return FTL_OK;
}

void ftl_compositions_free(ftl_compositions *c) {
  free(c->first);
  free(c->at);
  free(c->fraction);
  *c = (ftl_compositions){0};
}

static int by_size(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return a < b ? -1 : a > b;
}

double ftl_median(double *x, int64_t n) {
  if (n == 0) return 0;
  qsort(x, (size_t)n, sizeof *x, by_size);
  return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

double ftl_robust_deviation(const double *x, int64_t n, double centre, double *work) {
  for (int64_t k = 0; k < n; k++) work[k] = fabs(x[k] - centre);
  return 1.4826 * ftl_median(work, n);
}

double ftl_trimmed_size(const double *x, int64_t n, double *work) {
  const int64_t kept = n - n / 10;
  double sum = 0;
  for (int64_t k = 0; k < n; k++) work[k] = fabs(x[k]);
  qsort(work, (size_t)n, sizeof *work, by_size);
  for (int64_t k = 0; k < kept; k++) sum += work[k];
  return kept > 0 ? sum / (double)kept : 0;
}

/* One step of weighted least squares from what is left; a small diagonal decides what the compositions leave open, and
   does not bend the rest, because steps go on from what is left. */
static void step(const ftl_compositions *c, const double *weight, double *left, double *a, double *b) {
  const int m = c->n_elements, one = 1;
  double largest = 0;
  int info;
  memset(a, 0, (size_t)m * (size_t)m * sizeof *a);
  memset(b, 0, (size_t)m * sizeof *b);
  for (int64_t k = 0; k < c->n; k++)
    for (int64_t i = c->first[k]; i < c->first[k + 1]; i++) {
      const double x = weight[k] * c->fraction[i];
      b[c->at[i]] += x * left[k];
      for (int64_t j = c->first[k]; j < c->first[k + 1]; j++) a[c->at[i] * m + c->at[j]] += x * c->fraction[j];
    }
  for (int i = 0; i < m; i++) largest = fmax(largest, a[i * m + i]);
  for (int i = 0; i < m; i++) a[i * m + i] += 1e-9 * largest;
  dposv_("L", &m, &one, a, &m, b, &m, &info);
  if (info != 0) return;
  for (int64_t k = 0; k < c->n; k++)
    for (int64_t i = c->first[k]; i < c->first[k + 1]; i++) left[k] -= c->fraction[i] * b[c->at[i]];
}

ftl_status ftl_compositions_fit(const ftl_compositions *c, const double *y, double *left, ftl_error *error) {
  const size_t n = (size_t)c->n, m = (size_t)c->n_elements;
  double *work = malloc((n + 1) * sizeof *work), *a = malloc((m * m + 1) * sizeof *a), *b = malloc((m + 1) * sizeof *b);
  ftl_status status = FTL_OK;
  if (!work || !a || !b) status = ftl_no_memory(error, NULL, "comparing energies");
  if (!status && n > 0) {
    memcpy(work, y, n * sizeof *y);
    const double centre = ftl_median(work, c->n); /* fractions add up to 1 */
    for (size_t k = 0; k < n; k++) left[k] = y[k] - centre;
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
      const double size = ftl_robust_deviation(left, c->n, 0, work);
      for (size_t k = 0; k < n; k++) work[k] = 1 / (fabs(left[k]) + 0.01 * size + 1e-9);
      step(c, work, left, a, b);
    }
  }
  free(work);
  free(a);
  free(b);
  return status;
}
