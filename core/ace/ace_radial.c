/* Radial functions and core repulsion of PACE, evaluated as they are defined. */
#include <math.h>

#include "ace/ace.h"
#include "ace/functions.h"

/* T_0 .. T_n at x with their slopes. */
static void chebyshev(int n, double x, double *t, double *dt) {
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

static double cosine_cutoff(double r, double start, double width, double *slope) {
  double phase = M_PI * (r - start) / width;
  *slope = -0.5 * M_PI / width * sin(phase);
  return 0.5 * (1 + cos(phase));
}

static void scale(int n, double f, double df, double *g, double *dg) {
  for (int k = 0; k < n; k++) {
    dg[k] = dg[k] * f + g[k] * df;
    g[k] *= f;
  }
}

static void cheb_exp_cos(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double t[FTL_ACE_MAX_RADIAL + 1], dt[FTL_ACE_MAX_RADIAL + 1], df;
  double y = exp(-b->lambda * r / b->cutoff), y_end = exp(-b->lambda);
  double x = 1 - 2 * (y - y_end) / (1 - y_end), dx = 2 * b->lambda / b->cutoff * y / (1 - y_end);
  chebyshev(n, x, t, dt);
  for (int k = 0; k < n; k++) {
    g[k] = k == 0 ? 1 : 0.5 - 0.5 * t[k];
    dg[k] = k == 0 ? 0 : -0.5 * dt[k] * dx;
  }
  double f = cosine_cutoff(r, 0, b->cutoff, &df);
  scale(n, f, df, g, dg);
  if (r > b->cutoff - b->d_cutoff) {
    f = cosine_cutoff(r, b->cutoff - b->d_cutoff, b->d_cutoff, &df);
    scale(n, f, df, g, dg);
  }
}

/* (1 - T_k) / 2, k = 1 .. n, of x(r). */
static void chebyshev_steps(int n, double x, double dx, double *g, double *dg) {
  double t[FTL_ACE_MAX_RADIAL + 1], dt[FTL_ACE_MAX_RADIAL + 1];
  chebyshev(n, x, t, dt);
  for (int k = 0; k < n; k++) {
    g[k] = 0.5 - 0.5 * t[k + 1];
    dg[k] = -0.5 * dt[k + 1] * dx;
  }
}

static void cheb_pow(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double y = 1 - r / b->cutoff, power = pow(y, b->lambda - 1);
  chebyshev_steps(n, 1 - 2 * power * y, 2 * b->lambda / b->cutoff * power, g, dg);
}

static double sinc(double x, double *slope) {
  if (fabs(x) < 1e-4) {
    *slope = -x / 3;
    return 1 - x * x / 6;
  }
  *slope = (cos(x) - sin(x) / x) / x;
  return sin(x) / x;
}

/* f_k of the simplified spherical Bessel functions, before they are made orthogonal. */
static double bessel_part(int k, double r, double cutoff, double *slope) {
  double p = k + 1, q = k + 2, wp = p * M_PI / cutoff, wq = q * M_PI / cutoff, dp, dq;
  double scale_k = (k % 2 ? -1 : 1) * sqrt(2) * M_PI / pow(cutoff, 1.5) * p * q / sqrt(p * p + q * q);
  double sum = sinc(r * wp, &dp) + sinc(r * wq, &dq);
  *slope = scale_k * (dp * wp + dq * wq);
  return scale_k * sum;
}

static void bessel(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double d = 1;
  g[0] = bessel_part(0, r, b->cutoff, &dg[0]);
  for (int k = 1; k < n; k++) {
    double k2 = (double)k * k, p4 = pow(k + 1, 4), e = k2 * (k + 2) * (k + 2) / (4 * p4 + 1), d_new = 1 - e / d;
    g[k] = bessel_part(k, r, b->cutoff, &dg[k]);
    g[k] = (g[k] + sqrt(e / d) * g[k - 1]) / sqrt(d_new);
    dg[k] = (dg[k] + sqrt(e / d) * dg[k - 1]) / sqrt(d_new);
    d = d_new;
  }
}

void ftl_ace_base(const ftl_ace_bond *b, int n, double r, double *g, double *dg) {
  double inner = b->inner_kind == FTL_ACE_INNER_ZBL ? 0 : b->inner, df;
  if (r <= inner - b->d_inner) {
    for (int k = 0; k < n; k++) g[k] = dg[k] = 0;
    return;
  }
  switch (b->kind) {
  case FTL_ACE_CHEB_EXP_COS:
    cheb_exp_cos(b, n, r, g, dg);
    break;
  case FTL_ACE_CHEB_POW:
    cheb_pow(b, n, r, g, dg);
    break;
  case FTL_ACE_CHEB_LINEAR:
    chebyshev_steps(n, 1 - r / b->cutoff, -1 / b->cutoff, g, dg);
    break;
  case FTL_ACE_SBESSEL:
    bessel(b, n, r, g, dg);
    break;
  }
  if (b->inner_kind == FTL_ACE_INNER_DISTANCE && r < inner) {
    double f = ftl_ace_switch(r, inner, b->d_inner, &df);
    scale(n, 1 - f, -df, g, dg);
  }
}

/* ---- core repulsion ---- */

/* phi(r / a) / r and its first two derivatives. */
static void screened(double r, double a, double v[3]) {
  static const double weight[4] = {0.18175, 0.50986, 0.28022, 0.02817}, decay[4] = {3.19980, 0.94229, 0.40290, 0.20162};
  double p = 0, dp = 0, ddp = 0;
  for (int k = 0; k < 4; k++) {
    double term = weight[k] * exp(-decay[k] * r / a), rate = -decay[k] / a;
    p += term;
    dp += rate * term;
    ddp += rate * rate * term;
  }
  v[0] = p / r;
  v[1] = (dp - v[0]) / r;
  v[2] = (ddp - 2 * v[1]) / r;
}

static double zbl(const ftl_ace_pair *pair, double r, double *slope) {
  const ftl_ace_bond *b = &pair->bond;
  double a = 0.46850 / (pow(pair->z[0], 0.23) + pow(pair->z[1], 0.23)), v[3], end[3], w = b->d_cutoff, df;
  screened(r, a, v);
  screened(b->cutoff, a, end);
  double third = (-3 * end[1] + w * end[2]) / (w * w), fourth = (2 * end[1] - w * end[2]) / (w * w * w);
  double energy = v[0] - end[0] + w * end[1] / 2 - w * w * end[2] / 12, de = v[1], x = r - (b->cutoff - w);
  if (x > 0) {
    energy += x * x * x * (third / 3 + x * fourth / 4);
    de += x * x * (third + x * fourth);
  }
  double f = ftl_ace_switch(r, b->cutoff, w, &df);
  double prefactor = b->core * 14.399645351950543 / 2 * pair->z[0] * pair->z[1];
  *slope = prefactor * (de * f + energy * df);
  return prefactor * energy * f;
}

double ftl_ace_core(const ftl_ace_pair *pair, double r, double *slope) {
  const ftl_ace_bond *b = &pair->bond;
  *slope = 0;
  if (b->core == 0) return 0;
  if (b->inner_kind == FTL_ACE_INNER_ZBL) return zbl(pair, r, slope);
  double decay = fabs(b->core_decay) * r * r, df;
  if (decay >= 50 || (b->inner_kind == FTL_ACE_INNER_DISTANCE && r >= b->inner)) return 0;
  double energy = fabs(b->core) * exp(-decay) / r, de = -energy * (2 * decay + 1) / r;
  double f = cosine_cutoff(r, 0, b->cutoff, &df);
  de = de * f + energy * df;
  energy *= f;
  if (b->inner_kind == FTL_ACE_INNER_DISTANCE) {
    f = ftl_ace_switch(r, b->inner, b->d_inner, &df);
    de = de * f + energy * df;
    energy *= f;
  }
  *slope = de;
  return energy;
}
