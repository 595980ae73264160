/* The parts of frozentl eval: cmd_eval.c is the command line, eval_frames.c reads, checks and evaluates frames,
   eval_report.c writes and prints. */
#ifndef FTL_CLI_EVAL_H
#define FTL_CLI_EVAL_H

#include "cli/cli.h"
#include "data/answers.h"
#include "data/calibration.h"
#include "data/compare_answers.h"
#include "data/evaluator.h"
#include "data/label_survey.h"
#include "support/output.h"

typedef struct {
  const char *model, *data;
  char *foundation, *head, *xyz, *json;
  char *labels; /* their prefix */
  struct {
    char *energy, *forces, *stress, *virial;
  } label;
  ftl_words select;
  int precision; /* ftl_precision */
  int64_t threads, repeat;
  bool trust, quiet;
} cli_eval_options;

typedef struct {
  const cli_eval_options *o;
  ftl_label_names names; /* of labels */
  ftl_evaluator *evaluator;
  bool all_heads;
  int head; /* asked for, or FTL_DEFAULT_HEAD */
  ftl_xyz_frame frame;
  ftl_labels labels;
  ftl_answer answer;
  ftl_error_table table;
  ftl_label_survey survey;
  ftl_selection select;
  ftl_selection_count selected;
  bool surveyed;                               /* the survey is complete, and was reported */
  ftl_calibration energy_errors, force_errors; /* with --trust, where there are labels */
  double extrapolation;                        /* the largest */
  int64_t extrapolating;                       /* atoms with a grade above 1 */
  ftl_comparison comparison;                   /* of labels and answers, for findings */
  ftl_output_file xyz, json;
  int64_t frames, atoms, answers;
  double seconds; /* in the model */
  cli_progress progress;
  double done, total; /* atoms times heads */
} cli_eval;

/* All return an exit code, after reporting what is wrong. */

/* Reads and checks every frame; `total` is set. */
int cli_eval_survey(cli_eval *eval, ftl_error *error);
/* Evaluates every frame, and writes and prints its answers. */
int cli_eval_frames(cli_eval *eval, ftl_error *error);

int cli_eval_open_outputs(cli_eval *eval, ftl_error *error);
int cli_eval_close_outputs(cli_eval *eval, ftl_error *error);
/* Writes the answer to the frame, and prints it if nothing else says it. */
int cli_eval_write_answer(cli_eval *eval, ftl_error *error);
/* Errors by config_type, what was evaluated, and what looks wrong. */
int cli_eval_summary(cli_eval *eval, ftl_error *error);

#endif
