#include <stdlib.h>

#include "model/trust.h"

void ftl_source_free(ftl_source *source) {
  if (!source) return;
  ftl_tensors_free(&source->tensors);
  ftl_trust_free(source->trust);
  for (int k = 0; k < source->arch.n_heads; k++) free(source->arch.heads[k]);
  free(source->metadata);
  free(source->path);
  free(source);
}

void ftl_source_forget(ftl_source *source) {
  ftl_trust_free(source->trust);
  source->trust = NULL;
}
