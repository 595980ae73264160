#include "tune/evaluate.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support/ranks.h"

enum { VIRIAL = 1, FORCES = 10 }; /* places in the numbers of a structure */

void ftl_predictions_free(ftl_predictions *predictions) {
  free(predictions->first);
  free(predictions->number);
  *predictions = (ftl_predictions){0};
}

static ftl_status make_room(const ftl_dataset *dataset, ftl_predictions *p, ftl_error *error) {
  if (p->first) return FTL_OK;
  p->n = dataset->n;
  p->first = malloc(((size_t)dataset->n + 1) * sizeof *p->first);
  if (p->first) {
    p->first[0] = 0;
    for (int64_t k = 0; k < dataset->n; k++) p->first[k + 1] = p->first[k] + FORCES + 3 * dataset->structure[k].n;
    p->number = malloc(((size_t)p->first[dataset->n] + 1) * sizeof *p->number);
  }
  if (p->number) return FTL_OK;
  return ftl_no_memory(error, NULL, "the predictions for %lld structures", (long long)dataset->n);
}

ftl_prediction ftl_predictions_get(const ftl_predictions *predictions, int64_t k) {
  double *number = predictions->number + predictions->first[k];
  ftl_prediction prediction = {.energy = number[0], .forces = (double(*)[3])(number + FORCES)};
  memcpy(prediction.virial, number + VIRIAL, sizeof prediction.virial);
  return prediction;
}

static ftl_status evaluate_one(ftl_worker *worker, ftl_graphs *graphs, int64_t k, int head, ftl_answers_wanted wanted,
                               double *number, ftl_error *error) {
  const ftl_structure *structure = &graphs->dataset->structure[k];
  const bool labelled = structure->labels.has_forces || structure->labels.has_stress;
  const bool derivatives = wanted == FTL_ANSWER_ALL || (wanted == FTL_ANSWER_LABELLED && labelled);
  const ftl_graph *graph;
  ftl_prediction prediction;
  FTL_TRY(ftl_graphs_get(graphs, k, &worker->scratch, &worker->loose, &graph, error));
  FTL_TRY(ftl_graphs_predict(graphs, k, worker->sweep, graph, head, derivatives, &prediction, error));
  number[0] = prediction.energy;
  if (!derivatives) return FTL_OK;
  memcpy(number + VIRIAL, prediction.virial, sizeof prediction.virial);
  memcpy(number + FORCES, prediction.forces, (size_t)structure->n * sizeof *prediction.forces);
  return FTL_OK;
}

ftl_status ftl_evaluate(ftl_team *team, ftl_graphs *graphs, const int *head, ftl_answers_wanted wanted,
                        ftl_predictions *predictions, ftl_error *error) {
  const int64_t n = graphs->dataset->n;
  ftl_status failed = make_room(graphs->dataset, predictions, error);
  if (failed) return failed;
  const int64_t numbers = predictions->first[n];
  memset(predictions->number, 0, (size_t)numbers * sizeof *predictions->number);
  ftl_crew_begin(team->crew, (int)ftl_ranks_share(n));
#pragma omp parallel num_threads(team->n)
  {
#pragma omp for schedule(dynamic, 1) nowait
    for (int64_t k = ftl_ranks_mine(); k < n; k += ftl_ranks_n()) {
      ftl_status before;
#pragma omp atomic read
      before = failed;
      ftl_error own = {0};
      ftl_status status = FTL_OK;
      if (before == FTL_OK && !ftl_network_stopped(team->network)) {
        status = evaluate_one(&team->worker[omp_get_thread_num()], graphs, k, head ? head[k] : 0, wanted,
                              predictions->number + predictions->first[k], &own);
        ftl_graphs_settle(graphs, k);
      }
      ftl_crew_finished_one(team->crew);
      if (!status) continue;
#pragma omp critical(ftl_evaluate_failed)
      {
        if (!failed && error) *error = own;
#pragma omp atomic write
        failed = status;
      }
    }
    ftl_crew_help(team->crew);
  }
  failed = ftl_team_agree(team, failed, error);
  if (!failed) ftl_ranks_sum(predictions->number, numbers);
  return failed;
}

double ftl_evaluate_loss(const ftl_loss *loss, const ftl_dataset *dataset, const ftl_predictions *predictions) {
  const ftl_batch batch = {.structures = dataset->n, .atoms = ftl_dataset_atoms(dataset)};
  double sum = 0;
  for (int64_t k = 0; k < dataset->n; k++) {
    const ftl_prediction prediction = ftl_predictions_get(predictions, k);
    sum += ftl_loss_structure(loss, &batch, &dataset->structure[k], &prediction, NULL);
  }
  return sum;
}

ftl_status ftl_evaluate_errors(const ftl_dataset *dataset, const ftl_predictions *predictions, const char *name,
                               ftl_error_table *table, ftl_error *error) {
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < dataset->n; k++) {
    const ftl_structure *structure = &dataset->structure[k];
    const ftl_prediction prediction = ftl_predictions_get(predictions, k);
    double stress[3][3] = {{0}};
    for (int a = 0; structure->volume > 0 && a < 9; a++)
      stress[a / 3][a % 3] = -prediction.virial[a / 3][a % 3] / structure->volume;
    status =
        ftl_error_table_add(table, name, structure->config_type, structure->n, &structure->labels, prediction.energy,
                            (const double(*)[3])prediction.forces, (const double(*)[3])stress, error);
  }
  return status;
}
