/* The builds of the sweeps, and the calls of gradient.h that go to the one that the network chose. */
#include <stdlib.h>
#include <string.h>

#include "gradient/network.h"
#include "model/kernels.h"
#include "base/error.h"
#include "support/work_memory.h"

struct ftl_sweep {
  const ftl_network *network; /* the first members in every build: stages/sweep.h */
  ftl_crew *crew;
  int place;
};

#define DECLARE(isa) extern const ftl_sweeps ftl_sweeps_##isa##_f64, ftl_sweeps_##isa##_f32;
#define BUILD(isa)   {&ftl_sweeps_##isa##_f64, &ftl_sweeps_##isa##_f32},
FTL_FOR_EACH_ISA(DECLARE)

ftl_status ftl_sweeps_choose(ftl_precision precision, const ftl_sweeps **engine, ftl_error *error) {
  static const ftl_sweeps *const builds[][2] = {FTL_FOR_EACH_ISA(BUILD)};
  const ftl_kernels *kernels;
  ftl_status status = ftl_kernels_choose(precision, &kernels, error);
  for (size_t k = 0; !status && k < sizeof builds / sizeof *builds; k++)
    if (strcmp(builds[k][0]->isa, kernels->isa) == 0) {
      *engine = builds[k][precision == FTL_MIXED];
      return FTL_OK;
    }
  return status ? status
                : ftl_fail(error, FTL_ERR_UNSUPPORTED, "", "there is no build of the trainer for %s", kernels->isa);
}

ftl_status ftl_sweep_new(const ftl_network *network, ftl_sweep **sweep, ftl_error *error) {
  return network->engine->sweep_new(network, sweep, error);
}
void ftl_sweep_free(ftl_sweep *sweep) {
  if (sweep) sweep->network->engine->sweep_free(sweep);
}
void ftl_sweep_join(ftl_sweep *sweep, ftl_crew *crew, int place) {
  sweep->crew = crew;
  sweep->place = place;
}
size_t ftl_sweep_bytes(const ftl_sweep *sweep) { return sweep->network->engine->sweep_bytes(sweep); }

ftl_kept *ftl_kept_new(void) {
  ftl_kept *kept = calloc(1, sizeof *kept);
  if (kept) kept->memory.enough = ftl_memory_is_left;
  return kept;
}

void ftl_kept_free(ftl_kept *kept) {
  if (kept) ftl_arena_free(&kept->memory);
  free(kept);
}

size_t ftl_kept_bytes(const ftl_kept *kept) { return kept->memory.bytes; }

ftl_status ftl_sweep_predict(ftl_sweep *sweep, const ftl_graph *graph, ftl_kept *kept, int head, bool derivatives,
                             ftl_prediction *prediction, ftl_error *error) {
  return sweep->network->engine->predict(sweep, graph, kept, head, derivatives, prediction, error);
}
ftl_status ftl_sweep_gradient(ftl_sweep *sweep, double d_energy, const double (*d_forces)[3],
                              const double (*d_virial)[3], double *gradient, ftl_error *error) {
  return sweep->network->engine->gradient(sweep, d_energy, d_forces, d_virial, gradient, error);
}
void ftl_sweep_scalars(const ftl_sweep *sweep, double *out) { sweep->network->engine->scalars(sweep, out); }
