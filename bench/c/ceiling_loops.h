/* The loops that programs/ceiling times, compiled per instruction set and number type like core's kernels. */
#ifndef FTL_CEILING_LOOPS_H
#define FTL_CEILING_LOOPS_H

#include <stddef.h>

typedef struct {
  size_t real_bytes;
  double flops_per_round;
  /* `rounds` times as many independent multiply-adds as hide their latency. */
  double (*multiply_add)(long rounds);
  /* Reads n numbers once. */
  double (*read)(const void *x, size_t n);
  /* a = b + 3 c, n numbers. */
  void (*triad)(void *a, const void *b, const void *c, size_t n);
} ftl_ceiling_loops;

#endif
