/* A model's trust (model/trust.h) as tensors of its `.ftl`: docs/ftl-format.md. */
#ifndef FTL_TRUST_FILE_H
#define FTL_TRUST_FILE_H

#include "model/trust.h"

/* Takes the tensors trust.* out of the table; *trust stays NULL if there are none, and is the caller's.
   FTL_ERR_FORMAT names a tensor that is missing or is not what it should be. */
ftl_status ftl_trust_take(ftl_tensors *tensors, const char *path, ftl_trust **trust, ftl_error *error);
/* Adds them, sorted with the others. Of elements only those of the architecture. FTL_ERR_MEMORY. */
ftl_status ftl_trust_put(const ftl_trust *trust, const ftl_architecture *arch, ftl_tensors *tensors, ftl_error *error);

#endif
