/* The linear least-squares fit of a surrogate: equations of all structures, in blocks, then a solver. */
#ifndef FTL_FIT_H
#define FTL_FIT_H

#include <signal.h>

#include "data/dataset.h"
#include "surrogate/basis.h"
#include "surrogate/solve.h"

/* How large coefficients are expected to be, but for smoothness: as the inverse of their function's root mean square in
   the equations, or all alike (ftl_basis_scale). */
typedef enum { FTL_SCALE_DATA, FTL_SCALE_FIXED, FTL_N_SCALES } ftl_prior_scale;

typedef struct {
  /* an error of 1 eV/atom in energy counts `energy` sqrt(n), of 1 eV/Angstrom in a force component `forces`, of 1 eV in
     a virial component `stress` / sqrt(n), n the number of atoms; a structure's own weights multiply the squares */
  double energy, forces, stress;
  double atoms;                            /* of 1 eV in the energy of a single atom (ftl_structure.atom_energy) */
  double smooth_power, smooth_n, smooth_l; /* ftl_basis_roughness */
  ftl_prior_scale scale;                   /* of evidence and CV; `solve.scale` is set by it */
  bool free_e0;                            /* file.e0 are unknowns too, without a prior, and change */
  int folds;                               /* of CV; structures are dealt by `solve.seed` */
  ftl_solve_options solve;
  int threads;
  const volatile sig_atomic_t *stop;                          /* NULL, or set to end: FTL_ERR_ARGUMENT "interrupted" */
  void (*progress)(void *context, double done, double total); /* structures; NULL: none */
  void *context;
} ftl_fit_options;

/* Equations of all structures. */
int64_t ftl_fit_equations(const ftl_dataset *data);
/* Bytes that a fit of n functions needs besides the data. */
size_t ftl_fit_bytes(int n, const ftl_fit_options *options);
/* FTL_ERR_MEMORY when fewer are free; ftl_fit_surrogate checks it too. */
ftl_status ftl_fit_check_memory(int n, const ftl_fit_options *options, ftl_error *error);

/* Sets the surrogate's coefficients and committee; file.e0 must be set, and there is no second density. *solution is
   the caller's. FTL_ERR_INPUT: as ftl_design_fill, no labels. FTL_ERR_MEMORY, which is said before anything is computed
   where it is foreseen. With several ranks each takes its share of structures and all get the same. */
ftl_status ftl_fit_surrogate(ftl_surrogate *surrogate, const ftl_dataset *data, const ftl_fit_options *options,
                             ftl_solution *solution, ftl_error *error);

/* The weighted equations alone; with a second density those at the coefficients that are there (surrogate/design.h). */
ftl_status ftl_fit_triangle(const ftl_surrogate *surrogate, const ftl_dataset *data, const ftl_fit_options *options,
                            ftl_triangle *triangle, ftl_error *error);

/* Root mean square errors on labelled structures, and of the committee's spread there. */
typedef struct {
  int64_t n[3];
  double rmse[3];   /* energy per atom (eV), force components (eV/Angstrom), virial per atom (eV) */
  double spread[2]; /* root mean square standard deviation of the committee: energy per atom, force components */
} ftl_fit_errors;
/* Adds to `table`, by config_type. */
ftl_status ftl_fit_measure(const ftl_surrogate *surrogate, const ftl_dataset *data, int threads, ftl_fit_errors *errors,
                           ftl_error_table *table, ftl_error *error);

#endif
