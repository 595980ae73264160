/* A model's content as a stream of bytes that needs no library to read, for programs that run on another processor with
   the same layout of structures (little-endian, 64 bits): the architecture as it lies in memory, the names of the
   heads, the tensors. */
#ifndef FTL_TESTS_DUMP_H
#define FTL_TESTS_DUMP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/architecture.h"

static inline void dump_check(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static inline void put(FILE *file, const void *data, size_t size) {
  dump_check(fwrite(data, 1, size, file) == size, "the dump cannot be written");
}
static inline void put_text(FILE *file, const char *text) {
  int n = (int)strlen(text);
  put(file, &n, sizeof n);
  put(file, text, (size_t)n);
}

static inline void dump_write(const ftl_source *source, FILE *file) {
  int size = (int)sizeof source->arch;
  put(file, &size, sizeof size);
  put(file, &source->arch, sizeof source->arch);
  for (int h = 0; h < source->arch.n_heads; h++) put_text(file, source->arch.heads[h]);
  put(file, &source->tensors.n, sizeof source->tensors.n);
  for (int t = 0; t < source->tensors.n; t++) {
    const ftl_tensor *tensor = &source->tensors.tensor[t];
    put_text(file, tensor->name);
    put(file, tensor, sizeof *tensor);
    put(file, tensor->data, (size_t)tensor->count * ftl_dtype_bytes(tensor->dtype));
  }
}

static inline void get(FILE *file, void *data, size_t size) {
  dump_check(fread(data, 1, size, file) == size, "the dump is cut off");
}
static inline char *get_text(FILE *file) {
  int n;
  get(file, &n, sizeof n);
  char *text = calloc(1, (size_t)n + 1);
  dump_check(text != NULL, "no memory");
  get(file, text, (size_t)n);
  return text;
}

static inline ftl_source *dump_read(FILE *file) {
  ftl_source *source = calloc(1, sizeof *source);
  int size, n;
  dump_check(source && (source->path = strdup("dump")), "no memory");
  get(file, &size, sizeof size);
  dump_check(size == (int)sizeof source->arch, "structures are laid out differently on this processor");
  get(file, &source->arch, sizeof source->arch);
  for (int h = 0; h < source->arch.n_heads; h++) source->arch.heads[h] = get_text(file);
  get(file, &n, sizeof n);
  for (int t = 0; t < n; t++) {
    char *name = get_text(file);
    ftl_tensor tensor;
    get(file, &tensor, sizeof tensor);
    void *data = malloc((size_t)tensor.count * ftl_dtype_bytes(tensor.dtype));
    dump_check(data != NULL, "no memory");
    get(file, data, (size_t)tensor.count * ftl_dtype_bytes(tensor.dtype));
    dump_check(ftl_tensors_add(&source->tensors, name, tensor.dtype, tensor.ndim, tensor.shape, data,
                               tensor.is_parameter, NULL) == FTL_OK,
               "a tensor is not credible");
    free(data);
    free(name);
  }
  return source; /* the tensors come sorted */
}

#endif
