/* What a thread of the MACE engine works in. */
#ifndef FTL_MACE_SCRATCH_H
#define FTL_MACE_SCRATCH_H

#include "model/prepared.h"

/* An edge of the block in work. */
typedef struct {
  int sender;         /* node */
  int class_, cell;   /* of the radial tables, within the class */
  double r, t, slope; /* t: place in the cell; slope: dt/dr */
  double n[3];        /* unit vector from sender to receiver */
} ftl_edge;

/* An edge of the block in the order of the convolution: by pair class and cell of the radial tables, so that a cell is
   read once for all its edges. */
typedef struct {
  double t;
  int edge, atom, sender; /* edge: in ftl_mace_scratch.edge; atom: its receiver in the block */
  int cell;               /* among those of all classes */
  void *adjoint;          /* row of the sender's adjoint */
} ftl_sorted_edge;

/* Sizes from the model, of edge arrays from the graph. */
typedef struct {
  int edge_start[FTL_MAX_BLOCK_ATOMS + 1];
  ftl_edge *edge;
  double *Y, *dY, *dr;
  ftl_sorted_edge *sorted;
  int *by_cell; /* scratch of the sorting */
  void *M, *dM; /* coupling coefficients (conv.h), and their adjoint */
  int *slot_of_element, *element_of_slot;
  double factor[FTL_MAX_BLOCK_ATOMS];
  void *sums, *mid, *own, *own_adjoint, *gate_input, *gated, *residual, *product_input, *product, *h, *h_adjoint,
      *message_adjoint;
  double *hidden;
  size_t edge_bytes;
  void *arena; /* owns the fixed-size buffers above */
} ftl_mace_scratch;

#endif
