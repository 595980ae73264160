/* The layer-wise interface of frozentl.h. */
#include <math.h>

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

enum { ENERGIES = 1, FORCES = 2 };

/* A part of a layer's stage, and with it of the pair repulsion. */
static void run(ftl_workspace *ws, ftl_block_stage *stage, int layer, ftl_part part, int repulsion) {
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_thread *thread = &ws->thread[k];
    int begin = part_begin(thread, part), end = part_end(thread, part);
    if (ws->model->zbl && repulsion)
      ftl_pair_repulsion(ws, thread, begin, end, repulsion & ENERGIES, repulsion & FORCES);
    for (int b = begin; b < end; b++) {
      stage(ws, thread, layer, &ws->block[b]);
      look_after_host(ws, k);
    }
  }
}

static const ftl_block_stages *stages_of(const ftl_workspace *ws) {
  return &ws->model->kernels->stages[ws->model->engine->number];
}

static int last_layer(const ftl_workspace *ws) { return ws->model->arch.n_layers - 1; }

ftl_status ftl_layer_forward(ftl_workspace *ws, int layer, ftl_part part, ftl_error *error) {
  int last = last_layer(ws);
  if (!in_order(ws, FTL_FORWARD, layer, part)) return out_of_order(ws, "ftl_layer_forward", error);
  run(ws, stages_of(ws)->forward, layer, part, layer == last ? ENERGIES : 0);
  return done(ws, part, layer < last ? FTL_FORWARD : FTL_REVERSE, layer < last ? layer + 1 : last);
}

/* A part of a reverse stage. */
static ftl_status back(ftl_workspace *ws, ftl_block_stage *stage, int layer, ftl_part part, int repulsion) {
  if (layer > 0) ftl_adjoints_clear(ws, layer - 1);
  run(ws, stage, layer, part, repulsion);
  if (layer > 0) ftl_adjoints_reduce(ws, layer - 1);
  return done(ws, part, layer > 0 ? FTL_REVERSE : FTL_FINISH, layer - 1);
}

ftl_status ftl_last_layer(ftl_workspace *ws, ftl_part part, ftl_error *error) {
  int last = last_layer(ws);
  if (!in_order(ws, FTL_FORWARD, last, part)) return out_of_order(ws, "ftl_last_layer", error);
  return back(ws, stages_of(ws)->last, last, part, ENERGIES | FORCES);
}

ftl_status ftl_layer_reverse(ftl_workspace *ws, int layer, ftl_part part, ftl_error *error) {
  if (!in_order(ws, FTL_REVERSE, layer, part)) return out_of_order(ws, "ftl_layer_reverse", error);
  return back(ws, stages_of(ws)->reverse, layer, part, layer == last_layer(ws) ? FORCES : 0);
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
  return bytes && ftl_has_moments(ws) && component >= 0 && component < 3 ? ws->adjoints[1 + component][layer] : NULL;
}

void *ftl_feature_members(ftl_workspace *ws, int layer, int member, size_t *row_bytes) {
  size_t bytes = ftl_feature_row_bytes(ws->model, layer, NULL);
  if (row_bytes) *row_bytes = bytes;
  return bytes && member >= 0 && member < ws->n_sweeps - ws->first_member
             ? ws->adjoints[ws->first_member + member][layer]
             : NULL;
}

/* What only the way back makes. */
static bool wants_derivatives(const ftl_workspace *ws) {
  const ftl_output *output = ws->output;
  return output->forces || output->atom_virial || output->centroid_virial || ws->n_sweeps > ws->first_member;
}

ftl_status ftl_end(ftl_workspace *ws, ftl_error *error) {
  if (!ws) return FTL_ERR_ARGUMENT;
  bool energies_alone = in_order(ws, FTL_REVERSE, last_layer(ws), FTL_ALL) && !wants_derivatives(ws);
  if (ws->stage != FTL_FINISH && !energies_alone) return out_of_order(ws, "ftl_end", error);
  ftl_output *output = ws->output;
  ws->stage = FTL_IDLE;
  output->energy = 0;
  for (int i = 0; i < ws->graph.n_local; i++) {
    int z = ws->graph.species[i];
    double energy = z < 0 ? 0 : ws->model->e0[z] + ws->model->shift + ws->node_energy[i];
    output->energy += energy;
    if (output->node_energy) output->node_energy[i] = energy;
  }
  if (energies_alone)
    for (int c = 0; c < 9; c++) output->virial[c] = NAN;
  else ftl_forces_collect(ws);
  return ftl_uncertainty_compute(ws, output, error);
}
