/* Edge geometry, always in double: distance, direction, grid cell, real spherical harmonics (e3nn's order, "component"
   normalisation, arguments as MACE passes them: the unit vector from sender to receiver, -r_ij / |r_ij|) and their
   reverse. */

#define SQRT3   1.7320508075688772
#define SQRT5   2.23606797749979
#define SQRT7   2.6457513110645907
#define SQRT5_6 0.9128709291752769 /* sqrt(5/6) */
#define SQRT3_8 0.6123724356957945 /* sqrt(3/8) */

static void spherical_harmonics(int lmax, double x, double y, double z, double *Y) {
  Y[0] = 1;
  if (lmax < 1) return;
  Y[1] = SQRT3 * x;
  Y[2] = SQRT3 * y;
  Y[3] = SQRT3 * z;
  if (lmax < 2) return;
  double x2z2 = x * x + z * z, y2 = y * y;
  double s20 = SQRT3 * x * z, s24 = 0.5 * SQRT3 * (z * z - x * x);
  Y[4] = SQRT5 * s20;
  Y[5] = SQRT5 * SQRT3 * x * y;
  Y[6] = SQRT5 * (y2 - 0.5 * x2z2);
  Y[7] = SQRT5 * SQRT3 * y * z;
  Y[8] = SQRT5 * s24;
  if (lmax < 3) return;
  Y[9] = SQRT7 * SQRT5_6 * (s20 * z + s24 * x);
  Y[10] = SQRT7 * SQRT5 * s20 * y;
  Y[11] = SQRT7 * SQRT3_8 * (4 * y2 - x2z2) * x;
  Y[12] = SQRT7 * 0.5 * y * (2 * y2 - 3 * x2z2);
  Y[13] = SQRT7 * SQRT3_8 * (4 * y2 - x2z2) * z;
  Y[14] = SQRT7 * SQRT5 * s24 * y;
  Y[15] = SQRT7 * SQRT5_6 * (s24 * z - s20 * x);
}

/* g = sum_lm dY[lm] * grad Y_lm as polynomials in x, y, z; the caller projects it on the sphere. */
static void spherical_harmonics_reverse(int lmax, double x, double y, double z, const double *dY, double g[3]) {
  double gx = 0, gy = 0, gz = 0;
  if (lmax >= 1) {
    gx += SQRT3 * dY[1];
    gy += SQRT3 * dY[2];
    gz += SQRT3 * dY[3];
  }
  if (lmax >= 2) {
    double a = SQRT5 * SQRT3;
    gx += a * (z * dY[4] + y * dY[5] - x * dY[8]) - SQRT5 * x * dY[6];
    gy += a * (x * dY[5] + z * dY[7]) + 2 * SQRT5 * y * dY[6];
    gz += a * (x * dY[4] + y * dY[7] + z * dY[8]) - SQRT5 * z * dY[6];
  }
  if (lmax >= 3) {
    double s20 = SQRT3 * x * z, s24 = 0.5 * SQRT3 * (z * z - x * x);
    double d9 = SQRT7 * SQRT5_6 * dY[9], d10 = SQRT7 * SQRT5 * dY[10], d11 = SQRT7 * SQRT3_8 * dY[11];
    double d12 = SQRT7 * dY[12], d13 = SQRT7 * SQRT3_8 * dY[13], d14 = SQRT7 * SQRT5 * dY[14],
           d15 = SQRT7 * SQRT5_6 * dY[15];
    gx += d9 * (SQRT3 * z * z + s24 - SQRT3 * x * x) + d10 * SQRT3 * z * y + d11 * (4 * y * y - 3 * x * x - z * z) -
          3 * d12 * x * y - 2 * d13 * x * z - d14 * SQRT3 * x * y - d15 * (2 * SQRT3 * x * z + s20);
    gy += d10 * s20 + 8 * d11 * x * y + d12 * (3 * y * y - 1.5 * (x * x + z * z)) + 8 * d13 * y * z + d14 * s24;
    gz += d9 * (2 * SQRT3 * x * z + s20) + d10 * SQRT3 * x * y - 2 * d11 * x * z - 3 * d12 * y * z +
          d13 * (4 * y * y - x * x - 3 * z * z) + d14 * SQRT3 * z * y + d15 * (SQRT3 * z * z + s24 - SQRT3 * x * x);
  }
  g[0] = gx;
  g[1] = gy;
  g[2] = gz;
}

/* Fills the thread's edge list with the edges of the block that are within the cutoff. */
static void block_edges(const ftl_workspace *ws, ftl_thread *thread, const ftl_block *block, const ftl_grid *grid) {
  const ftl_model *model = ws->model;
  const ftl_graph *graph = &ws->graph;
  double cutoff2 = model->arch.r_max * model->arch.r_max;
  int n = 0;
  for (int a = 0; a < block->n; a++) {
    int i = ws->order[block->first + a];
    thread->edge_start[a] = n;
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      const double *v = graph->vector[e];
      double r2 = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
      if (!(r2 < cutoff2)) continue;
      ftl_edge *edge = &thread->edge[n];
      double r = sqrt(r2);
      edge->index = e;
      edge->sender = graph->sender[e];
      edge->class_ = model->pair_class[block->species * model->n_species + graph->species[edge->sender]];
      edge->r = r;
      for (int x = 0; x < 3; x++) edge->n[x] = -v[x] / r;
      ftl_grid_locate(grid, r, &edge->cell, &edge->t, &edge->slope);
      spherical_harmonics(model->lmax, edge->n[0], edge->n[1], edge->n[2], thread->Y + (size_t)n * FTL_MAX_SH);
      n++;
    }
  }
  thread->edge_start[block->n] = n;
}

/* dE/dr_ij from dE/dr and dE/dY of one edge: n = -r_ij/r, dn/dr_ij = -(1 - n n^T)/r. Added to the edge's force. */
FTL_INLINE void edge_gradient(const ftl_model *model, const ftl_edge *edge, double dr, const double *dY,
                              double *force) {
  double g[3];
  spherical_harmonics_reverse(model->lmax, edge->n[0], edge->n[1], edge->n[2], dY, g);
  double along = g[0] * edge->n[0] + g[1] * edge->n[1] + g[2] * edge->n[2], inverse = 1 / edge->r;
  for (int x = 0; x < 3; x++) force[x] += -dr * edge->n[x] - (g[x] - along * edge->n[x]) * inverse;
}

/* The density an edge adds to its receiver, and its derivative by r. */
FTL_INLINE double edge_density(const ftl_prepared_layer *layer, const ftl_edge *edge, double *derivative) {
  size_t n = (size_t)layer->grid.n_coefficients;
  const double *c = layer->density + ((size_t)edge->class_ * (size_t)layer->grid.n_cells + (size_t)edge->cell) * n;
  double v = 0, d = 0;
  for (size_t k = n; k-- > 0;) {
    d = d * edge->t + v;
    v = v * edge->t + c[k];
  }
  *derivative = d * edge->slope;
  return v;
}
