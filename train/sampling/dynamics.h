/* Molecular dynamics of one structure in a fixed cell: Langevin dynamics by BAOAB (Leimkuhler and Matthews, 2013),
   which without a thermostat is velocity Verlet.

   Units: Angstrom, eV, fs, u (masses: base/masses.h), K; velocities in Angstrom/fs. */
#ifndef FTL_DYNAMICS_H
#define FTL_DYNAMICS_H

#include "data/dataset.h"
#include "base/arena.h"
#include "base/random.h"

#define FTL_BOLTZMANN    8.617333262e-5 /* eV/K */
#define FTL_ACCELERATION 9.648533212e-3 /* Angstrom/fs^2 of 1 eV/Angstrom on 1 u */

typedef struct {
  /* the caller's */
  const ftl_model *model;
  ftl_workspace *workspace;
  ftl_structure *structure; /* its positions move */
  ftl_random *random;
  double step;        /* fs */
  double relaxation;  /* fs, 1/friction of the thermostat; 0: no thermostat */
  double temperature; /* K */
  int bath;           /* the thermostat acts on atoms 0 .. bath-1 */

  /* of the last evaluation, [n] atoms; owned */
  double energy, virial[6];
  double (*forces)[3];
  double (*velocity)[3];
  double *mass;
  ftl_arena memory; /* of the arrays */
  int *species;     /* private */
  int64_t steps;    /* done */
} ftl_md;

/* Atoms at rest, and the model's answer for them; the members of the caller are set. FTL_ERR_INPUT: an element that the
   model lacks, or what ftl_compute refuses; FTL_ERR_MEMORY. Free it also after a failure. */
ftl_status ftl_md_start(ftl_md *md, ftl_error *error);
void ftl_md_free(ftl_md *md); /* what md owns */

/* Velocities of atoms first .. end-1 from Maxwell's distribution. */
void ftl_md_heat(ftl_md *md, int first, int end, double temperature);
/* Takes the common velocity of atoms first .. end-1 away. */
void ftl_md_stop_drift(ftl_md *md, int first, int end);

/* One step; FTL_ERR_INPUT where ftl_compute refuses the new positions. */
ftl_status ftl_md_step(ftl_md *md, ftl_error *error);

double ftl_md_kinetic(const ftl_md *md, int first, int end);     /* eV */
double ftl_md_temperature(const ftl_md *md, int first, int end); /* 2 kinetic / (3 (end - first) k) */
double ftl_md_largest_force(const ftl_md *md);                   /* eV/Angstrom; NAN if one is not finite */

/* The model's answer for the structure as it is now, without moving it: after someone else moved its atoms. */
ftl_status ftl_md_evaluate(ftl_md *md, ftl_error *error);

/* The largest extrapolation grade of an atom (frozentl.h, section 5); forces stay. FTL_ERR_UNSUPPORTED: the model tells
   none; FTL_ERR_MEMORY; errors of ftl_compute. */
ftl_status ftl_md_grade(ftl_md *md, double *gamma, ftl_error *error);

/* Moves the atoms downhill by FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)) until no force is above
   max_force, eV/Angstrom, or for max_steps; velocities are used up, the atoms rest then. Errors of ftl_compute. */
ftl_status ftl_md_relax(ftl_md *md, double max_force, int max_steps, ftl_error *error);

/* A copy of the structure with energy, forces and, with a volume, stress as labels; the caller's (ftl_structure_free,
   also after a failure). */
ftl_status ftl_md_frame(const ftl_md *md, const char *config_type, ftl_structure *frame, ftl_error *error);

/* A step that the lightest of these atoms allows: 0.5 fs with hydrogen, 1 fs below 40 u, 2 fs for heavier ones. */
double ftl_md_default_step(const ftl_structure *structure);

#endif
