/* Whether two structures are the same up to the order of atoms, lattice translations and a shift of all of them. Of
   cells with more than 600 atoms of their rarest element not all shifts are tried (same.c, EFFORT). */
#ifndef FTL_SAME_H
#define FTL_SAME_H

#include "data/dataset.h"

/* Positions and cells agree to this, Angstrom: a file with six digits is the same. */
#define FTL_SAME_TOLERANCE 3e-6

/* What structures are looked up by: equal hashes and projections that differ by no more than the window, for structures
   that are the same. */
typedef struct {
  uint64_t hash;             /* of pbc and elements */
  double projection, window; /* a number that changes smoothly with cell and positions */
} ftl_fingerprint;

ftl_fingerprint ftl_same_fingerprint(const ftl_structure *structure);

/* Room for the coordinates of two structures, and which atom of b is atom i of a. Zero-initialise; free each. */
typedef struct {
  size_t room;
  double (*a)[3], (*b)[3];
  int *image;
} ftl_same_work;

/* FTL_ERR_MEMORY. *same: pbc, cell, elements and positions agree; work->image[n] is then set. */
ftl_status ftl_same(const ftl_structure *a, const ftl_structure *b, ftl_same_work *work, bool *same, ftl_error *error);
void ftl_same_work_free(ftl_same_work *work);

#endif
