#include "trust/equations.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/random.h"
#include "support/ranks.h"
#include "tune/team.h"

enum { MOST_ROWS = 8, ROWS_OF_A_WEIGHT = 10, ROWS_OF_A_SOLVED_WEIGHT = 50 };
enum {
  CHUNK = 64,
  NUMBERS = 1 << 23
}; /* the most structures, and numbers of their rows, that are made before they join the triangle */
enum { STRESS_ROWS = 6 };

/* Of one structure. */
typedef struct {
  bool energy;
  int rows;       /* of forces, and of stress behind them */
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
  ftl_batch batch; /* all data */
  int n_threads, force_rows, most_rows, chunk;
  int64_t every, n;       /* structures that are used: each how many-th, and how many */
  double *energy, *force; /* rows of a chunk: [chunk][n + 1], [chunk][most_rows][n + 1], right-hand side last */
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

void ftl_equations_plan(const ftl_equations_options *options, const ftl_dataset *data, int weights, int *rows,
                        int64_t *every) {
  const int all = 3 * ftl_dataset_largest(data), most = options->loss ? all : MOST_ROWS;
  const int64_t n = data->n > 0 ? data->n : 1,
                wanted = (int64_t)(options->loss ? ROWS_OF_A_SOLVED_WEIGHT : ROWS_OF_A_WEIGHT) * weights,
                each = (wanted + n - 1) / n;
  *rows = options->rows == FTL_ALL_ROWS ? all : options->rows > 0 ? options->rows : each > most ? most : (int)each;
  *every = options->rows || options->loss || n < 2 * wanted ? 1 : n / wanted;
}

/* How many rows a structure has, of how many structures. */
static void count_rows(assembly *a) {
  ftl_equations_plan(a->options, a->data, a->layer.n, &a->force_rows, &a->every);
  a->n = (a->data->n + a->every - 1) / a->every;
  a->most_rows = a->force_rows + (a->options->loss ? STRESS_ROWS : 0);
  const int fit = NUMBERS / ((a->layer.n + 1) * a->most_rows);
  a->chunk = fit > CHUNK ? CHUNK : fit > 1 ? fit : 1;
  a->batch = (ftl_batch){a->data->n, ftl_dataset_atoms(a->data)};
}

static ftl_status start(assembly *a, ftl_equations *to, ftl_error *error) {
  FTL_TRY(ftl_parameters_list(a->source, &a->parameters, error));
  FTL_TRY(ftl_last_weights_mark(a->source, &a->parameters, &a->layer, error));
  double *values = malloc(((size_t)a->parameters.count + 1) * sizeof *values);
  if (!values) return ftl_no_memory(error, a->source->path, "the parameters of a model");
  ftl_parameters_get(&a->parameters, a->source, values);
  for (int b = 0; b < a->layer.n_blocks; b++)
    for (int64_t k = a->layer.offset[b]; k < a->layer.offset[b] + a->layer.count[b]; k++)
      to->weight_square += values[k] * values[k] / a->layer.n;
  ftl_status status = FTL_OK;
  if (a->options->e0) status = ftl_last_weights_mark_e0(a->source, &a->parameters, &a->layer, error);
  if (!status) status = ftl_network_new(a->source, &a->parameters, FTL_DOUBLE, &a->network, error);
  if (!status) status = ftl_network_set(a->network, values, error);
  free(values);
  FTL_TRY(status);
  a->n_threads = a->options->threads > 0 ? a->options->threads : omp_get_max_threads();
  FTL_TRY(ftl_team_new(a->network, &a->parameters, a->n_threads, &a->team, error));
  count_rows(a);
  const size_t side = (size_t)a->layer.n + 1, rows = (size_t)a->most_rows, chunk = (size_t)a->chunk;
  a->energy = malloc(chunk * side * sizeof *a->energy);
  a->force = malloc(chunk * rows * side * sizeof *a->force);
  a->panel = malloc(chunk * (rows > 1 ? rows : 1) * side * sizeof *a->panel);
  if (!a->energy || !a->force || !a->panel) return ftl_no_memory(error, NULL, "the equations of a last layer");
  FTL_TRY(ftl_triangle_new(a->layer.n, &a->of_energies, error));
  return ftl_triangle_new(a->layer.n, &a->of_forces, error);
}

/* ---- a structure ---- */

/* The gradient of what the arguments weigh, by the last layer's weights. */
static ftl_status row_of(const assembly *a, ftl_worker *worker, double d_energy, const double (*d_forces)[3],
                         const double (*d_virial)[3], double *row, ftl_error *error) {
  for (int b = 0; b < a->layer.n_blocks; b++)
    memset(worker->gradient + a->layer.offset[b], 0, (size_t)a->layer.count[b] * sizeof(double));
  FTL_TRY(ftl_sweep_gradient(worker->sweep, d_energy, d_forces, d_virial, worker->gradient, error));
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

static void multiply_row(const assembly *a, double factor, double *row) {
  for (int k = 0; k <= a->layer.n; k++) row[k] *= factor;
}

static ftl_status fill_energy(assembly *a, const ftl_structure *s, ftl_worker *worker, const ftl_prediction *prediction,
                              double root, part *p, double *row, ftl_error *error) {
  row[a->layer.n] = s->labels.energy - prediction->energy;
  FTL_TRY(row_of(a, worker, 1, NULL, NULL, row, error));
  multiply_row(a, root, row);
  p->energy_square = row[a->layer.n] * row[a->layer.n];
  p->energy = true;
  return FTL_OK;
}

static ftl_status fill_forces(assembly *a, const ftl_structure *s, ftl_worker *worker, const ftl_prediction *prediction,
                              ftl_random *random, double root, part *p, double *row, ftl_error *error) {
  const size_t side = (size_t)a->layer.n + 1;
  const int rows = 3 * s->n < a->force_rows ? 3 * s->n : a->force_rows;
  for (; p->rows < rows; p->rows++, row += side) {
    double miss = 0;
    choose_weights(random, s->n, p->rows, a->force_rows, worker->forces);
    for (int c = 0; c < 3 * s->n; c++) {
      const double off = s->labels.forces[c / 3][c % 3] - prediction->forces[c / 3][c % 3];
      miss += worker->forces[c / 3][c % 3] * off;
      if (p->rows == 0) p->squares += off * off;
    }
    FTL_TRY(row_of(a, worker, 0, (const double(*)[3])worker->forces, NULL, row, error));
    row[a->layer.n] = miss;
    multiply_row(a, root, row);
  }
  p->components = 3 * s->n;
  return FTL_OK;
}

/* Six for the nine components: those beside the diagonal count twice, and the label's are their mean. */
static ftl_status fill_stress(assembly *a, const ftl_structure *s, ftl_worker *worker, const ftl_prediction *prediction,
                              double root, part *p, double *row, ftl_error *error) {
  const size_t side = (size_t)a->layer.n + 1;
  for (int i = 0; i < 3; i++)
    for (int k = i; k < 3; k++, row += side, p->rows++) {
      double d_virial[3][3] = {{0}};
      d_virial[i][k] -= 0.5 / s->volume;
      d_virial[k][i] -= 0.5 / s->volume;
      const double label = (s->labels.stress[i][k] + s->labels.stress[k][i]) / 2,
                   have = -(prediction->virial[i][k] + prediction->virial[k][i]) / (2 * s->volume);
      FTL_TRY(row_of(a, worker, 0, NULL, (const double(*)[3])d_virial, row, error));
      row[a->layer.n] = label - have;
      multiply_row(a, i == k ? root : M_SQRT2 * root, row);
    }
  return FTL_OK;
}

static ftl_status fill(assembly *a, int64_t index, ftl_worker *worker, ftl_kept *kept, const ftl_graph *graph, int at,
                       ftl_error *error) {
  const ftl_structure *s = &a->data->structure[index];
  const size_t side = (size_t)a->layer.n + 1;
  double *row = a->force + (size_t)(at * a->most_rows) * side;
  part *p = &a->part[at];
  ftl_loss_factors factor = {1. / s->n, 1, 0}; /* of squares: of an energy per root of an atom, of a force */
  if (a->options->loss) {
    factor = ftl_loss_of_squares(a->options->loss, &a->batch, s);
    factor.energy /= (double)s->n * s->n;
  }
  const bool energy = s->labels.has_energy && factor.energy > 0, forces = s->labels.has_forces && factor.force > 0,
             stress = s->labels.has_stress && factor.stress > 0;
  ftl_prediction prediction;
  ftl_random random;
  ftl_random_seed(&random, a->options->seed + (uint64_t)index);
  FTL_TRY(ftl_sweep_predict(worker->sweep, graph, kept, 0, forces || stress, &prediction, error));
  if (energy)
    FTL_TRY(fill_energy(a, s, worker, &prediction, sqrt(factor.energy), p, a->energy + (size_t)at * side, error));
  if (forces) FTL_TRY(fill_forces(a, s, worker, &prediction, &random, sqrt(factor.force), p, row, error));
  if (!stress) return FTL_OK;
  return fill_stress(a, s, worker, &prediction, sqrt(factor.stress), p, row + (size_t)p->rows * side, error);
}

static ftl_status one_structure(assembly *a, int64_t index, int at, ftl_error *error) {
  const ftl_structure *s = &a->data->structure[index];
  const ftl_architecture *arch = &a->source->arch;
  ftl_worker *worker = &a->team.worker[omp_get_thread_num()];
  ftl_structure_graph graph = {0};
  a->part[at] = (part){0};
  if (a->options->share && index % ftl_ranks_n() != ftl_ranks_mine()) return FTL_OK;
  FTL_TRY(FTL_GROW(worker->forces, worker->room, (size_t)s->n, "forces", error));
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
    if (a->part[s].energy) into_panel(a, a->energy + (size_t)s * side, energies++, a->chunk);
    to->energy_noise += a->part[s].energy_square;
    to->force_noise += a->part[s].squares;
    to->forces += a->part[s].components;
  }
  to->energies += energies;
  FTL_TRY(ftl_triangle_add(&a->of_energies, a->panel, energies, a->chunk, error));
  for (int s = 0; s < n; s++)
    for (int r = 0; r < a->part[s].rows; r++)
      into_panel(a, a->force + (size_t)(s * a->most_rows + r) * side, forces++, a->chunk * a->most_rows);
  return ftl_triangle_add(&a->of_forces, a->panel, forces, a->chunk * a->most_rows, error);
}

static bool is_stopped(const assembly *a) { return a->options->stop && *a->options->stop; }

static ftl_status assemble(assembly *a, ftl_equations *to, ftl_error *error) {
  int64_t done = 0;
  for (int64_t first = 0; first < a->n; first += a->chunk) {
    const int n = a->n - first < a->chunk ? (int)(a->n - first) : a->chunk;
    ftl_status worst = FTL_OK;
    int worst_at = n;
#pragma omp parallel for num_threads(a->n_threads) schedule(dynamic, 1)
    for (int k = 0; k < n; k++) {
      if (is_stopped(a)) continue;
      ftl_error own = {0};
      ftl_status status = one_structure(a, (first + k) * a->every, k, &own);
#pragma omp critical(ftl_equations_progress) /* a structure of hundreds of atoms takes seconds */
      {
        done++;
        if (a->options->progress)
          a->options->progress(a->options->context, (double)(done * a->every), (double)a->data->n);
      }
      if (!status) continue;
#pragma omp critical(ftl_equations_error)
      if (k < worst_at) { /* the first one in the data, whatever the threads do */
        worst = status;
        worst_at = k;
        if (error) *error = own;
      }
    }
    if (is_stopped(a)) return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "interrupted");
    FTL_TRY(worst);
    FTL_TRY(join_chunk(a, n, to, error));
  }
  return FTL_OK;
}

static void multiply(ftl_triangle *t, double factor) {
  const size_t n = ((size_t)t->n + 1) * ((size_t)t->n + 1);
  for (size_t k = 0; k < n; k++) t->r[k] *= factor;
}

/* Sums and equations of all ranks, unless one of them failed or was interrupted. */
static ftl_status join_ranks(assembly *a, ftl_equations *to, ftl_status status, ftl_error *error) {
  if (!a->options->share || ftl_ranks_n() == 1) return status;
  if (ftl_ranks_max(status) && !status) return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "interrupted");
  FTL_TRY(status);
  double sums[] = {to->energy_noise, to->force_noise, (double)to->energies, (double)to->forces};
  ftl_ranks_sum(sums, 4);
  to->energy_noise = sums[0];
  to->force_noise = sums[1];
  to->energies = (int64_t)sums[2];
  to->forces = (int64_t)sums[3];
  FTL_TRY(ftl_triangle_join_ranks(&a->of_energies, error));
  return ftl_triangle_join_ranks(&a->of_forces, error);
}

/* Both kinds of equations in units of what the model misses of them, unless a loss weighs them. */
static ftl_status weigh(assembly *a, ftl_equations *to, ftl_error *error) {
  if (a->of_energies.rows + a->of_forces.rows == 0)
    return ftl_fail(error, FTL_ERR_INPUT, a->data->n_files ? a->data->file[0].path : NULL,
                    "no structure has an energy or forces to learn an error from");
  to->energy_noise = to->energies ? sqrt(to->energy_noise / (double)to->energies) : NAN;
  to->force_noise = to->forces ? sqrt(to->force_noise / (double)to->forces) : NAN;
  if (to->energies && !a->options->loss) multiply(&a->of_energies, 1 / fmax(to->energy_noise, 1e-6));
  if (to->forces && !a->options->loss) multiply(&a->of_forces, 1 / fmax(to->force_noise, 1e-6));
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
  status = join_ranks(a, to, status, error);
  if (!status) status = weigh(a, to, error);
  free_assembly(a);
  free(a);
  return status;
}

void ftl_equations_free(ftl_equations *equations) { ftl_triangle_free(&equations->triangle); }
