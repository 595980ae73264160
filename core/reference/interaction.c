/* One layer: interaction (five kinds), symmetric contraction, linear, skip connection; forward and reverse. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/error.h"
#include "reference/reference.h"

static int dim(const ftl_irreps *irreps) { return ftl_irreps_dim(irreps); }

static double *row(double *array, int64_t i, const ftl_irreps *irreps) { return array + i * dim(irreps); }

static void zero(double *x, int64_t n) { memset(x, 0, (size_t)n * sizeof *x); }

/* ---- preparation ---- */

/* What RealAgnosticResidualNonLinearInteractionBlock has and the others do not. */
static ftl_status prepare_nonlinear(ftl_ref_run *run, int t, ftl_error *error) {
  const ftl_source *source = run->source;
  ftl_ref_memory *memory = &run->memory;
  ftl_ref_layer *layer = &run->layer[t];
  const ftl_layer *spec = layer->spec;
  char name[64];
  FTL_REF_TRY(ftl_ref_gate_prepare(&layer->gate, &spec->target, spec->gate_scalar_cst, spec->gate_cst, error));
  snprintf(name, sizeof name, "interactions.%d.linear_1", t);
  FTL_REF_TRY(ftl_ref_linear_prepare(&layer->linear, source, name, &layer->conv.paths.mid, &layer->gate.in, false,
                                     memory, error));
  snprintf(name, sizeof name, "interactions.%d.linear_res", t);
  FTL_REF_TRY(
      ftl_ref_linear_prepare(&layer->linear_res, source, name, &spec->edge, &layer->gate.in, false, memory, error));
  snprintf(name, sizeof name, "interactions.%d.linear_2", t);
  FTL_REF_TRY(
      ftl_ref_linear_prepare(&layer->linear_2, source, name, &spec->target, &spec->target, false, memory, error));
  snprintf(name, sizeof name, "interactions.%d.skip_tp", t);
  FTL_REF_TRY(ftl_ref_linear_prepare(&layer->skip_linear, source, name, &spec->node_feats, &spec->hidden, false, memory,
                                     error));
  layer->n_embedding = ftl_irreps_count(&spec->node_feats, 0, 1);
  const int64_t n_embeddings = (int64_t)source->arch.n_elements * layer->n_embedding;
  FTL_REF_TRY(ftl_ref_weights(memory, source, n_embeddings, &layer->source_embedding, error,
                              "interactions.%d.source_embedding.weight", t));
  FTL_REF_TRY(ftl_ref_weights(memory, source, n_embeddings, &layer->target_embedding, error,
                              "interactions.%d.target_embedding.weight", t));
  const double *value;
  FTL_REF_TRY(ftl_ref_weights(memory, source, 1, &value, error, "interactions.%d.alpha", t));
  layer->alpha = value[0];
  FTL_REF_TRY(ftl_ref_weights(memory, source, 1, &value, error, "interactions.%d.beta", t));
  layer->beta = value[0];
  return FTL_OK;
}

static ftl_status prepare_others(ftl_ref_run *run, int t, ftl_error *error) {
  const ftl_source *source = run->source;
  ftl_ref_layer *layer = &run->layer[t];
  const ftl_layer *spec = layer->spec;
  char name[64];
  snprintf(name, sizeof name, "interactions.%d.linear", t);
  FTL_REF_TRY(ftl_ref_linear_prepare(&layer->linear, source, name, &layer->conv.paths.mid, &spec->target, false,
                                     &run->memory, error));
  snprintf(name, sizeof name, "interactions.%d.skip_tp", t);
  return ftl_ref_skip_prepare(&layer->skip, source, name, &layer->traits.skip_in, &layer->traits.skip_out, &run->memory,
                              error);
}

ftl_status ftl_ref_layer_prepare(ftl_ref_run *run, int t, ftl_error *error) {
  const ftl_source *source = run->source;
  const ftl_architecture *arch = &source->arch;
  ftl_ref_memory *memory = &run->memory;
  ftl_ref_layer *layer = &run->layer[t];
  const ftl_layer *spec = layer->spec = &arch->layer[t];
  layer->traits = ftl_layer_traits_of(spec);
  const bool nonlinear = layer->traits.nonlinear;
  char name[64];
  snprintf(name, sizeof name, "interactions.%d.linear_up", t);
  FTL_REF_TRY(
      ftl_ref_linear_prepare(&layer->linear_up, source, name, &spec->node_feats, &spec->edge, false, memory, error));
  snprintf(name, sizeof name, "interactions.%d.conv_tp", t);
  FTL_REF_TRY(ftl_ref_conv_prepare(&layer->conv, source, name, &spec->edge, &arch->sh, &spec->target, memory, error));
  FTL_REF_TRY(nonlinear ? prepare_nonlinear(run, t, error) : prepare_others(run, t, error));

  const int n_in = arch->num_bessel + 2 * layer->n_embedding;
  snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
  FTL_REF_TRY(ftl_ref_mlp_prepare(&layer->weights, source, name, nonlinear, spec->radial_act_cst, n_in,
                                  layer->conv.n_weights, memory, error));
  snprintf(name, sizeof name, "interactions.%d.density_fn", t);
  if (layer->traits.has_density)
    FTL_REF_TRY(ftl_ref_mlp_prepare(&layer->density_net, source, name, nonlinear, spec->radial_act_cst, n_in, 1, memory,
                                    error));

  FTL_REF_TRY(ftl_ref_contraction_prepare(&layer->contraction, source, t, spec->agnostic_product ? 1 : arch->n_elements,
                                          memory, error));
  snprintf(name, sizeof name, "products.%d.linear", t);
  FTL_REF_TRY(ftl_ref_linear_prepare(&layer->product_linear, source, name, &spec->product, &spec->product, false,
                                     memory, error));

  const struct {
    double **array;
    int width;
  } arrays[] = {
      {&layer->input, dim(&spec->node_feats)},    {&layer->up, dim(&spec->edge)},
      {&layer->mid, dim(&layer->conv.paths.mid)}, {&layer->density, 1},
      {&layer->message, dim(&layer->linear.out)}, {&layer->a, dim(&spec->target)},
      {&layer->b, dim(&spec->product)},           {&layer->output, dim(&spec->product)},
      {&layer->d_output, dim(&spec->product)},    {&layer->d_mid, dim(&layer->conv.paths.mid)},
      {&layer->d_up, dim(&spec->edge)},           {&layer->d_density, 1},
  };
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
    FTL_REF_TRY(ftl_ref_doubles(memory, (int64_t)run->n * arrays[k].width, arrays[k].array, error));
  return FTL_OK;
}

/* ---- edges ---- */

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

static void edges_forward(ftl_ref_run *run, ftl_ref_layer *layer) {
  const ftl_graph *graph = run->graph;
  const int n_sh = (run->l_max + 1) * (run->l_max + 1);
  for (int i = 0; i < run->n; i++)
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      if (run->length[e] >= run->source->arch.r_max) continue;
      const int j = graph->sender[e];
      edge_input(run, layer, e, i, j, run->edge_in);
      ftl_ref_mlp_forward(&layer->weights, run->edge_in, run->edge_w);
      for (int k = 0; k < layer->conv.n_weights; k++) run->edge_w[k] *= run->cutoff[e];
      ftl_ref_conv_forward(&layer->conv, row(layer->up, j, &layer->spec->edge), run->y + e * n_sh, run->edge_w,
                           row(layer->mid, i, &layer->conv.paths.mid));
      if (layer->traits.has_density) {
        double q;
        ftl_ref_mlp_forward(&layer->density_net, run->edge_in, &q);
        layer->density[i] += tanh(q * q) * run->cutoff[e];
      }
    }
}

static void edges_reverse(ftl_ref_run *run, ftl_ref_layer *layer) {
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
      ftl_ref_conv_reverse(&layer->conv, row(layer->up, j, &layer->spec->edge), run->y + e * n_sh, w,
                           row(layer->d_mid, i, &layer->conv.paths.mid), row(layer->d_up, j, &layer->spec->edge),
                           run->d_y + e * n_sh, d_w);
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

/* ---- atoms ---- */

/* What the sum over neighbours is divided by, and its derivative by the density. */
static double normalisation(const ftl_ref_layer *layer, int i, double *d_density) {
  switch (layer->traits.norm) {
  case FTL_NORM_DENSITY:
    *d_density = 1;
    return layer->density[i] + 1;
  case FTL_NORM_ALPHA_BETA:
    *d_density = layer->beta;
    return layer->beta * layer->density[i] + layer->alpha;
  case FTL_NORM_AVERAGE:
    break;
  }
  *d_density = 0;
  return layer->spec->avg_num_neighbors;
}

static void message_forward(ftl_ref_run *run, ftl_ref_layer *layer, int i) {
  const int species = run->graph->species[i], n = dim(&layer->linear.out);
  double *message = row(layer->message, i, &layer->linear.out), *a = row(layer->a, i, &layer->spec->target);
  double d_density;
  const double norm = normalisation(layer, i, &d_density);
  ftl_ref_linear_forward(&layer->linear, row(layer->mid, i, &layer->conv.paths.mid), message);
  for (int k = 0; k < n; k++) message[k] /= norm;
  if (layer->traits.skip_on_message) {
    ftl_ref_skip_forward(&layer->skip, species, message, a);
  } else if (layer->traits.nonlinear) {
    ftl_ref_linear_forward(&layer->linear_res, row(layer->up, i, &layer->spec->edge), run->row_a);
    for (int k = 0; k < n; k++) message[k] += run->row_a[k];
    ftl_ref_gate_forward(&layer->gate, message, run->row_a);
    ftl_ref_linear_forward(&layer->linear_2, run->row_a, a);
  } else {
    memcpy(a, message, (size_t)n * sizeof *a);
  }
}

/* From d_a to d_mid, d_density and, for the non-linear block, d_up of atom i. */
static void message_reverse(ftl_ref_run *run, ftl_ref_layer *layer, int i, const double *d_a) {
  const int species = run->graph->species[i], n = dim(&layer->linear.out);
  const double *message = row(layer->message, i, &layer->linear.out);
  double *d_message = run->row_a, *sum = run->row_b;
  zero(d_message, n);
  if (layer->traits.skip_on_message) {
    ftl_ref_skip_reverse(&layer->skip, species, d_a, d_message);
  } else if (layer->traits.nonlinear) {
    double *d_gated = run->row_b;
    zero(d_gated, dim(&layer->spec->target));
    ftl_ref_linear_reverse(&layer->linear_2, d_a, d_gated);
    ftl_ref_gate_reverse(&layer->gate, message, d_gated, d_message);
    ftl_ref_linear_reverse(&layer->linear_res, d_message, row(layer->d_up, i, &layer->spec->edge));
  } else {
    memcpy(d_message, d_a, (size_t)n * sizeof *d_message);
  }
  /* message = linear(mid) / norm + ... */
  double norm_by_density;
  const double norm = normalisation(layer, i, &norm_by_density);
  ftl_ref_linear_forward(&layer->linear, row(layer->mid, i, &layer->conv.paths.mid), sum);
  for (int k = 0; k < n; k++) {
    layer->d_density[i] -= d_message[k] * sum[k] / (norm * norm) * norm_by_density;
    d_message[k] /= norm;
  }
  ftl_ref_linear_reverse(&layer->linear, d_message, row(layer->d_mid, i, &layer->conv.paths.mid));
}

void ftl_ref_layer_forward(ftl_ref_run *run, int t) {
  ftl_ref_layer *layer = &run->layer[t];
  const ftl_layer *spec = layer->spec;
  const int *species = run->graph->species;
  zero(layer->mid, (int64_t)run->n * dim(&layer->conv.paths.mid));
  zero(layer->density, run->n);
  for (int i = 0; i < run->n; i++)
    if (species[i] >= 0)
      ftl_ref_linear_forward(&layer->linear_up, row(layer->input, i, &spec->node_feats),
                             row(layer->up, i, &spec->edge));
  edges_forward(run, layer);
  for (int i = 0; i < run->n; i++) {
    if (species[i] < 0) continue;
    message_forward(run, layer, i);
    const double *input = row(layer->input, i, &spec->node_feats);
    double *b = row(layer->b, i, &spec->product), *output = row(layer->output, i, &spec->product);
    ftl_ref_contraction_forward(&layer->contraction, spec->agnostic_product ? 0 : species[i],
                                row(layer->a, i, &spec->target), b);
    ftl_ref_linear_forward(&layer->product_linear, b, output);
    if (!layer->traits.has_sc) continue;
    if (layer->traits.nonlinear) ftl_ref_linear_forward(&layer->skip_linear, input, run->row_a);
    else ftl_ref_skip_forward(&layer->skip, species[i], input, run->row_a);
    for (int k = 0; k < dim(&spec->product); k++) output[k] += run->row_a[k];
  }
}

void ftl_ref_layer_reverse(ftl_ref_run *run, int t, double *d_input) {
  ftl_ref_layer *layer = &run->layer[t];
  const ftl_layer *spec = layer->spec;
  const int *species = run->graph->species;
  zero(layer->d_mid, (int64_t)run->n * dim(&layer->conv.paths.mid));
  zero(layer->d_up, (int64_t)run->n * dim(&spec->edge));
  zero(layer->d_density, run->n);
  for (int i = 0; i < run->n; i++) {
    if (species[i] < 0) continue;
    const double *d_output = row(layer->d_output, i, &spec->product);
    if (layer->traits.has_sc && d_input) {
      double *d_in = row(d_input, i, &spec->node_feats);
      if (layer->traits.nonlinear) ftl_ref_linear_reverse(&layer->skip_linear, d_output, d_in);
      else ftl_ref_skip_reverse(&layer->skip, species[i], d_output, d_in);
    }
    double *d_b = run->row_a, *d_a = run->row_c;
    zero(d_b, dim(&spec->product));
    zero(d_a, dim(&spec->target));
    ftl_ref_linear_reverse(&layer->product_linear, d_output, d_b);
    ftl_ref_contraction_reverse(&layer->contraction, spec->agnostic_product ? 0 : species[i],
                                row(layer->a, i, &spec->target), d_b, d_a);
    message_reverse(run, layer, i, d_a);
  }
  edges_reverse(run, layer);
  if (!d_input) return;
  for (int i = 0; i < run->n; i++)
    if (species[i] >= 0)
      ftl_ref_linear_reverse(&layer->linear_up, row(layer->d_up, i, &spec->edge), row(d_input, i, &spec->node_feats));
}
