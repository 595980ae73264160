#include "files/left_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/tensors.h"
#include "model/u_matrix.h"

#define MAX_NU 3 /* those of correlation 4 are large, and slow to make */

/* A U matrix that can be made. */
typedef struct {
  char name[160];
  int l, nu, ndim;
  int64_t shape[FTL_MAX_NDIM];
  ftl_dtype dtype; /* that of its weights */
} matrix;

typedef struct {
  ftl_u_matrices made;
  void *numbers[FTL_U_MAX_L + 1][MAX_NU + 1][2]; /* of `made` as FTL_F64 and FTL_F32; not owned */
} maker;

/* 0e + 1o + ... + max_ell, all of one multiplicity: what ftl_u_matrix couples. */
static bool is_natural(const ftl_irreps *target) {
  for (int k = 0; k < target->n; k++)
    if (target->block[k].l != k || target->block[k].p != (k % 2 ? -1 : 1)) return false;
  return target->n > 0 && target->n <= FTL_U_MAX_L + 1;
}

/* The matrix of this contraction, if its weights are there and have its number of paths. */
static ftl_status describe(const ftl_source *source, maker *m, int t, int block, int nu, matrix *found, bool *can,
                           ftl_error *error) {
  const ftl_layer *layer = &source->arch.layer[t];
  const ftl_irrep out = layer->product.block[block];
  char base[100], weights[160];
  *can = false;
  if (!is_natural(&layer->target) || layer->target.n - 1 != m->made.max_ell) return FTL_OK;
  if (out.l > m->made.max_ell || out.p != (out.l % 2 ? -1 : 1)) return FTL_OK;
  snprintf(base, sizeof base, "products.%d.symmetric_contractions.contractions.%d", t, block);
  if (nu == layer->correlation) snprintf(weights, sizeof weights, "%s.weights_max", base);
  else snprintf(weights, sizeof weights, "%s.weights.%d", base, layer->correlation - 1 - nu);
  const ftl_tensor *w = ftl_tensors_find(&source->tensors, weights);
  if (!w || w->ndim != 3 || (w->dtype != FTL_F64 && w->dtype != FTL_F32)) return FTL_OK;
  FTL_TRY(ftl_u_matrices_need(&m->made, out.l, nu, error));
  *found = (matrix){.l = out.l, .nu = nu, .dtype = w->dtype};
  snprintf(found->name, sizeof found->name, "%s.U_matrix_%d", base, nu);
  if (out.l > 0) found->shape[found->ndim++] = 2 * out.l + 1;
  for (int k = 0; k < nu; k++) found->shape[found->ndim++] = (m->made.max_ell + 1) * (m->made.max_ell + 1);
  found->shape[found->ndim++] = m->made.n_paths[out.l][nu];
  *can = w->shape[1] == m->made.n_paths[out.l][nu];
  return FTL_OK;
}

/* Every matrix that can be made, to `visit`. */
static ftl_status for_each(const ftl_source *source,
                           ftl_status (*visit)(void *context, maker *m, const matrix *u, ftl_error *error),
                           void *context, ftl_error *error) {
  maker m = {.made.max_ell = source->arch.sh.n - 1};
  ftl_status status = FTL_OK;
  for (int t = 0; t < source->arch.n_layers; t++)
    for (int block = 0; block < source->arch.layer[t].product.n; block++)
      for (int nu = 1; nu <= source->arch.layer[t].correlation && nu <= MAX_NU && !status; nu++) {
        matrix u;
        bool can;
        status = describe(source, &m, t, block, nu, &u, &can, error);
        if (!status && can) status = visit(context, &m, &u, error);
      }
  ftl_u_matrices_free(&m.made);
  return status;
}

/* ---- writing ---- */

static bool is_same(const ftl_tensor *t, const matrix *u, const double *values) {
  if (t->dtype != u->dtype || t->ndim != u->ndim || t->is_parameter) return false;
  for (int d = 0; d < u->ndim; d++)
    if (t->shape[d] != u->shape[d]) return false;
  for (int64_t k = 0; k < t->count; k++)
    if (ftl_tensor_at(t, k) != (t->dtype == FTL_F32 ? (double)(float)values[k] : values[k])) return false;
  return true;
}

typedef struct {
  const ftl_source *source;
  bool *left;
  int *n;
} search;

static ftl_status find(void *context, maker *m, const matrix *u, ftl_error *error) {
  const search *s = context;
  const ftl_tensor *stored = ftl_tensors_find(&s->source->tensors, u->name);
  (void)error;
  if (!stored || !is_same(stored, u, m->made.u[u->l][u->nu])) return FTL_OK;
  s->left[stored - s->source->tensors.tensor] = true;
  ++*s->n;
  return FTL_OK;
}

ftl_status ftl_left_out_find(const ftl_source *source, bool *left, int *n, ftl_error *error) {
  search s = {source, left, n};
  memset(left, 0, (size_t)source->tensors.n * sizeof *left);
  *n = 0;
  return for_each(source, find, &s, error);
}

/* ---- reading ---- */

/* Layers share one copy, so that a small file cannot ask for much memory. */
static ftl_status numbers_of(ftl_tensors *tensors, maker *m, const matrix *u, void **numbers, ftl_error *error) {
  void **kept = &m->numbers[u->l][u->nu][u->dtype == FTL_F32];
  const double *values = m->made.u[u->l][u->nu];
  int64_t count = 0;
  ftl_shape_count(u->ndim, u->shape, &count);
  if (!*kept) {
    *kept = ftl_tensors_allocate(tensors, (size_t)count * ftl_dtype_bytes(u->dtype));
    if (!*kept) return ftl_no_memory(error, NULL, "tensor %.150s", u->name);
    if (u->dtype == FTL_F64) memcpy(*kept, values, (size_t)count * sizeof *values);
    else
      for (int64_t k = 0; k < count; k++) ((float *)*kept)[k] = (float)values[k];
  }
  *numbers = *kept;
  return FTL_OK;
}

static ftl_status make(void *context, maker *m, const matrix *u, ftl_error *error) {
  ftl_source *source = context;
  void *numbers = NULL;
  if (ftl_tensors_find(&source->tensors, u->name)) return FTL_OK;
  FTL_TRY(numbers_of(&source->tensors, m, u, &numbers, error));
  FTL_TRY(ftl_tensors_add_view(&source->tensors, u->name, u->dtype, u->ndim, u->shape, numbers, false, error));
  ftl_tensors_sort(&source->tensors);
  return FTL_OK;
}

ftl_status ftl_left_out_make(ftl_source *source, ftl_error *error) { return for_each(source, make, source, error); }
