/* How close atoms come in data, by pair of elements: where a fit knows nothing, repulsion takes over. */
#ifndef FTL_DISTANCES_H
#define FTL_DISTANCES_H

#include "data/dataset.h"

/* The nearest that two elements come, and two different atoms that do (not images of one). */
typedef struct {
  double shortest;                /* Angstrom; INFINITY: never within the cutoff */
  const ftl_structure *structure; /* the dataset's; NULL: no two atoms */
  int atom, neighbour;
  double r, bond[3]; /* of these two: from the one to the other, or to an image of it */
} ftl_nearest;

/* Looks at the pairs of dataset below the cutoff; nearest[i * n_elements + j], which ftl_nearest_begin has set or other
   datasets have filled, is replaced where one is nearer. FTL_ERR_INPUT as ftl_structure_graph_build; FTL_ERR_MEMORY. */
void ftl_nearest_begin(ftl_nearest *nearest, int n_elements);
ftl_status ftl_nearest_pairs(const ftl_dataset *dataset, const int *elements, int n_elements, double cutoff,
                             ftl_nearest *nearest, ftl_error *error);

/* Inner cutoffs from them: `fraction` of the shortest distance seen, or of the sum of covalent radii for a pair that
   never comes within the cutoff. */
void ftl_inner_cutoffs(const ftl_nearest *nearest, const int *elements, int n_elements, double fraction, double *inner);

#endif
