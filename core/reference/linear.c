/* Equivariant linear maps: e3nn's Linear, and the one with weights of its own for every element. */
#include <math.h>

#include "base/error.h"
#include "reference/reference_stages.h"

static bool same_irrep(const ftl_irrep *a, const ftl_irrep *b) { return a->l == b->l && a->p == b->p; }

/* Multiplicities of all blocks of `in` that feed a block: the fan-in of path_normalization = "element". */
static int fan_in(const ftl_irreps *in, const ftl_irrep *to) {
  int sum = 0;
  for (int b = 0; b < in->n; b++)
    if (same_irrep(&in->block[b], to)) sum += in->block[b].mul;
  return sum;
}

static int64_t n_weights(const ftl_irreps *in, const ftl_irreps *out) {
  int64_t sum = 0;
  for (int a = 0; a < in->n; a++)
    for (int b = 0; b < out->n; b++)
      if (same_irrep(&in->block[a], &out->block[b])) sum += (int64_t)in->block[a].mul * out->block[b].mul;
  return sum;
}

/* Adds to `y` the map in -> out of `x`; transposed: adds to `y` (in's) the transposed map of `x` (out's). Each pair of
   blocks has n_sets matrices, interleaved as [u][set][v]. */
static void apply(const ftl_irreps *in, const ftl_irreps *out, const double *weight, int n_sets, int set,
                  double extra_fan_in, int norm_heads, bool transposed, const double *x, double *y) {
  const double *w = weight;
  int offset_in = 0;
  for (int a = 0; a < in->n; a++) {
    const ftl_irrep *from = &in->block[a];
    const int dim = 2 * from->l + 1;
    int offset_out = 0;
    for (int b = 0; b < out->n; b++) {
      const ftl_irrep *to = &out->block[b];
      if (same_irrep(from, to)) {
        const int heads = to->l == 0 && to->p == 1 ? norm_heads : 0;
        const double factor = 1 / sqrt(fan_in(in, to) * extra_fan_in + heads);
        for (int u = 0; u < from->mul; u++)
          for (int v = 0; v < to->mul; v++) {
            const double c = factor * w[(u * n_sets + set) * to->mul + v];
            for (int m = 0; m < dim; m++) {
              const int i = offset_in + u * dim + m, o = offset_out + v * dim + m;
              if (transposed) y[i] += c * x[o];
              else y[o] += c * x[i];
            }
          }
        w += (int64_t)from->mul * n_sets * to->mul;
      }
      offset_out += to->mul * (2 * to->l + 1);
    }
    offset_in += from->mul * dim;
  }
}

ftl_status ftl_ref_linear_prepare(ftl_ref_linear *linear, const ftl_source *source, const char *name,
                                  const ftl_irreps *in, const ftl_irreps *out, bool biased, ftl_arena *memory,
                                  ftl_error *error) {
  *linear = (ftl_ref_linear){.in = *in, .out = *out, .extra_fan_in = 1};
  FTL_TRY(ftl_ref_weights(memory, source, n_weights(in, out), &linear->weight, error, "%s.weight", name));
  if (!biased) return FTL_OK;
  int64_t n_bias = 0;
  for (int b = 0; b < out->n; b++)
    if (out->block[b].l == 0 && out->block[b].p == 1) n_bias += out->block[b].mul;
  return ftl_ref_weights(memory, source, n_bias, &linear->bias, error, "%s.bias", name);
}

ftl_status ftl_ref_linear_add_head(ftl_ref_linear *linear, const ftl_source *source, const char *name, int head,
                                   ftl_arena *memory, ftl_error *error) {
  const int n = ftl_irreps_count(&linear->out, 0, 1);
  const double *heads;
  if (n == 0) return FTL_OK;
  linear->norm_heads = source->arch.norm_heads;
  FTL_TRY(ftl_ref_weights(memory, source, (int64_t)source->arch.n_heads * n, &heads, error, "%s.heads", name));
  linear->head = heads + head * n;
  return FTL_OK;
}

void ftl_ref_linear_forward(const ftl_ref_linear *linear, const double *x, double *y) {
  const double *bias = linear->bias, *head = linear->head;
  int offset = 0;
  for (int b = 0; b < linear->out.n; b++) {
    const ftl_irrep *block = &linear->out.block[b];
    const int n = block->mul * (2 * block->l + 1);
    const bool scalars = block->l == 0 && block->p == 1;
    for (int k = 0; k < n; k++) y[offset + k] = 0;
    for (int k = 0; scalars && bias && k < n; k++) y[offset + k] += *bias++;
    for (int k = 0; scalars && head && k < n; k++)
      y[offset + k] += *head++ / sqrt(fan_in(&linear->in, block) * linear->extra_fan_in + linear->norm_heads);
    offset += n;
  }
  apply(&linear->in, &linear->out, linear->weight, 1, 0, linear->extra_fan_in, linear->norm_heads, false, x, y);
}

void ftl_ref_linear_reverse(const ftl_ref_linear *linear, const double *d_y, double *d_x) {
  apply(&linear->in, &linear->out, linear->weight, 1, 0, linear->extra_fan_in, linear->norm_heads, true, d_y, d_x);
}

ftl_status ftl_ref_skip_prepare(ftl_ref_skip *skip, const ftl_source *source, const char *name, const ftl_irreps *in,
                                const ftl_irreps *out, ftl_arena *memory, ftl_error *error) {
  const int n_elements = source->arch.n_elements;
  *skip = (ftl_ref_skip){.in = *in, .out = *out, .n_elements = n_elements, .norm_elements = source->arch.norm_elements};
  return ftl_ref_weights(memory, source, n_weights(in, out) * n_elements, &skip->weight, error, "%s.weight", name);
}

void ftl_ref_skip_forward(const ftl_ref_skip *skip, int element, const double *x, double *y) {
  const int n = ftl_irreps_dim(&skip->out);
  for (int k = 0; k < n; k++) y[k] = 0;
  apply(&skip->in, &skip->out, skip->weight, skip->n_elements, element, skip->norm_elements, 0, false, x, y);
}

void ftl_ref_skip_reverse(const ftl_ref_skip *skip, int element, const double *d_y, double *d_x) {
  apply(&skip->in, &skip->out, skip->weight, skip->n_elements, element, skip->norm_elements, 0, true, d_y, d_x);
}
