/* The symmetric contraction (arXiv 2206.07697, eq. 10) as one polynomial per output component and channel.

   MACE contracts U[M, i1 .. inu, k] w[z, k, c] A[c, i1] .. A[c, inu]. The product of A's is symmetric, so all orders of
   a multi-index collapse into one monomial, whose coefficient sum_k (sum over orders of U) w is computed here once per
   element and channel. The monomials of all orders form a trie over sorted indices, evaluated in Horner form: one
   multiply-add per node. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/prepared.h"
#include "model/error.h"

typedef struct {
  int key; /* indices i1 <= i2 <= ... as base-n digits */
  int index[FTL_MAX_BODY];
  double *u; /* [n_params] */
} monomial;

typedef struct {
  int n, n_params;
  monomial *list; /* sorted by index: the trie's order */
  double *u;
} order_terms; /* the terms of one correlation order for one output component */

static int compare_monomials(const void *a, const void *b) {
  return memcmp(((const monomial *)a)->index, ((const monomial *)b)->index, sizeof((const monomial *)a)->index) < 0 ? -1
                                                                                                                    : 1;
}

/* Gathers U[M] over orders. `n` components, `nu` the order, `m` the output component (0 of 1 for scalars). */
static bool gather(const ftl_tensor *u, int n, int nu, int m, order_terms *terms) {
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
        monomial *mono = &terms->list[found];
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

/* The trie: every prefix of a monomial is a node. nodes[d] are filled depth first, so children of a node are
 * contiguous. */
typedef struct {
  int n, capacity;
  int *index, *first;
  const monomial **term; /* NULL: only a prefix */
} trie_level;

static bool level_add(trie_level *level, int index, int first) {
  if (level->n + 2 > level->capacity) {
    int capacity = 2 * level->capacity + 64;
    int *index_new = realloc(level->index, (size_t)capacity * sizeof(int));
    if (index_new) level->index = index_new;
    int *first_new = realloc(level->first, (size_t)capacity * sizeof(int));
    if (first_new) level->first = first_new;
    const monomial **term_new = realloc(level->term, (size_t)capacity * sizeof *term_new);
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

static bool build_trie(const order_terms *orders, int correlation, trie_level level[FTL_MAX_BODY]) {
  int total = 0;
  for (int nu = 0; nu < correlation; nu++) total += orders[nu].n;
  monomial *all = malloc(((size_t)total + 1) * sizeof *all);
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

static int output_components(const ftl_contraction *contraction) {
  int n = 0;
  for (int b = 0; b < contraction->out.n; b++) n += contraction->out.b[b].d;
  return n;
}

typedef struct {
  order_terms orders[FTL_MAX_BODY];
  trie_level level[FTL_MAX_BODY];
  const ftl_tensor *weights[FTL_MAX_BODY]; /* of order nu + 1: [elements][n_params][channels] */
} output_work;

static void work_free(output_work *work, int n) {
  for (int o = 0; work && o < n; o++)
    for (int d = 0; d < FTL_MAX_BODY; d++) {
      free(work[o].orders[d].list);
      free(work[o].orders[d].u);
      free(work[o].level[d].index);
      free(work[o].level[d].first);
      free(work[o].level[d].term);
    }
  free(work);
}

static ftl_status fill_polynomial(const ftl_contraction *contraction, output_work *work, int correlation,
                                  ftl_polynomial *poly) {
  poly->depth = 0;
  size_t width = (size_t)contraction->chunk_vectors; /* in vectors for now */
  for (int d = 0; d < correlation; d++) {
    const trie_level *level = &work->level[d];
    if (level->n == 0) break;
    poly->depth = d + 1;
    poly->n[d] = level->n;
    poly->index[d] = malloc((size_t)level->n * sizeof(int));
    poly->first[d] = malloc(((size_t)level->n + 1) * sizeof(int));
    if (!poly->index[d] || !poly->first[d]) return FTL_ERR_MEMORY;
    memcpy(poly->index[d], level->index, (size_t)level->n * sizeof(int));
    memcpy(poly->first[d], level->first, (size_t)level->n * sizeof(int));
    poly->first[d][level->n] = d + 1 < FTL_MAX_BODY ? work->level[d + 1].n : 0;
    poly->weight[d] = poly->numbers;
    poly->numbers += (size_t)level->n * width;
  }
  return FTL_OK;
}

/* Coefficients of one chunk of channels of one element. */
static void fill_weights(const ftl_contraction *contraction, const output_work *work, const ftl_polynomial *poly, int z,
                         int chunk, int lanes, int mul, double *out) {
  int width = contraction->chunk_vectors * lanes;
  for (int d = 0; d < poly->depth; d++)
    for (int node = 0; node < poly->n[d]; node++) {
      const monomial *term = work->level[d].term[node];
      double *w = out + poly->weight[d] + (size_t)node * (size_t)width;
      if (!term) continue;
      const ftl_tensor *weights = work->weights[d];
      int n_params = work->orders[d].n_params;
      for (int c = 0; c < width; c++) {
        int channel = chunk * width + c;
        if (channel >= mul) break;
        double sum = 0;
        for (int k = 0; k < n_params; k++)
          if (term->u[k] != 0) sum += term->u[k] * ftl_tensor_at(weights, ((int64_t)z * n_params + k) * mul + channel);
        w[c] = sum;
      }
    }
}

ftl_status ftl_prepare_contraction(const ftl_model *model, const ftl_source *source, int t,
                                   ftl_contraction *contraction, ftl_error *error) {
  const ftl_layer *layer = &model->arch.layer[t];
  ftl_layout_make(&layer->target, model->lanes, &contraction->in);
  ftl_layout_make(&layer->product, model->lanes, &contraction->out);
  int mul = contraction->in.b[0].mul, n_components = 0;
  for (int b = 0; b < contraction->in.n; b++) n_components += contraction->in.b[b].d;
  int vectors = contraction->in.b[0].pad / model->lanes;
  contraction->chunk_vectors = vectors % 2 == 0 ? 2 : 1;
  contraction->n_chunks = vectors / contraction->chunk_vectors;
  contraction->n_outputs = output_components(contraction);
  contraction->polynomial = calloc((size_t)contraction->n_outputs, sizeof *contraction->polynomial);
  contraction->output_offset = calloc((size_t)contraction->n_outputs, sizeof *contraction->output_offset);
  output_work *work = calloc((size_t)contraction->n_outputs, sizeof *work);
  ftl_status status = contraction->polynomial && contraction->output_offset && work ? FTL_OK : FTL_ERR_MEMORY;
  int o = 0;
  for (int b = 0; b < contraction->out.n && !status; b++)
    for (int m = 0; m < contraction->out.b[b].d && !status; m++, o++) {
      for (int nu = 1; nu <= layer->correlation && !status; nu++) {
        char base[96];
        snprintf(base, sizeof base, "products.%d.symmetric_contractions.contractions.%d", t, b);
        const ftl_tensor *u = ftl_require(source, error, "%s.U_matrix_%d", base, nu);
        const ftl_tensor *w = nu == layer->correlation
                                  ? ftl_require(source, error, "%s.weights_max", base)
                                  : ftl_require(source, error, "%s.weights.%d", base, layer->correlation - 1 - nu);
        if (!u || !w) status = FTL_ERR_FORMAT;
        else if (!gather(u, n_components, nu, m, &work[o].orders[nu - 1])) status = FTL_ERR_MEMORY;
        else work[o].weights[nu - 1] = w;
      }
      if (!status && !build_trie(work[o].orders, layer->correlation, work[o].level)) status = FTL_ERR_MEMORY;
      if (!status) status = fill_polynomial(contraction, &work[o], layer->correlation, &contraction->polynomial[o]);
    }
  for (o = 0; o < contraction->n_outputs && !status; o++) {
    ftl_polynomial *poly = &contraction->polynomial[o];
    for (int d = 0; d < FTL_MAX_BODY; d++) poly->weight[d] *= (size_t)model->lanes;
    poly->numbers *= (size_t)model->lanes;
    contraction->output_offset[o] = contraction->chunk_stride;
    contraction->chunk_stride += poly->numbers;
  }
  if (!status) {
    int n_species = layer->agnostic_product ? 1 : model->n_species;
    size_t per_species = contraction->chunk_stride * (size_t)contraction->n_chunks;
    contraction->species_stride = layer->agnostic_product ? 0 : per_species;
    double *all = calloc(per_species * (size_t)n_species + 1, sizeof *all);
    if (all) {
      for (int z = 0; z < n_species; z++)
        for (int chunk = 0; chunk < contraction->n_chunks; chunk++)
          for (o = 0; o < contraction->n_outputs; o++)
            fill_weights(contraction, &work[o], &contraction->polynomial[o], z, chunk, model->lanes, mul,
                         all + (size_t)z * per_species + (size_t)chunk * contraction->chunk_stride +
                             contraction->output_offset[o]);
      contraction->weight = ftl_pack(model, all, per_species * (size_t)n_species);
    }
    free(all);
    if (!contraction->weight) status = FTL_ERR_MEMORY;
  }
  work_free(work, contraction->n_outputs);
  if (status == FTL_ERR_MEMORY)
    return ftl_fail(error, status, source->path, "out of memory for the product of layer %d", t);
  return status;
}

void ftl_contraction_free(ftl_contraction *contraction) {
  for (int o = 0; contraction->polynomial && o < contraction->n_outputs; o++)
    for (int d = 0; d < FTL_MAX_BODY; d++) {
      free(contraction->polynomial[o].index[d]);
      free(contraction->polynomial[o].first[d]);
    }
  free(contraction->polynomial);
  free(contraction->output_offset);
  free(contraction->weight);
}
