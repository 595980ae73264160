/* Adam, AMSGrad and AdamW to the letter of torch.optim, over the parameter vector; averages of the parameters.

   Vectors have parameters->count numbers. Frozen numbers are never touched. Sums run in one order, so that a run and
   its continuation agree to the bit. */
#ifndef FTL_OPTIMISER_H
#define FTL_OPTIMISER_H

#include "base/arena.h"
#include "tune/train_recipe.h"
#include "parameters/parameters.h"

typedef struct {
  int kind; /* FTL_OPTIMISER_... */
  double beta1, beta2, epsilon, weight_decay;
  double clip; /* largest norm of the gradient of all trained parameters; 0: not clipped */
} ftl_optimiser_options;

typedef struct {
  const ftl_parameters *parameters; /* belongs to the caller */
  ftl_optimiser_options options;
  int64_t step;                    /* steps taken */
  double *mean, *square, *largest; /* [count] moments, owned; largest only for AMSGrad (else NULL) */
  ftl_arena memory;
} ftl_optimiser;

/* FTL_ERR_MEMORY. */
ftl_status ftl_optimiser_new(const ftl_parameters *parameters, const ftl_optimiser_options *options,
                             ftl_optimiser *optimiser, ftl_error *error);
void ftl_optimiser_free(ftl_optimiser *optimiser);
/* One step on `values` with learning rate lr times each parameter's rate. `gradient` is clipped in place. Returns the
   gradient's norm before clipping; if it is not finite nothing is changed. */
double ftl_optimiser_step(ftl_optimiser *optimiser, double lr, double *gradient, double *values);

/* Exponential moving average as torch_ema (which mace-torch uses): decay min(decay, (1 + n)/(10 + n)) at the n-th
   update (n from 1). `average` begins as a copy of the values. */
void ftl_ema_update(const ftl_parameters *parameters, double decay, int64_t n, const double *values, double *average);
/* Running mean as torch's AveragedModel (SWA): average += (values - average)/(n + 1), n averaged so far. */
void ftl_mean_update(const ftl_parameters *parameters, int64_t n, const double *values, double *average);

#endif
