/* E0, scale and shift of the model that is trained, from what the recipe says. */
#ifndef FTL_BASELINE_H
#define FTL_BASELINE_H

#include "data/energies.h"
#include "tune/train_sets.h"

typedef struct {
  double e0[FTL_MAX_ELEMENTS], scale, shift; /* of the last head; scale and shift 1 and 0 in a model without them, and
                                                of the NequIP family, whose scales by element are kept */
  bool free_atoms;                           /* E0 are energies of free atoms, given or found, not a fit to compounds */
  char warning[600];                         /* "" or a sentence */
} ftl_baseline;

/* What the source has. */
void ftl_baseline_get(const ftl_source *source, ftl_baseline *baseline);
/* E0 of the NequIP family are its shifts, the mean energy of an atom in matter: of that zero single atoms say nothing,
   so that they are fitted or kept. */
bool ftl_baseline_of_atoms(const ftl_source *source);
/* E0 as given, of isolated atoms, or fitted to what `predicted` (the foundation's energies of sets->train; NULL: a new
   model) leaves. Isolated atoms are taken when there is one of each element in train. FTL_ERR_INPUT. */
ftl_status ftl_baseline_e0(const ftl_recipe *recipe, const ftl_sets *sets, const ftl_source *source,
                           const double *predicted, ftl_baseline *baseline, ftl_error *error);
/* Whether E0 are those of free atoms: given, or of isolated atoms of data. Errors of reading isolated atoms. */
ftl_status ftl_baseline_of_free_atoms(const ftl_recipe *recipe, const ftl_sets *sets, const ftl_source *source,
                                      bool *free, ftl_error *error);
/* Scale and shift from data, with the E0 of the baseline; where E0 are free atoms' the shift is 0, since it would be
   added to them. FTL_ERR_INPUT when labels are missing. */
ftl_status ftl_baseline_scale_shift(const ftl_recipe *recipe, const ftl_sets *sets, const ftl_source *source,
                                    ftl_baseline *baseline, ftl_error *error);
/* Into the source. */
ftl_status ftl_baseline_put(const ftl_baseline *baseline, ftl_source *source, ftl_error *error);

#endif
