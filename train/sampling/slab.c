/* Slabs: a surface cut from a crystal, or the slab that a structure is already. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sampling/structures.h"

#define SAME_LAYER   0.2 /* Angstrom between heights; planes of fcc(211) are 0.7 apart */
#define LEAST_VACUUM 5.0 /* of something that is called a slab */

typedef struct {
  double height; /* along the normal, from where the slab is cut */
  int atom;
} level;

static int by_height(const void *a, const void *b) {
  const level *x = a, *y = b;
  if (x->height != y->height) return x->height < y->height ? -1 : 1;
  return x->atom - y->atom;
}

static double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static void unit_cross(const double a[3], const double b[3], double c[3]) {
  for (int k = 0; k < 3; k++) c[k] = a[(k + 1) % 3] * b[(k + 2) % 3] - a[(k + 2) % 3] * b[(k + 1) % 3];
  const double length = sqrt(dot(c, c));
  for (int k = 0; k < 3; k++) c[k] /= length;
}

void ftl_structure_normal(const ftl_structure *structure, double normal[3]) {
  const double *c = structure->cell[2], length = sqrt(dot(c, c));
  for (int k = 0; k < 3; k++) normal[k] = c[k] / length;
}

double ftl_structure_top(const ftl_structure *structure, int n) {
  double normal[3], top = -INFINITY;
  ftl_structure_normal(structure, normal);
  for (int i = 0; i < n; i++) top = fmax(top, dot(structure->position[i], normal));
  return top;
}

/* ---- the plane ---- */

/* x and y with x a + y b = the greatest common divisor, which is returned. */
static int euclid(int a, int b, int *x, int *y) {
  if (b == 0) {
    *x = a < 0 ? -1 : 1;
    *y = 0;
    return abs(a);
  }
  int p, q;
  const int divisor = euclid(b, a % b, &p, &q);
  *x = q;
  *y = p - a / b * q;
  return divisor;
}

static double length_of(const ftl_structure *s, const int v[3]) {
  double square = 0;
  for (int c = 0; c < 3; c++) square += pow(v[0] * s->cell[0][c] + v[1] * s->cell[1][c] + v[2] * s->cell[2][c], 2);
  return sqrt(square);
}

/* Subtracts u from v while that makes v shorter; true if it did. */
static bool shorten(const ftl_structure *s, int v[3], const int u[3]) {
  bool any = false;
  for (int sign = -1; sign <= 1; sign += 2)
    for (;;) {
      const int w[3] = {v[0] + sign * u[0], v[1] + sign * u[1], v[2] + sign * u[2]};
      if (!(length_of(s, w) < length_of(s, v) - 1e-9)) break;
      memcpy(v, w, sizeof w);
      any = true;
    }
  return any;
}

/* Rows a and b span the plane h k l and c leads to the next one: a unimodular matrix, with short rows. */
static void orient(const ftl_structure *s, const int hkl[3], int m[3][3]) {
  int x, y, p, q;
  if (hkl[0] == 0 && hkl[1] == 0) {
    memcpy(m, (int[3][3]){{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, 9 * sizeof(int));
    if (hkl[2] < 0) memcpy(m, (int[3][3]){{0, 1, 0}, {1, 0, 0}, {0, 0, -1}}, 9 * sizeof(int));
    return;
  }
  const int g = euclid(hkl[0], hkl[1], &x, &y), all = euclid(g, hkl[2], &p, &q);
  const int a[3] = {-hkl[1] / g, hkl[0] / g, 0};
  const int b[3] = {-x * (hkl[2] / all), -y * (hkl[2] / all), g / all};
  const int c[3] = {p * x, p * y, q};
  memcpy(m[0], a, sizeof a);
  memcpy(m[1], b, sizeof b);
  memcpy(m[2], c, sizeof c);
  while (shorten(s, m[0], m[1]) || shorten(s, m[1], m[0])) continue;
  while (shorten(s, m[2], m[0]) || shorten(s, m[2], m[1])) continue;
}

/* ---- cutting ---- */

static ftl_status check(const ftl_structure *from, const ftl_slab_options *o, ftl_error *error) {
  char where[256];
  int open = 0, axis = -1;
  const int *hkl = o->miller;
  ftl_structure_where(from, -1, where);
  if (hkl[0] == 0 && hkl[1] == 0 && hkl[2] == 0)
    return ftl_fail(error, FTL_ERR_INPUT, where, "0 0 0 is no plane: give the indices of a surface, as 1 1 1");
  for (int k = 0; k < 3; k++)
    if (!from->pbc[k]) open++, axis = k;
  if (open == 0) return FTL_OK;
  if (open > 1)
    return ftl_fail(error, FTL_ERR_INPUT, where, "a surface needs a structure that is periodic in two directions");
  if (o->layers > 0)
    return ftl_fail(error, FTL_ERR_INPUT, where,
                    "a slab is cut from a crystal that is periodic in three directions; this one is a slab already, so "
                    "ask for 0 layers");
  if (hkl[(axis + 1) % 3] != 0 || hkl[(axis + 2) % 3] != 0)
    return ftl_fail(error, FTL_ERR_INPUT, where,
                    "the slab is not periodic along vector %d, and its surface is not the plane %d %d %d", axis + 1,
                    hkl[0], hkl[1], hkl[2]);
  return FTL_OK;
}

/* An open direction becomes the last, by turning the names of the vectors; otherwise the plane does. */
static ftl_status turn(const ftl_structure *from, const ftl_slab_options *o, ftl_structure *made, ftl_error *error) {
  int m[3][3];
  if (from->pbc[0] && from->pbc[1] && from->pbc[2]) {
    orient(from, o->miller, m);
    return ftl_structure_supercell(from, (const int(*)[3])m, made, error);
  }
  FTL_TRY(ftl_structure_copy(from, made, error));
  const int axis = !from->pbc[0] ? 0 : !from->pbc[1] ? 1 : 2;
  for (int k = 0; k < 3; k++) memcpy(made->cell[k], from->cell[(axis + 1 + k) % 3], sizeof made->cell[k]);
  made->pbc[0] = made->pbc[1] = 1;
  made->pbc[2] = 0;
  return FTL_OK;
}

/* Heights from above the widest gap, ascending; returns that gap (of an open direction: infinity). Of gaps that are as
   wide the first is taken. */
static double list_levels(const ftl_structure *s, double period, const double normal[3], level *list) {
  const int n = s->n;
  int cut = 0;
  for (int i = 0; i < n; i++) {
    const double x = dot(s->position[i], normal);
    list[i] = (level){s->pbc[2] ? x - period * floor(x / period) : x, i};
  }
  qsort(list, (size_t)n, sizeof *list, by_height);
  if (!s->pbc[2]) return INFINITY;
  double widest = list[0].height + period - list[n - 1].height;
  for (int k = 1; k < n; k++)
    if (list[k].height - list[k - 1].height > widest + 1e-6) widest = list[cut = k].height - list[k - 1].height;
  for (int k = 0; k < cut; k++) list[k].height += period;
  qsort(list, (size_t)n, sizeof *list, by_height);
  return widest;
}

static int count_layers(const level *list, int n) {
  int layers = 1;
  for (int k = 1; k < n; k++) layers += list[k].height - list[k - 1].height > SAME_LAYER;
  return layers;
}

/* Stacks the cell, and opens it along the normal. */
static ftl_status stack(const ftl_structure *s, const level *list, int times, const double normal[3], double period,
                        double vacuum, ftl_structure *made, ftl_error *error) {
  const double bottom = list[0].height;
  const double thickness = list[s->n - 1].height - bottom + (times - 1) * period;
  FTL_TRY(ftl_structure_new(times * s->n, s->path, made, error));
  for (int t = 0; t < times; t++)
    for (int k = 0; k < s->n; k++) {
      const int i = list[k].atom, to = t * s->n + k;
      const double height = dot(s->position[i], normal);
      const double periods = s->pbc[2] ? round((list[k].height - height) / period) + t : 0;
      made->atomic_number[to] = s->atomic_number[i];
      for (int c = 0; c < 3; c++)
        made->position[to][c] =
            s->position[i][c] + (periods != 0 ? periods * s->cell[2][c] : 0) + (0.5 * vacuum - bottom) * normal[c];
    }
  made->has_cell = true;
  memcpy(made->cell, s->cell, 2 * sizeof *made->cell);
  for (int c = 0; c < 3; c++) made->cell[2][c] = (thickness + vacuum) * normal[c];
  made->pbc[0] = made->pbc[1] = 1;
  made->frame = s->frame;
  made->line = s->line;
  return FTL_OK;
}

static ftl_status cut(const ftl_structure *s, const ftl_slab_options *o, ftl_structure *made, ftl_error *error) {
  double normal[3];
  unit_cross(s->cell[0], s->cell[1], normal);
  double period = dot(s->cell[2], normal);
  if (period < 0) { /* a left-handed cell */
    period = -period;
    for (int k = 0; k < 3; k++) normal[k] = -normal[k];
  }
  level *list = malloc((size_t)s->n * sizeof *list);
  if (!list) return ftl_no_memory(error, s->path, "a structure");
  const double gap = list_levels(s, period, normal, list);
  const int there = count_layers(list, s->n), times = o->layers > 0 ? (o->layers + there - 1) / there : 1;
  ftl_status status = FTL_OK;
  if (o->layers == 0 && gap < LEAST_VACUUM) {
    char where[256];
    ftl_structure_where(s, -1, where);
    status =
        ftl_fail(error, FTL_ERR_INPUT, where,
                 "this is no slab: its widest gap is %.2f A, and %.0f are needed; ask for a number of layers to cut "
                 "a slab from it",
                 gap, LEAST_VACUUM);
  } else {
    status = stack(s, list, times, normal, period, o->vacuum, made, error);
  }
  free(list);
  return status;
}

static ftl_status widen(double width, ftl_structure *slab, ftl_error *error) {
  int m[3][3] = {{0}};
  ftl_structure wide;
  for (int k = 0; k < 2; k++) {
    const double length = sqrt(dot(slab->cell[k], slab->cell[k]));
    m[k][k] = width > length ? (int)ceil(width / length - 1e-6) : 1;
  }
  m[2][2] = 1;
  ftl_status status = ftl_structure_supercell(slab, (const int(*)[3])m, &wide, error);
  ftl_structure_replace(slab, &wide);
  return status;
}

ftl_status ftl_structure_slab(const ftl_structure *from, const ftl_slab_options *options, ftl_structure *made,
                              ftl_error *error) {
  ftl_structure turned = {0};
  *made = (ftl_structure){0};
  ftl_status status = check(from, options, error);
  if (!status) status = turn(from, options, &turned, error);
  if (!status) status = cut(&turned, options, made, error);
  if (!status) status = widen(options->width, made, error);
  ftl_structure_free(&turned);
  return status;
}
