/* The arrays of a MACE or NequIP model (model/arrays.h). */
#include "base/error.h"
#include "mace/mace.h"
#include "model/arrays.h"

static size_t largest(size_t a, size_t b) { return a > b ? a : b; }

static ftl_status list_linear(const ftl_model *model, ftl_linear *linear, int n_species, ftl_arrays *arrays,
                              ftl_error *error) {
  size_t n = 0, n_transpose = 0;
  for (int p = 0; p < linear->n; p++) {
    const ftl_linear_path *path = &linear->path[p];
    const ftl_layout_block *in = &linear->in.b[path->in], *out = &linear->out.b[path->out];
    n = largest(n, path->offset + (size_t)in->mul * (size_t)out->pad);
    n_transpose = largest(n_transpose, path->offset_transpose + (size_t)out->mul * (size_t)in->pad);
  }
  const size_t more = (size_t)(n_species - 1), bytes = (size_t)model->real_bytes;
  FTL_NUMBERS(linear->weight, n + more * linear->stride, bytes);
  FTL_NUMBERS(linear->transpose, n_transpose + more * linear->stride_transpose, bytes);
  return FTL_OK;
}

static ftl_status list_grid(const ftl_model *model, ftl_grid *grid, ftl_arrays *arrays, ftl_error *error) {
  FTL_STRUCTURE(grid->cell_of, model->n_classes * grid->n_units);
  FTL_STRUCTURE(grid->first, model->n_classes + 1);
  FTL_DOUBLES(grid->cell, 2 * (size_t)grid->first[model->n_classes]);
  return FTL_OK;
}

static ftl_status list_first(const ftl_model *model, ftl_prepared_layer *layer, ftl_arrays *arrays, ftl_error *error) {
  ftl_first_layer *first = &layer->first_layer;
  const ftl_grid *grid = &layer->grid;
  const int n_pairs = model->n_species * model->n_species;
  const size_t bytes = (size_t)model->real_bytes;
  size_t phi = 0, v = 0, vt = 0, by_channel = 0;
  FTL_STRUCTURE(first->class_, model->n_classes);
  FTL_STRUCTURE(first->v_offset, n_pairs * first->n_paths);
  FTL_STRUCTURE(first->vt_offset, n_pairs * first->n_paths);
  FTL_STRUCTURE(first->by_channel_offset, n_pairs);
  for (int ij = 0; ij < n_pairs; ij++) {
    const int k = model->pair_class[ij];
    const ftl_first_class *class_ = &first->class_[k];
    const size_t rows = (size_t)(grid->first[k + 1] - grid->first[k]) * (size_t)grid->n_coefficients;
    phi = largest(phi, class_->phi_offset + rows * (size_t)class_->pad);
    by_channel = largest(by_channel, first->by_channel_offset[ij] + rows * (size_t)first->by_channel_width);
    for (int p = 0; p < first->n_paths; p++) {
      const ftl_layout_block *out = &layer->message.b[first->path_out[p]];
      v = largest(v, first->v_offset[ij * first->n_paths + p] + (size_t)class_->pad * (size_t)out->pad);
      vt = largest(vt, first->vt_offset[ij * first->n_paths + p] + (size_t)out->mul * (size_t)class_->pad);
    }
  }
  FTL_NUMBERS(first->phi, phi, bytes);
  FTL_NUMBERS(first->v, v, bytes);
  FTL_NUMBERS(first->v_transpose, vt, bytes);
  FTL_NUMBERS(first->by_channel, by_channel, bytes);
  return FTL_OK;
}

static ftl_status list_conv(const ftl_model *model, ftl_conv *conv, ftl_arrays *arrays, ftl_error *error) {
  FTL_STRUCTURE(conv->m_start, conv->n_m + 1);
  if (conv->m_start) {
    FTL_STRUCTURE(conv->m_component, conv->m_start[conv->n_m]);
    FTL_DOUBLES(conv->m_coefficient, conv->m_start[conv->n_m]);
  }
  FTL_STRUCTURE(conv->chunk_offset, conv->n_chunks + 1);
  FTL_STRUCTURE(conv->chunk_paths, conv->n_chunks);
  if (conv->chunk_offset) FTL_NUMBERS(conv->radial, conv->chunk_offset[conv->n_chunks], (size_t)model->real_bytes);
  return list_linear(model, &conv->linear, conv->linear.stride ? model->n_species : 1, arrays, error);
}

static ftl_status list_contraction(const ftl_model *model, ftl_contraction *contraction, ftl_arrays *arrays,
                                   ftl_error *error) {
  FTL_STRUCTURE(contraction->polynomial, contraction->n_outputs);
  for (int o = 0; contraction->polynomial && o < contraction->n_outputs; o++) {
    ftl_polynomial *poly = &contraction->polynomial[o];
    for (int d = 0; d < poly->depth; d++) {
      FTL_STRUCTURE(poly->index[d], poly->n[d]);
      FTL_STRUCTURE(poly->first[d], poly->n[d] + 1);
    }
  }
  FTL_STRUCTURE(contraction->output_offset, contraction->n_outputs);
  const size_t n = contraction->species_stride ? (size_t)model->n_species : 1;
  FTL_NUMBERS(contraction->weight, n * contraction->chunk_stride * (size_t)contraction->n_chunks,
              (size_t)model->real_bytes);
  return FTL_OK;
}

static ftl_status list_readout(const ftl_model *model, ftl_prepared_readout *r, ftl_arrays *arrays, ftl_error *error) {
  FTL_DOUBLES(r->linear, r->n_in);
  FTL_DOUBLES(r->linear_1, r->n_in * r->n_hidden);
  FTL_DOUBLES(r->offset_1, r->n_hidden);
  FTL_DOUBLES(r->linear_mid, r->n_hidden * r->n_hidden);
  FTL_DOUBLES(r->bias_mid, r->n_hidden);
  FTL_DOUBLES(r->linear_2, r->n_hidden);
  FTL_DOUBLES(r->member, model->n_committee * r->member_stride);
  for (int k = 0; k < r->n_layers; k++) FTL_DOUBLES(r->net[k], r->width[k] * r->width[k + 1]);
  return FTL_OK;
}

static ftl_status list_layer(const ftl_model *model, ftl_prepared_layer *layer, ftl_arrays *arrays, ftl_error *error) {
  const int n = model->n_species;
  FTL_TRY(list_grid(model, &layer->grid, arrays, error));
  FTL_DOUBLES(layer->density, layer->grid.first[model->n_classes] * layer->grid.n_coefficients);
  if (layer->first) FTL_TRY(list_first(model, layer, arrays, error));
  else FTL_TRY(list_conv(model, &layer->conv, arrays, error));
  FTL_DOUBLES(layer->constant, n * layer->message.dim);
  FTL_DOUBLES(layer->up_constant, layer->linear_up.out.dim);
  FTL_DOUBLES(layer->res_first, n * layer->message.dim);
  FTL_DOUBLES(layer->sc_first, n * layer->out.dim);
  FTL_TRY(list_linear(model, &layer->linear_res, 1, arrays, error));
  FTL_TRY(list_linear(model, &layer->linear_2, 1, arrays, error));
  FTL_TRY(list_contraction(model, &layer->contraction, arrays, error));
  FTL_TRY(list_linear(model, &layer->product_linear, 1, arrays, error));
  FTL_TRY(list_linear(model, &layer->skip, layer->skip.stride ? n : 1, arrays, error));
  FTL_TRY(list_linear(model, &layer->linear_up, 1, arrays, error));
  for (int r = 0; r < layer->n_readouts; r++) FTL_TRY(list_readout(model, &layer->readout[r], arrays, error));
  return FTL_OK;
}

static ftl_status list_trust(ftl_trust *trust, ftl_arrays *arrays, ftl_error *error) {
  FTL_DOUBLES(trust->factor, trust->n * trust->n);
  FTL_DOUBLES(trust->committee, trust->n_committee * trust->n);
  for (int k = 0; k < trust->n_active; k++) FTL_DOUBLES(trust->active[k], trust->n * trust->n);
  return FTL_OK;
}

ftl_status ftl_mace_arrays(ftl_model *model, ftl_arrays *arrays, ftl_error *error) {
  for (int t = 0; t < model->arch.n_layers; t++) FTL_TRY(list_layer(model, &model->layer[t], arrays, error));
  FTL_STRUCTURE(model->trust, 1);
  return model->trust ? list_trust(model->trust, arrays, error) : FTL_OK;
}
