#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

ftl_status ftl_array_grow(void *array, size_t *room, size_t need, size_t size, const char *what, ftl_error *error) {
  if (need <= *room) return FTL_OK;
  const size_t most = SIZE_MAX / 2 / size; /* no object is larger than half of what can be addressed */
  const size_t target = need < most / 2 ? need + need / 2 + 16 : need;
  void *old, *grown;
  memcpy(&old, array, sizeof old);
  grown = target < most ? realloc(old, target * size) : NULL;
  if (!grown) return ftl_no_memory(error, NULL, "%s: %zu of %zu bytes", what, target, size);
  memcpy(array, &grown, sizeof grown);
  *room = target;
  return FTL_OK;
}
