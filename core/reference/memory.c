#include "reference/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

ftl_status ftl_ref_doubles(ftl_arena *memory, int64_t count, double **values, ftl_error *error) {
  *values = ftl_arena_take(memory, (size_t)count, sizeof **values);
  return ftl_arena_check(memory, error, "the reference");
}

ftl_status ftl_ref_weights(ftl_arena *memory, const ftl_source *source, int64_t count, const double **values,
                           ftl_error *error, const char *name, ...) {
  char full_name[256];
  va_list arguments;
  va_start(arguments, name);
  vsnprintf(full_name, sizeof full_name, name, arguments);
  va_end(arguments);
  const ftl_tensor *tensor = ftl_tensors_find(&source->tensors, full_name);
  if (!tensor) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "the model has no tensor '%s'", full_name);
  if (count >= 0 && tensor->count != count)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor '%s' has %lld numbers where %lld are needed",
                    full_name, (long long)tensor->count, (long long)count);
  double *copy;
  FTL_TRY(ftl_ref_doubles(memory, tensor->count, &copy, error));
  for (int64_t k = 0; k < tensor->count; k++) copy[k] = ftl_tensor_at(tensor, k);
  *values = copy;
  return FTL_OK;
}

const ftl_tensor *ftl_ref_tensor(const ftl_source *source, const char *name, ...) {
  char full_name[256];
  va_list arguments;
  va_start(arguments, name);
  vsnprintf(full_name, sizeof full_name, name, arguments);
  va_end(arguments);
  return ftl_tensors_find(&source->tensors, full_name);
}
