/* Packing of e3nn's linear maps as GEMM panels. Normalisations: e3nn o3.Linear and o3.FullyConnectedTensorProduct,
   "component" and "element" (1/sqrt of the number of inputs that reach an output). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/prepared.h"
#include "base/error.h"

void *ftl_calloc64(size_t bytes) {
  size_t rounded = (bytes + 127) / 64 * 64; /* at least one vector more than asked: kernels may prefetch past the end */
  void *p = aligned_alloc(64, rounded);
  if (p) memset(p, 0, rounded);
  return p;
}

bool ftl_renew(void *pointer, size_t bytes) {
  void **p = pointer;
  free(*p);
  return (*p = ftl_calloc64(bytes)) != NULL;
}

void ftl_store(const ftl_model *model, const double *values, size_t n, void *numbers, size_t at) {
  if (model->precision == FTL_DOUBLE) memcpy((double *)numbers + at, values, n * sizeof *values);
  else
    for (size_t k = 0; k < n; k++) ((float *)numbers)[at + k] = (float)values[k];
}

void *ftl_pack(const ftl_model *model, const double *values, size_t n) {
  void *p = ftl_calloc64(n * (size_t)model->real_bytes);
  if (p) ftl_store(model, values, n, p, 0);
  return p;
}

void ftl_pack_panels(const double *matrix, int rows, int columns, int pad, int lanes, double *packed) {
  int width = FTL_PANEL_VECTORS * lanes;
  for (int c0 = 0; c0 < pad; c0 += width) {
    int w = pad - c0 < width ? pad - c0 : width;
    double *panel = packed + (size_t)rows * (size_t)c0;
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < w; c++)
        panel[r * w + c] = c0 + c < columns ? matrix[(size_t)r * (size_t)columns + (size_t)(c0 + c)] : 0;
  }
}

void ftl_linear_paths(const ftl_model *model, const ftl_irreps *in, const ftl_irreps *out, ftl_linear *linear) {
  memset(linear, 0, sizeof *linear);
  ftl_layout_make(in, model->pad, &linear->in);
  ftl_layout_make(out, model->pad, &linear->out);
  for (int i = 0; i < in->n; i++)
    for (int o = 0; o < out->n; o++)
      if (in->block[i].l == out->block[o].l && in->block[i].p == out->block[o].p && linear->n < FTL_MAX_BLOCKS)
        linear->path[linear->n++] = (ftl_linear_path){.in = i, .out = o};
  for (int p = 0; p < linear->n; p++) {
    const ftl_layout_block *bi = &linear->in.b[linear->path[p].in], *bo = &linear->out.b[linear->path[p].out];
    linear->path[p].offset = linear->stride;
    linear->path[p].offset_transpose = linear->stride_transpose;
    linear->stride += (size_t)bi->mul * (size_t)bo->pad;
    linear->stride_transpose += (size_t)bo->mul * (size_t)bi->pad;
  }
}

size_t ftl_linear_dense_size(const ftl_linear *linear) {
  size_t n = 0;
  for (int p = 0; p < linear->n; p++)
    n += (size_t)linear->in.b[linear->path[p].in].mul * (size_t)linear->out.b[linear->path[p].out].mul;
  return n;
}

ftl_status ftl_linear_pack(const ftl_model *model, int n_species, const double *dense, ftl_linear *linear,
                           ftl_error *error) {
  int n = n_species > 0 ? n_species : 1;
  size_t dense_size = ftl_linear_dense_size(linear), biggest = 1;
  for (int p = 0; p < linear->n; p++) {
    size_t size = (size_t)linear->in.b[linear->path[p].in].mul * (size_t)linear->out.b[linear->path[p].out].mul;
    if (size > biggest) biggest = size;
  }
  double *w = calloc((size_t)n * linear->stride + 1, sizeof *w),
         *wt = calloc((size_t)n * linear->stride_transpose + 1, sizeof *wt);
  double *transposed = malloc(biggest * sizeof *transposed);
  if (w && wt && transposed) {
    for (int z = 0; z < n; z++) {
      const double *matrix = dense + (size_t)z * dense_size;
      for (int p = 0; p < linear->n; p++) {
        const ftl_linear_path *path = &linear->path[p];
        const ftl_layout_block *bi = &linear->in.b[path->in], *bo = &linear->out.b[path->out];
        ftl_pack_panels(matrix, bi->mul, bo->mul, bo->pad, model->lanes, w + (size_t)z * linear->stride + path->offset);
        for (int r = 0; r < bi->mul; r++)
          for (int c = 0; c < bo->mul; c++)
            transposed[(size_t)c * (size_t)bi->mul + (size_t)r] = matrix[(size_t)r * (size_t)bo->mul + (size_t)c];
        ftl_pack_panels(transposed, bo->mul, bi->mul, bi->pad, model->lanes,
                        wt + (size_t)z * linear->stride_transpose + path->offset_transpose);
        matrix += (size_t)bi->mul * (size_t)bo->mul;
      }
    }
    linear->weight = ftl_pack(model, w, (size_t)n * linear->stride);
    linear->transpose = ftl_pack(model, wt, (size_t)n * linear->stride_transpose);
  }
  free(w);
  free(wt);
  free(transposed);
  if (!linear->weight || !linear->transpose) return ftl_no_memory(error, NULL, "a linear map");
  if (n_species == 0) linear->stride = linear->stride_transpose = 0;
  return FTL_OK;
}

void ftl_linear_dense(const ftl_linear *linear, const ftl_tensor *weight, int heads, double *dense) {
  int64_t k = 0;
  for (int p = 0; p < linear->n; p++) {
    int fan_in = 0;
    for (int q = 0; q < linear->n; q++)
      if (linear->path[q].out == linear->path[p].out) fan_in += linear->in.b[linear->path[q].in].mul;
    const ftl_layout_block *to = &linear->out.b[linear->path[p].out];
    if (to->l == 0 && to->p == 1) fan_in += heads;
    double norm = 1 / sqrt((double)fan_in);
    int64_t size = (int64_t)linear->in.b[linear->path[p].in].mul * linear->out.b[linear->path[p].out].mul;
    for (int64_t i = 0; i < size; i++, k++) dense[k] = ftl_tensor_at(weight, k) * norm;
  }
}

void ftl_skip_dense(const ftl_model *model, const ftl_linear *linear, const ftl_tensor *weight, int species,
                    double *dense) {
  int64_t start = 0, k = 0;
  int n_elements = model->n_species;
  for (int p = 0; p < linear->n; p++) {
    int fan_in = 0;
    for (int q = 0; q < linear->n; q++)
      if (linear->path[q].out == linear->path[p].out) fan_in += linear->in.b[linear->path[q].in].mul;
    double norm = 1 / sqrt((double)fan_in * model->arch.norm_elements);
    int mul_in = linear->in.b[linear->path[p].in].mul, mul_out = linear->out.b[linear->path[p].out].mul;
    for (int u = 0; u < mul_in; u++)
      for (int w = 0; w < mul_out; w++)
        dense[k++] = norm * ftl_tensor_at(weight, start + ((int64_t)u * n_elements + species) * mul_out + w);
    start += (int64_t)mul_in * n_elements * mul_out;
  }
}

ftl_status ftl_prepare_linear(const ftl_model *model, const ftl_irreps *in, const ftl_irreps *out,
                              const ftl_tensor *weight, int heads, ftl_linear *linear, ftl_error *error) {
  ftl_linear_paths(model, in, out, linear);
  double *dense = malloc((ftl_linear_dense_size(linear) + 1) * sizeof *dense);
  if (!dense) return ftl_no_memory(error, weight->name, "what is made of the tensor");
  ftl_linear_dense(linear, weight, heads, dense);
  ftl_status status = ftl_linear_pack(model, 0, dense, linear, error);
  free(dense);
  return status;
}

ftl_status ftl_prepare_skip(const ftl_model *model, const ftl_irreps *in, const ftl_irreps *out,
                            const ftl_tensor *weight, ftl_linear *linear, ftl_error *error) {
  ftl_linear_paths(model, in, out, linear);
  size_t size = ftl_linear_dense_size(linear);
  double *dense = malloc((size * (size_t)model->n_species + 1) * sizeof *dense);
  if (!dense) return ftl_no_memory(error, weight->name, "what is made of the tensor");
  for (int z = 0; z < model->n_species; z++) ftl_skip_dense(model, linear, weight, z, dense + (size_t)z * size);
  ftl_status status = ftl_linear_pack(model, model->n_species, dense, linear, error);
  free(dense);
  return status;
}

ftl_status ftl_linear_offset(const ftl_model *model, const ftl_source *source, const char *name, bool by_head,
                             const ftl_linear *linear, double *row, ftl_error *error) {
  const ftl_architecture *arch = &model->arch;
  const int channels = ftl_layout_count(&linear->out, 0, 1);
  const ftl_tensor *bias = NULL, *heads = NULL;
  if (channels == 0) return FTL_OK;
  if (arch->nequip.biased && !(bias = ftl_require(source, error, "%s.bias", name))) return FTL_ERR_FORMAT;
  if (by_head && !(heads = ftl_require(source, error, "%s.heads", name))) return FTL_ERR_FORMAT;
  const double norm = 1 / sqrt((double)(ftl_layout_count(&linear->in, 0, 1) + (by_head ? arch->norm_heads : 0)));
  int64_t k = 0;
  for (int b = 0; b < linear->out.n; b++) {
    const ftl_layout_block *block = &linear->out.b[b];
    if (block->l != 0 || block->p != 1) continue;
    for (int c = 0; c < block->mul; c++, k++)
      row[block->offset + c] += (bias ? ftl_tensor_at(bias, k) : 0) +
                                (heads ? norm * ftl_tensor_at(heads, (int64_t)model->head * channels + k) : 0);
  }
  return FTL_OK;
}

ftl_status ftl_embedding_row(const ftl_model *model, const ftl_source *source, int species, double *row,
                             ftl_error *error) {
  const ftl_architecture *arch = &model->arch;
  const int channels = ftl_irreps_count(&arch->layer[0].node_feats, 0, 1);
  const bool by_head = arch->nequip.head_embedding;
  const ftl_tensor *weight = ftl_require(source, error, "node_embedding.linear.weight"), *bias = NULL, *heads = NULL;
  if (!weight) return FTL_ERR_FORMAT;
  if (arch->nequip.biased && !(bias = ftl_require(source, error, "node_embedding.linear.bias"))) return FTL_ERR_FORMAT;
  if (by_head && !(heads = ftl_require(source, error, "node_embedding.linear.heads"))) return FTL_ERR_FORMAT;
  const double norm = 1 / sqrt((double)(arch->norm_elements + (by_head ? arch->norm_heads : 0)));
  for (int c = 0; c < channels; c++) {
    double sum = ftl_tensor_at(weight, (int64_t)species * channels + c);
    if (heads) sum += ftl_tensor_at(heads, (int64_t)model->head * channels + c);
    row[c] = norm * sum + (bias ? ftl_tensor_at(bias, c) : 0);
  }
  return FTL_OK;
}

void ftl_linear_free(ftl_linear *linear) {
  free(linear->weight);
  free(linear->transpose);
}
