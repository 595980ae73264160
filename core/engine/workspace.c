/* Memory of a computation, and how its atoms are shared among threads. */
#include "engine/workspace.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/uncertainty.h"
#include "engine/stages.h"
#include "engine/fork_team.h"
#include "base/threads.h"
#include "base/error.h"

#define FTL_MAX_THREADS 1024

/* The first layer's messages that are kept for the reverse: those of 1,280 atoms of a model of 128 channels in double,
   2,560 in mixed. Computed again they cost a sixth of a step where neighbours are of six elements. More would put
   100,000 atoms of mp0a-small above 4,000 bytes each (docs/scaling.md). */
#define FTL_KEEP_BYTES ((size_t)20 << 20)

ftl_status ftl_workspace_new(const ftl_model *model, int n_threads, ftl_workspace **workspace, ftl_error *error) {
  if (!model || !workspace) return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_workspace_new: a NULL argument");
  if (n_threads < 0 || n_threads > FTL_MAX_THREADS) /* more than it can start end the process in OpenMP's runtime */
    return ftl_fail(error, FTL_ERR_ARGUMENT, "threads", "a number from 0 (as many as OpenMP gives) to %d, not %d",
                    FTL_MAX_THREADS, n_threads);
  ftl_workspace *ws = calloc(1, sizeof *ws);
  if (!ws) return ftl_no_memory(error, NULL, "a workspace");
  ws->model = model;
  ws->keep_bytes = FTL_KEEP_BYTES;
  ws->generation = ftl_team_generation();
  ws->n_threads = n_threads > 0 ? n_threads : omp_get_max_threads();
  if (ws->n_threads > FTL_MAX_THREADS) ws->n_threads = FTL_MAX_THREADS;
  ws->thread = calloc((size_t)ws->n_threads, sizeof *ws->thread);
  ftl_status status = ws->thread ? FTL_OK : ftl_no_memory(error, NULL, "a workspace");
  for (int k = 0; k < ws->n_threads && !status; k++)
    status = model->engine->scratch_new(model, &ws->thread[k].scratch, error);
  if (!status) status = ftl_threads_check(ws->n_threads, error); /* they are made by the first computation */
  if (status) {
    ftl_workspace_free(ws);
    return status;
  }
  *workspace = ws;
  return FTL_OK;
}

void ftl_workspace_free(ftl_workspace *ws) {
  if (!ws) return;
  for (int k = 0; ws->thread && k < ws->n_threads; k++) {
    ftl_thread *thread = &ws->thread[k];
    free(thread->slot_of);
    free(thread->slot_node);
    free(thread->slot_start);
    free(thread->slot_rows);
    free(thread->slot_forces);
    free(thread->slot_centroid);
    free(thread->slot_committee);
    ws->model->engine->scratch_free(thread->scratch);
  }
  free(ws->thread);
  free(ws->order);
  free(ws->block);
  free(ws->node_energy);
  free(ws->inputs_room);
  free(ws->outer);
  free(ws->kept);
  free(ws->kept_factor);
  for (int t = 0; t < FTL_MAX_LAYERS; t++) {
    free(ws->features[t]);
    for (int sweep = 0; sweep < FTL_MAX_SWEEPS; sweep++) {
      if (t < 2) free(ws->adjoints[sweep][t]);
      free(ws->sc[sweep][t]);
    }
  }
  ftl_neighbours_free(&ws->neighbours);
  ftl_uncertainty_free(ws->uncertainty);
  free(ws);
}

size_t ftl_workspace_bytes(const ftl_workspace *ws) {
  return ws ? ws->bytes + ftl_neighbours_bytes(&ws->neighbours) + ftl_uncertainty_bytes(ws->uncertainty) : 0;
}

/* Room for n where there was none or too little: what is asked for the first time, and an eighth more each time it has
   grown, so that a trajectory seldom grows it again. */
static size_t room_for(int n, int had) { return (size_t)n + (had > 0 ? (size_t)n / 8 : 0) + FTL_BLOCK_ATOMS; }

/* Of the widest row that memory of this parity holds. */
static int adjoint_dim(const ftl_model *model, int parity) {
  int dim = 0;
  for (int t = parity; t + 1 < model->arch.n_layers; t += 2)
    if (model->layer[t + 1].conv.edge.dim > dim) dim = model->layer[t + 1].conv.edge.dim;
  return dim;
}

static bool reserve_nodes(ftl_workspace *ws, size_t n) {
  const ftl_model *model = ws->model;
  bool ok = true;
  for (int t = 0; t + 1 < model->arch.n_layers && ok; t++) {
    ok = ftl_renew(&ws->features[t], n * (size_t)model->layer[t + 1].conv.edge.dim * (size_t)model->real_bytes);
    for (int sweep = 0; sweep < ws->sweeps_capacity && ok; sweep++) {
      if (t < 2) ok = ftl_renew(&ws->adjoints[sweep][t], n * (size_t)adjoint_dim(model, t) * (size_t)model->real_bytes);
      else ws->adjoints[sweep][t] = ws->adjoints[sweep][t - 2];
    }
  }
  for (int k = 0; k < ws->n_threads && ok && ws->n_threads > 1; k++) {
    ok = ftl_renew(&ws->thread[k].slot_of, n * sizeof(int)) &&
         ftl_renew(&ws->thread[k].slot_start, ((size_t)ws->n_threads + 1) * sizeof(int));
  }
  return ok;
}

/* Of a receiver that is kept; 0: the reverse of this model's first layer needs more than that. */
static size_t kept_row_bytes(const ftl_model *model) {
  const ftl_prepared_layer *first = &model->layer[0];
  return first->gated || first->gated_output ? 0 : (size_t)first->target.dim * (size_t)model->real_bytes;
}

static bool reserve_kept(ftl_workspace *ws, size_t n) {
  const size_t row = kept_row_bytes(ws->model), most = row > 0 ? ws->keep_bytes / row : 0;
  ws->n_kept = (int)(n < most ? n : most);
  return ftl_renew(&ws->kept, (size_t)ws->n_kept * row) &&
         ftl_renew(&ws->kept_factor, (size_t)ws->n_kept * sizeof *ws->kept_factor);
}

static bool reserve_locals(ftl_workspace *ws, size_t n) {
  const ftl_model *model = ws->model;
  /* each thread cuts outer and inner receivers of each element into blocks of their own */
  size_t n_blocks = n / (size_t)model->block_atoms + 2 * (size_t)(ws->n_threads * (model->n_species + 1)) + 1;
  bool ok = ftl_renew(&ws->order, n * sizeof(int)) && ftl_renew(&ws->outer, n) &&
            ftl_renew(&ws->block, n_blocks * sizeof *ws->block) && ftl_renew(&ws->node_energy, n * sizeof(double)) &&
            reserve_kept(ws, n);
  for (int t = 1; t < model->arch.n_layers && ok; t++)
    for (int sweep = 0; sweep < ws->sweeps_capacity && model->layer[t].has_sc && ok; sweep++)
      ok = ftl_renew(&ws->sc[sweep][t], n * (size_t)model->layer[t].skip.out.dim * (size_t)model->real_bytes);
  return ok;
}

static ftl_status reserve(ftl_workspace *ws, int n_local, int n_total, ftl_error *error) {
  bool ok = true;
  if (ws->n_sweeps > ws->sweeps_capacity) {
    ws->sweeps_capacity = ws->n_sweeps;
    ws->node_capacity = ws->local_capacity = 0;
  }
  if (n_total >= ws->node_capacity) { /* also for no atoms at all */
    size_t n = room_for(n_total, ws->node_capacity);
    ws->node_capacity = 0;
    if ((ok = reserve_nodes(ws, n))) ws->node_capacity = (int)n;
  }
  if (n_local >= ws->local_capacity && ok) {
    size_t n = room_for(n_local, ws->local_capacity);
    ws->local_capacity = 0;
    if ((ok = reserve_locals(ws, n))) ws->local_capacity = (int)n;
  }
  return ok ? FTL_OK : ftl_no_memory(error, NULL, "%d atoms; use more ranks or a smaller system", n_total);
}

static size_t bytes_held(const ftl_workspace *ws) {
  const ftl_model *model = ws->model;
  size_t real_bytes = (size_t)model->real_bytes, bytes = 0;
  size_t nodes = (size_t)ws->node_capacity, locals = (size_t)ws->local_capacity;
  for (int t = 0; t < model->arch.n_layers; t++) {
    const ftl_prepared_layer *layer = &model->layer[t];
    size_t sweeps = (size_t)ws->sweeps_capacity;
    if (t > 0) bytes += nodes * (size_t)layer->conv.edge.dim * real_bytes;
    if (t < 2) bytes += sweeps * nodes * (size_t)adjoint_dim(model, t) * real_bytes;
    if (t > 0 && layer->has_sc) bytes += sweeps * locals * (size_t)layer->skip.out.dim * real_bytes;
  }
  for (int k = 0; k < ws->n_threads; k++)
    bytes += ws->thread[k].slot_rows_bytes + ws->thread[k].slot_forces_count * sizeof *ws->thread[k].slot_forces +
             ws->thread[k].slot_centroid_count * sizeof *ws->thread[k].slot_centroid +
             ws->thread[k].slot_committee_count * sizeof *ws->thread[k].slot_committee +
             model->engine->scratch_bytes(ws->thread[k].scratch);
  bytes += (size_t)ws->n_kept * (kept_row_bytes(model) + sizeof *ws->kept_factor);
  return bytes + ws->inputs_count * sizeof *ws->inputs_room + locals * (sizeof(int) + sizeof(char) + sizeof(double));
}

/* Contiguous ranges of receivers with about the same number of edges, and of ghosts. */
static void partition(ftl_workspace *ws) {
  const ftl_graph *graph = &ws->graph;
  int n = ws->n_threads, n_ghosts = graph->n_total - graph->n_local;
  int64_t n_edges = graph->first_edge[graph->n_local];
  for (int k = 0, i = 0; k < n; k++) {
    ftl_thread *thread = &ws->thread[k];
    int64_t goal = n_edges / n * (k + 1);
    thread->receiver_begin = i;
    while (i < graph->n_local && (k == n - 1 || graph->first_edge[i] < goal)) i++;
    thread->receiver_end = i;
    thread->ghost_begin = graph->n_local + (int)((int64_t)n_ghosts * k / n);
    thread->ghost_end = graph->n_local + (int)((int64_t)n_ghosts * (k + 1) / n);
  }
}

/* A thread's receivers of one kind grouped by element and cut into blocks; returns where the next go. */
static int cut_blocks(ftl_workspace *ws, const ftl_thread *thread, bool outer, int at) {
  for (int z = 0; z < ws->model->n_species; z++) {
    int first = at;
    for (int i = thread->receiver_begin; i < thread->receiver_end; i++)
      if (ws->graph.species[i] == z && ws->outer[i] == outer) ws->order[at++] = i;
    const int most = ws->model->block_atoms;
    for (int b = first; b < at; b += most) ws->block[ws->n_blocks++] = (ftl_block){z, at - b < most ? at - b : most, b};
  }
  return at;
}

static void make_blocks(ftl_workspace *ws) {
  ws->n_blocks = ws->n_active = 0;
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_thread *thread = &ws->thread[k];
    thread->block_begin = ws->n_blocks;
    int at = cut_blocks(ws, thread, true, thread->receiver_begin);
    thread->block_inner = ws->n_blocks;
    at = cut_blocks(ws, thread, false, at);
    thread->block_end = ws->n_blocks;
    ws->n_active += at - thread->receiver_begin;
  }
}

static bool reserve_edges(const ftl_workspace *ws, ftl_thread *thread) {
  int most = 0;
  for (int b = thread->block_begin; b < thread->block_end; b++) {
    int64_t n = 0;
    for (int a = 0; a < ws->block[b].n; a++) {
      int i = ws->order[ws->block[b].first + a];
      n += ws->graph.first_edge[i + 1] - ws->graph.first_edge[i];
    }
    if (n > most) most = (int)n;
  }
  if (most <= thread->edge_capacity) return true;
  size_t n = (size_t)most + (size_t)most / 4 + 16;
  thread->edge_capacity = 0;
  if (!ws->model->engine->scratch_edges(ws->model, thread->scratch, n)) return false;
  thread->edge_capacity = (int)n;
  return true;
}

/* Checks a thread's edges, and marks its receivers that a ghost sends to. */
static ftl_status check_edges(ftl_workspace *ws, const ftl_thread *thread, ftl_error *error) {
  const ftl_graph *graph = &ws->graph;
  int n_atoms = graph->node ? graph->n_atoms : graph->n_total;
  for (int i = thread->receiver_begin; i < thread->receiver_end; i++) {
    char where[64];
    ws->outer[i] = 0;
    snprintf(where, sizeof where, "atom %d", i + 1);
    if (graph->first_edge[i + 1] < graph->first_edge[i])
      return ftl_fail(error, FTL_ERR_ARGUMENT, where, "first_edge decreases");
    if (graph->species[i] >= ws->model->n_species)
      return ftl_fail(error, FTL_ERR_INPUT, where, "species index %d; the model is open for %d elements",
                      graph->species[i], ws->model->n_species);
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      int atom = graph->sender[e], j = -1;
      if (atom >= 0 && atom < n_atoms) j = ftl_graph_node(graph, atom);
      if (j < 0 || j >= graph->n_total)
        return ftl_fail(error, FTL_ERR_ARGUMENT, where, "an edge to atom %d of %d", atom, n_atoms);
      double v[3];
      ftl_graph_vector(graph, i, e, v);
      double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
      if (graph->species[i] < 0 || graph->species[j] < 0 || graph->species[j] >= ws->model->n_species)
        return ftl_fail(error, FTL_ERR_INPUT, where,
                        "an edge joins atoms %d and %d, one of which has no element of this model", i + 1, j + 1);
      if (!(r2 > 1e-12))
        return ftl_fail(error, FTL_ERR_INPUT, where,
                        isnan(r2)
                            ? "the distance between atoms %d and %d is not a number; check the positions"
                            : "atoms %d and %d are in the same place; check the starting positions or the time step",
                        i + 1, j + 1);
      if (j >= graph->n_local) ws->outer[i] = 1;
    }
  }
  return FTL_OK;
}

/* Zeroes what a computation adds to. */
static void clear_sums(ftl_workspace *ws) {
  const size_t n_local = (size_t)ws->graph.n_local;
  if (n_local > 0) memset(ws->node_energy, 0, n_local * sizeof(double));
  if (n_local > 0 && ws->output->descriptors) /* atoms of no element have none */
    memset(ws->output->descriptors, 0, n_local * (size_t)ws->model->descriptor_width * sizeof(double));
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_thread *thread = &ws->thread[k];
    memset(thread->virial, 0, sizeof thread->virial);
    if (!thread->slot_of) continue;
    memset(thread->slot_forces, 0, (size_t)thread->n_slots * sizeof *thread->slot_forces);
    if (ws->output->centroid_virial)
      memset(thread->slot_centroid, 0, (size_t)thread->n_slots * sizeof *thread->slot_centroid);
    if (ws->output->committee_forces)
      memset(thread->slot_committee, 0,
             (size_t)thread->n_slots * 3 * (size_t)ws->model->n_committee * sizeof *thread->slot_committee);
  }
}

/* What the output asks for beyond energies and forces: sweeps, and what the energies are linear in. */
static ftl_status count_requests(ftl_workspace *ws, ftl_error *error) {
  const ftl_model *model = ws->model;
  const ftl_output *output = ws->output;
  FTL_TRY(ftl_uncertainty_check(model, output, error));
  if (output->descriptors && !model->descriptor)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, "descriptors",
                    "a linear or PACE potential has no layers whose features could be given; MACE and SevenNet models "
                    "have");
  ws->first_member = output->centroid_virial && model->arch.n_layers > 1 ? 4 : 1;
  ws->n_sweeps = ws->first_member + (model->trust && output->committee_forces ? model->n_committee : 0);
  ws->inputs = NULL;
  if (!model->trust || (!output->extrapolation && !output->energy_deviation)) return FTL_OK;
  const size_t n = (size_t)ws->graph.n_local * (size_t)model->n_last;
  if (n >= ws->inputs_count) {
    ws->inputs_count = 0;
    if (!ftl_renew(&ws->inputs_room, (n + n / 8 + 1) * sizeof(double)))
      return ftl_no_memory(error, NULL, "the uncertainty of %d atoms", ws->graph.n_local);
    ws->inputs_count = n + n / 8 + 1;
  }
  ws->inputs = ws->inputs_room;
  return FTL_OK;
}

ftl_status ftl_workspace_load(ftl_workspace *ws, const ftl_graph *graph, ftl_error *error) {
  static const int64_t no_edges[1] = {0};
  ws->stage = FTL_IDLE;
  if (!graph || graph->n_local < 0 || graph->n_total < graph->n_local || (graph->n_total > 0 && !graph->species) ||
      (graph->n_local > 0 && !graph->first_edge))
    return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_begin: an incomplete graph");
  ws->graph = *graph;
  if (graph->n_local == 0) ws->graph.first_edge = no_edges;
  int64_t n_edges = ws->graph.first_edge[graph->n_local];
  if (n_edges < 0 || (n_edges > 0 && (!graph->sender || (!graph->vector && !graph->position))))
    return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_begin: edges without senders, or neither vectors nor positions");
  FTL_TRY(count_requests(ws, error));
  ftl_status status = reserve(ws, graph->n_local, graph->n_total, error);
  if (status) return status;
  partition(ws);
  bool memory = true;
  int bad = -1;
  ftl_error *errors = calloc((size_t)ws->n_threads, sizeof *errors);
  if (!errors) return ftl_no_memory(error, NULL, "a computation");
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++) check_edges(ws, &ws->thread[k], &errors[k]);
  for (int k = ws->n_threads - 1; k >= 0; k--)
    if (errors[k].code) bad = k;
  if (bad >= 0) {
    status = errors[bad].code;
    if (error) *error = errors[bad];
  }
  free(errors);
  if (status) return status;
  make_blocks(ws);
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1) reduction(&& : memory)
  for (int k = 0; k < ws->n_threads; k++)
    memory = reserve_edges(ws, &ws->thread[k]) && (ws->n_threads == 1 || ftl_slots_make(ws, &ws->thread[k])) && memory;
  if (!memory) return ftl_no_memory(error, NULL, "the threads' buffers");
  clear_sums(ws);
  ws->bytes = bytes_held(ws);
  return FTL_OK;
}
