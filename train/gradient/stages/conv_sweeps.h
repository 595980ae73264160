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

static int conv_paths(const ftl_sweep *sweep, const ftl_edge_product *conv, conv_path *paths) {
  for (int k = 0; k < conv->n_paths; k++) {
    const ftl_edge_path *path = &conv->path[k];
    paths[k] = (conv_path){
        path, (size_t)sweep->n * (size_t)ftl_block_offset(&conv->in, path->in), (size_t)(path->d1 * path->mul),
        (size_t)sweep->n * (size_t)ftl_block_offset(&conv->mid, path->out), (size_t)(path->d3 * path->mul)};
  }
  return conv->n_paths;
}

/* m[edge][n_m] from the harmonics, or from their tangent. */
static void edge_matrices(const ftl_sweep *sweep, const ftl_edge_product *conv, const real *y, real *m) {
  zero(m, (size_t)sweep->geometry.n_edges * (size_t)conv->couplings.n_m);
  for (int e = 0; e < sweep->geometry.n_edges; e++, y += sweep->network->n_sh, m += conv->couplings.n_m)
    for (int k = 0; k < conv->couplings.n; k++)
      m[conv->couplings.entry[k].m] += (real)conv->couplings.entry[k].coefficient * y[conv->couplings.entry[k].y];
}

/* Calls KERNEL(d1, d3, ...) with constants where the dimensions are common ones. */
#define WITH_DIMENSIONS(path, KERNEL, ...)                                                                             \
  switch ((path)->d1 * 8 + (path)->d3) {                                                                               \
  case 8 + 1:                                                                                                          \
    KERNEL(1, 1, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 8 + 3:                                                                                                          \
    KERNEL(1, 3, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 8 + 5:                                                                                                          \
    KERNEL(1, 5, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 8 + 7:                                                                                                          \
    KERNEL(1, 7, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 24 + 1:                                                                                                         \
    KERNEL(3, 1, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 24 + 3:                                                                                                         \
    KERNEL(3, 3, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 24 + 5:                                                                                                         \
    KERNEL(3, 5, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 24 + 7:                                                                                                         \
    KERNEL(3, 7, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 40 + 1:                                                                                                         \
    KERNEL(5, 1, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 40 + 3:                                                                                                         \
    KERNEL(5, 3, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 40 + 5:                                                                                                         \
    KERNEL(5, 5, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 40 + 7:                                                                                                         \
    KERNEL(5, 7, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 56 + 1:                                                                                                         \
    KERNEL(7, 1, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 56 + 3:                                                                                                         \
    KERNEL(7, 3, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 56 + 5:                                                                                                         \
    KERNEL(7, 5, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  case 56 + 7:                                                                                                         \
    KERNEL(7, 7, __VA_ARGS__);                                                                                         \
    break;                                                                                                             \
  default:                                                                                                             \
    KERNEL((path)->d1, (path)->d3, __VA_ARGS__);                                                                       \
    break;                                                                                                             \
  }

/* out[m3][c] += w[c] sum_m1 M[m3][m1] h[m1][c] */
FTL_INLINE void path_forward(int d1, int d3, int n, const real *m, const real *h, const real *w, real *out) {
  for (int c = 0; c < n; c += LANES) {
    int k = n - c < LANES ? n - c : LANES;
    vec wh[MAX_D], wc = load_part(w + c, k);
    for (int m1 = 0; m1 < d1; m1++) wh[m1] = wc * load_part(h + m1 * n + c, k);
    for (int m3 = 0; m3 < d3; m3++) {
      vec sum = load_part(out + m3 * n + c, k);
      for (int m1 = 0; m1 < d1; m1++) sum += m[m3 * d1 + m1] * wh[m1];
      store_part(out + m3 * n + c, sum, k);
    }
  }
}

static bool conv_matrices(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  if (!take_value(sweep, &state->m, (size_t)sweep->geometry.n_edges * (size_t)conv->couplings.n_m)) return false;
  edge_matrices(sweep, conv, sweep->geometry.y.x, state->m.x);
  return true;
}

static void conv_forward(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_path paths[FTL_MAX_BLOCKS];
  int n_paths = conv_paths(sweep, conv, paths);
  zero(state->f[FTL_FEATURES_SUM].x, features(sweep, &conv->mid));
  for (int i = 0; i < sweep->geometry.n_pairs; i++)
    for (int q = 0; q < sweep->geometry.pair[i].n_edges; q++)
      for (int k = 0; k < n_paths; k++) {
        const conv_path *p = &paths[k];
        const int e = sweep->geometry.pair[i].edge[q];
        const edge *this = &sweep->geometry.edge[e];
        const real *m = state->m.x + (size_t)e * (size_t)conv->couplings.n_m + p->path->first_m;
        const real *h = state->f[FTL_FEATURES_UP].x + p->in + (size_t)this->sender * p->in_stride;
        const real *w = state->w.x + (size_t)i * (size_t)conv->n_weights + p->path->weight;
        real *out = state->f[FTL_FEATURES_SUM].x + p->out + (size_t)this->receiver * p->out_stride;
        WITH_DIMENSIONS(p->path, path_forward, p->path->mul, m, h, w, out)
      }
}

/* out[m3] += M (w_dot h + w h_dot) + M_dot w h; h_dot NULL: zero */
FTL_INLINE void path_tangent(int d1, int d3, int n, const real *m, const real *m_dot, const real *h, const real *h_dot,
                             const real *w, const real *w_dot, real *out) {
  for (int c = 0; c < n; c += LANES) {
    int k = n - c < LANES ? n - c : LANES;
    vec wh[MAX_D], wh_dot[MAX_D], wc = load_part(w + c, k), wc_dot = load_part(w_dot + c, k);
    for (int m1 = 0; m1 < d1; m1++) {
      vec x = load_part(h + m1 * n + c, k);
      wh[m1] = wc * x;
      wh_dot[m1] = wc_dot * x;
      if (h_dot) wh_dot[m1] += wc * load_part(h_dot + m1 * n + c, k);
    }
    for (int m3 = 0; m3 < d3; m3++) {
      vec sum = load_part(out + m3 * n + c, k);
      for (int m1 = 0; m1 < d1; m1++) sum += m[m3 * d1 + m1] * wh_dot[m1] + m_dot[m3 * d1 + m1] * wh[m1];
      store_part(out + m3 * n + c, sum, k);
    }
  }
}

static bool conv_tangent(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_path paths[FTL_MAX_BLOCKS];
  int n_paths = conv_paths(sweep, conv, paths);
  zero(state->f[FTL_FEATURES_SUM].dot, features(sweep, &conv->mid));
  if (!(state->m.dot = take(sweep, (size_t)sweep->geometry.n_edges * (size_t)conv->couplings.n_m))) return false;
  edge_matrices(sweep, conv, sweep->geometry.y.dot, state->m.dot);
  for (int i = 0; i < sweep->geometry.n_pairs; i++)
    for (int q = 0; q < sweep->geometry.pair[i].n_edges; q++)
      for (int k = 0; k < n_paths; k++) {
        const conv_path *p = &paths[k];
        const int e = sweep->geometry.pair[i].edge[q];
        const edge *this = &sweep->geometry.edge[e];
        size_t at_m = (size_t)e * (size_t)conv->couplings.n_m + (size_t)p->path->first_m;
        size_t at_h = p->in + (size_t)this->sender * p->in_stride;
        size_t at_w = (size_t)i * (size_t)conv->n_weights + (size_t)p->path->weight;
        real *out = state->f[FTL_FEATURES_SUM].dot + p->out + (size_t)this->receiver * p->out_stride;
        WITH_DIMENSIONS(p->path, path_tangent, p->path->mul, state->m.x + at_m, state->m.dot + at_m,
                        state->f[FTL_FEATURES_UP].x + at_h,
                        state->f[FTL_FEATURES_UP].dot ? state->f[FTL_FEATURES_UP].dot + at_h : NULL, state->w.x + at_w,
                        state->w.dot + at_w, out)
      }
  return true;
}

/* w_bar[c] = sum M g h, or += behind the first edge of its pair; h_bar[m1][c] += w M^T g (NULL: not wanted); y[] +=
   coefficient w g h of the path's entries, lane by lane. */
FTL_INLINE void path_reverse(int d1, int d3, int n, bool first, const real *m, const real *h, const real *w,
                             const real *g, real *w_bar, real *h_bar, const ftl_coupling_entry *entry, int n_entries,
                             int first_m, vec *y) {
  vec product[MAX_D * MAX_D]; /* dE/dM, each lane its part */
  for (int c = 0; c < n; c += LANES) {
    int k = n - c < LANES ? n - c : LANES;
    vec adjoint[MAX_D], gm[MAX_D], wc = load_part(w + c, k), sum = {0};
    if (!first) sum = load_part(w_bar + c, k);
    for (int m3 = 0; m3 < d3; m3++) gm[m3] = load_part(g + m3 * n + c, k);
    for (int m1 = 0; m1 < d1; m1++) {
      vec x = load_part(h + m1 * n + c, k), wx = wc * x;
      adjoint[m1] = (vec){0};
      for (int m3 = 0; m3 < d3; m3++) {
        adjoint[m1] += m[m3 * d1 + m1] * gm[m3];
        vec part = gm[m3] * wx;
        if (c > 0) part += product[m3 * d1 + m1];
        product[m3 * d1 + m1] = part;
      }
      sum += adjoint[m1] * x;
    }
    store_part(w_bar + c, sum, k);
    for (int m1 = 0; h_bar && m1 < d1; m1++)
      store_part(h_bar + m1 * n + c, load_part(h_bar + m1 * n + c, k) + wc * adjoint[m1], k);
  }
  for (int q = 0; q < n_entries; q++) y[entry[q].y] += (real)entry[q].coefficient * product[entry[q].m - first_m];
}

/* From mid.bar to w.bar, and to y.bar and, if it is there, up.bar (these added to). */
static void conv_reverse(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_path paths[FTL_MAX_BLOCKS];
  int n_paths = conv_paths(sweep, conv, paths), n_sh = sweep->network->n_sh;
  for (int i = 0; i < sweep->geometry.n_pairs; i++)
    for (int q = 0; q < sweep->geometry.pair[i].n_edges; q++) {
      const int e = sweep->geometry.pair[i].edge[q];
      const edge *this = &sweep->geometry.edge[e];
      vec y[FTL_MAX_SH] = {{0}};
      real y_bar[FTL_MAX_SH] __attribute__((aligned(FTL_VECTOR_BYTES)));
      for (int k = 0; k < n_paths; k++) {
        const conv_path *p = &paths[k];
        size_t at_h = p->in + (size_t)this->sender * p->in_stride;
        size_t at_w = (size_t)i * (size_t)conv->n_weights + (size_t)p->path->weight;
        const real *m = state->m.x + (size_t)e * (size_t)conv->couplings.n_m + p->path->first_m;
        WITH_DIMENSIONS(p->path, path_reverse, p->path->mul, q == 0, m, state->f[FTL_FEATURES_UP].x + at_h,
                        state->w.x + at_w, state->f[FTL_FEATURES_SUM].bar + p->out + (size_t)this->receiver * p->out_stride,
                        state->w.bar + at_w,
                        state->f[FTL_FEATURES_UP].bar ? state->f[FTL_FEATURES_UP].bar + at_h : NULL,
                        conv->couplings.entry + p->path->first_entry, p->path->n_entries, p->path->first_m, y)
      }
      lane_sums(FTL_MAX_SH, y, y_bar);
      for (int k = 0; k < n_sh; k++) sweep->geometry.y.bar[(size_t)e * (size_t)n_sh + (size_t)k] += y_bar[k];
    }
}

/* The derivative of path_reverse along the direction, with g_til in the place of g's derivative; w_til or h_til may be
   NULL. */
FTL_INLINE void path_second(int d1, int d3, int n, bool first, const real *m, const real *m_dot, const real *h,
                            const real *h_dot, const real *w, const real *w_dot, const real *g, const real *g_til,
                            real *w_til, real *h_til) {
  for (int c = 0; c < n; c += LANES) {
    int k = n - c < LANES ? n - c : LANES;
    vec gm[MAX_D], gm_til[MAX_D], sum = {0};
    for (int m3 = 0; m3 < d3; m3++) {
      gm[m3] = load_part(g + m3 * n + c, k);
      gm_til[m3] = load_part(g_til + m3 * n + c, k);
    }
    for (int m1 = 0; m1 < d1; m1++) {
      vec t = {0}, t_dot = {0}; /* M^T g and its derivative */
      for (int m3 = 0; m3 < d3; m3++) {
        t += m[m3 * d1 + m1] * gm[m3];
        t_dot += m[m3 * d1 + m1] * gm_til[m3] + m_dot[m3 * d1 + m1] * gm[m3];
      }
      sum += t_dot * load_part(h + m1 * n + c, k);
      if (h_dot) sum += t * load_part(h_dot + m1 * n + c, k);
      if (h_til)
        store_part(h_til + m1 * n + c,
                   load_part(h_til + m1 * n + c, k) + load_part(w + c, k) * t_dot + load_part(w_dot + c, k) * t, k);
    }
    if (w_til && !first) sum += load_part(w_til + c, k);
    if (w_til) store_part(w_til + c, sum, k);
  }
}

/* From mid.til and mid.bar: w.til, and adds to up.til, where these are there. */
static void conv_second(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  conv_path paths[FTL_MAX_BLOCKS];
  int n_paths = conv_paths(sweep, conv, paths);
  for (int i = 0; i < sweep->geometry.n_pairs; i++)
    for (int q = 0; q < sweep->geometry.pair[i].n_edges; q++)
      for (int k = 0; k < n_paths; k++) {
        const conv_path *p = &paths[k];
        const int e = sweep->geometry.pair[i].edge[q];
        const edge *this = &sweep->geometry.edge[e];
        size_t at_m = (size_t)e * (size_t)conv->couplings.n_m + (size_t)p->path->first_m;
        size_t at_h = p->in + (size_t)this->sender * p->in_stride;
        size_t at_w = (size_t)i * (size_t)conv->n_weights + (size_t)p->path->weight;
        size_t to = p->out + (size_t)this->receiver * p->out_stride;
        WITH_DIMENSIONS(p->path, path_second, p->path->mul, q == 0, state->m.x + at_m,
                        state->m.dot + at_m, state->f[FTL_FEATURES_UP].x + at_h,
                        state->f[FTL_FEATURES_UP].dot ? state->f[FTL_FEATURES_UP].dot + at_h : NULL, state->w.x + at_w,
                        state->w.dot + at_w, state->f[FTL_FEATURES_SUM].bar + to, state->f[FTL_FEATURES_SUM].til + to,
                        state->w.til ? state->w.til + at_w : NULL,
                        state->f[FTL_FEATURES_UP].til ? state->f[FTL_FEATURES_UP].til + at_h : NULL)
      }
}
