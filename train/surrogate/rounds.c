#include "surrogate/rounds.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "support/output.h"
#include "support/record.h"
#include "surrogate/choose.h"
#include "surrogate/student.h"
#include "surrogate/teacher.h"
#include "tune/split.h"

/* ---- files ---- */

static void name_of(const ftl_surrogate_state *run, const char *name, char text[80]) {
  snprintf(text, 80, "rounds/%d/%s", run->round, name);
}

char *ftl_round_path(const ftl_surrogate_state *run, const char *name) {
  char text[80];
  name_of(run, name, text);
  return ftl_surrogate_path(run, text);
}

static ftl_status make_folder(ftl_surrogate_state *run, const char *name, ftl_error *error) {
  char *path = ftl_surrogate_path(run, name);
  ftl_status status = path ? ftl_output_folder(path, error) : ftl_no_memory(error, NULL, "a path");
  free(path);
  return status;
}

/* RUN/from becomes RUN/rounds/N/to, unless an earlier process did that. */
static ftl_status keep_file(ftl_surrogate_state *run, const char *from, const char *to, ftl_error *error) {
  ftl_output_file file = {0};
  char *source = ftl_surrogate_path(run, from), *target = ftl_round_path(run, to);
  ftl_status status = source && target ? FTL_OK : ftl_no_memory(error, NULL, "a path");
  if (!status && access(target, F_OK) != 0) {
    status = ftl_output_open(target, &file, error);
    if (!status) status = ftl_output_append(source, file.stream, error);
    if (!status) status = ftl_output_commit(&file, error);
    else ftl_output_discard(&file);
  }
  free(source);
  free(target);
  return status;
}

static const char *driver_of(const ftl_surrogate_state *run) {
  return ftl_recipe_is_nonlinear(run->recipe) ? "driver.yace" : FTL_DRIVER;
}

static ftl_status keep_driver(ftl_surrogate_state *run, ftl_error *error) {
  char folder[80];
  name_of(run, "", folder);
  ftl_status status = make_folder(run, "rounds", error);
  if (!status) status = make_folder(run, folder, error);
  if (!status)
    status = keep_file(run, ftl_recipe_is_nonlinear(run->recipe) ? "model.yace" : "model.ftl", driver_of(run), error);
  if (!status) status = keep_file(run, "errors.csv", "errors.csv", error);
  run->unwritten |= status != FTL_OK;
  return status;
}

/* ---- records ---- */

static json_t *numbers(const double x[2]) {
  json_t *list = json_array();
  for (int k = 0; k < 2; k++) json_array_append_new(list, isfinite(x[k]) ? json_real(x[k]) : json_null());
  return list;
}

json_t *ftl_round_record(const ftl_surrogate_state *run, int round) {
  const ftl_round *r = &run->rounds[round];
  json_t *ends = json_object();
  for (int e = 0; e < FTL_SAMPLING_ENDS; e++)
    if (r->end[e] > 0)
      json_object_set_new(ends, ftl_sampling_end_name((ftl_sampling_end)e), json_integer((json_int_t)r->end[e]));
  return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "round", round, "fitted",
                   (json_int_t)r->fitted, "held_back", (json_int_t)r->held, "candidates", (json_int_t)r->candidates,
                   "added", (json_int_t)r->added, "runs", (json_int_t)r->runs, "relaxed", (json_int_t)r->relaxed,
                   "ends", ends, "before", numbers(r->before), "after", numbers(r->after), "valid", numbers(r->valid));
}

static bool take_numbers(const json_t *list, double x[2]) {
  for (size_t k = 0; k < 2; k++) {
    const json_t *number = json_array_get(list, k);
    if (!json_is_number(number) && !json_is_null(number)) return false;
    x[k] = json_is_number(number) ? json_number_value(number) : NAN;
  }
  return true;
}

static bool take_record(const json_t *json, int round, ftl_round *r) {
  json_int_t fitted, held, candidates, added, runs, relaxed;
  json_t *ends, *before, *after, *valid;
  int number;
  if (json_unpack((json_t *)json, "{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "round", &number, "fitted",
                  &fitted, "held_back", &held, "candidates", &candidates, "added", &added, "runs", &runs, "relaxed",
                  &relaxed, "ends", &ends, "before", &before, "after", &after, "valid", &valid) ||
      number != round)
    return false;
  *r = (ftl_round){
      .fitted = fitted, .held = held, .candidates = candidates, .added = added, .runs = runs, .relaxed = relaxed};
  for (int e = 0; e < FTL_SAMPLING_ENDS; e++)
    r->end[e] = json_integer_value(json_object_get(ends, ftl_sampling_end_name((ftl_sampling_end)e)));
  return take_numbers(before, r->before) && take_numbers(after, r->after) && take_numbers(valid, r->valid);
}

/* What earlier processes finished. */
static ftl_status read_records(ftl_surrogate_state *run, ftl_error *error) {
  char *path = ftl_surrogate_path(run, "rounds.json");
  run->rounds = calloc((size_t)run->recipe->rounds + 1, sizeof *run->rounds);
  if (!path || !run->rounds) {
    free(path);
    return ftl_no_memory(error, NULL, "the rounds");
  }
  ftl_status status = FTL_OK;
  if (access(path, F_OK) == 0) {
    json_t *list = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const int n = (int)json_array_size(list);
    bool good = json_is_array(list) && n >= 1 && n <= run->recipe->rounds + 1;
    for (int k = 0; good && k < n; k++) good = take_record(json_array_get(list, (size_t)k), k, &run->rounds[k]);
    run->n_rounds = good ? n : 0;
    json_decref(list);
    if (!good)
      status = ftl_fail(error, FTL_ERR_FORMAT, path,
                        "it is not what the rounds gave, as it was written: restore it, or begin another run");
  }
  free(path);
  return status;
}

static ftl_status write_records(ftl_surrogate_state *run, ftl_error *error) {
  json_t *list = json_array();
  char *path = ftl_surrogate_path(run, "rounds.json");
  for (int k = 0; k < run->n_rounds; k++) json_array_append_new(list, ftl_round_record(run, k));
  ftl_status status = path ? ftl_record_write(path, list, error) : ftl_no_memory(error, NULL, "a path");
  run->unwritten |= status != FTL_OK;
  free(path);
  return status;
}

void ftl_round_measured(ftl_surrogate_state *run) {
  if (!run->rounds) return;
  ftl_round *r = &run->rounds[run->round];
  r->fitted = run->train.n;
  r->held = run->held.n;
  memcpy(r->after, run->held.n > 0 ? run->on_held.rmse : run->on_train.rmse, sizeof r->after);
  for (int k = 0; k < 2; k++) r->valid[k] = run->valid.n > 0 ? run->on_valid.rmse[k] : NAN;
  run->n_rounds = run->round + 1;
}

/* ---- which frames ---- */

/* Shallow copies of the structures where `flag` is `value`, and their numbers; the caller frees both. */
static ftl_status view(const ftl_dataset *set, const bool *flag, bool value, ftl_dataset *part, int64_t **number,
                       ftl_error *error) {
  *part = (ftl_dataset){.structure = malloc(((size_t)set->n + 1) * sizeof *part->structure)};
  *number = malloc(((size_t)set->n + 1) * sizeof **number);
  if (!part->structure || !*number) return ftl_no_memory(error, NULL, "the frames of a round");
  for (int64_t k = 0; k < set->n; k++) {
    if (flag[k] != value) continue;
    (*number)[part->n] = k;
    part->structure[part->n++] = set->structure[k];
  }
  return FTL_OK;
}

/* Of those that are halted, or not, `wanted` that tell most beside what is fitted. */
static ftl_status pick(const ftl_surrogate_state *run, const ftl_dataset *candidates, const bool *halted, bool which,
                       int64_t wanted, bool *chosen, ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  ftl_dataset part = {0};
  ftl_basis_options basis;
  ftl_basis_block *blocks = NULL;
  int64_t *number = NULL, *list = malloc(((size_t)wanted + 1) * sizeof *list), n = 0;
  ftl_status status = list ? FTL_OK : ftl_no_memory(error, NULL, "the frames of a round");
  if (!status) status = view(candidates, halted, which, &part, &number, error);
  if (!status) status = ftl_recipe_basis(r, run->elements, run->n_elements, &basis, &blocks, error);
  if (!status && part.n <= wanted)
    for (; n < part.n; n++) list[n] = n;
  else if (!status)
    status = ftl_choose_structures(&basis, &run->train, &part, wanted, r->sample.select == FTL_SELECT_BY_DISTANCE,
                                   (int)r->threads, list, NULL, &n, error);
  for (int64_t k = 0; k < n && !status; k++) chosen[number[list[k]]] = true;
  free(part.structure);
  free(number);
  free(list);
  free(blocks);
  return status;
}

static void find_halted(const ftl_sampling_report *report, int64_t runs, bool *halted) {
  for (int64_t k = 0; k < runs; k++)
    if (report->end[k] >= FTL_SAMPLING_GRADE && report->first[k + 1] > report->first[k])
      halted[report->first[k + 1] - 1] = true;
}

/* Chosen candidates into RUN/rounds/N/sampled.xyz. */
static ftl_status choose(ftl_surrogate_state *run, const ftl_sampling_report *report, const ftl_dataset *candidates,
                         ftl_error *error) {
  const int64_t n = candidates->n, wanted = run->recipe->round.frames;
  ftl_round *now = &run->rounds[run->round];
  bool *halted = calloc((size_t)n + 1, sizeof *halted), *chosen = calloc((size_t)n + 1, sizeof *chosen);
  ftl_dataset part = {0};
  int64_t *number = NULL, n_halted = 0;
  char name[80];
  ftl_status status = halted && chosen ? FTL_OK : ftl_no_memory(error, NULL, "the frames of a round");
  if (!status) find_halted(report, now->runs, halted);
  for (int64_t k = 0; k < n && !status; k++) n_halted += halted[k];
  if (!status) status = pick(run, candidates, halted, true, wanted, chosen, error);
  if (!status && n_halted < wanted) status = pick(run, candidates, halted, false, wanted - n_halted, chosen, error);
  if (!status) status = view(candidates, chosen, true, &part, &number, error);
  name_of(run, "sampled.xyz", name);
  if (!status) status = ftl_surrogate_write_frames(run, name, &part, error);
  now->candidates = n;
  if (!status)
    ftl_surrogate_say(run, "%lld of %lld frames are added, %lld of them where a run was halted (%s)", (long long)part.n,
                      (long long)n, (long long)(n_halted < wanted ? n_halted : wanted), name);
  free(part.structure);
  free(number);
  free(halted);
  free(chosen);
  return status;
}

/* ---- the dynamics of a round ---- */

static ftl_status open_driver(const ftl_surrogate_state *run, const char *path, ftl_model **driver, ftl_error *error) {
  const ftl_open_options open = {.elements = run->elements, .n_elements = run->n_elements};
  return ftl_model_open(path, &open, driver, error);
}

/* The limits of a round; where the driver tells no gamma only the model's answer halts. */
static void set_limits(ftl_surrogate_state *run, const ftl_model *driver) {
  const ftl_round *before = &run->rounds[run->round - 1];
  ftl_sampling_options *o = &run->jobs.options;
  ftl_model_info info;
  ftl_model_get_info(driver, &info);
  ftl_jobs_of_round(run->recipe, run->round, &run->jobs);
  o->teacher = run->model;
  o->max_difference = fmax(run->recipe->round.difference * before->after[1], 1e-6);
  o->max_gamma = info.extrapolation ? run->recipe->round.gamma : 0;
  char gamma[60] = "";
  if (o->max_gamma > 0) snprintf(gamma, sizeof gamma, "gamma above %g or ", o->max_gamma);
  ftl_surrogate_say(run,
                    "\nround %d of at most %lld: dynamics with the surrogate, halted at %sa difference of forces "
                    "above %.0f meV/A (round.difference %g times the RMSE held back)",
                    run->round, (long long)run->recipe->rounds, gamma, 1e3 * o->max_difference,
                    run->recipe->round.difference);
}

static void count_runs(const ftl_sampling_report *report, ftl_round *now) {
  const ftl_sampling_row total = ftl_sampling_report_total(report);
  *now = (ftl_round){.before = {NAN, NAN}, .runs = total.runs, .relaxed = total.relaxed};
  memcpy(now->end, total.end, sizeof now->end);
}

static ftl_status drive(ftl_surrogate_state *run, const char *path, bool *interrupted, ftl_error *error) {
  ftl_model *driver = NULL;
  ftl_sampling_report report = {0};
  ftl_dataset candidates = {0};
  char id[2 * FTL_SHA256_HEX + 1], name[80];
  ftl_status status = open_driver(run, path, &driver, error);
  if (!status) status = ftl_sha256_file(path, id, error);
  if (!status) {
    snprintf(id + strlen(id), sizeof id - strlen(id), " %s", run->model_sha256);
    set_limits(run, driver);
    name_of(run, "sampling", name);
    status = ftl_surrogate_run_jobs(run, driver, "surrogate", id, name, &candidates, &report, error);
  }
  *interrupted = report.interrupted;
  if (!status && !*interrupted) {
    count_runs(&report, &run->rounds[run->round]);
    status = choose(run, &report, &candidates, error);
  }
  ftl_model_free(driver);
  ftl_dataset_free(&candidates);
  ftl_sampling_report_free(&report);
  return status;
}

/* ---- what a round adds ---- */

/* RUN/rounds/N/sampled.xyz: a part is held back, the rest is fitted. */
static ftl_status add_frames(ftl_surrogate_state *run, int64_t *added, ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  const ftl_dataset_options options = {.labels = {.prefix = "REF_"}};
  ftl_dataset frames = {0};
  char note[300], *path = ftl_round_path(run, "sampled.xyz");
  if (!path) return ftl_no_memory(error, NULL, "a path");
  ftl_status status = ftl_dataset_read(&path, 1, &options, &frames, error);
  *added = frames.n;
  ftl_surrogate_weigh_configs(run, &frames);
  if (!status && r->weights.atoms > 0)
    status = ftl_answers_atoms(run->model, (int)r->threads, run->elements, run->e0, run->n_elements, &frames, error);
  if (!status && frames.n > 1)
    status = ftl_split_off(&frames, r->holdout, (uint64_t)r->seed + 1 + (uint64_t)run->round, &run->held, note, error);
  bool *all = malloc((size_t)frames.n + 1);
  if (!status && !all) status = ftl_no_memory(error, NULL, "the frames of a round");
  if (!status) {
    memset(all, 1, (size_t)frames.n);
    status = ftl_dataset_move(&frames, all, &run->train, error);
  }
  run->n_sampled += *added;
  free(all);
  free(path);
  ftl_dataset_free(&frames);
  return status;
}

/* Errors of the potential before, where it has just been halted. */
static ftl_status measure_driver(ftl_surrogate_state *run, const char *path, ftl_error *error) {
  ftl_round *now = &run->rounds[run->round];
  ftl_error_table table = {0};
  ftl_model *driver = NULL;
  ftl_status status = open_driver(run, path, &driver, error);
  if (!status) status = ftl_answers_compare(driver, (int)run->recipe->threads, &run->held, NULL, &table, NULL, error);
  if (!status) {
    const ftl_error_row total = ftl_error_table_total(&table, NULL);
    now->before[0] = ftl_error_rmse(&total.energy);
    now->before[1] = ftl_error_rmse(&total.forces);
  }
  ftl_error_table_free(&table);
  ftl_model_free(driver);
  return status;
}

static ftl_status enlarge(ftl_surrogate_state *run, int64_t *added, bool *interrupted, ftl_error *error) {
  const bool finished = run->round < run->n_rounds;
  char *driver = ftl_round_path(run, driver_of(run));
  if (!driver) return ftl_no_memory(error, NULL, "a path");
  ftl_status status = finished ? FTL_OK : keep_driver(run, error);
  run->host->phase(run->host->context, FTL_SURROGATE_BEGUN);
  if (!status && !finished) status = drive(run, driver, interrupted, error);
  if (!status && !*interrupted) status = add_frames(run, added, error);
  if (!status && !*interrupted && !finished) {
    run->rounds[run->round].added = *added;
    if (*added > 0) status = measure_driver(run, driver, error);
  }
  run->n_candidates += run->rounds[run->round].candidates;
  free(driver);
  return status;
}

/* ---- whether to go on ---- */

static void say_table(const ftl_surrogate_state *run) {
  ftl_surrogate_say(run, "\n%-6s %8s %10s %10s   %s", "round", "fitted", "held back", "halted",
                    "held back: meV/atom, meV/A (of the potential before)");
  for (int k = 0; k < run->n_rounds; k++) {
    const ftl_round *r = &run->rounds[k];
    char before[80] = "";
    if (k > 0) snprintf(before, sizeof before, " (%.2f, %.1f)", 1e3 * r->before[0], 1e3 * r->before[1]);
    ftl_surrogate_say(run, "%-6d %8lld %10lld %6lld/%-3lld   %.2f, %.1f%s", k, (long long)r->fitted, (long long)r->held,
                      (long long)(r->end[FTL_SAMPLING_GRADE] + r->end[FTL_SAMPLING_DIFFERS]), (long long)r->runs,
                      1e3 * r->after[0], 1e3 * r->after[1], before);
  }
}

/* Whether errors held back no longer fall, or all rounds are done; says which. */
static bool has_ended(const ftl_surrogate_state *run) {
  const ftl_round *r = &run->rounds[run->round];
  double fell = 0;
  if (run->round == 0) return false;
  for (int k = 0; k < 2; k++)
    if (r->before[k] > 0 && isfinite(r->after[k])) fell = fmax(fell, 1 - r->after[k] / r->before[k]);
  if (fell < run->recipe->round.least) {
    ftl_surrogate_say(run, "no further round: errors held back fell by %.1f %% in the last (round.least: %.1f %%)",
                      100 * fell, 100 * run->recipe->round.least);
    return true;
  }
  if (run->round < run->recipe->rounds) return false;
  ftl_surrogate_say(run, "errors held back fell by %.1f %% in the last round: more rounds would help", 100 * fell);
  return true;
}

ftl_status ftl_rounds_run(ftl_surrogate_state *run, ftl_surrogate_learn *learn, bool *interrupted, ftl_error *error) {
  FTL_TRY(read_records(run, error));
  const int there = run->n_rounds;
  for (run->round = 0; run->round <= run->recipe->rounds; run->round++) {
    if (run->round > 0) {
      int64_t added = 0;
      FTL_TRY(enlarge(run, &added, interrupted, error));
      if (*interrupted) return FTL_OK;
      if (added == 0) {
        ftl_surrogate_say(run, "no further round: no run gave a frame");
        break;
      }
    }
    if (run->round >= there) {
      if (run->round == 0) run->rounds[0].before[0] = run->rounds[0].before[1] = NAN;
      FTL_TRY(learn(run, interrupted, error));
      if (*interrupted) return FTL_OK;
      FTL_TRY(write_records(run, error));
    }
    if (has_ended(run)) break;
  }
  say_table(run);
  return FTL_OK;
}
