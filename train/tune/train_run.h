/* Between the parts of a run: where it is, and what changes with each step. */
#ifndef FTL_RUN_H
#define FTL_RUN_H

#include "base/arena.h"
#include "tune/log.h"
#include "tune/lora_pairs.h"
#include "tune/optimiser.h"
#include "tune/outcome.h"
#include "tune/schedule.h"
#include "tune/setup.h"
#include "tune/train.h"
#include "tune/watch.h"

/* Plain numbers: what is not a vector of a run's state. Everything that decides how it goes on is here. */
typedef struct {
  int64_t epoch;    /* under way, from 1 */
  int64_t position; /* batches of it that are done */
  int64_t stage;    /* 1 or 2 */
  int64_t averaged; /* epochs in the mean of stage two */
  int64_t waited;   /* epochs since the best one, of this stage */
  int64_t best_epoch, best_step;
  int64_t trained;                   /* 1: the last step is taken, errors remain to be computed */
  int64_t finished;                  /* 1: all is written */
  int64_t reason;                    /* why it ended: FTL_REASON_... */
  ftl_random random;                 /* as it was before the order of this epoch was drawn */
  double loss_sum, largest_norm, lr; /* of the epoch so far */
  double best_loss, best_energy, best_forces, best_stress, seconds;
  double best_next; /* next_loss of the best epoch so far */
  double next_loss; /* on valid, as stage two weighs it; NAN when there is none */
  ftl_watch watch;
  ftl_outcome outcome;
} ftl_position;

enum { FTL_REASON_EPOCHS, FTL_REASON_STEPS, FTL_REASON_PATIENCE, FTL_REASON_SOLVED };

typedef struct ftl_run {
  ftl_setup s;
  ftl_position at;
  ftl_optimiser optimiser;
  ftl_schedule schedule;
  ftl_lora lora;             /* lora.n 0: the optimiser moves the values themselves */
  double *values, *gradient; /* [parameters.count] */
  double *moved;             /* what the optimiser moves: values, or the factors of lora */
  double *ema, *mean, *best; /* [optimiser.parameters->count], of what is moved; ema, mean: NULL when not wanted */
  double *mean_before;       /* as mean, before the epoch that is being validated */
  double *whole;             /* [parameters.count] with lora: for ftl_run_whole; else NULL */
  double *part;              /* [batch] */
  ftl_arena memory;          /* of these */
  ftl_predictions valid;
  ftl_train_teach *teach; /* NULL: the model is not to know its errors */
  bool ending;            /* the model that is written is the last one */
  ftl_log *log;           /* on rank 0, as the next one */
  json_t *inputs;         /* ftl_inputs_record: files that the run began with */
  double began;
  double saved;             /* when the state was written last */
  bool owed;                /* model.ftl is not yet the best one */
  double bound;             /* for the watch, in this stage */
  bool unwritten, diverged; /* what kind of failure a status is */
} ftl_run;

/* "RUN/name"; NULL without memory. */
char *ftl_run_path(const ftl_run *run, const char *name);
double ftl_run_seconds(const ftl_run *run); /* since the start, earlier parts included */
bool ftl_run_writes(void);                  /* rank 0 */
/* Marks failures to write, and passes the status on. */
ftl_status ftl_run_written(ftl_run *run, ftl_status status);

/* Total of optimiser steps when nothing stops the run early. */
int64_t ftl_run_total_steps(const ftl_run *run);
bool ftl_run_is_over(const ftl_run *run); /* epochs or steps are used up */
bool ftl_run_stopped(const ftl_run *run); /* the host asks to stop, on any rank */
void ftl_run_start_clock(ftl_run *run);

/* Validates the values before any training (epoch 0), which become the best so far. */
ftl_status ftl_run_first_look(ftl_run *run, ftl_error *error);
/* Validates the numbers that are moved (or what is validated of them), keeps them if they are the best so far, and logs
   them: `line` has what is known of them, and gets the rest. */
ftl_status ftl_run_judge(ftl_run *run, ftl_log_epoch *line, ftl_error *error);
/* Trains to the end, or until the host asks to stop; the state is saved then. */
ftl_status ftl_run_loop(ftl_run *run, bool *interrupted, ftl_error *error);

/* Values of the model from numbers that are moved; with lora they are in run->whole. */
const double *ftl_run_whole(const ftl_run *run, const double *moved);
/* The best values into the source, as the model file has them: rounded to the type of each tensor. `pairs` is filled
   when the file is a delta that holds factors; the caller frees it. FTL_ERR_MEMORY. */
ftl_status ftl_run_put_best(ftl_run *run, ftl_lora_pairs *pairs, ftl_error *error);

/* {"freeze", "train", "rates"} of the recipe. */
json_t *ftl_run_freeze(const ftl_recipe *recipe);
/* RUN/model.ftl if it is owed, then RUN/state.ftl; vectors hold what is trained only. */
ftl_status ftl_run_save(ftl_run *run, ftl_error *error);
/* Vectors and position of a state; run->s and vectors are made. FTL_ERR_FORMAT. */
ftl_status ftl_run_restore(ftl_run *run, const ftl_state *state, ftl_error *error);
/* RUN/model.ftl with the best values. */
ftl_status ftl_run_write_model(ftl_run *run, ftl_error *error);
/* Says which epoch model.ftl is of, why, and how its errors compare with those before training; warns when training
   made them worse, or brought nothing. FTL_ERR_IO as of the log. */
ftl_status ftl_run_say_kept(ftl_run *run, ftl_error *error);
/* What to do about errors that are worse (bits of tune/outcome.h): options, with the values that they have. */
void ftl_run_advice(const ftl_run *run, int bits, char text[300]);
/* To the host and the log. */
ftl_status ftl_run_warn(ftl_run *run, const char *text, ftl_error *error);
/* RUN/errors.csv and predictions with the best values as they are in the file, and their table to the host. */
ftl_status ftl_run_report(ftl_run *run, ftl_error *error);

#endif
