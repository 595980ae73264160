/* Filling an ftl_error. Internal to core and train. */
#ifndef FTL_ERROR_H
#define FTL_ERROR_H

#include "frozentl.h"

/* Returns `code`, so that a caller can write: return ftl_fail(error, FTL_ERR_FORMAT, path, "...", ...). Text that does
   not fit is cut, and what a terminal would act on is replaced by '?'. `where` may be NULL. error may be NULL. */
ftl_status ftl_fail(ftl_error *error, ftl_status code, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* FTL_ERR_MEMORY with the one sentence for it: "no memory for " and what for, with what could be done about it where
   there is something: ftl_no_memory(error, path, "a neighbour list of %d atoms", n). */
ftl_status ftl_no_memory(ftl_error *error, const char *where, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* Passes a failure on: returns from the calling function, which has nothing to clean up (or leaves that to its caller).
   Where there is something, steps are chained by `if (!status) status = ...` down to the clean-up. */
#define FTL_TRY(expression)                                                                                            \
  do {                                                                                                                 \
    const ftl_status ftl_try_status = (expression);                                                                    \
    if (ftl_try_status) return ftl_try_status;                                                                         \
  } while (0)

/* Says where for an error that another function has filled. error may be NULL. */
void ftl_error_place(ftl_error *error, const char *where);

#endif
