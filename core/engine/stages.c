/* The layer-wise interface of frozentl.h. */
#include "engine/stages.h"
#include "engine/fork_team.h"

#include "engine/uncertainty.h"
#include "model/kernels.h"
#include "base/threads.h"
#include "base/error.h"

ftl_status ftl_begin(ftl_workspace *ws, const ftl_graph *graph, ftl_output *output, ftl_error *error) {
  if (!ws || !output) return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_begin: NULL workspace or output");
  ws->output = output;
  ftl_status status = ws->has_team ? FTL_OK : ftl_threads_start(ws->n_threads, error);
  ws->has_team = !status;
  if (!status) status = ftl_workspace_load(ws, graph, error);
  if (status) return status;
  ws->stage = FTL_FORWARD;
  ws->next_layer = 0;
  ws->outer_done = false;
  return FTL_OK;
}

static ftl_status out_of_order(ftl_workspace *ws, const char *call, ftl_error *error) {
  ws->stage = FTL_IDLE;
  return ftl_fail(error, FTL_ERR_ARGUMENT, call,
                  "called out of order; see frozentl.h, section 4, and start again at ftl_begin");
}

/* The inner receivers come after the outer ones and only then. */
static bool in_order(const ftl_workspace *ws, ftl_stage stage, int layer, ftl_part part) {
  return ws->stage == stage && ws->next_layer == layer &&
         (part == FTL_INNER ? ws->outer_done : !ws->outer_done && (part == FTL_ALL || part == FTL_OUTER));
}

static int part_begin(const ftl_thread *thread, ftl_part part) {
  return part == FTL_INNER ? thread->block_inner : thread->block_begin;
}
static int part_end(const ftl_thread *thread, ftl_part part) {
  return part == FTL_OUTER ? thread->block_inner : thread->block_end;
}

/* After a block. Thread 0 of an OpenMP team is the one that called: MPI_Init promises MPI no other. */
static void look_after_host(const ftl_workspace *ws, int thread) {
  if (thread == 0 && ws->poll) ws->poll(ws->poll_context);
}

void ftl_workspace_set_poll(ftl_workspace *ws, void (*poll)(void *), void *context) {
  ws->poll = poll;
  ws->poll_context = context;
}

/* After a part of a stage: on to `stage` and `layer`, once all of it is done. */
static ftl_status done(ftl_workspace *ws, ftl_part part, ftl_stage stage, int layer) {
  ws->outer_done = part == FTL_OUTER;
  if (ws->outer_done) return FTL_OK;
  ws->stage = stage;
  ws->next_layer = layer;
  return FTL_OK;
}

ftl_status ftl_layer_forward(ftl_workspace *ws, int layer, ftl_part part, ftl_error *error) {
  if (!in_order(ws, FTL_FORWARD, layer, part) || layer >= ws->model->arch.n_layers - 1)
    return out_of_order(ws, "ftl_layer_forward", error);
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++)
    for (int b = part_begin(&ws->thread[k], part); b < part_end(&ws->thread[k], part); b++) {
      ws->model->kernels->forward(ws, &ws->thread[k], layer, &ws->block[b]);
      look_after_host(ws, k);
    }
  return done(ws, part, FTL_FORWARD, layer + 1);
}

ftl_status ftl_last_layer(ftl_workspace *ws, ftl_part part, ftl_error *error) {
  int last = ws->model->arch.n_layers - 1;
  if (!in_order(ws, FTL_FORWARD, last, part)) return out_of_order(ws, "ftl_last_layer", error);
  if (last > 0) ftl_adjoints_clear(ws, last - 1);
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_thread *thread = &ws->thread[k];
    int begin = part_begin(thread, part), end = part_end(thread, part);
    if (ws->model->zbl) ftl_pair_repulsion(ws, thread, begin, end);
    for (int b = begin; b < end; b++) {
      if (ws->model->ace) {
        ws->model->kernels->ace(ws, thread, &ws->block[b]);
        continue;
      }
      ws->model->kernels->forward(ws, thread, last, &ws->block[b]);
      ws->model->kernels->reverse(ws, thread, last, &ws->block[b]);
      look_after_host(ws, k);
    }
  }
  if (last > 0) ftl_adjoints_reduce(ws, last - 1);
  return done(ws, part, last > 0 ? FTL_REVERSE : FTL_FINISH, last - 1);
}

ftl_status ftl_layer_reverse(ftl_workspace *ws, int layer, ftl_part part, ftl_error *error) {
  if (!in_order(ws, FTL_REVERSE, layer, part)) return out_of_order(ws, "ftl_layer_reverse", error);
  if (layer > 0) ftl_adjoints_clear(ws, layer - 1);
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++)
    for (int b = part_begin(&ws->thread[k], part); b < part_end(&ws->thread[k], part); b++) {
      ws->model->kernels->reverse(ws, &ws->thread[k], layer, &ws->block[b]);
      look_after_host(ws, k);
    }
  if (layer > 0) ftl_adjoints_reduce(ws, layer - 1);
  return done(ws, part, layer > 0 ? FTL_REVERSE : FTL_FINISH, layer - 1);
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
  return bytes ? ws->adjoints[0][layer] : NULL;
}

void *ftl_feature_moments(ftl_workspace *ws, int layer, int component, size_t *row_bytes) {
  size_t bytes = ftl_feature_row_bytes(ws->model, layer, NULL);
  if (row_bytes) *row_bytes = bytes;
  return bytes && ws->n_sweeps > 1 && component >= 0 && component < 3 ? ws->adjoints[1 + component][layer] : NULL;
}

ftl_status ftl_end(ftl_workspace *ws, ftl_error *error) {
  if (!ws || ws->stage != FTL_FINISH) return ws ? out_of_order(ws, "ftl_end", error) : FTL_ERR_ARGUMENT;
  ftl_output *output = ws->output;
  ws->stage = FTL_IDLE;
  output->energy = 0;
  for (int i = 0; i < ws->graph.n_local; i++) {
    int z = ws->graph.species[i];
    double energy = z < 0 ? 0 : ws->model->e0[z] + ws->model->shift + ws->node_energy[i];
    output->energy += energy;
    if (output->node_energy) output->node_energy[i] = energy;
  }
  ftl_forces_collect(ws);
  return ftl_uncertainty_compute(ws, output, error);
}
