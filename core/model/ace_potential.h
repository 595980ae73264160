/* What a .yace file says (PACE potentials; docs/ace.md). */
#ifndef FTL_ACE_FILE_H
#define FTL_ACE_FILE_H

#include <stdint.h>

#include "model/architecture.h"

/* Far above what is published; they bound memory for hostile files. */
#define FTL_ACE_MAX_RANK    8
#define FTL_ACE_MAX_L       16
#define FTL_ACE_MAX_RADIAL  64 /* of R_nl and of g_k */
#define FTL_ACE_MAX_DENSITY 8

/* Of deltaSplineBins, Angstrom, and how many of them a cutoff has at least: what is outside was no one's intention. */
#define FTL_ACE_LEAST_BINS  1e-6
#define FTL_ACE_MOST_BINS   0.1
#define FTL_ACE_FEWEST_BINS 10

typedef enum { FTL_ACE_CHEB_EXP_COS, FTL_ACE_CHEB_POW, FTL_ACE_CHEB_LINEAR, FTL_ACE_SBESSEL } ftl_ace_base_kind;
typedef enum { FTL_ACE_INNER_DENSITY, FTL_ACE_INNER_DISTANCE, FTL_ACE_INNER_ZBL } ftl_ace_inner_kind;

typedef struct {
  ftl_ace_base_kind kind;
  ftl_ace_inner_kind inner_kind;
  double lambda, cutoff, d_cutoff, inner, d_inner;
  double core, core_decay; /* prehc, lambdahc */
  int n_radial, lmax, n_base;
  double *coefficient; /* [n_radial][lmax + 1][n_base]; NULL: the bond is not given */
} ftl_ace_bond;

typedef struct {
  int n_density; /* 0: not given */
  bool shifted;  /* FinnisSinclairShiftedScaled */
  double weight[FTL_ACE_MAX_DENSITY], exponent[FTL_ACE_MAX_DENSITY];
  double core_cutoff, d_core_cutoff;
} ftl_ace_embedding;

typedef struct {
  int rank, n_density, n_m;
  int mu[FTL_ACE_MAX_RANK], n[FTL_ACE_MAX_RANK], l[FTL_ACE_MAX_RANK]; /* n from 0 */
  int *m;                                                             /* [n_m][rank] */
  double *c;                                                          /* [n_m][n_density] */
} ftl_ace_function;

typedef struct {
  int n_elements;
  int atomic_number[FTL_MAX_ELEMENTS];
  double e0[FTL_MAX_ELEMENTS];
  ftl_ace_embedding *embedding; /* [n_elements] */
  ftl_ace_bond *bond;           /* [n_elements][n_elements], central atom first */
  int *n_functions;             /* [n_elements] */
  ftl_ace_function **function;  /* [n_elements][n_functions] */
  double bins;                  /* deltaSplineBins: spacing of the splines' nodes, Angstrom; 0: 0.001 */
  int64_t n_parameters;         /* radial coefficients, ctildes and embedding parameters */
} ftl_ace_file;

/* Complete and consistent on success. Nothing of `data` is kept. */
ftl_status ftl_ace_file_read(const void *data, size_t size, const char *path, ftl_ace_file *file, ftl_error *error);
/* The file at `path` likewise. */
ftl_status ftl_ace_file_open(const char *path, ftl_ace_file *file, ftl_error *error);
void ftl_ace_file_free(ftl_ace_file *file);

#endif
