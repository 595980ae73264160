/* What a layer does, as a short list of operations on arrays of node features. The plain reference, the trainer's
   sweeps and the Kokkos stages go through this list; the fused kernels of the host do the same work in their own order
   and are held to it operation by operation (tests/unit/test_operations.c).

   Each array holds one row per atom. An operation reads `from` and sets `to`, or adds to it. */
#ifndef FTL_OPERATIONS_H
#define FTL_OPERATIONS_H

#include "model/traits.h"

typedef enum {
  FTL_FEATURES_INPUT,   /* of the layer before, or the embedding */
  FTL_FEATURES_UP,      /* after linear_up: what neighbours send */
  FTL_FEATURES_SUM,     /* over neighbours, one block per path */
  FTL_FEATURES_MIXED,   /* linear of the sum; of a gated block: the sum divided by its norm */
  FTL_FEATURES_MESSAGE, /* divided by its norm; of a gated block: linear of that, and the self-connection */
  FTL_FEATURES_GATED,
  FTL_FEATURES_TARGET,  /* what the product takes: A of MACE (9) */
  FTL_FEATURES_PRODUCT, /* B of MACE (11) */
  FTL_FEATURES_OUTPUT,
  FTL_N_FEATURES
} ftl_features_of;

typedef enum {
  FTL_OP_LINEAR,            /* one matrix per pair of blocks of the same irrep */
  FTL_OP_LINEAR_BY_ELEMENT, /* one for each element of the atom */
  FTL_OP_CONVOLUTION,       /* sum over neighbours of the tensor product with the edge's harmonics; also the density */
  FTL_OP_NORM,              /* division by avg_num_neighbors or by what the density gives (ftl_norm_kind) */
  FTL_OP_GATE,
  FTL_OP_CONTRACTION, /* symmetric, by element */
} ftl_operation_kind;

#define FTL_MAX_OPERATIONS 12

typedef struct {
  ftl_operation_kind kind;
  ftl_features_of from, to;
  bool adds;
  bool biased, by_head; /* of a linear map: tensor.bias and tensor.heads are added to the 0e channels */
  char tensor[64];      /* of a linear map: its name without ".weight"; "" for the others */
} ftl_operation;

typedef struct {
  int n;
  ftl_operation op[FTL_MAX_OPERATIONS];
  bool used[FTL_N_FEATURES];
  ftl_irreps irreps[FTL_N_FEATURES]; /* of the arrays in use */
} ftl_operations;

const char *ftl_operation_name(ftl_operation_kind kind);
const char *ftl_features_name(ftl_features_of features);

/* The operations of layer t, in order. FTL_ERR_UNSUPPORTED: more paths of a convolution than are covered. */
ftl_status ftl_operations_make(const ftl_architecture *arch, int t, ftl_operations *operations, ftl_error *error);

#endif
