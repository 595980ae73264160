/* First layer's message, element-folded (prepared.h): radial sums B over neighbours of each element, then small
   products. scratch_of(thread)->sums holds B[present element][lm rows][K] of some n atoms of the block: within an
   element, component lm of the a'th of them is row l^2 n + a (2l+1) + m, so that each l is one matrix of n (2l+1) rows.
   Models of few channels sum functions of paths and channels instead. */

#define MAX_RADIAL_VECTORS (640 / FTL_VECTOR_BYTES) /* K <= 65 hidden features, padded */

#define EDGE_TILE 32 /* edges whose radial functions are held at once: they and the sums stay in the L1 cache */

/* The K radial functions of an edge: [coefficient][vector]. */
static const real *functions_of(const ftl_first_layer *first, const ftl_edge *edge) {
  const ftl_first_class *class_ = &first->class_[edge->class_];
  return (const real *)first->phi + class_->phi_offset + (size_t)(edge->cell * N_COEFFICIENTS) * (size_t)class_->pad;
}

/* Calls BODY(n, first vector) for constants n that make up nv. */
#define BY_VECTORS(nv, BODY)                                                                                           \
  do {                                                                                                                 \
    int first_vector = 0;                                                                                              \
    for (; first_vector + 4 <= (nv); first_vector += 4) BODY(4, first_vector);                                         \
    for (; first_vector < (nv); first_vector++) BODY(1, first_vector);                                                 \
  } while (0)

/* Which elements are among the neighbours of atoms begin .. end - 1: slot[species] or -1; returns their number. */
static int present_elements(const ftl_workspace *ws, ftl_thread *thread, int begin, int end, int *slot, int *element) {
  const int *start = scratch_of(thread)->edge_start;
  int n = 0;
  for (int z = 0; z < ws->model->n_species; z++) slot[z] = -1;
  for (int e = start[begin]; e < start[end]; e++) {
    int z = ws->graph.species[scratch_of(thread)->edge[e].sender];
    if (slot[z] < 0) {
      slot[z] = n;
      element[n++] = z;
    }
  }
  return n;
}

/* n of the nv radial functions of edge number `held` of a tile, in panels as gemm() takes them. */
FTL_INLINE void hold_functions(int n, int nv, int first, int held, const real *c, vec t, real *phi) {
  const int panel = first / FTL_PANEL_VECTORS * FTL_PANEL_VECTORS, left = nv - panel;
  const int width = left < FTL_PANEL_VECTORS ? left : FTL_PANEL_VECTORS;
  vec value[4];
  radial_values(n, nv, c + first * LANES, t, value);
  for (int v = 0; v < n; v++) store(phi + (panel * EDGE_TILE + held * width + first - panel + v) * LANES, value[v]);
}

/* B of an atom, the a'th of n, over its neighbours of an element: a product (harmonics) x (radial functions), whose
   sums stay in registers. */
static void sum_neighbours(const ftl_workspace *ws, ftl_thread *thread, int atom, int a, int n, int element,
                           int receiver, real *sums) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[0];
  const int n_sh = model->n_sh, end = scratch_of(thread)->edge_start[atom + 1];
  const int pad = layer->first_layer.class_[model->pair_class[receiver * model->n_species + element]].pad;
  const int nv = pad / LANES;
  real Y[FTL_MAX_SH * EDGE_TILE], phi[EDGE_TILE * MAX_RADIAL_VECTORS * LANES] __attribute__((aligned(64))),
      B[FTL_MAX_SH * MAX_RADIAL_VECTORS * LANES] __attribute__((aligned(64)));
  bool some = false;
  for (int e = scratch_of(thread)->edge_start[atom]; e < end || !some;) {
    int held = 0;
    for (; e < end && held < EDGE_TILE; e++) {
      const ftl_edge *edge = &scratch_of(thread)->edge[e];
      if (ws->graph.species[edge->sender] != element) continue;
      const real *c = functions_of(&layer->first_layer, edge);
      const vec t = splat((real)edge->t);
#define HOLD(n, first) hold_functions(n, nv, first, held, c, t, phi)
      BY_VECTORS(nv, HOLD);
#undef HOLD
      const double *y = scratch_of(thread)->Y + (size_t)e * FTL_MAX_SH;
      for (int lm = 0; lm < n_sh; lm++) Y[lm * EDGE_TILE + held] = (real)y[lm];
      held++;
    }
    for (int v = 0; v < nv; v += FTL_PANEL_VECTORS)
      gemm(n_sh, held, (nv - v < FTL_PANEL_VECTORS ? nv - v : FTL_PANEL_VECTORS) * LANES, Y, EDGE_TILE,
           phi + v * EDGE_TILE * LANES, B + v * LANES, (size_t)pad, some);
    some = true;
  }
  for (int l = 0; l <= model->lmax; l++)
    memcpy(sums + (size_t)(l * l * n + a * (2 * l + 1)) * (size_t)pad, B + (size_t)(l * l) * (size_t)pad,
           (size_t)(2 * l + 1) * (size_t)pad * sizeof(real));
}

/* Of atoms begin .. end - 1, as many as leave their sums of all elements in cache. */
static void folded_forward(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, int begin, int end,
                           real *message) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[0];
  const ftl_first_layer *first = &layer->first_layer;
  int n = end - begin, n_sh = model->n_sh, *slot = scratch_of(thread)->slot_of_element,
      *element = scratch_of(thread)->element_of_slot;
  int n_present = present_elements(ws, thread, begin, end, slot, element);
  size_t slot_size = (size_t)(n_sh * FTL_BLOCK_ATOMS * first->max_pad);
  real *sums = scratch_of(thread)->sums;
  for (int a = 0; a < n; a++)
    for (int z = 0; z < n_present; z++)
      sum_neighbours(ws, thread, begin + a, a, n, element[z], block->species, sums + (size_t)z * slot_size);
  STAGE_DONE(thread, SUMS);
  for (int p = 0; p < first->n_paths; p++) {
    int l = first->path_l[p];
    const ftl_layout_block *out = &layer->message.b[first->path_out[p]];
    for (int s = 0; s < n_present; s++) {
      int pair = block->species * model->n_species + element[s], pad = first->class_[model->pair_class[pair]].pad;
      gemm(n * (2 * l + 1), pad, out->pad, sums + (size_t)s * slot_size + (size_t)(l * l * n) * (size_t)pad,
           (size_t)pad, (const real *)first->v + first->v_offset[pair * first->n_paths + p],
           message + (size_t)block->n * (size_t)out->offset + (size_t)(begin * out->d * out->pad), (size_t)out->pad,
           true);
    }
  }
  STAGE_DONE(thread, SUMS_LINEAR);
}

/* Adds what n of an edge's nv radial functions give to dE/dY (parts, by lanes), and returns their part of dE/dt, from
   the adjoint b of the sums of atom a of n_atoms. */
FTL_INLINE vec edge_slopes(int n, int nv, int lmax, int a, int n_atoms, const real *b, const real *c, double t,
                           const double *Y, vec *parts) {
  vec phi[4], dphi[4], contracted[4], along = {0};
  radial_slopes(n, nv, c, splat((real)t), phi, dphi);
  for (int v = 0; v < n; v++) contracted[v] = (vec){0};
  for (int l = 0; l <= lmax; l++)
    for (int m = 0; m < 2 * l + 1; m++) {
      const real *row = b + (size_t)(l * l * n_atoms + a * (2 * l + 1) + m) * (size_t)(nv * LANES);
      const vec y = splat((real)Y[l * l + m]);
      vec dy = parts[l * l + m];
      for (int v = 0; v < n; v++) {
        const vec w = load(row + v * LANES);
        dy += w * phi[v];
        contracted[v] += w * y;
      }
      parts[l * l + m] = dy;
    }
  for (int v = 0; v < n; v++) along += contracted[v] * dphi[v];
  return along;
}

/* dE/dY and dE/dt of the edges of atoms begin .. end - 1 from the message's adjoint. */
static void folded_reverse(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, int begin, int end,
                           const real *message_adjoint) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[0];
  const ftl_first_layer *first = &layer->first_layer;
  int n = end - begin, n_sh = model->n_sh, *slot = scratch_of(thread)->slot_of_element,
      *element = scratch_of(thread)->element_of_slot;
  int n_present = present_elements(ws, thread, begin, end, slot, element);
  size_t slot_size = (size_t)(n_sh * FTL_BLOCK_ATOMS * first->max_pad);
  real *sums = scratch_of(thread)->sums;
  memset(sums, 0, (size_t)n_present * slot_size * sizeof(real));
  for (int p = 0; p < first->n_paths; p++) {
    int l = first->path_l[p];
    const ftl_layout_block *out = &layer->message.b[first->path_out[p]];
    for (int s = 0; s < n_present; s++) {
      int pair = block->species * model->n_species + element[s], pad = first->class_[model->pair_class[pair]].pad;
      gemm(n * (2 * l + 1), out->mul, pad,
           message_adjoint + (size_t)block->n * (size_t)out->offset + (size_t)(begin * out->d * out->pad),
           (size_t)out->pad, (const real *)first->v_transpose + first->vt_offset[pair * first->n_paths + p],
           sums + (size_t)s * slot_size + (size_t)(l * l * n) * (size_t)pad, (size_t)pad, true);
    }
  }
  STAGE_DONE(thread, SUMS_LINEAR_REVERSE);
  for (int a = 0; a < n; a++)
    for (int e = scratch_of(thread)->edge_start[begin + a]; e < scratch_of(thread)->edge_start[begin + a + 1]; e++) {
      const ftl_edge *edge = &scratch_of(thread)->edge[e];
      const int pad = first->class_[edge->class_].pad, nv = pad / LANES;
      const real *b = sums + (size_t)slot[ws->graph.species[edge->sender]] * slot_size, *c = functions_of(first, edge);
      const double *Y = scratch_of(thread)->Y + (size_t)e * FTL_MAX_SH;
      vec parts[FTL_MAX_SH], along = {0};
      for (int q = 0; q < FTL_MAX_SH; q++) parts[q] = (vec){0};
#define SLOPES(n_vectors, v)                                                                                           \
  along += edge_slopes(n_vectors, nv, model->lmax, a, n, b + (v)*LANES, c + (v)*LANES, edge->t, Y, parts)
      BY_VECTORS(nv, SLOPES);
#undef SLOPES
      real sums_of_parts[FTL_MAX_SH] __attribute__((aligned(FTL_VECTOR_BYTES)));
      lane_sums(FTL_MAX_SH, parts, sums_of_parts);
      for (int q = 0; q < n_sh; q++)
        scratch_of(thread)->dY[(size_t)e * FTL_MAX_SH + (size_t)q] = (double)sums_of_parts[q];
      scratch_of(thread)->dr[e] = (double)lane_sum(along);
    }
  STAGE_DONE(thread, SUMS_REVERSE);
}

/* ---- for few channels: functions of paths and channels ---- */

/* Where a path's table of an edge begins, and what is wanted of it: n vectors from `first` of the `row` of a
 * coefficient.
 */
typedef struct {
  int atom, l, first, row;
  size_t path; /* of numbers before it in a cell */
  const size_t *pair;
} channel_task;

FTL_INLINE const real *channel_functions(const ftl_workspace *ws, const ftl_edge *edge, const channel_task *task) {
  const ftl_first_layer *layer = &ws->model->layer[0].first_layer;
  return (const real *)layer->by_channel + task->pair[ws->graph.species[edge->sender]] +
         (size_t)(edge->cell * N_COEFFICIENTS) * (size_t)layer->by_channel_width + task->path +
         (size_t)(task->first * LANES);
}

/* An atom's message of one path, 2l + 1 = d: A = sum_j Y R. */
FTL_INLINE void channel_sums(int d, int n, const ftl_workspace *ws, ftl_thread *thread, const channel_task *task,
                             real *A) {
  vec sum[MAX_D][2], R[2];
  for (int m = 0; m < d; m++)
    for (int v = 0; v < n; v++) sum[m][v] = (vec){0};
  for (int e = scratch_of(thread)->edge_start[task->atom]; e < scratch_of(thread)->edge_start[task->atom + 1]; e++) {
    const ftl_edge *edge = &scratch_of(thread)->edge[e];
    const double *Y = scratch_of(thread)->Y + (size_t)e * FTL_MAX_SH + task->l * task->l;
    radial_values(n, task->row, channel_functions(ws, edge, task), splat((real)edge->t), R);
    for (int m = 0; m < d; m++) {
      const vec y = splat((real)Y[m]);
      for (int v = 0; v < n; v++) sum[m][v] += y * R[v];
    }
  }
  for (int m = 0; m < d; m++)
    for (int v = 0; v < n; v++) store(A + (m * task->row + v) * LANES, sum[m][v]);
}

/* Adds to the edges' dE/dY and dE/dt. */
FTL_INLINE void channel_slopes(int d, int n, const ftl_workspace *ws, ftl_thread *thread, const channel_task *task,
                               const real *dA) {
  vec g[MAX_D][2], R[2], dR[2];
  for (int m = 0; m < d; m++)
    for (int v = 0; v < n; v++) g[m][v] = load(dA + (m * task->row + v) * LANES);
  for (int e = scratch_of(thread)->edge_start[task->atom]; e < scratch_of(thread)->edge_start[task->atom + 1]; e++) {
    const ftl_edge *edge = &scratch_of(thread)->edge[e];
    const size_t at = (size_t)e * FTL_MAX_SH + (size_t)(task->l * task->l);
    vec part[MAX_D + 1], contracted[2] = {{0}, {0}};
    real sums[MAX_D + LANES] __attribute__((aligned(FTL_VECTOR_BYTES)));
    radial_slopes(n, task->row, channel_functions(ws, edge, task), splat((real)edge->t), R, dR);
    for (int m = 0; m < d; m++) {
      const vec y = splat((real)scratch_of(thread)->Y[at + (size_t)m]);
      part[m] = g[m][0] * R[0];
      for (int v = 1; v < n; v++) part[m] += g[m][v] * R[v];
      for (int v = 0; v < n; v++) contracted[v] += y * g[m][v];
    }
    part[d] = contracted[0] * dR[0];
    for (int v = 1; v < n; v++) part[d] += contracted[v] * dR[v];
    lane_sums(d + 1, part, sums);
    for (int m = 0; m < d; m++) scratch_of(thread)->dY[at + (size_t)m] += (double)sums[m];
    scratch_of(thread)->dr[e] += (double)sums[d];
  }
}

FTL_INLINE void channel_path(int d, int n, const ftl_workspace *ws, ftl_thread *thread, const channel_task *task,
                             real *A, const real *dA) {
  if (dA) channel_slopes(d, n, ws, thread, task, dA + task->first * LANES);
  else channel_sums(d, n, ws, thread, task, A + task->first * LANES);
}

FTL_INLINE void channel_path_of(int d, const ftl_workspace *ws, ftl_thread *thread, channel_task *task, real *A,
                                const real *dA) {
  for (task->first = 0; task->first + 2 <= task->row; task->first += 2) channel_path(d, 2, ws, thread, task, A, dA);
  for (; task->first < task->row; task->first++) channel_path(d, 1, ws, thread, task, A, dA);
}

/* All atoms and paths: forward into the message, or with its adjoint backward from it. */
static void by_channel(const ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, real *message,
                       const real *adjoint) {
  const ftl_prepared_layer *layer = &ws->model->layer[0];
  const ftl_first_layer *first = &layer->first_layer;
  for (int a = 0; a < block->n; a++) {
    channel_task task = {.atom = a, .pair = first->by_channel_offset + block->species * ws->model->n_species};
    for (int p = 0; p < first->n_paths; p++) {
      const ftl_layout_block *out = &layer->message.b[first->path_out[p]];
      const size_t at = (size_t)block->n * (size_t)out->offset + (size_t)(a * out->d * out->pad);
      real *A = message ? message + at : NULL;
      const real *dA = adjoint ? adjoint + at : NULL;
      task.l = first->path_l[p];
      task.row = out->pad / LANES;
      if (task.l == 0) channel_path_of(1, ws, thread, &task, A, dA);
      else if (task.l == 1) channel_path_of(3, ws, thread, &task, A, dA);
      else if (task.l == 2) channel_path_of(5, ws, thread, &task, A, dA);
      else channel_path_of(7, ws, thread, &task, A, dA);
      task.path += (size_t)(N_COEFFICIENTS * out->pad);
    }
  }
}

/* ---- either way ---- */

static void first_message_forward(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, real *message) {
  const ftl_prepared_layer *layer = &ws->model->layer[0];
  memset(message, 0, (size_t)block->n * (size_t)layer->message.dim * sizeof(real));
  if (!layer->first_layer.by_channel) {
    FOR_SOME_ATOMS(block->n, begin, end) { folded_forward(ws, thread, block, begin, end, message); }
    return;
  }
  by_channel(ws, thread, block, message, NULL);
  STAGE_DONE(thread, SUMS);
}

/* Edge forces from the message's adjoint (and the density's, per atom). */
static void first_message_reverse(ftl_workspace *ws, ftl_thread *thread, int sweep, const ftl_block *block,
                                  const real *message_adjoint, const double *density_adjoint) {
  const ftl_prepared_layer *layer = &ws->model->layer[0];
  if (layer->first_layer.by_channel) {
    const size_t n_edges = (size_t)scratch_of(thread)->edge_start[block->n];
    if (n_edges == 0) return; /* there may be no buffers */
    memset(scratch_of(thread)->dr, 0, n_edges * sizeof(double));
    memset(scratch_of(thread)->dY, 0, n_edges * FTL_MAX_SH * sizeof(double));
    by_channel(ws, thread, block, NULL, message_adjoint);
  } else {
    FOR_SOME_ATOMS(block->n, begin, end) { folded_reverse(ws, thread, block, begin, end, message_adjoint); }
  }
  edge_gradients(ws, thread, sweep, layer, block, density_adjoint);
}
