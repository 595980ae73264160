/* What is wrong or doubtful about the data of a run, told before it trains: by labels alone, and by what the foundation
   answers for some of the structures. */
#ifndef FTL_FIT_CHECK_H
#define FTL_FIT_CHECK_H

#include "tune/setup.h"

/* Each tells the host what it finds, and keeps it in setup->findings; FTL_ERR_INPUT with the first fatal finding. With
   the recipe's checks: warn, and in a resumed run, findings that may be accepted are remarks. */

/* Labels alone; sets and source are there. */
ftl_status ftl_check_labels(ftl_setup *setup, bool resumed, ftl_error *error);
/* Against the foundation, with the values of its file; network and team are there. Nothing without a foundation. */
ftl_status ftl_check_answers(ftl_setup *setup, ftl_error *error);
/* The same for energies, after E0 changed from `before`. */
ftl_status ftl_check_zero(ftl_setup *setup, const ftl_baseline *before, ftl_error *error);

#endif
