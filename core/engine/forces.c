/* Forces and virials from what the stages find for each edge. And the ZBL term, which is a plain sum over edges. */
#include <math.h>
#include <string.h>

#include "engine/stages.h"
#include "engine/fork_team.h"
#include "math/zbl.h"

void ftl_pair_repulsion(ftl_workspace *ws, ftl_thread *thread, int begin, int end, bool energies, bool forces) {
  const ftl_model *model = ws->model;
  const ftl_graph *graph = &ws->graph;
  for (int b = begin; b < end; b++)
    for (int a = 0; a < ws->block[b].n; a++) {
      int i = ws->order[ws->block[b].first + a];
      for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
        int j = ftl_graph_node(graph, graph->sender[e]);
        const double *z = model->zbl + 4 * (graph->species[i] * model->n_species + graph->species[j]);
        double v[3], g[3];
        ftl_graph_vector(graph, i, e, v);
        double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        if (r2 >= z[2] * z[2] || r2 >= model->arch.r_max * model->arch.r_max) continue;
        double r = sqrt(r2), dr, energy = ftl_zbl(z, model->zbl_c, model->zbl_p, r, &dr);
        if (energies) ws->node_energy[i] += model->scale[graph->species[i]] * energy;
        if (!forces) continue;
        for (int x = 0; x < 3; x++) g[x] = model->scale[graph->species[i]] * dr * v[x] / r;
        ftl_add_edge_force(ws, thread, i, j, v, g);
      }
    }
}

static void collect(ftl_workspace *ws, int k) {
  const ftl_output *output = ws->output;
  for (int from = 0; from < ws->n_threads; from++) {
    const ftl_thread *thread = &ws->thread[from];
    for (int s = thread->slot_start[k]; s < thread->slot_start[k + 1]; s++) {
      int j = thread->slot_node[s];
      for (int x = 0; x < 3 && output->forces; x++)
        output->forces[3 * (size_t)j + (size_t)x] += thread->slot_forces[s][x];
      for (int c = 0; c < 9 && output->atom_virial; c++) output->atom_virial[j][c] += thread->slot_forces[s][3 + c];
      for (int c = 0; c < 9 && output->centroid_virial; c++)
        output->centroid_virial[j][c] += thread->slot_centroid[s][c];
    }
  }
}

void ftl_forces_collect(ftl_workspace *ws) {
  if (ws->n_threads > 1) {
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
    for (int k = 0; k < ws->n_threads; k++) collect(ws, k);
  }
  double *virial = ws->output->virial;
  memset(virial, 0, sizeof ws->output->virial);
  for (int k = 0; k < ws->n_threads; k++)
    for (int c = 0; c < 9; c++) virial[c] += ws->thread[k].virial[c];
}
