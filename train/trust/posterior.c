#include "trust/posterior.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/random.h"
#include "surrogate/lapack.h"

/* U = R^-1, row-major, R the triangle of the equations and the prior's: the covariance of the weights is U U^T. */
static ftl_status set_factor(const ftl_triangle *equations, double precision, ftl_trust *trust, ftl_error *error) {
  const int n = trust->n, lda = n + 1;
  const size_t side = (size_t)lda;
  ftl_triangle all = {0};
  int info = 0;
  double *rows = calloc(side * side, sizeof *rows);
  if (!rows) return ftl_no_memory(error, NULL, "the posterior of a last layer");
  for (size_t k = 0; k < (size_t)n; k++) rows[k * side + k] = sqrt(precision);
  ftl_status status = ftl_triangle_new(n, &all, error);
  if (!status) status = ftl_triangle_join(&all, equations, error);
  if (!status) status = ftl_triangle_add(&all, rows, n, lda, error);
  if (!status) dtrtri_("U", "N", &n, all.r, &lda, &info, 1, 1);
  if (info)
    status =
        ftl_fail(error, FTL_ERR_INPUT, NULL, "the data and the prior leave weight %d of the last layer open", info);
  for (size_t i = 0; i < (size_t)n && !status; i++)
    for (size_t j = i; j < (size_t)n; j++) trust->factor[i * (size_t)n + j] = all.r[j * side + i];
  ftl_triangle_free(&all);
  free(rows);
  return status;
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

ftl_status ftl_posterior_set(const ftl_triangle *equations, double precision, uint64_t seed, ftl_trust *trust,
                             double *effective, ftl_error *error) {
  FTL_TRY(set_factor(equations, precision, trust, error));
  draw(seed, trust);
  *effective = trust->n; /* less what is left of the prior's variance */
  for (size_t k = 0; k < (size_t)trust->n * (size_t)trust->n; k++)
    *effective -= precision * trust->factor[k] * trust->factor[k];
  return FTL_OK;
}
