/* Which of many structures tell most: those that are fitted of the sampled ones, or labelled of a file's. */
#ifndef FTL_CHOOSE_H
#define FTL_CHOOSE_H

#include "data/dataset.h"
#include "surrogate/fit_recipe.h"

/* chosen[candidates->n]: `wanted` frames (all, if there are no more) by the recipe's criterion, on the means over each
   element's atoms of the functions of a small basis, of rank 1 and 2. FTL_ERR_INPUT, FTL_ERR_MEMORY. */
ftl_status ftl_choose_frames(const ftl_surrogate_recipe *recipe, const int *elements, int n_elements,
                             const ftl_dataset *candidates, int64_t wanted, bool *chosen, ftl_error *error);

/* The same among candidates beside those that are there already (given; may be NULL): list[wanted] of *n_chosen, at
   most `wanted`, in the order in which they are chosen, with gain[wanted] as of ftl_select_d_optimal, or radius as of
   ftl_select_farthest. Of `basis` the elements, cutoffs and radial functions count. Candidates' and given structures'
   elements must be in it (FTL_ERR_INPUT). threads 0: all. */
ftl_status ftl_choose_structures(const ftl_basis_options *basis, const ftl_dataset *given,
                                 const ftl_dataset *candidates, int64_t wanted, bool by_distance, int threads,
                                 int64_t *list, double *gain, int64_t *n_chosen, ftl_error *error);

#endif
