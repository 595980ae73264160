/* Filling an ftl_error. Internal to core and train. */
#ifndef FTL_ERROR_H
#define FTL_ERROR_H

#include "frozentl.h"

/* Returns `code`, so that a caller can write: return ftl_fail(error, FTL_ERR_FORMAT, path, "...", ...). Text that does
   not fit is cut, and what a terminal would act on is replaced by '?'. `where` may be NULL. error may be NULL. */
ftl_status ftl_fail(ftl_error *error, ftl_status code, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Says where for an error that another function has filled. error may be NULL. */
void ftl_error_place(ftl_error *error, const char *where);

/* Returns from the calling function when a call fails, with its error. */
#define FTL_TRY(call)                                                                                                  \
  do {                                                                                                                 \
    const ftl_status ftl_try_status = (call);                                                                          \
    if (ftl_try_status) return ftl_try_status;                                                                         \
  } while (0)

#endif
