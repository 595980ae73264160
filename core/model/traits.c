#include "model/traits.h"

/* ---- activations ---- */

static const struct {
  const char *name;
  double constant;
} activations[] = {
    [FTL_ACTIVATION_NONE] = {"none", 1},
    [FTL_ACTIVATION_SILU] = {"silu", 1.6791767923989418},
    [FTL_ACTIVATION_TANH] = {"tanh", 1.5937334472592695},
    [FTL_ACTIVATION_ABS] = {"abs", 1.001110600838467},
    [FTL_ACTIVATION_SSP] = {"ssp", 1.878204668541552},
    [FTL_ACTIVATION_RELU] = {"relu", 1.4163393446331365},
    [FTL_ACTIVATION_SIGMOID] = {"sigmoid", 1.8467055342154763},
    [FTL_ACTIVATION_ELU] = {"elu", 1.2467863885570512},
    [FTL_ACTIVATION_CAS] = {"cas", 1.127274164198044},
};
_Static_assert(sizeof activations / sizeof *activations == FTL_N_ACTIVATIONS, "a name and a constant for each");

double ftl_activation_constant(ftl_activation kind) { return activations[kind].constant; }
const char *ftl_activation_name(ftl_activation kind) { return activations[kind].name; }

/* ---- gates ---- */

static bool is_scalar(const ftl_irrep *block) { return block->l == 0; }

/* Even ones where there is an even scalar. All gates together, in the order of what they gate. */
static ftl_irrep gates_of(const ftl_irreps *out) {
  ftl_irrep gates = {0, 0, -1};
  for (int k = 0; k < out->n; k++) {
    if (!is_scalar(&out->block[k])) gates.mul += out->block[k].mul;
    else if (out->block[k].p == 1) gates.p = 1;
  }
  return gates;
}

/* Scalars, gates and gated multiplets, sorted, equal irreps merged in this order. There are fewer irreps than room. */
static ftl_irreps gate_input(const ftl_irreps *out) {
  const ftl_irrep gates = gates_of(out);
  ftl_irreps in = {0};
  for (int k = 0; k < out->n; k++) ftl_irreps_merge(&in, out->block[k]);
  if (gates.mul > 0) ftl_irreps_merge(&in, gates);
  return in;
}

static int block_of(const ftl_irreps *irreps, int l, int p) {
  int k = 0;
  while (k < irreps->n && (irreps->block[k].l != l || irreps->block[k].p != p)) k++;
  return k;
}

ftl_gate ftl_gate_of(const ftl_architecture *arch, int t) {
  const ftl_layer *layer = &arch->layer[t];
  const bool nonlinear = layer->kind == FTL_INTERACTION_NONLINEAR;
  ftl_gate gate = {0};
  int used[FTL_MAX_BLOCKS] = {0}, next_gate;
  if (!nonlinear && layer->kind != FTL_INTERACTION_GATED) return gate;
  gate.out = nonlinear ? layer->target : layer->hidden;
  gate.in = gate_input(&gate.out);
  const ftl_irrep gates = gates_of(&gate.out);
  const int gates_block = block_of(&gate.in, 0, gates.p);
  next_gate = ftl_irreps_count(&gate.out, 0, gates.p); /* behind the scalars of their parity */
  for (int k = 0; k < gate.out.n; k++) {
    const ftl_irrep *block = &gate.out.block[k];
    const int in = block_of(&gate.in, block->l, block->p), odd = is_scalar(block) ? block->p < 0 : gates.p < 0;
    ftl_gate_part *part = &gate.part[gate.n++];
    *part = (ftl_gate_part){.mul = block->mul, .l = block->l, .in = in, .in_channel = used[in], .gates = -1, .out = k};
    used[in] += block->mul;
    if (is_scalar(block)) {
      part->act = nonlinear ? FTL_ACTIVATION_SILU : arch->nequip.act_scalar[odd];
      part->cst = nonlinear ? layer->gate_scalar_cst : ftl_activation_constant(part->act);
    } else {
      part->gates = gates_block;
      part->gates_channel = next_gate;
      next_gate += block->mul;
      part->act = nonlinear ? FTL_ACTIVATION_SIGMOID : arch->nequip.act_gate[odd];
      part->cst = nonlinear ? layer->gate_cst : ftl_activation_constant(part->act);
    }
  }
  return gate;
}

/* ---- layers ---- */

ftl_layer_traits ftl_layer_traits_of(const ftl_layer *layer) {
  const bool nonlinear = layer->kind == FTL_INTERACTION_NONLINEAR, gated = layer->kind == FTL_INTERACTION_GATED;
  const bool density = layer->kind == FTL_INTERACTION_DENSITY || layer->kind == FTL_INTERACTION_DENSITY_RESIDUAL;
  const bool on_message = layer->kind == FTL_INTERACTION || layer->kind == FTL_INTERACTION_DENSITY;
  const ftl_irreps message = nonlinear ? gate_input(&layer->target)
                             : gated   ? gate_input(&layer->hidden)
                                       : layer->target;
  return (ftl_layer_traits){
      .norm = nonlinear ? FTL_NORM_ALPHA_BETA
              : density ? FTL_NORM_DENSITY
              : gated   ? FTL_NORM_DENOMINATOR
                        : FTL_NORM_AVERAGE,
      .has_density = nonlinear || density,
      .nonlinear = nonlinear,
      .gated = gated,
      .skip_by_element = gated ? layer->skip_by_element : !nonlinear,
      .skip_on_message = on_message,
      .has_sc = layer->use_sc && !on_message,
      .skip_in = on_message ? layer->target : layer->node_feats,
      .skip_out = on_message ? layer->target
                  : gated    ? message
                             : layer->hidden,
      .message = message,
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
