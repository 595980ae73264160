/* Distances to basis functions: transform, basis, cutoff, each with its derivative by r. */
#include <math.h>

#include "base/error.h"
#include "reference/reference_stages.h"

double ftl_ref_silu(double x) { return x * ftl_ref_sigmoid(x); }

double ftl_ref_silu_derivative(double x) {
  const double s = ftl_ref_sigmoid(x);
  return s * (1 + x * (1 - s));
}

double ftl_ref_sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

static ftl_status scalar(const ftl_source *source, const char *name, double *value, ftl_arena *memory,
                         ftl_error *error) {
  const double *data;
  FTL_TRY(ftl_ref_weights(memory, source, 1, &data, error, "%s", name));
  *value = data[0];
  return FTL_OK;
}

ftl_status ftl_ref_radial_prepare(ftl_ref_radial *radial, const ftl_source *source, ftl_arena *memory,
                                  ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  *radial = (ftl_ref_radial){
      .kind = arch->radial, .transform = arch->transform, .n = arch->num_bessel, .cutoff = arch->cutoff};
  FTL_TRY(scalar(source, "radial_embedding.cutoff_fn.r_max", &radial->r_max, memory, error));
  if (arch->cutoff == FTL_CUTOFF_XPLOR)
    FTL_TRY(scalar(source, "radial_embedding.cutoff_fn.r_on", &radial->r_on, memory, error));
  else FTL_TRY(scalar(source, "radial_embedding.cutoff_fn.p", &radial->p, memory, error));
  switch (arch->radial) {
  case FTL_RADIAL_BESSEL:
    FTL_TRY(ftl_ref_weights(memory, source, radial->n, &radial->weight, error,
                            "radial_embedding.bessel_fn.bessel_weights"));
    FTL_TRY(scalar(source, "radial_embedding.bessel_fn.prefactor", &radial->prefactor, memory, error));
    break;
  case FTL_RADIAL_GAUSSIAN:
    FTL_TRY(ftl_ref_weights(memory, source, radial->n, &radial->weight, error,
                            "radial_embedding.bessel_fn.gaussian_weights"));
    radial->gaussian_coeff = arch->gaussian_coeff;
    break;
  case FTL_RADIAL_CHEBYSHEV:
    break;
  }
  if (arch->transform == FTL_TRANSFORM_NONE) return FTL_OK;
  FTL_TRY(ftl_ref_weights(memory, source, -1, &radial->covalent_radius, error,
                          "radial_embedding.distance_transform.covalent_radii"));
  if (arch->transform == FTL_TRANSFORM_AGNESI) {
    FTL_TRY(scalar(source, "radial_embedding.distance_transform.q", &radial->q_agnesi, memory, error));
    FTL_TRY(scalar(source, "radial_embedding.distance_transform.p", &radial->p_agnesi, memory, error));
    FTL_TRY(scalar(source, "radial_embedding.distance_transform.a", &radial->a_agnesi, memory, error));
  } else {
    FTL_TRY(scalar(source, "radial_embedding.distance_transform.alpha", &radial->alpha_soft, memory, error));
  }
  return FTL_OK;
}

double ftl_ref_cutoff(double r, double r_max, double p, double *d_r) {
  *d_r = 0;
  if (!(r < r_max)) return 0;
  const double x = r / r_max;
  *d_r = -p * (p + 1) * (p + 2) / 2 * pow(x, p - 1) * (1 - x) * (1 - x) / r_max;
  return 1 - (p + 1) * (p + 2) / 2 * pow(x, p) + p * (p + 2) * pow(x, p + 1) - p * (p + 1) / 2 * pow(x, p + 2);
}

double ftl_ref_transform(const ftl_ref_radial *radial, double r, int z_i, int z_j, double *d_r) {
  *d_r = 1;
  if (radial->transform == FTL_TRANSFORM_NONE) return r;
  const double sum_of_radii = radial->covalent_radius[z_i] + radial->covalent_radius[z_j];
  if (radial->transform == FTL_TRANSFORM_AGNESI) {
    /* T = 1 / (1 + a s^q / (1 + s^(q-p))), s = r / r0 */
    const double q = radial->q_agnesi, p = radial->p_agnesi, a = radial->a_agnesi;
    const double r0 = 0.5 * sum_of_radii, s = r / r0;
    const double top = a * pow(s, q), bottom = 1 + pow(s, q - p);
    const double d_top = a * q * pow(s, q - 1), d_bottom = (q - p) * pow(s, q - p - 1);
    const double t = 1 / (1 + top / bottom);
    *d_r = -t * t * (d_top * bottom - top * d_bottom) / (bottom * bottom) / r0;
    return t;
  }
  /* Soft: T = p0 + (r - p0) (1 + tanh(alpha (r - m))) / 2 with p0 = 3/4 r0, p1 = 4/3 r0, m halfway */
  const double p0 = 0.75 * sum_of_radii, p1 = 4.0 / 3.0 * sum_of_radii;
  const double alpha = radial->alpha_soft / (p1 - p0);
  const double th = tanh(alpha * (r - 0.5 * (p0 + p1)));
  *d_r = 0.5 * (1 + th) + (r - p0) * 0.5 * (1 - th * th) * alpha;
  return p0 + (r - p0) * 0.5 * (1 + th);
}

void ftl_ref_basis(const ftl_ref_radial *radial, double r, int z_i, int z_j, double *b, double *d_r) {
  double dx;
  const double x = ftl_ref_transform(radial, r, z_i, z_j, &dx);
  switch (radial->kind) {
  case FTL_RADIAL_BESSEL: /* MACE (7) */
    for (int n = 0; n < radial->n; n++) {
      const double k = radial->weight[n];
      b[n] = radial->prefactor * sin(k * x) / x;
      d_r[n] = radial->prefactor * (k * cos(k * x) / x - sin(k * x) / (x * x)) * dx;
    }
    break;
  case FTL_RADIAL_GAUSSIAN:
    for (int n = 0; n < radial->n; n++) {
      const double d = x - radial->weight[n];
      b[n] = exp(radial->gaussian_coeff * d * d);
      d_r[n] = b[n] * 2 * radial->gaussian_coeff * d * dx;
    }
    break;
  case FTL_RADIAL_CHEBYSHEV: { /* T_1 .. T_n of the distance itself, as mace has it: not scaled to [-1, 1] */
    double t_before = 1, t = x, d_before = 0, d = 1;
    for (int n = 0; n < radial->n; n++) {
      b[n] = t;
      d_r[n] = d * dx;
      const double t_next = 2 * x * t - t_before, d_next = 2 * t + 2 * x * d - d_before;
      t_before = t, t = t_next, d_before = d, d = d_next;
    }
    break;
  }
  }
}

double ftl_ref_xplor(double r, double r_max, double r_on, double *d_r) {
  *d_r = 0;
  if (r < r_on) return 1;
  if (r >= r_max) return 0;
  const double a = r_max * r_max - r * r, b = r_max * r_max + 2 * r * r - 3 * r_on * r_on;
  const double c = r_max * r_max - r_on * r_on;
  *d_r = (-4 * r * a * b + 4 * r * a * a) / (c * c * c);
  return a * a * b / (c * c * c);
}

double ftl_ref_envelope(const ftl_ref_radial *radial, double r, double *d_r) {
  return radial->cutoff == FTL_CUTOFF_XPLOR ? ftl_ref_xplor(r, radial->r_max, radial->r_on, d_r)
                                            : ftl_ref_cutoff(r, radial->r_max, radial->p, d_r);
}
