/* Preparation of a network from a source and its parameters. */
#include "gradient/network.h"

#include <cblas.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "mace/repulsion.h"
#include "model/prepared.h"

int64_t ftl_network_offset(const ftl_network *network, bool *trained, const char *format, ...) {
  char name[160];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(name, sizeof name, format, arguments);
  va_end(arguments);
  const ftl_parameter *parameter = ftl_parameters_find(network->parameters, name);
  if (!parameter) return FTL_NO_PARAMETER;
  if (trained && parameter->trained) *trained = true;
  return parameter->offset;
}

static ftl_status missing(const ftl_network *network, const char *name, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_FORMAT, network->source->path, "there is no parameter %s", name);
}

static bool same_irrep(const ftl_irrep *a, const ftl_irrep *b) { return a->l == b->l && a->p == b->p; }

/* Paths in e3nn's order: for each block of `in`, for each block of `out` of that irrep. */
static ftl_status prepare_map(const ftl_network *network, const char *name, const ftl_irreps *in, const ftl_irreps *out,
                              int n_sets, double extra_fan_in, ftl_map *map, ftl_error *error) {
  *map = (ftl_map){.in = *in, .out = *out, .n_sets = n_sets};
  int64_t weight = ftl_network_offset(network, &map->trained, "%s.weight", name);
  map->bias = ftl_network_offset(network, &map->trained, "%s.bias", name);
  map->heads = ftl_network_offset(network, &map->trained, "%s.heads", name);
  if (weight == FTL_NO_PARAMETER) return missing(network, name, error);
  double factor[FTL_MAX_BLOCKS];
  for (int b = 0; b < out->n; b++) {
    int fan_in = 0;
    for (int c = 0; c < in->n; c++)
      if (same_irrep(&in->block[c], &out->block[b])) fan_in += in->block[c].mul;
    const bool sees_head = map->heads != FTL_NO_PARAMETER && ftl_is_even_scalar(&out->block[b]);
    factor[b] = 1 / sqrt(fan_in * extra_fan_in + (sees_head ? network->arch->norm_heads : 0));
    map->head_factor[b] = factor[b];
  }
  for (int a = 0; a < in->n; a++)
    for (int b = 0; b < out->n; b++) {
      if (!same_irrep(&in->block[a], &out->block[b])) continue;
      if (map->n == FTL_MAX_BLOCKS)
        return ftl_fail(error, FTL_ERR_UNSUPPORTED, network->source->path, "%s has more than %d paths", name,
                        FTL_MAX_BLOCKS);
      map->path[map->n++] = (ftl_map_path){a, b, weight, factor[b]};
      weight += (int64_t)in->block[a].mul * n_sets * out->block[b].mul;
    }
  return FTL_OK;
}

static ftl_status prepare_net(const ftl_network *network, const char *name, bool torch_style, ftl_activation act,
                              double act_cst, int n_in, ftl_net *net, ftl_error *error) {
  *net = (ftl_net){.torch_style = torch_style, .act = act, .act_cst = torch_style ? 1 : act_cst, .size = {n_in}};
  for (;; net->n_layers++) {
    int k = net->n_layers;
    char weight[160];
    if (torch_style) snprintf(weight, sizeof weight, "%s.net.%d.weight", name, 3 * k);
    else snprintf(weight, sizeof weight, "%s.layer%d.weight", name, k);
    const ftl_tensor *tensor = ftl_tensors_find(&network->source->tensors, weight);
    if (!tensor) break;
    if (k == FTL_MAX_NET)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, tensor->name, "the network has more than %d layers", FTL_MAX_NET);
    net->size[k + 1] = (int)tensor->shape[torch_style ? 0 : 1];
    net->weight[k] = ftl_network_offset(network, &net->trained, "%s", weight);
    net->bias[k] = net->norm_weight[k] = net->norm_bias[k] = FTL_NO_PARAMETER;
    if (!torch_style) continue;
    net->bias[k] = ftl_network_offset(network, &net->trained, "%s.net.%d.bias", name, 3 * k);
    net->norm_weight[k] = ftl_network_offset(network, &net->trained, "%s.net.%d.weight", name, 3 * k + 1);
    net->norm_bias[k] = ftl_network_offset(network, &net->trained, "%s.net.%d.bias", name, 3 * k + 1);
  }
  return net->n_layers ? FTL_OK : missing(network, name, error);
}

static ftl_status prepare_conv(ftl_network *network, int t, ftl_edge_product *conv, ftl_error *error) {
  const ftl_architecture *arch = network->arch;
  const ftl_layer *spec = &arch->layer[t];
  ftl_edge_couplings *couplings = &conv->couplings;
  ftl_conv_paths paths;
  FTL_TRY(ftl_conv_paths_make(&spec->edge, &arch->sh, &spec->target, &paths, error));
  FTL_TRY(ftl_edge_couplings_make(network->source, t, &paths, couplings, error));
  conv->in = spec->edge;
  conv->mid = paths.mid;
  conv->n_paths = paths.n;
  for (int k = 0; k < conv->n_paths; k++) {
    int in = paths.path[k].in1;
    conv->path[k] = (ftl_edge_path){.in = in,
                                    .out = k,
                                    .d1 = ftl_block_dim(&conv->in, in),
                                    .d3 = ftl_block_dim(&conv->mid, k),
                                    .mul = conv->in.block[in].mul,
                                    .weight = conv->n_weights,
                                    .first_entry = couplings->first[k],
                                    .n_entries = couplings->first[k + 1] - couplings->first[k],
                                    .first_m = couplings->first_m[k]};
    conv->n_weights += conv->path[k].mul;
  }
  return FTL_OK;
}

static ftl_status prepare_embeddings(ftl_network *network, int t, ftl_error *error) {
  ftl_network_layer *layer = &network->layer[t];
  bool *trained = &layer->embedding_trained;
  layer->n_embedding = ftl_irreps_count(&layer->spec->node_feats, 0, 1);
  layer->source_embedding = ftl_network_offset(network, trained, "interactions.%d.source_embedding.weight", t);
  layer->target_embedding = ftl_network_offset(network, trained, "interactions.%d.target_embedding.weight", t);
  const bool found = layer->source_embedding >= 0 && layer->target_embedding >= 0;
  return found ? FTL_OK : missing(network, "of the nonlinear block's embeddings", error);
}

/* The convolution and its radial networks. */
static ftl_status prepare_convolution(ftl_network *network, int t, bool *trained, ftl_error *error) {
  ftl_network_layer *layer = &network->layer[t];
  const bool nonlinear = layer->traits.nonlinear;
  char name[64];
  FTL_TRY(prepare_conv(network, t, &layer->conv, error));
  if (nonlinear) FTL_TRY(prepare_embeddings(network, t, error));
  const int n_in = network->n_basis + 2 * layer->n_embedding;
  const ftl_activation act = layer->traits.gated ? network->arch->nequip.radial_act : FTL_ACTIVATION_SILU;
  const double cst = layer->traits.gated ? ftl_activation_constant(act) : layer->spec->radial_act_cst;
  snprintf(name, sizeof name, "interactions.%d.conv_tp_weights", t);
  FTL_TRY(prepare_net(network, name, nonlinear, act, cst, n_in, &layer->weights, error));
  snprintf(name, sizeof name, "interactions.%d.density_fn", t);
  if (layer->traits.has_density) FTL_TRY(prepare_net(network, name, nonlinear, act, cst, n_in, &layer->density, error));
  layer->trained_in_radial =
      layer->weights.trained || layer->density.trained || layer->embedding_trained || network->basis_trained;
  *trained = layer->trained_in_radial;
  return FTL_OK;
}

static ftl_status prepare_norm(ftl_network *network, int t, bool *trained, ftl_error *error) {
  ftl_network_layer *layer = &network->layer[t];
  layer->alpha = layer->beta = layer->denominator = FTL_NO_PARAMETER;
  layer->constant_norm = layer->spec->avg_num_neighbors;
  layer->norm_varies = layer->traits.has_density;
  if (layer->traits.norm == FTL_NORM_DENOMINATOR) {
    const ftl_tensor *tensor = ftl_require(network->source, error, "interactions.%d.denominator", t);
    if (!tensor) return FTL_ERR_FORMAT;
    layer->constant_norm = ftl_tensor_at(tensor, 0);
    layer->denominator = ftl_network_offset(network, trained, "interactions.%d.denominator", t);
    layer->norm_varies = *trained;
  }
  if (layer->traits.norm != FTL_NORM_ALPHA_BETA) return FTL_OK;
  layer->alpha = ftl_network_offset(network, trained, "interactions.%d.alpha", t);
  layer->beta = ftl_network_offset(network, trained, "interactions.%d.beta", t);
  return layer->alpha >= 0 && layer->beta >= 0 ? FTL_OK : missing(network, "of the nonlinear block's norm", error);
}

static ftl_status prepare_operation(ftl_network *network, int t, int k, ftl_error *error) {
  const ftl_architecture *arch = network->arch;
  ftl_network_layer *layer = &network->layer[t];
  const ftl_operation *op = &layer->operations.op[k];
  const ftl_irreps *from = &layer->operations.irreps[op->from], *to = &layer->operations.irreps[op->to];
  ftl_map *map = &layer->map[k];
  bool *trained = &layer->trained[k];
  ftl_status status = FTL_OK;
  switch (op->kind) {
  case FTL_OP_LINEAR:
    status = prepare_map(network, op->tensor, from, to, 1, 1, map, error);
    *trained = map->trained;
    break;
  case FTL_OP_LINEAR_BY_ELEMENT:
    status = prepare_map(network, op->tensor, from, to, arch->n_elements, arch->norm_elements, map, error);
    *trained = map->trained;
    break;
  case FTL_OP_CONVOLUTION:
    status = prepare_convolution(network, t, trained, error);
    break;
  case FTL_OP_NORM:
    status = prepare_norm(network, t, trained, error);
    break;
  case FTL_OP_CONTRACTION:
    status = ftl_product_prepare(network, t, &layer->product, error);
    *trained = layer->product.trained;
    break;
  case FTL_OP_GATE:
    layer->gate = ftl_gate_of(arch, t);
    break;
  }
  return status;
}

static ftl_status prepare_layer(ftl_network *network, int t, ftl_error *error) {
  ftl_network_layer *layer = &network->layer[t];
  layer->spec = &network->arch->layer[t];
  layer->traits = ftl_layer_traits_of(layer->spec);
  FTL_TRY(ftl_operations_make(network->arch, t, &layer->operations, error));
  layer->below[FTL_FEATURES_INPUT] =
      t > 0 ? network->layer[t - 1].below[FTL_FEATURES_OUTPUT] : network->embedding.trained;
  layer->kept_to = FTL_KEPT_OUTPUT;
  for (int k = 0; k < layer->operations.n; k++) {
    const ftl_operation *op = &layer->operations.op[k];
    FTL_TRY(prepare_operation(network, t, k, error));
    layer->below[op->to] |= layer->trained[k] || layer->below[op->from];
    const int level = (int)ftl_kept_level_of(op);
    if (layer->below[op->to] && layer->kept_to >= level) layer->kept_to = level - 1;
  }
  return FTL_OK;
}

static ftl_status prepare_readout(ftl_network *network, int k, ftl_error *error) {
  const ftl_architecture *arch = network->arch;
  ftl_network_readout *readout = &network->readout[k];
  const ftl_readout *spec = readout->spec = &arch->readout[k];
  const bool shared =
      spec->kind == FTL_READOUT_TWO_LINEAR || spec->kind == FTL_READOUT_NET || spec->kind == FTL_READOUT_RANDOM;
  readout->n_out = shared ? 1 : arch->n_heads;
  const ftl_irreps energies = {1, {{readout->n_out, 0, 1}}};
  const double extra_fan_in = (double)arch->norm_heads / arch->n_heads; /* see ftl_architecture.norm_heads */
  char name[64];
  if (spec->kind == FTL_READOUT_NET) {
    snprintf(name, sizeof name, "readouts.%d", k);
    return prepare_net(network, name, false, spec->gate, spec->gate_cst, ftl_irreps_dim(&spec->in), &readout->net,
                       error);
  }
  if (spec->kind == FTL_READOUT_LINEAR) {
    snprintf(name, sizeof name, "readouts.%d.linear", k);
    return prepare_map(network, name, &spec->in, &energies, 1, 1, &readout->linear, error);
  }
  snprintf(name, sizeof name, "readouts.%d.linear_1", k);
  FTL_TRY(prepare_map(network, name, &spec->in, &spec->mlp, 1, 1, &readout->linear_1, error));
  snprintf(name, sizeof name, "readouts.%d.linear_mid", k);
  if (spec->kind == FTL_READOUT_NONLINEAR_BIAS)
    FTL_TRY(prepare_map(network, name, &spec->mlp, &spec->mlp, 1, extra_fan_in, &readout->linear_mid, error));
  snprintf(name, sizeof name, "readouts.%d.linear_2", k);
  return prepare_map(network, name, &spec->mlp, &energies, 1, shared ? 1 : extra_fan_in, &readout->linear_2, error);
}

static ftl_status prepare_energies(ftl_network *network, ftl_error *error) {
  network->e0 = ftl_network_offset(network, NULL, "atomic_energies_fn.atomic_energies");
  network->scale = ftl_network_offset(network, NULL, "scale_shift.scale");
  network->shift = ftl_network_offset(network, NULL, "scale_shift.shift");
  if (network->e0 == FTL_NO_PARAMETER) return missing(network, "atomic_energies_fn.atomic_energies", error);
  if (!network->arch->scale_shift) return FTL_OK;
  const ftl_parameter *scale = ftl_parameters_find(network->parameters, "scale_shift.scale");
  const ftl_parameter *shift = ftl_parameters_find(network->parameters, "scale_shift.shift");
  network->scale_by_element = network->arch->family == FTL_FAMILY_NEQUIP; /* E0 is its shift */
  if (!scale || (!shift && !network->scale_by_element))
    return missing(network, "scale_shift.scale or scale_shift.shift", error);
  network->scale_per_head = scale->count > 1;
  network->shift_per_head = shift && shift->count > 1;
  return FTL_OK;
}

static ftl_status prepare_basis(ftl_network *network, ftl_error *error) {
  FTL_TRY(ftl_edge_basis_make(network->source, &network->basis, error));
  network->bessel = ftl_network_offset(network, &network->basis_trained, "%s", FTL_BESSEL_WEIGHTS);
  return FTL_OK;
}

/* A linear map of the one-hot vector of elements is one with weights for each element, of the number 1. */
static ftl_status prepare_embedding(ftl_network *network, ftl_error *error) {
  const ftl_architecture *arch = network->arch;
  const ftl_irreps one = {1, {{1, 0, 1}}};
  return prepare_map(network, "node_embedding.linear", &one, &arch->layer[0].node_feats, arch->n_elements,
                     arch->norm_elements, &network->embedding, error);
}

/* Other constants of the radial functions and of the repulsion than Bessel's weights are parameters only of models made
   with special options; the sweeps hold them fixed. */
static ftl_status check_trained(const ftl_network *network, ftl_error *error) {
  for (int k = 0; k < network->parameters->n; k++) {
    const ftl_parameter *parameter = &network->parameters->parameter[k];
    if (parameter->trained &&
        (parameter->group == FTL_GROUP_ZBL ||
         (strncmp(parameter->name, "radial_embedding.", 17) == 0 && strcmp(parameter->name, FTL_BESSEL_WEIGHTS) != 0)))
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, network->source->path,
                      "the parameter %s cannot be trained; freeze '%s'", parameter->name, parameter->name);
  }
  return FTL_OK;
}

static ftl_status prepare(ftl_network *network, ftl_error *error) {
  const ftl_architecture *arch = network->arch;
  FTL_TRY(check_trained(network, error));
  FTL_TRY(ftl_sweeps_choose(network->precision, &network->engine, error));
  network->lanes = network->engine->lanes;
  network->l_max = arch->sh.n - 1;
  network->n_sh = (network->l_max + 1) * (network->l_max + 1);
  network->n_basis = arch->num_bessel;
  FTL_TRY(prepare_basis(network, error));
  if (arch->pair_repulsion)
    FTL_TRY(ftl_repulsion_make(network->source, &network->zbl, network->zbl_c, &network->zbl_p, error));
  FTL_TRY(prepare_embedding(network, error));
  FTL_TRY(prepare_energies(network, error));
  for (int t = 0; t < arch->n_layers; t++) FTL_TRY(prepare_layer(network, t, error));
  for (int k = 0; k < arch->n_readouts; k++) FTL_TRY(prepare_readout(network, k, error));
  size_t bytes = ((size_t)network->parameters->count + 1) * sizeof(double);
  network->values = malloc(bytes);
  network->theta = malloc(bytes);
  if (!network->values || !network->theta) return ftl_no_memory(error, network->source->path, "the parameters");
  return FTL_OK;
}

ftl_status ftl_network_new(const ftl_source *source, const ftl_parameters *parameters, ftl_precision precision,
                           ftl_network **network, ftl_error *error) {
  *network = calloc(1, sizeof **network);
  if (!*network) return ftl_no_memory(error, source->path, "the network");
  (*network)->source = source;
  (*network)->arch = &source->arch;
  (*network)->parameters = parameters;
  (*network)->precision = precision;
  openblas_set_num_threads(1); /* threads work on structures; in the library they would only wait for each other */
  ftl_status status = prepare(*network, error);
  if (!status) {
    ftl_parameters_get(parameters, source, (*network)->values);
    status = (*network)->engine->set(*network, error);
  }
  if (status) {
    ftl_network_free(*network);
    *network = NULL;
  }
  return status;
}

void ftl_network_watch(ftl_network *network, const volatile sig_atomic_t *stop) { network->stop = stop; }
bool ftl_network_stopped(const ftl_network *network) { return network->stop && *network->stop; }

void ftl_network_free(ftl_network *network) {
  if (!network) return;
  for (int t = 0; t < FTL_MAX_LAYERS; t++) {
    ftl_product_free(&network->layer[t].product);
    ftl_edge_couplings_free(&network->layer[t].conv.couplings);
  }
  ftl_edge_basis_free(&network->basis);
  free(network->zbl);
  free(network->values);
  free(network->theta);
  free(network);
}

ftl_status ftl_network_set(ftl_network *network, const double *values, ftl_error *error) {
  memcpy(network->values, values, (size_t)network->parameters->count * sizeof *values);
  for (int k = 0; network->basis_trained && k < network->n_basis; k++)
    network->basis.weight[k] = values[network->bessel + k];
  return network->engine->set(network, error);
}
