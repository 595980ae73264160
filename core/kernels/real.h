/* The number type and the 64-byte vector of this build. GCC's vector extensions turn one body into SSE, AVX2, AVX-512
 * or NEON. */
#ifndef FTL_REAL_H
#define FTL_REAL_H

#if FTL_REAL_FLOAT
typedef float real;
#define FTL_SUFFIX f32
#else
typedef double real;
#define FTL_SUFFIX f64
#endif

typedef real vec __attribute__((vector_size(64), aligned(64), may_alias));
typedef real vec_half __attribute__((vector_size(32), aligned(32), may_alias));
typedef real vec_quarter __attribute__((vector_size(16), aligned(16), may_alias));
#define LANES ((int)(sizeof(vec) / sizeof(real)))

#define FTL_INLINE static inline __attribute__((always_inline))

FTL_INLINE vec load(const real *p) { return *(const vec *)p; }
FTL_INLINE void store(real *p, vec v) { *(vec *)p = v; }
FTL_INLINE vec splat(real x) { return x - (vec){0}; }

/* Sum of the lanes. Halving through registers: a few adds instead of LANES. */
FTL_INLINE real lane_sum(vec v) {
  union {
    vec v;
    vec_half h[2];
  } a = {.v = v};
  union {
    vec_half h;
    vec_quarter q[2];
  } b = {.h = a.h[0] + a.h[1]};
  vec_quarter q = b.q[0] + b.q[1];
  real sum = 0;
  for (int k = 0; k < (int)(sizeof q / sizeof(real)); k++) sum += q[k];
  return sum;
}

#endif
