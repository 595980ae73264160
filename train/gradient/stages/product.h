/* The symmetric contraction, MACE (10) and (11), as polynomials over tries: PRODUCT_LANES channels of one atom at a
   time.

   A node q of depth d has the index i and value q = C + sum over children of A_child q_child; the output is the sum of
   A_i q over the nodes of depth 0. With p the product of the A's above it, the derivative of the output by A_i of the
   node's index gets p q from every node. */

typedef real lanes[PRODUCT_LANES] __attribute__((aligned(64)));

typedef struct {
  const ftl_product *product;
  const ftl_product_output *output;
  const real *coefficient;                    /* [node][PRODUCT_LANES] of this output, chunk and set */
  real *d_coefficient;                        /* likewise; NULL: not wanted */
  lanes a[FTL_MAX_SH], a_dot[FTL_MAX_SH];     /* [component] */
  lanes a_bar[FTL_MAX_SH], a_til[FTL_MAX_SH]; /* added to */
  lanes g, g_til;                             /* adjoints of the output */
} contraction;

static int child_end(const ftl_product_output *output, int depth, int node) {
  const ftl_trie_level *level = &output->terms.level[depth];
  if (node + 1 < level->n) return level->first[node + 1];
  return depth + 1 < FTL_MAX_BODY ? output->terms.level[depth + 1].n : 0;
}
static bool has_children(const ftl_product_output *output, int depth) {
  return depth + 1 < FTL_MAX_BODY && depth + 1 < output->n_depth;
}

static void node_value(const contraction *c, int depth, int node, real *restrict q) {
  const ftl_trie_level *level = &c->output->terms.level[depth];
  const real *C = c->coefficient + (size_t)(c->output->first_node[depth] + node) * PRODUCT_LANES;
  for (int k = 0; k < PRODUCT_LANES; k++) q[k] = C[k];
  if (!has_children(c->output, depth)) return;
  int end = child_end(c->output, depth, node);
  for (int child = level->first[node]; child < end; child++) {
    lanes below;
    node_value(c, depth + 1, child, below);
    const real *a = c->a[c->output->terms.level[depth + 1].index[child]];
    for (int k = 0; k < PRODUCT_LANES; k++) q[k] += a[k] * below[k];
  }
}

static void node_tangent(const contraction *c, int depth, int node, real *restrict q, real *restrict q_dot) {
  const ftl_trie_level *level = &c->output->terms.level[depth];
  const real *C = c->coefficient + (size_t)(c->output->first_node[depth] + node) * PRODUCT_LANES;
  for (int k = 0; k < PRODUCT_LANES; k++) q[k] = C[k], q_dot[k] = 0;
  if (!has_children(c->output, depth)) return;
  int end = child_end(c->output, depth, node);
  for (int child = level->first[node]; child < end; child++) {
    lanes below, below_dot;
    node_tangent(c, depth + 1, child, below, below_dot);
    int i = c->output->terms.level[depth + 1].index[child];
    const real *a = c->a[i], *a_dot = c->a_dot[i];
    for (int k = 0; k < PRODUCT_LANES; k++) {
      q[k] += a[k] * below[k];
      q_dot[k] += a_dot[k] * below[k] + a[k] * below_dot[k];
    }
  }
}

/* p: g times the product of the A's above this node. */
static void node_reverse(contraction *c, int depth, int node, const real *restrict p, real *restrict q) {
  const ftl_trie_level *level = &c->output->terms.level[depth];
  const real *C = c->coefficient + (size_t)(c->output->first_node[depth] + node) * PRODUCT_LANES,
             *a = c->a[level->index[node]];
  for (int k = 0; k < PRODUCT_LANES; k++) q[k] = C[k];
  if (has_children(c->output, depth)) {
    int end = child_end(c->output, depth, node);
    lanes here, below;
    for (int k = 0; k < PRODUCT_LANES; k++) here[k] = p[k] * a[k];
    for (int child = level->first[node]; child < end; child++) {
      node_reverse(c, depth + 1, child, here, below);
      const real *a_child = c->a[c->output->terms.level[depth + 1].index[child]];
      for (int k = 0; k < PRODUCT_LANES; k++) q[k] += a_child[k] * below[k];
    }
  }
  real *a_bar = c->a_bar[level->index[node]];
  for (int k = 0; k < PRODUCT_LANES; k++) a_bar[k] += p[k] * q[k];
}

/* p = g P and p_til = g_til P + g Pdot, with P the product of the A's above this node. */
static void node_second(contraction *c, int depth, int node, const real *restrict p, const real *restrict p_til,
                        real *restrict q, real *restrict q_dot) {
  const ftl_trie_level *level = &c->output->terms.level[depth];
  size_t at = (size_t)(c->output->first_node[depth] + node) * PRODUCT_LANES;
  int i = level->index[node];
  const real *C = c->coefficient + at, *a = c->a[i], *a_dot = c->a_dot[i];
  lanes here, here_til;
  for (int k = 0; k < PRODUCT_LANES; k++) {
    q[k] = C[k], q_dot[k] = 0;
    here[k] = p[k] * a[k];
    here_til[k] = p_til[k] * a[k] + p[k] * a_dot[k];
  }
  if (c->d_coefficient)
    for (int k = 0; k < PRODUCT_LANES; k++) c->d_coefficient[at + (size_t)k] += here_til[k];
  if (has_children(c->output, depth)) {
    int end = child_end(c->output, depth, node);
    for (int child = level->first[node]; child < end; child++) {
      lanes below, below_dot;
      node_second(c, depth + 1, child, here, here_til, below, below_dot);
      int j = c->output->terms.level[depth + 1].index[child];
      for (int k = 0; k < PRODUCT_LANES; k++) {
        q[k] += c->a[j][k] * below[k];
        q_dot[k] += c->a_dot[j][k] * below[k] + c->a[j][k] * below_dot[k];
      }
    }
  }
  real *a_til = c->a_til[i];
  for (int k = 0; k < PRODUCT_LANES; k++) a_til[k] += p_til[k] * q[k] + p[k] * q_dot[k];
}

/* Channels of a chunk between an array of features and lanes; beyond the last channel lanes are zero. */
static size_t component_at(const ftl_sweep *sweep, const ftl_irreps *irreps, int block, int m, int atom) {
  int d = ftl_block_dim(irreps, block), mul = irreps->block[block].mul;
  return (size_t)sweep->n * (size_t)ftl_block_offset(irreps, block) + (size_t)((atom * d + m) * mul);
}
static void load_lanes(const real *x, int first, int channels, real *to) {
  if (first + PRODUCT_LANES <= channels) memcpy(to, x + first, sizeof(lanes));
  else
    for (int k = 0; k < PRODUCT_LANES; k++) to[k] = first + k < channels ? x[first + k] : 0;
}
static void add_lanes(const real *from, int first, int channels, real *x) {
  for (int k = 0; k < PRODUCT_LANES && first + k < channels; k++) x[first + k] += from[k];
}

static void load_components(const ftl_sweep *sweep, const ftl_product *product, const real *a, int atom, int chunk,
                            lanes *to) {
  for (int i = 0; i < product->n_components; i++)
    load_lanes(a + component_at(sweep, &product->in, product->component_block[i], product->component_m[i], atom),
               chunk * PRODUCT_LANES, product->channels, to[i]);
}
static void add_components(const ftl_sweep *sweep, const ftl_product *product, const lanes *from, int atom, int chunk,
                           real *a) {
  for (int i = 0; i < product->n_components; i++)
    add_lanes(from[i], chunk * PRODUCT_LANES, product->channels,
              a + component_at(sweep, &product->in, product->component_block[i], product->component_m[i], atom));
}

/* Makes the walk of output o ready for a set and a chunk. */
static void select_output(const ftl_product *product, int set, int chunk, int o, contraction *c) {
  c->product = product;
  c->output = &product->output[o];
  size_t node = ((size_t)set * (size_t)product->n_chunks + (size_t)chunk) * product->nodes + c->output->offset;
  c->coefficient = (const real *)product->coefficient + node * PRODUCT_LANES;
}

static int product_set(const ftl_sweep *sweep, const ftl_product *product, int atom) {
  return product->n_sets == 1 ? 0 : sweep->geometry.species[atom];
}

/* What the slices of a product share: a slice has a chunk of channels, of some atoms or, where the gradient of the
   coefficients is added up, of all. */
typedef struct product_work product_work;
struct product_work {
  ftl_sweep *sweep;
  const ftl_product *product;
  const variable *a, *b;
  bool tangent;
  void (*each)(const product_work *work, int atom, int chunk);
  int n_groups;        /* of atoms */
  real *d_coefficient; /* [chunk][node][PRODUCT_LANES]; NULL: not wanted */
};

static void atoms_slice(void *shared, int slice) {
  const product_work *work = shared;
  const int group = slice / work->product->n_chunks, n = work->sweep->n,
            end = slice_start(n, group + 1, work->n_groups);
  for (int atom = slice_start(n, group, work->n_groups); atom < end; atom++)
    work->each(work, atom, slice % work->product->n_chunks);
}
static void share_atoms(product_work *work) {
  work->n_groups = slices_of(work->sweep->n, 16, 8);
  share(work->sweep, work->n_groups * work->product->n_chunks, atoms_slice, work);
}

static void product_forward_atom(const product_work *work, int atom, int chunk) {
  const ftl_sweep *sweep = work->sweep;
  const ftl_product *product = work->product;
  const bool tangent = work->tangent;
  contraction c;
  load_components(sweep, product, work->a->x, atom, chunk, c.a);
  if (tangent) load_components(sweep, product, work->a->dot, atom, chunk, c.a_dot);
  for (int o = 0; o < product->n_outputs; o++) {
    lanes q, q_dot, sum = {0};
    select_output(product, product_set(sweep, product, atom), chunk, o, &c);
    for (int node = 0; node < c.output->terms.level[0].n; node++) {
      int i = c.output->terms.level[0].index[node];
      if (tangent) {
        node_tangent(&c, 0, node, q, q_dot);
        for (int k = 0; k < PRODUCT_LANES; k++) sum[k] += c.a_dot[i][k] * q[k] + c.a[i][k] * q_dot[k];
      } else {
        node_value(&c, 0, node, q);
        for (int k = 0; k < PRODUCT_LANES; k++) sum[k] += c.a[i][k] * q[k];
      }
    }
    real *to =
        (tangent ? work->b->dot : work->b->x) + component_at(sweep, &product->out, c.output->block, c.output->m, atom);
    for (int k = 0; k < PRODUCT_LANES && chunk * PRODUCT_LANES + k < product->channels; k++)
      to[chunk * PRODUCT_LANES + k] = sum[k];
  }
}
/* b and, with `tangent`, bdot from a and adot. Overwrites. */
static void product_forward(ftl_sweep *sweep, const ftl_product *product, const variable *a, variable *b,
                            bool tangent) {
  product_work work = {
      .sweep = sweep, .product = product, .a = a, .b = b, .tangent = tangent, .each = product_forward_atom};
  share_atoms(&work);
}

static void product_reverse_atom(const product_work *work, int atom, int chunk) {
  const ftl_sweep *sweep = work->sweep;
  const ftl_product *product = work->product;
  contraction c;
  load_components(sweep, product, work->a->x, atom, chunk, c.a);
  memset(c.a_bar, 0, sizeof c.a_bar);
  for (int o = 0; o < product->n_outputs; o++) {
    lanes q;
    select_output(product, product_set(sweep, product, atom), chunk, o, &c);
    load_lanes(work->b->bar + component_at(sweep, &product->out, c.output->block, c.output->m, atom),
               chunk * PRODUCT_LANES, product->channels, c.g);
    for (int node = 0; node < c.output->terms.level[0].n; node++) node_reverse(&c, 0, node, c.g, q);
  }
  add_components(sweep, product, (const lanes *)c.a_bar, atom, chunk, work->a->bar);
}
/* Adds to a.bar. */
static void product_reverse(ftl_sweep *sweep, const ftl_product *product, const variable *a, const variable *b) {
  product_work work = {.sweep = sweep, .product = product, .a = a, .b = b, .each = product_reverse_atom};
  share_atoms(&work);
}

/* Gradient of the weights from that of the nodes' coefficients: C = sum_k u_k w[set][k][channel]. */
static void coefficients_reverse(const ftl_sweep *sweep, const ftl_product *product, const ftl_product_output *output,
                                 int set, int chunk, const real *d_coefficient) {
  for (int d = 0; d < output->n_depth; d++) {
    int n_params = output->terms.orders[d].n_params;
    real *gradient = sweep->parameter_gradient + output->weight[d] + (int64_t)set * n_params * product->channels;
    for (int node = 0; node < output->terms.level[d].n; node++) {
      const ftl_monomial *term = output->terms.level[d].term[node];
      const real *dC = d_coefficient + (size_t)(output->first_node[d] + node) * PRODUCT_LANES;
      if (!term) continue;
      for (int k = 0; k < n_params; k++) {
        if (term->u[k] == 0) continue;
        real *w = gradient + (int64_t)k * product->channels + chunk * PRODUCT_LANES, u = (real)term->u[k];
        for (int q = 0; q < PRODUCT_LANES && chunk * PRODUCT_LANES + q < product->channels; q++) w[q] += u * dC[q];
      }
    }
  }
}

static void product_second_atom(const product_work *work, int atom, int set, int chunk, real *d_coefficient) {
  const ftl_sweep *sweep = work->sweep;
  const ftl_product *product = work->product;
  contraction c;
  c.d_coefficient = NULL;
  load_components(sweep, product, work->a->x, atom, chunk, c.a);
  load_components(sweep, product, work->a->dot, atom, chunk, c.a_dot);
  memset(c.a_til, 0, sizeof c.a_til);
  for (int o = 0; o < product->n_outputs; o++) {
    lanes q, q_dot;
    select_output(product, set, chunk, o, &c);
    if (d_coefficient) c.d_coefficient = d_coefficient + c.output->offset * PRODUCT_LANES;
    size_t at = component_at(sweep, &product->out, c.output->block, c.output->m, atom);
    load_lanes(work->b->bar + at, chunk * PRODUCT_LANES, product->channels, c.g);
    load_lanes(work->b->til + at, chunk * PRODUCT_LANES, product->channels, c.g_til);
    for (int node = 0; node < c.output->terms.level[0].n; node++) node_second(&c, 0, node, c.g, c.g_til, q, q_dot);
  }
  if (work->a->til) add_components(sweep, product, (const lanes *)c.a_til, atom, chunk, work->a->til);
}

static void product_second_slice(void *shared, int chunk) {
  const product_work *work = shared;
  const ftl_product *product = work->product;
  const size_t n = product->nodes * PRODUCT_LANES;
  real *own = work->d_coefficient ? work->d_coefficient + (size_t)chunk * n : NULL;
  for (int set = 0; set < product->n_sets; set++) {
    int first, rows;
    set_rows(work->sweep, product->n_sets, set, 1, &first, &rows);
    if (rows && own) zero(own, n);
    for (int atom = first; atom < first + rows; atom++) product_second_atom(work, atom, set, chunk, own);
    for (int o = 0; rows && own && o < product->n_outputs; o++)
      coefficients_reverse(work->sweep, product, &product->output[o], set, chunk,
                           own + product->output[o].offset * PRODUCT_LANES);
  }
}

/* Adds to a.til (NULL: not wanted) and to the gradient of the weights. Atoms of one set follow each other. */
static bool product_second(ftl_sweep *sweep, const ftl_product *product, const variable *a, const variable *b) {
  product_work work = {.sweep = sweep, .product = product, .a = a, .b = b};
  const size_t n = product->nodes * PRODUCT_LANES * (size_t)product->n_chunks;
  if (product->trained && !(work.d_coefficient = take(sweep, n))) return false;
  share(sweep, product->n_chunks, product_second_slice, &work);
  return true;
}

/* Coefficients of every set, chunk and node from the weights: after the parameters changed. */
static void product_set_coefficients(const ftl_network *network, ftl_product *product) {
  const double *values = network->values;
  real *to = product->coefficient;
  for (int set = 0; set < product->n_sets; set++)
    for (int chunk = 0; chunk < product->n_chunks; chunk++)
      for (int o = 0; o < product->n_outputs; o++) {
        const ftl_product_output *output = &product->output[o];
        for (int d = 0; d < output->n_depth; d++) {
          int n_params = output->terms.orders[d].n_params;
          const double *weight = values + output->weight[d] + (int64_t)set * n_params * product->channels;
          for (int node = 0; node < output->terms.level[d].n; node++, to += PRODUCT_LANES) {
            const ftl_monomial *term = output->terms.level[d].term[node];
            double sum[PRODUCT_LANES] = {0};
            for (int k = 0; term && k < n_params; k++)
              for (int q = 0; term->u[k] != 0 && q < PRODUCT_LANES && chunk * PRODUCT_LANES + q < product->channels;
                   q++)
                sum[q] += term->u[k] * weight[(int64_t)k * product->channels + chunk * PRODUCT_LANES + q];
            for (int q = 0; q < PRODUCT_LANES; q++) to[q] = (real)sum[q];
          }
        }
      }
}
