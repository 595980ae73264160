/* The trainer's sum of numbers over ranks, timed (bench/programs/training_ranks).
     mpirun -n RANKS sum_ranks NUMBERS...      rank 0 prints NUMBERS and the seconds of one sum, the least of 20 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/ranks.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  ftl_ranks_start(&argc, &argv);
  if (ftl_ranks_problem()) {
    fprintf(stderr, "%s\n", ftl_ranks_problem());
    return 1;
  }
  for (int k = 1; k < argc; k++) {
    const long n = atol(argv[k]);
    double *x = calloc((size_t)(n > 0 ? n : 1), sizeof *x), least = 1e9;
    if (!x) abort();
    for (int round = 0; round < 20; round++) {
      ftl_ranks_max(0); /* all begin together */
      const double began = now();
      ftl_ranks_sum(x, n);
      const double seconds = now() - began;
      if (seconds < least) least = seconds;
    }
    if (ftl_ranks_mine() == 0) printf("%ld %.9f\n", n, least);
    free(x);
  }
  ftl_ranks_end();
  return 0;
}
