/* Tensor product of a sender's features with the harmonics of an edge, weighted by the radial network: the summand of
   MACE (8). e3nn's TensorProduct in mode "uvu", one output block for each path. */
#include <math.h>

#include "base/error.h"
#include "reference/reference_stages.h"

ftl_status ftl_ref_conv_prepare(ftl_ref_conv *conv, const ftl_source *source, const char *name, const ftl_irreps *in,
                                const ftl_irreps *sh, const ftl_irreps *target, ftl_arena *memory, ftl_error *error) {
  *conv = (ftl_ref_conv){.in = *in, .sh = *sh};
  FTL_TRY(ftl_conv_paths_make(in, sh, target, &conv->paths, error));
  for (int k = 0; k < conv->paths.n; k++) {
    const ftl_irrep *in1 = &in->block[conv->paths.path[k].in1], *in2 = &sh->block[conv->paths.path[k].in2];
    const int l1 = in1->l, l2 = in2->l, l3 = conv->paths.mid.block[k].l;
    conv->n_weights += in1->mul;
    if (l1 == 0 || l2 == 0 || l3 == 0) continue;
    FTL_TRY(ftl_ref_weights(memory, source, (int64_t)(2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1), &conv->w3j[k], error,
                            "%s._compiled_main_left_right._w3j_%d_%d_%d", name, l1, l2, l3));
  }
  return FTL_OK;
}

/* With a zero among l1, l2, l3 the symbol is delta / sqrt(2 l + 1), l the other two. */
double ftl_ref_coupling(const ftl_ref_conv *conv, int path, int m1, int m2, int m3) {
  const int l1 = conv->in.block[conv->paths.path[path].in1].l, l2 = conv->sh.block[conv->paths.path[path].in2].l;
  const int l3 = conv->paths.mid.block[path].l;
  if (l1 == 0) return m2 == m3 ? 1 : 0;
  if (l2 == 0) return m1 == m3 ? 1 : 0;
  if (l3 == 0) return m1 == m2 ? 1 / sqrt(2 * l1 + 1) : 0;
  return sqrt(2 * l3 + 1) * conv->w3j[path][(m1 * (2 * l2 + 1) + m2) * (2 * l3 + 1) + m3];
}

static int offset_of_block(const ftl_irreps *irreps, int block) {
  int offset = 0;
  for (int b = 0; b < block; b++) offset += irreps->block[b].mul * (2 * irreps->block[b].l + 1);
  return offset;
}

/* One path: where its parts lie. */
typedef struct {
  int l1, l2, l3, mul;
  int x, y, w, out; /* offsets */
} path_parts;

static path_parts parts_of(const ftl_ref_conv *conv, int path, int w_offset) {
  const ftl_path *p = &conv->paths.path[path];
  return (path_parts){.l1 = conv->in.block[p->in1].l,
                      .l2 = conv->sh.block[p->in2].l,
                      .l3 = conv->paths.mid.block[path].l,
                      .mul = conv->in.block[p->in1].mul,
                      .x = offset_of_block(&conv->in, p->in1),
                      .y = offset_of_block(&conv->sh, p->in2),
                      .w = w_offset,
                      .out = offset_of_block(&conv->paths.mid, path)};
}

void ftl_ref_conv_forward(const ftl_ref_conv *conv, const double *x, const double *y, const double *w,
                          double *message) {
  int w_offset = 0;
  for (int k = 0; k < conv->paths.n; k++) {
    const path_parts p = parts_of(conv, k, w_offset);
    const int d1 = 2 * p.l1 + 1, d2 = 2 * p.l2 + 1, d3 = 2 * p.l3 + 1;
    for (int m1 = 0; m1 < d1; m1++)
      for (int m2 = 0; m2 < d2; m2++)
        for (int m3 = 0; m3 < d3; m3++) {
          const double c = ftl_ref_coupling(conv, k, m1, m2, m3);
          if (c == 0) continue;
          for (int u = 0; u < p.mul; u++)
            message[p.out + u * d3 + m3] += c * w[p.w + u] * x[p.x + u * d1 + m1] * y[p.y + m2];
        }
    w_offset += p.mul;
  }
}

void ftl_ref_conv_reverse(const ftl_ref_conv *conv, const double *x, const double *y, const double *w,
                          const double *d_message, double *d_x, double *d_y, double *d_w) {
  int w_offset = 0;
  for (int k = 0; k < conv->paths.n; k++) {
    const path_parts p = parts_of(conv, k, w_offset);
    const int d1 = 2 * p.l1 + 1, d2 = 2 * p.l2 + 1, d3 = 2 * p.l3 + 1;
    for (int m1 = 0; m1 < d1; m1++)
      for (int m2 = 0; m2 < d2; m2++)
        for (int m3 = 0; m3 < d3; m3++) {
          const double c = ftl_ref_coupling(conv, k, m1, m2, m3);
          if (c == 0) continue;
          for (int u = 0; u < p.mul; u++) {
            const double d = c * d_message[p.out + u * d3 + m3];
            const double wu = w[p.w + u], xu = x[p.x + u * d1 + m1], ym = y[p.y + m2];
            d_w[p.w + u] += d * xu * ym;
            d_x[p.x + u * d1 + m1] += d * wu * ym;
            d_y[p.y + m2] += d * wu * xu;
          }
        }
    w_offset += p.mul;
  }
}
