/* Between the parts of ftl_scratch_new. */
#ifndef FTL_SCRATCH_INTERNAL_H
#define FTL_SCRATCH_INTERNAL_H

#include "new_model/new_model.h"

/* The options are complete and make sense, one by one and together. FTL_ERR_INPUT, FTL_ERR_UNSUPPORTED. */
ftl_status ftl_scratch_check(const ftl_scratch_options *options, ftl_error *error);

/* The architecture of checked options. FTL_ERR_MEMORY: what was allocated so far is in arch, for ftl_source_free. */
ftl_status ftl_scratch_architecture(const ftl_scratch_options *options, ftl_architecture *arch, ftl_error *error);

/* Adds every tensor that the architecture needs to source->tensors, sorted. FTL_ERR_MEMORY; FTL_ERR_UNSUPPORTED for
   more paths than there is room for. */
ftl_status ftl_scratch_tensors(const ftl_scratch_options *options, ftl_random *random, ftl_source *source,
                               ftl_error *error);

#endif
