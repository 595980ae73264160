/* What gpu_kit does: each takes its arguments as main does and answers with the program's exit status. */
#ifndef FTL_GPU_KIT_H
#define FTL_GPU_KIT_H

#ifdef __cplusplus
extern "C" {
#endif

int gpu_check(int argc, char **argv);
int gpu_nve(int argc, char **argv);
int kokkos_step(int argc, char **argv); /* main of bench/c/kokkos_step.c, compiled under this name */

#ifdef __cplusplus
}
#endif
#endif
