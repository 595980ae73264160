/* Compiled with FTL_ISA=probe_ISA and its flags: the kernels once more, and their parts. */
#include "engine/kernels.c"

#include "operations/probe.h"

/* ---- rows of a block and the reference's ---- */

/* To and from [block][atom][m][channel with padding]. */
static void copy_rows(const ftl_workspace *ws, const ftl_block *block, const ftl_layout *layout, real *rows,
                      double *features, bool out) {
  int dim = 0, at = 0;
  for (int b = 0; b < layout->n; b++) dim += layout->b[b].mul * layout->b[b].d;
  for (int b = 0; b < layout->n; at += layout->b[b].mul * layout->b[b].d, b++)
    for (int a = 0; a < block->n; a++)
      for (int m = 0; m < layout->b[b].d; m++)
        for (int c = 0; c < layout->b[b].mul; c++) {
          double *to = features + (size_t)ws->order[block->first + a] * (size_t)dim + at + c * layout->b[b].d + m;
          real *from = rows + (size_t)block->n * (size_t)layout->b[b].offset +
                       (size_t)((a * layout->b[b].d + m) * layout->b[b].pad + c);
          if (out) *to = (double)*from;
          else *from = (real)*to;
        }
}

static void forward(ftl_workspace *ws, int t, const ftl_block *block, probe_features *out, double *up) {
  ftl_thread *thread = &ws->thread[0];
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  block_edges(ws, thread, block, &layer->grid);
  if (layer->gated_output) {
    gated_forward(ws, thread, t, block, scratch_of(thread)->h);
    copy_rows(ws, block, &layer->message, scratch_of(thread)->gate_input, out->x[FTL_FEATURES_MESSAGE], true);
  } else {
    interaction_forward(ws, thread, t, block, scratch_of(thread)->product_input);
    copy_rows(ws, block, &layer->target, scratch_of(thread)->product_input, out->x[FTL_FEATURES_TARGET], true);
    product_forward(ws, thread, t, block, scratch_of(thread)->product_input, scratch_of(thread)->h);
    copy_rows(ws, block, &layer->out, scratch_of(thread)->product, out->x[FTL_FEATURES_PRODUCT], true);
  }
  copy_rows(ws, block, &layer->out, scratch_of(thread)->h, out->x[FTL_FEATURES_OUTPUT], true);
  if (is_last(ws, t)) return;
  next_features(ws, thread, t, block, scratch_of(thread)->h);
  copy_rows(ws, block, &ws->model->layer[t + 1].conv.edge, scratch_of(thread)->own, up, true);
}

/* From the message's adjoint to the sum's. */
static void sum_adjoint(ftl_workspace *ws, int t, const ftl_block *block, const real *dA, probe_features *f) {
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  real *mid = scratch_of(&ws->thread[0])->mid;
  if (layer->first) return;
  linear_reverse(&layer->conv.linear, block->species, block->n, dA, mid, false);
  copy_rows(ws, block, &layer->conv.mid, mid, f->d[FTL_FEATURES_SUM], true);
}

static void gated_adjoints(ftl_workspace *ws, int t, const ftl_block *block, probe_features *f) {
  ftl_thread *thread = &ws->thread[0];
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  real *dA = scratch_of(thread)->message_adjoint, *dh = scratch_of(thread)->h_adjoint;
  block_edges(ws, thread, block, &layer->grid);
  gated_again(ws, thread, t, block);
  memset(dh, 0, (size_t)block->n * (size_t)layer->out.dim * sizeof(real));
  copy_rows(ws, block, &layer->out, dh, f->d[FTL_FEATURES_OUTPUT], false);
  gate_reverse(&layer->gate, &layer->message, &layer->out, block->n, scratch_of(thread)->gate_input, dh, dA);
  copy_rows(ws, block, &layer->message, dA, f->d[FTL_FEATURES_MESSAGE], true);
  sum_adjoint(ws, t, block, dA, f);
}

static void reverse(ftl_workspace *ws, int t, const ftl_block *block, probe_features *f) {
  ftl_thread *thread = &ws->thread[0];
  const ftl_prepared_layer *layer = &ws->model->layer[t];
  real *dA = scratch_of(thread)->message_adjoint;
  if (layer->gated_output) {
    gated_adjoints(ws, t, block, f);
    return;
  }
  block_edges(ws, thread, block, &layer->grid);
  interaction_forward(ws, thread, t, block, scratch_of(thread)->product_input);
  memset(scratch_of(thread)->h_adjoint, 0, (size_t)block->n * (size_t)layer->out.dim * sizeof(real));
  copy_rows(ws, block, &layer->out, scratch_of(thread)->h_adjoint, f->d[FTL_FEATURES_OUTPUT], false);
  linear_reverse(&layer->product_linear, 0, block->n, scratch_of(thread)->h_adjoint, scratch_of(thread)->product,
                 false);
  copy_rows(ws, block, &layer->out, scratch_of(thread)->product, f->d[FTL_FEATURES_PRODUCT], true);
  contraction_reverse(&layer->contraction, block->species, block->n, scratch_of(thread)->product_input,
                      scratch_of(thread)->product, dA);
  copy_rows(ws, block, &layer->target, dA, f->d[FTL_FEATURES_TARGET], true);
  if (layer->gated) {
    linear_reverse(&layer->linear_2, 0, block->n, dA, scratch_of(thread)->gated, false);
    copy_rows(ws, block, &layer->target, scratch_of(thread)->gated, f->d[FTL_FEATURES_GATED], true);
    gate_reverse(&layer->gate, &layer->message, &layer->target, block->n, scratch_of(thread)->gate_input,
                 scratch_of(thread)->gated, dA);
    copy_rows(ws, block, &layer->message, dA, f->d[FTL_FEATURES_MESSAGE], true);
  }
  if (layer->norm != FTL_NORM_AVERAGE) scale_atoms(&layer->message, block->n, scratch_of(thread)->factor, dA);
  sum_adjoint(ws, t, block, dA, f);
}

/* ---- exchanges of lanes ---- */

static int transpose_wrong(void) {
  vec v[LANES];
  int wrong = 0;
  for (int i = 0; i < LANES; i++)
    for (int j = 0; j < LANES; j++) v[i][j] = (real)(i * LANES + j);
  transpose(v);
  for (int i = 0; i < LANES; i++)
    for (int j = 0; j < LANES; j++) wrong += v[i][j] != (real)(j * LANES + i);
  return wrong;
}

enum { MOST_SUMS = 24 };

/* Integers, so that their sums are exact in any order. */
FTL_INLINE int sums_wrong(int n) {
  vec v[MOST_SUMS];
  real out[MOST_SUMS + LANES] __attribute__((aligned(FTL_VECTOR_BYTES)));
  int wrong = 0;
  for (int k = 0; k < n; k++)
    for (int j = 0; j < LANES; j++) v[k][j] = (real)(3 * k + j * j * (k % 5 - 1));
  lane_sums(n, v, out);
  for (int k = 0; k < n; k++) {
    int sum = 0;
    for (int j = 0; j < LANES; j++) sum += 3 * k + j * j * (k % 5 - 1);
    wrong += out[k] != (real)sum;
  }
  return wrong;
}

static int lanes(void) {
  return transpose_wrong() + sums_wrong(1) + sums_wrong(2) + sums_wrong(3) + sums_wrong(5) + sums_wrong(8) +
         sums_wrong(9) + sums_wrong(13) + sums_wrong(16) + sums_wrong(19) + sums_wrong(MOST_SUMS);
}

#define PROBE(isa, suffix)   kernel_##isa##_##suffix
#define EXPANDED_PROBE(i, s) PROBE(i, s)
const kernel_probe EXPANDED_PROBE(FTL_ISA, FTL_SUFFIX) = {forward, reverse, lanes};
