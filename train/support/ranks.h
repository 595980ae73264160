/* Several processes on one training run: sums and broadcasts. With one process, or built without MPI, everything is a
   no-op. Called by one thread. */
#ifndef FTL_RANKS_H
#define FTL_RANKS_H

#include <stdbool.h>
#include <stdint.h>

/* Starts MPI when the program was started by mpirun (its environment says so) and was built with it; otherwise one
   rank. argc, argv as main's. */
void ftl_ranks_start(int *argc, char ***argv);
/* NULL, or why processes that mpirun started cannot work together (no MPI library, another MPI's mpirun, built without
   MPI): each would train alone, and the program has to end with this sentence. */
const char *ftl_ranks_problem(void);
void ftl_ranks_end(void);
void ftl_ranks_abort(int code); /* ends all ranks */
int ftl_ranks_n(void);
int ftl_ranks_mine(void);
int64_t ftl_ranks_share(int64_t n); /* how many of 0 .. n - 1 are this rank's: mine, mine + ranks_n, ... */
bool ftl_ranks_built(void);         /* with MPI */
/* Sums x[n] over ranks in their order, so that all ranks get the same bits; in place. A rank sends 2 n numbers. */
void ftl_ranks_sum(double *x, int64_t n);
/* The largest over ranks. */
int64_t ftl_ranks_max(int64_t x);
/* Rank 0's bytes to all. */
void ftl_ranks_broadcast(void *data, int64_t bytes);

#endif
