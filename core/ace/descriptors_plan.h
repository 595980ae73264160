/* What descriptors.c makes once and descriptor_sums.c, compiled per instruction set, runs through. */
#ifndef FTL_DESCRIPTORS_PLAN_H
#define FTL_DESCRIPTORS_PLAN_H

#include "base/arena.h"
#include "ace/descriptors.h"

#define FTL_PANEL 4 /* columns of an inverse that are gone through together */

/* A place A_{mu n l m}, m >= 0, in a function. */
typedef struct {
  int label, mu;
} ftl_descriptor_slot;

/* The factor of a term: a slot, or for m < 0 (-1)^m times its conjugate. */
typedef struct {
  int slot;      /* within the function */
  double re, im; /* signs */
} ftl_descriptor_factor;

typedef struct {
  int rank, n_slots, n_terms;
  const ftl_descriptor_slot *slot;     /* [n_slots], those of one mu together */
  const double *c;                     /* [n_terms] */
  const ftl_descriptor_factor *factor; /* [n_terms][rank] */
} ftl_descriptor_function;

/* The build for an instruction set. */
typedef struct {
  void (*sums)(const ftl_descriptors *plan, ftl_descriptor_scratch *scratch, int mu, bool derivatives);
  /* after A is there: values, sums and their slopes */
  void (*combine)(const ftl_descriptors *plan, ftl_descriptor_scratch *scratch, int mu, int n, const double *weight,
                  bool derivatives);
  ftl_grade *grade;
} ftl_descriptor_build;

struct ftl_descriptors {
  const ftl_ace_file *file;
  int n_species, lmax, n_base, n_radial;
  int n_lm;     /* (lmax + 1)(lmax + 2)/2: m >= 0 */
  int n_labels; /* of one species: l = 0: n_base, l > 0: n_radial (l + 1) */
  int *label_n, *label_lm;
  int max_functions, max_slots;
  ftl_descriptor_function *function[FTL_MAX_ELEMENTS];
  ftl_descriptor_slot *slot;
  double *c;
  ftl_descriptor_factor *factor;
  const ftl_descriptor_build *build;
};

/* Edges are in lanes, sorted by the neighbour's element; an element's lanes begin at a multiple of 8. */
struct ftl_descriptor_scratch {
  int n_lanes, room;
  int first_lane[FTL_MAX_ELEMENTS + 1];
  int *edge;                   /* [room] */
  double *direction;           /* [3][room] */
  double *vector;              /* [3][room] r_ij; 0 in an empty lane */
  double *inverse;             /* [room] 1/r; 0 in an empty lane */
  double *g, *dg;              /* [n_base][room] */
  double *y;                   /* [n_lm][2][room] */
  double *dy;                  /* [n_lm][2][3][room] gradient by r_ij */
  double *da;                  /* [n_labels][2][3][room]; a species' labels are those of its lanes */
  double *a;                   /* [n_species][n_labels][2] */
  double *adjoint;             /* [max_slots][2] */
  double *value, *slope;       /* [max_functions], [max_functions][3][room] */
  double *total;               /* [max_functions][9] */
  int n_sums, sum_room;        /* what there is room for below */
  double *sum;                 /* [n_sums] */
  double *sum_adjoint;         /* [n_species][n_labels][2][n_sums] */
  double *sum_slope;           /* [n_sums][3][sum_room] */
  ftl_arena atom, lanes, sums; /* memory of what needs no room for lanes, of lanes, of sums */
};

#endif
