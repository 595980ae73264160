#include <stdlib.h>

#include "model/architecture.h"

void ftl_source_free(ftl_source *source) {
  if (!source) return;
  ftl_tensors_free(&source->tensors);
  for (int k = 0; k < source->arch.n_heads; k++) free(source->arch.heads[k]);
  free(source->metadata);
  free(source->path);
  free(source);
}
