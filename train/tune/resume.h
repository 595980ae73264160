/* The recipe and the state that a run goes on with. */
#ifndef FTL_RESUME_H
#define FTL_RESUME_H

#include "tune/state.h"
#include "tune/train.h"

/* Reads RUN/recipe.yaml, with what of `changes` may change (ftl_train_may_change), and RUN/state.ftl; *any false: there
   is none, as the run was killed before its first step, and begins anew. Settings other than those that may change, and
   the content of files, must be as they were when the run began (FTL_ERR_INPUT); files are looked for
   (support/inputs.h). What changed is said to the host. The caller frees recipe and state, also after a failure. */
ftl_status ftl_resume_read(const char *run, const ftl_recipe *changes, const ftl_host *host, ftl_recipe **recipe,
                           ftl_state *state, bool *any, ftl_error *error);

#endif
