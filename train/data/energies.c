#include "data/energies.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/isolated.h"
#include "base/error.h"

/* LAPACK: x = argmin |A x - b| of smallest norm, by singular values s; A (m x n, column-major) is overwritten. */
void dgelsd_(const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b, const int *ldb,
             double *s, const double *rcond, int *rank, double *work, const int *lwork, int *iwork, int *info);

/* ---- given, isolated atoms ---- */

ftl_status ftl_e0_given(char *const *symbol, const double *value, int n_values, const int *elements, int n, double *e0,
                        ftl_error *error) {
  bool given[FTL_MAX_ELEMENTS] = {false};
  for (int k = 0; k < n_values; k++) {
    const int z = ftl_atomic_number(symbol[k]), species = ftl_element_index(elements, n, z);
    if (z == 0)
      return ftl_fail(error, FTL_ERR_INPUT, "E0", "%.40s is not a chemical symbol (as in H: -1.1, Cu: -0.2)",
                      symbol[k]);
    if (species < 0)
      return ftl_fail(error, FTL_ERR_INPUT, "E0", "an energy is given for %s, an element that the model does not have",
                      symbol[k]);
    if (given[species]) return ftl_fail(error, FTL_ERR_INPUT, "E0", "%s is given twice", symbol[k]);
    given[species] = true;
    e0[species] = value[k];
  }
  for (int k = 0; k < n; k++)
    if (!given[k])
      return ftl_fail(error, FTL_ERR_INPUT, "E0",
                      "no energy is given for %s: give one for each element of the model, or keep fewer elements",
                      ftl_element_symbol(elements[k]));
  return FTL_OK;
}

ftl_status ftl_e0_isolated(const ftl_dataset *dataset, double cutoff, const int *elements, int n, double *e0,
                           bool *found, ftl_error *error) {
  const ftl_structure *source[FTL_MAX_ELEMENTS] = {NULL};
  ftl_neighbours list = {0};
  ftl_status status = FTL_OK;
  for (int k = 0; k < n; k++) found[k] = false;
  for (int64_t s = 0; !status && s < dataset->n; s++) {
    const ftl_structure *structure = &dataset->structure[s];
    if (structure->n != 1 || !structure->labels.has_energy) continue;
    const int species = ftl_element_index(elements, n, structure->atomic_number[0]);
    if (species < 0) continue;
    bool isolated;
    status = ftl_isolated_within(structure, cutoff, &list, &isolated, error);
    if (status != FTL_OK || !isolated) continue;
    const double energy = structure->labels.energy;
    if (found[species] && fabs(energy - e0[species]) > 1e-3) {
      char where[sizeof error->where];
      ftl_structure_where(structure, -1, where);
      status = ftl_fail(error, FTL_ERR_INPUT, where,
                        "the energy of a single %s is %g eV here and %g eV in %.150s, frame %lld: keep the right one",
                        ftl_element_symbol(elements[species]), energy, e0[species], source[species]->path,
                        (long long)source[species]->frame);
    } else if (!found[species]) {
      found[species] = true;
      source[species] = structure;
      e0[species] = energy;
    }
  }
  ftl_neighbours_free(&list);
  return status;
}

/* ---- least squares ---- */

/* The equations of the structures that have an energy. */
typedef struct {
  int rows, columns;              /* structures, elements that occur in them */
  int element[FTL_MAX_ELEMENTS];  /* [columns] species index */
  double *a;                      /* [columns][rows] counts */
  double *b;                      /* [columns + 1][max(rows, columns)] energies, then the columns of a */
  double delta[FTL_MAX_ELEMENTS]; /* [columns] solution */
  double open[FTL_MAX_ELEMENTS];  /* [columns] square of the part of the unit vector that a does not see */
} equations;

/* Fills counts[n] of a structure; names the atom whose element is not in the list. */
static ftl_status composition(const ftl_structure *structure, const int *elements, int n, double *counts,
                              ftl_error *error) {
  for (int k = 0; k < n; k++) counts[k] = 0;
  for (int i = 0; i < structure->n; i++) {
    const int species = ftl_element_index(elements, n, structure->atomic_number[i]);
    if (species < 0) {
      char where[sizeof error->where];
      ftl_structure_where(structure, i, where);
      return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d is %s, an element that the model does not have", i,
                      ftl_element_symbol(structure->atomic_number[i]));
    }
    counts[species]++;
  }
  return FTL_OK;
}

static double dot(const double *x, const double *y, int n) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += x[k] * y[k];
  return sum;
}

/* Which elements occur in structures with an energy, and how many those are. */
static ftl_status survey(const ftl_dataset *dataset, const int *elements, int n, equations *q, ftl_error *error) {
  double counts[FTL_MAX_ELEMENTS];
  bool present[FTL_MAX_ELEMENTS] = {false};
  int64_t rows = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    if (!dataset->structure[s].labels.has_energy) continue;
    FTL_TRY(composition(&dataset->structure[s], elements, n, counts, error));
    for (int k = 0; k < n; k++) present[k] |= counts[k] > 0;
    rows++;
  }
  for (int k = 0; k < n; k++)
    if (present[k]) q->element[q->columns++] = k;
  if (rows == 0)
    return ftl_fail(error, FTL_ERR_INPUT, "E0",
                    "no structure has an energy, so E0 cannot be fitted: give them, or keep "
                    "the foundation's");
  if (rows > INT32_MAX / (q->columns + 1))
    return ftl_fail(error, FTL_ERR_INPUT, "E0", "%lld structures are too many for a fit of E0", (long long)rows);
  q->rows = (int)rows;
  return FTL_OK;
}

/* A and its copy as further right-hand sides: the shortest x with A x = A e_j is the part of the unit vector e_j that
   the equations see, so that 1 - x_j is the square of the part that they do not. */
static ftl_status set_up(const ftl_dataset *dataset, const int *elements, int n, const double *start,
                         const double *predicted, equations *q, ftl_error *error) {
  const size_t rows = (size_t)q->rows, columns = (size_t)q->columns, ldb = rows > columns ? rows : columns;
  double counts[FTL_MAX_ELEMENTS];
  q->a = malloc(rows * columns * sizeof *q->a);
  q->b = calloc(ldb * (columns + 1), sizeof *q->b);
  if (!q->a || !q->b) return ftl_no_memory(error, "E0", "%zu equations in %zu unknowns", rows, columns);
  size_t row = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    const ftl_structure *structure = &dataset->structure[s];
    if (!structure->labels.has_energy) continue;
    FTL_TRY(composition(structure, elements, n, counts, error));
    const double before = predicted ? predicted[s] : start ? dot(counts, start, n) : 0;
    q->b[row] = structure->labels.energy - before;
    for (size_t j = 0; j < columns; j++) q->a[j * rows + row] = q->b[(j + 1) * ldb + row] = counts[q->element[j]];
    row++;
  }
  return FTL_OK;
}

static ftl_status solve(equations *q, int *rank, ftl_error *error) {
  const int m = q->rows, n = q->columns, nrhs = n + 1, ldb = m > n ? m : n;
  const double rcond = DBL_EPSILON * ldb; /* NumPy's choice */
  double s[FTL_MAX_ELEMENTS], size = 0, *work = NULL;
  int integers = 0, lwork = -1, info = 0, *iwork = NULL;
  dgelsd_(&m, &n, &nrhs, q->a, &m, q->b, &ldb, s, &rcond, rank, &size, &lwork, &integers, &info);
  lwork = (int)size;
  work = malloc((size_t)lwork * sizeof *work);
  iwork = malloc((size_t)integers * sizeof *iwork);
  if (work && iwork) dgelsd_(&m, &n, &nrhs, q->a, &m, q->b, &ldb, s, &rcond, rank, work, &lwork, iwork, &info);
  const bool memory = work && iwork;
  free(work);
  free(iwork);
  if (!memory) return ftl_no_memory(error, "E0", "a least squares fit");
  for (int j = 0; j < n; j++) {
    q->delta[j] = q->b[j];
    q->open[j] = 1 - q->b[(size_t)(j + 1) * (size_t)ldb + (size_t)j];
    if (info != 0 || !isfinite(q->delta[j]))
      return ftl_fail(error, FTL_ERR_INPUT, "E0",
                      "the least squares fit failed: are the energies of the model finite?");
  }
  return FTL_OK;
}

static void describe(const equations *q, const int *elements, int n, bool has_start, int rank, ftl_e0_fit *fit) {
  char names[200] = "";
  *fit = (ftl_e0_fit){.structures = q->rows, .present = q->columns, .rank = rank};
  for (int k = 0; k < n; k++) fit->absent[k] = true;
  for (int j = 0; j < q->columns; j++) {
    const int k = q->element[j];
    fit->absent[k] = false;
    fit->undetermined[k] = q->open[j] > 1e-8;
    if (fit->undetermined[k] && strlen(names) + 5 < sizeof names) {
      strcat(names, *names ? " " : "");
      strcat(names, ftl_element_symbol(elements[k]));
    }
  }
  if (rank < q->columns)
    snprintf(
        fit->warning, sizeof fit->warning,
        "the compositions do not determine the E0 of %s (rank %d of %d): what they leave open is chosen nearest to "
        "%s; energies between other compositions may be far off; add structures of other compositions, or, "
        "where E0 are energies of single atoms, those",
        names, rank, q->columns, has_start ? "the E0 of the foundation" : "zero");
}

ftl_status ftl_e0_least_squares(const ftl_dataset *dataset, const int *elements, int n, const double *start,
                                const double *predicted, double *e0, ftl_e0_fit *fit, ftl_error *error) {
  equations q = {0};
  int rank = 0;
  ftl_status status = survey(dataset, elements, n, &q, error);
  if (!status) status = set_up(dataset, elements, n, start, predicted, &q, error);
  if (!status) status = solve(&q, &rank, error);
  if (!status) {
    for (int k = 0; k < n; k++) e0[k] = start ? start[k] : 0;
    for (int j = 0; j < q.columns; j++) e0[q.element[j]] += q.delta[j];
    if (fit) describe(&q, elements, n, start != NULL, rank, fit);
  }
  free(q.a);
  free(q.b);
  return status;
}

/* ---- scale and shift ---- */

ftl_status ftl_scale_shift(const ftl_dataset *dataset, const int *elements, int n, const double *e0, double *scale,
                           double *shift, ftl_error *error) {
  double counts[FTL_MAX_ELEMENTS], energies = 0, squares = 0, structures = 0, components = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    const ftl_structure *structure = &dataset->structure[s];
    if (structure->labels.has_energy) {
      FTL_TRY(composition(structure, elements, n, counts, error));
      energies += (structure->labels.energy - dot(counts, e0, n)) / structure->n;
      structures++;
    }
    if (!structure->labels.has_forces) continue;
    for (int i = 0; i < structure->n; i++) squares += dot(structure->labels.forces[i], structure->labels.forces[i], 3);
    components += 3.0 * structure->n;
  }
  if (structures == 0 || components == 0)
    return ftl_fail(error, FTL_ERR_INPUT, "scale_shift", "no structure has %s, so scale and shift cannot be fitted",
                    structures == 0 ? "an energy" : "forces");
  *shift = energies / structures;
  *scale = squares > 0 ? sqrt(squares / components) : 1;
  return FTL_OK;
}
