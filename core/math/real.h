/* The number type and the vector of this build, as GCC's vector extensions have them. The kernels' vector is as wide as
 * the CPU's registers: GCC keeps wider ones in memory, which costs a factor of two (SSE) to five (AVX2). Others that
 * include this have arrays laid out for vectors of 64 bytes. */
#ifndef FTL_REAL_H
#define FTL_REAL_H

#include <stdint.h>

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
/* As many float64 numbers as a register holds, and so many of the number type. */
typedef double vec_double __attribute__((vector_size(FTL_VECTOR_BYTES), aligned(FTL_VECTOR_BYTES), may_alias));
#define DOUBLE_LANES ((int)(sizeof(vec_double) / sizeof(double)))
typedef real vec_narrow __attribute__((vector_size(FTL_VECTOR_BYTES / sizeof(double) * sizeof(real)), may_alias));

#define FTL_INLINE static inline __attribute__((always_inline))

FTL_INLINE vec load(const real *p) { return *(const vec *)p; }
FTL_INLINE void store(real *p, vec v) { *(vec *)p = v; }
FTL_INLINE vec splat(real x) { return x - (vec){0}; }

/* f(0), f(1), ... for each lane */
#define LANES_FROM_2(f, k)  f(k), f(k + 1)
#define LANES_FROM_4(f, k)  LANES_FROM_2(f, k), LANES_FROM_2(f, k + 2)
#define LANES_FROM_8(f, k)  LANES_FROM_4(f, k), LANES_FROM_4(f, k + 4)
#define LANES_FROM_16(f, k) LANES_FROM_8(f, k), LANES_FROM_8(f, k + 8)
#if FTL_REAL_FLOAT && FTL_VECTOR_BYTES == 64
#define EACH_LANE(f) LANES_FROM_16(f, 0)
#elif FTL_VECTOR_BYTES == 64 || (FTL_REAL_FLOAT && FTL_VECTOR_BYTES == 32)
#define EACH_LANE(f) LANES_FROM_8(f, 0)
#elif FTL_VECTOR_BYTES == 32 || FTL_REAL_FLOAT
#define EACH_LANE(f) LANES_FROM_4(f, 0)
#else
#define EACH_LANE(f) LANES_FROM_2(f, 0)
#endif

/* Lanes of a and b: clang and GCC from 12 on have one name for it, GCC before another. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE_FLOATS(a, b, ...)  __builtin_shufflevector(a, b, __VA_ARGS__)
#define SHUFFLE_DOUBLES(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif
#endif
#ifndef SHUFFLE_FLOATS
typedef int32_t float_lanes __attribute__((vector_size(FTL_VECTOR_BYTES)));
typedef int64_t double_lanes __attribute__((vector_size(FTL_VECTOR_BYTES)));
#define SHUFFLE_FLOATS(a, b, ...)  __builtin_shuffle(a, b, (float_lanes){__VA_ARGS__})
#define SHUFFLE_DOUBLES(a, b, ...) __builtin_shuffle(a, b, (double_lanes){__VA_ARGS__})
#endif
#if FTL_REAL_FLOAT
#define SHUFFLE SHUFFLE_FLOATS
#else
#define SHUFFLE SHUFFLE_DOUBLES
#endif

/* Sums of a tile of a matrix product, rows times vectors, that registers hold beside a row of the other matrix. */
#if defined(__AVX512F__) || defined(__aarch64__) /* 32 registers */
#define TILE_ROWS    6
#define TILE_VECTORS 4
#else /* 16 registers */
#define TILE_ROWS    6
#define TILE_VECTORS 2
#endif

/* v[i][j] becomes v[j][i], i, j < LANES. */
FTL_INLINE void transpose(vec *v) {
#define LOW_LANE(k)  ((k) / 2 + (k) % 2 * LANES)
#define HIGH_LANE(k) ((k) / 2 + (k) % 2 * LANES + LANES / 2)
  for (int stage = 1; stage < LANES; stage *= 2) {
    vec w[LANES];
    for (int i = 0; i < LANES / 2; i++) {
      w[2 * i] = SHUFFLE(v[i], v[i + LANES / 2], EACH_LANE(LOW_LANE));
      w[2 * i + 1] = SHUFFLE(v[i], v[i + LANES / 2], EACH_LANE(HIGH_LANE));
    }
    for (int i = 0; i < LANES; i++) v[i] = w[i];
  }
}

/* Two vectors of partial sums, each sum in 2 half neighbouring lanes, become one of half as wide sums: those of a, then
   those of b. half is a constant below LANES. */
FTL_INLINE vec halve_sums(int half, vec a, vec b) {
#define HALF_AT(half, k) (((k) / (half)*2 * (half) + (k) % (half)) % (2 * LANES))
#define FIRST_HALF_1(k)  HALF_AT(1, k)
#define FIRST_HALF_2(k)  HALF_AT(2, k)
#define FIRST_HALF_4(k)  HALF_AT(4, k)
#define FIRST_HALF_8(k)  HALF_AT(8, k)
#define SECOND_HALF_1(k) ((HALF_AT(1, k) + 1) % (2 * LANES))
#define SECOND_HALF_2(k) ((HALF_AT(2, k) + 2) % (2 * LANES))
#define SECOND_HALF_4(k) ((HALF_AT(4, k) + 4) % (2 * LANES))
#define SECOND_HALF_8(k) ((HALF_AT(8, k) + 8) % (2 * LANES))
  if (half == 1) return SHUFFLE(a, b, EACH_LANE(FIRST_HALF_1)) + SHUFFLE(a, b, EACH_LANE(SECOND_HALF_1));
  if (half == 2) return SHUFFLE(a, b, EACH_LANE(FIRST_HALF_2)) + SHUFFLE(a, b, EACH_LANE(SECOND_HALF_2));
  if (half == 4) return SHUFFLE(a, b, EACH_LANE(FIRST_HALF_4)) + SHUFFLE(a, b, EACH_LANE(SECOND_HALF_4));
  return SHUFFLE(a, b, EACH_LANE(FIRST_HALF_8)) + SHUFFLE(a, b, EACH_LANE(SECOND_HALF_8));
}

/* out[k] = sum of the lanes of v[k], with one addition or so for each. n is a constant. v is lost; out has room for
   whole vectors. */
FTL_INLINE void lane_sums(int n, vec *v, real *out) {
#pragma GCC unroll 32
  for (int first = 0; first < n; first += LANES) {
    int left = n - first < LANES ? n - first : LANES;
#pragma GCC unroll 4
    for (int half = LANES / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
      for (int k = first; k < first + left; k += 2)
        v[(first + k) / 2] = halve_sums(half, v[k], k + 1 < first + left ? v[k + 1] : v[k]);
      left = (left + 1) / 2;
    }
    store(out + first, v[first]);
  }
}

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
