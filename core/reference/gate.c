/* Gate: scalars through an activation, other channels times the activation of a scalar each. e3nn's Gate. */
#include <math.h>

#include "base/error.h"
#include "reference/reference_stages.h"

double ftl_ref_activation(ftl_activation kind, double x, double *derivative) {
  const double s = ftl_ref_sigmoid(x);
  switch (kind) {
  case FTL_ACTIVATION_SILU:
    *derivative = ftl_ref_silu_derivative(x);
    return ftl_ref_silu(x);
  case FTL_ACTIVATION_TANH:
    *derivative = 1 - tanh(x) * tanh(x);
    return tanh(x);
  case FTL_ACTIVATION_ABS:
    *derivative = (x > 0) - (x < 0);
    return fabs(x);
  case FTL_ACTIVATION_SSP:
    *derivative = s;
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x))) - log(2);
  case FTL_ACTIVATION_RELU:
    *derivative = x > 0;
    return x > 0 ? x : 0;
  case FTL_ACTIVATION_SIGMOID:
    *derivative = s * (1 - s);
    return s;
  case FTL_ACTIVATION_ELU:
    *derivative = x > 0 ? 1 : exp(x);
    return x > 0 ? x : expm1(x);
  case FTL_ACTIVATION_CAS:
    *derivative = cos(x) - sin(x);
    return cos(x) + sin(x) - 1;
  case FTL_ACTIVATION_NONE:
  case FTL_N_ACTIVATIONS:
    break;
  }
  *derivative = 1;
  return x;
}

static int offset_of(const ftl_irreps *irreps, int block, int channel) {
  int offset = channel * (2 * irreps->block[block].l + 1);
  for (int b = 0; b < block; b++) offset += irreps->block[b].mul * (2 * irreps->block[b].l + 1);
  return offset;
}

void ftl_ref_gate_forward(const ftl_gate *gate, const double *x, double *y) {
  double derivative;
  for (int k = 0; k < gate->n; k++) {
    const ftl_gate_part *part = &gate->part[k];
    const int dim = 2 * part->l + 1;
    const double *in = x + offset_of(&gate->in, part->in, part->in_channel);
    const double *gates = part->gates >= 0 ? x + offset_of(&gate->in, part->gates, part->gates_channel) : NULL;
    double *out = y + offset_of(&gate->out, part->out, 0);
    for (int u = 0; u < part->mul; u++) {
      const double f = part->cst * ftl_ref_activation(part->act, gates ? gates[u] : in[u], &derivative);
      for (int m = 0; m < dim; m++) out[u * dim + m] = gates ? f * in[u * dim + m] : f;
    }
  }
}

void ftl_ref_gate_reverse(const ftl_gate *gate, const double *x, const double *d_y, double *d_x) {
  for (int k = 0; k < gate->n; k++) {
    const ftl_gate_part *part = &gate->part[k];
    const int dim = 2 * part->l + 1, in = offset_of(&gate->in, part->in, part->in_channel);
    const double *d_out = d_y + offset_of(&gate->out, part->out, 0);
    for (int u = 0; u < part->mul; u++) {
      double slope;
      if (part->gates < 0) {
        ftl_ref_activation(part->act, x[in + u], &slope);
        d_x[in + u] += d_out[u] * part->cst * slope;
        continue;
      }
      const int g = offset_of(&gate->in, part->gates, part->gates_channel) + u;
      const double f = part->cst * ftl_ref_activation(part->act, x[g], &slope);
      for (int m = 0; m < dim; m++) {
        d_x[in + u * dim + m] += d_out[u * dim + m] * f;
        d_x[g] += d_out[u * dim + m] * x[in + u * dim + m] * part->cst * slope;
      }
    }
  }
}
