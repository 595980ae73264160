#include "data/same.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define TWO_PI 6.283185307179586

/* Shifts times atoms that one pair may take: all shifts up to 600 atoms of the rarest element, some of larger cells.
   Supercells with one atom displaced in each would take hours otherwise. */
#define EFFORT 400000

/* splitmix64, as a hash of a counter */
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static double coefficient(uint64_t k) { return (double)(mix(k) >> 11) * 0x1p-52 - 1; }

static void cross(const double a[3], const double b[3], double c[3]) {
  for (int k = 0; k < 3; k++) c[k] = a[(k + 1) % 3] * b[(k + 2) % 3] - a[(k + 2) % 3] * b[(k + 1) % 3];
}

/* A unit vector along v; false when v has no length. */
static bool normalise(double v[3]) {
  const double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  for (int k = 0; k < 3 && length > 1e-12; k++) v[k] /= length;
  return length > 1e-12;
}

/* Directions that are not periodic get unit vectors perpendicular to those that are: coordinates along the latter then
   change by whole numbers when atoms are wrapped. */
static bool complete(const ftl_structure *s, double cell[3][3]) {
  int open[3], n_open = 0;
  memcpy(cell, s->cell, sizeof s->cell);
  for (int k = 0; k < 3; k++)
    if (!s->pbc[k] || !s->has_cell) open[n_open++] = k;
  if (n_open == 3) {
    memset(cell, 0, sizeof s->cell);
    for (int k = 0; k < 3; k++) cell[k][k] = 1;
  } else if (n_open == 2) {
    const double *periodic = cell[3 - open[0] - open[1]];
    double helper[3] = {0};
    int least = 0;
    for (int k = 1; k < 3; k++)
      if (fabs(periodic[k]) < fabs(periodic[least])) least = k;
    helper[least] = 1;
    cross(periodic, helper, cell[open[0]]);
    cross(periodic, cell[open[0]], cell[open[1]]);
    return normalise(cell[open[0]]) && normalise(cell[open[1]]);
  } else if (n_open == 1) {
    cross(cell[(open[0] + 1) % 3], cell[(open[0] + 2) % 3], cell[open[0]]);
    return normalise(cell[open[0]]);
  }
  return true;
}

/* inverse[3][3] with x = s cell, s = x inverse; false for a flat cell. */
static bool invert(double cell[3][3], double inverse[3][3]) {
  double c[3][3];
  for (int k = 0; k < 3; k++) cross(cell[(k + 1) % 3], cell[(k + 2) % 3], c[k]);
  const double volume = cell[0][0] * c[0][0] + cell[0][1] * c[0][1] + cell[0][2] * c[0][2];
  if (!(fabs(volume) > 1e-9)) return false;
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++) inverse[i][k] = c[k][i] / volume;
  return true;
}

static void to_fractions(const double x[3], const double inverse[3][3], double s[3]) {
  for (int k = 0; k < 3; k++) s[k] = x[0] * inverse[0][k] + x[1] * inverse[1][k] + x[2] * inverse[2][k];
}

/* ---- fingerprints ---- */

enum { WAVES = 3 };

/* |sum of weights exp(i phase)|^2: order, wrapping and a common shift do not change it. */
static void add_waves(const ftl_structure *s, double inverse[3][3], ftl_fingerprint *f) {
  static const double wave[WAVES][3] = {{1, 2, 3}, {2, -1, 1}, {-1, 3, 1}};
  for (int w = 0; w < WAVES; w++) {
    double re = 0, im = 0, all = 0, largest = 0, q[3], step = 0;
    for (int k = 0; k < 3; k++) q[k] = TWO_PI * wave[w][k] * (s->has_cell && s->pbc[k] ? 1 : 0.0713);
    for (int c = 0; c < 3; c++) step += fabs(q[0] * inverse[c][0] + q[1] * inverse[c][1] + q[2] * inverse[c][2]);
    for (int i = 0; i < s->n; i++) {
      double x[3];
      to_fractions(s->position[i], (const double(*)[3])inverse, x);
      const double phase = q[0] * x[0] + q[1] * x[1] + q[2] * x[2],
                   weight = 2 + coefficient((uint64_t)s->atomic_number[i]);
      re += weight * cos(phase);
      im += weight * sin(phase);
      all += weight;
      largest = fmax(largest, fabs(phase));
    }
    const double factor = 1 + w;
    f->projection += factor * (re * re + im * im) / s->n;
    f->window += factor * 2 * all * all / s->n * (step * FTL_SAME_TOLERANCE + 1e-14 * (1 + largest));
  }
}

ftl_fingerprint ftl_same_fingerprint(const ftl_structure *s) {
  ftl_fingerprint f = {.hash = mix((uint64_t)s->n)};
  double cell[3][3], inverse[3][3];
  uint64_t elements = 0;
  for (int k = 0; k < 3; k++) f.hash = mix(f.hash ^ (uint64_t)(s->pbc[k] != 0));
  for (int i = 0; i < s->n; i++) elements += mix((uint64_t)s->atomic_number[i]); /* in any order */
  f.hash = mix(f.hash ^ elements);
  for (int k = 0; k < 9; k++) {
    const double factor = coefficient((uint64_t)k + 1000), x = s->cell[k / 3][k % 3];
    f.projection += factor * x;
    f.window += fabs(factor) * (FTL_SAME_TOLERANCE + 1e-14 * fabs(x));
  }
  if (complete(s, cell) && invert(cell, inverse)) add_waves(s, inverse, &f);
  return f;
}

/* ---- comparing ---- */

static ftl_status make_room(ftl_same_work *work, int n, ftl_error *error) {
  if (work->room >= (size_t)n) return FTL_OK;
  ftl_same_work_free(work);
  work->a = malloc((size_t)n * sizeof *work->a);
  work->b = malloc((size_t)n * sizeof *work->b);
  work->image = malloc((size_t)n * sizeof *work->image);
  if (!work->a || !work->b || !work->image) {
    ftl_same_work_free(work);
    return ftl_no_memory(error, NULL, "the search of duplicates");
  }
  work->room = (size_t)n;
  return FTL_OK;
}

void ftl_same_work_free(ftl_same_work *work) {
  free(work->a);
  free(work->b);
  free(work->image);
  *work = (ftl_same_work){0};
}

typedef struct {
  const ftl_structure *a, *b;
  ftl_same_work *work;
  double cell[3][3];
  bool periodic[3];
} pair;

/* Atom i of a, moved by shift (fractions), lies on atom j of b. */
static bool on(const pair *p, int i, int j, const double shift[3]) {
  double d[3];
  if (p->a->atomic_number[i] != p->b->atomic_number[j]) return false;
  for (int k = 0; k < 3; k++) {
    d[k] = p->work->b[j][k] - p->work->a[i][k] - shift[k];
    if (p->periodic[k]) d[k] -= nearbyint(d[k]);
  }
  for (int c = 0; c < 3; c++)
    if (fabs(d[0] * p->cell[0][c] + d[1] * p->cell[1][c] + d[2] * p->cell[2][c]) > FTL_SAME_TOLERANCE) return false;
  return true;
}

/* All of a, moved by shift, lies on b. Atoms of b that were found stay found: no two of a lie in one place. */
static bool matches(const pair *p, const double shift[3]) {
  const int n = p->a->n;
  for (int i = 0, next = 0; i < n; i++) {
    int tried = 0;
    while (tried < n && !on(p, i, (next + tried) % n, shift)) tried++; /* mostly in the same order */
    if (tried == n) return false;
    p->work->image[i] = (next + tried) % n;
    next = (p->work->image[i] + 1) % n;
  }
  return true;
}

/* The first atom of the rarest element. */
static int rarest(const ftl_structure *s) {
  int count[119] = {0}, best = 0;
  for (int i = 0; i < s->n; i++) count[s->atomic_number[i]]++;
  for (int i = 1; i < s->n; i++)
    if (count[s->atomic_number[i]] < count[s->atomic_number[best]]) best = i;
  return best;
}

ftl_status ftl_same(const ftl_structure *a, const ftl_structure *b, ftl_same_work *work, bool *same, ftl_error *error) {
  pair p = {a, b, work, {{0}}, {false}};
  double inverse[3][3];
  *same = false;
  if (a->n != b->n) return FTL_OK;
  for (int k = 0; k < 3; k++) {
    if (!a->pbc[k] != !b->pbc[k]) return FTL_OK;
    for (int c = 0; c < 3; c++)
      if (fabs(a->cell[k][c] - b->cell[k][c]) > FTL_SAME_TOLERANCE) return FTL_OK;
    p.periodic[k] = a->has_cell && a->pbc[k];
  }
  if (!complete(a, p.cell) || !invert(p.cell, inverse)) return FTL_OK;
  FTL_TRY(make_room(work, a->n, error));
  for (int i = 0; i < a->n; i++) {
    to_fractions(a->position[i], (const double(*)[3])inverse, work->a[i]);
    to_fractions(b->position[i], (const double(*)[3])inverse, work->b[i]);
  }
  static const double none[3] = {0};
  *same = matches(&p, none);
  const int first = rarest(a);
  for (int j = 0, left = EFFORT / a->n + 1; j < b->n && left > 0 && !*same; j++) {
    if (b->atomic_number[j] != a->atomic_number[first]) continue;
    left--;
    double shift[3];
    for (int k = 0; k < 3; k++) shift[k] = work->b[j][k] - work->a[first][k];
    *same = matches(&p, shift);
  }
  return FTL_OK;
}
