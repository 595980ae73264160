/* The fit of a potential with a second density, E = rho_1 + F(rho_2), from the linear potential on: Gauss-Newton steps
   with exact derivatives of energies, forces and virials, damped as by Levenberg and Marquardt (docs/theory.md, "A
   second density"). What is least is the sum of squares with the prior that the linear fit found. */
#ifndef FTL_GAUSS_NEWTON_H
#define FTL_GAUSS_NEWTON_H

#include "surrogate/fit.h"

/* Where the steps are: what they go on from to the bit. Owned; zero-initialise. */
typedef struct {
  int64_t n, step, small;          /* small: steps after another that brought little */
  double damping, linear, squares; /* squares: of errors with `best`; linear: those of the linear fit */
  double *best, *tried, *penalty;  /* [n] coefficients of both densities (ftl_design_pack) and their prior */
} ftl_gauss_newton_state;

typedef struct {
  double exponent;                              /* of F, not 1 */
  int rank;                                     /* of the functions of the second density, at most */
  int steps;                                    /* at most; they end when three in a row bring less than 0.2 % */
  void (*say)(void *context, const char *text); /* a line a step */
  ftl_status (*keep)(void *context, const ftl_gauss_newton_state *state, ftl_error *error); /* after a step */
  void *context;
} ftl_gauss_newton_options;

/* Sets coefficients of both densities; the surrogate's are those of the linear fit, whose solution is `linear`. *state
   is zero, or that of earlier steps with this basis and these data. FTL_ERR_INPUT: of another basis; errors as of
   ftl_fit_triangle; those of `keep`. */
ftl_status ftl_gauss_newton(ftl_surrogate *surrogate, const ftl_dataset *data, const ftl_fit_options *fit,
                            const ftl_gauss_newton_options *options, const ftl_solution *linear,
                            ftl_gauss_newton_state *state, ftl_error *error);
void ftl_gauss_newton_state_free(ftl_gauss_newton_state *state);

#endif
