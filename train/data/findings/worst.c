/* What the searches share. */
#include <math.h>

#include "data/findings/find.h"

double ftl_largest_force(const ftl_structure *structure) {
  double largest = 0;
  for (int i = 0; structure->labels.has_forces && i < structure->n; i++) {
    const double *f = structure->labels.forces[i];
    largest = fmax(largest, f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
  }
  return sqrt(largest);
}

double ftl_largest_component(const double matrix[3][3]) {
  double largest = 0;
  for (int k = 0; k < 9; k++) largest = fmax(largest, fabs(matrix[k / 3][k % 3]));
  return largest;
}

void ftl_worst_add(ftl_worst *worst, const ftl_structure *structure, double measure) {
  if (worst->count++ > 0 && measure <= worst->measure) return;
  worst->measure = measure;
  worst->structure = structure;
}

void ftl_worst_where(const ftl_worst *worst, char where[256]) { ftl_structure_where(worst->structure, -1, where); }
