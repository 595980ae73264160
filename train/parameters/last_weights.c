#include "parameters/last_weights.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

static bool has(const ftl_source *source, const char *name) { return ftl_tensors_find(&source->tensors, name) != NULL; }

/* The tensor of readout r, into name[64]. */
static void name_of(const ftl_source *source, int r, char *name) {
  int layers = 0;
  switch (source->arch.readout[r].kind) {
  case FTL_READOUT_LINEAR:
    snprintf(name, 64, "readouts.%d.linear.weight", r);
    return;
  case FTL_READOUT_NET:
    do snprintf(name, 64, "readouts.%d.layer%d.weight", r, layers++);
    while (has(source, name));
    snprintf(name, 64, "readouts.%d.layer%d.weight", r, layers - 2);
    return;
  default:
    snprintf(name, 64, "readouts.%d.linear_2.weight", r);
  }
}

static ftl_status add_block(const ftl_source *source, const char *name, ftl_parameters *parameters,
                            ftl_last_weights *layer, ftl_error *error) {
  ftl_parameter *parameter = ftl_parameters_find(parameters, name);
  if (!parameter) return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s is missing", name);
  parameter->trained = true;
  layer->offset[layer->n_blocks] = parameter->offset;
  layer->count[layer->n_blocks++] = parameter->count;
  layer->n += (int)parameter->count;
  return FTL_OK;
}

ftl_status ftl_last_weights_mark(const ftl_source *source, ftl_parameters *parameters, ftl_last_weights *layer,
                                 ftl_error *error) {
  *layer = (ftl_last_weights){0};
  if (source->arch.n_heads > 1)
    return ftl_fail(error, FTL_ERR_INPUT, source->path,
                    "the model has %d heads, and each has a last layer of its own; choose one with --head",
                    source->arch.n_heads);
  for (int k = 0; k < parameters->n; k++) parameters->parameter[k].trained = false;
  for (int r = 0; r < source->arch.n_readouts; r++) {
    char name[64];
    name_of(source, r, name);
    FTL_TRY(add_block(source, name, parameters, layer, error));
  }
  return FTL_OK;
}

ftl_status ftl_last_weights_mark_e0(const ftl_source *source, ftl_parameters *parameters, ftl_last_weights *layer,
                                    ftl_error *error) {
  return add_block(source, "atomic_energies_fn.atomic_energies", parameters, layer, error);
}

void ftl_last_weights_take(const ftl_last_weights *layer, const double *parameters, double *weights) {
  for (int b = 0; b < layer->n_blocks; weights += layer->count[b++])
    memcpy(weights, parameters + layer->offset[b], (size_t)layer->count[b] * sizeof *weights);
}

void ftl_last_weights_put(const ftl_last_weights *layer, const double *weights, double *parameters) {
  for (int b = 0; b < layer->n_blocks; weights += layer->count[b++])
    memcpy(parameters + layer->offset[b], weights, (size_t)layer->count[b] * sizeof *weights);
}
