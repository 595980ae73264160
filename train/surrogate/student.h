/* A network as the student of a distillation (`--student mace:16x0e`): trained by the loop of `frozentl train`, in
   RUN/student, on what the linear potential would be fitted to. */
#ifndef FTL_STUDENT_H
#define FTL_STUDENT_H

#include "surrogate/fit_run_internal.h"

bool ftl_student_is_network(const ftl_surrogate_recipe *recipe);
/* What single atoms must be beyond to be isolated: the student's cutoff, Angstrom. */
double ftl_student_cutoff(const ftl_surrogate_recipe *recipe);

/* FTL_ERR_INPUT: a student that there is not, or an option that it has no use for; what `frozentl train` refuses. */
ftl_status ftl_student_check(const ftl_surrogate_recipe *recipe, ftl_error *error);

/* Training has begun in an earlier part of the run, so that its structures are there. */
bool ftl_student_has_begun(const ftl_surrogate_state *run);
/* Trains on run->train, validates on run->held, or goes on with both; then model.ftl, errors and the report. Labels of
   valid are measured too. */
ftl_status ftl_student_learn(ftl_surrogate_state *run, bool *interrupted, ftl_error *error);

#endif
