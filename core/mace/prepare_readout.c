/* Readouts of the chosen head as plain double arrays. With several heads a nonlinear readout holds every head's hidden
   channels one after another and masks all but the structure's head (MACE mask_head), so only one block of each matrix
   is ever used: that block is cut out here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/prepared.h"
#include "base/error.h"

/* rows x columns out of a flat [.. ][stride] weight, times factor. */
static double *cut(const ftl_tensor *w, int rows, int columns, int stride, int row0, int column0, double factor) {
  double *m = malloc(((size_t)rows * (size_t)columns + 1) * sizeof *m);
  for (int r = 0; m && r < rows; r++)
    for (int c = 0; c < columns; c++)
      m[r * columns + c] = factor * ftl_tensor_at(w, (int64_t)(row0 + r) * stride + column0 + c);
  return m;
}

static ftl_status prepare_linear_readout(const ftl_model *model, const ftl_source *source, int r,
                                         ftl_prepared_readout *out, ftl_error *error) {
  const ftl_tensor *w = ftl_require(source, error, "readouts.%d.linear.weight", r);
  if (!w) return FTL_ERR_FORMAT;
  out->n_last = out->n_in;
  out->last_factor = 1 / sqrt((double)out->n_in);
  out->linear = cut(w, out->n_in, 1, model->arch.n_heads, 0, model->head, out->last_factor);
  return out->linear ? FTL_OK : ftl_no_memory(error, w->name, "what is made of the tensor");
}

static ftl_status prepare_nonlinear_readout(const ftl_model *model, const ftl_source *source, int r,
                                            ftl_prepared_readout *out, ftl_error *error) {
  const ftl_readout *readout = &source->arch.readout[r];
  int n_heads = model->arch.n_heads, n_all = ftl_irreps_count(&readout->mlp, 0, 1);
  int n = readout->masks_heads ? n_all / n_heads : n_all, first = readout->masks_heads ? model->head * n : 0;
  /* fan-in as in training: a file cut to one head keeps norm_heads */
  double fan_in = readout->masks_heads || model->arch.norm_heads > n_heads ? (double)n * model->arch.norm_heads : n_all;
  out->n_hidden = out->n_last = n;
  out->last_factor = 1 / sqrt(fan_in);
  const ftl_tensor *w1 = ftl_require(source, error, "readouts.%d.linear_1.weight", r);
  const ftl_tensor *w2 = ftl_require(source, error, "readouts.%d.linear_2.weight", r);
  if (!w1 || !w2) return FTL_ERR_FORMAT;
  out->linear_1 = cut(w1, out->n_in, n, n_all, 0, first, 1 / sqrt((double)out->n_in));
  out->linear_2 = cut(w2, n, 1, n_heads, first, model->head, out->last_factor);
  if (!out->linear_1 || !out->linear_2) return ftl_no_memory(error, w1->name, "what is made of the tensor");
  if (readout->kind != FTL_READOUT_NONLINEAR_BIAS) return FTL_OK;
  const ftl_tensor *wm = ftl_require(source, error, "readouts.%d.linear_mid.weight", r);
  const ftl_tensor *bm = ftl_require(source, error, "readouts.%d.linear_mid.bias", r);
  const ftl_tensor *b2 = ftl_require(source, error, "readouts.%d.linear_2.bias", r);
  if (!wm || !bm || !b2) return FTL_ERR_FORMAT;
  out->linear_mid = cut(wm, n, n, n_all, first, first, 1 / sqrt(fan_in));
  out->bias_mid = cut(bm, 1, n, n_all, 0, first, 1);
  out->bias_2 = ftl_tensor_at(b2, model->head);
  return out->linear_mid && out->bias_mid ? FTL_OK : ftl_no_memory(error, wm->name, "what is made of the tensor");
}

/* Two linear maps and nothing between them are one. The first may have a bias and a row for each head, the second a
   bias. */
static ftl_status prepare_two_linear(const ftl_model *model, const ftl_source *source, int r, ftl_prepared_readout *out,
                                     ftl_error *error) {
  const ftl_architecture *arch = &model->arch;
  const ftl_nequip *nequip = &arch->nequip;
  const int n = ftl_irreps_count(&source->arch.readout[r].mlp, 0, 1), n_in = out->n_in;
  const ftl_tensor *w1 = ftl_require(source, error, "readouts.%d.linear_1.weight", r);
  const ftl_tensor *w2 = ftl_require(source, error, "readouts.%d.linear_2.weight", r);
  const ftl_tensor *heads = NULL, *b1 = NULL, *b2 = NULL;
  if (!w1 || !w2) return FTL_ERR_FORMAT;
  if (nequip->head_readout && !(heads = ftl_require(source, error, "readouts.%d.linear_1.heads", r)))
    return FTL_ERR_FORMAT;
  if (nequip->biased && (!(b1 = ftl_require(source, error, "readouts.%d.linear_1.bias", r)) ||
                         !(b2 = ftl_require(source, error, "readouts.%d.linear_2.bias", r))))
    return FTL_ERR_FORMAT;
  const double norm = 1 / sqrt((double)(n_in + (heads ? arch->norm_heads : 0)));
  out->n_hidden = out->n_last = n;
  out->last_factor = 1 / sqrt((double)n);
  out->linear = calloc((size_t)n_in + 1, sizeof *out->linear);
  out->linear_1 = cut(w1, n_in, n, n, 0, 0, norm);
  out->offset_1 = calloc((size_t)n + 1, sizeof *out->offset_1);
  if (!out->linear || !out->linear_1 || !out->offset_1)
    return ftl_no_memory(error, w1->name, "what is made of the tensor");
  out->bias_2 = b2 ? ftl_tensor_at(b2, 0) : 0;
  for (int k = 0; k < n; k++) {
    const double second = ftl_tensor_at(w2, k) * out->last_factor;
    if (heads) out->offset_1[k] += norm * ftl_tensor_at(heads, (int64_t)model->head * n + k);
    if (b1) out->offset_1[k] += ftl_tensor_at(b1, k);
    for (int c = 0; c < n_in; c++) out->linear[c] += out->linear_1[c * n + k] * second;
    out->bias_2 += out->offset_1[k] * second;
  }
  return FTL_OK;
}

/* Its last layer is that of a nonlinear readout, whatever the heads. */
static ftl_status prepare_random(const ftl_source *source, int r, ftl_prepared_readout *out, ftl_error *error) {
  const int n = ftl_irreps_dim(&source->arch.readout[r].mlp);
  const ftl_tensor *w1 = ftl_require(source, error, "readouts.%d.linear_1.weight", r);
  const ftl_tensor *w2 = ftl_require(source, error, "readouts.%d.linear_2.weight", r);
  if (!w1 || !w2) return FTL_ERR_FORMAT;
  out->kind = FTL_READOUT_NONLINEAR;
  out->n_hidden = out->n_last = n;
  out->last_factor = 1 / sqrt((double)n);
  out->linear_1 = cut(w1, out->n_in, n, n, 0, 0, 1 / sqrt((double)out->n_in));
  out->linear_2 = cut(w2, n, 1, 1, 0, 0, out->last_factor);
  return out->linear_1 && out->linear_2 ? FTL_OK : ftl_no_memory(error, w1->name, "what is made of the tensor");
}

static ftl_status prepare_net(const ftl_source *source, int r, ftl_prepared_readout *out, ftl_error *error) {
  char name[64];
  out->width[0] = out->n_in;
  for (;; out->n_layers++) {
    snprintf(name, sizeof name, "readouts.%d.layer%d.weight", r, out->n_layers);
    const ftl_tensor *w = ftl_tensors_find(&source->tensors, name);
    if (!w) break;
    if (out->n_layers == FTL_MAX_READOUT_LAYERS)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "readout %d has more than %d layers", r,
                      FTL_MAX_READOUT_LAYERS);
    if (w->shape[0] != out->width[out->n_layers])
      return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s takes %lld inputs, but there are %d", name,
                      (long long)w->shape[0], out->width[out->n_layers]);
    out->width[out->n_layers + 1] = (int)w->shape[1];
    out->net[out->n_layers] =
        cut(w, (int)w->shape[0], (int)w->shape[1], (int)w->shape[1], 0, 0, 1 / sqrt((double)w->shape[0]));
    if (!out->net[out->n_layers]) return ftl_no_memory(error, w->name, "what is made of the tensor");
  }
  if (out->n_layers > 0 && out->width[out->n_layers] == 1) {
    out->n_last = out->width[out->n_layers - 1];
    out->last_factor = 1 / sqrt((double)out->n_last);
    return FTL_OK;
  }
  return ftl_fail(error, FTL_ERR_FORMAT, source->path, "readout %d is a net that does not end in one number", r);
}

static ftl_status prepare_readout(const ftl_model *model, const ftl_source *source, int r, ftl_prepared_readout *out,
                                  ftl_error *error) {
  switch (out->kind) {
  case FTL_READOUT_LINEAR:
    return prepare_linear_readout(model, source, r, out, error);
  case FTL_READOUT_TWO_LINEAR:
    return prepare_two_linear(model, source, r, out, error);
  case FTL_READOUT_NET:
    return prepare_net(source, r, out, error);
  case FTL_READOUT_RANDOM:
    return prepare_random(source, r, out, error);
  case FTL_READOUT_NONLINEAR:
  case FTL_READOUT_NONLINEAR_BIAS:
    break;
  }
  return prepare_nonlinear_readout(model, source, r, out, error);
}

ftl_status ftl_prepare_readouts(ftl_model *model, const ftl_source *source, ftl_error *error) {
  for (int r = 0; r < source->arch.n_readouts; r++) {
    const ftl_readout *readout = &source->arch.readout[r];
    ftl_prepared_layer *layer = &model->layer[readout->layer];
    if (layer->n_readouts == 2)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "more than two readouts of layer %d", readout->layer);
    ftl_prepared_readout *out = &layer->readout[layer->n_readouts++];
    if (readout->kind != FTL_READOUT_LINEAR && readout->layer != model->arch.n_layers - 1)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path,
                      "readout %d is nonlinear but does not read the last layer", r);
    out->kind = readout->kind;
    out->gate = readout->gate;
    out->gate_cst = readout->gate_cst;
    out->block = -1;
    for (int b = 0; b < layer->out.n; b++)
      if (layer->out.b[b].l == 0 && layer->out.b[b].p == 1) out->block = b;
    if (out->block < 0)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "readout %d has no scalars to read", r);
    out->n_in = layer->out.b[out->block].mul;
    FTL_TRY(prepare_readout(model, source, r, out, error));
    out->first_last = model->n_last;
    model->n_last += out->n_last;
  }
  return FTL_OK;
}

/* The members' weights of one readout. */
static ftl_status prepare_members(const ftl_trust *trust, ftl_prepared_readout *r, ftl_error *error) {
  const bool two = r->kind == FTL_READOUT_TWO_LINEAR;
  r->member_stride = two ? r->n_in : r->n_last;
  r->member = calloc((size_t)trust->n_committee * (size_t)r->member_stride + 1, sizeof *r->member);
  if (!r->member) return ftl_no_memory(error, NULL, "the committee of a model");
  for (int m = 0; m < trust->n_committee; m++) {
    const double *from = trust->committee + (size_t)m * (size_t)trust->n + r->first_last;
    double *to = r->member + (size_t)m * (size_t)r->member_stride;
    for (int k = 0; k < r->n_last; k++) {
      const double weight = r->last_factor * from[k];
      if (!two) to[k] = weight;
      for (int c = 0; c < r->n_in && two; c++) to[c] += r->linear_1[c * r->n_hidden + k] * weight;
    }
  }
  return FTL_OK;
}

ftl_status ftl_prepare_trust(ftl_model *model, ftl_trust *trust, const char *path, ftl_error *error) {
  if (trust->n != model->n_last || model->arch.n_heads != 1)
    return ftl_fail(error, FTL_ERR_FORMAT, path,
                    "its tensors trust.* are of a last layer of %d weights and one head, and its own has %d and %d "
                    "head%s; make them again with frozentl trust",
                    trust->n, model->n_last, model->arch.n_heads, model->arch.n_heads == 1 ? "" : "s");
  for (int t = 0; t < model->arch.n_layers; t++)
    for (int r = 0; r < model->layer[t].n_readouts; r++)
      FTL_TRY(prepare_members(trust, &model->layer[t].readout[r], error));
  model->trust = trust;
  model->n_committee = trust->n_committee;
  model->energy_scale = trust->energy_scale;
  model->force_scale = trust->force_scale;
  return FTL_OK;
}

void ftl_readout_free(ftl_prepared_readout *readout) {
  free(readout->linear);
  free(readout->linear_1);
  free(readout->offset_1);
  free(readout->member);
  free(readout->linear_mid);
  free(readout->bias_mid);
  free(readout->linear_2);
  for (int k = 0; k < readout->n_layers; k++) free(readout->net[k]);
}
