/* Pictures of training runs as SVG (docs/plots.md). The files they are made of are described in tune/log.h.

   Each function reads a CSV file, writes one whole picture to `svg` and leaves the stream open; whether all of it was
   written is the caller's to check. A set without numbers gives axes that say so. Errors: FTL_ERR_IO when the file
   cannot be read, FTL_ERR_FORMAT with "FILE, line L" when it is not what it should be, FTL_ERR_MEMORY. */
#ifndef FTL_PLOT_H
#define FTL_PLOT_H

#include <stdio.h>

#include "frozentl.h"

/* Loss, learning rate and errors on valid by epoch, from log.csv. */
ftl_status ftl_plot_history(const char *log, const char *title, FILE *svg, ftl_error *error);
/* Predicted against reference energies per atom, force components and stresses, from predictions-SET.csv: with RMSE,
   MAE and a histogram of the errors. Points that fall on one another are drawn once, darker the more they are. */
ftl_status ftl_plot_parity(const char *predictions, const char *title, FILE *svg, ftl_error *error);
/* RMSE by config_type, a bar per set, from errors.csv. */
ftl_status ftl_plot_errors(const char *errors, const char *title, FILE *svg, ftl_error *error);
/* Error against size of the training set from a table with the columns mode, fraction (0 to 1) or structures,
   energy_rmse_meV_atom, force_rmse_meV_A and, where points were repeated, seed; others are ignored. A mode's points are
   means over its seeds, with bars from the lowest to the highest. */
ftl_status ftl_plot_curve(const char *table, const char *title, FILE *svg, ftl_error *error);

#endif
