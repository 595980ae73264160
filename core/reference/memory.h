/* Memory and weights of the reference: everything it allocates is freed at once. */
#ifndef FTL_REFERENCE_MEMORY_H
#define FTL_REFERENCE_MEMORY_H

#include "base/arena.h"
#include "model/architecture.h"

/* count zeros, at least one. FTL_ERR_MEMORY. */
ftl_status ftl_ref_doubles(ftl_arena *memory, int64_t count, double **values, ftl_error *error);

/* The tensor called `name` (printf-style) as doubles, in the file's order. count >= 0: it must have that many
   elements; < 0: any number. FTL_ERR_FORMAT names a tensor that is absent or has another size. */
ftl_status ftl_ref_weights(ftl_arena *memory, const ftl_source *source, int64_t count, const double **values,
                           ftl_error *error, const char *name, ...) __attribute__((format(printf, 6, 7)));

/* The tensor itself; NULL if absent. */
const ftl_tensor *ftl_ref_tensor(const ftl_source *source, const char *name, ...) __attribute__((format(printf, 2, 3)));

#endif
