/* What a sweep holds for one structure. Atoms are sorted by element (order[a] is the caller's index), so that maps with
   weights of their own for every element are matrix products over a range. Arrays of features are
   [block][atom][m][channel]: block b begins at n * offset of the block. Radial quantities are per pair: an edge and its
   reverse share them where the radial functions do not tell sender from receiver. */
#ifndef FTL_STAGES_SWEEP_H
#define FTL_STAGES_SWEEP_H

typedef struct {
  int receiver, sender, pair; /* atoms in sorted order; radial row */
  double direction[3];        /* unit vector from sender to receiver */
  int64_t index;              /* in the caller's graph */
} edge;

typedef struct {
  int i, j; /* elements of receiver and sender */
  double r;
  double r_bar;               /* dE/dr */
  double r_dot;               /* along the direction */
  double zbl, zbl_by_r;       /* of the pair's edges together */
  double cutoff, cutoff_by_r; /* 1 and 0 when it is in the basis */
  int first_edge, n_edges;    /* 1 or 2 */
} pair;

/* A radial network on all pairs. z: before the activation (after LayerNorm); h: the linear map's result, kept for
   LayerNorm; a: after it. */
typedef struct {
  variable h[FTL_MAX_NET], z[FTL_MAX_NET], a[FTL_MAX_NET]; /* [pair][size[k + 1]] */
  real *slope[FTL_MAX_NET], *curvature[FTL_MAX_NET];       /* of the activation at z */
  real *mean[FTL_MAX_NET], *sigma[FTL_MAX_NET];            /* LayerNorm: mean, 1/sqrt(variance + eps) [pair] */
  variable input;
  int rows;
} net_state;

typedef struct {
  variable f[FTL_N_FEATURES]; /* node features: what the operations read and set (core/model/operations.h) */
  variable input_net;         /* [pair][inputs of the radial networks] */
  net_state weights, density_net;
  variable w; /* [pair][n_weights], cutoff included */
  real *w_by_r, *density_of_pair,
      *density_by_r; /* of frozen radial functions: slopes along r [pair][n_weights], [pair] */
  variable m;        /* [edge][n_m] matrices of the tensor product's paths */
  variable density;  /* [n] */
  variable norm;     /* [n] what the sum is divided by */
} layer_state;

typedef struct {
  variable h1, a1, h2, a2; /* [n][hidden] */
  net_state net;           /* of one that is a network */
  variable energies;       /* [n][heads], or [n] */
} readout_state;

/* What edges, pairs and their functions are made of. */
typedef struct {
  int n_edges, n_pairs;
  int *order, *sorted; /* [n] the caller's index of a sorted atom, and the inverse */
  int *species;        /* [n] sorted */
  int species_start[FTL_MAX_ELEMENTS + 1];
  edge *edge; /* pair by pair */
  pair *pair;
  variable y;         /* [edge][n_sh] harmonics */
  double *gradient_y; /* [edge][n_sh][3] of Y as polynomials of the direction */
  variable basis;     /* [pair][n_basis] */
  real *basis_by_r;   /* [pair][n_basis] */
} geometry;

/* ftl_kept.snapshot */
typedef struct {
  geometry geometry;
  layer_state layer[]; /* [n_layers] */
} snapshot;

struct ftl_sweep { /* the first three as in engines.c */
  const ftl_network *network;
  ftl_crew *crew; /* that shares the work, or NULL; our place in it */
  int place;
  const ftl_graph *graph;
  ftl_arena memory;
  ftl_kept *kept;                  /* of this structure, or NULL */
  bool filling, keeping, restored; /* kept is being filled; memory is taken from it now; it was there */
  int head, n;
  geometry geometry;
  layer_state layer[FTL_MAX_LAYERS];
  readout_state readout[FTL_MAX_LAYERS];
  real *ones;               /* [n] what the embedding is the map of */
  double *node_interaction; /* [n] readouts and repulsion, not scaled */
  double *node_energy;      /* [n] caller's order */
  double (*forces)[3];
  real *parameter_gradient;                 /* [parameters->count] */
  bool predicted, reversed, differentiated; /* what was done for this structure */
  ftl_arena_mark before_gradient;           /* of memory, when it was differentiated */
};

/* What the readouts' energies of an atom are multiplied with. */
static int64_t scale_index(const ftl_sweep *sweep, int species) {
  const ftl_network *network = sweep->network;
  const int head = network->scale_per_head ? sweep->head : 0;
  return network->scale + (network->scale_by_element ? head * network->arch->n_elements + species : head);
}
static double scale_of(const ftl_sweep *sweep, int species) {
  return sweep->network->scale == FTL_NO_PARAMETER ? 1 : sweep->network->values[scale_index(sweep, species)];
}

static const real *theta(const ftl_sweep *sweep, int64_t offset) {
  return (const real *)sweep->network->theta + offset;
}

/* Memory that lasts until the next structure, or while `keeping` as long as what is kept. Not zeroed; NULL: none, or
   the sweep is to stop. Every stage begins with it, so a large structure is left within a stage. */
static void *take_bytes(ftl_sweep *sweep, size_t bytes) {
  if (ftl_network_stopped(sweep->network)) return NULL;
  return ftl_arena_take_dirty(sweep->keeping ? &sweep->kept->memory : &sweep->memory, bytes, 1);
}
static real *take(ftl_sweep *sweep, size_t n) { return take_bytes(sweep, (n + 16) * sizeof(real)); }

/* Begins a part of the forward sweep that is kept if `stays`. */
static void keep_if(ftl_sweep *sweep, bool stays) { sweep->keeping = sweep->filling && stays; }

static ftl_status out_of_memory(const ftl_sweep *sweep, ftl_error *error) {
  if (ftl_network_stopped(sweep->network)) return ftl_fail(error, FTL_ERR_ARGUMENT, "", "interrupted");
  return ftl_no_memory(error, NULL, "a structure of %d atoms and %d edges", sweep->n, sweep->geometry.n_edges);
}

/* A variable of n numbers with a value; false when out of memory. */
static bool take_value(ftl_sweep *sweep, variable *v, size_t n) {
  *v = (variable){.x = take(sweep, n)};
  return v->x != NULL;
}

static size_t features(const ftl_sweep *sweep, const ftl_irreps *irreps) {
  return (size_t)sweep->n * (size_t)ftl_irreps_dim(irreps);
}

/* Work in n slices, shared with threads that have nothing else to do (support/crew.h). What a slice is never depends on
   the threads where numbers are added up over slices. */
static void share(const ftl_sweep *sweep, int n, ftl_slice slice, void *work) {
  ftl_crew_run(sweep->crew, sweep->place, n, slice, work);
}
static int threads_at_hand(const ftl_sweep *sweep) { return ftl_crew_at_hand(sweep->crew); }
/* Slices of `items`, with `least` in each at least and `most` slices at most. */
static int slices_of(int items, int least, int most) {
  const int n = items / least;
  return n < 1 ? 1 : n > most ? most : n;
}
static int slice_start(int items, int slice, int n_slices) { return (int)((int64_t)items * slice / n_slices); }

typedef struct {
  real *x;
  size_t n;
} zero_work;
enum { ZEROS = 1 << 14 };
static void zero_slice(void *shared, int slice) {
  const zero_work *work = shared;
  const size_t first = (size_t)slice * ZEROS;
  zero(work->x + first, work->n - first < ZEROS ? work->n - first : ZEROS);
}
/* x[n] = 0 */
static void zero_shared(const ftl_sweep *sweep, real *x, size_t n) {
  const size_t slices = (n + ZEROS - 1) / ZEROS;
  zero_work work = {x, n};
  if (slices < 2 || slices >= 65536) zero(x, n);
  else share(sweep, (int)slices, zero_slice, &work);
}

/* Rows of atoms of one element, for a block of (2l+1) rows per atom. */
static void set_rows(const ftl_sweep *sweep, int n_sets, int set, int d, int *first, int *rows) {
  *first = n_sets == 1 ? 0 : sweep->geometry.species_start[set] * d;
  *rows =
      n_sets == 1 ? sweep->n * d : (sweep->geometry.species_start[set + 1] - sweep->geometry.species_start[set]) * d;
}

#endif
