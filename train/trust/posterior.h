/* The posterior of the last layer's weights (docs/uncertainty.md, eq. U5). */
#ifndef FTL_POSTERIOR_H
#define FTL_POSTERIOR_H

#include "model/trust.h"
#include "surrogate/triangle.h"

/* Sets factor and committee from equations, with a prior of largest evidence around the model's weights; `effective` is
   how many of the weights the data determine. FTL_ERR_INPUT as ftl_solve; FTL_ERR_MEMORY. */
ftl_status ftl_posterior_set(const ftl_triangle *equations, uint64_t seed, ftl_trust *trust, double *effective,
                             ftl_error *error);

#endif
