#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/ace_check.h"
#include "files/model_file.h"
#include "files/safetensors.h"
#include "files/surrogate_file.h"
#include "files/surrogate_json.h"
#include "base/error.h"
#include "model/tensors.h"

/* All memory that is made is bounded by the size of the tensors that fill it. */
enum { MAX_FUNCTIONS = 1 << 24, MAX_TERMS = 1 << 20 };

typedef struct {
  const char *where;
  ftl_tensors tensors;
  int n_used; /* tensors that were asked for */
  ftl_surrogate *surrogate;
  ftl_error *error;
} reader;

static ftl_status no_memory(const reader *r) { return ftl_no_memory(r->error, r->where, "the surrogate"); }

/* A tensor that must have this shape (columns 0: a vector). One that has no elements is not in the file: its data are
   NULL. */
static ftl_status take(reader *r, const char *name, ftl_dtype dtype, int64_t rows, int64_t columns, const void **data) {
  const ftl_tensor *t = ftl_tensors_find(&r->tensors, name);
  *data = NULL;
  if (rows == 0 && !t) return FTL_OK;
  if (!t) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "tensor %s is missing", name);
  if (t->dtype != dtype)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "tensor %s is %s where %s is needed", name,
                    ftl_dtype_name(t->dtype), ftl_dtype_name(dtype));
  if (t->ndim != (columns ? 2 : 1) || t->shape[0] != rows || (columns && t->shape[1] != columns))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                    "tensor %s has %d dimensions and %" PRId64 " elements where %d and %" PRId64 " are needed", name,
                    t->ndim, t->count, columns ? 2 : 1, columns ? rows * columns : rows);
  *data = t->data;
  r->n_used++;
  return FTL_OK;
}

/* A copy of finite numbers. */
static ftl_status take_doubles(reader *r, const char *name, int64_t rows, int64_t columns, double **copy) {
  const void *data;
  ftl_status status = take(r, name, FTL_F64, rows, columns, &data);
  size_t n = data ? (size_t)(columns ? rows * columns : rows) : 0;
  FTL_TRY(status);
  *copy = malloc((n + 1) * sizeof **copy);
  if (!*copy) return no_memory(r);
  if (n) memcpy(*copy, data, n * sizeof **copy);
  for (size_t k = 0; k < n; k++)
    if (!isfinite((*copy)[k]))
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "number %zu of tensor %s is not finite", k, name);
  return FTL_OK;
}

static ftl_status take_floats(reader *r, const char *name, int64_t n, double **copy) {
  const void *data;
  FTL_TRY(take(r, name, FTL_F32, n, n, &data));
  *copy = malloc((size_t)(n * n) * sizeof **copy);
  if (!*copy) return no_memory(r);
  for (int64_t k = 0; k < n * n; k++) {
    (*copy)[k] = ((const float *)data)[k];
    if (!isfinite((*copy)[k]))
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "number %" PRId64 " of tensor %s is not finite", k, name);
  }
  return FTL_OK;
}

static ftl_status read_radial(reader *r) {
  ftl_ace_file *file = &r->surrogate->file;
  int n_bonds = file->n_elements * file->n_elements;
  int64_t count = 0;
  double *all = NULL;
  for (int k = 0; k < n_bonds; k++) count += (int64_t)ftl_ace_bond_coefficients(&file->bond[k]);
  ftl_status status = take_doubles(r, "radial", count, 0, &all);
  const double *from = all;
  for (int k = 0; k < n_bonds && !status; k++) {
    size_t n = ftl_ace_bond_coefficients(&file->bond[k]);
    file->bond[k].coefficient = malloc((n + 1) * sizeof *from);
    if (!file->bond[k].coefficient) status = no_memory(r);
    else if (n) memcpy(file->bond[k].coefficient, from, n * sizeof *from);
    from += n;
  }
  free(all);
  return status;
}

/* ---- functions ---- */

/* The flat arrays of all functions, as in the file, and how far they are read. */
typedef struct {
  const int32_t *rank, *terms, *mu, *n, *l, *m;
  const double *coupling;
} arrays;

static ftl_status read_counts(reader *r, int64_t *total) {
  ftl_ace_file *file = &r->surrogate->file;
  const void *data;
  FTL_TRY(take(r, "functions.count", FTL_I32, file->n_elements, 0, &data));
  *total = 0;
  for (int mu = 0; mu < file->n_elements; mu++) {
    int32_t n = ((const int32_t *)data)[mu];
    if (n < 0 || n > MAX_FUNCTIONS || (*total += n) > MAX_FUNCTIONS)
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "functions.count has %d for element %d", (int)n, mu);
  }
  return FTL_OK;
}

static ftl_status take_arrays(reader *r, int64_t n, arrays *a) {
  const void *rank, *terms, *data[5];
  int64_t n_factors = 0, n_terms = 0, n_m = 0;
  FTL_TRY(take(r, "functions.rank", FTL_I32, n, 0, &rank));
  FTL_TRY(take(r, "functions.terms", FTL_I32, n, 0, &terms));
  a->rank = rank;
  a->terms = terms;
  for (int64_t k = 0; k < n; k++) {
    if (a->rank[k] < 1 || a->rank[k] > FTL_ACE_MAX_RANK || a->terms[k] < 1 || a->terms[k] > MAX_TERMS)
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "function %" PRId64 " has rank %d and %d terms", k,
                      (int)a->rank[k], (int)a->terms[k]);
    n_factors += a->rank[k];
    n_terms += a->terms[k];
    n_m += (int64_t)a->rank[k] * a->terms[k];
  }
  ftl_status status = FTL_OK;
  if ((status = take(r, "functions.mu", FTL_I32, n_factors, 0, &data[0])) ||
      (status = take(r, "functions.n", FTL_I32, n_factors, 0, &data[1])) ||
      (status = take(r, "functions.l", FTL_I32, n_factors, 0, &data[2])) ||
      (status = take(r, "functions.m", FTL_I32, n_m, 0, &data[3])) ||
      (status = take(r, "functions.coupling", FTL_F64, n_terms, 0, &data[4])))
    return status;
  a->mu = data[0];
  a->n = data[1];
  a->l = data[2];
  a->m = data[3];
  a->coupling = data[4];
  return FTL_OK;
}

static ftl_status read_function(reader *r, arrays *a, int mu, ftl_ace_function *g) {
  char text[FTL_ACE_TEXT];
  *g = (ftl_ace_function){.rank = *a->rank++, .n_density = 1, .n_m = *a->terms++};
  size_t n_m = (size_t)g->rank * (size_t)g->n_m;
  g->m = malloc(n_m * sizeof *g->m);
  g->c = malloc((size_t)g->n_m * sizeof *g->c);
  if (!g->m || !g->c) return no_memory(r);
  for (int t = 0; t < g->rank; t++) {
    g->mu[t] = *a->mu++;
    g->n[t] = *a->n > 0 ? *a->n - 1 : -1;
    g->l[t] = *a->l++;
    a->n++;
  }
  for (size_t k = 0; k < n_m; k++) g->m[k] = *a->m++;
  for (int k = 0; k < g->n_m; k++) g->c[k] = *a->coupling++;
  return ftl_ace_function_good(&r->surrogate->file, mu, g, text)
             ? FTL_OK
             : ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "functions: %s", text);
}

static ftl_status read_functions(reader *r) {
  ftl_ace_file *file = &r->surrogate->file;
  arrays a = {0};
  int64_t n;
  FTL_TRY(read_counts(r, &n));
  FTL_TRY(take_arrays(r, n, &a));
  const int32_t *count = ftl_tensors_find(&r->tensors, "functions.count")->data;
  ftl_status status = FTL_OK;
  for (int mu = 0; mu < file->n_elements && !status; mu++) {
    file->function[mu] = calloc((size_t)count[mu] + 1, sizeof **file->function);
    if (!file->function[mu]) return no_memory(r);
    file->n_functions[mu] = count[mu];
    for (int k = 0; k < count[mu] && !status; k++) status = read_function(r, &a, mu, &file->function[mu][k]);
  }
  ftl_surrogate_number(r->surrogate);
  return status;
}

/* ---- the whole ---- */

static ftl_status read_committee(reader *r, int n) {
  const ftl_tensor *t = ftl_tensors_find(&r->tensors, "committee");
  if (!t) return FTL_OK;
  if (t->ndim != 2 || t->shape[0] < 1 || t->shape[0] > MAX_TERMS)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "tensor committee has no credible number of members");
  ftl_status status = take_doubles(r, "committee", t->shape[0], n, &r->surrogate->committee);
  if (!status) r->surrogate->n_committee = (int)t->shape[0];
  return status;
}

static ftl_status read_active(reader *r) {
  ftl_status status = FTL_OK;
  for (int mu = 0; mu < r->surrogate->file.n_elements && !status; mu++) {
    char name[32];
    int n = r->surrogate->file.n_functions[mu];
    snprintf(name, sizeof name, "active.%d", mu);
    if (n > 0 && ftl_tensors_find(&r->tensors, name)) status = take_floats(r, name, n, &r->surrogate->active[mu]);
  }
  return status;
}

static ftl_status read_tensors(reader *r) {
  FTL_TRY(read_radial(r));
  FTL_TRY(read_functions(r));
  int n = r->surrogate->first[r->surrogate->file.n_elements];
  if (n == 0) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the surrogate has no functions");
  ftl_status status = FTL_OK;
  if ((status = take_doubles(r, "coefficient", n, 0, &r->surrogate->coefficient)) || (status = read_committee(r, n)) ||
      (status = read_active(r)))
    return status;
  if (r->n_used != r->tensors.n)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "there are %d tensors, of which a surrogate has %d",
                    r->tensors.n, r->n_used);
  return FTL_OK;
}

static ftl_status read_all(reader *r, const ftl_safetensors *s, char **metadata) {
  if (strcmp(s->kind, "ace") != 0)
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "the file's kind is \"%.40s\", where a surrogate has \"ace\"", s->kind);
  json_t *json = ftl_safetensors_json(s, "architecture");
  if (!json) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the metadata hold no architecture in JSON");
  ftl_status status = ftl_surrogate_from_json(json, r->where, r->surrogate, r->error);
  json_decref(json);
  const ftl_ace_file *file = &r->surrogate->file;
  if (status || (status = ftl_safetensors_check_elements(s, file->atomic_number, file->n_elements, r->error)) ||
      (status = ftl_safetensors_tensors(s, true, &r->tensors, r->error)) || (status = read_tensors(r)) ||
      (status = ftl_safetensors_check_digest(s, &r->tensors, true, r->error)))
    return status;
  return metadata ? ftl_safetensors_keep(s, metadata, r->error) : FTL_OK;
}

ftl_status ftl_surrogate_read(const void *data, size_t size, const char *name, ftl_surrogate *surrogate,
                              char **metadata, ftl_error *error) {
  ftl_safetensors s;
  reader r = {.where = name, .surrogate = surrogate, .error = error};
  *surrogate = (ftl_surrogate){0};
  if (metadata) *metadata = NULL;
  ftl_status status = ftl_safetensors_open(data, size, name, &s, error);
  if (!status) status = read_all(&r, &s, metadata);
  ftl_tensors_free(&r.tensors);
  ftl_safetensors_close(&s);
  if (status) ftl_surrogate_free(surrogate);
  return status;
}

ftl_status ftl_surrogate_open(const char *path, ftl_surrogate *surrogate, char **metadata, ftl_error *error) {
  void *data;
  size_t size;
  FTL_TRY(ftl_file_map(path, &data, &size, error));
  ftl_status status = ftl_surrogate_read(data, size, path, surrogate, metadata, error);
  if (data) munmap(data, size);
  return status;
}

bool ftl_is_surrogate(const void *data, size_t size) {
  ftl_safetensors s;
  bool yes = !ftl_safetensors_open(data, size, "", &s, NULL) && strcmp(s.kind, "ace") == 0;
  ftl_safetensors_close(&s);
  return yes;
}
