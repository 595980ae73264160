#include "model/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

ftl_tensor_spec *ftl_schema_add(ftl_schema *schema, int ndim, const int64_t *shape, const char *format, ...) {
  ftl_tensor_spec *spec = &schema->lost;
  va_list args;
  schema->failed |= FTL_GROW(schema->spec, schema->room, schema->n + 1, "the list of tensors", NULL) != FTL_OK;
  if (!schema->failed) spec = &schema->spec[schema->n++];
  *spec = (ftl_tensor_spec){.ndim = ndim, .group = FTL_GROUP_NONE, .layer = -1};
  if (ndim > 0) memcpy(spec->shape, shape, (size_t)ndim * sizeof *shape);
  va_start(args, format);
  vsnprintf(spec->name, sizeof spec->name, format, args);
  va_end(args);
  return spec;
}

void ftl_open_extents_of(const ftl_source *source, ftl_open_extents *extents) {
  if (source->arch.family == FTL_FAMILY_NEQUIP) ftl_open_extents_of_nequip(source, extents);
  else ftl_open_extents_of_mace(source, extents);
}

ftl_status ftl_schema_make(const ftl_architecture *arch, const ftl_open_extents *extents, ftl_schema *schema,
                           ftl_error *error) {
  *schema = (ftl_schema){0};
  ftl_status status = arch->family == FTL_FAMILY_NEQUIP ? ftl_schema_list_nequip(arch, extents, schema, error)
                                                        : ftl_schema_list_mace(arch, extents, schema, error);
  if (!status && schema->failed) status = ftl_no_memory(error, NULL, "listing the tensors of a model");
  if (status) ftl_schema_free(schema);
  return status;
}

ftl_status ftl_schema_of(const ftl_source *source, ftl_schema *schema, ftl_error *error) {
  ftl_open_extents extents;
  ftl_open_extents_of(source, &extents);
  return ftl_schema_make(&source->arch, &extents, schema, error);
}

void ftl_schema_free(ftl_schema *schema) {
  if (!schema) return;
  free(schema->spec);
  *schema = (ftl_schema){0};
}

const ftl_tensor_spec *ftl_schema_find(const ftl_schema *schema, const char *name) {
  for (int k = 0; k < schema->n; k++)
    if (strcmp(schema->spec[k].name, name) == 0) return &schema->spec[k];
  return NULL;
}

ftl_group ftl_schema_group(const ftl_schema *schema, const ftl_tensor *tensor, int *layer) {
  const ftl_tensor_spec *spec = ftl_schema_find(schema, tensor->name);
  const bool fitted = spec && (spec->group == FTL_GROUP_SCALE_SHIFT || spec->group == FTL_GROUP_E0);
  const bool counts = spec && (tensor->is_parameter || fitted);
  *layer = counts ? spec->layer : -1;
  return counts ? spec->group : FTL_GROUP_NONE;
}

int64_t ftl_tensor_spec_count(const ftl_tensor_spec *spec) {
  int64_t count = 1;
  for (int d = 0; d < spec->ndim; d++) count *= spec->shape[d];
  return count;
}
