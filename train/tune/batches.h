/* Which structures an optimiser step takes: an order drawn anew for each epoch. */
#ifndef FTL_BATCHES_H
#define FTL_BATCHES_H

#include "base/random.h"
#include "frozentl.h"

/* Structures 0 .. own-1 are all taken in each epoch; of own .. own+replay-1, `taken` are drawn for each. */
typedef struct {
  int own, replay, taken;
  int size;   /* of a batch; the last one may have less */
  int *order; /* [own + replay], of which the first own + taken are the epoch */
} ftl_batches;

/* FTL_ERR_MEMORY. A zero ftl_batches may be freed. */
ftl_status ftl_batches_new(int own, int replay, int taken, int size, ftl_batches *batches, ftl_error *error);
void ftl_batches_free(ftl_batches *batches);

int ftl_batches_count(const ftl_batches *batches); /* of an epoch */
/* Draws the order of an epoch; it depends on the state of `random` alone. */
void ftl_batches_draw(ftl_batches *batches, ftl_random *random);
/* Batch k of the epoch; returns how many structures. */
int ftl_batches_get(const ftl_batches *batches, int k, const int **chosen);

#endif
