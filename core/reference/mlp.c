/* The perceptrons of the radial functions: e3nn's FullyConnectedNet and mace's RadialMLP. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "reference/reference_stages.h"

#define LAYER_NORM_EPS 1e-5 /* torch.nn.LayerNorm's default, which RadialMLP uses */

/* RadialMLP is a Sequential of Linear, LayerNorm, SiLU, Linear, LayerNorm, SiLU, ..., Linear. */
static int index_of_linear(int layer) { return 3 * layer; }

static const ftl_tensor *weight_tensor(const ftl_source *source, const char *name, bool torch_style, int layer) {
  return torch_style ? ftl_ref_tensor(source, "%s.net.%d.weight", name, index_of_linear(layer))
                     : ftl_ref_tensor(source, "%s.layer%d.weight", name, layer);
}

ftl_status ftl_ref_mlp_prepare(ftl_ref_mlp *mlp, const ftl_source *source, const char *name, bool torch_style,
                               ftl_activation act, double act_cst, int n_in, int n_out, ftl_arena *memory,
                               ftl_error *error) {
  *mlp = (ftl_ref_mlp){.torch_style = torch_style, .act = act, .act_cst = act_cst};
  mlp->size[0] = n_in;
  int widest = n_in;
  const ftl_tensor *tensor;
  while ((tensor = weight_tensor(source, name, torch_style, mlp->n_layers))) {
    if (mlp->n_layers == FTL_REF_MAX_MLP)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "'%s' has more than %d layers", name, FTL_REF_MAX_MLP);
    const int layer = mlp->n_layers++;
    if (tensor->ndim != 2 || tensor->shape[torch_style ? 1 : 0] != mlp->size[layer])
      return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor '%s' does not take %d inputs", tensor->name,
                      mlp->size[layer]);
    mlp->factor[layer] = torch_style ? 1 : 1 / sqrt(mlp->size[layer]);
    mlp->size[layer + 1] = (int)tensor->shape[torch_style ? 0 : 1];
    if (mlp->size[layer + 1] > widest) widest = mlp->size[layer + 1];
    FTL_TRY(ftl_ref_weights(memory, source, tensor->count, &mlp->weight[layer], error, "%s", tensor->name));
  }
  if (mlp->n_layers == 0 || mlp->size[mlp->n_layers] != n_out)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "the network '%s' does not have %d outputs", name, n_out);
  for (int layer = 0; layer < mlp->n_layers; layer++) {
    const int n = mlp->size[layer + 1], k = index_of_linear(layer);
    if (torch_style) FTL_TRY(ftl_ref_weights(memory, source, n, &mlp->bias[layer], error, "%s.net.%d.bias", name, k));
    if (torch_style && layer + 1 < mlp->n_layers) {
      FTL_TRY(ftl_ref_weights(memory, source, n, &mlp->norm_weight[layer], error, "%s.net.%d.weight", name, k + 1));
      FTL_TRY(ftl_ref_weights(memory, source, n, &mlp->norm_bias[layer], error, "%s.net.%d.bias", name, k + 1));
    }
    FTL_TRY(ftl_ref_doubles(memory, n, &mlp->linear[layer], error));
    FTL_TRY(ftl_ref_doubles(memory, n, &mlp->normed[layer], error));
    FTL_TRY(ftl_ref_doubles(memory, n, &mlp->activated[layer], error));
  }
  FTL_TRY(ftl_ref_doubles(memory, widest, &mlp->d_a, error));
  return ftl_ref_doubles(memory, widest, &mlp->d_b, error);
}

/* Weight from input `in` to output `out` as it multiplies. */
static double weight_at(const ftl_ref_mlp *mlp, int layer, int in, int out) {
  const int n_in = mlp->size[layer], n_out = mlp->size[layer + 1];
  return mlp->torch_style ? mlp->weight[layer][out * n_in + in]
                          : mlp->weight[layer][in * n_out + out] * mlp->factor[layer];
}

/* Mean and 1 / standard deviation (biased variance). */
static void moments(const double *x, int n, double *mean, double *inverse_sigma) {
  double sum = 0, squares = 0;
  for (int k = 0; k < n; k++) sum += x[k];
  *mean = sum / n;
  for (int k = 0; k < n; k++) squares += (x[k] - *mean) * (x[k] - *mean);
  *inverse_sigma = 1 / sqrt(squares / n + LAYER_NORM_EPS);
}

void ftl_ref_mlp_forward(ftl_ref_mlp *mlp, const double *x, double *y) {
  const double *in = x;
  for (int layer = 0; layer < mlp->n_layers; layer++) {
    const bool last = layer == mlp->n_layers - 1;
    const int n_in = mlp->size[layer], n = mlp->size[layer + 1];
    double *linear = last ? y : mlp->linear[layer], *normed = mlp->normed[layer], *out = mlp->activated[layer];
    for (int o = 0; o < n; o++) linear[o] = mlp->bias[layer] ? mlp->bias[layer][o] : 0;
    for (int i = 0; i < n_in; i++)
      for (int o = 0; o < n; o++) linear[o] += weight_at(mlp, layer, i, o) * in[i];
    if (last) break;
    memcpy(normed, linear, (size_t)n * sizeof *normed);
    if (mlp->torch_style) {
      double mean, inverse_sigma;
      moments(linear, n, &mean, &inverse_sigma);
      for (int o = 0; o < n; o++)
        normed[o] = (linear[o] - mean) * inverse_sigma * mlp->norm_weight[layer][o] + mlp->norm_bias[layer][o];
    }
    double slope;
    for (int o = 0; o < n; o++)
      out[o] = (mlp->torch_style ? 1 : mlp->act_cst) * ftl_ref_activation(mlp->act, normed[o], &slope);
    in = out;
  }
}

/* d_x of y = LayerNorm(x), in place of d_y: with h = (x - mean)/sigma and g = d_y * weight,
   d_x = (g - mean(g) - h mean(g h)) / sigma. */
static void layer_norm_reverse(const ftl_ref_mlp *mlp, int layer, double *d) {
  const int n = mlp->size[layer + 1];
  const double *x = mlp->linear[layer], *weight = mlp->norm_weight[layer];
  double mean, inverse_sigma, mean_g = 0, mean_gh = 0;
  moments(x, n, &mean, &inverse_sigma);
  for (int o = 0; o < n; o++) {
    mean_g += d[o] * weight[o] / n;
    mean_gh += d[o] * weight[o] * (x[o] - mean) * inverse_sigma / n;
  }
  for (int o = 0; o < n; o++)
    d[o] = (d[o] * weight[o] - mean_g - (x[o] - mean) * inverse_sigma * mean_gh) * inverse_sigma;
}

void ftl_ref_mlp_reverse(ftl_ref_mlp *mlp, const double *x, const double *d_y, double *d_x) {
  double *d = mlp->d_a, *d_in = mlp->d_b;
  /* forward again, for the activations; its output goes where d_in will be written */
  ftl_ref_mlp_forward(mlp, x, d_in);
  memcpy(d, d_y, (size_t)mlp->size[mlp->n_layers] * sizeof *d);
  for (int layer = mlp->n_layers - 1; layer >= 0; layer--) {
    const int n_in = mlp->size[layer], n = mlp->size[layer + 1];
    if (layer < mlp->n_layers - 1) {
      for (int o = 0; o < n; o++) {
        double slope;
        ftl_ref_activation(mlp->act, mlp->normed[layer][o], &slope);
        d[o] *= (mlp->torch_style ? 1 : mlp->act_cst) * slope;
      }
      if (mlp->torch_style) layer_norm_reverse(mlp, layer, d);
    }
    for (int i = 0; i < n_in; i++) {
      d_in[i] = 0;
      for (int o = 0; o < n; o++) d_in[i] += weight_at(mlp, layer, i, o) * d[o];
    }
    double *swap = d;
    d = d_in, d_in = swap;
  }
  for (int i = 0; i < mlp->size[0]; i++) d_x[i] += d[i];
}
