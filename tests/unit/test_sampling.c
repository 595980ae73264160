/* Sampling by a model: the plan holds the runs asked for, and the candidates do not depend on threads, or on having
   been interrupted, to the byte. */
#include "sampling_cases.h"

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
      ftl_sampling_execute(&plan, model, "/dev/null/at/all", 1, NULL, &none.candidates, &none.report, &error),
      FTL_ERR_IO);
  done(&none);
  ftl_sampling_plan_free(&plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plan_lists_runs),       cmocka_unit_test(plans_that_cannot_be),
      cmocka_unit_test(threads_do_not_matter), cmocka_unit_test(interruptions_do_not_matter),
      cmocka_unit_test(folders_of_others),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
