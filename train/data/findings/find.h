/* The searches that data/checks.h runs: each adds to the findings of one set. They look at labels alone; what a model
   answers is in data/findings/compare.h. Errors: FTL_ERR_MEMORY, and what building neighbour lists refuses. */
#ifndef FTL_FIND_H
#define FTL_FIND_H

#include "data/dataset.h"
#include "data/findings/findings.h"

/* Structures that their config_type calls isolated, and that are not. `isolated` are those that were set aside. */
ftl_status ftl_find_isolated(const char *name, const ftl_dataset *dataset, double cutoff, ftl_findings *findings,
                             ftl_error *error);
/* Energies of isolated atoms that contradict each other, or that the energies of structures do not belong to. */
ftl_status ftl_find_atom_energies(const char *name, const ftl_dataset *dataset, const ftl_dataset *isolated,
                                  double cutoff, ftl_findings *findings, ftl_error *error);
/* The same for E0 that are given, of n elements. */
ftl_status ftl_find_given_energies(const char *name, const ftl_dataset *dataset, int n, const int *atomic_number,
                                   const double *e0, ftl_findings *findings, ftl_error *error);
/* Energies that are far from those of the other structures, or per atom instead of in total. */
ftl_status ftl_find_energies(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error);
/* Energies of `other` that have another zero than those of `dataset`. */
ftl_status ftl_find_other_energies(const char *name, const ftl_dataset *dataset, const char *other_name,
                                   const ftl_dataset *other, ftl_findings *findings, ftl_error *error);
/* Forces that are zero (of all atoms, or of some), and that do not add up to zero. */
ftl_status ftl_find_forces(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error);
/* Stresses of no matter, and such that contradict the virial of their frame. */
ftl_status ftl_find_stress(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error);
/* Energies that do not change as forces and stresses say, by a unit or a sign. Time n log n: of many structures of the
   same atoms a part is looked at. */
ftl_status ftl_find_work(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error);
/* Atoms that are too close, and coordinates in another unit. */
ftl_status ftl_find_geometry(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error);

/* Length of the longest force; 0 without forces. */
double ftl_largest_force(const ftl_structure *structure);
/* Largest component of a 3x3 matrix. */
double ftl_largest_component(const double matrix[3][3]);

/* The structure of the largest measure so far, and how many there are. Zero-initialise. */
typedef struct {
  int64_t count;
  double measure;
  const ftl_structure *structure;
} ftl_worst;

void ftl_worst_add(ftl_worst *worst, const ftl_structure *structure, double measure);
/* "FILE, line L, frame F" of the worst one. */
void ftl_worst_where(const ftl_worst *worst, char where[256]);

#endif
