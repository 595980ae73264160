/* Choosing few of many candidates by their features. Pure functions: the same input gives the same choice, on any
   number of threads.

   features[n][n_features] are row-major and finite; how their columns are scaled is the caller's choice, and decides
   what counts as far apart. given[n_given] are candidates that are chosen already (of a training set, say), each once;
   they do not count towards m and are not in chosen[]. chosen[m] are candidates in the order in which they were chosen;
   *n_chosen, at most m, is how many: fewer where there are not enough candidates. Of equals the first is taken, so that
   another order of the candidates gives the same set but for ties.

   FTL_ERR_ARGUMENT: a count below zero, a candidate given that is none or given twice; FTL_ERR_INPUT: a feature or
   weight that is not finite, naming candidate and feature; FTL_ERR_MEMORY. */
#ifndef FTL_SELECT_H
#define FTL_SELECT_H

#include "frozentl.h"

typedef struct {
  int64_t n, n_features;
  const double *features;
  int64_t n_given;
  const int64_t *given;
} ftl_select_input;

typedef enum {
  FTL_SELECT_LARGEST, /* begins with the candidate whose features have the largest norm */
  FTL_SELECT_CENTRAL  /* begins with the one that is closest to the mean */
} ftl_select_start;

/* Farthest points: each is the candidate farthest (Euclidean) from all that are chosen or given; the beginning is used
   where nothing is given. radius[m] (may be NULL) is the distance of each from those before it, which never grows; of
   the first, INFINITY if nothing is given. Stops when all that is left is a copy of something chosen (distance 0).
   Costs (m + n_given) n n_features. */
ftl_status ftl_select_farthest(const ftl_select_input *input, ftl_select_start start, int64_t m, int64_t *chosen,
                               double *radius, int64_t *n_chosen, ftl_error *error);

/* Greedy D-optimal design: each is the candidate that makes det(ridge I + sum of w f f^T over what is chosen) grow
   most. While the rank of what is chosen can grow this is QR with column pivoting on the features' transpose (the
   volume that the rows span), and after that the candidate with the largest leverage: features that are poorly
   determined are measured again. weight[n] (NULL: 1) is w above, at least 0; a candidate of weight 0 is never chosen.
   ridge, in units of the largest w |f|^2, is what counts as no new direction; 0: 1e-10. gain[m] (may be NULL) is the
   logarithm by which the determinant grew, which never grows. Costs (m + n_given) n (n_features + m / 2), and 8 (m +
   n_given) n bytes. */
ftl_status ftl_select_d_optimal(const ftl_select_input *input, const double *weight, double ridge, int64_t m,
                                int64_t *chosen, double *gain, int64_t *n_chosen, ftl_error *error);

#endif
