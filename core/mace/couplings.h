/* Coupling coefficients of a layer's edge tensor product (e3nn's mode "uvu", one output block for each path). */
#ifndef FTL_COUPLINGS_H
#define FTL_COUPLINGS_H

#include "model/architecture.h"

/* M[m3][m1] += coefficient * Y[y]: m counts the matrices' elements, those of a path after those of the one before. */
typedef struct {
  int m, y;
  double coefficient;
} ftl_coupling_entry;

typedef struct {
  int n, n_m;
  int first[FTL_MAX_BLOCKS + 1], first_m[FTL_MAX_BLOCKS + 1]; /* of a path; m = first_m + m3 (2 l1 + 1) + m1 */
  ftl_coupling_entry *entry;                                  /* [n], in ascending m; no zeros; owned */
} ftl_edge_couplings;

/* For the convolution of layer t, whose paths they are. FTL_ERR_FORMAT names a Wigner 3j tensor that the file lacks;
   FTL_ERR_MEMORY. ftl_edge_couplings_free also after a failure. */
ftl_status ftl_edge_couplings_make(const ftl_source *source, int t, const ftl_conv_paths *paths,
                                   ftl_edge_couplings *couplings, ftl_error *error);
void ftl_edge_couplings_free(ftl_edge_couplings *couplings);

#endif
