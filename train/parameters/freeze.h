/* Which parameters are trained and how fast: the words of `freeze`, `train` and `rates` of a recipe.

   A word is one of
     f0 .. f7           as mace-torch's --freeze N, cumulative: from 1 on the node embedding, from 5 on everything under
                        interactions., from 6 on everything under products., 7 also the readouts. In a model of the
                        NequIP family from 1 on the node embedding and the radial basis, from 2 + T on layer T (layers
                        after the fourth with 6), 7 also the readout
     GROUP              a name of groups.h: radial, product.weights, ...
     layerN.GROUP       that group in one layer (readouts: the readout N)
     layerN             all of that layer but a readout of it
     a glob pattern     over tensor names, with at least one '.', '*' or '?': "products.*.linear.weight"
   A word that names nothing in the model is an error with the nearest name there is. */
#ifndef FTL_FREEZE_H
#define FTL_FREEZE_H

#include <stdio.h>

#include "support/options.h"
#include "parameters/parameters.h"

/* Sets `trained` and `rate` of every parameter: all but E0, scale, shift and constants are trained, less `freeze`; with
   `train` alone only what it names; with both, `train` makes exceptions to `freeze`. `rates` multiply, in their order;
   a rate for something that is frozen as a whole is refused, as is a rate of 0 (say freeze). FTL_ERR_INPUT also when
   nothing is left to train, or `train` asks for what cannot be trained (E0, scale_shift, zbl, radial_embedding). */
ftl_status ftl_freeze_apply(ftl_parameters *parameters, const ftl_words *freeze, const ftl_words *train,
                            const ftl_rates *rates, ftl_error *error);

/* The table of groups and layers: tensors, parameters, trained, frozen or partly, rate where it is not 1; and a line of
   totals. Returned as text that the caller frees; NULL when out of memory. */
char *ftl_freeze_table(const ftl_parameters *parameters);
int64_t ftl_parameters_trained(const ftl_parameters *parameters); /* numbers that are trained */

#endif
