#include "trust/trusted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/uncertainty.h"
#include "model/prepared.h"

ftl_status ftl_trusted_open(ftl_source *source, int threads, ftl_trusted *t, ftl_error *error) {
  *t = (ftl_trusted){0};
  FTL_TRY(ftl_prepare(source, NULL, &t->model, error));
  t->n = t->model->n_last;
  FTL_TRY(ftl_prepare_trust(t->model, source->trust, source->path, error));
  return ftl_workspace_new(t->model, threads, &t->workspace, error);
}

void ftl_trusted_close(ftl_source *source, ftl_trusted *t) {
  ftl_workspace_free(t->workspace);
  if (t->model && t->model->trust == source->trust) t->model->trust = NULL; /* still the source's */
  ftl_model_free(t->model);
  free(t->species);
  free(t->forces);
  free(t->force_deviation);
  free(t->energy_deviation);
  free(t->extrapolation);
  *t = (ftl_trusted){0};
}

static ftl_status make_room(ftl_trusted *t, int n, ftl_error *error) {
  if (n <= t->room) return FTL_OK;
  const size_t size = (size_t)n;
  t->room = 0;
  if (!ftl_renew(&t->species, size * sizeof *t->species) || !ftl_renew(&t->forces, 3 * size * sizeof *t->forces) ||
      !ftl_renew(&t->force_deviation, size * sizeof(double)) ||
      !ftl_renew(&t->energy_deviation, size * sizeof(double)) || !ftl_renew(&t->extrapolation, size * sizeof(double)))
    return ftl_no_memory(error, NULL, "the predictions for %d atoms", n);
  t->room = n;
  return FTL_OK;
}

static ftl_status compute(ftl_trusted *t, const ftl_structure *s, ftl_result *result, ftl_error *error) {
  for (int i = 0; i < s->n; i++) {
    t->species[i] = ftl_model_species(t->model, s->atomic_number[i]);
    if (t->species[i] >= 0) continue;
    char where[256];
    ftl_structure_where(s, i, where);
    return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d is %s, which the model does not have", i,
                    ftl_element_symbol(s->atomic_number[i]));
  }
  ftl_status status = ftl_compute(t->workspace, s->n, t->species, (const double(*)[3])s->position,
                                  s->has_cell ? s->cell : NULL, s->pbc, result, error);
  if (status && error && !*error->where) ftl_structure_where(s, -1, error->where);
  return status;
}

ftl_status ftl_trusted_features(ftl_trusted *t, const ftl_structure *s, const double **feature, ftl_error *error) {
  FTL_TRY(make_room(t, s->n, error));
  ftl_result result = {.energy_deviation = t->energy_deviation, .energy_only = 1};
  FTL_TRY(compute(t, s, &result, error));
  *feature = ftl_uncertainty_features(t->workspace, &t->n);
  return FTL_OK;
}

ftl_status ftl_trusted_errors(ftl_trusted *t, const ftl_structure *s, ftl_calibration *energy, ftl_calibration *forces,
                              ftl_error *error) {
  const bool with_forces = s->labels.has_forces;
  FTL_TRY(make_room(t, s->n, error));
  ftl_result result = {.forces = with_forces ? t->forces : NULL,
                       .energy_deviation = t->energy_deviation,
                       .force_deviation = with_forces ? t->force_deviation : NULL,
                       .energy_only = !with_forces};
  if (!with_forces && !s->labels.has_energy) return FTL_OK;
  FTL_TRY(compute(t, s, &result, error));
  if (s->labels.has_energy)
    FTL_TRY(ftl_calibration_add(energy, fabs(result.energy - s->labels.energy) / s->n, result.total_deviation / s->n,
                                error));
  for (int i = 0; with_forces && i < s->n; i++) {
    double square = 0;
    for (int x = 0; x < 3; x++) {
      const double off = t->forces[3 * i + x] - s->labels.forces[i][x];
      square += off * off;
    }
    FTL_TRY(ftl_calibration_add(forces, sqrt(square), t->force_deviation[i], error));
  }
  return FTL_OK;
}
