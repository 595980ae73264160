/* The radial networks on all pairs at once, or a readout's on all atoms: matrix products with an activation, and
   LayerNorm in mace's RadialMLP. */

/* cst f(x) with two derivatives. */
static inline real scaled(ftl_activation f, double cst, real x, real *d1, real *d2) {
  double first, second;
  const double value = ftl_activate(f, (double)x, &first, &second);
  *d1 = (real)(cst * first);
  *d2 = (real)(cst * second);
  return (real)(cst * value);
}

#define LAYER_NORM_EPS 1e-5 /* torch.nn.LayerNorm's default */

static bool net_begin(ftl_sweep *sweep, const ftl_net *net, net_state *state, const variable *input, int rows) {
  *state = (net_state){.input = *input, .rows = rows};
  for (int k = 0; k < net->n_layers; k++) {
    size_t n = (size_t)rows * (size_t)net->size[k + 1];
    bool normed = net->norm_weight[k] != FTL_NO_PARAMETER;
    if (!take_value(sweep, &state->h[k], n)) return false;
    state->z[k] = state->h[k];
    if (k == net->n_layers - 1) break;
    if (!take_value(sweep, &state->a[k], n) || (normed && !take_value(sweep, &state->z[k], n))) return false;
    state->slope[k] = take(sweep, n);
    state->curvature[k] = take(sweep, n);
    state->mean[k] = take(sweep, (size_t)rows);
    state->sigma[k] = take(sweep, (size_t)rows);
    if (!state->slope[k] || !state->curvature[k] || !state->mean[k] || !state->sigma[k]) return false;
  }
  return true;
}

static const variable *net_input(const net_state *state, int k) { return k ? &state->a[k - 1] : &state->input; }

/* Rows `first` to `end` of a network's arrays: slices of rows go through all of its layers, in cache. */
typedef struct {
  int first, end;
} row_range;

static void net_multiply(const ftl_sweep *sweep, const ftl_net *net, int k, row_range rows, const real *x, real *y) {
  const int n_in = net->size[k], n = net->size[k + 1];
  const bool torch = net->torch_style;
  product_all(&(matrix_product){.m = rows.end - rows.first,
                                .n = n,
                                .k = n_in,
                                .alpha = torch ? 1 : (real)(1 / sqrt(n_in)),
                                .a = x + (size_t)rows.first * (size_t)n_in,
                                .a_row = (size_t)n_in,
                                .a_step = 1,
                                .b = theta(sweep, net->weight[k]),
                                .b_step = torch ? 1 : (size_t)n,
                                .b_column = torch ? (size_t)n_in : 1,
                                .c = y + (size_t)rows.first * (size_t)n,
                                .c_row = (size_t)n});
}

/* What the slices of a network's sweep share. */
typedef struct {
  ftl_sweep *sweep;
  const ftl_net *net;
  net_state *state;
  int n_slices;
  bool to_input;
} net_work;

static row_range rows_of(const net_work *work, int slice) {
  return (row_range){slice_start(work->state->rows, slice, work->n_slices),
                     slice_start(work->state->rows, slice + 1, work->n_slices)};
}
static void share_rows(ftl_sweep *sweep, const ftl_net *net, net_state *state, bool to_input, ftl_slice slice) {
  net_work work = {sweep, net, state, slices_of(state->rows, 128, 16), to_input};
  share(sweep, work.n_slices, slice, &work);
}

static void layer_norm_forward(const ftl_sweep *sweep, const ftl_net *net, net_state *state, int k, row_range rows) {
  int n = net->size[k + 1];
  const real *weight = theta(sweep, net->norm_weight[k]), *bias = theta(sweep, net->norm_bias[k]);
  for (int p = rows.first; p < rows.end; p++) {
    const real *h = state->h[k].x + (size_t)p * (size_t)n;
    real *z = state->z[k].x + (size_t)p * (size_t)n, mean = 0, variance = 0;
    for (int c = 0; c < n; c++) mean += h[c] / (real)n;
    for (int c = 0; c < n; c++) variance += (h[c] - mean) * (h[c] - mean) / (real)n;
    real sigma = 1 / (real)sqrt((double)variance + LAYER_NORM_EPS);
    for (int c = 0; c < n; c++) z[c] = (h[c] - mean) * sigma * weight[c] + bias[c];
    state->mean[k][p] = mean;
    state->sigma[k][p] = sigma;
  }
}

/* a = cst f(z) with two derivatives; arrays have room for whole vectors (take). silu, which nearly all models have, is
   on vectors. */
static void activate(ftl_activation f, real cst, size_t n, const real *z, real *a, real *slope, real *curvature) {
  for (size_t q = 0; f != FTL_ACTIVATION_SILU && q < n; q++) a[q] = scaled(f, cst, z[q], &slope[q], &curvature[q]);
  if (f != FTL_ACTIVATION_SILU) return;
  for (size_t q = 0; q < n; q += (size_t)LANES) {
    vector x = *(const vector *)(z + q), s = 1 / (1 + exp_of(-x)), ds = s * (1 - s);
    *(vector *)(a + q) = cst * x * s;
    *(vector *)(slope + q) = cst * (s + x * ds);
    *(vector *)(curvature + q) = cst * ds * (2 + x * (1 - 2 * s));
  }
}

static void net_forward_slice(void *shared, int slice) {
  const net_work *work = shared;
  const ftl_net *net = work->net;
  net_state *state = work->state;
  const row_range rows = rows_of(work, slice);
  for (int k = 0; k < net->n_layers; k++) {
    const size_t n = (size_t)net->size[k + 1], first = (size_t)rows.first * n, end = (size_t)rows.end * n;
    net_multiply(work->sweep, net, k, rows, net_input(state, k)->x, state->h[k].x);
    if (net->bias[k] != FTL_NO_PARAMETER) {
      const real *bias = theta(work->sweep, net->bias[k]);
      for (size_t q = first; q < end; q += n)
        for (size_t c = 0; c < n; c++) state->h[k].x[q + c] += bias[c];
    }
    if (k == net->n_layers - 1) break;
    if (net->norm_weight[k] != FTL_NO_PARAMETER) layer_norm_forward(work->sweep, net, state, k, rows);
    activate(net->act, (real)net->act_cst, end - first, state->z[k].x + first, state->a[k].x + first,
             state->slope[k] + first, state->curvature[k] + first);
  }
}
static void net_forward(ftl_sweep *sweep, const ftl_net *net, net_state *state) {
  share_rows(sweep, net, state, false, net_forward_slice);
}

/* LayerNorm along the direction: with y = (h - mean) sigma, ydot = sigma (hdot - mean(hdot) - y mean(y hdot)). */
static void layer_norm_tangent(const ftl_sweep *sweep, const ftl_net *net, net_state *state, int k, row_range rows) {
  int n = net->size[k + 1];
  const real *weight = theta(sweep, net->norm_weight[k]);
  for (int p = rows.first; p < rows.end; p++) {
    size_t at = (size_t)p * (size_t)n;
    const real *h = state->h[k].x + at, *h_dot = state->h[k].dot + at;
    real *z_dot = state->z[k].dot + at, mean = state->mean[k][p], sigma = state->sigma[k][p], m = 0, my = 0;
    for (int c = 0; c < n; c++) {
      m += h_dot[c] / (real)n;
      my += (h[c] - mean) * sigma * h_dot[c] / (real)n;
    }
    for (int c = 0; c < n; c++) z_dot[c] = weight[c] * sigma * (h_dot[c] - m - (h[c] - mean) * sigma * my);
  }
}

static void net_tangent_slice(void *shared, int slice) {
  const net_work *work = shared;
  const ftl_net *net = work->net;
  net_state *state = work->state;
  const row_range rows = rows_of(work, slice);
  for (int k = 0; k < net->n_layers; k++) {
    const size_t n = (size_t)net->size[k + 1];
    net_multiply(work->sweep, net, k, rows, net_input(state, k)->dot, state->h[k].dot);
    if (k == net->n_layers - 1) break;
    if (net->norm_weight[k] != FTL_NO_PARAMETER) layer_norm_tangent(work->sweep, net, state, k, rows);
    for (size_t q = (size_t)rows.first * n; q < (size_t)rows.end * n; q++)
      state->a[k].dot[q] = state->slope[k][q] * state->z[k].dot[q];
  }
}

static bool net_tangent(ftl_sweep *sweep, const ftl_net *net, net_state *state, const real *input_dot) {
  state->input.dot = (real *)input_dot;
  for (int k = 0; k < net->n_layers; k++) {
    size_t n = (size_t)state->rows * (size_t)net->size[k + 1];
    if (!(state->h[k].dot = take(sweep, n))) return false;
    state->z[k].dot = state->h[k].dot;
    if (k == net->n_layers - 1) break;
    if (net->norm_weight[k] != FTL_NO_PARAMETER && !(state->z[k].dot = take(sweep, n))) return false;
    if (!(state->a[k].dot = take(sweep, n))) return false;
  }
  share_rows(sweep, net, state, false, net_tangent_slice);
  return true;
}

static void net_multiply_reverse(const ftl_sweep *sweep, const ftl_net *net, int k, row_range rows, const real *y_bar,
                                 real *x_bar) {
  const int n_in = net->size[k], n = net->size[k + 1];
  const bool torch = net->torch_style;
  product_all(&(matrix_product){.m = rows.end - rows.first,
                                .n = n_in,
                                .k = n,
                                .alpha = torch ? 1 : (real)(1 / sqrt(n_in)),
                                .a = y_bar + (size_t)rows.first * (size_t)n,
                                .a_row = (size_t)n,
                                .a_step = 1,
                                .b = theta(sweep, net->weight[k]),
                                .b_step = torch ? (size_t)n_in : 1,
                                .b_column = torch ? 1 : (size_t)n,
                                .c = x_bar + (size_t)rows.first * (size_t)n_in,
                                .c_row = (size_t)n_in});
}

/* With g = zbar * weight: hbar = sigma (g - mean(g) - y mean(y g)). */
static void layer_norm_reverse(const ftl_sweep *sweep, const ftl_net *net, net_state *state, int k, row_range rows) {
  int n = net->size[k + 1];
  const real *weight = theta(sweep, net->norm_weight[k]);
  for (int p = rows.first; p < rows.end; p++) {
    size_t at = (size_t)p * (size_t)n;
    const real *h = state->h[k].x + at, *z_bar = state->z[k].bar + at;
    real *h_bar = state->h[k].bar + at, mean = state->mean[k][p], sigma = state->sigma[k][p], m = 0, my = 0;
    for (int c = 0; c < n; c++) {
      m += weight[c] * z_bar[c] / (real)n;
      my += (h[c] - mean) * sigma * weight[c] * z_bar[c] / (real)n;
    }
    for (int c = 0; c < n; c++) h_bar[c] = sigma * (weight[c] * z_bar[c] - m - (h[c] - mean) * sigma * my);
  }
}

static void net_reverse_slice(void *shared, int slice) {
  const net_work *work = shared;
  const ftl_net *net = work->net;
  net_state *state = work->state;
  const row_range rows = rows_of(work, slice);
  for (int k = net->n_layers - 1; k >= 0; k--) {
    const size_t n_in = (size_t)net->size[k];
    real *x_bar = k ? state->a[k - 1].bar : state->input.bar;
    net_multiply_reverse(work->sweep, net, k, rows, state->h[k].bar, x_bar);
    if (k == 0) break;
    real *z_bar = state->z[k - 1].bar;
    for (size_t q = (size_t)rows.first * n_in; q < (size_t)rows.end * n_in; q++)
      z_bar[q] = state->slope[k - 1][q] * x_bar[q];
    if (net->norm_weight[k - 1] != FTL_NO_PARAMETER) layer_norm_reverse(work->sweep, net, state, k - 1, rows);
  }
}

/* From the output's adjoint in h[last].bar to the input's: allocates every adjoint on the way. */
static bool net_reverse(ftl_sweep *sweep, const ftl_net *net, net_state *state) {
  for (int k = net->n_layers - 1; k >= 0; k--) {
    size_t n_in = (size_t)state->rows * (size_t)net->size[k];
    real **x_bar = k ? &state->a[k - 1].bar : &state->input.bar;
    if (!(*x_bar = take(sweep, n_in))) return false;
    if (k == 0) break;
    if (!(state->z[k - 1].bar = take(sweep, n_in))) return false;
    state->h[k - 1].bar = state->z[k - 1].bar;
    if (net->norm_weight[k - 1] != FTL_NO_PARAMETER && !(state->h[k - 1].bar = take(sweep, n_in))) return false;
  }
  share_rows(sweep, net, state, false, net_reverse_slice);
  return true;
}

/* The derivative of layer_norm_reverse along the direction, with ztil in the place of zbar's derivative; and the
   gradients of LayerNorm's weight and bias. In place of z.til. */
static void layer_norm_second(const ftl_sweep *sweep, const ftl_net *net, net_state *state, int k) {
  int n = net->size[k + 1];
  const real *weight = theta(sweep, net->norm_weight[k]);
  real *d_weight = sweep->parameter_gradient + net->norm_weight[k];
  real *d_bias = sweep->parameter_gradient + net->norm_bias[k];
  for (int p = 0; p < state->rows; p++) {
    size_t at = (size_t)p * (size_t)n;
    const real *h = state->h[k].x + at, *h_dot = state->h[k].dot + at, *z_bar = state->z[k].bar + at;
    real *z_til = state->z[k].til + at, mean = state->mean[k][p], sigma = state->sigma[k][p];
    real m_dot = 0, y_h = 0, m = 0, m_til = 0, my = 0;
    for (int c = 0; c < n; c++) {
      real y = (h[c] - mean) * sigma;
      m_dot += h_dot[c] / (real)n;
      y_h += y * h_dot[c] / (real)n;
      m += weight[c] * z_bar[c] / (real)n;
      m_til += weight[c] * z_til[c] / (real)n;
      my += y * weight[c] * z_bar[c] / (real)n;
    }
    real sigma_dot = -sigma * sigma * y_h, my_dot = 0; /* sigma = 1/sqrt(var + eps), d var = 2 mean((h - mean) hdot) */
    for (int c = 0; c < n; c++) {
      real y = (h[c] - mean) * sigma, y_dot = sigma * (h_dot[c] - m_dot - y * y_h);
      my_dot += (y_dot * weight[c] * z_bar[c] + y * weight[c] * z_til[c]) / (real)n;
    }
    for (int c = 0; c < n; c++) {
      real y = (h[c] - mean) * sigma, y_dot = sigma * (h_dot[c] - m_dot - y * y_h);
      d_weight[c] += y * z_til[c] + y_dot * z_bar[c];
      d_bias[c] += z_til[c];
      z_til[c] = sigma * (weight[c] * z_til[c] - m_til - y_dot * my - y * my_dot) +
                 sigma_dot * (weight[c] * z_bar[c] - m - y * my);
    }
  }
}

/* Second adjoints of one layer's input, before LayerNorm's. */
static void net_layer_second(const net_work *work, int k, row_range rows) {
  net_state *state = work->state;
  const size_t n_in = (size_t)work->net->size[k];
  real *x_til = k ? state->h[k - 1].til : state->input.til;
  net_multiply_reverse(work->sweep, work->net, k, rows, state->h[k].til, x_til);
  if (k == 0) return;
  const real *restrict slope = state->slope[k - 1], *restrict curvature = state->curvature[k - 1];
  const real *restrict a_bar = state->a[k - 1].bar, *restrict z_dot = state->z[k - 1].dot;
  for (size_t q = (size_t)rows.first * n_in; q < (size_t)rows.end * n_in; q++)
    x_til[q] = slope[q] * x_til[q] + curvature[q] * z_dot[q] * a_bar[q];
}

static void net_second_slice(void *shared, int slice) {
  const net_work *work = shared;
  for (int k = work->net->n_layers - 1; k >= (work->to_input ? 0 : 1); k--)
    net_layer_second(work, k, rows_of(work, slice));
}

/* The two products that make the gradient of a layer's weight, added to it. */
static void weight_products(const ftl_sweep *sweep, const ftl_net *net, const net_state *state, int k,
                            matrix_product product[2]) {
  const int n_in = net->size[k], n = net->size[k + 1];
  const variable *x = net_input(state, k), *h = &state->h[k];
  for (int part = 0; part < 2; part++) {
    const real *in = part ? x->dot : x->x, *out = part ? h->bar : h->til;
    const bool torch = net->torch_style;
    product[part] = (matrix_product){.m = torch ? n : n_in,
                                     .n = torch ? n_in : n,
                                     .k = state->rows,
                                     .alpha = torch ? 1 : (real)(1 / sqrt(n_in)),
                                     .a = torch ? out : in,
                                     .a_row = 1,
                                     .a_step = (size_t)(torch ? n : n_in),
                                     .b = torch ? in : out,
                                     .b_step = (size_t)(torch ? n_in : n),
                                     .b_column = 1,
                                     .c = sweep->parameter_gradient + net->weight[k],
                                     .c_row = (size_t)(torch ? n_in : n),
                                     .adds = true};
  }
}

/* Slices of the gradients of all weights: blocks of one after the other, from the last on, which is the largest. */
static void net_gradient_slice(void *shared, int slice) {
  const net_work *work = shared;
  for (int k = work->net->n_layers - 1; k >= 0; k--) {
    matrix_product product[2];
    weight_products(work->sweep, work->net, work->state, k, product);
    const int blocks = product_blocks(product);
    if (slice < blocks) {
      product_block(&product[0], slice);
      product_block(&product[1], slice);
      return;
    }
    slice -= blocks;
  }
}

static void net_gradient(ftl_sweep *sweep, const ftl_net *net, net_state *state) {
  net_work work = {sweep, net, state, 0, false};
  for (int k = 0; k < net->n_layers; k++) {
    matrix_product product[2];
    weight_products(sweep, net, state, k, product);
    work.n_slices += product_blocks(product);
    const int n = net->size[k + 1];
    for (int p = 0; net->bias[k] != FTL_NO_PARAMETER && p < state->rows; p++)
      for (int c = 0; c < n; c++)
        sweep->parameter_gradient[net->bias[k] + c] += state->h[k].til[(size_t)p * (size_t)n + (size_t)c];
  }
  share(sweep, work.n_slices, net_gradient_slice, &work);
}

/* From h[last].til to the input's second adjoint if `to_input`, with the gradients of the weights. LayerNorm, whose
   gradients are sums over rows, is not in slices. */
static bool net_second(ftl_sweep *sweep, const ftl_net *net, net_state *state, bool to_input) {
  bool normed = false;
  for (int k = net->n_layers - 1; k >= (to_input ? 0 : 1); k--) {
    real *x_til = take(sweep, (size_t)state->rows * (size_t)net->size[k]);
    if (!x_til) return false;
    if (k == 0) state->input.til = x_til;
    else state->z[k - 1].til = state->h[k - 1].til = x_til;
    normed = normed || (k > 0 && net->norm_weight[k - 1] != FTL_NO_PARAMETER);
  }
  const net_work alone = {sweep, net, state, 1, to_input};
  for (int k = net->n_layers - 1; normed && k >= (to_input ? 0 : 1); k--) {
    net_layer_second(&alone, k, rows_of(&alone, 0));
    if (k > 0 && net->norm_weight[k - 1] != FTL_NO_PARAMETER) layer_norm_second(sweep, net, state, k - 1);
  }
  if (!normed) share_rows(sweep, net, state, to_input, net_second_slice);
  if (net->trained) net_gradient(sweep, net, state);
  return true;
}
