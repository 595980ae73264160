/* A molecule above a slab. */
#ifndef FTL_LAUNCH_H
#define FTL_LAUNCH_H

#include "sampling/dynamics.h"
#include "sampling/sampling.h"

typedef struct {
  int n, first;          /* its atoms are first .. first + n - 1 */
  double ceiling, floor; /* heights along the normal beyond which it has left */
  double velocity[2][3]; /* [n] Angstrom/fs */
} ftl_launch;

/* Adds the molecule to the slab: at its height above the highest atom, anywhere over the cell, in any orientation.
   FTL_ERR_MEMORY. */
ftl_status ftl_launch_place(const ftl_sampling_molecule *molecule, ftl_structure *slab, ftl_random *random,
                            ftl_launch *launch, ftl_error *error);

/* All its atoms are above the ceiling, or, through the slab, below the floor. */
bool ftl_launch_left(const ftl_launch *launch, const ftl_md *md);

#endif
