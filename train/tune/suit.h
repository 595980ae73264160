/* The defaults of a run that follow from its data; the others are in the table (recipe.c). */
#ifndef FTL_SUIT_H
#define FTL_SUIT_H

#include "data/dataset.h"
#include "tune/train_recipe.h"

/* Sets what is not given (ftl_options_suit): batch_size and epochs by the number of structures that will be used, 0 for
   the weight of a label that no structure has, E0, scale and shift that stay where there are no labels to fit them to.
   `data` is all of data without isolated atoms. note: "" or a sentence to warn with. FTL_ERR_MEMORY. */
ftl_status ftl_recipe_suit(ftl_recipe *recipe, const ftl_dataset *data, char note[300], ftl_error *error);

#endif
