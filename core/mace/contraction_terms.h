/* The monomials of the symmetric contraction (arXiv 2206.07697, eq. 10) of one output component.

   MACE contracts U[M, i1 .. inu, k] w[z, k, c] A[c, i1] .. A[c, inu]. The product of A's is symmetric, so all orders of
   a multi-index collapse into one monomial i1 <= .. <= inu, whose coefficient is sum_k u[k] w[z, k, c] with u the sum
   over orders of U. The monomials of all correlation orders form a trie over sorted indices: a node of depth d is a
   prefix of d + 1 indices. Used by the inference stages and by the trainer. */
#ifndef FTL_CONTRACTION_TERMS_H
#define FTL_CONTRACTION_TERMS_H

#include "model/prepared.h"

typedef struct {
  int key;                 /* where it is in its list; private */
  int index[FTL_MAX_BODY]; /* sorted, then -1 */
  double *u;               /* [n_params] */
} ftl_monomial;

typedef struct {
  int n, n_params;
  ftl_monomial *list; /* sorted by index: the trie's order */
  double *u;
} ftl_order_terms; /* the terms of one correlation order */

/* Nodes of one depth, filled depth first, so that the children of a node are contiguous. */
typedef struct {
  int n, capacity;
  int *index;                /* [n] component of A */
  int *first;                /* [n + 1] first child in the next depth */
  const ftl_monomial **term; /* [n]; NULL: only a prefix */
} ftl_trie_level;

typedef struct {
  ftl_order_terms orders[FTL_MAX_BODY];
  ftl_trie_level level[FTL_MAX_BODY];
  const ftl_tensor *weights[FTL_MAX_BODY]; /* of order nu + 1: [elements][n_params][channels] */
} ftl_contraction_terms;

/* Terms of component m of output block b of the product of layer t; n_components of A. Owned by the caller, also after
   a failure. FTL_ERR_FORMAT, FTL_ERR_MEMORY. */
ftl_status ftl_contraction_terms_make(const ftl_source *source, int t, int b, int m, int n_components,
                                      ftl_contraction_terms *terms, ftl_error *error);
void ftl_contraction_terms_free(ftl_contraction_terms *terms);

#endif
