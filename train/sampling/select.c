#include "sampling/select.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"

static ftl_status no_memory(ftl_error *error) {
  return ftl_no_memory(error, "selection", "choosing among the candidates");
}

static const double *row(const ftl_select_input *in, int64_t k) { return in->features + k * in->n_features; }

static double dot(const double *a, const double *b, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

/* ---- input ---- */

static ftl_status check_features(const ftl_select_input *in, ftl_error *error) {
  for (int64_t k = 0; k < in->n * in->n_features; k++)
    if (!isfinite(in->features[k]))
      return ftl_fail(error, FTL_ERR_INPUT, "selection", "feature %lld of candidate %lld is not a finite number",
                      (long long)(k % in->n_features), (long long)(k / in->n_features));
  return FTL_OK;
}

static ftl_status check_weights(const ftl_select_input *in, const double *weight, ftl_error *error) {
  for (int64_t k = 0; weight && k < in->n; k++)
    if (!(weight[k] >= 0) || !isfinite(weight[k]))
      return ftl_fail(error, FTL_ERR_INPUT, "selection", "the weight %g of candidate %lld is not a number of 0 or more",
                      weight[k], (long long)k);
  return FTL_OK;
}

/* out[n]: those that are given, and so cannot be chosen. */
static ftl_status mark_given(const ftl_select_input *in, bool *out, ftl_error *error) {
  for (int64_t k = 0; k < in->n_given; k++) {
    const int64_t g = in->given[k];
    if (g < 0 || g >= in->n || out[g])
      return ftl_fail(error, FTL_ERR_ARGUMENT, "selection", "candidate %lld is given twice, or there is none such",
                      (long long)g);
    out[g] = true;
  }
  return FTL_OK;
}

static ftl_status check(const ftl_select_input *in, int64_t m, bool *out, ftl_error *error) {
  if (in->n < 0 || in->n_features < 1 || m < 0 || in->n_given < 0)
    return ftl_fail(error, FTL_ERR_ARGUMENT, "selection", "%lld of %lld candidates with %lld features cannot be chosen",
                    (long long)m, (long long)in->n, (long long)in->n_features);
  FTL_TRY(check_features(in, error));
  return mark_given(in, out, error);
}

/* The first of the largest values that are not out; -1 if all are. */
static int64_t largest(const double *value, const bool *out, int64_t n) {
  int64_t best = -1;
  for (int64_t k = 0; k < n; k++)
    if (!out[k] && (best < 0 || value[k] > value[best])) best = k;
  return best;
}

/* ---- farthest points ---- */

static double square_distance(const double *a, const double *b, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t k = 0; k < n; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

/* square[k] becomes no more than the distance from candidate `from`. */
static void approach(const ftl_select_input *in, int64_t from, double *square) {
#pragma omp parallel for if (in->n * in->n_features > 100000)
  for (int64_t k = 0; k < in->n; k++)
    square[k] = fmin(square[k], square_distance(row(in, k), row(in, from), in->n_features));
}

/* value[n]: the larger the better to begin with. */
static ftl_status rate_beginnings(const ftl_select_input *in, ftl_select_start start, double *value, ftl_error *error) {
  double *mean = calloc((size_t)in->n_features, sizeof *mean);
  if (!mean) return no_memory(error);
  for (int64_t k = 0; start == FTL_SELECT_CENTRAL && k < in->n; k++)
    for (int64_t f = 0; f < in->n_features; f++) mean[f] += row(in, k)[f] / (double)in->n;
  for (int64_t k = 0; k < in->n; k++) {
    const double square = square_distance(row(in, k), mean, in->n_features);
    value[k] = start == FTL_SELECT_CENTRAL ? -square : square;
  }
  free(mean);
  return FTL_OK;
}

static void choose_farthest(const ftl_select_input *in, int64_t first, int64_t m, bool *out, double *square,
                            int64_t *chosen, double *radius, int64_t *n_chosen) {
  for (int64_t k = 0; k < in->n; k++) square[k] = INFINITY;
  for (int64_t k = 0; k < in->n_given; k++) approach(in, in->given[k], square);
  while (*n_chosen < m) {
    const int64_t next = first >= 0 ? first : largest(square, out, in->n);
    if (next < 0 || !(square[next] > 0)) break;
    first = -1;
    if (radius) radius[*n_chosen] = sqrt(square[next]);
    chosen[(*n_chosen)++] = next;
    out[next] = true;
    approach(in, next, square);
  }
}

ftl_status ftl_select_farthest(const ftl_select_input *input, ftl_select_start start, int64_t m, int64_t *chosen,
                               double *radius, int64_t *n_chosen, ftl_error *error) {
  const size_t room = (size_t)(input->n > 0 ? input->n : 0) + 1;
  bool *out = calloc(room, sizeof *out);
  double *square = calloc(room, sizeof *square);
  int64_t first = -1;
  *n_chosen = 0;
  ftl_status status = out && square ? check(input, m, out, error) : no_memory(error);
  if (!status && input->n_given == 0) {
    status = rate_beginnings(input, start, square, error);
    if (!status) first = largest(square, out, input->n);
  }
  if (!status) choose_farthest(input, first, m, out, square, chosen, radius, n_chosen);
  free(out);
  free(square);
  return status;
}

/* ---- D-optimal ---- */

/* The pivoted Cholesky decomposition of ridge I + K, K the weighted kernel w_i w_j f_i.f_j: its diagonal after some
   pivots is ridge times the factor by which a candidate would make the determinant grow. Unlike the inverse of the
   features' matrix it is exact where that matrix has no full rank. */
typedef struct {
  const ftl_select_input *in;
  int64_t pivots, room;
  double ridge;
  double *root;     /* [n] square roots of the weights */
  double *diagonal; /* [n] */
  double *factor;   /* [n][room] rows of the decomposition */
  bool *out;        /* [n] */
} design;

static void start_design(design *d, const double *weight, double ridge) {
  double most = 0;
  for (int64_t k = 0; k < d->in->n; k++) {
    const double w = weight ? weight[k] : 1;
    d->root[k] = sqrt(w);
    d->diagonal[k] = w * dot(row(d->in, k), row(d->in, k), d->in->n_features);
    most = fmax(most, d->diagonal[k]);
  }
  d->ridge = (ridge > 0 ? ridge : 1e-10) * (most > 0 ? most : 1);
  for (int64_t k = 0; k < d->in->n; k++) d->diagonal[k] += d->ridge;
}

static void eliminate(design *d, int64_t pivot) {
  const double scale = sqrt(d->diagonal[pivot]), *p = d->factor + pivot * d->room;
  d->out[pivot] = true;
#pragma omp parallel for if (d->in->n * (d->in->n_features + d->pivots) > 100000)
  for (int64_t k = 0; k < d->in->n; k++) {
    if (d->out[k]) continue;
    double *c = d->factor + k * d->room;
    const double kernel = d->root[k] * d->root[pivot] * dot(row(d->in, k), row(d->in, pivot), d->in->n_features);
    const double entry = (kernel - dot(c, p, d->pivots)) / scale;
    c[d->pivots] = entry;
    d->diagonal[k] = fmax(d->ridge, d->diagonal[k] - entry * entry);
  }
  d->pivots++;
}

static void choose_design(design *d, int64_t m, int64_t *chosen, double *gain, int64_t *n_chosen) {
  for (int64_t k = 0; k < d->in->n_given; k++) eliminate(d, d->in->given[k]);
  for (int64_t k = 0; k < d->in->n; k++) d->out[k] |= d->root[k] == 0;
  while (*n_chosen < m) {
    const int64_t next = largest(d->diagonal, d->out, d->in->n);
    if (next < 0) break;
    if (gain) gain[*n_chosen] = log(d->diagonal[next] / d->ridge);
    chosen[(*n_chosen)++] = next;
    eliminate(d, next);
  }
}

ftl_status ftl_select_d_optimal(const ftl_select_input *input, const double *weight, double ridge, int64_t m,
                                int64_t *chosen, double *gain, int64_t *n_chosen, ftl_error *error) {
  const size_t n = (size_t)(input->n > 0 ? input->n : 0);
  design d = {.in = input, .room = (m < input->n ? m : input->n) + input->n_given};
  *n_chosen = 0;
  d.out = calloc(n + 1, sizeof *d.out);
  d.root = malloc((n + 1) * sizeof *d.root);
  d.diagonal = malloc((n + 1) * sizeof *d.diagonal);
  ftl_status status = d.out && d.root && d.diagonal ? check(input, m, d.out, error) : no_memory(error);
  if (!status) status = check_weights(input, weight, error);
  if (!status) {
    d.factor = malloc((n * (size_t)d.room + 1) * sizeof *d.factor);
    if (!d.factor) status = no_memory(error);
  }
  if (!status) {
    start_design(&d, weight, ridge);
    for (int64_t k = 0; k < input->n_given; k++) d.out[input->given[k]] = false; /* eliminated in their turn */
    choose_design(&d, m, chosen, gain, n_chosen);
  }
  free(d.out);
  free(d.root);
  free(d.diagonal);
  free(d.factor);
  return status;
}
