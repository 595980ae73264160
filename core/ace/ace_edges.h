/* PACE potentials: edges in vectors (one edge per lane, all of one atom and to one element), their functions of r from
   splines and their spherical harmonics. */
#ifndef FTL_KERNEL_ACE_EDGES_H
#define FTL_KERNEL_ACE_EDGES_H

#include "ace/ace_products.h"

/* ---- splines: functions in lanes, then transposed to edges in lanes ---- */

#define UNROLL _Pragma("GCC unroll 16")

/* Exchanges of the lanes of doubles that are 1, 2, 4 apart: together they transpose DOUBLE_LANES vectors v. */
#define LIST(...) __VA_ARGS__
#if FTL_VECTOR_BYTES == 64
#define STEPS(DO)                                                                                                      \
  DO(1, LIST(0, 8, 2, 10, 4, 12, 6, 14), LIST(1, 9, 3, 11, 5, 13, 7, 15))                                              \
  DO(2, LIST(0, 1, 8, 9, 4, 5, 12, 13), LIST(2, 3, 10, 11, 6, 7, 14, 15))                                              \
  DO(4, LIST(0, 1, 2, 3, 8, 9, 10, 11), LIST(4, 5, 6, 7, 12, 13, 14, 15))
#elif FTL_VECTOR_BYTES == 32
#define STEPS(DO) DO(1, LIST(0, 4, 2, 6), LIST(1, 5, 3, 7)) DO(2, LIST(0, 1, 4, 5), LIST(2, 3, 6, 7))
#else
#define STEPS(DO) DO(1, LIST(0, 2), LIST(1, 3))
#endif
#define EXCHANGE(step, low, high)                                                                                      \
  for (int k = 0; k < DOUBLE_LANES; k++)                                                                               \
    if (!(k & (step))) {                                                                                               \
      const vec_double a = v[k], b = v[k + (step)];                                                                    \
      v[k] = SHUFFLE_DOUBLES(a, b, low);                                                                               \
      v[k + (step)] = SHUFFLE_DOUBLES(a, b, high);                                                                     \
    }

/* Eight numbers of each of the block's atoms, from rows of atoms: to[number] has an atom per lane; and back. */
FTL_INLINE void ace_atoms_of(const double *const *row, size_t first, double *to) {
  vec_double v[DOUBLE_LANES];
  for (int atom = 0; atom < ACE_ATOMS; atom += DOUBLE_LANES)
    for (int number = 0; number < ACE_ATOMS; number += DOUBLE_LANES) {
      for (int k = 0; k < DOUBLE_LANES; k++) v[k] = load_double(row[atom + k] + first + number);
      STEPS(EXCHANGE)
      for (int k = 0; k < DOUBLE_LANES; k++) store_double(to + (number + k) * ACE_ATOMS + atom, v[k]);
    }
}

FTL_INLINE void ace_rows_of(const double *from, real *to, size_t stride) {
  vec_double v[DOUBLE_LANES];
  for (int atom = 0; atom < ACE_ATOMS; atom += DOUBLE_LANES)
    for (int number = 0; number < ACE_ATOMS; number += DOUBLE_LANES) {
      for (int k = 0; k < DOUBLE_LANES; k++) v[k] = load_double(from + (number + k) * ACE_ATOMS + atom);
      STEPS(EXCHANGE)
      for (int k = 0; k < DOUBLE_LANES; k++) narrow(to + (size_t)(atom + k) * stride + number, v[k]);
    }
}

/* What multiplies the numbers of a row, for each lane: FTL_REAL_FLOAT: the coefficients of 1, w, w^2, w^3; else the
   step between two nodes and the slopes at both. */
FTL_INLINE void ace_spline_weights(const real *w, real scale, real c[6][LANES]) {
  for (int e = 0; e < LANES; e++) {
#if FTL_REAL_FLOAT
    c[0][e] = w[e];
    c[1][e] = scale;
    c[2][e] = 2 * w[e] * scale;
    c[3][e] = 3 * w[e] * w[e] * scale;
#else
    c[0][e] = w[e] * w[e] * (3 - 2 * w[e]);
    c[1][e] = w[e] * (1 - w[e]) * (1 - w[e]);
    c[2][e] = w[e] * w[e] * (w[e] - 1);
    c[3][e] = 6 * w[e] * (1 - w[e]) * scale;
    c[4][e] = (1 - w[e]) * (1 - 3 * w[e]) * scale;
    c[5][e] = w[e] * (3 * w[e] - 2) * scale;
#endif
  }
}

FTL_INLINE const real *ace_row(const ftl_ace_table *table, int bin) {
  return (const real *)table->row + (size_t)bin * (FTL_REAL_FLOAT ? 4 : 2) * (size_t)table->pad;
}

/* The functions of up to LANES edges of one table: value and slope per Angstrom, a vector per function, up to the
   table's padding. Lanes beyond n are zero. Rows of the `ahead` edges that come next are fetched into the cache. */
static void ace_splines(const ftl_ace_table *table, const int *bin, const real *w, int n, int ahead, vec *value,
                        vec *slope) {
  real c[6][LANES];
  const real *row[LANES], *next[LANES];
  const size_t pad = (size_t)table->pad, line = 64 / sizeof(real);
  ace_spline_weights(w, (real)table->inverse, c);
  for (int e = 0; e < LANES; e++) {
    row[e] = e < n ? ace_row(table, bin[e]) : (const real *)table->row + table->zero_row;
    next[e] = e < ahead ? ace_row(table, bin[LANES + e]) : row[e];
  }
  for (size_t chunk = 0; chunk < pad; chunk += LANES) {
    vec v[LANES], s[LANES];
    UNROLL for (int e = 0; e < LANES; e++) {
      const real *from = row[e] + chunk;
      for (size_t k = 0; k < 4 * LANES; k += line) __builtin_prefetch(next[e] + 4 * chunk + k);
      vec f0 = load(from), d0 = load(from + pad), f1 = load(from + 2 * pad), d1 = load(from + 3 * pad);
#if FTL_REAL_FLOAT
      v[e] = f0 + c[0][e] * (d0 + c[0][e] * (f1 + c[0][e] * d1));
      s[e] = c[1][e] * d0 + c[2][e] * f1 + c[3][e] * d1;
#else
      vec step = f1 - f0;
      v[e] = f0 + c[0][e] * step + c[1][e] * d0 + c[2][e] * d1;
      s[e] = c[3][e] * step + c[4][e] * d0 + c[5][e] * d1;
#endif
    }
    transpose(v);
    transpose(s);
    UNROLL for (int f = 0; f < LANES; f++) {
      value[chunk + (size_t)f] = v[f];
      slope[chunk + (size_t)f] = s[f];
    }
  }
}

/* out[j] = sum over k of mix[j][k] in[k], for values and slopes. */
static void ace_mix(const real *mix, int rows, int columns, const vec *value, const vec *slope, vec *to_value,
                    vec *to_slope) {
  int j = 0;
  for (; j + 4 <= rows; j += 4) {
    vec v[4], s[4];
    for (int q = 0; q < 4; q++) v[q] = s[q] = splat(0);
    for (int k = 0; k < columns; k++)
      for (int q = 0; q < 4; q++) {
        v[q] += mix[(j + q) * columns + k] * value[k];
        s[q] += mix[(j + q) * columns + k] * slope[k];
      }
    for (int q = 0; q < 4; q++) {
      to_value[j + q] = v[q];
      to_slope[j + q] = s[q];
    }
  }
  for (; j < rows; j++) {
    vec v = splat(0), s = splat(0);
    for (int k = 0; k < columns; k++) {
      v += mix[j * columns + k] * value[k];
      s += mix[j * columns + k] * slope[k];
    }
    to_value[j] = v;
    to_slope[j] = s;
  }
}

/* ---- a group of edges ---- */

typedef struct {
  vec *n, *inverse_r;  /* unit vector, 1/r */
  vec *radial, *slope; /* [n_out] */
} ace_record;

FTL_INLINE ace_record ace_record_of(const ftl_ace *ace, const ftl_ace_scratch *scratch, int group) {
  vec *at = (vec *)scratch->record + (size_t)group * ace->record_vectors;
  return (ace_record){at, at + 3, at + 4, at + 4 + (ace->record_vectors - 4) / 2};
}

static void ace_radial(const ftl_ace *ace, const ftl_ace_pair *pair, const int *bin, const real *w, int n, int ahead,
                       const ace_record *record) {
  const ftl_ace_table *table = pair->table;
  if (ace->n_direct == ace->n_out && table->n_functions == ace->n_out) {
    ace_splines(table, bin, w, n, ahead, record->radial, record->slope);
    return;
  }
  vec value[FTL_ACE_MAX_RADIAL], slope[FTL_ACE_MAX_RADIAL];
  ace_splines(table, bin, w, n, ahead, value, slope);
  memcpy(record->radial, value, (size_t)ace->n_direct * sizeof(vec));
  memcpy(record->slope, slope, (size_t)ace->n_direct * sizeof(vec));
  ace_mix(pair->mix, ace->n_out - ace->n_direct, table->n_functions, value, slope, record->radial + ace->n_direct,
          record->slope + ace->n_direct);
}

/* ---- harmonics, edges in lanes ---- */

/* p and dp at l (l + 1) / 2 + m: Y_lm without its phase, and the slope by z. */
typedef struct {
  vec p[(FTL_ACE_MAX_L + 1) * (FTL_ACE_MAX_L + 2) / 2], dp[(FTL_ACE_MAX_L + 1) * (FTL_ACE_MAX_L + 2) / 2];
} ace_legendre;

FTL_INLINE void ace_legendre_at(const ftl_ace *ace, int lmax, vec z, bool slopes, ace_legendre *to) {
  to->p[0] = splat(1);
  to->dp[0] = splat(0);
  for (int l = 1; l <= lmax; l++) {
    vec *p = to->p + l * (l + 1) / 2, *p1 = to->p + (l - 1) * l / 2;
    vec *dp = to->dp + l * (l + 1) / 2, *dp1 = to->dp + (l - 1) * l / 2;
    for (int m = 0; m + 1 < l; m++) {
      const vec *p2 = to->p + (l - 2) * (l - 1) / 2, *dp2 = to->dp + (l - 2) * (l - 1) / 2;
      vec a = splat((real)ace->y_a[l][m]), b = splat((real)ace->y_b[l][m]);
      p[m] = a * (z * p1[m] + b * p2[m]);
      if (slopes) dp[m] = a * (p1[m] + z * dp1[m] + b * dp2[m]);
    }
    vec below = (real)ace->y_d[l] * p1[l - 1];
    p[l - 1] = below * z;
    p[l] = (real)ace->y_c[l] * p1[l - 1];
    if (slopes) {
      dp[l - 1] = below;
      dp[l] = splat(0);
    }
  }
}

/* y[l * l + ...]: m = 0, then real and imaginary part of each m > 0. */
FTL_INLINE void ace_harmonics(int lmax, const vec n[3], const ace_legendre *legendre, vec *y) {
  const vec *p = legendre->p;
  vec re = splat(1), im = splat(0);
  for (int l = 0; l <= lmax; l++) y[l * l] = p[l * (l + 1) / 2];
  for (int m = 1; m <= lmax; m++) {
    vec next = re * n[0] - im * n[1];
    im = re * n[1] + im * n[0];
    re = next;
    for (int l = m; l <= lmax; l++) {
      y[l * l + 2 * m - 1] = re * p[l * (l + 1) / 2 + m];
      y[l * l + 2 * m] = im * p[l * (l + 1) / 2 + m];
    }
  }
}

/* dE/d(unit vector), taken as that of three independent numbers, from dE/dY. */
FTL_INLINE void ace_harmonics_reverse(int lmax, const vec n[3], const ace_legendre *legendre, const vec *y_adjoint,
                                      vec d[3]) {
  const vec *p = legendre->p, *dp = legendre->dp;
  vec re, im, next_re = splat(1), next_im = splat(0); /* (x + iy)^(m - 1) and ^m */
  d[0] = d[1] = d[2] = splat(0);
  for (int l = 1; l <= lmax; l++) d[2] += dp[l * (l + 1) / 2] * y_adjoint[l * l];
  for (int m = 1; m <= lmax; m++) {
    vec sum_re = splat(0), sum_im = splat(0), slope_re = splat(0), slope_im = splat(0);
    re = next_re;
    im = next_im;
    next_re = re * n[0] - im * n[1];
    next_im = re * n[1] + im * n[0];
    for (int l = m; l <= lmax; l++) {
      int at = l * (l + 1) / 2 + m;
      const vec *g = y_adjoint + l * l + 2 * m - 1;
      sum_re += p[at] * g[0];
      sum_im += p[at] * g[1];
      slope_re += dp[at] * g[0];
      slope_im += dp[at] * g[1];
    }
    d[0] += (real)m * (sum_re * re + sum_im * im);
    d[1] += (real)m * (sum_im * re - sum_re * im);
    d[2] += slope_re * next_re + slope_im * next_im;
  }
}

#endif
