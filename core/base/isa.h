/* The builds of the kernels that this program has (cmake/FrozentlInstructionSets.cmake), best first; the last runs on
   any CPU of its architecture. NEON is the baseline of AArch64, so that the only build there has its name. */
#ifndef FTL_ISA_H
#define FTL_ISA_H

#if defined(FTL_X86_KERNELS)
#define FTL_FOR_EACH_ISA(build) build(avx512) build(avx2) build(generic)
#elif defined(FTL_ARM_KERNELS)
#define FTL_FOR_EACH_ISA(build) build(neon)
#else
#define FTL_FOR_EACH_ISA(build) build(generic)
#endif

#endif
