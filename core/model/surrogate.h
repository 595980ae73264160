/* A linear ACE potential with what is known of its errors: what `frozentl distill` fits, `.ftl` stores and the
   evaluator runs (docs/ace.md). With a second density it is no longer linear, has no committee, and `.yace` stores it.
 */
#ifndef FTL_SURROGATE_H
#define FTL_SURROGATE_H

#include "model/ace_potential.h"

typedef struct {
  ftl_ace_file file; /* one density, F(rho) = rho; the c of its functions are couplings alone, without `coefficient` */
  int first[FTL_MAX_ELEMENTS + 1]; /* columns of element mu: first[mu] .. first[mu + 1] - 1, as its functions */
  double *coefficient;             /* [first[n_elements]], eV */
  double *second;    /* [first[n_elements]] of a second density, whose energy is F(rho; exponent); NULL: none */
  int second_rank;   /* functions of higher rank are not in it: 0 */
  double exponent;   /* of FinnisSinclairShiftedScaled (docs/ace.md, A5) */
  int n_committee;   /* draws from the posterior; 0: none */
  double *committee; /* [n_committee][first[n_elements]] */
  double energy_scale, force_scale; /* what the committee's spread is multiplied with to be an expected error */
  double *active[FTL_MAX_ELEMENTS]; /* [n][n] inverse of the active set of an element with n functions; NULL: none */
} ftl_surrogate;

/* Sets `first`, and the number of parameters, from the numbers of functions. */
void ftl_surrogate_number(ftl_surrogate *surrogate);
/* The potential that evaluators run: functions with their coefficients multiplied in, zero terms left out. *file is the
   caller's, independent of the surrogate; it has two densities if there is a second one. FTL_ERR_MEMORY. */
ftl_status ftl_surrogate_file(const ftl_surrogate *surrogate, const double *coefficient, ftl_ace_file *file,
                              ftl_error *error);
void ftl_surrogate_free(ftl_surrogate *surrogate);

#endif
