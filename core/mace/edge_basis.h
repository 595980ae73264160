/* What a radial network sees of an edge's length: distance transform, basis functions, cutoff, as a model has them. For
   the tables of inference and for the trainer's sweeps. */
#ifndef FTL_EDGE_BASIS_H
#define FTL_EDGE_BASIS_H

#include "model/architecture.h"

#define FTL_BESSEL_WEIGHTS "radial_embedding.bessel_fn.bessel_weights"

typedef struct {
  ftl_radial_kind kind;
  int n;
  double *weight;   /* [n] Bessel frequencies or Gaussian centres, owned; NULL for Chebyshev */
  double prefactor; /* Bessel */
  double gaussian_coefficient;
  ftl_transform_kind transform;
  double q, p, a, alpha;   /* Agnesi q p a; Soft alpha */
  double *covalent_radius; /* [n_elements] Angstrom, owned; NULL without a transform */
  ftl_cutoff_kind cutoff_kind;
  double cutoff, cutoff_p, r_on; /* the exponent of the polynomial, or where XPLOR begins */
  bool apply_cutoff; /* the basis functions are multiplied with the cutoff; else what the network makes is */
} ftl_edge_basis;

/* FTL_ERR_FORMAT names a tensor that is absent. ftl_edge_basis_free also after a failure. */
ftl_status ftl_edge_basis_make(const ftl_source *source, ftl_edge_basis *basis, ftl_error *error);
void ftl_edge_basis_free(ftl_edge_basis *basis);

/* The n basis functions at r between elements i and j (indices of the architecture), and their derivatives by r.
   Returns what multiplies the network's output, with its derivative. */
double ftl_edge_basis_at(const ftl_edge_basis *basis, int i, int j, double r, double *value, double *derivative,
                         double *factor_derivative);
/* Of a Bessel basis: the derivatives of the functions by their weights, and of their derivatives by r. */
void ftl_edge_basis_by_weight(const ftl_edge_basis *basis, int i, int j, double r, double *value, double *derivative);

#endif
