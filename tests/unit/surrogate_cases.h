/* Random structures of two elements and bases for tests of surrogates. Header only, because each test is one program.
 */
#ifndef FTL_TESTS_SURROGATE_CASES_H
#define FTL_TESTS_SURROGATE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "base/random.h"
#include "base/error.h"
#include "surrogate/basis.h"
#include "surrogate/design.h"

enum { MOST_ATOMS = 12 };

/* A structure and its memory; labels are there when has_... say so. */
typedef struct {
  ftl_structure s;
  int z[MOST_ATOMS];
  double x[MOST_ATOMS][3], forces[MOST_ATOMS][3];
} made_structure;

static char made_path[] = "made.xyz", made_type[] = FTL_NO_CONFIG_TYPE;

/* After a copy the pointers are to the copy's own memory. */
static inline void point_to_own(made_structure *m) {
  m->s.atomic_number = m->z;
  m->s.position = m->x;
}

static inline bool too_close(const made_structure *m, int i, double least) {
  for (int j = 0; j < i; j++) {
    double square = 0;
    for (int d = 0; d < 3; d++) {
      double side = m->s.has_cell ? m->s.cell[d][d] : 1e9, away = m->x[i][d] - m->x[j][d];
      away -= side * round(away / side);
      square += away * away;
    }
    if (square < least * least) return true;
  }
  return false;
}

/* n atoms in a box of this side, Angstrom, none closer than `least`; elements in turn. */
static inline void make_structure(ftl_random *random, int n, double side, double least, bool periodic, int n_elements,
                                  const int *elements, made_structure *m) {
  *m = (made_structure){0};
  m->s = (ftl_structure){.path = made_path, .n = n, .config_type = made_type, .line = 1, .has_cell = periodic};
  m->s.weight = m->s.energy_weight = m->s.forces_weight = m->s.stress_weight = 1;
  for (int d = 0; d < 3 && periodic; d++) {
    m->s.cell[d][d] = side;
    m->s.pbc[d] = 1;
  }
  m->s.volume = periodic ? side * side * side : 0;
  for (int i = 0; i < n; i++) {
    m->z[i] = elements[i % n_elements];
    do
      for (int d = 0; d < 3; d++) m->x[i][d] = side * ftl_random_uniform(random);
    while (too_close(m, i, least));
  }
  point_to_own(m);
}

/* A random orthogonal matrix: Gram-Schmidt of normal numbers. */
static inline void random_orthogonal(ftl_random *random, double q[3][3]) {
  for (int i = 0; i < 3; i++) {
    for (int d = 0; d < 3; d++) q[i][d] = ftl_random_normal(random);
    for (int j = 0; j < i; j++) {
      double dot = 0;
      for (int d = 0; d < 3; d++) dot += q[i][d] * q[j][d];
      for (int d = 0; d < 3; d++) q[i][d] -= dot * q[j][d];
    }
    double length = sqrt(q[i][0] * q[i][0] + q[i][1] * q[i][1] + q[i][2] * q[i][2]);
    for (int d = 0; d < 3; d++) q[i][d] /= length;
  }
}

static const int hydrogen_copper[2] = {1, 29};

static inline ftl_basis_options small_options(int n_elements, ftl_basis_bounds bounds) {
  ftl_basis_options o = {.n_elements = n_elements,
                         .bounds = bounds,
                         .degree_l = 1,
                         .radial = FTL_ACE_SBESSEL,
                         .lambda = 3,
                         .cutoff = 4,
                         .d_cutoff = 0.5,
                         .max_functions = 10000};
  memcpy(o.elements, hydrogen_copper, (size_t)n_elements * sizeof *o.elements);
  return o;
}

static inline ftl_surrogate make_basis(const ftl_basis_options *options) {
  ftl_surrogate s;
  ftl_error error = {0};
  if (ftl_basis_make(options, &s, &error)) fail_msg("%s", error.message);
  return s;
}

static inline int n_functions(const ftl_surrogate *s) { return s->first[s->file.n_elements]; }

/* A basis with its plan and a designer. */
typedef struct {
  ftl_surrogate surrogate;
  ftl_descriptors *plan;
  ftl_designer designer;
  int n;
} designed;

/* In place: the designer points to the surrogate, which has to stay where it is. */
static inline void start_design(const ftl_basis_options *options, designed *d) {
  *d = (designed){.surrogate = make_basis(options)};
  d->n = n_functions(&d->surrogate);
  assert_int_equal(ftl_descriptors_new(&d->surrogate, &d->plan, NULL), FTL_OK);
  assert_int_equal(ftl_designer_new(&d->surrogate, d->plan, &d->designer, NULL), FTL_OK);
}

static inline void free_designed(designed *d) {
  ftl_designer_free(&d->designer);
  ftl_descriptors_free(d->plan);
  ftl_surrogate_free(&d->surrogate);
}

/* rows[count][n] column-major, ld = count; the caller's to free. */
static inline double *rows_of(designed *d, const made_structure *m, ftl_design_rows rows, int *count) {
  ftl_error error = {0};
  *count = ftl_design_count(&m->s, rows);
  double *block = malloc((size_t)*count * (size_t)d->n * sizeof *block);
  assert_non_null(block);
  if (ftl_design_fill(&d->designer, &m->s, rows, block, *count, 0, &error))
    fail_msg("%s [%s]", error.message, error.where);
  return block;
}

/* The model answers for the structure what the rows of a design say: energy (less `e0`; within an absolute tolerance),
   forces and virial (relative where they are large). Frees the model. */
static inline void expect_rows(ftl_model *model, const made_structure *m, double e0, const double *want,
                               double energy_tolerance, double tolerance) {
  double forces[MOST_ATOMS][3];
  int species[MOST_ATOMS];
  ftl_workspace *ws;
  ftl_error error = {0};
  ftl_result result = {.forces = forces[0]};
  for (int i = 0; i < m->s.n; i++) species[i] = ftl_model_species(model, m->z[i]);
  assert_int_equal(ftl_workspace_new(model, 1, &ws, &error), FTL_OK);
  if (ftl_compute(ws, m->s.n, species, (const double(*)[3])m->x, (const double(*)[3])m->s.cell, m->s.pbc, &result,
                  &error))
    fail_msg("%s", error.message);
  assert_close(result.energy - e0, want[0], energy_tolerance);
  for (int i = 0; i < 3 * m->s.n; i++)
    assert_close(forces[i / 3][i % 3], want[1 + i], tolerance * (1 + fabs(want[1 + i])));
  for (int k = 0; k < 6; k++)
    assert_close(result.virial[k], want[1 + 3 * m->s.n + k], tolerance * (1 + fabs(want[1 + 3 * m->s.n + k])));
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

#endif
