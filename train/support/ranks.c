/* MPI is loaded when a run has several processes, not linked: the program starts on machines without it. Only bytes are
   sent, so that of MPI's constants the communicator and one type are needed. */
#include "support/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char problem[400];
const char *ftl_ranks_problem(void) { return *problem ? problem : NULL; }

/* Processes that mpirun or srun started; 1 by hand; 0 when they do not say how many. */
static int processes_started(void) {
  static const char *const sizes[] = {"PMI_SIZE", "OMPI_COMM_WORLD_SIZE"};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    if (getenv(sizes[k])) return atoi(getenv(sizes[k]));
  return getenv("PMI_RANK") || getenv("PMIX_RANK") ? 0 : 1;
}

#ifdef FTL_MPI_LIBRARY

#include <dlfcn.h>
#include <limits.h>
#include <mpi.h>

/* The constants are numbers in MPICH's ABI and addresses in Open MPI's library. */
#ifdef OPEN_MPI
#define SONAME                 "libmpi.so.40"
#define CONSTANT(name, symbol) ((__typeof__(name))dlsym(mpi.library, symbol))
#else
#define SONAME                 "libmpi.so.12"
#define CONSTANT(name, symbol) (name)
#endif

enum { PART = 1 << 18 }; /* numbers that are sent at once, and the most ranks */

static struct {
  void *library;
  bool running;
  int n, mine;
  MPI_Comm world;
  MPI_Datatype byte;
  __typeof__(MPI_Init_thread) *init_thread;
  __typeof__(MPI_Comm_size) *comm_size;
  __typeof__(MPI_Comm_rank) *comm_rank;
  __typeof__(MPI_Alltoall) *alltoall;
  __typeof__(MPI_Allgather) *allgather;
  __typeof__(MPI_Bcast) *bcast;
  __typeof__(MPI_Abort) *abort;
  __typeof__(MPI_Finalize) *finalize;
} mpi = {.n = 1};

bool ftl_ranks_built(void) { return true; }
int ftl_ranks_n(void) { return mpi.n; }
int ftl_ranks_mine(void) { return mpi.mine; }

/* ---- start and end ---- */

static bool find(const char *name, void *function) {
  void *found = dlsym(mpi.library, name);
  if (!found) snprintf(problem, sizeof problem, "the MPI library has no %s", name);
  memcpy(function, &found, sizeof found);
  return found != NULL;
}

static bool load(void) {
  mpi.library = dlopen(FTL_MPI_LIBRARY, RTLD_NOW | RTLD_GLOBAL); /* global: Open MPI's own plugins look for it there */
  if (!mpi.library) mpi.library = dlopen(SONAME, RTLD_NOW | RTLD_GLOBAL);
  if (!mpi.library) {
    snprintf(problem, sizeof problem, "the MPI library cannot be loaded: %.300s", dlerror());
    return false;
  }
  mpi.world = CONSTANT(MPI_COMM_WORLD, "ompi_mpi_comm_world");
  mpi.byte = CONSTANT(MPI_BYTE, "ompi_mpi_byte");
  return find("MPI_Init_thread", &mpi.init_thread) && find("MPI_Comm_size", &mpi.comm_size) &&
         find("MPI_Comm_rank", &mpi.comm_rank) && find("MPI_Alltoall", &mpi.alltoall) &&
         find("MPI_Allgather", &mpi.allgather) && find("MPI_Bcast", &mpi.bcast) && find("MPI_Abort", &mpi.abort) &&
         find("MPI_Finalize", &mpi.finalize);
}

void ftl_ranks_start(int *argc, char ***argv) {
  const int started = processes_started();
  int provided;
  if (started == 1 || mpi.library || !load()) return;
  if (mpi.init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
    snprintf(problem, sizeof problem, "MPI does not start");
    return;
  }
  mpi.running = true;
  mpi.comm_size(mpi.world, &mpi.n);
  mpi.comm_rank(mpi.world, &mpi.mine);
  if (started > 1 && mpi.n != started)
    snprintf(problem, sizeof problem,
             "%d processes were started, but they do not find each other: this mpirun belongs to another MPI than the "
             "one that frozentl was built with",
             started);
  else if (mpi.n > PART)
    snprintf(problem, sizeof problem, "%d ranks are more than the %d that can work together", mpi.n, PART);
}

static bool alone(void) { return mpi.n == 1; }

void ftl_ranks_end(void) {
  if (mpi.running) mpi.finalize();
  mpi.running = false;
  mpi.n = 1;
  mpi.mine = 0;
}

void ftl_ranks_abort(int code) {
  if (!alone()) mpi.abort(mpi.world, code);
}

/* ---- bytes ---- */

void ftl_ranks_broadcast(void *data, int64_t bytes) {
  enum { MOST = INT_MAX / 2 };
  if (alone()) return;
  for (int64_t at = 0; at < bytes; at += MOST)
    mpi.bcast((char *)data + at, bytes - at < MOST ? (int)(bytes - at) : MOST, mpi.byte, 0, mpi.world);
}

/* ---- sums ---- */

/* Each rank adds one slice over all ranks in their order, and all get its bits: a rank sends and receives 2 n numbers,
   however many there are. MPI's reductions may add in any order, even in another one each time. */
static void sum_part(double *x, int n) {
  static double sent[PART], got[PART];
  const int ranks = mpi.n, slice = (n + ranks - 1) / ranks, bytes = slice * (int)sizeof *x;
  memcpy(sent, x, (size_t)n * sizeof *x);
  memset(sent + n, 0, (size_t)(slice * ranks - n) * sizeof *x); /* slices are of one size */
  mpi.alltoall(sent, bytes, mpi.byte, got, bytes, mpi.byte, mpi.world);
  for (int rank = 1; rank < ranks; rank++)
    for (int i = 0; i < slice; i++) got[i] += got[rank * slice + i];
  mpi.allgather(got, bytes, mpi.byte, sent, bytes, mpi.byte, mpi.world);
  memcpy(x, sent, (size_t)n * sizeof *x);
}

void ftl_ranks_sum(double *x, int64_t n) {
  if (alone()) return;
  const int most = PART - PART % mpi.n;
  for (int64_t at = 0; at < n; at += most) sum_part(x + at, n - at < most ? (int)(n - at) : most);
}

int64_t ftl_ranks_max(int64_t x) {
  static int64_t all[PART];
  if (alone()) return x;
  mpi.allgather(&x, sizeof x, mpi.byte, all, sizeof x, mpi.byte, mpi.world);
  for (int rank = 0; rank < mpi.n; rank++)
    if (all[rank] > x) x = all[rank];
  return x;
}

#else /* one process */

bool ftl_ranks_built(void) { return false; }
int ftl_ranks_n(void) { return 1; }
int ftl_ranks_mine(void) { return 0; }

void ftl_ranks_start(int *argc, char ***argv) {
  (void)argc, (void)argv;
  if (processes_started() != 1)
    snprintf(problem, sizeof problem, "several processes were started, but frozentl was built without MPI");
}

void ftl_ranks_end(void) {}
void ftl_ranks_abort(int code) { (void)code; }
void ftl_ranks_broadcast(void *data, int64_t bytes) { (void)data, (void)bytes; }
void ftl_ranks_sum(double *x, int64_t n) { (void)x, (void)n; }
int64_t ftl_ranks_max(int64_t x) { return x; }

#endif

int64_t ftl_ranks_share(int64_t n) { return (n - ftl_ranks_mine() + ftl_ranks_n() - 1) / ftl_ranks_n(); }
