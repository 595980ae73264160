/* A least-squares problem of many rows kept as the triangle of its QR factorisation (tall-skinny QR): rows come in
   blocks and leave, so that memory does not grow with data and normal equations, which square the condition number,
   are not needed. */
#ifndef FTL_TRIANGLE_H
#define FTL_TRIANGLE_H

#include <stdint.h>

#include "frozentl.h"

/* docs/theory.md, eq. 26: |A x - b|^2 = |R x - q|^2 + rest^2 for every x, where r[n + 1][n + 1] (column-major) holds R,
   q as its last column and
   +-rest in the corner. */
typedef struct {
  int n; /* unknowns */
  int64_t rows;
  double *r; /* [n + 1][n + 1] column-major, zero below the diagonal */
  double *t; /* scratch of the factorisation */
  double *work;
} ftl_triangle;

ftl_status ftl_triangle_new(int n, ftl_triangle *triangle, ftl_error *error);
void ftl_triangle_free(ftl_triangle *triangle);
size_t ftl_triangle_bytes(int n);

/* Adds `rows` equations: block[n + 1][ld] column-major, its last column the right-hand side. The block is overwritten.
   FTL_ERR_INPUT when a number is not finite. */
ftl_status ftl_triangle_add(ftl_triangle *triangle, double *block, int rows, int ld, ftl_error *error);
/* Adds the equations of another one of the same size. FTL_ERR_MEMORY. */
ftl_status ftl_triangle_join(ftl_triangle *triangle, const ftl_triangle *other, ftl_error *error);
/* Adds those of all ranks; every rank gets the same. FTL_ERR_MEMORY. */
ftl_status ftl_triangle_join_ranks(ftl_triangle *triangle, ftl_error *error);

/* The problem of the unknowns from `first` on, where those before take the values that are best for them: a triangle of
   its own. FTL_ERR_MEMORY. */
ftl_status ftl_triangle_rest(const ftl_triangle *triangle, int first, ftl_triangle *rest, ftl_error *error);
/* Those values, x[first], given rest[n - first]; 0 where the equations say nothing of an unknown. */
void ftl_triangle_first(const ftl_triangle *triangle, int first, const double *rest, double *x);

/* |A x - b|^2 */
double ftl_triangle_residual(const ftl_triangle *triangle, const double *x);

#endif
