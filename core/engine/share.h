/* Models in memory that processes share. Internal; ftl_model_share and ftl_model_open_shared are its public face. */
#ifndef FTL_SHARE_H
#define FTL_SHARE_H

#include "model/engine.h"

/* ftl_model_free of a model with a mapping. */
void ftl_unmap_model(ftl_model *model);
/* The engine of that number, or NULL. */
const ftl_engine *ftl_engine_of(int number);

#endif
