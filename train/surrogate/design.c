#include "surrogate/design.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

ftl_status ftl_designer_new(const ftl_surrogate *surrogate, const ftl_descriptors *plan, ftl_designer *d,
                            ftl_error *error) {
  *d = (ftl_designer){.surrogate = surrogate, .plan = plan};
  return ftl_descriptor_scratch_new(plan, &d->scratch, error);
}

void ftl_designer_free(ftl_designer *d) {
  ftl_descriptor_scratch_free(d->scratch);
  ftl_neighbours_free(&d->neighbours);
  ftl_structure_graph_free(&d->graph);
  free(d->sender_mu);
  *d = (ftl_designer){0};
}

int ftl_design_count(const ftl_structure *s, ftl_design_rows rows) {
  return (rows.energy ? 1 : 0) + (rows.forces ? 3 * s->n : 0) + (rows.stress ? 6 : 0);
}

ftl_design_rows ftl_design_labelled(const ftl_structure *s) {
  return (ftl_design_rows){s->labels.has_energy, s->labels.has_forces, s->labels.has_stress};
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
  double *energy, *forces, *virial; /* NULL: not asked for */
} column;

static column column_at(const ftl_structure *s, ftl_design_rows rows, double *at) {
  column c = {0};
  if (rows.energy) c.energy = at++;
  if (rows.forces) {
    c.forces = at;
    at += 3 * s->n;
  }
  if (rows.stress) c.virial = at;
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

ftl_status ftl_design_fill(ftl_designer *d, const ftl_structure *s, ftl_design_rows rows, double *block, int ld,
                           int row, ftl_error *error) {
  const ftl_surrogate *surrogate = d->surrogate;
  size_t count = (size_t)ftl_design_count(s, rows);
  bool derivatives = rows.forces || rows.stress;
  ftl_status status = list_neighbours(d, s, error);
  for (int k = 0; k < surrogate->first[surrogate->file.n_elements]; k++)
    memset(block + (size_t)k * (size_t)ld + (size_t)row, 0, count * sizeof *block);
  for (int i = 0; i < s->n && !status; i++) {
    int mu = d->graph.graph.species[i];
    ftl_descriptor_values v;
    status = atom_functions(d, s, i, derivatives, &v, error);
    for (int f = 0; !status && f < v.n_functions; f++) {
      column c = column_at(s, rows, block + (size_t)(surrogate->first[mu] + f) * (size_t)ld + (size_t)row);
      if (c.energy) *c.energy += v.value[f];
      if (derivatives) add_slopes(i, d->graph.graph.sender + d->graph.graph.first_edge[i], &v, f, c);
    }
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
  for (int k = 0; rows.stress && k < 6; k++) label[k] = -s->volume * s->labels.stress[voigt[k][0]][voigt[k][1]];
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
