/* What this machine can do, for programs/ceiling: prints a line per figure, tab-separated: what, precision, cores,
   value (GFLOP/s or GB/s), the best of some tries. The instruction set is the one that core's kernels use here. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ceiling_loops.h"
#include "model/kernels.h"

#define TRIES 40 /* short ones: some are not interrupted */

extern const ftl_ceiling_loops ftl_ceiling_generic_f64, ftl_ceiling_generic_f32;
#ifdef FTL_X86_KERNELS
extern const ftl_ceiling_loops ftl_ceiling_avx2_f64, ftl_ceiling_avx2_f32, ftl_ceiling_avx512_f64,
    ftl_ceiling_avx512_f32;
#endif

static const ftl_ceiling_loops *loops_for(const char *isa, int single) {
#ifdef FTL_X86_KERNELS
  if (strcmp(isa, "avx512") == 0) return single ? &ftl_ceiling_avx512_f32 : &ftl_ceiling_avx512_f64;
  if (strcmp(isa, "avx2") == 0) return single ? &ftl_ceiling_avx2_f32 : &ftl_ceiling_avx2_f64;
#endif
  (void)isa;
  return single ? &ftl_ceiling_generic_f32 : &ftl_ceiling_generic_f64;
}

static volatile double sink;

static void print(const char *what, const char *precision, int cores, double work, double seconds) {
  printf("%s\t%s\t%d\t%.2f\n", what, precision, cores, 1e-9 * work / seconds);
  fflush(stdout);
}

static void peak(const ftl_ceiling_loops *loops, const char *precision, int cores) {
  const long rounds = 400000;
  double best = 1e9;
  for (int k = 0; k < TRIES; k++) {
    double took = 0;
#pragma omp parallel num_threads(cores) reduction(max : took)
    {
#pragma omp barrier
      double began = omp_get_wtime();
      sink = loops->multiply_add(rounds);
      took = omp_get_wtime() - began;
    }
    if (took < best) best = took;
  }
  print("multiply-add", precision, cores, cores * rounds * loops->flops_per_round, best);
}

/* Each core reads a buffer of its own, over and over. */
static void reading(const ftl_ceiling_loops *loops, const char *what, size_t bytes, int cores) {
  const int times = (int)(100000000 / bytes) + 1;
  double best = 1e9;
  for (int k = 0; k < TRIES; k++) {
    double took = 0;
#pragma omp parallel num_threads(cores) reduction(max : took)
    {
      char *x = aligned_alloc(64, bytes);
      if (!x) exit(1);
      memset(x, 0, bytes);
#pragma omp barrier
      double began = omp_get_wtime();
      for (int t = 0; t < times; t++) sink = loops->read(x, bytes / loops->real_bytes);
      took = omp_get_wtime() - began;
      free(x);
    }
    if (took < best) best = took;
  }
  print(what, "double", cores, (double)bytes * times * cores, best);
}

static void memory(const ftl_ceiling_loops *loops, int cores) {
  const size_t bytes = 64 << 20;
  double best = 1e9;
#pragma omp parallel num_threads(cores) reduction(min : best)
  {
    char *x[3];
    for (int k = 0; k < 3; k++) {
      if (!(x[k] = aligned_alloc(64, bytes))) exit(1);
      memset(x[k], 0, bytes);
    }
    for (int k = 0; k < TRIES; k++) {
#pragma omp barrier
      double began = omp_get_wtime();
      loops->triad(x[0], x[1], x[2], bytes / loops->real_bytes);
#pragma omp barrier
      double took = omp_get_wtime() - began;
      if (took < best) best = took;
    }
    for (int k = 0; k < 3; k++) free(x[k]);
  }
  print("memory, triad", "double", cores, 3.0 * (double)bytes * cores, best);
}

int main(void) {
  const ftl_kernels *kernels;
  ftl_error error = {0};
  if (ftl_kernels_choose(FTL_DOUBLE, &kernels, &error)) return fprintf(stderr, "ceiling: %s\n", error.message), 1;
  const ftl_ceiling_loops *loops = loops_for(kernels->isa, 0);
  int all = omp_get_num_procs();
  printf("instruction set\t%s\t0\t0\n", kernels->isa);
  for (int cores = 1; cores <= all; cores += all > 1 ? all - 1 : 1) {
    peak(loops, "double", cores);
    peak(loops_for(kernels->isa, 1), "mixed", cores);
    reading(loops, "L1, reading", 16 << 10, cores);
    reading(loops, "L2, reading", 256 << 10, cores);
    reading(loops, "L3, reading", 8 << 20, cores);
    memory(loops, cores);
  }
  return 0;
}
