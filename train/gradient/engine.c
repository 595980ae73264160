/* One build of the sweeps: compiled with FTL_ISA (generic, avx2, avx512, neon), its compiler flags, and FTL_REAL_FLOAT.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gradient/network.h"
#include "math/activations.h"
#include "math/harmonics.h"
#include "math/zbl.h"
#include "base/error.h"
#include "support/work_memory.h"

#include "gradient/stages/sweep_real.h"
#include "gradient/stages/products.h"
#include "gradient/stages/sweep.h"
#include "gradient/stages/exp.h"
#include "gradient/stages/geometry_sweeps.h"
#include "gradient/stages/map.h"
#include "gradient/stages/net.h"
#include "gradient/stages/radial.h"
#include "gradient/stages/conv_sweeps.h"
#include "gradient/stages/message.h"
#include "gradient/stages/product.h"
#include "gradient/stages/layer.h"
#include "gradient/stages/readout.h"

/* ---- the network's numbers ---- */

static ftl_status set(ftl_network *network, ftl_error *error) {
  (void)error;
  real *numbers = network->theta;
  for (int64_t k = 0; k < network->parameters->count; k++) numbers[k] = (real)network->values[k];
  for (int t = 0; t < network->arch->n_layers; t++) product_set_coefficients(network, &network->layer[t].product);
  return FTL_OK;
}

/* ---- sweeps ---- */

static ftl_status sweep_new(const ftl_network *network, ftl_sweep **sweep, ftl_error *error) {
  *sweep = calloc(1, sizeof **sweep);
  if (*sweep) (*sweep)->parameter_gradient = ftl_calloc64(((size_t)network->parameters->count + 16) * sizeof(real));
  if (!*sweep || !(*sweep)->parameter_gradient) {
    free(*sweep);
    *sweep = NULL;
    return ftl_no_memory(error, network->source->path, "a gradient");
  }
  (*sweep)->network = network;
  (*sweep)->memory = (ftl_arena){.chunk = (size_t)1 << 22, .enough = ftl_memory_is_left};
  return FTL_OK;
}

static void sweep_free(ftl_sweep *sweep) {
  if (!sweep) return;
  ftl_arena_free(&sweep->memory);
  free(sweep->parameter_gradient);
  free(sweep);
}

static size_t sweep_bytes(const ftl_sweep *sweep) {
  return (size_t)sweep->network->parameters->count * sizeof(real) + sweep->memory.bytes;
}

static double shift_of(const ftl_sweep *sweep) {
  const ftl_network *network = sweep->network;
  if (network->shift == FTL_NO_PARAMETER) return 0;
  return network->values[network->shift + (network->shift_per_head ? sweep->head : 0)];
}

static bool embed(ftl_sweep *sweep) {
  const ftl_map *map = &sweep->network->embedding;
  variable *input = &sweep->layer[0].f[FTL_FEATURES_INPUT];
  if (!take_zeros(sweep, &sweep->ones, (size_t)sweep->n)) return false;
  for (int a = 0; a < sweep->n; a++) sweep->ones[a] = 1;
  *input = (variable){0};
  if (!take_zeros(sweep, &input->x, features(sweep, &map->out))) return false;
  map_forward(sweep, map, sweep->ones, input->x);
  map_offsets(sweep, map, input->x);
  return true;
}

static bool forward(ftl_sweep *sweep) {
  const ftl_architecture *arch = sweep->network->arch;
  if (!embed(sweep)) return false;
  for (int t = 0; t < arch->n_layers; t++) {
    if (t > 0) sweep->layer[t].f[FTL_FEATURES_INPUT] = (variable){.x = sweep->layer[t - 1].f[FTL_FEATURES_OUTPUT].x};
    if (!layer_forward(sweep, t)) return false;
  }
  for (int k = 0; k < arch->n_readouts; k++)
    if (!readout_forward(sweep, k)) return false;
  return true;
}

/* Node energies in the caller's order, and the energy. */
static bool sum_energies(ftl_sweep *sweep, ftl_prediction *prediction) {
  const ftl_network *network = sweep->network;
  const ftl_architecture *arch = network->arch;
  sweep->node_interaction = ftl_arena_take_dirty(&sweep->memory, (size_t)sweep->n, sizeof(double));
  sweep->node_energy = ftl_arena_take_dirty(&sweep->memory, (size_t)sweep->n, sizeof(double));
  if (!sweep->node_interaction || !sweep->node_energy) return false;
  const double *e0 = network->values + network->e0 + (int64_t)sweep->head * arch->n_elements;
  const double shift = shift_of(sweep);
  prediction->energy = 0;
  for (int a = 0; a < sweep->n; a++) sweep->node_interaction[a] = 0;
  for (int e = 0; arch->pair_repulsion && e < sweep->geometry.n_edges; e++)
    sweep->node_interaction[sweep->geometry.edge[e].receiver] += sweep->geometry.pair[sweep->geometry.edge[e].pair].zbl;
  for (int a = 0; a < sweep->n; a++) {
    double sum = sweep->node_interaction[a];
    for (int k = 0; k < arch->n_readouts; k++)
      sum += (double)sweep->readout[k].energies.x[energy_at(sweep, &network->readout[k], a)];
    const int species = sweep->geometry.species[a];
    sweep->node_interaction[a] = sum;
    sweep->node_energy[sweep->geometry.order[a]] = e0[species] + scale_of(sweep, species) * sum + shift;
  }
  for (int i = 0; i < sweep->n; i++) prediction->energy += sweep->node_energy[i];
  prediction->node_energy = sweep->node_energy;
  return true;
}

static bool reverse(ftl_sweep *sweep, ftl_prediction *prediction) {
  const ftl_network *network = sweep->network;
  const ftl_architecture *arch = network->arch;
  sweep->forces = ftl_arena_take_dirty(&sweep->memory, (size_t)sweep->n, sizeof *sweep->forces);
  if (!sweep->forces ||
      !take_zeros(sweep, &sweep->geometry.y.bar, (size_t)sweep->geometry.n_edges * (size_t)network->n_sh) ||
      !take_zeros(sweep, &sweep->geometry.basis.bar, (size_t)sweep->geometry.n_pairs * (size_t)network->n_basis))
    return false;
  for (int p = 0; p < sweep->geometry.n_pairs; p++) { /* only MACE, with one scale for all elements, has a repulsion */
    pair *this = &sweep->geometry.pair[p];
    this->r_bar = arch->pair_repulsion ? scale_of(sweep, this->i) * this->n_edges * this->zbl_by_r : 0;
  }
  for (int t = 0; t < arch->n_layers; t++)
    if (!take_zeros(sweep, &sweep->layer[t].f[FTL_FEATURES_OUTPUT].bar, features(sweep, &arch->layer[t].product)))
      return false;
  for (int k = 0; k < arch->n_readouts; k++)
    if (!readout_reverse(sweep, k)) return false;
  for (int t = arch->n_layers - 1; t >= 0; t--)
    if (!layer_reverse(sweep, t)) return false;
  if (!geometry_reverse(sweep, prediction->virial)) return false;
  prediction->forces = sweep->forces;
  return true;
}

/* ---- what is kept of a structure ---- */

static void restore(ftl_sweep *sweep) {
  const snapshot *kept = sweep->kept->snapshot;
  sweep->geometry = kept->geometry;
  memcpy(sweep->layer, kept->layer, (size_t)sweep->network->arch->n_layers * sizeof *sweep->layer);
}

static bool preserve(ftl_sweep *sweep) {
  size_t layers = (size_t)sweep->network->arch->n_layers * sizeof *sweep->layer;
  sweep->keeping = true;
  snapshot *kept = take_bytes(sweep, sizeof *kept + layers);
  sweep->keeping = false;
  if (!kept) return false;
  kept->geometry = sweep->geometry;
  memcpy(kept->layer, sweep->layer, layers);
  sweep->kept->snapshot = kept;
  return true;
}

static ftl_status predict(ftl_sweep *sweep, const ftl_graph *graph, ftl_kept *kept, int head, bool derivatives,
                          ftl_prediction *prediction, ftl_error *error) {
  *prediction = (ftl_prediction){0};
  ftl_arena_reset(&sweep->memory);
  sweep->kept = kept;
  sweep->restored = kept && kept->snapshot;
  sweep->filling = kept && !kept->snapshot;
  if (sweep->filling) ftl_arena_free(&kept->memory); /* what a failure left is of no use */
  sweep->graph = graph;
  sweep->head = head;
  sweep->n = graph->n_local;
  sweep->predicted = false;
  memset(sweep->layer, 0, sizeof sweep->layer);
  if (sweep->restored) {
    restore(sweep);
    for (int p = 0; sweep->network->basis_trained && p < sweep->geometry.n_pairs; p++) pair_basis(sweep, p);
  } else {
    keep_if(sweep, true);
    ftl_status status = geometry_forward(sweep, error);
    keep_if(sweep, false);
    FTL_TRY(status);
  }
  if (!forward(sweep) || (sweep->filling && !preserve(sweep)) || !sum_energies(sweep, prediction) ||
      (derivatives && !reverse(sweep, prediction)))
    return out_of_memory(sweep, error);
  sweep->predicted = true;
  sweep->reversed = derivatives;
  sweep->differentiated = false;
  return FTL_OK;
}

/* ---- gradient ---- */

static bool tangent(ftl_sweep *sweep, const double (*d_forces)[3], const double (*d_virial)[3]) {
  const ftl_architecture *arch = sweep->network->arch;
  if (!geometry_tangent(sweep, d_forces, d_virial)) return false;
  for (int t = 0; t < arch->n_layers; t++)
    if (!layer_tangent(sweep, t)) return false;
  for (int k = 0; k < arch->n_readouts; k++)
    if (!readout_tangent(sweep, k)) return false;
  return true;
}

static bool second(ftl_sweep *sweep, double d_energy) {
  const ftl_network *network = sweep->network;
  const ftl_architecture *arch = network->arch;
  for (int t = 0; t < arch->n_layers; t++)
    if (network->layer[t].below[FTL_FEATURES_OUTPUT] &&
        !take_zeros(sweep, &sweep->layer[t].f[FTL_FEATURES_OUTPUT].til, features(sweep, &arch->layer[t].product)))
      return false;
  for (int k = 0; k < arch->n_readouts; k++)
    if (!readout_second(sweep, k, d_energy)) return false;
  if (network->embedding.trained &&
      !take_zeros(sweep, &sweep->layer[0].f[FTL_FEATURES_INPUT].til, features(sweep, &arch->layer[0].node_feats)))
    return false;
  if (network->basis_trained &&
      !take_zeros(sweep, &sweep->geometry.basis.til, (size_t)sweep->geometry.n_pairs * (size_t)network->n_basis))
    return false;
  for (int t = arch->n_layers - 1; t >= 0 && network->layer[t].below[FTL_FEATURES_OUTPUT]; t--)
    if (!layer_second(sweep, t)) return false;
  return true;
}

/* E = sum over atoms of E0 + scale * interaction + shift. */
static void energies_gradient(ftl_sweep *sweep, double d_energy) {
  const ftl_network *network = sweep->network;
  const ftl_architecture *arch = network->arch;
  double scales[FTL_MAX_ELEMENTS] = {0}; /* gradients; of all elements together in the first where they have one */
  for (int e = 0; arch->pair_repulsion && e < sweep->geometry.n_edges; e++) {
    const pair *p = &sweep->geometry.pair[sweep->geometry.edge[e].pair];
    scales[network->scale_by_element ? p->i : 0] += p->zbl_by_r * p->r_dot;
  }
  for (int a = 0; a < sweep->n; a++) {
    const int species = sweep->geometry.species[a];
    double sum = 0;
    sweep->parameter_gradient[network->e0 + (int64_t)sweep->head * arch->n_elements + species] += (real)d_energy;
    sum += d_energy * sweep->node_interaction[a];
    for (int k = 0; k < arch->n_readouts; k++)
      sum += (double)sweep->readout[k].energies.dot[energy_at(sweep, &network->readout[k], a)];
    scales[network->scale_by_element ? species : 0] += sum;
  }
  for (int z = 0; network->scale != FTL_NO_PARAMETER && z < (network->scale_by_element ? arch->n_elements : 1); z++)
    sweep->parameter_gradient[scale_index(sweep, z)] += (real)scales[z];
  if (network->shift != FTL_NO_PARAMETER)
    sweep->parameter_gradient[network->shift + (network->shift_per_head ? sweep->head : 0)] +=
        (real)(d_energy * sweep->n);
}

static ftl_status gradient(ftl_sweep *sweep, double d_energy, const double (*d_forces)[3], const double (*d_virial)[3],
                           double *out, ftl_error *error) {
  const ftl_parameters *parameters = sweep->network->parameters;
  if (!sweep->predicted) return ftl_fail(error, FTL_ERR_ARGUMENT, "", "a gradient needs a prediction first");
  ftl_prediction again;
  if (!sweep->reversed && !reverse(sweep, &again)) return out_of_memory(sweep, error);
  sweep->reversed = true;
  if (sweep->differentiated) ftl_arena_back(&sweep->memory, sweep->before_gradient);
  sweep->before_gradient = ftl_arena_here(&sweep->memory);
  sweep->differentiated = true;
  /* Stages may write to frozen numbers too; what stands there is never read. */
  for (int k = 0; k < parameters->n; k++)
    if (parameters->parameter[k].trained)
      zero(sweep->parameter_gradient + parameters->parameter[k].offset, (size_t)parameters->parameter[k].count);
  if (!tangent(sweep, d_forces, d_virial) || !second(sweep, d_energy)) {
    sweep->predicted = false;
    return out_of_memory(sweep, error);
  }
  if (sweep->network->embedding.trained)
    map_gradient(sweep, &sweep->network->embedding, &(variable){.x = sweep->ones},
                 &sweep->layer[0].f[FTL_FEATURES_INPUT]);
  if (sweep->network->basis_trained) basis_gradient(sweep);
  energies_gradient(sweep, d_energy);
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *parameter = &parameters->parameter[k];
    for (int64_t i = parameter->offset; parameter->trained && i < parameter->offset + parameter->count; i++)
      out[i] += (double)sweep->parameter_gradient[i];
  }
  return FTL_OK;
}

/* ---- features ---- */

static void scalars(const ftl_sweep *sweep, double *out) {
  const int last = sweep->network->arch->n_layers - 1;
  const ftl_irreps *irreps = &sweep->network->arch->layer[last].product;
  const real *block = sweep->layer[last].f[FTL_FEATURES_OUTPUT].x;
  const int channels = ftl_irreps_count(irreps, 0, 1);
  int channel = 0;
  for (int b = 0; b < irreps->n; b++) {
    const int mul = irreps->block[b].mul;
    const bool wanted = ftl_is_even_scalar(&irreps->block[b]);
    for (int a = 0; a < sweep->n && wanted; a++)
      for (int c = 0; c < mul; c++)
        out[sweep->geometry.order[a] * channels + channel + c] = (double)block[(size_t)a * (size_t)mul + (size_t)c];
    channel += wanted ? mul : 0;
    block += (size_t)sweep->n * (size_t)ftl_block_dim(irreps, b) * (size_t)mul;
  }
}

#define STRING(x)             #x
#define EXPANDED_STRING(x)    STRING(x)
#define ENGINE(isa, suffix)   ftl_sweeps_##isa##_##suffix
#define EXPANDED_ENGINE(i, s) ENGINE(i, s)

const ftl_sweeps EXPANDED_ENGINE(FTL_ISA, FTL_SUFFIX) = {
    EXPANDED_STRING(FTL_ISA), PRODUCT_LANES, set, sweep_new, sweep_free, sweep_bytes, predict, gradient, scalars};
