/* One build: FTL_ISA (generic, avx2, avx512) and FTL_REAL_FLOAT (0 or 1), with the compiler flags of core's kernels. */
#include "ceiling_loops.h"

/* As wide as registers: wider ones live in memory with AVX2. */
#define FTL_NATIVE_VECTORS
#include "math/real.h"

/* Accumulators: more than latency times units (4 cycles, 2 units), as many as the registers hold. */
#if defined(__AVX512F__)
#define CHAINS 16
#else
#define CHAINS 12
#endif

/* Tells the compiler that x may have changed, so that it keeps a loop as written. */
#define OPAQUE(x) __asm__("" : "+m"(x))

static double multiply_add(long rounds) {
  vec sum[CHAINS] = {{0}}, a = splat((real)0.999), b = splat((real)0.001);
  OPAQUE(a);
  OPAQUE(b);
  for (long k = 0; k < rounds; k++)
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS; c++) sum[c] = sum[c] * a + b;
  for (int c = 1; c < CHAINS; c++) sum[0] += sum[c];
  return (double)lane_sum(sum[0]);
}

static double read_all(const void *x, size_t n) {
  vec sum[8] = {{0}};
  const real *p = x;
  for (size_t k = 0; k + 8 * (size_t)LANES <= n; k += 8 * (size_t)LANES)
#pragma GCC unroll 8
    for (int c = 0; c < 8; c++) sum[c] += load(p + k + c * LANES);
  for (int c = 1; c < 8; c++) sum[0] += sum[c];
  return (double)lane_sum(sum[0]);
}

static void triad(void *a, const void *b, const void *c, size_t n) {
  real *to = a;
  const real *x = b, *y = c;
  for (size_t k = 0; k < n; k += (size_t)LANES) store(to + k, load(x + k) + (real)3 * load(y + k));
}

#define NAME(isa, suffix)          ftl_ceiling_##isa##_##suffix
#define EXPANDED_NAME(isa, suffix) NAME(isa, suffix)

extern const ftl_ceiling_loops EXPANDED_NAME(FTL_ISA, FTL_SUFFIX);
const ftl_ceiling_loops EXPANDED_NAME(FTL_ISA, FTL_SUFFIX) = {sizeof(real), 2.0 * CHAINS * sizeof(vec) / sizeof(real),
                                                              multiply_add, read_all, triad};
