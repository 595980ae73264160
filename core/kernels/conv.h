/* Later layers' message before its linear (e3nn "uvu" tensor product), streamed over edges: per receiver and channel
   chunk the radial weights are evaluated in registers and used at once, so no edge message is ever stored.

     A[p][m3, c] = sum_j R_p,c(r_ij) sum_m1 M_p[m3][m1](r_ij) u_j[m1, c],   M_p[m3][m1] = sum_m2 C_p[m1 m2 m3] Y_m2

   d1, d3 and nv (components of sender and of message, vectors per chunk) are compile-time constants in the path bodies.
 */

/* The edge's coupling coefficients M, all paths. */
static void coupling_coefficients(const ftl_conv *conv, const double *Y, real *M) {
  for (int q = 0; q < conv->n_m; q++) {
    double sum = 0;
    for (int s = conv->m_start[q]; s < conv->m_start[q + 1]; s++)
      sum += conv->m_coefficient[s] * Y[conv->m_component[s]];
    M[q] = (real)sum;
  }
}

FTL_INLINE void radial_weights(int nv, int n, const real *c, vec t, vec *R) {
  for (int v = 0; v < nv; v++) R[v] = load(c + (size_t)((n - 1) * nv + v) * (size_t)LANES);
  for (int k = n - 2; k >= 0; k--)
    for (int v = 0; v < nv; v++) R[v] = R[v] * t + load(c + (size_t)(k * nv + v) * (size_t)LANES);
}

FTL_INLINE void radial_weights_and_slopes(int nv, int n, const real *c, vec t, vec *R, vec *dR) {
  for (int v = 0; v < nv; v++) {
    R[v] = load(c + (size_t)((n - 1) * nv + v) * (size_t)LANES);
    dR[v] = (vec){0};
  }
  for (int k = n - 2; k >= 0; k--)
    for (int v = 0; v < nv; v++) {
      dR[v] = dR[v] * t + R[v];
      R[v] = R[v] * t + load(c + (size_t)(k * nv + v) * (size_t)LANES);
    }
}

FTL_INLINE void path_forward(int d1, int d3, int nv, int n, const real *c, vec t, const real *M, const real *u,
                             int u_pad, real *A, int a_pad) {
  vec R[4], x[5][4];
  radial_weights(nv, n, c, t, R);
  for (int m1 = 0; m1 < d1; m1++)
    for (int v = 0; v < nv; v++) x[m1][v] = R[v] * load(u + m1 * u_pad + v * LANES);
  for (int m3 = 0; m3 < d3; m3++) {
    vec sum[4];
    for (int v = 0; v < nv; v++) sum[v] = load(A + m3 * a_pad + v * LANES);
    for (int m1 = 0; m1 < d1; m1++) {
      vec w = splat(M[m3 * d1 + m1]);
      for (int v = 0; v < nv; v++) sum[v] += w * x[m1][v];
    }
    for (int v = 0; v < nv; v++) store(A + m3 * a_pad + v * LANES, sum[v]);
  }
}

/* Adds to the sender's adjoint du, to the lanes of dr, and to P[m3][m1], the lanes of dE/dM. */
FTL_INLINE void path_reverse(int d1, int d3, int nv, int n, const real *c, vec t, const real *M, const real *u,
                             int u_pad, const real *dA, int a_pad, real *du, vec *dr, vec *P) {
  vec R[4], dR[4], x[5][4], q[5][4];
  radial_weights_and_slopes(nv, n, c, t, R, dR);
  for (int m1 = 0; m1 < d1; m1++)
    for (int v = 0; v < nv; v++) {
      x[m1][v] = R[v] * load(u + m1 * u_pad + v * LANES);
      q[m1][v] = (vec){0};
    }
  for (int m3 = 0; m3 < d3; m3++) {
    vec g[4];
    for (int v = 0; v < nv; v++) g[v] = load(dA + m3 * a_pad + v * LANES);
    for (int m1 = 0; m1 < d1; m1++) {
      vec w = splat(M[m3 * d1 + m1]), p = {0};
      for (int v = 0; v < nv; v++) {
        q[m1][v] += w * g[v];
        p += x[m1][v] * g[v];
      }
      P[m3 * d1 + m1] = p;
    }
  }
  vec sum = *dr;
  for (int m1 = 0; m1 < d1; m1++)
    for (int v = 0; v < nv; v++) {
      sum += dR[v] * (load(u + m1 * u_pad + v * LANES) * q[m1][v]);
      store(du + m1 * u_pad + v * LANES, load(du + m1 * u_pad + v * LANES) + R[v] * q[m1][v]);
    }
  *dr = sum;
}

/* Calls BODY(d1, d3, nv) with constants. */
#define BY_D3(d1, d3, nv, BODY)                                                                                        \
  switch (d3) {                                                                                                        \
  case 1:                                                                                                              \
    BODY(d1, 1, nv);                                                                                                   \
    break;                                                                                                             \
  case 3:                                                                                                              \
    BODY(d1, 3, nv);                                                                                                   \
    break;                                                                                                             \
  case 5:                                                                                                              \
    BODY(d1, 5, nv);                                                                                                   \
    break;                                                                                                             \
  default:                                                                                                             \
    BODY(d1, 7, nv);                                                                                                   \
    break;                                                                                                             \
  }
#define BY_SHAPE(d1, d3, nv, BODY)                                                                                     \
  switch (d1) {                                                                                                        \
  case 1:                                                                                                              \
    BY_D3(1, d3, nv, BODY) break;                                                                                      \
  case 3:                                                                                                              \
    BY_D3(3, d3, nv, BODY) break;                                                                                      \
  default:                                                                                                             \
    BY_D3(5, d3, nv, BODY) break;                                                                                      \
  }

FTL_INLINE void conv_forward_chunk(int nv, const ftl_workspace *ws, const ftl_thread *thread, int layer_index,
                                   const ftl_block *block, int chunk, const real *features, real *mid) {
  const ftl_prepared_layer *layer = &ws->model->layer[layer_index];
  const ftl_conv *conv = &layer->conv;
  int n = block->n, n_k = layer->grid.n_coefficients;
  size_t path_size = (size_t)(n_k * nv * LANES), cell_size = (size_t)conv->chunk_paths[chunk] * path_size;
  int shift = chunk * nv * LANES;
  for (int a = 0; a < n; a++)
    for (int e = thread->edge_start[a]; e < thread->edge_start[a + 1]; e++) {
      const ftl_edge *edge = &thread->edge[e];
      const real *c = (const real *)conv->radial + (size_t)edge->class_ * conv->class_stride +
                      conv->chunk_offset[chunk] + (size_t)edge->cell * cell_size;
      const real *M = (const real *)thread->M + (size_t)e * (size_t)conv->n_m;
      const real *u = features + (size_t)edge->sender * (size_t)conv->edge.dim + shift;
      vec t = splat((real)edge->t);
      for (int p = 0; p < conv->n_paths; p++) {
        const ftl_conv_path *path = &conv->path[p];
        if (chunk >= path->n_chunks) continue;
        const ftl_layout_block *in = &conv->edge.b[path->in], *out = &conv->mid.b[path->out];
        real *A = mid + (size_t)n * (size_t)out->offset + (size_t)(a * out->d * out->pad + shift);
#define BODY(d1, d3, vectors)                                                                                          \
  path_forward(d1, d3, vectors, n_k, c, t, M + path->m_offset, u + in->offset, in->pad, A, out->pad)
        BY_SHAPE(path->d1, path->d3, nv, BODY)
#undef BODY
        c += path_size;
      }
    }
}

/* The lanes of dE/dM become lanes of dE/dY; dY_lanes[n_sh]. */
FTL_INLINE void coupling_reverse(const ftl_conv *conv, const ftl_conv_path *path, const vec *P, vec *dY_lanes) {
  int n = path->d1 * path->d3;
  for (int q = 0; q < n; q++)
    for (int s = conv->m_start[path->m_offset + q]; s < conv->m_start[path->m_offset + q + 1]; s++)
      dY_lanes[conv->m_component[s]] += splat((real)conv->m_coefficient[s]) * P[q];
}

FTL_INLINE void conv_reverse_chunk(int nv, ftl_workspace *ws, ftl_thread *thread, int layer_index,
                                   const ftl_block *block, int chunk, const real *features, const real *mid_adjoint) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[layer_index];
  const ftl_conv *conv = &layer->conv;
  int n = block->n, n_k = layer->grid.n_coefficients;
  size_t path_size = (size_t)(n_k * nv * LANES), cell_size = (size_t)conv->chunk_paths[chunk] * path_size;
  int shift = chunk * nv * LANES;
  for (int a = 0; a < n; a++)
    for (int e = thread->edge_start[a]; e < thread->edge_start[a + 1]; e++) {
      const ftl_edge *edge = &thread->edge[e];
      const real *c = (const real *)conv->radial + (size_t)edge->class_ * conv->class_stride +
                      conv->chunk_offset[chunk] + (size_t)edge->cell * cell_size;
      const real *M = (const real *)thread->M + (size_t)e * (size_t)conv->n_m;
      const real *u = features + (size_t)edge->sender * (size_t)conv->edge.dim + shift;
      real *du = (real *)ftl_adjoint_row(ws, thread, layer_index - 1, edge->sender, sizeof(real)) + shift;
      vec t = splat((real)edge->t), dr = {0}, P[35], dY_lanes[FTL_MAX_SH];
      for (int k = 0; k < model->n_sh; k++) dY_lanes[k] = (vec){0};
      for (int p = 0; p < conv->n_paths; p++) {
        const ftl_conv_path *path = &conv->path[p];
        if (chunk >= path->n_chunks) continue;
        const ftl_layout_block *in = &conv->edge.b[path->in], *out = &conv->mid.b[path->out];
        const real *dA = mid_adjoint + (size_t)n * (size_t)out->offset + (size_t)(a * out->d * out->pad + shift);
#define BODY(d1, d3, vectors)                                                                                          \
  path_reverse(d1, d3, vectors, n_k, c, t, M + path->m_offset, u + in->offset, in->pad, dA, out->pad, du + in->offset, \
               &dr, P)
        BY_SHAPE(path->d1, path->d3, nv, BODY)
#undef BODY
        coupling_reverse(conv, path, P, dY_lanes);
        c += path_size;
      }
      double *dY = thread->dY + (size_t)e * FTL_MAX_SH;
      for (int k = 0; k < model->n_sh; k++) dY[k] += (double)lane_sum(dY_lanes[k]);
      thread->dr[e] += (double)lane_sum(dr) * edge->slope;
    }
}

static void conv_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *mid) {
  const ftl_conv *conv = &ws->model->layer[t].conv;
  const real *features = ws->features[t - 1];
  for (int e = 0; e < thread->edge_start[block->n]; e++)
    coupling_coefficients(conv, thread->Y + (size_t)e * FTL_MAX_SH, (real *)thread->M + (size_t)e * (size_t)conv->n_m);
  STAGE_DONE(thread, COUPLING);
  memset(mid, 0, (size_t)block->n * (size_t)conv->mid.dim * sizeof(real));
  for (int chunk = 0; chunk < conv->n_chunks; chunk++) {
    if (conv->chunk_vectors == 4) conv_forward_chunk(4, ws, thread, t, block, chunk, features, mid);
    else if (conv->chunk_vectors == 2) conv_forward_chunk(2, ws, thread, t, block, chunk, features, mid);
    else conv_forward_chunk(1, ws, thread, t, block, chunk, features, mid);
  }
}

/* Sender adjoints and edge forces from the adjoint of `mid` (and of the density, per atom). thread->M is as
   conv_forward left it or is made again. */
static void conv_reverse(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, const real *mid_adjoint,
                         const double *density_adjoint) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  const ftl_conv *conv = &layer->conv;
  const real *features = ws->features[t - 1];
  int n_edges = thread->edge_start[block->n];
  for (int e = 0; e < n_edges; e++)
    coupling_coefficients(conv, thread->Y + (size_t)e * FTL_MAX_SH, (real *)thread->M + (size_t)e * (size_t)conv->n_m);
  STAGE_DONE(thread, COUPLING);
  if (n_edges > 0) { /* else there may be no buffers */
    memset(thread->dr, 0, (size_t)n_edges * sizeof(double));
    memset(thread->dY, 0, (size_t)n_edges * FTL_MAX_SH * sizeof(double));
  }
  for (int chunk = 0; chunk < conv->n_chunks; chunk++) {
    if (conv->chunk_vectors == 4) conv_reverse_chunk(4, ws, thread, t, block, chunk, features, mid_adjoint);
    else if (conv->chunk_vectors == 2) conv_reverse_chunk(2, ws, thread, t, block, chunk, features, mid_adjoint);
    else conv_reverse_chunk(1, ws, thread, t, block, chunk, features, mid_adjoint);
  }
  STAGE_DONE(thread, CONV_REVERSE);
  for (int a = 0; a < block->n; a++)
    for (int e = thread->edge_start[a]; e < thread->edge_start[a + 1]; e++) {
      const ftl_edge *edge = &thread->edge[e];
      if (layer->density) {
        double slope;
        edge_density(layer, edge, &slope);
        thread->dr[e] += density_adjoint[a] * slope;
      }
      edge_gradient(ws, thread, ws->order[block->first + a], edge, thread->dr[e], thread->dY + (size_t)e * FTL_MAX_SH);
    }
}
