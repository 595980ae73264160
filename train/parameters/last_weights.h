/* The last linear map of each readout, as parameters: what a model's energy is linear in (docs/uncertainty.md, eq. U1).
 */
#ifndef FTL_LAST_WEIGHTS_H
#define FTL_LAST_WEIGHTS_H

#include "parameters/parameters.h"

typedef struct {
  int n;                                                         /* weights, in the order of model/trust.h */
  int n_blocks;                                                  /* readouts, and E0 if they are there */
  int64_t offset[FTL_MAX_LAYERS + 1], count[FTL_MAX_LAYERS + 1]; /* in the vector of parameters */
} ftl_last_weights;

/* Finds them and marks them, and nothing else, as trained. FTL_ERR_INPUT for a model of several heads, whose last
   layers are one for each. */
ftl_status ftl_last_weights_mark(const ftl_source *source, ftl_parameters *parameters, ftl_last_weights *layer,
                                 ftl_error *error);
/* Adds E0 of each element, behind all others: energies are linear in them too. FTL_ERR_FORMAT. */
ftl_status ftl_last_weights_mark_e0(const ftl_source *source, ftl_parameters *parameters, ftl_last_weights *layer,
                                    ftl_error *error);
/* weights[n] of a vector of all parameters. */
void ftl_last_weights_take(const ftl_last_weights *layer, const double *parameters, double *weights);
/* The other way. */
void ftl_last_weights_put(const ftl_last_weights *layer, const double *weights, double *parameters);

#endif
