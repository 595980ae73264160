#include "surrogate/fit_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "support/work_memory.h"
#include "support/ranks.h"
#include "surrogate/design.h"
#include "surrogate/fit_outcome.h"
#include "surrogate/prune.h"
#include "surrogate/fit_run_internal.h"
#include "surrogate/rounds.h"
#include "surrogate/student.h"

void ftl_surrogate_say(const ftl_surrogate_state *run, const char *format, ...) {
  char text[600];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  run->host->say(run->host->context, text);
}

/* ---- the basis ---- */

/* A function of an element that is nowhere has no value anywhere, and would get a coefficient from the prior alone. */
static ftl_status check_elements(const ftl_surrogate_state *run, ftl_error *error) {
  int there[118];
  const int n = ftl_dataset_elements(&run->train, there);
  for (int k = 0; k < run->n_elements; k++)
    if (ftl_element_index(there, n, run->elements[k]) < 0)
      return ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "no structure that is fitted has %s: leave it out of elements, or give structures with it",
                      ftl_element_symbol(run->elements[k]));
  return FTL_OK;
}

static ftl_status make_basis(ftl_surrogate_state *run, ftl_error *error) {
  ftl_basis_options options;
  ftl_basis_block *blocks = NULL;
  ftl_fit_options fit;
  ftl_status status = ftl_recipe_default_basis(run->recipe, run->elements, run->n_elements, error);
  if (!status) status = ftl_recipe_basis(run->recipe, run->elements, run->n_elements, &options, &blocks, error);
  if (!status) status = ftl_basis_make(&options, &run->surrogate, error);
  free(blocks);
  FTL_TRY(status);
  memcpy(run->surrogate.file.e0, run->e0, (size_t)run->n_elements * sizeof *run->e0);
  ftl_recipe_fit(run->recipe, &fit);
  return ftl_fit_check_memory(run->surrogate.first[run->n_elements], &fit, error);
}

static ftl_status set_inner(ftl_surrogate_state *run, ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  const int n = run->n_elements;
  run->nearest = malloc((size_t)(n * n) * sizeof *run->nearest);
  if (!run->nearest) return ftl_no_memory(error, NULL, "the nearest pairs of atoms");
  ftl_nearest_begin(run->nearest, n);
  const ftl_dataset *sets[] = {&run->train, &run->held, &run->valid};
  for (size_t s = 0; s < 3; s++)
    FTL_TRY(ftl_nearest_pairs(sets[s], run->elements, n, r->basis.cutoff, run->nearest, error));
  ftl_inner_cutoffs(run->nearest, run->elements, n, r->inner.fraction, run->inner);
  ftl_status status = FTL_OK;
  for (int k = 0; k < n * n && !status; k++) {
    run->inner[k] = fmin(run->inner[k], 0.9 * run->surrogate.file.bond[k].cutoff);
    if (run->inner[k] <= r->inner.width)
      status =
          ftl_fail(error, FTL_ERR_INPUT, NULL,
                   "the repulsion of %s and %s begins at %.3f Angstrom, within inner.width; make that smaller",
                   ftl_element_symbol(run->elements[k / n]), ftl_element_symbol(run->elements[k % n]), run->inner[k]);
  }
  ftl_basis_set_inner(&run->surrogate, run->inner, r->inner.width);
  return status;
}

static void say_basis(const ftl_surrogate_state *run) {
  const ftl_ace_file *file = &run->surrogate.file;
  for (int mu = 0; mu < file->n_elements; mu++) {
    int by_rank[FTL_BASIS_MAX_RANK + 1] = {0};
    for (int k = 0; k < file->n_functions[mu]; k++) by_rank[file->function[mu][k].rank]++;
    char text[200] = "", inner[200] = "";
    for (int rank = 1; rank <= FTL_BASIS_MAX_RANK; rank++)
      if (by_rank[rank])
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %d of rank %d", *text ? "," : "", by_rank[rank],
                 rank);
    for (int nu = 0; nu < file->n_elements; nu++)
      snprintf(inner + strlen(inner), sizeof inner - strlen(inner), " %s %.2f",
               ftl_element_symbol(file->atomic_number[nu]), file->bond[mu * file->n_elements + nu].inner);
    ftl_surrogate_say(run, "%-2s  E0 %.6f eV, %d functions:%s; ZBL below (Angstrom)%s",
                      ftl_element_symbol(file->atomic_number[mu]), file->e0[mu], file->n_functions[mu], text, inner);
  }
  ftl_surrogate_say(run, "E0 %s; basis n %s, l %s", run->e0_from, run->recipe->basis.n, run->recipe->basis.l);
  if (run->round == 0 && run->recipe->model && !ftl_options_is_set(&run->recipe->options, "solver.e0"))
    ftl_surrogate_say(run, "where energies of free atoms do not matter, --set solver.e0=true makes errors smaller");
}

/* ---- fitting ---- */

/* A pair function of i around j and of j around i have the same sum: one of the two is not determined, by design. */
static int count_twins(const ftl_ace_file *file) {
  int n = 0;
  for (int mu = 0; mu < file->n_elements; mu++)
    for (int k = 0; k < file->n_functions[mu]; k++)
      n += file->function[mu][k].rank == 1 && file->function[mu][k].mu[0] < mu;
  return n;
}

static void warn_size(const ftl_surrogate_state *run) {
  const ftl_surrogate *s = &run->surrogate;
  const int n = s->first[s->file.n_elements] - count_twins(&s->file);
  char text[400];
  if (run->solution.rank >= n) return;
  snprintf(text, sizeof text,
           "the data determine %d of %d functions; the prior decides about the rest: give more data or a "
           "smaller basis",
           run->solution.rank, n);
  run->host->warn(run->host->context, text);
}

static void say_step(void *context, const char *text) { ftl_surrogate_say(context, "%s", text); }

/* From the linear potential on, or from where an earlier process was. */
static ftl_status fit_second(ftl_surrogate_state *run, const ftl_fit_options *options, ftl_gauss_newton_state *state,
                             ftl_error *error) {
  const ftl_gauss_newton_options second = {.exponent = run->recipe->embedding.exponent,
                                           .rank = (int)run->recipe->embedding.rank,
                                           .steps = (int)run->recipe->embedding.steps,
                                           .say = say_step,
                                           .keep = ftl_second_keep,
                                           .context = run};
  char text[300];
  run->host->stage(run->host->context, "structures (step)", (double)run->train.n);
  ftl_status status = ftl_gauss_newton(&run->surrogate, &run->train, options, &second, &run->solution, state, error);
  run->host->stage(run->host->context, NULL, 0);
  snprintf(
      text, sizeof text,
      "with the second density errors are larger than those of the linear fit (weighted squares %.4g and %.4g): raise "
      "embedding.steps, or leave embedding out",
      state->squares, state->linear);
  if (!status && !(state->squares < state->linear)) run->host->warn(run->host->context, text);
  return status;
}

static void say_e0(ftl_surrogate_state *run) {
  char text[FTL_MAX_ELEMENTS * 24];
  size_t at = 0;
  for (int k = 0; k < run->n_elements; k++)
    at += (size_t)snprintf(text + at, sizeof text - at, " %s %.6f", ftl_element_symbol(run->elements[k]),
                           run->surrogate.file.e0[k]);
  ftl_surrogate_say(run, "E0 found with the coefficients, eV:%s", text);
  run->e0_from = "found with the coefficients";
}

static ftl_status fit_first(ftl_surrogate_state *run, const ftl_fit_options *options, ftl_error *error) {
  char labels[400];
  const int n = run->surrogate.first[run->n_elements];
  ftl_dataset_describe_labels(&run->train, labels);
  ftl_surrogate_say(run, "fitting %d functions to %lld equations of %lld structures, %s, %.2f GB", n,
                    (long long)ftl_fit_equations(&run->train), (long long)run->train.n, labels,
                    (double)ftl_fit_bytes(n, options) / 1e9);
  run->host->stage(run->host->context, "structures", (double)run->train.n);
  ftl_status status = ftl_fit_surrogate(&run->surrogate, &run->train, options, &run->solution, error);
  run->host->stage(run->host->context, NULL, 0);
  if (!status) warn_size(run);
  if (!status && options->free_e0) say_e0(run);
  return status;
}

static ftl_status fit(ftl_surrogate_state *run, ftl_error *error) {
  ftl_fit_options options;
  ftl_gauss_newton_state state = {0};
  const bool nonlinear = ftl_recipe_is_nonlinear(run->recipe);
  ftl_recipe_fit(run->recipe, &options);
  options.stop = run->host->stop;
  options.progress = run->host->progress;
  options.context = run->host->context;
  ftl_status status = nonlinear ? ftl_second_find(run, &state, error) : FTL_OK;
  if (!status) status = fit_first(run, &options, error); /* of steps that go on: for its solution */
  if (!status && nonlinear) status = fit_second(run, &options, &state, error);
  ftl_gauss_newton_state_free(&state);
  return status;
}

enum { MEASURED = 200 }; /* of the fitted structures: their errors cost as much as the equations did */

ftl_status ftl_surrogate_some_fitted(ftl_surrogate_state *run, ftl_dataset *some, ftl_error *error) {
  const int64_t all = run->train.n, n = all < MEASURED ? all : MEASURED;
  *some = (ftl_dataset){.n = n, .structure = malloc(((size_t)n + 1) * sizeof *some->structure)};
  if (!some->structure) return ftl_no_memory(error, NULL, "errors");
  for (int64_t k = 0; k < n; k++) some->structure[k] = run->train.structure[k * all / n];
  run->n_measured = n;
  return FTL_OK;
}

static ftl_status measure_fitted(ftl_surrogate_state *run, ftl_error *error) {
  ftl_dataset some;
  FTL_TRY(ftl_surrogate_some_fitted(run, &some, error));
  ftl_status status =
      ftl_fit_measure(&run->surrogate, &some, (int)run->recipe->threads, &run->on_train, &run->table[0], error);
  free(some.structure);
  return status;
}

/* The committee's spread becomes the errors that were found on what was held back: a posterior knows the noise of a
   linear model, not that the model is too small. */
static ftl_status measure(ftl_surrogate_state *run, ftl_error *error) {
  const int threads = (int)run->recipe->threads;
  ftl_surrogate *s = &run->surrogate;
  ftl_status status = measure_fitted(run, error);
  if (!status) status = ftl_fit_measure(s, &run->held, threads, &run->on_held, &run->table[1], error);
  if (!status) status = ftl_fit_measure(s, &run->valid, threads, &run->on_valid, &run->table[2], error);
  const ftl_fit_errors *e = run->held.n > 0 ? &run->on_held : &run->on_train;
  if (s->n_committee > 0 && e->n[0] > 0 && e->spread[0] > 0) s->energy_scale = e->rmse[0] / e->spread[0];
  if (s->n_committee > 0 && e->n[1] > 0 && e->spread[1] > 0) s->force_scale = e->rmse[1] / e->spread[1];
  return status;
}

static ftl_status choose_active(ftl_surrogate_state *run, ftl_error *error) {
  if (!run->recipe->uncertainty.gamma || run->surrogate.second) return FTL_OK;
  const ftl_active_set_options options = {.threads = (int)run->recipe->threads,
                                          .stop = run->host->stop,
                                          .progress = run->host->progress,
                                          .context = run->host->context};
  run->host->stage(run->host->context, "structures (active set)", (double)run->train.n);
  ftl_status status = ftl_active_set_make(&run->surrogate, &run->train, &options, &run->active, error);
  run->host->stage(run->host->context, NULL, 0);
  return status;
}

/* An element whose functions were all left out has no energy of its own but E0. */
static void warn_of_empty(const ftl_surrogate_state *run) {
  const ftl_ace_file *file = &run->surrogate.file;
  for (int mu = 0; mu < file->n_elements; mu++) {
    char text[200];
    if (file->n_functions[mu] > 0) continue;
    snprintf(text, sizeof text, "no function around %s is left: the energy of such an atom is its E0, wherever it is",
             ftl_element_symbol(file->atomic_number[mu]));
    run->host->warn(run->host->context, text);
  }
}

static void warn_of_hole(const ftl_surrogate_state *run, const ftl_wall *wall) {
  char text[600], where[256];
  ftl_structure_where(run->nearest[wall->mu * run->n_elements + wall->nu].structure, -1, where);
  snprintf(text, sizeof text,
           "%s and %s fall into a hole: pushed together from %.2f Angstrom, the nearest of the data (%s), the energy "
           "rises by %.2f eV and then falls by %.2f, to %.2f Angstrom: dynamics will find it; give structures in which "
           "they are nearer",
           ftl_element_symbol(run->elements[wall->mu]), ftl_element_symbol(run->elements[wall->nu]), wall->from, where,
           wall->rim, wall->fall, wall->at);
  run->host->warn(run->host->context, text);
}

static ftl_status look_at_walls(ftl_surrogate_state *run, ftl_error *error) {
  const size_t n = (size_t)run->n_elements;
  run->wall = malloc(n * (n + 1) / 2 * sizeof *run->wall);
  if (!run->wall) return ftl_no_memory(error, NULL, "the walls of a potential");
  FTL_TRY(ftl_walls_scan(&run->surrogate, run->nearest, run->wall, &run->n_walls, error));
  for (int k = 0; k < run->n_walls; k++)
    if (ftl_wall_is_hole(&run->wall[k])) warn_of_hole(run, &run->wall[k]);
  return FTL_OK;
}

/* ---- all of it ---- */

/* What cannot be is found before anything is written or sampled. */
static ftl_status prepare(ftl_surrogate_state *run, bool resume, ftl_error *error) {
  ftl_status status = ftl_work_start((int)run->recipe->threads, 0, error);
  if (!status) status = ftl_surrogate_read_sets(run, error);
  if (!status && run->recipe->model) status = ftl_surrogate_prepare(run, error);
  if (!status && run->recipe->model) status = ftl_surrogate_check_answers(run, resume, error);
  if (!status && !ftl_student_is_network(run->recipe)) status = make_basis(run, error);
  return status || resume ? status : ftl_surrogate_begin(run, error);
}

/* The linear potential of train. */
static ftl_status fit_linear(ftl_surrogate_state *run, ftl_error *error) {
  ftl_status status = set_inner(run, error);
  if (!status) say_basis(run);
  if (!status) status = fit(run, error);
  if (!status) status = ftl_outcome_fitted(run, error);
  run->n_fitted = run->surrogate.first[run->n_elements];
  if (!status) {
    ftl_surrogate_prune(&run->surrogate);
    warn_of_empty(run);
  }
  if (ftl_ranks_mine() > 0) return status; /* all have the same coefficients; one measures and writes */
  if (!status) status = measure(run, error);
  if (!status) status = ftl_surrogate_say_errors(run, error);
  if (!status) status = choose_active(run, error);
  if (!status) status = ftl_outcome_measured(run, error);
  if (!status) status = look_at_walls(run, error);
  if (!status) ftl_round_measured(run);
  run->host->phase(run->host->context, FTL_SURROGATE_WRITING);
  return status ? status : ftl_surrogate_write_all(run, error);
}

static void forget_fit(ftl_surrogate_state *run) {
  ftl_solution_free(&run->solution);
  for (int k = 0; k < 3; k++) ftl_error_table_free(&run->table[k]);
  ftl_surrogate_free(&run->surrogate);
  free(run->nearest);
  free(run->wall);
  run->nearest = NULL;
  run->wall = NULL;
  run->n_walls = 0;
  memset(&run->solution, 0, sizeof run->solution);
  memset(run->table, 0, sizeof run->table);
  memset(&run->surrogate, 0, sizeof run->surrogate);
}

/* The potential of what is in train now, whichever it is. */
static ftl_status learn(ftl_surrogate_state *run, bool *interrupted, ftl_error *error) {
  const bool network = ftl_student_is_network(run->recipe);
  run->host->phase(run->host->context, FTL_SURROGATE_FITTING);
  if (run->round > 0) {
    forget_fit(run);
    if (!network) FTL_TRY(make_basis(run, error));
  }
  return network ? ftl_student_learn(run, interrupted, error) : fit_linear(run, error);
}

static ftl_status do_run(ftl_surrogate_state *run, bool resume, bool *interrupted, ftl_error *error) {
  const bool network = ftl_student_is_network(run->recipe), rounds = run->recipe->rounds > 0;
  ftl_status status = prepare(run, resume, error);
  if (!status && network && !rounds && ftl_student_has_begun(run)) return ftl_student_learn(run, interrupted, error);
  if (!status && run->recipe->model) status = ftl_surrogate_sample(run, interrupted, error);
  if (status || *interrupted) return status;
  status = ftl_surrogate_split(run, error);
  if (!status) status = ftl_outcome_expected(run, error);
  if (!status) status = check_elements(run, error);
  if (status) return status;
  return rounds ? ftl_rounds_run(run, learn, interrupted, error) : learn(run, interrupted, error);
}

static void free_run(ftl_surrogate_state *run) {
  ftl_findings_free(&run->findings);
  ftl_dataset_free(&run->data);
  ftl_dataset_free(&run->valid);
  ftl_dataset_free(&run->train);
  ftl_dataset_free(&run->held);
  ftl_jobs_free(&run->jobs);
  ftl_model_free(run->model);
  free(run->rounds);
  forget_fit(run);
}

ftl_status ftl_surrogate_run(ftl_surrogate_recipe *recipe, bool resume, const ftl_host *host, ftl_surrogate_end *end,
                             ftl_error *error) {
  ftl_surrogate_state run = {.recipe = recipe, .host = host};
  ftl_run_folder folder = {0};
  bool interrupted = false;
  ftl_status status = ftl_surrogate_open_folder(recipe, resume, host, &folder, error);
  run.unwritten = status == FTL_ERR_IO;
  if (!status) status = do_run(&run, resume, &interrupted, error);
  if (status && host->stop && *host->stop) {
    interrupted = true;
    status = FTL_OK;
  }
  *end = interrupted     ? FTL_SURROGATE_INTERRUPTED
         : status == 0   ? FTL_SURROGATE_DONE
         : run.unwritten ? FTL_SURROGATE_UNWRITTEN
                         : FTL_SURROGATE_FAILED;
  free_run(&run);
  ftl_run_folder_close(&folder);
  return status;
}
