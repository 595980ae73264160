/* What follows from the kind of an interaction block, answered once. */
#ifndef FTL_TRAITS_H
#define FTL_TRAITS_H

#include "model/architecture.h"

typedef enum { FTL_NORM_AVERAGE, FTL_NORM_DENSITY, FTL_NORM_ALPHA_BETA } ftl_norm_kind;

typedef struct {
  ftl_norm_kind norm;   /* what the sum over neighbours is divided by: avg_num_neighbors, 1 + the density, or
                           alpha density + beta */
  bool has_density;     /* density_fn is there */
  bool nonlinear;       /* gate, linear_1, linear_res, linear_2; radial networks that see both elements */
  bool skip_by_element; /* skip_tp has a matrix for each element; else it is an ordinary linear map */
  bool skip_on_message; /* skip_tp takes and makes the message, before the product */
  bool has_sc;          /* skip_tp takes the incoming features and is added to the product's output */
  ftl_irreps skip_in, skip_out;
  ftl_irreps
      gate_input; /* of the nonlinear block: the target's irreps, its scalars with one more for each gated multiplet */
} ftl_layer_traits;

ftl_layer_traits ftl_layer_traits_of(const ftl_layer *layer);

/* Weights of e3nn's Linear: one matrix [mul in][mul out] per pair of blocks with the same irrep. */
int64_t ftl_linear_count(const ftl_irreps *in, const ftl_irreps *out);

#endif
