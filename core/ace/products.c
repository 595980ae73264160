/* Functions of a file as a trie of products. Terms with the same factors are merged, and so are a term and its
   conjugate: only real parts enter the density. */
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "base/error.h"

typedef struct {
  int rank, key[FTL_ACE_MAX_RANK];
  double c[FTL_ACE_MAX_DENSITY];
} term;

/* Factors while they are collected: id_of[entry of A][m < 0]. */
typedef struct {
  const ftl_ace *ace;
  int *id_of;
  ftl_ace_products *products;
} builder;

/* A key orders factors before they get numbers: the entry in a row of A, and whether m < 0. */
static int key_of(const ftl_ace *ace, int mu, int n, int l, int m) {
  int component = m == 0 ? 0 : 2 * abs(m) - 1, pad = 8 * ace->n_chunks;
  return 2 * ((mu * ace->n_lm + l * l + component) * pad + n) + (m < 0);
}

static int compare_ints(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static int compare_keys(const int *a, int n_a, const int *b, int n_b) {
  for (int k = 0; k < n_a && k < n_b; k++)
    if (a[k] != b[k]) return a[k] < b[k] ? -1 : 1;
  return n_a - n_b;
}

/* By all factors but the last, then by the last: leaves of a node become consecutive. */
static int compare_terms(const void *pa, const void *pb) {
  const term *a = pa, *b = pb;
  int order = compare_keys(a->key, a->rank - 1, b->key, b->rank - 1);
  return order ? order : a->key[a->rank - 1] - b->key[b->rank - 1];
}

/* False: a factor belongs to an element that is not kept, so that the product is zero. */
static bool make_term(const ftl_ace *ace, const ftl_ace_function *f, int k, const int *species_of, term *t) {
  int conjugate[FTL_ACE_MAX_RANK], sum = 0;
  t->rank = f->rank;
  for (int s = 0; s < f->rank; s++) {
    int mu = species_of[f->mu[s]], m = f->m[k * f->rank + s];
    if (mu < 0) return false;
    t->key[s] = key_of(ace, mu, f->n[s], f->l[s], m);
    conjugate[s] = key_of(ace, mu, f->n[s], f->l[s], -m);
    sum += m;
  }
  qsort(t->key, (size_t)t->rank, sizeof(int), compare_ints);
  qsort(conjugate, (size_t)t->rank, sizeof(int), compare_ints);
  double sign = 1;
  if (compare_keys(conjugate, t->rank, t->key, t->rank) < 0) {
    memcpy(t->key, conjugate, sizeof t->key);
    if (sum % 2) sign = -1; /* product of A(-m) = (-1)^(sum of m) conj(product of A(m)) */
  }
  for (int p = 0; p < f->n_density; p++) t->c[p] = sign * f->c[k * f->n_density + p];
  return true;
}

static int merge_equal(term *t, int n, int n_density) {
  int kept = 0;
  for (int k = 0; k < n; k++) {
    if (kept > 0 && compare_terms(&t[kept - 1], &t[k]) == 0)
      for (int p = 0; p < n_density; p++) t[kept - 1].c[p] += t[k].c[p];
    else t[kept++] = t[k];
  }
  return kept;
}

static int factor_id(builder *b, int key) {
  if (b->id_of[key] >= 0) return b->id_of[key];
  int entry = key / 2, pad = 8 * b->ace->n_chunks, lm = entry / pad % b->ace->n_lm, l = 0;
  while ((l + 1) * (l + 1) <= lm) l++;
  int m = (lm - l * l + 1) / 2, negative = key % 2;
  double sign = negative && m % 2 ? -1 : 1;
  ftl_ace_factor *f = &b->products->factor[b->products->n_factors];
  *f = (ftl_ace_factor){entry, m > 0 ? entry + pad : -1, sign, negative ? -sign : sign};
  return b->id_of[key] = b->products->n_factors++;
}

/* Leaves and nodes from sorted terms; `path` is the node at each depth of the term before. */
static void build(builder *b, const term *t, int n, int n_density) {
  ftl_ace_products *p = b->products;
  int path[FTL_ACE_MAX_RANK], depth = 0;
  for (int k = 0; k < n; k++) {
    int shared = 0;
    while (shared < depth && shared < t[k].rank - 1 && t[k].key[shared] == t[k - 1].key[shared]) shared++;
    for (depth = shared; depth < t[k].rank - 1; depth++) {
      path[depth] = p->n_nodes;
      p->parent[p->n_nodes] = depth > 0 ? path[depth - 1] : -1;
      p->node_factor[p->n_nodes] = factor_id(b, t[k].key[depth]);
      p->first_leaf[p->n_nodes++] = p->n_leaves;
    }
    p->leaf_factor[p->n_leaves] = factor_id(b, t[k].key[depth]);
    memcpy(p->leaf_c + (size_t)p->n_leaves * (size_t)n_density, t[k].c, (size_t)n_density * sizeof(double));
    p->n_leaves++;
  }
  p->first_leaf[p->n_nodes] = p->n_leaves;
}

ftl_status ftl_ace_products_make(const ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                                 ftl_ace_products *p, ftl_error *error) {
  size_t count = 0, inner = 0;
  int n_density = file->embedding[mu].n_density, n = 0;
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    if (f->rank < 2) continue;
    count += (size_t)f->n_m;
    inner += (size_t)f->n_m * (size_t)(f->rank - 1);
  }
  if (inner > 1 << 26)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, "", "the potential has more than %d products", 1 << 26);
  memset(p, 0, sizeof *p);
  ftl_arena scratch = {0};
  term *t = ftl_arena_take_dirty(&scratch, count, sizeof *t);
  builder b = {ace, ftl_arena_take_dirty(&scratch, 2 * (size_t)ace->n_a, sizeof(int)), p};
  p->factor = ftl_arena_take_dirty(&p->memory, 2 * (size_t)ace->n_a, sizeof *p->factor);
  p->parent = ftl_arena_take_dirty(&p->memory, inner, sizeof(int));
  p->node_factor = ftl_arena_take_dirty(&p->memory, inner, sizeof(int));
  p->first_leaf = ftl_arena_take_dirty(&p->memory, inner + 1, sizeof(int));
  p->leaf_factor = ftl_arena_take_dirty(&p->memory, count, sizeof(int));
  p->leaf_c = ftl_arena_take_dirty(&p->memory, count * (size_t)n_density, sizeof(double));
  ftl_status status = ftl_arena_check(&scratch, error, "the potential's products");
  if (!status) status = ftl_arena_check(&p->memory, error, "the potential's products");
  if (!status) {
    for (int k = 0; k < 2 * ace->n_a; k++) b.id_of[k] = -1;
    for (int k = 0; k < file->n_functions[mu]; k++) {
      const ftl_ace_function *f = &file->function[mu][k];
      for (int m = 0; m < f->n_m && f->rank > 1; m++) n += make_term(ace, f, m, species_of, &t[n]);
    }
    qsort(t, (size_t)n, sizeof *t, compare_terms);
    build(&b, t, merge_equal(t, n, n_density), n_density);
  }
  ftl_arena_free(&scratch);
  return status;
}

void ftl_ace_products_free(ftl_ace_products *p) { ftl_arena_free(&p->memory); }
