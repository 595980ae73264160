/* The edge tensor product and the sum over neighbours, MACE (8): for each path
     mid_i[m3] += w M[m3][m1] up_j[m1],  M[m3][m1] = sum of coupling coefficients times Y.
   Channels are the inner loops. */

#define MAX_M 49 /* 7 x 7 for l = 3 */

static void edge_matrix(const ftl_edge_product *conv, const ftl_edge_path *path, const real *y, real *m) {
  for (int k = 0; k < path->d1 * path->d3; k++) m[k] = 0;
  const ftl_edge_entry *entry = conv->entry + path->first_entry;
  for (int k = 0; k < path->n_entries; k++) m[entry[k].m] += (real)entry[k].coefficient * y[entry[k].y];
}

/* Where a path finds its features of the sender and of the receiver. */
static size_t sender_at(const ftl_sweep *sweep, const ftl_edge_product *conv, const ftl_edge_path *path, int j) {
  return (size_t)sweep->n * (size_t)ftl_block_offset(&conv->in, path->in) + (size_t)(j * path->d1 * path->mul);
}
static size_t receiver_at(const ftl_sweep *sweep, const ftl_edge_product *conv, const ftl_edge_path *path, int a) {
  return (size_t)sweep->n * (size_t)ftl_block_offset(&conv->mid, path->out) + (size_t)(a * path->d3 * path->mul);
}

/* out[m3][c] += w[c] sum_m1 M[m3][m1] h[m1][c] */
static void path_forward(const ftl_edge_path *path, const real *restrict m, const real *restrict h,
                         const real *restrict w, real *restrict out) {
  int n = path->mul, d1 = path->d1;
  for (int m3 = 0; m3 < path->d3; m3++)
    for (int m1 = 0; m1 < d1; m1++) {
      real f = m[m3 * d1 + m1];
      if (f == 0) continue;
      for (int c = 0; c < n; c++) out[m3 * n + c] += f * w[c] * h[m1 * n + c];
    }
}

static void conv_forward(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  zero(state->mid.x, features(sweep, &conv->mid));
  for (int k = 0; k < conv->n_paths; k++) {
    const ftl_edge_path *path = &conv->path[k];
    for (int a = 0; a < sweep->n; a++)
      for (int e = sweep->first_edge[a]; e < sweep->first_edge[a + 1]; e++) {
        real m[MAX_M];
        const edge *this = &sweep->edge[e];
        edge_matrix(conv, path, sweep->y.x + (size_t)e * (size_t)sweep->network->n_sh, m);
        path_forward(path, m, state->up.x + sender_at(sweep, conv, path, this->sender),
                     state->w.x + (size_t)this->pair * (size_t)conv->n_weights + path->weight,
                     state->mid.x + receiver_at(sweep, conv, path, a));
      }
  }
}

static void conv_tangent(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  zero(state->mid.dot, features(sweep, &conv->mid));
  for (int k = 0; k < conv->n_paths; k++) {
    const ftl_edge_path *path = &conv->path[k];
    for (int a = 0; a < sweep->n; a++)
      for (int e = sweep->first_edge[a]; e < sweep->first_edge[a + 1]; e++) {
        real m[MAX_M], m_dot[MAX_M];
        const edge *this = &sweep->edge[e];
        size_t y = (size_t)e * (size_t)sweep->network->n_sh, from = sender_at(sweep, conv, path, this->sender);
        size_t at = (size_t)this->pair * (size_t)conv->n_weights + (size_t)path->weight;
        real *out = state->mid.dot + receiver_at(sweep, conv, path, a);
        edge_matrix(conv, path, sweep->y.x + y, m);
        edge_matrix(conv, path, sweep->y.dot + y, m_dot);
        path_forward(path, m, state->up.x + from, state->w.dot + at, out);
        path_forward(path, m_dot, state->up.x + from, state->w.x + at, out);
        if (state->up.dot) path_forward(path, m, state->up.dot + from, state->w.x + at, out);
      }
  }
}

/* w_bar[c] += sum g[m3] M h[m1]; h_bar[m1][c] += w M^T g (h_bar may be NULL); m_bar[m3][m1] = sum_c w g h (NULL: not
   wanted). */
static void path_reverse(const ftl_edge_path *path, const real *restrict m, const real *restrict h,
                         const real *restrict w, const real *restrict g, real *restrict w_bar, real *restrict h_bar,
                         real *restrict m_bar) {
  int n = path->mul, d1 = path->d1;
  for (int m3 = 0; m3 < path->d3; m3++)
    for (int m1 = 0; m1 < d1; m1++) {
      real f = m[m3 * d1 + m1];
      const real *restrict gm = g + m3 * n, *restrict hm = h + m1 * n;
      if (m_bar) {
        real sum = 0;
        for (int c = 0; c < n; c++) sum += w[c] * gm[c] * hm[c];
        m_bar[m3 * d1 + m1] = sum;
      }
      if (f == 0) continue;
      if (w_bar)
        for (int c = 0; c < n; c++) w_bar[c] += f * gm[c] * hm[c];
      if (h_bar)
        for (int c = 0; c < n; c++) h_bar[m1 * n + c] += f * w[c] * gm[c];
    }
}

/* From mid.bar to w.bar, y.bar and, if it is there, up.bar (all added to). */
static void conv_reverse(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  for (int k = 0; k < conv->n_paths; k++) {
    const ftl_edge_path *path = &conv->path[k];
    const ftl_edge_entry *entry = conv->entry + path->first_entry;
    for (int a = 0; a < sweep->n; a++)
      for (int e = sweep->first_edge[a]; e < sweep->first_edge[a + 1]; e++) {
        real m[MAX_M], m_bar[MAX_M];
        const edge *this = &sweep->edge[e];
        size_t y = (size_t)e * (size_t)sweep->network->n_sh, from = sender_at(sweep, conv, path, this->sender);
        size_t at = (size_t)this->pair * (size_t)conv->n_weights + (size_t)path->weight;
        edge_matrix(conv, path, sweep->y.x + y, m);
        path_reverse(path, m, state->up.x + from, state->w.x + at, state->mid.bar + receiver_at(sweep, conv, path, a),
                     state->w.bar + at, state->up.bar ? state->up.bar + from : NULL, m_bar);
        for (int q = 0; q < path->n_entries; q++)
          sweep->y.bar[y + (size_t)entry[q].y] += (real)entry[q].coefficient * m_bar[entry[q].m];
      }
  }
}

/* The derivative of conv_reverse along the direction, with mid.til in the place of mid.bar's: adds to w.til and up.til
   where these are there. */
static void conv_second(ftl_sweep *sweep, const ftl_edge_product *conv, layer_state *state) {
  for (int k = 0; k < conv->n_paths; k++) {
    const ftl_edge_path *path = &conv->path[k];
    for (int a = 0; a < sweep->n; a++)
      for (int e = sweep->first_edge[a]; e < sweep->first_edge[a + 1]; e++) {
        real m[MAX_M], m_dot[MAX_M];
        const edge *this = &sweep->edge[e];
        size_t y = (size_t)e * (size_t)sweep->network->n_sh, from = sender_at(sweep, conv, path, this->sender);
        size_t at = (size_t)this->pair * (size_t)conv->n_weights + (size_t)path->weight;
        size_t to = receiver_at(sweep, conv, path, a);
        real *w_til = state->w.til ? state->w.til + at : NULL, *h_til = state->up.til ? state->up.til + from : NULL;
        edge_matrix(conv, path, sweep->y.x + y, m);
        edge_matrix(conv, path, sweep->y.dot + y, m_dot);
        const real *h = state->up.x + from, *w = state->w.x + at;
        path_reverse(path, m, h, w, state->mid.til + to, w_til, h_til, NULL);
        path_reverse(path, m_dot, h, w, state->mid.bar + to, w_til, h_til, NULL);
        if (state->up.dot && w_til)
          path_reverse(path, m, state->up.dot + from, w, state->mid.bar + to, w_til, NULL, NULL);
        if (h_til) path_reverse(path, m, h, state->w.dot + at, state->mid.bar + to, NULL, h_til, NULL);
      }
  }
}
