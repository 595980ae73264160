/* Constants that a `.ftl` file of version 2 leaves out, and its reader makes: U matrices, which follow from an irrep
   and the correlation, and are most of a small model (docs/ftl-format.md, section 4.8). */
#ifndef FTL_LEFT_OUT_H
#define FTL_LEFT_OUT_H

#include "model/architecture.h"

/* left[tensors.n]: whether a reader makes the tensor from the others, to the bit. *n says how many. FTL_ERR_MEMORY. */
ftl_status ftl_left_out_find(const ftl_source *source, bool *left, int *n, ftl_error *error);

/* Adds those that are missing and can be made; others are left to ftl_source_check. FTL_ERR_MEMORY. */
ftl_status ftl_left_out_make(ftl_source *source, ftl_error *error);

#endif
