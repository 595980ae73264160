/* Equivariant linear maps: y += x W on the channels of every component. The map is linear, so that the tangent is the
   same map of the tangent, and both adjoints are the transposed map. */

static void map_forward(const ftl_sweep *sweep, const ftl_map *map, const real *x, real *y) {
  for (int k = 0; k < map->n; k++) {
    const ftl_map_path *path = &map->path[k];
    int d = ftl_block_dim(&map->in, path->in), u = map->in.block[path->in].mul, v = map->out.block[path->out].mul;
    const real *from = x + (size_t)sweep->n * (size_t)ftl_block_offset(&map->in, path->in);
    real *to = y + (size_t)sweep->n * (size_t)ftl_block_offset(&map->out, path->out);
    for (int set = 0; set < map->n_sets; set++) {
      int first, rows;
      set_rows(sweep, map->n_sets, set, d, &first, &rows);
      gemm_nn(rows, v, u, path->factor, from + (size_t)first * (size_t)u, u,
              theta(sweep, path->weight + (int64_t)set * v), map->n_sets * v, to + (size_t)first * (size_t)v, v);
    }
  }
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

static void map_reverse(const ftl_sweep *sweep, const ftl_map *map, const real *y_bar, real *x_bar) {
  for (int k = 0; k < map->n; k++) {
    const ftl_map_path *path = &map->path[k];
    int d = ftl_block_dim(&map->in, path->in), u = map->in.block[path->in].mul, v = map->out.block[path->out].mul;
    real *to = x_bar + (size_t)sweep->n * (size_t)ftl_block_offset(&map->in, path->in);
    const real *from = y_bar + (size_t)sweep->n * (size_t)ftl_block_offset(&map->out, path->out);
    for (int set = 0; set < map->n_sets; set++) {
      int first, rows;
      set_rows(sweep, map->n_sets, set, d, &first, &rows);
      gemm_nt(rows, u, v, path->factor, from + (size_t)first * (size_t)v, v,
              theta(sweep, path->weight + (int64_t)set * v), map->n_sets * v, to + (size_t)first * (size_t)u, u);
    }
  }
}

/* Adds x^T y to the gradient of the weight: once with (value, second adjoint) and once with (tangent, adjoint). */
static void map_weight(const ftl_sweep *sweep, const ftl_map *map, const real *x, const real *y) {
  if (!x || !y) return;
  for (int k = 0; k < map->n; k++) {
    const ftl_map_path *path = &map->path[k];
    int d = ftl_block_dim(&map->in, path->in), u = map->in.block[path->in].mul, v = map->out.block[path->out].mul;
    const real *from = x + (size_t)sweep->n * (size_t)ftl_block_offset(&map->in, path->in);
    const real *to = y + (size_t)sweep->n * (size_t)ftl_block_offset(&map->out, path->out);
    for (int set = 0; set < map->n_sets; set++) {
      int first, rows;
      set_rows(sweep, map->n_sets, set, d, &first, &rows);
      gemm_tn(u, v, rows, path->factor, from + (size_t)first * (size_t)u, u, to + (size_t)first * (size_t)v, v,
              sweep->parameter_gradient + path->weight + (int64_t)set * v, map->n_sets * v);
    }
  }
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
