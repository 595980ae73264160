#include "tune/step.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"
#include "support/ranks.h"

static void clear(const ftl_parameters *parameters, double *gradient) {
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (p->trained) memset(gradient + p->offset, 0, (size_t)p->count * sizeof *gradient);
  }
}

static void add(const ftl_parameters *parameters, const double *from, double *gradient) {
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained) continue;
    for (int64_t i = p->offset; i < p->offset + p->count; i++) gradient[i] += from[i];
  }
}

/* Tensors that are trained and follow each other in one sum: a message costs as much as a thousand numbers. */
static void sum_over_ranks(const ftl_parameters *parameters, double *gradient) {
  if (ftl_ranks_n() == 1) return;
  int64_t first = 0, n = 0;
  for (int k = 0; k < parameters->n; k++) {
    const ftl_parameter *p = &parameters->parameter[k];
    if (!p->trained) continue;
    if (p->offset != first + n) {
      ftl_ranks_sum(gradient + first, n);
      first = p->offset;
      n = 0;
    }
    n += p->count;
  }
  ftl_ranks_sum(gradient + first, n);
}

/* A structure's part of the loss, and its gradient, added to `gradient`. */
static ftl_status one_structure(ftl_worker *worker, ftl_graphs *graphs, int head, int64_t k, const ftl_loss *loss,
                                const ftl_batch *batch, double *part, double *gradient, ftl_error *error) {
  const ftl_structure *structure = &graphs->dataset->structure[k];
  const bool derivatives = ftl_loss_needs_derivatives(loss, structure);
  const ftl_graph *graph;
  ftl_prediction prediction;
  FTL_TRY(FTL_GROW(worker->forces, worker->room, (size_t)structure->n, "forces", error));
  FTL_TRY(ftl_graphs_get(graphs, k, &worker->scratch, &worker->loose, &graph, error));
  FTL_TRY(ftl_graphs_predict(graphs, k, worker->sweep, graph, head, derivatives, &prediction, error));
  ftl_loss_gradient slope = {.forces = worker->forces};
  *part = ftl_loss_structure(loss, batch, structure, &prediction, &slope);
  ftl_status status =
      ftl_sweep_gradient(worker->sweep, slope.energy, slope.has_forces ? (const double(*)[3])slope.forces : NULL,
                         slope.has_virial ? (const double(*)[3])slope.virial : NULL, gradient, error);
  ftl_graphs_settle(graphs, k);
  return status;
}

typedef struct {
  int place, structure, atoms;
} item;

/* Largest first: neighbours in the order then take about the same time, so that threads, who add their gradients in
   this order, hardly wait for each other; and ranks get equal shares. */
static int by_size(const void *a, const void *b) {
  const item *x = a, *y = b;
  if (x->atoms != y->atoms) return x->atoms < y->atoms ? 1 : -1;
  return (x->place > y->place) - (x->place < y->place);
}

static item *make_order(const ftl_dataset *dataset, const int *chosen, int n, ftl_batch *batch) {
  item *order = malloc((size_t)n * sizeof *order);
  *batch = (ftl_batch){.structures = n};
  for (int k = 0; order && k < n; k++) {
    order[k] = (item){k, chosen[k], dataset->structure[chosen[k]].n};
    batch->atoms += order[k].atoms;
  }
  if (order) qsort(order, (size_t)n, sizeof *order, by_size);
  return order;
}

ftl_status ftl_step_gradient(ftl_team *team, ftl_graphs *graphs, const int *head, const int *chosen, int n,
                             const ftl_loss *loss, ftl_step *step, double *gradient, ftl_error *error) {
  ftl_batch batch;
  item *order = make_order(graphs->dataset, chosen, n, &batch);
  if (!order) return ftl_no_memory(error, NULL, "a batch of %d structures", n);
  ftl_status failed = FTL_OK;
  for (int k = 0; k < n; k++) step->part[k] = 0;
  clear(team->parameters, gradient);
  /* One thread adds up in the order of structures by itself, to the same bits: large models of small structures would
     spend a seventh of their time on going over all parameters twice more. */
  const bool alone = team->n == 1;
  ftl_crew_begin(team->crew, (int)ftl_ranks_share(n));
#pragma omp parallel num_threads(team->n)
  {
    ftl_worker *worker = &team->worker[omp_get_thread_num()];
#pragma omp for schedule(dynamic, 1) ordered nowait
    for (int k = ftl_ranks_mine(); k < n; k += ftl_ranks_n()) {
      ftl_error own = {0};
      if (!alone) clear(team->parameters, worker->gradient);
      const ftl_status status =
          ftl_network_stopped(team->network)
              ? FTL_ERR_ARGUMENT
              : one_structure(worker, graphs, head ? head[order[k].structure] : 0, order[k].structure, loss, &batch,
                              &step->part[order[k].place], alone ? gradient : worker->gradient, &own);
      ftl_crew_finished_one(team->crew);
#pragma omp ordered
      {
        if (!status) {
          if (!alone) add(team->parameters, worker->gradient, gradient);
        } else if (!failed) {
          failed = status;
          if (error) *error = own;
        }
      }
    }
    ftl_crew_help(team->crew);
  }
  free(order);
  failed = ftl_team_agree(team, failed, error);
  if (failed) return failed;
  sum_over_ranks(team->parameters, gradient);
  ftl_ranks_sum(step->part, n);
  step->loss = 0;
  for (int k = 0; k < n; k++) step->loss += step->part[k];
  return FTL_OK;
}
