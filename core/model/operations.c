#include "model/operations.h"

#include <stdio.h>

#include "base/error.h"

static const char *const operation_names[] = {"linear", "linear by element", "convolution", "norm",
                                              "gate",   "contraction"};
static const char *const features_names[] = {"input", "up",     "sum",     "mixed", "message",
                                             "gated", "target", "product", "output"};
_Static_assert(sizeof features_names / sizeof *features_names == FTL_N_FEATURES, "a name for each");

const char *ftl_operation_name(ftl_operation_kind kind) { return operation_names[kind]; }
const char *ftl_features_name(ftl_features_of features) { return features_names[features]; }

static ftl_operation *add(ftl_operations *list, ftl_operation_kind kind, ftl_features_of from, ftl_features_of to) {
  ftl_operation *op = &list->op[list->n++];
  *op = (ftl_operation){.kind = kind, .from = from, .to = to};
  list->used[from] = list->used[to] = true;
  return op;
}

static ftl_operation *add_map(ftl_operations *list, ftl_operation_kind kind, ftl_features_of from, ftl_features_of to,
                              const char *block, int t, const char *name) {
  ftl_operation *op = add(list, kind, from, to);
  snprintf(op->tensor, sizeof op->tensor, "%s.%d.%s", block, t, name);
  return op;
}

/* arXiv 2101.03164 as sevenn has it: docs/theory.md. */
static void list_gated(const ftl_architecture *arch, int t, const ftl_layer_traits *traits, ftl_operations *list) {
  const ftl_nequip *nequip = &arch->nequip;
  list->irreps[FTL_FEATURES_MIXED] = list->irreps[FTL_FEATURES_SUM];
  ftl_operation *up = add_map(list, FTL_OP_LINEAR, FTL_FEATURES_INPUT, FTL_FEATURES_UP, "interactions", t, "linear_up");
  up->biased = nequip->biased;
  up->by_head = nequip->head_up;
  add(list, FTL_OP_CONVOLUTION, FTL_FEATURES_UP, FTL_FEATURES_SUM);
  add(list, FTL_OP_NORM, FTL_FEATURES_SUM, FTL_FEATURES_MIXED);
  ftl_operation *linear =
      add_map(list, FTL_OP_LINEAR, FTL_FEATURES_MIXED, FTL_FEATURES_MESSAGE, "interactions", t, "linear");
  linear->biased = nequip->biased;
  linear->by_head = nequip->head_linear;
  add_map(list, traits->skip_by_element ? FTL_OP_LINEAR_BY_ELEMENT : FTL_OP_LINEAR, FTL_FEATURES_INPUT,
          FTL_FEATURES_MESSAGE, "interactions", t, "skip_tp")
      ->adds = true;
  add(list, FTL_OP_GATE, FTL_FEATURES_MESSAGE, FTL_FEATURES_OUTPUT);
}

ftl_status ftl_operations_make(const ftl_architecture *arch, int t, ftl_operations *list, ftl_error *error) {
  const ftl_layer *layer = &arch->layer[t];
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  const ftl_operation_kind skip = traits.skip_by_element ? FTL_OP_LINEAR_BY_ELEMENT : FTL_OP_LINEAR;
  ftl_conv_paths paths;
  ftl_status status = ftl_conv_paths_make(&layer->edge, &arch->sh, &layer->target, &paths, error);
  *list = (ftl_operations){0};
  FTL_TRY(status);
  list->irreps[FTL_FEATURES_INPUT] = layer->node_feats;
  list->irreps[FTL_FEATURES_UP] = layer->edge;
  list->irreps[FTL_FEATURES_SUM] = paths.mid;
  list->irreps[FTL_FEATURES_MIXED] = list->irreps[FTL_FEATURES_MESSAGE] = traits.message;
  list->irreps[FTL_FEATURES_GATED] = list->irreps[FTL_FEATURES_TARGET] = layer->target;
  list->irreps[FTL_FEATURES_PRODUCT] = list->irreps[FTL_FEATURES_OUTPUT] = layer->product;

  if (traits.gated) {
    list_gated(arch, t, &traits, list);
    return FTL_OK;
  }
  add_map(list, FTL_OP_LINEAR, FTL_FEATURES_INPUT, FTL_FEATURES_UP, "interactions", t, "linear_up");
  add(list, FTL_OP_CONVOLUTION, FTL_FEATURES_UP, FTL_FEATURES_SUM);
  add_map(list, FTL_OP_LINEAR, FTL_FEATURES_SUM, FTL_FEATURES_MIXED, "interactions", t,
          traits.nonlinear ? "linear_1" : "linear");
  if (traits.nonlinear) {
    add(list, FTL_OP_NORM, FTL_FEATURES_MIXED, FTL_FEATURES_MESSAGE);
    add_map(list, FTL_OP_LINEAR, FTL_FEATURES_UP, FTL_FEATURES_MESSAGE, "interactions", t, "linear_res")->adds = true;
    add(list, FTL_OP_GATE, FTL_FEATURES_MESSAGE, FTL_FEATURES_GATED);
    add_map(list, FTL_OP_LINEAR, FTL_FEATURES_GATED, FTL_FEATURES_TARGET, "interactions", t, "linear_2");
  } else if (traits.skip_on_message) {
    add(list, FTL_OP_NORM, FTL_FEATURES_MIXED, FTL_FEATURES_MESSAGE);
    add_map(list, skip, FTL_FEATURES_MESSAGE, FTL_FEATURES_TARGET, "interactions", t, "skip_tp");
  } else {
    add(list, FTL_OP_NORM, FTL_FEATURES_MIXED, FTL_FEATURES_TARGET);
  }
  add(list, FTL_OP_CONTRACTION, FTL_FEATURES_TARGET, FTL_FEATURES_PRODUCT);
  add_map(list, FTL_OP_LINEAR, FTL_FEATURES_PRODUCT, FTL_FEATURES_OUTPUT, "products", t, "linear");
  if (traits.has_sc)
    add_map(list, skip, FTL_FEATURES_INPUT, FTL_FEATURES_OUTPUT, "interactions", t, "skip_tp")->adds = true;
  return FTL_OK;
}
