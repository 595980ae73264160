/* From the neighbours' sum to what the product takes: MACE (8) divided by its norm, and the gate of the nonlinear and
   the gated block (docs/theory.md, eqs. 10 and 13). */

/* ---- division by the norm: to = from / norm ---- */

/* Where the features of an atom in a block are. */
static size_t row_at(const ftl_sweep *sweep, const ftl_irreps *irreps, int b, int atom) {
  size_t width = (size_t)(ftl_block_dim(irreps, b) * irreps->block[b].mul);
  return (size_t)sweep->n * (size_t)ftl_block_offset(irreps, b) + (size_t)atom * width;
}
static real *block_row(const ftl_sweep *sweep, const ftl_irreps *irreps, int b, int atom, real *x) {
  return x + row_at(sweep, irreps, b, atom);
}

static void norm_forward(const ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                         const variable *from, const variable *to) {
  real alpha = layer->alpha == FTL_NO_PARAMETER ? 1 : *theta(sweep, layer->alpha);
  real beta = layer->beta == FTL_NO_PARAMETER ? 1 : *theta(sweep, layer->beta);
  real constant =
      layer->denominator == FTL_NO_PARAMETER ? (real)layer->constant_norm : *theta(sweep, layer->denominator);
  for (int a = 0; a < sweep->n; a++)
    state->norm.x[a] = layer->traits.has_density ? alpha + beta * state->density.x[a] : constant;
  const ftl_irreps *irreps = &layer->operations.irreps[FTL_FEATURES_MIXED];
  for (int b = 0; b < irreps->n; b++)
    for (int a = 0; a < sweep->n; a++) {
      int width = ftl_block_dim(irreps, b) * irreps->block[b].mul;
      const real *sum = block_row(sweep, irreps, b, a, from->x);
      real *message = block_row(sweep, irreps, b, a, to->x), inverse = 1 / state->norm.x[a];
      for (int k = 0; k < width; k++) message[k] = sum[k] * inverse;
    }
}

static void norm_tangent(const ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                         const variable *from, const variable *to) {
  real beta = layer->beta == FTL_NO_PARAMETER ? 1 : *theta(sweep, layer->beta);
  const ftl_irreps *irreps = &layer->operations.irreps[FTL_FEATURES_MIXED];
  for (int a = 0; a < sweep->n && layer->traits.has_density; a++) state->norm.dot[a] = beta * state->density.dot[a];
  for (int b = 0; b < irreps->n; b++)
    for (int a = 0; a < sweep->n; a++) {
      int width = ftl_block_dim(irreps, b) * irreps->block[b].mul;
      const real *sum = block_row(sweep, irreps, b, a, from->x);
      const real *dot = block_row(sweep, irreps, b, a, from->dot);
      real *message = block_row(sweep, irreps, b, a, to->dot), inverse = 1 / state->norm.x[a];
      if (!layer->traits.has_density) {
        for (int k = 0; k < width; k++) message[k] = dot[k] * inverse;
        continue;
      }
      real change = -state->norm.dot[a] * inverse * inverse;
      for (int k = 0; k < width; k++) message[k] = dot[k] * inverse + sum[k] * change;
    }
}

/* From to->bar to from->bar, norm.bar and density.bar. */
static void norm_reverse(const ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                         const variable *from, const variable *to) {
  real beta = layer->beta == FTL_NO_PARAMETER ? 1 : *theta(sweep, layer->beta);
  const ftl_irreps *irreps = &layer->operations.irreps[FTL_FEATURES_MIXED];
  if (layer->traits.has_density) zero(state->norm.bar, (size_t)sweep->n);
  for (int b = 0; b < irreps->n; b++)
    for (int a = 0; a < sweep->n; a++) {
      int width = ftl_block_dim(irreps, b) * irreps->block[b].mul;
      const real *sum = block_row(sweep, irreps, b, a, from->x);
      const real *bar = block_row(sweep, irreps, b, a, to->bar);
      real *out = block_row(sweep, irreps, b, a, from->bar), inverse = 1 / state->norm.x[a], along = 0;
      for (int k = 0; k < width; k++) out[k] = bar[k] * inverse;
      if (!layer->traits.has_density) continue;
      for (int k = 0; k < width; k++) along += bar[k] * sum[k];
      state->norm.bar[a] -= along * inverse * inverse;
    }
  for (int a = 0; a < sweep->n && layer->traits.has_density; a++) state->density.bar[a] = beta * state->norm.bar[a];
}

/* The derivative of norm_reverse along the direction, with to->til; gradients of alpha and beta or of the denominator.
   A sum that is divided by a constant may not be there any more (ftl_network_layer.kept_to). */
static void norm_second(const ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                        const variable *from, const variable *to) {
  const ftl_irreps *irreps = &layer->operations.irreps[FTL_FEATURES_MIXED];
  if (layer->norm_varies) zero(state->norm.til, (size_t)sweep->n);
  for (int b = 0; b < irreps->n; b++)
    for (int a = 0; a < sweep->n; a++) {
      int width = ftl_block_dim(irreps, b) * irreps->block[b].mul;
      const real *sum = block_row(sweep, irreps, b, a, from->x);
      const real *sum_dot = block_row(sweep, irreps, b, a, from->dot);
      const real *bar = block_row(sweep, irreps, b, a, to->bar);
      const real *til = block_row(sweep, irreps, b, a, to->til);
      real *out = block_row(sweep, irreps, b, a, from->til), inverse = 1 / state->norm.x[a];
      real norm_dot = layer->traits.has_density ? state->norm.dot[a] : 0, change = -norm_dot * inverse * inverse;
      real first = 0, second = 0;
      for (int k = 0; k < width; k++) out[k] = til[k] * inverse + bar[k] * change;
      if (!layer->norm_varies) continue;
      for (int k = 0; k < width; k++) {
        first += til[k] * sum[k] + bar[k] * sum_dot[k];
        second += bar[k] * sum[k];
      }
      state->norm.til[a] += -first * inverse * inverse + 2 * second * norm_dot * inverse * inverse * inverse;
    }
  for (int a = 0; a < sweep->n && layer->denominator != FTL_NO_PARAMETER && layer->norm_varies; a++)
    sweep->parameter_gradient[layer->denominator] += state->norm.til[a];
  if (!layer->traits.has_density) return;
  real beta = layer->beta == FTL_NO_PARAMETER ? 1 : *theta(sweep, layer->beta);
  for (int a = 0; a < sweep->n; a++) {
    state->density.til[a] = beta * state->norm.til[a];
    if (layer->alpha == FTL_NO_PARAMETER) continue;
    sweep->parameter_gradient[layer->alpha] += state->norm.til[a];
    sweep->parameter_gradient[layer->beta] +=
        state->norm.til[a] * state->density.x[a] + state->norm.bar[a] * state->density.dot[a];
  }
}

/* ---- gate: scalars, gates and multiplets to scalars and multiplets ---- */

/* One value, its tangent, adjoint or second adjoint of the gate: which sweep it is decides what is read and written. */
typedef enum { GATE_FORWARD, GATE_TANGENT, GATE_REVERSE, GATE_SECOND } gate_sweep;

/* A part of scalars: y = f(x). */
static void gate_scalars(const ftl_sweep *sweep, const ftl_gate *gate, const ftl_gate_part *part, const variable *x,
                         const variable *y, gate_sweep which, int first, int end) {
  for (int a = first; a < end; a++) {
    const size_t in = row_at(sweep, &gate->in, part->in, a) + (size_t)part->in_channel;
    const size_t out = row_at(sweep, &gate->out, part->out, a);
    for (int c = 0; c < part->mul; c++) {
      const size_t i = in + (size_t)c, o = out + (size_t)c;
      real d1, d2, value = scaled(part->act, part->cst, x->x[i], &d1, &d2);
      switch (which) {
      case GATE_FORWARD:
        y->x[o] = value;
        break;
      case GATE_TANGENT:
        y->dot[o] = d1 * x->dot[i];
        break;
      case GATE_REVERSE:
        x->bar[i] = d1 * y->bar[o];
        break;
      case GATE_SECOND:
        x->til[i] = d1 * y->til[o] + d2 * x->dot[i] * y->bar[o];
        break;
      }
    }
  }
}

/* A part of multiplets: y = x f(gate), channel by channel. */
static void gate_multiplets(const ftl_sweep *sweep, const ftl_gate *gate, const ftl_gate_part *part, const variable *x,
                            const variable *y, gate_sweep which, int first, int end) {
  const int d = 2 * part->l + 1;
  const size_t in_mul = (size_t)gate->in.block[part->in].mul, out_mul = (size_t)part->mul;
  for (int a = first; a < end; a++) {
    const size_t in = row_at(sweep, &gate->in, part->in, a) + (size_t)part->in_channel;
    const size_t gates = row_at(sweep, &gate->in, part->gates, a) + (size_t)part->gates_channel;
    const size_t out = row_at(sweep, &gate->out, part->out, a);
    for (size_t c = 0; c < out_mul; c++) {
      const size_t g = gates + c;
      real d1, d2, s = scaled(part->act, part->cst, x->x[g], &d1, &d2), sum = 0;
      for (size_t m = 0; m < (size_t)d; m++) {
        const size_t i = in + m * in_mul + c, o = out + m * out_mul + c;
        switch (which) {
        case GATE_FORWARD:
          y->x[o] = s * x->x[i];
          break;
        case GATE_TANGENT:
          y->dot[o] = s * x->dot[i] + d1 * x->dot[g] * x->x[i];
          break;
        case GATE_REVERSE:
          x->bar[i] = s * y->bar[o];
          sum += d1 * x->x[i] * y->bar[o];
          break;
        case GATE_SECOND:
          x->til[i] = s * y->til[o] + d1 * x->dot[g] * y->bar[o];
          sum += d1 * x->x[i] * y->til[o] + (d2 * x->dot[g] * x->x[i] + d1 * x->dot[i]) * y->bar[o];
          break;
        }
      }
      if (which == GATE_REVERSE) x->bar[g] = sum;
      if (which == GATE_SECOND) x->til[g] = sum;
    }
  }
}

typedef struct {
  const ftl_sweep *sweep;
  const ftl_gate *gate;
  const variable *x, *y;
  gate_sweep which;
  int n_slices;
} gate_work;

static void gate_slice(void *shared, int slice) {
  const gate_work *w = shared;
  const int first = slice_start(w->sweep->n, slice, w->n_slices),
            end = slice_start(w->sweep->n, slice + 1, w->n_slices);
  for (int k = 0; k < w->gate->n; k++) {
    const ftl_gate_part *part = &w->gate->part[k];
    (part->gates < 0 ? gate_scalars : gate_multiplets)(w->sweep, w->gate, part, w->x, w->y, w->which, first, end);
  }
}
static void gate(const ftl_sweep *sweep, const ftl_network_layer *layer, const variable *x, const variable *y,
                 gate_sweep which) {
  gate_work work = {sweep, &layer->gate, x, y, which, slices_of(sweep->n, 8, 16)};
  share(sweep, work.n_slices, gate_slice, &work);
}
