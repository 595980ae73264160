/* How far a model can be trusted at the atoms of a graph: extrapolation grades and the spread of a committee, of
   surrogates (docs/ace.md, equations A6 to A9) and of models that know the posterior of their last layer
   (docs/uncertainty.md). Computed when asked for, after the forces. */
#ifndef FTL_UNCERTAINTY_H
#define FTL_UNCERTAINTY_H

#include "engine/workspace.h"

typedef struct ftl_uncertainty ftl_uncertainty;

/* Does the model have, for all its elements, the inverse of an active set. */
bool ftl_has_extrapolation(const ftl_model *model);

/* FTL_ERR_UNSUPPORTED: the model lacks what the output asks for. */
ftl_status ftl_uncertainty_check(const ftl_model *model, const ftl_output *output, ftl_error *error);

/* Fills what the output asks for; the workspace keeps the memory. FTL_ERR_UNSUPPORTED as above, FTL_ERR_MEMORY. */
ftl_status ftl_uncertainty_compute(ftl_workspace *workspace, ftl_output *output, ftl_error *error);

/* [n_total][n_committee][3] of zeros, the workspace's, for a model that has passed the check. */
ftl_status ftl_uncertainty_committee_forces(ftl_workspace *workspace, int n_total, double **forces, ftl_error *error);

/* What the energies of the last computation's atoms are linear in, [n_local][*n], in the units of the last layer's
   weights: of a model with such a posterior, when a grade or a deviation of energies was asked for; else NULL. Valid
   until the next computation. */
const double *ftl_uncertainty_features(const ftl_workspace *workspace, int *n);

/* The inverse of the active set of a species, and of how many features; NULL: none. */
const double *ftl_uncertainty_active(const ftl_model *model, int species, int *n);

/* Index of an element in a surrogate, or -1. */
int ftl_uncertainty_element(const ftl_surrogate *surrogate, int atomic_number);

size_t ftl_uncertainty_bytes(const ftl_uncertainty *uncertainty);
void ftl_uncertainty_free(ftl_uncertainty *uncertainty);

#endif
