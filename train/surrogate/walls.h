/* What a fitted potential does where atoms come nearer than in its data. Its own energies end a little within that, and
   its core repulsion takes over; what lies between can be a hole into which atoms fall in long dynamics, though no
   error on any structure tells of it. */
#ifndef FTL_SURROGATE_WALLS_H
#define FTL_SURROGATE_WALLS_H

#include "model/surrogate.h"
#include "surrogate/distances.h"

/* The nearest pair of two elements, pushed together where it is, all other atoms staying, until its own energy is gone.
 */
typedef struct {
  int mu, nu;  /* of the surrogate's elements, mu <= nu */
  double from; /* Angstrom: where the data end */
  double rim;  /* eV: how much the energy rises from there */
  double fall; /* eV: how much it falls behind that; 0: nowhere */
  double at;   /* Angstrom: where it is lowest behind the rim, or ends */
} ftl_wall;

/* Falls of less mean nothing, and rims that are higher are hardly ever crossed: at 1500 K once in a million ns a pair.
 */
#define FTL_HOLE_FALL 0.5 /* eV */
#define FTL_HOLE_RIM  3.0

/* Walls of all pairs that nearest[n_elements][n_elements] knows; wall has room for n (n + 1) / 2, and *n_walls are
   there. Errors of ftl_compute; FTL_ERR_MEMORY. */
ftl_status ftl_walls_scan(const ftl_surrogate *surrogate, const ftl_nearest *nearest, ftl_wall *wall, int *n_walls,
                          ftl_error *error);
bool ftl_wall_is_hole(const ftl_wall *wall);

#endif
