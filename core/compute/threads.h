/* OpenMP ends the process when it cannot make its threads; a library must not. Internal to core and train. */
#ifndef FTL_THREADS_H
#define FTL_THREADS_H

#include "frozentl.h"

/* Makes the calling thread's OpenMP team of n, after trying whether its threads and their stacks can be had.
   FTL_ERR_MEMORY says how many could. */
ftl_status ftl_threads_start(int n, ftl_error *error);

/* Tries only: whether n threads more can run at once, with stacks as OpenMP makes them; how many could. */
int ftl_threads_possible(int n);

#endif
