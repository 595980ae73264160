/* The structure that a run begins with. */
#include <math.h>

#include "tune/sample_make.h"
#include "sampling/sampling_internal.h"

/* Each run has a place of its own among the seeds, far from those of other sampling seeds. */
void ftl_sampling_seed(const ftl_sampling_plan *plan, int64_t run, ftl_random *random) {
  ftl_random_seed(random, plan->options.seed);
  ftl_random_seed(random, ftl_random_next(random) + (uint64_t)run);
}

static void scale_volume(const ftl_sampling_job *job, int repeat, ftl_random *random, ftl_structure *made) {
  const double place = (repeat + ftl_random_uniform(random)) / job->repeats; /* 0 to 1, a repeat in each part */
  if (made->pbc[0] || made->pbc[1] || made->pbc[2]) ftl_structure_scale(made, cbrt(1 + job->volume * (2 * place - 1)));
}

static int64_t vacancies_of(const ftl_sampling_job *job, int n) {
  return job->vacancies + llround(job->vacancy_fraction * n);
}

ftl_status ftl_sampling_strain(const ftl_sampling_job *job, const ftl_structure *from, ftl_random *random,
                               ftl_structure *made, ftl_error *error) {
  ftl_sample_options options = {.rattle = job->rattle, .strain = job->strain};
  while (options.n_elements < 118) { /* all may stay */
    options.elements[options.n_elements] = options.n_elements + 1;
    options.n_elements++;
  }
  return ftl_sample_make(&options, from, random, made, error);
}

ftl_status ftl_sampling_prepare(const ftl_sampling_plan *plan, int64_t run, ftl_random *random, ftl_structure *made,
                                ftl_error *error) {
  const ftl_sampling_run *r = &plan->run[run];
  const ftl_sampling_job *job = &plan->job[r->job];
  const ftl_structure *start = &plan->starts->structure[r->start];
  ftl_status status =
      job->slab ? ftl_structure_slab(start, &job->surface, made, error) : ftl_structure_copy(start, made, error);
  if (!status) status = ftl_structure_remove(made, vacancies_of(job, made->n), random, error);
  if (!status && job->volume > 0) scale_volume(job, r->repeat, random, made);
  if (!status && job->kind != FTL_SAMPLING_RATTLES && (job->strain > 0 || job->rattle > 0)) {
    ftl_structure strained = {0};
    status = ftl_sampling_strain(job, made, random, &strained, error);
    ftl_structure_replace(made, &strained);
  }
  return status;
}
