/* What a run needs to go on to the bit: a safetensors file with float64 vectors and one JSON object, written
   atomically. The file before survives a full disk and a crash. */
#ifndef FTL_STATE_H
#define FTL_STATE_H

#include <jansson.h>

#include "frozentl.h"

typedef struct {
  const char *name;
  int64_t count;
  double *data; /* of ftl_state_read: owned by the state */
} ftl_state_vector;

/* Writes PATH. FTL_ERR_IO (no space, no permission; the old file is as it was), FTL_ERR_MEMORY. Doubles keep their
   bits, NaN too. The JSON object is in __metadata__ as "state" and keeps 64-bit integers; with it the version of the
   format and the SHA-256 of the data, which reading checks. */
ftl_status ftl_state_write(const char *path, const ftl_state_vector *vector, int n, const json_t *object,
                           ftl_error *error);

typedef struct {
  int n;
  ftl_state_vector *vector;
  json_t *object;
  void *memory; /* private */
} ftl_state;
/* FTL_ERR_IO; FTL_ERR_FORMAT for anything that ftl_state_write did not write, a truncated or changed file included. */
ftl_status ftl_state_read(const char *path, ftl_state *state, ftl_error *error);
void ftl_state_free(ftl_state *state);
/* The vector of this name with this many numbers; FTL_ERR_FORMAT otherwise. */
ftl_status ftl_state_find(const ftl_state *state, const char *name, int64_t count, const double **data,
                          ftl_error *error);

#endif
