/* Later layers' message before its linear (e3nn "uvu" tensor product), streamed over edges: per channel chunk and path
   the radial weights of an edge are evaluated in registers and used at once, so no edge message is ever stored.

     A[p][m3, c] = sum_j R_p,c(r_ij) sum_m1 M_p[m3][m1](r_ij) u_j[m1, c],   M_p[m3][m1] = sum_m2 C_p[m1 m2 m3] Y_m2

   A block's edges are taken in the order of their cells of the radial tables, so that a cell's coefficients come from
   the innermost cache for all its edges but the first. d1, d3 and nv (components of sender and of message, vectors per
   chunk) are compile-time constants in the path bodies. */

/* A path's part of a channel chunk, for all edges of a block. */
typedef struct {
  int n_edges, u_pad, a_pad;
  const ftl_sorted_edge *edge;
  const real *radial; /* of cell 0 */
  size_t cell_stride;
  const real *M;        /* [vector of edges][d3][d1][edge] */
  const real *features; /* of node 0 */
  size_t row, shift;    /* of a node; where the path's input and chunk begin in it */
  real *A;              /* forward: of atom 0 */
  const real *dA;       /* reverse */
  real *dM;
  double *dr;
} conv_task;

/* The scratch's `sorted`: the block's edges by class and, within it, by cell. Two counting sorts, the second the
   stronger; the edges of a block have one class per element of the sender, or one in all. */
static void sort_edges(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  const ftl_model *model = ws->model;
  const ftl_grid *grid = &model->layer[t].grid;
  const int n_edges = scratch_of(thread)->edge_start[block->n], n_species = model->n_classes > 1 ? model->n_species : 1;
  const int *class_of = model->pair_class + block->species * model->n_species, *species = ws->graph.species;
  int n_cells = 0, cell_start[FTL_MAX_CELLS + 1], species_start[FTL_MAX_ELEMENTS + 1];
  for (int z = 0; z < n_species; z++) {
    const int n = grid->first[class_of[z] + 1] - grid->first[class_of[z]];
    if (n > n_cells) n_cells = n;
  }
  memset(cell_start, 0, ((size_t)n_cells + 1) * sizeof(int));
  memset(species_start, 0, ((size_t)n_species + 1) * sizeof(int));
  for (int e = 0; e < n_edges; e++) {
    const ftl_edge *edge = &scratch_of(thread)->edge[e];
    cell_start[edge->cell + 1]++;
    species_start[(n_species > 1 ? species[edge->sender] : 0) + 1]++;
  }
  for (int k = 0; k < n_cells; k++) cell_start[k + 1] += cell_start[k];
  for (int k = 0; k < n_species; k++) species_start[k + 1] += species_start[k];
  for (int e = 0; e < n_edges; e++) scratch_of(thread)->by_cell[cell_start[scratch_of(thread)->edge[e].cell]++] = e;
  for (int k = 0; k < n_edges; k++) {
    int e = scratch_of(thread)->by_cell[k], atom = 0;
    const ftl_edge *edge = &scratch_of(thread)->edge[e];
    while (e >= scratch_of(thread)->edge_start[atom + 1]) atom++;
    scratch_of(thread)->sorted[species_start[n_species > 1 ? species[edge->sender] : 0]++] =
        (ftl_sorted_edge){edge->t, e, atom, edge->sender, grid->first[edge->class_] + edge->cell, NULL};
  }
}

/* The sorted edges' adjoints become a sweep's. */
static void aim_at_senders(ftl_workspace *ws, ftl_thread *thread, int sweep, int t, int n_edges) {
  for (int s = 0; s < n_edges; s++)
    scratch_of(thread)->sorted[s].adjoint =
        ftl_adjoint_row(ws, thread, sweep, t - 1, scratch_of(thread)->sorted[s].sender, sizeof(real));
}

/* ---- coupling coefficients, [path][vector of sorted edges][d3][d1][edge of the vector] ---- */

static size_t edges_padded(int n_edges) { return (size_t)((n_edges + LANES - 1) / LANES * LANES); }

/* Where a path's matrices of a vector of edges begin, the s'th and those after it. */
FTL_INLINE size_t couplings_at(const ftl_conv_path *path, int n_edges, int s) {
  return (size_t)path->m_offset * edges_padded(n_edges) + (size_t)(path->d1 * path->d3) * (size_t)s;
}

/* M as combinations of Y, in float64 for a vector of edges at a time; behind the last edge it is repeated. */
static void coupling_coefficients(const ftl_conv *conv, int n_sh, int n_edges, const ftl_sorted_edge *sorted,
                                  const double *Y, real *M) {
  for (int s0 = 0; s0 < n_edges; s0 += LANES) {
    double y[FTL_MAX_SH * LANES] __attribute__((aligned(FTL_VECTOR_BYTES)));
    for (int i = 0; i < LANES; i++) {
      const double *row = Y + (size_t)sorted[s0 + i < n_edges ? s0 + i : n_edges - 1].edge * FTL_MAX_SH;
      for (int lm = 0; lm < n_sh; lm++) y[lm * LANES + i] = row[lm];
    }
    for (int p = 0; p < conv->n_paths; p++) {
      const ftl_conv_path *path = &conv->path[p];
      real *out = M + couplings_at(path, n_edges, s0);
      for (int q = path->m_offset; q < path->m_offset + path->d1 * path->d3; q++)
        for (int i = 0; i < LANES; i += DOUBLE_LANES, out += DOUBLE_LANES) {
          vec_double sum = {0};
          for (int k = conv->m_start[q]; k < conv->m_start[q + 1]; k++)
            sum += conv->m_coefficient[k] * load_double(y + conv->m_component[k] * LANES + i);
          narrow(out, sum);
        }
    }
  }
}

/* From dE/dM to dE/dY. */
static void coupling_reverse(const ftl_conv *conv, int n_sh, int n_edges, const ftl_sorted_edge *sorted, const real *dM,
                             double *dY) {
  for (int s0 = 0; s0 < n_edges; s0 += LANES) {
    double dy[FTL_MAX_SH * LANES] __attribute__((aligned(FTL_VECTOR_BYTES)));
    memset(dy, 0, (size_t)(n_sh * LANES) * sizeof *dy);
    for (int p = 0; p < conv->n_paths; p++) {
      const ftl_conv_path *path = &conv->path[p];
      const real *in = dM + couplings_at(path, n_edges, s0);
      for (int q = path->m_offset; q < path->m_offset + path->d1 * path->d3; q++)
        for (int i = 0; i < LANES; i += DOUBLE_LANES, in += DOUBLE_LANES) {
          const vec_double d = widen(in);
          for (int k = conv->m_start[q]; k < conv->m_start[q + 1]; k++)
            *(vec_double *)(dy + conv->m_component[k] * LANES + i) += conv->m_coefficient[k] * d;
        }
    }
    for (int i = 0; i < LANES && s0 + i < n_edges; i++)
      for (int lm = 0; lm < n_sh; lm++) dY[(size_t)sorted[s0 + i].edge * FTL_MAX_SH + (size_t)lm] = dy[lm * LANES + i];
  }
}

/* A path's matrix of the s'th edge in a task: M[q] is at M[q * LANES]. */
FTL_INLINE size_t matrix_at(int d1, int d3, int s) { return (size_t)(s / LANES * LANES * d1 * d3 + s % LANES); }

FTL_INLINE void path_forward(int d1, int d3, int nv, const conv_task *task) {
  const int u_pad = task->u_pad, a_pad = task->a_pad, n_edges = task->n_edges;
  for (int s = 0; s < n_edges; s++) {
    const ftl_sorted_edge *edge = &task->edge[s];
    const real *c = task->radial + (size_t)edge->cell * task->cell_stride;
    const real *u = task->features + (size_t)edge->sender * task->row + task->shift;
    const real *M = task->M + matrix_at(d1, d3, s);
    real *A = task->A + (size_t)(edge->atom * d3 * a_pad);
    vec R[4], x[MAX_D][4];
    radial_values(nv, nv, c, splat((real)edge->t), R);
    for (int m1 = 0; m1 < d1; m1++)
      for (int v = 0; v < nv; v++) x[m1][v] = R[v] * load(u + m1 * u_pad + v * LANES);
    for (int m3 = 0; m3 < d3; m3++) {
      vec sum[4];
      for (int v = 0; v < nv; v++) sum[v] = load(A + m3 * a_pad + v * LANES);
      for (int m1 = 0; m1 < d1; m1++) {
        vec w = splat(M[(m3 * d1 + m1) * LANES]);
        for (int v = 0; v < nv; v++) sum[v] += w * x[m1][v];
      }
      for (int v = 0; v < nv; v++) store(A + m3 * a_pad + v * LANES, sum[v]);
    }
  }
}

/* Adds to the senders' adjoints, to dE/dr (by t for now) and to dE/dM. As many vectors of channels are taken together
   as leave what they need in registers. */
FTL_INLINE void path_reverse(int d1, int d3, int nv, const conv_task *task) {
  const int u_pad = task->u_pad, a_pad = task->a_pad, n_edges = task->n_edges, width = d1 == 1 || nv < 2 ? nv : 2;
  for (int s = 0; s < n_edges; s++) {
    const ftl_sorted_edge *edge = &task->edge[s];
    const real *c = task->radial + (size_t)edge->cell * task->cell_stride;
    const real *u = task->features + (size_t)edge->sender * task->row + task->shift;
    const real *dA = task->dA + (size_t)(edge->atom * d3 * a_pad), *M = task->M + matrix_at(d1, d3, s);
    real *du = (real *)edge->adjoint + task->shift, *dM = task->dM + matrix_at(d1, d3, s);
    const vec t = splat((real)edge->t);
    vec P[MAX_D * MAX_D + 1]; /* dE/dM, and dE/dt, each lane its part */
    for (int first = 0; first < nv; first += width, u += width * LANES, dA += width * LANES, du += width * LANES) {
      vec R[4], dR[4], x[MAX_D][4], q[MAX_D][4], slope = {0};
      radial_slopes(width, nv, c + first * LANES, t, R, dR);
      for (int m1 = 0; m1 < d1; m1++)
        for (int v = 0; v < width; v++) {
          x[m1][v] = R[v] * load(u + m1 * u_pad + v * LANES);
          q[m1][v] = (vec){0};
        }
      for (int m3 = 0; m3 < d3; m3++) {
        vec g[4];
        for (int v = 0; v < width; v++) g[v] = load(dA + m3 * a_pad + v * LANES);
        for (int m1 = 0; m1 < d1; m1++) {
          const vec w = splat(M[(m3 * d1 + m1) * LANES]);
          vec p = x[m1][0] * g[0];
          if (first > 0) p += P[m3 * d1 + m1];
          for (int v = 0; v < width; v++) q[m1][v] += w * g[v];
          for (int v = 1; v < width; v++) p += x[m1][v] * g[v];
          P[m3 * d1 + m1] = p;
        }
      }
      if (first > 0) slope = P[d1 * d3];
      for (int v = 0; v < width; v++) {
        vec by_weight = {0};
        for (int m1 = 0; m1 < d1; m1++) {
          real *to = du + m1 * u_pad + v * LANES;
          by_weight += load(u + m1 * u_pad + v * LANES) * q[m1][v];
          store(to, load(to) + R[v] * q[m1][v]);
        }
        slope += dR[v] * by_weight;
      }
      P[d1 * d3] = slope;
    }
    real sums[MAX_D * MAX_D + LANES] __attribute__((aligned(FTL_VECTOR_BYTES)));
    lane_sums(d1 * d3 + 1, P, sums);
    for (int q = 0; q < d1 * d3; q++) dM[q * LANES] += sums[q];
    task->dr[edge->edge] += (double)sums[d1 * d3];
  }
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
  case 5:                                                                                                              \
    BY_D3(5, d3, nv, BODY) break;                                                                                      \
  default:                                                                                                             \
    BY_D3(7, d3, nv, BODY) break;                                                                                      \
  }

#define PATH_FORWARD(d1, d3, nv) path_forward(d1, d3, nv, &task)
#define PATH_REVERSE(d1, d3, nv) path_reverse(d1, d3, nv, &task)

/* All paths of all chunks: forward into mid, or with mid_adjoint backward from it. */
FTL_INLINE void conv_paths(int nv, ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *mid,
                           const real *mid_adjoint) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  const ftl_conv *conv = &layer->conv;
  int n_edges = scratch_of(thread)->edge_start[block->n];
  size_t path_size = (size_t)(N_COEFFICIENTS * nv * LANES);
  conv_task task = {.n_edges = n_edges,
                    .edge = scratch_of(thread)->sorted,
                    .features = ws->features[t - 1],
                    .row = (size_t)conv->edge.dim,
                    .dr = scratch_of(thread)->dr};
  for (int chunk = 0; chunk < conv->n_chunks; chunk++) {
    task.radial = (const real *)conv->radial + conv->chunk_offset[chunk];
    task.cell_stride = (size_t)conv->chunk_paths[chunk] * path_size;
    for (int p = 0; p < conv->n_paths; p++) {
      const ftl_conv_path *path = &conv->path[p];
      if (chunk >= path->n_chunks) continue;
      const ftl_layout_block *in = &conv->edge.b[path->in], *out = &conv->mid.b[path->out];
      size_t shift = (size_t)(chunk * nv * LANES), at = (size_t)block->n * (size_t)out->offset + shift;
      task.M = (const real *)scratch_of(thread)->M + couplings_at(path, n_edges, 0);
      task.dM = (real *)scratch_of(thread)->dM + couplings_at(path, n_edges, 0);
      task.shift = (size_t)in->offset + shift;
      task.u_pad = in->pad;
      task.a_pad = out->pad;
      if (mid_adjoint) {
        task.dA = mid_adjoint + at;
        BY_SHAPE(path->d1, path->d3, nv, PATH_REVERSE)
      } else {
        task.A = mid + at;
        BY_SHAPE(path->d1, path->d3, nv, PATH_FORWARD)
      }
      task.radial += path_size;
    }
  }
}

static void conv_paths_of_width(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *mid,
                                const real *mid_adjoint) {
  int nv = ws->model->layer[t].conv.chunk_vectors;
  if (nv == 4) conv_paths(4, ws, thread, t, block, mid, mid_adjoint);
  else if (nv == 2) conv_paths(2, ws, thread, t, block, mid, mid_adjoint);
  else conv_paths(1, ws, thread, t, block, mid, mid_adjoint);
}

static void block_couplings(const ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block,
                            const double *Y) {
  coupling_coefficients(&ws->model->layer[t].conv, ws->model->n_sh, scratch_of(thread)->edge_start[block->n],
                        scratch_of(thread)->sorted, Y, scratch_of(thread)->M);
}

/* The block's edges in order, and their coupling coefficients: what either way of the convolution needs. */
static void conv_edges(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block) {
  sort_edges(ws, thread, t, block);
  block_couplings(ws, thread, t, block, scratch_of(thread)->Y);
  STAGE_DONE(thread, COUPLING);
}

static void conv_forward(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block, real *mid) {
  const ftl_conv *conv = &ws->model->layer[t].conv;
  conv_edges(ws, thread, t, block);
  memset(mid, 0, (size_t)block->n * (size_t)conv->mid.dim * sizeof(real));
  conv_paths_of_width(ws, thread, t, block, mid, NULL);
}

/* Sender adjoints and edge forces from the adjoint of `mid` (and of the density, per atom), or from a moment of it. The
   thread's edges and coupling coefficients are as conv_edges of the block left them. */
static void conv_reverse(ftl_workspace *ws, ftl_thread *thread, int sweep, int t, const ftl_block *block,
                         const real *mid_adjoint, const double *density_adjoint) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  const ftl_conv *conv = &layer->conv;
  int n_edges = scratch_of(thread)->edge_start[block->n];
  if (n_edges == 0) return; /* there may be no buffers */
  memset(scratch_of(thread)->dr, 0, (size_t)n_edges * sizeof(double));
  memset(scratch_of(thread)->dM, 0, edges_padded(n_edges) * (size_t)conv->n_m * sizeof(real));
  aim_at_senders(ws, thread, sweep, t, n_edges);
  conv_paths_of_width(ws, thread, t, block, NULL, mid_adjoint);
  STAGE_DONE(thread, CONV_REVERSE);
  coupling_reverse(conv, ws->model->n_sh, n_edges, scratch_of(thread)->sorted, scratch_of(thread)->dM,
                   scratch_of(thread)->dY);
  STAGE_DONE(thread, COUPLING_REVERSE);
  edge_gradients(ws, thread, sweep, layer, block, density_adjoint);
}

/* The senders' moments are about themselves, not about the receivers: each gets -r_ij times what the adjoint of `mid`
   sends it (docs/theory.md, eq. 33). M, and with it all that goes to senders, is linear in Y; dE/dr and dE/dM are not
   wanted. Leaves the coupling coefficients as they were. */
static void moments_to_senders(ftl_workspace *ws, ftl_thread *thread, int t, const ftl_block *block,
                               const real *mid_adjoint) {
  int n_edges = scratch_of(thread)->edge_start[block->n];
  if (n_edges == 0) return;
  for (int x = 0; x < 3; x++) {
    double *scaled = scratch_of(thread)->dY;
    for (int e = 0; e < n_edges; e++)
      for (int lm = 0; lm < ws->model->n_sh; lm++) {
        size_t at = (size_t)e * FTL_MAX_SH + (size_t)lm;
        scaled[at] = scratch_of(thread)->edge[e].r * scratch_of(thread)->edge[e].n[x] * scratch_of(thread)->Y[at];
      }
    block_couplings(ws, thread, t, block, scaled);
    aim_at_senders(ws, thread, 1 + x, t, n_edges);
    conv_paths_of_width(ws, thread, t, block, NULL, mid_adjoint);
  }
  block_couplings(ws, thread, t, block, scratch_of(thread)->Y);
}
