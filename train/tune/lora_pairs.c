#include "tune/lora_pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void ftl_lora_pairs_free(ftl_lora_pairs *pairs) {
  for (int k = 0; k < pairs->n; k++) {
    free(pairs->tensor[k].name);
    free((void *)pairs->tensor[k].data);
  }
  free(pairs->tensor);
  *pairs = (ftl_lora_pairs){0};
}

/* NAME.lora_A or NAME.lora_B: factor[rows * columns] times scale, rounded to the type. */
static bool add(ftl_lora_pairs *pairs, const ftl_tensor *of, char letter, int64_t rows, int64_t columns,
                const double *factor, double scale) {
  const int64_t count = rows * columns;
  const size_t length = strlen(of->name) + sizeof ".lora_A";
  ftl_tensor *t = &pairs->tensor[pairs->n++];
  *t = (ftl_tensor){.dtype = of->dtype, .ndim = 2, .shape = {rows, columns}, .count = count, .is_parameter = true};
  void *data = malloc((size_t)count * ftl_dtype_bytes(of->dtype));
  t->data = data;
  t->name = malloc(length);
  if (!data || !t->name) return false;
  snprintf(t->name, length, "%s.lora_%c", of->name, letter);
  for (int64_t k = 0; k < count; k++)
    if (of->dtype == FTL_F32) ((float *)data)[k] = (float)(scale * factor[k]);
    else ((double *)data)[k] = scale * factor[k];
  return true;
}

/* As the reader of deltas does it. */
static void multiply(const ftl_tensor *a, const ftl_tensor *b, const double *base, double *to) {
  const int64_t rows = a->shape[0], rank = a->shape[1], columns = b->shape[1];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      double sum = 0;
      for (int64_t k = 0; k < rank; k++) sum += ftl_tensor_at(a, i * rank + k) * ftl_tensor_at(b, k * columns + j);
      to[i * columns + j] = base[i * columns + j] + sum;
    }
}

ftl_status ftl_lora_pairs_make(const ftl_lora *lora, const ftl_source *source, const double *factors,
                               ftl_lora_pairs *pairs, double *values, ftl_error *error) {
  pairs->tensor = calloc(2 * (size_t)lora->n_low + 1, sizeof *pairs->tensor);
  bool good = pairs->tensor != NULL;
  for (int k = 0; good && k < lora->n; k++) {
    const ftl_lora_item *item = &lora->item[k];
    const ftl_parameter *p = &lora->parameters->parameter[item->parameter];
    const ftl_tensor *of = ftl_tensors_find(&source->tensors, p->name);
    if (item->b < 0) continue;
    good = add(pairs, of, 'A', item->rows, lora->rank, factors + item->a, lora->scale) &&
           add(pairs, of, 'B', lora->rank, item->columns, factors + item->b, 1);
    const ftl_tensor *last = &pairs->tensor[pairs->n - 1];
    if (good) multiply(last - 1, last, lora->base + p->offset, values + p->offset);
  }
  return good ? FTL_OK : ftl_no_memory(error, source->path, "low-rank factors");
}
