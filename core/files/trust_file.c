#include "files/trust_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/tensors.h"

#define PREFIX "trust."
#define ACTIVE PREFIX "active."
enum { MOST_WEIGHTS = 4096 }; /* far above any model's */

static bool is_trust(const ftl_tensor *t) { return !strncmp(t->name, PREFIX, strlen(PREFIX)); }

static bool is_one_of_three(const char *name) {
  return !strcmp(name, PREFIX "committee") || !strcmp(name, PREFIX "factor") || !strcmp(name, PREFIX "scale");
}

static ftl_status wrong(const char *path, const char *name, const char *why, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_FORMAT, path, "tensor %s %s; make it again with frozentl trust", name, why);
}

/* A tensor of reals of this shape. */
static ftl_status find(const ftl_tensors *tensors, const char *path, const char *name, int ndim, const int64_t *shape,
                       const ftl_tensor **tensor, ftl_error *error) {
  const ftl_tensor *t = *tensor = ftl_tensors_find(tensors, name);
  if (!t) return wrong(path, name, "is missing beside others of trust", error);
  bool good = t->ndim == ndim && (t->dtype == FTL_F32 || t->dtype == FTL_F64);
  for (int d = 0; good && d < ndim; d++) good = t->shape[d] == shape[d];
  if (!good) return wrong(path, name, "does not have the shape and type that the others of trust ask for", error);
  for (int64_t k = 0; k < t->count; k++)
    if (!isfinite(ftl_tensor_at(t, k))) return wrong(path, name, "has a number that is not finite", error);
  return FTL_OK;
}

static void copy(const ftl_tensor *from, double *to) {
  for (int64_t k = 0; k < from->count; k++) to[k] = ftl_tensor_at(from, k);
}

/* Rows of an upper triangle, one after another. */
static void unpack(const ftl_tensor *from, int n, double *to) {
  int64_t at = 0;
  for (int i = 0; i < n; i++)
    for (int j = i; j < n; j++) to[(size_t)i * (size_t)n + (size_t)j] = ftl_tensor_at(from, at++);
}

static ftl_status read(const ftl_tensors *tensors, const char *path, ftl_trust **trust, ftl_error *error) {
  const ftl_tensor *committee = ftl_tensors_find(tensors, PREFIX "committee"), *factor, *scale, *active;
  if (!committee || committee->ndim != 2 || committee->shape[0] < 1 || committee->shape[0] > FTL_MAX_COMMITTEE ||
      committee->shape[1] < 1 || committee->shape[1] > MOST_WEIGHTS)
    return wrong(path, PREFIX "committee", "is missing or does not have a credible shape", error);
  const int64_t n = committee->shape[1], triangle = n * (n + 1) / 2, two = 2, square[] = {n, n};
  int element[FTL_MAX_ELEMENTS], n_active = 0;
  FTL_TRY(find(tensors, path, PREFIX "committee", 2, committee->shape, &committee, error));
  FTL_TRY(find(tensors, path, PREFIX "factor", 1, &triangle, &factor, error));
  FTL_TRY(find(tensors, path, PREFIX "scale", 1, &two, &scale, error));
  if (!(ftl_tensor_at(scale, 0) > 0) || !(ftl_tensor_at(scale, 1) > 0))
    return wrong(path, PREFIX "scale", "is not positive", error);
  for (int k = 0; k < tensors->n; k++) {
    const char *name = tensors->tensor[k].name;
    if (!is_trust(&tensors->tensor[k]) || is_one_of_three(name)) continue;
    const int z = strncmp(name, ACTIVE, strlen(ACTIVE)) ? 0 : ftl_atomic_number(name + strlen(ACTIVE));
    if (!z || n_active == FTL_MAX_ELEMENTS) return wrong(path, name, "is unknown to this version", error);
    FTL_TRY(find(tensors, path, name, 2, square, &active, error));
    element[n_active++] = z;
  }
  ftl_trust *t = ftl_trust_new((int)n, (int)committee->shape[0], n_active, element);
  if (!t) return ftl_no_memory(error, path, "the uncertainty of a model");
  copy(committee, t->committee);
  unpack(factor, t->n, t->factor);
  t->energy_scale = ftl_tensor_at(scale, 0);
  t->force_scale = ftl_tensor_at(scale, 1);
  for (int k = 0; k < n_active; k++) {
    char name[64];
    snprintf(name, sizeof name, ACTIVE "%s", ftl_element_symbol(element[k]));
    copy(ftl_tensors_find(tensors, name), t->active[k]);
  }
  *trust = t;
  return FTL_OK;
}

ftl_status ftl_trust_take(ftl_tensors *tensors, const char *path, ftl_trust **trust, ftl_error *error) {
  int kept = 0;
  bool any = false;
  *trust = NULL;
  for (int k = 0; k < tensors->n; k++) any |= is_trust(&tensors->tensor[k]);
  if (!any) return FTL_OK;
  FTL_TRY(read(tensors, path, trust, error));
  for (int k = 0; k < tensors->n; k++) {
    if (is_trust(&tensors->tensor[k])) free(tensors->tensor[k].name);
    else tensors->tensor[kept++] = tensors->tensor[k];
  }
  tensors->n = kept;
  return FTL_OK;
}

/* ---- writing ---- */

/* float32 is enough: grades and deviations are no more than a few digits. */
static ftl_status put(ftl_tensors *tensors, const char *name, int ndim, const int64_t *shape, const double *values,
                      ftl_error *error) {
  int64_t count = 1;
  for (int d = 0; d < ndim; d++) count *= shape[d];
  float *data = malloc((size_t)count * sizeof *data);
  if (!data) return ftl_no_memory(error, NULL, "tensor %s", name);
  for (int64_t k = 0; k < count; k++) data[k] = (float)values[k];
  ftl_status status = ftl_tensors_add(tensors, name, FTL_F32, ndim, shape, data, false, error);
  free(data);
  return status;
}

static ftl_status put_factor(const ftl_trust *t, ftl_tensors *tensors, ftl_error *error) {
  const int64_t count = (int64_t)t->n * (t->n + 1) / 2;
  double *packed = malloc((size_t)count * sizeof *packed);
  if (!packed) return ftl_no_memory(error, NULL, "tensor %s", PREFIX "factor");
  size_t at = 0;
  for (int i = 0; i < t->n; i++)
    for (int j = i; j < t->n; j++) packed[at++] = t->factor[(size_t)i * (size_t)t->n + (size_t)j];
  ftl_status status = put(tensors, PREFIX "factor", 1, &count, packed, error);
  free(packed);
  return status;
}

ftl_status ftl_trust_put(const ftl_trust *t, const ftl_architecture *arch, ftl_tensors *tensors, ftl_error *error) {
  const int64_t n = t->n, committee[] = {t->n_committee, n}, square[] = {n, n}, two = 2;
  const double scale[] = {t->energy_scale, t->force_scale};
  FTL_TRY(put(tensors, PREFIX "committee", 2, committee, t->committee, error));
  FTL_TRY(put_factor(t, tensors, error));
  FTL_TRY(put(tensors, PREFIX "scale", 1, &two, scale, error));
  for (int z = 0; z < arch->n_elements; z++) {
    const double *active = ftl_trust_active(t, arch->atomic_numbers[z]);
    char name[64];
    snprintf(name, sizeof name, ACTIVE "%s", ftl_element_symbol(arch->atomic_numbers[z]));
    if (active) FTL_TRY(put(tensors, name, 2, square, active, error));
  }
  ftl_tensors_sort(tensors);
  return FTL_OK;
}
