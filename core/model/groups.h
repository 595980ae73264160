/* Parameter groups: the names by which tensors of a model are counted (and, by the trainer, frozen). */
#ifndef FTL_GROUPS_H
#define FTL_GROUPS_H

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

#endif
