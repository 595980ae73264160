#include "engine/stage_times.h"

#include <string.h>

#define STAGE_TEXT(name, text) text,
const char *const ftl_stage_names[FTL_N_STAGES] = {FTL_STAGE_LIST(STAGE_TEXT)};
#undef STAGE_TEXT

#ifdef FTL_TIMERS
bool ftl_stage_times(const ftl_workspace *ws, double seconds[FTL_MAX_LAYERS][FTL_N_STAGES]) {
  memset(seconds, 0, sizeof(double[FTL_MAX_LAYERS][FTL_N_STAGES]));
  for (int k = 0; k < ws->n_threads; k++)
    for (int t = 0; t < FTL_MAX_LAYERS; t++)
      for (int s = 0; s < FTL_N_STAGES; s++) seconds[t][s] += ws->thread[k].clock.seconds[t][s];
  return true;
}

void ftl_stage_times_reset(ftl_workspace *ws) {
  for (int k = 0; k < ws->n_threads; k++) memset(ws->thread[k].clock.seconds, 0, sizeof ws->thread[k].clock.seconds);
}
#else
bool ftl_stage_times(const ftl_workspace *ws, double seconds[FTL_MAX_LAYERS][FTL_N_STAGES]) {
  (void)ws;
  memset(seconds, 0, sizeof(double[FTL_MAX_LAYERS][FTL_N_STAGES]));
  return false;
}

void ftl_stage_times_reset(ftl_workspace *ws) { (void)ws; }
#endif

void ftl_stage_times_write(const ftl_workspace *ws, double atom_steps, FILE *stream) {
  double seconds[FTL_MAX_LAYERS][FTL_N_STAGES], total = 0;
  if (!ftl_stage_times(ws, seconds)) return;
  for (int t = 0; t < FTL_MAX_LAYERS; t++)
    for (int s = 0; s < FTL_N_STAGES; s++) total += seconds[t][s];
  fprintf(stream, "%-5s %-30s %16s %8s\n", "layer", "stage", "us/atom/step", "share");
  for (int t = 0; t < FTL_MAX_LAYERS; t++)
    for (int s = 0; s < FTL_N_STAGES; s++)
      if (seconds[t][s] > 0)
        fprintf(stream, "%-5d %-30s %16.3f %7.1f%%\n", t, ftl_stage_names[s], 1e6 * seconds[t][s] / atom_steps,
                100 * seconds[t][s] / total);
  fprintf(stream, "%-36s %16.3f\n", "all stages", 1e6 * total / atom_steps);
}
