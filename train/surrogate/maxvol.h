/* A square matrix of large volume among many rows (MaxVol, Goreinov et al. 2010; as Podryapinkin and Shapeev 2017 use
   it for potentials): the rows are offered in blocks, and one replaces a row of the matrix when that makes the absolute
   determinant grow by more than a threshold. That is so when a coefficient of the row, written in rows of the matrix,
   is above the threshold.

   It begins with `delta` times the identity in units of each column's root mean square. What rows never span stays
   there, so that a new row along such a direction has a large coefficient and the inverse always exists. */
#ifndef FTL_MAXVOL_H
#define FTL_MAXVOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum { FTL_MAXVOL_ROWS = 512 }; /* a block's largest number of rows */

typedef struct {
  int n;
  double *scale;   /* [n] of columns; the rest is in these units */
  double *row;     /* [n][n] */
  double *inverse; /* [n][n] of `row`: a row times it are its coefficients */
  bool *offered;   /* [n]: the row is one that was offered */
  int64_t swaps;
  double *block, *c, *u, *v, *most; /* private */
  int *list, *at;
  ftl_arena memory;
} ftl_maxvol;

/* rms[n] of the columns; 0: the column has not been seen other than 0, and counts like the smallest of the others. */
ftl_status ftl_maxvol_new(int n, const double *rms, double delta, ftl_maxvol *maxvol, ftl_error *error);
void ftl_maxvol_free(ftl_maxvol *maxvol);

/* Offers rows[m][stride], m at most FTL_MAXVOL_ROWS, not scaled. Replaces while a coefficient is above the threshold
   (INFINITY: never). Returns the largest that there was at first. */
double ftl_maxvol_offer(ftl_maxvol *maxvol, int m, const double *rows, int stride, double threshold);

/* Computes the inverse afresh, against the rounding of many replacements. FTL_ERR_INPUT if that cannot be. */
ftl_status ftl_maxvol_refresh(ftl_maxvol *maxvol, ftl_error *error);

/* The inverse for rows that are not scaled: inverse[n][n]. */
void ftl_maxvol_inverse(const ftl_maxvol *maxvol, double *inverse);

#endif
