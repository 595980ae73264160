/* What a parity plot is made of: pairs of numbers, their errors, and the dots that stand for them. */
#ifndef FTL_PARITY_H
#define FTL_PARITY_H

#include <stdint.h>

#include "plot/axes.h"

typedef struct {
  double *reference, *prediction; /* [n] */
  int64_t n, room;
  ftl_range range; /* of both */
} ftl_pairs;

typedef struct {
  double rmse, mae, largest; /* NAN without pairs */
} ftl_pair_errors;
ftl_pair_errors ftl_pairs_errors(const ftl_pairs *pairs);

#define FTL_N_SHADES 5
/* Points of the frame's cells, each at the mean of the pairs in the cell; `shade` grows with their number. */
typedef struct {
  int n;
  double *x, *y; /* [n], pixels; sorted by shade */
  int begin[FTL_N_SHADES + 1];
} ftl_dots;

/* Pairs as dots in the axes, at most `most` of them: the cells grow from 0.8 pixels until this is so. false: no memory.
 */
bool ftl_dots_make(const ftl_pairs *pairs, const ftl_axes *axes, int most, ftl_dots *dots);
void ftl_dots_free(ftl_dots *dots);

/* Counts errors (prediction - reference) in n bins between -reach and reach; those outside are in the outermost ones.
 */
void ftl_pairs_histogram(const ftl_pairs *pairs, double reach, int n, int64_t *count);

#endif
