#include "surrogate/design.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "surrogate/embedding.h"

ftl_status ftl_designer_new(const ftl_surrogate *surrogate, const ftl_descriptors *plan, ftl_designer *d,
                            ftl_error *error) {
  *d = (ftl_designer){.surrogate = surrogate,
                      .plan = plan,
                      .n_second = ftl_design_unknowns(surrogate) - surrogate->first[surrogate->file.n_elements]};
  return ftl_descriptor_scratch_new(plan, &d->scratch, error);
}

void ftl_designer_free(ftl_designer *d) {
  ftl_descriptor_scratch_free(d->scratch);
  ftl_neighbours_free(&d->neighbours);
  ftl_structure_graph_free(&d->graph);
  free(d->sender_mu);
  free(d->tangent);
  *d = (ftl_designer){0};
}

/* ---- the unknowns ---- */

/* Calls of a function of the second density come in the order of its columns. */
static bool in_second(const ftl_surrogate *s, int mu, int f) {
  return s->second && s->file.function[mu][f].rank <= s->second_rank;
}

int ftl_design_unknowns(const ftl_surrogate *s) {
  int n = s->first[s->file.n_elements];
  for (int mu = 0; mu < s->file.n_elements; mu++)
    for (int f = 0; f < s->file.n_functions[mu]; f++) n += in_second(s, mu, f);
  return n;
}

void ftl_design_pack(const ftl_surrogate *s, double *x) {
  int at = s->first[s->file.n_elements];
  memcpy(x, s->coefficient, (size_t)at * sizeof *x);
  for (int mu = 0; mu < s->file.n_elements; mu++)
    for (int f = 0; f < s->file.n_functions[mu]; f++)
      if (in_second(s, mu, f)) x[at++] = s->second[s->first[mu] + f];
}

void ftl_design_unpack(const double *x, ftl_surrogate *s) {
  int at = s->first[s->file.n_elements];
  memcpy(s->coefficient, x, (size_t)at * sizeof *x);
  for (int mu = 0; mu < s->file.n_elements; mu++)
    for (int f = 0; f < s->file.n_functions[mu]; f++)
      if (in_second(s, mu, f)) s->second[s->first[mu] + f] = x[at++];
}

int ftl_design_count(const ftl_structure *s, ftl_design_rows rows) {
  return (rows.energy ? 1 : 0) + (rows.forces ? 3 * s->n : 0) + (rows.stress ? 6 : 0) + (rows.atoms ? s->n : 0);
}

ftl_design_rows ftl_design_labelled(const ftl_structure *s) {
  return (ftl_design_rows){s->labels.has_energy, s->labels.has_forces, s->labels.has_stress, s->atom_energy != NULL};
}

static double largest_cutoff(const ftl_ace_file *file) {
  double cutoff = 0;
  for (int k = 0; k < file->n_elements * file->n_elements; k++)
    if (file->bond[k].cutoff > cutoff) cutoff = file->bond[k].cutoff;
  return cutoff;
}

/* Graph and the functions of atom i; errors name it. */
static ftl_status list_neighbours(ftl_designer *d, const ftl_structure *s, ftl_error *error) {
  const ftl_ace_file *file = &d->surrogate->file;
  ftl_structure_graph_free(&d->graph);
  FTL_TRY(ftl_structure_graph_build(s, file->atomic_number, file->n_elements, largest_cutoff(file), &d->neighbours,
                                    &d->graph, error));
  const ftl_graph *g = &d->graph.graph;
  size_t n_edges = (size_t)g->first_edge[s->n];
  if (n_edges > d->room) {
    free(d->sender_mu);
    d->sender_mu = malloc(n_edges * sizeof *d->sender_mu);
    d->room = d->sender_mu ? n_edges : 0;
    if (!d->sender_mu) return ftl_no_memory(error, NULL, "the neighbours of a structure");
  }
  for (size_t e = 0; e < n_edges; e++) d->sender_mu[e] = g->species[g->sender[e]];
  return FTL_OK;
}

static ftl_status atom_functions(ftl_designer *d, const ftl_structure *s, int i, bool derivatives,
                                 ftl_descriptor_values *values, ftl_error *error) {
  const ftl_graph *g = &d->graph.graph;
  int64_t first = g->first_edge[i];
  int bad = -1;
  ftl_error inner = {0};
  ftl_status status = ftl_descriptors_atom(d->plan, d->scratch, g->species[i], (int)(g->first_edge[i + 1] - first),
                                           d->sender_mu + first, g->vector + first, derivatives, values, &bad, &inner);
  if (!status) return FTL_OK;
  char where[256];
  ftl_structure_where(s, i, where);
  if (bad < 0) return ftl_fail(error, status, where, "%s", inner.message);
  return ftl_fail(error, status, where, "atoms %d and %d: %.350s; choose a smaller one", i, g->sender[first + bad],
                  inner.message);
}

/* Where a structure's rows begin in a column. */
typedef struct {
  double *energy, *forces, *virial, *atoms; /* NULL: not asked for */
} column;

static column column_at(const ftl_structure *s, ftl_design_rows rows, double *at) {
  column c = {0};
  if (rows.energy) c.energy = at++;
  if (rows.forces) {
    c.forces = at;
    at += 3 * s->n;
  }
  if (rows.stress) {
    c.virial = at;
    at += 6;
  }
  if (rows.atoms) c.atoms = at;
  return c;
}

/* Forces are minus the derivatives: of neighbours by their edges, of the atom by all of them. */
static void add_slopes(int i, const int *sender, const ftl_descriptor_values *v, int f, column c) {
  const double *x = v->slope + 3 * (size_t)f * (size_t)v->n_lanes, *y = x + v->n_lanes, *z = y + v->n_lanes;
  const double *total = v->total + 9 * (size_t)f;
  for (int lane = 0; c.forces && lane < v->n_lanes; lane++) {
    if (v->edge[lane] < 0) continue;
    double *to = c.forces + 3 * sender[v->edge[lane]];
    to[0] -= x[lane];
    to[1] -= y[lane];
    to[2] -= z[lane];
  }
  for (int k = 0; c.forces && k < 3; k++) c.forces[3 * i + k] += total[k];
  for (int k = 0; c.virial && k < 6; k++) c.virial[k] -= total[3 + k];
}

/* Adds a function, or what takes its place, of atom i to its column. */
static void add_column(const ftl_designer *d, const ftl_structure *s, ftl_design_rows rows, int i,
                       const ftl_descriptor_values *v, int f, double *at) {
  const ftl_graph *g = &d->graph.graph;
  const column c = column_at(s, rows, at);
  if (c.energy) *c.energy += v->value[f];
  if (c.atoms) c.atoms[i] += v->value[f];
  if (rows.forces || rows.stress) add_slopes(i, g->sender + g->first_edge[i], v, f, c);
}

/* ---- the second density ---- */

/* An atom's F(rho), of the second density, and what its derivatives are made of. */
typedef struct {
  double rho, f, slope, curvature;
  double *tangent; /* [3][n_lanes] slopes of rho */
  double total[9];
} second;

static ftl_status make_second(ftl_designer *d, int mu, const ftl_descriptor_values *v, second *to, ftl_error *error) {
  const ftl_surrogate *s = d->surrogate;
  const size_t n = 3 * (size_t)v->n_lanes;
  if (2 * n > d->tangent_room) {
    free(d->tangent);
    d->tangent = malloc(2 * n * sizeof *d->tangent);
    d->tangent_room = d->tangent ? 2 * n : 0;
    if (!d->tangent) return ftl_no_memory(error, NULL, "the second density");
  }
  *to = (second){.tangent = d->tangent};
  for (size_t k = 0; k < n; k++) to->tangent[k] = 0;
  for (int f = 0; f < v->n_functions; f++) {
    const double c = s->second[s->first[mu] + f];
    if (c == 0) continue;
    to->rho += c * v->value[f];
    const double *slope = v->slope + n * (size_t)f, *total = v->total + 9 * (size_t)f;
    for (size_t k = 0; k < n; k++) to->tangent[k] += c * slope[k];
    for (int k = 0; n > 0 && k < 9; k++) to->total[k] += c * total[k];
  }
  ftl_embedding_at(to->rho, s->exponent, &to->f, &to->slope, &to->curvature);
  return FTL_OK;
}

/* A column of atom i: value, and slopes that are a times `slope` plus b times the density's. */
static void add_second(const ftl_designer *d, const ftl_structure *s, ftl_design_rows rows, int i,
                       const ftl_descriptor_values *v, const second *q, double value, double a, int f, double b,
                       double *at) {
  const size_t n = 3 * (size_t)v->n_lanes;
  double *made = d->tangent + n, total[9];
  const double *slope = v->slope + n * (size_t)f;
  for (size_t k = 0; k < n; k++) made[k] = a * slope[k] + b * q->tangent[k];
  for (int k = 0; n > 0 && k < 9; k++) total[k] = a * v->total[9 * f + k] + b * q->total[k];
  const ftl_descriptor_values one = {
      .n_functions = 1, .value = &value, .n_lanes = v->n_lanes, .edge = v->edge, .slope = made, .total = total};
  add_column(d, s, rows, i, &one, 0, at);
}

/* dF(rho)/dc_f = F' B_f, whose slopes are F' grad B_f + F'' B_f grad rho; on the right-hand side stands F' rho - F. */
static ftl_status fill_second(ftl_designer *d, const ftl_structure *s, ftl_design_rows rows, int i,
                              const ftl_descriptor_values *v, double *block, int ld, int row, ftl_error *error) {
  const ftl_surrogate *surrogate = d->surrogate;
  const int mu = d->graph.graph.species[i];
  int at = surrogate->first[surrogate->file.n_elements];
  second q = {0};
  FTL_TRY(make_second(d, mu, v, &q, error));
  for (int nu = 0; nu < mu; nu++)
    for (int f = 0; f < surrogate->file.n_functions[nu]; f++) at += in_second(surrogate, nu, f);
  for (int f = 0; f < v->n_functions; f++) {
    if (!in_second(surrogate, mu, f)) continue;
    const double b = v->value[f];
    add_second(d, s, rows, i, v, &q, q.slope * b, q.slope, f, q.curvature * b,
               block + (size_t)at++ * (size_t)ld + (size_t)row);
  }
  const int right = surrogate->first[surrogate->file.n_elements] + d->n_second;
  add_second(d, s, rows, i, v, &q, q.slope * q.rho - q.f, 0, 0, q.curvature * q.rho,
             block + (size_t)right * (size_t)ld + (size_t)row);
  return FTL_OK;
}

ftl_status ftl_design_fill(ftl_designer *d, const ftl_structure *s, ftl_design_rows rows, double *block, int ld,
                           int row, ftl_error *error) {
  const ftl_surrogate *surrogate = d->surrogate;
  size_t count = (size_t)ftl_design_count(s, rows);
  ftl_status status = list_neighbours(d, s, error);
  for (int k = 0; k < surrogate->first[surrogate->file.n_elements] + d->n_second; k++)
    memset(block + (size_t)k * (size_t)ld + (size_t)row, 0, count * sizeof *block);
  for (int i = 0; i < s->n && !status; i++) {
    int mu = d->graph.graph.species[i];
    ftl_descriptor_values v;
    status = atom_functions(d, s, i, rows.forces || rows.stress, &v, error);
    for (int f = 0; !status && f < v.n_functions; f++)
      add_column(d, s, rows, i, &v, f, block + (size_t)(surrogate->first[mu] + f) * (size_t)ld + (size_t)row);
    if (!status && d->n_second > 0) status = fill_second(d, s, rows, i, &v, block, ld, row, error);
  }
  return status;
}

void ftl_design_labels(const ftl_surrogate *surrogate, const ftl_structure *s, ftl_design_rows rows, double *label) {
  const ftl_ace_file *file = &surrogate->file;
  static const int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  if (rows.energy) {
    *label = s->labels.energy;
    for (int i = 0; i < s->n; i++) {
      int mu = ftl_element_index(file->atomic_number, file->n_elements, s->atomic_number[i]);
      if (mu >= 0) *label -= file->e0[mu];
    }
    label++;
  }
  if (rows.forces) {
    memcpy(label, s->labels.forces, 3 * (size_t)s->n * sizeof *label);
    label += 3 * s->n;
  }
  for (int k = 0; rows.stress && k < 6; k++) *label++ = -s->volume * s->labels.stress[voigt[k][0]][voigt[k][1]];
  if (rows.atoms) memcpy(label, s->atom_energy, (size_t)s->n * sizeof *label);
}

ftl_status ftl_design_atoms(ftl_designer *d, const ftl_structure *s, ftl_design_visit *visit, void *context,
                            ftl_error *error) {
  ftl_status status = list_neighbours(d, s, error);
  for (int i = 0; i < s->n && !status; i++) {
    ftl_descriptor_values v;
    status = atom_functions(d, s, i, false, &v, error);
    if (!status) visit(context, i, d->graph.graph.species[i], v.value);
  }
  return status;
}
