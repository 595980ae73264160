/* The active set of a surrogate: for each element, as many atoms of the data as there are functions, chosen so that the
   matrix of their functions' values has a large volume (maxvol.h). Written in these atoms, an atom of the data has no
   coefficient much above 1; the largest coefficient of a new atom, gamma, is how far it extrapolates (Lysogorskiy et
   al. 2023). */
#ifndef FTL_ACTIVE_SET_H
#define FTL_ACTIVE_SET_H

#include <signal.h>

#include "model/surrogate.h"
#include "data/dataset.h"

typedef struct {
  double threshold; /* what gamma may be on the data: a little above 1; 0: 1.02 */
  double delta;     /* of directions that the data do not span, in units of a function's root mean square; 0: 1e-2 */
  int max_passes;   /* over the data; 0: 20 */
  int64_t sample_atoms; /* a first, coarse choice is among every k-th structure, about so many atoms; 0: 10000 */
  int threads;
  const volatile sig_atomic_t *stop;                          /* NULL, or set to end: FTL_ERR_ARGUMENT "interrupted" */
  void (*progress)(void *context, double done, double total); /* structures; NULL: none */
  void *context;
} ftl_active_set_options;

typedef struct {
  int64_t atoms[FTL_MAX_ELEMENTS];  /* of the data */
  int chosen[FTL_MAX_ELEMENTS];     /* rows that are atoms; fewer than functions: directions that no atom spans */
  double largest[FTL_MAX_ELEMENTS]; /* gamma on the data */
  int passes;
  int64_t swaps;
} ftl_active_set_report;

/* Sets surrogate->active from the atoms of the data, the same on any number of threads. Passes over all atoms go on
   until none is above the threshold, or there were max_passes. Memory: for each element of n functions 3 n^2 numbers,
   blocks of a few thousand atoms, and the functions of all atoms where these are within 1 GiB (otherwise each pass
   computes them again). report may be NULL. FTL_ERR_INPUT as ftl_design_fill, or without atoms; FTL_ERR_MEMORY. */
ftl_status ftl_active_set_make(ftl_surrogate *surrogate, const ftl_dataset *data, const ftl_active_set_options *options,
                               ftl_active_set_report *report, ftl_error *error);

#endif
