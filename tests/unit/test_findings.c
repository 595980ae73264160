/* The pieces of checking data: compositions with impossible energies among them, isolated atoms by all names,
   structures that are the same in another order, cell and place, how a list of findings is told; and that real data are
   silent. tests/cli/test_findings.py has every finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/checks.h"
#include "data/findings/composition.h"
#include "data/isolated.h"
#include "data/same.h"

/* ---- compositions ---- */

/* Guards that one impossible energy moves no other, with energies of 1e4 eV an atom: what is left of the others is the
   noise that was put in. */
static void compositions(void **unused) {
  (void)unused;
  enum { N = 60 };
  static const int element[] = {1, 8, 29};
  static const double e0[] = {-13.6, -2043.2, -45000.7};
  ftl_compositions c = {0};
  double y[N], noise[N], left[N], work[N];
  for (int k = 0; k < N; k++) {
    int atoms[9], n = 3 + k % 7;
    noise[k] = 0.01 * sin(7.0 * k);
    y[k] = noise[k];
    for (int i = 0; i < n; i++) {
      const int z = (k + i * i * (1 + k % 3)) % 3;
      atoms[i] = element[z];
      y[k] += e0[z] / n;
    }
    assert_int_equal(ftl_compositions_add(&c, n, atoms, NULL), FTL_OK);
  }
  assert_int_equal(c.n, N);
  assert_int_equal(c.n_elements, 3);
  y[17] = 1e15;
  y[31] -= 4;
  assert_int_equal(ftl_compositions_fit(&c, y, left, NULL), FTL_OK);
  for (int k = 0; k < N; k++)
    if (k != 17 && k != 31 && fabs(left[k]) > 0.03) fail_msg("structure %d: %g is left", k, left[k]);
  assert_true(left[17] > 0.9e15 && fabs(left[31] + 4) < 0.03);
  assert_true(ftl_robust_deviation(left, N, 0, work) < 0.02);
  assert_true(ftl_trimmed_size(left, N, work) < 0.02);
  ftl_compositions_free(&c);
}

/* ---- isolated atoms ---- */

static ftl_structure atom(const char *config_type, double box, int periodic) {
  static int z = 29;
  static double position[1][3] = {{1, 2, 3}};
  ftl_structure s = {.path = "atoms.xyz",
                     .n = 1,
                     .atomic_number = &z,
                     .position = position,
                     .has_cell = box > 0,
                     .config_type = (char *)config_type};
  for (int k = 0; k < 3; k++) {
    s.cell[k][k] = box;
    s.pbc[k] = k < periodic;
  }
  return s;
}

/* Guards the one rule: by any spelling of the name, without a period, or in a box that is longer than the cutoff. */
static void isolated(void **unused) {
  (void)unused;
  const struct {
    const char *name;
    double box;
    int periodic;
    bool expected;
  } cases[] = {
      {"IsolatedAtom", 3, 3, true},  {"isolated_atom", 3, 3, true}, {"ISOLATED", 3, 3, true},
      {"isolated-atom", 3, 3, true}, {"gas", 0, 0, true},           {"gas", 20, 3, true},
      {"gas", 5.01, 3, true},        {"gas", 4.99, 3, false},       {"gas", 4.99, 1, false},
      {"gas", 4.99, 0, true},        {"atoms", 3, 3, false},        {"isolated_molecule_of_atoms", 3, 3, false}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_structure s = atom(cases[k].name, cases[k].box, cases[k].periodic);
    ftl_dataset set = {.n = 1, .structure = &s};
    assert_int_equal(ftl_isolated_mark(&set, 5, NULL), FTL_OK);
    if (s.isolated != cases[k].expected) fail_msg("%s in a box of %g", cases[k].name, cases[k].box);
  }
  int two[] = {29, 29};
  double apart[][3] = {{0, 0, 0}, {9, 0, 0}};
  ftl_structure pair = atom("IsolatedAtom", 0, 0);
  pair.n = 2;
  pair.atomic_number = two;
  pair.position = apart;
  ftl_dataset set = {.n = 1, .structure = &pair};
  assert_int_equal(ftl_isolated_mark(&set, 5, NULL), FTL_OK);
  assert_false(pair.isolated);
}

/* ---- the same structure ---- */

enum { ATOMS = 7 };

typedef struct {
  ftl_structure s;
  int z[ATOMS];
  double x[ATOMS][3];
} sample;

static void make(sample *m, const int pbc[3]) {
  static const int z[ATOMS] = {29, 29, 13, 29, 13, 1, 29};
  m->s = (ftl_structure){.n = ATOMS, .atomic_number = m->z, .position = m->x, .has_cell = true};
  memcpy(m->s.pbc, pbc, sizeof m->s.pbc);
  memcpy(m->s.cell, (double[3][3]){{7, 0.3, -0.2}, {1.1, 8, 0.5}, {-0.7, 0.4, 9}}, sizeof m->s.cell);
  for (int i = 0; i < ATOMS; i++) {
    m->z[i] = z[i];
    for (int c = 0; c < 3; c++) m->x[i][c] = 3 + 3 * sin(1.7 * i + 2.3 * c + i * c);
  }
}

static bool same(const sample *a, const sample *b, int image[ATOMS]) {
  ftl_same_work work = {0};
  bool yes;
  assert_int_equal(ftl_same(&a->s, &b->s, &work, &yes, NULL), FTL_OK);
  const ftl_fingerprint f = ftl_same_fingerprint(&a->s), g = ftl_same_fingerprint(&b->s);
  if (yes) {
    assert_true(f.hash == g.hash);
    assert_true(fabs(f.projection - g.projection) <= fmax(f.window, g.window));
    if (image) memcpy(image, work.image, ATOMS * sizeof *image);
  }
  ftl_same_work_free(&work);
  return yes;
}

/* Guards that order, lattice translations along periodic directions and a common shift change nothing, and that a moved
   atom, an exchange of elements and a wrap along a direction that is not periodic do. */
static void same_structures(void **unused) {
  (void)unused;
  static const int periods[][3] = {{1, 1, 1}, {1, 1, 0}, {0, 1, 0}, {0, 0, 0}};
  for (size_t p = 0; p < 4; p++) {
    sample a, b, c;
    int image[ATOMS];
    make(&a, periods[p]);
    make(&b, periods[p]);
    for (int i = 0; i < ATOMS; i++) {
      const int j = (3 * i + 2) % ATOMS; /* atom i of a is atom j of b */
      b.z[j] = a.z[i];
      for (int k = 0; k < 3; k++) {
        b.x[j][k] = a.x[i][k] + 0.77 - 0.1 * k;
        for (int d = 0; d < 3; d++)
          if (periods[p][d]) b.x[j][k] += ((i + d) % 4 - 1) * a.s.cell[d][k];
      }
    }
    assert_true(same(&a, &b, image));
    for (int i = 0; i < ATOMS; i++) assert_int_equal(image[i], (3 * i + 2) % ATOMS);
    memcpy(&c, &b, sizeof c);
    c.s.atomic_number = c.z;
    c.s.position = c.x;
    c.x[4][1] += 2e-5;
    assert_false(same(&a, &c, NULL));
    c.x[4][1] -= 2e-5;
    assert_true(same(&a, &c, NULL));
    c.z[2] = 13;
    c.z[5] = c.z[5] == 13 ? 29 : c.z[5];
    assert_false(same(&a, &c, NULL));
    for (int d = 0; d < 3; d++) {
      memcpy(&c, &a, sizeof c);
      c.s.atomic_number = c.z;
      c.s.position = c.x;
      for (int k = 0; k < 3; k++) c.x[3][k] += c.s.cell[d][k];
      assert_int_equal(same(&a, &c, NULL), periods[p][d]);
    }
  }
}

/* ---- telling ---- */

static char told[4][64];
static int n_told;

static void hear(void *context, const char *text) {
  (void)context;
  snprintf(told[n_told++ % 4], sizeof told[0], "%s", text);
}

/* Guards what is printed, what ends a run, and what acceptance changes. */
static void telling(void **unused) {
  (void)unused;
  ftl_findings findings = {0};
  ftl_error error = {0};
  n_told = 0;
  ftl_findings_add(&findings, FTL_FINDING_PARTIAL, FTL_REMARK, 1, NULL, "a remark");
  ftl_findings_add(&findings, FTL_FINDING_E0, FTL_REFUSE, 2, NULL, "refused %d", 1);
  ftl_findings_add(&findings, FTL_FINDING_E0, FTL_REFUSE, 2, NULL, "refused %d", 2);
  assert_int_equal(ftl_findings_tell(&findings, 0, hear, NULL, "; a hint", &error), FTL_ERR_INPUT);
  assert_string_equal(error.message, "refused 1; a hint");
  assert_int_equal(n_told, 2);
  assert_string_equal(told[1], "refused 2");

  /* one that can't be accepted is told alone, without the hint */
  ftl_findings_add(&findings, FTL_FINDING_EMPTY, FTL_FATAL, 0, NULL, "fatal");
  n_told = 0;
  assert_int_equal(ftl_findings_tell(&findings, 0, hear, NULL, "; a hint", &error), FTL_ERR_INPUT);
  assert_string_equal(error.message, "fatal");
  assert_int_equal(n_told, 0);
  ftl_findings_accept(&findings);
  assert_string_equal(ftl_findings_fatal(&findings)->text, "fatal");
  findings.n--;
  assert_null(ftl_findings_fatal(&findings));
  assert_int_equal(ftl_findings_tell(&findings, 1, hear, NULL, "; a hint", &error), FTL_OK);
  assert_int_equal(n_told, 2);
  ftl_findings_free(&findings);
}

/* ---- real data ---- */

/* Guards against false alarms: DFT of metals and silicon, potentials' answers for surfaces, liquids, clusters and gas.
 */
static void real_data(void **unused) {
  (void)unused;
  static const char *const names[] = {
      "foundation/train",   "foundation/valid",   "h2cu/train",         "h2cu/test",      "tialv/train",
      "tialv/test",         "tialv/valid",        "mlearn/Cu_training", "mlearn/Mo_test", "mlearn/Si_training",
      "mlearn/Ge_training", "mlearn/Li_training", "mlearn/Mo_training"};
  const char *shared = getenv("FTL_SHARED") ? getenv("FTL_SHARED") : "../shared";
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    char path[512], *paths[] = {path};
    snprintf(path, sizeof path, "%s/data/%s.xyz", shared, names[k]);
    if (access(path, R_OK) != 0) skip();
    ftl_dataset set = {0};
    ftl_error error = {0};
    ftl_label_counts counts;
    assert_int_equal(ftl_dataset_read(paths, 1, NULL, &set, &error), FTL_OK);
    assert_int_equal(ftl_isolated_mark(&set, 5, &error), FTL_OK);
    ftl_dataset_remove_isolated(&set);
    ftl_dataset_count_labels(&set, &counts);
    const ftl_checked_set checked = {"train", &set, true, false};
    const ftl_checks checks = {.weights = "loss",
                               .n_sets = 1,
                               .set = &checked,
                               .energy = true,
                               .forces = true,
                               .stress = counts.stress > 0,
                               .cutoff = 5};
    ftl_findings findings = {0};
    assert_int_equal(ftl_checks_run(&checks, &findings, &error), FTL_OK);
    if (findings.n > 0) fail_msg("%s: %s", names[k], findings.finding[0].text);
    ftl_findings_free(&findings);
    ftl_dataset_free(&set);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compositions), cmocka_unit_test(isolated),  cmocka_unit_test(same_structures),
      cmocka_unit_test(telling),      cmocka_unit_test(real_data),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
