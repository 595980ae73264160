/* One layer: its operations one after another, forward and reverse. */
#include <string.h>

#include "base/error.h"
#include "reference/reference.h"

static double *row(double *array, int64_t i, const ftl_irreps *irreps) { return array + i * ftl_irreps_dim(irreps); }

static void zero(double *x, int64_t n) { memset(x, 0, (size_t)n * sizeof *x); }

/* ---- preparation ---- */

static ftl_status prepare_norm(ftl_ref_run *run, int t, ftl_error *error) {
  ftl_ref_layer *layer = &run->layer[t];
  const double *value;
  layer->alpha = layer->beta = 1;
  if (layer->traits.norm == FTL_NORM_DENOMINATOR) {
    FTL_TRY(ftl_ref_weights(&run->memory, run->source, 1, &value, error, "interactions.%d.denominator", t));
    layer->denominator = value[0];
    return FTL_OK;
  }
  if (layer->traits.norm != FTL_NORM_ALPHA_BETA) return FTL_OK;
  FTL_TRY(ftl_ref_weights(&run->memory, run->source, 1, &value, error, "interactions.%d.alpha", t));
  layer->alpha = value[0];
  FTL_TRY(ftl_ref_weights(&run->memory, run->source, 1, &value, error, "interactions.%d.beta", t));
  layer->beta = value[0];
  return FTL_OK;
}

static ftl_status prepare_operation(ftl_ref_run *run, int t, int k, ftl_error *error) {
  const ftl_source *source = run->source;
  ftl_arena *memory = &run->memory;
  ftl_ref_layer *layer = &run->layer[t];
  const ftl_layer *spec = layer->spec;
  const ftl_operation *op = &layer->operations.op[k];
  const ftl_irreps *from = &layer->operations.irreps[op->from], *to = &layer->operations.irreps[op->to];
  ftl_ref_operation *prepared = &layer->op[k];
  switch (op->kind) {
  case FTL_OP_LINEAR:
    FTL_TRY(ftl_ref_linear_prepare(&prepared->linear, source, op->tensor, from, to, op->biased, memory, error));
    return op->by_head ? ftl_ref_linear_add_head(&prepared->linear, source, op->tensor, run->head, memory, error)
                       : FTL_OK;
  case FTL_OP_LINEAR_BY_ELEMENT:
    return ftl_ref_skip_prepare(&prepared->skip, source, op->tensor, from, to, memory, error);
  case FTL_OP_CONVOLUTION:
    return ftl_ref_convolution_prepare(run, t, error);
  case FTL_OP_NORM:
    return prepare_norm(run, t, error);
  case FTL_OP_GATE:
    prepared->gate = ftl_gate_of(&source->arch, t);
    return FTL_OK;
  case FTL_OP_CONTRACTION:
    return ftl_ref_contraction_prepare(&prepared->contraction, source, t,
                                       spec->agnostic_product ? 1 : source->arch.n_elements, memory, error);
  }
  return FTL_OK;
}

ftl_status ftl_ref_layer_prepare(ftl_ref_run *run, int t, ftl_error *error) {
  ftl_ref_layer *layer = &run->layer[t];
  layer->spec = &run->source->arch.layer[t];
  layer->traits = ftl_layer_traits_of(layer->spec);
  FTL_TRY(ftl_operations_make(&run->source->arch, t, &layer->operations, error));
  for (int k = 0; k < layer->operations.n; k++) FTL_TRY(prepare_operation(run, t, k, error));
  for (int f = 0; f < FTL_N_FEATURES; f++) {
    if (!layer->operations.used[f]) continue;
    const int64_t size = (int64_t)run->n * ftl_irreps_dim(&layer->operations.irreps[f]);
    FTL_TRY(ftl_ref_doubles(&run->memory, size, &layer->x[f], error));
    FTL_TRY(ftl_ref_doubles(&run->memory, size, &layer->d[f], error));
  }
  FTL_TRY(ftl_ref_doubles(&run->memory, run->n, &layer->density, error));
  return ftl_ref_doubles(&run->memory, run->n, &layer->d_density, error);
}

/* ---- the norm ---- */

/* What the sum over neighbours is divided by, and its derivative by the density. */
static double normalisation(const ftl_ref_layer *layer, int i, double *by_density) {
  *by_density = layer->traits.has_density ? layer->beta : 0;
  if (layer->traits.norm == FTL_NORM_DENOMINATOR) return layer->denominator;
  return layer->traits.has_density ? layer->alpha + layer->beta * layer->density[i] : layer->spec->avg_num_neighbors;
}

static void norm_forward(const ftl_ref_layer *layer, int i, const double *x, int n, double *y) {
  double by_density;
  const double norm = normalisation(layer, i, &by_density);
  for (int k = 0; k < n; k++) y[k] = x[k] / norm;
}

static void norm_reverse(ftl_ref_layer *layer, int i, const double *x, int n, const double *d_y, double *d_x) {
  double by_density;
  const double norm = normalisation(layer, i, &by_density);
  for (int k = 0; k < n; k++) {
    layer->d_density[i] -= d_y[k] * x[k] / (norm * norm) * by_density;
    d_x[k] += d_y[k] / norm;
  }
}

/* ---- operations on the atoms that the model sees ---- */

static void operation_forward(ftl_ref_run *run, ftl_ref_layer *layer, int k, int i) {
  const ftl_operation *op = &layer->operations.op[k];
  const ftl_irreps *irreps = layer->operations.irreps;
  const ftl_ref_operation *prepared = &layer->op[k];
  const int species = run->graph->species[i], n = ftl_irreps_dim(&irreps[op->to]);
  const double *x = row(layer->x[op->from], i, &irreps[op->from]);
  double *to = row(layer->x[op->to], i, &irreps[op->to]), *y = op->adds ? run->row_a : to;
  switch (op->kind) {
  case FTL_OP_LINEAR:
    ftl_ref_linear_forward(&prepared->linear, x, y);
    break;
  case FTL_OP_LINEAR_BY_ELEMENT:
    ftl_ref_skip_forward(&prepared->skip, species, x, y);
    break;
  case FTL_OP_NORM:
    norm_forward(layer, i, x, n, y);
    break;
  case FTL_OP_GATE:
    ftl_ref_gate_forward(&prepared->gate, x, y);
    break;
  case FTL_OP_CONTRACTION:
    ftl_ref_contraction_forward(&prepared->contraction, layer->spec->agnostic_product ? 0 : species, x, y);
    break;
  case FTL_OP_CONVOLUTION: /* of all atoms together */
    break;
  }
  for (int c = 0; op->adds && c < n; c++) to[c] += y[c];
}

static void operation_reverse(ftl_ref_run *run, ftl_ref_layer *layer, int k, int i) {
  const ftl_operation *op = &layer->operations.op[k];
  const ftl_irreps *irreps = layer->operations.irreps;
  const ftl_ref_operation *prepared = &layer->op[k];
  const int species = run->graph->species[i];
  const double *x = row(layer->x[op->from], i, &irreps[op->from]), *d_y = row(layer->d[op->to], i, &irreps[op->to]);
  double *d_x = row(layer->d[op->from], i, &irreps[op->from]);
  switch (op->kind) {
  case FTL_OP_LINEAR:
    ftl_ref_linear_reverse(&prepared->linear, d_y, d_x);
    break;
  case FTL_OP_LINEAR_BY_ELEMENT:
    ftl_ref_skip_reverse(&prepared->skip, species, d_y, d_x);
    break;
  case FTL_OP_NORM:
    norm_reverse(layer, i, x, ftl_irreps_dim(&irreps[op->to]), d_y, d_x);
    break;
  case FTL_OP_GATE:
    ftl_ref_gate_reverse(&prepared->gate, x, d_y, d_x);
    break;
  case FTL_OP_CONTRACTION:
    ftl_ref_contraction_reverse(&prepared->contraction, layer->spec->agnostic_product ? 0 : species, x, d_y, d_x);
    break;
  case FTL_OP_CONVOLUTION:
    break;
  }
}

void ftl_ref_layer_forward(ftl_ref_run *run, int t) {
  ftl_ref_layer *layer = &run->layer[t];
  for (int k = 0; k < layer->operations.n; k++) {
    if (layer->operations.op[k].kind == FTL_OP_CONVOLUTION) ftl_ref_convolution_forward(run, layer);
    for (int i = 0; i < run->n; i++)
      if (run->graph->species[i] >= 0) operation_forward(run, layer, k, i);
  }
}

void ftl_ref_layer_reverse(ftl_ref_run *run, int t) {
  ftl_ref_layer *layer = &run->layer[t];
  for (int f = 0; f < FTL_N_FEATURES; f++)
    if (layer->operations.used[f] && f != FTL_FEATURES_OUTPUT)
      zero(layer->d[f], (int64_t)run->n * ftl_irreps_dim(&layer->operations.irreps[f]));
  zero(layer->d_density, run->n);
  for (int k = layer->operations.n - 1; k >= 0; k--) {
    if (layer->operations.op[k].kind == FTL_OP_CONVOLUTION) ftl_ref_convolution_reverse(run, layer);
    for (int i = 0; i < run->n; i++)
      if (run->graph->species[i] >= 0) operation_reverse(run, layer, k, i);
  }
}
