#include "trust/posterior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "surrogate/lapack.h"
#include "surrogate/solve.h"

/* The triangle of the equations and of the prior's. */
static ftl_status with_prior(const ftl_triangle *equations, const double *prior, ftl_triangle *all, ftl_error *error) {
  const size_t n = (size_t)equations->n, side = n + 1;
  double *rows = calloc(side * side, sizeof *rows);
  if (!rows) return ftl_no_memory(error, NULL, "the posterior of a last layer");
  for (size_t k = 0; k < n; k++) rows[k * side + k] = sqrt(prior[k]);
  ftl_status status = ftl_triangle_new(equations->n, all, error);
  if (!status) status = ftl_triangle_join(all, equations, error);
  if (!status) status = ftl_triangle_add(all, rows, (int)n, (int)side, error);
  free(rows);
  return status;
}

/* U = R^-1 / sqrt(beta), row-major: the covariance of the weights is U U^T. */
static ftl_status set_factor(const ftl_triangle *all, double beta, ftl_trust *trust, ftl_error *error) {
  const int n = trust->n, lda = n + 1;
  int info;
  dtrtri_("U", "N", &n, all->r, &lda, &info, 1, 1);
  if (info)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "the data and the prior leave weight %d of the last layer open", info);
  for (size_t i = 0; i < (size_t)n; i++)
    for (size_t j = i; j < (size_t)n; j++) trust->factor[i * (size_t)n + j] = all->r[j * (size_t)lda + i] / sqrt(beta);
  return FTL_OK;
}

static void draw(uint64_t seed, ftl_trust *trust) {
  ftl_random random;
  ftl_random_seed(&random, seed);
  for (int m = 0; m < trust->n_committee; m++)
    for (int j = 0; j < trust->n; j++) {
      const double z = ftl_random_normal(&random);
      for (int i = 0; i <= j; i++)
        trust->committee[(size_t)m * (size_t)trust->n + (size_t)i] +=
            trust->factor[(size_t)i * (size_t)trust->n + (size_t)j] * z;
    }
}

ftl_status ftl_posterior_set(const ftl_triangle *equations, uint64_t seed, ftl_trust *trust, double *effective,
                             ftl_error *error) {
  const ftl_solve_options options = {.kind = FTL_SOLVE_EVIDENCE};
  ftl_solution solution = {0};
  ftl_triangle all = {0};
  double *alike = malloc(((size_t)trust->n + 1) * sizeof *alike);
  if (!alike) return ftl_no_memory(error, NULL, "the posterior of a last layer");
  for (int k = 0; k < trust->n; k++) alike[k] = 1;
  ftl_status status = ftl_solve(equations, NULL, 0, alike, &options, &solution, error);
  free(alike);
  if (!status) status = with_prior(equations, solution.prior, &all, error);
  if (!status) status = set_factor(&all, solution.beta, trust, error);
  if (!status) draw(seed, trust);
  *effective = solution.effective;
  ftl_triangle_free(&all);
  ftl_solution_free(&solution);
  return status;
}
