/* Layers of the NequIP family: no product; the self-connection is added to the message, and a gate makes the output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "mace/prepare_gated.h"
#include "math/rows.h"

/* What does not depend on the neighbours: bias and head row of the message's linear and, in the first layer, the
   self-connection of the element's embedding. [species][message.dim] */
static ftl_status message_constants(ftl_model *model, const ftl_source *source, int t, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer_traits traits = ftl_layer_traits_of(&model->arch.layer[t]);
  const size_t dim = (size_t)prepared->message.dim;
  const int n_in = ftl_irreps_count(&traits.skip_in, 0, 1);
  ftl_linear skip, linear;
  ftl_conv_paths paths;
  const ftl_layer *layer = &model->arch.layer[t];
  FTL_TRY(ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error));
  ftl_linear_paths(model, &traits.skip_in, &traits.skip_out, &skip);
  ftl_linear_paths(model, &paths.mid, &traits.message, &linear);
  const ftl_tensor *weight = ftl_require(source, error, "interactions.%d.skip_tp.weight", t);
  if (!weight) return FTL_ERR_FORMAT;
  prepared->constant = calloc((size_t)model->n_species * dim + 1, sizeof *prepared->constant);
  double *x = malloc(((size_t)n_in + ftl_linear_dense_size(&skip) + 1) * sizeof *x), *dense = x ? x + n_in : NULL;
  char name[64];
  ftl_status status = FTL_OK;
  snprintf(name, sizeof name, "interactions.%d.linear", t);
  if (!prepared->constant || !x) status = ftl_no_memory(error, weight->name, "what is made of the tensor");
  /* the same for all elements, but for the first layer's self-connection */
  if (!status)
    status = ftl_linear_offset(model, source, name, model->arch.nequip.head_linear, &linear, prepared->constant, error);
  for (int z = 1; z < model->n_species && !status; z++)
    memcpy(prepared->constant + (size_t)z * dim, prepared->constant, dim * sizeof *prepared->constant);
  if (!status && t == 0 && !traits.skip_by_element) ftl_linear_dense(&skip, weight, 0, dense);
  for (int z = 0; z < model->n_species && !status && t == 0; z++) {
    double *row = prepared->constant + (size_t)z * dim;
    if ((status = ftl_embedding_row(model, source, z, x, error))) break;
    if (traits.skip_by_element) ftl_skip_dense(model, &skip, weight, z, dense);
    const double *matrix = dense; /* scalars alone come in */
    for (int p = 0; p < skip.n; p++) {
      const ftl_layout_block *out = &skip.out.b[skip.path[p].out];
      ftl_add_rows(n_in, x, matrix, (size_t)out->mul, out->mul, row + out->offset);
      matrix += (size_t)n_in * (size_t)out->mul;
    }
  }
  free(x);
  return status;
}

static ftl_status prepare_up(ftl_model *model, const ftl_source *source, int t, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer *layer = &model->arch.layer[t];
  const bool by_head = model->arch.nequip.head_up;
  const ftl_tensor *up = ftl_require(source, error, "interactions.%d.linear_up.weight", t);
  char name[64];
  if (!up) return FTL_ERR_FORMAT;
  FTL_TRY(ftl_prepare_linear(model, &layer->node_feats, &layer->edge, up, by_head ? model->arch.norm_heads : 0,
                             &prepared->linear_up, error));
  if (!by_head && !model->arch.nequip.biased) return FTL_OK;
  prepared->up_constant = calloc((size_t)prepared->linear_up.out.dim + 1, sizeof *prepared->up_constant);
  if (!prepared->up_constant) return ftl_no_memory(error, up->name, "what is made of the tensor");
  snprintf(name, sizeof name, "interactions.%d.linear_up", t);
  return ftl_linear_offset(model, source, name, by_head, &prepared->linear_up, prepared->up_constant, error);
}

ftl_status ftl_prepare_gated(ftl_model *model, const ftl_source *source, int t, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer_traits traits = ftl_layer_traits_of(&model->arch.layer[t]);
  prepared->gated_output = true;
  prepared->gate = ftl_gate_of(&model->arch, t);
  prepared->norm = FTL_NORM_AVERAGE; /* the denominator is in the weights of the message's linear */
  FTL_TRY(message_constants(model, source, t, error));
  if (t == 0) return FTL_OK;
  const ftl_tensor *skip = ftl_require(source, error, "interactions.%d.skip_tp.weight", t);
  if (!skip) return FTL_ERR_FORMAT;
  FTL_TRY(traits.skip_by_element
              ? ftl_prepare_skip(model, &traits.skip_in, &traits.skip_out, skip, &prepared->skip, error)
              : ftl_prepare_linear(model, &traits.skip_in, &traits.skip_out, skip, 0, &prepared->skip, error));
  return prepare_up(model, source, t, error);
}
