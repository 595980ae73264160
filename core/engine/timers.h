/* Time per stage and layer, for docs/performance.md. Compiled in with the CMake option FTL_TIMERS only; without it the
   macros are nothing.

   STAGE_START begins the stages of a layer, and each STAGE_DONE gives the time since the one before it to its stage. */
#ifndef FTL_TIMERS_H
#define FTL_TIMERS_H

#define FTL_STAGE_LIST(STAGE)                                                                                          \
  STAGE(EDGES, "edges and harmonics")                                                                                  \
  STAGE(SUMS, "first sums")                                                                                            \
  STAGE(SUMS_LINEAR, "first linear")                                                                                   \
  STAGE(COUPLING, "coupling coefficients")                                                                             \
  STAGE(CONV, "convolution")                                                                                           \
  STAGE(CONV_LINEAR, "convolution linear")                                                                             \
  STAGE(NORM, "density and gate")                                                                                      \
  STAGE(CONTRACTION, "contraction")                                                                                    \
  STAGE(PRODUCT_LINEAR, "product linear")                                                                              \
  STAGE(READOUT, "readout")                                                                                            \
  STAGE(UP, "linear up and skip")                                                                                      \
  STAGE(UP_REVERSE, "linear up and skip, reverse")                                                                     \
  STAGE(PRODUCT_LINEAR_REVERSE, "product linear, reverse")                                                             \
  STAGE(CONTRACTION_REVERSE, "contraction, reverse")                                                                   \
  STAGE(NORM_REVERSE, "density and gate, reverse")                                                                     \
  STAGE(CONV_LINEAR_REVERSE, "convolution linear, reverse")                                                            \
  STAGE(CONV_REVERSE, "convolution, reverse")                                                                          \
  STAGE(COUPLING_REVERSE, "coupling coefficients, reverse")                                                            \
  STAGE(EDGES_REVERSE, "edge forces")                                                                                  \
  STAGE(SUMS_LINEAR_REVERSE, "first linear, reverse")                                                                  \
  STAGE(SUMS_REVERSE, "first sums, reverse")

#define FTL_STAGE_NAME(name, text) FTL_STAGE_##name,
typedef enum { FTL_STAGE_LIST(FTL_STAGE_NAME) FTL_N_STAGES } ftl_timed_stage;
#undef FTL_STAGE_NAME

#ifdef FTL_TIMERS
#include <time.h>

#include "model/architecture.h"

#ifndef FTL_TIMERS_CLOCK /* CLOCK_THREAD_CPUTIME_ID on a busy machine: coarser, but without other people's work */
#define FTL_TIMERS_CLOCK CLOCK_MONOTONIC
#endif

/* One thread's; part of ftl_thread. */
typedef struct {
  int layer;
  double mark; /* when the stage in work began */
  double seconds[FTL_MAX_LAYERS][FTL_N_STAGES];
} ftl_stage_clock;

static inline double ftl_clock_now(void) {
  struct timespec t;
  clock_gettime(FTL_TIMERS_CLOCK, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void ftl_clock_lap(ftl_stage_clock *clock, ftl_timed_stage stage) {
  double now = ftl_clock_now();
  clock->seconds[clock->layer][stage] += now - clock->mark;
  clock->mark = now;
}

#define STAGE_START(thread, t)    ((thread)->clock.layer = (t), (thread)->clock.mark = ftl_clock_now())
#define STAGE_DONE(thread, stage) ftl_clock_lap(&(thread)->clock, FTL_STAGE_##stage)
#else
#define STAGE_START(thread, t)    ((void)0)
#define STAGE_DONE(thread, stage) ((void)0)
#endif

#endif
