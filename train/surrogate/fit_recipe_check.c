/* Options of fits and distillations that are given and cannot act. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "surrogate/jobs.h"
#include "surrogate/fit_recipe.h"
#include "surrogate/student.h"

static bool is_chosen(const ftl_surrogate_recipe *r, const char *key) {
  return ftl_options_is_chosen(&r->options, key);
}

/* Numbers in "8/5/3". */
static int count_bounds(const char *text, size_t length) {
  int n = length > 0;
  for (size_t k = 0; k < length; k++) n += text[k] == '/';
  return n;
}

/* l of more ranks than there are: rank 1 has none. */
static ftl_status check_bounds(const char *key, const char *n, size_t n_length, const char *l, size_t l_length,
                               ftl_error *error) {
  const int ranks = count_bounds(n, n_length), given = count_bounds(l, l_length);
  if (given <= ranks - 1) return FTL_OK;
  return ftl_fail(
      error, FTL_ERR_INPUT, NULL,
      "%s: l is given for %d rank%s (%.*s), but n (%.*s) has %d from rank 2 on, so the rest has no effect; give "
      "as many l as there are ranks from 2 on",
      key, given, given == 1 ? "" : "s", (int)l_length, l, (int)n_length, n, ranks - 1);
}

static ftl_status check_block(const char *text, ftl_error *error) {
  const char *equals = strchr(text, '='), *colon = equals ? strchr(equals, ':') : NULL;
  if (!colon) return FTL_OK;
  return check_bounds("basis.blocks", equals + 1, (size_t)(colon - equals - 1), colon + 1, strlen(colon + 1), error);
}

static ftl_status check_basis(const ftl_surrogate_recipe *r, ftl_error *error) {
  ftl_status status = FTL_OK;
  if (is_chosen(r, "basis.l"))
    status = check_bounds("basis.l", r->basis.n, strlen(r->basis.n), r->basis.l, strlen(r->basis.l), error);
  for (int k = 0; !status && k < r->basis.blocks.n; k++) status = check_block(r->basis.blocks.item[k], error);
  if (!status && is_chosen(r, "smooth.power") && r->smooth.n == 0 && r->smooth.l == 0)
    status = ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "smooth.power has no effect, as smooth.n and smooth.l are 0; remove it, or raise one of them");
  return status;
}

/* What only a linear potential has. */
static ftl_status check_embedding(const ftl_surrogate_recipe *r, ftl_error *error) {
  static const char *const keys[] = {"uncertainty.committee", "uncertainty.gamma"};
  if (!ftl_recipe_is_nonlinear(r)) return FTL_OK;
  if (r->embedding.exponent == 1)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "embedding.exponent is 1, which is linear: leave it out");
  if (r->solver.kind == FTL_SOLVE_ARD)
    return ftl_fail(
        error, FTL_ERR_INPUT, NULL,
        "solver.kind ard has no prior that embedding.exponent could go on with: give evidence, cv or ridge");
  for (int k = 0; k < 2; k++)
    if (is_chosen(r, keys[k]))
      return ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "%s is of linear potentials: one with embedding.exponent has no uncertainty; remove it", keys[k]);
  return FTL_OK;
}

static ftl_status check_sampling(const ftl_surrogate_recipe *r, ftl_error *error) {
  FTL_TRY(ftl_jobs_check_words(r, error));
  if (is_chosen(r, "sample.bond") && r->sample.molecule && !strchr(r->sample.molecule, '-'))
    FTL_TRY(ftl_fail(error, FTL_ERR_INPUT, NULL, "sample.bond has no effect, as sample.molecule (%.20s) is one atom",
                     r->sample.molecule));
  return FTL_OK;
}

/* Rounds need something to move, and something to be measured on. */
static ftl_status check_rounds(const ftl_surrogate_recipe *r, ftl_error *error) {
  if (r->rounds == 0) return FTL_OK;
  const char *why = ftl_student_is_network(r)       ? "a MACE"
                    : ftl_recipe_is_nonlinear(r)    ? "a potential with embedding.exponent"
                    : r->uncertainty.gamma == false ? "a potential with uncertainty.gamma false"
                                                    : NULL;
  if (why && is_chosen(r, "round.gamma"))
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "round.gamma has no effect: %s tells no extrapolation grade; remove it (round.difference halts its "
                    "runs)",
                    why);
  if (r->holdout == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "holdout is 0, but rounds need structures that are held back, to tell whether errors still fall");
  if (!ftl_jobs_have_dynamics(r))
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "rounds need molecular dynamics, and sample.jobs has none: add bulk, strain, vacancy, surface or "
                    "adsorbate");
  return FTL_OK;
}

static ftl_status check_solver(const ftl_surrogate_recipe *r, ftl_error *error) {
  if (r->solver.max_ratio == 0 || r->solver.max_ratio >= 1) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, NULL,
                  "solver.max_ratio is %g, which leaves no function: give 1 or more, or 0 for the default",
                  r->solver.max_ratio);
}

ftl_status ftl_surrogate_recipe_check(const ftl_surrogate_recipe *recipe, ftl_error *error) {
  FTL_TRY(check_basis(recipe, error));
  FTL_TRY(check_solver(recipe, error));
  FTL_TRY(check_embedding(recipe, error));
  if (recipe->options.table != &ftl_distill_table) return FTL_OK;
  FTL_TRY(check_sampling(recipe, error));
  FTL_TRY(ftl_student_check(recipe, error));
  return check_rounds(recipe, error);
}
