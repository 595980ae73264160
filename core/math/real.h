/* The number type and the vector of this build, as GCC's vector extensions have them. The kernels' vector is as wide as
 * the CPU's registers: GCC keeps wider ones in memory, which costs a factor of two (SSE) to five (AVX2). Others that
 * include this have arrays laid out for vectors of 64 bytes. */
#ifndef FTL_REAL_H
#define FTL_REAL_H

#if FTL_REAL_FLOAT
typedef float real;
#define FTL_SUFFIX f32
#else
typedef double real;
#define FTL_SUFFIX f64
#endif

#ifndef FTL_NATIVE_VECTORS
#define FTL_VECTOR_BYTES 64
#elif defined(__AVX512F__)
#define FTL_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define FTL_VECTOR_BYTES 32
#else /* SSE2, NEON */
#define FTL_VECTOR_BYTES 16
#endif

typedef real vec __attribute__((vector_size(FTL_VECTOR_BYTES), aligned(FTL_VECTOR_BYTES), may_alias));
typedef real vec_half __attribute__((vector_size(32), aligned(32), may_alias));
typedef real vec_quarter __attribute__((vector_size(16), aligned(16), may_alias));
#define LANES ((int)(sizeof(vec) / sizeof(real)))

#define FTL_INLINE static inline __attribute__((always_inline))

FTL_INLINE vec load(const real *p) { return *(const vec *)p; }
FTL_INLINE void store(real *p, vec v) { *(vec *)p = v; }
FTL_INLINE vec splat(real x) { return x - (vec){0}; }

/* Sum of the lanes. Halving through registers: a few adds instead of LANES. */
FTL_INLINE real lane_sum(vec v) {
#if FTL_VECTOR_BYTES == 64
  union {
    vec v;
    vec_half h[2];
  } a = {.v = v};
  const vec_half h = a.h[0] + a.h[1];
#elif FTL_VECTOR_BYTES == 32
  const vec_half h = v;
#endif
#if FTL_VECTOR_BYTES >= 32
  union {
    vec_half h;
    vec_quarter q[2];
  } b = {.h = h};
  const vec_quarter q = b.q[0] + b.q[1];
#else
  const vec_quarter q = v;
#endif
  real sum = 0;
  for (int k = 0; k < (int)(sizeof q / sizeof(real)); k++) sum += q[k];
  return sum;
}

#endif
