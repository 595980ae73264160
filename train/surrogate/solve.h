/* Coefficients from a triangle: ridge with a smoothness prior, its strength given, cross-validated or of largest
   evidence, and automatic relevance determination (a strength for each function).

   The unknowns are c = z / (roughness scale), where scale is given or the root mean square of a function's column (at
   least 1e-6 of the largest): every z is as likely as another a priori, N(0, 1/alpha). Noise is N(0, 1/beta) in each
   weighted equation. */
#ifndef FTL_SOLVE_H
#define FTL_SOLVE_H

#include "surrogate/triangle.h"

typedef enum { FTL_SOLVE_RIDGE, FTL_SOLVE_CV, FTL_SOLVE_EVIDENCE, FTL_SOLVE_ARD } ftl_solve_kind;

typedef struct {
  ftl_solve_kind kind;
  double lambda;     /* of RIDGE: alpha/beta, in units of the largest squared singular value */
  double max_ratio;  /* of ARD: functions whose alpha grows above this times the smallest are left out */
  int max_functions; /* of ARD: at most so many are kept, those of most worth; 0: any number */
  int max_iterations;
  const double *scale; /* [n]; NULL: of the columns */
  int n_draws;         /* from the posterior */
  uint64_t seed;       /* of the draws */
} ftl_solve_options;

typedef struct {
  double *coefficient; /* [n]; 0 for what ARD left out */
  double *draw;        /* [n_draws][n] */
  double lambda;       /* alpha/beta in those units; of ARD the median */
  double beta;         /* 1/variance of a weighted equation */
  double log_evidence; /* NAN for ARD */
  double cv_error;     /* root mean square of weighted errors on what was left out; NAN without folds */
  double condition;    /* of the scaled problem: largest over smallest singular value */
  int rank;            /* singular values above n eps times the largest */
  double effective;    /* parameters that data determine: sum s^2 / (s^2 + lambda) */
  int kept;            /* functions with a coefficient */
  double squares;      /* |A c - b|^2 */
  double *penalty;     /* [n] of a ridge: what is least is |A c - b|^2 + sum of (penalty c)^2; NULL for ARD */
} ftl_solution;

/* fold[n_folds]: parts of `all`, for CV only (otherwise NULL and 0). roughness[n]. FTL_ERR_INPUT when there are no
   equations or CV has fewer than two folds with any; FTL_ERR_MEMORY. Threads are OpenBLAS'. */
ftl_status ftl_solve(const ftl_triangle *all, const ftl_triangle *fold, int n_folds, const double *roughness,
                     const ftl_solve_options *options, ftl_solution *solution, ftl_error *error);
void ftl_solution_free(ftl_solution *solution);

/* The same problem for one strength of the ridge after another, which cost next to nothing once it is factorised. */
typedef struct ftl_ridge ftl_ridge;
/* roughness[n], as above. FTL_ERR_INPUT when there are no equations; FTL_ERR_MEMORY. The caller frees *ridge. */
ftl_status ftl_ridge_new(const ftl_triangle *all, const double *roughness, ftl_ridge **ridge, ftl_error *error);
void ftl_ridge_free(ftl_ridge *ridge); /* accepts NULL */
/* coefficient[n] of a strength, in units of the squared length that every column has once it is scaled. */
void ftl_ridge_solve(const ftl_ridge *ridge, double lambda, double *coefficient);
/* penalty[n]: what is least is |A c - b|^2 + sum of (penalty c)^2. */
void ftl_ridge_penalty(const ftl_ridge *ridge, double lambda, double *penalty);

#endif
