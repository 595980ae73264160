/* Whether there is anything in a data set to fit, before it is fitted: a fit of nothing succeeds, and means nothing. */
#ifndef FTL_SENSE_H
#define FTL_SENSE_H

#include "data/dataset.h"

/* FTL_ERR_INPUT names the frame with a label that no calculation gives: beyond 2e6 eV an atom (all electrons of the
   heaviest element), 1e7 eV/Angstrom, 1e6 eV/Angstrom^3. */
ftl_status ftl_labels_possible(const ftl_dataset *dataset, ftl_error *error);

/* The same bound for an energy of an atom, wherever it comes from. */
bool ftl_e0_possible(double e0);

/* What labels weigh: of the kinds, times the weights of structures. */
typedef struct {
  double energy, forces, stress;
  const char *name; /* what they are called: "weights", for weights.energy, weights.forces, weights.stress */
} ftl_label_weights;

/* FTL_ERR_INPUT, with the reason: no structure, no label, or no label with a weight. `what` names the set. */
ftl_status ftl_labels_weigh(const ftl_dataset *dataset, const ftl_label_weights *weights, const char *what,
                            ftl_error *error);

#endif
