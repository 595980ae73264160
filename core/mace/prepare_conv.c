/* A later layer's convolution: coupling coefficients, radial weights per path, the message's linear. */
#include <stdlib.h>
#include <string.h>

#include "mace/couplings.h"
#include "mace/feature_tables.h"
#include "math/rows.h"
#include "base/error.h"

/* M[m3][m1] of a path as combinations of Y. */
static ftl_status coupling(const ftl_source *source, int t, ftl_conv *conv, const ftl_conv_paths *paths,
                           ftl_error *error) {
  ftl_edge_couplings couplings;
  ftl_status status = ftl_edge_couplings_make(source, t, paths, &couplings, error);
  if (!status) {
    conv->n_m = couplings.n_m;
    conv->m_start = calloc((size_t)conv->n_m + 1, sizeof *conv->m_start);
    conv->m_component = malloc(((size_t)couplings.n + 1) * sizeof *conv->m_component);
    conv->m_coefficient = malloc(((size_t)couplings.n + 1) * sizeof *conv->m_coefficient);
    if (!conv->m_start || !conv->m_component || !conv->m_coefficient)
      status = ftl_no_memory(error, source->path, "the tables of the model");
  }
  for (int p = 0; p < paths->n && !status; p++) conv->path[p].m_offset = couplings.first_m[p];
  for (int k = 0; k < couplings.n && !status; k++) {
    conv->m_start[couplings.entry[k].m + 1]++;
    conv->m_component[k] = couplings.entry[k].y;
    conv->m_coefficient[k] = couplings.entry[k].coefficient;
  }
  for (int q = 0; q < conv->n_m && !status; q++) conv->m_start[q + 1] += conv->m_start[q];
  ftl_edge_couplings_free(&couplings);
  return status;
}

/* Radial weights of later layers: per chunk and cell, the polynomial coefficients of every path's channels. */
static ftl_status weight_tables(const ftl_model *model, const ftl_radial *radial, const ftl_feature_tables *tables,
                                const ftl_grid *grid, ftl_conv *conv, ftl_error *error) {
  int vectors = 4;
  for (int p = 0; p < conv->n_paths; p++) {
    int n = conv->edge.b[conv->path[p].in].pad / model->lanes;
    while (n % vectors) vectors /= 2;
  }
  conv->chunk_vectors = vectors;
  const int width = vectors * model->lanes, m = grid->n_coefficients, n_cells = grid->first[model->n_classes];
  for (int p = 0; p < conv->n_paths; p++) {
    conv->path[p].n_chunks = conv->edge.b[conv->path[p].in].pad / width;
    if (conv->path[p].n_chunks > conv->n_chunks) conv->n_chunks = conv->path[p].n_chunks;
  }
  conv->chunk_offset = calloc((size_t)conv->n_chunks + 1, sizeof *conv->chunk_offset);
  conv->chunk_paths = calloc((size_t)conv->n_chunks + 1, sizeof *conv->chunk_paths);
  double *row = malloc((size_t)width * sizeof *row);
  if (!conv->chunk_offset || !conv->chunk_paths || !row) {
    free(row);
    return ftl_no_memory(error, NULL, "a computation");
  }
  for (int c = 0; c < conv->n_chunks; c++) {
    for (int p = 0; p < conv->n_paths; p++) conv->chunk_paths[c] += c < conv->path[p].n_chunks;
    conv->chunk_offset[c + 1] =
        conv->chunk_offset[c] + (size_t)n_cells * (size_t)conv->chunk_paths[c] * (size_t)m * (size_t)width;
  }
  conv->radial = ftl_calloc64(conv->chunk_offset[conv->n_chunks] * (size_t)model->real_bytes);
  const int n = radial->n_features;
  size_t at = 0;
  for (int chunk = 0; chunk < conv->n_chunks && conv->radial; chunk++)
    for (int cell = 0; cell < n_cells; cell++)
      for (int p = 0, weight0 = 0; p < conv->n_paths; p++) {
        const int mul = conv->edge.b[conv->path[p].in].mul, rest = mul - chunk * width;
        for (int k = 0; k < m && chunk < conv->path[p].n_chunks; k++, at += (size_t)width) {
          memset(row, 0, (size_t)width * sizeof *row);
          ftl_add_rows(n, tables->coefficients + ((size_t)cell * (size_t)m + (size_t)k) * (size_t)n,
                       radial->matrix + weight0 + chunk * width, (size_t)radial->n_weights, rest < width ? rest : width,
                       row);
          ftl_store(model, row, (size_t)width, conv->radial, at);
        }
        weight0 += mul;
      }
  free(row);
  return conv->radial
             ? FTL_OK
             : ftl_no_memory(error, NULL, "the radial weights of %d element pairs; open the model for fewer elements",
                             model->n_classes);
}

ftl_status ftl_prepare_conv(ftl_model *model, const ftl_source *source, int t, const ftl_radial *radial,
                            const ftl_feature_tables *tables, const ftl_irreps *message, ftl_error *error) {
  ftl_prepared_layer *prepared = &model->layer[t];
  const ftl_layer *layer = &model->arch.layer[t];
  ftl_conv *conv = &prepared->conv;
  ftl_conv_paths paths;
  FTL_TRY(ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error));
  ftl_layout_make(&layer->edge, model->pad, &conv->edge);
  ftl_layout_make(&paths.mid, model->pad, &conv->mid);
  conv->n_paths = paths.n;
  for (int p = 0; p < paths.n; p++) {
    conv->path[p].in = paths.path[p].in1;
    conv->path[p].out = p;
    conv->path[p].d1 = conv->edge.b[paths.path[p].in1].d;
    conv->path[p].d3 = conv->mid.b[p].d;
  }
  FTL_TRY(coupling(source, t, conv, &paths, error));
  ftl_status status = FTL_OK;
  FTL_TRY(weight_tables(model, radial, tables, &prepared->grid, conv, error));
  double *dense = NULL;
  int n_species = 0;
  status = ftl_message_linear(model, source, t, &paths.mid, message, &conv->linear, &dense, &n_species, error);
  if (!status) status = ftl_linear_pack(model, n_species, dense, &conv->linear, error);
  free(dense);
  return status;
}
