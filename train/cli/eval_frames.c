/* frozentl eval: frames are read, checked and evaluated. */
#include "cli/eval.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* ---- one frame ---- */

/* The frame's own head, when none was asked for and the model has several. */
static ftl_status choose_head(const cli_eval *j, int *head, ftl_error *error) {
  const char *name = ftl_xyz_value(&j->frame, "head");
  *head = j->head;
  if (j->o->head || !name || ftl_evaluator_n_heads(j->evaluator) == 1) return FTL_OK;
  ftl_status status = ftl_evaluator_find_head(j->evaluator, name, head, error);
  if (status != FTL_OK) {
    char list[sizeof error->message];
    memcpy(list, error->message, sizeof list);
    ftl_xyz_where(&j->frame, j->frame.line + 1, error->where);
    snprintf(error->message, sizeof error->message, "the frame asks for a head of %s, but %.300s; choose with --head",
             j->o->model, list);
  }
  return status;
}

/* Everything that can be wrong with a frame, short of evaluating it. */
static ftl_status check_frame(cli_eval *j, ftl_error *error) {
  int head;
  ftl_status status = ftl_evaluator_check(j->evaluator, &j->frame, error);
  if (status == FTL_OK) status = ftl_labels_read(&j->frame, &j->names, &j->labels, error);
  if (status == FTL_OK) status = ftl_xyz_once(&j->frame, "head", error);
  if (status == FTL_OK) status = ftl_xyz_once(&j->frame, "config_type", error);
  if (status == FTL_OK) status = choose_head(j, &head, error);
  if (status != FTL_OK || j->surveyed) return status;
  ftl_label_survey_add_head(&j->survey, ftl_xyz_value(&j->frame, "head"));
  return ftl_label_survey_add(&j->survey, &j->frame, &j->names, &j->labels, error);
}

/* The next frame that is selected. */
static ftl_status next_frame(cli_eval *j, ftl_xyz_reader *reader, bool *end, ftl_error *error) {
  for (bool takes = false;;) {
    ftl_status status = ftl_xyz_read(reader, &j->frame, end, error);
    if (status != FTL_OK || *end) return status;
    status = ftl_selection_takes(&j->select, &j->frame, &takes, error);
    if (status != FTL_OK) return status;
    if (!j->surveyed) ftl_selection_add(&j->selected, &j->select, &j->frame, takes);
    if (takes) return FTL_OK;
  }
}

static void warn(void *context, const char *text) {
  (void)context;
  fflush(stdout);
  fprintf(stderr, "frozentl: warning: %s\n", text);
}

/* When all frames were seen: what cannot be, and what they have that is not compared with. */
static ftl_status report_survey(cli_eval *j, ftl_error *error) {
  const ftl_label_survey *s = &j->survey;
  const bool one_head = ftl_evaluator_n_heads(j->evaluator) == 1 || j->o->head;
  ftl_status status = ftl_selection_require(&j->selected, &j->select, j->o->data, error);
  if (status == FTL_OK) status = ftl_label_survey_require_names(s, &j->names, "the frames", j->o->data, error);
  if (status != FTL_OK) return status;
  ftl_label_survey_report(s, &j->names, j->o->data, false, true, warn, NULL);
  if (one_head && s->energy + s->forces + s->stress > 0)
    ftl_heads_report(&s->heads, &j->select, j->o->data, true, warn, NULL);
  j->surveyed = true;
  return FTL_OK;
}

/* Errors beside those that were told, and grades. */
static ftl_status add_trust(cli_eval *j, ftl_error *error) {
  const ftl_answer *a = &j->answer;
  const int n = j->frame.n;
  if (a->energy_deviation && j->labels.has_energy && n > 0)
    FTL_TRY(
        ftl_calibration_add(&j->energy_errors, fabs(a->energy - j->labels.energy) / n, a->total_deviation / n, error));
  for (int i = 0; i < n; i++) {
    if (a->extrapolation) j->extrapolation = fmax(j->extrapolation, a->extrapolation[i]);
    if (a->extrapolation) j->extrapolating += a->extrapolation[i] > 1;
    if (!a->force_deviation || !j->labels.has_forces) continue;
    double square = 0;
    for (int x = 0; x < 3; x++)
      square += (a->forces[i][x] - j->labels.forces[i][x]) * (a->forces[i][x] - j->labels.forces[i][x]);
    FTL_TRY(ftl_calibration_add(&j->force_errors, sqrt(square), a->force_deviation[i], error));
  }
  return FTL_OK;
}

static int answer_frame(cli_eval *j, int head, ftl_error *error) {
  const bool labelled = j->labels.has_energy || j->labels.has_forces || j->labels.has_stress;
  ftl_status status = ftl_evaluator_run(j->evaluator, head, &j->frame, (int)j->o->repeat, &j->answer, error);
  if (status == FTL_OK)
    status = ftl_error_table_add(&j->table, j->answer.head, ftl_xyz_value(&j->frame, "config_type"), j->frame.n,
                                 &j->labels, j->answer.energy, (const double(*)[3])j->answer.forces,
                                 j->answer.has_stress ? (const double(*)[3])j->answer.stress : NULL, error);
  if (status == FTL_OK && j->o->trust) status = add_trust(j, error);
  if (status == FTL_OK && labelled && !j->all_heads)
    status = ftl_answer_compare(&j->comparison, strcmp(j->o->data, "-") == 0 ? "standard input" : j->o->data, &j->frame,
                                &j->labels, &j->answer, error);
  if (status != FTL_OK) {
    cli_progress_end(&j->progress);
    return cli_report(error, CLI_INPUT);
  }
  int code = cli_eval_write_answer(j, error);
  j->answers++;
  j->seconds += j->answer.seconds;
  j->done += j->frame.n;
  cli_progress_update(&j->progress, j->done);
  return code;
}

/* ---- passes ---- */

int cli_eval_survey(cli_eval *j, ftl_error *error) {
  ftl_xyz_reader *reader;
  bool end = false;
  ftl_status status = ftl_xyz_open(j->o->data, &reader, error);
  while (status == FTL_OK) {
    status = next_frame(j, reader, &end, error);
    if (status != FTL_OK || end) break;
    status = check_frame(j, error);
    j->total += (double)j->frame.n * (j->all_heads ? ftl_evaluator_n_heads(j->evaluator) : 1);
  }
  ftl_xyz_close(reader);
  if (status == FTL_OK) status = report_survey(j, error);
  if (status != FTL_OK) return cli_report(error, CLI_INPUT);
  ftl_evaluator_only_seen(j->evaluator);
  return CLI_OK;
}

int cli_eval_frames(cli_eval *j, ftl_error *error) {
  ftl_xyz_reader *reader;
  int code = CLI_OK;
  if (ftl_xyz_open(j->o->data, &reader, error) != FTL_OK) return cli_report(error, CLI_INPUT);
  cli_progress_start(&j->progress, "atoms", j->total, j->o->quiet || j->o->repeat);
  while (code == CLI_OK) {
    bool end;
    int head;
    ftl_status status = next_frame(j, reader, &end, error);
    if (status == FTL_OK && end) break;
    if (status == FTL_OK) status = check_frame(j, error);
    if (status == FTL_OK) status = choose_head(j, &head, error);
    if (status != FTL_OK) {
      cli_progress_end(&j->progress);
      code = cli_report(error, CLI_INPUT);
      break;
    }
    int first = j->all_heads ? 0 : head, last = j->all_heads ? ftl_evaluator_n_heads(j->evaluator) - 1 : head;
    for (int h = first; code == CLI_OK && h <= last; h++) code = answer_frame(j, h, error);
    j->frames++;
    j->atoms += j->frame.n;
  }
  cli_progress_end(&j->progress);
  ftl_xyz_close(reader);
  if (code == CLI_OK && !j->surveyed && report_survey(j, error) != FTL_OK) code = cli_report(error, CLI_INPUT);
  if (code == CLI_OK && j->frames == 0) {
    ftl_fail(error, FTL_ERR_FORMAT, j->o->data, "it has no frames");
    code = cli_report(error, CLI_INPUT);
  }
  return code;
}
