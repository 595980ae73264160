#include "tune/features.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/random.h"
#include "new_model/new_model.h"

enum { STRUCTURES = 40 }; /* whose scalars are looked at */
#define LEAST_SPREAD 1e-6 /* of a scalar, of the largest; below it says nothing */

typedef struct {
  int n;
  int64_t atoms;
  double *sum, *square; /* [n] */
  double *scalars;      /* of a structure */
} spread;

static ftl_status look(spread *x, const ftl_structure *s, const ftl_architecture *arch, ftl_worker *worker,
                       ftl_error *error) {
  ftl_structure_graph graph = {0};
  ftl_prediction prediction;
  FTL_TRY(ftl_structure_graph_build(s, arch->atomic_numbers, arch->n_elements, arch->r_max, &worker->scratch, &graph,
                                    error));
  ftl_status status = ftl_sweep_predict(worker->sweep, &graph.graph, NULL, 0, false, &prediction, error);
  if (!status) ftl_sweep_scalars(worker->sweep, x->scalars);
  for (int i = 0; i < s->n && !status; i++)
    for (int c = 0; c < x->n; c++) {
      const double value = x->scalars[(size_t)i * (size_t)x->n + (size_t)c];
      x->sum[c] += value;
      x->square[c] += value * value;
    }
  x->atoms += s->n;
  ftl_structure_graph_free(&graph);
  return status;
}

/* The standard deviations take the place of the sums. */
static void finish(spread *x) {
  double largest = 0;
  for (int c = 0; c < x->n; c++) {
    const double mean = x->sum[c] / (double)x->atoms;
    x->sum[c] = sqrt(fmax(x->square[c] / (double)x->atoms - mean * mean, 0));
    largest = fmax(largest, x->sum[c]);
  }
  for (int c = 0; c < x->n; c++)
    if (x->sum[c] < LEAST_SPREAD * largest) x->sum[c] = 0;
}

ftl_status ftl_features_add(const ftl_recipe *recipe, const ftl_dataset *train, ftl_team *team, ftl_source *source,
                            ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  spread x = {.n = ftl_irreps_count(&arch->layer[arch->n_layers - 1].product, 0, 1)};
  const int64_t stride = (train->n + STRUCTURES - 1) / STRUCTURES;
  x.sum = calloc((size_t)x.n, sizeof(double));
  x.square = calloc((size_t)x.n, sizeof(double));
  x.scalars = malloc((size_t)x.n * ((size_t)ftl_dataset_largest(train) + 1) * sizeof(double));
  ftl_status status =
      x.sum && x.square && x.scalars ? FTL_OK : ftl_no_memory(error, source->path, "the spread of features");
  for (int64_t k = 0; k < train->n && !status; k += stride)
    status = look(&x, &train->structure[k], arch, &team->worker[0], error);
  if (!status) {
    ftl_random random;
    ftl_random_seed(&random, (uint64_t)recipe->seed);
    finish(&x);
    status = ftl_source_add_random_features(source, (int)recipe->random_features, x.sum, recipe->linear.length, &random,
                                            error);
  }
  free(x.sum);
  free(x.square);
  free(x.scalars);
  return status;
}
