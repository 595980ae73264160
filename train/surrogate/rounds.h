/* Rounds of a distillation: the surrogate drives molecular dynamics from the starts, a run is halted where it meets
   what it does not know (gamma) or where the model's forces are others, the model's answers for frames of it are added,
   and a potential is fitted to all; until errors on what is held back stop falling.

   In RUN/rounds/N, N from 1: driver.ftl (or .yace), the potential of the round before, and its errors.csv; sampling/,
   its dynamics; sampled.xyz, the frames that were added; student/, the training of a network. In RUN/rounds.json what
   the finished rounds gave; with it and the folders a run that was interrupted goes on to the same potential. */
#ifndef FTL_ROUNDS_H
#define FTL_ROUNDS_H

#include "surrogate/fit_run_internal.h"

#define FTL_DRIVER "driver.ftl"

/* Fits or trains on run->train, measures, and writes the files of the run. */
typedef ftl_status ftl_surrogate_learn(ftl_surrogate_state *run, bool *interrupted, ftl_error *error);

/* All of it, the first fit included; run->train and run->held are those of the first fit. */
ftl_status ftl_rounds_run(ftl_surrogate_state *run, ftl_surrogate_learn *learn, bool *interrupted, ftl_error *error);

/* Once errors are known, before files are written: they are those of the round under way. Nothing without rounds. */
void ftl_round_measured(ftl_surrogate_state *run);
/* What a round gave, as in rounds.json; NULL without memory. */
json_t *ftl_round_record(const ftl_surrogate_state *run, int round);
/* "RUN/rounds/N/name" of the round under way; NULL without memory. The caller frees it. */
char *ftl_round_path(const ftl_surrogate_state *run, const char *name);

#endif
