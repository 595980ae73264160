/* E0, scale and shift: given, from single atoms, by least squares with all that can be wrong with the compositions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "data/energies.h"

enum { H, O, CU, N_ELEMENTS };
static const int elements[N_ELEMENTS] = {1, 8, 29};

/* A data set made of compositions (counts of H, O, Cu) and energies; the caller frees nothing but `set`. */
static ftl_dataset compose(int n, const int (*counts)[N_ELEMENTS], const double *energies) {
  ftl_dataset set = {.n = n, .structure = calloc((size_t)n, sizeof(ftl_structure))};
  assert_non_null(set.structure);
  for (int s = 0; s < n; s++) {
    ftl_structure *structure = &set.structure[s];
    *structure = (ftl_structure){.path = strdup("set.xyz"),
                                 .frame = s,
                                 .line = 1 + 10 * s,
                                 .config_type = strdup(FTL_NO_CONFIG_TYPE),
                                 .weight = 1,
                                 .labels = {.has_energy = !isnan(energies[s]), .energy = energies[s]}};
    for (int k = 0; k < N_ELEMENTS; k++) structure->n += counts[s][k];
    structure->atomic_number = calloc((size_t)structure->n, sizeof(int));
    structure->position = calloc((size_t)structure->n, sizeof(double[3]));
    assert_non_null(structure->atomic_number);
    assert_non_null(structure->position);
    structure->isolated = structure->n == 1;
    for (int k = 0, i = 0; k < N_ELEMENTS; k++)
      for (int c = 0; c < counts[s][k]; c++) structure->atomic_number[i++] = elements[k];
  }
  return set;
}

static void given(void **unused) {
  (void)unused;
  char *names[] = {"Cu", "H", "O", "Xx"}, *twice[] = {"Cu", "H", "Cu"}, *zirconium[] = {"Zr"};
  const double values[] = {-3, -1, -2, 0};
  double e0[N_ELEMENTS];
  ftl_error error = {0};
  assert_int_equal(ftl_e0_given(names, values, 3, elements, N_ELEMENTS, e0, &error), FTL_OK);
  assert_close(e0[H], -1, 0);
  assert_close(e0[O], -2, 0);
  assert_close(e0[CU], -3, 0);
  assert_int_equal(ftl_e0_given(names, values, 4, elements, N_ELEMENTS, e0, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "Xx is not a chemical symbol"));
  assert_int_equal(ftl_e0_given(names, values, 2, elements, N_ELEMENTS, e0, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "no energy is given for O"));
  assert_int_equal(ftl_e0_given(twice, values, 3, elements, N_ELEMENTS, e0, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "Cu is given twice"));
  assert_int_equal(ftl_e0_given(zirconium, values, 1, elements, N_ELEMENTS, e0, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "Zr"));
}

static void isolated(void **unused) {
  (void)unused;
  const int counts[][N_ELEMENTS] = {{2, 0, 0}, {1, 0, 0}, {0, 0, 1}, {1, 0, 0}, {0, 1, 0}};
  const double energies[] = {-7, -1.1, -0.2, -1.1, NAN};
  ftl_dataset set = compose(5, counts, energies);
  double e0[N_ELEMENTS] = {10, 20, 30};
  bool found[N_ELEMENTS];
  ftl_error error = {0};
  /* copper is alone in a periodic box, which is wide for a cutoff of 5 and not for one of 7 */
  ftl_structure *copper = &set.structure[2];
  copper->isolated = false;
  copper->has_cell = true;
  for (int k = 0; k < 3; k++) copper->pbc[k] = 1, copper->cell[k][k] = 6;
  assert_int_equal(ftl_e0_isolated(&set, 5, elements, N_ELEMENTS, e0, found, &error), FTL_OK);
  assert_true(found[H] && !found[O] && found[CU]);
  assert_close(e0[H], -1.1, 0);
  assert_close(e0[O], 20, 0); /* has no energy: stays */
  assert_close(e0[CU], -0.2, 0);
  assert_int_equal(ftl_e0_isolated(&set, 7, elements, N_ELEMENTS, e0, found, &error), FTL_OK);
  assert_true(found[H] && !found[CU]);
  set.structure[3].labels.energy = -1.2;
  assert_int_equal(ftl_e0_isolated(&set, 5, elements, N_ELEMENTS, e0, found, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.where, "frame 3"));
  assert_non_null(strstr(error.message, "frame 1"));
  ftl_dataset_free(&set);
}

/* Guards the solution: overdetermined, with a structure without energy, against the normal equations by hand. */
static void least_squares(void **unused) {
  (void)unused;
  const int counts[][N_ELEMENTS] = {{1, 0, 0}, {1, 0, 1}, {0, 0, 2}, {2, 0, 2}, {5, 5, 5}};
  const double energies[] = {-1, -4.5, -6.2, -8.7, NAN};
  ftl_dataset set = compose(5, counts, energies);
  double e0[N_ELEMENTS];
  ftl_e0_fit fit;
  assert_int_equal(ftl_e0_least_squares(&set, elements, N_ELEMENTS, NULL, NULL, e0, &fit, NULL), FTL_OK);
  /* [6 5; 5 9] x = [-22.9; -34.3] */
  assert_close(e0[H], (-22.9 * 9 + 34.3 * 5) / 29, 1e-12);
  assert_close(e0[CU], (-34.3 * 6 + 22.9 * 5) / 29, 1e-12);
  assert_close(e0[O], 0, 0);
  assert_int_equal(fit.structures, 4);
  assert_int_equal(fit.present, 2);
  assert_int_equal(fit.rank, 2);
  assert_true(fit.absent[O] && !fit.absent[H] && !fit.undetermined[H] && !fit.undetermined[O]);
  assert_string_equal(fit.warning, "");
  ftl_dataset_free(&set);
}

/* Guards rank deficiency: H and Cu only in one ratio, O determined; never silent, and closest to where it starts. */
static void rank_deficient(void **unused) {
  (void)unused;
  const int counts[][N_ELEMENTS] = {{2, 0, 4}, {1, 0, 2}, {1, 1, 2}, {3, 2, 6}, {0, 3, 0}};
  const double h_and_cu = -20, o = -3; /* energy of HCu2, of O */
  const double energies[] = {2 * h_and_cu, h_and_cu, h_and_cu + o, 3 * h_and_cu + 2 * o, 3 * o};
  ftl_dataset set = compose(5, counts, energies);
  double e0[N_ELEMENTS];
  ftl_e0_fit fit;
  assert_int_equal(ftl_e0_least_squares(&set, elements, N_ELEMENTS, NULL, NULL, e0, &fit, NULL), FTL_OK);
  assert_int_equal(fit.rank, 2);
  assert_int_equal(fit.present, 3);
  assert_true(fit.undetermined[H] && fit.undetermined[CU] && !fit.undetermined[O]);
  assert_non_null(strstr(fit.warning, "E0 of H Cu (rank 2 of 3)"));
  assert_non_null(strstr(fit.warning, "zero"));
  assert_close(e0[H], h_and_cu / 5, 1e-10); /* the shortest (h, cu) with h + 2 cu = -20 */
  assert_close(e0[CU], 2 * h_and_cu / 5, 1e-10);
  assert_close(e0[O], o, 1e-10);

  const double start[N_ELEMENTS] = {-4, -3.5, -7}; /* HCu2: -18, so the step is -2/5, -4/5 */
  assert_int_equal(ftl_e0_least_squares(&set, elements, N_ELEMENTS, start, NULL, e0, &fit, NULL), FTL_OK);
  assert_close(e0[H], -4.4, 1e-10);
  assert_close(e0[CU], -7.8, 1e-10);
  assert_close(e0[O], o, 1e-10);
  assert_non_null(strstr(fit.warning, "the E0 of the foundation"));
  ftl_dataset_free(&set);

  /* fewer structures than elements */
  const int few[][N_ELEMENTS] = {{1, 1, 1}};
  const double one[] = {-6};
  set = compose(1, few, one);
  assert_int_equal(ftl_e0_least_squares(&set, elements, N_ELEMENTS, NULL, NULL, e0, &fit, NULL), FTL_OK);
  assert_int_equal(fit.rank, 1);
  for (int k = 0; k < N_ELEMENTS; k++) assert_close(e0[k], -2, 1e-12);
  ftl_dataset_free(&set);
}

/* Guards the re-estimation: what the foundation is off by, over compositions, is added to its E0. */
static void from_predictions(void **unused) {
  (void)unused;
  const int counts[][N_ELEMENTS] = {{2, 0, 4}, {1, 0, 0}, {1, 0, 2}, {0, 0, 6}};
  const double start[N_ELEMENTS] = {-1, -2, -3}, shift[N_ELEMENTS] = {0.25, 0, -1.5};
  double energies[4], predicted[4], e0[N_ELEMENTS];
  for (int s = 0; s < 4; s++) {
    predicted[s] = -10 + s * s; /* whatever the foundation says */
    energies[s] = predicted[s] + counts[s][H] * shift[H] + counts[s][CU] * shift[CU];
  }
  ftl_dataset set = compose(4, counts, energies);
  ftl_error error = {0};
  assert_int_equal(ftl_e0_least_squares(&set, elements, N_ELEMENTS, start, predicted, e0, NULL, &error), FTL_OK);
  assert_close(e0[H], -0.75, 1e-12);
  assert_close(e0[O], -2, 0);
  assert_close(e0[CU], -4.5, 1e-12);

  predicted[1] = NAN;
  assert_int_equal(ftl_e0_least_squares(&set, elements, N_ELEMENTS, start, predicted, e0, NULL, &error), FTL_ERR_INPUT);
  for (int s = 0; s < 4; s++) set.structure[s].labels.has_energy = false;
  assert_int_equal(ftl_e0_least_squares(&set, elements, N_ELEMENTS, NULL, NULL, e0, NULL, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "no structure has an energy"));
  set.structure[2].labels.has_energy = true;
  assert_int_equal(ftl_e0_least_squares(&set, elements, 2, NULL, NULL, e0, NULL, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "atom 1 is Cu"));
  assert_non_null(strstr(error.where, "set.xyz, line 24, frame 2"));
  ftl_dataset_free(&set);
}

static void scale_and_shift(void **unused) {
  (void)unused;
  const int counts[][N_ELEMENTS] = {{2, 0, 0}, {0, 0, 1}, {1, 0, 0}};
  const double energies[] = {-3, -5, NAN}, e0[N_ELEMENTS] = {-1, 0, -4};
  double forces[2][3] = {{1, 2, 3}, {0, 0, 4}}, scale, shift;
  ftl_dataset set = compose(3, counts, energies);
  ftl_error error = {0};
  assert_int_equal(ftl_scale_shift(&set, elements, N_ELEMENTS, e0, &scale, &shift, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "forces"));
  ftl_labels *labels = &set.structure[0].labels;
  labels->has_forces = true;
  labels->forces = forces;
  assert_int_equal(ftl_scale_shift(&set, elements, N_ELEMENTS, e0, &scale, &shift, &error), FTL_OK);
  assert_close(shift, (-0.5 - 1) / 2, 1e-15); /* per atom, mean over structures */
  assert_close(scale, sqrt(30.0 / 6), 1e-15);
  memset(forces, 0, sizeof forces);
  assert_int_equal(ftl_scale_shift(&set, elements, N_ELEMENTS, e0, &scale, &shift, &error), FTL_OK);
  assert_close(scale, 1, 0);
  for (int s = 0; s < 3; s++) set.structure[s].labels.has_energy = false;
  assert_int_equal(ftl_scale_shift(&set, elements, N_ELEMENTS, e0, &scale, &shift, &error), FTL_ERR_INPUT);
  labels->forces = NULL; /* it is on the stack */
  ftl_dataset_free(&set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(given),          cmocka_unit_test(isolated),         cmocka_unit_test(least_squares),
      cmocka_unit_test(rank_deficient), cmocka_unit_test(from_predictions), cmocka_unit_test(scale_and_shift)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
