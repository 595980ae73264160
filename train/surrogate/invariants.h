/* Invariant products of spherical harmonics: generalised Clebsch-Gordan coefficients of the atomic cluster expansion
   (Drautz, Phys. Rev. B 102, 024104 (2020); Dusson et al., J. Comput. Phys. 454, 110946 (2022)). */
#ifndef FTL_INVARIANTS_H
#define FTL_INVARIANTS_H

#include <stdbool.h>

#include "frozentl.h"

enum { FTL_INVARIANTS_MAX_RANK = 5, FTL_INVARIANTS_MAX_L = 8 };

/* Orthonormal, linearly independent combinations sum over k of c[k] Re(A_{l1 m1} ... A_{lN mN})_k. Terms that are equal
   as real parts (m and -m) or by exchange of equal factors are kept once, with the sum of their coefficients. */
typedef struct {
  int rank, n_terms, n_functions;
  int *m;    /* [n_terms][rank] */
  double *c; /* [n_functions][n_terms] */
} ftl_invariants;

/* l[rank], each up to FTL_INVARIANTS_MAX_L, of even sum (inversion); same[t]: factor t is the same function as factor
   t - 1 (same[0] is not read), so that exchanging them changes nothing. No function at all is no error. FTL_ERR_MEMORY.
 */
ftl_status ftl_invariants_make(int rank, const int *l, const bool *same, ftl_invariants *invariants, ftl_error *error);
void ftl_invariants_free(ftl_invariants *invariants);

/* <l1 m1 l2 m2 | l3 m3>, Condon-Shortley phases. */
double ftl_clebsch_gordan(int l1, int m1, int l2, int m2, int l3, int m3);

#endif
