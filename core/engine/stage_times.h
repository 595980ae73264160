/* What the stage timers of a workspace have counted (engine/timers.h). */
#ifndef FTL_STAGE_TIMES_H
#define FTL_STAGE_TIMES_H

#include <stdio.h>

#include "engine/workspace.h"

extern const char *const ftl_stage_names[FTL_N_STAGES];

/* Seconds by layer and stage, all threads together, since the workspace was made or since the last reset; false, and
   zeros, when built without FTL_TIMERS. */
bool ftl_stage_times(const ftl_workspace *ws, double seconds[FTL_MAX_LAYERS][FTL_N_STAGES]);
void ftl_stage_times_reset(ftl_workspace *ws);

/* A table of them, for a total of `atom_steps` atoms evaluated; nothing when built without FTL_TIMERS. */
void ftl_stage_times_write(const ftl_workspace *ws, double atom_steps, FILE *stream);

#endif
