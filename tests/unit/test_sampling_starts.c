/* What sampling starts from: crystals, LAMMPS data files, slabs and vacancies have the atoms, cells and distances that
   they should have, and what cannot be made is refused with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "close.h"
#include "sampling/starts.h"
#include "sampling/structures.h"

static const int copper[1] = {29};

static ftl_dataset crystal(const char *name, double a, int repeat) {
  ftl_dataset starts = {0};
  ftl_error error = {0};
  const ftl_crystal c = {.name = name, .a = a, .n_elements = 1, .element = copper, .repeat = {repeat, repeat, repeat}};
  if (ftl_starts_add_crystal(&c, &starts, &error) != FTL_OK) fail_msg("%s", error.message);
  return starts;
}

/* Neighbours of each atom within a distance. */
static void assert_neighbours(const ftl_structure *s, double distance, int count) {
  ftl_neighbours list = {0};
  assert_int_equal(ftl_structure_neighbours(s, distance, &list, NULL), FTL_OK);
  for (int i = 0; i < s->n; i++) assert_int_equal(list.first_edge[i + 1] - list.first_edge[i], count);
  ftl_neighbours_free(&list);
}

static void crystals(void **unused) {
  (void)unused;
  const struct {
    const char *name;
    int n, neighbours;
    double distance, volume; /* of neighbours, of an atom, in units of a */
  } cases[] = {{"sc", 1, 6, 1, 1},
               {"bcc", 2, 8, sqrt(0.75), 0.5},
               {"fcc", 4, 12, sqrt(0.5), 0.25},
               {"hcp", 2, 12, 1, sqrt(0.5)},
               {"diamond", 8, 4, sqrt(3) / 4, 0.125}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_dataset starts = crystal(cases[k].name, 3, 2);
    const ftl_structure *s = &starts.structure[0];
    assert_int_equal(s->n, 8 * cases[k].n);
    assert_close(s->volume, s->n * cases[k].volume * 27, 1e-9);
    assert_neighbours(s, 3 * cases[k].distance * 1.01, cases[k].neighbours);
    assert_neighbours(s, 3 * cases[k].distance * 0.99, 0);
    ftl_dataset_free(&starts);
  }
}

static void alloys(void **unused) {
  (void)unused;
  const int elements[3] = {29, 28, 79};
  const double fraction[3] = {0.5, 0.25, 0.25};
  ftl_dataset starts = {0};
  for (uint64_t seed = 0; seed < 3; seed++) {
    const ftl_crystal c = {.name = "fcc",
                           .a = 3.7,
                           .n_elements = 3,
                           .element = elements,
                           .fraction = fraction,
                           .repeat = {2, 2, 2},
                           .seed = seed / 2};
    assert_int_equal(ftl_starts_add_crystal(&c, &starts, NULL), FTL_OK);
    int count[119] = {0};
    for (int i = 0; i < 32; i++) count[starts.structure[seed].atomic_number[i]]++;
    assert_true(count[29] == 16 && count[28] == 8 && count[79] == 8);
  }
  const size_t bytes = 32 * sizeof(int);
  assert_memory_equal(starts.structure[0].atomic_number, starts.structure[1].atomic_number, bytes);
  assert_memory_not_equal(starts.structure[0].atomic_number, starts.structure[2].atomic_number, bytes);
  assert_string_equal(starts.structure[0].path, "fcc Cu-Ni-Au");
  ftl_dataset_free(&starts);
}

static void refuse_crystal(ftl_crystal c, const char *why) {
  ftl_dataset starts = {0};
  ftl_error error = {0};
  assert_int_equal(ftl_starts_add_crystal(&c, &starts, &error), FTL_ERR_INPUT);
  if (!strstr(error.message, why)) fail_msg("expected '%s', got '%s'", why, error.message);
  assert_int_equal(starts.n, 0);
  ftl_dataset_free(&starts);
}

static void crystals_that_are_none(void **unused) {
  (void)unused;
  const int nothing[1] = {0};
  const double negative[1] = {-1};
  const ftl_crystal good = {.name = "fcc", .a = 3.6, .n_elements = 1, .element = copper, .repeat = {1, 1, 1}};
  ftl_crystal c = good;
  c.name = "fccc";
  refuse_crystal(c, "'fccc' is no crystal");
  c = good, c.a = 0;
  refuse_crystal(c, "lattice constants of 0");
  c = good, c.c = 4;
  refuse_crystal(c, "for hcp only");
  c = good, c.repeat[1] = 0;
  refuse_crystal(c, "not 0");
  c = good, c.element = nothing;
  refuse_crystal(c, "atomic number 0");
  c = good, c.fraction = negative;
  refuse_crystal(c, "fraction");
}

/* ---- slabs ---- */

static int layers_of(const ftl_structure *s, double *gap) {
  double height[512], normal[3];
  int layers = 1;
  ftl_structure_normal(s, normal);
  for (int i = 0; i < s->n; i++) {
    const double *x = s->position[i];
    double h = x[0] * normal[0] + x[1] * normal[1] + x[2] * normal[2];
    int k = i;
    for (; k > 0 && height[k - 1] > h; k--) height[k] = height[k - 1];
    height[k] = h;
  }
  *gap = 0;
  for (int i = 1; i < s->n; i++) {
    if (height[i] - height[i - 1] > 0.2) layers++, *gap = height[i] - height[i - 1];
  }
  return layers;
}

/* Planes of fcc: their distance and area per atom are known, vacuum and thickness make the third vector. */
static void surfaces_of_fcc(void **unused) {
  (void)unused;
  const double a = 3.6;
  const struct {
    int hkl[3];
    double spacing, area;
  } cases[] = {{{0, 0, 1}, 1 / 2., 1 / 2.},
               {{0, 0, -1}, 1 / 2., 1 / 2.},
               {{1, 0, 0}, 1 / 2., 1 / 2.},
               {{0, 1, 0}, 1 / 2., 1 / 2.},
               {{1, 1, 0}, 1 / sqrt(8), sqrt(2) / 2},
               {{1, 1, 1}, 1 / sqrt(3), sqrt(3) / 4},
               {{2, 2, 2}, 1 / sqrt(3), sqrt(3) / 4},
               {{-1, 1, -1}, 1 / sqrt(3), sqrt(3) / 4},
               {{2, 1, 1}, 1 / sqrt(24), sqrt(24) / 4},
               {{3, 1, 1}, 1 / sqrt(11), sqrt(11) / 4}};
  ftl_dataset starts = crystal("fcc", a, 1);
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_slab_options o = {.layers = 9, .vacuum = 12};
    ftl_structure slab;
    ftl_error error = {0};
    double gap, normal[3], hkl = 0, along = 0;
    memcpy(o.miller, cases[k].hkl, sizeof o.miller);
    if (ftl_structure_slab(&starts.structure[0], &o, &slab, &error) != FTL_OK) fail_msg("%s", error.message);
    const int layers = layers_of(&slab, &gap);
    assert_in_range(layers, 9, 12);
    assert_close(gap, a * cases[k].spacing, 1e-9);
    const double(*c)[3] = (const double(*)[3])slab.cell;
    const double thick = sqrt(c[2][0] * c[2][0] + c[2][1] * c[2][1] + c[2][2] * c[2][2]);
    assert_close(thick, (layers - 1) * gap + 12, 1e-9);
    const double volume =
        fabs(c[0][0] * (c[1][1] * c[2][2] - c[1][2] * c[2][1]) - c[0][1] * (c[1][0] * c[2][2] - c[1][2] * c[2][0]) +
             c[0][2] * (c[1][0] * c[2][1] - c[1][1] * c[2][0]));
    assert_close(volume / thick, slab.n / layers * a * a * cases[k].area, 1e-9);
    ftl_structure_normal(&slab, normal);
    for (int d = 0; d < 3; d++) {
      hkl += pow(cases[k].hkl[d], 2);
      along += normal[d] * cases[k].hkl[d];
      for (int v = 0; v < 2; v++)
        assert_close(c[v][d] * normal[d] + c[v][(d + 1) % 3] * normal[(d + 1) % 3] +
                         c[v][(d + 2) % 3] * normal[(d + 2) % 3],
                     0, 1e-9);
    }
    assert_close(along, sqrt(hkl), 1e-9);
    assert_close(ftl_structure_top(&slab, slab.n), thick - 6, 1e-9);
    assert_true(slab.pbc[0] && slab.pbc[1] && !slab.pbc[2] && slab.volume == 0);
    /* inside it is the crystal still: an atom in the middle has all its neighbours */
    ftl_neighbours list = {0};
    int full = 0;
    assert_int_equal(ftl_structure_neighbours(&slab, a * 0.75, &list, NULL), FTL_OK);
    for (int i = 0; i < slab.n; i++) {
      const int64_t n = list.first_edge[i + 1] - list.first_edge[i];
      assert_in_range(n, 4, 12);
      full += n == 12;
    }
    assert_true(full > 0);
    ftl_neighbours_free(&list);
    ftl_structure_free(&slab);
  }
  ftl_dataset_free(&starts);
}

static void slabs_are_widened(void **unused) {
  (void)unused;
  ftl_dataset starts = crystal("fcc", 3.6, 1);
  const ftl_slab_options o = {.miller = {1, 1, 1}, .layers = 3, .vacuum = 10, .width = 8};
  ftl_structure slab;
  assert_int_equal(ftl_structure_slab(&starts.structure[0], &o, &slab, NULL), FTL_OK);
  for (int k = 0; k < 2; k++)
    assert_true(sqrt(pow(slab.cell[k][0], 2) + pow(slab.cell[k][1], 2) + pow(slab.cell[k][2], 2)) >= 8);
  assert_int_equal(slab.n, 3 * 16); /* vectors of 5.09 A, twice each */
  ftl_structure_free(&slab);
  ftl_dataset_free(&starts);
}

/* A slab that crosses the boundary of its cell is put together, and no layer is cut. */
static void slab_that_is_one_already(void **unused) {
  (void)unused;
  ftl_dataset starts = crystal("fcc", 3.6, 2);
  ftl_structure *s = &starts.structure[0], slab;
  s->cell[2][2] = 20; /* four layers from 0 to 5.4, then 14.6 of nothing */
  for (int i = 0; i < s->n; i++) {
    s->position[i][2] += 17;
    if (s->position[i][2] >= 20) s->position[i][2] -= 20;
  }
  const ftl_slab_options o = {.miller = {0, 0, 1}, .vacuum = 30};
  double gap;
  assert_int_equal(ftl_structure_slab(s, &o, &slab, NULL), FTL_OK);
  assert_int_equal(layers_of(&slab, &gap), 4);
  assert_close(gap, 1.8, 1e-9);
  assert_close(slab.cell[2][2], 35.4, 1e-9);
  assert_close(ftl_structure_top(&slab, slab.n), 15 + 5.4, 1e-9);
  ftl_structure again; /* not periodic any more, and still a slab */
  assert_int_equal(ftl_structure_slab(&slab, &o, &again, NULL), FTL_OK);
  assert_close(ftl_structure_top(&again, again.n), 15 + 5.4, 1e-9);
  ftl_structure_free(&again);
  ftl_structure_free(&slab);
  ftl_dataset_free(&starts);
}

static void refuse_slab(const ftl_structure *s, ftl_slab_options o, const char *why) {
  ftl_structure slab;
  ftl_error error = {0};
  assert_int_equal(ftl_structure_slab(s, &o, &slab, &error), FTL_ERR_INPUT);
  if (!strstr(error.message, why)) fail_msg("expected '%s', got '%s'", why, error.message);
  ftl_structure_free(&slab);
}

static void slabs_that_are_none(void **unused) {
  (void)unused;
  ftl_dataset starts = crystal("fcc", 3.6, 2);
  ftl_structure *s = &starts.structure[0];
  refuse_slab(s, (ftl_slab_options){.layers = 4, .vacuum = 10}, "0 0 0 is no plane");
  refuse_slab(s, (ftl_slab_options){.miller = {0, 0, 1}, .vacuum = 10}, "its widest gap is 1.80 A");
  s->pbc[1] = 0;
  refuse_slab(s, (ftl_slab_options){.miller = {0, 1, 0}, .layers = 3}, "ask for 0 layers");
  refuse_slab(s, (ftl_slab_options){.miller = {1, 1, 0}}, "not periodic along vector 2");
  s->pbc[0] = 0;
  refuse_slab(s, (ftl_slab_options){.miller = {0, 1, 0}}, "periodic in two directions");
  ftl_dataset_free(&starts);
}

static void vacancies(void **unused) {
  (void)unused;
  ftl_dataset starts = crystal("fcc", 3.6, 2), whole = crystal("fcc", 3.6, 2);
  ftl_structure *s = &starts.structure[0];
  ftl_random random;
  ftl_error error = {0};
  ftl_random_seed(&random, 2);
  assert_int_equal(ftl_structure_remove(s, 5, &random, NULL), FTL_OK);
  assert_int_equal(s->n, 27);
  int at = 0; /* what is left are the others, in their order */
  for (int i = 0; i < 32 && at < 27; i++) at += !memcmp(s->position[at], whole.structure[0].position[i], 24);
  assert_int_equal(at, 27);
  assert_int_equal(ftl_structure_remove(s, 27, &random, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "27 atoms cannot be removed from 27"));
  ftl_dataset_free(&starts);
  ftl_dataset_free(&whole);
}

/* ---- LAMMPS ---- */

#define HEADER                                                                                                         \
  "a remark: 3 atoms\n\n2 atoms\n2 atom types\n\n-1.0 4.0 xlo xhi\n0 6.5 ylo yhi\n0 7 zlo zhi\n0.5 -0.25 1 xy xz "     \
  "yz\n\n"
#define MASSES "Masses\n\n1 63.546\n2 1.008 # H\n\n"
#define ATOMS  "Atoms # atomic\n\n7 2 1.5 -2.25 3 0 1 0\n3 1 0 1e-1 6.75\n"

static ftl_status read_text(const char *text, ftl_dataset *starts, ftl_error *error) {
  char path[] = "/tmp/frozentl-lammps-XXXXXX";
  const int elements[2] = {29, 1}, file = mkstemp(path);
  assert_true(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
  close(file);
  const ftl_status status = ftl_starts_read_lammps(path, elements, 2, starts, error);
  unlink(path);
  return status;
}

static void lammps_data(void **unused) {
  (void)unused;
  ftl_dataset starts = {0};
  ftl_error error = {0};
  if (read_text(HEADER MASSES ATOMS "\nVelocities\n\n3 0 0 0\n7 1 1 1\n", &starts, &error) != FTL_OK)
    fail_msg("%s", error.message);
  const ftl_structure *s = &starts.structure[0];
  const double cell[3][3] = {{5, 0, 0}, {0.5, 6.5, 0}, {-0.25, 1, 7}};
  assert_int_equal(starts.n, 1);
  assert_int_equal(s->n, 2);
  assert_memory_equal(s->cell, cell, sizeof cell);
  assert_true(s->pbc[0] && s->pbc[1] && s->pbc[2]);
  assert_close(s->volume, 5 * 6.5 * 7, 1e-12);
  assert_true(s->atomic_number[0] == 1 && s->atomic_number[1] == 29);
  assert_true(s->position[0][1] == -2.25 && s->position[1][1] == 0.1 && s->position[1][2] == 6.75);
  ftl_dataset_free(&starts);
}

static void refuse_text(const char *text, ftl_status code, const char *where, const char *why) {
  ftl_dataset starts = {0};
  ftl_error error = {0};
  assert_int_equal(read_text(text, &starts, &error), code);
  if (!strstr(error.message, why)) fail_msg("expected '%s', got '%s'", why, error.message);
  if (!strstr(error.where, where)) fail_msg("expected '%s', got '%s'", where, error.where);
  assert_int_equal(starts.n, 0);
  ftl_dataset_free(&starts);
}

static void lammps_data_that_is_none(void **unused) {
  (void)unused;
  refuse_text("", FTL_ERR_FORMAT, "line 1", "empty");
  refuse_text(HEADER, FTL_ERR_FORMAT, "line 10", "no section Atoms");
  refuse_text(HEADER "Atoms # full\n", FTL_ERR_FORMAT, "line 11", "style 'full'");
  refuse_text(HEADER "Atoms\n\n1 1 0 0 0\n", FTL_ERR_FORMAT, "line 13", "ends within the section Atoms");
  refuse_text(HEADER "Atoms\n\n1 1 0 0 0\n1 2 1 1 1\n", FTL_ERR_FORMAT, "line 14", "two atoms have the id 1");
  refuse_text(HEADER "Atoms\n\n1 3 0 0 0\n2 2 1 1 1\n", FTL_ERR_FORMAT, "line 13", "'3' is none of the atom types");
  refuse_text(HEADER "Atoms\n\n1 1 0 0 nan\n2 2 1 1 1\n", FTL_ERR_FORMAT, "line 13", "'nan' is not a number");
  refuse_text(HEADER "Atoms\n\n1 1 0.5 0 0 0\n2 2 1 1 1\n", FTL_ERR_FORMAT, "line 13", "here are 6");
  refuse_text(HEADER ATOMS "4 1 0 0 0\n", FTL_ERR_FORMAT, "line 15", "behind the section Atoms");
  refuse_text(HEADER "Masses\n\n1\n2 3\n", FTL_ERR_FORMAT, "line 13", "Masses has 2 words");
  refuse_text(HEADER "Bonds\n\n1 1 1 2\n", FTL_ERR_FORMAT, "line 11", "'Bonds' is neither");
  refuse_text("x\n2 atoms\n1 atom types\n0 1 xlo xhi\n0 1 ylo yhi\n0 1 zlo zhi\n" ATOMS, FTL_ERR_INPUT, "lammps",
              "1 atom types, and 2 elements");
  refuse_text("x\n2 atoms\n2 atom types\n0 1 xlo xhi\n0 1 ylo yhi\n" ATOMS, FTL_ERR_FORMAT, "line 6", "the box");
  refuse_text("x\n2 atoms\n2 atom types\n1 0 xlo xhi\n", FTL_ERR_FORMAT, "line 4", "not the bounds of a box");
  refuse_text("x\n2 atoms\n8 bonds\n", FTL_ERR_FORMAT, "line 3", "'bonds ' are not for atom_style atomic");
  refuse_text("x\nAtoms\n", FTL_ERR_FORMAT, "line 2", "says nothing of 'atoms'");
  ftl_dataset starts = {0};
  ftl_error error = {0};
  assert_int_equal(ftl_starts_read_lammps("no/such.data", copper, 1, &starts, &error), FTL_ERR_IO);
  assert_string_equal(error.where, "no/such.data");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crystals),
      cmocka_unit_test(alloys),
      cmocka_unit_test(crystals_that_are_none),
      cmocka_unit_test(surfaces_of_fcc),
      cmocka_unit_test(slabs_are_widened),
      cmocka_unit_test(slab_that_is_one_already),
      cmocka_unit_test(slabs_that_are_none),
      cmocka_unit_test(vacancies),
      cmocka_unit_test(lammps_data),
      cmocka_unit_test(lammps_data_that_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
