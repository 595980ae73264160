/* Energies per atom as a linear function of the composition, robustly: what is left shows which energies are unlike the
   others. Least absolute deviations, so that one impossible energy moves nothing else. */
#ifndef FTL_COMPOSITION_H
#define FTL_COMPOSITION_H

#include "frozentl.h"

#include <stdint.h>

/* Compositions of structures: fractions of elements. Owned; zero-initialise. */
typedef struct {
  int64_t n;        /* structures */
  int n_elements;   /* that occur */
  int element[119]; /* [n_elements] atomic numbers */
  int column[119];  /* of an atomic number, from 1; 0: it does not occur */
  int64_t *first;   /* [n + 1] where a structure's fractions begin */
  int *at;          /* column of a fraction, from 0 */
  double *fraction;
  size_t first_room, at_room, fraction_room; /* private */
} ftl_compositions;

/* FTL_ERR_MEMORY. */
ftl_status ftl_compositions_add(ftl_compositions *compositions, int n, const int *atomic_number, ftl_error *error);
void ftl_compositions_free(ftl_compositions *compositions);

/* left[n] = y - sum of fractions times e, for the e that makes sum |left| least. y must be finite. FTL_ERR_MEMORY. */
ftl_status ftl_compositions_fit(const ftl_compositions *compositions, const double *y, double *left, ftl_error *error);

/* The median of x[n]; 0 when there are none. x is put in order. */
double ftl_median(double *x, int64_t n);
/* Median of |x - centre| times 1.4826: the standard deviation of normal numbers. `work` has room for n. */
double ftl_robust_deviation(const double *x, int64_t n, double centre, double *work);

/* Mean of the smaller nine tenths of |x|: a size that a second group of numbers shows in, and a few impossible ones do
   not. `work` has room for n. */
double ftl_trimmed_size(const double *x, int64_t n, double *work);

#endif
