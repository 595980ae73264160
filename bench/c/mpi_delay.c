/* A slower network under any MPI program, by LD_PRELOAD: messages take a latency and a bandwidth in virtual time.

   Each rank has a clock that counts the processor time it spends outside of MPI. A message leaves when the sender's
   wire is free, takes its bytes over FTL_DELAY_BANDWIDTH (bytes/s) and FTL_DELAY_LATENCY (s), and whoever waits for it
   sets his clock to its arrival; a test before that says that it is not there. Collective calls set all clocks to the
   latest, and 2 log2(ranks) latencies later. So a run on shared or too few cores tells what it would take on cores of
   its own with that network, which moves messages without help of the cores (as RDMA does).

   When the program ends, rank 0 appends to FTL_DELAY_LOG: seconds between the last two successive barriers with
   messages between them (LAMMPS has one at either end of a run), and of that the mean and largest processor time of a
   rank, and the mean bytes that it sent. Messages outside of the calls below are not delayed. One thread calls MPI. */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_PENDING = 4096, STAMP_TAG_LIMIT = 32767 };

static struct {
  MPI_Request request;
  MPI_Comm comm;
  int is_receive;
  double free; /* of a send: when its last byte has left */
} pending[MOST_PENDING];
static int n_pending;

static struct { double clock, compute, bytes; } now, at_barrier, run; /* run: differences */

static double last, wire_free, hold, latency, bandwidth;
static int ranks = 1, rank;
static MPI_Comm stamps; /* of when messages arrive */

static double processor(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static void enter(void) {
  const double t = processor();
  now.clock += t - last;
  now.compute += t - last;
  last = t;
}
static void leave(void) { last = processor(); } /* what MPI itself took does not count: it may have been waiting */

static double setting(const char *name, double otherwise) {
  const char *text = getenv(name);
  return text ? atof(text) : otherwise;
}
static void start(void) {
  latency = setting("FTL_DELAY_LATENCY", 0);
  bandwidth = setting("FTL_DELAY_BANDWIDTH", INFINITY);
  PMPI_Comm_dup(MPI_COMM_WORLD, &stamps);
  PMPI_Comm_size(stamps, &ranks);
  PMPI_Comm_rank(stamps, &rank);
  last = processor();
}

/* The rank in `stamps` of one in `comm`. */
static int world_rank(MPI_Comm comm, int peer) {
  MPI_Group ours, all;
  int to;
  PMPI_Comm_group(comm, &ours);
  PMPI_Comm_group(stamps, &all);
  PMPI_Group_translate_ranks(ours, 1, &peer, all, &to);
  PMPI_Group_free(&ours);
  PMPI_Group_free(&all);
  return to;
}

/* Says when a message arrives, ahead of it; returns when its last byte has left. */
static double announce(int count, MPI_Datatype type, int peer, int tag, MPI_Comm comm) {
  int size;
  PMPI_Type_size(type, &size);
  const double n = (double)count * size;
  wire_free = fmax(wire_free, now.clock) + n / bandwidth;
  now.bytes += n;
  const double arrival = wire_free + latency;
  const int to = peer == MPI_PROC_NULL ? MPI_UNDEFINED : world_rank(comm, peer);
  if (to != MPI_UNDEFINED) PMPI_Send(&arrival, 1, MPI_DOUBLE, to, tag % STAMP_TAG_LIMIT, stamps);
  return wire_free;
}
/* When a message that is here arrives. */
static double arrival_of(const MPI_Status *status, MPI_Comm comm) {
  double arrival = 0;
  int there = 0;
  if (status->MPI_SOURCE < 0) return 0;
  const int from = world_rank(comm, status->MPI_SOURCE);
  PMPI_Iprobe(from, status->MPI_TAG % STAMP_TAG_LIMIT, stamps, &there, MPI_STATUS_IGNORE);
  if (there) PMPI_Recv(&arrival, 1, MPI_DOUBLE, from, status->MPI_TAG % STAMP_TAG_LIMIT, stamps, MPI_STATUS_IGNORE);
  return arrival;
}

static void remember(MPI_Request request, int is_receive, double free, MPI_Comm comm) {
  if (n_pending == MOST_PENDING) {
    fprintf(stderr, "mpi_delay: more than %d messages are under way at once\n", MOST_PENDING);
    PMPI_Abort(MPI_COMM_WORLD, 1);
  }
  pending[n_pending].request = request;
  pending[n_pending].is_receive = is_receive;
  pending[n_pending].free = free;
  pending[n_pending++].comm = comm;
}
/* A request is complete in the real world: in the virtual one not before the time that this returns. */
static double completion(MPI_Request request, const MPI_Status *status) {
  for (int k = 0; k < n_pending; k++)
    if (pending[k].request == request) {
      const double t = pending[k].is_receive ? arrival_of(status, pending[k].comm) : pending[k].free;
      pending[k] = pending[--n_pending];
      return t;
    }
  return 0;
}
static void wait_until(double t) { now.clock = fmax(now.clock, t); }

int MPI_Init(int *argc, char ***argv) {
  const int code = PMPI_Init(argc, argv);
  start();
  return code;
}
int MPI_Init_thread(int *argc, char ***argv, int required, int *provided) {
  const int code = PMPI_Init_thread(argc, argv, required, provided);
  start();
  return code;
}

#define SEND(name)                                                                                                     \
  int MPI_##name(const void *data, int count, MPI_Datatype type, int peer, int tag, MPI_Comm comm,                     \
                 MPI_Request *request) {                                                                               \
    enter();                                                                                                           \
    const double left = announce(count, type, peer, tag, comm);                                                        \
    const int code = PMPI_##name(data, count, type, peer, tag, comm, request);                                         \
    remember(*request, 0, left, comm);                                                                                 \
    leave();                                                                                                           \
    return code;                                                                                                       \
  }
SEND(Isend)
SEND(Issend)

int MPI_Send(const void *data, int count, MPI_Datatype type, int peer, int tag, MPI_Comm comm) {
  enter();
  announce(count, type, peer, tag, comm); /* buffered: the sender goes on */
  const int code = PMPI_Send(data, count, type, peer, tag, comm);
  leave();
  return code;
}
int MPI_Irecv(void *data, int count, MPI_Datatype type, int peer, int tag, MPI_Comm comm, MPI_Request *request) {
  enter();
  const int code = PMPI_Irecv(data, count, type, peer, tag, comm, request);
  remember(*request, 1, 0, comm);
  leave();
  return code;
}
int MPI_Recv(void *data, int count, MPI_Datatype type, int peer, int tag, MPI_Comm comm, MPI_Status *status) {
  MPI_Status mine;
  enter();
  const int code = PMPI_Recv(data, count, type, peer, tag, comm, &mine);
  wait_until(arrival_of(&mine, comm));
  if (status != MPI_STATUS_IGNORE) *status = mine;
  leave();
  return code;
}
int MPI_Sendrecv(const void *data, int count, MPI_Datatype type, int peer, int tag, void *into, int room,
                 MPI_Datatype into_type, int from, int from_tag, MPI_Comm comm, MPI_Status *status) {
  MPI_Status mine;
  enter();
  announce(count, type, peer, tag, comm);
  const int code = PMPI_Sendrecv(data, count, type, peer, tag, into, room, into_type, from, from_tag, comm, &mine);
  wait_until(arrival_of(&mine, comm));
  if (status != MPI_STATUS_IGNORE) *status = mine;
  leave();
  return code;
}

/* n requests; whether they are all complete, waiting for it or not. */
static int complete(int n, MPI_Request *requests, int wait, int *done, MPI_Status *statuses) {
  MPI_Request *before = malloc(((size_t)n + 1) * sizeof *before);
  MPI_Status *mine = malloc(((size_t)n + 1) * sizeof *mine);
  if (!before || !mine) PMPI_Abort(MPI_COMM_WORLD, 1);
  enter();
  for (int k = 0; k < n; k++) before[k] = requests[k];
  const int code = wait ? PMPI_Waitall(n, requests, mine) : PMPI_Testall(n, requests, done, mine);
  if (*done)
    for (int k = 0; k < n; k++) hold = fmax(hold, completion(before[k], &mine[k]));
  if (wait) wait_until(hold);
  else if (hold > now.clock) *done = 0; /* they are null now, and whoever asks again is held by `hold` */
  if (*done) hold = 0;
  for (int k = 0; k < n && *done && statuses; k++) statuses[k] = mine[k];
  leave();
  free(before);
  free(mine);
  return code;
}
int MPI_Waitall(int n, MPI_Request requests[], MPI_Status statuses[]) {
  int done = 1;
  return complete(n, requests, 1, &done, statuses == MPI_STATUSES_IGNORE ? NULL : statuses);
}
int MPI_Testall(int n, MPI_Request requests[], int *done, MPI_Status statuses[]) {
  return complete(n, requests, 0, done, statuses == MPI_STATUSES_IGNORE ? NULL : statuses);
}
int MPI_Wait(MPI_Request *request, MPI_Status *status) {
  int done = 1;
  return complete(1, request, 1, &done, status == MPI_STATUS_IGNORE ? NULL : status);
}

/* All have called it: clocks are those of the last. */
static void meet(MPI_Comm comm) {
  double latest = now.clock;
  int n;
  PMPI_Comm_size(comm, &n);
  PMPI_Allreduce(&now.clock, &latest, 1, MPI_DOUBLE, MPI_MAX, comm);
  wait_until(latest + 2 * ceil(log2(n)) * latency);
}
int MPI_Allreduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  enter();
  const int code = PMPI_Allreduce(from, to, n, type, op, comm);
  meet(comm);
  leave();
  return code;
}
int MPI_Barrier(MPI_Comm comm) {
  enter();
  const int code = PMPI_Barrier(comm);
  meet(comm);
  if (now.bytes > at_barrier.bytes) {
    run.clock = now.clock - at_barrier.clock;
    run.compute = now.compute - at_barrier.compute;
    run.bytes = now.bytes - at_barrier.bytes;
  }
  at_barrier = now;
  leave();
  return code;
}

int MPI_Finalize(void) {
  const double mine[2] = {run.compute, run.bytes};
  double sum[2] = {0}, slowest = 0;
  PMPI_Reduce(mine, sum, 2, MPI_DOUBLE, MPI_SUM, 0, stamps);
  PMPI_Reduce(mine, &slowest, 1, MPI_DOUBLE, MPI_MAX, 0, stamps);
  const char *path = getenv("FTL_DELAY_LOG");
  FILE *log = rank == 0 && path ? fopen(path, "a") : NULL;
  if (log) {
    fprintf(log, "%.9g %.9g %.9g %.9g\n", run.clock, sum[0] / ranks, slowest, sum[1] / ranks);
    fclose(log);
  }
  PMPI_Comm_free(&stamps);
  return PMPI_Finalize();
}
