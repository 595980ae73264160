#include "surrogate/maxvol.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support/work_memory.h"
#include "surrogate/lapack.h"

static ftl_status no_memory(int n, ftl_error *error) {
  return ftl_no_memory(error, NULL, "the active set of %d functions", n);
}

static void set_scale(ftl_maxvol *m, const double *rms) {
  double least = INFINITY;
  for (int k = 0; k < m->n; k++)
    if (rms[k] > 0) least = fmin(least, rms[k]);
  for (int k = 0; k < m->n; k++) m->scale[k] = rms[k] > 0 ? rms[k] : isfinite(least) ? least : 1;
}

ftl_status ftl_maxvol_new(int n, const double *rms, double delta, ftl_maxvol *m, ftl_error *error) {
  size_t side = (size_t)n + 1, rows = FTL_MAXVOL_ROWS;
  *m = (ftl_maxvol){.n = n, .memory.enough = ftl_memory_is_left};
  m->scale = ftl_arena_take(&m->memory, side, sizeof *m->scale);
  m->row = ftl_arena_take(&m->memory, side * side, sizeof *m->row);
  m->inverse = ftl_arena_take(&m->memory, side * side, sizeof *m->inverse);
  m->offered = ftl_arena_take(&m->memory, side, sizeof *m->offered);
  m->block = ftl_arena_take(&m->memory, rows * side, sizeof *m->block);
  m->c = ftl_arena_take(&m->memory, rows * side, sizeof *m->c);
  m->u = ftl_arena_take(&m->memory, side, sizeof *m->u);
  m->v = ftl_arena_take(&m->memory, side, sizeof *m->v);
  m->most = ftl_arena_take(&m->memory, rows, sizeof *m->most);
  m->list = ftl_arena_take(&m->memory, rows, sizeof *m->list);
  m->at = ftl_arena_take(&m->memory, rows, sizeof *m->at);
  if (m->memory.failed) {
    ftl_maxvol_free(m);
    return no_memory(n, error);
  }
  set_scale(m, rms);
  for (size_t k = 0; k < (size_t)n; k++) {
    m->row[k * (size_t)n + k] = delta;
    m->inverse[k * (size_t)n + k] = 1 / delta;
  }
  return FTL_OK;
}

void ftl_maxvol_free(ftl_maxvol *m) {
  ftl_arena_free(&m->memory);
  *m = (ftl_maxvol){0};
}

static void find_most(ftl_maxvol *m, int row) {
  const double *c = m->c + (size_t)row * (size_t)m->n;
  m->most[row] = 0;
  m->at[row] = 0;
  for (int k = 0; k < m->n; k++)
    if (fabs(c[k]) > m->most[row]) {
      m->most[row] = fabs(c[k]);
      m->at[row] = k;
    }
}

/* Row `row` of the block takes the place of the matrix's row j. Sherman-Morrison: with v = c - e_j and u the inverse's
   column j, the inverse becomes inverse - u v^T / c_j, and the coefficients c_k of any row become c_k - c_kj v / c_j.
 */
static void replace(ftl_maxvol *m, int row, int n_listed) {
  const size_t n = (size_t)m->n;
  const int j = m->at[row];
  const double pivot = m->c[(size_t)row * n + (size_t)j];
  memcpy(m->v, m->c + (size_t)row * n, n * sizeof *m->v);
  m->v[j] -= 1;
  cblas_dcopy(m->n, m->inverse + j, m->n, m->u, 1);
  cblas_dger(CblasRowMajor, m->n, m->n, -1 / pivot, m->u, 1, m->v, 1, m->inverse, m->n);
  memcpy(m->row + (size_t)j * n, m->block + (size_t)row * n, n * sizeof *m->row);
  m->offered[j] = true;
  m->swaps++;
  for (int k = 0; k < n_listed; k++) {
    double *c = m->c + (size_t)m->list[k] * n;
    if (c[j] == 0) continue;
    cblas_daxpy(m->n, -c[j] / pivot, m->v, 1, c, 1);
    find_most(m, m->list[k]);
  }
}

double ftl_maxvol_offer(ftl_maxvol *m, int n_rows, const double *rows, int stride, double threshold) {
  const size_t n = (size_t)m->n;
  double largest = 0;
  int n_listed = 0;
  if (n_rows == 0 || m->n == 0) return 0;
  for (int i = 0; i < n_rows; i++)
    for (size_t k = 0; k < n; k++) m->block[(size_t)i * n + k] = rows[(size_t)i * (size_t)stride + k] / m->scale[k];
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n_rows, m->n, m->n, 1, m->block, m->n, m->inverse, m->n, 0,
              m->c, m->n);
  for (int i = 0; i < n_rows; i++) {
    find_most(m, i);
    largest = fmax(largest, m->most[i]);
    if (m->most[i] > threshold) m->list[n_listed++] = i;
  }
  while (n_listed > 0) {
    int best = m->list[0];
    for (int k = 1; k < n_listed; k++)
      if (m->most[m->list[k]] > m->most[best]) best = m->list[k];
    if (!(m->most[best] > threshold)) break;
    replace(m, best, n_listed);
  }
  return largest;
}

ftl_status ftl_maxvol_refresh(ftl_maxvol *m, ftl_error *error) {
  int n = m->n, info = 0, n_work = 64 * n;
  if (n == 0) return FTL_OK;
  int *pivot = malloc((size_t)n * sizeof *pivot);
  double *work = malloc((size_t)n_work * sizeof *work);
  ftl_status status = pivot && work ? FTL_OK : no_memory(n, error);
  if (!status) {
    memcpy(m->inverse, m->row, (size_t)n * (size_t)n * sizeof *m->inverse);
    dgetrf_(&n, &n, m->inverse, &n, pivot, &info); /* of the transpose: its inverse is the inverse's transpose */
    if (info == 0) dgetri_(&n, m->inverse, &n, pivot, work, &n_work, &info);
    if (info) status = ftl_fail(error, FTL_ERR_INPUT, NULL, "the active set of %d functions cannot be inverted", n);
  }
  free(pivot);
  free(work);
  return status;
}

void ftl_maxvol_inverse(const ftl_maxvol *m, double *inverse) {
  const size_t n = (size_t)m->n;
  for (size_t f = 0; f < n; f++)
    for (size_t k = 0; k < n; k++) inverse[f * n + k] = m->inverse[f * n + k] / m->scale[f];
}
