#include "model/tensors.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/error.h"
#include "base/printable.h"

#define MAX_COUNT ((int64_t)1 << 48)

/* What ftl_tensors.storage points to: one mapping of a file, and chunks of the heap. */
typedef struct chunk {
  struct chunk *next;
  double data[]; /* double: aligned to 8 bytes */
} chunk;

typedef struct {
  void *mapping;
  size_t mapping_size;
  chunk *chunks;
} storage;

static void release_storage(void *pointer) {
  storage *s = pointer;
  if (!s) return;
  if (s->mapping) munmap(s->mapping, s->mapping_size);
  for (chunk *c = s->chunks; c;) {
    chunk *next = c->next;
    free(c);
    c = next;
  }
  free(s);
}

static storage *get_storage(ftl_tensors *tensors) {
  if (!tensors->storage) {
    tensors->storage = calloc(1, sizeof(storage));
    tensors->release = release_storage;
  }
  return tensors->storage;
}

size_t ftl_dtype_bytes(ftl_dtype dtype) {
  switch (dtype) {
  case FTL_F64:
  case FTL_I64:
    return 8;
  case FTL_F32:
  case FTL_I32:
    return 4;
  case FTL_BOOL:
  case FTL_U8:
    return 1;
  }
  return 0;
}

const char *ftl_dtype_name(ftl_dtype dtype) {
  switch (dtype) {
  case FTL_F32:
    return "F32";
  case FTL_F64:
    return "F64";
  case FTL_I32:
    return "I32";
  case FTL_I64:
    return "I64";
  case FTL_BOOL:
    return "BOOL";
  case FTL_U8:
    return "U8";
  }
  return "?";
}

bool ftl_shape_count(int ndim, const int64_t *shape, int64_t *count) {
  int64_t n = 1;
  bool empty = false;
  if (ndim < 0 || ndim > FTL_MAX_NDIM) return false;
  for (int d = 0; d < ndim; d++) {
    if (shape[d] < 0 || shape[d] > MAX_COUNT) return false;
    if (shape[d] == 0) empty = true;
    else if (n > MAX_COUNT / shape[d]) return false;
    else n *= shape[d];
  }
  *count = empty ? 0 : n;
  return true;
}

void *ftl_tensors_allocate(ftl_tensors *tensors, size_t size) {
  storage *s = get_storage(tensors);
  chunk *c;
  if (!s || size > SIZE_MAX - sizeof *c) return NULL;
  c = calloc(1, sizeof *c + size);
  if (!c) return NULL;
  c->next = s->chunks;
  s->chunks = c;
  return c->data;
}

ftl_status ftl_tensors_keep_mapping(ftl_tensors *tensors, void *mapping, size_t size, ftl_error *error) {
  storage *s = get_storage(tensors);
  if (!s) return ftl_no_memory(error, NULL, "the tensor table");
  s->mapping = mapping;
  s->mapping_size = size;
  return FTL_OK;
}

ftl_status ftl_tensors_add_view(ftl_tensors *tensors, const char *name, ftl_dtype dtype, int ndim, const int64_t *shape,
                                const void *data, bool is_parameter, ftl_error *error) {
  ftl_tensor t = {.dtype = dtype, .ndim = ndim, .data = data, .is_parameter = is_parameter};
  if (!ftl_shape_count(ndim, shape, &t.count))
    return ftl_fail(error, FTL_ERR_FORMAT, NULL, "tensor %.200s has a shape that is not credible (%d dimensions)", name,
                    ndim);
  if (!ftl_is_printable(name))
    return ftl_fail(error, FTL_ERR_FORMAT, NULL, "the name of tensor '%.200s' has characters that cannot be shown",
                    name);
  for (int k = 0; k < tensors->n; k++)
    if (!strcmp(tensors->tensor[k].name, name))
      return ftl_fail(error, FTL_ERR_FORMAT, NULL, "tensor %.200s is there twice", name);
  if (tensors->n == FTL_MAX_TENSORS)
    return ftl_fail(error, FTL_ERR_FORMAT, NULL, "there are more than %d tensors", FTL_MAX_TENSORS);
  for (int d = 0; d < ndim; d++) t.shape[d] = shape[d];
  FTL_TRY(FTL_GROW(tensors->tensor, tensors->room, tensors->n + 1, "the list of tensors", error));
  t.name = strdup(name);
  if (!t.name) return ftl_no_memory(error, NULL, "the name of a tensor");
  tensors->tensor[tensors->n++] = t;
  return FTL_OK;
}

ftl_status ftl_tensors_add(ftl_tensors *tensors, const char *name, ftl_dtype dtype, int ndim, const int64_t *shape,
                           const void *data, bool is_parameter, ftl_error *error) {
  int64_t count;
  size_t bytes;
  void *copy;
  if (!ftl_shape_count(ndim, shape, &count))
    return ftl_fail(error, FTL_ERR_FORMAT, NULL, "tensor %.200s has a shape that is not credible (%d dimensions)", name,
                    ndim);
  bytes = (size_t)count * ftl_dtype_bytes(dtype);
  copy = ftl_tensors_allocate(tensors, bytes);
  if (!copy) return ftl_no_memory(error, NULL, "tensor %.200s (%zu bytes)", name, bytes);
  if (bytes) memcpy(copy, data, bytes);
  return ftl_tensors_add_view(tensors, name, dtype, ndim, shape, copy, is_parameter, error);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const ftl_tensor *)a)->name, ((const ftl_tensor *)b)->name);
}

void ftl_tensors_sort(ftl_tensors *tensors) {
  if (tensors->n > 1) qsort(tensors->tensor, (size_t)tensors->n, sizeof *tensors->tensor, compare_names);
}

const ftl_tensor *ftl_tensors_find(const ftl_tensors *tensors, const char *name) {
  int low = 0, high = tensors->n;
  while (low < high) {
    int middle = low + (high - low) / 2, order = strcmp(name, tensors->tensor[middle].name);
    if (order == 0) return &tensors->tensor[middle];
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return NULL;
}

void ftl_tensors_free(ftl_tensors *tensors) {
  if (!tensors) return;
  for (int k = 0; k < tensors->n; k++) free(tensors->tensor[k].name);
  free(tensors->tensor);
  if (tensors->release) tensors->release(tensors->storage);
  memset(tensors, 0, sizeof *tensors);
}

double ftl_tensor_at(const ftl_tensor *tensor, int64_t k) {
  switch (tensor->dtype) {
  case FTL_F32:
    return ((const float *)tensor->data)[k];
  case FTL_F64:
    return ((const double *)tensor->data)[k];
  case FTL_I32:
    return ((const int32_t *)tensor->data)[k];
  case FTL_I64:
    return (double)((const int64_t *)tensor->data)[k];
  case FTL_BOOL:
  case FTL_U8:
    return ((const uint8_t *)tensor->data)[k];
  }
  return 0;
}
