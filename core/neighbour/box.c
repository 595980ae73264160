#include "neighbour/box.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

#define MIN_SINE 1e-8 /* volume over the product of the lengths of the cell vectors */

static void cross(const double a[3], const double b[3], double c[3]) {
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

static void normalise(double a[3]) {
  double length = sqrt(ftl_dot(a, a));
  for (int k = 0; k < 3; k++) a[k] /= length;
}

/* Replaces the vectors of directions that are not periodic by unit vectors orthogonal to the periodic ones. */
static void complete(ftl_box *b) {
  int free_axis[3], n_free = 0, kept[3], n_kept = 0;
  for (int a = 0; a < 3; a++) {
    if (b->periodic[a]) kept[n_kept++] = a;
    else free_axis[n_free++] = a;
  }
  if (n_free == 3) {
    memset(b->vector, 0, sizeof b->vector);
    for (int a = 0; a < 3; a++) b->vector[a][a] = 1;
  } else if (n_free == 2) {
    /* any vector that is far from the periodic one will do: the unit vector of its smallest component */
    const double *v = b->vector[kept[0]];
    int smallest = 0;
    for (int k = 1; k < 3; k++)
      if (fabs(v[k]) < fabs(v[smallest])) smallest = k;
    double unit[3] = {0, 0, 0};
    unit[smallest] = 1;
    cross(v, unit, b->vector[free_axis[0]]);
    normalise(b->vector[free_axis[0]]);
    cross(v, b->vector[free_axis[0]], b->vector[free_axis[1]]);
    normalise(b->vector[free_axis[1]]);
  } else if (n_free == 1) {
    cross(b->vector[kept[0]], b->vector[kept[1]], b->vector[free_axis[0]]);
    normalise(b->vector[free_axis[0]]);
  }
}

ftl_status ftl_box_make(ftl_box *b, const double (*cell)[3], const int pbc[3], double cutoff, ftl_error *error) {
  memset(b, 0, sizeof *b);
  b->cutoff = cutoff;
  double unit[3][3]; /* directions of the periodic vectors */
  for (int a = 0; a < 3; a++) {
    b->periodic[a] = pbc && pbc[a];
    if (!b->periodic[a]) continue;
    if (!cell) return ftl_fail(error, FTL_ERR_INPUT, NULL, "direction %d is periodic, but there is no cell", a + 1);
    for (int k = 0; k < 3; k++) b->vector[a][k] = cell[a][k];
    double length = sqrt(ftl_dot(cell[a], cell[a]));
    if (!isfinite(length) || length > FTL_MAX_POSITION)
      return ftl_fail(error, FTL_ERR_INPUT, NULL, "cell vector %d is (%g %g %g): not usable as a length in Angstrom",
                      a + 1, cell[a][0], cell[a][1], cell[a][2]);
    if (!(length > FTL_MIN_DISTANCE))
      return ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "cell vector %d is zero in a periodic direction: give its length, or pbc F there", a + 1);
    for (int k = 0; k < 3; k++) unit[a][k] = cell[a][k] / length;
  }
  /* A flat cell is seen best with unit vectors; two parallel periodic vectors have no normal to complete them with. */
  for (int a = 0; a < 3; a++)
    for (int c = a + 1; c < 3; c++) {
      double normal[3];
      if (!b->periodic[a] || !b->periodic[c]) continue;
      cross(unit[a], unit[c], normal);
      if (ftl_dot(normal, normal) < MIN_SINE * MIN_SINE)
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "the cell is singular: its vectors %d and %d are parallel", a + 1,
                        c + 1);
    }
  complete(b);
  for (int a = 0; a < 3; a++) {
    memcpy(unit[a], b->vector[a], sizeof unit[a]);
    normalise(unit[a]);
    cross(b->vector[(a + 1) % 3], b->vector[(a + 2) % 3], b->dual[a]);
  }
  double normal[3];
  cross(unit[1], unit[2], normal);
  if (fabs(ftl_dot(unit[0], normal)) < MIN_SINE)
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "the cell is singular: its three vectors lie in one plane");
  double volume = ftl_dot(b->vector[0], b->dual[0]);
  for (int a = 0; a < 3; a++) {
    for (int k = 0; k < 3; k++) b->dual[a][k] /= volume;
    b->reach[a] = cutoff * sqrt(ftl_dot(b->dual[a], b->dual[a]));
  }
  return FTL_OK;
}
