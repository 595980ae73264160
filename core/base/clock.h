/* The clock. Internal to core and train. */
#ifndef FTL_CLOCK_H
#define FTL_CLOCK_H

#include <time.h>

/* Seconds since some moment in the past, whatever is done to the time of day. */
static inline double ftl_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
