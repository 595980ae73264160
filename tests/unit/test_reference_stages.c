/* Every stage of the reference: its reverse against finite differences of its forward, and a few values known in closed
   form. Weights are random and made here; the tests of whole models are in test_reference_model.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "reference/reference_stages.h"

enum { MAX = 512 };

/* ---- random numbers, a source of random weights ---- */

static uint64_t state = 20240607;

static double uniform(void) { /* splitmix64, in -1 .. 1 */
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (double)((z ^ (z >> 31)) >> 11) / 4503599627370496.0 - 1;
}

static void fill(double *x, int n) {
  for (int k = 0; k < n; k++) x[k] = uniform();
}

static ftl_source source;
static ftl_arena memory;

static int setup(void **unused) {
  (void)unused;
  source = (ftl_source){.path = "random weights"};
  memory = (ftl_arena){0};
  return 0;
}

static int teardown(void **unused) {
  (void)unused;
  ftl_tensors_free(&source.tensors);
  ftl_arena_free(&memory);
  return 0;
}

/* Values are at least 0.1 away from zero if `positive`. */
static void add(const char *name, int ndim, const int64_t *shape, bool positive) {
  int64_t count = 1;
  for (int k = 0; k < ndim; k++) count *= shape[k];
  double *values = malloc((size_t)count * sizeof *values);
  assert_non_null(values);
  for (int64_t k = 0; k < count; k++) values[k] = positive ? 1.1 + uniform() : uniform();
  assert_int_equal(ftl_tensors_add(&source.tensors, name, FTL_F64, ndim, shape, values, true, NULL), FTL_OK);
  ftl_tensors_sort(&source.tensors);
  free(values);
}

static void add1(const char *name, int64_t n) { add(name, 1, &n, false); }
static void add2(const char *name, int64_t a, int64_t b) { add(name, 2, (int64_t[]){a, b}, false); }

static void add_value(const char *name, double value) {
  assert_int_equal(ftl_tensors_add(&source.tensors, name, FTL_F64, 0, NULL, &value, false, NULL), FTL_OK);
  ftl_tensors_sort(&source.tensors);
}

static ftl_irreps irreps(const char *text) {
  ftl_irreps parsed;
  assert_int_equal(ftl_irreps_parse(text, &parsed, NULL), FTL_OK);
  return parsed;
}

static void must(ftl_status status, const ftl_error *error) {
  if (status != FTL_OK) fail_msg("%s (%s)", error->message, error->where);
}

/* ---- finite differences ---- */

/* A function of x[n] with values in y. */
typedef void (*function)(void *context, const double *x, double *y);

/* gradient[n] must be that of sum d_y[k] y[k](x); central differences of fourth order. */
static void check_gradient(function f, void *context, double *x, int n, const double *d_y, int n_y,
                           const double *gradient) {
  const double h = 1e-4;
  double scale = 1e-300;
  for (int k = 0; k < n; k++) scale = fmax(scale, fabs(gradient[k]));
  for (int k = 0; k < n; k++) {
    static const double at[4] = {-2, -1, 1, 2}, factor[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    double difference = 0, y[MAX];
    const double x_k = x[k];
    for (int q = 0; q < 4; q++) {
      x[k] = x_k + at[q] * h;
      memset(y, 0, sizeof y);
      f(context, x, y);
      for (int o = 0; o < n_y; o++) difference += factor[q] / h * d_y[o] * y[o];
    }
    x[k] = x_k;
    if (!(fabs(difference - gradient[k]) < 1e-8 * scale))
      fail_msg("component %d: %.12g, and %.12g by finite differences (largest %.3g)", k, gradient[k], difference,
               scale);
  }
}

/* ---- harmonics ---- */

static void harmonics(void *unused, const double *x, double *y) {
  (void)unused;
  ftl_ref_harmonics(x, FTL_REF_L_MAX, y);
}

static void test_harmonics(void **unused) {
  (void)unused;
  double v[3] = {0.7, -1.1, 0.4}, longer[3], y[FTL_REF_N_SH], y2[FTL_REF_N_SH], d_y[FTL_REF_N_SH], d_v[3] = {0};
  ftl_ref_harmonics(v, FTL_REF_L_MAX, y);
  for (int l = 0, k = 0; l <= FTL_REF_L_MAX; l++) { /* "component": the squares of one l add up to 2l+1 */
    double sum = 0;
    for (int m = 0; m < 2 * l + 1; m++, k++) sum += y[k] * y[k];
    assert_close(sum, 2 * l + 1, 1e-13);
  }
  for (int c = 0; c < 3; c++) longer[c] = 3.5 * v[c]; /* only the direction counts */
  ftl_ref_harmonics(longer, FTL_REF_L_MAX, y2);
  for (int k = 0; k < FTL_REF_N_SH; k++) assert_close(y[k], y2[k], 1e-13);
  for (int c = 0; c < 3; c++) longer[c] = -v[c]; /* parity (-1)^l */
  ftl_ref_harmonics(longer, FTL_REF_L_MAX, y2);
  for (int k = 0; k < FTL_REF_N_SH; k++) assert_close(y[k], (k >= 1 && k < 4) || k >= 9 ? -y2[k] : y2[k], 1e-13);
  /* e3nn's axes: l = 1 is (x, y, z), and m = l is the one along y alone */
  ftl_ref_harmonics((double[]){0, 2, 0}, FTL_REF_L_MAX, y);
  for (int k = 0; k < FTL_REF_N_SH; k++)
    assert_close(y[k], k == 0 ? 1 : k == 2 ? sqrt(3) : k == 6 ? sqrt(5) : k == 12 ? sqrt(7) : 0, 1e-13);
  fill(d_y, FTL_REF_N_SH);
  ftl_ref_harmonics_reverse(v, FTL_REF_L_MAX, d_y, d_v);
  check_gradient(harmonics, NULL, v, 3, d_y, FTL_REF_N_SH, d_v);
}

/* The addition theorem ties the orders together: sum_m Y_lm(a) Y_lm(b) = (2l+1) P_l(cos). */
static void test_addition_theorem(void **unused) {
  (void)unused;
  for (int repeat = 0; repeat < 20; repeat++) {
    double a[3], b[3], y_a[FTL_REF_N_SH], y_b[FTL_REF_N_SH];
    fill(a, 3), fill(b, 3);
    const double c = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) /
                     sqrt((a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) * (b[0] * b[0] + b[1] * b[1] + b[2] * b[2]));
    const double legendre[4] = {1, c, (3 * c * c - 1) / 2, (5 * c * c * c - 3 * c) / 2};
    ftl_ref_harmonics(a, 3, y_a), ftl_ref_harmonics(b, 3, y_b);
    for (int l = 0, k = 0; l <= 3; l++) {
      double sum = 0;
      for (int m = 0; m < 2 * l + 1; m++, k++) sum += y_a[k] * y_b[k];
      assert_close(sum, (2 * l + 1) * legendre[l], 1e-12);
    }
  }
}

/* ---- radial functions ---- */

static void cutoff(void *p, const double *x, double *y) {
  double unused;
  y[0] = ftl_ref_cutoff(x[0], 5.0, *(double *)p, &unused);
}

static void test_cutoff(void **unused) {
  (void)unused;
  for (double p = 2; p <= 8; p++) {
    double r = 3.3, d;
    const double one = 1;
    ftl_ref_cutoff(r, 5.0, p, &d);
    check_gradient(cutoff, &p, &r, 1, &one, 1, &d);
    assert_close(ftl_ref_cutoff(1e-9, 5.0, p, &d), 1, 1e-12);
    assert_close(ftl_ref_cutoff(5.0 - 1e-7, 5.0, p, &d), 0, 1e-12);
    assert_close(d, 0, 1e-9);
    assert_true(ftl_ref_cutoff(5.0, 5.0, p, &d) == 0 && d == 0);
    assert_true(ftl_ref_cutoff(7.0, 5.0, p, &d) == 0 && d == 0);
  }
}

static void basis(void *radial, const double *x, double *y) {
  double unused[MAX];
  ftl_ref_basis(radial, x[0], 1, 29, y, unused);
}

static void test_basis(void **unused) {
  (void)unused;
  double radius[30], weight[6];
  for (int z = 0; z < 30; z++) radius[z] = 0.3 + 0.03 * z;
  for (int n = 0; n < 6; n++) weight[n] = 0.6 * (n + 1);
  for (int kind = 0; kind < 3; kind++)
    for (int transform = 0; transform < 3; transform++) {
      ftl_ref_radial radial = {.kind = (ftl_radial_kind)kind,
                               .transform = (ftl_transform_kind)transform,
                               .n = 6,
                               .prefactor = 0.63,
                               .weight = weight,
                               .gaussian_coeff = -0.7,
                               .q_agnesi = 0.9183,
                               .p_agnesi = 4.5791,
                               .a_agnesi = 1.0805,
                               .alpha_soft = 4.0,
                               .covalent_radius = radius};
      for (double r = 0.8; r < 4.5; r += 0.37) {
        double b[6], d_y[6], by_r[6], gradient = 0, at = r;
        fill(d_y, 6);
        ftl_ref_basis(&radial, r, 1, 29, b, by_r);
        for (int n = 0; n < 6; n++) gradient += d_y[n] * by_r[n];
        check_gradient(basis, &radial, &at, 1, d_y, 6, &gradient);
      }
    }
}

/* ---- networks ---- */

static void mlp(void *net, const double *x, double *y) { ftl_ref_mlp_forward(net, x, y); }

static void test_mlp(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const int size[] = {5, 7, 6, 4};
  for (int layer = 0; layer < 3; layer++) {
    char name[64];
    snprintf(name, sizeof name, "a.layer%d.weight", layer);
    add2(name, size[layer], size[layer + 1]);
    snprintf(name, sizeof name, "b.net.%d.weight", 3 * layer);
    add2(name, size[layer + 1], size[layer]);
    snprintf(name, sizeof name, "b.net.%d.bias", 3 * layer);
    add1(name, size[layer + 1]);
    if (layer == 2) break;
    snprintf(name, sizeof name, "b.net.%d.weight", 3 * layer + 1);
    add1(name, size[layer + 1]);
    snprintf(name, sizeof name, "b.net.%d.bias", 3 * layer + 1);
    add1(name, size[layer + 1]);
  }
  for (int torch_style = 0; torch_style < 2; torch_style++) {
    ftl_ref_mlp net;
    double x[5], d_y[4], d_x[5] = {0};
    must(ftl_ref_mlp_prepare(&net, &source, torch_style ? "b" : "a", torch_style, FTL_ACTIVATION_SILU, 1.679, 5, 4,
                             &memory, &error),
         &error);
    assert_int_equal(net.n_layers, 3);
    fill(x, 5), fill(d_y, 4);
    ftl_ref_mlp_reverse(&net, x, d_y, d_x);
    check_gradient(mlp, &net, x, 5, d_y, 4, d_x);
    assert_int_equal(ftl_ref_mlp_prepare(&net, &source, torch_style ? "b" : "a", torch_style, FTL_ACTIVATION_SILU, 1, 5,
                                         3, &memory, &error),
                     FTL_ERR_FORMAT);
  }
}

/* ---- linear maps ---- */

static void linear(void *map, const double *x, double *y) { ftl_ref_linear_forward(map, x, y); }

static void test_linear(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const ftl_irreps in = irreps("3x0e+2x1o+4x0e+1x2e"), out = irreps("2x0e+5x1o+2x3o");
  add1("map.weight", 3 * 2 + 2 * 5 + 4 * 2);
  add1("map.bias", 2);
  ftl_ref_linear map;
  must(ftl_ref_linear_prepare(&map, &source, "map", &in, &out, true, &memory, &error), &error);
  double x[18], y[31], d_y[31], d_x[18] = {0};
  assert_int_equal(ftl_irreps_dim(&in), 18);
  assert_int_equal(ftl_irreps_dim(&out), 31);
  fill(x, 18), fill(d_y, 31);
  ftl_ref_linear_forward(&map, x, y);
  /* by hand: scalars have a fan-in of 3 + 4, vectors of 2; nothing makes 3o */
  for (int v = 0; v < 2; v++) {
    double sum = 0;
    for (int u = 0; u < 3; u++) sum += map.weight[u * 2 + v] * x[u];
    for (int u = 0; u < 4; u++) sum += map.weight[16 + u * 2 + v] * x[9 + u];
    assert_close(y[v], sum / sqrt(7) + map.bias[v], 1e-14);
  }
  for (int v = 0; v < 5; v++)
    for (int m = 0; m < 3; m++)
      assert_close(y[2 + 3 * v + m], (map.weight[6 + v] * x[3 + m] + map.weight[11 + v] * x[6 + m]) / sqrt(2), 1e-14);
  for (int k = 17; k < 31; k++) assert_true(y[k] == 0);
  ftl_ref_linear_reverse(&map, d_y, d_x);
  check_gradient(linear, &map, x, 18, d_y, 31, d_x);

  const ftl_irreps wrong = irreps("3x0e");
  assert_int_equal(ftl_ref_linear_prepare(&map, &source, "map", &wrong, &out, false, &memory, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "map.weight"));
  assert_int_equal(ftl_ref_linear_prepare(&map, &source, "none", &in, &out, false, &memory, &error), FTL_ERR_FORMAT);
}

static void skip_map(void *map, const double *x, double *y) { ftl_ref_skip_forward(map, 1, x, y); }

static void test_skip(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const ftl_irreps in = irreps("3x0e+2x1o"), out = irreps("2x0e+2x1o");
  source.arch.n_elements = 3;
  source.arch.norm_elements = 5; /* as after a cut from five elements */
  add1("tp.weight", (3 * 2 + 2 * 2) * 3);
  ftl_ref_skip map;
  must(ftl_ref_skip_prepare(&map, &source, "tp", &in, &out, &memory, &error), &error);
  double x[9], y[8], d_y[8], d_x[9] = {0};
  fill(x, 9), fill(d_y, 8);
  ftl_ref_skip_forward(&map, 1, x, y);
  for (int v = 0; v < 2; v++) {
    double sum = 0;
    for (int u = 0; u < 3; u++) sum += map.weight[(u * 3 + 1) * 2 + v] * x[u];
    assert_close(y[v], sum / sqrt(3 * 5), 1e-14);
  }
  ftl_ref_skip_reverse(&map, 1, d_y, d_x);
  check_gradient(skip_map, &map, x, 9, d_y, 8, d_x);
}

/* ---- tensor product ---- */

typedef struct {
  ftl_ref_conv conv;
  int n_x, n_y, n_w;
} conv_case;

static void conv(void *context, const double *x, double *y) { /* x: features, harmonics, weights in one array */
  const conv_case *c = context;
  ftl_ref_conv_forward(&c->conv, x, x + c->n_x, x + c->n_x + c->n_y, y);
}

static void test_conv(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const ftl_irreps in = irreps("3x0e+2x1o+2x2e"), sh = irreps("0e+1o+2e+3o"), target = irreps("3x0e+3x1o+3x2e+3x3o");
  for (int l1 = 1; l1 <= 2; l1++)
    for (int l2 = 1; l2 <= 3; l2++)
      for (int l3 = 1; l3 <= 3; l3++) {
        char name[96];
        snprintf(name, sizeof name, "tp._compiled_main_left_right._w3j_%d_%d_%d", l1, l2, l3);
        add(name, 3, (int64_t[]){2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1}, false);
      }
  conv_case c;
  must(ftl_ref_conv_prepare(&c.conv, &source, "tp", &in, &sh, &target, &memory, &error), &error);
  c.n_x = ftl_irreps_dim(&in), c.n_y = ftl_irreps_dim(&sh), c.n_w = c.conv.n_weights;
  /* by parity, with l3 <= 3: 0e with each l2; 1o to 1, 02, 13, 2; 2e to 2, 13, 02, 13 */
  assert_int_equal(c.conv.paths.n, 4 + 6 + 7);
  const int n = c.n_x + c.n_y + c.n_w, n_out = ftl_irreps_dim(&c.conv.paths.mid);
  assert_true(n < MAX && n_out < MAX);
  double x[MAX], d_y[MAX], d_x[MAX] = {0};
  fill(x, n), fill(d_y, n_out);
  ftl_ref_conv_reverse(&c.conv, x, x + c.n_x, x + c.n_x + c.n_y, d_y, d_x, d_x + c.n_x, d_x + c.n_x + c.n_y);
  check_gradient(conv, &c, x, n, d_y, n_out, d_x);
}

/* ---- symmetric contraction ---- */

static void contraction(void *context, const double *x, double *y) { ftl_ref_contraction_forward(context, 1, x, y); }

static void test_contraction(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const ftl_irreps a = irreps("2x0e+2x1o"), b = irreps("2x0e+2x1o");
  for (int correlation = 1; correlation <= 4; correlation++) {
    source.arch.layer[0] = (ftl_layer){.target = a, .product = b, .correlation = correlation};
    for (int block = 0; block < 2; block++)
      for (int nu = 1; nu <= correlation; nu++) {
        char name[128];
        const int stem = snprintf(name, sizeof name, "products.0.symmetric_contractions.contractions.%d.", block);
        int64_t u[6], n_u = 0;
        if (block == 1) u[n_u++] = 3;
        for (int k = 0; k < nu; k++) u[n_u++] = 4;
        u[n_u++] = nu + 1;
        snprintf(name + stem, sizeof name - (size_t)stem, "U_matrix_%d", nu);
        add(name, (int)n_u, u, false);
        if (nu == correlation) snprintf(name + stem, sizeof name - (size_t)stem, "weights_max");
        else snprintf(name + stem, sizeof name - (size_t)stem, "weights.%d", correlation - 1 - nu);
        add(name, 3, (int64_t[]){2, nu + 1, 2}, false);
      }
    ftl_ref_contraction c;
    must(ftl_ref_contraction_prepare(&c, &source, 0, 2, &memory, &error), &error);
    double x[8], y[8], d_y[8], d_x[8] = {0};
    fill(x, 8), fill(d_y, 8);
    ftl_ref_contraction_reverse(&c, 1, x, d_y, d_x);
    check_gradient(contraction, &c, x, 8, d_y, 8, d_x);
    /* Euler: scaling the input by t scales order nu by t^nu; at 0 nothing is left */
    memset(x, 0, sizeof x);
    ftl_ref_contraction_forward(&c, 1, x, y);
    for (int k = 0; k < 8; k++) assert_true(y[k] == 0);
    teardown(NULL);
    setup(NULL);
  }
}

/* Correlation 2, one channel, l = 0 only in the output: B = sum_k (W1 u1 + sum W2k U2k) by hand. */
static void test_contraction_by_hand(void **unused) {
  (void)unused;
  ftl_error error = {0};
  source.arch.layer[0] = (ftl_layer){.target = irreps("1x0e+1x1o"), .product = irreps("1x0e"), .correlation = 2};
#define CONTRACTION "products.0.symmetric_contractions.contractions.0."
  add2(CONTRACTION "U_matrix_1", 4, 1);
  add(CONTRACTION "U_matrix_2", 3, (int64_t[]){4, 4, 2}, false);
  add(CONTRACTION "weights_max", 3, (int64_t[]){3, 2, 1}, false);
  add(CONTRACTION "weights.0", 3, (int64_t[]){3, 1, 1}, false);
  ftl_ref_contraction c;
  must(ftl_ref_contraction_prepare(&c, &source, 0, 3, &memory, &error), &error);
  double x[4], y, expected = 0;
  fill(x, 4);
  const double *u1 = c.block[0].u[0], *u2 = c.block[0].u[1], *w1 = c.block[0].weight[0], *w2 = c.block[0].weight[1];
  const int set = 2;
  for (int i = 0; i < 4; i++) {
    expected += u1[i] * w1[set] * x[i];
    for (int j = 0; j < 4; j++)
      for (int k = 0; k < 2; k++) expected += u2[(i * 4 + j) * 2 + k] * w2[set * 2 + k] * x[i] * x[j];
  }
  ftl_ref_contraction_forward(&c, set, x, &y);
  assert_close(y, expected, 1e-14);
}

/* ---- gate ---- */

static void gate(void *g, const double *x, double *y) { ftl_ref_gate_forward(g, x, y); }

static void check_gate(const char *out, const char *in, bool nonlinear) {
  ftl_architecture arch = {.family = nonlinear ? FTL_FAMILY_MACE : FTL_FAMILY_NEQUIP,
                           .nequip = {.act_scalar = {FTL_ACTIVATION_SSP, FTL_ACTIVATION_TANH},
                                      .act_gate = {FTL_ACTIVATION_SILU, FTL_ACTIVATION_TANH}}};
  ftl_layer *layer = &arch.layer[0];
  *layer = (ftl_layer){.kind = nonlinear ? FTL_INTERACTION_NONLINEAR : FTL_INTERACTION_GATED,
                       .gate_scalar_cst = 1.679,
                       .gate_cst = 1.846};
  layer->target = layer->hidden = irreps(out);
  ftl_gate g = ftl_gate_of(&arch, 0);
  const ftl_irreps expected = irreps(in);
  assert_true(ftl_irreps_equal(&g.in, &expected));
  assert_int_equal(g.n, g.out.n);
  const int n_in = ftl_irreps_dim(&g.in), n_out = ftl_irreps_dim(&g.out);
  double x[64], d_y[64], d_x[64] = {0};
  fill(x, n_in), fill(d_y, n_out);
  ftl_ref_gate_reverse(&g, x, d_y, d_x);
  check_gradient(gate, &g, x, n_in, d_y, n_out, d_x);
}

/* Scalars of both parities, gates of either, an irrep more than once. */
static void test_gate(void **unused) {
  (void)unused;
  check_gate("3x0e+2x1o+2x2e", "7x0e+2x1o+2x2e", true);
  check_gate("3x0e+2x1e+2x2e", "7x0e+2x1e+2x2e", false);
  check_gate("2x0o+3x0e+2x1o+1x1e", "2x0o+6x0e+2x1o+1x1e", false);
  check_gate("3x0o+2x1o", "5x0o+2x1o", false);
  check_gate("3x0e+2x1e+2x0e+1x1e", "8x0e+3x1e", false);
  check_gate("4x0e", "4x0e", false);
}

static void activation(void *kind, const double *x, double *y) {
  double slope;
  *y = ftl_ref_activation(*(ftl_activation *)kind, *x, &slope);
}

static void test_activations(void **unused) {
  (void)unused;
  for (int k = 0; k < FTL_N_ACTIVATIONS; k++)
    for (double x = -3.05; x < 3.2; x += 0.31) { /* not at 0, where some have a corner */
      ftl_activation kind = (ftl_activation)k;
      const double one = 1;
      double slope;
      ftl_ref_activation(kind, x, &slope);
      check_gradient(activation, &kind, &x, 1, &one, 1, &slope);
    }
}

/* ---- readouts ---- */

static void readout(void *r, const double *x, double *y) { y[0] = ftl_ref_readout_forward(r, x); }

static void test_readouts(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const ftl_irreps in = irreps("4x0e+2x1o"), mlp_irreps = irreps("6x0e");
  source.arch.n_heads = 3;
  source.arch.norm_heads = 3;
  add1("readouts.0.linear.weight", 4 * 3);
  add1("readouts.0.linear_1.weight", 4 * 6);
  add1("readouts.0.linear_mid.weight", 6 * 6);
  add1("readouts.0.linear_mid.bias", 6);
  add1("readouts.0.linear_2.weight", 6 * 3);
  add1("readouts.0.linear_2.bias", 3);
  for (int kind = 0; kind < 3; kind++)
    for (int gate_kind = 0; gate_kind < 4; gate_kind++)
      for (int head = 0; head < 3; head++) {
        source.arch.readout[0] = (ftl_readout){.kind = (ftl_readout_kind)kind,
                                               .in = in,
                                               .mlp = mlp_irreps,
                                               .gate = (ftl_activation)gate_kind,
                                               .gate_cst = 1.3,
                                               .masks_heads = true};
        ftl_ref_readout r;
        must(ftl_ref_readout_prepare(&r, &source, 0, head, &memory, &error), &error);
        double x[10], d_x[10] = {0};
        const double d_y = 1.7;
        fill(x, 10);
        ftl_ref_readout_reverse(&r, x, d_y, d_x);
        check_gradient(readout, &r, x, 10, &d_y, 1, d_x);
        for (int k = 4; k < 10; k++) assert_true(d_x[k] == 0); /* energies see scalars only */
      }
}

/* Of a masked readout only the head's own hidden units count: by hand. */
static void test_masked_readout(void **unused) {
  (void)unused;
  ftl_error error = {0};
  source.arch.n_heads = source.arch.norm_heads = 2;
  source.arch.readout[0] = (ftl_readout){.kind = FTL_READOUT_NONLINEAR,
                                         .in = irreps("2x0e"),
                                         .mlp = irreps("4x0e"),
                                         .gate = FTL_ACTIVATION_TANH,
                                         .gate_cst = 1.5,
                                         .masks_heads = true};
  add1("readouts.0.linear_1.weight", 8);
  add1("readouts.0.linear_2.weight", 8);
  for (int head = 0; head < 2; head++) {
    ftl_ref_readout r;
    must(ftl_ref_readout_prepare(&r, &source, 0, head, &memory, &error), &error);
    const double x[2] = {0.3, -0.8}, *w1 = r.linear_1.weight, *w2 = r.linear_2.weight;
    double expected = 0;
    for (int k = 2 * head; k < 2 * head + 2; k++)
      expected += 1.5 * tanh((w1[k] * x[0] + w1[4 + k] * x[1]) / sqrt(2)) * w2[2 * k + head] / sqrt(4);
    assert_close(ftl_ref_readout_forward(&r, x), expected, 1e-14);
  }
}

/* ---- pair repulsion ---- */

static void zbl(void *z, const double *x, double *y) {
  double unused;
  y[0] = ftl_ref_zbl_energy(z, x[0], 8, 29, &unused);
}

static void test_zbl(void **unused) {
  (void)unused;
  ftl_error error = {0};
  const int64_t n_radii = 30;
  add("pair_repulsion_fn.c", 1, (int64_t[]){4}, true);
  add("pair_repulsion_fn.covalent_radii", 1, &n_radii, true);
  add_value("pair_repulsion_fn.p", 6);
  add_value("pair_repulsion_fn.a_exp", 0.3);
  add_value("pair_repulsion_fn.a_prefactor", 0.4543);
  ftl_ref_zbl z;
  must(ftl_ref_zbl_prepare(&z, &source, &memory, &error), &error);
  const double end = z.covalent_radius[8] + z.covalent_radius[29], one = 1;
  for (double r = 0.3 * end; r < 0.95 * end; r += 0.05) {
    double at = r, d;
    ftl_ref_zbl_energy(&z, r, 8, 29, &d);
    check_gradient(zbl, &z, &at, 1, &one, 1, &d);
  }
  double d;
  assert_true(ftl_ref_zbl_energy(&z, end + 0.01, 8, 29, &d) == 0 && d == 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_harmonics),   TEST(test_addition_theorem),
      TEST(test_cutoff),      TEST(test_basis),
      TEST(test_mlp),         TEST(test_linear),
      TEST(test_skip),        TEST(test_conv),
      TEST(test_contraction), TEST(test_contraction_by_hand),
      TEST(test_gate),        TEST(test_activations),
      TEST(test_readouts),    TEST(test_masked_readout),
      TEST(test_zbl),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
