/* Energies against the work of forces and stresses between structures that are alike: a check of units and signs that
   needs no model. Trapezoidal rule: E(b) - E(a) = -(F(a) + F(b))/2 dx + (V s(a) + V s(b))/2 strain, to the third order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/findings/compare_internal.h"
#include "data/findings/find.h"
#include "base/error.h"

/* Structures are alike up to these: Angstrom, and strain. */
#define MOVED    0.35
#define STRAINED 0.04
/* Pairs count whose forces, or stresses, do nearly all of the work. */
#define OTHER_WORK 0.1
/* Of the median of ratios: what they may be off. */
#define SPREAD 0.3
enum { GROUP = 250, PAIRS = 4000, ENOUGH = 12, ENOUGH_FRAMES = 6 };

/* What energies change by, where forces of eV/Angstrom do 1 eV of work. */
static const ftl_unit of_forces[] = {{1, NULL},
                                     {1 / 27.211386, "energies in Hartree beside forces in eV/A"},
                                     {1 / 13.605693, "energies in Rydberg beside forces in eV/A"},
                                     {1.889726, "energies in Hartree and forces in Hartree/Bohr (or Rydberg)"},
                                     {51.422067, "forces in Hartree/Bohr beside energies in eV"},
                                     {26.46, "forces in Rydberg/Bohr or Hartree/A beside energies in eV"},
                                     {23.060548, "energies in kcal/mol beside forces in eV/A"},
                                     {1 / 23.060548, "forces in kcal/mol/A beside energies in eV"},
                                     {96.485332, "energies in kJ/mol beside forces in eV/A"},
                                     {1 / 96.485332, "forces in kJ/mol/A beside energies in eV"},
                                     {1000, "energies in meV beside forces in eV/A"}};
static const ftl_unit of_stress[] = {{1, NULL},
                                     {1 / 160.21766, "stress in GPa"},
                                     {1 / 1602.1766, "stress in kbar"},
                                     {183.63154, "stress in Hartree/Bohr^3"}};
static const ftl_unit per_atom[] = {{1, "energies per atom"}};

typedef struct {
  double ratio, work; /* energy by work */
  int n;
  const ftl_structure *a, *b;
} alike;

typedef struct {
  alike *force, *stress; /* [PAIRS] each */
  int64_t n_force, n_stress;
  double *work; /* [PAIRS] */
} ratios;

static bool invert(const double (*c)[3], double (*inverse)[3]) {
  double volume = 0;
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++)
      inverse[k][i] = c[(i + 1) % 3][(k + 1) % 3] * c[(i + 2) % 3][(k + 2) % 3] -
                      c[(i + 1) % 3][(k + 2) % 3] * c[(i + 2) % 3][(k + 1) % 3];
  for (int k = 0; k < 3; k++) volume += c[0][k] * inverse[k][0];
  for (int k = 0; k < 9; k++) inverse[k / 3][k % 3] /= volume;
  return fabs(volume) > 1e-6;
}

/* How b differs from a. */
typedef struct {
  bool periodic; /* by a cell with a volume */
  bool strained;
  double strain[3][3];     /* cell of b = cell of a (1 + strain) */
  double inverse[2][3][3]; /* of both cells */
  double mean[3][3];       /* cell */
} change;

/* False when the cells are not alike, or when stresses are missing that a strain needs. */
static bool find_strain(const ftl_structure *a, const ftl_structure *b, change *c) {
  double largest = 0;
  *c = (change){.periodic = a->volume > 0 && b->volume > 0};
  for (int k = 0; k < 9; k++) {
    largest = fmax(largest, fabs(a->cell[k / 3][k % 3] - b->cell[k / 3][k % 3]));
    c->mean[k / 3][k % 3] = 0.5 * (a->cell[k / 3][k % 3] + b->cell[k / 3][k % 3]);
  }
  c->strained = largest > 1e-6;
  if (!c->periodic) return !c->strained; /* atoms are not wrapped then, or the pair is not taken */
  if (!invert((const double(*)[3])a->cell, c->inverse[0]) || !invert((const double(*)[3])b->cell, c->inverse[1]))
    return false;
  if (!c->strained) return true;
  if (!a->labels.has_stress || !b->labels.has_stress) return false;
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++) {
      for (int j = 0; j < 3; j++) c->strain[i][k] += c->inverse[0][i][j] * b->cell[j][k];
      c->strain[i][k] -= i == k;
      if (fabs(c->strain[i][k]) > STRAINED) return false;
    }
  return true;
}

/* Displacement of atom i beside the strain, by the nearest image; false when it is too far. */
static bool find_move(const ftl_structure *a, const ftl_structure *b, int i, const change *c, double d[3]) {
  const double *x = a->position[i], *y = b->position[i];
  double s[3];
  for (int k = 0; k < 3; k++) {
    d[k] = y[k] - x[k];
    s[k] = 0;
    for (int j = 0; j < 3; j++) s[k] += y[j] * c->inverse[1][j][k] - x[j] * c->inverse[0][j][k];
    s[k] -= nearbyint(s[k]);
  }
  for (int k = 0; k < 3 && c->periodic; k++) d[k] = s[0] * c->mean[0][k] + s[1] * c->mean[1][k] + s[2] * c->mean[2][k];
  return d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < MOVED * MOVED;
}

static void add_pair(const ftl_structure *a, const ftl_structure *b, ratios *r) {
  double of_force = 0, of_strain = 0;
  change c;
  if (!find_strain(a, b, &c)) return;
  for (int i = 0; i < a->n; i++) {
    double d[3];
    if (!find_move(a, b, i, &c, d)) return;
    for (int k = 0; k < 3; k++) of_force -= 0.5 * (a->labels.forces[i][k] + b->labels.forces[i][k]) * d[k];
  }
  for (int k = 0; k < 9 && c.strained; k++)
    of_strain += 0.5 * c.strain[k / 3][k % 3] *
                 (a->volume * a->labels.stress[k / 3][k % 3] + b->volume * b->labels.stress[k / 3][k % 3]);
  const double energy = b->labels.energy - a->labels.energy;
  if (energy == 0) return;
  if (of_force != 0 && fabs(of_strain) <= OTHER_WORK * fabs(of_force) && r->n_force < PAIRS)
    r->force[r->n_force++] = (alike){energy / of_force, fabs(of_force), a->n, a, b};
  if (of_strain != 0 && fabs(of_force) <= OTHER_WORK * fabs(of_strain) && r->n_stress < PAIRS)
    r->stress[r->n_stress++] = (alike){energy / of_strain, fabs(of_strain), a->n, a, b};
}

/* ---- groups ---- */

static int by_atoms(const void *left, const void *right) {
  const ftl_structure *a = *(const ftl_structure *const *)left, *b = *(const ftl_structure *const *)right;
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  const int z = memcmp(a->atomic_number, b->atomic_number, (size_t)a->n * sizeof *a->atomic_number);
  if (z != 0) return z;
  for (int k = 0; k < 3; k++)
    if (a->pbc[k] != b->pbc[k]) return a->pbc[k] - b->pbc[k];
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  return strcmp(a->path, b->path);
}

static bool same_atoms(const ftl_structure *a, const ftl_structure *b) {
  return a->n == b->n && memcmp(a->atomic_number, b->atomic_number, (size_t)a->n * sizeof *a->atomic_number) == 0 &&
         memcmp(a->pbc, b->pbc, sizeof a->pbc) == 0;
}

/* Large groups are looked at in part: neighbours in the file, which may be a trajectory, stay together. */
static void collect(const ftl_structure **sorted, int64_t n, ratios *r) {
  qsort(sorted, (size_t)n, sizeof *sorted, by_atoms);
  for (int64_t first = 0, next; first < n; first = next) {
    for (next = first + 1; next < n && same_atoms(sorted[first], sorted[next]);) next++;
    const int64_t end = next - first > GROUP ? first + GROUP : next;
    for (int64_t i = first; i < end; i++)
      for (int64_t j = i + 1; j < end; j++) add_pair(sorted[i], sorted[j], r);
  }
}

/* ---- what follows ---- */

static int by_work(const void *left, const void *right) {
  const double a = ((const alike *)left)->work, b = ((const alike *)right)->work;
  return a > b ? -1 : a < b;
}

/* The median of ratios, of the half of the pairs with most work; false when they don't agree or are too few. */
static bool agree(alike *pair, int64_t n, bool times_atoms, double *work, double *median) {
  const int64_t half = n - n / 2;
  int64_t frames = 0;
  if (half < ENOUGH) return false;
  qsort(pair, (size_t)n, sizeof *pair, by_work);
  for (int64_t k = 0; k < half; k++) {
    bool seen = false;
    for (int64_t j = 0; j < k && !seen && frames < ENOUGH_FRAMES; j++) seen = pair[j].a == pair[k].a;
    frames += !seen;
    work[k] = pair[k].ratio * (times_atoms ? pair[k].n : 1);
  }
  *median = ftl_median(work, half);
  for (int64_t k = 0; k < half; k++) work[k] = fabs(pair[k].ratio * (times_atoms ? pair[k].n : 1) - *median);
  return frames >= ENOUGH_FRAMES && ftl_median(work, half) * 1.4826 < SPREAD * fabs(*median);
}

static ftl_status report(const char *name, ftl_finding_kind kind, const char *what, const char *by, bool negative,
                         double ratio, const alike *pair, int64_t n, ftl_findings *findings, ftl_error *error) {
  char where[256];
  ftl_structure_where(pair->a, -1, where);
  return ftl_findings_add(
      findings, kind, FTL_REFUSE, n, error,
      "%s: energies and %s contradict each other: between %lld pairs of similar structures the "
      "energy changes by %.3g of the work of the %s, which looks like %s%s; such as: %.150s and frame "
      "%lld; eV, eV/A, eV/A^3 with the signs of ASE are expected",
      name, by, (long long)n, ratio, by, negative ? "the other sign of one of them, " : "", what, where,
      (long long)pair->b->frame);
}

static ftl_status judge(const char *name, ratios *r, ftl_findings *findings, ftl_error *error) {
  double ratio, ratio_atoms;
  const bool clear = agree(r->force, r->n_force, false, r->work, &ratio);
  const ftl_unit *unit = clear ? ftl_unit_of(ratio, of_forces, sizeof of_forces / sizeof *of_forces) : NULL;
  if (!(unit && !unit->name && ratio > 0) && agree(r->force, r->n_force, true, r->work, &ratio_atoms) &&
      r->force[0].n > 2 && ratio_atoms > 0 && ftl_unit_of(ratio_atoms, per_atom, 1))
    return report(name, FTL_FINDING_ENERGY_UNIT, per_atom[0].name, "forces", false, clear ? ratio : 1. / r->force[0].n,
                  r->force, r->n_force, findings, error);
  if (unit && (unit->name || ratio < 0))
    return report(name, FTL_FINDING_ENERGY_UNIT, unit->name ? unit->name : "forces that are gradients", "forces",
                  ratio < 0, ratio, r->force, r->n_force, findings, error);
  if (!agree(r->stress, r->n_stress, false, r->work, &ratio)) return FTL_OK;
  unit = ftl_unit_of(ratio, of_stress, sizeof of_stress / sizeof *of_stress);
  if (!unit || (!unit->name && ratio > 0)) return FTL_OK;
  return report(name, FTL_FINDING_STRESS_UNIT, unit->name ? unit->name : "stress of the other sign", "stress",
                ratio < 0 && unit->name, ratio, r->stress, r->n_stress, findings, error);
}

ftl_status ftl_find_work(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error) {
  const ftl_structure **sorted = malloc(((size_t)dataset->n + 1) * sizeof *sorted);
  ratios r = {.force = malloc(PAIRS * sizeof *r.force),
              .stress = malloc(PAIRS * sizeof *r.stress),
              .work = malloc(PAIRS * sizeof *r.work)};
  int64_t n = 0;
  ftl_status status = FTL_OK;
  if (!sorted || !r.force || !r.stress || !r.work) status = ftl_no_memory(error, NULL, "comparing energies and forces");
  for (int64_t k = 0; !status && k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    if (s->labels.has_energy && s->labels.has_forces && !s->isolated) sorted[n++] = s;
  }
  if (!status) {
    collect(sorted, n, &r);
    status = judge(name, &r, findings, error);
  }
  free(sorted);
  free(r.force);
  free(r.stress);
  free(r.work);
  return status;
}
