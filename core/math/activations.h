/* Activation functions with two derivatives, in double: the one place for host and device, inference and training. The
   constants that e3nn's normalize2mom multiplies them with are the caller's.

   Where a function has a corner (relu, abs), the derivative there is 0, as in PyTorch. */
#ifndef FTL_ACTIVATIONS_H
#define FTL_ACTIVATIONS_H

#include <math.h>

#include "math/function.h"

typedef enum {
  FTL_ACTIVATION_NONE, /* x */
  FTL_ACTIVATION_SILU, /* x / (1 + exp(-x)) */
  FTL_ACTIVATION_TANH,
  FTL_ACTIVATION_ABS,
  FTL_ACTIVATION_SIGMOID, /* 1 / (1 + exp(-x)) */
  FTL_ACTIVATION_RELU,    /* max(x, 0) */
  FTL_ACTIVATION_SSP,     /* log(1 + exp(x)) - log 2: shifted softplus */
  FTL_ACTIVATION_ELU,     /* x above 0, exp(x) - 1 below */
  FTL_ACTIVATION_CAS,     /* cos(x) + sin(x) - 1 */
  FTL_N_ACTIVATIONS
} ftl_activation;

FTL_FUNCTION double ftl_sigmoid(double x, double *d1, double *d2) {
  const double s = 1 / (1 + exp(-x)), ds = s * (1 - s);
  *d1 = ds;
  *d2 = ds * (1 - 2 * s);
  return s;
}

FTL_FUNCTION double ftl_silu(double x, double *d1, double *d2) {
  const double s = 1 / (1 + exp(-x));
  *d1 = s * (1 + x * (1 - s));
  *d2 = s * (1 - s) * (2 + x * (1 - 2 * s));
  return x * s;
}

/* The value, and its first and second derivative by x. */
FTL_FUNCTION double ftl_activate(ftl_activation kind, double x, double *d1, double *d2) {
  double y = x;
  *d1 = 1;
  *d2 = 0;
  switch (kind) {
  case FTL_ACTIVATION_NONE:
  case FTL_N_ACTIVATIONS:
    break;
  case FTL_ACTIVATION_SILU:
    return ftl_silu(x, d1, d2);
  case FTL_ACTIVATION_TANH:
    y = tanh(x);
    *d1 = 1 - y * y;
    *d2 = -2 * y * (1 - y * y);
    break;
  case FTL_ACTIVATION_ABS:
    y = x < 0 ? -x : x;
    *d1 = (x > 0) - (x < 0);
    break;
  case FTL_ACTIVATION_SIGMOID:
    return ftl_sigmoid(x, d1, d2);
  case FTL_ACTIVATION_RELU:
    y = x > 0 ? x : 0;
    *d1 = x > 0;
    break;
  case FTL_ACTIVATION_SSP: {
    double unused;
    y = (x > 0 ? x : 0) + log1p(exp(x > 0 ? -x : x)) - 0.6931471805599453;
    *d1 = ftl_sigmoid(x, d2, &unused);
    break;
  }
  case FTL_ACTIVATION_ELU:
    if (x > 0) break;
    y = expm1(x);
    *d1 = *d2 = exp(x);
    break;
  case FTL_ACTIVATION_CAS: {
    const double c = cos(x), s = sin(x);
    y = c + s - 1;
    *d1 = c - s;
    *d2 = -c - s;
    break;
  }
  }
  return y;
}

#endif
