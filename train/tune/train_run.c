/* The training loop: epochs of steps, validation after each, averages, stage two, early stopping. */
#include "tune/train_run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/step.h"
#include "base/path.h"
#include "base/clock.h"
#include "base/error.h"
#include "support/ranks.h"

double ftl_run_seconds(const ftl_run *run) { return ftl_seconds() - run->began; }
void ftl_run_start_clock(ftl_run *run) { run->began = ftl_seconds() - run->at.seconds; }
bool ftl_run_writes(void) { return ftl_ranks_mine() == 0; }

char *ftl_run_path(const ftl_run *run, const char *name) { return ftl_path_join(run->s.recipe->output, name); }

ftl_status ftl_run_written(ftl_run *run, ftl_status status) {
  run->unwritten |= status == FTL_ERR_IO;
  return status;
}

bool ftl_run_stopped(const ftl_run *run) {
  const int64_t stop = run->s.host->stop && *run->s.host->stop;
  return ftl_ranks_max(stop) != 0;
}

const double *ftl_run_whole(const ftl_run *run, const double *moved) {
  if (run->lora.n == 0) return moved;
  ftl_lora_expand(&run->lora, moved, run->whole);
  return run->whole;
}

static const ftl_loss *current_loss(const ftl_run *run) { return run->at.stage == 2 ? &run->s.second : &run->s.loss; }

int64_t ftl_run_total_steps(const ftl_run *run) {
  const ftl_recipe *recipe = run->s.recipe;
  return ftl_recipe_is_set(recipe, "steps") ? recipe->steps : recipe->epochs * ftl_batches_count(&run->s.batches);
}

static bool steps_used(const ftl_run *run) {
  return ftl_recipe_is_set(run->s.recipe, "steps") && run->optimiser.step >= run->s.recipe->steps;
}

bool ftl_run_is_over(const ftl_run *run) {
  if (ftl_recipe_is_linear(run->s.recipe)) return run->at.trained;
  if (ftl_recipe_is_set(run->s.recipe, "steps")) return steps_used(run);
  return run->at.epoch > run->s.recipe->epochs;
}

static ftl_status note(ftl_run *run, const char *text, ftl_error *error) {
  ftl_setup_say(&run->s, "%s", text);
  if (!run->log) return FTL_OK;
  return ftl_run_written(run, ftl_log_event(run->log, "note", json_pack("{s:s}", "text", text), error));
}

/* ---- one step ---- */

/* The structure that is to blame: the first whose part is not finite, or else the largest. */
static int worst(const double *part, int n) {
  int found = 0;
  for (int k = 0; k < n; k++) {
    if (!isfinite(part[k])) return k;
    if (part[k] > part[found]) found = k;
  }
  return found;
}

static ftl_status diverged(ftl_run *run, const ftl_structure *structure, const char *what, double part,
                           ftl_error *error) {
  char where[256];
  ftl_structure_where(structure, -1, where);
  run->diverged = true;
  return ftl_fail(error, FTL_ERR_INPUT, where,
                  "training diverged: %s is not finite in step %lld of epoch %lld; this structure gives %s (%g); check "
                  "its labels, or lower the learning rate (%g)",
                  what, (long long)run->optimiser.step + 1, (long long)run->at.epoch,
                  isfinite(part) ? "the largest loss" : "a loss that is not finite", part, run->at.lr);
}

/* The loss is finite, but far above what it was in this stage. */
static ftl_status check_loss(ftl_run *run, const ftl_structure *structure, double part, double loss, ftl_error *error) {
  const int64_t batches = ftl_batches_count(&run->s.batches),
                window = batches < FTL_WATCH_STEPS ? batches : FTL_WATCH_STEPS;
  double mean;
  if (!ftl_watch_step(&run->at.watch, loss, window, run->bound, &mean)) return FTL_OK;
  char where[256];
  ftl_structure_where(structure, -1, where);
  run->diverged = true;
  return ftl_fail(
      error, FTL_ERR_INPUT, where,
      "training diverged: the mean loss of %lld steps up to step %lld, in epoch %lld, is %.4g, more than %d "
      "times the smallest of this stage; this structure has the largest part in the last one (%.4g); lower "
      "the learning rate (%g), or check its labels",
      (long long)window, (long long)run->optimiser.step, (long long)run->at.epoch, mean, FTL_WATCH_FACTOR, part,
      run->at.lr);
}

static double learning_rate(const ftl_run *run) {
  if (run->at.stage == 2) return run->s.recipe->swa.lr;
  return ftl_schedule_rate(&run->schedule, run->s.recipe, run->optimiser.step, ftl_run_total_steps(run));
}

/* Returns the norm of the gradient. */
static double move(ftl_run *run) {
  if (run->lora.n == 0) return ftl_optimiser_step(&run->optimiser, run->at.lr, run->gradient, run->values);
  ftl_lora_gradient(&run->lora, run->gradient);
  const double norm = ftl_optimiser_step(&run->optimiser, run->at.lr, run->lora.gradient, run->moved);
  if (isfinite(norm)) ftl_lora_expand(&run->lora, run->moved, run->values);
  return norm;
}

static ftl_status take_step(ftl_run *run, ftl_error *error) {
  ftl_setup *s = &run->s;
  const int *chosen;
  const int n = ftl_batches_get(&s->batches, (int)run->at.position, &chosen);
  ftl_step step = {.part = run->part};
  run->at.lr = learning_rate(run);
  ftl_status status =
      ftl_step_gradient(&s->team, &s->train, s->train_head, chosen, n, current_loss(run), &step, run->gradient, error);
  FTL_TRY(status);
  const int blamed = worst(run->part, n);
  const ftl_structure *structure = &s->sets.train.structure[chosen[blamed]];
  if (!isfinite(step.loss)) return diverged(run, structure, "the loss", run->part[blamed], error);
  const double norm = move(run);
  if (!isfinite(norm)) return diverged(run, structure, "the gradient", run->part[blamed], error);
  if (run->ema) ftl_ema_update(run->optimiser.parameters, s->recipe->ema, run->optimiser.step, run->moved, run->ema);
  run->at.loss_sum += step.loss;
  run->at.largest_norm = fmax(run->at.largest_norm, norm);
  run->at.position++;
  FTL_TRY(check_loss(run, structure, run->part[blamed], step.loss, error));
  return ftl_network_set(s->network, run->values, error);
}

/* ---- after an epoch ---- */

/* What is validated and kept, as numbers that are moved. */
static const double *judged(const ftl_run *run) {
  if (run->at.stage == 2 && run->at.averaged > 0) return run->mean;
  return run->ema ? run->ema : run->moved;
}

static ftl_status validate(ftl_run *run, ftl_log_epoch *line, ftl_error *error) {
  ftl_setup *s = &run->s;
  ftl_error_table table = {0};
  ftl_status status = ftl_network_set(s->network, ftl_run_whole(run, judged(run)), error);
  if (!status) status = ftl_evaluate(&s->team, &s->valid, s->own_head, FTL_ANSWER_LABELLED, &run->valid, error);
  if (!status) status = ftl_network_set(s->network, run->values, error);
  if (!status) status = ftl_evaluate_errors(&s->sets.valid, &run->valid, "", &table, error);
  if (!status) {
    const ftl_error_row total = ftl_error_table_total(&table, NULL);
    line->valid_loss = ftl_evaluate_loss(current_loss(run), &s->sets.valid, &run->valid);
    if (run->mean) run->at.next_loss = ftl_evaluate_loss(&s->second, &s->sets.valid, &run->valid);
    line->energy_rmse = ftl_error_rmse(&total.energy);
    line->forces_rmse = ftl_error_rmse(&total.forces);
    line->stress_rmse = ftl_error_rmse(&total.stress);
  }
  ftl_error_table_free(&table);
  if (status != FTL_OK || isfinite(line->valid_loss)) return status;
  const ftl_batch batch = {.structures = 1, .atoms = 1};
  for (int64_t k = 0; k < s->sets.valid.n; k++) {
    const ftl_prediction prediction = ftl_predictions_get(&run->valid, k);
    const double part = ftl_loss_structure(current_loss(run), &batch, &s->sets.valid.structure[k], &prediction, NULL);
    if (!isfinite(part)) return diverged(run, &s->sets.valid.structure[k], "the loss on valid", part, error);
  }
  return diverged(run, &s->sets.valid.structure[0], "the loss on valid", line->valid_loss, error);
}

static void keep_best(ftl_run *run, ftl_log_epoch *line) {
  run->at.waited++;
  if (!(line->valid_loss < run->at.best_loss)) return;
  memcpy(run->best, judged(run), (size_t)run->optimiser.parameters->count * sizeof *run->best);
  run->at.best_loss = line->valid_loss;
  run->at.best_energy = line->energy_rmse;
  run->at.best_forces = line->forces_rmse;
  run->at.best_stress = line->stress_rmse;
  run->at.best_next = run->at.next_loss;
  run->at.best_epoch = line->epoch;
  run->at.best_step = run->optimiser.step;
  run->at.waited = 0;
  line->best = run->owed = true;
}

/* Adds "  NAME VALUE UNIT" when there is a value. */
static void say_number(char text[400], const char *name, const char *format, double value, const char *unit) {
  const size_t used = strlen(text);
  char number[40];
  if (!isfinite(value)) return;
  snprintf(number, sizeof number, format, value);
  snprintf(text + used, 400 - used, "  %s %s%s", name, number, unit);
}

/* ", 9 min left": as long for the steps that are to come as for those that are done. */
static void say_left(const ftl_run *run, const ftl_log_epoch *line, char text[40]) {
  const int64_t total = ftl_run_total_steps(run);
  *text = '\0';
  if (line->step < 1 || line->step >= total) return;
  const double left = line->seconds * (double)(total - line->step) / (double)line->step;
  if (left < 120) snprintf(text, 40, ", %.0f s left", left);
  else if (left < 7200) snprintf(text, 40, ", %.0f min left", left / 60);
  else snprintf(text, 40, ", %.1f h left", left / 3600);
}

static ftl_status log_epoch(ftl_run *run, const ftl_log_epoch *line, ftl_error *error) {
  char text[400] = "", left[40];
  say_number(text, "lr", "%.3g", line->lr, "");
  say_number(text, "loss", "%.5g", line->train_loss, "");
  say_number(text, "valid", "%.5g", line->valid_loss, "");
  say_number(text, "E", "%.3f", 1000 * line->energy_rmse, " meV/atom");
  say_number(text, "F", "%.2f", 1000 * line->forces_rmse, " meV/A");
  say_number(text, "S", "%.3f", 1000 * line->stress_rmse, " meV/A^3");
  if (ftl_recipe_is_linear(run->s.recipe))
    ftl_setup_say(&run->s, "solution %lld  strength %.0e%s  %.0f s%s", (long long)line->epoch, line->strength, text,
                  line->seconds, line->best ? "  best" : "");
  else {
    say_left(run, line, left);
    ftl_setup_say(&run->s, "epoch %lld  step %lld of %lld%s  %.0f s%s%s", (long long)line->epoch, (long long)line->step,
                  (long long)ftl_run_total_steps(run), text, line->seconds, left, line->best ? "  best" : "");
  }
  return run->log ? ftl_run_written(run, ftl_log_write_epoch(run->log, line, error)) : FTL_OK;
}

ftl_status ftl_run_judge(ftl_run *run, ftl_log_epoch *line, ftl_error *error) {
  ftl_status status = validate(run, line, error);
  if (!status) keep_best(run, line);
  line->seconds = ftl_run_seconds(run);
  return status ? status : log_epoch(run, line, error);
}

ftl_status ftl_run_first_look(ftl_run *run, ftl_error *error) {
  ftl_log_epoch line = {.stage = 1, .lr = NAN, .train_loss = NAN, .gradient_norm = NAN};
  const ftl_status status = ftl_run_judge(run, &line, error);
  const double errors[] = {line.energy_rmse, line.forces_rmse, line.stress_rmse};
  ftl_watch_start(&run->at.watch, line.valid_loss);
  ftl_outcome_start(&run->at.outcome, errors, line.valid_loss, run->at.next_loss);
  return status ? status : ftl_run_save(run, error);
}

static ftl_status warn_when_worse(ftl_run *run, const ftl_log_epoch *line, ftl_error *error) {
  const double errors[] = {line->energy_rmse, line->forces_rmse, line->stress_rmse};
  const int bits = ftl_outcome_epoch(&run->at.outcome, errors);
  char list[200], advice[300], text[600];
  if (bits == 0) return FTL_OK;
  ftl_outcome_list(&run->at.outcome, errors, bits, list, sizeof list);
  ftl_run_advice(run, bits, advice);
  snprintf(text, sizeof text, "epoch %lld: errors on valid are larger than before training: %s; %s",
           (long long)line->epoch, list, advice);
  return ftl_run_warn(run, text, error);
}

/* What follows from the loss on valid: the learning rate, the end, or stage two at once. */
static ftl_status decide(ftl_run *run, double valid_loss, ftl_error *error) {
  const ftl_recipe *recipe = run->s.recipe;
  const bool two_stages = ftl_recipe_is_set(recipe, "swa.start");
  if (run->at.stage == 1) ftl_schedule_epoch(&run->schedule, recipe, valid_loss);
  if (ftl_recipe_is_set(recipe, "patience") && run->at.waited >= recipe->patience) {
    if (two_stages && run->at.stage == 1) {
      if (run->at.epoch < recipe->swa.start) run->at.epoch = recipe->swa.start;
      run->at.waited = 0;
    } else {
      run->at.trained = 1;
      run->at.reason = FTL_REASON_PATIENCE;
      return note(run, "stopped early: the loss on valid did not fall any more", error);
    }
  }
  if (ftl_run_is_over(run)) {
    run->at.trained = 1;
    run->at.reason = ftl_recipe_is_set(recipe, "steps") ? FTL_REASON_STEPS : FTL_REASON_EPOCHS;
  }
  return FTL_OK;
}

/* What an epoch that is not validated changed goes back: it is validated when the run goes on. */
static ftl_status leave_epoch(ftl_run *run, bool *interrupted, ftl_error *error) {
  if (run->at.stage == 2) {
    memcpy(run->mean, run->mean_before, (size_t)run->optimiser.parameters->count * sizeof *run->mean);
    run->at.averaged--;
  }
  *interrupted = true;
  return ftl_run_save(run, error);
}

static ftl_status finish_epoch(ftl_run *run, bool *interrupted, ftl_error *error) {
  ftl_log_epoch line = {.epoch = run->at.epoch,
                        .step = run->optimiser.step,
                        .stage = (int)run->at.stage,
                        .lr = run->at.lr,
                        .train_loss = run->at.loss_sum / (double)run->at.position,
                        .gradient_norm = run->at.largest_norm};
  if (run->at.stage == 2) {
    memcpy(run->mean_before, run->mean, (size_t)run->optimiser.parameters->count * sizeof *run->mean);
    ftl_mean_update(run->optimiser.parameters, run->at.averaged++, run->moved, run->mean);
  }
  ftl_status status = ftl_run_judge(run, &line, error);
  if (status && run->s.team.interrupted) return leave_epoch(run, interrupted, error);
  if (!status) status = warn_when_worse(run, &line, error);
  FTL_TRY(status);
  run->at.epoch++;
  run->at.position = 0;
  run->at.loss_sum = run->at.largest_norm = 0;
  return decide(run, line.valid_loss, error);
}

/* ---- the loop ---- */

static ftl_status begin_stage_two(ftl_run *run, ftl_error *error) {
  run->at.stage = 2;
  run->at.averaged = run->at.waited = 0;
  run->at.best_loss = run->at.best_next; /* by the weights of this stage, so that it can only get better */
  ftl_watch_start(&run->at.watch, run->at.next_loss);
  memcpy(run->mean, run->moved, (size_t)run->optimiser.parameters->count * sizeof *run->mean);
  FTL_TRY(ftl_run_write_model(run, error)); /* its loss on valid is by the new weights now */
  return note(run, "stage two begins", error);
}

/* Writing all that is trained several times over takes longer than a short epoch. */
static bool save_is_due(const ftl_run *run) {
  return run->at.trained || ftl_seconds() - run->saved >= run->s.recipe->save_seconds;
}

static ftl_status train_epoch(ftl_run *run, bool *interrupted, ftl_error *error) {
  ftl_setup *s = &run->s;
  const int batches = ftl_batches_count(&s->batches);
  ftl_random next = run->at.random;
  ftl_status status = FTL_OK;
  if (run->at.stage == 1 && run->mean && run->at.epoch >= s->recipe->swa.start) status = begin_stage_two(run, error);
  run->bound = ftl_watch_bound(current_loss(run), &s->sets.train);
  ftl_batches_draw(&s->batches, &next);
  while (!status && run->at.position < batches && !steps_used(run)) {
    if ((*interrupted = ftl_run_stopped(run))) return ftl_run_save(run, error);
    status = take_step(run, error);
    if (status && (*interrupted = s->team.interrupted)) return ftl_run_save(run, error); /* as before it */
    FTL_TRY(status);
    if (s->host->progress && ftl_run_writes())
      s->host->progress(s->host->context, (double)run->optimiser.step, (double)ftl_run_total_steps(run));
    if (ftl_recipe_is_set(s->recipe, "save_every") && run->optimiser.step % s->recipe->save_every == 0)
      status = ftl_run_save(run, error);
  }
  if (!status) status = finish_epoch(run, interrupted, error);
  if (*interrupted) return status;
  run->at.random = next;
  return status || !save_is_due(run) ? status : ftl_run_save(run, error);
}

ftl_status ftl_run_loop(ftl_run *run, bool *interrupted, ftl_error *error) {
  ftl_status status = ftl_network_set(run->s.network, run->values, error);
  *interrupted = false;
  while (!status && !run->at.trained && !*interrupted) status = train_epoch(run, interrupted, error);
  if (!status && !*interrupted) *interrupted = ftl_run_stopped(run);
  return status;
}
