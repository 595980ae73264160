/* Sums that cross threads: a thread's edges reach nodes that other threads own, and add to private rows instead, which
   the owners collect. */
#include <stdlib.h>
#include <string.h>

#include "engine/stages.h"
#include "engine/fork_team.h"
#include "base/array.h"

/* A reverse-mode row of any layer, in numbers. */
static int widest_adjoint(const ftl_model *model) {
  int widest = 0;
  for (int t = 1; t < model->arch.n_layers; t++)
    if (model->layer[t].conv.edge.dim > widest) widest = model->layer[t].conv.edge.dim;
  return widest;
}

static bool owns(const ftl_thread *thread, int j) {
  return (j >= thread->receiver_begin && j < thread->receiver_end) ||
         (j >= thread->ghost_begin && j < thread->ghost_end);
}

static int owner_of(const ftl_workspace *ws, int j) {
  int k = 0;
  while (!owns(&ws->thread[k], j)) k++;
  return k;
}

/* Private rows for the nodes of other threads that this thread's edges reach, grouped by owner. */
bool ftl_slots_make(ftl_workspace *ws, ftl_thread *thread) {
  const ftl_graph *graph = &ws->graph;
  for (int j = 0; j < graph->n_total; j++) thread->slot_of[j] = -1;
  memset(thread->slot_start, 0, ((size_t)ws->n_threads + 1) * sizeof(int));
  int n = 0;
  for (int64_t e = graph->first_edge[thread->receiver_begin]; e < graph->first_edge[thread->receiver_end]; e++) {
    int j = ftl_graph_node(graph, graph->sender[e]);
    if (owns(thread, j) || thread->slot_of[j] >= 0) continue;
    if (FTL_GROW(thread->slot_node, thread->slot_room, n + 1, "rows of other threads' atoms", NULL)) return false;
    thread->slot_of[j] = 0;
    thread->slot_node[n++] = j;
  }
  thread->n_slots = n;
  int *sorted = malloc((thread->slot_room + 1) * sizeof(int)), *owner = malloc(((size_t)n + 1) * sizeof(int));
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
  thread->slot_room++;
  size_t bytes = (size_t)(n * ws->n_sweeps) * (size_t)widest_adjoint(ws->model) * (size_t)ws->model->real_bytes;
  if (bytes > thread->slot_rows_bytes || !thread->slot_rows) {
    thread->slot_rows_bytes = 0;
    if (!ftl_renew(&thread->slot_rows, bytes + bytes / 8 + 64)) return false;
    thread->slot_rows_bytes = bytes + bytes / 8;
  }
  if ((size_t)n > thread->slot_forces_count || !thread->slot_forces) {
    thread->slot_forces_count = 0;
    if (!ftl_renew(&thread->slot_forces, ((size_t)n + (size_t)n / 8 + 8) * sizeof *thread->slot_forces)) return false;
    thread->slot_forces_count = (size_t)n + (size_t)n / 8 + 8;
  }
  const size_t members = 3 * (size_t)ws->model->n_committee * (size_t)n;
  if (ws->output->committee_forces && (members > thread->slot_committee_count || !thread->slot_committee)) {
    thread->slot_committee_count = 0;
    if (!ftl_renew(&thread->slot_committee, (members + members / 8 + 8) * sizeof *thread->slot_committee)) return false;
    thread->slot_committee_count = members + members / 8 + 8;
  }
  if (ws->output->centroid_virial && ((size_t)n > thread->slot_centroid_count || !thread->slot_centroid)) {
    thread->slot_centroid_count = 0;
    if (!ftl_renew(&thread->slot_centroid, ((size_t)n + (size_t)n / 8 + 8) * sizeof *thread->slot_centroid))
      return false;
    thread->slot_centroid_count = (size_t)n + (size_t)n / 8 + 8;
  }
  return true;
}

static void clear_rows(ftl_workspace *ws, ftl_thread *thread, size_t row) {
  if (thread->n_slots > 0 && ws->n_threads > 1)
    memset(thread->slot_rows, 0, (size_t)(thread->n_slots * ws->n_sweeps) * row);
}

void ftl_adjoints_clear(ftl_workspace *ws, int layer) {
  size_t row = (size_t)ws->model->layer[layer + 1].conv.edge.dim * (size_t)ws->model->real_bytes;
  for (int sweep = 0; sweep < ws->n_sweeps && ws->graph.n_total > 0 && !ws->outer_done; sweep++)
    memset(ws->adjoints[sweep][layer], 0, (size_t)ws->graph.n_total * row);
  for (int k = 0; k < ws->n_threads; k++) clear_rows(ws, &ws->thread[k], row);
}

/* Adds another thread's private rows of a sweep to the rows that thread k owns. */
static void reduce_rows(ftl_workspace *ws, int layer, int sweep, const ftl_thread *from, int k) {
  int dim = ws->model->layer[layer + 1].conv.edge.dim, end = ws->outer_done ? ws->graph.n_local : ws->graph.n_total;
  void *rows = ws->adjoints[sweep][layer];
  for (int s = from->slot_start[k]; s < from->slot_start[k + 1]; s++) {
    if (from->slot_node[s] >= end) continue;
    size_t to = (size_t)from->slot_node[s] * (size_t)dim, at = (size_t)(sweep * from->n_slots + s) * (size_t)dim;
    if (ws->model->precision == FTL_DOUBLE)
      for (int c = 0; c < dim; c++) ((double *)rows)[to + (size_t)c] += ((double *)from->slot_rows)[at + (size_t)c];
    else
      for (int c = 0; c < dim; c++) ((float *)rows)[to + (size_t)c] += ((float *)from->slot_rows)[at + (size_t)c];
  }
}

/* Each thread adds the other threads' private rows to the rows it owns, in thread order: no locks, same sums every
   time. Ghosts' rows are left alone once they are final. */
void ftl_adjoints_reduce(ftl_workspace *ws, int layer) {
  if (ws->n_threads == 1) return;
#pragma omp parallel for num_threads(ftl_team(ws)) schedule(static, 1)
  for (int k = 0; k < ws->n_threads; k++)
    for (int from = 0; from < ws->n_threads; from++)
      for (int sweep = 0; sweep < ws->n_sweeps; sweep++) reduce_rows(ws, layer, sweep, &ws->thread[from], k);
}
