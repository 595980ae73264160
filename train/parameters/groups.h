/* Parameter groups: the names by which tensors of a MACE model are counted (and, by the trainer, frozen). */
#ifndef FTL_GROUPS_H
#define FTL_GROUPS_H

#include "model/architecture.h"

typedef enum {
  FTL_GROUP_EMBEDDING,       /* node_embedding */
  FTL_GROUP_RADIAL,          /* conv_tp_weights, and what else feeds them: element embeddings of a nonlinear block */
  FTL_GROUP_LINEAR_UP,       /* linear_up */
  FTL_GROUP_LINEAR,          /* linear of a message; linear_1, linear_2, linear_res of a nonlinear block */
  FTL_GROUP_SKIP,            /* skip_tp */
  FTL_GROUP_DENSITY,         /* density_fn, and alpha, beta of a nonlinear block */
  FTL_GROUP_PRODUCT_WEIGHTS, /* symmetric contraction */
  FTL_GROUP_PRODUCT_LINEAR,
  FTL_GROUP_READOUT,
  FTL_GROUP_SCALE_SHIFT,
  FTL_GROUP_E0,
  FTL_GROUP_ZBL,
  FTL_N_GROUPS,
  FTL_GROUP_NONE = -1 /* not a parameter: constants such as U matrices and covalent radii */
} ftl_group;

const char *ftl_group_name(ftl_group group); /* "product.weights" */

/* Group and layer (-1 for none) of a tensor. Buffers that are fitted to data (E0, scale and shift) have a group too. */
ftl_group ftl_tensor_group(const ftl_tensor *tensor, int *layer);

#endif
