/* Delta files: what docs/ftl-format.md, section 6 says. */
#ifndef FTL_DELTA_H
#define FTL_DELTA_H

#include "model/architecture.h"

/* `delta` as ftl_ftl_read leaves it (its own tensors only) gets those of its foundation, brought to its elements and
   head. `foundation`: the file to take, or NULL to look for it next to the delta and in FROZENTL_PATH. The result is
   not checked yet. FTL_ERR_IO: not found; FTL_ERR_FORMAT: another digest, or tensors that do not fit. */
ftl_status ftl_delta_complete(ftl_source *delta, const char *foundation, ftl_error *error);

#endif
