#include "engine/uncertainty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/descriptors.h"
#include "engine/fork_team.h"
#include "base/error.h"

enum { BATCH = 16 }; /* atoms of one element whose functions go through an inverse together */

typedef struct {
  ftl_descriptor_scratch *scratch;
  double *values; /* [n_functions][BATCH] */
  int *sender_mu;
  double (*vector)[3]; /* of an atom's edges */
  size_t edge_room;
  double *slot_forces; /* [n_slots][3 n_committee]: forces on atoms of other threads, as ftl_thread.slot_forces */
  size_t slot_room;
  size_t bytes;
} part;

struct ftl_uncertainty {
  ftl_descriptors *plan;
  int n_committee, n_pad, n_parts;
  int mu_of[FTL_MAX_ELEMENTS];       /* of a species, in the surrogate */
  double *weight[FTL_MAX_ELEMENTS];  /* of a species: [n_functions][n_pad] members less the coefficients */
  double *inverse[FTL_MAX_ELEMENTS]; /* of a species: ftl_descriptors_panels */
  part *part;                        /* of each thread */
  double *forces;                    /* ftl_uncertainty_committee_forces */
  size_t force_room, bytes;
};

static ftl_status no_memory(ftl_error *error) { return ftl_no_memory(error, NULL, "the uncertainty of a potential"); }

/* ---- what a model knows ---- */

static int element_of(const ftl_surrogate *s, int atomic_number) {
  for (int mu = 0; mu < s->file.n_elements; mu++)
    if (s->file.atomic_number[mu] == atomic_number) return mu;
  return -1;
}

bool ftl_has_extrapolation(const ftl_model *model) {
  const ftl_surrogate *s = model->surrogate;
  for (int z = 0; s && z < model->n_species; z++) {
    int mu = element_of(s, model->arch.atomic_numbers[z]);
    if (mu < 0 || !s->active[mu]) return false;
  }
  return s != NULL;
}

ftl_status ftl_uncertainty_check(const ftl_model *model, const ftl_output *output, ftl_error *error) {
  bool deviation = output->energy_deviation || output->committee_forces;
  if (output->extrapolation && !ftl_has_extrapolation(model))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, "extrapolation",
                    "this potential has no active set and cannot tell where it extrapolates; surrogates that frozentl "
                    "distill makes can");
  if (deviation && (!model->surrogate || model->surrogate->n_committee < 1))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, output->energy_deviation ? "energy_deviation" : "force_deviation",
                    "this potential has no committee whose spread would tell its error; surrogates that frozentl "
                    "distill makes have one");
  return FTL_OK;
}

ftl_status ftl_force_deviation(const ftl_model *model, int n, const double *committee_forces, double *deviation,
                               ftl_error *error) {
  if (!model || n < 0 || (n > 0 && (!committee_forces || !deviation)))
    return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_force_deviation: a NULL argument or a negative number of atoms");
  ftl_output asked = {.committee_forces = deviation};
  FTL_TRY(ftl_uncertainty_check(model, &asked, error));
  size_t width = 3 * (size_t)model->surrogate->n_committee;
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (size_t k = 0; k < width; k++)
      sum += committee_forces[(size_t)i * width + k] * committee_forces[(size_t)i * width + k];
    deviation[i] = model->surrogate->force_scale * sqrt(sum / model->surrogate->n_committee);
  }
  return FTL_OK;
}

/* ---- memory ---- */

void ftl_uncertainty_free(ftl_uncertainty *u) {
  if (!u) return;
  for (int k = 0; u->part && k < u->n_parts; k++) {
    ftl_descriptor_scratch_free(u->part[k].scratch);
    free(u->part[k].values);
    free(u->part[k].sender_mu);
    free(u->part[k].vector);
    free(u->part[k].slot_forces);
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

static ftl_status start(ftl_workspace *ws, ftl_error *error) {
  if (ws->uncertainty) return FTL_OK;
  const ftl_surrogate *s = ws->model->surrogate;
  ftl_uncertainty *u = calloc(1, sizeof *u);
  if (!u) return no_memory(error);
  u->n_committee = s->n_committee;
  u->n_pad = (s->n_committee + 7) / 8 * 8;
  u->n_parts = ws->n_threads;
  int most = 1;
  for (int z = 0; z < ws->model->n_species; z++) {
    u->mu_of[z] = element_of(s, ws->model->arch.atomic_numbers[z]);
    if (u->mu_of[z] < 0) {
      ftl_uncertainty_free(u);
      return ftl_fail(error, FTL_ERR_FORMAT, "", "the surrogate's error estimates do not know all of its elements");
    }
    if (s->file.n_functions[u->mu_of[z]] > most) most = s->file.n_functions[u->mu_of[z]];
  }
  u->part = calloc((size_t)ws->n_threads, sizeof *u->part);
  ftl_status status = u->part ? ftl_descriptors_new(s, &u->plan, error) : no_memory(error);
  for (int k = 0; k < ws->n_threads && !status; k++) {
    part *p = &u->part[k];
    status = ftl_descriptor_scratch_new(u->plan, &p->scratch, error);
    p->bytes = (size_t)most * BATCH * sizeof(double);
    p->values = ftl_calloc64(p->bytes);
    if (!status && !p->values) status = no_memory(error);
  }
  if (status) ftl_uncertainty_free(u);
  else ws->uncertainty = u;
  return status;
}

/* What does not change from step to step, when it is needed first. */
static ftl_status prepare(ftl_workspace *ws, bool inverses, bool weights, ftl_error *error) {
  ftl_uncertainty *u = ws->uncertainty;
  const ftl_surrogate *s = ws->model->surrogate;
  size_t total = (size_t)s->first[s->file.n_elements];
  for (int z = 0; z < ws->model->n_species; z++) {
    int mu = u->mu_of[z], n = s->file.n_functions[mu];
    if (inverses && !u->inverse[z]) {
      if (!(u->inverse[z] = ftl_descriptors_panels(n, s->active[mu]))) return no_memory(error);
      u->bytes += (size_t)n * (size_t)n * sizeof(double);
    }
    if (!weights || u->weight[z]) continue;
    size_t bytes = ((size_t)n + 1) * (size_t)u->n_pad * sizeof(double);
    if (!(u->weight[z] = ftl_calloc64(bytes))) return no_memory(error);
    u->bytes += bytes;
    for (int f = 0; f < n; f++)
      for (int k = 0; k < u->n_committee; k++)
        u->weight[z][f * u->n_pad + k] =
            s->committee[(size_t)k * total + (size_t)(s->first[mu] + f)] - s->coefficient[s->first[mu] + f];
  }
  return FTL_OK;
}

ftl_status ftl_uncertainty_committee_forces(ftl_workspace *ws, int n_total, double **forces, ftl_error *error) {
  FTL_TRY(start(ws, error));
  ftl_uncertainty *u = ws->uncertainty;
  size_t n = 3 * (size_t)n_total * (size_t)u->n_committee;
  if (n + 1 > u->force_room) {
    free(u->forces);
    u->bytes -= u->force_room * sizeof(double);
    u->forces = malloc((n + n / 8 + 1) * sizeof(double));
    u->force_room = u->forces ? n + n / 8 + 1 : 0;
    u->bytes += u->force_room * sizeof(double);
  }
  if (!u->forces) return no_memory(error);
  memset(u->forces, 0, n * sizeof(double));
  *forces = u->forces;
  return FTL_OK;
}

/* ---- atoms ---- */

/* A thread at work. */
typedef struct {
  ftl_workspace *ws;
  const ftl_thread *thread;
  ftl_uncertainty *u;
  part *p;
  const ftl_output *output;
} worker;

static ftl_status reserve(const worker *w, ftl_error *error) {
  const ftl_graph *g = &w->ws->graph;
  part *p = w->p;
  size_t most = 0, width = 3 * (size_t)w->u->n_committee;
  for (int i = w->thread->receiver_begin; i < w->thread->receiver_end; i++) {
    size_t n = (size_t)(g->first_edge[i + 1] - g->first_edge[i]);
    most = n > most ? n : most;
  }
  if (most > p->edge_room || !p->sender_mu) {
    free(p->sender_mu);
    free(p->vector);
    p->edge_room = 0;
    p->sender_mu = malloc((most + most / 4 + 16) * sizeof *p->sender_mu);
    p->vector = malloc((most + most / 4 + 16) * sizeof *p->vector);
    if (!p->sender_mu || !p->vector) return no_memory(error);
    p->edge_room = most + most / 4 + 16;
  }
  if (!w->output->committee_forces || !w->thread->slot_of) return FTL_OK;
  size_t n = (size_t)w->thread->n_slots * width;
  if (n + 1 > p->slot_room) {
    free(p->slot_forces);
    p->bytes -= p->slot_room * sizeof(double);
    p->slot_forces = malloc((n + n / 8 + 1) * sizeof(double));
    p->slot_room = p->slot_forces ? n + n / 8 + 1 : 0;
    p->bytes += p->slot_room * sizeof(double);
    if (!p->slot_forces) return no_memory(error);
  }
  memset(p->slot_forces, 0, n * sizeof(double));
  return FTL_OK;
}

/* F_i += dE/dr_ij, F_j -= dE/dr_ij for each member. */
static void add_forces(const worker *w, int i, const ftl_descriptor_combined *c) {
  const ftl_graph *g = &w->ws->graph;
  size_t width = 3 * (size_t)c->n, lanes = (size_t)c->n_lanes;
  double *own = w->output->committee_forces + (size_t)i * width;
  for (size_t lane = 0; lane < lanes; lane++) {
    if (c->edge[lane] < 0) continue;
    int j = ftl_graph_node(g, g->sender[g->first_edge[i] + c->edge[lane]]),
        slot = w->thread->slot_of ? w->thread->slot_of[j] : -1;
    double *to = slot < 0 ? w->output->committee_forces + (size_t)j * width : w->p->slot_forces + (size_t)slot * width;
    for (size_t k = 0; k < width; k++) {
      own[k] += c->slope[k * lanes + lane];
      to[k] -= c->slope[k * lanes + lane];
    }
  }
}

static double root_mean_square(int n, const double *x) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += x[k] * x[k];
  return sqrt(sum / n);
}

/* Of atom i, number `at` of a batch; its functions go to the batch. */
static ftl_status one_atom(const worker *w, int i, int at, bool *inside, ftl_error *error) {
  const ftl_graph *g = &w->ws->graph;
  const ftl_output *o = w->output;
  int z = g->species[i], n_edges = (int)(g->first_edge[i + 1] - g->first_edge[i]);
  bool deviations = o->energy_deviation || o->committee_forces;
  for (int e = 0; e < n_edges; e++) {
    w->p->sender_mu[e] = w->u->mu_of[g->species[ftl_graph_node(g, g->sender[g->first_edge[i] + e])]];
    ftl_graph_vector(g, i, g->first_edge[i] + e, w->p->vector[e]);
  }
  ftl_descriptor_combined c;
  FTL_TRY(ftl_descriptors_combine(w->u->plan, w->p->scratch, w->u->mu_of[z], n_edges, w->p->sender_mu,
                                  (const double(*)[3])w->p->vector, deviations ? w->u->n_committee : 0, w->u->weight[z],
                                  o->committee_forces != NULL, &c, error));
  for (int f = 0; f < c.n_functions; f++) w->p->values[f * BATCH + at] = c.value[f];
  *inside = c.inside;
  if (o->energy_deviation)
    o->energy_deviation[i] = w->ws->model->surrogate->energy_scale * root_mean_square(c.n, c.sum);
  if (o->committee_forces) add_forces(w, i, &c);
  return FTL_OK;
}

static ftl_status batch(const worker *w, const int *atom, int n, ftl_error *error) {
  bool inside[BATCH];
  double gamma[BATCH];
  ftl_status status = FTL_OK;
  for (int a = 0; a < n && !status; a++) status = one_atom(w, atom[a], a, &inside[a], error);
  if (status || !w->output->extrapolation) return status;
  int z = w->ws->graph.species[atom[0]], n_functions = w->ws->model->surrogate->file.n_functions[w->u->mu_of[z]];
  ftl_descriptors_extrapolation(w->u->plan, n_functions, w->u->inverse[z], w->p->values, gamma);
  for (int a = 0; a < n; a++) w->output->extrapolation[atom[a]] = inside[a] ? fmax(gamma[a], FTL_TOO_CLOSE) : gamma[a];
  return FTL_OK;
}

static ftl_status run(const worker *w, ftl_error *error) {
  const ftl_workspace *ws = w->ws;
  ftl_status status = reserve(w, error);
  for (int b = w->thread->block_begin; b < w->thread->block_end && !status;) {
    const ftl_block *first = &ws->block[b];
    int n = 0; /* an element's blocks follow one another */
    while (b < w->thread->block_end && ws->block[b].species == first->species && n + ws->block[b].n <= BATCH)
      n += ws->block[b++].n;
    status = batch(w, ws->order + first->first, n, error);
  }
  return status;
}

static void reduce(ftl_workspace *ws, int k, double *forces) {
  size_t width = 3 * (size_t)ws->uncertainty->n_committee;
  for (int from = 0; from < ws->n_threads; from++) {
    const ftl_thread *thread = &ws->thread[from];
    for (int s = thread->slot_start[k]; s < thread->slot_start[k + 1]; s++)
      for (size_t c = 0; c < width; c++)
        forces[(size_t)thread->slot_node[s] * width + c] +=
            ws->uncertainty->part[from].slot_forces[(size_t)s * width + c];
  }
}

ftl_status ftl_uncertainty_compute(ftl_workspace *ws, const ftl_output *output, ftl_error *error) {
  bool deviations = output->energy_deviation || output->committee_forces;
  if (!output->extrapolation && !deviations) return FTL_OK;
  ftl_status status = ftl_uncertainty_check(ws->model, output, error);
  if (!status) status = start(ws, error);
  if (!status) status = prepare(ws, output->extrapolation != NULL, deviations, error);
  if (status) return status;
  size_t n = (size_t)ws->graph.n_local; /* atoms of no element stay at 0 */
  if (output->extrapolation) memset(output->extrapolation, 0, n * sizeof(double));
  if (output->energy_deviation) memset(output->energy_deviation, 0, n * sizeof(double));
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_error own = {0};
    ftl_status result = run(&(worker){ws, &ws->thread[k], ws->uncertainty, &ws->uncertainty->part[k], output}, &own);
    if (!result) continue;
#pragma omp critical(ftl_uncertainty_error)
    {
      status = result;
      if (error) *error = own;
    }
  }
  if (status || !output->committee_forces || ws->n_threads == 1) return status;
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) reduce(ws, k, output->committee_forces);
  return FTL_OK;
}
