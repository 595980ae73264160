#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "model/provenance.h"
#include "model/tensors.h"

static ftl_status cast_tensor(ftl_source *source, ftl_tensor *t, ftl_dtype dtype, ftl_error *error) {
  void *data = ftl_tensors_allocate(&source->tensors, (size_t)t->count * ftl_dtype_bytes(dtype));
  if (!data) return ftl_no_memory(error, source->path, "converting tensor %s", t->name);
  for (int64_t k = 0; k < t->count; k++) {
    double value = ftl_tensor_at(t, k);
    if (dtype == FTL_F64) ((double *)data)[k] = value;
    else if (fabs(value) > 3.4028234663852886e38)
      return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s has a value that float32 cannot hold (%g)",
                      t->name, value);
    else ((float *)data)[k] = (float)value;
  }
  t->data = data;
  t->dtype = dtype;
  return FTL_OK;
}

ftl_status ftl_source_cast(ftl_source *source, ftl_dtype dtype, ftl_error *error) {
  char note[64];
  int n = 0;
  if (dtype != FTL_F32 && dtype != FTL_F64)
    return ftl_fail(error, FTL_ERR_ARGUMENT, source->path, "weights can be F32 or F64, not %s", ftl_dtype_name(dtype));
  for (int k = 0; k < source->tensors.n; k++) {
    ftl_tensor *t = &source->tensors.tensor[k];
    if (t->dtype == dtype || (t->dtype != FTL_F32 && t->dtype != FTL_F64)) continue;
    FTL_TRY(cast_tensor(source, t, dtype, error));
    n++;
  }
  if (!n) return FTL_OK;
  snprintf(note, sizeof note, "converted to %s", dtype == FTL_F32 ? "float32" : "float64");
  return ftl_provenance_note(source, note, error);
}
