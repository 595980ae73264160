#include "trust/equations.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "tune/team.h"

enum { MOST_ROWS = 8, ROWS_OF_A_WEIGHT = 10 };
enum { CHUNK = 64 }; /* structures whose rows are made before they join the triangle */

/* Of one structure. */
typedef struct {
  bool energy;
  int rows;       /* of forces */
  double squares; /* of what the model misses: energy, per atom; forces */
  double energy_square;
  int64_t components;
} part;

typedef struct {
  const ftl_source *source;
  const ftl_dataset *data;
  const ftl_equations_options *options;
  ftl_parameters parameters;
  ftl_last_weights layer;
  ftl_network *network;
  ftl_team team;
  int n_threads, most_rows;
  int64_t every, n;       /* structures that are used: each how many-th, and how many */
  double *energy, *force; /* rows of a chunk: [CHUNK][n + 1], [CHUNK][most_rows][n + 1], right-hand side last */
  double *panel;          /* [n + 1][rows of a chunk] */
  part part[CHUNK];
  ftl_triangle of_energies, of_forces;
} assembly;

static void free_assembly(assembly *a) {
  ftl_team_free(&a->team);
  ftl_network_free(a->network);
  ftl_parameters_free(&a->parameters);
  ftl_triangle_free(&a->of_energies);
  ftl_triangle_free(&a->of_forces);
  free(a->energy);
  free(a->force);
  free(a->panel);
}

void ftl_equations_plan(const ftl_equations_options *options, int64_t structures, int weights, int *rows,
                        int64_t *every) {
  const int64_t n = structures > 0 ? structures : 1, wanted = (int64_t)ROWS_OF_A_WEIGHT * weights;
  const int64_t each = (wanted + n - 1) / n;
  *rows = options->rows > 0 ? options->rows : each > MOST_ROWS ? MOST_ROWS : (int)each;
  *every = options->rows > 0 || n < 2 * wanted ? 1 : n / wanted;
}

static ftl_status start(assembly *a, ftl_equations *to, ftl_error *error) {
  FTL_TRY(ftl_parameters_list(a->source, &a->parameters, error));
  FTL_TRY(ftl_last_weights_mark(a->source, &a->parameters, &a->layer, error));
  double *values = malloc(((size_t)a->parameters.count + 1) * sizeof *values);
  if (!values) return ftl_no_memory(error, a->source->path, "the parameters of a model");
  ftl_parameters_get(&a->parameters, a->source, values);
  ftl_status status = ftl_network_new(a->source, &a->parameters, FTL_DOUBLE, &a->network, error);
  if (!status) status = ftl_network_set(a->network, values, error);
  for (int b = 0; b < a->layer.n_blocks; b++)
    for (int64_t k = a->layer.offset[b]; k < a->layer.offset[b] + a->layer.count[b]; k++)
      to->weight_square += values[k] * values[k] / a->layer.n;
  free(values);
  FTL_TRY(status);
  a->n_threads = a->options->threads > 0 ? a->options->threads : omp_get_max_threads();
  FTL_TRY(ftl_team_new(a->network, &a->parameters, a->n_threads, &a->team, error));
  ftl_equations_plan(a->options, a->data->n, a->layer.n, &a->most_rows, &a->every);
  a->n = (a->data->n + a->every - 1) / a->every;
  const size_t side = (size_t)a->layer.n + 1, rows = (size_t)a->most_rows;
  a->energy = malloc(CHUNK * side * sizeof *a->energy);
  a->force = malloc(CHUNK * rows * side * sizeof *a->force);
  a->panel = malloc(CHUNK * (rows > 1 ? rows : 1) * side * sizeof *a->panel);
  if (!a->energy || !a->force || !a->panel) return ftl_no_memory(error, NULL, "the equations of a last layer");
  FTL_TRY(ftl_triangle_new(a->layer.n, &a->of_energies, error));
  return ftl_triangle_new(a->layer.n, &a->of_forces, error);
}

/* ---- a structure ---- */

/* The gradient of what the arguments weigh, by the last layer's weights. */
static ftl_status row_of(const assembly *a, ftl_worker *worker, double d_energy, const double (*d_forces)[3],
                         double *row, ftl_error *error) {
  for (int b = 0; b < a->layer.n_blocks; b++)
    memset(worker->gradient + a->layer.offset[b], 0, (size_t)a->layer.count[b] * sizeof(double));
  FTL_TRY(ftl_sweep_gradient(worker->sweep, d_energy, d_forces, NULL, worker->gradient, error));
  ftl_last_weights_take(&a->layer, worker->gradient, row);
  return FTL_OK;
}

/* Weights of a row's force components: one alone, or signs of all, whose squares sum to those of all components in the
   mean (eq. U4). */
static void choose_weights(ftl_random *random, int n, int row, int rows, double (*weight)[3]) {
  const bool all = 3 * n <= rows;
  for (int c = 0; c < 3 * n; c++) {
    const double sign = ftl_random_next(random) >> 63 ? 1 : -1;
    weight[c / 3][c % 3] = all ? c == row : sign / sqrt((double)rows);
  }
}

static ftl_status fill(assembly *a, int64_t index, ftl_worker *worker, ftl_kept *kept, const ftl_graph *graph, int at,
                       ftl_error *error) {
  const ftl_structure *s = &a->data->structure[index];
  const size_t side = (size_t)a->layer.n + 1;
  part *p = &a->part[at];
  ftl_prediction prediction;
  ftl_random random;
  ftl_random_seed(&random, a->options->seed + (uint64_t)index);
  *p = (part){.energy = s->labels.has_energy};
  if (s->labels.has_forces) p->rows = 3 * s->n < a->most_rows ? 3 * s->n : a->most_rows;
  FTL_TRY(ftl_sweep_predict(worker->sweep, graph, kept, 0, p->rows > 0, &prediction, error));
  if (p->energy) {
    double *row = a->energy + (size_t)at * side, root = sqrt((double)s->n);
    row[a->layer.n] = s->labels.energy - prediction.energy;
    FTL_TRY(row_of(a, worker, 1, NULL, row, error));
    for (size_t k = 0; k < side; k++) row[k] /= root;
    p->energy_square = row[a->layer.n] * row[a->layer.n];
  }
  for (int r = 0; r < p->rows; r++) {
    double *row = a->force + (size_t)(at * a->most_rows + r) * side, miss = 0;
    choose_weights(&random, s->n, r, a->most_rows, worker->forces);
    for (int c = 0; c < 3 * s->n; c++) {
      const double off = s->labels.forces[c / 3][c % 3] - prediction.forces[c / 3][c % 3];
      miss += worker->forces[c / 3][c % 3] * off;
      if (r == 0) p->squares += off * off;
    }
    FTL_TRY(row_of(a, worker, 0, (const double(*)[3])worker->forces, row, error));
    row[a->layer.n] = miss;
  }
  p->components = p->rows > 0 ? 3 * s->n : 0;
  return FTL_OK;
}

static ftl_status one_structure(assembly *a, int64_t index, int at, ftl_error *error) {
  const ftl_structure *s = &a->data->structure[index];
  const ftl_architecture *arch = &a->source->arch;
  ftl_worker *worker = &a->team.worker[omp_get_thread_num()];
  ftl_structure_graph graph = {0};
  if ((size_t)s->n > worker->room) {
    free(worker->forces);
    worker->forces = malloc((size_t)s->n * sizeof *worker->forces);
    worker->room = worker->forces ? (size_t)s->n : 0;
    if (!worker->forces) return ftl_no_memory(error, s->path, "the forces of %d atoms", s->n);
  }
  FTL_TRY(ftl_structure_graph_build(s, arch->atomic_numbers, arch->n_elements, arch->r_max, &worker->scratch, &graph,
                                    error));
  ftl_kept *kept = ftl_kept_new(); /* NULL is good too */
  ftl_status status = fill(a, index, worker, kept, &graph.graph, at, error);
  if (status && error && !*error->where) ftl_structure_where(s, -1, error->where);
  ftl_kept_free(kept);
  ftl_structure_graph_free(&graph);
  return status;
}

/* ---- all ---- */

/* Rows [rows][n + 1] join a triangle. */
static void into_panel(const assembly *a, const double *row, int at, int ld) {
  for (int k = 0; k <= a->layer.n; k++) a->panel[(size_t)k * (size_t)ld + (size_t)at] = row[k];
}

static ftl_status join_chunk(assembly *a, int n, ftl_equations *to, ftl_error *error) {
  const size_t side = (size_t)a->layer.n + 1;
  int energies = 0, forces = 0;
  for (int s = 0; s < n; s++) {
    if (a->part[s].energy) into_panel(a, a->energy + (size_t)s * side, energies++, CHUNK);
    to->energy_noise += a->part[s].energy_square;
    to->force_noise += a->part[s].squares;
    to->forces += a->part[s].components;
  }
  to->energies += energies;
  FTL_TRY(ftl_triangle_add(&a->of_energies, a->panel, energies, CHUNK, error));
  for (int s = 0; s < n; s++)
    for (int r = 0; r < a->part[s].rows; r++)
      into_panel(a, a->force + (size_t)(s * a->most_rows + r) * side, forces++, CHUNK * a->most_rows);
  return ftl_triangle_add(&a->of_forces, a->panel, forces, CHUNK * a->most_rows, error);
}

static ftl_status assemble(assembly *a, ftl_equations *to, ftl_error *error) {
  for (int64_t first = 0; first < a->n; first += CHUNK) {
    const int n = a->n - first < CHUNK ? (int)(a->n - first) : CHUNK;
    ftl_status worst = FTL_OK;
    int worst_at = n;
    if (a->options->stop && *a->options->stop) return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "interrupted");
#pragma omp parallel for num_threads(a->n_threads) schedule(dynamic, 1)
    for (int k = 0; k < n; k++) {
      ftl_error own = {0};
      ftl_status status = one_structure(a, (first + k) * a->every, k, &own);
      if (!status) continue;
#pragma omp critical(ftl_equations_error)
      if (k < worst_at) { /* the first one in the data, whatever the threads do */
        worst = status;
        worst_at = k;
        if (error) *error = own;
      }
    }
    FTL_TRY(worst);
    FTL_TRY(join_chunk(a, n, to, error));
    if (a->options->progress)
      a->options->progress(a->options->context, (double)((first + n) * a->every), (double)a->data->n);
  }
  return FTL_OK;
}

static void multiply(ftl_triangle *t, double factor) {
  const size_t n = ((size_t)t->n + 1) * ((size_t)t->n + 1);
  for (size_t k = 0; k < n; k++) t->r[k] *= factor;
}

/* Both kinds of equations in units of what the model misses of them. */
static ftl_status weigh(assembly *a, ftl_equations *to, ftl_error *error) {
  if (to->energies + to->forces == 0)
    return ftl_fail(error, FTL_ERR_INPUT, a->data->n_files ? a->data->file[0].path : NULL,
                    "no structure has an energy or forces to learn an error from");
  to->energy_noise = to->energies ? sqrt(to->energy_noise / (double)to->energies) : NAN;
  to->force_noise = to->forces ? sqrt(to->force_noise / (double)to->forces) : NAN;
  if (to->energies) multiply(&a->of_energies, 1 / fmax(to->energy_noise, 1e-6));
  if (to->forces) multiply(&a->of_forces, 1 / fmax(to->force_noise, 1e-6));
  FTL_TRY(ftl_triangle_join(&a->of_energies, &a->of_forces, error));
  to->triangle = a->of_energies;
  a->of_energies = (ftl_triangle){0};
  return FTL_OK;
}

ftl_status ftl_equations_make(const ftl_source *source, const ftl_dataset *data, const ftl_equations_options *options,
                              ftl_equations *to, ftl_error *error) {
  assembly *a = calloc(1, sizeof *a);
  *to = (ftl_equations){0};
  if (!a) return ftl_no_memory(error, NULL, "the equations of a last layer");
  *a = (assembly){.source = source, .data = data, .options = options};
  ftl_status status = start(a, to, error);
  if (!status) status = assemble(a, to, error);
  if (!status) status = weigh(a, to, error);
  free_assembly(a);
  free(a);
  return status;
}

void ftl_equations_free(ftl_equations *equations) { ftl_triangle_free(&equations->triangle); }
