/* OpenMP ends the process when it cannot make its threads; a library must not. Internal to core and train. */
#ifndef FTL_THREADS_H
#define FTL_THREADS_H

#include "frozentl.h"

/* Tries whether a team of n can be had, and makes none: a process that has no team can still fork. FTL_ERR_MEMORY says
   how many threads could be made. */
ftl_status ftl_threads_check(int n, ftl_error *error);

/* Makes the calling thread's OpenMP team of n, after that check. */
ftl_status ftl_threads_start(int n, ftl_error *error);

/* Tries only: whether n threads more can run at once, with stacks as OpenMP makes them; how many could. */
int ftl_threads_possible(int n);

#endif
