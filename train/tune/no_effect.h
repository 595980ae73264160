/* Options of a run that are given and could not act, beyond what the conditions of the table say. */
#ifndef FTL_NO_EFFECT_H
#define FTL_NO_EFFECT_H

#include "tune/setup.h"

/* After everything of the setup is made. FTL_ERR_INPUT names the option, why it cannot act and what to do; what is only
   unwise goes to the host. */
ftl_status ftl_no_effect_check(const ftl_setup *setup, ftl_error *error);

#endif
