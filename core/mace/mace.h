/* The MACE engine: what its row (model/engine.h) consists of. */
#ifndef FTL_MACE_H
#define FTL_MACE_H

#include "model/arrays.h"
#include "model/prepared.h"

/* Any file that holds a source, and so the last engine to be asked. */
ftl_status ftl_mace_open(const char *path, const ftl_open_options *options, bool *mine, ftl_model **model,
                         ftl_error *error);
void ftl_mace_free(ftl_model *model);
ftl_status ftl_mace_arrays(ftl_model *model, ftl_arrays *arrays, ftl_error *error);
/* A thread's scratch (mace/scratch.h), as ftl_engine's. */
ftl_status ftl_mace_scratch_new(const ftl_model *model, void **scratch, ftl_error *error);
bool ftl_mace_scratch_edges(const ftl_model *model, void *scratch, size_t n_edges);
size_t ftl_mace_scratch_bytes(const void *scratch);
void ftl_mace_scratch_free(void *scratch);

#endif
