/* Forces and virials from edge forces g = dE/dr_ij: F_i += g, F_j -= g, W -= r_ij (x) g (docs/theory.md). And the ZBL
   term, which is a plain sum over edges. */
#include <math.h>
#include <string.h>

#include "compute/radial_functions.h"
#include "compute/stages.h"

void ftl_pair_repulsion(ftl_workspace *ws, const ftl_thread *thread) {
  static const double decay[4] = {3.2, 0.9423, 0.4028, 0.2016};
  const ftl_model *model = ws->model;
  const ftl_graph *graph = &ws->graph;
  for (int b = thread->block_begin; b < thread->block_end; b++)
    for (int a = 0; a < ws->block[b].n; a++) {
      int i = ws->order[ws->block[b].first + a];
      for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
        const double *v = graph->vector[e];
        const double *z = model->zbl + 4 * (graph->species[i] * model->n_species + graph->species[graph->sender[e]]);
        double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        if (r2 >= z[2] * z[2] || r2 >= model->arch.r_max * model->arch.r_max) continue;
        double r = sqrt(r2), phi = 0, slope = 0, cutoff_slope;
        for (int k = 0; k < 4; k++) {
          double term = model->zbl_c[k] * exp(-decay[k] * r * z[1]);
          phi += term;
          slope -= decay[k] * z[1] * term;
        }
        double cutoff = ftl_polynomial_cutoff(r, z[2], model->zbl_p, &cutoff_slope);
        double energy = z[0] / r * phi;
        double dr = z[0] / r * slope * cutoff - energy / r * cutoff + energy * cutoff_slope;
        ws->node_energy[i] += model->scale * energy * cutoff;
        for (int x = 0; x < 3; x++) ws->edge_force[e][x] += model->scale * dr * v[x] / r;
      }
    }
}

/* Component pairs of a virial in the order xx yy zz xy xz yz yx zx zy. */
static const int row_of[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2}, column_of[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};

static void edge_forces(ftl_workspace *ws, ftl_thread *thread, ftl_output *output) {
  const ftl_graph *graph = &ws->graph;
  double cutoff2 = ws->model->arch.r_max * ws->model->arch.r_max;
  memset(thread->virial, 0, sizeof thread->virial);
  if (thread->slot_of) memset(thread->slot_forces, 0, (size_t)thread->n_slots * sizeof *thread->slot_forces);
  for (int i = thread->receiver_begin; i < thread->receiver_end; i++) {
    double own[3] = {0, 0, 0}, own_virial[9] = {0};
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      const double *v = graph->vector[e], *g = ws->edge_force[e];
      if (v[0] * v[0] + v[1] * v[1] + v[2] * v[2] >= cutoff2) continue;
      int j = graph->sender[e], slot = thread->slot_of ? thread->slot_of[j] : -1;
      double *private_row = slot >= 0 ? thread->slot_forces[slot] : NULL;
      double *force = private_row ? private_row : output->forces ? output->forces + 3 * (size_t)j : NULL;
      for (int x = 0; x < 3; x++) {
        own[x] += g[x];
        if (force) force[x] -= g[x];
      }
      double *virial = private_row ? private_row + 3 : output->atom_virial ? output->atom_virial[j] : NULL;
      for (int k = 0; k < 9; k++) {
        double w = -v[row_of[k]] * g[column_of[k]];
        own_virial[k] += w;
        if (virial) virial[k] += 0.5 * w;
      }
    }
    for (int x = 0; x < 3 && output->forces; x++) output->forces[3 * (size_t)i + (size_t)x] += own[x];
    for (int k = 0; k < 9; k++) {
      thread->virial[k] += own_virial[k];
      if (output->atom_virial) output->atom_virial[i][k] += 0.5 * own_virial[k];
    }
  }
}

static void reduce_forces(ftl_workspace *ws, int k, ftl_output *output) {
  for (int from = 0; from < ws->n_threads; from++) {
    const ftl_thread *thread = &ws->thread[from];
    for (int s = thread->slot_start[k]; s < thread->slot_start[k + 1]; s++) {
      int j = thread->slot_node[s];
      for (int x = 0; x < 3 && output->forces; x++)
        output->forces[3 * (size_t)j + (size_t)x] += thread->slot_forces[s][x];
      for (int c = 0; c < 9 && output->atom_virial; c++) output->atom_virial[j][c] += thread->slot_forces[s][3 + c];
    }
  }
}

void ftl_forces(ftl_workspace *ws, ftl_output *output) {
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) edge_forces(ws, &ws->thread[k], output);
  if (ws->n_threads > 1) {
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1)
    for (int k = 0; k < ws->n_threads; k++) reduce_forces(ws, k, output);
  }
  memset(output->virial, 0, sizeof output->virial);
  for (int k = 0; k < ws->n_threads; k++)
    for (int c = 0; c < 9; c++) output->virial[c] += ws->thread[k].virial[c];
}
