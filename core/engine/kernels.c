/* One build of the kernels: compiled with FTL_ISA (generic, avx2, avx512, neon), its compiler flags, and FTL_REAL_FLOAT
 * (0 or 1). */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FTL_NATIVE_VECTORS
#include "math/real.h"
#include "engine/workspace.h"
#include "model/kernels.h"

#include "mace/scratch.h"
#include "mace/geometry.h"
#include "mace/gemm.h"
#include "mace/contraction.h"
#include "mace/radial_values.h"
#include "mace/first_layer.h"
#include "mace/conv.h"
#include "mace/node.h"
#include "mace/blocks.h"
#include "ace/ace_blocks.h"

#define STRING(x)            #x
#define EXPANDED_STRING(x)   STRING(x)
#define TABLE(isa, suffix)   ftl_kernels_##isa##_##suffix
#define EXPANDED_TABLE(i, s) TABLE(i, s)

const ftl_kernels EXPANDED_TABLE(FTL_ISA, FTL_SUFFIX) = {
    EXPANDED_STRING(FTL_ISA),
    FTL_VECTOR_BYTES,
    {[FTL_ENGINE_mace] = {mace_forward, mace_reverse, mace_last},
     [FTL_ENGINE_ace] = {ace_forward_block, ace_reverse_block, ace_last_block}}};
