#include "surrogate/solve.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/error.h"
#include "support/work_memory.h"
#include "surrogate/lapack.h"
#include "surrogate/solve_internal.h"

static const double EPSILON = 2.2e-16;
static const double LEAST_SCALE = 1e-6; /* of a column, of the largest */
static const double WEAKEST = -16;      /* log10 of the least strength that is tried */

static ftl_status no_memory(int n, ftl_error *error) {
  return ftl_no_memory(error, NULL, "solving a fit of %d functions (about %zu MB)", n,
                       (size_t)n * (size_t)n * 6 * sizeof(double) >> 20);
}

/* ---- the scaled problem in its singular vectors ---- */

typedef struct {
  int n, rank;
  int64_t rows;
  double *s;      /* [n] descending; those from `rank` on are rounding and 0 */
  double *vt;     /* [n][n] column-major: row k is the vector of s[k] */
  double *u_q;    /* [n] u_k . q */
  double *z;      /* [n] scratch: what a solution has of each vector */
  double outside; /* |b|^2 that no solution reaches */
} spectrum;

static void free_spectrum(spectrum *x) {
  free(x->s);
  free(x->vt);
  free(x->u_q);
  free(x->z);
}

static ftl_status decompose(const ftl_triangle *t, const double *penalty, spectrum *x, ftl_error *error) {
  int n = t->n, lwork = -1, info;
  size_t side = (size_t)n + 1, square = (size_t)n * (size_t)n;
  double size;
  *x = (spectrum){.n = n, .rows = t->rows};
  x->s = malloc(((size_t)n + 1) * sizeof(double));
  x->vt = malloc((square + 1) * sizeof(double));
  x->u_q = calloc((size_t)n + 1, sizeof(double));
  x->z = malloc(((size_t)n + 1) * sizeof(double));
  double *a = malloc((square + 1) * sizeof(double)), *u = malloc((square + 1) * sizeof(double)), *work = NULL;
  int *iwork = malloc(8 * side * sizeof(int));
  ftl_status status =
      x->s && x->vt && x->u_q && x->z && a && u && iwork && ftl_memory_is_left() ? FTL_OK : no_memory(n, error);
  if (!status) {
    for (size_t k = 0; k < (size_t)n; k++)
      for (size_t i = 0; i < (size_t)n; i++) a[k * (size_t)n + i] = t->r[k * side + i] / penalty[k];
    dgesdd_("A", &n, &n, a, &n, x->s, u, &n, x->vt, &n, &size, &lwork, iwork, &info, 1);
    lwork = (int)size;
    work = malloc((size_t)lwork * sizeof *work);
    if (!work) status = no_memory(n, error);
  }
  if (!status) {
    dgesdd_("A", &n, &n, a, &n, x->s, u, &n, x->vt, &n, work, &lwork, iwork, &info, 1);
    if (info) status = ftl_fail(error, FTL_ERR_INPUT, NULL, "the singular values of the fit do not converge");
  }
  for (size_t k = 0; !status && k < (size_t)n; k++)
    for (size_t i = 0; i < (size_t)n; i++) x->u_q[k] += u[k * (size_t)n + i] * t->r[(size_t)n * side + i];
  x->outside = t->r[side * side - 1] * t->r[side * side - 1];
  while (!status && x->rank < n && x->s[x->rank] > n * EPSILON * x->s[0]) x->rank++;
  for (int k = x->rank; !status && k < n; k++) x->s[k] = 0;
  free(a);
  free(u);
  free(work);
  free(iwork);
  return status;
}

/* c of the vectors' sum that x->z has; a row of it is one piece of memory. */
static void from_vectors(const spectrum *x, const double *penalty, double *c) {
  for (int i = 0; i < x->n; i++) {
    const double *component = x->vt + (size_t)i * (size_t)x->n;
    double sum = 0;
    for (int k = 0; k < x->n; k++) sum += x->z[k] * component[k];
    c[i] = sum / penalty[i];
  }
}

/* c for a ridge of strength lambda (absolute): eq. 28 */
static void ridge(const spectrum *x, const double *penalty, double lambda, double *c) {
  for (int k = 0; k < x->n; k++) x->z[k] = x->s[k] > 0 ? x->u_q[k] * x->s[k] / (x->s[k] * x->s[k] + lambda) : 0;
  from_vectors(x, penalty, c);
}

/* ---- strength ---- */

/* What strengths are given in. */
static double unit_of(const spectrum *x) { return x->s[0] > 0 ? x->s[0] * x->s[0] : 1; }

/* Of lambda: |A z - b|^2, |z|^2 and the effective number of parameters. */
static void at_lambda(const spectrum *x, double lambda, double *residual, double *size, double *effective) {
  *residual = x->outside;
  *size = *effective = 0;
  for (int k = 0; k < x->n; k++) {
    double s2 = x->s[k] * x->s[k], d = s2 + lambda;
    double left = d > 0 ? x->u_q[k] * lambda / d : x->u_q[k], z = d > 0 ? x->u_q[k] * x->s[k] / d : 0;
    *residual += left * left;
    if (d == 0) continue;
    *size += z * z;
    *effective += s2 / d;
  }
}

/* ln p(b | alpha, beta) with beta at its best for lambda = alpha / beta (docs/theory.md, eq. 29; Bishop, Pattern
 * Recognition, eq. (3.86)). */
static double log_evidence(const spectrum *x, double lambda, double *beta) {
  double residual, size, effective, log_det = 0, m = (double)x->rows;
  at_lambda(x, lambda, &residual, &size, &effective);
  *beta = m / (residual + lambda * size);
  for (int k = 0; k < x->n; k++) log_det += log(x->s[k] * x->s[k] / lambda + 1);
  return 0.5 * (m * log(*beta) - log_det - m - m * log(2 * M_PI));
}

/* Golden section in log10 lambda around the best of a scan: the evidence can have several maxima. */
typedef double objective(const void *context, double lambda);

static double maximise(objective *f, const void *context, double unit) {
  double best = WEAKEST, best_value = -INFINITY;
  for (double x = WEAKEST; x <= 0; x += 0.5) {
    double value = f(context, unit * pow(10, x));
    if (value > best_value) {
      best = x;
      best_value = value;
    }
  }
  const double ratio = 0.6180339887498949;
  double low = best - 0.5, high = best + 0.5;
  for (int k = 0; k < 25; k++) {
    double a = high - ratio * (high - low), b = low + ratio * (high - low);
    if (f(context, unit * pow(10, a)) > f(context, unit * pow(10, b))) high = b;
    else low = a;
  }
  return unit * pow(10, (low + high) / 2);
}

static double evidence_objective(const void *context, double lambda) {
  double beta;
  return log_evidence(context, lambda, &beta);
}

typedef struct {
  int n_folds;
  const ftl_triangle *fold;
  const spectrum *without; /* [n_folds] */
  const double *penalty;
  double *c; /* scratch */
} cross;

static double cross_objective(const void *context, double lambda) {
  const cross *x = context;
  double sum = 0;
  for (int k = 0; k < x->n_folds; k++) {
    ridge(&x->without[k], x->penalty, lambda, x->c);
    sum += ftl_triangle_residual(&x->fold[k], x->c);
  }
  return -sum;
}

static ftl_status cross_validate(const ftl_triangle *fold, int n_folds, const double *penalty, double unit,
                                 double *lambda, double *cv_error, ftl_error *error) {
  int n = fold[0].n;
  int64_t rows = 0;
  spectrum *without = calloc((size_t)n_folds, sizeof *without);
  double *c = malloc(((size_t)n + 1) * sizeof *c);
  ftl_status status = without && c ? FTL_OK : no_memory(n, error);
  for (int k = 0; k < n_folds && !status; k++) {
    ftl_triangle rest = {0};
    rows += fold[k].rows;
    status = ftl_triangle_new(n, &rest, error);
    for (int j = 0; j < n_folds && !status; j++)
      if (j != k) status = ftl_triangle_join(&rest, &fold[j], error);
    if (!status) status = decompose(&rest, penalty, &without[k], error);
    ftl_triangle_free(&rest);
  }
  if (!status) {
    const cross x = {n_folds, fold, without, penalty, c};
    *lambda = maximise(cross_objective, &x, unit);
    *cv_error = sqrt(-cross_objective(&x, *lambda) / (double)rows);
  }
  for (int k = 0; without && k < n_folds; k++) free_spectrum(&without[k]);
  free(without);
  free(c);
  return status;
}

/* ---- posterior ---- */

static void draw(const spectrum *x, const double *penalty, double lambda, const ftl_solve_options *options,
                 ftl_solution *to) {
  ftl_random random;
  ftl_random_seed(&random, options->seed);
  for (int d = 0; d < options->n_draws; d++) {
    double *c = to->draw + (size_t)d * (size_t)x->n;
    for (int k = 0; k < x->n; k++) {
      double z = ftl_random_normal(&random), precision = to->beta * (x->s[k] * x->s[k] + lambda);
      x->z[k] = precision > 0 ? z / sqrt(precision) : 0; /* neither data nor a prior: no spread could be given */
    }
    from_vectors(x, penalty, c);
    for (int i = 0; i < x->n; i++) c[i] += to->coefficient[i];
  }
}

/* ---- the call ---- */

/* Roughness times the scale, if there is none the root mean square of the function's column. One that is next to
   nothing on all data, such as that of a pair which only comes near its cutoff, is not scaled up to the others: its
   coefficient would be astronomical, and so would be the energy where the pair comes closer. */
static void set_penalty(const ftl_triangle *t, const double *roughness, const double *scale, double *penalty) {
  size_t side = (size_t)t->n + 1;
  double largest = 0;
  if (scale) {
    for (int k = 0; k < t->n; k++) penalty[k] = roughness[k] * scale[k];
    return;
  }
  for (int k = 0; k < t->n; k++) {
    double sum = 0;
    for (int i = 0; i <= k; i++) sum += t->r[(size_t)k * side + (size_t)i] * t->r[(size_t)k * side + (size_t)i];
    penalty[k] = sqrt(sum / (double)t->rows);
    largest = fmax(largest, penalty[k]);
  }
  for (int k = 0; k < t->n; k++)
    penalty[k] = roughness[k] * (largest > 0 ? fmax(penalty[k], LEAST_SCALE * largest) : 1);
}

static ftl_status solve_ridge(const ftl_triangle *all, const ftl_triangle *fold, int n_folds, const double *penalty,
                              const ftl_solve_options *options, const spectrum *x, ftl_solution *to, ftl_error *error) {
  double unit = unit_of(x), lambda = options->lambda * unit, residual, size;
  ftl_status status = FTL_OK;
  if (options->kind == FTL_SOLVE_CV)
    status = cross_validate(fold, n_folds, penalty, unit, &lambda, &to->cv_error, error);
  FTL_TRY(status);
  if (options->kind == FTL_SOLVE_EVIDENCE) lambda = maximise(evidence_objective, x, unit);
  ridge(x, penalty, lambda, to->coefficient);
  to->lambda = lambda / unit;
  to->log_evidence = log_evidence(x, lambda > 0 ? lambda : 1e-300, &to->beta);
  at_lambda(x, lambda, &residual, &size, &to->effective);
  /* unlike the evidence, an estimate of the noise allows for the parameters that were fitted */
  double free_rows = (double)all->rows - to->effective;
  to->beta = (free_rows > 1 ? free_rows : 1) / fmax(residual, 1e-300);
  draw(x, penalty, lambda, options, to);
  to->penalty = malloc(((size_t)all->n + 1) * sizeof *to->penalty);
  for (int k = 0; to->penalty && k < all->n; k++) to->penalty[k] = sqrt(lambda) * penalty[k];
  return to->penalty ? FTL_OK : no_memory(all->n, error);
}

static ftl_status require_rows(const ftl_triangle *all, ftl_error *error) {
  return all->rows > 0 ? FTL_OK : ftl_fail(error, FTL_ERR_INPUT, NULL, "the data of the fit have no labels");
}

ftl_status ftl_solve(const ftl_triangle *all, const ftl_triangle *fold, int n_folds, const double *roughness,
                     const ftl_solve_options *options, ftl_solution *to, ftl_error *error) {
  int n = all->n;
  *to = (ftl_solution){.log_evidence = NAN, .cv_error = NAN};
  FTL_TRY(require_rows(all, error));
  int n_filled = 0;
  for (int k = 0; k < n_folds; k++) n_filled += fold[k].rows > 0;
  if (options->kind == FTL_SOLVE_CV && n_filled < 2)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "cross-validation needs at least two folds with data");
  spectrum x = {0};
  double *penalty = malloc(((size_t)n + 1) * sizeof *penalty);
  to->coefficient = calloc((size_t)n + 1, sizeof *to->coefficient);
  to->draw = calloc((size_t)n * (size_t)options->n_draws + 1, sizeof *to->draw);
  ftl_status status = penalty && to->coefficient && to->draw ? FTL_OK : no_memory(n, error);
  if (!status) {
    set_penalty(all, roughness, options->scale, penalty);
    status = decompose(all, penalty, &x, error);
  }
  if (!status) {
    to->rank = x.rank;
    to->condition = to->rank > 0 ? x.s[0] / x.s[to->rank - 1] : INFINITY;
    if (options->kind == FTL_SOLVE_ARD) status = ftl_solve_ard(all, penalty, options, to, error);
    else status = solve_ridge(all, fold, n_folds, penalty, options, &x, to, error);
  }
  for (int k = 0; !status && k < n; k++) to->kept += to->coefficient[k] != 0;
  if (!status) to->squares = ftl_triangle_residual(all, to->coefficient);
  free_spectrum(&x);
  free(penalty);
  if (status) ftl_solution_free(to);
  return status;
}

void ftl_solution_free(ftl_solution *solution) {
  free(solution->coefficient);
  free(solution->draw);
  free(solution->penalty);
  *solution = (ftl_solution){0};
}

/* ---- strength by strength ---- */

struct ftl_ridge {
  spectrum spectrum;
  double *penalty;
};

ftl_status ftl_ridge_new(const ftl_triangle *all, const double *roughness, ftl_ridge **ridge, ftl_error *error) {
  FTL_TRY(require_rows(all, error));
  ftl_ridge *r = *ridge = calloc(1, sizeof *r);
  if (r) r->penalty = malloc(((size_t)all->n + 1) * sizeof *r->penalty);
  if (!r || !r->penalty) return no_memory(all->n, error);
  set_penalty(all, roughness, NULL, r->penalty);
  return decompose(all, r->penalty, &r->spectrum, error);
}

void ftl_ridge_free(ftl_ridge *r) {
  if (!r) return;
  free_spectrum(&r->spectrum);
  free(r->penalty);
  free(r);
}

void ftl_ridge_solve(const ftl_ridge *r, double lambda, double *coefficient) {
  ridge(&r->spectrum, r->penalty, lambda * (double)r->spectrum.rows, coefficient);
}

void ftl_ridge_penalty(const ftl_ridge *r, double lambda, double *penalty) {
  for (int k = 0; k < r->spectrum.n; k++) penalty[k] = sqrt(lambda * (double)r->spectrum.rows) * r->penalty[k];
}
