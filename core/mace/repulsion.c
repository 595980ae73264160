#include "mace/repulsion.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "model/prepared.h"

/* ZBL: V = 14.3996 Zi Zj / r * sum_k c_k exp(-b_k r / a), a = a_prefactor * 0.529 / (Zi^a_exp + Zj^a_exp), times the
   polynomial envelope that ends at the sum of the covalent radii; half to each end (MACE ZBLBasis). */
ftl_status ftl_repulsion_make(const ftl_source *source, double **pairs, double c[4], int *p, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  const ftl_tensor *screening = ftl_require(source, error, "pair_repulsion_fn.c");
  const ftl_tensor *exponent = ftl_require(source, error, "pair_repulsion_fn.p");
  const ftl_tensor *radii = ftl_require(source, error, "pair_repulsion_fn.covalent_radii");
  const ftl_tensor *a_exp = ftl_require(source, error, "pair_repulsion_fn.a_exp");
  const ftl_tensor *a_prefactor = ftl_require(source, error, "pair_repulsion_fn.a_prefactor");
  if (!screening || !exponent || !radii || !a_exp || !a_prefactor) return FTL_ERR_FORMAT;
  int n = arch->n_elements;
  if (!(*pairs = calloc((size_t)n * (size_t)n * 4, sizeof **pairs)))
    return ftl_no_memory(error, screening->name, "what is made of the tensor");
  for (int k = 0; k < 4; k++) c[k] = ftl_tensor_at(screening, k);
  *p = (int)ftl_tensor_at(exponent, 0);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      int zi = arch->atomic_numbers[i], zj = arch->atomic_numbers[j];
      if (zi >= radii->count || zj >= radii->count)
        return ftl_fail(error, FTL_ERR_FORMAT, radii->name, "no covalent radius for atomic number %d",
                        zi > zj ? zi : zj);
      double e = ftl_tensor_at(a_exp, 0);
      double *z = *pairs + 4 * (i * n + j);
      /* mace-torch multiplies a Python number with integer tensors, which is float32 in any model (torch's default
         dtype), the sender first; the rounding shows at 1e-8 */
      const float charges = 14.3996f * (float)zj * (float)zi;
      z[0] = 0.5 * (double)charges;
      z[1] = (pow(zi, e) + pow(zj, e)) / (ftl_tensor_at(a_prefactor, 0) * 0.529);
      z[2] = ftl_tensor_at(radii, zi) + ftl_tensor_at(radii, zj);
    }
  return FTL_OK;
}
