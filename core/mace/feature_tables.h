/* Between the files that make a layer's radial parts: the tables of the radial network's features, and who turns them
   into what the stages read. */
#ifndef FTL_FEATURE_TABLES_H
#define FTL_FEATURE_TABLES_H

#include "math/piecewise.h"
#include "mace/radial_functions.h"

/* The features of every pair class as piecewise polynomials, before any weights. */
typedef struct {
  double *coefficients; /* [cell, of all classes][k][feature] */
} ftl_feature_tables;

/* Later layers have tables of weights for each class of pairs: FTL_ERR_MEMORY when they are more than the machine's
   memory, before hours of making them. */
ftl_status ftl_feature_tables_check_room(const ftl_model *model, const char *path, ftl_error *error);
/* Chooses the cells of every class and fits the features, and the density where there is one:
   density[cell][k], NULL otherwise. The grid's arrays and both tables are the caller's, also after a failure.
   FTL_ERR_MEMORY; FTL_ERR_UNSUPPORTED: functions that turn too quickly. */
ftl_status ftl_feature_tables_fit(const ftl_model *model, const ftl_radial *radial, ftl_grid *grid, double **density,
                                  ftl_feature_tables *tables, ftl_error *error);
void ftl_grid_free(ftl_grid *grid);

/* The message's linear (mid -> message) as dense matrices [species or 1][path][mul_in][mul_out], with a non-residual
   block's skip_tp and the average number of neighbours folded in. *n_species is 0 when one set serves all; *dense is
   the caller's, also after a failure. */
ftl_status ftl_message_linear(const ftl_model *model, const ftl_source *source, int t, const ftl_irreps *mid,
                              const ftl_irreps *message, ftl_linear *linear, double **dense, int *n_species,
                              ftl_error *error);

/* From the tables to layer 0's, element by element (docs/theory.md, eq. 12), and to a later layer's convolution. */
ftl_status ftl_prepare_first(ftl_model *model, const ftl_source *source, const ftl_radial *radial,
                             const ftl_feature_tables *tables, const ftl_irreps *message, ftl_error *error);
ftl_status ftl_prepare_conv(ftl_model *model, const ftl_source *source, int t, const ftl_radial *radial,
                            const ftl_feature_tables *tables, const ftl_irreps *message, ftl_error *error);

#endif
