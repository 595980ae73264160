/* The paths of the convolution's tensor product, as mace-torch's tp_out_irreps_with_instructions makes them. */
#include "model/architecture.h"
#include "base/error.h"

static bool has_irrep(const ftl_irreps *irreps, int l, int p) {
  for (int i = 0; i < irreps->n; i++)
    if (irreps->block[i].l == l && irreps->block[i].p == p) return true;
  return false;
}

/* Insertion keeps equal irreps in order of appearance. */
static void insert_path(ftl_conv_paths *paths, ftl_irrep irrep, ftl_path path) {
  int k = paths->n;
  while (k > 0 && ftl_irrep_before(&irrep, &paths->mid.block[k - 1])) {
    paths->mid.block[k] = paths->mid.block[k - 1];
    paths->path[k] = paths->path[k - 1];
    k--;
  }
  paths->mid.block[k] = irrep;
  paths->path[k] = path;
  paths->mid.n = ++paths->n;
}

ftl_status ftl_conv_paths_make(const ftl_irreps *edge, const ftl_irreps *sh, const ftl_irreps *target,
                               ftl_conv_paths *paths, ftl_error *error) {
  paths->n = paths->mid.n = 0;
  for (int i = 0; i < edge->n; i++)
    for (int j = 0; j < sh->n; j++) {
      const ftl_irrep *a = &edge->block[i], *b = &sh->block[j];
      int lmin = a->l > b->l ? a->l - b->l : b->l - a->l;
      for (int l = lmin; l <= a->l + b->l; l++) {
        if (!has_irrep(target, l, a->p * b->p)) continue;
        if (paths->n == FTL_MAX_BLOCKS)
          return ftl_fail(error, FTL_ERR_UNSUPPORTED, NULL, "the tensor product has more than %d paths",
                          FTL_MAX_BLOCKS);
        insert_path(paths, (ftl_irrep){a->mul, l, a->p * b->p}, (ftl_path){i, j});
      }
    }
  return FTL_OK;
}
