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
FTL_INLINE vec_double load_double(const double *p) { return *(const vec_double *)p; }
FTL_INLINE void store_double(double *p, vec_double v) { *(vec_double *)p = v; }
FTL_INLINE vec splat(real x) { return x - (vec){0}; }
FTL_INLINE vec_double widen(const real *p) { return __builtin_convertvector(*(const vec_narrow *)p, vec_double); }
FTL_INLINE void narrow(real *p, vec_double v) { *(vec_narrow *)p = __builtin_convertvector(v, vec_narrow); }

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

/* Two vectors exchange their lanes `step` apart: FIRST_OF keeps of a where the lane's bit `step` is 0 and has what
   belongs there of b elsewhere, SECOND_OF has the rest. Neighbours (step 1) are taken from the halves of each 16 bytes
   instead of its even and odd lanes, so that all but the wide steps stay within 16 bytes: such a shuffle is one
   instruction of one cycle where others are up to four. `step` is a constant below LANES. */
#define EXCHANGE_UNIT      ((int)(16 / sizeof(real)))
#define NEIGHBOUR_LANE(k)  ((k) / EXCHANGE_UNIT * EXCHANGE_UNIT + (k) % EXCHANGE_UNIT / 2 + (k) % 2 * LANES)
#define STEP_LANE(step, k) (((k) / (step) % 2 * (LANES - (step)) + (k)) % (2 * LANES))
#define FIRST_LANE_1(k)    NEIGHBOUR_LANE(k)
#define FIRST_LANE_2(k)    STEP_LANE(2, k)
#define FIRST_LANE_4(k)    STEP_LANE(4, k)
#define FIRST_LANE_8(k)    STEP_LANE(8, k)
#define SECOND_LANE_1(k)   (NEIGHBOUR_LANE(k) + EXCHANGE_UNIT / 2)
#define SECOND_LANE_2(k)   ((STEP_LANE(2, k) + 2) % (2 * LANES))
#define SECOND_LANE_4(k)   ((STEP_LANE(4, k) + 4) % (2 * LANES))
#define SECOND_LANE_8(k)   ((STEP_LANE(8, k) + 8) % (2 * LANES))
#define OF_STEP(part, step, a, b)                                                                                      \
  ((step) == 1   ? SHUFFLE(a, b, EACH_LANE(part##_LANE_1))                                                             \
   : (step) == 2 ? SHUFFLE(a, b, EACH_LANE(part##_LANE_2))                                                             \
   : (step) == 4 ? SHUFFLE(a, b, EACH_LANE(part##_LANE_4))                                                             \
                 : SHUFFLE(a, b, EACH_LANE(part##_LANE_8)))
#define FIRST_OF(step, a, b)  OF_STEP(FIRST, step, a, b)
#define SECOND_OF(step, a, b) OF_STEP(SECOND, step, a, b)

/* v[i][j] becomes v[j][i], i, j < LANES. */
FTL_INLINE void transpose(vec *v) {
#pragma GCC unroll 4
  for (int step = 1; step < LANES; step *= 2)
#pragma GCC unroll 16
    for (int k = 0; k < LANES; k++)
      if (!(k & step)) {
        const vec a = v[k], b = v[k + step];
        v[k] = FIRST_OF(step, a, b);
        v[k + step] = SECOND_OF(step, a, b);
      }
#pragma GCC unroll 4
  for (int k = 1; k < LANES && EXCHANGE_UNIT == 4; k += 4) { /* halves instead of even and odd lanes */
    const vec a = v[k];
    v[k] = v[k + 1];
    v[k + 1] = a;
  }
}

/* out[k] = sum of the lanes of v[k], with one addition or so for each. n is a constant. v is lost; out has room for
   whole vectors. */
FTL_INLINE void lane_sums(int n, vec *v, real *out) {
#pragma GCC unroll 32
  for (int first = 0; first < n; first += LANES) {
    int left = n - first < LANES ? n - first : LANES;
#pragma GCC unroll 4
    for (int step = 1; step < LANES; step *= 2) {
#pragma GCC unroll 8
      for (int k = first; k < first + left; k += 2) {
        const vec a = v[k], b = k + 1 < first + left ? v[k + 1] : a;
        v[(first + k) / 2] = FIRST_OF(step, a, b) + SECOND_OF(step, a, b);
      }
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
