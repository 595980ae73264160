#include "mace/edge_basis.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "math/cutoff.h"
#include "math/radial_basis.h"
#include "model/prepared.h"

static ftl_status read_scalar(const ftl_source *source, const char *name, double *value, ftl_error *error) {
  const ftl_tensor *tensor = ftl_require(source, error, "%s", name);
  if (!tensor) return FTL_ERR_FORMAT;
  *value = ftl_tensor_at(tensor, 0);
  return FTL_OK;
}

static ftl_status read_weights(const ftl_source *source, const char *name, ftl_edge_basis *basis, ftl_error *error) {
  const ftl_tensor *tensor = ftl_require(source, error, "%s", name);
  if (!tensor) return FTL_ERR_FORMAT;
  if (tensor->count != basis->n)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor '%s' has %lld numbers where %d are needed", name,
                    (long long)tensor->count, basis->n);
  if (!(basis->weight = malloc(((size_t)basis->n + 1) * sizeof *basis->weight)))
    return ftl_no_memory(error, name, "what is made of the tensor");
  for (int k = 0; k < basis->n; k++) basis->weight[k] = ftl_tensor_at(tensor, k);
  return FTL_OK;
}

static ftl_status read_radii(const ftl_source *source, ftl_edge_basis *basis, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  const ftl_tensor *radii = ftl_require(source, error, "radial_embedding.distance_transform.covalent_radii");
  if (!radii) return FTL_ERR_FORMAT;
  if (!(basis->covalent_radius = malloc((size_t)arch->n_elements * sizeof *basis->covalent_radius)))
    return ftl_no_memory(error, radii->name, "what is made of the tensor");
  for (int z = 0; z < arch->n_elements; z++) {
    if (arch->atomic_numbers[z] >= radii->count)
      return ftl_fail(error, FTL_ERR_FORMAT, radii->name, "no covalent radius for atomic number %d",
                      arch->atomic_numbers[z]);
    basis->covalent_radius[z] = ftl_tensor_at(radii, arch->atomic_numbers[z]);
  }
  return FTL_OK;
}

static ftl_status read_transform(const ftl_source *source, ftl_edge_basis *basis, ftl_error *error) {
  FTL_TRY(read_radii(source, basis, error));
  if (basis->transform == FTL_TRANSFORM_SOFT)
    return read_scalar(source, "radial_embedding.distance_transform.alpha", &basis->alpha, error);
  FTL_TRY(read_scalar(source, "radial_embedding.distance_transform.q", &basis->q, error));
  FTL_TRY(read_scalar(source, "radial_embedding.distance_transform.p", &basis->p, error));
  return read_scalar(source, "radial_embedding.distance_transform.a", &basis->a, error);
}

ftl_status ftl_edge_basis_make(const ftl_source *source, ftl_edge_basis *basis, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  *basis = (ftl_edge_basis){.kind = arch->radial,
                            .n = arch->num_bessel,
                            .gaussian_coefficient = arch->gaussian_coeff,
                            .transform = arch->transform,
                            .cutoff_kind = arch->cutoff,
                            .apply_cutoff = arch->apply_cutoff};
  switch (arch->radial) {
  case FTL_RADIAL_BESSEL:
    FTL_TRY(read_weights(source, FTL_BESSEL_WEIGHTS, basis, error));
    FTL_TRY(read_scalar(source, "radial_embedding.bessel_fn.prefactor", &basis->prefactor, error));
    break;
  case FTL_RADIAL_GAUSSIAN:
    FTL_TRY(read_weights(source, "radial_embedding.bessel_fn.gaussian_weights", basis, error));
    break;
  case FTL_RADIAL_CHEBYSHEV:
    break;
  }
  if (arch->cutoff == FTL_CUTOFF_XPLOR) {
    FTL_TRY(read_scalar(source, "radial_embedding.cutoff_fn.r_on", &basis->r_on, error));
  } else {
    FTL_TRY(read_scalar(source, "radial_embedding.cutoff_fn.p", &basis->cutoff_p, error));
    basis->cutoff_p = trunc(basis->cutoff_p); /* MACE casts p to int */
  }
  FTL_TRY(read_scalar(source, "radial_embedding.cutoff_fn.r_max", &basis->cutoff, error));
  return basis->transform == FTL_TRANSFORM_NONE ? FTL_OK : read_transform(source, basis, error);
}

void ftl_edge_basis_free(ftl_edge_basis *basis) {
  free(basis->weight);
  free(basis->covalent_radius);
  *basis = (ftl_edge_basis){0};
}

static double envelope(const ftl_edge_basis *basis, double r, double *slope) {
  return basis->cutoff_kind == FTL_CUTOFF_XPLOR ? ftl_xplor_cutoff(r, basis->cutoff, basis->r_on, slope)
                                                : ftl_polynomial_cutoff(r, basis->cutoff, basis->cutoff_p, slope);
}

static double transformed(const ftl_edge_basis *basis, int i, int j, double r, double *derivative) {
  *derivative = 1;
  if (basis->transform == FTL_TRANSFORM_NONE) return r;
  const double radii = basis->covalent_radius[i] + basis->covalent_radius[j];
  return basis->transform == FTL_TRANSFORM_AGNESI ? ftl_agnesi(r, 0.5 * radii, basis->q, basis->p, basis->a, derivative)
                                                  : ftl_soft(r, radii, basis->alpha, derivative);
}

double ftl_edge_basis_at(const ftl_edge_basis *basis, int i, int j, double r, double *value, double *derivative,
                         double *factor_derivative) {
  double slope, x_slope, cutoff = envelope(basis, r, &slope);
  const double x = transformed(basis, i, j, r, &x_slope);
  switch (basis->kind) {
  case FTL_RADIAL_BESSEL:
    for (int k = 0; k < basis->n; k++) value[k] = ftl_bessel(x, basis->weight[k], basis->prefactor, &derivative[k]);
    break;
  case FTL_RADIAL_GAUSSIAN:
    for (int k = 0; k < basis->n; k++)
      value[k] = ftl_gaussian(x, basis->weight[k], basis->gaussian_coefficient, &derivative[k]);
    break;
  case FTL_RADIAL_CHEBYSHEV:
    ftl_chebyshev(x, basis->n, value, derivative);
    break;
  }
  *factor_derivative = basis->apply_cutoff ? 0 : slope;
  for (int k = 0; k < basis->n; k++) {
    derivative[k] *= x_slope;
    if (!basis->apply_cutoff) continue;
    derivative[k] = derivative[k] * cutoff + value[k] * slope;
    value[k] *= cutoff;
  }
  return basis->apply_cutoff ? 1 : cutoff;
}

/* d(sin(w x)/x)/dw = cos(w x), with the cutoff where it is in the basis. */
void ftl_edge_basis_by_weight(const ftl_edge_basis *basis, int i, int j, double r, double *value, double *derivative) {
  double slope, x_slope, cutoff = envelope(basis, r, &slope);
  const double x = transformed(basis, i, j, r, &x_slope);
  if (!basis->apply_cutoff) cutoff = 1, slope = 0;
  for (int k = 0; k < basis->n; k++) {
    const double w = basis->weight[k];
    value[k] = basis->prefactor * cos(w * x) * cutoff;
    derivative[k] = basis->prefactor * (cos(w * x) * slope - w * sin(w * x) * x_slope * cutoff);
  }
}
