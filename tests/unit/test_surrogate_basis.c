/* The basis of a surrogate: how many invariants there are, that its functions are invariant and independent, that
   slopes are slopes, which products belong, and what is refused. */
#include "surrogate_cases.h"

#include "surrogate/invariants.h"
#include "surrogate/solve.h"

/* ---- numbers of invariants ---- */

static int count(int rank, const int *l, const bool *same) {
  ftl_invariants x;
  assert_int_equal(ftl_invariants_make(rank, l, same, &x, NULL), FTL_OK);
  int n = x.n_functions;
  ftl_invariants_free(&x);
  return n;
}

static const bool different[5] = {false}, equal[5] = {false, true, true, true, true};

static void pairs_and_triples(void **unused) {
  (void)unused;
  for (int a = 0; a <= 4; a++)
    for (int b = 0; b <= 4; b++) {
      if ((a + b) % 2 == 0) assert_int_equal(count(2, (int[]){a, b}, different), a == b);
      for (int c = 0; c <= 4; c++)
        if ((a + b + c) % 2 == 0)
          assert_int_equal(count(3, (int[]){a, b, c}, different), c >= abs(a - b) && c <= a + b);
    }
  assert_int_equal(count(2, (int[]){8, 8}, equal), 1);
}

/* Of different factors: the intermediate L that both pairs have. */
static void quadruples(void **unused) {
  (void)unused;
  for (int code = 0; code < 81; code++) {
    const int l[4] = {code % 3, code / 3 % 3, code / 9 % 3, code / 27};
    int n = 0;
    if ((l[0] + l[1] + l[2] + l[3]) % 2) continue;
    for (int L = 0; L <= 4; L++)
      n += L >= abs(l[0] - l[1]) && L <= l[0] + l[1] && L >= abs(l[2] - l[3]) && L <= l[2] + l[3];
    assert_int_equal(count(4, l, different), n);
  }
}

/* Of equal factors: coefficients of Molien series. l = 1: 1/(1 - t^2), l = 2: 1/((1 - t^2)(1 - t^3)), l = 3 and 4: the
   invariants of binary sextics (degrees 2, 4, 6, ...) and octavics (2, 3, 4, 5, ...). */
static void equal_factors(void **unused) {
  (void)unused;
  static const struct {
    int l, rank, n;
  } known[] = {{1, 2, 1}, {1, 4, 1}, {2, 2, 1}, {2, 3, 1}, {2, 4, 1}, {2, 5, 1},
               {3, 4, 2}, {4, 3, 1}, {4, 4, 2}, {4, 5, 2}, {0, 5, 1}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    const int l[5] = {known[k].l, known[k].l, known[k].l, known[k].l, known[k].l};
    assert_int_equal(count(known[k].rank, l, equal), known[k].n);
  }
  const int ones[5] = {1, 1, 1, 1, 0}, first_ones[5] = {0, 1, 1, 1, 1};
  assert_int_equal(count(4, ones, different), 3);
  assert_int_equal(count(4, ones, (bool[]){0, 1, 0, 1}), 2); /* (a a)(b b) and (a b)^2 */
  assert_int_equal(count(4, ones, (bool[]){0, 1, 1, 0}), 1); /* (a a)(a b) */
  assert_int_equal(count(5, first_ones, different), 3);
  assert_int_equal(count(5, (int[]){1, 1, 1, 1, 2}, different), 6);
}

static void clebsch_gordan(void **unused) {
  (void)unused;
  assert_close(ftl_clebsch_gordan(1, 0, 1, 0, 0, 0), -1 / sqrt(3), 1e-14);
  assert_close(ftl_clebsch_gordan(1, 1, 1, -1, 1, 0), 1 / sqrt(2), 1e-14);
  assert_close(ftl_clebsch_gordan(2, 1, 1, -1, 2, 0), 1 / sqrt(2), 1e-14);
  assert_close(ftl_clebsch_gordan(1, 0, 1, 0, 1, 0), 0, 1e-14);
  for (int l = 0; l <= 8; l++) /* columns are orthonormal */
    for (int L = 0; L <= 16; L++) {
      double sum = 0;
      for (int m = -l; m <= l; m++) sum += pow(ftl_clebsch_gordan(l, m, l, -m, L, 0), 2);
      assert_close(sum, L <= 2 * l, 1e-11);
    }
}

/* ---- functions ---- */

static const ftl_basis_bounds to_rank_5 = {.n = {4, 2, 2, 1, 1}, .l = {0, 3, 2, 2, 1}};

typedef struct {
  int n_columns, n_atoms;
  const ftl_surrogate *surrogate;
  double value[MOST_ATOMS][800];
  int mu[MOST_ATOMS];
} atoms;

static void keep_atom(void *context, int atom, int mu, const double *value) {
  atoms *a = context;
  a->mu[atom] = mu;
  memcpy(a->value[atom], value, (size_t)a->surrogate->file.n_functions[mu] * sizeof *value);
}

static void atoms_of(designed *d, const made_structure *m, atoms *a) {
  ftl_error error = {0};
  a->surrogate = &d->surrogate;
  for (int mu = 0; mu < d->surrogate.file.n_elements; mu++) assert_true(d->surrogate.file.n_functions[mu] <= 800);
  if (ftl_design_atoms(&d->designer, &m->s, keep_atom, a, &error)) fail_msg("%s", error.message);
}

static void turn(const made_structure *m, const double q[3][3], const int *order, made_structure *turned) {
  *turned = *m;
  point_to_own(turned);
  for (int i = 0; i < m->s.n; i++) {
    turned->z[order[i]] = m->z[i];
    for (int d = 0; d < 3; d++)
      turned->x[order[i]][d] = q[d][0] * m->x[i][0] + q[d][1] * m->x[i][1] + q[d][2] * m->x[i][2] + 3.7;
  }
}

static void functions_are_invariant(void **unused) {
  (void)unused;
  const ftl_basis_options options = small_options(2, to_rank_5);
  designed d;
  ftl_random random;
  static atoms before, after;
  double largest[2][800] = {{0}};
  start_design(&options, &d);
  ftl_random_seed(&random, 5);
  for (int trial = 0; trial < 6; trial++) {
    made_structure m, turned;
    double q[3][3];
    int order[MOST_ATOMS];
    make_structure(&random, 10, 4.5, 0.9, false, 2, hydrogen_copper, &m);
    random_orthogonal(&random, q); /* every other one reflects, about */
    for (int i = 0; i < m.s.n; i++) order[i] = i;
    ftl_random_shuffle(&random, m.s.n, order);
    turn(&m, q, order, &turned);
    atoms_of(&d, &m, &before);
    atoms_of(&d, &turned, &after);
    for (int i = 0; i < m.s.n; i++)
      for (int k = 0; k < d.surrogate.file.n_functions[before.mu[i]]; k++) {
        double value = before.value[i][k];
        largest[before.mu[i]][k] = fmax(largest[before.mu[i]][k], fabs(value));
        assert_close(after.value[order[i]][k], value, 1e-11 * (1 + fabs(value)));
      }
  }
  for (int mu = 0; mu < 2; mu++)
    for (int k = 0; k < d.surrogate.file.n_functions[mu]; k++) assert_true(largest[mu][k] > 1e-9);
  free_designed(&d);
}

/* Values of an element's functions at random atoms have the rank of their number. */
static void functions_are_independent(void **unused) {
  (void)unused;
  const ftl_basis_options options = small_options(2, (ftl_basis_bounds){.n = {5, 2, 2, 1, 1}, .l = {0, 3, 2, 2, 1}});
  designed d;
  ftl_random random;
  static atoms a;
  start_design(&options, &d);
  ftl_random_seed(&random, 7);
  const int n = d.surrogate.file.n_functions[1], n_rows = 3 * n;
  double *block = calloc((size_t)(n + 1) * (size_t)n_rows, sizeof *block), *rough = malloc((size_t)n * sizeof *rough);
  assert_non_null(block);
  assert_non_null(rough);
  for (int row = 0; row < n_rows;) {
    made_structure m;
    make_structure(&random, 10, 4.2, 0.9, false, 2, hydrogen_copper, &m);
    atoms_of(&d, &m, &a);
    for (int i = 0; i < m.s.n && row < n_rows; i++) {
      if (a.mu[i] != 1) continue;
      for (int k = 0; k < n; k++) block[(size_t)k * (size_t)n_rows + (size_t)row] = a.value[i][k];
      row++;
    }
  }
  ftl_triangle triangle;
  ftl_solution solution;
  for (int k = 0; k < n; k++) rough[k] = 1;
  assert_int_equal(ftl_triangle_new(n, &triangle, NULL), FTL_OK);
  assert_int_equal(ftl_triangle_add(&triangle, block, n_rows, n_rows, NULL), FTL_OK);
  assert_int_equal(ftl_solve(&triangle, NULL, 0, rough, &(ftl_solve_options){.lambda = 1e-12}, &solution, NULL),
                   FTL_OK);
  assert_true(n > 100);
  assert_int_equal(solution.rank, n);
  assert_true(solution.condition < 1e9);
  ftl_solution_free(&solution);
  ftl_triangle_free(&triangle);
  free(block);
  free(rough);
  free_designed(&d);
}

/* ---- slopes ---- */

static double *energies_of(designed *d, const made_structure *m) {
  int rows;
  return rows_of(d, m, (ftl_design_rows){.energy = true}, &rows);
}

/* (E(+h) - E(-h)) / 2h of every function where `move` displaces by +-h, against `row` times sign of the rows. */
static void compare_slope(designed *d, const made_structure *plus, const made_structure *minus, double h,
                          const double *block, int ld, int row) {
  double *up = energies_of(d, plus), *down = energies_of(d, minus);
  for (int k = 0; k < d->n; k++) {
    double slope = (up[k] - down[k]) / (2 * h), row_value = -block[(size_t)k * (size_t)ld + (size_t)row];
    assert_close(row_value, slope, 2e-6 * (1 + fabs(slope)));
  }
  free(up);
  free(down);
}

static void strain(const made_structure *m, int a, int b, double e, made_structure *to) {
  *to = *m;
  point_to_own(to);
  for (int k = 0; k < 3; k++) to->s.cell[k][a] += e * m->s.cell[k][b];
  for (int i = 0; i < m->s.n; i++) to->x[i][a] += e * m->x[i][b];
}

static void rows_are_slopes(void **unused) {
  (void)unused;
  static const int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  const ftl_basis_options options = small_options(2, to_rank_5);
  const double h = 1e-4;
  designed d;
  ftl_random random;
  made_structure m, plus, minus;
  int n_rows;
  start_design(&options, &d);
  ftl_random_seed(&random, 9);
  make_structure(&random, 6, 4.7, 1.4, true, 2, hydrogen_copper, &m);
  double *block = rows_of(&d, &m, (ftl_design_rows){.energy = true, .forces = true, .stress = true}, &n_rows);
  assert_int_equal(n_rows, 1 + 3 * m.s.n + 6);
  for (int i = 0; i < m.s.n; i++)
    for (int x = 0; x < 3; x++) {
      plus = minus = m;
      point_to_own(&plus);
      point_to_own(&minus);
      plus.x[i][x] += h;
      minus.x[i][x] -= h;
      compare_slope(&d, &plus, &minus, h, block, n_rows, 1 + 3 * i + x);
    }
  for (int k = 0; k < 6; k++) {
    strain(&m, voigt[k][0], voigt[k][1], h, &plus);
    strain(&m, voigt[k][0], voigt[k][1], -h, &minus);
    compare_slope(&d, &plus, &minus, h, block, n_rows, 1 + 3 * m.s.n + k);
  }
  free(block);
  free_designed(&d);
}

/* ---- what belongs ---- */

static int count_where(const ftl_surrogate *s, bool (*good)(const ftl_ace_function *f, int mu)) {
  int n = 0;
  for (int mu = 0; mu < s->file.n_elements; mu++)
    for (int k = 0; k < s->file.n_functions[mu]; k++) n += good(&s->file.function[mu][k], mu);
  return n;
}

static bool any(const ftl_ace_function *f, int mu) {
  (void)f;
  (void)mu;
  return true;
}

static bool of_degree_6(const ftl_ace_function *f, int mu) {
  double degree = 0;
  (void)mu;
  for (int t = 0; t < f->rank; t++) degree += f->n[t] + 1 + 1.5 * f->l[t];
  return degree <= 6;
}

static bool of_one_species(const ftl_ace_function *f, int mu) {
  (void)mu;
  for (int t = 1; t < f->rank; t++)
    if (f->mu[t] != f->mu[0]) return false;
  return true;
}

static bool of_copper_alone(const ftl_ace_function *f, int mu) { return mu == 1 && of_one_species(f, mu) && f->mu[0]; }
static bool within_block(const ftl_ace_function *f, int mu) {
  for (int t = 0; t < f->rank; t++)
    if (f->n[t] >= (f->rank == 1 ? 7 : 3) || f->l[t] > (f->rank == 1 ? 0 : 4)) return false;
  return of_copper_alone(f, mu) && f->rank <= 2;
}
static bool others(const ftl_ace_function *f, int mu) { return !of_copper_alone(f, mu); }

static void bounds_decide(void **unused) {
  (void)unused;
  const ftl_basis_bounds small = {.n = {3, 2}, .l = {0, 1}};
  ftl_basis_options o = small_options(1, small);
  ftl_surrogate s = make_basis(&o);
  assert_int_equal(n_functions(&s), 3 + 3 + 3);
  ftl_surrogate_free(&s);
  o = small_options(2, to_rank_5);
  s = make_basis(&o);
  const int all = count_where(&s, any), low = count_where(&s, of_degree_6), pure = count_where(&s, of_one_species);
  const int not_copper = count_where(&s, others);
  assert_int_equal(all, n_functions(&s));
  ftl_surrogate_free(&s);
  o.degree = 6;
  o.degree_l = 1.5;
  s = make_basis(&o);
  assert_int_equal(n_functions(&s), low);
  assert_true(low < all);
  ftl_surrogate_free(&s);
  o = small_options(2, to_rank_5);
  o.max_species = 1;
  s = make_basis(&o);
  assert_int_equal(n_functions(&s), pure);
  ftl_surrogate_free(&s);
  const ftl_basis_block block = {.n_elements = 1, .elements = {29}, .bounds = {.n = {7, 3}, .l = {0, 4}}};
  o = small_options(2, to_rank_5);
  o.n_blocks = 1;
  o.block = &block;
  s = make_basis(&o);
  assert_int_equal(count_where(&s, of_copper_alone), 7 + 5 * 6); /* l = 0 .. 4 of six pairs n, n' */
  assert_int_equal(count_where(&s, within_block), 7 + 5 * 6);
  assert_int_equal(count_where(&s, others), not_copper);
  ftl_surrogate_free(&s);
}

/* A block for one kind of centre; a shorter cutoff of a pair, where functions are 0 beyond it. */
static void centres_and_pairs(void **unused) {
  (void)unused;
  const ftl_basis_block block = {.centre = 1, .n_elements = 2, .elements = {1, 29}, .bounds = {.n = {1}, .l = {0}}};
  ftl_basis_options o = small_options(2, (ftl_basis_bounds){.n = {3}});
  o.n_blocks = 1;
  o.block = &block;
  ftl_surrogate s = make_basis(&o);
  assert_int_equal(s.file.n_functions[0], 3 + 1); /* H around H, Cu around H */
  assert_int_equal(s.file.n_functions[1], 3 + 3);
  ftl_surrogate_free(&s);
  made_structure m;
  ftl_random random;
  designed d;
  int rows;
  o.n_blocks = 0;
  o.n_pairs = 1;
  o.pair[0] = (ftl_basis_pair){{29, 1}, 2.5};
  start_design(&o, &d);
  ftl_random_seed(&random, 1);
  make_structure(&random, 2, 9, 1, false, 2, hydrogen_copper, &m);
  memset(m.x, 0, sizeof m.x);
  for (int k = 0; k < 2; k++) {
    m.x[1][0] = k ? 2.45 : 2.55;
    double *block_of = rows_of(&d, &m, (ftl_design_rows){.energy = true}, &rows);
    for (int f = 0; f < d.n; f++)
      assert_int_equal(block_of[f] != 0, k && d.surrogate.file.function[f / 6][f % 6].mu[0] != f / 6);
    free(block_of);
  }
  free_designed(&d);
}

static void absent_element(void **unused) {
  (void)unused;
  const ftl_basis_options options = small_options(2, to_rank_5);
  designed d;
  ftl_random random;
  made_structure m;
  int n_rows;
  start_design(&options, &d);
  ftl_random_seed(&random, 3);
  make_structure(&random, 5, 4, 1.2, true, 1, hydrogen_copper, &m);
  double *block = rows_of(&d, &m, (ftl_design_rows){.energy = true, .forces = true, .stress = true}, &n_rows);
  for (int k = d.surrogate.first[1]; k < d.n; k++)
    for (int i = 0; i < n_rows; i++) assert_true(block[(size_t)k * (size_t)n_rows + (size_t)i] == 0);
  free(block);
  free_designed(&d);
}

static void roughness(void **unused) {
  (void)unused;
  const ftl_ace_function f = {.rank = 3, .n = {0, 2, 1}, .l = {0, 1, 3}};
  assert_close(ftl_basis_roughness(&f, 2, 0.1, 0.5), 1 + 0.1 * (4 + 1) + 0.5 * (1 + 9), 1e-14);
  assert_close(ftl_basis_scale(&f), pow(4 * 3.14159265358979, 1.5), 1e-11);
}

/* ---- what is refused ---- */

static void refuse(const ftl_basis_options *o, const char *words) {
  ftl_surrogate s;
  ftl_error error = {0};
  assert_int_equal(ftl_basis_make(o, &s, &error), FTL_ERR_INPUT);
  if (!strstr(error.message, words)) fail_msg("'%s' does not say '%s'", error.message, words);
  assert_null(s.file.function);
}

static void refused_options(void **unused) {
  (void)unused;
  const ftl_basis_options good = small_options(2, to_rank_5);
  ftl_basis_options o = good;
  o.n_elements = 0;
  refuse(&o, "at least one element");
  o = good;
  o.cutoff = 0;
  refuse(&o, "cutoff of a basis is 0 Angstrom");
  o = good;
  o.d_cutoff = 4;
  refuse(&o, "width of the cutoff is 4");
  o = good;
  o.bounds.n[1] = 65;
  refuse(&o, "rank 2 has n = 65");
  o = good;
  o.bounds.l[2] = 9;
  refuse(&o, "rank 3 has n = 2 and l = 9");
  o = good;
  o.bounds.l[0] = 1;
  refuse(&o, "rank 1 have l = 0, not 1");
  o = good;
  o.bounds = (ftl_basis_bounds){0};
  refuse(&o, "no function at all");
  o = good;
  o.max_functions = 100;
  refuse(&o, "functions, more than the 100 allowed");
  o.bounds = (ftl_basis_bounds){.n = {30, 30, 30, 30, 30}, .l = {0, 8, 8, 8, 8}}; /* counting all would take for ever */
  refuse(&o, "functions, more than the 100 allowed");
  o = good;
  o.n_pairs = 1;
  o.pair[0] = (ftl_basis_pair){{1, 22}, 3};
  refuse(&o, "a pair with Ti, which is not among the elements");
  o.pair[0] = (ftl_basis_pair){{29, 1}, 4.5};
  refuse(&o, "cutoff of Cu and H is 4.5 Angstrom");
  ftl_basis_block block = {.n_elements = 1, .elements = {22}, .bounds = to_rank_5};
  o = good;
  o.n_blocks = 1;
  o.block = &block;
  refuse(&o, "has Ti, which is not among its elements");
  block = (ftl_basis_block){.n_elements = 2, .elements = {29, 29}, .bounds = to_rank_5};
  refuse(&o, "has Cu twice");
  block = (ftl_basis_block){.bounds = to_rank_5};
  refuse(&o, "has no elements");
}

static void inner_cutoff_names_the_atoms(void **unused) {
  (void)unused;
  const ftl_basis_options options = small_options(2, to_rank_5);
  const double inner[4] = {0.5, 1, 1, 1.5};
  designed d;
  made_structure m;
  ftl_random random;
  ftl_error error = {0};
  start_design(&options, &d);
  ftl_basis_set_inner(&d.surrogate, inner, 0.2);
  ftl_random_seed(&random, 3);
  make_structure(&random, 4, 4, 1.6, true, 2, hydrogen_copper, &m);
  m.s.frame = 2;
  m.s.line = 40;
  for (int x = 0; x < 3; x++) m.x[3][x] = m.x[1][x] + (x == 0 ? 1.4 : 0);
  double *block = malloc((size_t)d.n * sizeof *block);
  assert_non_null(block);
  assert_int_equal(ftl_design_fill(&d.designer, &m.s, (ftl_design_rows){.energy = true}, block, 1, 0, &error),
                   FTL_ERR_INPUT);
  if (!strstr(error.message, "atoms 1 and 3: Cu and Cu are 1.400 Angstrom apart, within the inner cutoff of 1.500"))
    fail_msg("%s", error.message);
  if (!strstr(error.where, "made.xyz, line 43, frame 2")) fail_msg("%s", error.where);
  free(block);
  free_designed(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pairs_and_triples),
                                     cmocka_unit_test(quadruples),
                                     cmocka_unit_test(equal_factors),
                                     cmocka_unit_test(clebsch_gordan),
                                     cmocka_unit_test(functions_are_invariant),
                                     cmocka_unit_test(functions_are_independent),
                                     cmocka_unit_test(rows_are_slopes),
                                     cmocka_unit_test(bounds_decide),
                                     cmocka_unit_test(centres_and_pairs),
                                     cmocka_unit_test(absent_element),
                                     cmocka_unit_test(roughness),
                                     cmocka_unit_test(refused_options),
                                     cmocka_unit_test(inner_cutoff_names_the_atoms)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
