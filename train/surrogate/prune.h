/* Leaving functions without a coefficient out of a surrogate. */
#ifndef FTL_PRUNE_H
#define FTL_PRUNE_H

#include "model/surrogate.h"

/* Drops the functions whose coefficient, and that of every draw, is zero, as relevance determination leaves them: what
   follows (active sets, files, evaluation) costs less. Before the active sets are made. Returns how many went. */
int ftl_surrogate_prune(ftl_surrogate *surrogate);

#endif
