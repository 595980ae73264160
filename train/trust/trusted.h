/* A model with a trust on structures: what its atoms' energies are linear in, and its errors beside those it expects.
 */
#ifndef FTL_TRUSTED_H
#define FTL_TRUSTED_H

#include "data/calibration.h"
#include "data/dataset.h"
#include "model/trust.h"

/* The source, prepared, with its trust (which stays the source's); one thread's. */
typedef struct {
  ftl_model *model;
  ftl_workspace *workspace;
  int n; /* features */
  int room;
  int *species;
  double *forces, *force_deviation, *energy_deviation, *extrapolation;
} ftl_trusted;

/* `threads` 0: all. FTL_ERR_MEMORY and as ftl_model_open. */
ftl_status ftl_trusted_open(ftl_source *source, int threads, ftl_trusted *trusted, ftl_error *error);
void ftl_trusted_close(ftl_source *source, ftl_trusted *trusted);

/* The features of all atoms, [n][trusted->n], until the next call. */
ftl_status ftl_trusted_features(ftl_trusted *trusted, const ftl_structure *structure, const double **feature,
                                ftl_error *error);
/* Adds a structure's errors, where it has labels: of the energy divided by its atoms; of forces. */
ftl_status ftl_trusted_errors(ftl_trusted *trusted, const ftl_structure *structure, ftl_calibration *energy,
                              ftl_calibration *forces, ftl_error *error);

#endif
