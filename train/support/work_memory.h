/* Memory that other libraries take: had before it is needed, since they do not say when there is none. OpenBLAS waits
   for ever, OpenMP ends the process. */
#ifndef FTL_MEMORY_H
#define FTL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "frozentl.h"

/* Bytes that this process can still have: of the machine (MemAvailable), of its limits (ulimit -v, -d) and of its
   control group. SIZE_MAX: unknown. */
size_t ftl_free_bytes(void);

/* Whether, after a large allocation, something is left for libraries' small ones: OpenBLAS does not look whether it got
   them. Whoever allocates before calls of OpenBLAS asks this, and gives up if not. */
bool ftl_memory_is_left(void);

/* OpenMP's team of `threads`, which may all call OpenBLAS at once, and OpenBLAS' own threads, `blas_threads` with the
   caller. FTL_ERR_MEMORY says what for. threads 0: as many as OpenMP takes. */
ftl_status ftl_work_start(int threads, int blas_threads, ftl_error *error);

#endif
