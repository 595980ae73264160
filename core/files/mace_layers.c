/* Interactions and products: mace.modules.blocks. */
#include <stdio.h>
#include <string.h>

#include "files/mace_reader.h"
#include "base/error.h"

static const struct {
  const char *name;
  ftl_interaction_kind kind;
} interactions[] = {
    {"RealAgnosticInteractionBlock", FTL_INTERACTION},
    {"RealAgnosticResidualInteractionBlock", FTL_INTERACTION_RESIDUAL},
    {"RealAgnosticDensityInteractionBlock", FTL_INTERACTION_DENSITY},
    {"RealAgnosticDensityResidualInteractionBlock", FTL_INTERACTION_DENSITY_RESIDUAL},
    {"RealAgnosticResidualNonLinearInteractionBlock", FTL_INTERACTION_NONLINEAR},
};

/* cuequivariance and openequivariance lay out weights and features differently. */
static ftl_status refuse_backends(ftl_mace_reader *r, const ftl_py *module, const char *path) {
  static const char *const configs[] = {"cueq_config", "oeq_config"};
  for (int k = 0; k < 2; k++) {
    const ftl_py *config = ftl_module_attribute(module, configs[k]);
    const ftl_py *layout = ftl_module_attribute(config, "layout_str");
    if (ftl_value_truth(ftl_module_attribute(config, "enabled")) || (layout && !ftl_py_string_is(layout, "mul_ir")))
      return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                      "%s uses %s: convert the model back to plain e3nn (mace_cueq_to_e3nn) first", path, configs[k]);
  }
  if (ftl_value_truth(ftl_module_attribute(module, "conv_fusion")))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s uses conv_fusion, which is not covered", path);
  return FTL_OK;
}

void ftl_mace_function_name(const ftl_py *function, char *name, size_t size) {
  const ftl_py *found = function;
  /* Builtins are pickled as getattr(torch._C._VariableFunctionsClass, "tanh"). */
  if (function && function->kind == FTL_PY_CALL && ftl_py_string_is(ftl_py_item(function->u.call.args, 1), "tanh"))
    snprintf(name, size, "tanh");
  else if (function && function->kind == FTL_PY_CALL && ftl_py_string_is(ftl_py_item(function->u.call.args, 1), "abs"))
    snprintf(name, size, "abs");
  else if (function && function->kind == FTL_PY_CALL &&
           ftl_py_string_is(ftl_py_item(function->u.call.args, 1), "sigmoid"))
    snprintf(name, size, "sigmoid");
  else if (ftl_module_is(function, "torch.nn", "SiLU") || ftl_py_global_is(found, "torch.nn", "silu"))
    snprintf(name, size, "silu");
  else if (ftl_module_is(function, "torch.nn", "Tanh") || ftl_py_global_is(found, "torch", "tanh"))
    snprintf(name, size, "tanh");
  else if (ftl_module_is(function, "torch.nn", "Sigmoid") || ftl_py_global_is(found, "torch", "sigmoid"))
    snprintf(name, size, "sigmoid");
  else if (ftl_py_global_is(found, "torch", "abs")) snprintf(name, size, "abs");
  else ftl_py_describe(function, name, size);
}

ftl_status ftl_mace_read_activation(ftl_mace_reader *r, const ftl_py *normalize, const char *path, char *function,
                                    size_t size, double *cst) {
  const ftl_py *f;
  if (!ftl_module_is(normalize, "e3nn", "normalize2mom")) {
    char text[256];
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s, not e3nn's normalize2mom", path,
                    ftl_py_describe(normalize, text, sizeof text));
  }
  f = ftl_module_attribute(normalize, "f");
  if (!f) f = ftl_module_child(normalize, "f"); /* an activation module instead of a function */
  ftl_mace_function_name(f, function, size);
  if (ftl_value_truth(ftl_module_attribute(normalize, "_is_id"))) {
    *cst = 1;
    return FTL_OK;
  }
  return ftl_module_number(r, normalize, path, "cst", cst);
}

ftl_status ftl_mace_read_linear(ftl_mace_reader *r, const ftl_py *module, const char *path, const char *name,
                                ftl_irreps *in, ftl_irreps *out) {
  const ftl_py *linear = ftl_module_child(module, name);
  char full[200], text[256];
  snprintf(full, sizeof full, "%s.%s", path, name);
  if (!ftl_module_is(linear, "e3nn", "Linear"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s, not an e3nn Linear", full,
                    ftl_py_describe(linear, text, sizeof text));
  if (in) FTL_TRY(ftl_module_irreps(r, linear, full, "irreps_in", in));
  return out ? ftl_module_irreps(r, linear, full, "irreps_out", out) : FTL_OK;
}

/* The radial network of all kinds but the nonlinear: e3nn's FullyConnectedNet with silu. */
static ftl_status read_radial_net(ftl_mace_reader *r, const ftl_py *interaction, const char *path, ftl_layer *layer) {
  const ftl_py *net = ftl_module_child(interaction, "conv_tp_weights");
  const ftl_py *first = ftl_module_child(net, "layer0"), *act;
  char full[200], function[256];
  snprintf(full, sizeof full, "%s.conv_tp_weights.layer0.act", path);
  if (!ftl_module_is(net, "e3nn", "FullyConnectedNet"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s.conv_tp_weights is %s, not e3nn's FullyConnectedNet",
                    path, ftl_py_describe(net, function, sizeof function));
  act = ftl_module_child(first, "act");
  layer->radial_act_cst = 1;
  if (!act) return FTL_OK; /* radial_MLP without hidden layers */
  FTL_TRY(ftl_mace_read_activation(r, act, full, function, sizeof function, &layer->radial_act_cst));
  if (strcmp(function, "silu"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s; only silu is covered", full, function);
  return FTL_OK;
}

/* One activation of e3nn's nn.Gate. */
static ftl_status read_gate_part(ftl_mace_reader *r, const ftl_py *gate, const char *path, const char *part,
                                 const char *expected, double *cst) {
  const ftl_py *acts = ftl_module_child(ftl_module_child(gate, part), "acts");
  char full[200], function[256];
  *cst = 1;
  if (ftl_module_count(acts) == 0) return FTL_OK; /* no irreps of that sort */
  for (int k = 0; k < ftl_module_count(acts); k++) {
    snprintf(full, sizeof full, "%s.%s.acts.%d", path, part, k);
    FTL_TRY(ftl_mace_read_activation(r, ftl_module_item(acts, k), full, function, sizeof function, cst));
    if (strcmp(function, expected))
      return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s; only %s is covered", full, function,
                      expected);
  }
  return FTL_OK;
}

static ftl_status read_nonlinear_gate(ftl_mace_reader *r, const ftl_py *interaction, const char *path,
                                      ftl_layer *layer) {
  const ftl_py *gate = ftl_module_child(interaction, "equivariant_nonlin");
  char full[200], scalar[256], gated[256];
  snprintf(full, sizeof full, "%s.equivariant_nonlin", path);
  if (ftl_module_is(gate, "e3nn", "Gate")) {
    FTL_TRY(read_gate_part(r, gate, full, "act_scalars", "silu", &layer->gate_scalar_cst));
    return read_gate_part(r, gate, full, "act_gates", "sigmoid", &layer->gate_cst);
  }
  if (!ftl_module_is(gate, "mace", "GatedEquivariantBlock"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s, not a GatedEquivariantBlock", full,
                    ftl_py_describe(gate, scalar, sizeof scalar));
  if (ftl_value_truth(ftl_module_attribute(gate, "_layout_is_ir_mul")))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s has the layout ir_mul, which is not covered", full);
  ftl_mace_function_name(ftl_module_attribute(gate, "_act_scalar"), scalar, sizeof scalar);
  ftl_mace_function_name(ftl_module_attribute(gate, "_act_gate"), gated, sizeof gated);
  if (strcmp(scalar, "silu") ||
      (strcmp(gated, "sigmoid") && ftl_py_length(ftl_module_attribute(gate, "_gated_info")) > 0))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "%s has the activations %.80s and %.80s; only silu and "
                    "sigmoid are covered",
                    full, scalar, gated);
  FTL_TRY(ftl_module_number(r, gate, full, "_scalar_cst", &layer->gate_scalar_cst));
  return ftl_module_number(r, gate, full, "_gate_cst", &layer->gate_cst);
}

/* The tensor product's own list of paths must be the one that the stages will derive from the irreps. */
static ftl_status check_conv_tp(ftl_mace_reader *r, const ftl_py *interaction, const char *path,
                                const ftl_layer *layer) {
  const ftl_py *tp = ftl_module_child(interaction, "conv_tp"), *list;
  ftl_conv_paths paths;
  ftl_irreps out;
  char full[200];
  snprintf(full, sizeof full, "%s.conv_tp", path);
  if (!ftl_module_is(tp, "e3nn", "TensorProduct"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is not an e3nn TensorProduct", full);
  FTL_TRY(ftl_conv_paths_make(&layer->edge, &r->source->arch.sh, &layer->target, &paths, r->error));
  FTL_TRY(ftl_module_irreps(r, tp, full, "irreps_out", &out));
  list = ftl_module_attribute(tp, "instructions");
  if (!list) list = ftl_module_attribute(tp, "_instructions");
  ftl_status status =
      ftl_irreps_equal(&out, &paths.mid) && ftl_py_length(list) == (size_t)paths.n ? FTL_OK : FTL_ERR_UNSUPPORTED;
  for (int k = 0; !status && k < paths.n; k++) {
    const ftl_py *instruction = ftl_py_item(list, (size_t)k);
    const ftl_py *args = instruction && instruction->kind == FTL_PY_OBJECT ? instruction->u.call.args : instruction;
    int64_t in1, in2, to;
    if (!ftl_py_to_int(ftl_py_item(args, 0), &in1) || !ftl_py_to_int(ftl_py_item(args, 1), &in2) ||
        !ftl_py_to_int(ftl_py_item(args, 2), &to) || in1 != paths.path[k].in1 || in2 != paths.path[k].in2 || to != k ||
        !ftl_py_string_is(ftl_py_item(args, 3), "uvu"))
      status = FTL_ERR_UNSUPPORTED;
  }
  if (status) return ftl_fail(r->error, status, r->where, "%s does not have the paths that mace-torch gives it", full);
  return FTL_OK;
}

static ftl_status read_interaction(ftl_mace_reader *r, const ftl_py *interaction, const char *path, ftl_layer *layer) {
  ftl_architecture *arch = &r->source->arch;
  ftl_irreps sh, up_in;
  size_t k = 0, n = sizeof interactions / sizeof *interactions;
  char text[256];
  while (k < n && !ftl_module_is(interaction, "mace", interactions[k].name)) k++;
  if (k == n)
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s, which is not a covered interaction block", path,
                    ftl_py_describe(interaction, text, sizeof text));
  layer->kind = interactions[k].kind;
  FTL_TRY(refuse_backends(r, interaction, path));
  FTL_TRY(refuse_backends(r, ftl_module_child(interaction, "reshape"), path));
  FTL_TRY(ftl_module_irreps(r, interaction, path, "node_feats_irreps", &layer->node_feats));
  FTL_TRY(ftl_module_irreps(r, interaction, path, "target_irreps", &layer->target));
  FTL_TRY(ftl_module_irreps(r, interaction, path, "hidden_irreps", &layer->hidden));
  FTL_TRY(ftl_module_irreps(r, interaction, path, "edge_attrs_irreps", &sh));
  FTL_TRY(ftl_mace_read_linear(r, interaction, path, "linear_up", &up_in, &layer->edge));
  if (arch->sh.n == 0) arch->sh = sh;
  if (!ftl_irreps_equal(&arch->sh, &sh) || !ftl_irreps_equal(&up_in, &layer->node_feats))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the irreps of %s contradict each other", path);
  FTL_TRY(ftl_module_number(r, interaction, path, "avg_num_neighbors", &layer->avg_num_neighbors));
  FTL_TRY(check_conv_tp(r, interaction, path, layer));
  if (layer->kind == FTL_INTERACTION_NONLINEAR) return read_nonlinear_gate(r, interaction, path, layer);
  return read_radial_net(r, interaction, path, layer);
}

static ftl_status read_product(ftl_mace_reader *r, const ftl_py *product, const char *path, ftl_layer *layer) {
  const ftl_py *contractions = ftl_module_child(ftl_module_child(product, "symmetric_contractions"), "contractions");
  ftl_irreps linear_in;
  int n = ftl_module_count(contractions);
  char full[200], text[256];
  if (!ftl_module_is(product, "mace", "EquivariantProductBasisBlock"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "%s is %s, not an EquivariantProductBasisBlock", path,
                    ftl_py_describe(product, text, sizeof text));
  FTL_TRY(refuse_backends(r, product, path));
  FTL_TRY(ftl_mace_read_linear(r, product, path, "linear", &linear_in, &layer->product));
  if (!ftl_irreps_equal(&linear_in, &layer->product) || n != layer->product.n)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the irreps of %s contradict each other", path);
  layer->use_sc = ftl_value_truth(ftl_module_attribute(product, "use_sc"));
  layer->agnostic_product = ftl_value_truth(ftl_module_attribute(product, "use_agnostic_product"));
  for (int k = 0; k < n; k++) {
    double correlation;
    snprintf(full, sizeof full, "%s.symmetric_contractions.contractions.%d", path, k);
    FTL_TRY(ftl_module_number(r, ftl_module_item(contractions, k), full, "correlation", &correlation));
    if (correlation < 1 || correlation > 100 || (k > 0 && (int)correlation != layer->correlation))
      return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                      "%s.correlation is %g: one correlation for all irreps is what is covered", full, correlation);
    layer->correlation = (int)correlation;
  }
  return FTL_OK;
}

ftl_status ftl_mace_read_layers(ftl_mace_reader *reader, const ftl_py *model) {
  const ftl_py *list = ftl_module_child(model, "interactions"), *products = ftl_module_child(model, "products");
  ftl_architecture *arch = &reader->source->arch;
  char path[64];
  int n = ftl_module_count(list);
  if (n < 1 || ftl_module_count(products) != n)
    return ftl_fail(reader->error, FTL_ERR_FORMAT, reader->where, "the model has %d interactions and %d products", n,
                    ftl_module_count(products));
  if (n > FTL_MAX_LAYERS)
    return ftl_fail(reader->error, FTL_ERR_UNSUPPORTED, reader->where, "the model has %d layers; up to %d are covered",
                    n, FTL_MAX_LAYERS);
  arch->n_layers = n;
  for (int t = 0; t < n; t++) {
    snprintf(path, sizeof path, "interactions.%d", t);
    FTL_TRY(read_interaction(reader, ftl_module_item(list, t), path, &arch->layer[t]));
    snprintf(path, sizeof path, "products.%d", t);
    FTL_TRY(read_product(reader, ftl_module_item(products, t), path, &arch->layer[t]));
  }
  return FTL_OK;
}
