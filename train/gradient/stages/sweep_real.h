/* The number type of this build and its vectors. Included by engine.c only. */
#ifndef FTL_STAGES_REAL_H
#define FTL_STAGES_REAL_H

#define FTL_NATIVE_VECTORS
#include "math/real.h"

#define PRODUCT_LANES ((int)(128 / sizeof(real))) /* channels that the contraction takes together */

/* A vector of numbers at any address, and loads and stores of its first k < LANES numbers. */
typedef real vector __attribute__((vector_size(FTL_VECTOR_BYTES), aligned(4), may_alias));
FTL_INLINE vec load_part(const real *p, int k) {
  if (k == LANES) return *(const vector *)p;
  vec v = {0};
  for (int q = 0; q < k; q++) v[q] = p[q];
  return v;
}
FTL_INLINE void store_part(real *p, vec v, int k) {
  if (k == LANES) *(vector *)p = v;
  else
    for (int q = 0; q < k; q++) p[q] = v[q];
}

/* A quantity of the forward sweep and what the other sweeps attach to it. S = u E + dE/d(direction) is what is
   differentiated by the parameters; u is dL/dE. */
typedef struct {
  real *x;   /* value */
  real *dot; /* derivative along the direction; NULL: zero (nothing above the first layer's features depends on
                positions) */
  real *bar; /* dE/dx, which is also dS/d(dot) */
  real *til; /* dS/dx */
} variable;

static void zero(real *x, size_t n) { memset(x, 0, n * sizeof *x); }

#endif
