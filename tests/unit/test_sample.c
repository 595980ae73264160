/* Structures that the program makes for replay: elements, volume and strain are what was asked for, and atoms that are
   too close are seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "tune/sample_make.h"

static int numbers[2] = {29, 1};
static double positions[2][3] = {{0, 0, 0}, {1.8, 1.8, 0}};
static char path[] = "some.xyz", config[] = "bulk";

static ftl_structure seed(void) {
  return (ftl_structure){.path = path,
                         .n = 2,
                         .atomic_number = numbers,
                         .position = positions,
                         .has_cell = true,
                         .cell = {{3.6, 0, 0}, {0, 3.6, 0}, {0, 0, 3.6}},
                         .pbc = {1, 1, 1},
                         .volume = 3.6 * 3.6 * 3.6,
                         .config_type = config,
                         .weight = 7};
}

static ftl_structure make(const ftl_sample_options *options, uint64_t number) {
  ftl_structure made, from = seed();
  ftl_random random;
  ftl_random_seed(&random, number);
  assert_int_equal(ftl_sample_make(options, &from, &random, &made, NULL), FTL_OK);
  return made;
}

static void done(ftl_structure *made) {
  ftl_dataset dataset = {.n = 1, .structure = malloc(sizeof *made)};
  dataset.structure[0] = *made;
  ftl_dataset_free(&dataset);
}

static double determinant(const double m[3][3]) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

static void nothing_asked_nothing_done(void **unused) {
  (void)unused;
  const ftl_sample_options options = {.n_elements = 2, .elements = {1, 29}};
  ftl_structure made = make(&options, 1);
  assert_memory_equal(made.position, positions, sizeof positions);
  assert_memory_equal(made.atomic_number, numbers, sizeof numbers);
  assert_string_equal(made.path, "sampled from some.xyz");
  assert_string_equal(made.config_type, "sampled");
  assert_close(made.weight, 1, 0);
  assert_null(made.labels.forces);
  done(&made);
}

/* An element that may not stay is always replaced; the others in the part that is asked for. */
static void elements_are_replaced(void **unused) {
  (void)unused;
  ftl_sample_options options = {.n_elements = 2, .elements = {13, 29}};
  int aluminium = 0, copper_stays = 0;
  for (uint64_t k = 0; k < 400; k++) {
    options.substitute = k < 200 ? 0 : 1;
    ftl_structure made = make(&options, k);
    assert_true(made.atomic_number[1] == 13 || made.atomic_number[1] == 29);
    if (k < 200) assert_int_equal(made.atomic_number[0], 29);
    aluminium += made.atomic_number[1] == 13;
    copper_stays += k >= 200 && made.atomic_number[0] == 29;
    assert_close(made.volume, fabs(determinant((const double(*)[3])made.cell)), 1e-9);
    assert_true(made.volume > 46.656); /* H is the smallest atom */
    done(&made);
  }
  assert_in_range(aluminium, 150, 250);
  assert_in_range(copper_stays, 100, 160); /* a quarter is not chosen, half of the others draw copper again */
}

static void strain_is_symmetric_and_bounded(void **unused) {
  (void)unused;
  const ftl_sample_options options = {.strain = 0.04, .n_elements = 2, .elements = {1, 29}};
  double largest = 0;
  for (uint64_t k = 0; k < 200; k++) {
    ftl_structure made = make(&options, k);
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) {
        const double e = made.cell[a][b] / 3.6 - (a == b);
        assert_close(e, made.cell[b][a] / 3.6 - (a == b), 1e-12);
        largest = fmax(largest, fabs(e));
      }
    assert_close(made.volume, determinant((const double(*)[3])made.cell), 1e-9);
    assert_close(made.position[1][0], (made.cell[0][0] + made.cell[1][0]) / 2, 1e-12);
    done(&made);
  }
  assert_true(largest > 0.035 && largest <= 0.04);
}

static void rattled(void **unused) {
  (void)unused;
  const ftl_sample_options options = {.rattle = 0.1, .n_elements = 2, .elements = {1, 29}};
  double square = 0;
  for (uint64_t k = 0; k < 2000; k++) {
    ftl_structure made = make(&options, k);
    for (int i = 0; i < 6; i++) square += pow(made.position[i / 3][i % 3] - positions[i / 3][i % 3], 2);
    done(&made);
  }
  assert_close(square / 12000, 0.01 / 3, 3e-4); /* the mean of u^2 is a third */
}

static void close_atoms(void **unused) {
  (void)unused;
  ftl_neighbours scratch = {0};
  double place[2][3] = {{0, 0, 0}, {0, 0, 0.99}};
  ftl_structure s = seed();
  bool close;
  s.position = place;
  const struct {
    double distance;
    bool close;
  } cases[] = {{0.99, false}, {0.96, true}, {2.62, false}, {2.63, true}, {0, true}}; /* 0.6 (1.32 + 0.31) = 0.978 */
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    place[1][2] = cases[k].distance;
    assert_int_equal(ftl_sample_close(&s, &scratch, &close, NULL), FTL_OK);
    assert_int_equal(close, cases[k].close);
  }
  ftl_neighbours_free(&scratch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_asked_nothing_done),
      cmocka_unit_test(elements_are_replaced),
      cmocka_unit_test(strain_is_symmetric_and_bounded),
      cmocka_unit_test(rattled),
      cmocka_unit_test(close_atoms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
