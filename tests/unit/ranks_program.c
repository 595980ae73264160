/* Run by mpirun: sums, maxima and broadcasts over ranks. Each rank checks what it got; 0 when all is as it should be.
     ranks_program          77 when it is one process
     ranks_program abort    the last rank ends all while the others wait for it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/ranks.h"

static int failures;

static void check(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "rank %d: %s\n", ftl_ranks_mine(), what);
  failures++;
}

/* More numbers than are sent at once; their sum depends on the order in which ranks are added. */
enum { N = 600011 };

static double number(int rank, int i) {
  static const double sizes[3] = {1e16, 1, -1e16};
  return sizes[rank % 3] * (1 + i % 7) / (1 + i % 11) + 1.0 / (i + rank + 1);
}

static void sums(void) {
  double *x = malloc(N * sizeof *x), *of_first = malloc(N * sizeof *of_first);
  bool in_order = true;
  if (!x || !of_first) abort();
  for (int i = 0; i < N; i++) x[i] = number(ftl_ranks_mine(), i);
  ftl_ranks_sum(x, N);
  for (int i = 0; i < N; i++) {
    double sum = number(0, i);
    for (int rank = 1; rank < ftl_ranks_n(); rank++) sum += number(rank, i);
    in_order = in_order && sum == x[i];
  }
  check(in_order, "a sum is not that in the order of ranks");
  memcpy(of_first, x, N * sizeof *x);
  ftl_ranks_broadcast(of_first, N * (int64_t)sizeof *x);
  check(memcmp(of_first, x, N * sizeof *x) == 0, "the bits of a sum are not those of rank 0");
  ftl_ranks_sum(x, 0);
  free(x);
  free(of_first);
}

static void others(void) {
  char text[16] = "other";
  const int last = ftl_ranks_n() - 1;
  check(ftl_ranks_max(-5 + ftl_ranks_mine()) == -5 + last, "not the largest, which the last rank has");
  check(ftl_ranks_max(INT64_MAX - ftl_ranks_mine()) == INT64_MAX, "not the largest, which rank 0 has");
  if (ftl_ranks_mine() == 0) strcpy(text, "first");
  ftl_ranks_broadcast(text, sizeof text);
  check(strcmp(text, "first") == 0, "not what rank 0 sent");
}

int main(int argc, char **argv) {
  const bool aborts = argc > 1 && strcmp(argv[1], "abort") == 0;
  ftl_ranks_start(&argc, &argv);
  if (ftl_ranks_problem()) {
    fprintf(stderr, "%s\n", ftl_ranks_problem());
    return 1;
  }
  if (ftl_ranks_n() == 1) {
    puts("skipped: one process; it takes MPI and mpirun");
    return 77;
  }
  if (aborts && ftl_ranks_mine() == ftl_ranks_n() - 1) ftl_ranks_abort(9);
  sums();
  others();
  ftl_ranks_end();
  return failures ? 1 : 0;
}
