#include "trust/last_active.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "surrogate/maxvol.h"

enum { MOST_PASSES = 20 };
static const double MOST_BYTES = 1 << 29, COARSE = 2, FINE = 1.02, UNSPANNED = 1e-2; /* as of a surrogate's */

/* An element's atoms. */
typedef struct {
  size_t n, room; /* numbers */
  double *feature;
} atoms;

static ftl_status collect(ftl_trusted *trusted, const ftl_dataset *data, const ftl_trust *trust, atoms *of,
                          ftl_error *error) {
  const double bytes = (double)ftl_dataset_atoms(data) * trust->n * (double)sizeof(double);
  const int64_t step = 1 + (int64_t)(bytes / MOST_BYTES);
  const size_t n = (size_t)trust->n;
  for (int64_t k = 0; k < data->n; k += step) {
    const double *feature;
    FTL_TRY(ftl_trusted_features(trusted, &data->structure[k], &feature, error));
    for (int i = 0; i < data->structure[k].n; i++) {
      const int z = ftl_element_index(trust->atomic_number, trust->n_active, data->structure[k].atomic_number[i]);
      FTL_TRY(FTL_GROW(of[z].feature, of[z].room, of[z].n + n, "features of atoms", error));
      memcpy(of[z].feature + of[z].n, feature + (size_t)i * n, n * sizeof *feature);
      of[z].n += n;
    }
  }
  return FTL_OK;
}

static double offer_all(ftl_maxvol *m, const atoms *of, double threshold) {
  const size_t n = (size_t)m->n, total = of->n / n;
  double largest = 0;
  for (size_t at = 0; at < total; at += FTL_MAXVOL_ROWS) {
    const size_t left = total - at;
    largest = fmax(largest, ftl_maxvol_offer(m, left < FTL_MAXVOL_ROWS ? (int)left : FTL_MAXVOL_ROWS,
                                             of->feature + at * n, m->n, threshold));
  }
  return largest;
}

static ftl_status choose(const atoms *of, int n, double *inverse, double *largest, ftl_error *error) {
  ftl_maxvol m = {0};
  double *rms = calloc((size_t)n + 1, sizeof *rms);
  if (!rms) return ftl_no_memory(error, NULL, "an active set");
  for (size_t at = 0; at < of->n; at++) rms[at % (size_t)n] += of->feature[at] * of->feature[at];
  for (int k = 0; k < n && of->n > 0; k++) rms[k] = sqrt(rms[k] / ((double)of->n / n));
  ftl_status status = ftl_maxvol_new(n, rms, UNSPANNED, &m, error);
  free(rms);
  if (!status) offer_all(&m, of, COARSE);
  int64_t before = -1;
  for (int pass = 0; pass < MOST_PASSES && !status && m.swaps > before; pass++) {
    before = m.swaps;
    status = ftl_maxvol_refresh(&m, error);
    if (!status) *largest = offer_all(&m, of, FINE);
  }
  if (!status) status = ftl_maxvol_refresh(&m, error);
  if (!status) ftl_maxvol_inverse(&m, inverse);
  if (!status) *largest = offer_all(&m, of, INFINITY);
  ftl_maxvol_free(&m);
  return status;
}

ftl_status ftl_last_active_set(ftl_trusted *trusted, const ftl_dataset *data, ftl_trust *trust,
                               ftl_last_active_report *report, ftl_error *error) {
  atoms of[FTL_MAX_ELEMENTS] = {0};
  *report = (ftl_last_active_report){0};
  ftl_status status = collect(trusted, data, trust, of, error);
  for (int z = 0; z < trust->n_active; z++) {
    report->atoms[z] = (int64_t)(of[z].n / (size_t)trust->n);
    if (!status) status = choose(&of[z], trust->n, trust->active[z], &report->largest[z], error);
    free(of[z].feature);
  }
  return status;
}
