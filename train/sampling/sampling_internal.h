/* Shared by the files of sampling. */
#ifndef FTL_SAMPLING_INTERNAL_H
#define FTL_SAMPLING_INTERNAL_H

#include "sampling/sampling.h"

/* ---- one run (run.c) ---- */

typedef struct {
  ftl_sampling_end end;
  bool relaxed;       /* the start was too hot as it was */
  bool stopped;       /* the host asked to: not finished, frames are of no use */
  ftl_dataset frames; /* candidates in order; `frame` of a structure is its step */
} ftl_sampling_result;

/* What one thread uses for run after run. */
typedef struct {
  const ftl_sampling_plan *plan;
  const ftl_model *model;
  ftl_workspace *workspace;
  ftl_workspace *teacher; /* of options.teacher */
  ftl_neighbours scratch;
  void *context;
  bool (*step)(void *context, double work); /* called after a step; true: stop */
} ftl_sampler;

/* *result must be zero; the caller frees its frames, also after a failure. Errors are those that end the sampling. */
ftl_status ftl_sampler_run(ftl_sampler *sampler, int64_t run, ftl_sampling_result *result, ftl_error *error);

/* Strained and rattled as the job says; made as that of ftl_sample_make. */
ftl_status ftl_sampling_strain(const ftl_sampling_job *job, const ftl_structure *from, ftl_random *random,
                               ftl_structure *made, ftl_error *error);
void ftl_sampling_seed(const ftl_sampling_plan *plan, int64_t run, ftl_random *random);

/* ---- the folder (store.c) ---- */

typedef struct {
  bool finished, relaxed;
  ftl_sampling_end end;
  int64_t frames;
  char sha256[FTL_SHA256_HEX]; /* of its file */
} ftl_sampling_entry;

typedef struct {
  const ftl_sampling_plan *plan;
  char *folder;
  ftl_sampling_entry *entry;   /* [plan->n] */
  char sha256[FTL_SHA256_HEX]; /* of candidates.xyz; "" while it is not there */
} ftl_sampling_store;

/* Makes the folder, or reads what is in it; runs whose files are missing or changed count as unfinished. Free it also
   after a failure. */
ftl_status ftl_sampling_store_open(const ftl_sampling_plan *plan, const char *folder, ftl_sampling_store *store,
                                   ftl_error *error);
void ftl_sampling_store_free(ftl_sampling_store *store);
/* One thread at a time. */
ftl_status ftl_sampling_store_add(ftl_sampling_store *store, int64_t run, const ftl_sampling_result *result,
                                  ftl_error *error);
/* All runs are finished: candidates.xyz, and runs/ goes. */
ftl_status ftl_sampling_store_finish(ftl_sampling_store *store, ftl_error *error);
ftl_status ftl_sampling_store_load(const ftl_sampling_store *store, ftl_dataset *candidates, ftl_error *error);

#endif
