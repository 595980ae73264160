#include "surrogate/fit.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/error.h"
#include "support/work_memory.h"
#include "support/ranks.h"
#include "surrogate/design.h"

enum { PANEL_ROWS = 4096 };

int64_t ftl_fit_equations(const ftl_dataset *data) {
  int64_t n = 0;
  for (int64_t k = 0; k < data->n; k++)
    n += ftl_design_count(&data->structure[k], ftl_design_labelled(&data->structure[k]));
  return n;
}

size_t ftl_fit_bytes(int n, const ftl_fit_options *o) {
  size_t side = (size_t)n + 1, square = side * side * sizeof(double);
  size_t folds = o->solve.kind == FTL_SOLVE_CV ? (size_t)o->folds : 0;
  size_t solving = 6 + (folds ? folds + 1 : 0); /* decomposition; CV keeps one per fold */
  size_t joining = ftl_ranks_n() > 1 ? (size_t)ftl_ranks_n() : 0;
  return (1 + folds + (solving > joining ? solving : joining)) * square + PANEL_ROWS * side * sizeof(double);
}

/* ---- equations ---- */

typedef struct {
  const ftl_surrogate *surrogate;
  const ftl_dataset *data;
  const ftl_fit_options *options;
  ftl_descriptors *plan;
  int n_e0; /* columns before those of functions: atoms of each element; 0 where E0 stay */
  int n, n_threads, ld;
  ftl_designer *designer; /* [n_threads] */
  double *panel;          /* [n_e0 + n + 1][ld] */
  int64_t done, total;    /* structures of this rank */
} assembly;

static void free_assembly(assembly *a) {
  for (int k = 0; a->designer && k < a->n_threads; k++) ftl_designer_free(&a->designer[k]);
  free(a->designer);
  free(a->panel);
  ftl_descriptors_free(a->plan);
}

static ftl_status start_assembly(assembly *a, const ftl_surrogate *surrogate, const ftl_dataset *data, int n_e0,
                                 int threads, ftl_error *error) {
  *a = (assembly){.surrogate = surrogate,
                  .data = data,
                  .n_e0 = n_e0,
                  .n = ftl_design_unknowns(surrogate),
                  .n_threads = threads > 0 ? threads : omp_get_max_threads(),
                  .ld = PANEL_ROWS};
  for (int64_t s = 0; s < data->n; s++) {
    int rows = ftl_design_count(&data->structure[s], ftl_design_labelled(&data->structure[s]));
    if (rows > a->ld) a->ld = rows;
  }
  FTL_TRY(ftl_descriptors_new(surrogate, &a->plan, error));
  a->designer = calloc((size_t)a->n_threads, sizeof *a->designer);
  a->panel = malloc(((size_t)(a->n_e0 + a->n) + 1) * (size_t)a->ld * sizeof *a->panel);
  if (!a->designer || !a->panel || !ftl_memory_is_left())
    return ftl_no_memory(error, NULL, "the equations of a fit of %d functions", a->n);
  for (int k = 0; k < a->n_threads; k++) FTL_TRY(ftl_designer_new(surrogate, a->plan, &a->designer[k], error));
  return FTL_OK;
}

/* Multiplies a structure's rows, the label's included, by the roots of their weights. */
static void weigh(const assembly *a, const ftl_structure *s, int row) {
  const ftl_fit_options *o = a->options;
  ftl_design_rows rows = ftl_design_labelled(s);
  double root_n = sqrt((double)s->n);
  const struct {
    int count;
    double factor;
  } part[4] = {{rows.energy ? 1 : 0, o->energy / root_n * sqrt(s->weight * s->energy_weight)},
               {rows.forces ? 3 * s->n : 0, o->forces * sqrt(s->weight * s->forces_weight)},
               {rows.stress ? 6 : 0, o->stress / root_n * sqrt(s->weight * s->stress_weight)},
               {rows.atoms ? s->n : 0, o->atoms * sqrt(s->weight)}};
  for (int p = 0; p < 4; row += part[p++].count)
    for (int k = 0; k <= a->n_e0 + a->n; k++) {
      double *to = a->panel + (size_t)k * (size_t)a->ld + (size_t)row;
      for (int i = 0; i < part[p].count; i++) to[i] *= part[p].factor;
    }
}

/* Columns of E0: energies have one of each atom, derivatives none. */
static void fill_e0(assembly *a, const ftl_structure *s, ftl_design_rows rows, int row) {
  const int count = ftl_design_count(s, rows), atoms = count - s->n;
  for (int mu = 0; mu < a->n_e0; mu++) {
    double *to = a->panel + (size_t)mu * (size_t)a->ld + (size_t)row;
    memset(to, 0, (size_t)count * sizeof *to);
    for (int i = 0; i < s->n; i++) {
      const bool its = s->atomic_number[i] == a->surrogate->file.atomic_number[mu];
      if (rows.energy) to[0] += its;
      if (rows.atoms) to[atoms + i] = its;
    }
  }
}

static ftl_status fill_structure(assembly *a, int64_t index, int row, ftl_error *error) {
  const ftl_structure *s = &a->data->structure[index];
  ftl_design_rows rows = ftl_design_labelled(s);
  ftl_designer *designer = &a->designer[omp_get_thread_num()];
  ftl_design_labels(a->surrogate, s, rows, a->panel + (size_t)(a->n_e0 + a->n) * (size_t)a->ld + (size_t)row);
  FTL_TRY(ftl_design_fill(designer, s, rows, a->panel + (size_t)a->n_e0 * (size_t)a->ld, a->ld, row, error));
  fill_e0(a, s, rows, row);
  if (a->options) weigh(a, s, row);
  return FTL_OK;
}

/* Fills the panel with structures list[0 ..]; returns how many fitted in, *rows and first_row[] of each. */
static int64_t fill_panel(assembly *a, const int64_t *list, int64_t n_list, int64_t *first_row, int *rows,
                          ftl_status *status, ftl_error *error) {
  int64_t n = 0;
  *rows = 0;
  for (; n < n_list; n++) {
    const ftl_structure *s = &a->data->structure[list[n]];
    int count = ftl_design_count(s, ftl_design_labelled(s));
    if (*rows + count > a->ld) break;
    first_row[n] = *rows;
    *rows += count;
  }
  ftl_status worst = FTL_OK;
  int64_t worst_at = n;
#pragma omp parallel for num_threads(a->n_threads) schedule(dynamic, 1)
  for (int64_t k = 0; k < n; k++) {
    ftl_error own = {0};
    ftl_status result = fill_structure(a, list[k], (int)first_row[k], &own);
    if (!result) continue;
#pragma omp critical(ftl_fit_error)
    if (k < worst_at) { /* the first one in the data, whatever the threads do */
      worst = result;
      worst_at = k;
      if (error) *error = own;
    }
  }
  *status = worst;
  return n;
}

/* Equations of the listed structures into the triangle. */
static ftl_status assemble(assembly *a, const int64_t *list, int64_t n_list, ftl_triangle *triangle, ftl_error *error) {
  int64_t *first_row = malloc(((size_t)n_list + 1) * sizeof *first_row);
  if (!first_row) return ftl_no_memory(error, NULL, "a fit");
  ftl_status status = FTL_OK;
  for (int64_t at = 0; at < n_list && !status;) {
    int rows;
    if (a->options->stop && *a->options->stop) {
      status = ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "interrupted");
      break;
    }
    int64_t n = fill_panel(a, list + at, n_list - at, first_row, &rows, &status, error);
    if (!status) status = ftl_triangle_add(triangle, a->panel, rows, a->ld, error);
    at += n;
    a->done += n;
    if (a->options->progress) a->options->progress(a->options->context, (double)a->done, (double)a->total);
  }
  free(first_row);
  return status;
}

/* ---- folds ---- */

/* order: structures of fold 0, then of fold 1, ...; those of other ranks are left out. */
static void deal(const ftl_dataset *data, int folds, uint64_t seed, int *shuffled, int64_t *order, int64_t *first) {
  ftl_random random;
  ftl_random_seed(&random, seed);
  int64_t n = data->n, at = 0;
  for (int64_t k = 0; k < n; k++) shuffled[k] = (int)k;
  if (folds > 1) ftl_random_shuffle(&random, (int)n, shuffled);
  for (int f = 0; f < folds; f++) {
    first[f] = at;
    for (int64_t k = f; k < n; k += folds)
      if (shuffled[k] % ftl_ranks_n() == ftl_ranks_mine()) order[at++] = shuffled[k];
  }
  first[folds] = at;
}

/* ---- the fit ---- */

ftl_status ftl_fit_check_memory(int n, const ftl_fit_options *options, ftl_error *error) {
  size_t needed = ftl_fit_bytes(n, options), there = ftl_free_bytes();
  if (needed <= there) return FTL_OK;
  return ftl_fail(error, FTL_ERR_MEMORY, NULL,
                  "a fit of %d functions needs %.1f GB and %.1f GB are free; make the basis smaller%s", n,
                  (double)needed / 1e9, (double)there / 1e9,
                  options->solve.kind == FTL_SOLVE_CV ? ", or choose the strength by evidence instead of cv" : "");
}

static ftl_status all_triangles(assembly *a, ftl_triangle *all, ftl_triangle *fold, int folds, ftl_error *error) {
  size_t n = (size_t)a->data->n;
  int64_t *order = malloc((n + 1) * sizeof *order), *first = malloc(((size_t)folds + 1) * sizeof *first);
  int *shuffled = malloc((n + 1) * sizeof *shuffled);
  ftl_status status = order && first && shuffled ? FTL_OK : ftl_no_memory(error, NULL, "a fit");
  if (!status) deal(a->data, folds, a->options->solve.seed, shuffled, order, first);
  free(shuffled);
  a->total = status ? 0 : first[folds];
  for (int f = 0; f < folds && !status; f++) {
    ftl_triangle *to = fold ? &fold[f] : all;
    if (fold) status = ftl_triangle_new(a->n_e0 + a->n, to, error);
    if (!status) status = assemble(a, order + first[f], first[f + 1] - first[f], to, error);
    if (!status) status = ftl_triangle_join_ranks(to, error);
    if (!status && fold) status = ftl_triangle_join(all, to, error);
  }
  free(order);
  free(first);
  return status;
}

typedef struct {
  double *roughness, *scale;
} prior;

static ftl_status make_prior(const ftl_surrogate *s, const ftl_fit_options *o, prior *p, ftl_error *error) {
  const size_t n = (size_t)s->first[s->file.n_elements];
  p->roughness = malloc((n + 1) * sizeof *p->roughness);
  p->scale = malloc((n + 1) * sizeof *p->scale);
  if (!p->roughness || !p->scale) return ftl_no_memory(error, NULL, "a fit");
  for (int mu = 0; mu < s->file.n_elements; mu++)
    for (int k = 0; k < s->file.n_functions[mu]; k++) {
      const ftl_ace_function *f = &s->file.function[mu][k];
      p->roughness[s->first[mu] + k] = ftl_basis_roughness(f, o->smooth_power, o->smooth_n, o->smooth_l);
      p->scale[s->first[mu] + k] = ftl_basis_scale(f);
    }
  return FTL_OK;
}

/* A given strength and those of relevance determination are in units of scaled columns. */
static ftl_status solve(const ftl_triangle *all, const ftl_triangle *fold, int n_folds, const prior *p,
                        const ftl_fit_options *o, ftl_solution *solution, ftl_error *error) {
  const bool found = o->solve.kind == FTL_SOLVE_EVIDENCE || o->solve.kind == FTL_SOLVE_CV;
  ftl_solve_options options = o->solve;
  options.scale = found && o->scale == FTL_SCALE_FIXED ? p->scale : NULL;
  return ftl_solve(all, fold, n_folds, p->roughness, &options, solution, error);
}

/* The surrogate takes the solution's numbers. */
static ftl_status keep(ftl_surrogate *s, const ftl_solution *solution, int n_draws, ftl_error *error) {
  size_t n = (size_t)s->first[s->file.n_elements];
  free(s->coefficient);
  free(s->committee);
  s->n_committee = n_draws;
  s->coefficient = malloc((n + 1) * sizeof(double));
  s->committee = malloc((n * (size_t)n_draws + 1) * sizeof(double));
  if (!s->coefficient || !s->committee) return ftl_no_memory(error, NULL, "a fit");
  memcpy(s->coefficient, solution->coefficient, n * sizeof(double));
  memcpy(s->committee, solution->draw, n * (size_t)n_draws * sizeof(double));
  return FTL_OK;
}

/* The E0 that go with the coefficients. */
static void move_e0(const assembly *a, const ftl_triangle *whole, ftl_surrogate *surrogate) {
  double change[FTL_MAX_ELEMENTS];
  ftl_triangle_first(whole, a->n_e0, surrogate->coefficient, change);
  for (int mu = 0; mu < a->n_e0; mu++) surrogate->file.e0[mu] += change[mu];
}

/* Their triangles become those of the functions alone; the one of all as it was is *whole. */
static ftl_status split_e0(const assembly *a, ftl_triangle *all, ftl_triangle *fold, int folds, ftl_triangle *whole,
                           ftl_error *error) {
  if (a->n_e0 == 0) return FTL_OK;
  *whole = *all;
  *all = (ftl_triangle){0};
  ftl_status status = ftl_triangle_rest(whole, a->n_e0, all, error);
  for (int f = 0; fold && f < folds && !status; f++) {
    ftl_triangle rest = {0};
    status = ftl_triangle_rest(&fold[f], a->n_e0, &rest, error);
    ftl_triangle_free(&fold[f]);
    fold[f] = rest;
  }
  return status;
}

ftl_status ftl_fit_surrogate(ftl_surrogate *surrogate, const ftl_dataset *data, const ftl_fit_options *options,
                             ftl_solution *solution, ftl_error *error) {
  assembly a = {0};
  ftl_triangle all = {0}, whole = {0}, *fold = NULL;
  prior p = {0};
  int folds = options->solve.kind == FTL_SOLVE_CV ? options->folds : 1;
  *solution = (ftl_solution){0};
  ftl_status status = ftl_fit_check_memory(surrogate->first[surrogate->file.n_elements], options, error);
  if (!status)
    status =
        start_assembly(&a, surrogate, data, options->free_e0 ? surrogate->file.n_elements : 0, options->threads, error);
  a.options = options;
  if (!status && folds > 1 && !(fold = calloc((size_t)folds, sizeof *fold)))
    status = ftl_no_memory(error, NULL, "a fit");
  if (!status) status = ftl_triangle_new(a.n_e0 + a.n, &all, error);
  if (!status) status = all_triangles(&a, &all, fold, folds, error);
  if (!status) status = split_e0(&a, &all, fold, folds, &whole, error);
  if (!status) status = make_prior(surrogate, options, &p, error);
  if (!status) status = solve(&all, fold, fold ? folds : 0, &p, options, solution, error);
  if (!status) status = keep(surrogate, solution, options->solve.n_draws, error);
  if (!status) move_e0(&a, &whole, surrogate);
  for (int f = 0; fold && f < folds; f++) ftl_triangle_free(&fold[f]);
  free(fold);
  free(p.roughness);
  free(p.scale);
  ftl_triangle_free(&all);
  ftl_triangle_free(&whole);
  free_assembly(&a);
  return status;
}

ftl_status ftl_fit_triangle(const ftl_surrogate *surrogate, const ftl_dataset *data, const ftl_fit_options *options,
                            ftl_triangle *triangle, ftl_error *error) {
  assembly a = {0};
  *triangle = (ftl_triangle){0};
  ftl_status status = ftl_fit_check_memory(ftl_design_unknowns(surrogate), options, error);
  if (!status) status = start_assembly(&a, surrogate, data, 0, options->threads, error);
  a.options = options;
  if (!status) status = ftl_triangle_new(a.n, triangle, error);
  if (!status) status = all_triangles(&a, triangle, NULL, 1, error);
  free_assembly(&a);
  return status;
}

/* ---- errors ---- */

/* Of a structure whose rows begin at `row`: squared errors by kind, and the committee's variances. */
static void add_errors(const assembly *a, const ftl_structure *s, int row, const double *x, double *rows_of_draws,
                       double square[3], int64_t n[3], double variance[2]) {
  ftl_design_rows rows = ftl_design_labelled(s);
  const int count[3] = {rows.energy ? 1 : 0, rows.forces ? 3 * s->n : 0, rows.stress ? 6 : 0};
  const double per_atom[3] = {1.0 / s->n, 1, 1.0 / s->n};
  int total = count[0] + count[1] + count[2], n_draws = a->surrogate->n_committee;
  for (int d = 0; d <= n_draws; d++) {
    const double *c = d == 0 ? x : a->surrogate->committee + (size_t)(d - 1) * (size_t)a->n;
    double *to = rows_of_draws + (size_t)d * (size_t)total;
    memset(to, 0, (size_t)total * sizeof *to);
    for (int k = 0; k < a->n; k++) {
      const double *from = a->panel + (size_t)k * (size_t)a->ld + (size_t)row;
      for (int i = 0; i < total && c[k] != 0; i++) to[i] += c[k] * from[i];
    }
  }
  const double *label = a->panel + (size_t)a->n * (size_t)a->ld + (size_t)row;
  for (int kind = 0, i = 0; kind < 3; kind++)
    for (int k = 0; k < count[kind]; k++, i++) {
      double mean = rows_of_draws[i], off = (mean - label[i]) * per_atom[kind], sum = 0;
      square[kind] += off * off;
      n[kind]++;
      for (int d = 1; d <= n_draws; d++) {
        double away = (rows_of_draws[(size_t)d * (size_t)total + (size_t)i] - mean) * per_atom[kind];
        sum += away * away;
      }
      if (kind < 2 && n_draws > 0) variance[kind] += sum / n_draws;
    }
}

/* The first of the rows of draws is what the potential answers, up to what the label has too: energy, forces, virial.
   It becomes the answer. */
static ftl_status tabulate(const ftl_structure *s, const double *label, double *answer, ftl_error_table *table,
                           ftl_error *error) {
  static const int at[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}}; /* xx yy zz xy xz yz */
  const ftl_design_rows rows = ftl_design_labelled(s);
  const double energy = rows.energy ? s->labels.energy + answer[0] - label[0] : 0;
  double *forces = answer + (rows.energy ? 1 : 0), *virial = forces + (rows.forces ? 3 * s->n : 0);
  double stress[3][3] = {{0}};
  for (int k = 0; rows.forces && k < 3 * s->n; k++)
    forces[k] += s->labels.forces[k / 3][k % 3] - label[forces + k - answer];
  for (int k = 0; rows.stress && k < 9; k++) {
    const double *v = &virial[at[k / 3][k % 3]];
    stress[k / 3][k % 3] = s->labels.stress[k / 3][k % 3] - (*v - label[v - answer]) / s->volume;
  }
  return ftl_error_table_add(table, "", s->config_type, s->n, &s->labels, energy, (const double(*)[3])forces,
                             (const double(*)[3])stress, error);
}

ftl_status ftl_fit_measure(const ftl_surrogate *surrogate, const ftl_dataset *data, int threads, ftl_fit_errors *errors,
                           ftl_error_table *table, ftl_error *error) {
  assembly a = {0};
  *errors = (ftl_fit_errors){0};
  double square[3] = {0}, variance[2] = {0};
  ftl_status status = start_assembly(&a, surrogate, data, 0, threads, error);
  int64_t *list = malloc(((size_t)data->n + 1) * sizeof *list);
  int64_t *first_row = malloc(((size_t)data->n + 1) * sizeof *first_row);
  double *draws = malloc(((size_t)surrogate->n_committee + 1) * (size_t)(a.ld ? a.ld : 1) * sizeof *draws);
  double *x = malloc(((size_t)a.n + 1) * sizeof *x);
  if (!status && (!list || !first_row || !draws || !x)) status = ftl_no_memory(error, NULL, "errors");
  if (!status) ftl_design_pack(surrogate, x);
  for (int64_t k = 0; !status && k < data->n; k++) list[k] = k;
  for (int64_t at = 0; at < data->n && !status;) {
    int rows;
    int64_t n = fill_panel(&a, list + at, data->n - at, first_row, &rows, &status, error);
    for (int64_t k = 0; k < n && !status; k++) {
      const ftl_structure *s = &data->structure[at + k];
      add_errors(&a, s, (int)first_row[k], x, draws, square, errors->n, variance);
      status = tabulate(s, a.panel + (size_t)a.n * (size_t)a.ld + (size_t)first_row[k], draws, table, error);
    }
    at += n;
  }
  for (int k = 0; k < 3; k++) errors->rmse[k] = errors->n[k] ? sqrt(square[k] / (double)errors->n[k]) : NAN;
  for (int k = 0; k < 2; k++) errors->spread[k] = errors->n[k] ? sqrt(variance[k] / (double)errors->n[k]) : NAN;
  free(list);
  free(first_row);
  free(draws);
  free(x);
  free_assembly(&a);
  return status;
}
