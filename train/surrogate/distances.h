/* How close atoms come in data, by pair of elements: where a fit knows nothing, repulsion takes over. */
#ifndef FTL_DISTANCES_H
#define FTL_DISTANCES_H

#include "data/dataset.h"

/* Lowers shortest[i * n_elements + j] (symmetric, INFINITY to begin with) to the least distance below the cutoff.
   FTL_ERR_INPUT as ftl_structure_graph_build; FTL_ERR_MEMORY. */
ftl_status ftl_shortest_distances(const ftl_dataset *dataset, const int *elements, int n_elements, double cutoff,
                                  double *shortest, ftl_error *error);

/* Inner cutoffs from them: `fraction` of the shortest distance seen, or of the sum of covalent radii for a pair that
   never comes within the cutoff. */
void ftl_inner_cutoffs(const double *shortest, const int *elements, int n_elements, double fraction, double *inner);

#endif
