/* The runs of a plan on several threads. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "sampling/sampling_internal.h"

/* Shared by the threads; changed in the critical sections of this file only, save `stop`. */
typedef struct {
  const ftl_sampling_plan *plan;
  const ftl_sampling_host *host;
  ftl_sampling_store store;
  int64_t resumed, done, frames;
  double before, work, total; /* work of earlier calls, of this call so far (steps times atoms), of the plan */
  double began, told;
  ftl_status status; /* the first failure */
  ftl_error error;
  int stop; /* atomic: a failure, or the host's wish */
} sampling;

/* One thread's part. */
typedef struct {
  sampling *s;
  ftl_sampler sampler;
  double counted; /* work of this run that is in s->work */
  double pending; /* that is not yet */
} worker;

/* ---- progress ---- */

static void tell(sampling *s) {
  const double at = ftl_seconds(), done = s->before + s->work, seconds = at - s->began;
  s->told = at;
  if (!s->host || !s->host->progress) return;
  const ftl_sampling_progress progress = {
      .runs = s->plan->n,
      .done = s->done,
      .frames = s->frames,
      .part = s->total > 0 ? fmin(1, done / s->total) : 1,
      .seconds_left = s->work > 0 && seconds > 0 ? fmax(0, s->total - done) * seconds / s->work : NAN};
  s->host->progress(s->host->context, &progress);
}

static void count(worker *w) {
  w->s->work += w->pending;
  w->counted += w->pending;
  w->pending = 0;
}

/* After a step. The clock is asked now and then only: a step may take a few microseconds. */
static bool after_step(void *context, double work) {
  worker *w = context;
  sampling *s = w->s;
  int stop;
  w->pending += work;
  if (s->host && s->host->stop && *s->host->stop) {
#pragma omp atomic write
    s->stop = 1;
  }
#pragma omp atomic read
  stop = s->stop;
  if (w->pending < 2000) return stop;
#pragma omp critical(ftl_sampling)
  {
    count(w);
    if (ftl_seconds() - s->told > 1) tell(s);
  }
  return stop;
}

/* ---- runs ---- */

static void fail(sampling *s, ftl_status status, const ftl_error *error) {
#pragma omp critical(ftl_sampling)
  if (s->status == FTL_OK) {
    s->status = status;
    s->error = *error;
  }
#pragma omp atomic write
  s->stop = 1;
}

static ftl_status finish_run(worker *w, int64_t run, const ftl_sampling_result *result, ftl_error *error) {
  sampling *s = w->s;
  ftl_status status;
#pragma omp critical(ftl_sampling)
  {
    status = ftl_sampling_store_add(&s->store, run, result, error);
    s->work += s->plan->run[run].work - w->counted; /* as if it had taken all its steps */
    s->done++;
    s->frames += result->frames.n;
    tell(s);
  }
  return status;
}

static void do_run(worker *w, int64_t run) {
  ftl_sampling_result result = {0};
  ftl_error error = {0};
  int stop;
#pragma omp atomic read
  stop = w->s->stop;
  if (stop || w->s->store.entry[run].finished) return;
  w->counted = w->pending = 0;
  ftl_status status = ftl_sampler_run(&w->sampler, run, &result, &error);
  if (!status && !result.stopped) status = finish_run(w, run, &result, &error);
  ftl_dataset_free(&result.frames);
  if (status) fail(w->s, status, &error);
}

static void run_all(sampling *s, const ftl_model *model, int n_threads) {
#pragma omp parallel num_threads(n_threads > 0 ? n_threads : omp_get_max_threads())
  {
    worker w = {.s = s, .sampler = {.plan = s->plan, .model = model, .context = &w, .step = after_step}};
    ftl_error error = {0};
    const ftl_model *teacher = s->plan->options.teacher;
    ftl_status status = ftl_workspace_new(model, 1, &w.sampler.workspace, &error);
    if (!status && teacher) status = ftl_workspace_new(teacher, 1, &w.sampler.teacher, &error);
    if (status) fail(s, status, &error);
#pragma omp for schedule(dynamic, 1)
    for (int64_t k = 0; k < s->plan->n; k++) do_run(&w, k);
    ftl_workspace_free(w.sampler.workspace);
    ftl_workspace_free(w.sampler.teacher);
    ftl_neighbours_free(&w.sampler.scratch);
  }
}

/* ---- report ---- */

static ftl_sampling_row *row_of(ftl_sampling_report *report, const char *config_type) {
  for (int k = 0; k < report->n; k++)
    if (strcmp(report->row[k].config_type, config_type) == 0) return &report->row[k];
  ftl_sampling_row *row = &report->row[report->n++];
  *row = (ftl_sampling_row){0};
  memcpy(row->config_type, config_type, sizeof row->config_type);
  return row;
}

/* Names come from jobs, starts and temperatures: few. */
static ftl_status make_report(const sampling *s, ftl_sampling_report *report, ftl_error *error) {
  const int64_t n = s->plan->n;
  report->resumed = s->resumed;
  report->interrupted = s->done < n;
  report->row = malloc((size_t)n * sizeof *report->row);
  report->first = report->interrupted ? NULL : calloc((size_t)n + 1, sizeof *report->first);
  report->end = report->interrupted ? NULL : calloc((size_t)n + 1, sizeof *report->end);
  if (!report->row || (!report->interrupted && (!report->first || !report->end)))
    return ftl_no_memory(error, s->store.folder, "a report");
  for (int64_t k = 0; k < n; k++) {
    const ftl_sampling_entry *entry = &s->store.entry[k];
    if (report->first) report->first[k + 1] = report->first[k] + entry->frames;
    if (report->end) report->end[k] = entry->end;
    if (!entry->finished) continue;
    ftl_sampling_row *row = row_of(report, s->plan->run[k].config_type);
    row->runs++;
    row->frames += entry->frames;
    row->end[entry->end]++;
    row->relaxed += entry->relaxed;
  }
  return FTL_OK;
}

ftl_sampling_row ftl_sampling_report_total(const ftl_sampling_report *report) {
  ftl_sampling_row total = {0};
  for (int k = 0; k < report->n; k++) {
    const ftl_sampling_row *row = &report->row[k];
    total.runs += row->runs;
    total.frames += row->frames;
    total.relaxed += row->relaxed;
    for (int e = 0; e < FTL_SAMPLING_ENDS; e++) total.end[e] += row->end[e];
  }
  return total;
}

void ftl_sampling_report_free(ftl_sampling_report *report) {
  free(report->row);
  free(report->first);
  free(report->end);
  *report = (ftl_sampling_report){0};
}

/* ---- all of it ---- */

static void count_finished(sampling *s) {
  for (int64_t k = 0; k < s->plan->n; k++) {
    const ftl_sampling_entry *entry = &s->store.entry[k];
    s->total += s->plan->run[k].work;
    if (!entry->finished) continue;
    s->before += s->plan->run[k].work;
    s->resumed++;
    s->frames += entry->frames;
  }
  s->done = s->resumed;
}

static ftl_status execute(sampling *s, const ftl_model *model, int n_threads, ftl_error *error) {
  count_finished(s);
  s->began = s->told = ftl_seconds();
  if (s->done < s->plan->n) run_all(s, model, n_threads);
  if (s->status != FTL_OK && error) *error = s->error;
  if (s->status != FTL_OK || s->done < s->plan->n || s->store.sha256[0]) return s->status;
  return ftl_sampling_store_finish(&s->store, error);
}

ftl_status ftl_sampling_execute(const ftl_sampling_plan *plan, const ftl_model *model, const char *folder,
                                int n_threads, const ftl_sampling_host *host, ftl_dataset *candidates,
                                ftl_sampling_report *report, ftl_error *error) {
  sampling s = {.plan = plan, .host = host};
  *report = (ftl_sampling_report){0};
  ftl_status status = ftl_sampling_store_open(plan, folder, &s.store, error);
  if (!status) status = execute(&s, model, n_threads, error);
  if (!status) status = make_report(&s, report, error);
  if (!status && !report->interrupted) status = ftl_sampling_store_load(&s.store, candidates, error);
  ftl_sampling_store_free(&s.store);
  return status;
}
