/* Which of the sampled frames are fitted. */
#ifndef FTL_CHOOSE_H
#define FTL_CHOOSE_H

#include "data/dataset.h"
#include "surrogate/fit_recipe.h"

/* chosen[candidates->n]: `wanted` frames (all, if there are no more) by the recipe's criterion, on the means over each
   element's atoms of the functions of a small basis, of rank 1 and 2. FTL_ERR_INPUT, FTL_ERR_MEMORY. */
ftl_status ftl_choose_frames(const ftl_surrogate_recipe *recipe, const int *elements, int n_elements,
                             const ftl_dataset *candidates, int64_t wanted, bool *chosen, ftl_error *error);

#endif
