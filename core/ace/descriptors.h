/* The functions of a basis for one atom, and their derivatives by its neighbours' positions: the rows of a fit, and
   what frames are told apart by. One body, compiled per instruction set.

   A plan is immutable and shared by threads; a scratch serves one. */
#ifndef FTL_DESCRIPTORS_H
#define FTL_DESCRIPTORS_H

#include "model/surrogate.h"

typedef struct ftl_descriptors ftl_descriptors;
typedef struct ftl_descriptor_scratch ftl_descriptor_scratch;

/* For a basis of ftl_basis_make (R_nl = g_n); the surrogate must outlive the plan. FTL_ERR_UNSUPPORTED for radial
   functions of another kind; FTL_ERR_MEMORY. */
ftl_status ftl_descriptors_new(const ftl_surrogate *surrogate, ftl_descriptors **plan, ftl_error *error);
void ftl_descriptors_free(ftl_descriptors *plan);
ftl_status ftl_descriptor_scratch_new(const ftl_descriptors *plan, ftl_descriptor_scratch **scratch, ftl_error *error);
void ftl_descriptor_scratch_free(ftl_descriptor_scratch *scratch);

/* An atom's functions; arrays belong to the scratch until its next call. Edges beyond their pair's cutoff do not
   appear; a lane without an edge has index -1 and derivatives 0. */
typedef struct {
  int n_functions;
  const double *value; /* [n_functions] */
  int n_lanes;         /* 0 without derivatives */
  const int *edge;     /* [n_lanes] place among the edges given, or -1 */
  const double *slope; /* [n_functions][3][n_lanes] by the vector r_ij, 1/Angstrom */
  const double *total; /* [n_functions][9] sums over edges: slopes, and r_ij (x) slope in the order xx yy zz xy xz yz */
} ftl_descriptor_values;

/* mu: the centre's element; sender_mu[n_edges], vector[n_edges] (r_ij, Angstrom). FTL_ERR_INPUT for a neighbour within
   its pair's inner cutoff, where the potential is not linear (`where` stays empty: the caller names the atoms; *bad is
   the edge). FTL_ERR_MEMORY. */
ftl_status ftl_descriptors_atom(const ftl_descriptors *plan, ftl_descriptor_scratch *scratch, int mu, int n_edges,
                                const int *sender_mu, const double (*vector)[3], bool derivatives,
                                ftl_descriptor_values *values, int *bad, ftl_error *error);

/* Sums over an atom's functions with several sets of weights. Their derivatives come from adjoints of A, which takes a
   fraction of the time of the derivatives of every function. */
typedef struct {
  int n_functions, n, n_lanes; /* n_lanes: 0 without derivatives */
  bool inside;                 /* a neighbour is within its pair's inner cutoff */
  const double *value;         /* [n_functions] */
  const double *sum;           /* [n] sum over functions of weight times value */
  const int *edge;             /* [n_lanes] */
  const double *slope;         /* [n][3][n_lanes] of the sums by r_ij */
} ftl_descriptor_combined;

/* As ftl_descriptors_atom, but goes on within inner cutoffs. weight[n_functions][n rounded up to 8], aligned to 64
   bytes. FTL_ERR_MEMORY. */
ftl_status ftl_descriptors_combine(const ftl_descriptors *plan, ftl_descriptor_scratch *scratch, int mu, int n_edges,
                                   const int *sender_mu, const double (*vector)[3], int n, const double *weight,
                                   bool derivatives, ftl_descriptor_combined *combined, ftl_error *error);

/* Extrapolation grades from any n features: gamma[16] of sixteen atoms of one element, the largest
   |sum over f of value[f][atom] inverse[f][column]|. values [n][16] and panel, from ftl_grade_panels, are aligned to 64
   bytes. */
typedef void ftl_grade(int n, const double *panel, const double *values, double *gamma);
/* This CPU's. Errors as ftl_kernels_choose. */
ftl_status ftl_grade_choose(ftl_grade **grade, ftl_error *error);
/* inverse[n][n] in the order in which the above goes through it; NULL: no memory. */
double *ftl_grade_panels(int n, const double *inverse);

#endif
