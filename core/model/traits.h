/* What follows from the kind of an interaction block, answered once. */
#ifndef FTL_TRAITS_H
#define FTL_TRAITS_H

#include "model/architecture.h"

typedef enum { FTL_NORM_AVERAGE, FTL_NORM_DENSITY, FTL_NORM_ALPHA_BETA, FTL_NORM_DENOMINATOR } ftl_norm_kind;

/* A gate: consecutive channels of its input, through an activation (scalars) or times the activation of one scalar
   each. e3nn's Gate with its input sorted; a constant normalises each activation. */
typedef struct {
  int mul, l;
  int in, in_channel;       /* block of the input, and its first channel for this part */
  int gates, gates_channel; /* likewise of the scalars that gate; gates < 0: these are scalars */
  int out;                  /* block of the output: all of its channels */
  ftl_activation act;
  double cst;
} ftl_gate_part;

typedef struct {
  ftl_irreps in, out;
  int n; /* one part for each block of the output, in its order */
  ftl_gate_part part[FTL_MAX_BLOCKS];
} ftl_gate;

typedef struct {
  ftl_norm_kind norm;   /* what the sum over neighbours is divided by: avg_num_neighbors, 1 + the density, or
                           alpha density + beta; or the tensor `denominator` */
  bool has_density;     /* density_fn is there */
  bool nonlinear;       /* gate, linear_1, linear_res, linear_2; radial networks that see both elements */
  bool gated;           /* NequIP's: the skip connection is added to the message, and a gate makes the output */
  bool skip_by_element; /* skip_tp has a matrix for each element; else it is an ordinary linear map */
  bool skip_on_message; /* skip_tp takes and makes the message, before the product */
  bool has_sc;          /* skip_tp takes the incoming features and is added to the product's output */
  ftl_irreps skip_in, skip_out;
  ftl_irreps message; /* what the linear of the sum makes: the gate's input where there is one, else the target */
} ftl_layer_traits;

ftl_layer_traits ftl_layer_traits_of(const ftl_layer *layer);

/* The gate of a nonlinear or gated layer t; else n = 0. */
ftl_gate ftl_gate_of(const ftl_architecture *arch, int t);

/* <f(z)^2>^(-1/2) for normal z, as e3nn's normalize2mom has it (over its fixed million deviates, not the integral). */
double ftl_activation_constant(ftl_activation kind);
const char *ftl_activation_name(ftl_activation kind); /* "silu" */

/* Weights of e3nn's Linear: one matrix [mul in][mul out] per pair of blocks with the same irrep. */
int64_t ftl_linear_count(const ftl_irreps *in, const ftl_irreps *out);

#endif
