#include "mace/radial_functions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/activations.h"
#include "math/rows.h"
#include "base/error.h"

static double *to_doubles(const ftl_tensor *tensor) {
  double *v = malloc((size_t)(tensor->count > 0 ? tensor->count : 1) * sizeof *v);
  if (v)
    for (int64_t k = 0; k < tensor->count; k++) v[k] = ftl_tensor_at(tensor, k);
  return v;
}

static const ftl_tensor *find(const ftl_source *source, const char *prefix, const char *suffix) {
  char name[256];
  snprintf(name, sizeof name, "%s%s", prefix, suffix);
  return ftl_tensors_find(&source->tensors, name);
}

/* e3nn FullyConnectedNet: x -> act(x W / sqrt(n_in)) * cst, no activation after the last layer. */
static ftl_status fully_connected(const ftl_source *source, const char *prefix, ftl_activation act, double act_cst,
                                  ftl_mlp *mlp, ftl_error *error) {
  mlp->act = act;
  mlp->act_cst = act_cst;
  for (int i = 0;; i++) {
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".layer%d.weight", i);
    const ftl_tensor *w = find(source, prefix, suffix);
    if (!w) break;
    if (i == FTL_MAX_MLP_LAYERS)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, w->name, "radial MLP has more than %d layers", FTL_MAX_MLP_LAYERS);
    mlp->width[i] = (int)w->shape[0];
    mlp->width[i + 1] = (int)w->shape[1];
    if (!(mlp->weight[i] = to_doubles(w))) return ftl_no_memory(error, w->name, "what is made of the tensor");
    double norm = 1 / sqrt((double)w->shape[0]);
    for (int64_t k = 0; k < w->count; k++) mlp->weight[i][k] *= norm;
    mlp->n_layers = i + 1;
  }
  if (mlp->n_layers == 0) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "no tensor %s.layer0.weight", prefix);
  return FTL_OK;
}

/* MACE RadialMLP: net.0 Linear, net.1 LayerNorm, net.2 SiLU, net.3 Linear, ... ; torch Linear weights are [out][in]. */
static ftl_status radial_mlp(const ftl_source *source, const char *prefix, ftl_mlp *mlp, ftl_error *error) {
  mlp->act = FTL_ACTIVATION_SILU;
  mlp->act_cst = 1;
  for (int i = 0;; i++) {
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".net.%d.weight", 3 * i);
    const ftl_tensor *w = find(source, prefix, suffix);
    if (!w) break;
    snprintf(suffix, sizeof suffix, ".net.%d.bias", 3 * i);
    const ftl_tensor *b = find(source, prefix, suffix);
    if (i == FTL_MAX_MLP_LAYERS)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, w->name, "radial MLP has more than %d layers", FTL_MAX_MLP_LAYERS);
    if (!b) return ftl_fail(error, FTL_ERR_FORMAT, w->name, "the layer has a weight but no bias");
    int n_out = (int)w->shape[0], n_in = (int)w->shape[1];
    mlp->width[i] = n_in;
    mlp->width[i + 1] = n_out;
    mlp->weight[i] = malloc((size_t)w->count * sizeof(double));
    mlp->bias[i] = to_doubles(b);
    if (!mlp->weight[i] || !mlp->bias[i]) return ftl_no_memory(error, w->name, "what is made of the tensor");
    for (int o = 0; o < n_out; o++)
      for (int k = 0; k < n_in; k++) mlp->weight[i][k * n_out + o] = ftl_tensor_at(w, (int64_t)o * n_in + k);
    mlp->n_layers = i + 1;
    snprintf(suffix, sizeof suffix, ".net.%d.weight", 3 * i + 1);
    const ftl_tensor *g = find(source, prefix, suffix);
    snprintf(suffix, sizeof suffix, ".net.%d.bias", 3 * i + 1);
    const ftl_tensor *h = find(source, prefix, suffix);
    if (g && h) {
      mlp->norm_weight[i] = to_doubles(g);
      mlp->norm_bias[i] = to_doubles(h);
      if (!mlp->norm_weight[i] || !mlp->norm_bias[i])
        return ftl_no_memory(error, g->name, "what is made of the tensor");
    }
  }
  if (mlp->n_layers == 0) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "no tensor %s.net.0.weight", prefix);
  return FTL_OK;
}

static void mlp_free(ftl_mlp *mlp) {
  for (int i = 0; i < FTL_MAX_MLP_LAYERS; i++) {
    free(mlp->weight[i]);
    free(mlp->bias[i]);
    free(mlp->norm_weight[i]);
    free(mlp->norm_bias[i]);
  }
}

static int mlp_widest(const ftl_mlp *mlp) {
  int widest = 0;
  for (int i = 0; i <= mlp->n_layers; i++)
    if (mlp->width[i] > widest) widest = mlp->width[i];
  return widest;
}

static void mlp_layer(const ftl_mlp *mlp, int i, const double *restrict x, double *restrict y) {
  int n_in = mlp->width[i], n_out = mlp->width[i + 1];
  for (int o = 0; o < n_out; o++) y[o] = mlp->bias[i] ? mlp->bias[i][o] : 0;
  ftl_add_rows(n_in, x, mlp->weight[i], (size_t)n_out, n_out, y);
}

/* Hidden layers: LayerNorm (torch's eps 1e-5, biased variance) where there is one, silu, constant. */
static void mlp_activate(const ftl_mlp *mlp, int i, double *y) {
  int n = mlp->width[i + 1];
  if (mlp->norm_weight[i]) {
    double mean = 0, variance = 0;
    for (int o = 0; o < n; o++) mean += y[o];
    mean /= n;
    for (int o = 0; o < n; o++) variance += (y[o] - mean) * (y[o] - mean);
    double inverse = 1 / sqrt(variance / n + 1e-5);
    for (int o = 0; o < n; o++) y[o] = (y[o] - mean) * inverse * mlp->norm_weight[i][o] + mlp->norm_bias[i][o];
  }
  double d1, d2;
  for (int o = 0; o < n; o++) y[o] = ftl_activate(mlp->act, y[o], &d1, &d2) * mlp->act_cst;
}

/* Runs the first n layers; returns the buffer that holds the result. */
static const double *mlp_run(const ftl_mlp *mlp, int n, const double *input, double *const scratch[2]) {
  const double *x = input;
  for (int i = 0; i < n; i++) {
    double *y = scratch[i & 1];
    mlp_layer(mlp, i, x, y);
    if (i < mlp->n_layers - 1) mlp_activate(mlp, i, y);
    x = y;
  }
  return x;
}

/* Fills the MLP's input; returns the factor that multiplies its output. */
static double edge_features(const ftl_radial *radial, int i, int j, double r) {
  double *f = radial->input, factor_slope;
  int n = radial->basis.n;
  double factor = ftl_edge_basis_at(&radial->basis, i, j, r, f, radial->slope, &factor_slope);
  for (int c = 0; c < radial->n_embedding; c++) {
    f[n + c] = radial->source[j * radial->n_embedding + c];
    f[n + radial->n_embedding + c] = radial->target[i * radial->n_embedding + c];
  }
  return factor;
}

void ftl_radial_features(const ftl_radial *radial, int i, int j, double r, double *features) {
  double factor = edge_features(radial, i, j, r);
  const ftl_mlp *mlp = &radial->mlp;
  const double *hidden = mlp_run(mlp, mlp->n_layers - 1, radial->input, radial->scratch);
  int n = mlp->width[mlp->n_layers - 1];
  for (int k = 0; k < n; k++) features[k] = hidden[k] * factor;
  if (radial->n_features > n) features[n] = factor;
}

double ftl_radial_density(const ftl_radial *radial, int i, int j, double r) {
  double factor = edge_features(radial, i, j, r);
  double x = mlp_run(&radial->density, radial->density.n_layers, radial->input, radial->scratch)[0];
  return tanh(x * x) * factor;
}

/* Element embedding tables: e3nn Linear(n_elements x 0e -> C x 0e), normalised by the element count of training. */
static double *embedding(const ftl_model *model, const ftl_tensor *w, int channels) {
  double *table = malloc((size_t)model->n_species * (size_t)channels * sizeof *table);
  if (!table) return NULL;
  double norm = 1 / sqrt((double)model->arch.norm_elements);
  for (int64_t k = 0; k < (int64_t)model->n_species * channels; k++) table[k] = ftl_tensor_at(w, k) * norm;
  return table;
}

static ftl_status make_mlps(const ftl_source *source, int t, ftl_radial *radial, ftl_error *error) {
  const ftl_layer *layer = &source->arch.layer[t];
  char weights[64], density[64];
  snprintf(weights, sizeof weights, "interactions.%d.conv_tp_weights", t);
  snprintf(density, sizeof density, "interactions.%d.density_fn", t);
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  radial->has_density = traits.has_density;
  if (traits.nonlinear) {
    radial->n_embedding = ftl_irreps_count(&layer->node_feats, 0, 1);
    const ftl_tensor *s = ftl_require(source, error, "interactions.%d.source_embedding.weight", t);
    const ftl_tensor *g = ftl_require(source, error, "interactions.%d.target_embedding.weight", t);
    if (!s || !g) return FTL_ERR_FORMAT;
    radial->source = embedding(radial->model, s, radial->n_embedding);
    radial->target = embedding(radial->model, g, radial->n_embedding);
    if (!radial->source || !radial->target) return ftl_no_memory(error, s->name, "what is made of the tensor");
    FTL_TRY(radial_mlp(source, weights, &radial->mlp, error));
    return radial_mlp(source, density, &radial->density, error);
  }
  const ftl_activation act = traits.gated ? source->arch.nequip.radial_act : FTL_ACTIVATION_SILU;
  const double cst = traits.gated ? ftl_activation_constant(act) : layer->radial_act_cst;
  if (act == FTL_ACTIVATION_ABS || act == FTL_ACTIVATION_RELU || act == FTL_ACTIVATION_ELU)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                    "the radial networks have the activation %s, whose slope or curvature jumps: such functions of the "
                    "distance cannot be tabulated; silu, ssp, tanh and sigmoid can",
                    ftl_activation_name(act));
  FTL_TRY(fully_connected(source, weights, act, cst, &radial->mlp, error));
  return radial->has_density ? fully_connected(source, density, act, 1, &radial->density, error) : FTL_OK;
}

ftl_status ftl_radial_make(const ftl_model *model, const ftl_source *source, int t, ftl_radial *radial,
                           ftl_error *error) {
  memset(radial, 0, sizeof *radial);
  radial->model = model;
  FTL_TRY(ftl_edge_basis_make(source, &radial->basis, error));
  FTL_TRY(make_mlps(source, t, radial, error));
  const ftl_mlp *mlp = &radial->mlp;
  int last = mlp->n_layers - 1, n_hidden = mlp->width[last];
  radial->n_features = n_hidden + (mlp->bias[last] != NULL);
  radial->n_weights = mlp->width[last + 1];
  int widest = mlp_widest(mlp), n_input = mlp->width[0];
  if (radial->has_density && mlp_widest(&radial->density) > widest) widest = mlp_widest(&radial->density);
  if (radial->basis.n + 2 * radial->n_embedding != n_input)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path,
                    "interaction %d: the radial MLP takes %d inputs, but there are %d", t, n_input,
                    radial->basis.n + 2 * radial->n_embedding);
  radial->matrix = malloc((size_t)radial->n_features * (size_t)radial->n_weights * sizeof(double));
  radial->input = malloc((size_t)n_input * sizeof(double));
  radial->slope = malloc(((size_t)radial->basis.n + 1) * sizeof(double));
  for (int k = 0; k < 2; k++) radial->scratch[k] = malloc((size_t)widest * sizeof(double));
  if (!radial->matrix || !radial->input || !radial->slope || !radial->scratch[0] || !radial->scratch[1])
    return ftl_no_memory(error, source->path, "the radial MLP");
  memcpy(radial->matrix, mlp->weight[last], (size_t)n_hidden * (size_t)radial->n_weights * sizeof(double));
  if (mlp->bias[last])
    memcpy(radial->matrix + (size_t)n_hidden * (size_t)radial->n_weights, mlp->bias[last],
           (size_t)radial->n_weights * sizeof(double));
  return FTL_OK;
}

void ftl_radial_free(ftl_radial *radial) {
  ftl_edge_basis_free(&radial->basis);
  free(radial->source);
  free(radial->target);
  mlp_free(&radial->mlp);
  mlp_free(&radial->density);
  free(radial->matrix);
  free(radial->input);
  free(radial->slope);
  free(radial->scratch[0]);
  free(radial->scratch[1]);
  memset(radial, 0, sizeof *radial);
}
