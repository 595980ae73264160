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

/* GatedEquivariantBlock: scalars through silu, each gated channel times the sigmoid of its gate. `message` holds
   scalars and then gates in its block 0, in the order of the gated blocks. */
static void gate_forward(const ftl_prepared_layer *layer, int n, const real *message, real *out) {
  const ftl_layout *in = &layer->message, *to = &layer->target;
  for (int a = 0; a < n; a++) {
    const real *x = message + (size_t)(a * in->b[0].pad);
    real *y = out + (size_t)(a * to->b[0].pad);
    double d1, d2;
    for (int c = 0; c < to->b[0].pad; c++)
      y[c] = c < layer->n_scalars ? (real)(layer->gate_scalar_cst * ftl_silu((double)x[c], &d1, &d2)) : 0;
    int gate = layer->n_scalars;
    for (int b = 1; b < to->n; gate += to->b[b].mul, b++)
      for (int c = 0; c < to->b[b].mul; c++) {
        real g = (real)(layer->gate_cst * ftl_sigmoid((double)x[gate + c], &d1, &d2));
        for (int m = 0; m < to->b[b].d; m++) {
          size_t row = (size_t)((a * to->b[b].d + m) * to->b[b].pad + c);
          out[(size_t)n * (size_t)to->b[b].offset + row] = g * message[(size_t)n * (size_t)in->b[b].offset + row];
        }
      }
    for (int b = 1; b < to->n; b++)
      for (int m = 0; m < to->b[b].d; m++)
        for (int c = to->b[b].mul; c < to->b[b].pad; c++)
          out[(size_t)n * (size_t)to->b[b].offset + (size_t)((a * to->b[b].d + m) * to->b[b].pad + c)] = 0;
  }
}

static void gate_reverse(const ftl_prepared_layer *layer, int n, const real *message, const real *out_adjoint,
                         real *adjoint) {
  const ftl_layout *in = &layer->message, *to = &layer->target;
  memset(adjoint, 0, (size_t)n * (size_t)in->dim * sizeof(real));
  for (int a = 0; a < n; a++) {
    const real *x = message + (size_t)(a * in->b[0].pad);
    real *dx = adjoint + (size_t)(a * in->b[0].pad);
    for (int c = 0; c < layer->n_scalars; c++) {
      double slope, d2;
      ftl_silu((double)x[c], &slope, &d2);
      dx[c] = (real)(layer->gate_scalar_cst * slope) * out_adjoint[a * to->b[0].pad + c];
    }
    int gate = layer->n_scalars;
    for (int b = 1; b < to->n; gate += to->b[b].mul, b++)
      for (int c = 0; c < to->b[b].mul; c++) {
        double slope, d2, s = ftl_sigmoid((double)x[gate + c], &slope, &d2), sum = 0;
        for (int m = 0; m < to->b[b].d; m++) {
          size_t row = (size_t)((a * to->b[b].d + m) * to->b[b].pad + c);
          real g = out_adjoint[(size_t)n * (size_t)to->b[b].offset + row];
          sum += (double)(g * message[(size_t)n * (size_t)in->b[b].offset + row]);
          adjoint[(size_t)n * (size_t)in->b[b].offset + row] = (real)(layer->gate_cst * s) * g;
        }
        dx[gate + c] = (real)(layer->gate_cst * slope * sum);
      }
  }
}

static double activate(ftl_activation gate, double x, double *slope) {
  double d2;
  return ftl_activate(gate, x, slope, &d2);
}

/* Energy of one readout for one atom's scalars h, and its gradient times `factor` added to dh. In double. */
static double readout(const ftl_prepared_readout *readout_, ftl_thread *thread, const real *h, real *dh,
                      double factor) {
  int n_in = readout_->n_in, n = readout_->n_hidden;
  double energy = 0;
  if (readout_->kind == FTL_READOUT_LINEAR) {
    for (int c = 0; c < n_in; c++) {
      energy += readout_->linear[c] * (double)h[c];
      dh[c] += (real)(factor * readout_->linear[c]);
    }
    return energy;
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
      energy += y[k] * readout_->linear_2[k];
      z[k] = readout_->linear_2[k];
    }
  } else {
    for (int k = 0; k < n; k++) {
      double x = readout_->bias_mid[k];
      for (int m = 0; m < n; m++) x += y[m] * readout_->linear_mid[m * n + k];
      energy += readout_->linear_2[k] * readout_->gate_cst * activate(readout_->gate, x, &slope_mid[k]);
      slope_mid[k] *= readout_->gate_cst * readout_->linear_2[k];
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
