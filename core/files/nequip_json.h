/* What an `.ftl` header says of a model of the NequIP family beyond a MACE (docs/ftl-format.md). */
#ifndef FTL_NEQUIP_JSON_H
#define FTL_NEQUIP_JSON_H

#include <jansson.h>

#include "model/architecture.h"

/* A new reference; NULL for lack of memory. */
json_t *ftl_nequip_to_json(const ftl_architecture *arch);
/* Fills arch->nequip and arch->cutoff. `where` is for messages: FTL_ERR_FORMAT, FTL_ERR_UNSUPPORTED. */
ftl_status ftl_nequip_from_json(json_t *json, const char *where, ftl_architecture *arch, ftl_error *error);

#endif
