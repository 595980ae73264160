/* Symmetric contraction, MACE (10) and (11): for each channel c a polynomial in the components A_c,lm of one atom,

     B_cm = sum_nu sum_{i1..inu} ( sum_k U_nu[m, i1..inu, k] W_nu[set, k, c] ) A_c,i1 ... A_c,inu

   with i over all (l, m) of A. Evaluated monomial by monomial. */
#include <stdio.h>

#include "base/error.h"
#include "reference/reference_stages.h"

ftl_status ftl_ref_contraction_prepare(ftl_ref_contraction *contraction, const ftl_source *source, int layer,
                                       int n_sets, ftl_arena *memory, ftl_error *error) {
  const ftl_layer *spec = &source->arch.layer[layer];
  *contraction = (ftl_ref_contraction){.correlation = spec->correlation, .in = spec->target, .out = spec->product};
  if (spec->correlation < 1 || spec->correlation > FTL_REF_MAX_CORRELATION)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "correlation %d is not covered", spec->correlation);
  contraction->n_channels = spec->target.block[0].mul;
  int offset = 0;
  for (int b = 0; b < spec->target.n; b++) {
    if (spec->target.block[b].mul != contraction->n_channels)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "the contraction's input has unequal multiplicities");
    const int dim = 2 * spec->target.block[b].l + 1;
    if (contraction->n_lm + dim > FTL_REF_MAX_LM)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "the contraction's input has more than %d components",
                      FTL_REF_MAX_LM);
    for (int m = 0; m < dim; m++) {
      contraction->start[contraction->n_lm + m] = offset + m;
      contraction->stride[contraction->n_lm + m] = dim;
    }
    contraction->n_lm += dim;
    offset += contraction->n_channels * dim;
  }
  FTL_TRY(ftl_ref_doubles(memory, contraction->n_channels, &contraction->coefficient, error));
  for (int b = 0; b < spec->product.n; b++) {
    ftl_ref_contraction_block *block = &contraction->block[b];
    if (spec->product.block[b].mul != contraction->n_channels)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "the contraction's output has unequal multiplicities");
    block->l = spec->product.block[b].l;
    int64_t n_monomials = 2 * block->l + 1;
    for (int nu = 1; nu <= spec->correlation; nu++) {
      char name[128], weights[160];
      snprintf(name, sizeof name, "products.%d.symmetric_contractions.contractions.%d", layer, b);
      if (nu == spec->correlation) snprintf(weights, sizeof weights, "%s.weights_max", name);
      else snprintf(weights, sizeof weights, "%s.weights.%d", name, spec->correlation - 1 - nu);
      n_monomials *= contraction->n_lm;
      const ftl_tensor *tensor = ftl_ref_tensor(source, "%s", weights);
      if (!tensor || tensor->ndim != 3)
        return ftl_fail(error, FTL_ERR_FORMAT, source->path, "there is no tensor '%s' of three dimensions", weights);
      const int64_t n_paths = tensor->shape[1];
      block->n_paths[nu - 1] = (int)n_paths;
      FTL_TRY(ftl_ref_weights(memory, source, n_sets * n_paths * contraction->n_channels, &block->weight[nu - 1], error,
                              "%s", weights));
      FTL_TRY(
          ftl_ref_weights(memory, source, n_monomials * n_paths, &block->u[nu - 1], error, "%s.U_matrix_%d", name, nu));
    }
  }
  return FTL_OK;
}

/* Where component i (over all l, m) of channel c lies in A. */
static int component(const ftl_ref_contraction *contraction, int c, int i) {
  return contraction->start[i] + c * contraction->stride[i];
}

/* A monomial of order nu of one output component: position `flat` in U read as [m][i1]..[inu]. */
typedef struct {
  int m, i[FTL_REF_MAX_CORRELATION];
} monomial;

static monomial monomial_at(int64_t flat, int nu, int n_lm) {
  monomial t = {0};
  for (int k = nu - 1; k >= 0; k--) {
    t.i[k] = (int)(flat % n_lm);
    flat /= n_lm;
  }
  t.m = (int)flat;
  return t;
}

/* coefficient[c] = sum_k U[flat, k] W[set, k, c]; false if U is zero there. */
static bool coefficients(const ftl_ref_contraction *contraction, const ftl_ref_contraction_block *block, int nu,
                         int set, int64_t flat) {
  const int n_paths = block->n_paths[nu - 1], n_c = contraction->n_channels;
  const double *u = &block->u[nu - 1][flat * n_paths];
  const double *w = &block->weight[nu - 1][(int64_t)set * n_paths * n_c];
  bool any = false;
  for (int k = 0; k < n_paths; k++) {
    if (u[k] == 0) continue;
    for (int c = 0; c < n_c; c++)
      contraction->coefficient[c] = (any ? contraction->coefficient[c] : 0) + u[k] * w[k * n_c + c];
    any = true;
  }
  return any;
}

void ftl_ref_contraction_forward(const ftl_ref_contraction *contraction, int set, const double *a, double *b) {
  const int n_c = contraction->n_channels, n_lm = contraction->n_lm;
  int offset = 0;
  for (int q = 0; q < contraction->out.n; q++) {
    const ftl_ref_contraction_block *block = &contraction->block[q];
    const int dim = 2 * block->l + 1;
    for (int k = 0; k < n_c * dim; k++) b[offset + k] = 0;
    int64_t n_monomials = dim;
    for (int nu = 1; nu <= contraction->correlation; nu++) {
      n_monomials *= n_lm;
      for (int64_t flat = 0; flat < n_monomials; flat++) {
        if (!coefficients(contraction, block, nu, set, flat)) continue;
        const monomial t = monomial_at(flat, nu, n_lm);
        for (int c = 0; c < n_c; c++) {
          double product = contraction->coefficient[c];
          for (int k = 0; k < nu; k++) product *= a[component(contraction, c, t.i[k])];
          b[offset + c * dim + t.m] += product;
        }
      }
    }
    offset += n_c * dim;
  }
}

void ftl_ref_contraction_reverse(const ftl_ref_contraction *contraction, int set, const double *a, const double *d_b,
                                 double *d_a) {
  const int n_c = contraction->n_channels, n_lm = contraction->n_lm;
  int offset = 0;
  for (int q = 0; q < contraction->out.n; q++) {
    const ftl_ref_contraction_block *block = &contraction->block[q];
    const int dim = 2 * block->l + 1;
    int64_t n_monomials = dim;
    for (int nu = 1; nu <= contraction->correlation; nu++) {
      n_monomials *= n_lm;
      for (int64_t flat = 0; flat < n_monomials; flat++) {
        if (!coefficients(contraction, block, nu, set, flat)) continue;
        const monomial t = monomial_at(flat, nu, n_lm);
        for (int c = 0; c < n_c; c++) {
          const double d = d_b[offset + c * dim + t.m] * contraction->coefficient[c];
          for (int k = 0; k < nu; k++) { /* the product rule: all factors but the k-th */
            double others = d;
            for (int j = 0; j < nu; j++)
              if (j != k) others *= a[component(contraction, c, t.i[j])];
            d_a[component(contraction, c, t.i[k])] += others;
          }
        }
      }
    }
    offset += n_c * dim;
  }
}
