/* Edge geometry, always in double: distance, direction, grid cell, real spherical harmonics (e3nn's order, "component"
   normalisation, arguments as MACE passes them: the unit vector from sender to receiver, -r_ij / |r_ij|) and their
   reverse. */

#include "math/harmonics.h"

FTL_INLINE ftl_mace_scratch *scratch_of(const ftl_thread *thread) { return thread->scratch; }

/* The n atoms of a block, FTL_BLOCK_ATOMS of them at a time: begin .. end - 1. */
#define FOR_SOME_ATOMS(n, begin, end)                                                                                  \
  for (int begin = 0, end = (n) < FTL_BLOCK_ATOMS ? (n) : FTL_BLOCK_ATOMS; begin < (n);                                \
       begin = end, end = (n) < end + FTL_BLOCK_ATOMS ? (n) : end + FTL_BLOCK_ATOMS)

/* Fills the thread's edge list with the edges of the block that are within the cutoff. */
static void block_edges(const ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, const ftl_grid *grid) {
  const ftl_model *model = ws->model;
  const ftl_graph *graph = &ws->graph;
  double cutoff2 = model->arch.r_max * model->arch.r_max;
  int n = 0;
  for (int a = 0; a < block->n; a++) {
    int i = ws->order[block->first + a];
    scratch_of(thread)->edge_start[a] = n;
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      double v[3];
      ftl_graph_vector(graph, i, e, v);
      double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
      if (!(r2 < cutoff2)) continue;
      ftl_edge *edge = &scratch_of(thread)->edge[n];
      double r = sqrt(r2);
      edge->sender = ftl_graph_node(graph, graph->sender[e]);
      edge->class_ = model->pair_class[block->species * model->n_species + graph->species[edge->sender]];
      edge->r = r;
      for (int x = 0; x < 3; x++) edge->n[x] = -v[x] / r;
      ftl_grid_locate(grid, edge->class_, r, &edge->cell, &edge->t, &edge->slope);
      const double length = model->arch.nequip.raw_harmonics ? r : 1;
      spherical_harmonics(model->lmax, length * edge->n[0], length * edge->n[1], length * edge->n[2],
                          scratch_of(thread)->Y + (size_t)n * FTL_MAX_SH);
      n++;
    }
  }
  scratch_of(thread)->edge_start[block->n] = n;
}

/* dE/dr_ij from dE/dr and dE/dY of one edge of receiver i: n = -r_ij/r, dn/dr_ij = -(1 - n n^T)/r; raw harmonics are of
   -r_ij itself. Goes to forces and virials; that of a moment to the centroid virials alone, and a member's to the
   committee's forces. */
static void edge_gradient(ftl_workspace *ws, ftl_thread *thread, int sweep, int i, const ftl_edge *edge, double dr,
                          const double *dY) {
  const bool raw = ws->model->arch.nequip.raw_harmonics;
  const double length = raw ? edge->r : 1;
  double g[3], v[3], gradient[3];
  spherical_harmonics_reverse(ws->model->lmax, length * edge->n[0], length * edge->n[1], length * edge->n[2], dY, g);
  double along = raw ? 0 : g[0] * edge->n[0] + g[1] * edge->n[1] + g[2] * edge->n[2], inverse = raw ? 1 : 1 / edge->r;
  for (int x = 0; x < 3; x++) {
    v[x] = -edge->r * edge->n[x];
    gradient[x] = -dr * edge->n[x] - (g[x] - along * edge->n[x]) * inverse;
  }
  if (sweep == 0) ftl_add_edge_force(ws, thread, i, edge->sender, v, gradient);
  else if (ftl_member_of(ws, sweep) >= 0)
    ftl_add_member_force(ws, thread, i, edge->sender, ftl_member_of(ws, sweep), gradient);
  else ftl_add_edge_moment(ws, thread, i, edge->sender, sweep - 1, gradient);
}

/* The density an edge adds to its receiver, and its derivative by r. */
FTL_INLINE double edge_density(const ftl_prepared_layer *layer, const ftl_edge *edge, double *derivative) {
  size_t n = (size_t)layer->grid.n_coefficients;
  const double *c = layer->density + (size_t)(layer->grid.first[edge->class_] + edge->cell) * n;
  double v = 0, d = 0;
  for (size_t k = n; k-- > 0;) {
    d = d * edge->t + v;
    v = v * edge->t + c[k];
  }
  *derivative = d * edge->slope;
  return v;
}

/* All edges of a block, from dE/dt and dE/dY in the scratch and the density's adjoint, per atom. */
static void edge_gradients(ftl_workspace *ws, ftl_thread *thread, int sweep, const ftl_prepared_layer *layer,
                           const ftl_block *block, const double *density_adjoint) {
  for (int a = 0; a < block->n; a++)
    for (int e = scratch_of(thread)->edge_start[a]; e < scratch_of(thread)->edge_start[a + 1]; e++) {
      const ftl_edge *edge = &scratch_of(thread)->edge[e];
      double dr = scratch_of(thread)->dr[e] * edge->slope;
      if (layer->density) {
        double slope;
        edge_density(layer, edge, &slope);
        dr += density_adjoint[a] * slope;
      }
      edge_gradient(ws, thread, sweep, ws->order[block->first + a], edge, dr,
                    scratch_of(thread)->dY + (size_t)e * FTL_MAX_SH);
    }
}
