/* Least squares by blocks and the solvers on top: what is known of A, x and the noise is found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "base/random.h"
#include "base/error.h"
#include "surrogate/solve.h"

enum { MOST = 60, MOST_ROWS = 600 };

/* b = A x + noise, column-major with b as the last column. */
typedef struct {
  int n, rows;
  double a[(MOST + 1) * MOST_ROWS], x[MOST];
} problem;

static ftl_random the_random;
static const double one_each[MOST] = {[0 ... MOST - 1] = 1};

static double *column(problem *p, int k) { return p->a + (size_t)k * (size_t)p->rows; }

static void make_b(problem *p, double noise) {
  double *b = column(p, p->n);
  for (int i = 0; i < p->rows; i++) {
    b[i] = noise * ftl_random_normal(&the_random);
    for (int k = 0; k < p->n; k++) b[i] += column(p, k)[i] * p->x[k];
  }
}

/* Columns of lengths from 1 to 1e-3, as the functions of a basis have. */
static void make_problem(int n, int rows, double noise, problem *p) {
  p->n = n;
  p->rows = rows;
  for (int k = 0; k < n; k++) {
    double scale = pow(10, -3.0 * k / n);
    for (int i = 0; i < rows; i++) column(p, k)[i] = scale * ftl_random_normal(&the_random);
    p->x[k] = ftl_random_normal(&the_random) / scale;
  }
  make_b(p, noise);
}

static void add_rows(const problem *p, int first, int count, ftl_triangle *t) {
  double *block = malloc((size_t)(p->n + 1) * (size_t)(count + 3) * sizeof *block);
  assert_non_null(block);
  for (int k = 0; k <= p->n; k++)
    memcpy(block + (size_t)k * (size_t)(count + 3), p->a + (size_t)k * (size_t)p->rows + first,
           (size_t)count * sizeof *block);
  assert_int_equal(ftl_triangle_add(t, block, count, count + 3, NULL), FTL_OK);
  free(block);
}

static ftl_triangle triangle_of(const problem *p) {
  ftl_triangle t;
  assert_int_equal(ftl_triangle_new(p->n, &t, NULL), FTL_OK);
  add_rows(p, 0, p->rows, &t);
  return t;
}

static ftl_solution solve(const problem *p, const ftl_solve_options *options) {
  ftl_triangle t = triangle_of(p);
  ftl_solution s;
  ftl_error error = {0};
  if (ftl_solve(&t, NULL, 0, one_each, options, &s, &error)) fail_msg("%s", error.message);
  ftl_triangle_free(&t);
  return s;
}

static double square_of(problem *p, const double *x) {
  double sum = 0;
  for (int i = 0; i < p->rows; i++) {
    double off = -column(p, p->n)[i];
    for (int k = 0; k < p->n; k++) off += column(p, k)[i] * x[k];
    sum += off * off;
  }
  return sum;
}

/* m[n][n] x = b in place, Gauss with pivots. */
static void solve_dense(int n, double *m, double *b) {
  for (int c = 0; c < n; c++) {
    int best = c;
    for (int r = c; r < n; r++) best = fabs(m[r * n + c]) > fabs(m[best * n + c]) ? r : best;
    for (int k = 0; k < n; k++) {
      double swap = m[c * n + k];
      m[c * n + k] = m[best * n + k];
      m[best * n + k] = swap;
    }
    double swap = b[c];
    b[c] = b[best];
    b[best] = swap;
    for (int r = 0; r < n; r++) {
      if (r == c) continue;
      double f = m[r * n + c] / m[c * n + c];
      for (int k = c; k < n; k++) m[r * n + k] -= f * m[c * n + k];
      b[r] -= f * b[c];
    }
  }
  for (int c = 0; c < n; c++) b[c] /= m[c * n + c];
}

/* ---- the triangle ---- */

static problem p;

static void blocks_and_orders_do_not_matter(void **unused) {
  (void)unused;
  static const int sizes[] = {1, 7, 1, 100, 3, 88};
  make_problem(20, 200, 0.3, &p);
  ftl_triangle whole = triangle_of(&p), pieces, first, second;
  assert_int_equal(ftl_triangle_new(p.n, &pieces, NULL), FTL_OK);
  assert_int_equal(ftl_triangle_new(p.n, &first, NULL), FTL_OK);
  assert_int_equal(ftl_triangle_new(p.n, &second, NULL), FTL_OK);
  int at = 0;
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; at += sizes[k++]) {
    add_rows(&p, at, sizes[k], &pieces);
    add_rows(&p, at, sizes[k], k % 2 ? &first : &second);
  }
  assert_int_equal(at, p.rows);
  assert_int_equal(ftl_triangle_join(&first, &second, NULL), FTL_OK);
  assert_true(whole.rows == 200 && pieces.rows == 200 && first.rows == 200);
  for (int trial = 0; trial < 5; trial++) {
    double x[MOST];
    for (int k = 0; k < p.n; k++) x[k] = trial * p.x[k] + (trial < 3) * ftl_random_normal(&the_random);
    const double want = square_of(&p, x);
    assert_close(ftl_triangle_residual(&whole, x), want, 1e-12 * want);
    assert_close(ftl_triangle_residual(&pieces, x), want, 1e-12 * want);
    assert_close(ftl_triangle_residual(&first, x), want, 1e-12 * want);
  }
  ftl_triangle_free(&whole);
  ftl_triangle_free(&pieces);
  ftl_triangle_free(&first);
  ftl_triangle_free(&second);
}

static void least_squares_of_normal_equations(void **unused) {
  (void)unused;
  make_problem(12, 150, 0.5, &p);
  double normal[12 * 12], b[12];
  for (int j = 0; j < 12; j++) {
    b[j] = 0;
    for (int i = 0; i < p.rows; i++) b[j] += column(&p, j)[i] * column(&p, 12)[i];
    for (int k = 0; k < 12; k++) {
      normal[j * 12 + k] = 0;
      for (int i = 0; i < p.rows; i++) normal[j * 12 + k] += column(&p, j)[i] * column(&p, k)[i];
    }
  }
  solve_dense(12, normal, b);
  ftl_solution s = solve(&p, &(ftl_solve_options){.lambda = 0});
  for (int k = 0; k < 12; k++) assert_close(s.coefficient[k], b[k], 1e-8 * (1 + fabs(b[k])));
  assert_close(s.effective, 12, 1e-9);
  assert_close(s.beta, (150 - 12) / square_of(&p, s.coefficient), 1e-9 * s.beta);
  ftl_solution_free(&s);
}

static void not_finite(void **unused) {
  (void)unused;
  ftl_triangle t;
  ftl_error error = {0};
  double block[6] = {1, 2, 3, NAN, 5, 6};
  assert_int_equal(ftl_triangle_new(2, &t, NULL), FTL_OK);
  assert_int_equal(ftl_triangle_add(&t, block, 2, 2, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "not finite, in function 1"));
  ftl_triangle_free(&t);
}

/* ---- strength ---- */

static void exact_labels_give_the_coefficients(void **unused) {
  (void)unused;
  for (int kind = FTL_SOLVE_RIDGE; kind <= FTL_SOLVE_ARD; kind++) {
    if (kind == FTL_SOLVE_CV) continue; /* below */
    make_problem(30, 200, 0, &p);
    ftl_solution s =
        solve(&p, &(ftl_solve_options){.kind = (ftl_solve_kind)kind, .max_ratio = 1e12, .max_iterations = 100});
    for (int k = 0; k < 30; k++) assert_close(s.coefficient[k], p.x[k], 1e-7 * fabs(p.x[k]) + 1e-7);
    assert_int_equal(s.rank, 30);
    assert_int_equal(s.kept, 30);
    ftl_solution_free(&s);
  }
}

/* Error on the true coefficients, in units in which every one is of size 1. */
static double distance(const double *c) {
  double sum = 0;
  for (int k = 0; k < p.n; k++) sum += pow((c[k] - p.x[k]) * pow(10, -3.0 * k / p.n), 2);
  return sqrt(sum / p.n);
}

static void noise_is_found(void **unused) {
  (void)unused;
  enum { FOLDS = 5 };
  make_problem(50, 60, 2, &p); /* hardly more equations than unknowns */
  double best = INFINITY, worst = 0;
  for (double x = -8; x <= 0; x += 0.5) {
    ftl_solution s = solve(&p, &(ftl_solve_options){.lambda = pow(10, x)});
    best = fmin(best, distance(s.coefficient));
    worst = fmax(worst, distance(s.coefficient));
    ftl_solution_free(&s);
  }
  ftl_triangle all = triangle_of(&p), fold[FOLDS];
  for (int f = 0; f < FOLDS; f++) {
    assert_int_equal(ftl_triangle_new(p.n, &fold[f], NULL), FTL_OK);
    add_rows(&p, 12 * f, 12, &fold[f]);
  }
  ftl_solution evidence, cv;
  assert_int_equal(
      ftl_solve(&all, NULL, 0, one_each, &(ftl_solve_options){.kind = FTL_SOLVE_EVIDENCE}, &evidence, NULL), FTL_OK);
  assert_int_equal(ftl_solve(&all, fold, FOLDS, one_each, &(ftl_solve_options){.kind = FTL_SOLVE_CV}, &cv, NULL),
                   FTL_OK);
  printf("  errors %.3f at the best strength, %.3f at the worst, %.3f by evidence, %.3f by cv\n", best, worst,
         distance(evidence.coefficient), distance(cv.coefficient));
  assert_true(worst > 1.5 * best);
  assert_true(distance(evidence.coefficient) < 1.2 * best);
  assert_true(distance(cv.coefficient) < 1.5 * best);
  assert_true(isfinite(cv.cv_error) && cv.cv_error > 2 && cv.cv_error < 12);
  assert_true(isnan(evidence.cv_error) && isfinite(evidence.log_evidence));
  ftl_solution_free(&evidence);
  ftl_solution_free(&cv);
  ftl_triangle_free(&all);
  for (int f = 0; f < FOLDS; f++) ftl_triangle_free(&fold[f]);
  make_problem(20, 600, 0.5, &p);
  evidence = solve(&p, &(ftl_solve_options){.kind = FTL_SOLVE_EVIDENCE});
  assert_close(sqrt(1 / evidence.beta), 0.5, 0.05);
  ftl_solution_free(&evidence);
}

static void relevance_finds_what_is_sparse(void **unused) {
  (void)unused;
  make_problem(60, 400, 0, &p);
  for (int k = 0; k < 60; k++)
    if (k % 10 != 3) p.x[k] = 0;
  for (int i = 0; i < p.rows; i++) column(&p, 20)[i] = 0; /* an element without data */
  make_b(&p, 0.1);
  const ftl_solve_options options = {.kind = FTL_SOLVE_ARD, .max_ratio = 1e6, .max_iterations = 200, .n_draws = 3};
  ftl_solution s = solve(&p, &options);
  printf("  %d of 60 functions kept, 6 matter\n", s.kept);
  assert_in_range(s.kept, 6, 20);
  for (int k = 3; k < 60; k += 10) {
    const double scale = pow(10, -3.0 * k / 60);
    assert_close(s.coefficient[k] * scale, p.x[k] * scale, 0.03);
  }
  assert_true(s.coefficient[20] == 0);
  assert_close(sqrt(1 / s.beta), 0.1, 0.01);
  for (int d = 0; d < 3; d++)
    for (int k = 0; k < 60; k++) assert_int_equal(s.draw[60 * d + k] == 0, s.coefficient[k] == 0);
  ftl_solution_free(&s);
}

/* Guards the number of functions: those that matter most are the ones that stay, and they are refitted. */
static void relevance_of_so_many(void **unused) {
  (void)unused;
  make_problem(60, 400, 0, &p);
  for (int k = 0; k < 60; k++) p.x[k] *= k % 10 == 3 ? 1 : 0.02; /* six matter, the others little, but not nothing */
  for (int k = 3; k < 60; k += 10) p.x[k] = copysign(fmax(fabs(p.x[k]), 0.5 * pow(10, 3.0 * k / 60)), p.x[k]);
  make_b(&p, 0.001);
  ftl_solve_options options = {
      .kind = FTL_SOLVE_ARD, .max_ratio = 1e9, .max_iterations = 200, .n_draws = 3, .max_functions = 6};
  ftl_solution six = solve(&p, &options);
  assert_int_equal(six.kept, 6);
  for (int k = 0; k < 60; k++) assert_int_equal(six.coefficient[k] != 0, k % 10 == 3);
  for (int d = 0; d < 3; d++)
    for (int k = 0; k < 60; k++) assert_int_equal(six.draw[60 * d + k] == 0, six.coefficient[k] == 0);
  options.max_functions = 30;
  ftl_solution more = solve(&p, &options);
  options.max_functions = 60; /* all of them: as if nothing were said */
  ftl_solution all = solve(&p, &options);
  options.max_functions = 0;
  ftl_solution any = solve(&p, &options);
  assert_int_equal(more.kept, 30);
  assert_true(any.squares < more.squares && more.squares < six.squares);
  assert_memory_equal(all.coefficient, any.coefficient, 60 * sizeof(double));
  ftl_solution_free(&six);
  ftl_solution_free(&more);
  ftl_solution_free(&all);
  ftl_solution_free(&any);
}

/* ---- posterior ---- */

static void draws_have_the_covariance(void **unused) {
  (void)unused;
  enum { N = 5, DRAWS = 40000 };
  static const ftl_solve_options kinds[] = {
      {.kind = FTL_SOLVE_RIDGE, .lambda = 0.05, .n_draws = DRAWS, .seed = 3},
      {.kind = FTL_SOLVE_ARD, .max_ratio = 1e12, .max_iterations = 200, .n_draws = DRAWS, .seed = 3}};
  static const double rough[N] = {1, 2, 1, 3, 1};
  for (int kind = 0; kind < 2; kind++) {
    make_problem(N, 40, 0.2, &p);
    ftl_triangle t = triangle_of(&p);
    ftl_solution s;
    assert_int_equal(ftl_solve(&t, NULL, 0, rough, &kinds[kind], &s, NULL), FTL_OK);
    /* beta (A'A + lambda s0^2 P^2): of relevance, data decide */
    double precision[N * N], largest = 0, power[N] = {1, 1, 1, 1, 1}, penalty[N];
    for (int k = 0; k < N; k++) {
      double sum = 0;
      for (int i = 0; i < p.rows; i++) sum += column(&p, k)[i] * column(&p, k)[i];
      penalty[k] = rough[k] * sqrt(sum / p.rows);
    }
    for (int j = 0; j < N; j++)
      for (int k = 0; k < N; k++) {
        precision[j * N + k] = 0;
        for (int i = 0; i < p.rows; i++) precision[j * N + k] += column(&p, j)[i] * column(&p, k)[i];
      }
    for (int step = 0; step < 2000; step++) { /* the largest squared singular value of the scaled problem */
      double next[N] = {0};
      for (int j = 0; j < N; j++)
        for (int k = 0; k < N; k++) next[j] += precision[j * N + k] / penalty[j] / penalty[k] * power[k];
      largest = 0;
      for (int j = 0; j < N; j++) largest += next[j] * next[j];
      largest = sqrt(largest);
      for (int j = 0; j < N; j++) power[j] = next[j] / largest;
    }
    for (int j = 0; j < N && kind == 0; j++) precision[j * N + j] += 0.05 * largest * penalty[j] * penalty[j];
    for (int j = 0; j < N; j++) {
      double m[N * N], covariance[N] = {0};
      for (int k = 0; k < N * N; k++) m[k] = s.beta * precision[k];
      covariance[j] = 1;
      solve_dense(N, m, covariance);
      for (int k = 0; k < N; k++) {
        double sum = 0, size = 0;
        for (int d = 0; d < DRAWS; d++) {
          const double *c = s.draw + (size_t)d * N;
          sum += (c[j] - s.coefficient[j]) * (c[k] - s.coefficient[k]);
          size += pow((c[k] - s.coefficient[k]), 2);
        }
        assert_close(sum / DRAWS, covariance[k], 0.04 * sqrt(covariance[j] * size / DRAWS));
      }
    }
    ftl_solution_free(&s);
    ftl_triangle_free(&t);
  }
}

/* ---- what data leave open ---- */

static void all_finite(const double *x, int n) {
  for (int k = 0; k < n; k++) assert_true(isfinite(x[k]));
}

static void open_questions(void **unused) {
  (void)unused;
  static const double strengths[] = {0, 1e-10};
  for (int kind = FTL_SOLVE_RIDGE; kind <= FTL_SOLVE_ARD; kind++) {
    if (kind == FTL_SOLVE_CV) continue;
    for (int k = 0; k < 2; k++) {
      const ftl_solve_options options = {
          .kind = (ftl_solve_kind)kind, .lambda = strengths[k], .max_ratio = 1e8, .max_iterations = 50, .n_draws = 4};
      make_problem(20, 8, 0.1, &p); /* fewer equations than unknowns */
      ftl_solution s = solve(&p, &options);
      assert_int_equal(s.rank, 8);
      assert_true(isfinite(s.condition) && s.effective <= 8 + 1e-9);
      all_finite(s.coefficient, 20);
      all_finite(s.draw, 4 * 20);
      ftl_solution_free(&s);
      make_problem(10, 50, 0.1, &p); /* a column twice, and one of zeros */
      memcpy(column(&p, 4), column(&p, 2), 50 * sizeof(double));
      memset(column(&p, 7), 0, 50 * sizeof(double));
      make_b(&p, 0.1);
      s = solve(&p, &options);
      assert_int_equal(s.rank, 8);
      all_finite(s.coefficient, 10);
      all_finite(s.draw, 4 * 10);
      assert_close(s.coefficient[7], 0, 1e-6);
      assert_close(s.coefficient[2] + s.coefficient[4], p.x[2] + p.x[4], 0.2);
      if (kind != FTL_SOLVE_ARD) assert_close(s.coefficient[2], s.coefficient[4], 1e-6);
      ftl_solution_free(&s);
    }
  }
}

static void condition_is_of_scaled_columns(void **unused) {
  (void)unused;
  p.n = 3;
  p.rows = 3;
  memset(p.a, 0, sizeof p.a);
  for (int k = 0; k < 3; k++) column(&p, k)[k] = pow(10, 2 * k);
  for (int k = 0; k < 3; k++) column(&p, 3)[k] = 1;
  ftl_triangle t = triangle_of(&p);
  ftl_solution s;
  assert_int_equal(ftl_solve(&t, NULL, 0, (double[]){1, 10, 40}, &(ftl_solve_options){0}, &s, NULL), FTL_OK);
  assert_close(s.condition, 40, 1e-9);
  ftl_solution_free(&s);
  ftl_triangle_free(&t);
}

/* Roughness times what is given is what coefficients are measured by, and the least of squares and prior is found. */
static void scale_is_taken(void **unused) {
  (void)unused;
  static const double rough[6] = {1, 2, 1, 3, 1, 5}, scale[6] = {1, 10, 100, 1, 3, 0.1};
  make_problem(6, 40, 0.5, &p);
  ftl_triangle t = triangle_of(&p);
  for (int kind = FTL_SOLVE_RIDGE; kind <= FTL_SOLVE_EVIDENCE; kind += FTL_SOLVE_EVIDENCE - FTL_SOLVE_RIDGE) {
    ftl_solution s;
    const ftl_solve_options options = {.kind = (ftl_solve_kind)kind, .lambda = 1e-3, .scale = scale};
    assert_int_equal(ftl_solve(&t, NULL, 0, rough, &options, &s, NULL), FTL_OK);
    double least = 0;
    for (int off = 0; off <= 2 * 6; off++) { /* as it is, and each coefficient moved either way */
      double c[6], sum;
      memcpy(c, s.coefficient, sizeof c);
      if (off > 0) c[(off - 1) / 2] += off % 2 ? 1e-3 : -1e-3;
      sum = square_of(&p, c);
      for (int k = 0; k < 6; k++) sum += pow(s.penalty[k] * c[k], 2);
      if (off == 0) least = sum;
      assert_true(off == 0 || sum > least);
    }
    for (int k = 1; k < 6; k++)
      assert_close(s.penalty[k] / s.penalty[0], rough[k] * scale[k], 1e-12 * rough[k] * scale[k]);
    ftl_solution_free(&s);
  }
  ftl_triangle_free(&t);
}

/* A column of rounding's size gets no coefficient that makes it count. */
static void next_to_nothing(void **unused) {
  (void)unused;
  make_problem(10, 60, 0.3, &p);
  for (int i = 0; i < p.rows; i++) column(&p, 4)[i] *= 1e-15;
  p.x[4] = 0;
  make_b(&p, 0.3);
  for (int kind = FTL_SOLVE_RIDGE; kind <= FTL_SOLVE_ARD; kind++) {
    if (kind == FTL_SOLVE_CV) continue;
    const ftl_solve_options options = {
        .kind = (ftl_solve_kind)kind, .lambda = 1e-8, .max_ratio = 1e8, .max_iterations = 100};
    ftl_solution s = solve(&p, &options);
    assert_true(fabs(s.coefficient[4]) < 1e5);
    assert_close(s.coefficient[0], p.x[0], 0.2);
    ftl_solution_free(&s);
  }
}

static void refused(void **unused) {
  (void)unused;
  ftl_triangle empty;
  ftl_solution s;
  ftl_error error = {0};
  assert_int_equal(ftl_triangle_new(5, &empty, NULL), FTL_OK);
  assert_int_equal(ftl_solve(&empty, NULL, 0, one_each, &(ftl_solve_options){0}, &s, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "no labels"));
  make_problem(5, 20, 0, &p);
  ftl_triangle fold[2] = {triangle_of(&p), empty}, all = triangle_of(&p);
  assert_int_equal(ftl_solve(&all, fold, 2, one_each, &(ftl_solve_options){.kind = FTL_SOLVE_CV}, &s, &error),
                   FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "at least two folds"));
  ftl_triangle_free(&fold[0]);
  ftl_triangle_free(&empty);
  ftl_triangle_free(&all);
}

static int seed(void **unused) {
  (void)unused;
  ftl_random_seed(&the_random, 17);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(blocks_and_orders_do_not_matter, seed),
                                     cmocka_unit_test_setup(least_squares_of_normal_equations, seed),
                                     cmocka_unit_test(not_finite),
                                     cmocka_unit_test_setup(exact_labels_give_the_coefficients, seed),
                                     cmocka_unit_test_setup(noise_is_found, seed),
                                     cmocka_unit_test_setup(relevance_finds_what_is_sparse, seed),
                                     cmocka_unit_test_setup(relevance_of_so_many, seed),
                                     cmocka_unit_test_setup(draws_have_the_covariance, seed),
                                     cmocka_unit_test_setup(open_questions, seed),
                                     cmocka_unit_test(condition_is_of_scaled_columns),
                                     cmocka_unit_test_setup(scale_is_taken, seed),
                                     cmocka_unit_test_setup(next_to_nothing, seed),
                                     cmocka_unit_test_setup(refused, seed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
