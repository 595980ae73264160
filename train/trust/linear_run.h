/* The last layer in closed form (docs/uncertainty.md, eqs. L1 and L2): `frozentl train --method linear`. */
#ifndef FTL_LINEAR_RUN_H
#define FTL_LINEAR_RUN_H

#include "tune/train_run.h"

/* What ftl_train does in place of steps: makes the equations of train, solves them for one strength of the prior after
   another, and keeps the solution with the smallest loss on valid. Interrupted, it begins again when it goes on: it
   takes seconds. All ranks call. FTL_ERR_INPUT, FTL_ERR_MEMORY, and of writing. */
ftl_train_solve ftl_linear_solve;

#endif
