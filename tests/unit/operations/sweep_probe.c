/* What the trainer's sweeps leave, for one number type. */
#include "gradient/engine.c"

#include "operations/probe.h"

/* [block][atom by element][m][channel] to the reference's rows, atoms in the caller's order. */
static void copy_features(const ftl_sweep *sweep, const ftl_irreps *irreps, const real *from, double *to) {
  const int dim = ftl_irreps_dim(irreps);
  for (int b = 0; from && to && b < irreps->n; b++) {
    const int mul = irreps->block[b].mul, d = ftl_block_dim(irreps, b), at = ftl_block_offset(irreps, b);
    const real *block = from + (size_t)sweep->n * (size_t)at;
    for (int a = 0; a < sweep->n; a++)
      for (int m = 0; m < d; m++)
        for (int c = 0; c < mul; c++)
          to[(size_t)sweep->geometry.order[a] * (size_t)dim + (size_t)(at + c * d + m)] =
              (double)block[(size_t)((a * d + m) * mul + c)];
  }
}

#define NAME(suffix)          sweep_features_##suffix
#define EXPANDED_NAME(suffix) NAME(suffix)
void EXPANDED_NAME(FTL_SUFFIX)(const void *opaque, int t, probe_features *out) {
  const ftl_sweep *sweep = opaque;
  const ftl_operations *operations = &sweep->network->layer[t].operations;
  for (int f = 0; f < FTL_N_FEATURES; f++) {
    if (!operations->used[f]) continue;
    copy_features(sweep, &operations->irreps[f], sweep->layer[t].f[f].x, out->x[f]);
    copy_features(sweep, &operations->irreps[f], sweep->layer[t].f[f].bar, out->d[f]);
  }
}
