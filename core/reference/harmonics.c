/* Real spherical harmonics up to l = 3 as polynomials of the unit vector. */
#include <math.h>

#include "reference/reference_stages.h"

/* One monomial: sign(square) sqrt(|square|) x^px y^py z^pz, added to harmonic `index` = l^2 + m (m = 0 .. 2l).
   The squares include the factor 2l+1 of the "component" normalisation. Expanded from e3nn 0.4.4,
   o3/_spherical_harmonics.py. */
typedef struct {
  int index;
  double square;
  int px, py, pz;
} monomial;

static const monomial monomials[] = {
    {0, 1.0, 0, 0, 0},

    {1, 3.0, 1, 0, 0}, /* sqrt3 x */
    {2, 3.0, 0, 1, 0}, /* sqrt3 y */
    {3, 3.0, 0, 0, 1}, /* sqrt3 z */

    {4, 15.0, 1, 0, 1},                                                      /* sqrt15 x z */
    {5, 15.0, 1, 1, 0},                                                      /* sqrt15 x y */
    {6, 5.0, 0, 2, 0},                                                       /* sqrt5 (y^2 - (x^2 + z^2)/2) */
    {6, -5.0 / 4, 2, 0, 0},    {6, -5.0 / 4, 0, 0, 2},   {7, 15.0, 0, 1, 1}, /* sqrt15 y z */
    {8, 15.0 / 4, 0, 0, 2},                                                  /* sqrt15/2 (z^2 - x^2) */
    {8, -15.0 / 4, 2, 0, 0},

    {9, 315.0 / 8, 1, 0, 2},                                                  /* sqrt(35/8) x (3 z^2 - x^2) */
    {9, -35.0 / 8, 3, 0, 0},   {10, 105.0, 1, 1, 1},                          /* sqrt105 x y z */
    {11, 42.0, 1, 2, 0},                                                      /* sqrt(21/8) x (4 y^2 - x^2 - z^2) */
    {11, -21.0 / 8, 3, 0, 0},  {11, -21.0 / 8, 1, 0, 2}, {12, 7.0, 0, 3, 0},  /* sqrt7/2 y (2 y^2 - 3 x^2 - 3 z^2) */
    {12, -63.0 / 4, 2, 1, 0},  {12, -63.0 / 4, 0, 1, 2}, {13, 42.0, 0, 2, 1}, /* sqrt(21/8) z (4 y^2 - x^2 - z^2) */
    {13, -21.0 / 8, 2, 0, 1},  {13, -21.0 / 8, 0, 0, 3}, {14, 105.0 / 4, 0, 1, 2}, /* sqrt105/2 y (z^2 - x^2) */
    {14, -105.0 / 4, 2, 1, 0}, {15, 35.0 / 8, 0, 0, 3},                            /* sqrt(35/8) z (z^2 - 3 x^2) */
    {15, -315.0 / 8, 2, 0, 1},
};
enum { N_MONOMIALS = sizeof monomials / sizeof monomials[0] };

static double coefficient(const monomial *t) { return t->square < 0 ? -sqrt(-t->square) : sqrt(t->square); }

static double power(double x, int n) {
  double product = 1;
  for (int k = 0; k < n; k++) product *= x;
  return product;
}

static double power_derivative(double x, int n) { return n == 0 ? 0 : n * power(x, n - 1); }

void ftl_ref_harmonics(const double v[3], int l_max, double *y) {
  const double r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  const double u[3] = {v[0] / r, v[1] / r, v[2] / r};
  const int n = (l_max + 1) * (l_max + 1);
  for (int k = 0; k < n; k++) y[k] = 0;
  for (const monomial *t = monomials; t < monomials + N_MONOMIALS && t->index < n; t++)
    y[t->index] += coefficient(t) * power(u[0], t->px) * power(u[1], t->py) * power(u[2], t->pz);
}

void ftl_ref_harmonics_reverse(const double v[3], int l_max, const double *d_y, double d_v[3]) {
  const double r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  const double u[3] = {v[0] / r, v[1] / r, v[2] / r};
  const int n = (l_max + 1) * (l_max + 1);
  double d_u[3] = {0, 0, 0};
  for (const monomial *t = monomials; t < monomials + N_MONOMIALS && t->index < n; t++) {
    const double d = d_y[t->index] * coefficient(t);
    d_u[0] += d * power_derivative(u[0], t->px) * power(u[1], t->py) * power(u[2], t->pz);
    d_u[1] += d * power(u[0], t->px) * power_derivative(u[1], t->py) * power(u[2], t->pz);
    d_u[2] += d * power(u[0], t->px) * power(u[1], t->py) * power_derivative(u[2], t->pz);
  }
  /* u = v / r, so du/dv = (1 - u u^T) / r */
  const double along = d_u[0] * u[0] + d_u[1] * u[1] + d_u[2] * u[2];
  for (int c = 0; c < 3; c++) d_v[c] += (d_u[c] - along * u[c]) / r;
}

void ftl_ref_raw_harmonics(const double v[3], int l_max, double *y) {
  const double r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  ftl_ref_harmonics(v, l_max, y);
  for (int l = 0; l <= l_max; l++)
    for (int m = l * l; m < (l + 1) * (l + 1); m++) y[m] *= pow(r, l);
}

/* d(r^l Y)/dv = r^l dY/dv + l r^(l-2) Y v. */
void ftl_ref_raw_harmonics_reverse(const double v[3], int l_max, const double *d_y, double d_v[3]) {
  const double r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  double y[FTL_REF_N_SH], scaled[FTL_REF_N_SH];
  ftl_ref_harmonics(v, l_max, y);
  for (int l = 0; l <= l_max; l++)
    for (int m = l * l; m < (l + 1) * (l + 1); m++) {
      scaled[m] = pow(r, l) * d_y[m];
      for (int c = 0; c < 3; c++) d_v[c] += l * pow(r, l - 2) * y[m] * d_y[m] * v[c];
    }
  ftl_ref_harmonics_reverse(v, l_max, scaled, d_v);
}
