/* The architecture as mace-torch's MACE.__init__ puts it together from its options. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/traits.h"
#include "model/provenance.h"
#include "new_model/new_model_internal.h"

static ftl_irreps scalars(int n) { return (ftl_irreps){.n = 1, .block = {{n, 0, 1}}}; }

/* The spherical harmonics up to max_ell, mul times each. */
static ftl_irreps harmonics(int mul, int max_ell) {
  ftl_irreps irreps = {.n = max_ell + 1};
  for (int l = 0; l <= max_ell; l++) irreps.block[l] = (ftl_irrep){mul, l, l % 2 ? -1 : 1};
  return irreps;
}

static bool is_residual(ftl_interaction_kind kind) {
  return kind != FTL_INTERACTION && kind != FTL_INTERACTION_DENSITY;
}

static void set_layer(const ftl_scratch_options *o, const ftl_irreps *hidden, int t, ftl_layer *layer) {
  const int channels = hidden->block[0].mul;
  const bool last = t == o->n_layers - 1;
  layer->kind = t ? o->other : o->first;
  layer->node_feats = t ? *hidden : scalars(channels);
  layer->edge = layer->node_feats;
  layer->target = harmonics(channels, o->max_ell);
  layer->hidden = layer->product = last ? scalars(channels) : *hidden; /* the last readout takes only scalars */
  layer->avg_num_neighbors = o->avg_num_neighbors;
  if (layer->kind == FTL_INTERACTION_NONLINEAR) {
    layer->gate_scalar_cst = ftl_activation_constant(FTL_ACTIVATION_SILU);
    layer->gate_cst = ftl_activation_constant(FTL_ACTIVATION_SIGMOID);
  } else {
    layer->radial_act_cst = o->n_radial_mlp ? ftl_activation_constant(FTL_ACTIVATION_SILU) : 1;
  }
  for (int k = 0; k <= t; k++)
    if (o->correlation[k]) layer->correlation = o->correlation[k];
  layer->use_sc = t > 0 || is_residual(layer->kind);
}

/* A linear readout of each layer, the last one nonlinear if there is more than one. */
static void set_readout(const ftl_scratch_options *o, const ftl_architecture *arch, int t, ftl_readout *readout) {
  readout->kind = t > 0 && t == o->n_layers - 1 ? FTL_READOUT_NONLINEAR : FTL_READOUT_LINEAR;
  readout->layer = t;
  readout->in = arch->layer[t].product;
  if (readout->kind == FTL_READOUT_LINEAR) return;
  ftl_irreps_parse(o->mlp, &readout->mlp, NULL);
  readout->mlp.block[0].mul *= arch->n_heads;
  readout->gate = o->gate;
  readout->gate_cst = ftl_activation_constant(o->gate);
  readout->masks_heads = arch->n_heads > 1;
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

ftl_status ftl_scratch_architecture(const ftl_scratch_options *o, ftl_architecture *arch, ftl_error *error) {
  ftl_irreps hidden;
  FTL_TRY(ftl_irreps_parse(o->hidden, &hidden, error));
  arch->scale_shift = true;
  arch->n_elements = arch->norm_elements = o->n_elements;
  memcpy(arch->atomic_numbers, o->elements, (size_t)o->n_elements * sizeof *o->elements);
  qsort(arch->atomic_numbers, (size_t)arch->n_elements, sizeof *arch->atomic_numbers, ascending);
  for (int k = 0; k < (o->n_heads ? o->n_heads : 1); k++) {
    arch->heads[k] = strdup(o->n_heads ? o->heads[k] : "Default");
    if (!arch->heads[k]) return ftl_no_memory(error, NULL, "a new model");
    arch->n_heads = arch->norm_heads = k + 1;
  }
  arch->r_max = o->r_max;
  arch->radial = o->radial;
  arch->num_bessel = o->num_bessel;
  if (o->radial == FTL_RADIAL_GAUSSIAN) {
    const double distance = o->r_max / (o->num_bessel - 1);
    arch->gaussian_coeff = -0.5 / (distance * distance);
  }
  arch->transform = o->transform;
  arch->apply_cutoff = o->apply_cutoff;
  arch->pair_repulsion = o->pair_repulsion;
  arch->sh = harmonics(1, o->max_ell);
  arch->n_layers = arch->n_readouts = o->n_layers;
  for (int t = 0; t < o->n_layers; t++) {
    set_layer(o, &hidden, t, &arch->layer[t]);
    set_readout(o, arch, t, &arch->readout[t]);
  }
  return FTL_OK;
}

ftl_status ftl_scratch_new(const ftl_scratch_options *options, ftl_random *random, ftl_source **source,
                           ftl_error *error) {
  ftl_source *made;
  ftl_status status = ftl_scratch_check(options, error);
  *source = NULL;
  FTL_TRY(status);
  made = calloc(1, sizeof *made);
  if (made) made->path = strdup("new model");
  status = made && made->path ? FTL_OK : ftl_no_memory(error, NULL, "a new model");
  if (!status) status = ftl_scratch_architecture(options, &made->arch, error);
  if (!status) status = ftl_scratch_tensors(options, random, made, error);
  if (!status) status = ftl_provenance_note(made, "made with random weights", error);
  if (!status) status = ftl_source_check(made, error);
  if (status) ftl_source_free(made);
  else *source = made;
  return status;
}
