/* From the neighbours' sum to what the product takes: MACE (8) divided by its norm, and the gate of the nonlinear block
   (docs/theory.md, eqs. 10 and 13). */

/* ---- division by the norm: to = from / norm ---- */

/* Where the features of an atom in a block are. */
static real *block_row(const ftl_sweep *sweep, const ftl_irreps *irreps, int b, int atom, real *x) {
  size_t width = (size_t)(ftl_block_dim(irreps, b) * irreps->block[b].mul);
  return x + (size_t)sweep->n * (size_t)ftl_block_offset(irreps, b) + (size_t)atom * width;
}

static void norm_forward(const ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                         const variable *from, const variable *to) {
  real alpha = layer->alpha == FTL_NO_PARAMETER ? 1 : *theta(sweep, layer->alpha);
  real beta = layer->beta == FTL_NO_PARAMETER ? 1 : *theta(sweep, layer->beta);
  for (int a = 0; a < sweep->n; a++)
    state->norm.x[a] =
        layer->traits.has_density ? alpha + beta * state->density.x[a] : (real)layer->spec->avg_num_neighbors;
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
      real change = layer->traits.has_density ? -state->norm.dot[a] * inverse * inverse : 0;
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
      for (int k = 0; k < width; k++) out[k] = bar[k] * inverse, along += bar[k] * sum[k];
      if (layer->traits.has_density) state->norm.bar[a] -= along * inverse * inverse;
    }
  for (int a = 0; a < sweep->n && layer->traits.has_density; a++) state->density.bar[a] = beta * state->norm.bar[a];
}

/* The derivative of norm_reverse along the direction, with to->til; gradients of alpha and beta. */
static void norm_second(const ftl_sweep *sweep, const ftl_network_layer *layer, layer_state *state,
                        const variable *from, const variable *to) {
  const ftl_irreps *irreps = &layer->operations.irreps[FTL_FEATURES_MIXED];
  if (layer->traits.has_density) zero(state->norm.til, (size_t)sweep->n);
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
      for (int k = 0; k < width; k++) {
        out[k] = til[k] * inverse + bar[k] * change;
        first += til[k] * sum[k] + bar[k] * sum_dot[k];
        second += bar[k] * sum[k];
      }
      if (layer->traits.has_density)
        state->norm.til[a] += -first * inverse * inverse + 2 * second * norm_dot * inverse * inverse * inverse;
    }
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

/* ---- gate of the nonlinear block: message (scalars, gates, blocks) to gated (scalars, blocks) ---- */

/* cst f(x) with two derivatives. */
static inline real scaled(ftl_activation f, double cst, real x, real *d1, real *d2) {
  double first, second;
  const double value = ftl_activate(f, (double)x, &first, &second);
  *d1 = (real)(cst * first);
  *d2 = (real)(cst * second);
  return (real)(cst * value);
}

/* One value, its tangent, adjoint or second adjoint of the gate: which sweep it is decides what is read and written. */
typedef enum { GATE_FORWARD, GATE_TANGENT, GATE_REVERSE, GATE_SECOND } gate_sweep;

static void gate_scalars(const ftl_sweep *sweep, const ftl_network_layer *layer, const variable *x, const variable *y,
                         gate_sweep which) {
  int n_in = layer->operations.irreps[FTL_FEATURES_MESSAGE].block[0].mul, n = layer->spec->target.block[0].mul;
  for (int a = 0; a < sweep->n; a++)
    for (int c = 0; c < n; c++) {
      size_t in = (size_t)(a * n_in + c), out = (size_t)(a * n + c);
      real d1, d2, value = scaled(FTL_ACTIVATION_SILU, layer->spec->gate_scalar_cst, x->x[in], &d1, &d2);
      switch (which) {
      case GATE_FORWARD:
        y->x[out] = value;
        break;
      case GATE_TANGENT:
        y->dot[out] = d1 * x->dot[in];
        break;
      case GATE_REVERSE:
        x->bar[in] = d1 * y->bar[out];
        break;
      case GATE_SECOND:
        x->til[in] = d1 * y->til[out] + d2 * x->dot[in] * y->bar[out];
        break;
      }
    }
}

static void gate_blocks(const ftl_sweep *sweep, const ftl_network_layer *layer, const variable *x, const variable *y,
                        gate_sweep which) {
  const ftl_irreps *in = &layer->operations.irreps[FTL_FEATURES_MESSAGE], *out = &layer->spec->target;
  int n_in = in->block[0].mul, first_gate = out->block[0].mul;
  for (int b = 1; b < out->n; b++) {
    int mul = out->block[b].mul, d = ftl_block_dim(out, b);
    for (int a = 0; a < sweep->n; a++) {
      size_t from = (size_t)(block_row(sweep, in, b, a, x->x) - x->x);
      size_t to = (size_t)(block_row(sweep, out, b, a, y->x) - y->x);
      for (int c = 0; c < mul; c++) {
        size_t gate = (size_t)(a * n_in + first_gate + c);
        real d1, d2, s = scaled(FTL_ACTIVATION_SIGMOID, layer->spec->gate_cst, x->x[gate], &d1, &d2), sum = 0;
        for (int m = 0; m < d; m++) {
          size_t i = from + (size_t)(m * mul + c), o = to + (size_t)(m * mul + c);
          switch (which) {
          case GATE_FORWARD:
            y->x[o] = s * x->x[i];
            break;
          case GATE_TANGENT:
            y->dot[o] = s * x->dot[i] + d1 * x->dot[gate] * x->x[i];
            break;
          case GATE_REVERSE:
            x->bar[i] = s * y->bar[o];
            sum += d1 * x->x[i] * y->bar[o];
            break;
          case GATE_SECOND:
            x->til[i] = s * y->til[o] + d1 * x->dot[gate] * y->bar[o];
            sum += d1 * x->x[i] * y->til[o] + (d2 * x->dot[gate] * x->x[i] + d1 * x->dot[i]) * y->bar[o];
            break;
          }
        }
        if (which == GATE_REVERSE) x->bar[gate] = sum;
        if (which == GATE_SECOND) x->til[gate] = sum;
      }
    }
    first_gate += mul;
  }
}

static void gate(const ftl_sweep *sweep, const ftl_network_layer *layer, const variable *x, const variable *y,
                 gate_sweep which) {
  gate_scalars(sweep, layer, x, y, which);
  gate_blocks(sweep, layer, x, y, which);
}
