/* The functions of a basis for one atom, and their derivatives by its neighbours' positions: the rows of a fit, and
   what frames are told apart by. One body, compiled per instruction set.

   A plan is immutable and shared by threads; a scratch serves one. */
#ifndef FTL_DESCRIPTORS_H
#define FTL_DESCRIPTORS_H

#include "ace/surrogate.h"

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
} ftl_descriptor_values;

/* mu: the centre's element; sender_mu[n_edges], vector[n_edges] (r_ij, Angstrom). FTL_ERR_INPUT for a neighbour within
   its pair's inner cutoff, where the potential is not linear (`where` stays empty: the caller names the atoms; *bad is
   the edge). FTL_ERR_MEMORY. */
ftl_status ftl_descriptors_atom(const ftl_descriptors *plan, ftl_descriptor_scratch *scratch, int mu, int n_edges,
                                const int *sender_mu, const double (*vector)[3], bool derivatives,
                                ftl_descriptor_values *values, int *bad, ftl_error *error);

#endif
