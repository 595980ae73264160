/* The symmetric contraction (arXiv 2206.07697, eq. 10) as one polynomial per output component and channel.

   MACE contracts U[M, i1 .. inu, k] w[z, k, c] A[c, i1] .. A[c, inu]. The product of A's is symmetric, so all orders of
   a multi-index collapse into one monomial, whose coefficient sum_k (sum over orders of U) w is computed here once per
   element and channel. The monomials of all orders form a trie over sorted indices, evaluated in Horner form: one
   multiply-add per node. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mace/contraction_terms.h"
#include "base/error.h"

static int output_components(const ftl_contraction *contraction) {
  int n = 0;
  for (int b = 0; b < contraction->out.n; b++) n += contraction->out.b[b].d;
  return n;
}

static ftl_status fill_polynomial(ftl_contraction_terms *work, int correlation, ftl_polynomial *poly) {
  poly->depth = 0;
  for (int d = 0; d < correlation; d++) {
    const ftl_trie_level *level = &work->level[d];
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
    poly->numbers += (size_t)level->n; /* in vectors for now */
  }
  return FTL_OK;
}

/* Coefficients of one chunk of channels of one element. */
static void fill_weights(const ftl_contraction_terms *work, const ftl_polynomial *poly, int z, int chunk, int width,
                         int mul, double *out) {
  for (int d = 0; d < poly->depth; d++)
    for (int node = 0; node < poly->n[d]; node++) {
      const ftl_monomial *term = work->level[d].term[node];
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
  ftl_layout_make(&layer->target, model->pad, &contraction->in);
  ftl_layout_make(&layer->product, model->pad, &contraction->out);
  int mul = contraction->in.b[0].mul, n_components = 0;
  for (int b = 0; b < contraction->in.n; b++) n_components += contraction->in.b[b].d;
  contraction->n_chunks = contraction->in.b[0].pad / model->lanes;
  contraction->n_outputs = output_components(contraction);
  contraction->polynomial = calloc((size_t)contraction->n_outputs, sizeof *contraction->polynomial);
  contraction->output_offset = calloc((size_t)contraction->n_outputs, sizeof *contraction->output_offset);
  ftl_contraction_terms *work = calloc((size_t)contraction->n_outputs, sizeof *work);
  ftl_status status = contraction->polynomial && contraction->output_offset && work ? FTL_OK : FTL_ERR_MEMORY;
  int o = 0;
  for (int b = 0; b < contraction->out.n && !status; b++)
    for (int m = 0; m < contraction->out.b[b].d && !status; m++, o++) {
      status = ftl_contraction_terms_make(source, t, b, m, n_components, &work[o], error);
      if (!status) status = fill_polynomial(&work[o], layer->correlation, &contraction->polynomial[o]);
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
            fill_weights(&work[o], &contraction->polynomial[o], z, chunk, model->lanes, mul,
                         all + (size_t)z * per_species + (size_t)chunk * contraction->chunk_stride +
                             contraction->output_offset[o]);
      contraction->weight = ftl_pack(model, all, per_species * (size_t)n_species);
    }
    free(all);
    if (!contraction->weight) status = FTL_ERR_MEMORY;
  }
  for (o = 0; work && o < contraction->n_outputs; o++) ftl_contraction_terms_free(&work[o]);
  free(work);
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
