/* The exact list of tensors that an architecture needs, block by block. */
#ifndef FTL_EXPECT_H
#define FTL_EXPECT_H

#include "model/architecture.h"

/* Every tensor the architecture needs is there with the right shape and kind of number, and there is no other: a
   tensor that no block asks for means that the file holds something this version does not know. */
ftl_status ftl_expect_tensors(const ftl_source *source, ftl_error *error);

/* Weights of e3nn's Linear: one matrix [mul in][mul out] per pair of blocks with the same irrep. */
int64_t ftl_linear_count(const ftl_irreps *in, const ftl_irreps *out);

/* Input of the gate of a nonlinear interaction: the target's irreps and one more scalar per gated multiplet. */
ftl_irreps ftl_gate_irreps(const ftl_irreps *target);

#endif
