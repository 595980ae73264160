/* Edges of a graph, whichever way the host describes them. */
#ifndef FTL_GRAPH_H
#define FTL_GRAPH_H

#include "frozentl.h"

/* The node of an atom. */
static inline int ftl_graph_node(const ftl_graph *graph, int atom) { return graph->node ? graph->node[atom] : atom; }

/* r_ij of edge e of receiver i. */
static inline void ftl_graph_vector(const ftl_graph *graph, int i, int64_t e, double v[3]) {
  const double *to = graph->vector ? graph->vector[e] : graph->position[graph->sender[e]];
  const double *from = graph->vector ? (const double[3]){0, 0, 0} : graph->position[i];
  for (int x = 0; x < 3; x++) v[x] = to[x] - from[x];
}

#endif
