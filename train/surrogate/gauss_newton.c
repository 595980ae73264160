#include "surrogate/gauss_newton.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "surrogate/design.h"
#include "surrogate/embedding.h"

static const double ENOUGH = 2e-3;                                                 /* relative fall of what is least */
static const double START = 1;                                                     /* mean of the second density */
static const double DAMPING = 1e-4, LEAST = 1e-10, MOST = 1e3, DOWN = 0.2, UP = 8; /* of Marquardt's damping */
static const double LEAST_COLUMN = 1e-6;                                           /* of the largest */
enum { STRUCTURES = 200, MOST_SMALL = 3 };

/* ---- where it starts ---- */

/* Sums over the atoms of an element of the first radial function of rank 1, over all its neighbours. */
typedef struct {
  const ftl_surrogate *surrogate;
  double sum[FTL_MAX_ELEMENTS];
  int64_t n[FTL_MAX_ELEMENTS];
} mean;

static bool is_first(const ftl_ace_function *f) { return f->rank == 1 && f->n[0] == 0; }

static void add_atom(void *context, int atom, int mu, const double *value) {
  mean *m = context;
  (void)atom;
  for (int f = 0; f < m->surrogate->file.n_functions[mu]; f++)
    if (is_first(&m->surrogate->file.function[mu][f])) m->sum[mu] += value[f];
  m->n[mu]++;
}

/* A density as of the embedded atom: a smooth function of each neighbour's distance. From a density of zero no step
   could tell the two apart, as F is linear there. The first density gives way, so that energies are nearly those of the
   linear fit. */
static ftl_status start(ftl_surrogate *s, const ftl_dataset *data, ftl_error *error) {
  ftl_descriptors *plan = NULL;
  ftl_designer designer = {0};
  mean m = {.surrogate = s};
  double f, slope, curvature;
  ftl_status status = ftl_descriptors_new(s, &plan, error);
  if (!status) status = ftl_designer_new(s, plan, &designer, error);
  const int64_t n = data->n < STRUCTURES ? data->n : STRUCTURES;
  for (int64_t k = 0; k < n && !status; k++)
    status = ftl_design_atoms(&designer, &data->structure[k * data->n / n], add_atom, &m, error);
  ftl_designer_free(&designer);
  ftl_descriptors_free(plan);
  ftl_embedding_at(START, s->exponent, &f, &slope, &curvature);
  for (int mu = 0; !status && mu < s->file.n_elements; mu++)
    for (int k = 0; k < s->file.n_functions[mu]; k++) {
      const int column = s->first[mu] + k;
      if (!is_first(&s->file.function[mu][k]) || m.sum[mu] == 0) continue;
      s->second[column] = START * (double)m.n[mu] / m.sum[mu];
      s->coefficient[column] -= slope * s->second[column];
    }
  return status;
}

static ftl_status make_second(ftl_surrogate *s, const ftl_gauss_newton_options *o, ftl_error *error) {
  const size_t n = (size_t)s->first[s->file.n_elements];
  s->second_rank = o->rank;
  s->exponent = o->exponent;
  s->n_committee = 0; /* members of the linear fit know nothing of it */
  s->second = calloc(n + 1, sizeof *s->second);
  return s->second ? FTL_OK : ftl_no_memory(error, NULL, "a second density");
}

/* Functions have the prior of the linear fit in both densities. */
static ftl_status make_state(const ftl_surrogate *s, const double *penalty, ftl_gauss_newton_state *x,
                             ftl_error *error) {
  const size_t n = (size_t)ftl_design_unknowns(s), first = (size_t)s->first[s->file.n_elements];
  *x = (ftl_gauss_newton_state){.n = (int64_t)n, .damping = DAMPING};
  x->best = calloc(n + 1, sizeof *x->best);
  x->tried = calloc(n + 1, sizeof *x->tried);
  x->penalty = calloc(n + 1, sizeof *x->penalty);
  if (!x->best || !x->tried || !x->penalty) return ftl_no_memory(error, NULL, "a second density");
  ftl_design_pack(s, x->best);
  memcpy(x->penalty, penalty, first * sizeof *penalty);
  size_t at = first;
  for (int mu = 0; mu < s->file.n_elements; mu++)
    for (int k = 0; k < s->file.n_functions[mu]; k++)
      if (s->file.function[mu][k].rank <= s->second_rank) x->penalty[at++] = penalty[s->first[mu] + k];
  return FTL_OK;
}

/* ---- steps ---- */

/* What is least: squares of errors at the coefficients that the equations were expanded at, and the prior's. */
static double least(const ftl_triangle *t, const ftl_gauss_newton_state *x, const double *at) {
  double sum = ftl_triangle_residual(t, at);
  for (int64_t k = 0; k < x->n; k++) sum += x->penalty[k] * x->penalty[k] * at[k] * at[k];
  return sum;
}

/* x->tried: least squares of the equations at x->best, of the prior, and of damping times the change, in units of the
   columns' lengths: n rows more, then back substitution. */
static ftl_status solve(const ftl_triangle *at, ftl_gauss_newton_state *x, ftl_error *error) {
  const size_t n = (size_t)x->n, side = n + 1;
  ftl_triangle t = {0};
  double *rows = calloc(n * side + 1, sizeof *rows), *column = calloc(side, sizeof *column), largest = 0;
  ftl_status status = rows && column ? ftl_triangle_new((int)n, &t, error) : ftl_no_memory(error, NULL, "a step");
  if (!status) memcpy(t.r, at->r, side * side * sizeof *t.r);
  for (size_t k = 0; k < n && !status; k++) {
    for (size_t i = 0; i <= k; i++) column[k] += at->r[k * side + i] * at->r[k * side + i];
    largest = fmax(largest, column[k]);
  }
  for (size_t k = 0; k < n && !status; k++) {
    const double damped = x->damping * fmax(column[k], LEAST_COLUMN * LEAST_COLUMN * largest);
    const double both = sqrt(x->penalty[k] * x->penalty[k] + damped);
    rows[k * n + k] = both;
    rows[n * n + k] = both > 0 ? damped * x->best[k] / both : 0;
  }
  if (!status) status = ftl_triangle_add(&t, rows, (int)n, (int)n, error);
  for (size_t k = n; k-- > 0 && !status;) {
    double sum = t.r[n * side + k];
    for (size_t j = k + 1; j < n; j++) sum -= t.r[j * side + k] * x->tried[j];
    x->tried[k] = t.r[k * side + k] != 0 ? sum / t.r[k * side + k] : 0;
  }
  ftl_triangle_free(&t);
  free(rows);
  free(column);
  return status;
}

static void say(const ftl_gauss_newton_options *o, int64_t step, const ftl_triangle *t, const double *at,
                const char *more) {
  char text[200];
  snprintf(text, sizeof text, "step %lld: weighted error %.5f%s", (long long)step,
           sqrt(ftl_triangle_residual(t, at) / (double)t->rows), more);
  if (o->say) o->say(o->context, text);
}

/* Takes what was tried, or damps more and tries again. *more: there is something to try. */
static ftl_status judge(ftl_triangle *at_best, ftl_triangle *at_tried, ftl_gauss_newton_state *x,
                        const ftl_gauss_newton_options *o, bool *more, ftl_error *error) {
  const double before = least(at_best, x, x->best), now = least(at_tried, x, x->tried);
  const bool better = now < before;
  say(o, x->step, at_tried, x->tried, better ? "" : ", no better: a shorter step");
  if (better) x->small = now < (1 - ENOUGH) * before ? 0 : x->small + 1; /* a damped step may be a small one only */
  *more = better ? x->small < MOST_SMALL : x->damping < MOST;
  x->damping = better ? fmax(DOWN * x->damping, LEAST) : UP * x->damping;
  if (better) {
    const ftl_triangle other = *at_best;
    *at_best = *at_tried;
    *at_tried = other;
    memcpy(x->best, x->tried, (size_t)x->n * sizeof *x->best);
    x->squares = ftl_triangle_residual(at_best, x->best);
  }
  return *more ? solve(at_best, x, error) : FTL_OK;
}

static ftl_status take_steps(ftl_surrogate *s, const ftl_dataset *data, const ftl_fit_options *fit,
                             const ftl_gauss_newton_options *o, ftl_gauss_newton_state *x, ftl_error *error) {
  ftl_triangle best = {0}, tried = {0};
  ftl_design_unpack(x->best, s);
  ftl_status status = ftl_fit_triangle(s, data, fit, &best, error);
  if (!status && x->step == 0) {
    say(o, 0, &best, x->best, "");
    x->step = 1;
    status = solve(&best, x, error);
  }
  for (bool more = true; x->step <= o->steps && more && !status; x->step++) {
    ftl_design_unpack(x->tried, s);
    ftl_triangle_free(&tried);
    status = ftl_fit_triangle(s, data, fit, &tried, error);
    if (!status) status = judge(&best, &tried, x, o, &more, error);
    ftl_gauss_newton_state next = *x;
    next.step++;
    if (!status && more && o->keep) status = o->keep(o->context, &next, error);
  }
  ftl_design_unpack(x->best, s);
  ftl_triangle_free(&best);
  ftl_triangle_free(&tried);
  return status;
}

ftl_status ftl_gauss_newton(ftl_surrogate *s, const ftl_dataset *data, const ftl_fit_options *fit,
                            const ftl_gauss_newton_options *o, const ftl_solution *linear, ftl_gauss_newton_state *x,
                            ftl_error *error) {
  ftl_status status = make_second(s, o, error);
  if (!status && x->n > 0 && x->n != ftl_design_unknowns(s))
    status = ftl_fail(error, FTL_ERR_INPUT, NULL, "the steps that were taken are those of another basis");
  if (!status && x->n == 0) status = start(s, data, error);
  if (!status && x->n == 0) {
    status = make_state(s, linear->penalty, x, error);
    x->linear = linear->squares;
    x->squares = INFINITY;
  }
  return status ? status : take_steps(s, data, fit, o, x, error);
}

void ftl_gauss_newton_state_free(ftl_gauss_newton_state *x) {
  free(x->best);
  free(x->tried);
  free(x->penalty);
  *x = (ftl_gauss_newton_state){0};
}
