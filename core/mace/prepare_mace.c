/* From a model file's content to the tables that the stages read. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mace/feature_tables.h"
#include "mace/mace.h"
#include "mace/prepare_gated.h"
#include "mace/repulsion.h"
#include "model/engine.h"
#include "model/kernels.h"
#include "base/error.h"

const ftl_tensor *ftl_require(const ftl_source *source, ftl_error *error, const char *format, ...) {
  char name[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(name, sizeof name, format, arguments);
  va_end(arguments);
  const ftl_tensor *tensor = ftl_tensors_find(&source->tensors, name);
  if (!tensor) ftl_fail(error, FTL_ERR_FORMAT, source->path, "the model has no tensor %s", name);
  return tensor;
}

static void list_heads(const ftl_architecture *arch, char *names, size_t size) {
  size_t used = 0;
  for (int h = 0; h < arch->n_heads && used < size; h++)
    used += (size_t)snprintf(names + used, size - used, "%s%s", h ? ", " : "", arch->heads[h]);
}

/* What is not asked for is chosen as the family's own program does: mace-torch takes the last head if none is called
   Default, sevenn wants to be told the modality. */
static ftl_status choose_head(ftl_model *model, const ftl_open_options *options, const char *path, ftl_error *error) {
  const ftl_architecture *arch = &model->arch;
  const char *wanted = options && options->head ? options->head : arch->n_heads > 1 ? "Default" : arch->heads[0];
  char names[256] = "";
  for (int h = 0; h < arch->n_heads; h++)
    if (strcmp(arch->heads[h], wanted) == 0) {
      model->head = h;
      return FTL_OK;
    }
  list_heads(arch, names, sizeof names);
  if (options && options->head)
    return ftl_fail(error, FTL_ERR_INPUT, path, "the model has no head '%.60s'; it has: %s", options->head, names);
  if (arch->family == FTL_FAMILY_NEQUIP)
    return ftl_fail(error, FTL_ERR_INPUT, path,
                    "the model has several heads (modalities), which give different energies; choose with head one of: "
                    "%s",
                    names);
  model->head = arch->n_heads - 1;
  return FTL_OK;
}

static ftl_status copy_architecture(ftl_model *model, const ftl_source *source, ftl_error *error) {
  model->arch = source->arch;
  for (int h = 0; h < FTL_MAX_HEADS; h++) model->arch.heads[h] = NULL;
  for (int h = 0; h < source->arch.n_heads; h++) {
    if (!(model->arch.heads[h] = strdup(source->arch.heads[h])))
      return ftl_no_memory(error, source->path, "the tables of the model");
    model->heads[h] = model->arch.heads[h];
  }
  model->n_species = model->arch.n_elements;
  model->lmax = 0;
  for (int b = 0; b < model->arch.sh.n; b++)
    if (model->arch.sh.block[b].l > model->lmax) model->lmax = model->arch.sh.block[b].l;
  model->n_sh = (model->lmax + 1) * (model->lmax + 1);
  if (model->n_sh > FTL_MAX_SH)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "max_ell = %d; at most 3 is covered", model->lmax);
  for (int64_t t = 0; t < source->tensors.n; t++)
    if (source->tensors.tensor[t].is_parameter) model->n_parameters += source->tensors.tensor[t].count;
  return FTL_OK;
}

/* Pairs whose radial functions are the same share a class: all of them, unless a distance transform (symmetric in the
   pair) or element embeddings (not symmetric) are in the way. */
static ftl_status make_classes(ftl_model *model, const char *path, ftl_error *error) {
  int n = model->n_species;
  bool ordered = false, unordered = model->arch.transform != FTL_TRANSFORM_NONE;
  for (int t = 0; t < model->arch.n_layers; t++) ordered |= ftl_layer_traits_of(&model->arch.layer[t]).nonlinear;
  model->pair_class = calloc((size_t)n * (size_t)n, sizeof *model->pair_class);
  if (!model->pair_class) return ftl_no_memory(error, path, "the tables of the model");
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      int low = i < j ? i : j, high = i < j ? j : i;
      model->pair_class[i * n + j] = ordered ? i * n + j : unordered ? high * (high + 1) / 2 + low : 0;
    }
  model->n_classes = ordered ? n * n : unordered ? n * (n + 1) / 2 : 1;
  return FTL_OK;
}

static ftl_status prepare_energies(ftl_model *model, const ftl_source *source, ftl_error *error) {
  const ftl_tensor *e0 = ftl_require(source, error, "atomic_energies_fn.atomic_energies");
  if (!e0) return FTL_ERR_FORMAT;
  if (!(model->e0 = malloc((size_t)model->n_species * sizeof *model->e0)))
    return ftl_no_memory(error, e0->name, "what is made of the tensor");
  int row = e0->ndim == 2 ? model->head : 0;
  if (e0->ndim == 2 && e0->shape[0] == 1) row = 0;
  for (int z = 0; z < model->n_species; z++) model->e0[z] = ftl_tensor_at(e0, (int64_t)row * model->n_species + z);
  if (!(model->scale = malloc((size_t)model->n_species * sizeof *model->scale)))
    return ftl_no_memory(error, e0->name, "what is made of the tensor");
  for (int z = 0; z < model->n_species; z++) model->scale[z] = 1;
  model->shift = 0;
  if (!model->arch.scale_shift) return FTL_OK;
  const ftl_tensor *scale = ftl_require(source, error, "scale_shift.scale");
  if (!scale) return FTL_ERR_FORMAT;
  const bool by_element = model->arch.family == FTL_FAMILY_NEQUIP;
  for (int z = 0; z < model->n_species; z++)
    model->scale[z] = ftl_tensor_at(scale, by_element         ? (int64_t)model->head * model->n_species + z
                                           : scale->count > 1 ? model->head
                                                              : 0);
  if (by_element) return FTL_OK; /* the shift is E0 */
  const ftl_tensor *shift = ftl_require(source, error, "scale_shift.shift");
  if (!shift) return FTL_ERR_FORMAT;
  model->shift = ftl_tensor_at(shift, shift->count > 1 ? model->head : 0);
  return FTL_OK;
}

/* A linear of scalars applied to one vector: out[o] += sum_c in[c] w[c][o]. */
static void apply_dense(const double *in, int n_in, const double *w, int n_out, double *out) {
  for (int c = 0; c < n_in; c++)
    for (int o = 0; o < n_out; o++) out[o] += in[c] * w[(size_t)c * (size_t)n_out + (size_t)o];
}

/* The first layer's skip connection and (nonlinear block) residual depend on the element only: tables in row order. */
static ftl_status prepare_first_constants(ftl_model *model, const ftl_source *source, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[0];
  const ftl_layer *layer = &model->arch.layer[0];
  int n_in = ftl_irreps_count(&layer->node_feats, 0, 1);
  ftl_linear skip, up, res;
  ftl_linear_paths(model, &layer->node_feats, &layer->product, &skip);
  ftl_linear_paths(model, &layer->node_feats, &layer->edge, &up);
  ftl_irreps message = {.n = prepared->message.n};
  for (int b = 0; b < message.n; b++)
    message.block[b] = (ftl_irrep){prepared->message.b[b].mul, prepared->message.b[b].l, prepared->message.b[b].p};
  ftl_linear_paths(model, &layer->edge, &message, &res);
  bool gated = prepared->gated;
  const ftl_tensor *w_skip = prepared->has_sc ? ftl_require(source, error, "interactions.0.skip_tp.weight") : NULL;
  const ftl_tensor *w_up = gated ? ftl_require(source, error, "interactions.0.linear_up.weight") : NULL;
  const ftl_tensor *w_res = gated ? ftl_require(source, error, "interactions.0.linear_res.weight") : NULL;
  if ((prepared->has_sc && !w_skip) || (gated && (!w_up || !w_res))) return FTL_ERR_FORMAT;
  size_t biggest = ftl_linear_dense_size(&skip) + ftl_linear_dense_size(&up) + ftl_linear_dense_size(&res) + 1;
  int n_up = gated ? ftl_irreps_count(&layer->edge, 0, 1) : 0;
  double *dense = malloc(biggest * sizeof *dense), *x = malloc((size_t)(n_in + n_up + 1) * sizeof *x), *u = x + n_in;
  prepared->sc_first = calloc((size_t)model->n_species * (size_t)prepared->out.dim + 1, sizeof(double));
  prepared->res_first =
      gated ? calloc((size_t)model->n_species * (size_t)prepared->message.dim + 1, sizeof(double)) : NULL;
  if (!dense || !x || !prepared->sc_first || (gated && !prepared->res_first)) {
    free(dense);
    free(x);
    return ftl_no_memory(error, source->path, "the first layer's constants");
  }
  ftl_status status = FTL_OK;
  for (int z = 0; z < model->n_species; z++) {
    if ((status = ftl_embedding_row(model, source, z, x, error))) break;
    if (w_skip && skip.n) {
      if (gated) ftl_linear_dense(&skip, w_skip, 0, dense);
      else ftl_skip_dense(model, &skip, w_skip, z, dense);
      const ftl_layout_block *out = &skip.out.b[skip.path[0].out];
      apply_dense(x, n_in, dense, out->mul, prepared->sc_first + (size_t)z * (size_t)prepared->out.dim + out->offset);
    }
    if (gated && up.n && res.n) {
      memset(u, 0, (size_t)n_up * sizeof *u);
      ftl_linear_dense(&up, w_up, 0, dense);
      apply_dense(x, n_in, dense, n_up, u);
      ftl_linear_dense(&res, w_res, 0, dense);
      const ftl_layout_block *out = &res.out.b[res.path[0].out];
      apply_dense(u, n_up, dense, out->mul,
                  prepared->res_first + (size_t)z * (size_t)prepared->message.dim + out->offset);
    }
  }
  free(dense);
  free(x);
  return status;
}

static ftl_status prepare_layer(ftl_model *model, const ftl_source *source, int t, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer *layer = &model->arch.layer[t];
  prepared->first = t == 0;
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  prepared->gated = traits.nonlinear;
  prepared->norm = traits.norm;
  prepared->has_sc = traits.has_sc;
  ftl_layout_make(&layer->target, model->pad, &prepared->target);
  ftl_layout_make(&layer->product, model->pad, &prepared->out);
  if (t == 0 && (layer->edge.n != 1 || layer->edge.block[0].l != 0 || layer->edge.block[0].p != 1))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "interaction 0 does not start from scalars");
  FTL_TRY(ftl_prepare_radial(model, source, t, error));
  if (traits.gated) return ftl_prepare_gated(model, source, t, error);
  ftl_status status = FTL_OK;
  if (prepared->gated) {
    prepared->gate = ftl_gate_of(&model->arch, t);
    const ftl_tensor *alpha = ftl_require(source, error, "interactions.%d.alpha", t);
    const ftl_tensor *beta = ftl_require(source, error, "interactions.%d.beta", t);
    const ftl_tensor *linear_2 = ftl_require(source, error, "interactions.%d.linear_2.weight", t);
    if (!alpha || !beta || !linear_2) return FTL_ERR_FORMAT;
    prepared->alpha = ftl_tensor_at(alpha, 0);
    prepared->beta = ftl_tensor_at(beta, 0);
    FTL_TRY(ftl_prepare_linear(model, &layer->target, &layer->target, linear_2, 0, &prepared->linear_2, error));
    if (t > 0) {
      const ftl_tensor *res = ftl_require(source, error, "interactions.%d.linear_res.weight", t);
      if (!res) return FTL_ERR_FORMAT;
      ftl_irreps message = layer->target;
      message.block[0].mul = prepared->message.b[0].mul;
      FTL_TRY(ftl_prepare_linear(model, &layer->edge, &message, res, 0, &prepared->linear_res, error));
    }
  }
  FTL_TRY(ftl_prepare_contraction(model, source, t, &prepared->contraction, error));
  const ftl_tensor *linear = ftl_require(source, error, "products.%d.linear.weight", t);
  if (!linear) return FTL_ERR_FORMAT;
  if ((status =
           ftl_prepare_linear(model, &layer->product, &layer->product, linear, 0, &prepared->product_linear, error)))
    return status;
  if (t == 0) return prepare_first_constants(model, source, error);
  if (prepared->has_sc) {
    const ftl_tensor *skip = ftl_require(source, error, "interactions.%d.skip_tp.weight", t);
    if (!skip) return FTL_ERR_FORMAT;
    FTL_TRY(!traits.skip_by_element
                ? ftl_prepare_linear(model, &traits.skip_in, &traits.skip_out, skip, 0, &prepared->skip, error)
                : ftl_prepare_skip(model, &traits.skip_in, &traits.skip_out, skip, &prepared->skip, error));
  }
  const ftl_tensor *up = ftl_require(source, error, "interactions.%d.linear_up.weight", t);
  if (!up) return FTL_ERR_FORMAT;
  return ftl_prepare_linear(model, &layer->node_feats, &layer->edge, up, 0, &prepared->linear_up, error);
}

/* Where the layers' outputs go in a row of descriptors. */
static ftl_status place_descriptors(ftl_model *model, ftl_error *error) {
  int n = 0;
  for (int t = 0; t < model->arch.n_layers; t++) n += model->layer[t].out.n;
  if (!(model->descriptor = calloc((size_t)n + 1, sizeof *model->descriptor)))
    return ftl_no_memory(error, NULL, "the tables of the model");
  for (int t = 0; t < model->arch.n_layers; t++) {
    const ftl_layout *out = &model->layer[t].out;
    model->layer[t].descriptor = model->descriptor + model->n_descriptors;
    for (int b = 0; b < out->n; b++) {
      model->descriptor[model->n_descriptors++] =
          (ftl_descriptor_block){t, out->b[b].mul, out->b[b].l, out->b[b].p, model->descriptor_width};
      model->descriptor_width += out->b[b].mul * out->b[b].d;
    }
  }
  return FTL_OK;
}

ftl_status ftl_prepare(const ftl_source *source, const ftl_open_options *options, ftl_model **out, ftl_error *error) {
  ftl_model *model = calloc(1, sizeof *model);
  if (!model) return ftl_no_memory(error, source->path, "the tables of the model");
  model->engine = &ftl_mace_engine;
  model->precision = options ? options->precision : FTL_DOUBLE;
  model->real_bytes = model->precision == FTL_DOUBLE ? 8 : 4;
  model->pad = 64 / model->real_bytes;
  ftl_status status = ftl_kernels_choose(model->precision, &model->kernels, error);
  if (!status) model->lanes = model->kernels->vector_bytes / model->real_bytes;
  if (!status) status = copy_architecture(model, source, error);
  if (!status) status = choose_head(model, options, source->path, error);
  if (!status) status = make_classes(model, source->path, error);
  /* Radial weights of pairs of elements are far larger than a cache, and those that a block's edges need are read once
     for the block; of a model with one class of pairs, they stay in cache between blocks. */
  if (!status) model->block_atoms = model->n_classes > 1 ? FTL_MAX_BLOCK_ATOMS : FTL_BLOCK_ATOMS;
  if (!status) status = prepare_energies(model, source, error);
  if (!status && model->arch.pair_repulsion)
    status = ftl_repulsion_make(source, &model->zbl, model->zbl_c, &model->zbl_p, error);
  for (int t = 0; t < model->arch.n_layers && !status; t++) status = prepare_layer(model, source, t, error);
  if (!status) status = ftl_prepare_readouts(model, source, error);
  if (!status) status = place_descriptors(model, error);
  if (status) {
    ftl_model_free(model);
    return status;
  }
  *out = model;
  return FTL_OK;
}

static void layer_free(ftl_prepared_layer *layer) {
  ftl_first_layer *first = &layer->first_layer;
  free(first->class_);
  free(first->phi);
  free(first->v);
  free(first->v_transpose);
  free(first->v_offset);
  free(first->vt_offset);
  free(first->by_channel);
  free(first->by_channel_offset);
  ftl_conv *conv = &layer->conv;
  free(conv->m_start);
  free(conv->m_component);
  free(conv->m_coefficient);
  free(conv->chunk_offset);
  free(conv->chunk_paths);
  free(conv->radial);
  ftl_linear_free(&conv->linear);
  ftl_grid_free(&layer->grid);
  free(layer->density);
  free(layer->constant);
  free(layer->up_constant);
  ftl_linear_free(&layer->linear_res);
  free(layer->res_first);
  ftl_linear_free(&layer->linear_2);
  ftl_contraction_free(&layer->contraction);
  ftl_linear_free(&layer->product_linear);
  free(layer->sc_first);
  ftl_linear_free(&layer->skip);
  ftl_linear_free(&layer->linear_up);
  for (int r = 0; r < layer->n_readouts; r++) ftl_readout_free(&layer->readout[r]);
}

void ftl_mace_free(ftl_model *model) {
  for (int t = 0; t < model->arch.n_layers; t++) layer_free(&model->layer[t]);
  ftl_trust_free(model->trust);
}
