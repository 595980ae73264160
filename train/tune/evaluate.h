/* A model's answers for a whole set of structures, on all threads and ranks, and their errors and loss. */
#ifndef FTL_EVALUATE_H
#define FTL_EVALUATE_H

#include "tune/loss.h"
#include "tune/team.h"

/* Owned; zero-initialise. */
typedef struct {
  int64_t n;
  int64_t *first; /* [n + 1] where a structure's numbers begin */
  double *number; /* energy, virial[9], forces[atoms][3] */
} ftl_predictions;

void ftl_predictions_free(ftl_predictions *predictions);
/* Points into predictions; node_energy is NULL. */
ftl_prediction ftl_predictions_get(const ftl_predictions *predictions, int64_t k);

/* Forces and stresses cost more than energies; those that are not asked for may be left out (zero). */
typedef enum { FTL_ANSWER_ENERGIES, FTL_ANSWER_LABELLED, FTL_ANSWER_ALL } ftl_answers_wanted;

/* Evaluates all structures with the values that the network has, with head[k] (NULL: 0): energies, and forces and
   stresses of none, of structures that have such labels, or of all. All ranks get all answers. `predictions`
   of an earlier call for the same set are reused. Errors as of ftl_graphs_get, ftl_sweep_predict; team->interrupted. */
ftl_status ftl_evaluate(ftl_team *team, ftl_graphs *graphs, const int *head, ftl_answers_wanted wanted,
                        ftl_predictions *predictions, ftl_error *error);

/* The loss of the set as one batch: it does not depend on how the set is divided. */
double ftl_evaluate_loss(const ftl_loss *loss, const ftl_dataset *dataset, const ftl_predictions *predictions);
/* Adds all structures to a table; head names in it are `name`. FTL_ERR_MEMORY. */
ftl_status ftl_evaluate_errors(const ftl_dataset *dataset, const ftl_predictions *predictions, const char *name,
                               ftl_error_table *table, ftl_error *error);

#endif
