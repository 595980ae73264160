#include "engine/uncertainty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/fork_team.h"
#include "engine/uncertainty_internal.h"

/* ---- what a model knows ---- */

const double *ftl_uncertainty_active(const ftl_model *model, int species, int *n) {
  const int element = model->arch.atomic_numbers[species];
  if (model->trust) {
    *n = model->trust->n;
    return ftl_trust_active(model->trust, element);
  }
  const int mu = model->surrogate ? ftl_uncertainty_element(model->surrogate, element) : -1;
  if (mu < 0) return NULL;
  *n = model->surrogate->file.n_functions[mu];
  return model->surrogate->active[mu];
}

/* A surrogate knows its elements; another model may have more than its data had, which are all beyond these. */
bool ftl_has_extrapolation(const ftl_model *model) {
  int n, known = 0;
  for (int z = 0; z < model->n_species; z++) known += ftl_uncertainty_active(model, z, &n) != NULL;
  return model->trust ? model->trust->n_active > 0 : known == model->n_species;
}

ftl_status ftl_uncertainty_check(const ftl_model *model, const ftl_output *output, ftl_error *error) {
  bool deviation = output->energy_deviation || output->committee_forces;
  const char *who = model->engine->ace ? "surrogates that frozentl distill makes can"
                                       : "frozentl trust writes one into a model, from the data it was trained on";
  if (output->extrapolation && !ftl_has_extrapolation(model))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, "extrapolation",
                    "this potential has no active set and cannot tell where it extrapolates; %s", who);
  if (deviation && model->n_committee < 1)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, output->energy_deviation ? "energy_deviation" : "force_deviation",
                    "this potential has no committee whose spread would tell its error; %s", who);
  return FTL_OK;
}

ftl_status ftl_force_deviation(const ftl_model *model, int n, const double *committee_forces, double *deviation,
                               ftl_error *error) {
  if (!model || n < 0 || (n > 0 && (!committee_forces || !deviation)))
    return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_force_deviation: a NULL argument or a negative number of atoms");
  ftl_output asked = {.committee_forces = deviation};
  FTL_TRY(ftl_uncertainty_check(model, &asked, error));
  size_t width = 3 * (size_t)model->n_committee;
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (size_t k = 0; k < width; k++)
      sum += committee_forces[(size_t)i * width + k] * committee_forces[(size_t)i * width + k];
    deviation[i] = model->force_scale * sqrt(sum / model->n_committee);
  }
  return FTL_OK;
}

/* ---- memory ---- */

void ftl_uncertainty_free(ftl_uncertainty *u) {
  if (!u) return;
  for (int k = 0; u->part && k < u->n_parts; k++) {
    ftl_descriptor_scratch_free(u->part[k].scratch);
    free(u->part[k].values);
    free(u->part[k].row);
    free(u->part[k].total);
    free(u->part[k].sender_mu);
    free(u->part[k].vector);
  }
  for (int z = 0; z < FTL_MAX_ELEMENTS; z++) {
    free(u->weight[z]);
    free(u->inverse[z]);
  }
  ftl_descriptors_free(u->plan);
  free(u->part);
  free(u->forces);
  free(u);
}

size_t ftl_uncertainty_bytes(const ftl_uncertainty *u) {
  size_t bytes = u ? u->bytes : 0;
  for (int k = 0; u && u->part && k < u->n_parts; k++) bytes += u->part[k].bytes;
  return bytes;
}

/* Features of the atom that has most, or members if these are more. */
static int most_features(const ftl_model *model) {
  int most = model->trust ? model->trust->n : model->n_committee + 1;
  for (int z = 0; z < model->n_species && !model->trust; z++) {
    int n = 0;
    ftl_uncertainty_active(model, z, &n);
    most = n > most ? n : most;
  }
  return most;
}

static ftl_status start(ftl_workspace *ws, ftl_error *error) {
  if (ws->uncertainty) return FTL_OK;
  ftl_uncertainty *u = calloc(1, sizeof *u);
  if (!u) return ftl_uncertainty_no_memory(error);
  u->n_parts = ws->n_threads;
  u->part = calloc((size_t)ws->n_threads, sizeof *u->part);
  ftl_status status = u->part ? ftl_grade_choose(&u->grade, error) : ftl_uncertainty_no_memory(error);
  const size_t most = (size_t)most_features(ws->model);
  for (int k = 0; k < ws->n_threads && !status; k++) {
    ftl_uncertainty_part *p = &u->part[k];
    p->bytes = most * (FTL_GRADE_ATOMS + 2) * sizeof(double);
    p->values = ftl_calloc64(most * FTL_GRADE_ATOMS * sizeof(double));
    p->row = ftl_calloc64(most * sizeof(double));
    p->total = ftl_calloc64(most * sizeof(double));
    if (!p->values || !p->row || !p->total) status = ftl_uncertainty_no_memory(error);
  }
  if (!status && ws->model->surrogate) status = ftl_uncertainty_ace_start(ws, u, error);
  if (status) ftl_uncertainty_free(u);
  else ws->uncertainty = u;
  return status;
}

/* Inverses do not change from step to step: when they are needed first. */
static ftl_status prepare_inverses(ftl_workspace *ws, ftl_error *error) {
  ftl_uncertainty *u = ws->uncertainty;
  for (int z = 0; z < ws->model->n_species; z++) {
    int n;
    const double *active = ftl_uncertainty_active(ws->model, z, &n);
    if (!active || u->inverse[z]) continue;
    if (!(u->inverse[z] = ftl_grade_panels(n, active))) return ftl_uncertainty_no_memory(error);
    u->bytes += (size_t)n * (size_t)n * sizeof(double);
  }
  return FTL_OK;
}

ftl_status ftl_uncertainty_committee_forces(ftl_workspace *ws, int n_total, double **forces, ftl_error *error) {
  FTL_TRY(start(ws, error));
  ftl_uncertainty *u = ws->uncertainty;
  size_t n = 3 * (size_t)n_total * (size_t)ws->model->n_committee;
  if (n + 1 > u->force_room) {
    free(u->forces);
    u->bytes -= u->force_room * sizeof(double);
    u->forces = malloc((n + n / 8 + 1) * sizeof(double));
    u->force_room = u->forces ? n + n / 8 + 1 : 0;
    u->bytes += u->force_room * sizeof(double);
  }
  if (!u->forces) return ftl_uncertainty_no_memory(error);
  memset(u->forces, 0, n * sizeof(double));
  *forces = u->forces;
  return FTL_OK;
}

/* ---- atoms ---- */

static ftl_status run(const ftl_uncertainty_worker *w, ftl_error *error) {
  const ftl_workspace *ws = w->ws;
  const bool surrogate = ws->model->surrogate != NULL;
  ftl_uncertainty_batch *batch = surrogate ? ftl_uncertainty_ace_batch : ftl_uncertainty_last_batch;
  ftl_status status = surrogate ? ftl_uncertainty_ace_reserve(w, error) : FTL_OK;
  memset(w->p->total, 0, (size_t)(surrogate ? ws->model->n_committee : ws->model->n_last) * sizeof(double));
  for (int b = w->thread->block_begin; b < w->thread->block_end && !status;) {
    const ftl_block *first = &ws->block[b];
    int n = 0; /* an element's blocks follow one another */
    while (b < w->thread->block_end && ws->block[b].species == first->species && n + ws->block[b].n <= FTL_GRADE_ATOMS)
      n += ws->block[b++].n;
    status = batch(w, ws->order + first->first, n, error);
  }
  return status;
}

/* Of the energy of all atoms. */
static double total_deviation(ftl_workspace *ws) {
  const ftl_model *model = ws->model;
  ftl_uncertainty_part *part = ws->uncertainty->part;
  const int n = model->surrogate ? model->n_committee : model->n_last;
  for (int from = 1; from < ws->n_threads; from++)
    for (int k = 0; k < n; k++) part[0].total[k] += part[from].total[k];
  return model->energy_scale * (model->surrogate
                                    ? ftl_uncertainty_ace_deviation(n, part[0].total)
                                    : ftl_uncertainty_last_deviation(model->trust, part[0].total, part[0].row));
}

/* Forces of the committee on atoms of other threads. */
static void reduce(ftl_workspace *ws, int k, double *forces) {
  size_t width = 3 * (size_t)ws->model->n_committee;
  for (int from = 0; from < ws->n_threads; from++) {
    const ftl_thread *thread = &ws->thread[from];
    for (int s = thread->slot_start[k]; s < thread->slot_start[k + 1]; s++)
      for (size_t c = 0; c < width; c++)
        forces[(size_t)thread->slot_node[s] * width + c] += thread->slot_committee[(size_t)s * width + c];
  }
}

ftl_status ftl_uncertainty_compute(ftl_workspace *ws, ftl_output *output, ftl_error *error) {
  bool deviations = output->energy_deviation || output->committee_forces;
  if (!output->extrapolation && !deviations) return FTL_OK;
  FTL_TRY(ftl_uncertainty_check(ws->model, output, error));
  FTL_TRY(start(ws, error));
  if (output->extrapolation) FTL_TRY(prepare_inverses(ws, error));
  if (deviations && ws->model->surrogate) FTL_TRY(ftl_uncertainty_ace_weights(ws, error));
  size_t n = (size_t)ws->graph.n_local; /* atoms of no element stay at 0 */
  if (output->extrapolation) memset(output->extrapolation, 0, n * sizeof(double));
  if (output->energy_deviation) memset(output->energy_deviation, 0, n * sizeof(double));
  ftl_status status = FTL_OK;
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_error own = {0};
    ftl_status result =
        run(&(ftl_uncertainty_worker){ws, &ws->thread[k], ws->uncertainty, &ws->uncertainty->part[k], output}, &own);
    if (!result) continue;
#pragma omp critical(ftl_uncertainty_error)
    {
      status = result;
      if (error) *error = own;
    }
  }
  if (!status && output->energy_deviation) output->total_deviation = total_deviation(ws);
  if (status || !output->committee_forces || ws->n_threads == 1) return status;
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) reduce(ws, k, output->committee_forces);
  return FTL_OK;
}
