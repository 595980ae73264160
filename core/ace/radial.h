/* Radial functions of PACE, evaluated as they are defined: the C core makes its tables of them, and the uncertainty of
   surrogates takes them as they are, here and in core/kokkos. */
#ifndef FTL_ACE_RADIAL_H
#define FTL_ACE_RADIAL_H

#include "ace/functions.h"

/* T_0 .. T_n at x with their slopes. */
FTL_FUNCTION void ftl_ace_chebyshev(int n, double x, double *t, double *dt) {
  double u = 0, u_next = 1; /* second kind: U_{k-1}, U_k; T_k' = k U_{k-1} */
  t[0] = 1;
  dt[0] = 0;
  for (int k = 1; k <= n; k++) {
    t[k] = k == 1 ? x : 2 * x * t[k - 1] - t[k - 2];
    dt[k] = k * u_next;
    double u_new = 2 * x * u_next - u;
    u = u_next;
    u_next = u_new;
  }
}

FTL_FUNCTION double ftl_ace_cosine_cutoff(double r, double start, double width, double *slope) {
  double phase = M_PI * (r - start) / width;
  *slope = -0.5 * M_PI / width * sin(phase);
  return 0.5 * (1 + cos(phase));
}

FTL_FUNCTION void ftl_ace_scale(int n, double f, double df, double *g, double *dg) {
  for (int k = 0; k < n; k++) {
    dg[k] = dg[k] * f + g[k] * df;
    g[k] *= f;
  }
}

FTL_FUNCTION void ftl_ace_cheb_exp_cos(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double t[FTL_ACE_MAX_RADIAL + 1], dt[FTL_ACE_MAX_RADIAL + 1], df;
  double y = exp(-b->lambda * r / b->cutoff), y_end = exp(-b->lambda);
  double x = 1 - 2 * (y - y_end) / (1 - y_end), dx = 2 * b->lambda / b->cutoff * y / (1 - y_end);
  ftl_ace_chebyshev(n, x, t, dt);
  for (int k = 0; k < n; k++) {
    g[k] = k == 0 ? 1 : 0.5 - 0.5 * t[k];
    dg[k] = k == 0 ? 0 : -0.5 * dt[k] * dx;
  }
  double f = ftl_ace_cosine_cutoff(r, 0, b->cutoff, &df);
  ftl_ace_scale(n, f, df, g, dg);
  if (r > b->cutoff - b->d_cutoff) {
    f = ftl_ace_cosine_cutoff(r, b->cutoff - b->d_cutoff, b->d_cutoff, &df);
    ftl_ace_scale(n, f, df, g, dg);
  }
}

/* (1 - T_k) / 2, k = 1 .. n, of x(r). */
FTL_FUNCTION void ftl_ace_chebyshev_steps(int n, double x, double dx, double *g, double *dg) {
  double t[FTL_ACE_MAX_RADIAL + 1], dt[FTL_ACE_MAX_RADIAL + 1];
  ftl_ace_chebyshev(n, x, t, dt);
  for (int k = 0; k < n; k++) {
    g[k] = 0.5 - 0.5 * t[k + 1];
    dg[k] = -0.5 * dt[k + 1] * dx;
  }
}

FTL_FUNCTION void ftl_ace_cheb_pow(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double y = 1 - r / b->cutoff, power = pow(y, b->lambda - 1);
  ftl_ace_chebyshev_steps(n, 1 - 2 * power * y, 2 * b->lambda / b->cutoff * power, g, dg);
}

FTL_FUNCTION double ftl_ace_sinc(double x, double *slope) {
  if (fabs(x) < 1e-4) {
    *slope = -x / 3;
    return 1 - x * x / 6;
  }
  *slope = (cos(x) - sin(x) / x) / x;
  return sin(x) / x;
}

/* f_k of the simplified spherical Bessel functions, before they are made orthogonal. */
FTL_FUNCTION double ftl_ace_bessel_part(int k, double r, double cutoff, double *slope) {
  double p = k + 1, q = k + 2, wp = p * M_PI / cutoff, wq = q * M_PI / cutoff, dp, dq;
  double scale_k = (k % 2 ? -1 : 1) * sqrt(2) * M_PI / pow(cutoff, 1.5) * p * q / sqrt(p * p + q * q);
  double sum = ftl_ace_sinc(r * wp, &dp) + ftl_ace_sinc(r * wq, &dq);
  *slope = scale_k * (dp * wp + dq * wq);
  return scale_k * sum;
}

FTL_FUNCTION void ftl_ace_bessel(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double d = 1;
  g[0] = ftl_ace_bessel_part(0, r, b->cutoff, &dg[0]);
  for (int k = 1; k < n; k++) {
    double k2 = (double)k * k, p4 = pow(k + 1, 4), e = k2 * (k + 2) * (k + 2) / (4 * p4 + 1), d_new = 1 - e / d;
    g[k] = ftl_ace_bessel_part(k, r, b->cutoff, &dg[k]);
    g[k] = (g[k] + sqrt(e / d) * g[k - 1]) / sqrt(d_new);
    dg[k] = (dg[k] + sqrt(e / d) * dg[k - 1]) / sqrt(d_new);
    d = d_new;
  }
}

/* g_k(r), k < n, and slopes, inner cutoff included; r is below the cutoff. */
FTL_FUNCTION void ftl_ace_radial(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double inner = b->inner_kind == FTL_ACE_INNER_ZBL ? 0 : b->inner, df;
  if (r <= inner - b->d_inner) {
    for (int k = 0; k < n; k++) g[k] = dg[k] = 0;
    return;
  }
  switch (b->kind) {
  case FTL_ACE_CHEB_EXP_COS:
    ftl_ace_cheb_exp_cos(b, n, r, g, dg);
    break;
  case FTL_ACE_CHEB_POW:
    ftl_ace_cheb_pow(b, n, r, g, dg);
    break;
  case FTL_ACE_CHEB_LINEAR:
    ftl_ace_chebyshev_steps(n, 1 - r / b->cutoff, -1 / b->cutoff, g, dg);
    break;
  case FTL_ACE_SBESSEL:
    ftl_ace_bessel(b, n, r, g, dg);
    break;
  }
  if (b->inner_kind == FTL_ACE_INNER_DISTANCE && r < inner) {
    double f = ftl_ace_switch(r, inner, b->d_inner, &df);
    ftl_ace_scale(n, 1 - f, -df, g, dg);
  }
}

#endif
