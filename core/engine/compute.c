/* The simple interface: one structure without ghosts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/uncertainty.h"
#include "engine/stages.h"
#include "engine/fork_team.h"
#include "base/error.h"

static ftl_status compute(ftl_workspace *ws, int n, const int *species, const double (*positions)[3],
                          const double (*cell)[3], const int pbc[3], ftl_result *result, ftl_error *error) {
  if (!ws || !result || n < 0 || (n > 0 && (!species || !positions)))
    return ftl_fail(error, FTL_ERR_ARGUMENT, "", "ftl_compute: a NULL argument or a negative number of atoms");
  int n_layers = ws->model->arch.n_layers;
  bool forward_only = result->energy_only != 0;
  if (forward_only && (result->forces || result->force_deviation))
    return ftl_fail(error, FTL_ERR_ARGUMENT, "energy_only",
                    "ftl_compute: forces are asked for with energy_only; leave forces and force_deviation NULL");
  ftl_output output = {.forces = result->forces,
                       .node_energy = result->node_energy,
                       .extrapolation = result->extrapolation,
                       .energy_deviation = result->energy_deviation,
                       .descriptors = result->descriptors,
                       .committee_forces = result->force_deviation /* for the check */};
  FTL_TRY(ftl_uncertainty_check(ws->model, &output, error));
  for (int i = 0; i < n; i++)
    if (species[i] < 0 || species[i] >= ws->model->n_species) {
      char where[64];
      snprintf(where, sizeof where, "atom %d", i + 1);
      return ftl_fail(error, FTL_ERR_INPUT, where, "species index %d; the model is open for %d elements", species[i],
                      ws->model->n_species);
    }
  ftl_neighbours *list = &ws->neighbours;
  FTL_TRY(ftl_neighbours_build_images(list, n, positions, cell, pbc, ws->model->arch.r_max, error));
  ftl_graph graph = ftl_neighbours_graph(list, n, species);
  output.committee_forces = NULL;
  ftl_status status = FTL_OK;
  if (result->force_deviation) status = ftl_uncertainty_committee_forces(ws, n, &output.committee_forces, error);
  if (result->forces) memset(result->forces, 0, 3 * (size_t)n * sizeof *result->forces);
  if (!status) status = ftl_begin(ws, &graph, &output, error);
  for (int t = 0; t < n_layers - 1 && !status; t++) status = ftl_layer_forward(ws, t, FTL_ALL, error);
  if (!status)
    status = forward_only ? ftl_layer_forward(ws, n_layers - 1, FTL_ALL, error) : ftl_last_layer(ws, FTL_ALL, error);
  for (int t = n_layers - 2; t >= 0 && !status && !forward_only; t--) status = ftl_layer_reverse(ws, t, FTL_ALL, error);
  if (!status) status = ftl_end(ws, error);
  if (!status && result->force_deviation)
    status = ftl_force_deviation(ws->model, n, output.committee_forces, result->force_deviation, error);
  if (status) return status;
  if (!isfinite(output.energy))
    return ftl_fail(error, FTL_ERR_INPUT, "", "the energy is not finite; are atoms far too close to each other?");
  result->energy = output.energy;
  result->total_deviation = output.total_deviation;
  for (int k = 0; k < 6; k++)
    result->virial[k] = k < 3 ? output.virial[k] : 0.5 * (output.virial[k] + output.virial[k + 3]);
  return FTL_OK;
}

ftl_status ftl_compute(ftl_workspace *ws, int n, const int *species, const double (*positions)[3],
                       const double (*cell)[3], const int pbc[3], ftl_result *result, ftl_error *error) {
  ftl_team_at_work(true);
  ftl_status status = compute(ws, n, species, positions, cell, pbc, result, error);
  ftl_team_at_work(false);
  return status;
}
