/* The `.ftl` format: safetensors with an architecture in its metadata. docs/ftl-format.md is its description. */
#ifndef FTL_FTL_FILE_H
#define FTL_FTL_FILE_H

#include "model/architecture.h"

/* Reads a file that lies in memory. `mapped`: the memory stays as long as the source, so that tensors may point into
   it; otherwise they are copied. Sets source->delta, and of a delta reads only what is in the file. */
ftl_status ftl_ftl_read(const void *data, size_t size, bool mapped, ftl_source *source, ftl_error *error);

#endif
