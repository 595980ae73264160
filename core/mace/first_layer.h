/* First layer's message, element-folded (prepared.h): radial sums B over neighbours of each element, then small
   products. scratch_of(thread)->sums holds B[present element][lm rows][K]: within an element, component lm of atom a is
   row l^2 n + a (2l+1) + m, so that each l is one matrix of n (2l+1) rows. */

#define MAX_RADIAL_VECTORS (640 / FTL_VECTOR_BYTES) /* K <= 65 hidden features, padded */

/* Values (and with derivative, d/dr) of the K radial functions at an edge. */
FTL_INLINE void radial_functions(const ftl_first_layer *first, const ftl_grid *grid, const ftl_edge *edge, int nv,
                                 bool derivative, vec *phi, vec *dphi) {
  const ftl_first_class *class_ = &first->class_[edge->class_];
  int n = grid->n_coefficients, pad = class_->pad;
  const real *c = (const real *)first->phi + class_->phi_offset + (size_t)edge->cell * (size_t)n * (size_t)pad;
  vec t = splat((real)edge->t), scale = splat((real)edge->slope);
  for (int v = 0; v < nv; v++) {
    vec f = load(c + (size_t)(n - 1) * (size_t)pad + v * LANES), d = (vec){0};
    for (int k = n - 2; k >= 0; k--) {
      if (derivative) d = d * t + f;
      f = f * t + load(c + (size_t)k * (size_t)pad + v * LANES);
    }
    phi[v] = f;
    if (derivative) dphi[v] = d * scale;
  }
}

/* Which elements are among the block's neighbours: slot[species] or -1; returns their number. */
static int present_elements(const ftl_workspace *ws, ftl_thread *thread, int n_edges, int *slot, int *element) {
  int n = 0;
  for (int z = 0; z < ws->model->n_species; z++) slot[z] = -1;
  for (int e = 0; e < n_edges; e++) {
    int z = ws->graph.species[scratch_of(thread)->edge[e].sender];
    if (slot[z] < 0) {
      slot[z] = n;
      element[n++] = z;
    }
  }
  return n;
}

static void first_message_forward(ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, real *message) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[0];
  const ftl_first_layer *first = &layer->first_layer;
  int n = block->n, n_sh = model->n_sh, *slot = scratch_of(thread)->slot_of_element,
      *element = scratch_of(thread)->element_of_slot;
  int n_present = present_elements(ws, thread, scratch_of(thread)->edge_start[n], slot, element);
  size_t slot_size = (size_t)(n_sh * FTL_BLOCK_ATOMS * first->max_pad);
  real *sums = scratch_of(thread)->sums;
  memset(sums, 0, (size_t)n_present * slot_size * sizeof(real));
  for (int a = 0; a < n; a++)
    for (int e = scratch_of(thread)->edge_start[a]; e < scratch_of(thread)->edge_start[a + 1]; e++) {
      const ftl_edge *edge = &scratch_of(thread)->edge[e];
      int pad = first->class_[edge->class_].pad, nv = pad / LANES;
      vec phi[MAX_RADIAL_VECTORS];
      radial_functions(first, &layer->grid, edge, nv, false, phi, NULL);
      real *b = sums + (size_t)slot[ws->graph.species[edge->sender]] * slot_size;
      const double *Y = scratch_of(thread)->Y + (size_t)e * FTL_MAX_SH;
      for (int l = 0; l <= model->lmax; l++)
        for (int m = 0; m < 2 * l + 1; m++) {
          real *row = b + (size_t)(l * l * n + a * (2 * l + 1) + m) * (size_t)pad;
          vec y = splat((real)Y[l * l + m]);
          for (int v = 0; v < nv; v++) store(row + v * LANES, load(row + v * LANES) + y * phi[v]);
        }
    }
  STAGE_DONE(thread, SUMS);
  memset(message, 0, (size_t)n * (size_t)layer->message.dim * sizeof(real));
  for (int p = 0; p < first->n_paths; p++) {
    int l = first->path_l[p];
    const ftl_layout_block *out = &layer->message.b[first->path_out[p]];
    for (int s = 0; s < n_present; s++) {
      int pair = block->species * model->n_species + element[s], pad = first->class_[model->pair_class[pair]].pad;
      gemm(n * (2 * l + 1), pad, out->pad, sums + (size_t)s * slot_size + (size_t)(l * l * n) * (size_t)pad,
           (size_t)pad, (const real *)first->v + first->v_offset[pair * first->n_paths + p],
           message + (size_t)n * (size_t)out->offset, (size_t)out->pad, true);
    }
  }
}

/* Edge forces from the message's adjoint (and the density's, per atom). */
static void first_message_reverse(ftl_workspace *ws, ftl_thread *thread, int sweep, const ftl_block *block,
                                  const real *message_adjoint, const double *density_adjoint) {
  const ftl_model *model = ws->model;
  const ftl_prepared_layer *layer = &model->layer[0];
  const ftl_first_layer *first = &layer->first_layer;
  int n = block->n, n_sh = model->n_sh, *slot = scratch_of(thread)->slot_of_element,
      *element = scratch_of(thread)->element_of_slot;
  int n_present = present_elements(ws, thread, scratch_of(thread)->edge_start[n], slot, element);
  size_t slot_size = (size_t)(n_sh * FTL_BLOCK_ATOMS * first->max_pad);
  real *sums = scratch_of(thread)->sums;
  memset(sums, 0, (size_t)n_present * slot_size * sizeof(real));
  for (int p = 0; p < first->n_paths; p++) {
    int l = first->path_l[p];
    const ftl_layout_block *out = &layer->message.b[first->path_out[p]];
    for (int s = 0; s < n_present; s++) {
      int pair = block->species * model->n_species + element[s], pad = first->class_[model->pair_class[pair]].pad;
      gemm(n * (2 * l + 1), out->mul, pad, message_adjoint + (size_t)n * (size_t)out->offset, (size_t)out->pad,
           (const real *)first->v_transpose + first->vt_offset[pair * first->n_paths + p],
           sums + (size_t)s * slot_size + (size_t)(l * l * n) * (size_t)pad, (size_t)pad, true);
    }
  }
  STAGE_DONE(thread, SUMS_LINEAR_REVERSE);
  for (int a = 0; a < n; a++)
    for (int e = scratch_of(thread)->edge_start[a]; e < scratch_of(thread)->edge_start[a + 1]; e++) {
      const ftl_edge *edge = &scratch_of(thread)->edge[e];
      int pad = first->class_[edge->class_].pad, nv = pad / LANES;
      vec phi[MAX_RADIAL_VECTORS], dphi[MAX_RADIAL_VECTORS], contracted[MAX_RADIAL_VECTORS];
      radial_functions(first, &layer->grid, edge, nv, true, phi, dphi);
      for (int v = 0; v < nv; v++) contracted[v] = (vec){0};
      const real *b = sums + (size_t)slot[ws->graph.species[edge->sender]] * slot_size;
      const double *Y = scratch_of(thread)->Y + (size_t)e * FTL_MAX_SH;
      double dY[FTL_MAX_SH];
      for (int l = 0; l <= model->lmax; l++)
        for (int m = 0; m < 2 * l + 1; m++) {
          const real *row = b + (size_t)(l * l * n + a * (2 * l + 1) + m) * (size_t)pad;
          vec y = splat((real)Y[l * l + m]), dy = {0};
          for (int v = 0; v < nv; v++) {
            vec w = load(row + v * LANES);
            dy += w * phi[v];
            contracted[v] += w * y;
          }
          dY[l * l + m] = (double)lane_sum(dy);
        }
      vec sum = {0};
      for (int v = 0; v < nv; v++) sum += contracted[v] * dphi[v];
      double dr = (double)lane_sum(sum);
      if (layer->density) {
        double slope;
        edge_density(layer, edge, &slope);
        dr += density_adjoint[a] * slope;
      }
      edge_gradient(ws, thread, sweep, ws->order[block->first + a], edge, dr, dY);
    }
}
