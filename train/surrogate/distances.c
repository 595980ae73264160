#include "surrogate/distances.h"

#include <math.h>
#include <string.h>

#include "base/radii.h"

void ftl_nearest_begin(ftl_nearest *nearest, int n_elements) {
  for (int k = 0; k < n_elements * n_elements; k++) nearest[k] = (ftl_nearest){.shortest = INFINITY, .r = INFINITY};
}

static void look(const ftl_structure *structure, const ftl_graph *g, double cutoff, int i, int64_t e,
                 ftl_nearest *nearest) {
  const double *v = g->vector[e], r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  const int j = g->sender[e];
  if (r >= cutoff) return;
  if (r < nearest->shortest) nearest->shortest = r;
  if (i == j || r >= nearest->r) return;
  nearest->r = r;
  nearest->structure = structure;
  nearest->atom = i;
  nearest->neighbour = j;
  memcpy(nearest->bond, v, sizeof nearest->bond);
}

ftl_status ftl_nearest_pairs(const ftl_dataset *dataset, const int *elements, int n_elements, double cutoff,
                             ftl_nearest *nearest, ftl_error *error) {
  ftl_neighbours scratch = {0};
  ftl_status status = FTL_OK;
  for (int64_t s = 0; s < dataset->n && !status; s++) {
    const ftl_structure *structure = &dataset->structure[s];
    ftl_structure_graph graph;
    status = ftl_structure_graph_build(structure, elements, n_elements, cutoff, &scratch, &graph, error);
    const ftl_graph *g = &graph.graph;
    for (int i = 0; !status && i < g->n_local; i++)
      for (int64_t e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
        look(structure, g, cutoff, i, e, &nearest[g->species[i] * n_elements + g->species[g->sender[e]]]);
    ftl_structure_graph_free(&graph);
  }
  ftl_neighbours_free(&scratch);
  return status;
}

void ftl_inner_cutoffs(const ftl_nearest *nearest, const int *elements, int n_elements, double fraction,
                       double *inner) {
  for (int i = 0; i < n_elements; i++)
    for (int j = 0; j < n_elements; j++) {
      double seen = nearest[i * n_elements + j].shortest;
      double radii = ftl_covalent_radii[elements[i]] + ftl_covalent_radii[elements[j]];
      inner[i * n_elements + j] = fraction * (isfinite(seen) ? seen : radii);
    }
}
