/* One run: what its kind does, and when it is cut. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz_internal.h"
#include "tune/sample_make.h"
#include "base/array.h"
#include "base/error.h"
#include "sampling/dynamics.h"
#include "sampling/sampling_internal.h"
#include "sampling/launch.h"
#include "base/radii.h"

typedef struct {
  ftl_sampler *sampler;
  const ftl_sampling_job *job;
  const ftl_sampling_run *run;
  ftl_random random;
  ftl_structure structure;
  ftl_md md;
  ftl_sampling_result *result;
  bool over; /* nothing more to do */
} task;

static void end_run(task *t, ftl_sampling_end end) {
  t->result->end = end;
  t->over = true;
}

/* ---- checks ---- */

/* Of a few atoms the temperature fluctuates as much as it is. */
static double hottest(const task *t, int n) {
  return t->run->temperature * (t->sampler->plan->options.max_heat + 5 * sqrt(2. / (3 * n)));
}

static ftl_status check_distances(task *t, ftl_error *error) {
  bool close;
  ftl_status status = ftl_sample_close(&t->structure, &t->sampler->scratch, &close, error);
  if (!status && close) end_run(t, FTL_SAMPLING_CLOSE);
  if (status != FTL_ERR_INPUT && status != FTL_ERR_ARGUMENT) return status;
  end_run(t, FTL_SAMPLING_ENERGY); /* positions that are no numbers */
  return FTL_OK;
}

static void check_answer(task *t, const ftl_md *md) {
  const double force = ftl_md_largest_force(md);
  if (!isfinite(md->energy) || !isfinite(force)) end_run(t, FTL_SAMPLING_ENERGY);
  else if (force > t->sampler->plan->options.max_force) end_run(t, FTL_SAMPLING_FORCE);
}

/* The model refuses the positions: that ends the run, anything else the sampling. */
static ftl_status judge(task *t, const ftl_md *md, ftl_status status) {
  if (!status) check_answer(t, md);
  if (status != FTL_ERR_INPUT) return status;
  end_run(t, FTL_SAMPLING_ENERGY);
  return FTL_OK;
}

static void tell_host(task *t) {
  if (!t->sampler->step || !t->sampler->step(t->sampler->context, t->structure.n)) return;
  t->result->stopped = true;
  t->over = true;
}

/* ---- frames ---- */

static ftl_status add_frame(task *t, const ftl_md *labels, int64_t step, ftl_error *error) {
  ftl_dataset *frames = &t->result->frames;
  ftl_structure frame = {0};
  ftl_status status = FTL_GROW(frames->structure, frames->room, (size_t)frames->n + 1, "sampled frames", error);
  if (!status) status = ftl_md_frame(labels, t->run->config_type, &frame, error);
  if (status) {
    ftl_structure_free(&frame);
    return status;
  }
  frame.frame = step;
  frames->structure[frames->n++] = frame;
  return FTL_OK;
}

static double difference(const ftl_md *a, const ftl_md *b) {
  double sum = 0;
  for (int i = 0; i < a->structure->n; i++)
    for (int c = 0; c < 3; c++) sum += pow(a->forces[i][c] - b->forces[i][c], 2);
  return sqrt(sum / (3 * a->structure->n));
}

/* What the teacher answers for the frame as it is. Where even that is no good the run is cut. */
static ftl_status keep_labelled(task *t, int64_t step, ftl_error *error) {
  const ftl_sampling_options *o = &t->sampler->plan->options;
  const ftl_sampling_end before = t->result->end;
  ftl_md asked = {.model = o->teacher, .workspace = t->sampler->teacher, .structure = &t->structure};
  ftl_status status = judge(t, &asked, ftl_md_start(&asked, error));
  if (!status && t->result->end == before) {
    status = add_frame(t, &asked, step, error);
    if (!status && !t->over && difference(&t->md, &asked) > o->max_difference) end_run(t, FTL_SAMPLING_DIFFERS);
  }
  ftl_md_free(&asked);
  return status;
}

static ftl_status keep_frame(task *t, int64_t step, ftl_error *error) {
  return t->sampler->plan->options.teacher ? keep_labelled(t, step, error) : add_frame(t, &t->md, step, error);
}

enum { WATCHED = 5 }; /* steps from one look at gamma to the next, which costs as much as a step and a half */

/* The frame where a run is halted tells more than any other. */
static ftl_status watch(task *t, int64_t step, ftl_error *error) {
  const double most = t->sampler->plan->options.max_gamma;
  double gamma;
  if (!(most > 0) || t->md.steps % WATCHED != 0) return FTL_OK;
  FTL_TRY(ftl_md_grade(&t->md, &gamma, error));
  if (gamma <= most) return FTL_OK;
  end_run(t, FTL_SAMPLING_GRADE);
  return keep_frame(t, step, error);
}

static void drop_margin(task *t, int64_t step) {
  const ftl_dataset *frames = &t->result->frames;
  int64_t n = frames->n;
  while (n > 0 && frames->structure[n - 1].frame > step - t->sampler->plan->options.margin) n--;
  ftl_dataset_truncate(&t->result->frames, n);
}

/* ---- dynamics ---- */

/* `bath` atoms have a thermostat, and are those whose temperature counts. */
static ftl_status start_dynamics(task *t, int bath, double relaxation, ftl_error *error) {
  const ftl_sampling_options *o = &t->sampler->plan->options;
  t->md = (ftl_md){.model = t->sampler->model,
                   .workspace = t->sampler->workspace,
                   .structure = &t->structure,
                   .random = &t->random,
                   .step = o->step > 0 ? o->step : ftl_md_default_step(&t->structure),
                   .relaxation = relaxation,
                   .temperature = t->run->temperature,
                   .bath = bath};
  FTL_TRY(check_distances(t, error));
  if (!t->over) FTL_TRY(judge(t, &t->md, ftl_md_start(&t->md, error)));
  return FTL_OK;
}

static ftl_status step_once(task *t, int64_t number, ftl_error *error) {
  ftl_status status = judge(t, &t->md, ftl_md_step(&t->md, error));
  if (!status && !t->over) status = check_distances(t, error);
  if (!status && !t->over && ftl_md_temperature(&t->md, 0, t->md.bath) > hottest(t, t->md.bath))
    end_run(t, FTL_SAMPLING_HOT);
  if (!status && !t->over) status = watch(t, number, error);
  tell_host(t);
  return status;
}

static ftl_status equilibrate(task *t, ftl_error *error) {
  ftl_md_heat(&t->md, 0, t->structure.n, t->run->temperature);
  if (!t->over) FTL_TRY(watch(t, 0, error));
  for (int64_t k = 0; !t->over && k < t->job->equilibration; k++) FTL_TRY(step_once(t, 0, error));
  return FTL_OK;
}

/* ---- starts that are too hot ---- */

static const double RELAXED = 0.5; /* eV/Angstrom: what atoms feel at some hundred kelvin */
enum { RELAXATION = 300 };         /* steps at most */

/* The start held energy that became heat, or forces above the limit. From its relaxed positions the same is done once
   more. */
static ftl_status relax_and_repeat(task *t, double (*start)[3], ftl_error *error) {
  memcpy(t->structure.position, start, (size_t)t->structure.n * sizeof *start);
  t->over = false;
  t->result->end = FTL_SAMPLING_DONE;
  t->result->relaxed = true;
  FTL_TRY(judge(t, &t->md, ftl_md_relax(&t->md, RELAXED, RELAXATION, error)));
  if (!t->over) FTL_TRY(check_distances(t, error));
  return t->over ? FTL_OK : equilibrate(t, error);
}

/* Dynamics of the start up to the end of the equilibration. */
static ftl_status warm_up(task *t, ftl_error *error) {
  const size_t bytes = (size_t)t->structure.n * sizeof(double[3]);
  double(*start)[3] = malloc(bytes);
  if (!start) return ftl_no_memory(error, NULL, "the start of a run");
  memcpy(start, t->structure.position, bytes);
  ftl_status status = start_dynamics(t, t->structure.n, t->sampler->plan->options.relaxation, error);
  if (!status && !t->over) status = equilibrate(t, error);
  if (!status && t->over && (t->result->end == FTL_SAMPLING_HOT || t->result->end == FTL_SAMPLING_FORCE))
    status = relax_and_repeat(t, start, error);
  free(start);
  return status;
}

/* Candidates; molecule may be NULL. */
static ftl_status harvest(task *t, const ftl_launch *molecule, ftl_error *error) {
  ftl_status status = FTL_OK;
  for (int64_t k = 1; !status && !t->over && k <= t->job->steps; k++) {
    status = step_once(t, k, error);
    if (!status && t->over && t->result->end < FTL_SAMPLING_GRADE) drop_margin(t, k);
    if (!status && !t->over && molecule && ftl_launch_left(molecule, &t->md)) end_run(t, FTL_SAMPLING_LEFT);
    if (!status && !t->over && k % t->job->every == 0) status = keep_frame(t, k, error);
  }
  return status;
}

static ftl_status run_dynamics(task *t, ftl_error *error) {
  FTL_TRY(warm_up(t, error));
  return harvest(t, NULL, error);
}

static ftl_status run_launch(task *t, ftl_error *error) {
  const int slab = t->structure.n;
  const double relaxation = t->sampler->plan->options.relaxation;
  ftl_launch molecule;
  ftl_status status = warm_up(t, error);
  if (status != FTL_OK || t->over) return status;
  ftl_md_stop_drift(&t->md, 0, slab);
  ftl_md bare = t->md; /* the slab's velocities are wanted on */
  t->md = (ftl_md){0};
  status = ftl_launch_place(&t->job->molecule, &t->structure, &t->random, &molecule, error);
  if (!status) status = start_dynamics(t, slab, t->job->molecule.thermostat ? relaxation : 0, error);
  if (!status && !t->over) {
    memcpy(t->md.velocity, bare.velocity, (size_t)slab * sizeof *bare.velocity);
    memcpy(t->md.velocity + slab, molecule.velocity, (size_t)molecule.n * sizeof *molecule.velocity);
    status = harvest(t, &molecule, error);
  }
  ftl_md_free(&bare);
  return status;
}

/* ---- without dynamics ---- */

/* A candidate that is not fit for use is left out, and the last such reason is how the run ended. */
static ftl_status run_rattles(task *t, ftl_error *error) {
  ftl_structure seed = t->structure;
  ftl_status status = FTL_OK;
  t->structure = (ftl_structure){0};
  for (int64_t k = 1; !status && !t->result->stopped && k <= t->job->steps; k++) {
    ftl_structure_free(&t->structure);
    t->over = false;
    status = ftl_sampling_strain(t->job, &seed, &t->random, &t->structure, error);
    if (!status) status = start_dynamics(t, 0, 0, error);
    if (!status && !t->over) status = keep_frame(t, k, error);
    ftl_md_free(&t->md);
    tell_host(t);
  }
  ftl_structure_free(&seed);
  return status;
}

/* A pair of neighbours of the asked elements: one drawn at random from those that are at most 1.2 times as far apart,
   in radii, as the nearest. unit points from the first to the second. */
typedef struct {
  int atom[2];
  double unit[3], distance, bond;
} pair;

static bool wanted(const task *t, int i, int j) {
  const int *z = t->structure.atomic_number, *pair_of = t->job->pair;
  const bool straight = (!pair_of[0] || z[i] == pair_of[0]) && (!pair_of[1] || z[j] == pair_of[1]);
  const bool reverse = (!pair_of[0] || z[j] == pair_of[0]) && (!pair_of[1] || z[i] == pair_of[1]);
  return i < j && (straight || reverse);
}

static double length(const double r[3]) { return sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]); }

static double bond_of(const task *t, int i, int j) {
  return ftl_covalent_radii[t->structure.atomic_number[i]] + ftl_covalent_radii[t->structure.atomic_number[j]];
}

/* Takes edge number `pick` of those below `limit`, and counts them; *nearest is the shortest of all. */
static int64_t scan_pairs(const task *t, double limit, int64_t pick, double *nearest, pair *found) {
  const ftl_neighbours *list = &t->sampler->scratch;
  int64_t count = 0;
  *nearest = INFINITY;
  for (int i = 0; i < t->structure.n; i++)
    for (int64_t e = list->first_edge[i]; e < list->first_edge[i + 1]; e++) {
      const int j = list->sender[e];
      if (!wanted(t, i, j)) continue;
      const double distance = length(list->vector[e]), bond = bond_of(t, i, j);
      *nearest = fmin(*nearest, distance / bond);
      if (distance / bond > limit || count++ != pick) continue;
      *found = (pair){.atom = {i, j}, .distance = distance, .bond = bond};
      for (int c = 0; c < 3; c++) found->unit[c] = list->vector[e][c] / distance;
    }
  return count;
}

static ftl_status choose_pair(task *t, pair *found, ftl_error *error) {
  ftl_model_info info;
  double nearest;
  ftl_model_get_info(t->sampler->model, &info);
  FTL_TRY(ftl_structure_neighbours(&t->structure, info.cutoff, &t->sampler->scratch, error));
  scan_pairs(t, 0, -1, &nearest, found);
  const int64_t n = scan_pairs(t, 1.2 * nearest, -1, &nearest, found);
  char where[256];
  ftl_structure_where(&t->structure, -1, where);
  if (n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, where, "there is no pair of these elements within %g A to be pushed together",
                    info.cutoff);
  scan_pairs(t, 1.2 * nearest, ftl_random_below(&t->random, n), &nearest, found);
  return FTL_OK;
}

static void push_pair(task *t, const pair *p, double by) {
  for (int c = 0; c < 3; c++) {
    t->structure.position[p->atom[0]][c] += 0.5 * by * p->unit[c];
    t->structure.position[p->atom[1]][c] -= 0.5 * by * p->unit[c];
  }
}

static ftl_status run_approach(task *t, ftl_error *error) {
  static const double least = 0.3; /* of the sum of the radii */
  pair p;
  ftl_status status = choose_pair(t, &p, error);
  if (!status) status = start_dynamics(t, 0, 0, error);
  const double first = t->md.energy;
  for (int64_t k = 0; !status && !t->over; k++) {
    status = keep_frame(t, k, error);
    if (status) break;
    if (t->md.energy > first + t->job->rise) end_run(t, FTL_SAMPLING_DONE);
    p.distance -= t->job->push;
    if (!t->over && p.distance < least * p.bond) end_run(t, FTL_SAMPLING_CLOSE);
    if (t->over) break;
    push_pair(t, &p, t->job->push);
    status = judge(t, &t->md, ftl_md_evaluate(&t->md, error));
    tell_host(t);
  }
  return status;
}

/* ---- */

ftl_status ftl_sampler_run(ftl_sampler *sampler, int64_t run, ftl_sampling_result *result, ftl_error *error) {
  const ftl_sampling_plan *plan = sampler->plan;
  task t = {.sampler = sampler, .run = &plan->run[run], .job = &plan->job[plan->run[run].job], .result = result};
  ftl_sampling_seed(plan, run, &t.random);
  ftl_status status = ftl_sampling_prepare(plan, run, &t.random, &t.structure, error);
  if (!status) {
    switch (t.job->kind) {
    case FTL_SAMPLING_DYNAMICS:
      status = run_dynamics(&t, error);
      break;
    case FTL_SAMPLING_LAUNCH:
      status = run_launch(&t, error);
      break;
    case FTL_SAMPLING_RATTLES:
      status = run_rattles(&t, error);
      break;
    case FTL_SAMPLING_APPROACH:
      status = run_approach(&t, error);
      break;
    }
  }
  ftl_md_free(&t.md);
  ftl_structure_free(&t.structure);
  return status;
}
