/* Generalised Clebsch-Gordan coefficients: the U matrices of MACE's symmetric contraction. */
#ifndef FTL_U_MATRIX_H
#define FTL_U_MATRIX_H

#include "frozentl.h"

/* All ways to couple nu factors 0e + 1o + ... + max_ell to one irrep l (of natural parity), in the order and
   normalisation of mace-torch's U_matrix_real without cuequivariance ("component"): u[2 l + 1][n_lm]^nu[n_paths] with
   n_lm = (max_ell + 1)^2. These are paths of a tree, one after another, that treat the factors as different: more
   than there are independent symmetric ones. As in mace-torch, for nu = 4 the intermediate irreps are of natural parity
   too. *u is allocated and the caller frees it. 0 <= l <= max_ell <= 3, 1 <= nu <= 4. FTL_ERR_MEMORY. */
ftl_status ftl_u_matrix(int max_ell, int l, int nu, double **u, int *n_paths, ftl_error *error);

#define FTL_U_MAX_L  3
#define FTL_U_MAX_NU 4

/* Those of one max_ell by l and nu, each made when it is first asked for. Set max_ell, all else zero. */
typedef struct {
  int max_ell;
  double *u[FTL_U_MAX_L + 1][FTL_U_MAX_NU + 1];
  int n_paths[FTL_U_MAX_L + 1][FTL_U_MAX_NU + 1];
} ftl_u_matrices;

/* Afterwards u[l][nu] and n_paths[l][nu] are there. Errors of ftl_u_matrix. */
ftl_status ftl_u_matrices_need(ftl_u_matrices *matrices, int l, int nu, ftl_error *error);
void ftl_u_matrices_free(ftl_u_matrices *matrices);

#endif
