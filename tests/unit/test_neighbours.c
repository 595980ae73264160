/* Neighbour lists against a brute-force list over all pairs and images, which shares no code with the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neighbour/neighbours.h"

typedef struct {
  int receiver, sender;
  double r[3];
} edge;

typedef struct {
  int n;
  double x[400][3];
  double cell[3][3];
  int pbc[3];
  double cutoff;
} structure;

static uint64_t state = 1;

/* splitmix64: the same numbers on every machine */
static double uniform(double low, double high) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return low + (high - low) * (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static int by_edge(const void *pa, const void *pb) {
  const edge *a = pa, *b = pb;
  if (a->receiver != b->receiver) return a->receiver < b->receiver ? -1 : 1;
  if (a->sender != b->sender) return a->sender < b->sender ? -1 : 1;
  for (int k = 0; k < 3; k++) /* vectors of different images of a pair differ by lattice vectors, far above 1e-6 */
    if (fabs(a->r[k] - b->r[k]) > 1e-6) return a->r[k] < b->r[k] ? -1 : 1;
  return 0;
}

/* Determinant of the Gram matrix of the periodic vectors, leaving out vector `without` (-1: none): the square of their
   length, area or volume. */
static double gram(const structure *s, int without) {
  double g[3][3];
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      g[a][b] = a == b;
      if (!s->pbc[a] || !s->pbc[b] || a == without || b == without) continue;
      g[a][b] = s->cell[a][0] * s->cell[b][0] + s->cell[a][1] * s->cell[b][1] + s->cell[a][2] * s->cell[b][2];
    }
  return g[0][0] * (g[1][1] * g[2][2] - g[1][2] * g[2][1]) - g[0][1] * (g[1][0] * g[2][2] - g[1][2] * g[2][0]) +
         g[0][2] * (g[1][0] * g[2][1] - g[1][1] * g[2][0]);
}

static int brute(const structure *s, edge *out, int room) {
  int range[3] = {0, 0, 0}, count = 0;
  double extent = 0; /* longest distance between two atoms as given, not wrapped */
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j < s->n; j++)
      extent = fmax(extent, hypot(hypot(s->x[i][0] - s->x[j][0], s->x[i][1] - s->x[j][1]), s->x[i][2] - s->x[j][2]));
  for (int a = 0; a < 3; a++) /* the height of the cell along a, from its volume and base */
    if (s->pbc[a]) range[a] = (int)ceil((s->cutoff + extent) / sqrt(gram(s, -1) / gram(s, a))) + 1;
  for (int i = 0; i < s->n; i++)
    for (int j = 0; j < s->n; j++)
      for (int u = -range[0]; u <= range[0]; u++)
        for (int v = -range[1]; v <= range[1]; v++)
          for (int w = -range[2]; w <= range[2]; w++) {
            if (i == j && u == 0 && v == 0 && w == 0) continue;
            double r[3], d2 = 0;
            for (int k = 0; k < 3; k++) {
              r[k] = s->x[j][k] - s->x[i][k] + u * s->cell[0][k] + v * s->cell[1][k] + w * s->cell[2][k];
              d2 += r[k] * r[k];
            }
            if (!(d2 < s->cutoff * s->cutoff)) continue;
            assert_true(count < room);
            out[count].receiver = i;
            out[count].sender = j;
            memcpy(out[count++].r, r, sizeof r);
          }
  return count;
}

#define ROOM 400000

static void compare(ftl_neighbours *list, const structure *s) {
  ftl_error error = {0};
  ftl_status status = ftl_neighbours_build(list, s->n, s->x, s->cell, s->pbc, s->cutoff, &error);
  if (status != FTL_OK) fail_msg("%s", error.message);
  edge *want = malloc(ROOM * sizeof *want), *have = malloc(ROOM * sizeof *have);
  assert_non_null(want);
  assert_non_null(have);
  int n_want = brute(s, want, ROOM);
  assert_int_equal(list->first_edge[0], 0);
  assert_int_equal(list->first_edge[s->n], list->n_edges);
  assert_int_equal(list->n_edges, n_want);
  for (int i = 0; i < s->n; i++) {
    assert_true(list->first_edge[i] <= list->first_edge[i + 1]);
    for (int64_t e = list->first_edge[i]; e < list->first_edge[i + 1]; e++) {
      have[e].receiver = i;
      have[e].sender = list->sender[e];
      memcpy(have[e].r, list->vector[e], sizeof have[e].r);
    }
  }
  qsort(want, (size_t)n_want, sizeof *want, by_edge);
  qsort(have, (size_t)n_want, sizeof *have, by_edge);
  for (int e = 0; e < n_want; e++) {
    assert_int_equal(have[e].receiver, want[e].receiver);
    assert_int_equal(have[e].sender, want[e].sender);
    for (int k = 0; k < 3; k++) assert_true(fabs(have[e].r[k] - want[e].r[k]) < 1e-9);
  }
  free(want);
  free(have);
}

static void random_positions(structure *s, int n, double spread) {
  s->n = n;
  for (int i = 0; i < n; i++) {
    double f[3] = {uniform(-spread, 1 + spread), uniform(-spread, 1 + spread), uniform(-spread, 1 + spread)};
    for (int k = 0; k < 3; k++) s->x[i][k] = f[0] * s->cell[0][k] + f[1] * s->cell[1][k] + f[2] * s->cell[2][k];
  }
}

static void random_cells(void **unused) {
  (void)unused;
  ftl_neighbours list = {0};
  static structure s;
  for (int trial = 0; trial < 160; trial++) {
    double size = uniform(1.5, 14);
    for (int a = 0; a < 3; a++)
      for (int k = 0; k < 3; k++) s.cell[a][k] = (a == k ? size : 0) + uniform(-0.45, 0.45) * size;
    if (trial % 5 == 0) s.cell[0][0] = -s.cell[0][0]; /* left-handed */
    for (int a = 0; a < 3; a++) s.pbc[a] = trial >> a & 1;
    s.cutoff = uniform(1, 6);
    int n = 1 + (int)uniform(0, size < 4 ? 6 : 40);
    random_positions(&s, n, trial % 3 == 0 ? 1.2 : 0); /* every third: atoms outside the cell */
    compare(&list, &s);
  }
  ftl_neighbours_free(&list);
}

static void zero_vectors_where_not_periodic(void **unused) {
  (void)unused;
  ftl_neighbours list = {0};
  static structure s;
  for (int mask = 0; mask < 8; mask++) {
    for (int a = 0; a < 3; a++)
      for (int k = 0; k < 3; k++) s.cell[a][k] = (a == k ? 5 : 0) + uniform(-1, 1);
    random_positions(&s, 30, 0.5);
    for (int a = 0; a < 3; a++) {
      s.pbc[a] = mask >> a & 1;
      if (!s.pbc[a]) memset(s.cell[a], 0, sizeof s.cell[a]);
    }
    s.cutoff = 4.5;
    compare(&list, &s);
  }
  ftl_neighbours_free(&list);
}

static void primitive_cell(void **unused) {
  (void)unused;
  /* fcc Cu, 1 atom: shells of 12, 6, 24, 12 neighbours at a/sqrt2, a, a sqrt(3/2), a sqrt2 */
  ftl_neighbours list = {0};
  const double a = 3.615, h = a / 2, cell[3][3] = {{0, h, h}, {h, 0, h}, {h, h, 0}}, x[1][3] = {{1e3, -2e3, 0.1}};
  const int pbc[3] = {1, 1, 1};
  ftl_error error = {0};
  assert_int_equal(ftl_neighbours_build(&list, 1, x, cell, pbc, 1.45 * a, &error), FTL_OK);
  assert_int_equal(list.n_edges, 54);
  for (int e = 0; e < 54; e++) assert_int_equal(list.sender[e], 0);
  ftl_neighbours_free(&list);
}

static void flat_triclinic_cell(void **unused) {
  (void)unused;
  /* much thinner than the cutoff, heavily skewed, and beside it long: images in the hundreds */
  ftl_neighbours list = {0};
  static structure s = {.cell = {{2.2, 0, 0}, {9.0, 2.4, 0}, {-7.0, 5.5, 2.6}}, .pbc = {1, 1, 1}, .cutoff = 5.5};
  random_positions(&s, 3, 2);
  compare(&list, &s);
  ftl_neighbours_free(&list);
}

static void isolated_and_none(void **unused) {
  (void)unused;
  ftl_neighbours list = {0};
  ftl_error error = {0};
  const double x[2][3] = {{0, 0, 0}, {9e7, 9e7, -9e7}};
  assert_int_equal(ftl_neighbours_build(&list, 0, NULL, NULL, NULL, 5, &error), FTL_OK);
  assert_int_equal(list.n_edges, 0);
  assert_int_equal(list.first_edge[0], 0);
  assert_int_equal(ftl_neighbours_build(&list, 1, x, NULL, NULL, 5, &error), FTL_OK);
  assert_int_equal(list.first_edge[1], 0);
  assert_int_equal(ftl_neighbours_build(&list, 2, x, NULL, NULL, 5, &error), FTL_OK);
  assert_int_equal(list.n_edges, 0);
  assert_true(ftl_neighbours_bytes(&list) < 100 << 20); /* far atoms must not make a grid of the space between */
  ftl_neighbours_free(&list);
  assert_int_equal(ftl_neighbours_bytes(&list), 0);
}

/* The cutoff is excluded, whatever the direction. */
static void strictly_inside(void **unused) {
  (void)unused;
  ftl_neighbours list = {0};
  double x[2][3] = {{0, 0, 0}, {3, 4, 0}};
  assert_int_equal(ftl_neighbours_build(&list, 2, x, NULL, NULL, 5, NULL), FTL_OK);
  assert_int_equal(list.n_edges, 0);
  x[1][1] = nextafter(4, 0);
  assert_int_equal(ftl_neighbours_build(&list, 2, x, NULL, NULL, 5, NULL), FTL_OK);
  assert_int_equal(list.n_edges, 2);
  ftl_neighbours_free(&list);
}

/* (i <- j, r) comes with (j <- i, -r), to the bit; and a second call repeats the first, to the bit. */
static void symmetric_and_repeatable(void **unused) {
  (void)unused;
  ftl_neighbours list = {0}, again = {0};
  static structure s = {.cell = {{7, 0.3, 0}, {1.1, 6, 0.2}, {0, -2, 8}}, .pbc = {1, 1, 1}, .cutoff = 4.7};
  random_positions(&s, 50, 0.7);
  assert_int_equal(ftl_neighbours_build(&list, s.n, s.x, s.cell, s.pbc, s.cutoff, NULL), FTL_OK);
  assert_int_equal(ftl_neighbours_build(&again, 20, s.x, s.cell, s.pbc, s.cutoff, NULL), FTL_OK);
  assert_int_equal(ftl_neighbours_build(&again, s.n, s.x, s.cell, s.pbc, s.cutoff, NULL), FTL_OK);
  assert_true(list.n_edges > 1000);
  assert_int_equal(list.n_edges, again.n_edges);
  assert_memory_equal(list.vector, again.vector, (size_t)list.n_edges * sizeof *list.vector);
  assert_memory_equal(list.sender, again.sender, (size_t)list.n_edges * sizeof *list.sender);
  for (int i = 0; i < s.n; i++)
    for (int64_t e = list.first_edge[i]; e < list.first_edge[i + 1]; e++) {
      int found = 0, j = list.sender[e];
      for (int64_t f = list.first_edge[j]; f < list.first_edge[j + 1]; f++)
        found += list.sender[f] == i && list.vector[f][0] == -list.vector[e][0] &&
                 list.vector[f][1] == -list.vector[e][1] && list.vector[f][2] == -list.vector[e][2];
      assert_int_equal(found, 1);
    }
  ftl_neighbours_free(&list);
  ftl_neighbours_free(&again);
}

static void refuse(ftl_neighbours *list, int n, const double (*x)[3], const double (*cell)[3], const int pbc[3],
                   double cutoff, ftl_status code, const char *words) {
  ftl_error error = {0};
  assert_int_equal(ftl_neighbours_build(list, n, x, cell, pbc, cutoff, &error), code);
  assert_int_equal(error.code, code);
  assert_int_equal(list->n_edges, 0);
  if (!strstr(error.message, words)) fail_msg("\"%s\" is not in \"%s\"", words, error.message);
}

static void errors(void **unused) {
  (void)unused;
  ftl_neighbours list = {0};
  const int all[3] = {1, 1, 1}, xy[3] = {1, 1, 0}, none[3] = {0, 0, 0};
  const double cube[3][3] = {{5, 0, 0}, {0, 5, 0}, {0, 0, 5}};
  double x[3][3] = {{0, 0, 0}, {1, 1, 1}, {NAN, 0, 0}};
  refuse(&list, 3, x, cube, all, 5, FTL_ERR_INPUT, "atom 2");
  x[2][0] = INFINITY;
  refuse(&list, 3, x, cube, none, 5, FTL_ERR_INPUT, "atom 2");
  x[2][0] = 1e200;
  refuse(&list, 3, x, cube, all, 5, FTL_ERR_INPUT, "atom 2");
  x[2][0] = 1;
  x[2][1] = -4; /* one place, through the boundary */
  x[2][2] = 11;
  refuse(&list, 3, x, cube, all, 5, FTL_ERR_INPUT, "atoms 1 and 2");
  x[2][1] = 1;
  x[2][2] = 1;
  refuse(&list, 3, x, NULL, none, 5, FTL_ERR_INPUT, "atoms 1 and 2");
  refuse(&list, 2, x, NULL, xy, 5, FTL_ERR_INPUT, "no cell");
  const double zero[3][3] = {{5, 0, 0}, {0, 0, 0}, {0, 0, 5}};
  refuse(&list, 2, x, zero, xy, 5, FTL_ERR_INPUT, "vector 2 is zero");
  const double parallel[3][3] = {{5, 0, 0}, {-10, 0, 0}, {0, 0, 5}};
  refuse(&list, 2, x, parallel, xy, 5, FTL_ERR_INPUT, "vectors 1 and 2 are parallel");
  const double flat[3][3] = {{5, 0, 0}, {0, 5, 0}, {3, 2, 0}};
  refuse(&list, 2, x, flat, all, 5, FTL_ERR_INPUT, "one plane");
  const double wrong[3][3] = {{5, 0, 0}, {0, NAN, 0}, {3, 2, 0}};
  refuse(&list, 2, x, wrong, all, 5, FTL_ERR_INPUT, "vector 2");
  const double tiny[3][3] = {{1e-3, 0, 0}, {0, 1e-3, 0}, {0, 0, 1e-3}};
  refuse(&list, 2, x, tiny, all, 5, FTL_ERR_INPUT, "too small");
  refuse(&list, 2, x, cube, all, 0, FTL_ERR_ARGUMENT, "cutoff");
  refuse(&list, 2, x, cube, all, NAN, FTL_ERR_ARGUMENT, "cutoff");
  refuse(&list, -1, x, cube, all, 5, FTL_ERR_ARGUMENT, "-1");
  refuse(&list, 2, NULL, cube, all, 5, FTL_ERR_ARGUMENT, "positions");
  /* reusable after all of that */
  assert_int_equal(ftl_neighbours_build(&list, 2, x, NULL, NULL, 5, NULL), FTL_OK);
  assert_int_equal(list.n_edges, 2);
  ftl_neighbours_free(&list);
  ftl_neighbours_free(NULL);
}

static void dense_soup_is_refused(void **unused) {
  (void)unused;
  /* positions in the wrong unit: 6000 atoms within 1 Angstrom */
  ftl_neighbours list = {0};
  const int n = 6000;
  double(*x)[3] = malloc((size_t)n * sizeof *x);
  assert_non_null(x);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 3; k++) x[i][k] = uniform(0, 1);
  refuse(&list, n, x, NULL, NULL, 5, FTL_ERR_INPUT, "units");
  free(x);
  ftl_neighbours_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_cells),
      cmocka_unit_test(zero_vectors_where_not_periodic),
      cmocka_unit_test(primitive_cell),
      cmocka_unit_test(flat_triclinic_cell),
      cmocka_unit_test(isolated_and_none),
      cmocka_unit_test(strictly_inside),
      cmocka_unit_test(symmetric_and_repeatable),
      cmocka_unit_test(errors),
      cmocka_unit_test(dense_soup_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
