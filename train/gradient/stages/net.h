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

static void net_multiply(const ftl_sweep *sweep, const ftl_net *net, int k, int rows, const real *x, real *y) {
  const int n_in = net->size[k], n = net->size[k + 1];
  const bool torch = net->torch_style;
  product_all(&(matrix_product){.m = rows,
                                .n = n,
                                .k = n_in,
                                .alpha = torch ? 1 : (real)(1 / sqrt(n_in)),
                                .a = x,
                                .a_row = (size_t)n_in,
                                .a_step = 1,
                                .b = theta(sweep, net->weight[k]),
                                .b_step = torch ? 1 : (size_t)n,
                                .b_column = torch ? (size_t)n_in : 1,
                                .c = y,
                                .c_row = (size_t)n});
}

static void layer_norm_forward(const ftl_sweep *sweep, const ftl_net *net, net_state *state, int k) {
  int n = net->size[k + 1];
  const real *weight = theta(sweep, net->norm_weight[k]), *bias = theta(sweep, net->norm_bias[k]);
  for (int p = 0; p < state->rows; p++) {
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

static void net_forward(const ftl_sweep *sweep, const ftl_net *net, net_state *state) {
  for (int k = 0; k < net->n_layers; k++) {
    int n = net->size[k + 1];
    net_multiply(sweep, net, k, state->rows, net_input(state, k)->x, state->h[k].x);
    if (net->bias[k] != FTL_NO_PARAMETER) {
      const real *bias = theta(sweep, net->bias[k]);
      for (int p = 0; p < state->rows; p++)
        for (int c = 0; c < n; c++) state->h[k].x[(size_t)p * (size_t)n + (size_t)c] += bias[c];
    }
    if (k == net->n_layers - 1) break;
    if (net->norm_weight[k] != FTL_NO_PARAMETER) layer_norm_forward(sweep, net, state, k);
    activate(net->act, (real)net->act_cst, (size_t)state->rows * (size_t)n, state->z[k].x, state->a[k].x,
             state->slope[k], state->curvature[k]);
  }
}

/* LayerNorm along the direction: with y = (h - mean) sigma, ydot = sigma (hdot - mean(hdot) - y mean(y hdot)). */
static void layer_norm_tangent(const ftl_sweep *sweep, const ftl_net *net, net_state *state, int k) {
  int n = net->size[k + 1];
  const real *weight = theta(sweep, net->norm_weight[k]);
  for (int p = 0; p < state->rows; p++) {
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

static bool net_tangent(ftl_sweep *sweep, const ftl_net *net, net_state *state, const real *input_dot) {
  state->input.dot = (real *)input_dot;
  for (int k = 0; k < net->n_layers; k++) {
    size_t n = (size_t)state->rows * (size_t)net->size[k + 1];
    if (!(state->h[k].dot = take(sweep, n))) return false;
    net_multiply(sweep, net, k, state->rows, net_input(state, k)->dot, state->h[k].dot);
    state->z[k].dot = state->h[k].dot;
    if (k == net->n_layers - 1) break;
    if (net->norm_weight[k] != FTL_NO_PARAMETER) {
      if (!(state->z[k].dot = take(sweep, n))) return false;
      layer_norm_tangent(sweep, net, state, k);
    }
    if (!(state->a[k].dot = take(sweep, n))) return false;
    for (size_t q = 0; q < n; q++) state->a[k].dot[q] = state->slope[k][q] * state->z[k].dot[q];
  }
  return true;
}

static void net_multiply_reverse(const ftl_sweep *sweep, const ftl_net *net, int k, int rows, const real *y_bar,
                                 real *x_bar) {
  const int n_in = net->size[k], n = net->size[k + 1];
  const bool torch = net->torch_style;
  product_all(&(matrix_product){.m = rows,
                                .n = n_in,
                                .k = n,
                                .alpha = torch ? 1 : (real)(1 / sqrt(n_in)),
                                .a = y_bar,
                                .a_row = (size_t)n,
                                .a_step = 1,
                                .b = theta(sweep, net->weight[k]),
                                .b_step = torch ? (size_t)n_in : 1,
                                .b_column = torch ? 1 : (size_t)n,
                                .c = x_bar,
                                .c_row = (size_t)n_in});
}

/* With g = zbar * weight: hbar = sigma (g - mean(g) - y mean(y g)). */
static void layer_norm_reverse(const ftl_sweep *sweep, const ftl_net *net, net_state *state, int k) {
  int n = net->size[k + 1];
  const real *weight = theta(sweep, net->norm_weight[k]);
  for (int p = 0; p < state->rows; p++) {
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

/* From the output's adjoint in h[last].bar to the input's: allocates every adjoint on the way. */
static bool net_reverse(ftl_sweep *sweep, const ftl_net *net, net_state *state) {
  for (int k = net->n_layers - 1; k >= 0; k--) {
    size_t n_in = (size_t)state->rows * (size_t)net->size[k];
    real *x_bar = take(sweep, n_in);
    if (!x_bar) return false;
    net_multiply_reverse(sweep, net, k, state->rows, state->h[k].bar, x_bar);
    if (k == 0) {
      state->input.bar = x_bar;
      break;
    }
    state->a[k - 1].bar = x_bar;
    real *z_bar = take(sweep, n_in);
    if (!z_bar) return false;
    for (size_t q = 0; q < n_in; q++) z_bar[q] = state->slope[k - 1][q] * x_bar[q];
    state->z[k - 1].bar = state->h[k - 1].bar = z_bar;
    if (net->norm_weight[k - 1] == FTL_NO_PARAMETER) continue;
    if (!(state->h[k - 1].bar = take(sweep, n_in))) return false;
    layer_norm_reverse(sweep, net, state, k - 1);
  }
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

/* From h[last].til to the input's second adjoint if `to_input`, with the gradients of the weights. */
static bool net_second(ftl_sweep *sweep, const ftl_net *net, net_state *state, bool to_input) {
  for (int k = net->n_layers - 1; k >= 0; k--) {
    int n_in = net->size[k], n = net->size[k + 1], rows = state->rows;
    const variable *x = net_input(state, k), *h = &state->h[k];
    if (net->trained) {
      real *gradient = sweep->parameter_gradient + net->weight[k];
      if (net->torch_style) {
        gemm_tn(n, n_in, rows, 1, h->til, n, x->x, n_in, gradient, n_in);
        gemm_tn(n, n_in, rows, 1, h->bar, n, x->dot, n_in, gradient, n_in);
      } else {
        gemm_tn(n_in, n, rows, 1 / sqrt(n_in), x->x, n_in, h->til, n, gradient, n);
        gemm_tn(n_in, n, rows, 1 / sqrt(n_in), x->dot, n_in, h->bar, n, gradient, n);
      }
      if (net->bias[k] != FTL_NO_PARAMETER)
        for (int p = 0; p < rows; p++)
          for (int c = 0; c < n; c++)
            sweep->parameter_gradient[net->bias[k] + c] += h->til[(size_t)p * (size_t)n + (size_t)c];
    }
    if (k == 0 && !to_input) break;
    real *x_til = take(sweep, (size_t)rows * (size_t)n_in);
    if (!x_til) return false;
    net_multiply_reverse(sweep, net, k, rows, h->til, x_til);
    if (k == 0) {
      state->input.til = x_til;
      break;
    }
    const real *restrict slope = state->slope[k - 1], *restrict curvature = state->curvature[k - 1];
    const real *restrict a_bar = state->a[k - 1].bar, *restrict z_dot = state->z[k - 1].dot;
    for (size_t q = 0; q < (size_t)rows * (size_t)n_in; q++)
      x_til[q] = slope[q] * x_til[q] + curvature[q] * z_dot[q] * a_bar[q];
    state->z[k - 1].til = state->h[k - 1].til = x_til;
    if (net->norm_weight[k - 1] != FTL_NO_PARAMETER) layer_norm_second(sweep, net, state, k - 1);
  }
  return true;
}
