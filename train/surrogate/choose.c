#include "surrogate/choose.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sampling/select.h"
#include "surrogate/design.h"

/* ---- features ---- */

typedef struct {
  const ftl_surrogate *basis;
  double *row; /* [functions of all elements] */
  int64_t count[FTL_MAX_ELEMENTS];
} mean;

static void add_atom(void *context, int atom, int mu, const double *value) {
  mean *m = context;
  double *to = m->row + m->basis->first[mu];
  (void)atom;
  for (int k = 0; k < m->basis->file.n_functions[mu]; k++) to[k] += value[k];
  m->count[mu]++;
}

static ftl_status structure_features(const ftl_surrogate *basis, ftl_designer *designer, const ftl_structure *s,
                                     double *row, ftl_error *error) {
  mean m = {.basis = basis, .row = row};
  ftl_status status = ftl_design_atoms(designer, s, add_atom, &m, error);
  for (int mu = 0; mu < basis->file.n_elements; mu++)
    for (int k = basis->first[mu]; k < basis->first[mu + 1] && m.count[mu] > 0; k++) row[k] /= (double)m.count[mu];
  return status;
}

/* Every column gets mean 0 (for distances) and a mean square of 1. */
static void standardise(double *features, int64_t n, int64_t n_features, bool centre) {
  for (int64_t k = 0; k < n_features; k++) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++) sum += features[i * n_features + k];
    double shift = centre ? sum / (double)n : 0;
    for (int64_t i = 0; i < n; i++) square += pow(features[i * n_features + k] - shift, 2);
    double scale = square > 0 ? 1 / sqrt(square / (double)n) : 0;
    for (int64_t i = 0; i < n; i++) features[i * n_features + k] = (features[i * n_features + k] - shift) * scale;
  }
}

static ftl_status all_features(const ftl_surrogate *basis, const ftl_dataset *candidates, int threads, double *features,
                               ftl_error *error) {
  ftl_descriptors *plan;
  const int n_threads = threads > 0 ? threads : omp_get_max_threads(),
            n_features = basis->first[basis->file.n_elements];
  ftl_status status = ftl_descriptors_new(basis, &plan, error);
  FTL_TRY(status);
#pragma omp parallel num_threads(n_threads)
  {
    ftl_designer designer = {0};
    ftl_error own = {0};
    ftl_status result = ftl_designer_new(basis, plan, &designer, &own);
#pragma omp for schedule(dynamic, 8)
    for (int64_t k = 0; k < candidates->n; k++)
      if (!result)
        result = structure_features(basis, &designer, &candidates->structure[k], features + k * n_features, &own);
    if (result) {
#pragma omp critical(ftl_choose_error)
      {
        status = result;
        if (error) *error = own;
      }
    }
    ftl_designer_free(&designer);
  }
  ftl_descriptors_free(plan);
  return status;
}

/* Of rank 1 and 2, whatever the fit has. */
static ftl_status make_basis(const ftl_basis_options *like, ftl_surrogate *basis, ftl_error *error) {
  ftl_basis_options options = *like;
  options.n_blocks = 0;
  options.degree = 0;
  options.max_species = 0;
  options.max_functions = INT64_MAX;
  options.bounds = (ftl_basis_bounds){.n = {6, 3}, .l = {0, 3}};
  return ftl_basis_make(&options, basis, error);
}

/* ---- choice ---- */

ftl_status ftl_choose_structures(const ftl_basis_options *like, const ftl_dataset *given, const ftl_dataset *candidates,
                                 int64_t wanted, bool by_distance, int threads, int64_t *list, double *gain,
                                 int64_t *n_chosen, ftl_error *error) {
  const int64_t n = candidates->n, n_given = given ? given->n : 0, all = n + n_given;
  ftl_surrogate basis = {0};
  *n_chosen = 0;
  FTL_TRY(make_basis(like, &basis, error));
  const int64_t n_features = basis.first[like->n_elements];
  double *features = calloc((size_t)(all * n_features) + 1, sizeof *features);
  int64_t *there = malloc(((size_t)n_given + 1) * sizeof *there);
  ftl_status status = features && there ? FTL_OK : ftl_no_memory(error, NULL, "comparing structures");
  if (!status) status = all_features(&basis, candidates, threads, features, error);
  if (!status && n_given > 0) status = all_features(&basis, given, threads, features + n * n_features, error);
  for (int64_t k = 0; !status && k < n_given; k++) there[k] = n + k;
  if (!status) {
    const ftl_select_input input = {
        .n = all, .n_features = n_features, .features = features, .n_given = n_given, .given = there};
    standardise(features, all, n_features, by_distance);
    status = by_distance ? ftl_select_farthest(&input, FTL_SELECT_CENTRAL, wanted, list, gain, n_chosen, error)
                         : ftl_select_d_optimal(&input, NULL, 0, wanted, list, gain, n_chosen, error);
  }
  free(features);
  free(there);
  ftl_surrogate_free(&basis);
  return status;
}

ftl_status ftl_choose_frames(const ftl_surrogate_recipe *recipe, const int *elements, int n_elements,
                             const ftl_dataset *candidates, int64_t wanted, bool *chosen, ftl_error *error) {
  const int64_t n = candidates->n, m = wanted < n ? wanted : n;
  for (int64_t k = 0; k < n; k++) chosen[k] = m == n;
  if (m == n) return FTL_OK;
  ftl_basis_options basis;
  ftl_basis_block *blocks = NULL;
  int64_t *list = malloc(((size_t)m + 1) * sizeof *list), n_chosen = 0;
  ftl_status status = list ? FTL_OK : ftl_no_memory(error, NULL, "comparing sampled frames");
  if (!status) status = ftl_recipe_basis(recipe, elements, n_elements, &basis, &blocks, error);
  if (!status)
    status = ftl_choose_structures(&basis, NULL, candidates, m, recipe->sample.select == FTL_SELECT_BY_DISTANCE,
                                   (int)recipe->threads, list, NULL, &n_chosen, error);
  for (int64_t k = 0; k < n_chosen && !status; k++) chosen[list[k]] = true;
  free(blocks);
  free(list);
  return status;
}
