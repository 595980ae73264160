/* Spherical harmonics of PACE (core/ace/ace_edges.h) of an edge or of a vector of edges, m by m: the recursion in l
   needs no more than two numbers before. Rows are l^2 (m = 0), then real and imaginary part of each m > 0. */
#ifndef FROZENTL_KOKKOS_ACE_HARMONICS_HPP
#define FROZENTL_KOKKOS_ACE_HARMONICS_HPP

#include "kokkos/ace_tables.hpp"

namespace frozentl {

/* Y_lm without its phase for one m and l = m, m + 1, ...; with the slope by z. */
template <class V, class Real> struct AceLegendre {
  const ftl_ace *ace;
  int m, l;
  V z, p, p1, dp, dp1; /* of l and l - 1 */

  KOKKOS_INLINE_FUNCTION AceLegendre(const ftl_ace *ace_, V z_)
      : ace(ace_), m(0), l(0), z(z_), p(V{} + Real(1)), p1(V{}), dp(V{}), dp1(V{}) {}
  KOKKOS_INLINE_FUNCTION AceLegendre(const ftl_ace *ace_, int m_, V z_, V p_)
      : ace(ace_), m(m_), l(m_), z(z_), p(p_), p1(V{}), dp(V{}), dp1(V{}) {}

  KOKKOS_INLINE_FUNCTION void next() {
    V q, dq;
    if (++l == m + 1) {
      dq = static_cast<Real>(ace->y_d[l]) * p;
      q = dq * z;
    } else {
      const Real a = static_cast<Real>(ace->y_a[l][m]), b = static_cast<Real>(ace->y_b[l][m]);
      q = a * (z * p + b * p1);
      dq = a * (p + z * dp + b * dp1);
    }
    p1 = p;
    dp1 = dp;
    p = q;
    dp = dq;
  }
  /* of l = m for the next m */
  KOKKOS_INLINE_FUNCTION static V diagonal(const ftl_ace *ace, int m, V before) {
    return static_cast<Real>(ace->y_c[m]) * before;
  }
};

/* Y to y[row * stride]. */
template <class V, class Real>
KOKKOS_INLINE_FUNCTION void ace_harmonics(const ftl_ace *ace, int lmax, const V n[3], Real *y, int stride) {
  V re = V{} + Real(1), im = V{}, diagonal = re;
  for (AceLegendre<V, Real> p(ace, n[2]);; p.next()) {
    store(y + p.l * p.l * stride, p.p);
    if (p.l == lmax) break;
  }
  for (int m = 1; m <= lmax; m++) {
    const V next = re * n[0] - im * n[1];
    im = re * n[1] + im * n[0];
    re = next;
    diagonal = AceLegendre<V, Real>::diagonal(ace, m, diagonal);
    for (AceLegendre<V, Real> p(ace, m, n[2], diagonal);; p.next()) {
      Real *const to = y + (p.l * p.l + 2 * m - 1) * stride;
      store(to, re * p.p);
      store(to + stride, im * p.p);
      if (p.l == lmax) break;
    }
  }
}

/* dE/d(unit vector), taken as that of three independent numbers, from dE/dY in y; bit l of `which` says that there is
   one for this l. */
template <class V, class Real>
KOKKOS_INLINE_FUNCTION void ace_harmonics_reverse(const ftl_ace *ace, int lmax, unsigned which, const V n[3],
                                                  const Real *y, int stride, V d[3]) {
  V re, im, next_re = V{} + Real(1), next_im = V{}, diagonal = next_re; /* (x + iy)^(m - 1) and ^m */
  d[0] = d[1] = d[2] = V{};
  for (AceLegendre<V, Real> p(ace, n[2]);; p.next()) {
    if (which >> p.l & 1) d[2] += p.dp * load<V>(y + p.l * p.l * stride);
    if (p.l == lmax) break;
  }
  for (int m = 1; m <= lmax; m++) {
    V sum_re = V{}, sum_im = V{}, slope_re = V{}, slope_im = V{};
    re = next_re;
    im = next_im;
    next_re = re * n[0] - im * n[1];
    next_im = re * n[1] + im * n[0];
    diagonal = AceLegendre<V, Real>::diagonal(ace, m, diagonal);
    for (AceLegendre<V, Real> p(ace, m, n[2], diagonal);; p.next()) {
      if (which >> p.l & 1) {
        const Real *const from = y + (p.l * p.l + 2 * m - 1) * stride;
        const V g_re = load<V>(from), g_im = load<V>(from + stride);
        sum_re += p.p * g_re;
        sum_im += p.p * g_im;
        slope_re += p.dp * g_re;
        slope_im += p.dp * g_im;
      }
      if (p.l == lmax) break;
    }
    d[0] += static_cast<Real>(m) * (sum_re * re + sum_im * im);
    d[1] += static_cast<Real>(m) * (sum_im * re - sum_re * im);
    d[2] += slope_re * next_re + slope_im * next_im;
  }
}

} // namespace frozentl

#endif
