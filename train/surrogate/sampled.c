/* The structures of a distillation that the model makes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/energies.h"
#include "support/output.h"
#include "base/error.h"
#include "sampling/frames.h"
#include "surrogate/teacher.h"
#include "surrogate/choose.h"
#include "surrogate/jobs.h"
#include "surrogate/fit_run_internal.h"

/* ---- the model ---- */

/* Elements of starts and data in the model's order; the model is opened for them alone. */
static ftl_status choose_elements(ftl_surrogate_state *run, const ftl_jobs *jobs, const ftl_model *model,
                                  ftl_error *error) {
  ftl_model_info info;
  bool there[119] = {false};
  ftl_model_get_info(model, &info);
  const ftl_dataset *sets[] = {&jobs->starts, &run->data};
  for (size_t s = 0; s < 2; s++)
    for (int64_t k = 0; k < sets[s]->n; k++)
      for (int i = 0; i < sets[s]->structure[k].n; i++) there[sets[s]->structure[k].atomic_number[i]] = true;
  for (int k = 0; k < jobs->n; k++)
    for (int e = 0; e < jobs->job[k].molecule.n && jobs->job[k].kind == FTL_SAMPLING_LAUNCH; e++)
      there[jobs->job[k].molecule.element[e]] = true;
  for (int k = 0; k < run->recipe->elements.n; k++) {
    int z = ftl_atomic_number(run->recipe->elements.item[k]);
    if (z == 0)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "elements: '%.30s' is no chemical symbol",
                      run->recipe->elements.item[k]);
    there[z] = true;
  }
  for (int z = 1; z <= 118; z++)
    if (there[z] && ftl_model_species(model, z) < 0)
      return ftl_fail(error, FTL_ERR_INPUT, run->recipe->model, "the model does not have the element %s",
                      ftl_element_symbol(z));
  for (int k = 0; k < info.n_elements; k++) {
    if (!there[info.atomic_numbers[k]]) continue;
    run->e0[run->n_elements] = ftl_model_e0(model, k);
    run->elements[run->n_elements++] = info.atomic_numbers[k];
  }
  const ftl_rates *given = &run->recipe->e0;
  run->e0_from = given->n > 0 ? "as given" : "of the model";
  if (given->n == 0) return FTL_OK;
  return ftl_e0_given(given->name, given->value, given->n, run->elements, run->n_elements, run->e0, error);
}

/* ---- sampling ---- */

static void forward_progress(void *context, const ftl_sampling_progress *progress) {
  const ftl_surrogate_state *run = context;
  run->host->progress(run->host->context, progress->part * 100, 100);
}

/* How runs ended that did not do all their steps, and why that may be. */
static void explain(const ftl_surrogate_state *run, const ftl_sampling_report *report) {
  const ftl_sampling_row total = ftl_sampling_report_total(report);
  for (int e = 0; e < FTL_SAMPLING_ENDS; e++)
    if (total.end[e] > 0 && *ftl_sampling_end_advice((ftl_sampling_end)e))
      ftl_surrogate_say(run, "%s (%lld run%s): %s", ftl_sampling_end_name((ftl_sampling_end)e), (long long)total.end[e],
                        total.end[e] == 1 ? "" : "s", ftl_sampling_end_advice((ftl_sampling_end)e));
  if (total.relaxed > 0)
    ftl_surrogate_say(run, "%lld run%s would have been too hot: the start was relaxed first", (long long)total.relaxed,
                      total.relaxed == 1 ? "" : "s");
}

static void say_report(const ftl_surrogate_state *run, const ftl_sampling_report *report) {
  ftl_surrogate_say(run, "%-20s %6s %8s  runs cut", "sampled", "runs", "frames");
  for (int k = 0; k < report->n; k++) {
    const ftl_sampling_row *row = &report->row[k];
    char cut[200] = "";
    for (int e = 0; e < FTL_SAMPLING_ENDS; e++)
      if (e != FTL_SAMPLING_DONE && row->end[e] > 0)
        snprintf(cut + strlen(cut), sizeof cut - strlen(cut), "%s %s: %lld", *cut ? "," : "",
                 ftl_sampling_end_name((ftl_sampling_end)e), (long long)row->end[e]);
    ftl_surrogate_say(run, "%-20s %6lld %8lld %s", row->config_type, (long long)row->runs, (long long)row->frames, cut);
  }
  explain(run, report);
}

ftl_status ftl_surrogate_write_frames(ftl_surrogate_state *run, const char *name, const ftl_dataset *frames,
                                      ftl_error *error) {
  char *path = ftl_surrogate_path(run, name);
  ftl_output_file file = {0};
  if (!path) return ftl_no_memory(error, NULL, "a path");
  ftl_status status = ftl_output_open(path, &file, error);
  for (int64_t k = 0; k < frames->n && !status; k++) ftl_frame_write(file.stream, &frames->structure[k], NULL);
  if (!status) status = ftl_output_commit(&file, error);
  run->unwritten = status != FTL_OK;
  free(path);
  return status;
}

void ftl_surrogate_weigh_configs(const ftl_surrogate_state *run, ftl_dataset *frames) {
  const ftl_rates *configs = &run->recipe->weights.configs;
  for (int64_t k = 0; k < frames->n; k++)
    for (int c = 0; c < configs->n; c++)
      if (strcmp(configs->name[c], frames->structure[k].config_type) == 0)
        frames->structure[k].weight *= configs->value[c];
}

static ftl_status choose(ftl_surrogate_state *run, ftl_dataset *candidates, ftl_error *error) {
  bool *chosen = calloc((size_t)candidates->n + 1, sizeof *chosen);
  if (!chosen) return ftl_no_memory(error, NULL, "sampled frames");
  ftl_status status = FTL_OK;
  run->n_candidates = candidates->n;
  if (candidates->n == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, NULL, "sampling gave no frames: every run was cut; lower the temperatures");
  if (!status)
    status = ftl_choose_frames(run->recipe, run->elements, run->n_elements, candidates, run->recipe->sample.frames,
                               chosen, error);
  if (!status) status = ftl_dataset_move(candidates, chosen, &run->train, error);
  run->n_sampled = run->train.n;
  ftl_surrogate_weigh_configs(run, &run->train);
  if (!status) status = ftl_surrogate_write_frames(run, "sampled.xyz", &run->train, error);
  if (!status)
    ftl_surrogate_say(run, "%lld of %lld frames are fitted (sampled.xyz)", (long long)run->n_sampled,
                      (long long)run->n_candidates);
  free(chosen);
  return status;
}

ftl_status ftl_surrogate_run_jobs(ftl_surrogate_state *run, const ftl_model *model, const char *who, const char *id,
                                  const char *name, ftl_dataset *candidates, ftl_sampling_report *report,
                                  ftl_error *error) {
  const ftl_jobs *jobs = &run->jobs;
  ftl_sampling_plan plan = {0};
  const ftl_sampling_host host = {run, forward_progress, run->host->stop};
  char *folder = ftl_surrogate_path(run, name);
  ftl_status status =
      ftl_sampling_plan_make(model, id, &jobs->starts, jobs->job, jobs->n, &jobs->options, &plan, error);
  if (!status && !folder) status = ftl_no_memory(error, NULL, "a path");
  if (!status) {
    ftl_surrogate_say(run, "%lld starts, %lld runs of the %s", (long long)jobs->starts.n, (long long)plan.n, who);
    run->host->stage(run->host->context, "% sampled", 100);
    status = ftl_sampling_execute(&plan, model, folder, (int)run->recipe->threads, &host, candidates, report, error);
    run->host->stage(run->host->context, NULL, 0);
    run->unwritten = status == FTL_ERR_IO;
  }
  if (!status && !report->interrupted) say_report(run, report);
  free(folder);
  ftl_sampling_plan_free(&plan);
  return status;
}

ftl_status ftl_surrogate_sample(ftl_surrogate_state *run, bool *interrupted, ftl_error *error) {
  ftl_sampling_report report = {0};
  ftl_dataset candidates = {0};
  ftl_status status =
      ftl_surrogate_run_jobs(run, run->model, "model", run->model_sha256, "sampling", &candidates, &report, error);
  *interrupted = report.interrupted;
  if (!status && !*interrupted) {
    status = choose(run, &candidates, error);
    if (!status && run->recipe->weights.atoms > 0)
      status = ftl_answers_atoms(run->model, (int)run->recipe->threads, run->elements, run->e0, run->n_elements,
                                 &run->train, error);
  }
  ftl_dataset_free(&candidates);
  ftl_sampling_report_free(&report);
  return status;
}

ftl_status ftl_surrogate_prepare(ftl_surrogate_state *run, ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  ftl_open_options open = {
      .precision = (ftl_precision)r->sample.precision, .head = r->head, .foundation = r->foundation};
  ftl_status status = ftl_jobs_make(r, &run->data, &run->jobs, error);
  if (!status) status = ftl_sha256_file(r->model, run->model_sha256, error);
  if (!status) status = ftl_model_open(r->model, &open, &run->model, error);
  if (!status) status = choose_elements(run, &run->jobs, run->model, error);
  if (status) return status;
  ftl_model_free(run->model);
  run->model = NULL;
  open.elements = run->elements;
  open.n_elements = run->n_elements;
  return ftl_model_open(r->model, &open, &run->model, error);
}
