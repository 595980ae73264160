/* Edges, pairs, harmonics and radial basis of a structure; their derivatives along the direction; forces. Geometry is
   in double whatever the number type. */

static ftl_status sort_atoms(ftl_sweep *sweep, ftl_error *error) {
  const ftl_graph *graph = sweep->graph;
  int n = sweep->n, n_elements = sweep->network->arch->n_elements;
  sweep->geometry.order = take_bytes(sweep, (size_t)n * sizeof(int));
  sweep->geometry.sorted = take_bytes(sweep, (size_t)n * sizeof(int));
  sweep->geometry.species = take_bytes(sweep, (size_t)n * sizeof(int));
  if (!sweep->geometry.order || !sweep->geometry.sorted || !sweep->geometry.species) return out_of_memory(sweep, error);
  int a = 0;
  for (int z = 0; z < n_elements; z++) {
    sweep->geometry.species_start[z] = a;
    for (int i = 0; i < n; i++)
      if (graph->species[i] == z) {
        sweep->geometry.order[a] = i;
        sweep->geometry.species[a] = z;
        sweep->geometry.sorted[i] = a++;
      }
  }
  sweep->geometry.species_start[n_elements] = a;
  if (a < n) return ftl_fail(error, FTL_ERR_INPUT, "", "an atom has no element of the model");
  return FTL_OK;
}

/* Edges as they are found, of one receiver after the other. */
typedef struct {
  edge *edge;
  double *length;
  int *first_of; /* [n + 1] */
} found_edges;

/* The edge j <- i that is the reverse of an edge i <- j: same images, opposite vector to the bit, as
   ftl_neighbours_build makes them. -1: none. */
static int reverse_edge(const ftl_sweep *sweep, const found_edges *found, const edge *this) {
  const double *v = sweep->graph->vector[this->index];
  for (int f = found->first_of[this->sender]; f < found->first_of[this->sender + 1]; f++) {
    const double *u = sweep->graph->vector[found->edge[f].index];
    if (found->edge[f].sender == this->receiver && u[0] == -v[0] && u[1] == -v[1] && u[2] == -v[2]) return f;
  }
  return -1;
}

static bool is_symmetric(const ftl_network *network) {
  for (int t = 0; t < network->arch->n_layers; t++)
    if (network->layer[t].n_embedding) return false;
  return true;
}

/* Makes the pairs, and puts their edges one after the other. */
static void join_pairs(ftl_sweep *sweep, const found_edges *found) {
  const bool symmetric = is_symmetric(sweep->network);
  geometry *all = &sweep->geometry;
  int n = 0;
  for (int e = 0; e < all->n_edges; e++) {
    edge *this = &found->edge[e];
    if (this->pair >= 0) continue;
    const int other = symmetric ? reverse_edge(sweep, found, this) : -1;
    const bool joined = other >= 0 && other != e && found->edge[other].pair < 0;
    this->pair = all->n_pairs;
    if (joined) found->edge[other].pair = all->n_pairs;
    all->pair[all->n_pairs++] = (pair){.i = all->species[this->receiver],
                                       .j = all->species[this->sender],
                                       .r = found->length[e],
                                       .first_edge = n,
                                       .n_edges = joined ? 2 : 1};
    all->edge[n++] = *this;
    if (joined) all->edge[n++] = found->edge[other];
  }
}

static ftl_status find_edges(ftl_sweep *sweep, ftl_error *error) {
  const ftl_graph *graph = sweep->graph;
  const size_t most = (size_t)graph->first_edge[sweep->n];
  found_edges found = {ftl_arena_take_dirty(&sweep->memory, most, sizeof(edge)),
                       ftl_arena_take_dirty(&sweep->memory, most, sizeof(double)),
                       ftl_arena_take_dirty(&sweep->memory, (size_t)sweep->n + 1, sizeof(int))};
  sweep->geometry.edge = take_bytes(sweep, most * sizeof(edge));
  sweep->geometry.pair = take_bytes(sweep, most * sizeof(pair));
  if (!found.edge || !found.length || !found.first_of || !sweep->geometry.edge || !sweep->geometry.pair)
    return out_of_memory(sweep, error);
  int n = 0;
  for (int a = 0; a < sweep->n; a++) {
    int i = sweep->geometry.order[a];
    found.first_of[a] = n;
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      const double *v = graph->vector[e];
      double r = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      if (!(r > 0) || !isfinite(r))
        return ftl_fail(error, FTL_ERR_INPUT, "", "atoms %d and %d are in one place, or have no finite distance", i,
                        graph->sender[e]);
      if (r >= sweep->network->arch->r_max) continue;
      found.edge[n] = (edge){a, sweep->geometry.sorted[graph->sender[e]], -1, {-v[0] / r, -v[1] / r, -v[2] / r}, e};
      found.length[n++] = r;
    }
  }
  found.first_of[sweep->n] = sweep->geometry.n_edges = n;
  sweep->geometry.n_pairs = 0;
  join_pairs(sweep, &found);
  return FTL_OK;
}

static void edge_harmonics(ftl_sweep *sweep, int e) {
  int n_sh = sweep->network->n_sh, l_max = sweep->network->l_max;
  const edge *this = &sweep->geometry.edge[e];
  const double length = sweep->network->arch->nequip.raw_harmonics ? sweep->geometry.pair[this->pair].r : 1;
  const double d[3] = {length * this->direction[0], length * this->direction[1], length * this->direction[2]};
  double y[FTL_MAX_SH], unit[FTL_MAX_SH] = {0};
  spherical_harmonics(l_max, d[0], d[1], d[2], y);
  for (int k = 0; k < n_sh; k++) {
    size_t at = (size_t)e * (size_t)n_sh + (size_t)k;
    sweep->geometry.y.x[at] = (real)y[k];
    unit[k] = 1;
    spherical_harmonics_reverse(l_max, d[0], d[1], d[2], unit, sweep->geometry.gradient_y + 3 * at);
    unit[k] = 0;
  }
}

#define MAX_BASIS 1024 /* ftl_source_check allows no more */

static void pair_basis(ftl_sweep *sweep, int p) {
  const ftl_network *network = sweep->network;
  const ftl_architecture *arch = network->arch;
  pair *this = &sweep->geometry.pair[p];
  int n = network->n_basis;
  double b[MAX_BASIS], b_by_r[MAX_BASIS];
  this->cutoff = ftl_edge_basis_at(&network->basis, this->i, this->j, this->r, b, b_by_r, &this->cutoff_by_r);
  for (int k = 0; k < n; k++) {
    size_t at = (size_t)p * (size_t)n + (size_t)k;
    sweep->geometry.basis.x[at] = (real)b[k];
    sweep->geometry.basis_by_r[at] = (real)b_by_r[k];
  }
  if (arch->pair_repulsion)
    this->zbl = ftl_zbl(network->zbl + 4 * (this->i * arch->n_elements + this->j), network->zbl_c, network->zbl_p,
                        this->r, &this->zbl_by_r);
}

static ftl_status geometry_forward(ftl_sweep *sweep, ftl_error *error) {
  const ftl_network *network = sweep->network;
  FTL_TRY(sort_atoms(sweep, error));
  FTL_TRY(find_edges(sweep, error));
  size_t n_y = (size_t)sweep->geometry.n_edges * (size_t)network->n_sh,
         n_b = (size_t)sweep->geometry.n_pairs * (size_t)network->n_basis;
  sweep->geometry.gradient_y = take_bytes(sweep, (3 * n_y + 3) * sizeof(double));
  sweep->geometry.basis_by_r = take(sweep, n_b);
  if (!take_value(sweep, &sweep->geometry.y, n_y) || !take_value(sweep, &sweep->geometry.basis, n_b) ||
      !sweep->geometry.gradient_y || !sweep->geometry.basis_by_r)
    return out_of_memory(sweep, error);
  for (int e = 0; e < sweep->geometry.n_edges; e++) edge_harmonics(sweep, e);
  for (int p = 0; p < sweep->geometry.n_pairs; p++) pair_basis(sweep, p);
  return FTL_OK;
}

/* A derivative of Y to that by the vector from sender to receiver: (1 - direction direction^T)/r of it, or, where the
   harmonics are those of the vector, itself. In place. */
static void to_vector(const ftl_sweep *sweep, const edge *this, double g[3]) {
  if (sweep->network->arch->nequip.raw_harmonics) return;
  const double *u = this->direction, r = sweep->geometry.pair[this->pair].r;
  const double along = g[0] * u[0] + g[1] * u[1] + g[2] * u[2];
  for (int x = 0; x < 3; x++) g[x] = (g[x] - along * u[x]) / r;
}

/* What slices of pairs and of their edges share. */
typedef struct geometry_work geometry_work;
struct geometry_work {
  ftl_sweep *sweep;
  void (*each)(const geometry_work *work, int p);
  const double (*w)[3], (*V)[3]; /* of the tangent sweep */
  double (*d)[3];                /* [edge] dE/dr_ij, of the reverse sweep */
  int n_slices;
};

static void pairs_slice(void *shared, int slice) {
  const geometry_work *work = shared;
  const int n = work->sweep->geometry.n_pairs, end = slice_start(n, slice + 1, work->n_slices);
  for (int p = slice_start(n, slice, work->n_slices); p < end; p++) work->each(work, p);
}
static void share_each_pair(geometry_work *work) {
  work->n_slices = slices_of(work->sweep->geometry.n_pairs, 128, 16);
  share(work->sweep, work->n_slices, pairs_slice, work);
}

static void reverse_pair(const geometry_work *work, int p) {
  ftl_sweep *sweep = work->sweep;
  const int n_basis = sweep->network->n_basis, n_sh = sweep->network->n_sh;
  pair *this = &sweep->geometry.pair[p];
  for (int k = 0; k < n_basis; k++) {
    size_t at = (size_t)p * (size_t)n_basis + (size_t)k;
    this->r_bar += (double)sweep->geometry.basis.bar[at] * (double)sweep->geometry.basis_by_r[at];
  }
  for (int e = this->first_edge; e < this->first_edge + this->n_edges; e++) {
    const edge *own = &sweep->geometry.edge[e];
    double g[3] = {0, 0, 0};
    for (int k = 0; k < n_sh; k++)
      for (int x = 0; x < 3; x++) {
        size_t at = (size_t)e * (size_t)n_sh + (size_t)k;
        g[x] += (double)sweep->geometry.y.bar[at] * sweep->geometry.gradient_y[3 * at + (size_t)x];
      }
    to_vector(sweep, own, g);
    for (int x = 0; x < 3; x++) work->d[e][x] = -this->r_bar / this->n_edges * own->direction[x] - g[x];
  }
}

/* r_bar of the pairs and y.bar of the edges to dE/dr_ij, forces, virial. The direction is from sender to receiver. */
static bool geometry_reverse(ftl_sweep *sweep, double virial[3][3]) {
  geometry_work work = {.sweep = sweep, .each = reverse_pair};
  work.d = ftl_arena_take_dirty(&sweep->memory, (size_t)sweep->geometry.n_edges, sizeof *work.d);
  if (!work.d) return false;
  memset(sweep->forces, 0, (size_t)sweep->n * sizeof *sweep->forces);
  memset(virial, 0, 9 * sizeof(double));
  share_each_pair(&work);
  for (int e = 0; e < sweep->geometry.n_edges; e++) {
    const edge *this = &sweep->geometry.edge[e];
    const double *v = sweep->graph->vector[this->index], *d = work.d[e];
    for (int x = 0; x < 3; x++) {
      sweep->forces[sweep->geometry.order[this->receiver]][x] += d[x];
      sweep->forces[sweep->geometry.order[this->sender]][x] -= d[x];
    }
    for (int x = 0; x < 3; x++)
      for (int y = 0; y < 3; y++) virial[x][y] -= v[x] * d[y];
  }
  return true;
}

static void tangent_pair(const geometry_work *work, int p) {
  ftl_sweep *sweep = work->sweep;
  const int n_basis = sweep->network->n_basis, n_sh = sweep->network->n_sh;
  pair *this = &sweep->geometry.pair[p];
  for (int e = this->first_edge; e < this->first_edge + this->n_edges; e++) {
    const edge *own = &sweep->geometry.edge[e];
    const double *u = own->direction, *v = sweep->graph->vector[own->index];
    const int i = sweep->geometry.order[own->receiver], j = sweep->geometry.order[own->sender];
    double r_dot[3] = {0, 0, 0}, along = 0;
    for (int x = 0; x < 3; x++) {
      if (work->w) r_dot[x] += work->w[i][x] - work->w[j][x];
      if (work->V) r_dot[x] -= work->V[0][x] * v[0] + work->V[1][x] * v[1] + work->V[2][x] * v[2];
      along += u[x] * r_dot[x];
    }
    this->r_dot = -along; /* the same for the reverse edge */
    to_vector(sweep, own, r_dot);
    for (int k = 0; k < n_sh; k++) {
      size_t at = (size_t)e * (size_t)n_sh + (size_t)k;
      double sum = 0;
      for (int x = 0; x < 3; x++) sum -= sweep->geometry.gradient_y[3 * at + (size_t)x] * r_dot[x];
      sweep->geometry.y.dot[at] = (real)sum;
    }
  }
  for (int k = 0; k < n_basis; k++) {
    size_t at = (size_t)p * (size_t)n_basis + (size_t)k;
    sweep->geometry.basis.dot[at] = (real)((double)sweep->geometry.basis_by_r[at] * this->r_dot);
  }
}

/* Along the direction rdot_ij = w_i - w_j - V^T r_ij, in which dE/d(direction) = sum w F + sum V W. */
static bool geometry_tangent(ftl_sweep *sweep, const double (*w)[3], const double (*V)[3]) {
  const ftl_network *network = sweep->network;
  geometry_work work = {.sweep = sweep, .each = tangent_pair, .w = w, .V = V};
  sweep->geometry.y.dot = take(sweep, (size_t)sweep->geometry.n_edges * (size_t)network->n_sh);
  sweep->geometry.basis.dot = take(sweep, (size_t)sweep->geometry.n_pairs * (size_t)network->n_basis);
  if (!sweep->geometry.y.dot || !sweep->geometry.basis.dot) return false;
  share_each_pair(&work);
  return true;
}

/* Weights of the basis that are trained. */
static void basis_gradient(ftl_sweep *sweep) {
  const ftl_network *network = sweep->network;
  double by_weight[MAX_BASIS], by_weight_and_r[MAX_BASIS], sum[MAX_BASIS] = {0};
  for (int p = 0; p < sweep->geometry.n_pairs; p++) {
    const pair *this = &sweep->geometry.pair[p];
    const size_t at = (size_t)p * (size_t)network->n_basis;
    ftl_edge_basis_by_weight(&network->basis, this->i, this->j, this->r, by_weight, by_weight_and_r);
    for (int k = 0; k < network->n_basis; k++)
      sum[k] += (double)sweep->geometry.basis.til[at + (size_t)k] * by_weight[k] +
                (double)sweep->geometry.basis.bar[at + (size_t)k] * by_weight_and_r[k] * this->r_dot;
  }
  for (int k = 0; k < network->n_basis; k++) sweep->parameter_gradient[network->bessel + k] += (real)sum[k];
}
