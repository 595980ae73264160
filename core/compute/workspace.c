/* Memory and threads of a computation: how atoms are shared among threads, and the sums that cross them. */
#include "compute/workspace.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "ace/uncertainty.h"
#include "compute/stages.h"
#include "model/error.h"

static int largest(int a, int b) { return a > b ? a : b; }

/* A reverse-mode row of any layer, in numbers. */
static int widest_adjoint(const ftl_model *model) {
  int widest = 0;
  for (int t = 1; t < model->arch.n_layers; t++) widest = largest(widest, model->layer[t].conv.edge.dim);
  return widest;
}

/* The fixed-size scratch of a thread, cut from one allocation. */
static ftl_status thread_scratch(const ftl_model *model, ftl_thread *thread, ftl_error *error) {
  int mid = 0, own = 0, message = 0, out = 0, hidden = 0, sums = 0;
  for (int t = 0; t < model->arch.n_layers; t++) {
    const ftl_prepared_layer *layer = &model->layer[t];
    if (t == 0) sums = model->n_species * model->n_sh * layer->first_layer.max_pad;
    if (t > 0) {
      mid = largest(mid, layer->conv.mid.dim);
      own = largest(own, layer->conv.edge.dim);
    }
    message = largest(message, largest(layer->message.dim, layer->target.dim));
    out = largest(out, layer->out.dim);
    for (int r = 0; r < layer->n_readouts; r++) hidden = largest(hidden, 4 * layer->readout[r].n_hidden);
  }
  struct {
    void **buffer;
    int width;
  } parts[] = {{&thread->sums, sums},
               {&thread->mid, mid},
               {&thread->own, own},
               {&thread->own_adjoint, own},
               {&thread->gate_input, message},
               {&thread->gated, message},
               {&thread->residual, message},
               {&thread->product_input, message},
               {&thread->product, out},
               {&thread->h, out},
               {&thread->h_adjoint, out},
               {&thread->message_adjoint, message}};
  size_t total = 0, n_parts = sizeof parts / sizeof *parts;
  for (size_t k = 0; k < n_parts; k++)
    total += ((size_t)parts[k].width * FTL_BLOCK_ATOMS * (size_t)model->real_bytes + 127) / 64 * 64;
  thread->arena = ftl_calloc64(total);
  thread->hidden = calloc((size_t)hidden + 1, sizeof *thread->hidden);
  thread->slot_of_element = calloc((size_t)model->n_species, sizeof(int));
  thread->element_of_slot = calloc((size_t)model->n_species, sizeof(int));
  if (!thread->arena || !thread->hidden || !thread->slot_of_element || !thread->element_of_slot)
    return ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory for a workspace");
  char *at = thread->arena;
  for (size_t k = 0; k < n_parts; k++) {
    *parts[k].buffer = at;
    at += ((size_t)parts[k].width * FTL_BLOCK_ATOMS * (size_t)model->real_bytes + 127) / 64 * 64;
  }
  return model->ace ? ftl_ace_scratch_new(model, &thread->ace, error) : FTL_OK;
}

ftl_status ftl_workspace_new(const ftl_model *model, int n_threads, ftl_workspace **workspace, ftl_error *error) {
  if (!model || !workspace || n_threads < 0)
    return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_workspace_new: NULL model or negative threads");
  ftl_workspace *ws = calloc(1, sizeof *ws);
  if (!ws) return ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory for a workspace");
  ws->model = model;
  ws->n_threads = n_threads > 0 ? n_threads : omp_get_max_threads();
  ws->thread = calloc((size_t)ws->n_threads, sizeof *ws->thread);
  ftl_status status = ws->thread ? FTL_OK : ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory for a workspace");
  for (int k = 0; k < ws->n_threads && !status; k++) status = thread_scratch(model, &ws->thread[k], error);
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
    free(thread->edge);
    free(thread->Y);
    free(thread->dY);
    free(thread->dr);
    free(thread->M);
    free(thread->slot_of_element);
    free(thread->element_of_slot);
    free(thread->hidden);
    free(thread->arena);
    ftl_ace_scratch_free(thread->ace);
  }
  free(ws->thread);
  free(ws->order);
  free(ws->block);
  free(ws->node_energy);
  free(ws->edge_force);
  for (int t = 0; t < FTL_MAX_LAYERS; t++) {
    free(ws->features[t]);
    free(ws->adjoints[t]);
    free(ws->sc[t]);
    free(ws->sc_adjoint[t]);
    free(ws->product_input[t]);
    free(ws->gate_input[t]);
    free(ws->factor[t]);
  }
  ftl_neighbours_free(&ws->neighbours);
  ftl_uncertainty_free(ws->uncertainty);
  free(ws);
}

size_t ftl_workspace_bytes(const ftl_workspace *ws) {
  return ws ? ws->bytes + ftl_neighbours_bytes(&ws->neighbours) + ftl_uncertainty_bytes(ws->uncertainty) : 0;
}

/* A zeroed 64-byte aligned buffer in place of the old one. */
static bool renew(void *pointer, size_t bytes) {
  void **p = pointer;
  free(*p);
  return (*p = ftl_calloc64(bytes)) != NULL;
}

/* Makes room for a graph, with an eighth to spare so that a trajectory seldom grows it again. */
static ftl_status reserve(ftl_workspace *ws, int n_local, int n_total, int64_t n_edges, ftl_error *error) {
  const ftl_model *model = ws->model;
  size_t real_bytes = (size_t)model->real_bytes;
  bool ok = true;
  if (n_total >= ws->node_capacity) { /* also for no atoms at all */
    size_t n = (size_t)n_total + (size_t)n_total / 8 + 8;
    ws->node_capacity = 0;
    for (int t = 0; t + 1 < model->arch.n_layers && ok; t++) {
      size_t row = (size_t)model->layer[t + 1].conv.edge.dim * real_bytes;
      ok = renew(&ws->features[t], n * row) && renew(&ws->adjoints[t], n * row);
    }
    for (int k = 0; k < ws->n_threads && ok && ws->n_threads > 1; k++) {
      ok = renew(&ws->thread[k].slot_of, n * sizeof(int)) &&
           renew(&ws->thread[k].slot_start, ((size_t)ws->n_threads + 1) * sizeof(int));
    }
    if (ok) ws->node_capacity = (int)n;
  }
  if (n_local >= ws->local_capacity && ok) {
    size_t n = (size_t)n_local + (size_t)n_local / 8 + FTL_BLOCK_ATOMS;
    ws->local_capacity = 0;
    size_t n_blocks = n / FTL_BLOCK_ATOMS + (size_t)(ws->n_threads * (model->n_species + 1)) + 1;
    ok = renew(&ws->order, n * sizeof(int)) && renew(&ws->block, n_blocks * sizeof *ws->block) &&
         renew(&ws->node_energy, n * sizeof(double));
    for (int t = 0; t < model->arch.n_layers && ok; t++) {
      const ftl_prepared_layer *layer = &model->layer[t];
      if (t > 0 && layer->has_sc)
        ok = renew(&ws->sc[t], n * (size_t)layer->out.dim * real_bytes) &&
             renew(&ws->sc_adjoint[t], n * (size_t)layer->out.dim * real_bytes);
      if (t + 1 < model->arch.n_layers && ok) {
        ok = renew(&ws->product_input[t], n * (size_t)layer->target.dim * real_bytes);
        if (layer->gated && ok) ok = renew(&ws->gate_input[t], n * (size_t)layer->message.dim * real_bytes);
        if (layer->norm != FTL_NORM_AVERAGE && ok) ok = renew(&ws->factor[t], n * sizeof(double));
      }
    }
    if (ok) ws->local_capacity = (int)n;
  }
  if (n_edges > ws->edge_capacity && ok) {
    size_t n = (size_t)n_edges + (size_t)n_edges / 8 + 64;
    ws->edge_capacity = 0;
    ok = renew(&ws->edge_force, n * sizeof *ws->edge_force);
    if (ok) ws->edge_capacity = (int64_t)n;
  }
  return ok ? FTL_OK
            : ftl_fail(error, FTL_ERR_MEMORY, "",
                       "out of memory for %d atoms and %lld edges; use more ranks or a smaller system", n_total,
                       (long long)n_edges);
}

static size_t bytes_held(const ftl_workspace *ws) {
  const ftl_model *model = ws->model;
  size_t real_bytes = (size_t)model->real_bytes, bytes = (size_t)ws->edge_capacity * sizeof *ws->edge_force;
  size_t nodes = (size_t)ws->node_capacity, locals = (size_t)ws->local_capacity;
  for (int t = 0; t < model->arch.n_layers; t++) {
    const ftl_prepared_layer *layer = &model->layer[t];
    if (t > 0) bytes += 2 * nodes * (size_t)layer->conv.edge.dim * real_bytes;
    if (t > 0 && layer->has_sc) bytes += 2 * locals * (size_t)layer->out.dim * real_bytes;
    if (t + 1 < model->arch.n_layers)
      bytes += locals * (size_t)(layer->target.dim + (layer->gated ? layer->message.dim : 0)) * real_bytes;
  }
  for (int k = 0; k < ws->n_threads; k++)
    bytes += ws->thread[k].slot_rows_bytes + ws->thread[k].slot_forces_count * sizeof *ws->thread[k].slot_forces;
  for (int k = 0; k < ws->n_threads && !model->ace; k++)
    bytes += (size_t)ws->thread[k].edge_capacity * (sizeof(ftl_edge) + (2 * FTL_MAX_SH + 1) * sizeof(double));
  for (int k = 0; k < ws->n_threads && model->ace; k++)
    bytes += ws->thread[k].ace->bytes + ws->thread[k].ace->edge_bytes;
  return bytes + locals * (sizeof(int) + sizeof(double));
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

static bool owns(const ftl_thread *thread, int j) {
  return (j >= thread->receiver_begin && j < thread->receiver_end) ||
         (j >= thread->ghost_begin && j < thread->ghost_end);
}

/* Receivers of each thread grouped by element and cut into blocks. */
static void make_blocks(ftl_workspace *ws) {
  const ftl_graph *graph = &ws->graph;
  ws->n_blocks = ws->n_active = 0;
  for (int k = 0; k < ws->n_threads; k++) {
    ftl_thread *thread = &ws->thread[k];
    int at = thread->receiver_begin;
    thread->block_begin = ws->n_blocks;
    for (int z = 0; z < ws->model->n_species; z++) {
      int first = at;
      for (int i = thread->receiver_begin; i < thread->receiver_end; i++)
        if (graph->species[i] == z) ws->order[at++] = i;
      for (int b = first; b < at; b += FTL_BLOCK_ATOMS)
        ws->block[ws->n_blocks++] = (ftl_block){z, at - b < FTL_BLOCK_ATOMS ? at - b : FTL_BLOCK_ATOMS, b};
    }
    ws->n_active += at - thread->receiver_begin;
    thread->block_end = ws->n_blocks;
  }
}

static bool reserve_edges(const ftl_workspace *ws, ftl_thread *thread) {
  int most = 0, n_m = 1;
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
  for (int t = 1; t < ws->model->arch.n_layers; t++) n_m = largest(n_m, ws->model->layer[t].conv.n_m);
  thread->edge_capacity = 0;
  if (ws->model->ace) {
    if (!ftl_ace_scratch_edges(ws->model, thread->ace, n)) return false;
    thread->edge_capacity = (int)n;
    return true;
  }
  if (!renew(&thread->edge, n * sizeof *thread->edge) || !renew(&thread->Y, n * FTL_MAX_SH * sizeof(double)) ||
      !renew(&thread->dY, n * FTL_MAX_SH * sizeof(double)) || !renew(&thread->dr, n * sizeof(double)) ||
      !renew(&thread->M, n * (size_t)n_m * (size_t)ws->model->real_bytes))
    return false;
  thread->edge_capacity = (int)n;
  return true;
}

static int owner_of(const ftl_workspace *ws, int j) {
  int k = 0;
  while (!owns(&ws->thread[k], j)) k++;
  return k;
}

/* Private rows for the nodes of other threads that this thread's edges reach, grouped by owner. */
static bool make_slots(ftl_workspace *ws, ftl_thread *thread) {
  const ftl_graph *graph = &ws->graph;
  for (int j = 0; j < graph->n_total; j++) thread->slot_of[j] = -1;
  memset(thread->slot_start, 0, ((size_t)ws->n_threads + 1) * sizeof(int));
  int n = 0;
  for (int64_t e = graph->first_edge[thread->receiver_begin]; e < graph->first_edge[thread->receiver_end]; e++) {
    int j = graph->sender[e];
    if (owns(thread, j) || thread->slot_of[j] >= 0) continue;
    if (n == thread->slot_capacity) {
      int capacity = 2 * thread->slot_capacity + 256;
      int *grown = realloc(thread->slot_node, (size_t)capacity * sizeof(int));
      if (!grown) return false;
      thread->slot_node = grown;
      thread->slot_capacity = capacity;
    }
    thread->slot_of[j] = 0;
    thread->slot_node[n++] = j;
  }
  thread->n_slots = n;
  int *sorted = malloc((size_t)(thread->slot_capacity + 1) * sizeof(int)),
      *owner = malloc(((size_t)n + 1) * sizeof(int));
  if (!sorted || !owner) {
    free(sorted);
    free(owner);
    return false;
  }
  for (int s = 0; s < n; s++) thread->slot_start[(owner[s] = owner_of(ws, thread->slot_node[s])) + 1]++;
  for (int k = 0; k < ws->n_threads; k++) thread->slot_start[k + 1] += thread->slot_start[k];
  for (int s = 0; s < n; s++) {
    int at = thread->slot_start[owner[s]]++;
    sorted[at] = thread->slot_node[s];
    thread->slot_of[sorted[at]] = at;
  }
  for (int k = ws->n_threads; k > 0; k--) thread->slot_start[k] = thread->slot_start[k - 1];
  thread->slot_start[0] = 0;
  free(owner);
  free(thread->slot_node);
  thread->slot_node = sorted;
  thread->slot_capacity = thread->slot_capacity + 1;
  size_t bytes = (size_t)n * (size_t)widest_adjoint(ws->model) * (size_t)ws->model->real_bytes;
  if (bytes > thread->slot_rows_bytes || !thread->slot_rows) {
    thread->slot_rows_bytes = 0;
    if (!renew(&thread->slot_rows, bytes + bytes / 8 + 64)) return false;
    thread->slot_rows_bytes = bytes + bytes / 8;
  }
  if ((size_t)n > thread->slot_forces_count || !thread->slot_forces) {
    thread->slot_forces_count = 0;
    if (!renew(&thread->slot_forces, ((size_t)n + (size_t)n / 8 + 8) * sizeof *thread->slot_forces)) return false;
    thread->slot_forces_count = (size_t)n + (size_t)n / 8 + 8;
  }
  return true;
}

/* First bad edge among a thread's: 0 if all are good; else the error is filled. */
static ftl_status check_edges(const ftl_workspace *ws, const ftl_thread *thread, ftl_error *error) {
  const ftl_graph *graph = &ws->graph;
  for (int i = thread->receiver_begin; i < thread->receiver_end; i++) {
    char where[64];
    snprintf(where, sizeof where, "atom %d", i + 1);
    if (graph->first_edge[i + 1] < graph->first_edge[i])
      return ftl_fail(error, FTL_ERR_ARGUMENT, where, "first_edge decreases");
    if (graph->species[i] >= ws->model->n_species)
      return ftl_fail(error, FTL_ERR_INPUT, where, "species index %d; the model is open for %d elements",
                      graph->species[i], ws->model->n_species);
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      int j = graph->sender[e];
      const double *v = graph->vector[e];
      double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
      if (j < 0 || j >= graph->n_total)
        return ftl_fail(error, FTL_ERR_ARGUMENT, where, "edge to node %d of %d", j, graph->n_total);
      if (graph->species[i] < 0 || graph->species[j] < 0 || graph->species[j] >= ws->model->n_species)
        return ftl_fail(error, FTL_ERR_INPUT, where,
                        "an edge joins atoms %d and %d, one of which has no element of this model", i + 1, j + 1);
      if (!(r2 > 1e-12))
        return ftl_fail(error, FTL_ERR_INPUT, where,
                        isnan(r2)
                            ? "the distance between atoms %d and %d is not a number; check the positions"
                            : "atoms %d and %d are in the same place; check the starting positions or the time step",
                        i + 1, j + 1);
    }
  }
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
  if (n_edges < 0 || (n_edges > 0 && (!graph->sender || !graph->vector)))
    return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_begin: edges without senders or vectors");
  ftl_status status = reserve(ws, graph->n_local, graph->n_total, n_edges, error);
  if (status) return status;
  partition(ws);
  bool memory = true;
  int bad = -1;
  ftl_error *errors = calloc((size_t)ws->n_threads, sizeof *errors);
  if (!errors) return ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory");
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1)
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
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1) reduction(&& : memory)
  for (int k = 0; k < ws->n_threads; k++)
    memory = reserve_edges(ws, &ws->thread[k]) && (ws->n_threads == 1 || make_slots(ws, &ws->thread[k])) && memory;
  if (!memory) return ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory for the threads' buffers");
  if (graph->n_local > 0) memset(ws->node_energy, 0, (size_t)graph->n_local * sizeof(double));
  if (n_edges > 0) memset(ws->edge_force, 0, (size_t)n_edges * sizeof *ws->edge_force);
  ws->bytes = bytes_held(ws);
  return FTL_OK;
}

void ftl_adjoints_clear(ftl_workspace *ws, int layer) {
  size_t row = (size_t)ws->model->layer[layer + 1].conv.edge.dim * (size_t)ws->model->real_bytes;
  if (ws->graph.n_total > 0) memset(ws->adjoints[layer], 0, (size_t)ws->graph.n_total * row);
  for (int k = 0; k < ws->n_threads && ws->n_threads > 1; k++)
    if (ws->thread[k].n_slots > 0) memset(ws->thread[k].slot_rows, 0, (size_t)ws->thread[k].n_slots * row);
}

/* Each thread adds the other threads' private rows to the rows it owns, in thread order: no locks, same sums every
 * time. */
void ftl_adjoints_reduce(ftl_workspace *ws, int layer) {
  if (ws->n_threads == 1) return;
  int dim = ws->model->layer[layer + 1].conv.edge.dim;
#pragma omp parallel for num_threads(ws->n_threads) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++)
    for (int from = 0; from < ws->n_threads; from++) {
      const ftl_thread *thread = &ws->thread[from];
      for (int s = thread->slot_start[k]; s < thread->slot_start[k + 1]; s++) {
        size_t to = (size_t)thread->slot_node[s] * (size_t)dim, at = (size_t)s * (size_t)dim;
        if (ws->model->precision == FTL_DOUBLE)
          for (int c = 0; c < dim; c++)
            ((double *)ws->adjoints[layer])[to + (size_t)c] += ((double *)thread->slot_rows)[at + (size_t)c];
        else
          for (int c = 0; c < dim; c++)
            ((float *)ws->adjoints[layer])[to + (size_t)c] += ((float *)thread->slot_rows)[at + (size_t)c];
      }
    }
}
