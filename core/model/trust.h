/* What is known of the errors of a MACE or NequIP model: a normal posterior of the weights of its last layer, given the
   data that it was trained on, and the atoms of these data that span the others (docs/uncertainty.md). `frozentl trust`
   makes it and `.ftl` stores it.

   A last layer is the last linear map of each readout. Its inputs, in the order of the readouts, are the features that
   everything here is about: an atom's energy is linear in them. */
#ifndef FTL_TRUST_H
#define FTL_TRUST_H

#include "model/architecture.h"

#define FTL_MAX_COMMITTEE 16 /* members whose forces are computed together */

/* Of a file with one head. Weights are those of the file's tensors, without what normalises them. */
typedef struct ftl_trust {
  int n;          /* weights */
  double *factor; /* [n][n] upper triangle U: the covariance of the weights is U U^T */
  int n_committee;
  double *committee;                /* [n_committee][n] draws from it: weights less the model's */
  double energy_scale, force_scale; /* what deviations are multiplied with to be expected errors */
  int n_active;
  int atomic_number[FTL_MAX_ELEMENTS]; /* [n_active] elements of the data */
  double *active[FTL_MAX_ELEMENTS];    /* [n_active] each [n][n]: inverse of the features of the active set */
} ftl_trust;

/* Zeroed but for the counts, scales of 1. NULL: no memory. */
ftl_trust *ftl_trust_new(int n, int n_committee, int n_active, const int *atomic_numbers);
void ftl_trust_free(ftl_trust *trust); /* accepts NULL */
/* The active set of an element, or NULL. */
const double *ftl_trust_active(const ftl_trust *trust, int atomic_number);

#endif
