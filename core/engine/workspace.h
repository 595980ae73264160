/* Everything that changes during a computation. Internal. */
#ifndef FTL_WORKSPACE_H
#define FTL_WORKSPACE_H

#include "engine/graph.h"
#include "model/engine.h"
#include "engine/timers.h"
#include "neighbour/neighbours.h"

/* Sweeps back through the layers: one of the adjoints dE/dh, on request three of their moments by x, y and z
   (docs/theory.md, eq. 33), and on request one of each member of a committee of last layers (docs/uncertainty.md). */
#define FTL_MAX_SWEEPS (4 + FTL_MAX_COMMITTEE)

/* Receivers of one element, processed together by one thread: order[first .. first + n - 1]. */
typedef struct ftl_block {
  int species, n, first;
} ftl_block;

/* One thread's part: its atoms, its private sums for rows that other threads own, and its scratch. */
typedef struct ftl_thread {
  int receiver_begin, receiver_end;        /* local atoms whose edges it processes, and whose rows it owns */
  int ghost_begin, ghost_end;              /* ghosts whose rows it owns */
  int block_begin, block_inner, block_end; /* outer receivers' blocks first */
  /* Rows of other threads that its edges add to: `slot_of` maps a node to a private row, -1 for its own. Lists are
     grouped by owner, so that each owner can add them up without locks. Unused with one thread. */
  int *slot_of;
  int n_slots;
  size_t slot_room;
  int *slot_node;
  int *slot_start; /* [n_threads + 1] */
  void *slot_rows; /* [n_sweeps][n_slots] adjoint rows */
  size_t slot_rows_bytes;
  double (*slot_forces)[12]; /* force and virial */
  size_t slot_forces_count;
  double (*slot_centroid)[9]; /* centroid virial, where it is asked for */
  size_t slot_centroid_count;
  double *slot_committee; /* [n_slots][3 n_committee] forces of the members, where they are asked for */
  size_t slot_committee_count;
  int edge_capacity;
  void *scratch; /* the engine's, for a block */
  double virial[9];
#ifdef FTL_TIMERS
  ftl_stage_clock clock;
#endif
} ftl_thread;

/* What may be called next: the forward of `next_layer`, the reverse of it, or the end. */
typedef enum { FTL_IDLE, FTL_FORWARD, FTL_REVERSE, FTL_FINISH } ftl_stage;

struct ftl_workspace {
  const ftl_model *model;
  int n_threads;
  int generation; /* of the process that made it (fork_team.h) */
  bool has_team;  /* OpenMP has made its threads */
  ftl_thread *thread;
  ftl_stage stage;
  int next_layer;
  ftl_graph graph;
  ftl_output *output;
  bool outer_done; /* of the stage in work: FTL_INNER is next */
  void (*poll)(void *);
  void *poll_context;
  int node_capacity, local_capacity;
  char *outer; /* [n_local] has a ghost among its senders */
  int *order;  /* receivers grouped into blocks */
  ftl_block *block;
  int n_blocks, n_active;
  double *node_energy; /* [n_local] */
  double *inputs;      /* [n_local][n_last] of the readouts' last maps; NULL: not asked for */
  double *inputs_room; /* memory for them */
  size_t inputs_count;
  int n_sweeps;                   /* of this computation */
  int first_member;               /* the first sweep of the committee; n_sweeps without */
  int sweeps_capacity;            /* there is memory for */
  void *features[FTL_MAX_LAYERS]; /* [n_total] rows, but the last layer's */
  /* Likewise. Only two layers' adjoints are alive at a time: those of every other layer share their memory. */
  void *adjoints[FTL_MAX_SWEEPS][FTL_MAX_LAYERS];
  /* Block order, of layers after the first: the skip connection, then its adjoint; of later sweeps the adjoint alone.
   */
  void *sc[FTL_MAX_SWEEPS][FTL_MAX_LAYERS];
  /* What the first layer's product takes, and its factors, of the first n_kept receivers in block order: the reverse
     computes others again (mace/blocks.h). */
  void *kept;          /* [n_kept] rows */
  double *kept_factor; /* [n_kept] */
  int n_kept;
  size_t keep_bytes; /* for `kept`, at most */
  size_t bytes;
  struct ftl_uncertainty *uncertainty; /* made when it is asked for first */
  ftl_neighbours neighbours;           /* of ftl_compute */
};

/* Are moments carried: the sweeps 1 to 3? */
static inline bool ftl_has_moments(const ftl_workspace *ws) { return ws->first_member > 1; }

/* The member that a sweep is of, or -1. */
static inline int ftl_member_of(const ftl_workspace *ws, int sweep) {
  return sweep >= ws->first_member ? sweep - ws->first_member : -1;
}

/* Where a thread adds a sweep's adjoint of node j's features made by layer `layer`. */
static inline void *ftl_adjoint_row(ftl_workspace *ws, ftl_thread *thread, int sweep, int layer, int j,
                                    size_t real_bytes) {
  size_t row = (size_t)ws->model->layer[layer + 1].conv.edge.dim * real_bytes;
  int slot = thread->slot_of ? thread->slot_of[j] : -1;
  return slot < 0 ? (char *)ws->adjoints[sweep][layer] + (size_t)j * row
                  : (char *)thread->slot_rows + ((size_t)sweep * (size_t)thread->n_slots + (size_t)slot) * row;
}

/* W -= r_ij (x) g in the order xx yy zz xy xz yz yx zx zy, times a factor. */
static inline void ftl_add_virial(double *virial, double factor, const double v[3], const double g[3]) {
  const double x = -factor * v[0], y = -factor * v[1], z = -factor * v[2];
  virial[0] += x * g[0];
  virial[1] += y * g[1];
  virial[2] += z * g[2];
  virial[3] += x * g[1];
  virial[4] += x * g[2];
  virial[5] += y * g[2];
  virial[6] += y * g[0];
  virial[7] += z * g[0];
  virial[8] += z * g[1];
}

/* A thread's sum for the centroid virial of node j. */
static inline double *ftl_centroid_row(ftl_workspace *ws, ftl_thread *thread, int j) {
  int slot = thread->slot_of ? thread->slot_of[j] : -1;
  return slot >= 0 ? thread->slot_centroid[slot] : ws->output->centroid_virial[j];
}

/* An edge's part of the centroid virials beyond that of its own receiver's energy: G = sum over k of
   (x_k - x_i)_component dU_k/dr_ij moves j one way and i the other (docs/theory.md, eq. 34). `thread` owns i. */
static inline void ftl_add_edge_moment(ftl_workspace *ws, ftl_thread *thread, int i, int j, int component,
                                       const double G[3]) {
  static const int place[3][3] = {{0, 3, 4}, {6, 1, 5}, {7, 8, 2}};
  double *own = ws->output->centroid_virial[i], *other = ftl_centroid_row(ws, thread, j);
  for (int x = 0; x < 3; x++) {
    own[place[component][x]] -= G[x];
    other[place[component][x]] += G[x];
  }
}

/* Where a thread adds the committee's forces on node j, [n_committee][3]. */
static inline double *ftl_committee_row(ftl_workspace *ws, ftl_thread *thread, int j) {
  const size_t width = 3 * (size_t)ws->model->n_committee;
  int slot = thread->slot_of ? thread->slot_of[j] : -1;
  return slot >= 0 ? thread->slot_committee + (size_t)slot * width : ws->output->committee_forces + (size_t)j * width;
}

/* An edge's g = d(a member's E, less the model's)/dr_ij. `thread` owns i. */
static inline void ftl_add_member_force(ftl_workspace *ws, ftl_thread *thread, int i, int j, int member,
                                        const double g[3]) {
  double *own = ftl_committee_row(ws, thread, i) + 3 * member, *other = ftl_committee_row(ws, thread, j) + 3 * member;
  for (int x = 0; x < 3; x++) {
    own[x] += g[x];
    other[x] -= g[x];
  }
}

/* Where a thread adds the force on node j: in the output, or in its own sums. */
static inline double *ftl_force_row(ftl_workspace *ws, ftl_thread *thread, int j) {
  int slot = thread->slot_of ? thread->slot_of[j] : -1;
  return slot >= 0 ? thread->slot_forces[slot] : ws->output->forces + 3 * (size_t)j;
}

/* Adds an edge's g = dE/dr_ij to forces and virials: F_i += g, F_j -= g, W -= r_ij (x) g (docs/theory.md). `thread`
   owns receiver i. Inline: it is called for every edge. */
static inline void ftl_add_edge_force(ftl_workspace *ws, ftl_thread *thread, int i, int j, const double v[3],
                                      const double g[3]) {
  const ftl_output *output = ws->output;
  if (output->forces) {
    double *own = output->forces + 3 * (size_t)i, *other = ftl_force_row(ws, thread, j);
    for (int x = 0; x < 3; x++) {
      own[x] += g[x];
      other[x] -= g[x];
    }
  }
  ftl_add_virial(thread->virial, 1, v, g);
  if (output->centroid_virial) ftl_add_virial(ftl_centroid_row(ws, thread, j), 1, v, g);
  if (!output->atom_virial) return;
  const int slot = thread->slot_of ? thread->slot_of[j] : -1;
  ftl_add_virial(output->atom_virial[i], 0.5, v, g);
  ftl_add_virial(slot >= 0 ? thread->slot_forces[slot] + 3 : output->atom_virial[j], 0.5, v, g);
}

#endif
