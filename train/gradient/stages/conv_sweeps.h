/* The edge tensor product and the sum over neighbours, MACE (8): for each path
     mid_i[m3] += w M[m3][m1] up_j[m1],  M[m3][m1] = sum of coupling coefficients times Y.
   Channels are on the lanes; the kernels are made for each pair of dimensions, so that M's loops unroll. M of every
   edge is kept for the sweeps that follow. */

#define MAX_D 7 /* l = 3 */

/* A path's place in the arrays of features. */
typedef struct {
  const ftl_edge_path *path;
  size_t in, in_stride, out, out_stride; /* first number of atom 0, numbers per atom */
} conv_path;

static void conv_paths(const ftl_sweep *sweep, const ftl_edge_product *conv, conv_path *paths) {
  for (int k = 0; k < conv->n_paths; k++) {
    const ftl_edge_path *path = &conv->path[k];
    paths[k] = (conv_path){
        path, (size_t)sweep->n * (size_t)ftl_block_offset(&conv->in, path->in), (size_t)(path->d1 * path->mul),
        (size_t)sweep->n * (size_t)ftl_block_offset(&conv->mid, path->out), (size_t)(path->d3 * path->mul)};
  }
}

typedef struct {
  const ftl_sweep *sweep;
  const ftl_edge_product *conv;
  const real *y;
  real *m;
  int n_slices;
} matrices_work;

static void matrices_slice(void *shared, int slice) {
  const matrices_work *work = shared;
  const ftl_edge_couplings *couplings = &work->conv->couplings;
  const size_t n_m = (size_t)couplings->n_m, n_sh = (size_t)work->sweep->network->n_sh;
  const int n = work->sweep->geometry.n_edges, end = slice_start(n, slice + 1, work->n_slices);
  for (int e = slice_start(n, slice, work->n_slices); e < end; e++) {
    const real *y = work->y + (size_t)e * n_sh;
    real *m = work->m + (size_t)e * n_m;
    zero(m, n_m);
    for (int k = 0; k < couplings->n; k++)
      m[couplings->entry[k].m] += (real)couplings->entry[k].coefficient * y[couplings->entry[k].y];
  }
}
/* m[edge][n_m] from the harmonics, or from their tangent. */
static void edge_matrices(const ftl_sweep *sweep, const ftl_edge_product *conv, const real *y, real *m) {
  matrices_work work = {sweep, conv, y, m, slices_of(sweep->geometry.n_edges, 256, 16)};
  share(sweep, work.n_slices, matrices_slice, &work);
}

/* Calls KERNEL(d1, d3, moves, lanes, from, to, ...) for the channels from `first` to `last`: with constants where the
   dimensions are common ones and for whole vectors; what is left of the channels goes through one kernel for all.
   moves: does what neighbours send depend on positions? In the first layer, of scalars, it does not. */
#define PATH_CASE(d1, d3, moves, first, KERNEL, ...)                                                                   \
  case (moves)*64 + (d1)*8 + (d3):                                                                                     \
    KERNEL(d1, d3, moves, LANES, first, whole, __VA_ARGS__);                                                           \
    break;
#define WITH_DIMENSIONS(path, moves, first, last, KERNEL, ...)                                                         \
  {                                                                                                                    \
    const int whole = (last) - ((last) - (first)) % LANES;                                                             \
    switch ((moves)*64 + (path)->d1 * 8 + (path)->d3) {                                                                \
      PATH_CASE(1, 1, false, first, KERNEL, __VA_ARGS__)                                                               \
      PATH_CASE(1, 3, false, first, KERNEL, __VA_ARGS__)                                                               \
      PATH_CASE(1, 5, false, first, KERNEL, __VA_ARGS__)                                                               \
      PATH_CASE(1, 7, false, first, KERNEL, __VA_ARGS__)                                                               \
      PATH_CASE(1, 1, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(1, 3, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(1, 5, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(1, 7, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(3, 1, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(3, 3, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(3, 5, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(3, 7, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(5, 1, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(5, 3, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(5, 5, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(5, 7, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(7, 1, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(7, 3, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(7, 5, true, first, KERNEL, __VA_ARGS__)                                                                \
      PATH_CASE(7, 7, true, first, KERNEL, __VA_ARGS__)                                                                \
    default:                                                                                                           \
      KERNEL((path)->d1, (path)->d3, moves, LANES, first, whole, __VA_ARGS__);                                         \
    }                                                                                                                  \
    if (whole < (last)) KERNEL((path)->d1, (path)->d3, moves, (last)-whole, whole, last, __VA_ARGS__);                 \
  }

/* out[m3][c] += w[c] sum_m1 M[m3][m1] h[m1][c] */
FTL_INLINE void path_forward(int d1, int d3, bool moves, int lanes, int from, int to, int n, const real *restrict m,
                             const real *restrict h, const real *restrict w, real *restrict out) {
  (void)moves;
  for (int c = from; c < to; c += LANES) {
    vec wh[MAX_D], wc = load_part(w + c, lanes);
    for (int m1 = 0; m1 < d1; m1++) wh[m1] = wc * load_part(h + m1 * n + c, lanes);
    for (int m3 = 0; m3 < d3; m3++) {
      vec sum = load_part(out + m3 * n + c, lanes);
      for (int m1 = 0; m1 < d1; m1++) sum += m[m3 * d1 + m1] * wh[m1];
      store_part(out + m3 * n + c, sum, lanes);
    }
  }
}

static bool conv_matrices(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  if (!take_value(sweep, &state->m, (size_t)sweep->geometry.n_edges * (size_t)conv->couplings.n_m)) return false;
  edge_matrices(sweep, conv, sweep->geometry.y.x, state->m.x);
  return true;
}

/* What the slices of a convolution share. In the forward and the tangent sweep a slice has some channels of every path,
   in the others some pairs: sums then go over the same numbers in the same order however many threads there are. */
typedef struct {
  ftl_sweep *sweep;
  const ftl_edge_product *conv;
  layer_state *state;
  conv_path path[FTL_MAX_BLOCKS];
  int n_slices;
  real *sum, *own;      /* up.bar or up.til, and rows like them for every slice but the first */
  real *zeros, *unused; /* in place of a tangent that is zero, and of two rows for each slice that nobody reads */
  size_t row;           /* most numbers of an atom that a path takes */
} conv_work;

static conv_work conv_begin(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_work work = {.sweep = sweep, .conv = conv, .state = state};
  conv_paths(sweep, conv, work.path);
  return work;
}

/* Channels of a slice, by path: whole vectors, but for the last. */
typedef struct {
  int first, last;
} channel_range;

static void slice_channels(const conv_work *work, int slice, channel_range *part) {
  for (int k = 0; k < work->conv->n_paths; k++) {
    const int mul = work->conv->path[k].mul, vectors = (mul + LANES - 1) / LANES;
    const int end = slice_start(vectors, slice + 1, work->n_slices) * LANES;
    part[k] = (channel_range){slice_start(vectors, slice, work->n_slices) * LANES, end < mul ? end : mul};
  }
}

/* Every pair i and its edges q, of which the second finds the pair's weights in the cache. */
#define FOR_EACH_EDGE(geometry, first_pair, end_pair)                                                                  \
  for (int i = first_pair; i < (end_pair); i++)                                                                        \
    for (int q = 0; q < (geometry)->pair[i].n_edges; q++)

/* Where a path finds the numbers of edge e, of pair i: M, what the sender sends, radial weights, the receiver's sums.
 */
typedef struct {
  size_t m, h, w, mid;
} edge_places;

FTL_INLINE edge_places places_of(const conv_work *work, const conv_path *p, int i, int e) {
  const edge *this = &work->sweep->geometry.edge[e];
  return (edge_places){.m = (size_t)e * (size_t)work->conv->couplings.n_m + (size_t)p->path->first_m,
                       .h = p->in + (size_t)this->sender * p->in_stride,
                       .w = (size_t)i * (size_t)work->conv->n_weights + (size_t)p->path->weight,
                       .mid = p->out + (size_t)this->receiver * p->out_stride};
}

static void conv_forward_slice(void *shared, int slice) {
  const conv_work *work = shared;
  const geometry *edges = &work->sweep->geometry;
  const layer_state *state = work->state;
  channel_range part[FTL_MAX_BLOCKS];
  slice_channels(work, slice, part);
  FOR_EACH_EDGE(edges, 0, edges->n_pairs) {
    const int e = edges->pair[i].first_edge + q;
    for (int k = 0; k < work->conv->n_paths; k++) {
      const conv_path *p = &work->path[k];
      const edge_places at = places_of(work, p, i, e);
      WITH_DIMENSIONS(p->path, true, part[k].first, part[k].last, path_forward, p->path->mul, state->m.x + at.m,
                      state->f[FTL_FEATURES_UP].x + at.h, state->w.x + at.w, state->f[FTL_FEATURES_SUM].x + at.mid)
    }
  }
}

static void conv_forward(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_work work = conv_begin(sweep, conv, state);
  zero_shared(sweep, state->f[FTL_FEATURES_SUM].x, features(sweep, &conv->mid));
  work.n_slices = threads_at_hand(sweep);
  share(sweep, work.n_slices, conv_forward_slice, &work);
}

/* out[m3] += M (w_dot h + w h_dot) + M_dot w h; h_dot is read where h moves. */
FTL_INLINE void path_tangent(int d1, int d3, bool moves, int lanes, int from, int to, int n, const real *restrict m,
                             const real *restrict m_dot, const real *restrict h, const real *restrict h_dot,
                             const real *restrict w, const real *restrict w_dot, real *restrict out) {
  for (int c = from; c < to; c += LANES) {
    vec wh[MAX_D], wh_dot[MAX_D], wc = load_part(w + c, lanes), wc_dot = load_part(w_dot + c, lanes);
    for (int m1 = 0; m1 < d1; m1++) {
      vec x = load_part(h + m1 * n + c, lanes);
      wh[m1] = wc * x;
      wh_dot[m1] = wc_dot * x;
      if (moves) wh_dot[m1] += wc * load_part(h_dot + m1 * n + c, lanes);
    }
    for (int m3 = 0; m3 < d3; m3++) {
      vec sum = load_part(out + m3 * n + c, lanes);
      for (int m1 = 0; m1 < d1; m1++) sum += m[m3 * d1 + m1] * wh_dot[m1] + m_dot[m3 * d1 + m1] * wh[m1];
      store_part(out + m3 * n + c, sum, lanes);
    }
  }
}

static void conv_tangent_slice(void *shared, int slice) {
  const conv_work *work = shared;
  const geometry *edges = &work->sweep->geometry;
  const layer_state *state = work->state;
  const variable *up = &state->f[FTL_FEATURES_UP];
  channel_range part[FTL_MAX_BLOCKS];
  slice_channels(work, slice, part);
  FOR_EACH_EDGE(edges, 0, edges->n_pairs) {
    const int e = edges->pair[i].first_edge + q;
    for (int k = 0; k < work->conv->n_paths; k++) {
      const conv_path *p = &work->path[k];
      const edge_places at = places_of(work, p, i, e);
      WITH_DIMENSIONS(p->path, up->dot != NULL, part[k].first, part[k].last, path_tangent, p->path->mul,
                      state->m.x + at.m, state->m.dot + at.m, up->x + at.h, up->dot ? up->dot + at.h : NULL,
                      state->w.x + at.w, state->w.dot + at.w, state->f[FTL_FEATURES_SUM].dot + at.mid)
    }
  }
}

static bool conv_tangent(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_work work = conv_begin(sweep, conv, state);
  zero_shared(sweep, state->f[FTL_FEATURES_SUM].dot, features(sweep, &conv->mid));
  if (!(state->m.dot = take(sweep, (size_t)sweep->geometry.n_edges * (size_t)conv->couplings.n_m))) return false;
  edge_matrices(sweep, conv, sweep->geometry.y.dot, state->m.dot);
  work.n_slices = threads_at_hand(sweep);
  share(sweep, work.n_slices, conv_tangent_slice, &work);
  return true;
}

/* w_bar[c] = sum M g h, or += behind the first edge of its pair; h_bar[m1][c] += w M^T g where h moves; product[m3][m1]
   = dE/dM, each lane its part. */
FTL_INLINE void path_reverse(int d1, int d3, bool moves, int lanes, int from, int to, int n, bool first,
                             const real *restrict m, const real *restrict h, const real *restrict w,
                             const real *restrict g, real *restrict w_bar, real *restrict h_bar,
                             vec *restrict product) {
  vec part[MAX_D * MAX_D];
  for (int k = 0; k < d1 * d3; k++) part[k] = from > 0 ? product[k] : (vec){0};
  for (int c = from; c < to; c += LANES) {
    vec gm[MAX_D], wc = load_part(w + c, lanes), sum = {0};
    if (!first) sum = load_part(w_bar + c, lanes);
    for (int m3 = 0; m3 < d3; m3++) gm[m3] = load_part(g + m3 * n + c, lanes);
    for (int m1 = 0; m1 < d1; m1++) {
      vec x = load_part(h + m1 * n + c, lanes), wx = wc * x, adjoint = {0};
      for (int m3 = 0; m3 < d3; m3++) {
        adjoint += m[m3 * d1 + m1] * gm[m3];
        part[m3 * d1 + m1] += gm[m3] * wx;
      }
      sum += adjoint * x;
      if (moves) store_part(h_bar + m1 * n + c, load_part(h_bar + m1 * n + c, lanes) + wc * adjoint, lanes);
    }
    store_part(w_bar + c, sum, lanes);
  }
  for (int k = 0; k < d1 * d3; k++) product[k] = part[k];
}

/* y[] += coefficient product of a path's entries, lane by lane. */
static void add_couplings(const ftl_coupling_entry *entry, int n_entries, int first_m, const vec *product, vec *y) {
  for (int q = 0; q < n_entries; q++) y[entry[q].y] += (real)entry[q].coefficient * product[entry[q].m - first_m];
}

/* Slices of pairs add to rows of senders of their own, which are then added up in the order of the slices. */
static bool begin_pairs(conv_work *work, real *sum) {
  work->n_slices = slices_of(work->sweep->geometry.n_pairs, 128, 8);
  work->sum = sum;
  if (!sum || work->n_slices == 1) return true;
  work->own = take(work->sweep, (size_t)(work->n_slices - 1) * features(work->sweep, &work->conv->in));
  return work->own != NULL;
}
static real *sums_of_slice(const conv_work *work, int slice) {
  const size_t n = features(work->sweep, &work->conv->in);
  if (!work->sum || slice == 0) return work->sum;
  real *own = work->own + (size_t)(slice - 1) * n;
  zero(own, n);
  return own;
}
static void add_slices(void *shared, int slice) {
  const conv_work *work = shared;
  const size_t n = features(work->sweep, &work->conv->in);
  const size_t first = n * (size_t)slice / (size_t)work->n_slices,
               end = n * ((size_t)slice + 1) / (size_t)work->n_slices;
  for (int k = 0; k < work->n_slices - 1; k++)
    for (size_t j = first; j < end; j++) work->sum[j] += work->own[(size_t)k * n + j];
}
static void share_pairs(conv_work *work, ftl_slice slice) {
  share(work->sweep, work->n_slices, slice, work);
  if (work->sum && work->n_slices > 1) share(work->sweep, work->n_slices, add_slices, work);
}

static void conv_reverse_slice(void *shared, int slice) {
  const conv_work *work = shared;
  const geometry *edges = &work->sweep->geometry;
  const layer_state *state = work->state;
  const variable *up = &state->f[FTL_FEATURES_UP];
  const int n_sh = work->sweep->network->n_sh;
  real *up_bar = sums_of_slice(work, slice);
  FOR_EACH_EDGE(edges, slice_start(edges->n_pairs, slice, work->n_slices),
                slice_start(edges->n_pairs, slice + 1, work->n_slices)) {
    const int e = edges->pair[i].first_edge + q;
    vec y[FTL_MAX_SH] = {{0}}, product[MAX_D * MAX_D];
    real y_bar[FTL_MAX_SH] __attribute__((aligned(FTL_VECTOR_BYTES)));
    for (int k = 0; k < work->conv->n_paths; k++) {
      const conv_path *p = &work->path[k];
      const edge_places at = places_of(work, p, i, e);
      WITH_DIMENSIONS(p->path, up_bar != NULL, 0, p->path->mul, path_reverse, p->path->mul, q == 0, state->m.x + at.m,
                      up->x + at.h, state->w.x + at.w, state->f[FTL_FEATURES_SUM].bar + at.mid, state->w.bar + at.w,
                      up_bar ? up_bar + at.h : NULL, product)
      add_couplings(work->conv->couplings.entry + p->path->first_entry, p->path->n_entries, p->path->first_m, product,
                    y);
    }
    lane_sums(FTL_MAX_SH, y, y_bar);
    for (int k = 0; k < n_sh; k++) edges->y.bar[(size_t)e * (size_t)n_sh + (size_t)k] += y_bar[k];
  }
}

/* From mid.bar to w.bar, and to y.bar and, if it is there, up.bar (these added to). */
static bool conv_reverse(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_work work = conv_begin(sweep, conv, state);
  if (!begin_pairs(&work, state->f[FTL_FEATURES_UP].bar)) return false;
  share_pairs(&work, conv_reverse_slice);
  return true;
}

/* The derivative of path_reverse along the direction, with g_til in the place of g's derivative; h_dot is read and
   h_til added to where h moves. */
FTL_INLINE void path_second(int d1, int d3, bool moves, int lanes, int from, int to, int n, bool first,
                            const real *restrict m, const real *restrict m_dot, const real *restrict h,
                            const real *restrict h_dot, const real *restrict w, const real *restrict w_dot,
                            const real *restrict g, const real *restrict g_til, real *restrict w_til,
                            real *restrict h_til) {
  for (int c = from; c < to; c += LANES) {
    vec gm[MAX_D], gm_til[MAX_D], sum = {0}, wc = {0}, wc_dot = {0};
    if (!first) sum = load_part(w_til + c, lanes);
    if (moves) wc = load_part(w + c, lanes), wc_dot = load_part(w_dot + c, lanes);
    for (int m3 = 0; m3 < d3; m3++) {
      gm[m3] = load_part(g + m3 * n + c, lanes);
      gm_til[m3] = load_part(g_til + m3 * n + c, lanes);
    }
    for (int m1 = 0; m1 < d1; m1++) {
      vec t = {0}, t_dot = {0}; /* M^T g and its derivative */
      for (int m3 = 0; m3 < d3; m3++) {
        t += m[m3 * d1 + m1] * gm[m3];
        t_dot += m[m3 * d1 + m1] * gm_til[m3] + m_dot[m3 * d1 + m1] * gm[m3];
      }
      sum += t_dot * load_part(h + m1 * n + c, lanes);
      if (!moves) continue;
      sum += t * load_part(h_dot + m1 * n + c, lanes);
      store_part(h_til + m1 * n + c, load_part(h_til + m1 * n + c, lanes) + wc * t_dot + wc_dot * t, lanes);
    }
    store_part(w_til + c, sum, lanes);
  }
}

static void conv_second_slice(void *shared, int slice) {
  const conv_work *work = shared;
  const geometry *edges = &work->sweep->geometry;
  const layer_state *state = work->state;
  const variable *up = &state->f[FTL_FEATURES_UP], *mid = &state->f[FTL_FEATURES_SUM];
  real *up_til = sums_of_slice(work, slice), *unused = work->unused + (size_t)slice * 2 * work->row;
  FOR_EACH_EDGE(edges, slice_start(edges->n_pairs, slice, work->n_slices),
                slice_start(edges->n_pairs, slice + 1, work->n_slices)) {
    const int e = edges->pair[i].first_edge + q;
    for (int k = 0; k < work->conv->n_paths; k++) {
      const conv_path *p = &work->path[k];
      const edge_places at = places_of(work, p, i, e);
      WITH_DIMENSIONS(p->path, up->dot || up_til, 0, p->path->mul, path_second, p->path->mul, q == 0, state->m.x + at.m,
                      state->m.dot + at.m, up->x + at.h, up->dot ? up->dot + at.h : work->zeros, state->w.x + at.w,
                      state->w.dot + at.w, mid->bar + at.mid, mid->til + at.mid,
                      state->w.til ? state->w.til + at.w : unused, up_til ? up_til + at.h : unused + work->row)
    }
  }
}

/* From mid.til and mid.bar: w.til, and adds to up.til, where these are there. */
static bool conv_second(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_work work = conv_begin(sweep, conv, state);
  if (!begin_pairs(&work, state->f[FTL_FEATURES_UP].til)) return false;
  for (int k = 0; k < conv->n_paths; k++)
    if (work.path[k].in_stride > work.row) work.row = work.path[k].in_stride;
  work.zeros = take(sweep, work.row);
  work.unused = take(sweep, (size_t)work.n_slices * 2 * work.row);
  if (!work.zeros || !work.unused) return false;
  zero(work.zeros, work.row);
  zero(work.unused, (size_t)work.n_slices * 2 * work.row);
  share_pairs(&work, conv_second_slice);
  return true;
}
