#include "model/arrays.h"

#include <string.h>

ftl_status ftl_array(ftl_arrays *arrays, void *pointer, size_t count, size_t size, bool numbers, ftl_error *error) {
  void *array;
  memcpy(&array, pointer, sizeof array);
  return array ? arrays->each(arrays, pointer, count * size, numbers, error) : FTL_OK;
}
