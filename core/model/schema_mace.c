/* The tensors of a MACE. Shapes as mace-torch 0.3.16 and e3nn 0.4.4 make them (mace.modules.blocks, .radial,
   .symmetric_contraction); initial laws as they draw them. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/schema.h"
#include "model/traits.h"

#define SCALAR 0, NULL
#define VECTOR(n)                                                                                                      \
  1, (const int64_t[]) { n }
#define MATRIX(n, m)                                                                                                   \
  2, (const int64_t[]) { n, m }

typedef struct {
  const ftl_architecture *arch;
  const ftl_open_extents *extents;
  ftl_schema *schema;
  int layer;
} list;

/* ---- marks on a spec ---- */

static ftl_tensor_spec *weight(ftl_tensor_spec *spec, ftl_group group, int layer, ftl_initial initial, double width) {
  spec->group = group;
  spec->layer = layer;
  spec->initial = initial;
  spec->width = width;
  return spec;
}

static void one_element_axis(ftl_tensor_spec *spec, int axis, int64_t outer, int64_t inner) {
  spec->element_axis = axis;
  spec->n_parts = 1;
  spec->part[0] = (ftl_element_part){outer, inner};
}

static void heads(ftl_tensor_spec *spec, int64_t rows, bool in_rows, int64_t columns, bool in_columns) {
  spec->rows = rows;
  spec->columns = columns;
  spec->heads_in_rows = in_rows;
  spec->heads_in_columns = in_columns;
}

/* ---- blocks ---- */

/* e3nn's FullyConnectedNet without biases: layer0 .. layerN, [in][out]; normalised by the fan-in when it is evaluated.
 */
static void add_net(list *l, const char *net, const ftl_net_size *size, ftl_group group, int64_t in, int64_t out) {
  for (int k = 0; k < size->n; k++) {
    const int64_t next = k < size->n - 1 ? size->width[k] : out;
    weight(ftl_schema_add(l->schema, MATRIX(in, next), "interactions.%d.%s.layer%d.weight", l->layer, net, k), group,
           l->layer, FTL_INITIAL_NORMAL, 1);
    in = next;
  }
}

/* mace's RadialMLP: Linear, LayerNorm, SiLU, Linear, ..., Linear as net.0, net.1, (net.2), net.3, ...; torch's Linear
   starts uniform within 1/sqrt(fan-in), weights and biases, LayerNorm with 1 and 0. */
static void add_radial_mlp(list *l, const char *net, const ftl_net_size *size, ftl_group group, int64_t in,
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
      weight(ftl_schema_add(l->schema, i == 0 ? 2 : 1, (const int64_t[]){next, in}, "interactions.%d.%s.net.%d.%s",
                            l->layer, net, tensor[i].module, tensor[i].part),
             group, l->layer, tensor[i].initial, tensor[i].width);
    in = next;
  }
}

/* e3nn's generated code carries the 3j symbols of those paths that it does not write out: no scalar among the three,
   unless its optimisation is switched off. Each once. */
static void add_3j(list *l, const ftl_conv_paths *paths) {
  const ftl_layer *layer = &l->arch->layer[l->layer];
  bool done[8][8][8] = {0};
  for (int k = 0; k < paths->n; k++) {
    const int l1 = layer->edge.block[paths->path[k].in1].l, l2 = l->arch->sh.block[paths->path[k].in2].l;
    const int l3 = paths->mid.block[k].l;
    if (done[l1][l2][l3]) continue;
    done[l1][l2][l3] = true;
    ftl_tensor_spec *spec =
        ftl_schema_add(l->schema, 3, (const int64_t[]){2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1},
                       "interactions.%d.conv_tp._compiled_main_left_right._w3j_%d_%d_%d", l->layer, l1, l2, l3);
    spec->optional = !l1 || !l2 || !l3;
    spec->coupling = true;
    spec->l[0] = l1, spec->l[1] = l2, spec->l[2] = l3;
  }
}

/* An ordinary linear map of the interaction. */
static ftl_tensor_spec *add_linear(list *l, const char *name, ftl_group group, const ftl_irreps *in,
                                   const ftl_irreps *out) {
  return weight(
      ftl_schema_add(l->schema, VECTOR(ftl_linear_count(in, out)), "interactions.%d.%s.weight", l->layer, name), group,
      l->layer, FTL_INITIAL_NORMAL, 1);
}

/* By element: e3nn's FullyConnectedTensorProduct with the element's one-hot vector, a matrix [mul in][elements][mul
   out] for each pair of blocks with the same irrep. */
static void add_skip(list *l, const ftl_layer_traits *traits) {
  const ftl_irreps *in = &traits->skip_in, *out = &traits->skip_out;
  ftl_tensor_spec *spec = add_linear(l, "skip_tp", FTL_GROUP_SKIP, in, out);
  if (!traits->skip_by_element) return;
  spec->shape[0] *= l->arch->n_elements;
  for (int i = 0; i < in->n; i++)
    for (int o = 0; o < out->n; o++)
      if (in->block[i].l == out->block[o].l && in->block[i].p == out->block[o].p && spec->n_parts < FTL_MAX_BLOCKS)
        spec->part[spec->n_parts++] = (ftl_element_part){in->block[i].mul, out->block[o].mul};
}

static void add_element_embedding(list *l, const char *name, int64_t channels) {
  one_element_axis(weight(ftl_schema_add(l->schema, VECTOR(l->arch->n_elements * channels), "interactions.%d.%s.weight",
                                         l->layer, name),
                          FTL_GROUP_RADIAL, l->layer, FTL_INITIAL_UNIFORM, 0.001),
                   0, 1, channels);
}

static void add_nonlinear(list *l, const ftl_layer_traits *traits, const ftl_conv_paths *paths, int64_t n_radial) {
  const int t = l->layer;
  const ftl_layer *layer = &l->arch->layer[t];
  const int64_t channels = ftl_irreps_count(&layer->node_feats, 0, 1), features = l->arch->num_bessel + 2 * channels;
  add_element_embedding(l, "source_embedding", channels);
  add_element_embedding(l, "target_embedding", channels);
  add_radial_mlp(l, "conv_tp_weights", &l->extents->weights[t], FTL_GROUP_RADIAL, features, n_radial);
  add_skip(l, traits);
  add_linear(l, "linear_res", FTL_GROUP_LINEAR, &layer->edge, &traits->gate_input);
  add_linear(l, "linear_1", FTL_GROUP_LINEAR, &paths->mid, &traits->gate_input);
  add_linear(l, "linear_2", FTL_GROUP_LINEAR, &layer->target, &layer->target);
  add_radial_mlp(l, "density_fn", &l->extents->density[t], FTL_GROUP_DENSITY, features, 1);
  static const struct {
    const char *name;
    double value;
  } normalisation[] = {{"alpha", 20}, {"beta", 0}};
  for (int k = 0; k < 2; k++)
    weight(ftl_schema_add(l->schema, SCALAR, "interactions.%d.%s", t, normalisation[k].name), FTL_GROUP_DENSITY, t,
           FTL_INITIAL_VALUE, normalisation[k].value)
        ->holds = FTL_HOLDS_NUMBERS;
}

static void add_agnostic(list *l, const ftl_layer_traits *traits, const ftl_conv_paths *paths, int64_t n_radial) {
  const int t = l->layer;
  const ftl_layer *layer = &l->arch->layer[t];
  add_net(l, "conv_tp_weights", &l->extents->weights[t], FTL_GROUP_RADIAL, l->arch->num_bessel, n_radial);
  add_linear(l, "linear", FTL_GROUP_LINEAR, &paths->mid, &layer->target)->decays = true;
  add_skip(l, traits);
  if (traits->has_density) add_net(l, "density_fn", &l->extents->density[t], FTL_GROUP_DENSITY, l->arch->num_bessel, 1);
}

static ftl_status add_interaction(list *l, ftl_error *error) {
  const ftl_layer *layer = &l->arch->layer[l->layer];
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  ftl_conv_paths paths;
  int64_t n_radial = 0;
  FTL_TRY(ftl_conv_paths_make(&layer->edge, &l->arch->sh, &layer->target, &paths, error));
  for (int k = 0; k < paths.n; k++) n_radial += paths.mid.block[k].mul;
  add_linear(l, "linear_up", FTL_GROUP_LINEAR_UP, &layer->node_feats, &layer->edge);
  add_3j(l, &paths);
  (traits.nonlinear ? add_nonlinear : add_agnostic)(l, &traits, &paths, n_radial);
  return FTL_OK;
}

/* One output irrep of the symmetric contraction. U_matrix_nu is [2L+1][n_lm]^nu[k] (without the first for L = 0), its
   weights are [elements][k][channels]; the list `weights` runs down from correlation - 1. mace's Contraction starts
   with normal numbers divided by the number of paths. */
static void add_contraction(list *l, int block) {
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
    ftl_tensor_spec *w =
        weight(ftl_schema_add(l->schema, 3, (const int64_t[]){n_elements, n_paths, channels}, "%s.%s", base, part),
               FTL_GROUP_PRODUCT_WEIGHTS, t, FTL_INITIAL_NORMAL, n_paths > 0 ? 1.0 / (double)n_paths : 0);
    w->decays = true;
    if (!layer->agnostic_product) one_element_axis(w, 0, 1, n_paths * channels);
  }
}

static void add_product(list *l) {
  const ftl_irreps *product = &l->arch->layer[l->layer].product;
  for (int k = 0; k < product->n; k++) add_contraction(l, k);
  weight(ftl_schema_add(l->schema, VECTOR(ftl_linear_count(product, product)), "products.%d.linear.weight", l->layer),
         FTL_GROUP_PRODUCT_LINEAR, l->layer, FTL_INITIAL_NORMAL, 1)
      ->decays = true;
}

/* mace's mask_head gives each head its own block of hidden channels, in the order of the heads. */
static void add_readout(list *l, int k) {
  const ftl_readout *readout = &l->arch->readout[k];
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
    heads(weight(ftl_schema_add(l->schema, VECTOR(tensor[i].rows * tensor[i].columns), "readouts.%d.%s", k,
                                tensor[i].part),
                 FTL_GROUP_READOUT, k, FTL_INITIAL_NORMAL, 1),
          tensor[i].rows, tensor[i].heads_in_rows, tensor[i].columns, tensor[i].heads_in_columns);
}

/* ---- what belongs to no layer ---- */

static ftl_tensor_spec *add_number(list *l, ftl_holding holds, ftl_group group, const char *name) {
  ftl_tensor_spec *spec = ftl_schema_add(l->schema, SCALAR, "%s", name);
  spec->holds = holds;
  spec->group = group;
  return spec;
}

static void add_table(list *l, int64_t n, ftl_holding holds, ftl_group group, const char *name) {
  ftl_tensor_spec *spec = ftl_schema_add(l->schema, VECTOR(n), "%s", name);
  spec->holds = holds;
  spec->group = group;
}

static void add_basis(list *l) {
  const int64_t n = l->arch->num_bessel;
  switch (l->arch->radial) {
  case FTL_RADIAL_BESSEL:
    add_table(l, n, FTL_HOLDS_REALS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.bessel_weights");
    add_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.r_max");
    add_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.prefactor");
    break;
  case FTL_RADIAL_GAUSSIAN:
    add_table(l, n, FTL_HOLDS_REALS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.gaussian_weights");
    break;
  case FTL_RADIAL_CHEBYSHEV:
    ftl_schema_add(l->schema, MATRIX(1, n), "radial_embedding.bessel_fn.n")->group = FTL_GROUP_RADIAL;
    break;
  }
}

static void add_radial(list *l) {
  static const char *const agnesi[] = {"radial_embedding.distance_transform.q", "radial_embedding.distance_transform.p",
                                       "radial_embedding.distance_transform.a"};
  const ftl_transform_kind transform = l->arch->transform;
  add_basis(l);
  for (int k = 0; transform == FTL_TRANSFORM_AGNESI && k < 3; k++)
    add_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, agnesi[k]);
  if (transform == FTL_TRANSFORM_SOFT)
    add_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.distance_transform.alpha");
  if (transform != FTL_TRANSFORM_NONE)
    add_table(l, FTL_ANY_EXTENT, FTL_HOLDS_BY_ATOMIC_NUMBER, FTL_GROUP_RADIAL,
              "radial_embedding.distance_transform.covalent_radii");
  add_number(l, FTL_HOLDS_EXPONENT, FTL_GROUP_RADIAL, "radial_embedding.cutoff_fn.p");
  add_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.cutoff_fn.r_max");
  if (!l->arch->pair_repulsion) return;
  add_table(l, 4, FTL_HOLDS_REALS, FTL_GROUP_ZBL, "pair_repulsion_fn.c");
  add_number(l, FTL_HOLDS_EXPONENT, FTL_GROUP_ZBL, "pair_repulsion_fn.p");
  add_table(l, FTL_ANY_EXTENT, FTL_HOLDS_BY_ATOMIC_NUMBER, FTL_GROUP_ZBL, "pair_repulsion_fn.covalent_radii");
  add_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_ZBL, "pair_repulsion_fn.a_exp");
  add_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_ZBL, "pair_repulsion_fn.a_prefactor");
}

static void add_energies(list *l) {
  const int64_t n_heads = l->arch->n_heads, n_elements = l->arch->n_elements;
  static const char *const per_head[] = {"scale_shift.scale", "scale_shift.shift"};
  const int64_t shape[] = {n_heads, n_elements};
  const bool flat = l->extents->flat_e0;
  ftl_tensor_spec *e0 =
      ftl_schema_add(l->schema, flat ? 1 : 2, flat ? shape + 1 : shape, "atomic_energies_fn.atomic_energies");
  e0->group = FTL_GROUP_E0;
  one_element_axis(e0, flat ? 0 : 1, n_heads, 1);
  heads(e0, n_heads, true, n_elements, false);
  for (int k = 0; l->arch->scale_shift && k < 2; k++) {
    ftl_tensor_spec *spec = ftl_schema_add(l->schema, VECTOR(n_heads), "%s", per_head[k]);
    spec->holds = FTL_HOLDS_NUMBERS;
    spec->group = FTL_GROUP_SCALE_SHIFT;
    heads(spec, n_heads, true, 1, false);
  }
}

ftl_status ftl_schema_list_mace(const ftl_architecture *arch, const ftl_open_extents *extents, ftl_schema *schema,
                                ftl_error *error) {
  list l = {.arch = arch, .extents = extents, .schema = schema};
  const int64_t channels = ftl_irreps_count(&arch->layer[0].node_feats, 0, 1);
  ftl_tensor_spec *numbers = ftl_schema_add(schema, VECTOR(arch->n_elements), "atomic_numbers");
  numbers->holds = FTL_HOLDS_NUMBERS;
  one_element_axis(numbers, 0, 1, 1);
  add_number(&l, FTL_HOLDS_NUMBERS, FTL_GROUP_NONE, "num_interactions");
  add_number(&l, FTL_HOLDS_NUMBERS, FTL_GROUP_NONE, "r_max");
  add_radial(&l);
  add_energies(&l);
  one_element_axis(weight(ftl_schema_add(schema, VECTOR(arch->n_elements * channels), "node_embedding.linear.weight"),
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

static int64_t extent(const ftl_tensor *tensor, int ndim, int d) {
  return tensor && tensor->ndim == ndim && tensor->shape[d] > 0 ? tensor->shape[d] : FTL_ANY_EXTENT;
}

/* At least one layer; a longer network than is covered leaves tensors that no block asks for. */
static void net_of(const ftl_source *source, int t, const char *net, bool torch_style, ftl_net_size *size) {
  char name[160];
  const ftl_tensor *tensor;
  size->n = 0;
  do {
    if (torch_style) snprintf(name, sizeof name, "interactions.%d.%s.net.%d.weight", t, net, 3 * size->n);
    else snprintf(name, sizeof name, "interactions.%d.%s.layer%d.weight", t, net, size->n);
    tensor = ftl_tensors_find(&source->tensors, name);
    if (size->n > 0 && !tensor) break;
    size->width[size->n++] = extent(tensor, 2, torch_style ? 0 : 1);
  } while (tensor && size->n < FTL_MAX_NET);
}

void ftl_open_extents_of_mace(const ftl_source *source, ftl_open_extents *extents) {
  const ftl_architecture *arch = &source->arch;
  const ftl_tensor *e0 = ftl_tensors_find(&source->tensors, "atomic_energies_fn.atomic_energies");
  char name[160];
  memset(extents, 0, sizeof *extents);
  extents->flat_e0 = e0 && e0->ndim == 1 && arch->n_heads == 1;
  for (int t = 0; t < arch->n_layers; t++) {
    const ftl_layer *layer = &arch->layer[t];
    const bool nonlinear = ftl_layer_traits_of(layer).nonlinear;
    net_of(source, t, "conv_tp_weights", nonlinear, &extents->weights[t]);
    net_of(source, t, "density_fn", nonlinear, &extents->density[t]);
    for (int block = 0; block < layer->product.n; block++)
      for (int nu = 1; nu <= layer->correlation; nu++) {
        const int ndim = nu + 1 + (layer->product.block[block].l > 0);
        snprintf(name, sizeof name, "products.%d.symmetric_contractions.contractions.%d.U_matrix_%d", t, block, nu);
        extents->u_paths[t][block][nu - 1] = extent(ftl_tensors_find(&source->tensors, name), ndim, ndim - 1);
      }
  }
}
