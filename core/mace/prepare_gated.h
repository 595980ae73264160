#ifndef FTL_PREPARE_GATED_H
#define FTL_PREPARE_GATED_H

#include "model/prepared.h"

/* What a layer of the NequIP family has beside its radial parts, which are there. */
ftl_status ftl_prepare_gated(ftl_model *model, const ftl_source *source, int t, ftl_error *error);

#endif
