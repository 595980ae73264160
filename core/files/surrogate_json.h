/* What the header of a surrogate's `.ftl` says: elements, E0, embeddings, bonds without their radial coefficients. */
#ifndef FTL_SURROGATE_JSON_H
#define FTL_SURROGATE_JSON_H

#include <jansson.h>

#include "model/surrogate.h"

/* A new reference, or NULL without memory. */
json_t *ftl_surrogate_to_json(const ftl_surrogate *surrogate);

/* Fills and checks all but functions, radial coefficients (no memory is made for them) and coefficients. Refuses keys
 * it does not know. After a failure ftl_surrogate_free frees what there is. */
ftl_status ftl_surrogate_from_json(json_t *json, const char *where, ftl_surrogate *surrogate, ftl_error *error);

#endif
