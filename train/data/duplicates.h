/* Structures that are in a data set, or in several, more than once. */
#ifndef FTL_DUPLICATES_H
#define FTL_DUPLICATES_H

#include "data/dataset.h"

typedef struct {
  int64_t count;                       /* structures of the second set that are also in the first; within one set: those
                                          that are there already */
  const ftl_structure *first, *second; /* the first of them in the second set, and its twin in the first set */
  int64_t relabelled;                  /* of them, those with other labels: energy, forces or stress of another kind */
  double other;                        /* private: how far the worst one's labels are off */
  const ftl_structure *worst, *worst_twin; /* in the first set, in the second; NULL without one */
} ftl_duplicates;

/* pairs[n_sets][n_sets], zero; [a][b] with a <= b is filled. Same (data/same.h): up to
   the order of atoms, lattice translations and a common shift. Time n log n. FTL_ERR_MEMORY. */
ftl_status ftl_duplicates_find(const ftl_dataset *const *sets, int n_sets, ftl_duplicates *pairs, ftl_error *error);

#endif
