#include "files/architecture_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "files/json_reader.h"
#include "files/nequip_json.h"
#include "model/traits.h"

static const char *const interactions[] = {
    [FTL_INTERACTION] = "RealAgnosticInteractionBlock",
    [FTL_INTERACTION_RESIDUAL] = "RealAgnosticResidualInteractionBlock",
    [FTL_INTERACTION_DENSITY] = "RealAgnosticDensityInteractionBlock",
    [FTL_INTERACTION_DENSITY_RESIDUAL] = "RealAgnosticDensityResidualInteractionBlock",
    [FTL_INTERACTION_NONLINEAR] = "RealAgnosticResidualNonLinearInteractionBlock",
    [FTL_INTERACTION_GATED] = "GatedInteractionBlock"};
static const char *const radials[] = {"bessel", "gaussian", "chebyshev"};
static const char *const transforms[] = {"none", "agnesi", "soft"};
static const char *const readouts[] = {"linear", "nonlinear", "nonlinear_bias", "two_linear", "net", "random"};
static const char *const models[] = {"MACE", "ScaleShiftMACE", "NequIP"};

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

/* ---- writing ---- */

static json_t *irreps_json(const ftl_irreps *irreps) {
  char text[FTL_MAX_BLOCKS * 16];
  return ftl_irreps_format(irreps, text, sizeof text) ? json_string(text) : NULL;
}

static json_t *layer_json(const ftl_layer *layer) {
  json_t *json =
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:f, s:o, s:i, s:b, s:b}", "interaction", interactions[layer->kind],
                "node_feats", irreps_json(&layer->node_feats), "edge", irreps_json(&layer->edge), "target",
                irreps_json(&layer->target), "hidden", irreps_json(&layer->hidden), "avg_num_neighbors",
                layer->avg_num_neighbors, "product", irreps_json(&layer->product), "correlation", layer->correlation,
                "use_sc", (int)layer->use_sc, "agnostic_product", (int)layer->agnostic_product);
  if (!json) return NULL;
  if (layer->kind == FTL_INTERACTION_GATED) {
    json_object_set_new(json, "skip_by_element", json_boolean(layer->skip_by_element));
  } else if (layer->kind == FTL_INTERACTION_NONLINEAR) {
    json_object_set_new(json, "gate_scalar_cst", json_real(layer->gate_scalar_cst));
    json_object_set_new(json, "gate_cst", json_real(layer->gate_cst));
  } else {
    json_object_set_new(json, "radial_act_cst", json_real(layer->radial_act_cst));
  }
  return json;
}

static json_t *readout_json(const ftl_readout *readout) {
  json_t *json = json_pack("{s:s, s:i, s:o}", "kind", readouts[readout->kind], "layer", readout->layer, "in",
                           irreps_json(&readout->in));
  if (!json || readout->kind == FTL_READOUT_LINEAR) return json;
  json_object_set_new(json, "mlp", irreps_json(&readout->mlp));
  json_object_set_new(json, "gate", json_string(ftl_activation_name(readout->gate)));
  json_object_set_new(json, "gate_cst", json_real(readout->gate_cst));
  json_object_set_new(json, "masks_heads", json_boolean(readout->masks_heads));
  return json;
}

static json_t *radial_json(const ftl_architecture *arch) {
  json_t *json = json_pack("{s:s, s:i, s:s, s:b}", "basis", radials[arch->radial], "size", arch->num_bessel,
                           "transform", transforms[arch->transform], "apply_cutoff", (int)arch->apply_cutoff);
  if (json && arch->radial == FTL_RADIAL_GAUSSIAN)
    json_object_set_new(json, "gaussian_coeff", json_real(arch->gaussian_coeff));
  return json;
}

json_t *ftl_architecture_to_json(const ftl_architecture *arch) {
  json_t *numbers = json_array(), *heads = json_array(), *layers = json_array(), *list = json_array();
  for (int k = 0; k < arch->n_elements; k++) json_array_append_new(numbers, json_integer(arch->atomic_numbers[k]));
  for (int k = 0; k < arch->n_heads; k++) json_array_append_new(heads, json_string(arch->heads[k]));
  for (int k = 0; k < arch->n_layers; k++) json_array_append_new(layers, layer_json(&arch->layer[k]));
  for (int k = 0; k < arch->n_readouts; k++) json_array_append_new(list, readout_json(&arch->readout[k]));
  const bool nequip = arch->family == FTL_FAMILY_NEQUIP;
  json_t *json = json_pack("{s:s, s:o, s:i, s:o, s:i, s:f, s:o, s:b, s:o, s:o, s:o}", "model",
                           models[nequip              ? 2
                                  : arch->scale_shift ? 1
                                                      : 0],
                           "atomic_numbers", numbers, "norm_elements", arch->norm_elements, "heads", heads,
                           "norm_heads", arch->norm_heads, "r_max", arch->r_max, "radial", radial_json(arch),
                           "pair_repulsion", (int)arch->pair_repulsion, "spherical_harmonics", irreps_json(&arch->sh),
                           "layers", layers, "readouts", list);
  if (json && nequip) json_object_set_new(json, "nequip", ftl_nequip_to_json(arch));
  return json;
}

/* ---- reading ---- */

static ftl_status unpack_failed(const ftl_json_reader *r, const char *part, const json_error_t *found) {
  return ftl_json_bad(r, "%s: %.200s", part, found->text);
}

static ftl_status read_name(const ftl_json_reader *r, const char *key, const char *value, const char *const *names,
                            int n, int *index) {
  for (int k = 0; k < n; k++)
    if (!strcmp(value, names[k])) {
      *index = k;
      return FTL_OK;
    }
  return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                  "the architecture's %s is \"%.100s\", which this version does not cover", key, value);
}

static ftl_status read_irreps(const ftl_json_reader *r, const char *key, const char *text, ftl_irreps *irreps) {
  return ftl_irreps_parse(text, irreps, NULL) ? ftl_json_bad(r, "%s is \"%.100s\"", key, text) : FTL_OK;
}

static ftl_status read_count(const ftl_json_reader *r, const char *key, json_int_t value, int max, int *count) {
  if (value < 0 || value > max) return ftl_json_bad(r, "%s is %lld", key, (long long)value);
  *count = (int)value;
  return FTL_OK;
}

static ftl_status read_layer(const ftl_json_reader *r, json_t *json, ftl_layer *layer) {
  const char *interaction, *node_feats, *edge, *target, *hidden, *product;
  json_int_t correlation;
  json_error_t found;
  int kind = 0, use_sc, agnostic, by_element = -1;
  /* The constants depend on the block. Optional here, looked for below. */
  if (json_unpack_ex(
          json, &found, JSON_STRICT, "{s:s, s:s, s:s, s:s, s:s, s:F, s:s, s:I, s:b, s:b, s?F, s?F, s?F, s?b}",
          "interaction", &interaction, "node_feats", &node_feats, "edge", &edge, "target", &target, "hidden", &hidden,
          "avg_num_neighbors", &layer->avg_num_neighbors, "product", &product, "correlation", &correlation, "use_sc",
          &use_sc, "agnostic_product", &agnostic, "radial_act_cst", &layer->radial_act_cst, "gate_scalar_cst",
          &layer->gate_scalar_cst, "gate_cst", &layer->gate_cst, "skip_by_element", &by_element))
    return unpack_failed(r, "a layer", &found);
  FTL_TRY(read_name(r, "interaction", interaction, interactions, COUNT(interactions), &kind));
  layer->kind = (ftl_interaction_kind)kind;
  layer->use_sc = use_sc;
  layer->agnostic_product = agnostic;
  FTL_TRY(read_irreps(r, "node_feats", node_feats, &layer->node_feats));
  FTL_TRY(read_irreps(r, "edge", edge, &layer->edge));
  FTL_TRY(read_irreps(r, "target", target, &layer->target));
  FTL_TRY(read_irreps(r, "hidden", hidden, &layer->hidden));
  FTL_TRY(read_irreps(r, "product", product, &layer->product));
  const bool nonlinear = layer->kind == FTL_INTERACTION_NONLINEAR, gated = layer->kind == FTL_INTERACTION_GATED;
  layer->skip_by_element = by_element == 1;
  if ((json_object_get(json, "radial_act_cst") == NULL) != (nonlinear || gated) ||
      (json_object_get(json, "gate_scalar_cst") != NULL) != nonlinear ||
      (json_object_get(json, "gate_cst") != NULL) != nonlinear || (by_element >= 0) != gated)
    return ftl_json_bad(r, "a layer with %s has the wrong constants", interaction);
  return read_count(r, "correlation", correlation, 100, &layer->correlation);
}

static ftl_status read_readout(const ftl_json_reader *r, json_t *json, ftl_readout *readout) {
  const char *kind_name, *in, *mlp = NULL, *gate = NULL;
  json_int_t layer;
  json_error_t found;
  int kind = 0, gate_kind = 0, masks = 0;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:I, s:s, s?s, s?s, s?F, s?b}", "kind", &kind_name, "layer",
                     &layer, "in", &in, "mlp", &mlp, "gate", &gate, "gate_cst", &readout->gate_cst, "masks_heads",
                     &masks))
    return unpack_failed(r, "a readout", &found);
  FTL_TRY(read_name(r, "readout kind", kind_name, readouts, COUNT(readouts), &kind));
  readout->kind = (ftl_readout_kind)kind;
  FTL_TRY(read_count(r, "layer of a readout", layer, FTL_MAX_LAYERS, &readout->layer));
  FTL_TRY(read_irreps(r, "in", in, &readout->in));
  if (json_object_size(json) != (readout->kind == FTL_READOUT_LINEAR ? 3 : 7))
    return ftl_json_bad(r, "a %s readout has the wrong keys", kind_name);
  if (readout->kind == FTL_READOUT_LINEAR) return FTL_OK;
  const char *activations[FTL_N_ACTIVATIONS];
  for (int k = 0; k < FTL_N_ACTIVATIONS; k++) activations[k] = ftl_activation_name((ftl_activation)k);
  FTL_TRY(read_name(r, "gate", gate, activations, FTL_N_ACTIVATIONS, &gate_kind));
  readout->gate = (ftl_activation)gate_kind;
  readout->masks_heads = masks;
  return read_irreps(r, "mlp", mlp, &readout->mlp);
}

static ftl_status read_radial(const ftl_json_reader *r, json_t *json, ftl_architecture *arch) {
  const char *basis, *transform;
  json_int_t size;
  json_error_t found;
  int apply, kind = 0;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:I, s:s, s:b, s?F}", "basis", &basis, "size", &size,
                     "transform", &transform, "apply_cutoff", &apply, "gaussian_coeff", &arch->gaussian_coeff))
    return unpack_failed(r, "radial", &found);
  FTL_TRY(read_name(r, "radial basis", basis, radials, COUNT(radials), &kind));
  arch->radial = (ftl_radial_kind)kind;
  if ((json_object_get(json, "gaussian_coeff") != NULL) != (arch->radial == FTL_RADIAL_GAUSSIAN))
    return ftl_json_bad(r, "gaussian_coeff does not go with the basis");
  FTL_TRY(read_name(r, "transform", transform, transforms, COUNT(transforms), &kind));
  arch->transform = (ftl_transform_kind)kind;
  arch->apply_cutoff = apply;
  return read_count(r, "size of the radial basis", size, 1 << 20, &arch->num_bessel);
}

static ftl_status read_lists(const ftl_json_reader *r, json_t *numbers, json_t *heads, ftl_architecture *arch) {
  size_t n = json_array_size(numbers);
  ftl_status status;
  if (n < 1 || n > FTL_MAX_ELEMENTS) return ftl_json_bad(r, "there are %zu elements", n);
  for (size_t k = 0; k < n; k++) {
    json_t *number = json_array_get(numbers, k);
    if (!json_is_integer(number)) return ftl_json_bad(r, "an atomic number is no integer");
    status = read_count(r, "an atomic number", json_integer_value(number), 118, &arch->atomic_numbers[k]);
    if (status) return status;
  }
  arch->n_elements = (int)n;
  n = json_array_size(heads);
  if (n < 1 || n > FTL_MAX_HEADS) return ftl_json_bad(r, "there are %zu heads", n);
  for (size_t k = 0; k < n; k++) {
    const char *name = json_string_value(json_array_get(heads, k));
    if (!name || strlen(name) > 255) return ftl_json_bad(r, "the name of head %zu is not credible", k);
    arch->heads[k] = strdup(name);
    if (!arch->heads[k]) return ftl_no_memory(r->error, r->where, "the heads");
    arch->n_heads = (int)k + 1;
  }
  return FTL_OK;
}

ftl_status ftl_architecture_from_json(json_t *json, const char *where, ftl_architecture *arch, ftl_error *error) {
  const ftl_json_reader r = {where, error};
  const char *model, *sh;
  json_t *numbers, *heads, *radial, *layers, *list, *nequip = NULL;
  json_int_t norm_elements, norm_heads;
  json_error_t found;
  int repulsion, kind = 0;
  ftl_status status;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:o, s:I, s:o, s:I, s:F, s:o, s:b, s:s, s:o, s:o, s?o}", "model",
                     &model, "atomic_numbers", &numbers, "norm_elements", &norm_elements, "heads", &heads, "norm_heads",
                     &norm_heads, "r_max", &arch->r_max, "radial", &radial, "pair_repulsion", &repulsion,
                     "spherical_harmonics", &sh, "layers", &layers, "readouts", &list, "nequip", &nequip))
    return unpack_failed(&r, "the model", &found);
  FTL_TRY(read_name(&r, "model", model, models, COUNT(models), &kind));
  arch->scale_shift = kind > 0;
  arch->family = kind == 2 ? FTL_FAMILY_NEQUIP : FTL_FAMILY_MACE;
  if ((nequip != NULL) != (arch->family == FTL_FAMILY_NEQUIP))
    return ftl_json_bad(&r, "nequip does not go with the model");
  if (nequip && (status = ftl_nequip_from_json(nequip, where, arch, error))) return status;
  arch->pair_repulsion = repulsion;
  FTL_TRY(read_lists(&r, numbers, heads, arch));
  FTL_TRY(read_count(&r, "norm_elements", norm_elements, 1000, &arch->norm_elements));
  FTL_TRY(read_count(&r, "norm_heads", norm_heads, 1000, &arch->norm_heads));
  FTL_TRY(read_radial(&r, radial, arch));
  FTL_TRY(read_irreps(&r, "spherical_harmonics", sh, &arch->sh));
  if (json_array_size(layers) < 1 || json_array_size(layers) > FTL_MAX_LAYERS)
    return ftl_json_bad(&r, "there are %zu layers", json_array_size(layers));
  if (json_array_size(list) < 1 || json_array_size(list) > FTL_MAX_LAYERS)
    return ftl_json_bad(&r, "there are %zu readouts", json_array_size(list));
  arch->n_layers = (int)json_array_size(layers);
  arch->n_readouts = (int)json_array_size(list);
  for (int k = 0; k < arch->n_layers; k++) FTL_TRY(read_layer(&r, json_array_get(layers, (size_t)k), &arch->layer[k]));
  for (int k = 0; k < arch->n_readouts; k++)
    FTL_TRY(read_readout(&r, json_array_get(list, (size_t)k), &arch->readout[k]));
  return FTL_OK;
}
