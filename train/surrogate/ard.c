/* Automatic relevance determination (MacKay 1992; Tipping, J. Mach. Learn. Res. 1, 211 (2001)): every function has its
   own prior strength, set by evidence; those that data do not need go to zero and are left out. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"
#include "base/error.h"
#include "support/work_memory.h"
#include "surrogate/lapack.h"
#include "surrogate/solve_internal.h"

#define NOISELESS 1e-10 /* least noise, of the labels' root mean square */
#define UNKNOWN   1e-10 /* data say nothing of a function whose posterior is its prior but for this */
#define SETTLED   2     /* steps before functions are dropped for their number */
#define DROPPED   0.05  /* part of them that a step drops at most */

typedef struct {
  int n;         /* functions still in */
  int *index;    /* [n] in the triangle */
  double *alpha; /* [n] */
  double *mean;  /* [n] of z */
  double *worth; /* [n] mean^2 over variance: what leaving it out adds to the squares, in units of the noise */
  double *a,
      *root;   /* [n][n] column-major scratch: scaled R, and the triangle of [R; sqrt(alpha/beta)] and its inverse */
  double *rhs; /* [n] */
  double beta;
} relevance;

/* Columns of R that are in, scaled, with the rows of q: they are not a triangle any more once functions have left. */
static void gather(const ftl_triangle *t, const double *penalty, relevance *x, double *block, int ld) {
  size_t side = (size_t)t->n + 1;
  for (int k = 0; k < x->n; k++)
    for (int i = 0; i < ld; i++) {
      size_t column = (size_t)x->index[k];
      block[(size_t)k * (size_t)ld + (size_t)i] = t->r[column * side + (size_t)i] / penalty[column];
    }
  for (int i = 0; i < ld; i++) block[(size_t)x->n * (size_t)ld + (size_t)i] = t->r[((size_t)t->n) * side + (size_t)i];
}

/* |b|^2 */
static double label_square(const ftl_triangle *t) {
  size_t side = (size_t)t->n + 1;
  double sum = 0;
  for (size_t i = 0; i < side; i++) sum += t->r[(side - 1) * side + i] * t->r[(side - 1) * side + i];
  return sum;
}

/* With beta and alpha: mean, the inverse root of the posterior, and |R z - q|^2 + rest^2. */
static ftl_status posterior(const ftl_triangle *t, const double *penalty, relevance *x, double *residual,
                            ftl_error *error) {
  ftl_triangle stacked = {0};
  int ld = t->n + 1, side = x->n + 1, info;
  FTL_TRY(ftl_triangle_new(x->n, &stacked, error));
  for (int k = 0; k < x->n; k++) stacked.r[(size_t)k * (size_t)side + (size_t)k] = sqrt(x->alpha[k] / x->beta);
  gather(t, penalty, x, x->a, ld);
  ftl_status status = ftl_triangle_add(&stacked, x->a, ld, ld, error);
  if (!status) {
    for (int k = 0; k < x->n; k++) {
      memcpy(x->root + (size_t)k * (size_t)x->n, stacked.r + (size_t)k * (size_t)side, (size_t)x->n * sizeof(double));
      x->mean[k] = stacked.r[(size_t)x->n * (size_t)side + (size_t)k];
    }
    dtrtri_("U", "N", &x->n, x->root, &x->n, &info, 1, 1);
    if (info) status = ftl_fail(error, FTL_ERR_INPUT, NULL, "the fit is singular in function %d", x->index[info - 1]);
  }
  if (!status) {
    cblas_dtrmv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, x->n, x->root, x->n, x->mean, 1);
    double corner = stacked.r[(size_t)side * (size_t)side - 1], prior = 0;
    for (int k = 0; k < x->n; k++) prior += x->alpha[k] / x->beta * x->mean[k] * x->mean[k];
    /* of labels without noise the difference would be rounding, and a noise of 0 leaves nothing to weigh */
    *residual = fmax(corner * corner - prior, NOISELESS * NOISELESS * label_square(t));
  }
  ftl_triangle_free(&stacked);
  return status;
}

/* New strengths (docs/theory.md, eq. 30); returns the largest relative change. */
static double update(relevance *x, double residual, double rows, double *effective) {
  double change = 0;
  *effective = 0;
  for (int k = 0; k < x->n; k++) {
    double variance = 0;
    for (int j = k; j < x->n; j++) {
      double root = x->root[(size_t)j * (size_t)x->n + (size_t)k];
      variance += root * root / x->beta;
    }
    x->worth[k] = x->mean[k] * x->mean[k] / fmax(variance, 1e-300);
    double known = fmin(fmax(1 - x->alpha[k] * variance, 0), 1);
    double alpha = known > UNKNOWN ? known / fmax(x->mean[k] * x->mean[k], 1e-300) : 1e300;
    *effective += known;
    if (known > 1e-3) change = fmax(change, fabs(log(alpha / x->alpha[k])));
    x->alpha[k] = fmin(alpha, 1e300);
  }
  x->beta = fmax(rows - *effective, 1) / fmax(residual, 1e-300);
  return change;
}

static void keep(relevance *x, int k, int as) {
  x->index[as] = x->index[k];
  x->worth[as] = x->worth[k];
  x->alpha[as] = x->alpha[k];
}

static void prune(relevance *x, double max_ratio) {
  double smallest = INFINITY;
  int n = 0;
  for (int k = 0; k < x->n; k++) smallest = fmin(smallest, x->alpha[k]);
  for (int k = 0; k < x->n; k++) {
    if (x->alpha[k] > max_ratio * smallest) continue;
    keep(x, k, n++);
  }
  x->n = n;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Some of those of least worth, towards `most`; the others' worth is another without them. */
static void drop(relevance *x, int most) {
  int n = 0, least = (int)(DROPPED * x->n) + 1, going = x->n - most < least ? x->n - most : least;
  memcpy(x->rhs, x->worth, (size_t)x->n * sizeof *x->rhs);
  qsort(x->rhs, (size_t)x->n, sizeof *x->rhs, compare_doubles);
  const double bound = x->rhs[going];
  for (int k = 0; k < x->n; k++) {
    if (x->worth[k] < bound) continue;
    keep(x, k, n++);
  }
  x->n = n;
}

/* Coefficients, and draws N(mean, (beta root^-T root^-1)^-1). */
static void give(relevance *x, const double *penalty, double unit, const ftl_solve_options *options, int n,
                 ftl_solution *to) {
  ftl_random random;
  ftl_random_seed(&random, options->seed);
  for (int k = 0; k < x->n; k++) to->coefficient[x->index[k]] = x->mean[k] / penalty[x->index[k]];
  for (int d = 0; d < options->n_draws; d++) {
    double *c = to->draw + (size_t)d * (size_t)n;
    for (int k = 0; k < x->n; k++) x->rhs[k] = ftl_random_normal(&random) / sqrt(x->beta);
    cblas_dtrmv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, x->n, x->root, x->n, x->rhs, 1);
    for (int k = 0; k < x->n; k++) c[x->index[k]] = (x->mean[k] + x->rhs[k]) / penalty[x->index[k]];
  }
  qsort(x->alpha, (size_t)x->n, sizeof *x->alpha, compare_doubles);
  to->lambda = x->alpha[x->n / 2] / x->beta / unit;
  to->beta = x->beta;
}

ftl_status ftl_solve_ard(const ftl_triangle *all, const double *penalty, const ftl_solve_options *options,
                         ftl_solution *to, ftl_error *error) {
  size_t n = (size_t)all->n, side = n + 1;
  ftl_arena memory = {.enough = ftl_memory_is_left};
  relevance x = {.n = all->n};
  x.index = ftl_arena_take(&memory, side, sizeof *x.index);
  x.alpha = ftl_arena_take(&memory, side, sizeof *x.alpha);
  x.mean = ftl_arena_take(&memory, side, sizeof *x.mean);
  x.worth = ftl_arena_take(&memory, side, sizeof *x.worth);
  x.a = ftl_arena_take(&memory, side * side, sizeof *x.a);
  x.root = ftl_arena_take(&memory, side * side, sizeof *x.root);
  x.rhs = ftl_arena_take(&memory, side, sizeof *x.rhs);
  ftl_status status = ftl_arena_check(&memory, error, "a fit of %zu functions", n);
  double unit = 0, residual = 0, total = 0;
  if (!status) {
    total = label_square(all);
    x.beta = 100 * (double)all->rows / fmax(total, 1e-300); /* a tenth of the labels' spread is noise, to begin with */
    for (size_t k = 0; k < n; k++) {
      double sum = 0;
      for (size_t i = 0; i <= k; i++) sum += all->r[k * side + i] * all->r[k * side + i];
      unit = fmax(unit, sum / (penalty[k] * penalty[k]));
      x.index[k] = (int)k;
    }
    for (size_t k = 0; k < n; k++) x.alpha[k] = 1e-8 * x.beta * unit;
  }
  double change = 1;
  const int most = options->max_functions > 0 ? options->max_functions : all->n;
  for (int step = 0; !status && (x.n > most || (step < options->max_iterations && change > 0.05)); step++) {
    status = posterior(all, penalty, &x, &residual, error);
    if (status) break;
    change = update(&x, residual, (double)all->rows, &to->effective);
    prune(&x, options->max_ratio);
    if (x.n > most && step >= SETTLED) {
      drop(&x, most);
      change = 1;
    }
  }
  if (!status) status = posterior(all, penalty, &x, &residual, error);
  if (!status) give(&x, penalty, unit > 0 ? unit : 1, options, all->n, to);
  ftl_arena_free(&memory);
  return status;
}
