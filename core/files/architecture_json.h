/* The architecture as JSON, as docs/ftl-format.md describes it. */
#ifndef FTL_ARCHITECTURE_JSON_H
#define FTL_ARCHITECTURE_JSON_H

#include <jansson.h>

#include "model/architecture.h"

/* A new reference, or NULL without memory. */
json_t *ftl_architecture_to_json(const ftl_architecture *arch);

/* Refuses keys it does not know as well as missing ones: an option that is ignored would change the answers. On failure
   what was allocated so far is in `arch`, for ftl_source_free. */
ftl_status ftl_architecture_from_json(json_t *json, const char *where, ftl_architecture *arch, ftl_error *error);

#endif
