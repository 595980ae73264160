#include "tune/graphs.h"

#include <stdlib.h>

#include "base/error.h"

ftl_status ftl_graphs_new(const ftl_dataset *dataset, const int *elements, int n_elements, double cutoff,
                          ftl_graph_memory *memory, ftl_graphs *graphs, ftl_error *error) {
  *graphs = (ftl_graphs){.dataset = dataset,
                         .elements = elements,
                         .n_elements = n_elements,
                         .cutoff = cutoff,
                         .memory = memory,
                         .kept = calloc((size_t)dataset->n + 1, sizeof *graphs->kept),
                         .sweep = calloc((size_t)dataset->n + 1, sizeof *graphs->sweep),
                         .settled = calloc((size_t)dataset->n + 1, sizeof *graphs->settled)};
  return graphs->kept && graphs->sweep && graphs->settled ? FTL_OK : ftl_no_memory(error, NULL, "the neighbour lists");
}

/* The memory goes back to the other sets of the run. */
static void give_back(ftl_graphs *graphs) {
  for (int64_t k = 0; graphs->kept && graphs->sweep && graphs->settled && k < graphs->dataset->n; k++)
    graphs->memory->used -= graphs->kept[k].bytes + (graphs->settled[k] ? ftl_kept_bytes(graphs->sweep[k]) : 0);
  if (graphs->memory) graphs->memory->full = false;
}

void ftl_graphs_free(ftl_graphs *graphs) {
  give_back(graphs);
  for (int64_t k = 0; graphs->kept && k < graphs->dataset->n; k++) ftl_structure_graph_free(&graphs->kept[k]);
  for (int64_t k = 0; graphs->sweep && k < graphs->dataset->n; k++) ftl_kept_free(graphs->sweep[k]);
  free(graphs->kept);
  free(graphs->sweep);
  free(graphs->settled);
  *graphs = (ftl_graphs){0};
}

/* Takes the list if there is room for it. What is kept does not change results, so the order of threads may decide. */
static bool keep(ftl_graphs *graphs, int64_t k, ftl_structure_graph *made) {
  ftl_graph_memory *memory = graphs->memory;
  bool room = false;
#pragma omp critical(ftl_graph_memory)
  if (memory->used + made->bytes <= memory->limit) {
    memory->used += made->bytes;
    room = true;
  }
  if (!room) return false;
  graphs->kept[k] = *made;
  *made = (ftl_structure_graph){0};
  return true;
}

ftl_status ftl_graphs_get(ftl_graphs *graphs, int64_t k, ftl_neighbours *scratch, ftl_structure_graph *loose,
                          const ftl_graph **graph, ftl_error *error) {
  if (graphs->kept[k].bytes > 0) {
    *graph = &graphs->kept[k].graph;
    return FTL_OK;
  }
  ftl_structure_graph_free(loose);
  FTL_TRY(ftl_structure_graph_build(&graphs->dataset->structure[k], graphs->elements, graphs->n_elements,
                                    graphs->cutoff, scratch, loose, error));
  *graph = keep(graphs, k, loose) ? &graphs->kept[k].graph : &loose->graph;
  return FTL_OK;
}

ftl_status ftl_graphs_predict(ftl_graphs *graphs, int64_t k, ftl_sweep *sweep, const ftl_graph *graph, int head,
                              bool derivatives, ftl_prediction *prediction, ftl_error *error) {
  bool full;
#pragma omp atomic read
  full = graphs->memory->full;
  if (!graphs->sweep[k] && !full) graphs->sweep[k] = ftl_kept_new(); /* NULL without memory: nothing is kept then */
  return ftl_sweep_predict(sweep, graph, graphs->sweep[k], head, derivatives, prediction, error);
}

void ftl_graphs_settle(ftl_graphs *graphs, int64_t k) {
  ftl_graph_memory *memory = graphs->memory;
  if (!graphs->sweep[k] || graphs->settled[k]) return;
  const size_t bytes = ftl_kept_bytes(graphs->sweep[k]);
#pragma omp critical(ftl_graph_memory)
  if (memory->used + bytes <= memory->limit) {
    memory->used += bytes;
    graphs->settled[k] = true;
  }
  if (graphs->settled[k]) return;
#pragma omp atomic write
  memory->full = true;
  ftl_kept_free(graphs->sweep[k]);
  graphs->sweep[k] = NULL;
}
