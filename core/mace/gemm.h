/* Small dense products on packed weights: C[rows][columns] = or += A[rows][inner] B, B in panels (prepared.h).

   Our own rather than BLAS: the matrices are a few dozen rows by 16 to 512, called from inside threads between other
   stages of the same block, and results must not depend on which BLAS a machine has. */

FTL_INLINE void gemm_tile(int rows, int vectors, int inner, const real *A, size_t lda, const real *B, size_t ldb,
                          real *C, size_t ldc, bool accumulate) {
  vec sum[TILE_ROWS][TILE_VECTORS];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sum[r][v] = accumulate ? load(C + (size_t)r * ldc + v * LANES) : (vec){0};
  for (int k = 0; k < inner; k++) {
    vec b[TILE_VECTORS];
    for (int v = 0; v < vectors; v++) b[v] = load(B + (size_t)k * ldb + v * LANES);
    for (int r = 0; r < rows; r++) {
      vec a = splat(A[(size_t)r * lda + (size_t)k]);
      for (int v = 0; v < vectors; v++) sum[r][v] += a * b[v];
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) store(C + (size_t)r * ldc + v * LANES, sum[r][v]);
}

FTL_INLINE void gemm_columns(int vectors, int rows, int inner, const real *A, size_t lda, const real *B, size_t ldb,
                             real *C, size_t ldc, bool accumulate) {
  int r = 0;
  for (; r + TILE_ROWS <= rows; r += TILE_ROWS)
    gemm_tile(TILE_ROWS, vectors, inner, A + (size_t)r * lda, lda, B, ldb, C + (size_t)r * ldc, ldc, accumulate);
  for (; r + 2 <= rows; r += 2)
    gemm_tile(2, vectors, inner, A + (size_t)r * lda, lda, B, ldb, C + (size_t)r * ldc, ldc, accumulate);
  if (r < rows) gemm_tile(1, vectors, inner, A + (size_t)r * lda, lda, B, ldb, C + (size_t)r * ldc, ldc, accumulate);
}

/* columns: padded. A's rows have stride lda >= inner, C's ldc >= columns. */
static void gemm(int rows, int inner, int columns, const real *A, size_t lda, const real *B, real *C, size_t ldc,
                 bool accumulate) {
  for (int c0 = 0; c0 < columns; c0 += FTL_PANEL_VECTORS * LANES) {
    int width = columns - c0 < FTL_PANEL_VECTORS * LANES ? columns - c0 : FTL_PANEL_VECTORS * LANES;
    const real *panel = B + (size_t)inner * (size_t)c0;
    int v = 0, vectors = width / LANES;
    for (; v + TILE_VECTORS <= vectors; v += TILE_VECTORS)
      gemm_columns(TILE_VECTORS, rows, inner, A, lda, panel + v * LANES, (size_t)width, C + c0 + v * LANES, ldc,
                   accumulate);
    for (; v < vectors; v++)
      gemm_columns(1, rows, inner, A, lda, panel + v * LANES, (size_t)width, C + c0 + v * LANES, ldc, accumulate);
  }
}

/* out = linear(in) for n atoms in block order; blocks that no path reaches become zero. add: out += instead. */
static void linear_forward(const ftl_linear *linear, int species, int n, const real *in, real *out, bool add) {
  const real *weight = (const real *)linear->weight + (size_t)species * linear->stride;
  bool written[FTL_MAX_BLOCKS] = {0};
  for (int p = 0; p < linear->n; p++) {
    const ftl_layout_block *bi = &linear->in.b[linear->path[p].in], *bo = &linear->out.b[linear->path[p].out];
    gemm(n * bi->d, bi->mul, bo->pad, in + (size_t)n * (size_t)bi->offset, (size_t)bi->pad,
         weight + linear->path[p].offset, out + (size_t)n * (size_t)bo->offset, (size_t)bo->pad,
         add || written[linear->path[p].out]);
    written[linear->path[p].out] = true;
  }
  for (int b = 0; b < linear->out.n && !add; b++)
    if (!written[b])
      memset(out + (size_t)n * (size_t)linear->out.b[b].offset, 0,
             (size_t)n * (size_t)(linear->out.b[b].d * linear->out.b[b].pad) * sizeof(real));
}

/* in_adjoint = linear^T(out_adjoint), or += with add. */
static void linear_reverse(const ftl_linear *linear, int species, int n, const real *out_adjoint, real *in_adjoint,
                           bool add) {
  const real *weight = (const real *)linear->transpose + (size_t)species * linear->stride_transpose;
  bool written[FTL_MAX_BLOCKS] = {0};
  for (int p = 0; p < linear->n; p++) {
    const ftl_layout_block *bi = &linear->in.b[linear->path[p].in], *bo = &linear->out.b[linear->path[p].out];
    gemm(n * bi->d, bo->mul, bi->pad, out_adjoint + (size_t)n * (size_t)bo->offset, (size_t)bo->pad,
         weight + linear->path[p].offset_transpose, in_adjoint + (size_t)n * (size_t)bi->offset, (size_t)bi->pad,
         add || written[linear->path[p].in]);
    written[linear->path[p].in] = true;
  }
  for (int b = 0; b < linear->in.n && !add; b++)
    if (!written[b])
      memset(in_adjoint + (size_t)n * (size_t)linear->in.b[b].offset, 0,
             (size_t)n * (size_t)(linear->in.b[b].d * linear->in.b[b].pad) * sizeof(real));
}
