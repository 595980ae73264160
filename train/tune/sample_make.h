/* One structure of a sample, without a model. */
#ifndef FTL_SAMPLE_MAKE_H
#define FTL_SAMPLE_MAKE_H

#include "data/dataset.h"
#include "base/random.h"

typedef struct {
  double rattle, strain, substitute; /* as in the recipe */
  int n_elements;
  int elements[118]; /* that may be put in, and that may stay */
} ftl_sample_options;

/* A copy of `seed` without labels, with weights 1 and config_type "sampled": elements that may not stay, and with
   probability `substitute` some of the others, are replaced and the structure scaled by the radii; it is strained if it
   is periodic, and rattled. *made owns its parts, as structures of a dataset do. FTL_ERR_MEMORY. */
ftl_status ftl_sample_make(const ftl_sample_options *options, const ftl_structure *seed, ftl_random *random,
                           ftl_structure *made, ftl_error *error);

/* Two atoms are closer than 0.6 times the sum of their covalent radii, or neighbours cannot be listed at all. */
ftl_status ftl_sample_close(const ftl_structure *structure, ftl_neighbours *scratch, bool *close, ftl_error *error);

#endif
