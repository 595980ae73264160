/* Random features beside a model's readouts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/provenance.h"
#include "new_model/new_model.h"

/* A vector of the type that the model's weights have, of the first readout's. */
static ftl_status add_vector(ftl_source *source, int readout, const char *part, int64_t n, const double *values,
                             ftl_error *error) {
  char name[64];
  ftl_dtype dtype = FTL_F64;
  for (int k = 0; k < source->tensors.n; k++)
    if (source->tensors.tensor[k].is_parameter && strncmp(source->tensors.tensor[k].name, "readouts.0.", 11) == 0)
      dtype = source->tensors.tensor[k].dtype;
  float *narrow = malloc((size_t)n * sizeof *narrow);
  if (!narrow) return ftl_no_memory(error, source->path, "random features");
  for (int64_t k = 0; k < n; k++) narrow[k] = (float)values[k];
  snprintf(name, sizeof name, "readouts.%d.%s.weight", readout, part);
  const ftl_status status = ftl_tensors_add(&source->tensors, name, dtype, 1, &n,
                                            dtype == FTL_F32 ? (const void *)narrow : values, true, error);
  free(narrow);
  if (!status) ftl_tensors_sort(&source->tensors);
  return status;
}

static ftl_status check_room(const ftl_source *source, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  int of_last = 0;
  for (int k = 0; k < arch->n_readouts; k++) of_last += arch->readout[k].layer == arch->n_layers - 1;
  if (arch->readout[arch->n_readouts - 1].kind == FTL_READOUT_RANDOM)
    return ftl_fail(error, FTL_ERR_INPUT, source->path,
                    "it has random features already, which are trained without random_features");
  if (of_last > 1 || arch->n_readouts == FTL_MAX_LAYERS)
    return ftl_fail(error, FTL_ERR_INPUT, source->path,
                    "it has %d readouts, %d of them of its last layer, and there is no room for random features",
                    arch->n_readouts, of_last);
  return FTL_OK;
}

ftl_status ftl_source_add_random_features(ftl_source *source, int n, const double *spread, double length,
                                          ftl_random *random, ftl_error *error) {
  ftl_architecture *arch = &source->arch;
  const int last = arch->n_layers - 1, k = arch->n_readouts, n_in = ftl_irreps_count(&arch->layer[last].product, 0, 1);
  char note[100];
  FTL_TRY(check_room(source, error));
  double *first = calloc((size_t)n_in * (size_t)n + 1, sizeof *first), *second = calloc((size_t)n, sizeof *second);
  for (int c = 0; first && c < n_in; c++)
    for (int f = 0; f < n; f++) {
      const double normal = ftl_random_normal(random);
      first[c * n + f] = spread[c] > 0 ? normal / (length * spread[c]) : 0;
    }
  ftl_status status = first && second ? add_vector(source, k, "linear_1", (int64_t)n_in * n, first, error)
                                      : ftl_no_memory(error, source->path, "random features");
  if (!status) status = add_vector(source, k, "linear_2", n, second, error);
  free(first);
  free(second);
  FTL_TRY(status);
  arch->readout[arch->n_readouts++] = (ftl_readout){.kind = FTL_READOUT_RANDOM,
                                                    .layer = last,
                                                    .in = arch->layer[last].product,
                                                    .mlp = {1, {{n, 0, 1}}},
                                                    .gate = FTL_ACTIVATION_CAS,
                                                    .gate_cst = 1};
  snprintf(note, sizeof note, "added %d random features", n);
  FTL_TRY(ftl_provenance_note(source, note, error));
  return ftl_source_check(source, error);
}
