#include "surrogate/distances.h"

#include <math.h>

#include "base/radii.h"

ftl_status ftl_shortest_distances(const ftl_dataset *dataset, const int *elements, int n_elements, double cutoff,
                                  double *shortest, ftl_error *error) {
  ftl_neighbours scratch = {0};
  ftl_status status = FTL_OK;
  for (int64_t s = 0; s < dataset->n && !status; s++) {
    ftl_structure_graph graph;
    status = ftl_structure_graph_build(&dataset->structure[s], elements, n_elements, cutoff, &scratch, &graph, error);
    const ftl_graph *g = &graph.graph;
    for (int i = 0; !status && i < g->n_local; i++)
      for (int64_t e = g->first_edge[i]; e < g->first_edge[i + 1]; e++) {
        const double *v = g->vector[e];
        double r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        double *least = &shortest[g->species[i] * n_elements + g->species[g->sender[e]]];
        if (r < cutoff && r < *least) *least = r;
      }
    ftl_structure_graph_free(&graph);
  }
  ftl_neighbours_free(&scratch);
  return status;
}

void ftl_inner_cutoffs(const double *shortest, const int *elements, int n_elements, double fraction, double *inner) {
  for (int i = 0; i < n_elements; i++)
    for (int j = 0; j < n_elements; j++) {
      double seen = shortest[i * n_elements + j];
      double radii = ftl_covalent_radii[elements[i]] + ftl_covalent_radii[elements[j]];
      inner[i * n_elements + j] = fraction * (isfinite(seen) ? seen : radii);
    }
}
