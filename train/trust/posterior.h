/* The posterior of the last layer's weights (docs/uncertainty.md, eq. U5). */
#ifndef FTL_POSTERIOR_H
#define FTL_POSTERIOR_H

#include "model/trust.h"
#include "surrogate/triangle.h"

/* Sets factor and committee from equations of noise 1 and a normal prior of this precision, the same for every weight,
   around the model's. `effective` is how many of the weights the data determine. FTL_ERR_MEMORY. */
ftl_status ftl_posterior_set(const ftl_triangle *equations, double precision, uint64_t seed, ftl_trust *trust,
                             double *effective, ftl_error *error);

#endif
