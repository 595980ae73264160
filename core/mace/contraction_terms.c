#include "mace/contraction_terms.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int compare_monomials(const void *a, const void *b) {
  return memcmp(((const ftl_monomial *)a)->index, ((const ftl_monomial *)b)->index,
                sizeof((const ftl_monomial *)a)->index) < 0
             ? -1
             : 1;
}

/* Gathers U[M] over orders. `n` components, `nu` the order, `m` the output component (0 of 1 for scalars). */
static bool gather(const ftl_tensor *u, int n, int nu, int m, ftl_order_terms *terms) {
  int n_params = (int)u->shape[u->ndim - 1];
  int64_t tuples = 1;
  for (int d = 0; d < nu; d++) tuples *= n;
  double *sums = calloc((size_t)(tuples * n_params), sizeof *sums);
  if (!sums) return false;
  double largest = 0;
  for (int64_t s = 0; s < tuples; s++) {
    int digit[FTL_MAX_BODY], sorted[FTL_MAX_BODY];
    int64_t rest = s;
    for (int d = nu - 1; d >= 0; d--, rest /= n) digit[d] = (int)(rest % n);
    memcpy(sorted, digit, sizeof digit);
    for (int a = 1; a < nu; a++)
      for (int b = a; b > 0 && sorted[b - 1] > sorted[b]; b--) {
        int swap = sorted[b];
        sorted[b] = sorted[b - 1];
        sorted[b - 1] = swap;
      }
    int64_t key = 0;
    for (int d = 0; d < nu; d++) key = key * n + sorted[d];
    for (int k = 0; k < n_params; k++) {
      double value = ftl_tensor_at(u, (m * tuples + s) * n_params + k);
      sums[key * n_params + k] += value;
      if (fabs(value) > largest) largest = fabs(value);
    }
  }
  int count = 0;
  for (int pass = 0; pass < 2; pass++) {
    int found = 0;
    for (int64_t s = 0; s < tuples; s++) {
      double biggest = 0;
      for (int k = 0; k < n_params; k++) biggest = fmax(biggest, fabs(sums[s * n_params + k]));
      if (!(biggest > 1e-14 * largest)) continue; /* exact zeros, and what rounding left of antisymmetric terms */
      if (pass) {
        ftl_monomial *mono = &terms->list[found];
        int64_t rest = s;
        for (int d = 0; d < FTL_MAX_BODY; d++) mono->index[d] = -1;
        for (int d = nu - 1; d >= 0; d--, rest /= n) mono->index[d] = (int)(rest % n);
        mono->u = terms->u + (size_t)found * (size_t)n_params;
        memcpy(mono->u, sums + s * n_params, (size_t)n_params * sizeof *sums);
      }
      found++;
    }
    if (!pass) {
      count = found;
      terms->list = calloc((size_t)count + 1, sizeof *terms->list);
      terms->u = malloc(((size_t)count * (size_t)n_params + 1) * sizeof *terms->u);
      if (!terms->list || !terms->u) {
        free(sums);
        return false;
      }
    }
  }
  terms->n = count;
  terms->n_params = n_params;
  free(sums);
  return true;
}

static bool level_add(ftl_trie_level *level, int index, int first) {
  if (level->n + 2 > level->capacity) {
    int capacity = 2 * level->capacity + 64;
    int *index_new = realloc(level->index, (size_t)capacity * sizeof(int));
    if (index_new) level->index = index_new;
    int *first_new = realloc(level->first, (size_t)capacity * sizeof(int));
    if (first_new) level->first = first_new;
    const ftl_monomial **term_new = realloc(level->term, (size_t)capacity * sizeof *term_new);
    if (term_new) level->term = term_new;
    if (!index_new || !first_new || !term_new) return false;
    level->capacity = capacity;
  }
  level->index[level->n] = index;
  level->first[level->n] = first;
  level->term[level->n] = NULL;
  level->n++;
  return true;
}

static bool build_trie(const ftl_order_terms *orders, int correlation, ftl_trie_level level[FTL_MAX_BODY]) {
  int total = 0;
  for (int nu = 0; nu < correlation; nu++) total += orders[nu].n;
  ftl_monomial *all = malloc(((size_t)total + 1) * sizeof *all);
  if (!all) return false;
  int k = 0;
  for (int nu = 0; nu < correlation; nu++)
    for (int i = 0; i < orders[nu].n; i++) {
      all[k] = orders[nu].list[i];
      all[k].key = nu * 1000000 + i;
      k++;
    }
  /* a prefix sorts before its extensions: the absent indices are compared as -1 + 1 = 0 */
  for (int i = 0; i < total; i++)
    for (int d = 0; d < FTL_MAX_BODY; d++) all[i].index[d] = (int)__builtin_bswap32((unsigned)(all[i].index[d] + 1));
  qsort(all, (size_t)total, sizeof *all, compare_monomials);
  bool ok = true;
  int previous[FTL_MAX_BODY] = {-2, -2, -2, -2};
  for (int i = 0; i < total && ok; i++) {
    int index[FTL_MAX_BODY], depth = 0;
    for (int d = 0; d < FTL_MAX_BODY; d++) {
      index[d] = (int)__builtin_bswap32((unsigned)all[i].index[d]) - 1;
      if (index[d] >= 0) depth = d + 1;
    }
    bool fresh = false;
    for (int d = 0; d < depth && ok; d++) {
      if (!fresh && index[d] == previous[d]) continue;
      fresh = true;
      ok = level_add(&level[d], index[d], d + 1 < FTL_MAX_BODY ? level[d + 1].n : 0);
    }
    for (int d = 0; d < FTL_MAX_BODY; d++) previous[d] = d < depth ? index[d] : -2;
    if (ok) level[depth - 1].term[level[depth - 1].n - 1] = &orders[all[i].key / 1000000].list[all[i].key % 1000000];
  }
  free(all);
  return ok;
}

ftl_status ftl_contraction_terms_make(const ftl_source *source, int t, int b, int m, int n_components,
                                      ftl_contraction_terms *terms, ftl_error *error) {
  int correlation = source->arch.layer[t].correlation;
  bool enough = true;
  memset(terms, 0, sizeof *terms);
  for (int nu = 1; nu <= correlation && enough; nu++) {
    char base[96];
    snprintf(base, sizeof base, "products.%d.symmetric_contractions.contractions.%d", t, b);
    const ftl_tensor *u = ftl_require(source, error, "%s.U_matrix_%d", base, nu);
    const ftl_tensor *w = nu == correlation ? ftl_require(source, error, "%s.weights_max", base)
                                            : ftl_require(source, error, "%s.weights.%d", base, correlation - 1 - nu);
    if (!u || !w) return FTL_ERR_FORMAT;
    enough = gather(u, n_components, nu, m, &terms->orders[nu - 1]);
    terms->weights[nu - 1] = w;
  }
  if (enough && build_trie(terms->orders, correlation, terms->level)) return FTL_OK;
  return ftl_no_memory(error, source->path, "the product of layer %d", t);
}

void ftl_contraction_terms_free(ftl_contraction_terms *terms) {
  for (int d = 0; d < FTL_MAX_BODY; d++) {
    free(terms->orders[d].list);
    free(terms->orders[d].u);
    free(terms->level[d].index);
    free(terms->level[d].first);
    free(terms->level[d].term);
  }
  memset(terms, 0, sizeof *terms);
}
