#include "tune/sample_make.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/radii.h"

static double radius(int atomic_number) { return ftl_covalent_radii[atomic_number]; }

static double total_radius(const ftl_structure *structure) {
  double sum = 0;
  for (int i = 0; i < structure->n; i++) sum += radius(structure->atomic_number[i]);
  return sum;
}

/* x -> x M for atoms and cell. */
static void transform(ftl_structure *structure, const double m[3][3]) {
  for (int k = 0; k < structure->n + 3; k++) {
    double *x = k < structure->n ? structure->position[k] : structure->cell[k - structure->n];
    const double old[3] = {x[0], x[1], x[2]};
    for (int c = 0; c < 3; c++) x[c] = old[0] * m[0][c] + old[1] * m[1][c] + old[2] * m[2][c];
  }
  const double determinant = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                             m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                             m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  structure->volume *= fabs(determinant);
}

/* ---- elements ---- */

/* The elements that occur, by atomic number; returns how many. */
static int kinds_of(const ftl_structure *structure, int kinds[118]) {
  bool there[119] = {false};
  int n = 0;
  for (int i = 0; i < structure->n; i++) there[structure->atomic_number[i]] = true;
  for (int z = 1; z <= 118; z++)
    if (there[z]) kinds[n++] = z;
  return n;
}

/* All atoms of an element become the same other one, so that compounds stay ordered. */
static void substitute(const ftl_sample_options *o, ftl_random *random, ftl_structure *structure) {
  int kinds[118], other[119];
  const int n = kinds_of(structure, kinds);
  const double before = total_radius(structure);
  const bool wanted = ftl_random_uniform(random) < o->substitute;
  const int certain = (int)ftl_random_below(random, n); /* one of them at least */
  for (int k = 0; k < n; k++) {
    const bool known = ftl_element_index(o->elements, o->n_elements, kinds[k]) >= 0;
    const bool chosen = wanted && ((ftl_random_next(random) >> 63) || k == certain);
    const int drawn = o->elements[ftl_random_below(random, o->n_elements)];
    other[kinds[k]] = !known || chosen ? drawn : kinds[k];
  }
  for (int i = 0; i < structure->n; i++) structure->atomic_number[i] = other[structure->atomic_number[i]];
  const double s = total_radius(structure) / before;
  transform(structure, (const double[3][3]){{s, 0, 0}, {0, s, 0}, {0, 0, s}});
}

/* ---- geometry ---- */

static void strain(double largest, ftl_random *random, ftl_structure *structure) {
  double m[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  if (!structure->pbc[0] && !structure->pbc[1] && !structure->pbc[2]) return;
  for (int a = 0; a < 3; a++)
    for (int b = 0; b <= a; b++) {
      const double e = largest * (2 * ftl_random_uniform(random) - 1);
      m[a][b] += e;
      if (a != b) m[b][a] += e;
    }
  transform(structure, (const double(*)[3])m);
}

/* From almost nothing to the full amplitude. */
static void rattle(double largest, ftl_random *random, ftl_structure *structure) {
  const double amplitude = largest * ftl_random_uniform(random);
  for (int i = 0; i < structure->n; i++)
    for (int c = 0; c < 3; c++) structure->position[i][c] += amplitude * ftl_random_normal(random);
}

/* ---- */

static ftl_status copy(const ftl_structure *seed, ftl_structure *made, ftl_error *error) {
  const size_t n = (size_t)seed->n, length = strlen(seed->path) + sizeof "sampled from ";
  *made = *seed;
  made->head = NULL;
  made->labels = (ftl_labels){0};
  made->stress_without_volume = false;
  made->weight = made->energy_weight = made->forces_weight = made->stress_weight = 1;
  made->path = malloc(length);
  made->config_type = strdup("sampled");
  made->atomic_number = malloc(n * sizeof *made->atomic_number);
  made->position = malloc(n * sizeof *made->position);
  if (!made->path || !made->config_type || !made->atomic_number || !made->position)
    return ftl_no_memory(error, seed->path, "sampled structures");
  snprintf(made->path, length, "sampled from %s", seed->path);
  memcpy(made->atomic_number, seed->atomic_number, n * sizeof *made->atomic_number);
  memcpy(made->position, seed->position, n * sizeof *made->position);
  return FTL_OK;
}

ftl_status ftl_sample_make(const ftl_sample_options *o, const ftl_structure *seed, ftl_random *random,
                           ftl_structure *made, ftl_error *error) {
  FTL_TRY(copy(seed, made, error));
  substitute(o, random, made);
  strain(o->strain, random, made);
  rattle(o->rattle, random, made);
  return FTL_OK;
}

ftl_status ftl_sample_close(const ftl_structure *structure, ftl_neighbours *scratch, bool *close, ftl_error *error) {
  static const double least = 0.6; /* of a bond: 1.6 Angstrom in copper, 0.37 in H2 */
  double largest = 0;
  for (int i = 0; i < structure->n; i++) largest = fmax(largest, radius(structure->atomic_number[i]));
  const ftl_status status = ftl_structure_neighbours(structure, 2 * least * largest, scratch, error);
  *close = status == FTL_ERR_INPUT; /* atoms in one place */
  if (*close) return FTL_OK;
  for (int i = 0; !status && i < structure->n; i++)
    for (int64_t e = scratch->first_edge[i]; e < scratch->first_edge[i + 1]; e++) {
      const double *r = scratch->vector[e];
      const double bond = radius(structure->atomic_number[i]) + radius(structure->atomic_number[scratch->sender[e]]);
      *close |= r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < least * least * bond * bond;
    }
  return status;
}
