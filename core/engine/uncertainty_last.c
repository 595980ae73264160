/* Uncertainty from the features of a last layer, which the stages left (docs/uncertainty.md, eqs. U3 and U6). The
   forces of the committee came with the model's own. */
#include <math.h>
#include <string.h>

#include "engine/uncertainty_internal.h"

/* |U^T f|, U the upper triangle whose U U^T is the covariance. */
double ftl_uncertainty_last_deviation(const ftl_trust *trust, const double *feature, double *row) {
  const int n = trust->n;
  double sum = 0;
  memset(row, 0, (size_t)n * sizeof *row);
  for (int i = 0; i < n; i++) {
    const double *u = trust->factor + (size_t)i * (size_t)n, f = feature[i];
    for (int j = i; j < n; j++) row[j] += f * u[j];
  }
  for (int j = 0; j < n; j++) sum += row[j] * row[j];
  return sqrt(sum);
}

ftl_status ftl_uncertainty_last_batch(const ftl_uncertainty_worker *w, const int *atom, int n, ftl_error *error) {
  (void)error;
  const ftl_model *model = w->ws->model;
  const ftl_output *o = w->output;
  const size_t width = (size_t)model->n_last;
  const double *inverse = w->u->inverse[w->ws->graph.species[atom[0]]];
  double gamma[FTL_GRADE_ATOMS];
  for (int a = 0; a < n && o->energy_deviation; a++) {
    const double *feature = w->ws->inputs + (size_t)atom[a] * width;
    o->energy_deviation[atom[a]] =
        model->energy_scale * ftl_uncertainty_last_deviation(model->trust, feature, w->p->row);
    for (size_t f = 0; f < width; f++) w->p->total[f] += feature[f];
  }
  if (!o->extrapolation) return FTL_OK;
  for (int a = 0; a < n; a++)
    for (size_t f = 0; f < width; f++)
      w->p->values[f * FTL_GRADE_ATOMS + (size_t)a] = w->ws->inputs[(size_t)atom[a] * width + f];
  if (inverse) w->u->grade((int)width, inverse, w->p->values, gamma);
  /* of an element that the data did not have, nothing is known */
  for (int a = 0; a < n; a++) o->extrapolation[atom[a]] = inverse ? gamma[a] : FTL_TOO_CLOSE;
  return FTL_OK;
}

const double *ftl_uncertainty_features(const ftl_workspace *ws, int *n) {
  *n = ws->model->n_last;
  return ws->inputs;
}
