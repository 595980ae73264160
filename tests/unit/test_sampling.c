/* Sampling by a model: the plan holds the runs asked for; the candidates do not depend on threads, or on having been
   interrupted, to the byte; each way to end a run is seen; variations make the structures that they should. */
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

static void add_slab(void) {
  ftl_structure made;
  const ftl_slab_options o = {.miller = {0, 0, 1}, .layers = 2, .vacuum = 12};
  assert_int_equal(ftl_structure_slab(&starts.structure[0], &o, &made, NULL), FTL_OK);
  made.atomic_number[3] = 1;
  assert_int_equal(ftl_xyz_grow(&starts.structure, &starts.room, (size_t)starts.n + 1, sizeof made, NULL), FTL_OK);
  starts.structure[starts.n++] = made;
}

static void add_molecule(void) {
  const int hydrogen[2] = {1, 1}, none[2] = {1, 0};
  assert_int_equal(ftl_starts_add_pair(hydrogen, 0.8, &starts, NULL), FTL_OK);
  assert_int_equal(ftl_starts_add_pair(none, 0.8, &starts, NULL), FTL_ERR_INPUT);
}

static int set_up(void **unused) {
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

static int tear_down(void **unused) {
  (void)unused;
  ftl_model_free(model);
  ftl_dataset_free(&starts);
  return 0;
}

static const char *new_folder(void) {
  snprintf(folder, sizeof folder, "/tmp/frozentl-sampling-%d-%d", (int)getpid(), n_folders++);
  return folder;
}

static void remove_folder(const char *path) {
  char command[128];
  snprintf(command, sizeof command, "rm -r '%s'", path);
  assert_int_equal(system(command), 0);
}

static char *file_text(const char *path, const char *name) {
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

static ftl_sampling_job job(ftl_sampling_kind kind, const int *start) {
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

static ftl_sampling_plan plan_of(const ftl_sampling_job *jobs, int n) {
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

static outcome execute_in(const ftl_sampling_plan *plan, const char *path, int threads, const ftl_sampling_host *host) {
  outcome o = {0};
  ftl_error error = {0};
  if (ftl_sampling_execute(plan, model, path, threads, host, &o.candidates, &o.report, &error) != FTL_OK)
    fail_msg("%s (%s)", error.message, error.where);
  return o;
}

static outcome execute_once(const ftl_sampling_job *jobs, int n) {
  ftl_sampling_plan plan = plan_of(jobs, n);
  outcome o = execute_in(&plan, new_folder(), 2, NULL);
  ftl_sampling_plan_free(&plan);
  remove_folder(folder);
  return o;
}

static void done(outcome *o) {
  ftl_dataset_free(&o->candidates);
  ftl_sampling_report_free(&o->report);
}

/* ---- plan ---- */

static void plan_lists_runs(void **unused) {
  (void)unused;
  ftl_sampling_job jobs[3] = {job(FTL_SAMPLING_DYNAMICS, NULL), job(FTL_SAMPLING_RATTLES, bulk),
                              job(FTL_SAMPLING_DYNAMICS, bulk)};
  jobs[0].n_starts = 0;
  jobs[0].n_temperatures = 2;
  jobs[0].temperature = two;
  jobs[0].repeats = 2;
  jobs[2].vacancies = 1;
  ftl_sampling_plan plan = plan_of(jobs, 3), other;
  assert_int_equal(plan.n, 12 + 1 + 1);
  assert_string_equal(plan.run[0].config_type, "bulk-300K");
  assert_string_equal(plan.run[3].config_type, "bulk-600K");
  assert_string_equal(plan.run[4].config_type, "surface-300K");
  assert_string_equal(plan.run[8].config_type, "cluster-300K");
  assert_string_equal(plan.run[12].config_type, "rattle");
  assert_string_equal(plan.run[13].config_type, "vacancy-300K");
  assert_true(plan.run[1].repeat == 1 && plan.run[2].temperature == 600 && plan.run[13].job == 2);
  options.seed++;
  other = plan_of(jobs, 3);
  options.seed--;
  assert_string_not_equal(plan.digest, other.digest);
  ftl_sampling_plan_free(&other);
  ftl_sampling_plan_free(&plan);
}

static void refuse(const ftl_sampling_job *j, const char *where, const char *why) {
  ftl_sampling_plan plan;
  ftl_error error = {0};
  assert_int_equal(ftl_sampling_plan_make(model, "", &starts, j, 1, &options, &plan, &error), FTL_ERR_INPUT);
  if (!strstr(error.message, why) || !strstr(error.where, where))
    fail_msg("expected '%s' (%s), got '%s' (%s)", why, where, error.message, error.where);
  ftl_sampling_plan_free(&plan);
}

static void plans_that_cannot_be(void **unused) {
  (void)unused;
  const int none[1] = {3};
  const double cold[1] = {0};
  ftl_sampling_job j = job(FTL_SAMPLING_DYNAMICS, none);
  refuse(&j, "job 0", "number of a start is 3");
  j = job(FTL_SAMPLING_DYNAMICS, bulk), j.temperature = cold;
  refuse(&j, "job 0", "a temperature is 0");
  j = job(FTL_SAMPLING_DYNAMICS, bulk), j.every = 0;
  refuse(&j, "job 0", "every is 0");
  j = job(FTL_SAMPLING_DYNAMICS, bulk), j.vacancies = 4;
  refuse(&j, "fcc Cu", "4 atoms cannot be removed from 4");
  j = job(FTL_SAMPLING_DYNAMICS, bulk), j.name = "two words";
  refuse(&j, "job 0", "without spaces");
  j = job(FTL_SAMPLING_LAUNCH, bulk), j.molecule.bond = 1, j.molecule.element[0] = 8;
  refuse(&j, "job 0", "atom of the molecule is 8");
  j = job(FTL_SAMPLING_LAUNCH, molecule), j.molecule.element[0] = 1, j.molecule.n = 1;
  refuse(&j, "H-H", "periodic in two directions");
  j = job(FTL_SAMPLING_DYNAMICS, bulk);
  starts.structure[0].atomic_number[2] = 79;
  refuse(&j, "fcc Cu", "atom 2 of start 0 is Au");
  starts.structure[0].atomic_number[2] = 29;
}

/* ---- threads, interruptions ---- */

static ftl_sampling_job many[3];

static ftl_sampling_plan plan_of_many(void) {
  many[0] = job(FTL_SAMPLING_DYNAMICS, bulk);
  many[0].repeats = 3;
  many[0].volume = 0.1;
  many[1] = job(FTL_SAMPLING_LAUNCH, bulk);
  many[1].surface.layers = 2;
  many[1].molecule.element[0] = many[1].molecule.element[1] = 1;
  many[1].molecule.bond = 0.74;
  many[1].repeats = 2;
  many[2] = job(FTL_SAMPLING_RATTLES, bulk);
  many[2].steps = 4;
  return plan_of(many, 3);
}

static volatile sig_atomic_t stop;
static int calls, calls_until_stop;
static double last_part;

static void on_progress(void *context, const ftl_sampling_progress *progress) {
  assert_ptr_equal(context, &calls);
  assert_true(progress->part >= 0 && progress->part <= 1 && progress->runs == 6);
  last_part = progress->part;
  if (++calls >= calls_until_stop) stop = 1;
}

static const ftl_sampling_host host = {.context = &calls, .progress = on_progress, .stop = &stop};

static void threads_do_not_matter(void **unused) {
  (void)unused;
  ftl_sampling_plan plan = plan_of_many();
  char *text[2];
  for (int k = 0; k < 2; k++) {
    outcome o = execute_in(&plan, new_folder(), k ? 3 : 1, NULL);
    text[k] = file_text(folder, "candidates.xyz");
    assert_int_equal(o.candidates.n, 3 * 2 + 2 * 2 + 4);
    assert_int_equal(o.report.first[6], o.candidates.n);
    assert_int_equal(o.report.first[3], 6);
    assert_int_equal(o.report.n, 3);
    /* repeats have random numbers of their own */
    assert_memory_not_equal(o.candidates.structure[6].position, o.candidates.structure[8].position, 24);
    assert_int_equal(o.report.row[1].runs, 2);
    assert_int_equal(o.report.row[1].end[FTL_SAMPLING_DONE], 2);
    done(&o);
    remove_folder(folder);
  }
  assert_string_equal(text[0], text[1]);
  free(text[0]);
  free(text[1]);
  ftl_sampling_plan_free(&plan);
}

/* Stopped again and again after a run or two, damaged in between, and yet the same bytes. */
static void interruptions_do_not_matter(void **unused) {
  (void)unused;
  ftl_sampling_plan plan = plan_of_many();
  outcome o = execute_in(&plan, new_folder(), 1, NULL);
  char *text = file_text(folder, "candidates.xyz"), *state = file_text(folder, "sampling.json"), path[128];
  done(&o);
  remove_folder(folder);
  new_folder();
  int times = 0;
  for (bool interrupted = true; interrupted; times++) {
    stop = 0, calls = 0, calls_until_stop = 2;
    o = execute_in(&plan, folder, 1, &host);
    interrupted = o.report.interrupted;
    if (interrupted) assert_true(o.candidates.n == 0 && !o.report.first);
    assert_true(times == 0 ? o.report.resumed == 0 : o.report.resumed > 0);
    done(&o);
    snprintf(path, sizeof path, "%s/runs/000001.xyz", folder);
    if (times == 0) assert_int_equal(truncate(path, 100), 0); /* a run whose file is broken is done again */
    assert_true(times < 10);
  }
  assert_in_range(times, 3, 5);
  assert_close(last_part, 1, 1e-9);
  char *resumed = file_text(folder, "candidates.xyz"), *resumed_state = file_text(folder, "sampling.json");
  assert_string_equal(text, resumed);
  assert_string_equal(state, resumed_state);
  snprintf(path, sizeof path, "%s/runs", folder);
  assert_int_not_equal(access(path, F_OK), 0);
  /* finished: read again, without a run */
  stop = 0, calls = 0;
  o = execute_in(&plan, folder, 1, &host);
  assert_true(calls == 0 && o.report.resumed == 6 && o.candidates.n == 14);
  done(&o);
  free(text), free(state), free(resumed), free(resumed_state);
  ftl_sampling_plan_free(&plan);
  remove_folder(folder);
}

static void folders_of_others(void **unused) {
  (void)unused;
  ftl_sampling_plan plan = plan_of_many();
  outcome o = execute_in(&plan, new_folder(), 1, NULL), none = {0};
  ftl_error error = {0};
  char path[128];
  done(&o);
  snprintf(path, sizeof path, "%s/candidates.xyz", folder);
  assert_int_equal(truncate(path, 500), 0);
  assert_int_equal(ftl_sampling_execute(&plan, model, folder, 1, NULL, &none.candidates, &none.report, &error),
                   FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "not those that the sampling wrote"));
  ftl_sampling_plan_free(&plan);
  options.max_force++;
  plan = plan_of_many();
  options.max_force--;
  assert_int_equal(ftl_sampling_execute(&plan, model, folder, 1, NULL, &none.candidates, &none.report, &error),
                   FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "another plan, model or seed"));
  remove_folder(folder);
  assert_int_equal(
      ftl_sampling_execute(&plan, model, "/nowhere/at/all", 1, NULL, &none.candidates, &none.report, &error),
      FTL_ERR_IO);
  done(&none);
  ftl_sampling_plan_free(&plan);
}

/* ---- ends ---- */

static void assert_end(const ftl_sampling_job *j, ftl_sampling_end end, int64_t least, int64_t most) {
  outcome o = execute_once(j, 1);
  const ftl_sampling_row *row = &o.report.row[0];
  for (int k = 0; k < FTL_SAMPLING_ENDS; k++)
    if (row->end[k] != (k == (int)end ? row->runs : 0))
      fail_msg("%lld runs ended '%s', not all '%s'", (long long)row->end[k], ftl_sampling_end_name((ftl_sampling_end)k),
               ftl_sampling_end_name(end));
  assert_in_range(row->frames, least, most);
  assert_int_equal(row->frames, o.candidates.n);
  done(&o);
}

static void each_cut_is_seen(void **unused) {
  (void)unused;
  ftl_sampling_job j = job(FTL_SAMPLING_DYNAMICS, bulk);
  assert_end(&j, FTL_SAMPLING_DONE, 2, 2);
  options.max_force = 0.01;
  assert_end(&j, FTL_SAMPLING_FORCE, 0, 0);
  ftl_sampling_options_defaults(&options);
  /* far too hot: a strained crystal gives its energy back */
  const double cold[1] = {5};
  j.temperature = cold, j.rattle = 0.3, j.equilibration = 0, j.steps = 100;
  assert_end(&j, FTL_SAMPLING_HOT, 0, 2);
  /* atoms in each other's way: from the beginning */
  j = job(FTL_SAMPLING_DYNAMICS, bulk), j.rattle = 1, j.repeats = 4;
  starts.structure[0].position[1][1] = starts.structure[0].position[1][2] = 1;
  assert_end(&j, FTL_SAMPLING_CLOSE, 0, 0);
  starts.structure[0].position[1][1] = starts.structure[0].position[1][2] = 3.65 / 2;
}

/* A potential whose atoms have energies that add up to infinity. */
static ftl_model *infinite_model(void) {
  char path[] = "/tmp/frozentl-infinite-XXXXXX";
  ftl_model *infinite = NULL;
  ftl_error error = {0};
  const int file = mkstemp(path);
  char *text = file_text("tests/ace", "chebyshev.yace"), *at = strstr(text, "E0: [-1.25");
  assert_true(file >= 0 && at);
  const size_t head = (size_t)(at - text), tail = strlen(at + 10);
  assert_true(write(file, text, head) == (ssize_t)head && write(file, "E0: [-1e308", 11) == 11 &&
              write(file, at + 10, tail) == (ssize_t)tail);
  close(file);
  if (ftl_model_open(path, NULL, &infinite, &error) != FTL_OK) fail_msg("%s", error.message);
  unlink(path);
  free(text);
  return infinite;
}

static void infinite_energies_are_seen(void **unused) {
  (void)unused;
  ftl_model *h2cu = model;
  int *z = starts.structure[0].atomic_number, n = starts.structure[0].n;
  const ftl_sampling_job j = job(FTL_SAMPLING_DYNAMICS, bulk);
  model = infinite_model();
  const int64_t all = starts.n;
  starts.n = 1;
  for (int i = 0; i < n; i++) z[i] = 22;
  assert_end(&j, FTL_SAMPLING_ENERGY, 0, 0);
  for (int i = 0; i < n; i++) z[i] = 29;
  starts.n = all;
  ftl_model_free(model);
  model = h2cu;
}

/* Frames of the margin before a cut are left out. */
static void margin_before_a_cut(void **unused) {
  (void)unused;
  const double cold[1] = {60};
  ftl_sampling_job j = job(FTL_SAMPLING_DYNAMICS, bulk);
  j.temperature = cold, j.rattle = 0.15, j.equilibration = 0, j.steps = 300, j.every = 1;
  options.step = 0.5;
  int64_t frames[2];
  for (int k = 0; k < 2; k++) {
    options.margin = k ? 7 : 0;
    options.max_heat = 1.2;
    outcome o = execute_once(&j, 1);
    frames[k] = o.candidates.n;
    assert_int_equal(o.report.row[0].end[FTL_SAMPLING_HOT], 1);
    done(&o);
  }
  ftl_sampling_options_defaults(&options);
  assert_true(frames[0] > 7);
  assert_int_equal(frames[1], frames[0] - 6); /* the seventh step of the margin is that of the cut */
}

/* ---- variations ---- */

static void launches(void **unused) {
  (void)unused;
  ftl_sampling_job j = job(FTL_SAMPLING_LAUNCH, bulk);
  j.surface = (ftl_slab_options){.miller = {0, 0, 1}, .layers = 2, .vacuum = 12, .width = 5};
  j.molecule =
      (ftl_sampling_molecule){.n = 2, .element = {1, 1}, .bond = 0.74, .height = 6, .energy = 0.1, .temperature = 100};
  j.steps = 4, j.every = 4;
  outcome o = execute_once(&j, 1);
  const ftl_structure *s = &o.candidates.structure[0];
  assert_int_equal(o.candidates.n, 1);
  assert_string_equal(s->config_type, "adsorbate-300K");
  assert_int_equal(s->n, 2 * 2 * 4 + 2);
  assert_true(!s->labels.has_stress && s->labels.has_forces && s->labels.has_energy);
  const double height = (s->position[16][2] + s->position[17][2]) / 2 - ftl_structure_top(s, 16);
  assert_close(height, 6 - 2 * 0.0309, 0.03); /* 2 fs at sqrt(2 0.1 eV / 2.016 u); the slab moves too */
  done(&o);
}

static void molecules_leave(void **unused) {
  (void)unused;
  ftl_sampling_job j = job(FTL_SAMPLING_LAUNCH, bulk);
  j.surface = (ftl_slab_options){.miller = {0, 0, 1}, .layers = 2, .vacuum = 12};
  j.molecule = (ftl_sampling_molecule){.n = 2, .element = {1, 1}, .bond = 0.74, .height = 1.8, .energy = 0.05};
  j.steps = 1000, j.repeats = 3, j.every = 10;
  outcome o = execute_once(&j, 1);
  const ftl_sampling_row *row = &o.report.row[0];
  print_message("3 H2: %lld left, %lld done, %lld frames\n", (long long)row->end[FTL_SAMPLING_LEFT],
                (long long)row->end[FTL_SAMPLING_DONE], (long long)row->frames);
  assert_true(row->end[FTL_SAMPLING_LEFT] > 0);
  assert_true(row->frames < 300);
  done(&o);
}

/* The distance falls step by step, and the energy ends above the limit. */
static void pairs_are_pushed(void **unused) {
  (void)unused;
  ftl_sampling_job j = job(FTL_SAMPLING_APPROACH, molecule);
  j.rise = 2;
  outcome o = execute_once(&j, 1);
  const ftl_dataset *c = &o.candidates;
  assert_int_equal(o.report.row[0].end[FTL_SAMPLING_DONE], 1);
  assert_true(c->n > 3 && c->n < 13);
  assert_string_equal(c->structure[0].config_type, "dimer");
  for (int64_t k = 0; k < c->n; k++) {
    const ftl_structure *s = &c->structure[k];
    assert_close(s->position[1][2] - s->position[0][2], 0.8 - 0.05 * (double)k, 1e-9);
    const double rise = s->labels.energy - c->structure[0].labels.energy;
    assert_true(k == c->n - 1 ? rise > 2 : rise <= 2);
  }
  done(&o);
  const int pair[2] = {29, 1};
  memcpy(j.pair, pair, sizeof pair);
  j.start = slab, j.rise = 1;
  assert_end(&j, FTL_SAMPLING_DONE, 2, 30);
}

/* Volumes are spread over the range, one repeat in each part of it; strained cells are symmetric. */
static void cells_are_varied(void **unused) {
  (void)unused;
  ftl_sampling_job jobs[2] = {job(FTL_SAMPLING_DYNAMICS, bulk), job(FTL_SAMPLING_RATTLES, bulk)};
  jobs[0].repeats = 4, jobs[0].volume = 0.08, jobs[0].equilibration = 0, jobs[0].steps = jobs[0].every = 1;
  jobs[1].strain = 0.02, jobs[1].rattle = 0.05, jobs[1].steps = 5;
  outcome o = execute_once(jobs, 2);
  assert_int_equal(o.candidates.n, 9);
  for (int k = 0; k < 4; k++) {
    const double change = o.candidates.structure[k].volume / pow(3.65, 3) - 1;
    assert_true(change >= -0.08 + 0.04 * k && change <= -0.04 + 0.04 * k);
    assert_string_equal(o.candidates.structure[k].config_type, "volume-300K");
  }
  for (int k = 4; k < 9; k++) {
    const ftl_structure *s = &o.candidates.structure[k];
    for (int c = 0; c < 9; c++) {
      const double e = s->cell[c / 3][c % 3] / 3.65 - (c / 3 == c % 3);
      assert_true(fabs(e) <= 0.02 && e != 0);
      assert_close(s->cell[c / 3][c % 3], s->cell[c % 3][c / 3], 1e-12);
    }
    assert_true(s->labels.has_stress);
    assert_memory_not_equal(s->cell, o.candidates.structure[4 + (k == 4)].cell, sizeof s->cell);
  }
  done(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plan_lists_runs),
      cmocka_unit_test(plans_that_cannot_be),
      cmocka_unit_test(threads_do_not_matter),
      cmocka_unit_test(interruptions_do_not_matter),
      cmocka_unit_test(folders_of_others),
      cmocka_unit_test(each_cut_is_seen),
      cmocka_unit_test(infinite_energies_are_seen),
      cmocka_unit_test(margin_before_a_cut),
      cmocka_unit_test(launches),
      cmocka_unit_test(molecules_leave),
      cmocka_unit_test(pairs_are_pushed),
      cmocka_unit_test(cells_are_varied),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
