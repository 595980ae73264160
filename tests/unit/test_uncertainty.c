/* Extrapolation grades and deviations of a surrogate (docs/ace.md): what the active set promises on its data and off
   it, and the committee's spread against members evaluated one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/yace_writer.h"
#include "close.h"
#include "ace/ace.h"
#include "model/prepared.h"
#include "base/random.h"
#include "surrogate/active_set.h"
#include "surrogate/basis.h"

enum { N_ATOMS = 32, N_FRAMES = 24, N_DRAWS = 12 };
static const int periodic[3] = {1, 1, 1};
static char no_type[] = "Default", no_path[] = "made by a test";

/* Rattled fcc copper with a hydrogen in some of its holes. */
typedef struct {
  int n, z[N_ATOMS + 4], species[N_ATOMS + 4];
  double x[N_ATOMS + 4][3], cell[3][3];
} frame;

static frame make_frame(ftl_random *random, double a, double rattle, int hydrogens) {
  static const double base[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
  frame f = {0};
  for (int c = 0; c < 8; c++)
    for (int b = 0; b < 4; b++, f.n++) {
      f.z[f.n] = 29;
      for (int d = 0; d < 3; d++) f.x[f.n][d] = a * ((c >> d & 1) + base[b][d]);
    }
  for (int h = 0; h < hydrogens; h++, f.n++) {
    f.z[f.n] = 1;
    for (int d = 0; d < 3; d++) f.x[f.n][d] = a * ((h >> d & 1) + 0.5);
  }
  for (int i = 0; i < f.n; i++) {
    f.species[i] = f.z[i] == 29;
    for (int d = 0; d < 3; d++) f.x[i][d] += rattle * (2 * ftl_random_uniform(random) - 1);
  }
  for (int d = 0; d < 3; d++) f.cell[d][d] = 2 * a;
  return f;
}

static ftl_surrogate make_surrogate(void) {
  ftl_surrogate s;
  ftl_error error = {0};
  const ftl_basis_options options = {.n_elements = 2,
                                     .elements = {1, 29},
                                     .bounds = {.n = {5, 3, 2}, .l = {0, 2, 1}},
                                     .radial = FTL_ACE_CHEB_EXP_COS,
                                     .lambda = 3,
                                     .cutoff = 4.2,
                                     .d_cutoff = 0.5,
                                     .max_functions = 1000};
  const double inner[4] = {0.8, 0.8, 0.8, 1.2};
  if (ftl_basis_make(&options, &s, &error)) fail_msg("%s", error.message);
  ftl_basis_set_inner(&s, inner, 0.2);
  return s;
}

/* A dataset that only points to frames. */
typedef struct {
  ftl_dataset set;
  ftl_structure structure[N_FRAMES];
} dataset;

static void make_dataset(frame *frames, int n, dataset *d) {
  *d = (dataset){.set = {.n = n}};
  d->set.structure = d->structure;
  for (int k = 0; k < n; k++) {
    d->structure[k] = (ftl_structure){.path = no_path,
                                      .n = frames[k].n,
                                      .atomic_number = frames[k].z,
                                      .position = frames[k].x,
                                      .has_cell = true,
                                      .pbc = {1, 1, 1},
                                      .config_type = no_type,
                                      .weight = 1};
    memcpy(d->structure[k].cell, frames[k].cell, sizeof frames[k].cell);
  }
}

/* Coefficients and a committee: the draws are the coefficients plus random multiples of `n_modes` vectors, whose outer
   products are the covariance. */
static double *give_committee(ftl_surrogate *s, int n_draws, int n_modes) {
  ftl_random random;
  size_t n = (size_t)s->first[s->file.n_elements];
  double *mode = malloc(n * (size_t)n_modes * sizeof *mode);
  ftl_random_seed(&random, 11);
  s->n_committee = n_draws;
  s->coefficient = malloc(n * sizeof(double));
  s->committee = malloc(n * (size_t)n_draws * sizeof(double));
  s->energy_scale = 1.5;
  s->force_scale = 0.75;
  for (size_t k = 0; k < n; k++) s->coefficient[k] = 0.01 * ftl_random_normal(&random);
  for (size_t k = 0; k < n * (size_t)n_modes; k++) mode[k] = 0.003 * ftl_random_normal(&random);
  for (int d = 0; d < n_draws; d++) {
    double *to = s->committee + (size_t)d * n;
    memcpy(to, s->coefficient, n * sizeof(double));
    for (int q = 0; q < n_modes; q++) {
      double g = ftl_random_normal(&random);
      for (size_t k = 0; k < n; k++) to[k] += g * mode[(size_t)q * n + k];
    }
  }
  return mode;
}

static ftl_model *open_coefficients(const ftl_surrogate *s, const double *coefficient,
                                    const ftl_open_options *options) {
  char path[] = "/tmp/frozentl-uncertainty-XXXXXX.yace";
  ftl_ace_file file;
  ftl_model *model = NULL;
  ftl_error error = {0};
  int handle = mkstemps(path, 5);
  FILE *stream = handle < 0 ? NULL : fdopen(handle, "w");
  assert_non_null(stream);
  ftl_status status = ftl_surrogate_file(s, coefficient, &file, &error);
  if (!status) status = ftl_ace_file_write(&file, 0.001, NULL, stream, &error);
  ftl_ace_file_free(&file);
  fclose(stream);
  if (!status) status = ftl_model_open(path, options, &model, &error);
  remove(path);
  if (status) fail_msg("%s [%s]", error.message, error.where);
  return model;
}

static void *copy_of(const void *from, size_t bytes) {
  void *to = malloc(bytes + 1);
  assert_non_null(to);
  return memcpy(to, from, bytes);
}

/* The potential of the coefficients with a copy of what the surrogate knows of its errors, as `.ftl` gives it. */
static ftl_model *open_surrogate(const ftl_surrogate *s, const ftl_open_options *options) {
  size_t n = (size_t)s->first[s->file.n_elements];
  ftl_model *model = open_coefficients(s, s->coefficient, options);
  ftl_surrogate *own = calloc(1, sizeof *own);
  double *ones = malloc(n * sizeof *ones);
  assert_true(own && ones);
  *own = *s;
  for (size_t k = 0; k < n; k++) ones[k] = 1;
  assert_int_equal(ftl_surrogate_file(s, ones, &own->file, NULL), FTL_OK);
  free(ones);
  own->coefficient = copy_of(s->coefficient, n * sizeof(double));
  own->committee = s->committee ? copy_of(s->committee, (size_t)s->n_committee * n * sizeof(double)) : NULL;
  for (int mu = 0; mu < s->file.n_elements; mu++) {
    size_t side = (size_t)s->file.n_functions[mu];
    own->active[mu] = s->active[mu] ? copy_of(s->active[mu], side * side * sizeof(double)) : NULL;
  }
  ftl_ace_take_surrogate(model, own);
  return model;
}

typedef struct {
  double energy, node[N_ATOMS + 4], forces[N_ATOMS + 4][3];
  double gamma[N_ATOMS + 4], energy_deviation[N_ATOMS + 4], force_deviation[N_ATOMS + 4];
} answers;

static answers ask(const ftl_model *model, const frame *f, int threads, bool gamma, bool deviations) {
  answers a = {0};
  ftl_workspace *ws;
  ftl_error error = {0};
  ftl_result result = {.forces = a.forces[0], .node_energy = a.node};
  int species[N_ATOMS + 4];
  if (gamma) result.extrapolation = a.gamma;
  if (deviations) {
    result.energy_deviation = a.energy_deviation;
    result.force_deviation = a.force_deviation;
  }
  for (int i = 0; i < f->n; i++) species[i] = ftl_model_species(model, f->z[i]);
  assert_int_equal(ftl_workspace_new(model, threads, &ws, &error), FTL_OK);
  for (int again = 0; again < 2; again++) /* what the workspace keeps must not matter */
    if (ftl_compute(ws, f->n, species, (const double(*)[3])f->x, (const double(*)[3])f->cell, periodic, &result,
                    &error))
      fail_msg("%s [%s]", error.message, error.where);
  a.energy = result.energy;
  assert_true(ftl_workspace_bytes(ws) > 0);
  ftl_workspace_free(ws);
  return a;
}

static double largest_gamma(const ftl_model *model, const frame *f, int z) {
  answers a = ask(model, f, 1, true, false);
  double most = 0;
  for (int i = 0; i < f->n; i++)
    if (f->z[i] == z) most = fmax(most, a.gamma[i]);
  return most;
}

/* ---- the active set ---- */

static void make_frames(frame *frames) {
  ftl_random random;
  ftl_random_seed(&random, 5);
  for (int k = 0; k < N_FRAMES; k++) frames[k] = make_frame(&random, 3.5 + 0.01 * k, 0.25, k % 5);
}

static void gamma_is_1_on_the_data_and_grows_off_it(void **state) {
  (void)state;
  frame frames[N_FRAMES];
  dataset d;
  ftl_surrogate s = make_surrogate();
  ftl_active_set_report report;
  ftl_error error = {0};
  free(give_committee(&s, 2, 1));
  make_frames(frames);
  make_dataset(frames, N_FRAMES, &d);
  if (ftl_active_set_make(&s, &d.set, &(ftl_active_set_options){.threads = 1}, &report, &error))
    fail_msg("%s", error.message);
  ftl_model *model = open_surrogate(&s, NULL);
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  assert_true(info.ace && info.extrapolation);
  double most[2] = {0, 0};
  int ones[2] = {0, 0};
  for (int k = 0; k < N_FRAMES; k++) {
    answers a = ask(model, &frames[k], 1, true, false);
    for (int i = 0; i < frames[k].n; i++) {
      int mu = frames[k].species[i];
      most[mu] = fmax(most[mu], a.gamma[i]);
      ones[mu] += fabs(a.gamma[i] - 1) < 1e-6;
    }
  }
  for (int mu = 0; mu < 2; mu++) {
    printf("  element %d: %d functions, %lld atoms, %d chosen; gamma up to %.6f (%d passes, %lld replacements)\n",
           s.file.atomic_number[mu], s.file.n_functions[mu], (long long)report.atoms[mu], report.chosen[mu], most[mu],
           report.passes, (long long)report.swaps);
    assert_true(most[mu] <= 1.02 + 1e-6);
    assert_close(most[mu], report.largest[mu], 1e-5);
    assert_true(report.chosen[mu] > 0 && report.chosen[mu] <= s.file.n_functions[mu]);
    assert_true(ones[mu] >= report.chosen[mu]); /* those of the set, for whom it is 1 exactly */
  }
  ftl_random random;
  ftl_random_seed(&random, 77);
  frame alike = make_frame(&random, 3.6, 0.25, 4), compressed = make_frame(&random, 3.0, 0.25, 4);
  frame foreign = make_frame(&random, 3.6, 0.1, 4);
  for (int d2 = 0; d2 < 3; d2++) foreign.x[N_ATOMS][d2] = foreign.x[0][d2] + (d2 == 0 ? 1.3 : 0); /* H next to Cu */
  printf("  gamma of Cu: alike %.2f, compressed %.2f, by H %.2f\n", largest_gamma(model, &alike, 29),
         largest_gamma(model, &compressed, 29), largest_gamma(model, &foreign, 29));
  assert_true(largest_gamma(model, &alike, 29) < 3);
  assert_true(largest_gamma(model, &compressed, 29) > 10);
  assert_true(largest_gamma(model, &foreign, 29) > 10);
  foreign.x[N_ATOMS][0] = foreign.x[0][0] + 0.7; /* within the inner cutoff */
  answers a = ask(model, &foreign, 1, true, true);
  assert_true(a.gamma[0] >= FTL_TOO_CLOSE && a.gamma[N_ATOMS] >= FTL_TOO_CLOSE && isfinite(a.energy_deviation[0]));
  ftl_model_free(model);
  ftl_surrogate_free(&s);
}

static void few_atoms_are_enough(void **state) {
  (void)state;
  frame frames[N_FRAMES];
  dataset d;
  ftl_surrogate s = make_surrogate();
  ftl_active_set_report report;
  ftl_error error = {0};
  free(give_committee(&s, 2, 1));
  make_frames(frames);
  make_dataset(frames, 1, &d); /* 32 copper atoms, fewer than functions, and no hydrogen */
  if (ftl_active_set_make(&s, &d.set, NULL, &report, &error)) fail_msg("%s", error.message);
  assert_true(s.file.n_functions[1] > N_ATOMS);
  assert_in_range(report.chosen[1], 1, N_ATOMS);
  assert_int_equal(report.chosen[0], 0);
  ftl_model *model = open_surrogate(&s, NULL);
  assert_true(largest_gamma(model, &frames[0], 29) <= 1.02 + 1e-6);
  assert_true(largest_gamma(model, &frames[N_FRAMES - 1], 29) > 10); /* larger, and with hydrogen */
  assert_true(largest_gamma(model, &frames[N_FRAMES - 1], 1) > 10);  /* never seen */
  ftl_model_free(model);
  dataset none = {0};
  assert_int_equal(ftl_active_set_make(&s, &none.set, NULL, NULL, &error), FTL_ERR_INPUT);
  frames[0].x[1][0] = frames[0].x[0][0] + 0.5;
  memcpy(frames[0].x[1] + 1, frames[0].x[0] + 1, 2 * sizeof(double));
  assert_int_equal(ftl_active_set_make(&s, &d.set, NULL, NULL, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "inner cutoff"));
  ftl_surrogate_free(&s);
}

static void threads_choose_the_same(void **state) {
  (void)state;
  frame frames[N_FRAMES];
  dataset d;
  ftl_surrogate one = make_surrogate(), three = make_surrogate();
  make_frames(frames);
  make_dataset(frames, N_FRAMES, &d);
  assert_int_equal(ftl_active_set_make(&one, &d.set, &(ftl_active_set_options){.threads = 1}, NULL, NULL), FTL_OK);
  assert_int_equal(ftl_active_set_make(&three, &d.set, &(ftl_active_set_options){.threads = 3}, NULL, NULL), FTL_OK);
  for (int mu = 0; mu < 2; mu++) {
    size_t n = (size_t)one.file.n_functions[mu];
    assert_memory_equal(one.active[mu], three.active[mu], n * n * sizeof(double));
  }
  ftl_surrogate_free(&one);
  ftl_surrogate_free(&three);
}

/* ---- deviations ---- */

static void deviations_are_those_of_the_members(void **state) {
  (void)state;
  ftl_random random;
  ftl_random_seed(&random, 3);
  frame f = make_frame(&random, 3.6, 0.2, 3);
  ftl_surrogate s = make_surrogate();
  size_t n = (size_t)s.first[2];
  free(give_committee(&s, N_DRAWS, 5));
  ftl_model *model = open_surrogate(&s, NULL), *mean = open_coefficients(&s, s.coefficient, NULL);
  answers told = ask(model, &f, 1, false, true), own = ask(mean, &f, 1, false, false);
  double energy[N_ATOMS + 4] = {0}, force[N_ATOMS + 4] = {0};
  for (int k = 0; k < N_DRAWS; k++) {
    ftl_model *member = open_coefficients(&s, s.committee + (size_t)k * n, NULL);
    answers m = ask(member, &f, 1, false, false);
    for (int i = 0; i < f.n; i++) {
      energy[i] += (m.node[i] - own.node[i]) * (m.node[i] - own.node[i]) / N_DRAWS;
      for (int d = 0; d < 3; d++)
        force[i] += (m.forces[i][d] - own.forces[i][d]) * (m.forces[i][d] - own.forces[i][d]) / N_DRAWS;
    }
    ftl_model_free(member);
  }
  for (int i = 0; i < f.n; i++) {
    assert_true(told.energy_deviation[i] > 0 && told.force_deviation[i] > 0);
    /* members run on splines of the radial functions, deviations come from the functions themselves */
    assert_close(told.energy_deviation[i], 1.5 * sqrt(energy[i]), 1e-9 * told.energy_deviation[i]);
    assert_close(told.force_deviation[i], 0.75 * sqrt(force[i]), 1e-7 * told.force_deviation[i]);
  }
  assert_close(told.energy, own.energy, 1e-10 * fabs(own.energy));
  ftl_model_free(model);
  ftl_model_free(mean);
  ftl_surrogate_free(&s);
}

/* With many draws the energy's deviation is the posterior's: sum over its modes of (b p)^2 = b Sigma b. */
static void energy_deviation_is_the_posterior_s(void **state) {
  (void)state;
  enum { DRAWS = 400, MODES = 3 };
  ftl_random random;
  ftl_random_seed(&random, 9);
  frame f = make_frame(&random, 3.6, 0.2, 3);
  ftl_surrogate s = make_surrogate();
  double *mode = give_committee(&s, DRAWS, MODES), variance[N_ATOMS + 4] = {0};
  for (int q = 0; q < MODES; q++) { /* b p: the atom's energy with coefficients p */
    ftl_model *direction = open_coefficients(&s, mode + (size_t)(q * s.first[2]), NULL);
    answers a = ask(direction, &f, 1, false, false);
    for (int i = 0; i < f.n; i++) variance[i] += a.node[i] * a.node[i];
    ftl_model_free(direction);
  }
  ftl_model *model = open_surrogate(&s, NULL);
  answers told = ask(model, &f, 1, false, true);
  for (int i = 0; i < f.n; i++) {
    double ratio = told.energy_deviation[i] / (1.5 * sqrt(variance[i]));
    assert_close(ratio, 1, 5 / sqrt(2.0 * DRAWS));
  }
  ftl_model_free(model);
  ftl_surrogate_free(&s);
  free(mode);
}

static ftl_model *complete_model(void) {
  frame frames[N_FRAMES];
  dataset d;
  ftl_surrogate s = make_surrogate();
  free(give_committee(&s, N_DRAWS, 4));
  make_frames(frames);
  make_dataset(frames, N_FRAMES, &d);
  assert_int_equal(ftl_active_set_make(&s, &d.set, NULL, NULL, NULL), FTL_OK);
  ftl_model *model = open_surrogate(&s, NULL);
  ftl_surrogate_free(&s);
  return model;
}

static void threads_agree(void **state) {
  (void)state;
  ftl_random random;
  ftl_random_seed(&random, 21);
  frame f = make_frame(&random, 3.6, 0.2, 4);
  ftl_model *model = complete_model();
  answers one = ask(model, &f, 1, true, true), four = ask(model, &f, 4, true, true);
  for (int i = 0; i < f.n; i++) {
    assert_close(one.gamma[i], four.gamma[i], 1e-12 * one.gamma[i]);
    assert_close(one.energy_deviation[i], four.energy_deviation[i], 1e-12);
    assert_close(one.force_deviation[i], four.force_deviation[i], 1e-12);
  }
  ftl_model_free(model);
}

/* Two ranks, each with half of the atoms and the others as ghosts (no periodicity): committee forces add up. */
static void ghosts_add_up(void **state) {
  (void)state;
  ftl_random random;
  ftl_random_seed(&random, 31);
  frame f = make_frame(&random, 3.6, 0.2, 4);
  ftl_model *model = complete_model();
  ftl_workspace *ws;
  ftl_error error = {0};
  static const int open[3] = {0, 0, 0};
  double whole[N_ATOMS + 4], gamma[N_ATOMS + 4], sum[N_ATOMS + 4][3 * N_DRAWS] = {{0}}, deviation[N_ATOMS + 4];
  ftl_result result = {.extrapolation = gamma, .force_deviation = whole};
  assert_int_equal(ftl_workspace_new(model, 2, &ws, &error), FTL_OK);
  assert_int_equal(ftl_compute(ws, f.n, f.species, (const double(*)[3])f.x, NULL, open, &result, &error), FTL_OK);
  for (int rank = 0; rank < 2; rank++) {
    int n_local = rank ? f.n - f.n / 2 : f.n / 2, first = rank ? f.n / 2 : 0, id[N_ATOMS + 4], species[N_ATOMS + 4];
    static int sender[(N_ATOMS + 4) * (N_ATOMS + 4)];
    static double vector[(N_ATOMS + 4) * (N_ATOMS + 4)][3];
    int64_t first_edge[N_ATOMS + 5] = {0};
    for (int i = 0; i < f.n; i++) {
      id[i] = (first + i) % f.n;
      species[i] = f.species[id[i]];
    }
    for (int i = 0; i < n_local; i++) {
      int64_t e = first_edge[i];
      for (int j = 0; j < f.n; j++) {
        double r2 = 0;
        for (int d = 0; d < 3; d++) {
          vector[e][d] = f.x[id[j]][d] - f.x[id[i]][d];
          r2 += vector[e][d] * vector[e][d];
        }
        sender[e] = j;
        e += j != i && r2 < 4.2 * 4.2;
      }
      first_edge[i + 1] = e;
    }
    ftl_graph graph = {.n_local = n_local,
                       .n_total = f.n,
                       .species = species,
                       .first_edge = first_edge,
                       .sender = sender,
                       .vector = (const double(*)[3])vector};
    double part[N_ATOMS + 4][3 * N_DRAWS] = {{0}}, grade[N_ATOMS + 4];
    ftl_output output = {.extrapolation = grade, .committee_forces = part[0]};
    assert_int_equal(ftl_begin(ws, &graph, &output, &error), FTL_OK);
    assert_int_equal(ftl_last_layer(ws, FTL_ALL, &error), FTL_OK);
    assert_int_equal(ftl_end(ws, &error), FTL_OK);
    for (int i = 0; i < f.n; i++)
      for (int k = 0; k < 3 * N_DRAWS; k++) sum[id[i]][k] += part[i][k];
    for (int i = 0; i < n_local; i++) assert_close(grade[i], gamma[id[i]], 1e-9 * grade[i]);
  }
  assert_int_equal(ftl_force_deviation(model, f.n, sum[0], deviation, &error), FTL_OK);
  for (int i = 0; i < f.n; i++) assert_close(deviation[i], whole[i], 1e-12);
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

static void fewer_elements_and_no_atoms(void **state) {
  (void)state;
  ftl_random random;
  ftl_random_seed(&random, 41);
  frame f = make_frame(&random, 3.6, 0.2, 0);
  ftl_model *both = complete_model();
  const int copper = 29;
  const ftl_open_options options = {.elements = &copper, .n_elements = 1};
  ftl_surrogate *s = both->surrogate;
  ftl_model *one = open_surrogate(s, &options);
  answers a = ask(both, &f, 1, true, true), b = ask(one, &f, 1, true, true);
  for (int i = 0; i < f.n; i++) {
    assert_close(a.gamma[i], b.gamma[i], 1e-9 * a.gamma[i]);
    assert_close(a.force_deviation[i], b.force_deviation[i], 1e-12);
  }
  frame none = {0};
  none.cell[0][0] = none.cell[1][1] = none.cell[2][2] = 10;
  ask(both, &none, 2, true, true);
  ftl_model_free(one);
  ftl_model_free(both);
}

/* ---- models that do not know ---- */

static void who_does_not_know_says_so(void **state) {
  (void)state;
  ftl_model *model;
  ftl_error error = {0};
  ftl_workspace *ws;
  ftl_model_info info;
  const double x[1][3] = {{0, 0, 0}};
  const int species = 0;
  double number;
  ftl_result grade = {.extrapolation = &number}, energy = {.energy_deviation = &number},
             force = {.force_deviation = &number};
  assert_int_equal(ftl_model_open("tests/ace/coupled.yace", NULL, &model, &error), FTL_OK);
  ftl_model_get_info(model, &info);
  assert_true(info.ace && !info.extrapolation && info.n_committee == 0);
  assert_int_equal(ftl_workspace_new(model, 1, &ws, &error), FTL_OK);
  assert_int_equal(ftl_compute(ws, 1, &species, x, NULL, NULL, &grade, &error), FTL_ERR_UNSUPPORTED);
  assert_non_null(strstr(error.message, "active set"));
  assert_int_equal(ftl_compute(ws, 1, &species, x, NULL, NULL, &energy, &error), FTL_ERR_UNSUPPORTED);
  assert_non_null(strstr(error.message, "committee"));
  assert_int_equal(ftl_compute(ws, 1, &species, x, NULL, NULL, &force, &error), FTL_ERR_UNSUPPORTED);
  assert_string_equal(error.where, "force_deviation");
  assert_int_equal(ftl_force_deviation(model, 1, x[0], &number, &error), FTL_ERR_UNSUPPORTED);
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gamma_is_1_on_the_data_and_grows_off_it),
      cmocka_unit_test(few_atoms_are_enough),
      cmocka_unit_test(threads_choose_the_same),
      cmocka_unit_test(deviations_are_those_of_the_members),
      cmocka_unit_test(energy_deviation_is_the_posterior_s),
      cmocka_unit_test(threads_agree),
      cmocka_unit_test(ghosts_add_up),
      cmocka_unit_test(fewer_elements_and_no_atoms),
      cmocka_unit_test(who_does_not_know_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
