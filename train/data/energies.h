/* What a model's energies are measured from: energies of single atoms (E0), and the scale and shift of the rest.

   Everywhere elements[n] are a model's atomic numbers and e0[n] the energies in that order, eV. */
#ifndef FTL_ENERGIES_H
#define FTL_ENERGIES_H

#include "data/dataset.h"
#include "model/architecture.h"

/* From a table of symbols and energies. FTL_ERR_INPUT: not a symbol, given twice, an element that the model lacks, or
   one of the model without a value. */
ftl_status ftl_e0_given(char *const *symbol, const double *value, int n_values, const int *elements, int n, double *e0,
                        ftl_error *error);

/* From isolated atoms (data/isolated.h) with this cutoff that have an energy. e0 of other
   elements stays as it is; found[n] says which were set. FTL_ERR_INPUT: two such energies of an element that differ by
   more than 1 meV; FTL_ERR_MEMORY. */
ftl_status ftl_e0_isolated(const ftl_dataset *dataset, double cutoff, const int *elements, int n, double *e0,
                           bool *found, ftl_error *error);

typedef struct {
  int64_t structures; /* with an energy label: equations */
  int present;        /* elements that occur in them: unknowns */
  int rank;
  bool absent[FTL_MAX_ELEMENTS];       /* does not occur: e0 is `start` */
  bool undetermined[FTL_MAX_ELEMENTS]; /* occurs, but only in ratios that leave its energy open */
  char warning[512];                   /* names the undetermined elements and says what to do; "" at full rank */
} ftl_e0_fit;

/* Least squares over compositions: sum_z count_z e0_z = energy of the structure. Without `predicted` and `start` this
   is mace-torch's "average". With start[n] (the foundation's E0) and predicted[dataset->n] (its energies of the
   structures) the correction start + delta with the smallest |delta| is found: sum_z count_z delta_z = label -
   predicted. With `start` alone, start acts as the prediction of isolated atoms: the fitted E0 that are as close to it
   as the data allow. What the compositions leave open is decided by the smallest norm, and said in fit->warning. fit
   may be NULL. FTL_ERR_INPUT: no structure has an energy, an element that is not in the list; FTL_ERR_MEMORY. */
ftl_status ftl_e0_least_squares(const ftl_dataset *dataset, const int *elements, int n, const double *start,
                                const double *predicted, double *e0, ftl_e0_fit *fit, ftl_error *error);

/* mace-torch's rms_forces_scaling: shift is the mean over structures of (energy - sum of E0) / atoms, scale the RMS of
   all force components (1 if they are all zero). Structures without the label do not count. FTL_ERR_INPUT: no energies
   or no forces at all, or an element that is not in the list. */
ftl_status ftl_scale_shift(const ftl_dataset *dataset, const int *elements, int n, const double *e0, double *scale,
                           double *shift, ftl_error *error);

#endif
