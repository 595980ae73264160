/* Shapes as mace-torch 0.3.16 and e3nn 0.4.4 make them (mace.modules.blocks, .radial, .symmetric_contraction). */
#include "model/expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/error.h"

#define ANY (-1) /* an extent that only has to be positive */

typedef struct {
  const ftl_source *source;
  bool *used; /* by tensor */
  ftl_error *error;
  ftl_status status; /* of the first failure; everything after it is skipped */
} list;

static void format_shape(char *text, size_t size, int ndim, const int64_t *shape) {
  size_t used = (size_t)snprintf(text, size, "[");
  for (int d = 0; d < ndim && used < size; d++)
    used += shape[d] == ANY ? (size_t)snprintf(text + used, size - used, "%s?", d ? ", " : "")
                            : (size_t)snprintf(text + used, size - used, "%s%lld", d ? ", " : "", (long long)shape[d]);
  if (used < size) snprintf(text + used, size - used, "]");
}

static const ftl_tensor *look_up(list *l, const char *name) {
  const ftl_tensor *t = ftl_tensors_find(&l->source->tensors, name);
  if (t) l->used[t - l->source->tensors.tensor] = true;
  return t;
}

static bool is_real(const ftl_tensor *t) { return t->dtype == FTL_F32 || t->dtype == FTL_F64; }

/* A real tensor of this shape; NULL once anything has failed. */
static const ftl_tensor *need(list *l, int ndim, const int64_t *shape, const char *name) {
  const ftl_tensor *t;
  char wanted[128], found[128];
  bool good;
  if (l->status) return NULL;
  t = look_up(l, name);
  if (!t) {
    l->status = ftl_fail(l->error, FTL_ERR_FORMAT, l->source->path, "tensor %s is missing", name);
    return NULL;
  }
  good = t->ndim == ndim;
  for (int d = 0; good && d < ndim; d++) good = shape[d] == ANY ? t->shape[d] > 0 : t->shape[d] == shape[d];
  if (good && is_real(t)) return t;
  format_shape(wanted, sizeof wanted, ndim, shape);
  format_shape(found, sizeof found, t->ndim, t->shape);
  l->status = ftl_fail(l->error, FTL_ERR_FORMAT, l->source->path,
                       "tensor %s has shape %s and type %s, but the architecture needs %s of F32 or F64", name, found,
                       ftl_dtype_name(t->dtype), wanted);
  return NULL;
}

static const ftl_tensor *__attribute__((format(printf, 3, 4))) need_1d(list *l, int64_t n, const char *format, ...) {
  char name[200];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  return need(l, 1, &n, name);
}

static const ftl_tensor *__attribute__((format(printf, 4, 5)))
need_2d(list *l, int64_t n, int64_t m, const char *format, ...) {
  char name[200];
  int64_t shape[2] = {n, m};
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  return need(l, 2, shape, name);
}

/* n numbers in a vector; one number may also be a scalar. Any dtype. */
static const ftl_tensor *need_numbers(list *l, int64_t n, const char *name) {
  const ftl_tensor *t;
  if (l->status) return NULL;
  t = look_up(l, name);
  if (t && t->count == n && (t->ndim == 1 || (t->ndim == 0 && n == 1))) return t;
  if (t)
    l->status = ftl_fail(l->error, FTL_ERR_FORMAT, l->source->path,
                         "tensor %s has %lld elements in %d dimensions, but the architecture needs %lld", name,
                         (long long)t->count, t->ndim, (long long)n);
  else l->status = ftl_fail(l->error, FTL_ERR_FORMAT, l->source->path, "tensor %s is missing", name);
  return NULL;
}

static void __attribute__((format(printf, 2, 3))) need_scalar(list *l, const char *format, ...) {
  char name[200];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  need_numbers(l, 1, name);
}

/* ---- numbers of weights ---- */

int64_t ftl_linear_count(const ftl_irreps *in, const ftl_irreps *out) {
  int64_t n = 0;
  for (int i = 0; i < in->n; i++)
    for (int o = 0; o < out->n; o++)
      if (in->block[i].l == out->block[o].l && in->block[i].p == out->block[o].p)
        n += (int64_t)in->block[i].mul * out->block[o].mul;
  return n;
}

ftl_irreps ftl_gate_irreps(const ftl_irreps *target) {
  ftl_irreps irreps = *target;
  for (int k = 0; k < target->n; k++)
    if (target->block[k].l > 0 && irreps.n < FTL_MAX_BLOCKS)
      irreps.block[irreps.n++] = (ftl_irrep){target->block[k].mul, 0, 1};
  return irreps;
}

/* ---- blocks ---- */

/* e3nn's FullyConnectedNet without biases: layer0 .. layerN, [in][out]. */
static void need_net(list *l, const char *net, int64_t in, int64_t out) {
  char name[256];
  int n = 0;
  do {
    n++;
    snprintf(name, sizeof name, "%s.layer%d.weight", net, n);
  } while (n < 100 && ftl_tensors_find(&l->source->tensors, name));
  for (int k = 0; k < n; k++) {
    const ftl_tensor *t = need_2d(l, in, k == n - 1 ? out : ANY, "%s.layer%d.weight", net, k);
    if (!t) return;
    in = t->shape[1];
  }
}

/* mace's RadialMLP: Linear, LayerNorm, SiLU, Linear, ..., Linear as net.0, net.1, (net.2), net.3, ... */
static void need_radial_mlp(list *l, const char *net, int64_t in, int64_t out) {
  char name[256];
  int n = 0;
  do {
    n++;
    snprintf(name, sizeof name, "%s.net.%d.weight", net, 3 * n);
  } while (n < 100 && ftl_tensors_find(&l->source->tensors, name));
  for (int k = 0; k < n; k++) {
    const ftl_tensor *t = need_2d(l, k == n - 1 ? out : ANY, in, "%s.net.%d.weight", net, 3 * k);
    if (!t) return;
    in = t->shape[0];
    need_1d(l, in, "%s.net.%d.bias", net, 3 * k);
    if (k == n - 1) return;
    need_1d(l, in, "%s.net.%d.weight", net, 3 * k + 1);
    need_1d(l, in, "%s.net.%d.bias", net, 3 * k + 1);
  }
}

static void need_w3j(list *l, int t, int l1, int l2, int l3) {
  int64_t shape[3] = {2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1};
  char name[200];
  snprintf(name, sizeof name, "interactions.%d.conv_tp._compiled_main_left_right._w3j_%d_%d_%d", t, l1, l2, l3);
  /* e3nn writes products with a scalar out as plain code, unless its optimisation is switched off. */
  if ((l1 && l2 && l3) || ftl_tensors_find(&l->source->tensors, name)) need(l, 3, shape, name);
}

static void need_interaction(list *l, int t) {
  const ftl_architecture *arch = &l->source->arch;
  const ftl_layer *layer = &arch->layer[t];
  const int64_t channels = ftl_irreps_count(&layer->node_feats, 0, 1);
  const bool nonlinear = layer->kind == FTL_INTERACTION_NONLINEAR;
  int64_t n_radial = 0, features = arch->num_bessel, skip;
  ftl_conv_paths paths;
  ftl_irreps gate = ftl_gate_irreps(&layer->target);
  char name[200];
  if (l->status) return;
  l->status = ftl_conv_paths_make(&layer->edge, &arch->sh, &layer->target, &paths, l->error);
  if (l->status) return;
  for (int k = 0; k < paths.n; k++) {
    n_radial += paths.mid.block[k].mul;
    need_w3j(l, t, layer->edge.block[paths.path[k].in1].l, arch->sh.block[paths.path[k].in2].l, paths.mid.block[k].l);
  }
  need_1d(l, ftl_linear_count(&layer->node_feats, &layer->edge), "interactions.%d.linear_up.weight", t);
  if (nonlinear) {
    need_1d(l, arch->n_elements * channels, "interactions.%d.source_embedding.weight", t);
    need_1d(l, arch->n_elements * channels, "interactions.%d.target_embedding.weight", t);
    need_1d(l, ftl_linear_count(&layer->edge, &gate), "interactions.%d.linear_res.weight", t);
    need_1d(l, ftl_linear_count(&paths.mid, &gate), "interactions.%d.linear_1.weight", t);
    need_1d(l, ftl_linear_count(&layer->target, &layer->target), "interactions.%d.linear_2.weight", t);
    need_scalar(l, "interactions.%d.alpha", t);
    need_scalar(l, "interactions.%d.beta", t);
    features += 2 * channels;
  } else {
    need_1d(l, ftl_linear_count(&paths.mid, &layer->target), "interactions.%d.linear.weight", t);
  }
  switch (layer->kind) {
  case FTL_INTERACTION:
  case FTL_INTERACTION_DENSITY:
    skip = arch->n_elements * ftl_linear_count(&layer->target, &layer->target);
    break;
  case FTL_INTERACTION_RESIDUAL:
  case FTL_INTERACTION_DENSITY_RESIDUAL:
    skip = arch->n_elements * ftl_linear_count(&layer->node_feats, &layer->hidden);
    break;
  default:
    skip = ftl_linear_count(&layer->node_feats, &layer->hidden);
  }
  need_1d(l, skip, "interactions.%d.skip_tp.weight", t);
  snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
  (nonlinear ? need_radial_mlp : need_net)(l, name, features, n_radial);
  snprintf(name, sizeof name, "interactions.%d.density_fn", t);
  if (nonlinear) need_radial_mlp(l, name, features, 1);
  else if (layer->kind == FTL_INTERACTION_DENSITY || layer->kind == FTL_INTERACTION_DENSITY_RESIDUAL)
    need_net(l, name, features, 1);
}

/* One output irrep of the symmetric contraction. U_matrix_nu is [2L+1][n_lm]^nu[k] (without the first for L = 0), its
   weights are [elements][k][channels]; the list `weights` runs down from correlation - 1. */
static void need_contraction(list *l, int t, int block) {
  const ftl_architecture *arch = &l->source->arch;
  const ftl_layer *layer = &arch->layer[t];
  const int64_t n_elements = layer->agnostic_product ? 1 : arch->n_elements;
  const int big_l = layer->product.block[block].l;
  int64_t n_lm = 0;
  char base[100], name[200];
  for (int k = 0; k < layer->target.n; k++) n_lm += 2 * layer->target.block[k].l + 1;
  snprintf(base, sizeof base, "products.%d.symmetric_contractions.contractions.%d", t, block);
  for (int nu = 1; nu <= layer->correlation; nu++) {
    int64_t shape[FTL_MAX_NDIM];
    int ndim = 0;
    const ftl_tensor *u;
    if (big_l > 0) shape[ndim++] = 2 * big_l + 1;
    for (int k = 0; k < nu; k++) shape[ndim++] = n_lm;
    shape[ndim++] = ANY;
    snprintf(name, sizeof name, "%s.U_matrix_%d", base, nu);
    u = need(l, ndim, shape, name);
    if (!u) return;
    int64_t weights[3] = {n_elements, u->shape[ndim - 1], layer->target.block[0].mul};
    if (nu == layer->correlation) snprintf(name, sizeof name, "%s.weights_max", base);
    else snprintf(name, sizeof name, "%s.weights.%d", base, layer->correlation - 1 - nu);
    need(l, 3, weights, name);
  }
}

static void need_product(list *l, int t) {
  const ftl_layer *layer = &l->source->arch.layer[t];
  for (int k = 0; k < layer->product.n; k++) need_contraction(l, t, k);
  need_1d(l, ftl_linear_count(&layer->product, &layer->product), "products.%d.linear.weight", t);
}

static void need_readout(list *l, int k) {
  const ftl_architecture *arch = &l->source->arch;
  const ftl_readout *readout = &arch->readout[k];
  const int64_t in = ftl_irreps_count(&readout->in, 0, 1);
  int64_t mlp;
  if (readout->kind == FTL_READOUT_LINEAR) {
    need_1d(l, in * arch->n_heads, "readouts.%d.linear.weight", k);
    return;
  }
  mlp = ftl_irreps_count(&readout->mlp, 0, 1);
  need_1d(l, in * mlp, "readouts.%d.linear_1.weight", k);
  need_1d(l, mlp * arch->n_heads, "readouts.%d.linear_2.weight", k);
  if (readout->kind == FTL_READOUT_NONLINEAR_BIAS) {
    need_1d(l, mlp * mlp, "readouts.%d.linear_mid.weight", k);
    need_1d(l, mlp, "readouts.%d.linear_mid.bias", k);
    need_1d(l, arch->n_heads, "readouts.%d.linear_2.bias", k);
  }
}

/* A table indexed by atomic number. */
static void need_radii(list *l, const char *name) {
  const ftl_architecture *arch = &l->source->arch;
  const ftl_tensor *t = need_1d(l, ANY, "%s", name);
  for (int k = 0; t && k < arch->n_elements; k++)
    if (arch->atomic_numbers[k] >= t->count) {
      l->status = ftl_fail(l->error, FTL_ERR_FORMAT, l->source->path, "tensor %s ends before atomic number %d", name,
                           arch->atomic_numbers[k]);
      return;
    }
}

/* The exponent of a polynomial cutoff: a whole number, though some versions save it as a float. */
static void need_exponent(list *l, const char *name) {
  const ftl_tensor *t = need_numbers(l, 1, name);
  double p = t ? ftl_tensor_at(t, 0) : 1;
  if (t && !(p >= 1 && p <= 100 && p == (int)p))
    l->status = ftl_fail(l->error, FTL_ERR_UNSUPPORTED, l->source->path,
                         "tensor %s is %g; cutoff exponents from 1 to 100 are covered", name, p);
}

static void need_radial(list *l) {
  const ftl_architecture *arch = &l->source->arch;
  static const char *const agnesi[] = {"q", "p", "a"};
  switch (arch->radial) {
  case FTL_RADIAL_BESSEL:
    need_1d(l, arch->num_bessel, "radial_embedding.bessel_fn.bessel_weights");
    need_scalar(l, "radial_embedding.bessel_fn.r_max");
    need_scalar(l, "radial_embedding.bessel_fn.prefactor");
    break;
  case FTL_RADIAL_GAUSSIAN:
    need_1d(l, arch->num_bessel, "radial_embedding.bessel_fn.gaussian_weights");
    break;
  case FTL_RADIAL_CHEBYSHEV:
    need_2d(l, 1, arch->num_bessel, "radial_embedding.bessel_fn.n");
    break;
  }
  if (arch->transform == FTL_TRANSFORM_AGNESI)
    for (int k = 0; k < 3; k++) need_scalar(l, "radial_embedding.distance_transform.%s", agnesi[k]);
  if (arch->transform == FTL_TRANSFORM_SOFT) need_scalar(l, "radial_embedding.distance_transform.alpha");
  if (arch->transform != FTL_TRANSFORM_NONE) need_radii(l, "radial_embedding.distance_transform.covalent_radii");
  need_exponent(l, "radial_embedding.cutoff_fn.p");
  need_scalar(l, "radial_embedding.cutoff_fn.r_max");
  if (arch->pair_repulsion) {
    need_1d(l, 4, "pair_repulsion_fn.c");
    need_exponent(l, "pair_repulsion_fn.p");
    need_radii(l, "pair_repulsion_fn.covalent_radii");
    need_scalar(l, "pair_repulsion_fn.a_exp");
    need_scalar(l, "pair_repulsion_fn.a_prefactor");
  }
}

static void need_model(list *l) {
  const ftl_architecture *arch = &l->source->arch;
  const ftl_tensor *energies = ftl_tensors_find(&l->source->tensors, "atomic_energies_fn.atomic_energies");
  need_numbers(l, arch->n_elements, "atomic_numbers");
  need_scalar(l, "r_max");
  need_scalar(l, "num_interactions");
  need_1d(l, (int64_t)arch->n_elements * ftl_irreps_count(&arch->layer[0].node_feats, 0, 1),
          "node_embedding.linear.weight");
  need_radial(l);
  /* [elements] before there were heads, [heads][elements] since. */
  if (energies && energies->ndim == 1 && arch->n_heads == 1)
    need_1d(l, arch->n_elements, "atomic_energies_fn.atomic_energies");
  else need_2d(l, arch->n_heads, arch->n_elements, "atomic_energies_fn.atomic_energies");
  for (int t = 0; t < arch->n_layers; t++) {
    need_interaction(l, t);
    need_product(l, t);
  }
  for (int k = 0; k < arch->n_readouts; k++) need_readout(l, k);
  if (arch->scale_shift) {
    need_numbers(l, arch->n_heads, "scale_shift.scale");
    need_numbers(l, arch->n_heads, "scale_shift.shift");
  }
}

ftl_status ftl_expect_tensors(const ftl_source *source, ftl_error *error) {
  list l = {.source = source, .error = error};
  l.used = calloc((size_t)source->tensors.n + 1, sizeof *l.used);
  if (!l.used) return ftl_fail(error, FTL_ERR_MEMORY, source->path, "no memory to check the tensors");
  need_model(&l);
  for (int k = 0; !l.status && k < source->tensors.n; k++)
    if (!l.used[k])
      l.status = ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                          "tensor %s belongs to no block that is covered: the model has an option this version does "
                          "not know",
                          source->tensors.tensor[k].name);
  free(l.used);
  return l.status;
}
