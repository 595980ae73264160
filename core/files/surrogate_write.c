#include <stdlib.h>
#include <string.h>

#include "model/ace_check.h"
#include "files/safetensors.h"
#include "files/surrogate_file.h"
#include "files/surrogate_json.h"
#include "base/error.h"
#include "model/tensors.h"

/* Room for a tensor, to be filled; NULL without memory. A tensor without elements is left out of the file. */
static void *add(ftl_tensors *tensors, const char *name, ftl_dtype dtype, int64_t rows, int64_t columns) {
  const int64_t shape[] = {rows, columns};
  bool vector = columns == 0;
  int64_t count = vector ? rows : rows * columns;
  void *data = ftl_tensors_allocate(tensors, (size_t)count * ftl_dtype_bytes(dtype) + 8);
  if (data && count && ftl_tensors_add_view(tensors, name, dtype, vector ? 1 : 2, shape, data, true, NULL)) return NULL;
  return data;
}

static bool add_doubles(ftl_tensors *tensors, const char *name, int64_t rows, int64_t columns, const double *from) {
  double *to = add(tensors, name, FTL_F64, rows, columns);
  if (to) memcpy(to, from, (size_t)(columns ? rows * columns : rows) * sizeof *to);
  return to != NULL;
}

/* In float32: an active set is well conditioned by construction, and grades keep five digits. */
static bool add_active(ftl_tensors *tensors, const char *name, int64_t n, const double *from) {
  float *to = add(tensors, name, FTL_F32, n, n);
  for (int64_t k = 0; to && k < n * n; k++) to[k] = (float)from[k];
  return to != NULL;
}

static bool add_radial(ftl_tensors *tensors, const ftl_ace_file *file) {
  int n_bonds = file->n_elements * file->n_elements;
  int64_t count = 0;
  for (int k = 0; k < n_bonds; k++) count += (int64_t)ftl_ace_bond_coefficients(&file->bond[k]);
  double *to = add(tensors, "radial", FTL_F64, count, 0);
  if (!to) return false;
  for (int k = 0; k < n_bonds; k++) {
    size_t n = ftl_ace_bond_coefficients(&file->bond[k]);
    if (n) memcpy(to, file->bond[k].coefficient, n * sizeof *to);
    to += n;
  }
  return true;
}

static bool add_functions(ftl_tensors *tensors, const ftl_surrogate *s) {
  const ftl_ace_file *file = &s->file;
  int64_t n_factors = 0, n_terms = 0, n_m = 0;
  for (int mu = 0; mu < file->n_elements; mu++)
    for (int k = 0; k < file->n_functions[mu]; k++) {
      const ftl_ace_function *g = &file->function[mu][k];
      n_factors += g->rank;
      n_terms += g->n_m;
      n_m += (int64_t)g->rank * g->n_m;
    }
  int n = s->first[file->n_elements];
  int32_t *count = add(tensors, "functions.count", FTL_I32, file->n_elements, 0);
  int32_t *rank = add(tensors, "functions.rank", FTL_I32, n, 0),
          *terms = add(tensors, "functions.terms", FTL_I32, n, 0);
  int32_t *mu_ = add(tensors, "functions.mu", FTL_I32, n_factors, 0);
  int32_t *n_ = add(tensors, "functions.n", FTL_I32, n_factors, 0);
  int32_t *l_ = add(tensors, "functions.l", FTL_I32, n_factors, 0);
  int32_t *m = add(tensors, "functions.m", FTL_I32, n_m, 0);
  double *c = add(tensors, "functions.coupling", FTL_F64, n_terms, 0);
  if (!count || !rank || !terms || !mu_ || !n_ || !l_ || !m || !c) return false;
  for (int mu = 0; mu < file->n_elements; mu++) {
    *count++ = file->n_functions[mu];
    for (int k = 0; k < file->n_functions[mu]; k++) {
      const ftl_ace_function *g = &file->function[mu][k];
      *rank++ = g->rank;
      *terms++ = g->n_m;
      for (int t = 0; t < g->rank; t++) {
        *mu_++ = g->mu[t];
        *n_++ = g->n[t] + 1;
        *l_++ = g->l[t];
      }
      for (int t = 0; t < g->rank * g->n_m; t++) *m++ = g->m[t];
      for (int t = 0; t < g->n_m; t++) *c++ = g->c[t];
    }
  }
  return true;
}

static bool add_all(ftl_tensors *tensors, const ftl_surrogate *s) {
  int64_t n = s->first[s->file.n_elements];
  bool good = add_radial(tensors, &s->file) && add_functions(tensors, s) &&
              add_doubles(tensors, "coefficient", n, 0, s->coefficient);
  if (good && s->n_committee > 0) good = add_doubles(tensors, "committee", s->n_committee, n, s->committee);
  for (int mu = 0; mu < s->file.n_elements && good; mu++) {
    char name[32];
    snprintf(name, sizeof name, "active.%d", mu);
    int size = s->file.n_functions[mu];
    if (s->active[mu] && size > 0) good = add_active(tensors, name, size, s->active[mu]);
  }
  return good;
}

static json_t *make_metadata(const ftl_surrogate *s, const ftl_tensor *const *tensor, int n, const char *text) {
  json_t *metadata = json_object();
  if (metadata &&
      !(ftl_safetensors_describe(metadata, "ace", s->file.atomic_number, s->file.n_elements, ftl_surrogate_to_json(s)) |
        ftl_safetensors_set_json(metadata, "buffers", json_array()) |
        ftl_safetensors_set_digest(metadata, tensor, n, true) | ftl_safetensors_copy(metadata, text)))
    return metadata;
  json_decref(metadata);
  return NULL;
}

ftl_status ftl_surrogate_write(const ftl_surrogate *s, const char *path, const char *metadata, ftl_error *error) {
  ftl_tensors tensors = {0};
  if (!s->coefficient || s->first[s->file.n_elements] == 0)
    return ftl_fail(error, FTL_ERR_ARGUMENT, path, "a surrogate without functions or coefficients cannot be written");
  bool good = add_all(&tensors, s);
  const ftl_tensor **tensor = good ? malloc((size_t)tensors.n * sizeof *tensor) : NULL;
  ftl_status status;
  if (tensor) {
    for (int k = 0; k < tensors.n; k++) tensor[k] = &tensors.tensor[k];
    ftl_safetensors_order(tensor, tensors.n);
    status = ftl_safetensors_write(make_metadata(s, tensor, tensors.n, metadata), tensor, tensors.n, path, error);
  } else {
    status = ftl_no_memory(error, path, "writing the surrogate");
  }
  free(tensor);
  ftl_tensors_free(&tensors);
  return status;
}
