/* The basis of a linear atomic cluster expansion: which products of A, coupled to invariants, an element's energy is
   expanded in. Functions have the form of PACE (docs/ace.md), so that a fit can be written as `.yace`. */
#ifndef FTL_BASIS_H
#define FTL_BASIS_H

#include "model/surrogate.h"

enum { FTL_BASIS_MAX_RANK = 5, FTL_BASIS_MAX_PAIRS = 64 };

/* Bounds on the factors of a function by its rank (body order less one), index rank - 1. */
typedef struct {
  int n[FTL_BASIS_MAX_RANK]; /* radial functions; 0: no function of this rank */
  int l[FTL_BASIS_MAX_RANK]; /* largest l; l[0] is 0 */
} ftl_basis_bounds;

/* Other bounds for functions of exactly these elements, the centre's included; the first block that fits counts. */
typedef struct {
  int centre; /* atomic number; 0: any */
  int n_elements;
  int elements[FTL_MAX_ELEMENTS]; /* atomic numbers */
  ftl_basis_bounds bounds;
} ftl_basis_block;

typedef struct {
  int element[2]; /* atomic numbers, in either order */
  double cutoff;  /* Angstrom */
} ftl_basis_pair;

typedef struct {
  int n_elements;
  int elements[FTL_MAX_ELEMENTS]; /* atomic numbers */
  ftl_basis_bounds bounds;
  int n_blocks;
  const ftl_basis_block *block;
  double degree; /* largest sum over factors of n + degree_l l, n from 1; 0: any */
  double degree_l;
  int max_species; /* different neighbour elements in one function; 0: any */
  ftl_ace_base_kind radial;
  double lambda, cutoff, d_cutoff; /* of every pair, Angstrom */
  int n_pairs;                     /* with another cutoff */
  ftl_basis_pair pair[FTL_BASIS_MAX_PAIRS];
  int64_t max_functions; /* FTL_ERR_INPUT says how many there would be, or that it is over 20 times as many */
} ftl_basis_options;

/* A surrogate with functions and without coefficients (NULL); inner cutoffs are 0, E0 are 0. FTL_ERR_INPUT for options
   that cannot be; FTL_ERR_MEMORY. */
ftl_status ftl_basis_make(const ftl_basis_options *options, ftl_surrogate *surrogate, ftl_error *error);

/* Pairs become repulsive below inner[i * n + j] (i, j as the surrogate's elements, symmetric): PACE's `zbl`, in full
   at inner - width. No structure of a fit may have a shorter distance. */
void ftl_basis_set_inner(ftl_surrogate *surrogate, const double *inner, double width);

/* How unsmooth a function is, at least 1 (docs/theory.md, eq. 27): 1 + sum over its factors of (weight_n n^p + weight_l
 * l^p), n from 0. */
double ftl_basis_roughness(const ftl_ace_function *function, double p, double weight_n, double weight_l);
/* What a coefficient is larger by where harmonics have squares that integrate to 1, like g_n, not to 4 pi as here. */
double ftl_basis_scale(const ftl_ace_function *function);

#endif
