/* The number type of this build and its matrix products. Included by engine.c only. */
#ifndef FTL_STAGES_REAL_H
#define FTL_STAGES_REAL_H

#if FTL_REAL_FLOAT
typedef float real;
#define FTL_SUFFIX f32
#define FTL_GEMM   cblas_sgemm
#else
typedef double real;
#define FTL_SUFFIX f64
#define FTL_GEMM   cblas_dgemm
#endif
#define LANES ((int)(128 / sizeof(real))) /* channels that the contraction takes together */

#define FTL_INLINE static inline __attribute__((always_inline))

/* A vector of numbers at any address, and loads and stores of its first k < WIDTH numbers. */
typedef real vector __attribute__((vector_size(64), aligned(4), may_alias));
#define WIDTH ((int)(sizeof(vector) / sizeof(real)))
FTL_INLINE vector load(const real *p, int k) {
  if (k == WIDTH) return *(const vector *)p;
  vector v = {0};
  for (int q = 0; q < k; q++) v[q] = p[q];
  return v;
}
FTL_INLINE void store(real *p, vector v, int k) {
  if (k == WIDTH) *(vector *)p = v;
  else
    for (int q = 0; q < k; q++) p[q] = v[q];
}
FTL_INLINE real lane_sum(vector v) {
  real sum[WIDTH];
  *(vector *)sum = v;
  for (int half = WIDTH / 2; half > 0; half /= 2)
    for (int q = 0; q < half; q++) sum[q] += sum[q + half];
  return sum[0];
}

/* c[m][n] += alpha a[m][k] b[k][n] */
static void gemm_nn(int m, int n, int k, double alpha, const real *a, int lda, const real *b, int ldb, real *c,
                    int ldc) {
  if (m && n && k) FTL_GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, (real)alpha, a, lda, b, ldb, 1, c, ldc);
}
/* c[m][n] += alpha a[m][k] b[n][k] */
static void gemm_nt(int m, int n, int k, double alpha, const real *a, int lda, const real *b, int ldb, real *c,
                    int ldc) {
  if (m && n && k) FTL_GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, (real)alpha, a, lda, b, ldb, 1, c, ldc);
}
/* c[m][n] += alpha a[k][m] b[k][n] */
static void gemm_tn(int m, int n, int k, double alpha, const real *a, int lda, const real *b, int ldb, real *c,
                    int ldc) {
  if (m && n && k) FTL_GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, (real)alpha, a, lda, b, ldb, 1, c, ldc);
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
