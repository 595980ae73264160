#include "tune/batches.h"

#include <stdlib.h>

#include "base/error.h"

ftl_status ftl_batches_new(int own, int replay, int taken, int size, ftl_batches *batches, ftl_error *error) {
  *batches = (ftl_batches){.own = own, .replay = replay, .taken = taken, .size = size};
  batches->order = malloc(((size_t)own + (size_t)replay + 1) * sizeof *batches->order);
  return batches->order ? FTL_OK : ftl_no_memory(error, NULL, "the order of structures");
}

void ftl_batches_free(ftl_batches *batches) {
  free(batches->order);
  *batches = (ftl_batches){0};
}

int ftl_batches_count(const ftl_batches *batches) {
  return (batches->own + batches->taken + batches->size - 1) / batches->size;
}

void ftl_batches_draw(ftl_batches *batches, ftl_random *random) {
  for (int k = 0; k < batches->own + batches->replay; k++) batches->order[k] = k;
  if (batches->taken < batches->replay) ftl_random_shuffle(random, batches->replay, batches->order + batches->own);
  ftl_random_shuffle(random, batches->own + batches->taken, batches->order);
}

int ftl_batches_get(const ftl_batches *batches, int k, const int **chosen) {
  const int all = batches->own + batches->taken, first = k * batches->size;
  *chosen = batches->order + first;
  return all - first < batches->size ? all - first : batches->size;
}
