/* The linear map from the neighbours' sum to the message. */
#include <stdlib.h>
#include <string.h>

#include "mace/feature_tables.h"
#include "base/error.h"

/* out = in . skip, path by path, for one element. */
static void fold_skip(const ftl_linear *linear, const ftl_linear *skip, const double *in, const double *skip_dense,
                      double *out) {
  for (int p = 0; p < linear->n; p++) {
    int rows = linear->in.b[linear->path[p].in].mul, columns = linear->out.b[linear->path[p].out].mul;
    const double *matrix = skip_dense; /* the skip's path of this block: an irrep occurs once in a message */
    for (int q = 0; q < skip->n && skip->path[q].in != linear->path[p].out; q++)
      matrix += skip->in.b[skip->path[q].in].mul * skip->out.b[skip->path[q].out].mul;
    memset(out, 0, (size_t)rows * (size_t)columns * sizeof *out);
    for (int u = 0; u < rows; u++)
      for (int v = 0; v < columns; v++)
        for (int c = 0; c < columns; c++)
          out[(size_t)u * (size_t)columns + (size_t)c] +=
              in[(size_t)u * (size_t)columns + (size_t)v] * matrix[(size_t)v * (size_t)columns + (size_t)c];
    in += rows * columns;
    out += rows * columns;
  }
}

ftl_status ftl_message_linear(const ftl_model *model, const ftl_source *source, int t, const ftl_irreps *mid,
                              const ftl_irreps *message, ftl_linear *linear, double **dense, int *n_species,
                              ftl_error *error) {
  const ftl_layer *layer = &model->arch.layer[t];
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  const ftl_tensor *w = ftl_require(
      source, error, traits.nonlinear ? "interactions.%d.linear_1.weight" : "interactions.%d.linear.weight", t);
  if (!w) return FTL_ERR_FORMAT;
  ftl_linear_paths(model, mid, message, linear);
  size_t size = ftl_linear_dense_size(linear);
  const bool folds_skip = traits.skip_on_message;
  *n_species = folds_skip ? model->n_species : 0;
  double *plain = malloc((size + 1) * sizeof *plain);
  *dense = malloc((size * (size_t)(folds_skip ? model->n_species : 1) + 1) * sizeof **dense);
  if (!plain || !*dense) {
    free(plain);
    return ftl_no_memory(error, w->name, "what is made of the tensor");
  }
  ftl_linear_dense(linear, w, traits.gated && model->arch.nequip.head_linear ? model->arch.norm_heads : 0, plain);
  const ftl_tensor *denominator =
      traits.norm == FTL_NORM_DENOMINATOR ? ftl_require(source, error, "interactions.%d.denominator", t) : NULL;
  if (traits.norm == FTL_NORM_DENOMINATOR && !denominator) {
    free(plain);
    return FTL_ERR_FORMAT;
  }
  const double norm = denominator                       ? ftl_tensor_at(denominator, 0)
                      : traits.norm == FTL_NORM_AVERAGE ? layer->avg_num_neighbors
                                                        : 1;
  for (size_t k = 0; k < size; k++) plain[k] /= norm;
  if (!folds_skip) {
    memcpy(*dense, plain, size * sizeof *plain);
    free(plain);
    return FTL_OK;
  }
  ftl_linear skip;
  ftl_linear_paths(model, message, message, &skip);
  size_t skip_size = ftl_linear_dense_size(&skip);
  double *skip_dense = malloc((skip_size + 1) * sizeof *skip_dense);
  const ftl_tensor *s = ftl_require(source, error, "interactions.%d.skip_tp.weight", t);
  if (!s || !skip_dense) {
    free(plain);
    free(skip_dense);
    return s ? ftl_no_memory(error, s->name, "what is made of the tensor") : FTL_ERR_FORMAT;
  }
  for (int z = 0; z < model->n_species; z++) {
    ftl_skip_dense(model, &skip, s, z, skip_dense);
    fold_skip(linear, &skip, plain, skip_dense, *dense + (size_t)z * size);
  }
  free(plain);
  free(skip_dense);
  return FTL_OK;
}
