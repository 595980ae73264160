/* What a recipe of `frozentl distill` samples: starting structures and jobs. */
#ifndef FTL_JOBS_H
#define FTL_JOBS_H

#include "sampling/sampling.h"
#include "surrogate/fit_recipe.h"

typedef struct {
  ftl_dataset starts;
  int n;
  ftl_sampling_job *job; /* [n] */
  double *temperature;   /* of all jobs */
  ftl_sampling_options options;
} ftl_jobs;

/* Every word of sample.jobs is a job. FTL_ERR_INPUT. */
ftl_status ftl_jobs_check_words(const ftl_surrogate_recipe *recipe, ftl_error *error);
/* One of them is molecular dynamics. */
bool ftl_jobs_have_dynamics(const ftl_surrogate_recipe *recipe);
/* Of a round: leaves those that are molecular dynamics, with its steps, and a seed of its own. */
void ftl_jobs_of_round(const ftl_surrogate_recipe *recipe, int round, ftl_jobs *jobs);
/* `data` may be NULL; its structures are starts when the recipe names no files. Free it also after a failure.
   FTL_ERR_INPUT names the option and the word that is wrong. */
ftl_status ftl_jobs_make(const ftl_surrogate_recipe *recipe, const ftl_dataset *data, ftl_jobs *jobs, ftl_error *error);
void ftl_jobs_free(ftl_jobs *jobs);

#endif
