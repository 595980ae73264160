/* What is kept of a set of structures between epochs, made when first asked for and as long as memory allows: neighbour
   lists, and what frozen parameters fix of the sweeps (gradient.h). */
#ifndef FTL_GRAPHS_H
#define FTL_GRAPHS_H

#include "data/dataset.h"
#include "gradient/gradient.h"

/* Shared by the sets of a run. */
typedef struct {
  size_t limit, used;
  bool full; /* there was no room for what a sweep left: no more is tried */
} ftl_graph_memory;

typedef struct {
  const ftl_dataset *dataset; /* belongs to the caller; its structures must not change */
  const int *elements;        /* [n_elements] of the model; belongs to the caller */
  int n_elements;
  double cutoff;
  ftl_graph_memory *memory;
  ftl_structure_graph *kept; /* [dataset->n] bytes 0: not made, or there was no room */
  ftl_kept **sweep;          /* [dataset->n] NULL: nothing */
  bool *settled;             /* [dataset->n] counted in memory->used */
} ftl_graphs;

/* A zero ftl_graphs may be freed. FTL_ERR_MEMORY. */
ftl_status ftl_graphs_new(const ftl_dataset *dataset, const int *elements, int n_elements, double cutoff,
                          ftl_graph_memory *memory, ftl_graphs *graphs, ftl_error *error);
void ftl_graphs_free(ftl_graphs *graphs);

/* The graph of structure k. It is in *loose, which the caller frees, when there is no room to keep it. Threads may call
   this for different structures at a time, each with its own scratch and loose. FTL_ERR_INPUT names file, line and
   atom; FTL_ERR_MEMORY. */
ftl_status ftl_graphs_get(ftl_graphs *graphs, int64_t k, ftl_neighbours *scratch, ftl_structure_graph *loose,
                          const ftl_graph **graph, ftl_error *error);

/* ftl_sweep_predict of structure k with what is kept of it; `graph` is what ftl_graphs_get gave. Afterwards, when the
   sweep is done with the structure, ftl_graphs_settle decides whether there is room for what a first prediction left.
 */
ftl_status ftl_graphs_predict(ftl_graphs *graphs, int64_t k, ftl_sweep *sweep, const ftl_graph *graph, int head,
                              bool derivatives, ftl_prediction *prediction, ftl_error *error);
void ftl_graphs_settle(ftl_graphs *graphs, int64_t k);

#endif
