#include "model/traits.h"

static ftl_irreps gate_input(const ftl_irreps *target) {
  ftl_irreps irreps = *target;
  int gates = 0, scalars = 0;
  for (int k = 0; k < target->n; k++)
    if (target->block[k].l > 0) gates += target->block[k].mul;
  while (scalars < target->n && (target->block[scalars].l != 0 || target->block[scalars].p != 1)) scalars++;
  if (scalars < target->n) irreps.block[scalars].mul += gates;
  return irreps;
}

ftl_layer_traits ftl_layer_traits_of(const ftl_layer *layer) {
  const bool nonlinear = layer->kind == FTL_INTERACTION_NONLINEAR;
  const bool density = layer->kind == FTL_INTERACTION_DENSITY || layer->kind == FTL_INTERACTION_DENSITY_RESIDUAL;
  const bool on_message = layer->kind == FTL_INTERACTION || layer->kind == FTL_INTERACTION_DENSITY;
  return (ftl_layer_traits){
      .norm = nonlinear ? FTL_NORM_ALPHA_BETA
              : density ? FTL_NORM_DENSITY
                        : FTL_NORM_AVERAGE,
      .has_density = nonlinear || density,
      .nonlinear = nonlinear,
      .skip_by_element = !nonlinear,
      .skip_on_message = on_message,
      .has_sc = layer->use_sc && !on_message,
      .skip_in = on_message ? layer->target : layer->node_feats,
      .skip_out = on_message ? layer->target : layer->hidden,
      .gate_input = gate_input(&layer->target),
  };
}

int64_t ftl_linear_count(const ftl_irreps *in, const ftl_irreps *out) {
  int64_t n = 0;
  for (int i = 0; i < in->n; i++)
    for (int o = 0; o < out->n; o++)
      if (in->block[i].l == out->block[o].l && in->block[i].p == out->block[o].p)
        n += (int64_t)in->block[i].mul * out->block[o].mul;
  return n;
}
