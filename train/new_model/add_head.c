/* A second head for a model with one: the inverse of ftl_source_cut_head. MACE's readouts get a column, or a block of
   hidden channels, that begins as a copy of the first. NequIP's maps that see the head get a row; where none does,
   those do that see the modality in SevenNet-MF-0's layers, by rows of zeros. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/provenance.h"
#include "model/schema.h"
#include "model/tensors.h"
#include "new_model/new_model.h"

/* A matrix [rows][columns] becomes blocks of itself where its rows or columns are heads. With both doubled it is block
   diagonal, since hidden channels of one head do not reach the other, and the fan-in that divides it doubles
   (norm_heads): the numbers grow by sqrt(2). */
static ftl_status repeat(ftl_source *source, const ftl_tensor_spec *spec, ftl_error *error) {
  ftl_tensor *t = (ftl_tensor *)ftl_tensors_find(&source->tensors, spec->name);
  if (!t || t->count != spec->rows * spec->columns)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s does not have the shape that a new head needs",
                    spec->name);
  const int n_down = spec->heads_in_rows ? 2 : 1, n_right = spec->heads_in_columns ? 2 : 1;
  const size_t width = ftl_dtype_bytes(t->dtype), row = (size_t)spec->columns * width;
  char *data = ftl_tensors_allocate(&source->tensors, (size_t)(n_down * n_right) * (size_t)spec->rows * row);
  if (!data) return ftl_no_memory(error, source->path, "tensor %s", spec->name);
  const bool diagonal = n_down == 2 && n_right == 2;
  for (int d = 0; d < n_down; d++)
    for (int64_t k = 0; k < spec->rows; k++)
      for (int r = 0; r < n_right; r++)
        if (!diagonal || d == r)
          memcpy(data + (size_t)((d * spec->rows + k) * n_right + r) * row, (const char *)t->data + (size_t)k * row,
                 row);
  const int64_t count = t->count * n_down * n_right;
  for (int64_t k = 0; diagonal && k < count; k++)
    if (t->dtype == FTL_F32) ((float *)data)[k] = (float)(M_SQRT2 * ((float *)data)[k]);
    else ((double *)data)[k] *= M_SQRT2;
  t->data = data;
  t->count = count;
  return FTL_OK;
}

/* The shapes that the schema of two heads has. */
static ftl_status reshape(ftl_source *source, ftl_error *error) {
  ftl_schema schema;
  ftl_status status = ftl_schema_of(source, &schema, error);
  for (int k = 0; !status && k < schema.n; k++) {
    const ftl_tensor_spec *spec = &schema.spec[k];
    ftl_tensor *t = (ftl_tensor *)ftl_tensors_find(&source->tensors, spec->name);
    if (!t || (!spec->heads_in_rows && !spec->heads_in_columns)) continue;
    t->ndim = spec->ndim;
    memcpy(t->shape, spec->shape, sizeof t->shape);
  }
  ftl_schema_free(&schema);
  return status;
}

static bool sees_head(const ftl_nequip *nequip) {
  return nequip->head_embedding || nequip->head_up || nequip->head_linear || nequip->head_readout;
}

/* NAME.heads [1][channels] of zeros where the schema asks for it and it is not there, of the type of NAME.weight. */
static ftl_status add_rows(ftl_source *source, ftl_error *error) {
  ftl_schema schema;
  ftl_status status = ftl_schema_of(source, &schema, error);
  for (int k = 0; !status && k < schema.n; k++) {
    const ftl_tensor_spec *spec = &schema.spec[k];
    const char *dot = strrchr(spec->name, '.');
    char weight[200];
    if (!dot || strcmp(dot, ".heads") != 0) continue;
    snprintf(weight, sizeof weight, "%.*s.weight", (int)(dot - spec->name), spec->name);
    const ftl_tensor *beside = ftl_tensors_find(&source->tensors, weight);
    double *zeros = calloc((size_t)ftl_tensor_spec_count(spec) + 1, sizeof *zeros);
    if (!zeros || !beside) status = ftl_no_memory(error, source->path, "tensor %s", spec->name);
    else
      status =
          ftl_tensors_add(&source->tensors, spec->name, beside->dtype, spec->ndim, spec->shape, zeros, true, error);
    free(zeros);
    if (!status) ftl_tensors_sort(&source->tensors);
  }
  ftl_schema_free(&schema);
  return status;
}

/* The fan-in of the weights stays what it was. */
static ftl_status see_head(ftl_source *source, ftl_error *error) {
  source->arch.nequip.head_up = source->arch.nequip.head_linear = true;
  source->arch.norm_heads = 0;
  return add_rows(source, error);
}

static ftl_status double_heads(ftl_source *source, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  const bool mace = arch->family == FTL_FAMILY_MACE;
  ftl_schema schema;
  if (!mace && !sees_head(&arch->nequip)) FTL_TRY(see_head(source, error));
  ftl_status status = ftl_schema_of(source, &schema, error);
  for (int k = 0; !status && k < schema.n; k++)
    if (schema.spec[k].heads_in_rows || schema.spec[k].heads_in_columns)
      status = repeat(source, &schema.spec[k], error);
  ftl_schema_free(&schema);
  FTL_TRY(status);
  for (int k = 0; mace && k < arch->n_readouts; k++) {
    if (arch->readout[k].kind == FTL_READOUT_RANDOM) continue;
    arch->readout[k].masks_heads = true;
    if (arch->readout[k].kind != FTL_READOUT_LINEAR) arch->readout[k].mlp.block[0].mul *= 2;
  }
  arch->n_heads = 2;
  if (mace) arch->norm_heads *= 2;
  return reshape(source, error);
}

ftl_status ftl_source_add_head(ftl_source *source, const char *old, const char *name, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  char note[300];
  if (arch->n_heads != 1)
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "it has %d heads; a head is added to a model with one",
                    arch->n_heads);
  char *first = strdup(old), *second = strdup(name);
  if (!first || !second) {
    free(first);
    free(second);
    return ftl_no_memory(error, source->path, "a head");
  }
  free(arch->heads[0]);
  arch->heads[0] = first;
  arch->heads[1] = second;
  FTL_TRY(double_heads(source, error));
  snprintf(note, sizeof note, "added head %.120s like %.120s", name, old);
  FTL_TRY(ftl_provenance_note(source, note, error));
  return ftl_source_check(source, error);
}
