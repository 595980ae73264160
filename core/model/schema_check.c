/* A file's tensors against the schema. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "model/schema.h"

static void format_shape(char *text, size_t size, int ndim, const int64_t *shape) {
  size_t used = (size_t)snprintf(text, size, "[");
  for (int d = 0; d < ndim && used < size; d++)
    used += shape[d] == FTL_ANY_EXTENT
                ? (size_t)snprintf(text + used, size - used, "%s?", d ? ", " : "")
                : (size_t)snprintf(text + used, size - used, "%s%lld", d ? ", " : "", (long long)shape[d]);
  if (used < size) snprintf(text + used, size - used, "]");
}

static ftl_status check_reals(const ftl_source *source, const ftl_tensor_spec *spec, const ftl_tensor *t,
                              ftl_error *error) {
  char wanted[128], found[128];
  bool good = t->ndim == spec->ndim && (t->dtype == FTL_F32 || t->dtype == FTL_F64);
  for (int d = 0; good && d < spec->ndim; d++)
    good = spec->shape[d] == FTL_ANY_EXTENT ? t->shape[d] > 0 : t->shape[d] == spec->shape[d];
  if (good) return FTL_OK;
  format_shape(wanted, sizeof wanted, spec->ndim, spec->shape);
  format_shape(found, sizeof found, t->ndim, t->shape);
  return ftl_fail(error, FTL_ERR_FORMAT, source->path,
                  "tensor %s has shape %s and type %s, but the architecture needs %s of F32 or F64", spec->name, found,
                  ftl_dtype_name(t->dtype), wanted);
}

static ftl_status check_numbers(const ftl_source *source, const ftl_tensor_spec *spec, const ftl_tensor *t,
                                ftl_error *error) {
  const int64_t n = ftl_tensor_spec_count(spec);
  if (t->count == n && (t->ndim == 1 || (t->ndim == 0 && n == 1))) return FTL_OK;
  return ftl_fail(error, FTL_ERR_FORMAT, source->path,
                  "tensor %s has %lld elements in %d dimensions, but the architecture needs %lld", spec->name,
                  (long long)t->count, t->ndim, (long long)n);
}

static ftl_status check_exponent(const ftl_source *source, const ftl_tensor_spec *spec, const ftl_tensor *t,
                                 ftl_error *error) {
  ftl_status status = check_numbers(source, spec, t, error);
  const double p = status ? 1 : ftl_tensor_at(t, 0);
  if (status || (p >= 1 && p <= 100 && p == (int)p)) return status;
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                  "tensor %s is %g; cutoff exponents from 1 to 100 are covered", spec->name, p);
}

static ftl_status check_table(const ftl_source *source, const ftl_tensor_spec *spec, const ftl_tensor *t,
                              ftl_error *error) {
  ftl_status status = check_reals(source, spec, t, error);
  for (int k = 0; !status && k < source->arch.n_elements; k++)
    if (source->arch.atomic_numbers[k] >= t->count)
      status = ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s ends before atomic number %d", spec->name,
                        source->arch.atomic_numbers[k]);
  return status;
}

static ftl_status check_one(const ftl_source *source, const ftl_tensor_spec *spec, bool *used, ftl_error *error) {
  const ftl_tensor *t = ftl_tensors_find(&source->tensors, spec->name);
  if (!t && spec->optional) return FTL_OK;
  if (!t) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s is missing", spec->name);
  used[t - source->tensors.tensor] = true;
  switch (spec->holds) {
  case FTL_HOLDS_NUMBERS:
    return check_numbers(source, spec, t, error);
  case FTL_HOLDS_EXPONENT:
    return check_exponent(source, spec, t, error);
  case FTL_HOLDS_BY_ATOMIC_NUMBER:
    return check_table(source, spec, t, error);
  default:
    return check_reals(source, spec, t, error);
  }
}

ftl_status ftl_schema_check(const ftl_source *source, ftl_error *error) {
  ftl_schema schema;
  FTL_TRY(ftl_schema_of(source, &schema, error));
  bool *used = calloc((size_t)source->tensors.n + 1, sizeof *used);
  ftl_status status = FTL_OK;
  if (!used) status = ftl_no_memory(error, source->path, "checking the tensors");
  for (int k = 0; !status && k < schema.n; k++) status = check_one(source, &schema.spec[k], used, error);
  for (int k = 0; !status && k < source->tensors.n; k++)
    if (!used[k])
      status = ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                        "tensor %s belongs to no block that is covered: the model has an option this version does "
                        "not know",
                        source->tensors.tensor[k].name);
  free(used);
  ftl_schema_free(&schema);
  return status;
}
