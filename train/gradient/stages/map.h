/* Equivariant linear maps: y += x W on the channels of every component. The map is linear, so that the tangent is the
   same map of the tangent, and both adjoints are the transposed map. */

/* What the slices of a map share. A slice of the map or of its transpose has some columns of a block that is made, from
   the last block on, which has most rows; one of the weight's gradient a block of a path's weight. */
typedef struct {
  const ftl_sweep *sweep;
  const ftl_map *map;
  const real *from, *from_out;
  real *to;
} map_work;

/* Where one path's rows for one element, or for all, begin in what goes into the map and what comes out of it: `rows`
   rows of u and of v numbers; its weight is at W + weight, in rows of `stride`. */
typedef struct {
  int rows, u, v;
  size_t in, out, stride;
  int64_t weight;
} path_blocks;

static path_blocks blocks_of_path(const map_work *work, const ftl_map_path *path, int set) {
  const ftl_map *map = work->map;
  const size_t n = (size_t)work->sweep->n;
  path_blocks p = {.u = map->in.block[path->in].mul, .v = map->out.block[path->out].mul};
  int first;
  set_rows(work->sweep, map->n_sets, set, ftl_block_dim(&map->in, path->in), &first, &p.rows);
  p.in = n * (size_t)ftl_block_offset(&map->in, path->in) + (size_t)first * (size_t)p.u;
  p.out = n * (size_t)ftl_block_offset(&map->out, path->out) + (size_t)first * (size_t)p.v;
  p.stride = (size_t)(map->n_sets * p.v);
  p.weight = path->weight + (int64_t)set * p.v;
  return p;
}

/* One path's product for one element, or for all. y += x W. */
static matrix_product path_forward_product(const map_work *work, const ftl_map_path *path, int set) {
  const path_blocks p = blocks_of_path(work, path, set);
  return (matrix_product){.m = p.rows,
                          .n = p.v,
                          .k = p.u,
                          .alpha = (real)path->factor,
                          .a = work->from + p.in,
                          .a_row = (size_t)p.u,
                          .a_step = 1,
                          .b = theta(work->sweep, p.weight),
                          .b_step = p.stride,
                          .b_column = 1,
                          .c = work->to + p.out,
                          .c_row = (size_t)p.v,
                          .adds = true};
}
/* x_bar += y_bar W^T */
static matrix_product path_reverse_product(const map_work *work, const ftl_map_path *path, int set) {
  const path_blocks p = blocks_of_path(work, path, set);
  return (matrix_product){.m = p.rows,
                          .n = p.u,
                          .k = p.v,
                          .alpha = (real)path->factor,
                          .a = work->from + p.out,
                          .a_row = (size_t)p.v,
                          .a_step = 1,
                          .b = theta(work->sweep, p.weight),
                          .b_step = 1,
                          .b_column = p.stride,
                          .c = work->to + p.in,
                          .c_row = (size_t)p.u,
                          .adds = true};
}
/* The gradient of W += x^T y. */
static matrix_product path_weight_product(const map_work *work, const ftl_map_path *path, int set) {
  const path_blocks p = blocks_of_path(work, path, set);
  return (matrix_product){.m = p.u,
                          .n = p.v,
                          .k = p.rows,
                          .alpha = (real)path->factor,
                          .a = work->from + p.in,
                          .a_row = 1,
                          .a_step = (size_t)p.u,
                          .b = work->from_out + p.out,
                          .b_step = (size_t)p.v,
                          .b_column = 1,
                          .c = work->to + p.weight,
                          .c_row = p.stride,
                          .adds = true};
}

static int panels_of(const ftl_irreps *irreps) {
  int n = 0;
  for (int b = 0; b < irreps->n; b++) n += panels(irreps->block[b].mul);
  return n;
}
/* The block that a slice belongs to; the slice becomes its panel there. */
static int block_of_slice(const ftl_irreps *irreps, int *slice) {
  int b = irreps->n - 1;
  for (; *slice >= panels(irreps->block[b].mul); b--) *slice -= panels(irreps->block[b].mul);
  return b;
}

static void map_forward_slice(void *shared, int slice) {
  const map_work *work = shared;
  const int block = block_of_slice(&work->map->out, &slice);
  for (int k = 0; k < work->map->n; k++)
    for (int set = 0; work->map->path[k].out == block && set < work->map->n_sets; set++) {
      const matrix_product product = path_forward_product(work, &work->map->path[k], set);
      product_columns(&product, slice);
    }
}
static void map_forward(const ftl_sweep *sweep, const ftl_map *map, const real *x, real *y) {
  map_work work = {sweep, map, x, NULL, y};
  share(sweep, panels_of(&map->out), map_forward_slice, &work);
}

/* Even scalars of `out` get their bias and the row of the head. */
static void map_offsets(const ftl_sweep *sweep, const ftl_map *map, real *y) {
  if (map->bias == FTL_NO_PARAMETER && map->heads == FTL_NO_PARAMETER) return;
  const int all = ftl_irreps_count(&map->out, 0, 1);
  for (int b = 0, first = 0; b < map->out.n; b++) {
    if (!ftl_is_even_scalar(&map->out.block[b])) continue;
    const int n = map->out.block[b].mul;
    const real *bias = map->bias == FTL_NO_PARAMETER ? NULL : theta(sweep, map->bias + first);
    const real *head =
        map->heads == FTL_NO_PARAMETER ? NULL : theta(sweep, map->heads + (int64_t)sweep->head * all + first);
    const real factor = (real)map->head_factor[b];
    real *to = y + (size_t)sweep->n * (size_t)ftl_block_offset(&map->out, b);
    for (int a = 0; a < sweep->n; a++, to += n)
      for (int c = 0; c < n; c++) to[c] += (bias ? bias[c] : 0) + (head ? factor * head[c] : 0);
    first += n;
  }
}

static void map_reverse_slice(void *shared, int slice) {
  const map_work *work = shared;
  const int block = block_of_slice(&work->map->in, &slice);
  for (int k = 0; k < work->map->n; k++)
    for (int set = 0; work->map->path[k].in == block && set < work->map->n_sets; set++) {
      const matrix_product product = path_reverse_product(work, &work->map->path[k], set);
      product_columns(&product, slice);
    }
}
static void map_reverse(const ftl_sweep *sweep, const ftl_map *map, const real *y_bar, real *x_bar) {
  map_work work = {sweep, map, y_bar, NULL, x_bar};
  share(sweep, panels_of(&map->in), map_reverse_slice, &work);
}

static int weight_panels(const ftl_map *map, int k) { return panels(map->out.block[map->path[k].out].mul); }
static void map_weight_slice(void *shared, int slice) {
  const map_work *work = shared;
  int k = work->map->n - 1;
  for (; slice >= weight_panels(work->map, k); k--) slice -= weight_panels(work->map, k);
  for (int set = 0; set < work->map->n_sets; set++) {
    const matrix_product product = path_weight_product(work, &work->map->path[k], set);
    product_columns(&product, slice);
  }
}

/* Adds x^T y to the gradient of the weight: once with (value, second adjoint) and once with (tangent, adjoint). */
static void map_weight(const ftl_sweep *sweep, const ftl_map *map, const real *x, const real *y) {
  if (!x || !y) return;
  map_work work = {sweep, map, x, y, sweep->parameter_gradient};
  int slices = 0;
  for (int k = 0; k < map->n; k++) slices += weight_panels(map, k);
  share(sweep, slices, map_weight_slice, &work);
}
static void map_gradient(const ftl_sweep *sweep, const ftl_map *map, const variable *x, const variable *y) {
  if (!map->trained) return;
  map_weight(sweep, map, x->x, y->til);
  map_weight(sweep, map, x->dot, y->bar);
  if (map->bias == FTL_NO_PARAMETER && map->heads == FTL_NO_PARAMETER) return;
  const int all = ftl_irreps_count(&map->out, 0, 1);
  for (int b = 0, first = 0; b < map->out.n; b++) {
    if (!ftl_is_even_scalar(&map->out.block[b])) continue;
    const int n = map->out.block[b].mul;
    const real factor = (real)map->head_factor[b];
    const real *til = y->til + (size_t)sweep->n * (size_t)ftl_block_offset(&map->out, b);
    for (int a = 0; a < sweep->n; a++, til += n)
      for (int c = 0; c < n; c++) {
        if (map->bias != FTL_NO_PARAMETER) sweep->parameter_gradient[map->bias + first + c] += til[c];
        if (map->heads != FTL_NO_PARAMETER)
          sweep->parameter_gradient[map->heads + (int64_t)sweep->head * all + first + c] += factor * til[c];
      }
    first += n;
  }
}
