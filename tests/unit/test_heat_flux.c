/* The centroid virials W_j = sum_i (x_i - x_j) (x) dU_i/dx_j, which make the heat flux (docs/theory.md, eqs. 31 to 34),
   against finite differences of the energies of single atoms. A periodic cell smaller than the cutoff cannot tell one
   image from another, so the differences are taken in a piece of its crystal, cut out around the cell so that the atoms
   in the cell have all that layers x cutoff reach. With velocities v,

     J_a = sum_j (W_j v_j)_a = sum_(i in the cell) (x_i,a D[v] - D[x_a v]) U_i

   where D[u] is the derivative along the displacement u of all atoms. */
#include "twins.h"

#include "close.h"
#include "heat.h"

typedef struct {
  int n, room;
  int *species, *atom; /* of the cell */
  double (*x)[3], (*moved)[3];
} piece;

static void free_piece(piece *p) { free(p->species), free(p->atom), free(p->x), free(p->moved); }

static void add_atom(piece *p, int species, int atom, const double x[3]) {
  if (p->n == p->room) {
    p->room = 2 * p->room + 256;
    p->species = realloc(p->species, (size_t)p->room * sizeof(int));
    p->atom = realloc(p->atom, (size_t)p->room * sizeof(int));
    p->x = realloc(p->x, (size_t)p->room * sizeof *p->x);
    p->moved = realloc(p->moved, (size_t)p->room * sizeof *p->moved);
  }
  p->species[p->n] = species;
  p->atom[p->n] = atom;
  memcpy(p->x[p->n++], x, sizeof *p->x);
}

/* The atoms of the cell come first. */
static void cut_piece(piece *p, const structure *s, const int *species, double reach) {
  *p = (piece){0};
  for (int i = 0; i < s->n; i++) add_atom(p, species[i], i, s->position[i]);
  const int most = (int)(reach / cbrt(volume(s))) + 5;
  for (int a = -most; a <= most; a++)
    for (int b = -most; b <= most; b++)
      for (int c = -most; c <= most; c++)
        for (int i = 0; i < s->n && (a || b || c); i++) {
          double x[3];
          bool near = false;
          for (int k = 0; k < 3; k++)
            x[k] = s->position[i][k] + a * s->cell[0][k] + b * s->cell[1][k] + c * s->cell[2][k];
          for (int j = 0; j < s->n && !near; j++) {
            const double d[3] = {x[0] - s->position[j][0], x[1] - s->position[j][1], x[2] - s->position[j][2]};
            near = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < reach * reach;
          }
          if (near) add_atom(p, species[i], i, x);
        }
}

/* Adds factor x dU_i/dstep of the cell's atoms along v, or with component >= 0 along x_component v. */
static void derivatives(ftl_workspace *ws, piece *p, int n, const double (*v)[3], int component, double *energy,
                        double *out) {
  const double step = 3e-5;
  ftl_error error = {0};
  memset(out, 0, (size_t)n * sizeof *out);
  for (int sign = -1; sign <= 1; sign += 2) {
    for (int k = 0; k < p->n; k++)
      for (int c = 0; c < 3; c++)
        p->moved[k][c] = p->x[k][c] + sign * step * (component < 0 ? 1 : p->x[k][component]) * v[p->atom[k]][c];
    ftl_result result = {.node_energy = energy};
    must_succeed(
        ftl_compute(ws, p->n, p->species, (const double(*)[3])p->moved, NULL, (const int[3]){0, 0, 0}, &result, &error),
        &error);
    for (int i = 0; i < n; i++) out[i] += sign * energy[i] / (2 * step);
  }
}

static void flux(const double (*W)[9], const double (*v)[3], int n, double J[3]) {
  static const int place[3][3] = {{0, 3, 4}, {6, 1, 5}, {7, 8, 2}};
  for (int a = 0; a < 3; a++) {
    J[a] = 0;
    for (int j = 0; j < n; j++)
      for (int b = 0; b < 3; b++) J[a] += W[j][place[a][b]] * v[j][b];
  }
}

static double size(const double v[3]) { return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

static double distance(const double a[3], const double b[3]) {
  return size((const double[3]){a[0] - b[0], a[1] - b[1], a[2] - b[2]});
}

static void check_model(const char *path, double side, double closest) {
  enum { N = 3 };
  ftl_error error = {0};
  ftl_model *model;
  ftl_model_info info;
  ftl_workspace *ws;
  static structure s;
  static structure_graph g;
  uint64_t state = 11;
  must_succeed(ftl_model_open(path, &(ftl_open_options){.head = head_of_twin(path)}, &model, &error), &error);
  ftl_model_get_info(model, &info);
  if (SANITIZED && info.n_layers > 2) { /* hundreds of atoms, for code that two layers go through */
    ftl_model_free(model);
    return;
  }
  random_structure(&s, N, side, closest, info.atomic_numbers, info.n_elements, &state);
  build_graph(&g, &s, info.atomic_numbers, info.n_elements, info.cutoff);
  double v[N][3], W[N][9], again[N][9], virial[9], sum[9] = {0}, J[3], expected[3] = {0};
  for (int i = 0; i < N; i++)
    for (int c = 0; c < 3; c++) v[i][c] = random_unit(&state) - 0.5;
  centroid_virials(model, &g.graph, 1, W, virial);
  flux((const double(*)[9])W, (const double(*)[3])v, N, J);

  piece p;
  cut_piece(&p, &s, g.species, info.n_layers * info.cutoff + 1e-3);
  double *energy = calloc((size_t)p.n, sizeof *energy), along[N], shifted[N];
  must_succeed(ftl_workspace_new(model, 1, &ws, &error), &error);
  derivatives(ws, &p, N, (const double(*)[3])v, -1, energy, along);
  for (int a = 0; a < 3; a++) {
    derivatives(ws, &p, N, (const double(*)[3])v, a, energy, shifted);
    for (int i = 0; i < N; i++) expected[a] += s.position[i][a] * along[i] - shifted[i];
  }
  print_message("  %-60s %5d atoms, J %10.4g, relative error %.1e\n", path, p.n, size(J),
                distance(J, expected) / size(expected));
  assert_true(size(expected) > 1e-6);
  assert_true(distance(J, expected) <= 2e-6 * size(expected));

  /* sums to the virial, and does not depend on the number of threads */
  double scale = 1e-6;
  for (int c = 0; c < 9; c++) {
    for (int i = 0; i < N; i++) sum[c] += W[i][c];
    for (int i = 0; i < N; i++) scale = fmax(scale, fabs(W[i][c]));
  }
  for (int c = 0; c < 9; c++) assert_close(sum[c], virial[c], 1e-12 * N * scale);
  centroid_virials(model, &g.graph, 3, again, virial);
  for (int i = 0; i < N; i++)
    for (int c = 0; c < 9; c++) assert_close(again[i][c], W[i][c], 1e-12 * scale);
  ftl_workspace_free(ws);
  ftl_model_free(model);

  if (!info.ace) { /* single precision */
    double mixed[3];
    const ftl_open_options options = {.precision = FTL_MIXED, .head = head_of_twin(path)};
    must_succeed(ftl_model_open(path, &options, &model, &error), &error);
    centroid_virials(model, &g.graph, 2, again, virial);
    flux((const double(*)[9])again, (const double(*)[3])v, N, mixed);
    assert_true(distance(mixed, J) <= 1e-4 * N * scale);
    ftl_model_free(model);
  }
  free(energy);
  free_piece(&p);
  free_graph(&g);
}

static void check_twin(const char *twin) {
  if (!is_published(twin)) check_model(twin_model(twin), 5.4, 2.2);
}

/* Every kind of interaction block, one to three layers. */
static void test_mace(void **unused) {
  (void)unused;
  for_each_twin(check_twin);
}

static void test_ace(void **unused) {
  (void)unused;
  static const char *const names[] = {"chebyshev", "coarse", "coupled", "distance", "plain", "wide", "zbl"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    char path[64];
    snprintf(path, sizeof path, "tests/ace/%s.yace", names[k]);
    check_model(path, 4.4, 2.2);
  }
  check_model("potentials/tialv-ace.ftl", 4.4, 2.4);
}

/* One workspace that is asked now and then, as in a run, and for structures of different sizes. */
static void test_now_and_then(void **unused) {
  (void)unused;
  enum { MOST = 40 };
  static structure s;
  static structure_graph g;
  static double W[MOST][9], expected[MOST][9], forces[MOST][3];
  double virial[9];
  ftl_error error = {0};
  ftl_model *model;
  ftl_model_info info;
  ftl_workspace *ws;
  uint64_t state = 3;
  must_succeed(ftl_model_open("tests/parity/twins/t-nonlinear-heads.model", NULL, &model, &error), &error);
  ftl_model_get_info(model, &info);
  must_succeed(ftl_workspace_new(model, 2, &ws, &error), &error);
  for (int round = 0; round < 6; round++) {
    random_structure(&s, round < 3 ? 5 : MOST, round < 3 ? 5 : 9, 1.5, info.atomic_numbers, info.n_elements, &state);
    build_graph(&g, &s, info.atomic_numbers, info.n_elements, info.cutoff);
    ftl_output output = {.forces = forces[0], .centroid_virial = round % 2 ? W : NULL};
    memset(W, 0, sizeof W);
    evaluate(ws, info.n_layers, &g.graph, &output);
    size_t bytes, moment_bytes;
    assert_non_null(ftl_feature_adjoints(ws, 0, &bytes));
    for (int x = 0; x < 3; x++) assert_true((ftl_feature_moments(ws, 0, x, &moment_bytes) != NULL) == (round % 2 == 1));
    assert_int_equal(bytes, moment_bytes);
    assert_null(ftl_feature_moments(ws, 0, 3, NULL));
    assert_null(ftl_feature_moments(ws, info.n_layers - 1, 0, NULL));
    if (round % 2) {
      centroid_virials(model, &g.graph, 2, expected, virial);
      assert_memory_equal(W, expected, (size_t)s.n * sizeof *W);
    }
    free_graph(&g);
  }
  ftl_workspace_free(ws);
  ftl_model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_mace), cmocka_unit_test(test_ace),
                                     cmocka_unit_test(test_now_and_then)};
  share_twins(test_mace);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
