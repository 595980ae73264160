/* A, its derivatives, and through them the functions: vectors run over the edges. */
#include <math.h>
#include <string.h>

#include "ace/descriptors_plan.h"
#include "kernels/real.h"

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

/* The value, and its adjoints dB/dRe A + i dB/dIm A in the slots. */
static double function_value(const ftl_descriptors *plan, const ftl_descriptor_function *f, scratch_t *s) {
  double value = 0;
  memset(s->adjoint, 0, 2 * (size_t)f->n_slots * sizeof *s->adjoint);
  for (int k = 0; k < f->n_terms; k++) {
    const ftl_descriptor_factor *factor = f->factor + k * f->rank;
    double re[FTL_ACE_MAX_RANK], im[FTL_ACE_MAX_RANK], before_re[FTL_ACE_MAX_RANK + 1], before_im[FTL_ACE_MAX_RANK + 1];
    before_re[0] = f->c[k];
    before_im[0] = 0;
    for (int t = 0; t < f->rank; t++) {
      const ftl_descriptor_slot *slot = &f->slot[factor[t].slot];
      const double *a = s->a + 2 * (slot->mu * plan->n_labels + slot->label);
      re[t] = factor[t].re * a[0];
      im[t] = factor[t].im * a[1];
      before_re[t + 1] = before_re[t] * re[t] - before_im[t] * im[t];
      before_im[t + 1] = before_re[t] * im[t] + before_im[t] * re[t];
    }
    value += before_re[f->rank];
    double after_re = 1, after_im = 0;
    for (int t = f->rank - 1; t >= 0; t--) { /* d Re(p a)/da = conj p */
      double p_re = before_re[t] * after_re - before_im[t] * after_im;
      double p_im = before_re[t] * after_im + before_im[t] * after_re, next = after_re * re[t] - after_im * im[t];
      double *to = s->adjoint + 2 * factor[t].slot;
      to[0] += factor[t].re * p_re;
      to[1] -= factor[t].im * p_im;
      after_im = after_re * im[t] + after_im * re[t];
      after_re = next;
    }
  }
  return value;
}

static void function_slope(const ftl_descriptor_function *f, const scratch_t *s, double *slope) {
  int room = s->room;
  memset(slope, 0, 3 * (size_t)s->n_lanes * sizeof *slope);
  for (int first = 0, last = 0; first < f->n_slots; first = last) {
    int mu = f->slot[first].mu;
    while (last < f->n_slots && f->slot[last].mu == mu) last++;
    for (int at = s->first_lane[mu]; at < s->first_lane[mu + 1]; at += LANES) {
      vec sum[3] = {splat(0), splat(0), splat(0)};
      for (int k = first; k < last; k++) {
        const double *da = s->da + 6 * f->slot[k].label * room + at;
        double re = s->adjoint[2 * k], im = s->adjoint[2 * k + 1];
        for (int x = 0; x < 3; x++) sum[x] += re * load(da + x * room) + im * load(da + (3 + x) * room);
      }
      for (int x = 0; x < 3; x++) store(slope + x * s->n_lanes + at, sum[x]);
    }
  }
}

static void sums(const ftl_descriptors *plan, scratch_t *s, int mu, bool derivatives) {
  for (int at = 0; at < s->n_lanes; at += LANES) harmonics(plan, s, at);
  sum_a(plan, s, derivatives);
  for (int f = 0; f < plan->file->n_functions[mu]; f++) {
    const ftl_descriptor_function *function = &plan->function[mu][f];
    s->value[f] = function_value(plan, function, s);
    if (derivatives) function_slope(function, s, s->slope + 3 * (size_t)f * (size_t)s->n_lanes);
  }
}

#define NAME(isa)        ftl_descriptor_sums_##isa
#define EXPANDED_NAME(i) NAME(i)
void EXPANDED_NAME(FTL_ISA)(const ftl_descriptors *plan, scratch_t *s, int mu, bool derivatives);
void EXPANDED_NAME(FTL_ISA)(const ftl_descriptors *plan, scratch_t *s, int mu, bool derivatives) {
  sums(plan, s, mu, derivatives);
}
