/* Low-rank adaptation as a delta keeps it (docs/ftl-format.md, section 6): in place of each tensor NAME that has
   factors the two tensors NAME.lora_A, with the scale in it, and NAME.lora_B, of the type of NAME. */
#ifndef FTL_LORA_PAIRS_H
#define FTL_LORA_PAIRS_H

#include "tune/lora.h"

/* Zero-initialise; owned with the names and the data. */
typedef struct {
  int n;
  ftl_tensor *tensor; /* [n] A and B one after another */
} ftl_lora_pairs;

/* Of these factors. `values`, which ftl_lora_expand has made of them, become what a reader of the delta makes of them,
   for which factors are rounded to their type. FTL_ERR_MEMORY. */
ftl_status ftl_lora_pairs_make(const ftl_lora *lora, const ftl_source *source, const double *factors,
                               ftl_lora_pairs *pairs, double *values, ftl_error *error);
void ftl_lora_pairs_free(ftl_lora_pairs *pairs);

#endif
