/* Products of matrices, c (+)= alpha a b: a panel of b, as wide as a tile and transposed where that is asked for, is
   packed for tile after tile of rows.

   Our own rather than BLAS: the matrices are a few dozen rows and columns, or very long; threads share a product
   without a library's threads, whose sums would depend on their number; and a BLAS that does not know a processor, as
   Debian 12's does not know AVX-512 of AMD's, takes half of its vectors. */

#define PANEL_COLUMNS (TILE_VECTORS * LANES)
#define BLOCK_ROWS    192 /* of a thread's share: a panel is packed for each */
#define PANEL_STEPS   128 /* summed over before the next panel: 32 kB at most, of the first cache */

/* a[i][s] = a[i * a_row + s * a_step] and so on, i < m rows, j < n columns, s < k summed over. */
typedef struct {
  int m, n, k;
  real alpha;
  const real *a;
  size_t a_row, a_step;
  const real *b;
  size_t b_step, b_column; /* one of them is 1 */
  real *c;
  size_t c_row;
  bool adds; /* to what is in c */
} matrix_product;

/* panel[step][column] = alpha b, columns from `first` on, zeros beyond the last. */
static void pack_panel(const matrix_product *p, int first_step, int steps, int first, int columns, real *panel) {
  const real *b = p->b + (size_t)first_step * p->b_step + (size_t)first * p->b_column;
  const int room = (columns + LANES - 1) / LANES * LANES;
  if (p->b_column == 1) {
    for (int s = 0; s < steps; s++, b += p->b_step, panel += room)
      for (int j = 0; j < columns; j += LANES)
        store(panel + j, p->alpha * load_part(b + j, columns - j < LANES ? columns - j : LANES));
    return;
  }
  for (int j = 0; j < columns; j += LANES) {
    const int k = columns - j < LANES ? columns - j : LANES;
    const real *from = b + (size_t)j * p->b_column;
    int s = 0;
    for (; k == LANES && s + LANES <= steps; s += LANES) {
      vec v[LANES];
      for (int i = 0; i < LANES; i++) v[i] = p->alpha * load_part(from + (size_t)i * p->b_column + s, LANES);
      transpose(v);
      for (int i = 0; i < LANES; i++) store(panel + (s + i) * room + j, v[i]);
    }
    for (; s < steps; s++) {
      vec v = {0};
      for (int i = 0; i < k; i++) v[i] = from[(size_t)i * p->b_column + (size_t)s];
      store(panel + s * room + j, p->alpha * v);
    }
  }
}

/* last: numbers in the last vector. */
FTL_INLINE void product_tile(int rows, int vectors, int steps, const real *a, size_t a_row, size_t a_step,
                             const real *panel, int room, real *c, size_t c_row, int last, bool adds) {
  vec sum[TILE_ROWS][TILE_VECTORS] = {0};
#pragma GCC unroll 4
  for (int s = 0; s < steps; s++, panel += room, a += a_step) {
    vec b[TILE_VECTORS];
    for (int v = 0; v < vectors; v++) b[v] = load(panel + v * LANES);
    for (int r = 0; r < rows; r++) {
      const vec x = splat(a[(size_t)r * a_row]);
      for (int v = 0; v < vectors; v++) sum[r][v] += x * b[v];
    }
  }
  for (int r = 0; r < rows; r++, c += c_row)
    for (int v = 0; v < vectors; v++) {
      const int k = v == vectors - 1 ? last : LANES;
      if (adds) sum[r][v] += load_part(c + v * LANES, k);
      store_part(c + v * LANES, sum[r][v], k);
    }
}

FTL_INLINE void product_rows(int vectors, const matrix_product *p, int first_row, int rows, int first_step, int steps,
                             const real *panel, int room, real *c, int last) {
  const bool adds = p->adds || first_step > 0;
  const real *a = p->a + (size_t)first_row * p->a_row + (size_t)first_step * p->a_step;
  int r = 0;
#define TILE(n)                                                                                                        \
  for (; r + (n) <= rows; r += (n))                                                                                    \
  product_tile(n, vectors, steps, a + (size_t)r * p->a_row, p->a_row, p->a_step, panel, room,                          \
               c + (size_t)r * p->c_row, p->c_row, last, adds)
  TILE(TILE_ROWS);
  TILE(2);
  TILE(1);
#undef TILE
}

/* Rows first_row to first_row + rows and columns first to first + columns <= PANEL_COLUMNS of the product. */
static void product_panel(const matrix_product *p, int first_row, int rows, int first, int columns) {
  real panel[PANEL_STEPS * PANEL_COLUMNS] __attribute__((aligned(64)));
  const int vectors = (columns + LANES - 1) / LANES, room = vectors * LANES, last = columns - room + LANES;
  real *c = p->c + (size_t)first_row * p->c_row + first;
  for (int s = 0; s < p->k; s += PANEL_STEPS) {
    const int steps = p->k - s < PANEL_STEPS ? p->k - s : PANEL_STEPS;
    pack_panel(p, s, steps, first, columns, panel);
    int v = 0;
    for (; v + TILE_VECTORS <= vectors; v += TILE_VECTORS)
      product_rows(TILE_VECTORS, p, first_row, rows, s, steps, panel, room, c, last);
    for (; v + 2 <= vectors; v += 2)
      product_rows(2, p, first_row, rows, s, steps, panel + v * LANES, room, c + v * LANES,
                   v + 2 == vectors ? last : LANES);
    if (v < vectors) product_rows(1, p, first_row, rows, s, steps, panel + v * LANES, room, c + v * LANES, last);
  }
}

/* All rows of a panel of columns. */
static int panels(int columns) { return (columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS; }
static void product_columns(const matrix_product *p, int panel) {
  const int first = panel * PANEL_COLUMNS;
  if (p->m && p->k) product_panel(p, 0, p->m, first, p->n - first < PANEL_COLUMNS ? p->n - first : PANEL_COLUMNS);
}
static void product_all(const matrix_product *p) {
  for (int k = 0; k < panels(p->n); k++) product_columns(p, k);
}

/* A product in blocks that may be done in any order. */
static int product_blocks(const matrix_product *p) { return panels(p->n) * ((p->m + BLOCK_ROWS - 1) / BLOCK_ROWS); }
static void product_block(const matrix_product *p, int block) {
  const int column = block % panels(p->n) * PANEL_COLUMNS, row = block / panels(p->n) * BLOCK_ROWS;
  product_panel(p, row, p->m - row < BLOCK_ROWS ? p->m - row : BLOCK_ROWS, column,
                p->n - column < PANEL_COLUMNS ? p->n - column : PANEL_COLUMNS);
}
