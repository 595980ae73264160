/* The stages that cost time, compiled once per instruction set and number type from one body (kernels.c), and the table
   through which the CPU's build is chosen at run time. */
#ifndef FTL_KERNELS_H
#define FTL_KERNELS_H

#include "base/isa.h"
#include "model/engine.h"

typedef struct ftl_kernels {
  const char *isa;
  int vector_bytes; /* of a register: what the tables are packed for */
  ftl_block_stages stages[FTL_N_ENGINES];
} ftl_kernels;

/* The best build for this CPU; FROZENTL_ISA=generic|avx2|avx512 (on AArch64: neon) forces one. FTL_ERR_ARGUMENT when
   the forced one is unknown or this CPU lacks it. */
ftl_status ftl_kernels_choose(ftl_precision precision, const ftl_kernels **kernels, ftl_error *error);

#define FTL_DECLARE_KERNELS(isa) extern const ftl_kernels ftl_kernels_##isa##_f64, ftl_kernels_##isa##_f32;
FTL_FOR_EACH_ISA(FTL_DECLARE_KERNELS)
#undef FTL_DECLARE_KERNELS

#endif
