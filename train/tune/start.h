/* The model that a run starts from: a foundation, cut to what is trained, or a new one. */
#ifndef FTL_START_H
#define FTL_START_H

#include "tune/train_recipe.h"
#include "tune/train_sets.h"

/* The foundation as it is in its file, in *source, or NULL when there is none; and the cutoff that the run will have:
   what is isolated in data depends on it. Errors of reading models. */
ftl_status ftl_start_read(const ftl_recipe *recipe, ftl_source **source, double *cutoff, ftl_error *error);
/* Makes the foundation, or a new model where *source is NULL, what the recipe asks for. FTL_ERR_INPUT: an element or a
   head that the foundation does not have, options of a new model that do not fit. The caller frees *source with
   ftl_source_free, also after a failure. */
ftl_status ftl_start_model(const ftl_recipe *recipe, const ftl_sets *sets, ftl_source **source, ftl_error *error);

/* The recipe adds this element, so that the foundation's answers say nothing of it. */
bool ftl_start_adds(const ftl_recipe *recipe, int atomic_number);

/* Replaces a tensor's numbers, [n], as float64: these are sums over atoms, for which float32 is too coarse. The tensor
   must be there with n numbers. FTL_ERR_FORMAT, FTL_ERR_MEMORY. */
ftl_status ftl_start_set(ftl_source *source, const char *name, const double *numbers, int64_t n, ftl_error *error);

#endif
