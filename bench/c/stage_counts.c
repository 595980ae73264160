#include "stage_counts.h"

#include <stdbool.h>
#include <string.h>

#include "mace/scratch.h"
#include "engine/graph.h"

typedef struct {
  const ftl_workspace *ws;
  const ftl_model *model;
  const ftl_prepared_layer *layer;
  const ftl_block *block;
  double n, edges, real; /* atoms and edges of the block, bytes of a number */
  int n_present;
  bool present[FTL_MAX_ELEMENTS];
  double edges_of_class[FTL_MAX_ELEMENTS * FTL_MAX_ELEMENTS];
  ftl_stage_count *count; /* of the layer */
} counter;

static void add(counter *c, ftl_timed_stage stage, double flops, double bytes) {
  c->count[stage].flops += flops;
  c->count[stage].bytes += bytes;
}

/* The block's edges within the cutoff. */
static void survey(counter *c) {
  const ftl_graph *graph = &c->ws->graph;
  double cutoff2 = c->model->arch.r_max * c->model->arch.r_max;
  c->n = c->block->n;
  c->edges = c->n_present = 0;
  memset(c->present, 0, sizeof c->present);
  memset(c->edges_of_class, 0, sizeof c->edges_of_class);
  for (int a = 0; a < c->block->n; a++) {
    int i = c->ws->order[c->block->first + a];
    for (int64_t e = graph->first_edge[i]; e < graph->first_edge[i + 1]; e++) {
      double v[3];
      ftl_graph_vector(graph, i, e, v);
      if (!(v[0] * v[0] + v[1] * v[1] + v[2] * v[2] < cutoff2)) continue;
      int z = graph->species[ftl_graph_node(graph, graph->sender[e])];
      c->edges++;
      c->n_present += !c->present[z];
      c->present[z] = true;
      c->edges_of_class[c->model->pair_class[c->block->species * c->model->n_species + z]]++;
    }
  }
}

/* Spherical harmonics and their reverse up to l, and the rest of an edge's geometry, as harmonics.h and geometry.h have
   them; roots and divisions are one each. */
static const double harmonics[] = {0, 3, 18, 46}, harmonics_reverse[] = {0, 6, 32, 108};
static const double distance = 21, gradient = 45;

static void edges(counter *c) {
  double one = distance + harmonics[c->model->lmax];
  add(c, FTL_STAGE_EDGES, c->edges * one,
      c->edges *
          (double)(sizeof(int) + 3 * sizeof(double) + sizeof(ftl_edge) + (size_t)c->model->n_sh * sizeof(double)));
}

static void edge_gradients(counter *c, ftl_timed_stage stage) {
  add(c, stage, c->edges * (gradient + harmonics_reverse[c->model->lmax]), c->edges * 6 * sizeof(double));
}

static double linear_flops(const counter *c, const ftl_linear *linear) {
  double flops = 0;
  for (int p = 0; p < linear->n; p++) {
    const ftl_layout_block *in = &linear->in.b[linear->path[p].in], *out = &linear->out.b[linear->path[p].out];
    flops += 2.0 * in->d * in->mul * out->mul;
  }
  return c->n * flops;
}

/* A linear map or its reverse: the same numbers the other way round. */
static void linear(counter *c, ftl_timed_stage stage, const ftl_linear *map) {
  double flops = linear_flops(c, map), weights = 0;
  for (int p = 0; p < map->n; p++) weights += (double)map->in.b[map->path[p].in].mul * map->out.b[map->path[p].out].mul;
  add(c, stage, flops, c->real * (weights + c->n * (map->in.dim + map->out.dim)));
}

/* Functions of paths and channels, without a linear map. */
static void channel_sums(counter *c, bool reverse) {
  const ftl_first_layer *first = &c->layer->first_layer;
  const double n_c = c->layer->grid.n_coefficients;
  double flops = 0, functions = 0;
  for (int p = 0; p < first->n_paths; p++) {
    const double channels = c->layer->message.b[first->path_out[p]].mul, d = 2 * first->path_l[p] + 1;
    functions += channels;
    flops += channels * (reverse ? 4 * (n_c - 1) + 4 * d + 2 : 2 * (n_c - 1) + 2 * d);
  }
  add(c, reverse ? FTL_STAGE_SUMS_REVERSE : FTL_STAGE_SUMS, c->edges * flops,
      c->edges * (c->real * n_c * functions + c->model->n_sh * sizeof(double)) +
          c->n * c->layer->message.dim * c->real);
}

static void first_sums(counter *c, bool reverse) {
  const ftl_first_layer *first = &c->layer->first_layer;
  if (first->by_channel) {
    channel_sums(c, reverse);
    return;
  }
  double n_c = c->layer->grid.n_coefficients, n_sh = c->model->n_sh, widest = 0;
  ftl_timed_stage sums = reverse ? FTL_STAGE_SUMS_REVERSE : FTL_STAGE_SUMS;
  ftl_timed_stage map = reverse ? FTL_STAGE_SUMS_LINEAR_REVERSE : FTL_STAGE_SUMS_LINEAR;
  for (int k = 0; k < c->model->n_classes; k++) {
    double radial = first->class_[k].n_radial, n = c->edges_of_class[k];
    double forward = radial * (2 * (n_c - 1) + 2 * n_sh), both = radial * (4 * (n_c - 1) + 4 * n_sh + 2);
    add(c, sums, n * (reverse ? both : forward), n * (c->real * n_c * radial + n_sh * sizeof(double)));
    if (n > 0 && radial > widest) widest = radial;
  }
  double rows = c->n * c->n_present * n_sh * widest * c->real;
  add(c, sums, 0, rows);
  add(c, map, 0, rows + c->n * c->layer->message.dim * c->real);
  for (int p = 0; p < first->n_paths; p++)
    for (int z = 0; z < c->model->n_species; z++) {
      if (!c->present[z]) continue;
      double radial = first->class_[c->model->pair_class[c->block->species * c->model->n_species + z]].n_radial;
      double weights = radial * c->layer->message.b[first->path_out[p]].mul;
      add(c, map, c->n * 2 * (2 * first->path_l[p] + 1) * weights, weights * c->real);
    }
}

static void coupling(counter *c, ftl_timed_stage stage) {
  const ftl_conv *conv = &c->layer->conv;
  add(c, stage, c->edges * 2 * conv->m_start[conv->n_m],
      c->edges * (c->model->n_sh * sizeof(double) + conv->n_m * c->real));
}

static void convolution(counter *c, bool reverse) {
  const ftl_conv *conv = &c->layer->conv;
  double n_c = c->layer->grid.n_coefficients, flops = 0, numbers = 0;
  for (int p = 0; p < conv->n_paths; p++) {
    double d1 = conv->path[p].d1, d3 = conv->path[p].d3, mul = conv->edge.b[conv->path[p].in].mul;
    flops += mul * (reverse ? 4 * (n_c - 1) + 6 * d1 + 4 * d1 * d3 : 2 * (n_c - 1) + d1 + 2 * d1 * d3);
    numbers += mul * n_c;
  }
  numbers += conv->n_m + (reverse ? 3 : 1) * conv->edge.dim;
  add(c, reverse ? FTL_STAGE_CONV_REVERSE : FTL_STAGE_CONV, c->edges * flops,
      c->real * (c->edges * numbers + c->n * conv->mid.dim));
}

static void contraction(counter *c, bool reverse) {
  const ftl_contraction *product = &c->layer->contraction;
  double flops = 0, channels = product->in.b[0].mul;
  for (int o = 0; o < product->n_outputs; o++) {
    const ftl_polynomial *poly = &product->polynomial[o];
    for (int d = 0; d < poly->depth; d++) flops += poly->n[d] * (!reverse ? 2.0 : d == poly->depth - 1 ? 4 : 5);
  }
  double weights = (double)product->chunk_stride * product->n_chunks;
  add(c, reverse ? FTL_STAGE_CONTRACTION_REVERSE : FTL_STAGE_CONTRACTION, c->n * channels * flops,
      c->real * (weights + c->n * ((reverse ? 2 : 1) * product->in.dim + product->out.dim)));
}

static void normalisation(counter *c, bool reverse) {
  ftl_timed_stage stage = reverse ? FTL_STAGE_NORM_REVERSE : FTL_STAGE_NORM;
  double row = c->layer->message.dim;
  if (c->layer->norm != FTL_NORM_AVERAGE)
    add(c, stage, (reverse ? 0 : c->edges * 4 * (c->layer->grid.n_coefficients - 1)) + c->n * (reverse ? 3 : 1) * row,
        c->n * (reverse ? 3 : 2) * row * c->real);
  if (!c->layer->gated) return;
  add(c, stage, c->n * 2 * row, c->n * 2 * row * c->real);
  linear(c, stage, &c->layer->linear_2);
  if (!c->layer->first) linear(c, stage, &c->layer->linear_res);
}

static void interaction(counter *c) {
  edges(c);
  if (c->layer->first) {
    first_sums(c, false);
  } else {
    coupling(c, FTL_STAGE_COUPLING);
    convolution(c, false);
    linear(c, FTL_STAGE_CONV_LINEAR, &c->layer->conv.linear);
  }
  normalisation(c, false);
}

static void readouts(counter *c) {
  for (int r = 0; r < c->layer->n_readouts; r++) {
    const ftl_prepared_readout *readout = &c->layer->readout[r];
    double in = readout->n_in, hidden = readout->n_hidden, weights = in;
    if (readout->kind != FTL_READOUT_LINEAR)
      weights = in * hidden + hidden + (readout->linear_mid ? hidden * hidden : 0);
    add(c, FTL_STAGE_READOUT, c->n * 4 * weights, 8 * weights + c->n * 2 * in * c->real);
  }
}

static void block_counts(counter *c, int t) {
  const ftl_prepared_layer *next = t + 1 < c->model->arch.n_layers ? &c->model->layer[t + 1] : NULL;
  survey(c);
  interaction(c);
  contraction(c, false);
  linear(c, FTL_STAGE_PRODUCT_LINEAR, &c->layer->product_linear);
  readouts(c);
  if (next) {
    /* What is kept for the reverse, in mace/blocks.h: messages behind a gate, the first layer's of so many atoms. */
    if (c->layer->gated_output && !c->layer->first) {
      edges(c);
      coupling(c, FTL_STAGE_COUPLING);
    } else if (t == 0 && !c->layer->gated_output && c->block->first + c->block->n <= c->ws->n_kept) {
      edges(c);
    } else {
      interaction(c); /* once more in the reverse */
    }
    for (int reverse = 0; reverse < 2; reverse++) {
      linear(c, reverse ? FTL_STAGE_UP_REVERSE : FTL_STAGE_UP, &next->linear_up);
      if (next->has_sc) linear(c, reverse ? FTL_STAGE_UP_REVERSE : FTL_STAGE_UP, &next->skip);
    }
  }
  linear(c, FTL_STAGE_PRODUCT_LINEAR_REVERSE, &c->layer->product_linear);
  contraction(c, true);
  normalisation(c, true);
  if (c->layer->first) {
    first_sums(c, true);
    edge_gradients(c, FTL_STAGE_SUMS_REVERSE);
  } else {
    linear(c, FTL_STAGE_CONV_LINEAR_REVERSE, &c->layer->conv.linear);
    coupling(c, FTL_STAGE_COUPLING_REVERSE);
    convolution(c, true);
    edge_gradients(c, FTL_STAGE_EDGES_REVERSE);
  }
}

void ftl_stage_counts(const ftl_workspace *ws, ftl_stage_count count[FTL_MAX_LAYERS][FTL_N_STAGES]) {
  static counter c;
  memset(count, 0, sizeof(ftl_stage_count[FTL_MAX_LAYERS][FTL_N_STAGES]));
  c = (counter){.ws = ws, .model = ws->model, .real = ws->model->real_bytes};
  for (int b = 0; b < ws->n_blocks; b++)
    for (int t = 0; t < ws->model->arch.n_layers; t++) {
      c.layer = &ws->model->layer[t];
      c.block = &ws->block[b];
      c.count = count[t];
      block_counts(&c, t);
    }
}
