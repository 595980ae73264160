/* What is said about the success of a run: while it goes on, when it gets worse, and at its end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tune/train_run.h"

ftl_status ftl_run_warn(ftl_run *run, const char *text, ftl_error *error) {
  ftl_setup_warn(&run->s, "%s", text);
  if (!run->log) return FTL_OK;
  return ftl_run_written(run, ftl_log_event(run->log, "note", json_pack("{s:s}", "text", text), error));
}

void ftl_run_advice(const ftl_run *run, int bits, char text[300]) {
  static const char *const names[] = {"energy", "forces", "stress"};
  const ftl_recipe *r = run->s.recipe;
  const bool second = run->at.stage == 2, linear = ftl_recipe_is_linear(r);
  const double weights[] = {second ? r->swa.energy : r->loss.energy, second ? r->swa.forces : r->loss.forces,
                            second ? r->swa.stress : r->loss.stress};
  if (linear) snprintf(text, 300, "%s", bits ? "" : "training more than the last layer (without --method linear)");
  else
    snprintf(text, 300, "a smaller learning rate (%s, now %g)", second ? "--set swa.lr=X" : "--lr X",
             second ? r->swa.lr : r->optimiser.lr);
  for (int k = 0; k < FTL_OUTCOME_KINDS; k++)
    if (bits & 1 << k)
      snprintf(text + strlen(text), 300 - strlen(text), "%sa larger weight (--set %s.%s=X, now %g)",
               *text ? " or " : "", second ? "swa" : "loss", names[k], weights[k]);
  snprintf(text + strlen(text), 300 - strlen(text), " helps");
}

/* What is counted. */
static const char *unit_of(const ftl_run *run) { return ftl_recipe_is_linear(run->s.recipe) ? "solution" : "epoch"; }

/* By which loss, and what it was before training. */
static void say_best(const ftl_run *run, const double errors[FTL_OUTCOME_KINDS]) {
  const ftl_position *at = &run->at;
  char list[200];
  const double before = at->outcome.first_loss[at->stage == 2];
  ftl_outcome_list(&at->outcome, errors, 7, list, sizeof list);
  ftl_setup_say(&run->s, "best %s %lld, loss on valid %.6g (before training %.6g)%s: its model is %s/model.ftl",
                unit_of(run), (long long)at->best_epoch, at->best_loss, before,
                at->stage == 2 ? " by the weights of stage two" : "", run->s.recipe->output);
  if (*list) ftl_setup_say(&run->s, "valid, before training -> model.ftl: %s", list);
}

static ftl_status warn_of_nothing(ftl_run *run, ftl_error *error) {
  const ftl_recipe *r = run->s.recipe;
  char advice[300], text[600];
  ftl_run_advice(run, 0, advice);
  snprintf(text, sizeof text,
           "training brought nothing: no %s has a smaller loss on valid than the model before training, so model.ftl "
           "is that one (%s%s); %s, and check the labels",
           unit_of(run), r->foundation ? "the foundation's weights" : "random weights",
           r->e0.kind == FTL_START_KEEP ? "" : ", with E0 of this run", advice);
  return ftl_run_warn(run, text, error);
}

static ftl_status warn_of_worse(ftl_run *run, const double errors[FTL_OUTCOME_KINDS], int bits, ftl_error *error) {
  char list[200], advice[300], text[800];
  ftl_outcome_list(&run->at.outcome, errors, bits, list, sizeof list);
  ftl_run_advice(run, bits, advice);
  snprintf(text, sizeof text,
           "model.ftl (%s %lld) has the smallest loss on valid, but is worse than before training in %s; %s",
           unit_of(run), (long long)run->at.best_epoch, list, advice);
  return ftl_run_warn(run, text, error);
}

ftl_status ftl_run_say_kept(ftl_run *run, ftl_error *error) {
  const double errors[] = {run->at.best_energy, run->at.best_forces, run->at.best_stress};
  const int bits = ftl_outcome_worse(&run->at.outcome, errors);
  say_best(run, errors);
  if (run->at.best_epoch == 0) return warn_of_nothing(run, error);
  if (run->at.stage == 2 && run->at.best_epoch < run->s.recipe->swa.start)
    ftl_setup_warn(&run->s, "stage two, from epoch %lld on, brought nothing better; model.ftl is of stage one",
                   (long long)(run->at.epoch - run->at.averaged));
  return bits ? warn_of_worse(run, errors, bits, error) : FTL_OK;
}
