/* Uncertainty of surrogates: their functions once more, with the committee's weights. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "engine/uncertainty_internal.h"

int ftl_uncertainty_element(const ftl_surrogate *s, int atomic_number) {
  for (int mu = 0; mu < s->file.n_elements; mu++)
    if (s->file.atomic_number[mu] == atomic_number) return mu;
  return -1;
}

ftl_status ftl_uncertainty_ace_start(ftl_workspace *ws, ftl_uncertainty *u, ftl_error *error) {
  const ftl_surrogate *s = ws->model->surrogate;
  u->n_pad = (s->n_committee + 7) / 8 * 8;
  for (int z = 0; z < ws->model->n_species; z++) {
    u->mu_of[z] = ftl_uncertainty_element(s, ws->model->arch.atomic_numbers[z]);
    if (u->mu_of[z] < 0)
      return ftl_fail(error, FTL_ERR_FORMAT, "", "the surrogate's error estimates do not know all of its elements");
  }
  FTL_TRY(ftl_descriptors_new(s, &u->plan, error));
  for (int k = 0; k < ws->n_threads; k++) FTL_TRY(ftl_descriptor_scratch_new(u->plan, &u->part[k].scratch, error));
  return FTL_OK;
}

ftl_status ftl_uncertainty_ace_weights(ftl_workspace *ws, ftl_error *error) {
  ftl_uncertainty *u = ws->uncertainty;
  const ftl_surrogate *s = ws->model->surrogate;
  size_t total = (size_t)s->first[s->file.n_elements];
  for (int z = 0; z < ws->model->n_species; z++) {
    int mu = u->mu_of[z], n = s->file.n_functions[mu];
    if (u->weight[z]) continue;
    size_t bytes = ((size_t)n + 1) * (size_t)u->n_pad * sizeof(double);
    if (!(u->weight[z] = ftl_calloc64(bytes))) return ftl_uncertainty_no_memory(error);
    u->bytes += bytes;
    for (int f = 0; f < n; f++)
      for (int k = 0; k < s->n_committee; k++)
        u->weight[z][f * u->n_pad + k] =
            s->committee[(size_t)k * total + (size_t)(s->first[mu] + f)] - s->coefficient[s->first[mu] + f];
  }
  return FTL_OK;
}

ftl_status ftl_uncertainty_ace_reserve(const ftl_uncertainty_worker *w, ftl_error *error) {
  const ftl_graph *g = &w->ws->graph;
  ftl_uncertainty_part *p = w->p;
  size_t most = 0;
  for (int i = w->thread->receiver_begin; i < w->thread->receiver_end; i++) {
    size_t n = (size_t)(g->first_edge[i + 1] - g->first_edge[i]);
    most = n > most ? n : most;
  }
  if (most <= p->edge_room && p->sender_mu) return FTL_OK;
  free(p->sender_mu);
  free(p->vector);
  p->edge_room = 0;
  p->sender_mu = malloc((most + most / 4 + 16) * sizeof *p->sender_mu);
  p->vector = malloc((most + most / 4 + 16) * sizeof *p->vector);
  if (!p->sender_mu || !p->vector) return ftl_uncertainty_no_memory(error);
  p->edge_room = most + most / 4 + 16;
  return FTL_OK;
}

/* F_i += dE/dr_ij, F_j -= dE/dr_ij for each member. */
static void add_forces(const ftl_uncertainty_worker *w, int i, const ftl_descriptor_combined *c) {
  const ftl_graph *g = &w->ws->graph;
  size_t width = 3 * (size_t)c->n, lanes = (size_t)c->n_lanes;
  double *own = ftl_committee_row(w->ws, w->thread, i);
  for (size_t lane = 0; lane < lanes; lane++) {
    if (c->edge[lane] < 0) continue;
    double *to = ftl_committee_row(w->ws, w->thread, ftl_graph_node(g, g->sender[g->first_edge[i] + c->edge[lane]]));
    for (size_t k = 0; k < width; k++) {
      own[k] += c->slope[k * lanes + lane];
      to[k] -= c->slope[k * lanes + lane];
    }
  }
}

double ftl_uncertainty_ace_deviation(int n, const double *x) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += x[k] * x[k];
  return sqrt(sum / n);
}

/* Of atom i, number `at` of a batch; its functions go to the batch. */
static ftl_status one_atom(const ftl_uncertainty_worker *w, int i, int at, bool *inside, ftl_error *error) {
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
                                  (const double(*)[3])w->p->vector, deviations ? w->ws->model->n_committee : 0,
                                  w->u->weight[z], o->committee_forces != NULL, &c, error));
  for (int f = 0; f < c.n_functions; f++) w->p->values[f * FTL_GRADE_ATOMS + at] = c.value[f];
  *inside = c.inside;
  if (o->energy_deviation) {
    o->energy_deviation[i] = w->ws->model->energy_scale * ftl_uncertainty_ace_deviation(c.n, c.sum);
    for (int k = 0; k < c.n; k++) w->p->total[k] += c.sum[k];
  }
  if (o->committee_forces) add_forces(w, i, &c);
  return FTL_OK;
}

ftl_status ftl_uncertainty_ace_batch(const ftl_uncertainty_worker *w, const int *atom, int n, ftl_error *error) {
  bool inside[FTL_GRADE_ATOMS];
  double gamma[FTL_GRADE_ATOMS];
  ftl_status status = FTL_OK;
  for (int a = 0; a < n && !status; a++) status = one_atom(w, atom[a], a, &inside[a], error);
  if (status || !w->output->extrapolation) return status;
  int z = w->ws->graph.species[atom[0]], n_functions = w->ws->model->surrogate->file.n_functions[w->u->mu_of[z]];
  w->u->grade(n_functions, w->u->inverse[z], w->p->values, gamma);
  for (int a = 0; a < n; a++) w->output->extrapolation[atom[a]] = inside[a] ? fmax(gamma[a], FTL_TOO_CLOSE) : gamma[a];
  return FTL_OK;
}
