/* Floating-point operations and bytes of every stage, from the prepared tables of a model and the graph of a structure
   (docs/performance.md). A multiply-add is two operations; padding is not counted. Bytes are operands of the stage:
   tables and rows of other atoms once per edge, own rows and results once per atom, weights once per block of atoms.
   What stays in registers or in the innermost cache within a stage is not counted. */
#ifndef FTL_STAGE_COUNTS_H
#define FTL_STAGE_COUNTS_H

#include "engine/workspace.h"

typedef struct {
  double flops, bytes;
} ftl_stage_count;

/* Sums over all atoms of the graph that `ws` computed last, of one evaluation with forces. */
void ftl_stage_counts(const ftl_workspace *ws, ftl_stage_count count[FTL_MAX_LAYERS][FTL_N_STAGES]);

#endif
