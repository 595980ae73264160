#include "trust/linear_run.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "surrogate/solve.h"
#include "trust/equations.h"

/* Of the prior of E0, relative to that of the weights: next to none, so that only what compositions leave open is as
   small as can be. */
#define E0_ROUGHNESS 1e-3

typedef struct {
  ftl_run *run;
  ftl_equations equations;
  ftl_ridge *ridge;
  int n;                                /* unknowns */
  double *start, *change, *roughness, *weights; /* [n] */
  ftl_arena memory;
  int64_t solutions;
} closed_form;

static void progress(void *context, double done, double total) {
  const ftl_run *run = context;
  if (run->s.host->progress && ftl_run_writes()) run->s.host->progress(run->s.host->context, done, total);
}

static ftl_status make_equations(closed_form *c, ftl_error *error) {
  const ftl_setup *s = &c->run->s;
  const bool e0 = s->last.n_blocks > s->source->arch.n_readouts;
  const ftl_equations_options how = {.rows = s->recipe->linear.rows > 0 ? (int)s->recipe->linear.rows : FTL_ALL_ROWS,
                                     .threads = s->team.n,
                                     .seed = (uint64_t)s->recipe->seed,
                                     .loss = &s->loss,
                                     .e0 = e0,
                                     .share = true,
                                     .stop = s->host->stop,
                                     .progress = progress,
                                     .context = c->run};
  FTL_TRY(ftl_equations_make(s->source, &s->sets.train, &how, &c->equations, error));
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

static ftl_status solve(closed_form *c, ftl_error *error) {
  double loss;
  FTL_TRY(make_equations(c, error));
  for (int k = 0; k <= 12; k++) FTL_TRY(try_strength(c, pow(10, -k), &loss, error));
  return FTL_OK;
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
