/* Between run.c, folder.c, sets.c, sampled.c and report.c. */
#ifndef FTL_SURROGATE_RUN_INTERNAL_H
#define FTL_SURROGATE_RUN_INTERNAL_H

#include <jansson.h>

#include "data/findings/findings.h"
#include "support/run_folder.h"
#include "model/provenance.h"
#include "surrogate/active_set.h"
#include "surrogate/gauss_newton.h"
#include "surrogate/jobs.h"
#include "surrogate/fit_run.h"
#include "surrogate/walls.h"

/* A fit and, but for the first one (round 0), the dynamics of the potential before that gave it more to learn from. */
typedef struct {
  int64_t fitted, held;                          /* structures */
  int64_t candidates, added;                     /* of this round */
  int64_t runs, relaxed, end[FTL_SAMPLING_ENDS]; /* of this round */
  double before[2], after[2];                    /* RMSE of energies per atom (eV) and forces (eV/Angstrom) on
                                                    what is held back now: of the potential before, NAN of the
                                                    first, and of this one */
  double valid[2];                               /* of this one on valid; NAN without */
} ftl_round;

typedef struct {
  ftl_surrogate_recipe *recipe;
  const ftl_host *host;
  bool unwritten; /* the kind of failure a status is */

  /* of a distillation: the model, opened for the elements, and what it samples */
  ftl_model *model;
  ftl_jobs jobs;
  char model_sha256[FTL_SHA256_HEX];
  int n_elements;
  int elements[FTL_MAX_ELEMENTS];
  double e0[FTL_MAX_ELEMENTS];
  const char *e0_from; /* static */

  ftl_dataset data, valid; /* reference structures: data empties into train */
  ftl_dataset train, held;
  int64_t n_sampled, n_candidates; /* of train and held */
  char data_sha256[FTL_SHA256_HEX];
  ftl_findings findings; /* about data and valid: what the host was told */

  int round;         /* that is under way (surrogate/rounds.h); 0 also without rounds */
  int n_rounds;      /* whose fit has been measured */
  ftl_round *rounds; /* [recipe->rounds + 1]; NULL without rounds */

  ftl_surrogate surrogate;
  int n_fitted; /* functions of the fit, before those without a coefficient went */
  ftl_solution solution;
  ftl_active_set_report active;
  ftl_nearest *nearest; /* [n_elements][n_elements] in train, held and valid; NULL: of a network */
  double inner[FTL_MAX_ELEMENTS * FTL_MAX_ELEMENTS];
  int n_walls;
  ftl_wall *wall;     /* [n_walls] */
  int64_t n_measured; /* of train, for on_train */
  ftl_fit_errors on_train, on_held, on_valid;
  ftl_error_table table[3];       /* of the same three sets, by config_type */
  ftl_error_row teacher_on_valid; /* all of valid; zero when there is none, and of a fit */
} ftl_surrogate_state;

void ftl_surrogate_say(const ftl_surrogate_state *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "RUN/name"; NULL without memory. The caller frees it. */
char *ftl_surrogate_path(const ftl_surrogate_state *run, const char *name);

/* Takes the folder (support/run_folder.h), on rank 0, which writes; with `resume` settings and files must be those that
   the run began with, and where files are goes into `recipe`. */
ftl_status ftl_surrogate_open_folder(ftl_surrogate_recipe *recipe, bool resume, const ftl_host *host,
                                     ftl_run_folder *folder, ftl_error *error);
/* Of a new run, once nothing is left that could be refused: recipe.yaml and, of a distillation, state.json. */
ftl_status ftl_surrogate_begin(ftl_surrogate_state *run, ftl_error *error);

/* Reads data and valid and, for a fit, decides on elements and E0. */
ftl_status ftl_surrogate_read_sets(ftl_surrogate_state *run, ftl_error *error);
/* Tells what is wrong or doubtful about data and valid. FTL_ERR_INPUT: fatal findings. */
ftl_status ftl_surrogate_check(ftl_surrogate_state *run, ftl_error *error);
/* Of a distillation, the same for data against what the model, which is open, answers; the errors of the model on data
   and valid are shown. With `resume` nothing is told again. */
ftl_status ftl_surrogate_check_answers(ftl_surrogate_state *run, bool resume, ftl_error *error);
/* Of a distillation: jobs, model, elements and E0. Nothing is written yet. */
ftl_status ftl_surrogate_prepare(ftl_surrogate_state *run, ftl_error *error);
/* Samples with the model, chooses frames, writes sampled.xyz; they are in train. */
ftl_status ftl_surrogate_sample(ftl_surrogate_state *run, bool *interrupted, ftl_error *error);
/* Runs run->jobs with `model` (`who`, for people; `id` tells it from others) in RUN/name, and says what came of it.
   Candidates and report are the caller's, also after a failure. */
ftl_status ftl_surrogate_run_jobs(ftl_surrogate_state *run, const ftl_model *model, const char *who, const char *id,
                                  const char *name, ftl_dataset *candidates, ftl_sampling_report *report,
                                  ftl_error *error);
/* RUN/name, with labels. */
ftl_status ftl_surrogate_write_frames(ftl_surrogate_state *run, const char *name, const ftl_dataset *frames,
                                      ftl_error *error);
/* weights.configs: reading a file does that for data. */
void ftl_surrogate_weigh_configs(const ftl_surrogate_state *run, ftl_dataset *frames);
/* Adds data to train, and takes what errors are measured on out of it. */
ftl_status ftl_surrogate_split(ftl_surrogate_state *run, ftl_error *error);

/* RUN/steps.ftl: after a step, and what an earlier process left there of this very fit (else *state stays zero). */
ftl_status ftl_second_keep(void *run, const ftl_gauss_newton_state *state, ftl_error *error);
ftl_status ftl_second_find(ftl_surrogate_state *run, ftl_gauss_newton_state *state, ftl_error *error);
/* Some of train, evenly spread, for errors that cost as much as equations: shallow copies, of which the caller frees
   the array; sets n_measured. FTL_ERR_MEMORY. */
ftl_status ftl_surrogate_some_fitted(ftl_surrogate_state *run, ftl_dataset *some, ftl_error *error);
/* A table of errors below a title, to the host. FTL_ERR_MEMORY. */
ftl_status ftl_surrogate_show_table(const ftl_surrogate_state *run, const char *title, const ftl_error_table *table,
                                    ftl_error *error);
/* Shows errors, in all and by config_type, and says the solution of a linear fit. */
ftl_status ftl_surrogate_say_errors(const ftl_surrogate_state *run, ftl_error *error);
/* errors.csv and report.json. */
ftl_status ftl_surrogate_write_report(ftl_surrogate_state *run, ftl_error *error);
/* model.ftl, model.yace, errors.csv, report.json. */
ftl_status ftl_surrogate_write_all(ftl_surrogate_state *run, ftl_error *error);

#endif
