/* A model, structures to start from and folders, for tests of sampling. Header only, because each test is one program.
 */
#ifndef FTL_TESTS_SAMPLING_CASES_H
#define FTL_TESTS_SAMPLING_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "close.h"
#include "data/xyz_internal.h"
#include "sampling/sampling.h"
#include "sampling/starts.h"

static ftl_model *model;
static ftl_dataset starts; /* 0: four atoms of copper; 1: a slab of H on copper; 2: H2 */
static ftl_sampling_options options;
static const double room[1] = {300}, two[2] = {300, 600};
static const int bulk[1] = {0}, slab[1] = {1}, molecule[1] = {2};
static char folder[64];
static int n_folders;

static inline void add_slab(void) {
  ftl_structure made;
  const ftl_slab_options o = {.miller = {0, 0, 1}, .layers = 2, .vacuum = 12};
  assert_int_equal(ftl_structure_slab(&starts.structure[0], &o, &made, NULL), FTL_OK);
  made.atomic_number[3] = 1;
  assert_int_equal(FTL_GROW(starts.structure, starts.room, (size_t)starts.n + 1, "structures", NULL), FTL_OK);
  starts.structure[starts.n++] = made;
}

static inline void add_molecule(void) {
  const int hydrogen[2] = {1, 1}, none[2] = {1, 0};
  assert_int_equal(ftl_starts_add_pair(hydrogen, 0.8, &starts, NULL), FTL_OK);
  assert_int_equal(ftl_starts_add_pair(none, 0.8, &starts, NULL), FTL_ERR_INPUT);
}

static inline int set_up(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const ftl_crystal crystal = {
      .name = "fcc", .a = 3.65, .n_elements = 1, .element = (const int[]){29}, .repeat = {1, 1, 1}};
  if (ftl_model_open("potentials/h2cu.ftl", NULL, &model, &error) != FTL_OK) fail_msg("%s", error.message);
  assert_int_equal(ftl_starts_add_crystal(&crystal, &starts, NULL), FTL_OK);
  add_slab();
  add_molecule();
  ftl_sampling_options_defaults(&options);
  options.seed = 11;
  return 0;
}

static inline int tear_down(void **unused) {
  (void)unused;
  ftl_model_free(model);
  ftl_dataset_free(&starts);
  return 0;
}

static inline const char *new_folder(void) {
  snprintf(folder, sizeof folder, "/tmp/frozentl-sampling-%d-%d", (int)getpid(), n_folders++);
  return folder;
}

static inline void remove_folder(const char *path) {
  char command[128];
  snprintf(command, sizeof command, "rm -r '%s'", path);
  assert_int_equal(system(command), 0);
}

static inline char *file_text(const char *path, const char *name) {
  char full[200];
  struct stat info;
  snprintf(full, sizeof full, "%s/%s", path, name);
  FILE *file = fopen(full, "rb");
  if (!file || fstat(fileno(file), &info) != 0) fail_msg("%s is not there", full);
  char *text = calloc(1, (size_t)info.st_size + 1);
  assert_int_equal(fread(text, 1, (size_t)info.st_size, file), info.st_size);
  fclose(file);
  return text;
}

static inline ftl_sampling_job job(ftl_sampling_kind kind, const int *start) {
  ftl_sampling_job j;
  ftl_sampling_job_defaults(kind, &j);
  j.n_starts = 1;
  j.start = start;
  j.n_temperatures = 1;
  j.temperature = room;
  j.equilibration = 10;
  j.steps = 20;
  j.every = 10;
  return j;
}

static inline ftl_sampling_plan plan_of(const ftl_sampling_job *jobs, int n) {
  ftl_sampling_plan plan;
  ftl_error error = {0};
  if (ftl_sampling_plan_make(model, "h2cu", &starts, jobs, n, &options, &plan, &error) != FTL_OK)
    fail_msg("%s (%s)", error.message, error.where);
  return plan;
}

typedef struct {
  ftl_dataset candidates;
  ftl_sampling_report report;
} outcome;

static inline outcome execute_in(const ftl_sampling_plan *plan, const char *path, int threads,
                                 const ftl_sampling_host *host) {
  outcome o = {0};
  ftl_error error = {0};
  if (ftl_sampling_execute(plan, model, path, threads, host, &o.candidates, &o.report, &error) != FTL_OK)
    fail_msg("%s (%s)", error.message, error.where);
  return o;
}

static inline outcome execute_once(const ftl_sampling_job *jobs, int n) {
  ftl_sampling_plan plan = plan_of(jobs, n);
  outcome o = execute_in(&plan, new_folder(), 2, NULL);
  ftl_sampling_plan_free(&plan);
  remove_folder(folder);
  return o;
}

static inline void done(outcome *o) {
  ftl_dataset_free(&o->candidates);
  ftl_sampling_report_free(&o->report);
}

#endif
