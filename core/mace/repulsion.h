/* The pair repulsion of a model file as the table that ftl_zbl (math/zbl.h) takes. */
#ifndef FTL_REPULSION_H
#define FTL_REPULSION_H

#include "model/architecture.h"

/* pairs[n_elements * n_elements][4], the caller's to free, and the screening's coefficients and the cutoff's exponent.
   FTL_ERR_FORMAT names a tensor that is absent; FTL_ERR_MEMORY. */
ftl_status ftl_repulsion_make(const ftl_source *source, double **pairs, double c[4], int *p, ftl_error *error);

#endif
