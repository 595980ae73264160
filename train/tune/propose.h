/* A recipe for a data set: frozentl train --init. */
#ifndef FTL_PROPOSE_H
#define FTL_PROPOSE_H

#include "tune/train_recipe.h"

/* Looks at recipe->data and settles what is not given exactly as a run with this recipe would (tune/suit.h). note as
   there. FTL_ERR_INPUT when data is not given, or options do not go together; errors of reading. */
ftl_status ftl_propose(ftl_recipe *recipe, char note[300], ftl_error *error);
/* The recipe with comments, on top what was found in the data; `path` is that of the file to be written. FTL_ERR_IO,
   FTL_ERR_MEMORY. */
ftl_status ftl_propose_write(const ftl_recipe *recipe, const char *path, FILE *stream, ftl_error *error);

#endif
