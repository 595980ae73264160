/* Whether a fit determined a potential: nothing is written that means nothing. */
#ifndef FTL_OUTCOME_H
#define FTL_OUTCOME_H

#include "surrogate/fit_run_internal.h"

/* Before the fit, of the structures that are fitted. */
ftl_status ftl_outcome_expected(const ftl_surrogate_state *run, ftl_error *error);
/* The coefficients and the committee, before functions without a coefficient are removed. */
ftl_status ftl_outcome_fitted(const ftl_surrogate_state *run, ftl_error *error);
/* Errors and active sets. */
ftl_status ftl_outcome_measured(const ftl_surrogate_state *run, ftl_error *error);

#endif
