/* Shared by solve.c and ard.c. */
#ifndef FTL_SOLVE_INTERNAL_H
#define FTL_SOLVE_INTERNAL_H

#include "surrogate/solve.h"

/* penalty[n]: roughness times scale; unknowns are c penalty. */
ftl_status ftl_solve_ard(const ftl_triangle *all, const double *penalty, const ftl_solve_options *options,
                         ftl_solution *solution, ftl_error *error);

#endif
