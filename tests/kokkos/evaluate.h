/* An evaluator of core/kokkos as a C test uses it: arrays of the host in and out. */
#ifndef FTL_TESTS_KOKKOS_EVALUATE_H
#define FTL_TESTS_KOKKOS_EVALUATE_H

#include "frozentl.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  double energy, virial[9];
  double *forces;               /* [n_total][3], zeroed here; ghosts' forces are added to their owners' too */
  double *node_energy;          /* [n_local] */
  double (*atom_virial)[9];     /* [n_total] zeroed here */
  double (*centroid_virial)[9]; /* likewise; NULL: not wanted */
  double *extrapolation, *energy_deviation, *force_deviation; /* [n_local]; NULL: not wanted */
  size_t bytes;
  double seconds; /* of the last of `repeat` evaluations, without the graph */
} kokkos_answer;

/* Ends the program with a sentence and status 3 where it is compiled for a GPU and there is none. */
void kokkos_start(int argc, char **argv);
void kokkos_stop(void);
/* Names of the spaces there are, NULL after the last: "Serial", "OpenMP", "Cuda". */
const char *const *kokkos_spaces(void);

/* repeat 0: an evaluation is only begun, and `bytes` is what it holds. `graph` has positions. owner[n_total - n_local]:
 * the local node of which a ghost is a copy; NULL without ghosts. FTL_ERR_MEMORY: the space's memory does not suffice.
 */
ftl_status kokkos_evaluate(const char *space, const ftl_model *model, const ftl_graph *graph, const int *owner,
                           int repeat, kokkos_answer *answer, ftl_error *error);

#ifdef __cplusplus
}
#endif
#endif
