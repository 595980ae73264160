/* Energies and forces of a model with given parameters, and the exact gradient of a loss of them with respect to every
   trained parameter.

   A loss L(E, F, W) of a structure has dL/dtheta = dL/dE dE/dtheta + the derivative by theta of the directional
   derivative of E along (-dL/dF, dL/dW): forward, reverse (these give E, F, W), then a tangent sweep along that
   direction and one reverse sweep over both (docs/theory.md, section "Gradient of a force loss").

   A network is shared by threads while its parameters do not change; a sweep belongs to one thread. */
#ifndef FTL_GRADIENT_H
#define FTL_GRADIENT_H

#include <signal.h>

#include "parameters/parameters.h"
#include "support/crew.h"

typedef struct ftl_network ftl_network;
typedef struct ftl_sweep ftl_sweep;
typedef struct ftl_kept ftl_kept;

/* `source` and `parameters` must outlive the network. Which parameters are trained is read here. precision: FTL_DOUBLE,
   or FTL_MIXED for float32 stages. FTL_ERR_UNSUPPORTED, FTL_ERR_FORMAT, FTL_ERR_MEMORY. */
ftl_status ftl_network_new(const ftl_source *source, const ftl_parameters *parameters, ftl_precision precision,
                           ftl_network **network, ftl_error *error);
void ftl_network_free(ftl_network *network);
/* Sweeps give up between two stages, with FTL_ERR_ARGUMENT, once *stop is not 0. NULL (as at first): never. */
void ftl_network_watch(ftl_network *network, const volatile sig_atomic_t *stop);
bool ftl_network_stopped(const ftl_network *network);
/* Takes the values [parameters->count]; call it once before the first sweep and after each change. */
ftl_status ftl_network_set(ftl_network *network, const double *values, ftl_error *error);

ftl_status ftl_sweep_new(const ftl_network *network, ftl_sweep **sweep, ftl_error *error);
void ftl_sweep_free(ftl_sweep *sweep);
size_t ftl_sweep_bytes(const ftl_sweep *sweep);
/* From now on who helps in the crew takes part in the sweep, which is made at this place of it. Results are the same to
   the bit. The crew must outlive the sweep's last call. */
void ftl_sweep_join(ftl_sweep *sweep, ftl_crew *crew, int place);

typedef struct {
  double energy;       /* eV, E0 included */
  double *node_energy; /* [n] E0 included; belongs to the sweep, as forces */
  double (*forces)[3]; /* [n] eV/Angstrom; NULL without derivatives */
  double virial[3][3]; /* -sum r_ij (x) dE/dr_ij, eV; zero without derivatives */
} ftl_prediction;

/* What of a structure's sweeps stays the same while frozen parameters keep their values: geometry, frozen radial
   functions with their slopes, features below the first trained stage. Empty until the first prediction with it; it
   then belongs to that graph, head and network. One caller at a time. NULL when out of memory; free accepts NULL. */
ftl_kept *ftl_kept_new(void);
void ftl_kept_free(ftl_kept *kept);
size_t ftl_kept_bytes(const ftl_kept *kept);

/* `kept` may be NULL; results do not depend on it. Forward, and with `derivatives` reverse. The graph (n_total ==
   n_local, species in the order of the architecture's elements, edges beyond the cutoff ignored) must stay as it is
   until the gradient is taken. FTL_ERR_INPUT for atoms in one place, FTL_ERR_MEMORY. */
ftl_status ftl_sweep_predict(ftl_sweep *sweep, const ftl_graph *graph, ftl_kept *kept, int head, bool derivatives,
                             ftl_prediction *prediction, ftl_error *error);

/* After ftl_sweep_predict with derivatives (without them if d_forces and d_virial are NULL), as often as one likes:
   adds dL/dtheta of the trained parameters to gradient[parameters->count]. d_energy = dL/dE, d_forces[n][3] = dL/dF or
   NULL, d_virial[3][3] = dL/dW or NULL. */
ftl_status ftl_sweep_gradient(ftl_sweep *sweep, double d_energy, const double (*d_forces)[3],
                              const double (*d_virial)[3], double *gradient, ftl_error *error);

/* After ftl_sweep_predict: the even scalars of the last layer, which readouts read, out[n][channels]. */
void ftl_sweep_scalars(const ftl_sweep *sweep, double *out);

#endif
