/* Runs of a sampling: each way to end one is seen, and variations make the structures that they should. */
#include "sampling_cases.h"

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

/* ---- a surrogate that drives ---- */

static ftl_model *open_model(const char *path) {
  ftl_model *opened = NULL;
  ftl_error error = {0};
  if (ftl_model_open(path, NULL, &opened, &error) != FTL_OK) fail_msg("%s", error.message);
  return opened;
}

/* Its frames have the teacher's labels; a run ends where the two differ by more than is allowed, and with that frame.
 */
static void teachers_label_and_halt(void **unused) {
  (void)unused;
  ftl_model *teacher = model;
  model = open_model("potentials/h2cu-ace.ftl");
  ftl_sampling_job j = job(FTL_SAMPLING_DYNAMICS, bulk);
  j.every = 5;
  options.teacher = teacher;
  options.max_difference = 1e3;
  outcome o = execute_once(&j, 1);
  assert_int_equal(o.report.end[0], FTL_SAMPLING_DONE);
  assert_int_equal(o.candidates.n, 4);
  ftl_workspace *workspace = NULL;
  assert_int_equal(ftl_workspace_new(teacher, 1, &workspace, NULL), FTL_OK);
  for (int64_t k = 0; k < o.candidates.n; k++) {
    const ftl_structure *s = &o.candidates.structure[k];
    double forces[4][3];
    int species[4];
    for (int i = 0; i < 4; i++) species[i] = ftl_model_species(teacher, s->atomic_number[i]);
    ftl_result result = {.forces = forces[0]};
    assert_int_equal(
        ftl_compute(workspace, 4, species, (const double(*)[3])s->position, s->cell, s->pbc, &result, NULL), FTL_OK);
    assert_close(s->labels.energy, result.energy, 1e-9);
    for (int i = 0; i < 12; i++) assert_close(s->labels.forces[i / 3][i % 3], forces[i / 3][i % 3], 1e-9);
  }
  ftl_workspace_free(workspace);
  done(&o);
  options.max_difference = 1e-6;
  o = execute_once(&j, 1);
  assert_int_equal(o.report.end[0], FTL_SAMPLING_DIFFERS);
  assert_int_equal(o.candidates.n, 1);
  done(&o);
  /* gamma: at the start already, which is a candidate; nothing is asked of a model that tells none */
  options.max_difference = 1e3;
  options.max_gamma = 1e-3;
  o = execute_once(&j, 1);
  assert_int_equal(o.report.end[0], FTL_SAMPLING_GRADE);
  assert_int_equal(o.candidates.n, 1);
  assert_int_equal(o.candidates.structure[0].frame, 0);
  done(&o);
  /* where even the teacher finds forces above the limit there is no candidate */
  options.max_force = 1e-6;
  starts.structure[0].position[1][2] += 0.05;
  o = execute_once(&j, 1);
  assert_int_equal(o.candidates.n, 0);
  done(&o);
  starts.structure[0].position[1][2] -= 0.05;
  ftl_sampling_options_defaults(&options);
  ftl_model_free(model);
  model = teacher;
}

/* A start that gives its energy back as heat is relaxed, and then the run is as any other. */
static void hot_starts_are_relaxed(void **unused) {
  (void)unused;
  const double cold[1] = {20};
  ftl_sampling_job j = job(FTL_SAMPLING_DYNAMICS, bulk);
  j.temperature = cold, j.rattle = 0.3, j.equilibration = 40, j.steps = 20;
  outcome o = execute_once(&j, 1);
  print_message("%lld of %lld relaxed\n", (long long)o.report.row[0].relaxed, (long long)o.report.row[0].runs);
  assert_int_equal(o.report.row[0].relaxed, 1);
  assert_int_equal(o.report.row[0].end[FTL_SAMPLING_DONE], 1);
  assert_int_equal(o.candidates.n, 2);
  done(&o);
  j.rattle = 0;
  o = execute_once(&j, 1);
  assert_int_equal(o.report.row[0].relaxed, 0);
  done(&o);
}

/* Every cut has words; a run that came to its end needs none. */
static void cuts_are_explained(void **unused) {
  (void)unused;
  for (int e = 0; e < FTL_SAMPLING_ENDS; e++) {
    const ftl_sampling_end end = (ftl_sampling_end)e;
    assert_true(*ftl_sampling_end_name(end));
    assert_int_equal(*ftl_sampling_end_advice(end) == 0, end == FTL_SAMPLING_DONE || end == FTL_SAMPLING_LEFT);
  }
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
      cmocka_unit_test(each_cut_is_seen),       cmocka_unit_test(infinite_energies_are_seen),
      cmocka_unit_test(margin_before_a_cut),    cmocka_unit_test(launches),
      cmocka_unit_test(molecules_leave),        cmocka_unit_test(pairs_are_pushed),
      cmocka_unit_test(cells_are_varied),       cmocka_unit_test(teachers_label_and_halt),
      cmocka_unit_test(hot_starts_are_relaxed), cmocka_unit_test(cuts_are_explained),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
