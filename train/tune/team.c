#include "tune/team.h"

#include <stdlib.h>

#include "base/error.h"
#include "support/ranks.h"

ftl_status ftl_team_new(ftl_network *network, const ftl_parameters *parameters, int n, ftl_team *team,
                        ftl_error *error) {
  *team = (ftl_team){.parameters = parameters, .network = network, .worker = calloc((size_t)n, sizeof *team->worker)};
  if (!team->worker) return ftl_no_memory(error, NULL, "%d threads", n);
  FTL_TRY(ftl_crew_new(n, &team->crew, error));
  for (; team->n < n; team->n++) {
    ftl_worker *worker = &team->worker[team->n];
    FTL_TRY(ftl_sweep_new(network, &worker->sweep, error));
    ftl_sweep_join(worker->sweep, team->crew, team->n);
    worker->gradient = calloc((size_t)parameters->count + 1, sizeof *worker->gradient);
    if (!worker->gradient) {
      ftl_sweep_free(worker->sweep);
      return ftl_no_memory(error, NULL, "the gradients of %d threads; take fewer threads", n);
    }
  }
  return FTL_OK;
}

ftl_status ftl_team_agree(ftl_team *team, ftl_status failed, ftl_error *error) {
  const bool stopped = ftl_network_stopped(team->network);
  if (failed != FTL_OK && !stopped) return failed;
  team->interrupted = ftl_ranks_max(stopped) != 0;
  return team->interrupted ? ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "interrupted") : FTL_OK;
}

void ftl_team_free(ftl_team *team) {
  for (int k = 0; k < team->n; k++) {
    ftl_worker *worker = &team->worker[k];
    ftl_sweep_free(worker->sweep);
    ftl_neighbours_free(&worker->scratch);
    ftl_structure_graph_free(&worker->loose);
    free(worker->gradient);
    free(worker->forces);
  }
  free(team->worker);
  ftl_crew_free(team->crew);
  *team = (ftl_team){0};
}
