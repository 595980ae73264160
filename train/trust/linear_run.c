#include "trust/linear_run.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "surrogate/solve.h"
#include "trust/equations.h"

/* Of the prior of E0, relative to that of the weights: next to none, so that only what compositions leave open is as
   small as can be. */
#define E0_ROUGHNESS 1e-3
/* Strengths of the prior that are tried (eq. L2). */
#define START     1e-4
#define WEAKEST   1e-13
#define STRONGEST 1e3
#define WORTH     0.99 /* a decade that gains less is the last one */

typedef struct {
  ftl_run *run;
  ftl_equations equations;
  ftl_ridge *ridge;
  int n;                                        /* unknowns */
  double *start, *change, *roughness, *weights; /* [n] */
  ftl_arena memory;
  int64_t solutions;
} closed_form;

/* On rank 0; n 0 ends it. */
static void show_stage(const ftl_run *run, double n) {
  if (run->s.host->stage && ftl_run_writes()) run->s.host->stage(run->s.host->context, n > 0 ? "structures" : NULL, n);
}

static ftl_status make_equations(closed_form *c, ftl_error *error) {
  const ftl_setup *s = &c->run->s;
  const bool e0 = s->last.n_blocks > s->source->arch.n_readouts;
  const int64_t rows = s->recipe->linear.rows;
  const ftl_equations_options how = {.rows = rows > 0                                      ? (int)rows
                                             : ftl_recipe_is_set(s->recipe, "linear.rows") ? FTL_ALL_ROWS
                                                                                           : 0,
                                     .threads = s->team.n,
                                     .seed = (uint64_t)s->recipe->seed,
                                     .loss = &s->loss,
                                     .e0 = e0,
                                     .share = true,
                                     .stop = s->host->stop,
                                     .progress = ftl_run_writes() ? s->host->progress : NULL,
                                     .context = s->host->context};
  show_stage(c->run, (double)s->sets.train.n);
  const ftl_status status = ftl_equations_make(s->source, &s->sets.train, &how, &c->equations, error);
  show_stage(c->run, 0);
  FTL_TRY(status);
  c->n = s->last.n;
  double **vectors[] = {&c->start, &c->change, &c->roughness, &c->weights};
  for (int k = 0; k < 4; k++) *vectors[k] = ftl_arena_take(&c->memory, (size_t)c->n, sizeof(double));
  FTL_TRY(ftl_arena_check(&c->memory, error, "%d weights", c->n));
  const int n_e0 = e0 ? (int)s->last.count[s->last.n_blocks - 1] : 0;
  for (int k = 0; k < c->n; k++) c->roughness[k] = k < c->n - n_e0 ? 1 : E0_ROUGHNESS;
  ftl_last_weights_take(&s->last, c->run->values, c->start);
  return ftl_ridge_new(&c->equations.triangle, c->roughness, &c->ridge, error);
}

/* The solution for one strength, validated and kept if it is the best. */
static ftl_status try_strength(closed_form *c, double strength, double *loss, ftl_error *error) {
  ftl_run *run = c->run;
  ftl_ridge_solve(c->ridge, strength, c->change);
  for (int k = 0; k < c->n; k++) c->weights[k] = c->start[k] + c->change[k];
  ftl_last_weights_put(&run->s.last, c->weights, run->values);
  ftl_log_epoch line = {.epoch = ++c->solutions,
                        .stage = 1,
                        .lr = NAN,
                        .strength = strength,
                        .train_loss = ftl_triangle_residual(&c->equations.triangle, c->change),
                        .gradient_norm = NAN};
  FTL_TRY(ftl_run_judge(run, &line, error));
  *loss = line.valid_loss;
  return FTL_OK;
}

/* Downhill in decades of the strength, first towards weaker priors, and by half a decade around the best. */
static ftl_status solve(closed_form *c, ftl_error *error) {
  double best = START, least, loss;
  FTL_TRY(make_equations(c, error));
  FTL_TRY(try_strength(c, START, &least, error));
  for (double step = 0.1; step < 100 && best == START; step *= 100)
    for (double strength = START * step; strength > WEAKEST && strength < STRONGEST; strength *= step) {
      FTL_TRY(try_strength(c, strength, &loss, error));
      if (!(loss < WORTH * least)) break;
      least = loss;
      best = strength;
    }
  FTL_TRY(try_strength(c, best * sqrt(10), &loss, error));
  return try_strength(c, best / sqrt(10), &loss, error);
}

static ftl_status end(closed_form *c, ftl_status status, bool *interrupted, ftl_error *error) {
  ftl_run *run = c->run;
  *interrupted = ftl_run_stopped(run) || run->s.team.interrupted;
  if (*interrupted) return FTL_OK; /* the state is that of the beginning */
  FTL_TRY(status);
  run->at.epoch = c->solutions + 1;
  run->at.trained = 1;
  run->at.reason = FTL_REASON_SOLVED;
  return ftl_run_save(run, error);
}

ftl_status ftl_linear_solve(ftl_run *run, bool *interrupted, ftl_error *error) {
  closed_form c = {.run = run};
  ftl_status status = solve(&c, error);
  status = end(&c, status, interrupted, error);
  ftl_ridge_free(c.ridge);
  ftl_equations_free(&c.equations);
  ftl_arena_free(&c.memory);
  return status;
}
