/* The radial functions of the first layer. */
#ifndef FTL_FIRST_FEATURES_H
#define FTL_FIRST_FEATURES_H

#include "mace/radial_functions.h"

/* Of pair class class_index: chooses radial functions phi among the features so that they span all, and makes
   T[k][weight] with weights(r) = sum_k phi_k(r) T[k]. coefficients[cell of it][coefficient][feature]; *phi
   [cell][coefficient][pad] is allocated for the caller; t has room for [n_features][n_weights]. FTL_ERR_MEMORY. */
ftl_status ftl_first_features(const ftl_model *model, const ftl_radial *radial, const ftl_grid *grid, int class_index,
                              const double *coefficients, ftl_first_class *class_, double **phi, double *t,
                              ftl_error *error);

#endif
