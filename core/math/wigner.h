/* Wigner 3j symbols in the basis of real spherical harmonics. */
#ifndef FTL_WIGNER_H
#define FTL_WIGNER_H

#define FTL_WIGNER_MAX_L 12

/* The invariant tensor of l1 x l2 x l3, c[2 l1 + 1][2 l2 + 1][2 l3 + 1], components m = -l .. l in e3nn's order, sum of
   squares 1, with the sign of e3nn's o3.wigner_3j. |l1 - l2| <= l3 <= l1 + l2, each l up to FTL_WIGNER_MAX_L. */
void ftl_wigner_3j(int l1, int l2, int l3, double *c);

#endif
