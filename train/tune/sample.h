/* Structures of replay that the program makes itself (replay.sample): those of train and of replay.data with other
   elements of the foundation, strained, rattled and, with replay.temperature, moved by the foundation. */
#ifndef FTL_SAMPLE_H
#define FTL_SAMPLE_H

#include "tune/setup.h"

/* Adds them to sets.replay with the labels that the network gives, which still is the foundation. They depend on the
   recipe, the data and the foundation alone, not on threads and ranks. Those with atoms too close or forces above
   replay.max_force are left out, and how many is said. FTL_ERR_INPUT when too few are good. */
ftl_status ftl_sample_replay(ftl_setup *setup, ftl_error *error);

#endif
