/* A function that does not change under rotations is a sum of dot products of coupled products of two parts of its
   factors. Which sum follows from its values at random A: as many equations as unknowns and a few more, which tell
   whether it is one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/coupled_fit.h"
#include "base/error.h"
#include "base/random.h"
#include "math/wigner.h"

enum { SPARE = 8, MAX_COMPONENTS = 2 * FTL_ACE_MAX_L + 1 };

/* What rounding leaves: of the sum of the sizes of all terms. Dependent: of a column's own length. */
#define TOLERANCE 2e-13
#define DEPENDENT 1e-7
#define NOTHING   1e-14

/* Factors of one side in the order of their channels. */
static int side(const ftl_ace_alike *group, unsigned set, int *of) {
  int n = 0;
  for (int k = 0; k < group->rank; k++)
    if (set >> k & 1) of[n++] = k;
  return n;
}

/* All that couple to one of the l in `ends`. */
static bool list_states(const ftl_ace_alike *group, unsigned set, uint64_t ends, ftl_ace_states *s) {
  int of[FTL_ACE_MAX_RANK], path[FTL_ACE_MAX_SIDE], depth = 0;
  s->order = side(group, set, of);
  s->n = 0;
  path[0] = group->l[of[0]];
  while (depth >= 0) {
    /* of a channel with itself, odd products are zero */
    const bool zero = depth > 0 && group->slot[of[0]] == group->slot[of[1]] && path[1] % 2;
    if (zero || depth == s->order - 1) {
      if (!zero && ends >> path[depth] & 1) {
        if (s->n == FTL_ACE_MAX_STATES) return false;
        memcpy(s->l[s->n++], path, sizeof path);
      }
    } else {
      const int l = group->l[of[depth + 1]], least = abs(path[depth] - l);
      if (path[depth] + l > FTL_WIGNER_MAX_L) return false;
      path[++depth] = least;
      continue;
    }
    /* the next in order: the deepest that can grow */
    while (depth > 0 && path[depth] == path[depth - 1] + group->l[of[depth]]) depth--;
    if (depth == 0) break;
    path[depth]++;
  }
  return true;
}

static uint64_t ends_of(const ftl_ace_states *s) {
  uint64_t ends = 0;
  for (int k = 0; k < s->n; k++) ends |= (uint64_t)1 << s->l[k][s->order - 1];
  return ends;
}

bool ftl_ace_split_make(const ftl_ace_alike *group, unsigned left_set, ftl_ace_split *split) {
  const unsigned right_set = ((1u << group->rank) - 1) & ~left_set;
  split->left_set = left_set;
  if (!list_states(group, left_set, UINT64_MAX, &split->left)) return false;
  if (!list_states(group, right_set, ends_of(&split->left), &split->right)) return false;
  if (!list_states(group, left_set, ends_of(&split->right), &split->left)) return false;
  split->n_pairs = 0;
  for (int l = 0; l <= 2 * FTL_ACE_MAX_L; l++)
    for (int a = 0; a < split->left.n; a++)
      for (int b = 0; b < split->right.n && split->left.l[a][split->left.order - 1] == l; b++) {
        if (split->right.l[b][split->right.order - 1] != l) continue;
        if (split->n_pairs == FTL_ACE_MAX_FORM) return false;
        split->pair[split->n_pairs][0] = a;
        split->pair[split->n_pairs++][1] = b;
      }
  return true;
}

/* ---- values ---- */

typedef double components[MAX_COMPONENTS];

static void couple(const ftl_ace_coupling *way, const double *x, const double *y, double *z) {
  const double *c = way->c;
  for (int r = 0; r < way->n_rows; r++) {
    z[r] = 0;
    for (int q = way->first[r]; q < way->first[r + 1]; q++) z[r] += c[q] * x[way->term[q].a] * y[way->term[q].b];
  }
}

static bool state_values(ftl_ace_couplings *couplings, const ftl_ace_alike *group, unsigned set,
                         const ftl_ace_states *s, components *const a, components *to) {
  int of[FTL_ACE_MAX_RANK];
  side(group, set, of);
  for (int k = 0; k < s->n; k++) {
    components x;
    memcpy(x, a[group->slot[of[0]]], sizeof x);
    for (int f = 1; f < s->order; f++) {
      const int kind = ftl_ace_coupling_of(couplings, s->l[k][f - 1], group->l[of[f]], s->l[k][f]);
      components z;
      if (kind < 0) return false;
      couple(&couplings->kind[kind].way[FTL_ACE_TO_PRODUCT], x, a[group->slot[of[f]]], z);
      memcpy(x, z, sizeof x);
    }
    memcpy(to[k], x, sizeof x);
  }
  return true;
}

/* The channel of a function's factor. */
static int slot_of(const ftl_ace_alike *group, const ftl_ace_function *f, int factor) {
  int k = 0;
  while (group->mu[k] != f->mu[factor] || group->n[k] != f->n[factor] || group->l[k] != f->l[factor]) k++;
  return group->slot[k];
}

/* Adds a function's densities, and the sizes of its terms. */
static void add_function(const ftl_ace_alike *group, const ftl_ace_function *f, components *const a, double *value,
                         double *size) {
  int slot[FTL_ACE_MAX_RANK];
  for (int t = 0; t < f->rank; t++) slot[t] = slot_of(group, f, t);
  for (int k = 0; k < f->n_m; k++) {
    double re = 1, im = 0;
    for (int t = 0; t < f->rank; t++) {
      const int m = f->m[k * f->rank + t], at = abs(m);
      const double *x = a[slot[t]], sign = m < 0 && at % 2 ? -1 : 1;
      const double x_re = sign * (at ? M_SQRT1_2 * x[2 * at - 1] : x[0]);
      const double x_im = sign * (at ? (m < 0 ? -M_SQRT1_2 : M_SQRT1_2) * x[2 * at] : 0),
                   product = re * x_re - im * x_im;
      im = re * x_im + im * x_re;
      re = product;
    }
    for (int p = 0; p < f->n_density; p++) {
      const double c = f->c[k * f->n_density + p];
      value[p] += c * re;
      size[p] += fabs(c) * hypot(re, im);
    }
  }
}

/* ---- the equations: columns of pairs, then of densities; a column is [n_rows] ---- */

typedef struct {
  int n_rows, n_density;
  double *column, *value, *size, *q, *r;
} equations;

static bool fill(ftl_ace_couplings *couplings, const ftl_ace_alike *group, const ftl_ace_split *split, equations *e) {
  const unsigned all = (1u << group->rank) - 1;
  components a[FTL_ACE_MAX_RANK], left[FTL_ACE_MAX_STATES], right[FTL_ACE_MAX_STATES];
  ftl_random random;
  ftl_random_seed(&random, 1);
  for (int row = 0; row < e->n_rows; row++) {
    double value[FTL_ACE_MAX_DENSITY] = {0}, size[FTL_ACE_MAX_DENSITY] = {0};
    for (int s = 0; s <= group->slot[group->rank - 1]; s++)
      for (int m = 0; m < MAX_COMPONENTS; m++) a[s][m] = ftl_random_normal(&random);
    if (!state_values(couplings, group, split->left_set, &split->left, a, left)) return false;
    if (!state_values(couplings, group, all & ~split->left_set, &split->right, a, right)) return false;
    for (int k = 0; k < split->n_pairs; k++) {
      const int s = split->pair[k][0], t = split->pair[k][1], l = split->left.l[s][split->left.order - 1];
      double sum = 0;
      for (int m = 0; m < 2 * l + 1; m++) sum += left[s][m] * right[t][m];
      e->column[k * e->n_rows + row] = sum;
    }
    for (int f = 0; f < group->n_functions; f++) add_function(group, group->function[f], a, value, size);
    for (int p = 0; p < e->n_density; p++) {
      e->value[p * e->n_rows + row] = value[p];
      e->size[p * e->n_rows + row] = size[p];
    }
  }
  return true;
}

static double dot(const double *a, const double *b, int n) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

/* Gram-Schmidt, each column twice; columns that depend on those before are left out. kept[j]: the pair of column j. */
static int orthogonalise(const equations *e, int n_pairs, int *kept) {
  int n = 0;
  for (int k = 0; k < n_pairs; k++) {
    const double *column = e->column + k * e->n_rows, before = sqrt(dot(column, column, e->n_rows));
    double *q = e->q + n * e->n_rows, *r = e->r + n * n_pairs;
    memcpy(q, column, (size_t)e->n_rows * sizeof *q);
    for (int j = 0; j < n; j++) r[j] = 0;
    for (int again = 0; again < 2; again++)
      for (int j = 0; j < n; j++) {
        const double part = dot(e->q + j * e->n_rows, q, e->n_rows);
        r[j] += part;
        for (int row = 0; row < e->n_rows; row++) q[row] -= part * e->q[j * e->n_rows + row];
      }
    r[n] = sqrt(dot(q, q, e->n_rows));
    if (!(before > NOTHING && r[n] > DEPENDENT * before)) continue;
    for (int row = 0; row < e->n_rows; row++) q[row] /= r[n];
    kept[n++] = k;
  }
  return n;
}

static bool solve(const equations *e, int n_pairs, double *c) {
  int kept[FTL_ACE_MAX_FORM];
  const int n = orthogonalise(e, n_pairs, kept);
  bool exact = true;
  memset(c, 0, (size_t)(n_pairs * e->n_density) * sizeof *c);
  for (int p = 0; p < e->n_density; p++) {
    const double *value = e->value + p * e->n_rows, *size = e->size + p * e->n_rows;
    double x[FTL_ACE_MAX_FORM], largest = 0;
    for (int row = 0; row < e->n_rows; row++) largest = fmax(largest, size[row]);
    for (int j = n - 1; j >= 0; j--) {
      x[j] = dot(e->q + j * e->n_rows, value, e->n_rows);
      for (int k = j + 1; k < n; k++) x[j] -= e->r[k * n_pairs + j] * x[k];
      x[j] /= e->r[j * n_pairs + j];
    }
    for (int j = 0; j < n; j++) {
      const double *column = e->column + kept[j] * e->n_rows;
      double most = 0;
      for (int row = 0; row < e->n_rows; row++) most = fmax(most, fabs(x[j] * column[row]));
      c[kept[j] * e->n_density + p] = most > NOTHING * largest ? x[j] : 0;
    }
    for (int row = 0; row < e->n_rows; row++) {
      double rest = value[row];
      for (int k = 0; k < n_pairs; k++) rest -= c[k * e->n_density + p] * e->column[k * e->n_rows + row];
      exact = exact && fabs(rest) <= TOLERANCE * largest;
    }
  }
  return exact;
}

ftl_status ftl_ace_split_fit(ftl_ace_couplings *couplings, const ftl_ace_alike *group, const ftl_ace_split *split,
                             double *c, bool *exact, ftl_error *error) {
  equations e = {split->n_pairs + SPARE, group->function[0]->n_density, NULL, NULL, NULL, NULL, NULL};
  ftl_arena memory = {0};
  const size_t rows = (size_t)e.n_rows, pairs = (size_t)split->n_pairs, densities = (size_t)e.n_density;
  memory.chunk = 1 << 16;
  e.column = ftl_arena_take_dirty(&memory, pairs * rows, sizeof(double));
  e.q = ftl_arena_take_dirty(&memory, (pairs + 1) * rows, sizeof(double));
  e.r = ftl_arena_take_dirty(&memory, (pairs + 1) * (pairs + 1), sizeof(double));
  e.value = ftl_arena_take_dirty(&memory, densities * rows, sizeof(double));
  e.size = ftl_arena_take_dirty(&memory, densities * rows, sizeof(double));
  ftl_status status = ftl_arena_check(&memory, error, "the potential's products");
  if (!status && !fill(couplings, group, split, &e)) status = ftl_no_memory(error, NULL, "the potential's products");
  if (!status) *exact = solve(&e, split->n_pairs, c);
  ftl_arena_free(&memory);
  return status;
}
