/* Smaller models with the same energies: fewer elements, one head. Only rows and columns are taken out, where the
   schema says that they are; the numbers that normalised the weights when they were trained stay (norm_elements,
   norm_heads). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/provenance.h"
#include "model/schema.h"
#include "model/tensors.h"

/* The tensor of a spec, NULL if an optional one is not there, and memory for `count` numbers in its place. */
static ftl_status replace(ftl_source *source, const ftl_tensor_spec *spec, int64_t count, ftl_tensor **tensor,
                          char **data, ftl_error *error) {
  *tensor = (ftl_tensor *)ftl_tensors_find(&source->tensors, spec->name);
  if (!*tensor && spec->optional) return FTL_OK;
  if (!*tensor) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s is missing", spec->name);
  *data = ftl_tensors_allocate(&source->tensors, (size_t)count * ftl_dtype_bytes((*tensor)->dtype));
  return *data ? FTL_OK : ftl_no_memory(error, source->path, "cutting tensor %s", spec->name);
}

/* ---- elements ---- */

/* Keeps these n indices of the axis over elements. */
static ftl_status cut_elements_of(ftl_source *source, const ftl_tensor_spec *spec, const int *keep, int n,
                                  ftl_error *error) {
  const int n_old = source->arch.n_elements;
  ftl_tensor *t;
  char *data, *to;
  int64_t rows = 0;
  for (int p = 0; p < spec->n_parts; p++) rows += spec->part[p].outer * spec->part[p].inner;
  ftl_status status = replace(source, spec, rows * n, &t, &data, error);
  if (status || !t) return status;
  const char *from = t->data;
  to = data;
  for (int p = 0; p < spec->n_parts; p++) {
    const size_t row = (size_t)spec->part[p].inner * ftl_dtype_bytes(t->dtype);
    for (int64_t o = 0; o < spec->part[p].outer; o++, from += (size_t)n_old * row)
      for (int k = 0; k < n; k++, to += row) memcpy(to, from + (size_t)keep[k] * row, row);
  }
  if (t->ndim == 0) t->shape[t->ndim++] = 1;
  t->shape[spec->element_axis] = t->shape[spec->element_axis] / n_old * n;
  t->count = rows * n;
  t->data = data;
  return FTL_OK;
}

ftl_status ftl_source_cut_elements(ftl_source *source, const int *elements, int n, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  int keep[FTL_MAX_ELEMENTS], n_keep = 0;
  ftl_schema schema;
  char note[FTL_MAX_ELEMENTS * 4 + 32] = "cut to elements";
  ftl_status status = FTL_OK;
  if (n < 1) return ftl_fail(error, FTL_ERR_INPUT, source->path, "no element is given to keep");
  for (int k = 0; k < n; k++) {
    int found = 0;
    for (int j = 0; j < arch->n_elements; j++) found |= arch->atomic_numbers[j] == elements[k];
    if (!found)
      return ftl_fail(error, FTL_ERR_INPUT, source->path, "the model has no element %s (atomic number %d)",
                      ftl_element_symbol(elements[k]) ? ftl_element_symbol(elements[k]) : "of this kind", elements[k]);
  }
  for (int j = 0; j < arch->n_elements; j++) { /* in the file's order */
    bool wanted = false;
    for (int k = 0; k < n; k++) wanted |= arch->atomic_numbers[j] == elements[k];
    if (!wanted) continue;
    keep[n_keep++] = j;
    snprintf(note + strlen(note), sizeof note - strlen(note), " %s", ftl_element_symbol(arch->atomic_numbers[j]));
  }
  if (n_keep == arch->n_elements) return FTL_OK;
  FTL_TRY(ftl_schema_of(source, &schema, error));
  for (int k = 0; !status && k < schema.n; k++)
    if (schema.spec[k].n_parts) status = cut_elements_of(source, &schema.spec[k], keep, n_keep, error);
  ftl_schema_free(&schema);
  FTL_TRY(status);
  for (int k = 0; k < n_keep; k++) arch->atomic_numbers[k] = arch->atomic_numbers[keep[k]];
  arch->n_elements = n_keep;
  FTL_TRY(ftl_provenance_note(source, note, error));
  return ftl_source_check(source, error);
}

/* ---- heads ---- */

/* Keeps the rows and columns of one head of a matrix. */
static ftl_status cut_head_of(ftl_source *source, const ftl_tensor_spec *spec, int head, ftl_error *error) {
  const int n_heads = source->arch.n_heads;
  const int64_t n_rows = spec->heads_in_rows ? spec->rows / n_heads : spec->rows;
  const int64_t n_columns = spec->heads_in_columns ? spec->columns / n_heads : spec->columns;
  const int64_t row = spec->heads_in_rows ? head * n_rows : 0, column = spec->heads_in_columns ? head * n_columns : 0;
  ftl_tensor *t;
  char *data;
  ftl_status status = replace(source, spec, n_rows * n_columns, &t, &data, error);
  if (status || !t) return status;
  const size_t width = ftl_dtype_bytes(t->dtype);
  for (int64_t k = 0; k < n_rows; k++)
    memcpy(data + (size_t)(k * n_columns) * width,
           (const char *)t->data + (size_t)((row + k) * spec->columns + column) * width, (size_t)n_columns * width);
  t->data = data;
  t->shape[0] = t->shape[0] * n_rows * n_columns / (spec->rows * spec->columns);
  t->count = n_rows * n_columns;
  return FTL_OK;
}

static ftl_status cut_to_head(ftl_source *source, int head, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  ftl_schema schema;
  ftl_status status = ftl_schema_of(source, &schema, error);
  for (int k = 0; !status && k < schema.n; k++)
    if (schema.spec[k].heads_in_rows || schema.spec[k].heads_in_columns)
      status = cut_head_of(source, &schema.spec[k], head, error);
  ftl_schema_free(&schema);
  for (int k = 0; !status && k < arch->n_readouts; k++)
    if (arch->readout[k].masks_heads) arch->readout[k].mlp.block[0].mul /= arch->n_heads;
  return status;
}

ftl_status ftl_source_cut_head(ftl_source *source, const char *head, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  const int n_heads = arch->n_heads;
  char note[320];
  char *name;
  int h = 0;
  if (!head) return FTL_OK;
  while (h < n_heads && strcmp(arch->heads[h], head)) h++;
  if (h == n_heads) {
    char all[300] = "";
    for (int k = 0; k < n_heads; k++)
      snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? ", " : "", arch->heads[k]);
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "the model has no head \"%.100s\"; it has %s", head, all);
  }
  if (n_heads == 1) return FTL_OK;
  FTL_TRY(cut_to_head(source, h, error));
  name = arch->heads[h];
  arch->heads[h] = arch->heads[0];
  arch->heads[0] = name;
  for (int k = 1; k < n_heads; k++) {
    free(arch->heads[k]);
    arch->heads[k] = NULL;
  }
  arch->n_heads = 1;
  snprintf(note, sizeof note, "cut to head %.255s", name);
  FTL_TRY(ftl_provenance_note(source, note, error));
  return ftl_source_check(source, error);
}

ftl_status ftl_source_cut_to(ftl_source *source, const ftl_architecture *arch, ftl_error *error) {
  FTL_TRY(ftl_source_cut_elements(source, arch->atomic_numbers, arch->n_elements, error));
  if (arch->n_heads == 1 && source->arch.n_heads > 1) FTL_TRY(ftl_source_cut_head(source, arch->heads[0], error));
  if (source->arch.n_elements != arch->n_elements || source->arch.n_heads != arch->n_heads ||
      memcmp(source->arch.atomic_numbers, arch->atomic_numbers, (size_t)arch->n_elements * sizeof(int)))
    return ftl_fail(
        error, FTL_ERR_INPUT, source->path,
        "it cannot be cut to the elements and heads that are asked for: they are not its own, in its order");
  return FTL_OK;
}
