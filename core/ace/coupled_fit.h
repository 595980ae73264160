/* Whether functions of a few channels are sums of dot products of coupled products, and which (coupled.h). */
#ifndef FTL_ACE_COUPLED_FIT_H
#define FTL_ACE_COUPLED_FIT_H

#include "ace/coupled.h"

enum { FTL_ACE_MAX_SIDE = (FTL_ACE_MAX_RANK + 1) / 2, FTL_ACE_MAX_STATES = 128, FTL_ACE_MAX_FORM = 256 };

/* Ways to couple channels one after another: l[s][k] after k + 1 of them; l[s][0] is the first's own. */
typedef struct {
  int order, n, l[FTL_ACE_MAX_STATES][FTL_ACE_MAX_SIDE];
} ftl_ace_states;

/* Functions of the same channels, sorted; channel k is slot[k] of those that differ. */
typedef struct {
  int rank, n_functions;
  int slot[FTL_ACE_MAX_RANK], l[FTL_ACE_MAX_RANK];
  int mu[FTL_ACE_MAX_RANK], n[FTL_ACE_MAX_RANK];
  const ftl_ace_function *const *function;
} ftl_ace_alike;

/* Which channels (bits) are coupled to the left factor; the rest, to the right. */
typedef struct {
  unsigned left_set;
  ftl_ace_states left, right;
  int n_pairs, pair[FTL_ACE_MAX_FORM][2]; /* states whose dot product is a function */
} ftl_ace_split;

/* False: too many ways, or l beyond the couplings. */
bool ftl_ace_split_make(const ftl_ace_alike *group, unsigned left_set, ftl_ace_split *split);

/* c[pair][density], 0 where a pair is not needed; *exact: the functions are that sum. */
ftl_status ftl_ace_split_fit(ftl_ace_couplings *couplings, const ftl_ace_alike *group, const ftl_ace_split *split,
                             double *c, bool *exact, ftl_error *error);

#endif
