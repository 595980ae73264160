/* A second head for a model with one: the inverse of ftl_source_cut_head. Readouts get a column, or a block of hidden
   channels, that begins as a copy of the first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/error.h"
#include "model/provenance.h"
#include "model/tensors.h"
#include "scratch/scratch.h"

/* A matrix [rows][columns], flat, becomes blocks of itself: [2 rows or rows][2 columns or columns]. With both doubled
   it is block diagonal, since hidden channels of one head do not reach the other, and the fan-in that divides it
   doubles (norm_heads): the numbers grow by sqrt(2). */
static ftl_status repeat(ftl_source *source, const char *name, int64_t rows, int64_t columns, bool down, bool right,
                         ftl_error *error) {
  ftl_tensor *t = (ftl_tensor *)ftl_tensors_find(&source->tensors, name);
  if (!t || t->count != rows * columns)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s does not have the shape that a new head needs",
                    name);
  const int n_down = down ? 2 : 1, n_right = right ? 2 : 1;
  const size_t width = ftl_dtype_bytes(t->dtype), row = (size_t)columns * width;
  char *data = ftl_tensors_allocate(&source->tensors, (size_t)(n_down * n_right) * (size_t)rows * row);
  if (!data) return ftl_fail(error, FTL_ERR_MEMORY, source->path, "no memory for tensor %s", name);
  const bool diagonal = down && right;
  for (int d = 0; d < n_down; d++)
    for (int64_t k = 0; k < rows; k++)
      for (int r = 0; r < n_right; r++)
        if (!diagonal || d == r)
          memcpy(data + (size_t)((d * rows + k) * n_right + r) * row, (const char *)t->data + (size_t)k * row, row);
  const int64_t count = t->count * n_down * n_right;
  for (int64_t k = 0; diagonal && k < count; k++)
    if (t->dtype == FTL_F32) ((float *)data)[k] = (float)(M_SQRT2 * ((float *)data)[k]);
    else ((double *)data)[k] *= M_SQRT2;
  t->data = data;
  t->count *= n_down * n_right;
  t->ndim = 1;
  t->shape[0] = t->count;
  return FTL_OK;
}

static ftl_status add_to_readout(ftl_source *source, int k, ftl_error *error) {
  ftl_readout *readout = &source->arch.readout[k];
  readout->masks_heads = true;
  const int64_t in = ftl_irreps_count(&readout->in, 0, 1), hidden = ftl_irreps_count(&readout->mlp, 0, 1);
  char name[100];
  if (readout->kind == FTL_READOUT_LINEAR) {
    snprintf(name, sizeof name, "readouts.%d.linear.weight", k);
    return repeat(source, name, in, 1, false, true, error);
  }
  const struct {
    const char *part;
    int64_t rows, columns;
    bool down, right;
  } tensor[] = {{"linear_1.weight", in, hidden, false, true},
                {"linear_2.weight", hidden, 1, true, true},
                {"linear_mid.weight", hidden, hidden, true, true},
                {"linear_mid.bias", 1, hidden, false, true},
                {"linear_2.bias", 1, 1, false, true}};
  const int n = readout->kind == FTL_READOUT_NONLINEAR_BIAS ? 5 : 2;
  ftl_status status = FTL_OK;
  for (int i = 0; status == FTL_OK && i < n; i++) {
    snprintf(name, sizeof name, "readouts.%d.%s", k, tensor[i].part);
    status = repeat(source, name, tensor[i].rows, tensor[i].columns, tensor[i].down, tensor[i].right, error);
  }
  readout->mlp.block[0].mul *= 2;
  return status;
}

ftl_status ftl_source_add_head(ftl_source *source, const char *old, const char *name, ftl_error *error) {
  static const char energies[] = "atomic_energies_fn.atomic_energies";
  ftl_architecture *arch = &source->arch;
  char note[300];
  if (arch->n_heads != 1)
    return ftl_fail(error, FTL_ERR_INPUT, source->path, "it has %d heads; a head is added to a model with one",
                    arch->n_heads);
  char *first = strdup(old), *second = strdup(name);
  if (!first || !second) {
    free(first);
    free(second);
    return ftl_fail(error, FTL_ERR_MEMORY, source->path, "no memory for a head");
  }
  free(arch->heads[0]);
  arch->heads[0] = first;
  arch->heads[1] = second;
  ftl_status status = repeat(source, energies, 1, arch->n_elements, true, false, error);
  ftl_tensor *e0 = (ftl_tensor *)ftl_tensors_find(&source->tensors, energies);
  if (status == FTL_OK) {
    e0->ndim = 2;
    e0->shape[0] = 2;
    e0->shape[1] = arch->n_elements;
  }
  if (status == FTL_OK && arch->scale_shift) status = repeat(source, "scale_shift.scale", 1, 1, true, false, error);
  if (status == FTL_OK && arch->scale_shift) status = repeat(source, "scale_shift.shift", 1, 1, true, false, error);
  for (int k = 0; status == FTL_OK && k < arch->n_readouts; k++) status = add_to_readout(source, k, error);
  if (status != FTL_OK) return status;
  arch->n_heads = 2;
  arch->norm_heads *= 2;
  snprintf(note, sizeof note, "added head %.120s like %.120s", name, old);
  status = ftl_provenance_note(source, note, error);
  return status == FTL_OK ? ftl_source_check(source, error) : status;
}
