/* The tensors of a MACE. Shapes as mace-torch 0.3.16 and e3nn 0.4.4 make them (mace.modules.blocks, .radial,
   .symmetric_contraction); initial laws as they draw them. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/schema_list.h"

/* mace's RadialMLP: Linear, LayerNorm, SiLU, Linear, ..., Linear as net.0, net.1, (net.2), net.3, ...; torch's Linear
   starts uniform within 1/sqrt(fan-in), weights and biases, LayerNorm with 1 and 0. */
static void add_radial_mlp(ftl_list *l, const char *net, const ftl_net_size *size, ftl_group group, int64_t in,
                           int64_t out) {
  for (int k = 0; k < size->n; k++) {
    const int64_t next = k < size->n - 1 ? size->width[k] : out;
    const double width = in > 0 ? 1 / __builtin_sqrt((double)in) : 0;
    const struct {
      int module;
      const char *part;
      ftl_initial initial;
      double width;
    } tensor[] = {{3 * k, "weight", FTL_INITIAL_UNIFORM, width},
                  {3 * k, "bias", FTL_INITIAL_UNIFORM, width},
                  {3 * k + 1, "weight", FTL_INITIAL_VALUE, 1},
                  {3 * k + 1, "bias", FTL_INITIAL_VALUE, 0}};
    for (int i = 0; i < (k < size->n - 1 ? 4 : 2); i++)
      ftl_spec_weight(ftl_schema_add(l->schema, i == 0 ? 2 : 1, (const int64_t[]){next, in},
                                     "interactions.%d.%s.net.%d.%s", l->layer, net, tensor[i].module, tensor[i].part),
                      group, l->layer, tensor[i].initial, tensor[i].width);
    in = next;
  }
}

static void add_element_embedding(ftl_list *l, const char *name, int64_t channels) {
  ftl_spec_elements(ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(l->arch->n_elements * channels),
                                                   "interactions.%d.%s.weight", l->layer, name),
                                    FTL_GROUP_RADIAL, l->layer, FTL_INITIAL_UNIFORM, 0.001),
                    0, 1, channels);
}

static void add_nonlinear(ftl_list *l, const ftl_layer_traits *traits, const ftl_conv_paths *paths, int64_t n_radial) {
  const int t = l->layer;
  const ftl_layer *layer = &l->arch->layer[t];
  const int64_t channels = ftl_irreps_count(&layer->node_feats, 0, 1), features = l->arch->num_bessel + 2 * channels;
  add_element_embedding(l, "source_embedding", channels);
  add_element_embedding(l, "target_embedding", channels);
  add_radial_mlp(l, "conv_tp_weights", &l->extents->weights[t], FTL_GROUP_RADIAL, features, n_radial);
  ftl_list_skip(l, traits);
  ftl_list_linear(l, "linear_res", FTL_GROUP_LINEAR, &layer->edge, &traits->message);
  ftl_list_linear(l, "linear_1", FTL_GROUP_LINEAR, &paths->mid, &traits->message);
  ftl_list_linear(l, "linear_2", FTL_GROUP_LINEAR, &layer->target, &layer->target);
  add_radial_mlp(l, "density_fn", &l->extents->density[t], FTL_GROUP_DENSITY, features, 1);
  static const struct {
    const char *name;
    double value;
  } normalisation[] = {{"alpha", 20}, {"beta", 0}};
  for (int k = 0; k < 2; k++)
    ftl_spec_weight(ftl_schema_add(l->schema, SCALAR, "interactions.%d.%s", t, normalisation[k].name),
                    FTL_GROUP_DENSITY, t, FTL_INITIAL_VALUE, normalisation[k].value)
        ->holds = FTL_HOLDS_NUMBERS;
}

static void add_agnostic(ftl_list *l, const ftl_layer_traits *traits, const ftl_conv_paths *paths, int64_t n_radial) {
  const int t = l->layer;
  const ftl_layer *layer = &l->arch->layer[t];
  char net[64];
  snprintf(net, sizeof net, "interactions.%d.conv_tp_weights", t);
  ftl_list_net(l, net, t, &l->extents->weights[t], FTL_GROUP_RADIAL, l->arch->num_bessel, n_radial);
  ftl_list_linear(l, "linear", FTL_GROUP_LINEAR, &paths->mid, &layer->target)->decays = true;
  ftl_list_skip(l, traits);
  snprintf(net, sizeof net, "interactions.%d.density_fn", t);
  if (traits->has_density) ftl_list_net(l, net, t, &l->extents->density[t], FTL_GROUP_DENSITY, l->arch->num_bessel, 1);
}

static ftl_status add_interaction(ftl_list *l, ftl_error *error) {
  const ftl_layer *layer = &l->arch->layer[l->layer];
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  ftl_conv_paths paths;
  int64_t n_radial = 0;
  FTL_TRY(ftl_conv_paths_make(&layer->edge, &l->arch->sh, &layer->target, &paths, error));
  for (int k = 0; k < paths.n; k++) n_radial += paths.mid.block[k].mul;
  ftl_list_linear(l, "linear_up", FTL_GROUP_LINEAR_UP, &layer->node_feats, &layer->edge);
  ftl_list_3j(l, &paths);
  (traits.nonlinear ? add_nonlinear : add_agnostic)(l, &traits, &paths, n_radial);
  return FTL_OK;
}

/* One output irrep of the symmetric contraction. U_matrix_nu is [2L+1][n_lm]^nu[k] (without the first for L = 0), its
   weights are [elements][k][channels]; the list `weights` runs down from correlation - 1. mace's Contraction starts
   with normal numbers divided by the number of paths. */
static void add_contraction(ftl_list *l, int block) {
  const int t = l->layer;
  const ftl_layer *layer = &l->arch->layer[t];
  const int64_t n_elements = layer->agnostic_product ? 1 : l->arch->n_elements;
  const int big_l = layer->product.block[block].l;
  int64_t n_lm = 0;
  char base[100];
  for (int k = 0; k < layer->target.n; k++) n_lm += 2 * layer->target.block[k].l + 1;
  snprintf(base, sizeof base, "products.%d.symmetric_contractions.contractions.%d", t, block);
  for (int nu = layer->correlation; nu >= 1; nu--) {
    const int64_t n_paths = l->extents->u_paths[t][block][nu - 1];
    const int64_t channels = layer->target.block[0].mul;
    int64_t shape[FTL_MAX_NDIM];
    int ndim = 0;
    char part[32] = "weights_max";
    if (big_l > 0) shape[ndim++] = 2 * big_l + 1;
    for (int k = 0; k < nu; k++) shape[ndim++] = n_lm;
    shape[ndim++] = n_paths;
    ftl_tensor_spec *u = ftl_schema_add(l->schema, ndim, shape, "%s.U_matrix_%d", base, nu);
    u->coupling = true;
    u->l[0] = big_l;
    u->nu = nu;
    if (nu < layer->correlation) snprintf(part, sizeof part, "weights.%d", layer->correlation - 1 - nu);
    ftl_tensor_spec *w = ftl_spec_weight(
        ftl_schema_add(l->schema, 3, (const int64_t[]){n_elements, n_paths, channels}, "%s.%s", base, part),
        FTL_GROUP_PRODUCT_WEIGHTS, t, FTL_INITIAL_NORMAL, n_paths > 0 ? 1.0 / (double)n_paths : 0);
    w->decays = true;
    if (!layer->agnostic_product) ftl_spec_elements(w, 0, 1, n_paths * channels);
  }
}

static void add_product(ftl_list *l) {
  const ftl_irreps *product = &l->arch->layer[l->layer].product;
  for (int k = 0; k < product->n; k++) add_contraction(l, k);
  ftl_spec_weight(
      ftl_schema_add(l->schema, VECTOR(ftl_linear_count(product, product)), "products.%d.linear.weight", l->layer),
      FTL_GROUP_PRODUCT_LINEAR, l->layer, FTL_INITIAL_NORMAL, 1)
      ->decays = true;
}

/* mace's mask_head gives each head its own block of hidden channels, in the order of the heads. */
static void add_readout(ftl_list *l, int k) {
  const ftl_readout *readout = &l->arch->readout[k];
  if (readout->kind == FTL_READOUT_RANDOM) {
    ftl_list_random_readout(l, k);
    return;
  }
  const int64_t in = ftl_irreps_count(&readout->in, 0, 1), mlp = ftl_irreps_count(&readout->mlp, 0, 1);
  const int64_t n_heads = l->arch->n_heads;
  const struct {
    const char *part;
    int64_t rows, columns;
    bool heads_in_rows, heads_in_columns;
  } linear[] = {{"linear.weight", in, n_heads, false, true}},
    nonlinear[] = {{"linear_1.weight", in, mlp, false, true},
                   {"linear_2.weight", mlp, n_heads, true, true},
                   {"linear_mid.weight", mlp, mlp, true, true},
                   {"linear_mid.bias", mlp, 1, true, false},
                   {"linear_2.bias", 1, n_heads, false, true}},
    *tensor = readout->kind == FTL_READOUT_LINEAR ? linear : nonlinear;
  const int n = readout->kind == FTL_READOUT_LINEAR ? 1 : readout->kind == FTL_READOUT_NONLINEAR ? 2 : 5;
  for (int i = 0; i < n; i++)
    ftl_spec_heads(ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(tensor[i].rows * tensor[i].columns),
                                                  "readouts.%d.%s", k, tensor[i].part),
                                   FTL_GROUP_READOUT, k, FTL_INITIAL_NORMAL, 1),
                   tensor[i].rows, tensor[i].heads_in_rows, tensor[i].columns, tensor[i].heads_in_columns);
}

/* ---- what belongs to no layer ---- */

static void add_basis(ftl_list *l) {
  const int64_t n = l->arch->num_bessel;
  switch (l->arch->radial) {
  case FTL_RADIAL_BESSEL:
    ftl_list_table(l, n, FTL_HOLDS_REALS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.bessel_weights");
    ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.r_max");
    ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.prefactor");
    break;
  case FTL_RADIAL_GAUSSIAN:
    ftl_list_table(l, n, FTL_HOLDS_REALS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.gaussian_weights");
    break;
  case FTL_RADIAL_CHEBYSHEV:
    ftl_schema_add(l->schema, MATRIX(1, n), "radial_embedding.bessel_fn.n")->group = FTL_GROUP_RADIAL;
    break;
  }
}

static void add_radial(ftl_list *l) {
  static const char *const agnesi[] = {"radial_embedding.distance_transform.q", "radial_embedding.distance_transform.p",
                                       "radial_embedding.distance_transform.a"};
  const ftl_transform_kind transform = l->arch->transform;
  add_basis(l);
  for (int k = 0; transform == FTL_TRANSFORM_AGNESI && k < 3; k++)
    ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, agnesi[k]);
  if (transform == FTL_TRANSFORM_SOFT)
    ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.distance_transform.alpha");
  if (transform != FTL_TRANSFORM_NONE)
    ftl_list_table(l, FTL_ANY_EXTENT, FTL_HOLDS_BY_ATOMIC_NUMBER, FTL_GROUP_RADIAL,
                   "radial_embedding.distance_transform.covalent_radii");
  ftl_list_number(l, FTL_HOLDS_EXPONENT, FTL_GROUP_RADIAL, "radial_embedding.cutoff_fn.p");
  ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.cutoff_fn.r_max");
  if (!l->arch->pair_repulsion) return;
  ftl_list_table(l, 4, FTL_HOLDS_REALS, FTL_GROUP_ZBL, "pair_repulsion_fn.c");
  ftl_list_number(l, FTL_HOLDS_EXPONENT, FTL_GROUP_ZBL, "pair_repulsion_fn.p");
  ftl_list_table(l, FTL_ANY_EXTENT, FTL_HOLDS_BY_ATOMIC_NUMBER, FTL_GROUP_ZBL, "pair_repulsion_fn.covalent_radii");
  ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_ZBL, "pair_repulsion_fn.a_exp");
  ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_ZBL, "pair_repulsion_fn.a_prefactor");
}

static void add_energies(ftl_list *l) {
  const int64_t n_heads = l->arch->n_heads, n_elements = l->arch->n_elements;
  static const char *const per_head[] = {"scale_shift.scale", "scale_shift.shift"};
  const int64_t shape[] = {n_heads, n_elements};
  const bool flat = l->extents->flat_e0;
  ftl_tensor_spec *e0 =
      ftl_schema_add(l->schema, flat ? 1 : 2, flat ? shape + 1 : shape, "atomic_energies_fn.atomic_energies");
  e0->group = FTL_GROUP_E0;
  ftl_spec_elements(e0, flat ? 0 : 1, n_heads, 1);
  ftl_spec_heads(e0, n_heads, true, n_elements, false);
  for (int k = 0; l->arch->scale_shift && k < 2; k++) {
    ftl_tensor_spec *spec = ftl_schema_add(l->schema, VECTOR(n_heads), "%s", per_head[k]);
    spec->holds = FTL_HOLDS_NUMBERS;
    spec->group = FTL_GROUP_SCALE_SHIFT;
    ftl_spec_heads(spec, n_heads, true, 1, false);
  }
}

ftl_status ftl_schema_list_mace(const ftl_architecture *arch, const ftl_open_extents *extents, ftl_schema *schema,
                                ftl_error *error) {
  ftl_list l = {.arch = arch, .extents = extents, .schema = schema};
  const int64_t channels = ftl_irreps_count(&arch->layer[0].node_feats, 0, 1);
  ftl_tensor_spec *numbers = ftl_schema_add(schema, VECTOR(arch->n_elements), "atomic_numbers");
  numbers->holds = FTL_HOLDS_NUMBERS;
  ftl_spec_elements(numbers, 0, 1, 1);
  ftl_list_number(&l, FTL_HOLDS_NUMBERS, FTL_GROUP_NONE, "num_interactions");
  ftl_list_number(&l, FTL_HOLDS_NUMBERS, FTL_GROUP_NONE, "r_max");
  add_radial(&l);
  add_energies(&l);
  ftl_spec_elements(
      ftl_spec_weight(ftl_schema_add(schema, VECTOR(arch->n_elements * channels), "node_embedding.linear.weight"),
                      FTL_GROUP_EMBEDDING, -1, FTL_INITIAL_NORMAL, 1),
      0, 1, channels);
  for (l.layer = 0; l.layer < arch->n_layers; l.layer++) {
    FTL_TRY(add_interaction(&l, error));
    add_product(&l);
  }
  for (int k = 0; k < arch->n_readouts; k++) add_readout(&l, k);
  return FTL_OK;
}

/* ---- extents of a source ---- */

void ftl_open_extents_of_mace(const ftl_source *source, ftl_open_extents *extents) {
  const ftl_architecture *arch = &source->arch;
  const ftl_tensor *e0 = ftl_tensors_find(&source->tensors, "atomic_energies_fn.atomic_energies");
  char name[160];
  memset(extents, 0, sizeof *extents);
  extents->flat_e0 = e0 && e0->ndim == 1 && arch->n_heads == 1;
  for (int t = 0; t < arch->n_layers; t++) {
    const ftl_layer *layer = &arch->layer[t];
    const bool nonlinear = ftl_layer_traits_of(layer).nonlinear;
    const char *part = nonlinear ? "net." : "layer";
    snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
    ftl_net_of(source, name, part, nonlinear ? 3 : 1, nonlinear, &extents->weights[t]);
    snprintf(name, sizeof name, "interactions.%d.density_fn", t);
    ftl_net_of(source, name, part, nonlinear ? 3 : 1, nonlinear, &extents->density[t]);
    for (int block = 0; block < layer->product.n; block++)
      for (int nu = 1; nu <= layer->correlation; nu++) {
        const int ndim = nu + 1 + (layer->product.block[block].l > 0);
        snprintf(name, sizeof name, "products.%d.symmetric_contractions.contractions.%d.U_matrix_%d", t, block, nu);
        extents->u_paths[t][block][nu - 1] = ftl_extent(ftl_tensors_find(&source->tensors, name), ndim, ndim - 1);
      }
  }
}
