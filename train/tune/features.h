/* Random features of a foundation's last layer, for the method linear. */
#ifndef FTL_FEATURES_H
#define FTL_FEATURES_H

#include "tune/team.h"
#include "tune/train_recipe.h"

/* Adds those that the recipe asks for (new_model.h), with the spread of scalars over atoms of train. The same on any
   number of threads and ranks. The team is of the source as it was, and of no use for it afterwards. Errors of the
   sweeps and of ftl_source_add_random_features. */
ftl_status ftl_features_add(const ftl_recipe *recipe, const ftl_dataset *train, ftl_team *team, ftl_source *source,
                            ftl_error *error);

#endif
