/* Products of A as a quadratic form of coupled products, for functions that do not change under rotations (docs/ace.md,
   "Coupled products"): what is made at opening. */
#ifndef FTL_ACE_COUPLED_H
#define FTL_ACE_COUPLED_H

#include "base/arena.h"
#include "model/ace_potential.h"

struct ftl_ace;

/* Real components of A and of coupled products: (A_l0, sqrt(2) Re A_l1, sqrt(2) Im A_l1, sqrt(2) Re A_l2, ...). A
   coupled product of x and y is z_r = sum over terms of row r of c x_a y_b. */
typedef struct {
  int a, b;
} ftl_ace_coupling_term;

typedef struct {
  int n_rows, first[2 * FTL_ACE_MAX_L + 2]; /* [n_rows + 1] */
  ftl_ace_coupling_term *term;
  double *c;
} ftl_ace_coupling;

/* z from x and y; the adjoint of x from those of z and y; the adjoint of y from those of z and x. */
enum { FTL_ACE_TO_PRODUCT, FTL_ACE_TO_FIRST, FTL_ACE_TO_SECOND, FTL_ACE_DIRECTIONS };
typedef struct {
  ftl_ace_coupling way[FTL_ACE_DIRECTIONS];
} ftl_ace_coupling_kind;

enum { FTL_ACE_BATCH = 4 };

/* Places of numbers, in atoms' blocks (ftl_ace_coupled.n_places): products of one kind, computed together. */
typedef struct {
  bool shared; /* x is the same for all */
  int kind, n, x[FTL_ACE_BATCH], y[FTL_ACE_BATCH], z[FTL_ACE_BATCH];
} ftl_ace_coupling_batch;

/* The part of the quadratic form that belongs to one product or channel x at `place`: sum over n others y of c x y. */
typedef struct {
  int place, n_components, n;
} ftl_ace_form_row;

/* A[entry + stride * component] as components at `place`. */
typedef struct {
  int entry, l, place;
} ftl_ace_channel;

/* What kernels go through for one element and set of neighbours' elements: channels in, products in the order of their
   dependence, then the form: density p is  1/2 sum over x of x . sum over y of c_p y  + sum over `alone` of c_p A. */
typedef struct {
  int n_places, n_channels, n_batches, n_rows, n_alone;
  ftl_ace_channel *channel;
  ftl_ace_coupling_batch *batch;
  ftl_ace_form_row *row;
  int *other;      /* place of y; those of a row are consecutive */
  double *c;       /* [other][n_density] */
  int *alone;      /* channel's first place */
  double *alone_c; /* [n_alone][n_density] */
  ftl_arena memory;
} ftl_ace_coupled;

/* An element's functions as products, before it is known which neighbours there are. */
typedef struct ftl_ace_plan ftl_ace_plan;

/* *plan is NULL if a function changes under rotations or is too large to be tested for that: such elements are
   evaluated by their products one by one (ftl_ace_program). Kinds are those of `ace`, and grow. */
ftl_status ftl_ace_plan_make(struct ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                             ftl_ace_plan **plan, ftl_error *error);
/* For neighbours of the elements in `set`, bit z for element z. */
ftl_status ftl_ace_coupled_make(const struct ftl_ace *ace, const ftl_ace_plan *plan, unsigned set,
                                ftl_ace_coupled *coupled, ftl_error *error);
void ftl_ace_plan_free(ftl_ace_plan *plan);

/* ---- kinds: couplings (l1, l2) -> l, each once ---- */

typedef struct {
  int n, *of; /* of[l1][l2][l], each up to FTL_WIGNER_MAX_L: -1 or the kind */
  ftl_ace_coupling_kind *kind;
} ftl_ace_couplings;

/* Made if need be; |l1 - l2| <= l <= l1 + l2, all up to FTL_WIGNER_MAX_L. -1: no memory. */
int ftl_ace_coupling_of(ftl_ace_couplings *couplings, int l1, int l2, int l);
void ftl_ace_couplings_free(ftl_ace_couplings *couplings);

#endif
