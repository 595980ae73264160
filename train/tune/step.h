/* The gradient of the loss of one batch, over threads and ranks. */
#ifndef FTL_STEP_H
#define FTL_STEP_H

#include "tune/loss.h"
#include "tune/team.h"

/* What a batch gave; part[n] is the caller's. */
typedef struct {
  double loss;
  double *part; /* [n] of each structure of the batch, in its order */
} ftl_step;

/* gradient[parameters->count] of the loss of the structures chosen[n], overwritten (frozen numbers stay as they are),
   with head[k] of structure k (NULL: 0). Ranks share the batch and all get the sums. The order of sums depends on the
   batch and the number of ranks, not on threads: any number of threads gives the same bits. A loss that is not finite
   is no failure here. Errors as of ftl_graphs_get and the sweeps; after team->interrupted the gradient is of no use. */
ftl_status ftl_step_gradient(ftl_team *team, ftl_graphs *graphs, const int *head, const int *chosen, int n,
                             const ftl_loss *loss, ftl_step *step, double *gradient, ftl_error *error);

#endif
