/* A, its derivatives, and through them the functions: vectors run over the edges. */
#include <math.h>
#include <string.h>

#define FTL_NATIVE_VECTORS
#include "ace/descriptor_value.h"
#include "math/real.h"

typedef ftl_descriptor_scratch scratch_t;

/* Y_lm and gradients for m >= 0. Y = p_lm(z) (x + iy)^m with normalised associated Legendre functions p, sign (-1)^m
   included, and Y_00 = 1. */
static void harmonics(const ftl_descriptors *plan, scratch_t *s, int at) {
  int room = s->room, lmax = plan->lmax;
  vec n[3], inverse = load(s->inverse + at), p[FTL_ACE_MAX_L + 1], dp[FTL_ACE_MAX_L + 1];
  vec re = splat(1), im = splat(0), below_re = splat(0), below_im = splat(0);
  for (int x = 0; x < 3; x++) n[x] = load(s->direction + x * room + at);
  double start = 1;
  for (int m = 0; m <= lmax; m++) {
    p[m] = splat(start);
    dp[m] = splat(0);
    for (int l = m + 1; l <= lmax; l++) {
      double l2 = (double)l * l, k2 = (l - 1.0) * (l - 1.0), m2 = (double)m * m;
      double a = sqrt((4 * l2 - 1) / (l2 - m2)), b = l > m + 1 ? -sqrt((k2 - m2) / (4 * k2 - 1)) : 0;
      p[l] = a * n[2] * p[l - 1];
      dp[l] = a * (p[l - 1] + n[2] * dp[l - 1]);
      if (l == m + 1) continue;
      p[l] += a * b * p[l - 2];
      dp[l] += a * b * dp[l - 2];
    }
    for (int l = m; l <= lmax; l++) {
      int lm = l * (l + 1) / 2 + m;
      double *y = s->y + 2 * lm * room + at, *dy = s->dy + 6 * lm * room + at;
      vec part[2] = {re, im}, x_part[2] = {below_re, below_im}, y_part[2] = {-below_im, below_re};
      for (int c = 0; c < 2; c++) {
        vec d[3] = {m * p[l] * x_part[c], m * p[l] * y_part[c], dp[l] * part[c]};
        vec along = d[0] * n[0] + d[1] * n[1] + d[2] * n[2];
        store(y + c * room, p[l] * part[c]);
        for (int x = 0; x < 3; x++) store(dy + (3 * c + x) * room, (d[x] - along * n[x]) * inverse);
      }
    }
    below_re = re;
    below_im = im;
    re = below_re * n[0] - below_im * n[1];
    im = below_re * n[1] + below_im * n[0];
    start *= -sqrt(1 + 0.5 / (m + 1));
  }
}

static void sum_a(const ftl_descriptors *plan, scratch_t *s, bool derivatives) {
  int room = s->room;
  memset(s->a, 0, 2 * (size_t)plan->n_species * (size_t)plan->n_labels * sizeof *s->a);
  for (int mu = 0; mu < plan->n_species; mu++)
    for (int k = 0; k < plan->n_labels; k++) {
      const double *g = s->g + plan->label_n[k] * room, *dg = s->dg + plan->label_n[k] * room;
      const double *y = s->y + 2 * plan->label_lm[k] * room, *dy = s->dy + 6 * plan->label_lm[k] * room;
      double *a = s->a + 2 * (mu * plan->n_labels + k), *da = s->da + 6 * k * room;
      for (int c = 0; c < 2; c++) {
        vec sum = splat(0);
        for (int at = s->first_lane[mu]; at < s->first_lane[mu + 1]; at += LANES) {
          vec value = load(y + c * room + at), radial = load(g + at), slope = load(dg + at);
          sum += radial * value;
          for (int x = 0; derivatives && x < 3; x++)
            store(da + (3 * c + x) * room + at,
                  radial * load(dy + (3 * c + x) * room + at) + slope * value * load(s->direction + x * room + at));
        }
        a[c] = lane_sum(sum);
      }
    }
}

FTL_INLINE double function_value(const ftl_descriptors *plan, const ftl_descriptor_function *f, scratch_t *s,
                                 bool adjoints) {
  return ftl_descriptor_value(f, plan->n_labels, s->a, adjoints ? s->adjoint : NULL, 1);
}

/* The slopes of a function in its lanes, and their sums (descriptors.h). */
static void function_slope(const ftl_descriptor_function *f, const scratch_t *s, double *slope, double *total) {
  static const int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  int room = s->room;
  vec force[3] = {splat(0), splat(0), splat(0)}, virial[6];
  for (int k = 0; k < 6; k++) virial[k] = splat(0);
  memset(slope, 0, 3 * (size_t)s->n_lanes * sizeof *slope);
  for (int first = 0, last = 0; first < f->n_slots; first = last) {
    int mu = f->slot[first].mu;
    while (last < f->n_slots && f->slot[last].mu == mu) last++;
    for (int at = s->first_lane[mu]; at < s->first_lane[mu + 1]; at += LANES) {
      vec sum[3] = {splat(0), splat(0), splat(0)}, r[3];
      for (int k = first; k < last; k++) {
        const double *da = s->da + 6 * f->slot[k].label * room + at;
        double re = s->adjoint[2 * k], im = s->adjoint[2 * k + 1];
        for (int x = 0; x < 3; x++) sum[x] += re * load(da + x * room) + im * load(da + (3 + x) * room);
      }
      for (int x = 0; x < 3; x++) {
        store(slope + x * s->n_lanes + at, sum[x]);
        force[x] += sum[x];
        r[x] = load(s->vector + x * room + at);
      }
      for (int k = 0; k < 6; k++) virial[k] += r[voigt[k][0]] * sum[voigt[k][1]];
    }
  }
  for (int x = 0; x < 3; x++) total[x] = lane_sum(force[x]);
  for (int k = 0; k < 6; k++) total[3 + k] = lane_sum(virial[k]);
}

static void sums(const ftl_descriptors *plan, scratch_t *s, int mu, bool derivatives) {
  for (int at = 0; at < s->n_lanes; at += LANES) harmonics(plan, s, at);
  sum_a(plan, s, derivatives);
  for (int f = 0; f < plan->file->n_functions[mu]; f++) {
    const ftl_descriptor_function *function = &plan->function[mu][f];
    s->value[f] = derivatives ? function_value(plan, function, s, true) : function_value(plan, function, s, false);
    if (derivatives) function_slope(function, s, s->slope + 3 * (size_t)f * (size_t)s->n_lanes, s->total + 9 * f);
  }
}

/* ---- sums over functions ---- */

/* Adjoints of the sums at the places of A. */
static void add_adjoints(const ftl_descriptors *plan, const ftl_descriptor_function *f, scratch_t *s, int n,
                         const double *weight) {
  for (int k = 0; k < f->n_slots; k++) {
    double re = s->adjoint[2 * k], im = s->adjoint[2 * k + 1];
    double *to = s->sum_adjoint + 2 * (size_t)n * (size_t)(f->slot[k].mu * plan->n_labels + f->slot[k].label);
    for (int at = 0; at < n; at += LANES) {
      store(to + at, load(to + at) + re * load(weight + at));
      store(to + n + at, load(to + n + at) + im * load(weight + at));
    }
  }
}

/* Slopes of two sums by the edges to one element. */
static void sum_slopes(const ftl_descriptors *plan, scratch_t *s, int mu, int n, int first) {
  const double *adjoint = s->sum_adjoint + 2 * (size_t)n * (size_t)(mu * plan->n_labels) + first;
  double *slope = s->sum_slope + 3 * (size_t)first * (size_t)s->n_lanes;
  for (int at = s->first_lane[mu]; at < s->first_lane[mu + 1]; at += LANES) {
    vec sum[6] = {splat(0), splat(0), splat(0), splat(0), splat(0), splat(0)};
    for (int q = 0; q < 2 * plan->n_labels; q++) {
      const double *da = s->da + 3 * (size_t)q * (size_t)s->room + at;
      double a = adjoint[q * n], b = adjoint[q * n + 1];
      for (int x = 0; x < 3; x++) {
        vec d = load(da + x * s->room);
        sum[x] += a * d;
        sum[3 + x] += b * d;
      }
    }
    for (int x = 0; x < 6; x++) store(slope + x * s->n_lanes + at, sum[x]);
  }
}

static void combine(const ftl_descriptors *plan, scratch_t *s, int mu, int n_sums, const double *weight,
                    bool derivatives) {
  int n = (n_sums + 7) / 8 * 8;
  for (int at = 0; at < s->n_lanes; at += LANES) harmonics(plan, s, at);
  sum_a(plan, s, derivatives);
  if (n > 0) memset(s->sum, 0, (size_t)n * sizeof *s->sum);
  if (derivatives)
    memset(s->sum_adjoint, 0, 2 * (size_t)n * (size_t)(plan->n_species * plan->n_labels) * sizeof *s->sum_adjoint);
  for (int f = 0; f < plan->file->n_functions[mu]; f++) {
    const ftl_descriptor_function *function = &plan->function[mu][f];
    s->value[f] = derivatives ? function_value(plan, function, s, true) : function_value(plan, function, s, false);
    if (n == 0) continue;
    const double *w = weight + (size_t)f * (size_t)n;
    for (int at = 0; at < n; at += LANES) store(s->sum + at, load(s->sum + at) + s->value[f] * load(w + at));
    if (derivatives) add_adjoints(plan, function, s, n, w);
  }
  for (int z = 0; derivatives && z < plan->n_species; z++)
    for (int k = 0; k < n_sums; k += 2) sum_slopes(plan, s, z, n, k);
}

/* ---- extrapolation ---- */

/* Of 16 atoms, as many at a time as two registers have lanes. */
static void grade(int n, const double *panel, const double *values, double *gamma) {
  enum { ATOMS = 16, PART = 2 * LANES };
  for (int a = 0; a < ATOMS; a++) gamma[a] = 0;
  for (int first = 0; first < n; first += FTL_PANEL, panel += FTL_PANEL * n)
    for (int part = 0; part < ATOMS; part += PART) {
      vec sum[FTL_PANEL][2] = {0};
      for (int f = 0; f < n; f++) {
        vec low = load(values + ATOMS * f + part), high = load(values + ATOMS * f + part + LANES);
        for (int c = 0; c < FTL_PANEL; c++) {
          sum[c][0] += panel[FTL_PANEL * f + c] * low;
          sum[c][1] += panel[FTL_PANEL * f + c] * high;
        }
      }
      for (int c = 0; c < FTL_PANEL; c++)
        for (int a = 0; a < PART; a++) gamma[part + a] = fmax(gamma[part + a], fabs(sum[c][a / LANES][a % LANES]));
    }
}

#define NAME(isa)        ftl_descriptor_build_##isa
#define EXPANDED_NAME(i) NAME(i)
extern const ftl_descriptor_build EXPANDED_NAME(FTL_ISA);
const ftl_descriptor_build EXPANDED_NAME(FTL_ISA) = {sums, combine, grade};
