/* The layer-wise interface of frozentl.h. */
#include "compute/stages.h"

#include "ace/uncertainty.h"
#include "kernels/kernels.h"
#include "model/error.h"

ftl_status ftl_begin(ftl_workspace *ws, const ftl_graph *graph, ftl_error *error) {
  if (!ws) return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_begin: NULL workspace");
  ftl_status status = ftl_workspace_load(ws, graph, error);
  if (status) return status;
  ws->stage = FTL_FORWARD;
  ws->next_layer = 0;
  return FTL_OK;
}

static ftl_status out_of_order(ftl_workspace *ws, const char *call, ftl_error *error) {
  ws->stage = FTL_IDLE;
  return ftl_fail(error, FTL_ERR_ARGUMENT, call,
                  "called out of order; see frozentl.h, section 4, and start again at ftl_begin");
}

ftl_status ftl_layer_forward(ftl_workspace *ws, int layer, ftl_error *error) {
  if (ws->stage != FTL_FORWARD || layer != ws->next_layer || layer >= ws->model->arch.n_layers - 1)
    return out_of_order(ws, "ftl_layer_forward", error);
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++)
    for (int b = ws->thread[k].block_begin; b < ws->thread[k].block_end; b++)
      ws->model->kernels->forward(ws, &ws->thread[k], layer, &ws->block[b]);
  ws->next_layer++;
  return FTL_OK;
}

ftl_status ftl_last_layer(ftl_workspace *ws, ftl_error *error) {
  int last = ws->model->arch.n_layers - 1;
  if (ws->stage != FTL_FORWARD || ws->next_layer != last) return out_of_order(ws, "ftl_last_layer", error);
  if (last > 0) ftl_adjoints_clear(ws, last - 1);
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_thread *thread = &ws->thread[k];
    if (ws->model->zbl) ftl_pair_repulsion(ws, thread);
    for (int b = thread->block_begin; b < thread->block_end; b++) {
      if (ws->model->ace) {
        ws->model->kernels->ace(ws, thread, &ws->block[b]);
        continue;
      }
      ws->model->kernels->forward(ws, thread, last, &ws->block[b]);
      ws->model->kernels->reverse(ws, thread, last, &ws->block[b]);
    }
  }
  if (last > 0) ftl_adjoints_reduce(ws, last - 1);
  ws->stage = last > 0 ? FTL_REVERSE : FTL_FINISH;
  ws->next_layer = last - 1;
  return FTL_OK;
}

ftl_status ftl_layer_reverse(ftl_workspace *ws, int layer, ftl_error *error) {
  if (ws->stage != FTL_REVERSE || layer != ws->next_layer) return out_of_order(ws, "ftl_layer_reverse", error);
  if (layer > 0) ftl_adjoints_clear(ws, layer - 1);
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++)
    for (int b = ws->thread[k].block_begin; b < ws->thread[k].block_end; b++)
      ws->model->kernels->reverse(ws, &ws->thread[k], layer, &ws->block[b]);
  if (layer > 0) ftl_adjoints_reduce(ws, layer - 1);
  if (--ws->next_layer < 0) ws->stage = FTL_FINISH;
  return FTL_OK;
}

size_t ftl_feature_row_bytes(const ftl_model *model, int layer, size_t *real_bytes) {
  if (real_bytes) *real_bytes = (size_t)model->real_bytes;
  if (layer < 0 || layer >= model->arch.n_layers - 1) return 0;
  return (size_t)model->layer[layer + 1].conv.edge.dim * (size_t)model->real_bytes;
}

void *ftl_features(ftl_workspace *ws, int layer, size_t *row_bytes) {
  size_t bytes = ftl_feature_row_bytes(ws->model, layer, NULL);
  if (row_bytes) *row_bytes = bytes;
  return bytes ? ws->features[layer] : NULL;
}

void *ftl_feature_adjoints(ftl_workspace *ws, int layer, size_t *row_bytes) {
  size_t bytes = ftl_feature_row_bytes(ws->model, layer, NULL);
  if (row_bytes) *row_bytes = bytes;
  return bytes ? ws->adjoints[layer] : NULL;
}

ftl_status ftl_end(ftl_workspace *ws, ftl_output *output, ftl_error *error) {
  if (ws->stage != FTL_FINISH || !output) return out_of_order(ws, "ftl_end", error);
  ws->stage = FTL_IDLE;
  output->energy = 0;
  for (int i = 0; i < ws->graph.n_local; i++) {
    int z = ws->graph.species[i];
    double energy = z < 0 ? 0 : ws->model->e0[z] + ws->model->shift + ws->node_energy[i];
    output->energy += energy;
    if (output->node_energy) output->node_energy[i] = energy;
  }
  ftl_forces(ws, output);
  return ftl_uncertainty_compute(ws, output, error);
}
