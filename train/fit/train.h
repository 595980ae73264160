/* The training loop: a recipe in, a run folder (fit/log.h) out. */
#ifndef FTL_TRAIN_H
#define FTL_TRAIN_H

#include "fit/log.h"
#include "fit/recipe.h"

/* What the loop tells its host while it runs. Each call may be NULL. */
typedef struct {
  void *context;
  void (*say)(void *context, const char *text);               /* a line for the user: tables, warnings */
  void (*epoch)(void *context, const ftl_log_epoch *epoch);   /* an epoch is done */
  void (*progress)(void *context, double done, double total); /* optimiser steps */
  volatile const int *stop; /* becomes nonzero: finish the step, write the state, return FTL_TRAIN_INTERRUPTED */
} ftl_train_host;

typedef enum {
  FTL_TRAIN_DONE,        /* epochs, steps or patience used up */
  FTL_TRAIN_INTERRUPTED, /* *stop became nonzero; can be resumed */
  FTL_TRAIN_DIVERGED     /* the error says which structure; RUN/model.ftl is the best model before */
} ftl_train_end;

/* Trains into the folder recipe->output, which is made and must not hold a run yet (FTL_ERR_INPUT). The recipe has been
   checked. Errors of reading and writing as everywhere; what was written before stays. */
ftl_status ftl_train(const ftl_recipe *recipe, const ftl_train_host *host, ftl_train_end *end, ftl_error *error);

/* Goes on with the run in this folder, from its last state, with its recipe.yaml; `epochs` > 0 replaces the number of
   epochs and threads > 0 that of threads. A run that is finished is FTL_ERR_INPUT. */
ftl_status ftl_train_resume(const char *run, int64_t epochs, int64_t threads, const ftl_train_host *host,
                            ftl_train_end *end, ftl_error *error);

#endif
