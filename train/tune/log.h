/* The folder of a run: what `frozentl train` writes for people and for `frozentl plot`.

     RUN/recipe.yaml            the effective settings; `frozentl train RUN/recipe.yaml -o ELSEWHERE` repeats the run
     RUN/model.ftl              the best model so far by the loss on valid (EMA weights when they are on; in stage two
                                by its weights of the loss); full or delta
     RUN/state.ftl              everything that `frozentl train --resume RUN` needs (tune/state.h)
     RUN/frozentl.lock          who works there (support/lock.h), while the run goes on
     RUN/log.csv                a line per epoch, below a line with the names of ftl_log_columns
     RUN/log.jsonl              a JSON object per line: {"event": "start" | "finding" | "epoch" | "note" | "end", ...}
     RUN/errors.csv             final errors, a line per set (train, valid, test) and config_type, and one with
   config_type "total" per set (last of its set); with replay also a set "replay":
                                set,config_type,frames,atoms,energy_rmse,energy_mae,forces_rmse,forces_mae,stress_rmse,stress_mae
     RUN/predictions-valid.csv  for parity plots, and RUN/predictions-test.csv when there is a test set:
                                frame,config_type,quantity,reference,prediction
                                quantity is "energy" (per atom, one line per frame), "force" (a line per component) or
                                "stress" (nine lines per frame); frame counts from 0 in the order of the set

   Units: eV per atom, eV/Angstrom, eV/Angstrom^3. A number that does not exist (no stress labels) is an empty cell in
   CSV and null in JSON. A name with a comma, a quote or a line break is quoted as in RFC 4180. config_type of a frame
   without one is "(none)".

   "start" has: version, foundation (or null), seed, threads, precision, train_frames, replay_frames, valid_frames,
   test_frames, parameters, trained, freeze. "epoch" has the columns of the CSV file, and with method linear "strength".
   "finding" has "count" and "text" (what is doubtful about the data). "note" has "text" (stage two began, resumed from
   a step, stopped early, errors larger than before training). "end" has: reason ("epochs", "steps", "patience",
   "solved", "interrupted", "diverged"), best_epoch, best_valid_loss, seconds.

   When a run is resumed, lines after the state it is resumed from are removed, so that epochs appear once and in order.
 */
#ifndef FTL_LOG_H
#define FTL_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "frozentl.h"

/* One epoch, or one solution of method linear. NAN for what does not exist. */
typedef struct {
  int64_t epoch;   /* from 1; 0 is the model before training, with no train_loss */
  int64_t step;    /* optimiser steps so far */
  int stage;       /* 1, or 2 for the SWA stage */
  double lr;       /* of the last step */
  double strength; /* of the prior, with method linear; else 0 */
  double train_loss, valid_loss;
  double energy_rmse, forces_rmse, stress_rmse; /* on valid */
  double gradient_norm;                         /* largest of the epoch, before clipping */
  bool best;                                    /* RUN/model.ftl was written */
  double seconds;                               /* since the start, earlier parts of a resumed run included */
} ftl_log_epoch;

/* "epoch,step,stage,lr,train_loss,valid_loss,energy_rmse,forces_rmse,stress_rmse,gradient_norm,best,seconds" */
extern const char ftl_log_columns[];

typedef struct ftl_log ftl_log;

/* Opens RUN/log.csv and RUN/log.jsonl: new ones, or with resume_epoch >= 0 the old ones, of which the lines after that
   epoch are removed. An old one that is missing is begun anew, and so is a log.csv with another first line, which is
   renamed to log.csv.old; `warning` says so, or is "". FTL_ERR_INPUT: a log that is no regular file; FTL_ERR_IO,
   FTL_ERR_MEMORY. */
ftl_status ftl_log_open(const char *run, int64_t resume_epoch, ftl_log **log, char warning[400], ftl_error *error);
/* Each call leaves complete lines on the disk. FTL_ERR_IO when there is no space. */
ftl_status ftl_log_write_epoch(ftl_log *log, const ftl_log_epoch *epoch, ftl_error *error);
/* Any other event; `members` (an object, reference stolen) is written after "event". */
ftl_status ftl_log_event(ftl_log *log, const char *event, json_t *members, ftl_error *error);
void ftl_log_close(ftl_log *log);

#endif
