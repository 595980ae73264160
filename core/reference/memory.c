#include "reference/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

void ftl_ref_memory_free(ftl_ref_memory *memory) {
  for (int k = 0; k < memory->n; k++) free(memory->block[k]);
  free(memory->block);
  *memory = (ftl_ref_memory){0};
}

ftl_status ftl_ref_allocate(ftl_ref_memory *memory, int64_t count, size_t size, void **pointer, ftl_error *error) {
  *pointer = NULL;
  if (memory->n == memory->capacity) {
    const int capacity = memory->capacity ? 2 * memory->capacity : 64;
    void **block = realloc(memory->block, (size_t)capacity * sizeof *block);
    if (!block) return ftl_no_memory(error, NULL, "the reference");
    memory->block = block;
    memory->capacity = capacity;
  }
  void *block = calloc(count > 0 ? (size_t)count : 1, size);
  if (!block) return ftl_no_memory(error, NULL, "the reference");
  memory->block[memory->n++] = block;
  *pointer = block;
  return FTL_OK;
}

ftl_status ftl_ref_doubles(ftl_ref_memory *memory, int64_t count, double **values, ftl_error *error) {
  void *pointer;
  const ftl_status status = ftl_ref_allocate(memory, count, sizeof(double), &pointer, error);
  *values = pointer;
  return status;
}

ftl_status ftl_ref_weights(ftl_ref_memory *memory, const ftl_source *source, int64_t count, const double **values,
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
