#include "tune/optimiser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

ftl_status ftl_optimiser_new(const ftl_parameters *parameters, const ftl_optimiser_options *options,
                             ftl_optimiser *optimiser, ftl_error *error) {
  const size_t n = (size_t)parameters->count + 1; /* never 0 */
  const bool amsgrad = options->kind == FTL_OPTIMISER_AMSGRAD;
  *optimiser = (ftl_optimiser){.parameters = parameters, .options = *options};
  optimiser->mean = ftl_arena_take(&optimiser->memory, n, sizeof *optimiser->mean);
  optimiser->square = ftl_arena_take(&optimiser->memory, n, sizeof *optimiser->square);
  if (amsgrad) optimiser->largest = ftl_arena_take(&optimiser->memory, n, sizeof *optimiser->largest);
  const ftl_status status = ftl_arena_check(&optimiser->memory, error, "the optimiser's moments");
  if (status) ftl_optimiser_free(optimiser);
  return status;
}

void ftl_optimiser_free(ftl_optimiser *optimiser) {
  if (!optimiser) return;
  ftl_arena_free(&optimiser->memory);
  *optimiser = (ftl_optimiser){0};
}

/* ---- clipping, torch.nn.utils.clip_grad_norm_ ---- */

/* In eight sums, which do not wait for each other. */
static double gradient_norm(const ftl_parameters *parameters, const double *gradient) {
  double sum[8] = {0};
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained) continue;
    const double *g = gradient + p->offset;
    int64_t i = 0;
    for (; i + 8 <= p->count; i += 8)
      for (int q = 0; q < 8; q++) sum[q] += g[i + q] * g[i + q];
    for (; i < p->count; i++) sum[i % 8] += g[i] * g[i];
  }
  return sqrt(((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])));
}

static void scale_gradient(const ftl_parameters *parameters, double factor, double *gradient) {
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained) continue;
    for (int64_t i = p->offset; i < p->offset + p->count; i++) gradient[i] *= factor;
  }
}

/* ---- a step ---- */

/* What a step of one tensor takes; arrays begin at the tensor. */
typedef struct {
  double l2, shrink, beta1, beta2, epsilon, step, root_of_bias;
} step_of_tensor;

/* The operations of torch.optim.adam._single_tensor_adam in their order: decay (of the gradient, or in AdamW of the
   values), moments, the largest square before its bias is corrected, the step. */
static inline void move(const step_of_tensor *s, bool amsgrad, int64_t n, const double *restrict gradient,
                        double *restrict values, double *restrict mean, double *restrict square,
                        double *restrict largest) {
  for (int64_t i = 0; i < n; i++) {
    const double g = gradient[i] + s->l2 * values[i];
    const double m = mean[i] + (1 - s->beta1) * (g - mean[i]);
    double v = s->beta2 * square[i] + (1 - s->beta2) * g * g;
    mean[i] = m;
    square[i] = v;
    if (amsgrad) largest[i] = v = largest[i] > v ? largest[i] : v;
    values[i] = values[i] * s->shrink - s->step * m / (sqrt(v) / s->root_of_bias + s->epsilon);
  }
}

static void move_tensor(ftl_optimiser *optimiser, const ftl_parameter *p, double lr, const double *gradient,
                        double *values) {
  const ftl_optimiser_options *o = &optimiser->options;
  const double decay = p->decays ? o->weight_decay : 0;
  const step_of_tensor s = {.l2 = o->kind == FTL_OPTIMISER_ADAMW ? 0 : decay,
                            .shrink = o->kind == FTL_OPTIMISER_ADAMW ? 1 - lr * decay : 1,
                            .beta1 = o->beta1,
                            .beta2 = o->beta2,
                            .epsilon = o->epsilon,
                            .step = lr / (1 - pow(o->beta1, (double)optimiser->step)),
                            .root_of_bias = sqrt(1 - pow(o->beta2, (double)optimiser->step))};
  const int64_t at = p->offset;
  double *mean = optimiser->mean + at, *square = optimiser->square + at;
  if (optimiser->largest) move(&s, true, p->count, gradient + at, values + at, mean, square, optimiser->largest + at);
  else move(&s, false, p->count, gradient + at, values + at, mean, square, NULL);
}

double ftl_optimiser_step(ftl_optimiser *optimiser, double lr, double *gradient, double *values) {
  const ftl_parameters *parameters = optimiser->parameters;
  const double norm = gradient_norm(parameters, gradient);
  if (!isfinite(norm)) return norm;
  const double factor = optimiser->options.clip > 0 ? optimiser->options.clip / (norm + 1e-6) : 1;
  if (factor < 1) scale_gradient(parameters, factor, gradient);
  optimiser->step++;
  for (int k = 0; k < parameters->n; k++)
    if (parameters->parameter[k].trained)
      move_tensor(optimiser, &parameters->parameter[k], lr * parameters->parameter[k].rate, gradient, values);
  return norm;
}

/* ---- averages ---- */

/* average += weight * (values - average) of what is trained; a weight of 1 is a copy to the bit. */
static void approach(const ftl_parameters *parameters, double weight, const double *values, double *average) {
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained) continue;
    for (int64_t i = p->offset; i < p->offset + p->count; i++)
      average[i] = weight == 1 ? values[i] : average[i] - weight * (average[i] - values[i]);
  }
}

void ftl_ema_update(const ftl_parameters *parameters, double decay, int64_t n, const double *values, double *average) {
  approach(parameters, 1 - fmin(decay, (1 + (double)n) / (10 + (double)n)), values, average);
}

void ftl_mean_update(const ftl_parameters *parameters, int64_t n, const double *values, double *average) {
  approach(parameters, 1 / ((double)n + 1), values, average);
}
