/* Low-rank adaptation (Hu et al., 2021): tensors change by scale * A B only, with A [rows][rank] and B [rank][columns],
   and the factors are what the optimiser moves. The model has whole tensors again at any time. */
#ifndef FTL_LORA_H
#define FTL_LORA_H

#include "tune/train_recipe.h"
#include "parameters/parameters.h"

typedef struct {
  int parameter; /* index into `parameters` */
  int64_t rows, columns;
  int64_t a, b; /* places in the factors; b < 0: the tensor itself is there, from a on */
} ftl_lora_item;

typedef struct {
  const ftl_parameters *parameters; /* of the model; belongs to the caller */
  int rank;
  double scale; /* alpha / rank */
  int n, n_low; /* tensors, and those that have factors */
  ftl_lora_item *item;
  ftl_parameters factors;    /* what the optimiser sees: A and B, and tensors that are trained whole */
  double *base;              /* [parameters->count] values at the start */
  double *values, *gradient; /* [factors.count] */
} ftl_lora;

/* Marks in `parameters` what lora.groups, and train, name. Of the default groups those count that the model has.
   FTL_ERR_INPUT as ftl_freeze_apply. */
ftl_status ftl_lora_apply(const ftl_recipe *recipe, ftl_parameters *parameters, ftl_error *error);

/* Factors of all tensors that lora.groups name and that a low rank makes smaller; readouts, and what train names, are
   trained whole. A begins with normal random numbers drawn by seed, B with zeros. `channels` is the width of tensors
   that the file has as vectors. A zero ftl_lora may be freed. FTL_ERR_INPUT when no tensor has factors. */
ftl_status ftl_lora_new(const ftl_recipe *recipe, const ftl_source *source, const ftl_parameters *parameters,
                        const double *values, ftl_lora *lora, ftl_error *error);
void ftl_lora_free(ftl_lora *lora);

/* values = base + scale A B of every tensor that is trained, with factors[lora->factors.count]; the rest stays. */
void ftl_lora_expand(const ftl_lora *lora, const double *factors, double *values);
/* lora->gradient from the gradient by the values. */
void ftl_lora_gradient(ftl_lora *lora, const double *gradient);

#endif
