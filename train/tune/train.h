/* The training loop: a recipe in, a run folder (tune/log.h) out. */
#ifndef FTL_TRAIN_H
#define FTL_TRAIN_H

#include <stdbool.h>

#include "data/dataset.h"
#include "model/architecture.h"
#include "support/host.h"
#include "tune/train_recipe.h"

/* What ending the process would lose. Before the first phase: nothing. */
typedef enum {
  FTL_TRAIN_BEGUN,  /* nothing, but there is a recipe to resume from */
  FTL_TRAIN_STEPS,  /* steps since the last state: set *stop, and the run ends in order */
  FTL_TRAIN_REPORT, /* nothing: the model and the state are written, errors are being computed */
  FTL_TRAIN_ENDING, /* nothing: all files are written, the state is about to say so; the run ends by itself */
} ftl_train_phase;

typedef enum {
  FTL_TRAIN_DONE,        /* epochs, steps or patience used up */
  FTL_TRAIN_INTERRUPTED, /* can be resumed; no error */
  FTL_TRAIN_FAILED,      /* something that is read, or the recipe */
  FTL_TRAIN_DIVERGED,    /* the error says which structure; RUN/model.ftl is the best model before */
  FTL_TRAIN_UNWRITTEN    /* the run folder cannot be written; what was written before stays */
} ftl_train_end;

/* Of a run with the option `trust`: sets source->trust (model/trust.h) of the best model, which has one head, from what
   it was trained and validated on, before it is written for the last time; leaves it if that takes the work of more
   than `most` gradients of a structure. The folders of the order in scripts/check_includes.py that can do it are above
   this one. */
typedef ftl_status ftl_train_teach(const ftl_host *host, ftl_source *source, const ftl_dataset *train,
                                   const ftl_dataset *valid, double most, int threads, ftl_error *error);

/* Trains into the folder recipe->output, which is made and must not hold a run yet (FTL_ERR_INPUT). The recipe has been
   checked; what it leaves open gets the defaults that suit the data (tune/suit.h). *end is always set, and
   FTL_TRAIN_DONE or FTL_TRAIN_INTERRUPTED exactly when the status is FTL_OK. With several ranks all of them call this;
   one that fails alone leaves the others waiting: end them. Calls of the host may be NULL; progress is in optimiser
   steps, and `stop` leaves the step, writes the state and ends in FTL_TRAIN_INTERRUPTED. */
ftl_status ftl_train(ftl_recipe *recipe, const ftl_host *host, ftl_train_teach *teach, ftl_train_end *end,
                     ftl_error *error);

/* Goes on with the run in this folder, from its last state, with its recipe.yaml. Of `changes` the options that may
   change (ftl_train_may_change) replace those of the recipe where they are given. FTL_ERR_INPUT: the run is finished;
   another process works on it; the recipe has other settings, or files other content, than when the run began (files
   are looked for, support/inputs.h). */
ftl_status ftl_train_resume(const char *run, const ftl_recipe *changes, const ftl_host *host, ftl_train_teach *teach,
                            ftl_train_end *end, ftl_error *error);
/* Whether the run in this folder has nothing left to do: steps, errors and tables. A folder without a state has not.
   Errors of ftl_state_read. */
ftl_status ftl_train_is_finished(const char *run, bool *finished, ftl_error *error);
/* Options that a run that goes on may have other values of: how long it goes on, and how it works; and where files are,
   whose content must be the same. */
bool ftl_train_may_change(const char *key);

#endif
