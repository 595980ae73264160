/* The tensors of a NequIP model as sevenn trains them (SevenNet), under the names that MACE's tensors of the same job
   have. files/sevennet_names.c has the names of the checkpoint. What a linear map that sees the head learns for it is a
   tensor of its own, NAME.heads [heads][channels of the 0e output]. */
#include <stdio.h>
#include <string.h>

#include "model/schema_list.h"

/* ---- linear maps ---- */

static int64_t even_scalars(const ftl_irreps *irreps) { return ftl_irreps_count(irreps, 0, 1); }

/* NAME.bias and NAME.heads beside NAME.weight. */
static void add_offsets(ftl_list *l, const char *name, ftl_group group, int layer, int64_t channels, bool by_head) {
  if (channels < 1) return;
  if (l->arch->nequip.biased)
    ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(channels), "%s.bias", name), group, layer, FTL_INITIAL_VALUE, 0);
  if (by_head)
    ftl_spec_heads(ftl_spec_weight(ftl_schema_add(l->schema, MATRIX(l->arch->n_heads, channels), "%s.heads", name),
                                   group, layer, FTL_INITIAL_NORMAL, 1),
                   l->arch->n_heads, true, channels, false);
}

static void add_map(ftl_list *l, const char *part, ftl_group group, const ftl_irreps *in, const ftl_irreps *out,
                    bool by_head) {
  char name[64];
  snprintf(name, sizeof name, "interactions.%d.%s", l->layer, part);
  ftl_list_linear(l, part, group, in, out)->decays = group == FTL_GROUP_LINEAR; /* as MACE's */
  add_offsets(l, name, group, l->layer, even_scalars(out), by_head);
}

static void add_embedding(ftl_list *l) {
  const int64_t channels = even_scalars(&l->arch->layer[0].node_feats), n_elements = l->arch->n_elements;
  ftl_spec_elements(
      ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(n_elements * channels), "node_embedding.linear.weight"),
                      FTL_GROUP_EMBEDDING, -1, FTL_INITIAL_NORMAL, 1),
      0, 1, channels);
  add_offsets(l, "node_embedding.linear", FTL_GROUP_EMBEDDING, -1, channels, l->arch->nequip.head_embedding);
}

/* ---- layers ---- */

static ftl_status add_layer(ftl_list *l, ftl_error *error) {
  const ftl_nequip *nequip = &l->arch->nequip;
  const ftl_layer *layer = &l->arch->layer[l->layer];
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  ftl_conv_paths paths;
  int64_t n_radial = 0;
  char net[64];
  ftl_status status = ftl_conv_paths_make(&layer->edge, &l->arch->sh, &layer->target, &paths, error);
  if (status) return status;
  for (int k = 0; k < paths.n; k++) n_radial += paths.mid.block[k].mul;
  ftl_list_skip(l, &traits);
  add_map(l, "linear_up", FTL_GROUP_LINEAR_UP, &layer->node_feats, &layer->edge, nequip->head_up);
  ftl_list_3j(l, &paths);
  snprintf(net, sizeof net, "interactions.%d.conv_tp_weights", l->layer);
  ftl_list_net(l, net, l->layer, &l->extents->weights[l->layer], FTL_GROUP_RADIAL, l->arch->num_bessel, n_radial);
  ftl_spec_weight(ftl_schema_add(l->schema, SCALAR, "interactions.%d.denominator", l->layer), FTL_GROUP_DENSITY,
                  l->layer, FTL_INITIAL_CONSTANT, 0)
      ->holds = FTL_HOLDS_NUMBERS;
  add_map(l, "linear", FTL_GROUP_LINEAR, &paths.mid, &traits.message, nequip->head_linear);
  return FTL_OK;
}

static void add_readout(ftl_list *l) {
  const ftl_readout *readout = &l->arch->readout[0];
  const int64_t in = even_scalars(&readout->in), mlp = even_scalars(&readout->mlp);
  if (readout->kind == FTL_READOUT_NET) {
    ftl_list_net(l, "readouts.0", 0, &l->extents->readout, FTL_GROUP_READOUT, in, 1);
    return;
  }
  ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(in * mlp), "readouts.0.linear_1.weight"), FTL_GROUP_READOUT, 0,
                  FTL_INITIAL_NORMAL, 1);
  add_offsets(l, "readouts.0.linear_1", FTL_GROUP_READOUT, 0, mlp, l->arch->nequip.head_readout);
  ftl_spec_weight(ftl_schema_add(l->schema, VECTOR(mlp), "readouts.0.linear_2.weight"), FTL_GROUP_READOUT, 0,
                  FTL_INITIAL_NORMAL, 1);
  add_offsets(l, "readouts.0.linear_2", FTL_GROUP_READOUT, 0, 1, false);
}

/* ---- what belongs to no layer ---- */

static void add_radial(ftl_list *l) {
  const bool xplor = l->arch->cutoff == FTL_CUTOFF_XPLOR;
  ftl_list_table(l, l->arch->num_bessel, FTL_HOLDS_REALS, FTL_GROUP_RADIAL,
                 "radial_embedding.bessel_fn.bessel_weights");
  ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.bessel_fn.prefactor");
  ftl_list_number(l, xplor ? FTL_HOLDS_NUMBERS : FTL_HOLDS_EXPONENT, FTL_GROUP_RADIAL,
                  xplor ? "radial_embedding.cutoff_fn.r_on" : "radial_embedding.cutoff_fn.p");
  ftl_list_number(l, FTL_HOLDS_NUMBERS, FTL_GROUP_RADIAL, "radial_embedding.cutoff_fn.r_max");
}

/* Shift (as E0) and scale, [heads][elements] both. */
static void add_energies(ftl_list *l) {
  const int64_t n_heads = l->arch->n_heads, n_elements = l->arch->n_elements;
  const struct {
    const char *name;
    ftl_group group;
  } tensor[] = {{"atomic_energies_fn.atomic_energies", FTL_GROUP_E0}, {"scale_shift.scale", FTL_GROUP_SCALE_SHIFT}};
  for (int k = 0; k < 2; k++) {
    ftl_tensor_spec *spec = ftl_schema_add(l->schema, MATRIX(n_heads, n_elements), "%s", tensor[k].name);
    spec->group = tensor[k].group;
    ftl_spec_elements(spec, 1, n_heads, 1);
    ftl_spec_heads(spec, n_heads, true, n_elements, false);
  }
}

ftl_status ftl_schema_list_nequip(const ftl_architecture *arch, const ftl_open_extents *extents, ftl_schema *schema,
                                  ftl_error *error) {
  ftl_list l = {.arch = arch, .extents = extents, .schema = schema, .layer = -1};
  ftl_tensor_spec *numbers = ftl_schema_add(schema, VECTOR(arch->n_elements), "atomic_numbers");
  numbers->holds = FTL_HOLDS_NUMBERS;
  ftl_spec_elements(numbers, 0, 1, 1);
  add_radial(&l);
  add_energies(&l);
  add_embedding(&l);
  for (l.layer = 0; l.layer < arch->n_layers; l.layer++) {
    ftl_status status = add_layer(&l, error);
    if (status) return status;
  }
  add_readout(&l);
  for (int k = 1; k < arch->n_readouts; k++) ftl_list_random_readout(&l, k);
  return FTL_OK;
}

void ftl_open_extents_of_nequip(const ftl_source *source, ftl_open_extents *extents) {
  char name[64];
  memset(extents, 0, sizeof *extents);
  for (int t = 0; t < source->arch.n_layers; t++) {
    snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
    ftl_net_of(source, name, "layer", 1, false, &extents->weights[t]);
  }
  ftl_net_of(source, "readouts.0", "layer", 1, false, &extents->readout);
}
