/* Per-atom stages: normalisation, gate, readouts, and moving rows between atom order and block order. */

#include "math/activations.h"

/* Rows of ws arrays [atom][dim] of the block's atoms into block order [block][atom][component][channel], and back. */
static void gather_rows(const ftl_workspace *ws, const ftl_block *block, const ftl_layout *layout, const real *rows,
                        real *out) {
  for (int b = 0; b < layout->n; b++) {
    size_t size = (size_t)(layout->b[b].d * layout->b[b].pad);
    for (int a = 0; a < block->n; a++)
      memcpy(out + (size_t)block->n * (size_t)layout->b[b].offset + (size_t)a * size,
             rows + (size_t)ws->order[block->first + a] * (size_t)layout->dim + layout->b[b].offset,
             size * sizeof(real));
  }
}
static void scatter_rows(const ftl_workspace *ws, const ftl_block *block, const ftl_layout *layout, const real *in,
                         real *rows) {
  for (int b = 0; b < layout->n; b++) {
    size_t size = (size_t)(layout->b[b].d * layout->b[b].pad);
    for (int a = 0; a < block->n; a++)
      memcpy(rows + (size_t)ws->order[block->first + a] * (size_t)layout->dim + layout->b[b].offset,
             in + (size_t)block->n * (size_t)layout->b[b].offset + (size_t)a * size, size * sizeof(real));
  }
}

/* x += the same one-atom row (double, a table per element) for every atom of the block. */
static void add_constant_row(const ftl_layout *layout, int n, const double *row, real *x) {
  for (int b = 0; b < layout->n; b++) {
    int size = layout->b[b].d * layout->b[b].pad;
    for (int a = 0; a < n; a++)
      for (int k = 0; k < size; k++) x[n * layout->b[b].offset + a * size + k] += (real)row[layout->b[b].offset + k];
  }
}

/* rows of atom a times factor[a] */
static void scale_atoms(const ftl_layout *layout, int n, const double *factor, real *x) {
  for (int b = 0; b < layout->n; b++) {
    int size = layout->b[b].d * layout->b[b].pad;
    for (int a = 0; a < n; a++) {
      vec f = splat((real)factor[a]);
      real *y = x + (size_t)n * (size_t)layout->b[b].offset + (size_t)(a * size);
      for (int k = 0; k < size; k += LANES) store(y + k, load(y + k) * f);
    }
  }
}

/* dots[a] = <x, y> over atom a's row */
static void dot_atoms(const ftl_layout *layout, int n, const real *x, const real *y, double *dots) {
  for (int a = 0; a < n; a++) dots[a] = 0;
  for (int b = 0; b < layout->n; b++) {
    int size = layout->b[b].d * layout->b[b].pad;
    for (int a = 0; a < n; a++) {
      size_t at = (size_t)n * (size_t)layout->b[b].offset + (size_t)(a * size);
      vec sum = {0};
      for (int k = 0; k < size; k += LANES) sum += load(x + at + k) * load(y + at + k);
      dots[a] += (double)lane_sum(sum);
    }
  }
}

/* 1 / (density + 1), or 1 / (beta density + alpha): what divides the message of each atom. */
static void message_factors(const ftl_prepared_layer *layer, const ftl_thread *thread, int n, double *factor) {
  for (int a = 0; a < n; a++) {
    double density = 0, slope;
    for (int e = scratch_of(thread)->edge_start[a]; e < scratch_of(thread)->edge_start[a + 1]; e++) {
      const ftl_edge *edge = &scratch_of(thread)->edge[e];
      density += edge_density(layer, edge, &slope);
    }
    factor[a] = layer->norm == FTL_NORM_DENSITY ? 1 / (density + 1) : 1 / (density * layer->beta + layer->alpha);
  }
}

/* Place of a block's channel 0, component 0 of atom a among n. */
FTL_INLINE size_t block_row(const ftl_layout_block *b, int n, int a) {
  return (size_t)n * (size_t)b->offset + (size_t)(a * b->d * b->pad);
}

/* Scalars through their activation, each other channel times that of its gate (model/traits.h). Padding becomes 0. */
static void gate_forward(const ftl_gate *gate, const ftl_layout *in, const ftl_layout *to, int n, const real *message,
                         real *out) {
  memset(out, 0, (size_t)n * (size_t)to->dim * sizeof(real));
  for (int k = 0; k < gate->n; k++) {
    const ftl_gate_part *part = &gate->part[k];
    const ftl_layout_block *from = &in->b[part->in], *block = &to->b[part->out];
    const ftl_layout_block *gates = part->gates < 0 ? from : &in->b[part->gates];
    const int first = part->gates < 0 ? part->in_channel : part->gates_channel;
    for (int a = 0; a < n; a++) {
      const real *x = message + block_row(from, n, a) + part->in_channel, *g = message + block_row(gates, n, a) + first;
      real *y = out + block_row(block, n, a);
      for (int c = 0; c < part->mul; c++) {
        double d1, d2;
        const real f = (real)(part->cst * ftl_activate(part->act, (double)g[c], &d1, &d2));
        for (int m = 0; m < block->d; m++) y[m * block->pad + c] = part->gates < 0 ? f : f * x[m * from->pad + c];
      }
    }
  }
}

static void gate_reverse(const ftl_gate *gate, const ftl_layout *in, const ftl_layout *to, int n, const real *message,
                         const real *out_adjoint, real *adjoint) {
  memset(adjoint, 0, (size_t)n * (size_t)in->dim * sizeof(real));
  for (int k = 0; k < gate->n; k++) {
    const ftl_gate_part *part = &gate->part[k];
    const ftl_layout_block *from = &in->b[part->in], *block = &to->b[part->out];
    const ftl_layout_block *gates = part->gates < 0 ? from : &in->b[part->gates];
    const int first = part->gates < 0 ? part->in_channel : part->gates_channel;
    for (int a = 0; a < n; a++) {
      const size_t own = block_row(from, n, a) + (size_t)part->in_channel,
                   other = block_row(gates, n, a) + (size_t)first;
      const real *dy = out_adjoint + block_row(block, n, a);
      for (int c = 0; c < part->mul; c++) {
        double slope, d2, sum = 0;
        const double f = part->cst * ftl_activate(part->act, (double)message[other + (size_t)c], &slope, &d2);
        for (int m = 0; part->gates >= 0 && m < block->d; m++) {
          const real g = dy[m * block->pad + c];
          sum += (double)(g * message[own + (size_t)(m * from->pad + c)]);
          adjoint[own + (size_t)(m * from->pad + c)] = (real)f * g;
        }
        adjoint[other + (size_t)c] = (real)(part->cst * slope * (part->gates < 0 ? (double)dy[c] : sum));
      }
    }
  }
}

static double activate(ftl_activation gate, double x, double *slope) {
  double d2;
  return ftl_activate(gate, x, slope, &d2);
}

/* A net: `work` holds, for each layer, its units, their slopes and their adjoints. */
static double readout_net(const ftl_prepared_readout *net, double *work, const real *h, real *dh, double factor,
                          const double *last_weights, double *inputs) {
  const int last = net->n_layers - 1;
  double *unit = work, *slope = NULL, *next = work + net->width[0], d2;
  for (int c = 0; c < net->width[0]; c++) unit[c] = (double)h[c];
  for (int k = 0; k <= last; k++) {
    const int n = net->width[k + 1];
    const double *weight = k == last ? last_weights : net->net[k];
    for (int c = 0; c < net->width[k] && k == last && inputs; c++) inputs[c] = unit[c];
    slope = next + n;
    memset(next, 0, (size_t)n * sizeof *next);
    for (int c = 0; c < net->width[k]; c++)
      for (int o = 0; o < n; o++) next[o] += unit[c] * weight[c * n + o];
    for (int o = 0; o < n && k < last; o++) {
      next[o] = net->gate_cst * ftl_activate(net->gate, next[o], &slope[o], &d2);
      slope[o] *= net->gate_cst;
    }
    unit = next;
    next = slope + n;
  }
  const double energy = unit[0];
  double *d = next, *d_in;
  d[0] = factor;
  for (int k = last; k >= 0; k--) {
    const int n = net->width[k + 1];
    const double *weight = k == last ? last_weights : net->net[k];
    d_in = d + n;
    for (int c = 0; c < net->width[k]; c++) {
      d_in[c] = 0;
      for (int o = 0; o < n; o++) d_in[c] += weight[c * n + o] * d[o];
    }
    if (k > 0) {
      slope -= net->width[k + 1] + net->width[k]; /* of the layer before: units and slopes alternate */
      for (int c = 0; c < net->width[k]; c++) d_in[c] *= slope[c];
    }
    d = d_in;
  }
  for (int c = 0; c < net->width[0]; c++) dh[c] += (real)d[c];
  return energy;
}

/* The weights of a readout's last map, or for a linear readout of all of it: the model's for member -1, or a member's
   of the committee less the model's. */
static const double *weights_of(const ftl_prepared_readout *readout, int member) {
  if (member >= 0) return readout->member + (size_t)member * (size_t)readout->member_stride;
  if (readout->kind == FTL_READOUT_NET) return readout->net[readout->n_layers - 1];
  return readout->linear ? readout->linear : readout->linear_2;
}

/* What the first of two linear maps makes. */
static void first_of_two(const ftl_prepared_readout *readout, const real *h, double *inputs) {
  const int n = readout->n_hidden;
  memcpy(inputs, readout->offset_1, (size_t)n * sizeof *inputs);
  for (int c = 0; c < readout->n_in; c++)
    for (int k = 0; k < n; k++) inputs[k] += (double)h[c] * readout->linear_1[c * n + k];
}

/* Energy of one readout for one atom's scalars h, and its gradient times `factor` added to dh. In double. `last`: of
   weights_of; a member's energy is of no use. inputs[n_last] of the last map, unless NULL. */
static double readout(const ftl_prepared_readout *readout_, ftl_thread *thread, const real *h, real *dh, double factor,
                      const double *last, double *inputs) {
  int n_in = readout_->n_in, n = readout_->n_hidden;
  double energy = 0;
  if (readout_->kind == FTL_READOUT_NET)
    return readout_net(readout_, scratch_of(thread)->hidden, h, dh, factor, last, inputs);
  if (readout_->kind == FTL_READOUT_LINEAR || readout_->kind == FTL_READOUT_TWO_LINEAR) {
    for (int c = 0; c < n_in; c++) {
      energy += last[c] * (double)h[c];
      dh[c] += (real)(factor * last[c]);
    }
    if (inputs && readout_->kind == FTL_READOUT_TWO_LINEAR) first_of_two(readout_, h, inputs);
    else if (inputs)
      for (int c = 0; c < n_in; c++) inputs[c] = (double)h[c];
    return energy + readout_->bias_2;
  }
  double *y = scratch_of(thread)->hidden, *slope = y + n, *z = slope + n, *slope_mid = z + n;
  memset(y, 0, (size_t)n * sizeof *y);
  for (int c = 0; c < n_in; c++)
    for (int k = 0; k < n; k++) y[k] += (double)h[c] * readout_->linear_1[c * n + k];
  for (int k = 0; k < n; k++) {
    y[k] = readout_->gate_cst * activate(readout_->gate, y[k], &slope[k]);
    slope[k] *= readout_->gate_cst;
  }
  if (readout_->kind == FTL_READOUT_NONLINEAR) {
    for (int k = 0; k < n; k++) {
      energy += y[k] * last[k];
      z[k] = last[k];
      if (inputs) inputs[k] = y[k];
    }
  } else {
    for (int k = 0; k < n; k++) {
      double x = readout_->bias_mid[k];
      for (int m = 0; m < n; m++) x += y[m] * readout_->linear_mid[m * n + k];
      const double unit = readout_->gate_cst * activate(readout_->gate, x, &slope_mid[k]);
      energy += last[k] * unit;
      slope_mid[k] *= readout_->gate_cst * last[k];
      if (inputs) inputs[k] = unit;
    }
    energy += readout_->bias_2;
    for (int m = 0; m < n; m++) {
      z[m] = 0;
      for (int k = 0; k < n; k++) z[m] += readout_->linear_mid[m * n + k] * slope_mid[k];
    }
  }
  for (int k = 0; k < n; k++) slope[k] *= z[k] * factor;
  for (int c = 0; c < n_in; c++) {
    double sum = 0;
    for (int k = 0; k < n; k++) sum += readout_->linear_1[c * n + k] * slope[k];
    dh[c] += (real)sum;
  }
  return energy;
}
