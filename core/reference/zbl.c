/* Ziegler-Biersack-Littmark repulsion of two bare nuclei, as mace-torch has it: screened Coulomb energy times a
   polynomial cutoff at the sum of the covalent radii. */
#include <math.h>

#include "reference/reference_stages.h"
#include "base/error.h"

/* Constants of mace-torch 0.3.16, ZBLBasis.forward */
#define BOHR    0.529    /* Angstrom */
#define COULOMB 14.3996f /* e^2 / (4 pi epsilon_0), eV Angstrom */
static const double exponent[4] = {3.2, 0.9423, 0.4028, 0.2016};

ftl_status ftl_ref_zbl_prepare(ftl_ref_zbl *zbl, const ftl_source *source, ftl_arena *memory, ftl_error *error) {
  const double *value;
  FTL_TRY(ftl_ref_weights(memory, source, 4, &zbl->c, error, "pair_repulsion_fn.c"));
  FTL_TRY(ftl_ref_weights(memory, source, -1, &zbl->covalent_radius, error, "pair_repulsion_fn.covalent_radii"));
  FTL_TRY(ftl_ref_weights(memory, source, 1, &value, error, "pair_repulsion_fn.p"));
  zbl->p = value[0];
  FTL_TRY(ftl_ref_weights(memory, source, 1, &value, error, "pair_repulsion_fn.a_exp"));
  zbl->a_exp = value[0];
  FTL_TRY(ftl_ref_weights(memory, source, 1, &value, error, "pair_repulsion_fn.a_prefactor"));
  zbl->a_prefactor = value[0];
  return FTL_OK;
}

double ftl_ref_zbl_energy(const ftl_ref_zbl *zbl, double r, int z_i, int z_j, double *d_r) {
  const double a = zbl->a_prefactor * BOHR / (pow(z_i, zbl->a_exp) + pow(z_j, zbl->a_exp));
  double phi = 0, d_phi = 0;
  for (int k = 0; k < 4; k++) {
    const double term = zbl->c[k] * exp(-exponent[k] * r / a);
    phi += term;
    d_phi -= exponent[k] / a * term;
  }
  double d_cutoff;
  const double cutoff = ftl_ref_cutoff(r, zbl->covalent_radius[z_i] + zbl->covalent_radius[z_j], zbl->p, &d_cutoff);
  /* mace-torch multiplies a Python number with integer tensors, which makes float32 (torch's default type), sender
     first, also in a float64 model; the rounding shows at 1e-8. Half for either direction of the edge. */
  const float charges = COULOMB * (float)z_j * (float)z_i;
  const double coulomb = 0.5 * (double)charges / r;
  *d_r = coulomb * (-phi / r * cutoff + d_phi * cutoff + phi * d_cutoff);
  return coulomb * phi * cutoff;
}
