/* The tensors of a new model: weights drawn as mace-torch 0.3.16 and e3nn 0.4.4 initialise them, constants as they
   compute them. Shapes as in core/model/expect.c. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/error.h"
#include "model/expect.h"
#include "scratch/constants.h"
#include "scratch/coupling.h"
#include "scratch/scratch_internal.h"
#include "scratch/wigner.h"

typedef struct {
  const ftl_scratch_options *options;
  const ftl_architecture *arch;
  ftl_random *random;
  ftl_source *source;
  ftl_error *error;
  ftl_status status; /* of the first failure; everything after it is skipped */
} builder;

/* ---- one tensor ---- */

typedef struct {
  int ndim;
  int64_t n[FTL_MAX_NDIM];
} shape;

#define SCALAR       ((shape){0})
#define VECTOR(n)    ((shape){1, {n}})
#define MATRIX(n, m) ((shape){2, {n, m}})

static int64_t shape_count(const shape *s) {
  int64_t count = 1;
  for (int d = 0; d < s->ndim; d++) count *= s->n[d];
  return count;
}

/* Real numbers in the model's type. values = NULL: no memory was found for them. */
static void add_values(builder *b, shape s, const double *values, bool is_parameter, const char *format, va_list args) {
  const int64_t count = shape_count(&s);
  float *single = NULL;
  char name[200];
  if (b->status) return;
  vsnprintf(name, sizeof name, format, args);
  if (values && b->options->dtype == FTL_F32) {
    single = malloc((size_t)count * sizeof *single);
    for (int64_t k = 0; single && k < count; k++) single[k] = (float)values[k];
    if (!single) values = NULL;
  }
  b->status = values ? ftl_tensors_add(&b->source->tensors, name, b->options->dtype, s.ndim, s.n,
                                       single ? (const void *)single : values, is_parameter, b->error)
                     : ftl_fail(b->error, FTL_ERR_MEMORY, b->source->path, "no memory for tensor %s", name);
  free(single);
}

static void __attribute__((format(printf, 4, 5)))
add_constant(builder *b, shape s, const double *values, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add_values(b, s, values, false, format, args);
  va_end(args);
}

static void __attribute__((format(printf, 3, 4))) add_scalar(builder *b, double value, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add_values(b, SCALAR, &value, false, format, args);
  va_end(args);
}

static void __attribute__((format(printf, 4, 5)))
add_parameter(builder *b, shape s, const double *values, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add_values(b, s, values, true, format, args);
  va_end(args);
}

static void add_integers(builder *b, const char *name, ftl_dtype dtype, shape s, const void *values) {
  if (!b->status) b->status = ftl_tensors_add(&b->source->tensors, name, dtype, s.ndim, s.n, values, false, b->error);
}

/* ---- random numbers ---- */

typedef enum { NORMAL, UNIFORM } distribution; /* of width 1: variance 1; from -1 to 1 */

static void __attribute__((format(printf, 5, 6)))
add_random(builder *b, shape s, distribution kind, double width, const char *format, ...) {
  const int64_t count = shape_count(&s);
  double *values;
  va_list args;
  if (b->status) return;
  values = malloc((size_t)count * sizeof *values);
  for (int64_t k = 0; values && k < count; k++)
    values[k] = width * (kind == NORMAL ? ftl_random_normal(b->random) : 2 * ftl_random_uniform(b->random) - 1);
  va_start(args, format);
  add_values(b, s, values, true, format, args);
  va_end(args);
  free(values);
}

/* ---- blocks ---- */

/* e3nn's FullyConnectedNet: normal numbers, normalised by the fan-in when it is evaluated. */
static void add_net(builder *b, const char *net, int64_t in, const int *hidden, int n_hidden, int64_t out) {
  for (int k = 0; k <= n_hidden; k++) {
    const int64_t next = k < n_hidden ? hidden[k] : out;
    add_random(b, MATRIX(in, next), NORMAL, 1, "%s.layer%d.weight", net, k);
    in = next;
  }
}

static void add_filled(builder *b, int64_t n, double value, const char *name) {
  double values[4096]; /* as wide as a layer may be: options.c */
  for (int64_t k = 0; k < n; k++) values[k] = value;
  add_parameter(b, VECTOR(n), values, "%s", name);
}

/* mace's RadialMLP: torch's Linear (uniform within 1/sqrt(fan-in), weights and biases) and LayerNorm (1 and 0). */
static void add_radial_mlp(builder *b, const char *net, int64_t in, const int *hidden, int n_hidden, int64_t out) {
  for (int k = 0; k <= n_hidden; k++) {
    const int64_t next = k < n_hidden ? hidden[k] : out;
    const double width = 1 / sqrt((double)in);
    char name[200];
    add_random(b, MATRIX(next, in), UNIFORM, width, "%s.net.%d.weight", net, 3 * k);
    add_random(b, VECTOR(next), UNIFORM, width, "%s.net.%d.bias", net, 3 * k);
    in = next;
    if (k == n_hidden) return;
    snprintf(name, sizeof name, "%s.net.%d.weight", net, 3 * k + 1);
    add_filled(b, next, 1, name);
    snprintf(name, sizeof name, "%s.net.%d.bias", net, 3 * k + 1);
    add_filled(b, next, 0, name);
  }
}

/* e3nn's generated code carries the tensors of those paths that it does not write out: no scalar among the three. Each
   once, in whatever order. */
static void add_w3j(builder *b, int t, const ftl_conv_paths *paths) {
  const ftl_layer *layer = &b->arch->layer[t];
  bool done[4][4][4] = {0}; /* core covers l up to 3 */
  for (int k = 0; k < paths->n; k++) {
    const int l1 = layer->edge.block[paths->path[k].in1].l, l2 = b->arch->sh.block[paths->path[k].in2].l;
    const int l3 = paths->mid.block[k].l;
    double w[7 * 7 * 7];
    if (!l1 || !l2 || !l3 || done[l1][l2][l3]) continue;
    done[l1][l2][l3] = true;
    ftl_wigner_3j(l1, l2, l3, w);
    add_constant(b, (shape){3, {2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1}}, w,
                 "interactions.%d.conv_tp._compiled_main_left_right._w3j_%d_%d_%d", t, l1, l2, l3);
  }
}

/* RealAgnosticResidualNonLinearInteractionBlock. */
static void add_nonlinear(builder *b, int t, const ftl_conv_paths *paths, int64_t n_radial) {
  static const int density[1] = {64};
  const ftl_scratch_options *o = b->options;
  const ftl_layer *layer = &b->arch->layer[t];
  const int64_t channels = ftl_irreps_count(&layer->node_feats, 0, 1), embedding = b->arch->n_elements * channels;
  const int64_t features = b->arch->num_bessel + 2 * channels;
  const ftl_irreps gate = ftl_gate_irreps(&layer->target);
  const double alpha = 20, beta = 0;
  char name[100];
  add_random(b, VECTOR(embedding), UNIFORM, 0.001, "interactions.%d.source_embedding.weight", t);
  add_random(b, VECTOR(embedding), UNIFORM, 0.001, "interactions.%d.target_embedding.weight", t);
  snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
  add_radial_mlp(b, name, features, o->radial_mlp, o->n_radial_mlp, n_radial);
  add_random(b, VECTOR(ftl_linear_count(&layer->node_feats, &layer->hidden)), NORMAL, 1,
             "interactions.%d.skip_tp.weight", t);
  add_random(b, VECTOR(ftl_linear_count(&layer->edge, &gate)), NORMAL, 1, "interactions.%d.linear_res.weight", t);
  add_random(b, VECTOR(ftl_linear_count(&paths->mid, &gate)), NORMAL, 1, "interactions.%d.linear_1.weight", t);
  add_random(b, VECTOR(ftl_linear_count(&layer->target, &layer->target)), NORMAL, 1, "interactions.%d.linear_2.weight",
             t);
  snprintf(name, sizeof name, "interactions.%d.density_fn", t);
  add_radial_mlp(b, name, features, density, 1, 1);
  add_parameter(b, SCALAR, &alpha, "interactions.%d.alpha", t);
  add_parameter(b, SCALAR, &beta, "interactions.%d.beta", t);
}

static void add_agnostic(builder *b, int t, const ftl_conv_paths *paths, int64_t n_radial) {
  const ftl_scratch_options *o = b->options;
  const ftl_layer *layer = &b->arch->layer[t];
  const bool density = layer->kind == FTL_INTERACTION_DENSITY || layer->kind == FTL_INTERACTION_DENSITY_RESIDUAL;
  const bool residual = layer->kind == FTL_INTERACTION_RESIDUAL || layer->kind == FTL_INTERACTION_DENSITY_RESIDUAL;
  const ftl_irreps *in = residual ? &layer->node_feats : &layer->target;
  const ftl_irreps *out = residual ? &layer->hidden : &layer->target;
  char name[100];
  snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
  add_net(b, name, b->arch->num_bessel, o->radial_mlp, o->n_radial_mlp, n_radial);
  add_random(b, VECTOR(ftl_linear_count(&paths->mid, &layer->target)), NORMAL, 1, "interactions.%d.linear.weight", t);
  add_random(b, VECTOR(b->arch->n_elements * ftl_linear_count(in, out)), NORMAL, 1, "interactions.%d.skip_tp.weight",
             t);
  snprintf(name, sizeof name, "interactions.%d.density_fn", t);
  if (density) add_net(b, name, b->arch->num_bessel, NULL, 0, 1);
}

static void add_interaction(builder *b, int t) {
  const ftl_layer *layer = &b->arch->layer[t];
  ftl_conv_paths paths;
  int64_t n_radial = 0;
  if (!b->status) b->status = ftl_conv_paths_make(&layer->edge, &b->arch->sh, &layer->target, &paths, b->error);
  if (b->status) return;
  for (int k = 0; k < paths.n; k++) n_radial += paths.mid.block[k].mul;
  add_random(b, VECTOR(ftl_linear_count(&layer->node_feats, &layer->edge)), NORMAL, 1,
             "interactions.%d.linear_up.weight", t);
  add_w3j(b, t, &paths);
  (layer->kind == FTL_INTERACTION_NONLINEAR ? add_nonlinear : add_agnostic)(b, t, &paths, n_radial);
}

/* mace's Contraction: weights are normal numbers divided by the number of paths. */
static void add_contraction(builder *b, int t, int block) {
  const ftl_layer *layer = &b->arch->layer[t];
  const int l = layer->product.block[block].l, max_ell = b->arch->sh.n - 1;
  char base[100];
  snprintf(base, sizeof base, "products.%d.symmetric_contractions.contractions.%d", t, block);
  for (int nu = layer->correlation; nu >= 1; nu--) {
    shape u_shape = {0}, weights = {3, {b->arch->n_elements, 0, layer->target.block[0].mul}};
    char part[32] = "weights_max";
    double *u;
    int n_paths;
    if (b->status || (b->status = ftl_u_matrix(max_ell, l, nu, &u, &n_paths, b->error))) return;
    if (l > 0) u_shape.n[u_shape.ndim++] = 2 * l + 1;
    for (int k = 0; k < nu; k++) u_shape.n[u_shape.ndim++] = (max_ell + 1) * (max_ell + 1);
    u_shape.n[u_shape.ndim++] = weights.n[1] = n_paths;
    add_constant(b, u_shape, u, "%s.U_matrix_%d", base, nu);
    free(u);
    if (nu < layer->correlation) snprintf(part, sizeof part, "weights.%d", layer->correlation - 1 - nu);
    add_random(b, weights, NORMAL, 1.0 / n_paths, "%s.%s", base, part);
  }
}

static void add_product(builder *b, int t) {
  const ftl_irreps *product = &b->arch->layer[t].product;
  for (int k = 0; k < product->n; k++) add_contraction(b, t, k);
  add_random(b, VECTOR(ftl_linear_count(product, product)), NORMAL, 1, "products.%d.linear.weight", t);
}

static void add_readout(builder *b, int k) {
  const ftl_readout *readout = &b->arch->readout[k];
  const int64_t in = ftl_irreps_count(&readout->in, 0, 1), mlp = ftl_irreps_count(&readout->mlp, 0, 1);
  if (readout->kind == FTL_READOUT_LINEAR) {
    add_random(b, VECTOR(in * b->arch->n_heads), NORMAL, 1, "readouts.%d.linear.weight", k);
    return;
  }
  add_random(b, VECTOR(in * mlp), NORMAL, 1, "readouts.%d.linear_1.weight", k);
  add_random(b, VECTOR(mlp * b->arch->n_heads), NORMAL, 1, "readouts.%d.linear_2.weight", k);
}

/* ---- constants ---- */

static void add_basis(builder *b) {
  const int n = b->arch->num_bessel;
  const double r_max = b->arch->r_max;
  double values[1024]; /* as many as options.c allows */
  for (int k = 0; k < n; k++) switch (b->arch->radial) {
    case FTL_RADIAL_BESSEL:
      values[k] = M_PI / r_max * (k + 1);
      break;
    case FTL_RADIAL_GAUSSIAN:
      values[k] = r_max * k / (n - 1);
      break;
    case FTL_RADIAL_CHEBYSHEV:
      values[k] = k + 1;
      break;
    }
  if (b->arch->radial == FTL_RADIAL_CHEBYSHEV) add_constant(b, MATRIX(1, n), values, "radial_embedding.bessel_fn.n");
  if (b->arch->radial == FTL_RADIAL_GAUSSIAN)
    add_constant(b, VECTOR(n), values, "radial_embedding.bessel_fn.gaussian_weights");
  if (b->arch->radial != FTL_RADIAL_BESSEL) return;
  add_constant(b, VECTOR(n), values, "radial_embedding.bessel_fn.bessel_weights");
  add_scalar(b, r_max, "radial_embedding.bessel_fn.r_max");
  add_scalar(b, sqrt(2 / r_max), "radial_embedding.bessel_fn.prefactor");
}

/* Defaults of mace.modules.radial. */
static void add_radial(builder *b) {
  static const double zbl[] = {0.1818, 0.5099, 0.2802, 0.02817};
  const int32_t p = b->options->cutoff_p;
  add_basis(b);
  if (b->arch->transform == FTL_TRANSFORM_AGNESI) {
    add_scalar(b, 0.9183, "radial_embedding.distance_transform.q");
    add_scalar(b, 4.5791, "radial_embedding.distance_transform.p");
    add_scalar(b, 1.0805, "radial_embedding.distance_transform.a");
  }
  if (b->arch->transform == FTL_TRANSFORM_SOFT) add_scalar(b, 4, "radial_embedding.distance_transform.alpha");
  if (b->arch->transform != FTL_TRANSFORM_NONE)
    add_constant(b, VECTOR(FTL_N_RADII), ftl_covalent_radii, "radial_embedding.distance_transform.covalent_radii");
  add_integers(b, "radial_embedding.cutoff_fn.p", FTL_I32, SCALAR, &p);
  add_scalar(b, b->arch->r_max, "radial_embedding.cutoff_fn.r_max");
  if (!b->arch->pair_repulsion) return;
  add_constant(b, VECTOR(4), zbl, "pair_repulsion_fn.c");
  add_integers(b, "pair_repulsion_fn.p", FTL_I32, SCALAR, &p);
  add_constant(b, VECTOR(FTL_N_RADII), ftl_covalent_radii, "pair_repulsion_fn.covalent_radii");
  add_scalar(b, 0.3, "pair_repulsion_fn.a_exp");
  add_scalar(b, 0.4543, "pair_repulsion_fn.a_prefactor");
}

/* E0, scale and shift as options, whose elements are in any order. */
static void add_energies(builder *b) {
  const ftl_scratch_options *o = b->options;
  const int n = b->arch->n_elements, n_heads = b->arch->n_heads;
  double e0[FTL_MAX_HEADS * FTL_MAX_ELEMENTS] = {0}, scale[FTL_MAX_HEADS], shift[FTL_MAX_HEADS];
  for (int h = 0; h < n_heads; h++) {
    for (int k = 0; o->e0 && k < n; k++)
      for (int j = 0; j < n; j++)
        if (o->elements[j] == b->arch->atomic_numbers[k]) e0[h * n + k] = o->e0[h * n + j];
    scale[h] = o->scale ? o->scale[h] : 1;
    shift[h] = o->shift ? o->shift[h] : 0;
  }
  add_constant(b, MATRIX(n_heads, n), e0, "atomic_energies_fn.atomic_energies");
  add_constant(b, VECTOR(n_heads), scale, "scale_shift.scale");
  add_constant(b, VECTOR(n_heads), shift, "scale_shift.shift");
}

ftl_status ftl_scratch_tensors(const ftl_scratch_options *options, ftl_random *random, ftl_source *source,
                               ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  builder b = {.options = options, .arch = arch, .random = random, .source = source, .error = error};
  const int64_t n_layers = arch->n_layers;
  int64_t numbers[FTL_MAX_ELEMENTS];
  for (int k = 0; k < arch->n_elements; k++) numbers[k] = arch->atomic_numbers[k];
  add_integers(&b, "atomic_numbers", FTL_I64, VECTOR(arch->n_elements), numbers);
  add_integers(&b, "num_interactions", FTL_I64, SCALAR, &n_layers);
  add_scalar(&b, arch->r_max, "r_max");
  add_radial(&b);
  add_energies(&b);
  add_random(&b, VECTOR(arch->n_elements * ftl_irreps_count(&arch->layer[0].node_feats, 0, 1)), NORMAL, 1,
             "node_embedding.linear.weight");
  for (int t = 0; t < arch->n_layers; t++) {
    add_interaction(&b, t);
    add_product(&b, t);
  }
  for (int k = 0; k < arch->n_readouts; k++) add_readout(&b, k);
  ftl_tensors_sort(&source->tensors);
  return b.status;
}
