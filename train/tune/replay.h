/* Replay: structures of the foundation's kind that are trained on beside the user's, so that the model does not forget
   them. */
#ifndef FTL_REPLAY_H
#define FTL_REPLAY_H

#include "tune/setup.h"

/* There is replay, from files or sampled. */
bool ftl_replay_wanted(const ftl_recipe *recipe);
/* Reads replay.data into setup->sets.replay, without atoms that are isolated at this cutoff. */
ftl_status ftl_replay_read(const ftl_recipe *recipe, double cutoff, ftl_sets *sets, ftl_error *error);
/* With replay.labels foundation: labels become what the network, which still is the foundation, answers. */
ftl_status ftl_replay_label(ftl_setup *setup, ftl_error *error);
/* The labels of a structure become what a model answers. FTL_ERR_MEMORY. */
ftl_status ftl_replay_relabel(ftl_structure *structure, const ftl_prediction *prediction, ftl_error *error);
/* Energies of replay follow when E0 of the shared head changes from `before` to setup->baseline. */
ftl_status ftl_replay_shift(ftl_setup *setup, const ftl_baseline *before, ftl_error *error);
/* Moves replay to the end of train, with its weight, and makes setup->own, batches and heads. */
ftl_status ftl_replay_join(ftl_setup *setup, ftl_error *error);

#endif
