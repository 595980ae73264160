/* The sum over neighbours of a layer, and its density: radial networks, tensor products; forward and reverse. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reference/reference.h"
#include "base/error.h"

static void zero(double *x, int64_t n) { memset(x, 0, (size_t)n * sizeof *x); }

static double *row(double *array, int64_t i, const ftl_irreps *irreps) { return array + i * ftl_irreps_dim(irreps); }

/* Embeddings of the elements that the radial networks of the nonlinear block see. */
static ftl_status prepare_embeddings(ftl_ref_run *run, int t, ftl_error *error) {
  const ftl_source *source = run->source;
  ftl_ref_layer *layer = &run->layer[t];
  layer->n_embedding = ftl_irreps_count(&layer->spec->node_feats, 0, 1);
  const int64_t n = (int64_t)source->arch.n_elements * layer->n_embedding;
  FTL_TRY(ftl_ref_weights(&run->memory, source, n, &layer->source_embedding, error,
                          "interactions.%d.source_embedding.weight", t));
  return ftl_ref_weights(&run->memory, source, n, &layer->target_embedding, error,
                         "interactions.%d.target_embedding.weight", t);
}

ftl_status ftl_ref_convolution_prepare(ftl_ref_run *run, int t, ftl_error *error) {
  const ftl_source *source = run->source;
  const ftl_architecture *arch = &source->arch;
  ftl_arena *memory = &run->memory;
  ftl_ref_layer *layer = &run->layer[t];
  const ftl_layer *spec = layer->spec;
  const bool nonlinear = layer->traits.nonlinear;
  char name[64];
  snprintf(name, sizeof name, "interactions.%d.conv_tp", t);
  FTL_TRY(ftl_ref_conv_prepare(&layer->conv, source, name, &spec->edge, &arch->sh, &spec->target, memory, error));
  if (nonlinear) FTL_TRY(prepare_embeddings(run, t, error));
  const int n_in = arch->num_bessel + 2 * layer->n_embedding;
  snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
  const ftl_activation act = layer->traits.gated ? arch->nequip.radial_act : FTL_ACTIVATION_SILU;
  const double cst = layer->traits.gated ? ftl_activation_constant(act) : spec->radial_act_cst;
  FTL_TRY(ftl_ref_mlp_prepare(&layer->weights, source, name, nonlinear, act, cst, n_in, layer->conv.n_weights, memory,
                              error));
  if (!layer->traits.has_density) return FTL_OK;
  snprintf(name, sizeof name, "interactions.%d.density_fn", t);
  return ftl_ref_mlp_prepare(&layer->density_net, source, name, nonlinear, act, cst, n_in, 1, memory, error);
}

/* Input of the radial networks: the basis, and for the non-linear block an embedding of either element. */
static void edge_input(const ftl_ref_run *run, const ftl_ref_layer *layer, int64_t e, int i, int j, double *in) {
  const int n_basis = run->radial.n, n = layer->n_embedding;
  memcpy(in, run->basis + e * n_basis, (size_t)n_basis * sizeof *in);
  const double factor = 1 / sqrt(run->source->arch.norm_elements);
  const int species_i = run->graph->species[i], species_j = run->graph->species[j];
  for (int c = 0; c < n; c++) {
    in[n_basis + c] = factor * layer->source_embedding[species_j * n + c];
    in[n_basis + n + c] = factor * layer->target_embedding[species_i * n + c];
  }
}

void ftl_ref_convolution_forward(ftl_ref_run *run, ftl_ref_layer *layer) {
  const ftl_graph *graph = run->graph;
  zero(layer->x[FTL_FEATURES_SUM], (int64_t)run->n * ftl_irreps_dim(&layer->conv.paths.mid));
  zero(layer->density, run->n);
  const int n_sh = (run->l_max + 1) * (run->l_max + 1);
  for (int i = 0; i < run->n; i++)
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      if (run->length[e] >= run->source->arch.r_max) continue;
      const int j = graph->sender[e];
      edge_input(run, layer, e, i, j, run->edge_in);
      ftl_ref_mlp_forward(&layer->weights, run->edge_in, run->edge_w);
      for (int k = 0; k < layer->conv.n_weights; k++) run->edge_w[k] *= run->cutoff[e];
      ftl_ref_conv_forward(&layer->conv, row(layer->x[FTL_FEATURES_UP], j, &layer->spec->edge), run->y + e * n_sh,
                           run->edge_w, row(layer->x[FTL_FEATURES_SUM], i, &layer->conv.paths.mid));
      if (layer->traits.has_density) {
        double q;
        ftl_ref_mlp_forward(&layer->density_net, run->edge_in, &q);
        layer->density[i] += tanh(q * q) * run->cutoff[e];
      }
    }
}

void ftl_ref_convolution_reverse(ftl_ref_run *run, ftl_ref_layer *layer) {
  const ftl_graph *graph = run->graph;
  const int n_sh = (run->l_max + 1) * (run->l_max + 1), n_basis = run->radial.n;
  for (int i = 0; i < run->n; i++)
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      if (run->length[e] >= run->source->arch.r_max) continue;
      const int j = graph->sender[e], n_weights = layer->conv.n_weights;
      double *in = run->edge_in, *d_in = run->d_edge_in, *w = run->edge_w, *d_w = run->d_edge_w;
      edge_input(run, layer, e, i, j, in);
      zero(d_in, layer->weights.size[0]);
      zero(d_w, n_weights);
      ftl_ref_mlp_forward(&layer->weights, in, w);
      for (int k = 0; k < n_weights; k++) w[k] *= run->cutoff[e];
      ftl_ref_conv_reverse(&layer->conv, row(layer->x[FTL_FEATURES_UP], j, &layer->spec->edge), run->y + e * n_sh, w,
                           row(layer->d[FTL_FEATURES_SUM], i, &layer->conv.paths.mid),
                           row(layer->d[FTL_FEATURES_UP], j, &layer->spec->edge), run->d_y + e * n_sh, d_w);
      ftl_ref_mlp_forward(&layer->weights, in, w); /* w without the cutoff */
      for (int k = 0; k < n_weights; k++) {
        run->d_cutoff[e] += d_w[k] * w[k];
        d_w[k] *= run->cutoff[e];
      }
      ftl_ref_mlp_reverse(&layer->weights, in, d_w, d_in);
      if (layer->traits.has_density) {
        double q;
        ftl_ref_mlp_forward(&layer->density_net, in, &q);
        const double th = tanh(q * q);
        const double d_q = layer->d_density[i] * run->cutoff[e] * (1 - th * th) * 2 * q;
        run->d_cutoff[e] += layer->d_density[i] * th;
        ftl_ref_mlp_reverse(&layer->density_net, in, &d_q, d_in);
      }
      for (int k = 0; k < n_basis; k++) run->d_basis[e * n_basis + k] += d_in[k];
    }
}
