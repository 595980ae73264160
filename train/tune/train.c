/* A run from its folder to its end: begins or resumes it, loops, reports. */
#include "tune/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/output.h"
#include "support/inputs.h"
#include "support/run_folder.h"
#include "tune/resume.h"
#include "tune/train_run.h"
#include "base/error.h"
#include "support/ranks.h"
#include "parameters/freeze.h"

static void free_run(ftl_run *run) {
  ftl_log_close(run->log);
  json_decref(run->inputs);
  ftl_optimiser_free(&run->optimiser);
  ftl_predictions_free(&run->valid);
  ftl_arena_free(&run->memory);
  ftl_lora_free(&run->lora);
  ftl_setup_free(&run->s);
}

/* ---- the folder ---- */

/* On rank 0, which writes. */
static ftl_status open_folder(const char *path, bool resume, const ftl_options *options, const ftl_host *host,
                              ftl_run_folder *folder, ftl_error *error) {
  char warning[400];
  if (ftl_ranks_mine() != 0) return FTL_OK;
  ftl_status status = ftl_run_folder_open(path, FTL_RUN_TRAIN, resume, options, folder, warning, error);
  if (!status && *warning && host->warn) host->warn(host->context, warning);
  return status;
}

static ftl_status write_recipe(ftl_run *run, ftl_error *error) {
  const ftl_options_style style = {.folder = run->s.recipe->output};
  ftl_output_file out;
  if (!ftl_run_writes()) return FTL_OK;
  char *path = ftl_run_path(run, "recipe.yaml");
  if (!path) return ftl_no_memory(error, NULL, "a path");
  ftl_status status = ftl_output_open(path, &out, error);
  free(path);
  if (status) return ftl_run_written(run, status);
  status = ftl_options_write(&run->s.recipe->options, &style, out.stream, error);
  if (!status) return ftl_run_written(run, ftl_output_commit(&out, error));
  ftl_output_discard(&out);
  return ftl_run_written(run, status);
}

/* ---- events ---- */

static ftl_status log_start(ftl_run *run, ftl_error *error) {
  static const char *const precision[] = {"double", "mixed"};
  const ftl_setup *s = &run->s;
  if (!run->log) return FTL_OK;
  json_t *members =
      json_pack("{s:s, s:s?, s:I, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "version", ftl_version(), "foundation",
                s->recipe->foundation, "seed", (json_int_t)s->recipe->seed, "threads", s->team.n, "precision",
                precision[s->recipe->precision], "train_frames", (json_int_t)s->own, "replay_frames",
                (json_int_t)(s->sets.train.n - s->own), "valid_frames", (json_int_t)s->sets.valid.n, "test_frames",
                (json_int_t)s->sets.test.n, "parameters", (json_int_t)s->parameters.count, "trained",
                (json_int_t)ftl_parameters_trained(&s->parameters), "freeze", ftl_run_freeze(s->recipe));
  return ftl_run_written(run, ftl_log_event(run->log, "start", members, error));
}

/* What was found in the data, for who reads the log later. */
static ftl_status log_findings(ftl_run *run, ftl_error *error) {
  const ftl_findings *findings = &run->s.findings;
  ftl_status status = FTL_OK;
  for (int k = 0; run->log && !status && k < findings->n; k++)
    status = ftl_log_event(
        run->log, "finding",
        json_pack("{s:I, s:s}", "count", (json_int_t)findings->finding[k].count, "text", findings->finding[k].text),
        error);
  return ftl_run_written(run, status);
}

static ftl_status log_end(ftl_run *run, const char *reason, ftl_error *error) {
  if (!run->log) return FTL_OK;
  json_t *best = isfinite(run->at.best_loss) ? json_real(run->at.best_loss) : json_null();
  json_t *members = json_pack("{s:s, s:I, s:o, s:f}", "reason", reason, "best_epoch", (json_int_t)run->at.best_epoch,
                              "best_valid_loss", best, "seconds", ftl_run_seconds(run));
  return ftl_run_written(run, ftl_log_event(run->log, "end", members, error));
}

/* A part of a set: all of its structures from `first` on, `n` of them. */
static void say_set(const ftl_setup *s, const char *name, const ftl_dataset *dataset, int64_t first, int64_t n) {
  char counts[400];
  ftl_dataset part = *dataset;
  part.structure += first;
  part.n = n;
  ftl_dataset_describe_labels(&part, counts);
  ftl_setup_say(s, "%s: %lld structures (%lld atoms), %s", name, (long long)n, (long long)ftl_dataset_atoms(&part),
                counts);
}

static void say_setup(const ftl_run *run) {
  const ftl_setup *s = &run->s;
  const ftl_architecture *arch = &s->source->arch;
  ftl_setup_say(s, "%s: %d elements, %d layers, %lld parameters",
                s->recipe->foundation ? s->recipe->foundation : "new model", arch->n_elements, arch->n_layers,
                (long long)s->parameters.count);
  say_set(s, "train", &s->sets.train, 0, s->own);
  say_set(s, "valid", &s->sets.valid, 0, s->sets.valid.n);
  if (s->sets.test.n > 0) say_set(s, "test", &s->sets.test, 0, s->sets.test.n);
  if (s->batches.replay > 0) {
    say_set(s, "replay", &s->sets.train, s->own, s->sets.train.n - s->own);
    ftl_setup_say(s, "%d structures of replay are drawn for each epoch", s->batches.taken);
  }
  ftl_setup_say(s, "%d structures per step, %lld steps", s->batches.size, (long long)ftl_run_total_steps(run));
  ftl_setup_say(s, "%d threads on each of %d ranks", s->team.n, ftl_ranks_n());
  char *table = ftl_freeze_table(&s->parameters);
  if (table && s->host->show && ftl_run_writes()) {
    table[strlen(table) - 1] = '\0';
    s->host->show(s->host->context, table);
  }
  free(table);
  if (run->lora.n > 0)
    ftl_setup_say(s, "low-rank adaptation: %d of %d tensors by factors of rank %d; %lld numbers are trained in all",
                  run->lora.n_low, run->lora.n, run->lora.rank, (long long)run->lora.factors.count);
}

/* ---- beginning ---- */

static double *vector_of(ftl_run *run, int64_t count, const double *values) {
  double *vector = ftl_arena_take(&run->memory, (size_t)count, sizeof *vector);
  if (vector && values) memcpy(vector, values, (size_t)count * sizeof *vector);
  return vector;
}

/* All that changes during the run, as it is before the first step. */
static ftl_status make_vectors(ftl_run *run, ftl_error *error) {
  const ftl_recipe *r = run->s.recipe;
  const int64_t count = run->s.parameters.count;
  const ftl_optimiser_options options = {.kind = r->optimiser.kind,
                                         .beta1 = r->optimiser.beta1,
                                         .beta2 = r->optimiser.beta2,
                                         .epsilon = r->optimiser.epsilon,
                                         .weight_decay = r->optimiser.weight_decay,
                                         .clip = r->optimiser.clip};
  const ftl_parameters *moved = &run->s.parameters;
  run->values = run->moved = run->s.values;
  if (ftl_recipe_is_set(r, "lora.rank")) {
    FTL_TRY(ftl_lora_new(r, run->s.source, moved, run->values, &run->lora, error));
    moved = &run->lora.factors;
    run->moved = run->lora.values;
  }
  run->gradient = vector_of(run, count, NULL);
  run->best = vector_of(run, moved->count, run->moved);
  if (r->ema != 0) run->ema = vector_of(run, moved->count, run->moved);
  if (ftl_recipe_is_set(r, "swa.start")) {
    run->mean = vector_of(run, moved->count, run->moved);
    run->mean_before = vector_of(run, moved->count, NULL);
  }
  if (run->lora.n > 0) run->whole = vector_of(run, count, run->values);
  run->part = vector_of(run, r->batch_size, NULL);
  FTL_TRY(ftl_arena_check(&run->memory, error, "%lld parameters and their averages", (long long)count));
  ftl_schedule_start(&run->schedule);
  run->at = (ftl_position){.epoch = 1, .stage = 1, .best_loss = INFINITY, .next_loss = NAN, .best_next = NAN};
  ftl_random_seed(&run->at.random, (uint64_t)r->seed);
  return ftl_optimiser_new(moved, &options, &run->optimiser, error);
}

static ftl_status open_log(ftl_run *run, int64_t last_epoch, ftl_error *error) {
  char warning[400];
  if (!ftl_run_writes()) return FTL_OK;
  ftl_status status = ftl_run_written(run, ftl_log_open(run->s.recipe->output, last_epoch, &run->log, warning, error));
  if (!status && *warning) ftl_setup_warn(&run->s, "%s", warning);
  return status;
}

/* What the run reads, for the state; of a run that goes on it is what it began with. */
static ftl_status record_inputs(ftl_run *run, const ftl_state *state, ftl_error *error) {
  if (!ftl_run_writes()) return FTL_OK;
  if (state) run->inputs = json_incref(json_object_get(state->object, "inputs"));
  if (!run->inputs) run->inputs = ftl_inputs_record(&run->s.recipe->options, error);
  return run->inputs ? FTL_OK : error ? error->code : FTL_ERR_IO;
}

static void enter(const ftl_run *run, ftl_train_phase phase) {
  if (run->s.host->phase) run->s.host->phase(run->s.host->context, phase);
}

static ftl_status begin(ftl_run *run, ftl_error *error) {
  ftl_run_start_clock(run);
  ftl_status status = write_recipe(run, error);
  if (!status) enter(run, FTL_TRAIN_BEGUN);
  if (!status) status = open_log(run, -1, error);
  if (!status) status = log_start(run, error);
  if (!status) status = log_findings(run, error);
  return status ? status : ftl_run_first_look(run, error);
}

/* Errors and predictions are those of the best model of a run that had ended. */
static void forget_report(const ftl_run *run) {
  static const char *const names[] = {"errors.csv", "predictions-valid.csv", "predictions-test.csv"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    char *path = ftl_run_path(run, names[k]);
    if (path) unlink(path);
    free(path);
  }
}

static ftl_status go_on(ftl_run *run, const ftl_state *state, ftl_error *error) {
  FTL_TRY(ftl_run_restore(run, state, error));
  const bool patience = run->at.trained && run->at.reason == FTL_REASON_PATIENCE;
  const bool trained = patience || ftl_run_is_over(run);
  if (run->at.finished && trained)
    return ftl_fail(error, FTL_ERR_INPUT, run->s.recipe->output,
                    patience ? "the run is finished: it stopped early; begin another one to train further"
                             : "the run is finished; more epochs (or steps) than it had go on with it");
  const bool stale = run->at.finished;
  run->at.trained = trained;
  run->at.finished = 0;
  ftl_run_start_clock(run);
  char text[100];
  snprintf(text, sizeof text, "resumed after step %lld, in epoch %lld", (long long)run->optimiser.step,
           (long long)run->at.epoch);
  ftl_setup_say(&run->s, "%s", text);
  ftl_status status = write_recipe(run, error);
  if (!status) status = open_log(run, run->at.epoch - 1, error);
  if (!status && stale && ftl_run_writes()) forget_report(run);
  if (!status && run->log)
    status = ftl_run_written(run, ftl_log_event(run->log, "note", json_pack("{s:s}", "text", text), error));
  return status ? status : ftl_run_write_model(run, error);
}

static ftl_status finish(ftl_run *run, ftl_error *error) {
  static const char *const reasons[] = {"epochs", "steps", "patience"};
  ftl_status status = ftl_run_say_kept(run, error);
  run->ending = true;
  if (!status && run->teach) status = ftl_run_write_model(run, error);
  if (!status) status = ftl_run_report(run, error);
  if (!status) status = log_end(run, reasons[run->at.reason], error);
  run->at.finished = 1;
  FTL_TRY(status);
  enter(run, FTL_TRAIN_ENDING); /* a signal must not say "interrupted" of a run whose state says "finished" */
  return ftl_run_save(run, error);
}

/* ---- a whole run ---- */

static ftl_train_end end_of(const ftl_run *run, ftl_status status, bool interrupted) {
  if (!status) return interrupted ? FTL_TRAIN_INTERRUPTED : FTL_TRAIN_DONE;
  return run->unwritten ? FTL_TRAIN_UNWRITTEN : run->diverged ? FTL_TRAIN_DIVERGED : FTL_TRAIN_FAILED;
}

static ftl_status run_it(ftl_recipe *recipe, const ftl_host *host, ftl_train_teach *teach, const ftl_state *state,
                         ftl_train_end *end, ftl_error *error) {
  ftl_run run = {.teach = recipe->trust == FTL_TEACH_NEVER ? NULL : teach};
  bool interrupted = false;
  ftl_status status = ftl_setup_make(recipe, host, state, &run.s, error);
  if (!status) status = make_vectors(&run, error);
  if (!status) status = record_inputs(&run, state, error);
  if (!status) {
    say_setup(&run);
    status = state ? go_on(&run, state, error) : begin(&run, error);
  }
  if (!status) {
    enter(&run, FTL_TRAIN_STEPS);
    status = ftl_run_loop(&run, &interrupted, error);
  }
  if (!status && !interrupted) {
    enter(&run, FTL_TRAIN_REPORT);
    status = finish(&run, error);
  }
  if (status && run.s.team.interrupted) { /* outside of the loop, where there is nothing to save */
    interrupted = true;
    status = FTL_OK;
  }
  if (!status && interrupted && run.log) status = log_end(&run, "interrupted", error);
  if (run.diverged && isfinite(run.at.best_loss)) ftl_run_say_kept(&run, NULL);
  if (run.diverged) log_end(&run, "diverged", NULL);
  *end = end_of(&run, status, interrupted);
  free_run(&run);
  return status;
}

ftl_status ftl_train(ftl_recipe *recipe, const ftl_host *host, ftl_train_teach *teach, ftl_train_end *end,
                     ftl_error *error) {
  ftl_run_folder folder = {0};
  ftl_status status = open_folder(recipe->output, false, &recipe->options, host, &folder, error);
  *end = status == FTL_ERR_IO ? FTL_TRAIN_UNWRITTEN : FTL_TRAIN_FAILED;
  if (!status) status = run_it(recipe, host, teach, NULL, end, error);
  ftl_run_folder_close(&folder);
  return status;
}

/* ---- going on ---- */

static ftl_status resume(const char *run, const ftl_recipe *changes, const ftl_host *host, ftl_train_teach *teach,
                         ftl_train_end *end, ftl_error *error) {
  ftl_recipe *recipe = NULL;
  ftl_state state = {0};
  bool any;
  ftl_status status = ftl_resume_read(run, changes, host, &recipe, &state, &any, error);
  if (!status) status = ftl_run_folder_check_inputs(run, FTL_RUN_TRAIN, &recipe->options, error);
  if (!status) status = run_it(recipe, host, teach, any ? &state : NULL, end, error);
  ftl_state_free(&state);
  ftl_recipe_free(recipe);
  return status;
}

ftl_status ftl_train_resume(const char *run, const ftl_recipe *changes, const ftl_host *host, ftl_train_teach *teach,
                            ftl_train_end *end, ftl_error *error) {
  ftl_run_folder folder = {0};
  ftl_status status = open_folder(run, true, NULL, host, &folder, error);
  *end = status == FTL_ERR_IO ? FTL_TRAIN_UNWRITTEN : FTL_TRAIN_FAILED;
  if (!status) status = resume(run, changes, host, teach, end, error);
  ftl_run_folder_close(&folder);
  return status;
}
