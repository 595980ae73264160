/* A fit or a distillation, from recipe to files. */
#ifndef FTL_SURROGATE_RUN_H
#define FTL_SURROGATE_RUN_H

#include "support/host.h"
#include "surrogate/fit_recipe.h"

/* What ending the process would lose. Before the first phase: nothing. */
typedef enum {
  FTL_SURROGATE_BEGUN,    /* nothing, but a distillation has a recipe to resume from; finished samples are on disk */
  FTL_SURROGATE_FITTING,  /* the fit, which begins again */
  FTL_SURROGATE_LEARNING, /* a network's steps since its last state: set *stop, and the run ends in order */
  FTL_SURROGATE_WRITING   /* let it finish: it takes a moment */
} ftl_surrogate_phase;

typedef enum {
  FTL_SURROGATE_DONE,
  FTL_SURROGATE_INTERRUPTED, /* no error: sampling goes on with `resume`; a fit begins again */
  FTL_SURROGATE_FAILED,
  FTL_SURROGATE_UNWRITTEN
} ftl_surrogate_end;

/* Into recipe->output: recipe.yaml, sampling/ (candidates; distill), sampled.xyz (frames that are fitted), model.ftl,
   model.yace, errors.csv, report.json; of a network as student no .yace, but student/ (surrogate/student.h). The folder
   is held meanwhile (support/run_folder.h), and must not hold a run, unless `resume`: then it is the same run that goes
   on, with the recipe and files of the content that it began with; where the files are found goes into `recipe`. *end
   is always set. */
ftl_status ftl_surrogate_run(ftl_surrogate_recipe *recipe, bool resume, const ftl_host *host, ftl_surrogate_end *end,
                             ftl_error *error);

/* The recipe of the run in a folder, which is not checked yet. FTL_ERR_INPUT: it holds no such run. */
ftl_status ftl_surrogate_recipe_of_run(const char *folder, ftl_surrogate_recipe **recipe, ftl_error *error);

#endif
