#include "sampling/launch.h"

#include <math.h>
#include <string.h>

#include "base/masses.h"
#include "sampling/structures.h"
#include "base/error.h"

#define MARGIN 1.0 /* Angstrom above the height of the launch */

static double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/* Three unit vectors at right angles, all directions equally likely. */
static void random_frame(ftl_random *random, double e[3][3]) {
  for (int a = 0; a < 2; a++) {
    double length;
    do {
      for (int c = 0; c < 3; c++) e[a][c] = ftl_random_normal(random);
      const double along = a ? dot(e[1], e[0]) : 0;
      for (int c = 0; a && c < 3; c++) e[1][c] -= along * e[0][c];
      length = sqrt(dot(e[a], e[a]));
    } while (length < 1e-3);
    for (int c = 0; c < 3; c++) e[a][c] /= length;
  }
  for (int c = 0; c < 3; c++) e[2][c] = e[0][(c + 1) % 3] * e[1][(c + 2) % 3] - e[0][(c + 2) % 3] * e[1][(c + 1) % 3];
}

/* Of the second atom against the first: kT in the vibration, all of it kinetic, and kT/2 in each rotation. */
static void internal_velocity(double temperature, double reduced_mass, double e[3][3], ftl_random *random,
                              double relative[3]) {
  const double width = sqrt(FTL_BOLTZMANN * temperature * FTL_ACCELERATION / reduced_mass);
  for (int a = 0; a < 3; a++) {
    const double v = width * (a == 0 ? sqrt(2) : 1) * ftl_random_normal(random);
    for (int c = 0; c < 3; c++) relative[c] += v * e[a][c];
  }
}

static void centre_above(const ftl_sampling_molecule *molecule, const ftl_structure *slab, double top,
                         const double normal[3], ftl_random *random, double centre[3]) {
  const double u = ftl_random_uniform(random), v = ftl_random_uniform(random);
  for (int c = 0; c < 3; c++) centre[c] = u * slab->cell[0][c] + v * slab->cell[1][c];
  const double lift = top + molecule->height - dot(centre, normal);
  for (int c = 0; c < 3; c++) centre[c] += lift * normal[c];
}

static double bottom_of(const ftl_structure *slab, const double normal[3]) {
  double bottom = INFINITY;
  for (int i = 0; i < slab->n; i++) bottom = fmin(bottom, dot(slab->position[i], normal));
  return bottom;
}

static ftl_status append(const ftl_structure *slab, int more, ftl_structure *made, ftl_error *error) {
  ftl_structure old = *slab;
  FTL_TRY(ftl_structure_new(slab->n + more, slab->path, made, error));
  memcpy(made->atomic_number, old.atomic_number, (size_t)old.n * sizeof *old.atomic_number);
  memcpy(made->position, old.position, (size_t)old.n * sizeof *old.position);
  memcpy(made->cell, old.cell, sizeof old.cell);
  memcpy(made->pbc, old.pbc, sizeof old.pbc);
  made->has_cell = old.has_cell;
  made->volume = old.volume;
  made->frame = old.frame;
  made->line = old.line;
  return FTL_OK;
}

ftl_status ftl_launch_place(const ftl_sampling_molecule *molecule, ftl_structure *slab, ftl_random *random,
                            ftl_launch *launch, ftl_error *error) {
  const int n = molecule->n;
  double normal[3], centre[3], e[3][3], relative[3] = {0}, mass[2] = {0}, total = 0;
  ftl_structure made;
  *launch = (ftl_launch){.n = n, .first = slab->n};
  ftl_status status = append(slab, n, &made, error);
  if (!status) {
    const double top = ftl_structure_top(slab, slab->n);
    ftl_structure_normal(slab, normal);
    const double far = molecule->height + MARGIN + (n == 2 ? molecule->bond : 0);
    launch->ceiling = top + far;
    launch->floor = bottom_of(slab, normal) - far;
    centre_above(molecule, slab, top, normal, random, centre);
    random_frame(random, e);
    for (int i = 0; i < n; i++) total += mass[i] = ftl_atomic_weight(molecule->element[i]);
    if (n == 2) internal_velocity(molecule->temperature, mass[0] * mass[1] / total, e, random, relative);
    const double speed = sqrt(2 * molecule->energy * FTL_ACCELERATION / total);
    for (int i = 0; i < n; i++) {
      const double share = n == 1 ? 0 : i == 0 ? -mass[1] / total : mass[0] / total; /* of the distance */
      made.atomic_number[launch->first + i] = molecule->element[i];
      for (int c = 0; c < 3; c++) {
        made.position[launch->first + i][c] = centre[c] + share * molecule->bond * e[0][c];
        launch->velocity[i][c] = -speed * normal[c] + share * relative[c];
      }
    }
  }
  ftl_structure_replace(slab, &made);
  return status;
}

bool ftl_launch_left(const ftl_launch *launch, const ftl_md *md) {
  double normal[3];
  int above = 0, below = 0;
  ftl_structure_normal(md->structure, normal);
  for (int i = 0; i < launch->n; i++) {
    const double height = dot(md->structure->position[launch->first + i], normal);
    above += height > launch->ceiling;
    below += height < launch->floor;
  }
  return above == launch->n || below == launch->n;
}
