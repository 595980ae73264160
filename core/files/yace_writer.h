/* Potentials as `.yace`, for LAMMPS's `pair_style pace` and other readers of PACE's form. */
#ifndef FTL_YACE_WRITER_H
#define FTL_YACE_WRITER_H

#include <stdio.h>

#include "model/ace_potential.h"

/* Writes every number so that ftl_ace_file_read returns the same bits. spline_bins is `deltaSplineBins`, the spacing of
   ML-PACE's radial splines in Angstrom. `metadata` is a JSON object on one line (YAML reads it), which other readers
   skip; NULL: none. FTL_ERR_INPUT for a spline_bins that ftl_ace_file_read refuses; FTL_ERR_IO. */
ftl_status ftl_ace_file_write(const ftl_ace_file *file, double spline_bins, const char *metadata, FILE *stream,
                              ftl_error *error);

#endif
