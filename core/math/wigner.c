#include "math/wigner.h"

#include <complex.h>
#include <math.h>

#define ZERO 1e-14 /* what rounding leaves of a component that vanishes */

static double factorial(int n) {
  double f = 1;
  for (int k = 2; k <= n; k++) f *= k;
  return f;
}

static double sign(int n) { return n % 2 ? -1 : 1; }

/* The symbol (l1 l2 l3; m1 m2 m3) by Racah's sum: Varshalovich et al. (1988), section 8.2.1, eq. (3). */
static double complex_3j(int l1, int l2, int l3, int m1, int m2, int m3) {
  double sum = 0, delta;
  if (m1 + m2 + m3 != 0) return 0;
  delta = factorial(l1 + l2 - l3) * factorial(l1 - l2 + l3) * factorial(-l1 + l2 + l3) / factorial(l1 + l2 + l3 + 1);
  for (int t = 0; t <= l1 + l2 - l3; t++) {
    const int a = l3 - l2 + t + m1, b = l3 - l1 + t - m2, c = l1 + l2 - l3 - t, d = l1 - t - m1, e = l2 - t + m2;
    if (a < 0 || b < 0 || c < 0 || d < 0 || e < 0) continue;
    sum += sign(t) / (factorial(t) * factorial(a) * factorial(b) * factorial(c) * factorial(d) * factorial(e));
  }
  return sign(l1 - l2 - m3) * sqrt(delta) * sum *
         sqrt(factorial(l1 + m1) * factorial(l1 - m1) * factorial(l2 + m2) * factorial(l2 - m2) * factorial(l3 + m3) *
              factorial(l3 - m3));
}

/* A real harmonic is a combination of the complex ones (Condon-Shortley phase) with m = +|real| and -|real|: the
   coefficient of sign * |real|. Sines have negative real, cosines positive. */
static double complex coefficient(int real, int which) {
  const int m = real < 0 ? -real : real;
  if (real == 0) return which > 0 ? 1 : 0;
  if (real > 0) return which > 0 ? sign(m) * M_SQRT1_2 : M_SQRT1_2;
  return which > 0 ? -I * sign(m) * M_SQRT1_2 : I * M_SQRT1_2;
}

/* One component in the real basis, up to a sign that is the same for all. The symbol is even or odd under m -> -m with
   l1 + l2 + l3, so that what comes out is real or imaginary. l and real may be permuted together: the sign follows that
   of the symbol, which is what e3nn's permutations of its tensors do. */
static double component(const int l[3], const int real[3]) {
  double complex sum = 0;
  for (int which = 0; which < 8; which++) {
    double complex a = 1;
    int m[3];
    for (int k = 0; k < 3; k++) {
      const int s = which >> k & 1 ? 1 : -1;
      a *= coefficient(real[k], s);
      m[k] = s * (real[k] < 0 ? -real[k] : real[k]);
    }
    if (a != 0) sum += conj(a) * complex_3j(l[0], l[1], l[2], m[0], m[1], m[2]);
  }
  return (l[0] + l[1] + l[2]) % 2 ? cimag(sum) : creal(sum);
}

/* The sign that makes the tensor of sorted l as e3nn has it (_generate_wigner_3j): its middle component, or, where that
   is 0, the first that is not, is positive. */
static double orientation(int l1, int l2, int l3) {
  int l[3] = {l1, l2, l3}, middle[3] = {0, 0, 0}, first[3];
  double c;
  for (int k = 0; k < 3; k++) { /* two swaps of neighbours, then one */
    const int a = k % 2, swap = l[a];
    if (l[a] <= l[a + 1]) continue;
    l[a] = l[a + 1];
    l[a + 1] = swap;
  }
  c = component(l, middle);
  for (first[0] = -l[0]; fabs(c) < ZERO && first[0] <= l[0]; first[0]++)
    for (first[1] = -l[1]; fabs(c) < ZERO && first[1] <= l[1]; first[1]++)
      for (first[2] = -l[2]; fabs(c) < ZERO && first[2] <= l[2]; first[2]++) c = component(l, first);
  return c < 0 ? -1 : 1;
}

void ftl_wigner_3j(int l1, int l2, int l3, double *c) {
  const int l[3] = {l1, l2, l3};
  const double orient = orientation(l1, l2, l3);
  int m[3];
  for (m[0] = -l1; m[0] <= l1; m[0]++)
    for (m[1] = -l2; m[1] <= l2; m[1]++)
      for (m[2] = -l3; m[2] <= l3; m[2]++) {
        const double value = orient * component(l, m);
        *c++ = fabs(value) < ZERO ? 0 : value;
      }
}
