/* Options of `frozentl fit` and `frozentl distill`: one table, of which `fit` has the first part. */
#ifndef FTL_SURROGATE_RECIPE_H
#define FTL_SURROGATE_RECIPE_H

#include "data/policy.h"
#include "support/options.h"
#include "surrogate/basis.h"
#include "surrogate/fit.h"

enum { FTL_SELECT_BY_VOLUME, FTL_SELECT_BY_DISTANCE, FTL_N_SELECTS };

/* What each one means is said in the table (fit_recipe.c). */
typedef struct {
  char *output;
  ftl_words data, valid, elements;
  char *labels; /* their prefix */
  struct {
    char *energy, *forces, *stress, *virial;
  } label;
  ftl_words select;
  int large_forces; /* data/policy.h */
  int64_t frames, seed, threads;
  double max_force, holdout;
  int checks; /* data/policy.h */
  ftl_rates e0;
  struct {
    char *n, *l;
    ftl_words blocks;
    ftl_rates cutoffs;
    double degree, degree_l, lambda, cutoff, dcut;
    int64_t max_species, max_functions;
    int radial; /* ftl_ace_base_kind */
  } basis;
  struct {
    double exponent;
    int64_t rank, steps;
  } embedding;
  struct {
    double fraction, width;
  } inner;
  struct {
    double energy, forces, stress, data, atoms;
    ftl_rates configs;
  } weights;
  struct {
    double power, n, l;
    int scale; /* ftl_prior_scale */
  } smooth;
  struct {
    int kind; /* ftl_solve_kind */
    double lambda, max_ratio;
    int64_t functions, folds;
    bool e0;
  } solver;
  struct {
    int64_t committee;
    bool gamma;
  } uncertainty;
  double spline_bins;

  /* distill only */
  char *model, *foundation, *head, *student;
  struct {
    int64_t epochs;
    ftl_words train;
  } learning;
  struct {
    ftl_words starts, crystals, lammps, lammps_elements, jobs, temperatures, surfaces;
    int64_t n_starts, repeats, steps, equilibration, every, rattles, vacancies, layers, frames;
    double volume, strain, rattle, vacuum, width, step, max_force;
    char *molecule;
    double bond, height, energy;
    int select, precision; /* FTL_SELECT_..., ftl_precision */
  } sample;
  int64_t rounds;
  struct {
    double gamma, difference, least;
    int64_t steps, every, frames;
  } round;

  ftl_options options;
} ftl_surrogate_recipe;

extern const ftl_option_table ftl_fit_table, ftl_distill_table;

/* With every default, to be freed also after a failure. FTL_ERR_MEMORY. */
ftl_status ftl_surrogate_recipe_new(const ftl_option_table *table, ftl_surrogate_recipe **recipe, ftl_error *error);
void ftl_surrogate_recipe_free(ftl_surrogate_recipe *recipe);

/* What conditions in the table cannot say: unknown jobs, and options that are given and could not act. FTL_ERR_INPUT.
   Before ftl_options_check, so that a misspelt job is told first. */
ftl_status ftl_surrogate_recipe_check(const ftl_surrogate_recipe *recipe, ftl_error *error);
/* The basis of these elements; *blocks is the caller's to free and must outlive the options. FTL_ERR_INPUT: text that
   is no list of numbers. */
ftl_status ftl_recipe_basis(const ftl_surrogate_recipe *recipe, const int *elements, int n_elements,
                            ftl_basis_options *basis, ftl_basis_block **blocks, ftl_error *error);
/* Where nothing is said of the basis' size: the largest of a list of defaults that has no more functions than
   basis.max_functions for so many elements becomes that of the recipe. FTL_ERR_INPUT: not even the smallest has. */
ftl_status ftl_recipe_default_basis(ftl_surrogate_recipe *recipe, const int *elements, int n_elements,
                                    ftl_error *error);
/* There is a second density. */
bool ftl_recipe_is_nonlinear(const ftl_surrogate_recipe *recipe);
/* Weights, smoothness and solver. */
void ftl_recipe_fit(const ftl_surrogate_recipe *recipe, ftl_fit_options *fit);

#endif
