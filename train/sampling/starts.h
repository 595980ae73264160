/* Structures that sampling starts from, beside those of extended XYZ files (ftl_dataset_read): generated crystals,
   pairs of atoms and LAMMPS data files. Each adds one structure to a dataset (which may be zero), and it belongs to the
   dataset. */
#ifndef FTL_STARTS_H
#define FTL_STARTS_H

#include "data/dataset.h"

typedef struct {
  const char *name; /* "sc", "bcc", "fcc", "diamond": the cubic cell; "hcp": the hexagonal one, of two atoms */
  double a, c;      /* Angstrom; c of hcp only, 0: the ideal sqrt(8/3) a */
  int n_elements;
  const int *element;     /* [n_elements] atomic numbers */
  const double *fraction; /* [n_elements] of an alloy, in any unit; NULL: equal. Counts are rounded to it, and atoms
                             take their places at random */
  int repeat[3];          /* of the cell, each at least 1 */
  uint64_t seed;          /* of an alloy's places */
} ftl_crystal;

/* FTL_ERR_INPUT: an unknown name, a constant that is not positive, no elements, fractions that are not positive. */
ftl_status ftl_starts_add_crystal(const ftl_crystal *crystal, ftl_dataset *starts, ftl_error *error);

/* Two atoms in empty space, such as an approach (sampling/sampling.h) pushes together: `distance`, in Angstrom, must be
   within the model's cutoff for that. FTL_ERR_INPUT: no elements, or a distance that is not positive. */
ftl_status ftl_starts_add_pair(const int element[2], double distance, ftl_dataset *starts, ftl_error *error);

/* A data file of LAMMPS, atom_style atomic, units of Angstrom: header (atoms, atom types, the box, tilts), Masses,
   Atoms and Velocities, of which only types and positions are taken; image flags may be there. element[n_elements] are
   the atomic numbers of types 1, 2, ... The structure is periodic in three directions. FTL_ERR_IO; FTL_ERR_FORMAT with
   "FILE, line L": anything else in the file, a number that is none, atoms missing, twice or too many;
   FTL_ERR_INPUT: the file has not as many types as elements are given. */
ftl_status ftl_starts_read_lammps(const char *path, const int *element, int n_elements, ftl_dataset *starts,
                                  ftl_error *error);

/* A dump of LAMMPS (`dump custom` or `atom`), all of its snapshots, in order: columns element, or type with element[]
   of types 1, 2, ...; x y z, xu yu zu, xs ys zs or xsu ysu zsu; atoms ordered by id where there is one. Units of
   Angstrom. `frame` of a structure is its place in the file. FTL_ERR_IO; FTL_ERR_FORMAT with "FILE, line L": what is no
   such dump, a box that is not written by bounds and tilts, a column that is missing; FTL_ERR_INPUT: types without
   elements, or a type beyond them. */
ftl_status ftl_starts_read_dump(const char *path, const int *element, int n_elements, ftl_dataset *structures,
                                ftl_error *error);
/* The file begins as a dump does. */
bool ftl_starts_is_dump(const char *path);

#endif
