/* Extended XYZ: what is accepted, what it means, what comes back, and the sentence for everything refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/xyz.h"

static char path[] = "/tmp/frozentl-xyz-XXXXXX";

static ftl_xyz_reader *open_bytes(const char *text, size_t length) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, length, file), length);
  fclose(file);
  ftl_xyz_reader *reader;
  assert_int_equal(ftl_xyz_open(path, &reader, NULL), FTL_OK);
  return reader;
}

static ftl_xyz_frame first(const char *text) {
  ftl_xyz_reader *reader = open_bytes(text, strlen(text));
  ftl_xyz_frame frame = {0};
  ftl_error error = {0};
  bool end = true;
  if (ftl_xyz_read(reader, &frame, &end, &error) != FTL_OK) fail_msg("%s: %s", error.where, error.message);
  assert_false(end);
  ftl_xyz_close(reader);
  frame.path = "t";
  return frame;
}

/* Reads until an error, which must contain `words` and name `place`. */
static void refuse_bytes(const char *text, size_t length, const char *place, const char *words) {
  ftl_xyz_reader *reader = open_bytes(text, length);
  ftl_xyz_frame frame = {0};
  ftl_error error = {0};
  bool end = false;
  ftl_status status = FTL_OK;
  while (status == FTL_OK && !end) status = ftl_xyz_read(reader, &frame, &end, &error);
  if (status != FTL_ERR_FORMAT) fail_msg("\"%s\" was accepted", text);
  if (!strstr(error.message, words)) fail_msg("\"%s\" is not in \"%s\"", words, error.message);
  if (!strstr(error.where, place) || !strstr(error.where, "frozentl-xyz-"))
    fail_msg("\"%s\" is not in \"%s\"", place, error.where);
  ftl_xyz_frame_free(&frame);
  ftl_xyz_close(reader);
}

static void refuse(const char *text, const char *place, const char *words) {
  refuse_bytes(text, strlen(text), place, words);
}

static void reads_a_frame(void **unused) {
  (void)unused;
  ftl_xyz_frame f = first("2\n"
                          "Lattice=\"5 0 0 1 6 0 0 -1 7e0\" Properties=REF_forces:R:3:species:S:1:tags:I:1:pos:R:3 "
                          "REF_energy=-1.25E+01 config_type=\"two words\" pbc=\"T F T\" note='it\\'s' flag\r\n"
                          "0.1 -0.2 .3  Cu 1\t1 2 3\r\n"
                          "  1e-3 2 3   H  0 -1 -2 -3.5   \r\n");
  assert_int_equal(f.n, 2);
  assert_int_equal(f.atomic_number[0], 29);
  assert_int_equal(f.atomic_number[1], 1);
  assert_true(f.position[1][2] == -3.5);
  assert_true(f.cell[1][0] == 1 && f.cell[1][1] == 6 && f.cell[2][1] == -1 && f.cell[2][2] == 7);
  assert_true(f.pbc[0] && !f.pbc[1] && f.pbc[2]);
  double energy, forces[2][3], tags[2];
  assert_int_equal(ftl_xyz_real(&f, "REF_energy", &energy, NULL), FTL_OK);
  assert_true(energy == -12.5);
  assert_int_equal(ftl_xyz_column(&f, "REF_forces", 3, forces[0], NULL), FTL_OK);
  assert_true(forces[0][1] == -0.2 && forces[1][0] == 1e-3);
  assert_int_equal(ftl_xyz_column(&f, "tags", 1, tags, NULL), FTL_OK);
  assert_true(tags[0] == 1 && tags[1] == 0);
  assert_string_equal(ftl_xyz_value(&f, "config_type"), "two words");
  assert_string_equal(ftl_xyz_value(&f, "note"), "it's");
  assert_string_equal(ftl_xyz_value(&f, "flag"), "T");
  assert_null(ftl_xyz_value(&f, "absent"));
  ftl_error error = {0};
  assert_int_equal(ftl_xyz_column(&f, "REF_forces", 1, tags, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "REF_forces:R:3"));
  assert_int_equal(ftl_xyz_real(&f, "config_type", &energy, &error), FTL_ERR_FORMAT);
  assert_string_equal(error.where, "t, line 2, frame 0");
  ftl_xyz_frame_free(&f);
}

static void plain_xyz(void **unused) {
  (void)unused;
  ftl_xyz_frame f = first("1\nmade by hand: it's \"so so\nO 0 0 1\n");
  assert_int_equal(f.atomic_number[0], 8);
  assert_false(f.has_cell || f.pbc[0] || f.pbc[1] || f.pbc[2]);
  assert_string_equal(ftl_xyz_value(&f, "comment"), "made by hand: it's \"so so");
  ftl_xyz_frame_free(&f);
  f = first("1\n\nCu 0 0 1"); /* no comment, no line end */
  assert_int_equal(f.atomic_number[0], 29);
  assert_int_equal(f.n_entries, 0);
  ftl_xyz_frame_free(&f);
  f = first("1\nREF_energy=-3 step 5\nO 0 0 1\n");
  assert_string_equal(ftl_xyz_value(&f, "REF_energy"), "-3");
  assert_string_equal(ftl_xyz_value(&f, "step"), "T");
  ftl_xyz_frame_free(&f);
}

static void periodicity(void **unused) {
  (void)unused;
  const struct {
    const char *comment;
    int pbc[3];
  } cases[] = {{"Lattice=\"1 0 0 0 1 0 0 0 1\"", {1, 1, 1}},
               {"lattice=\"1 0 0 0 1 0 0 0 1\" PBC=\"1 0 1\"", {1, 0, 1}},
               {"Lattice=[[1,0,0],[0,1,0],[0,0,1]] pbc=[T, F, true]", {1, 0, 1}},
               {"Lattice={1 0 0 0 1 0 0 0 1} pbc = \"F F False\"", {0, 0, 0}},
               {"Lattice=\"1 1 1\"", {1, 1, 1}},
               {"lattice=hcp Lattice=\"1 1 1\" PBC=no pbc=\"T F T\"", {1, 0, 1}},
               {"pbc=\"F F F\"", {0, 0, 0}}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    char text[200];
    snprintf(text, sizeof text, "1\n%s\nH 0 0 0\n", cases[k].comment);
    ftl_xyz_frame f = first(text);
    assert_memory_equal(f.pbc, cases[k].pbc, sizeof f.pbc);
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) assert_true(f.cell[a][b] == (f.has_cell && a == b));
    ftl_xyz_frame_free(&f);
  }
}

static void stress_forms(void **unused) {
  (void)unused;
  const char *forms[] = {"\"1 6 5 6 2 4 5 4 3\"", "\"1 2 3 4 5 6\"", "\"_JSON [[1, 6, 5], [6, 2, 4], [5, 4, 3]]\"",
                         "[[1,6,5],[6,2,4],[5,4,3]]"};
  const double want[3][3] = {{1, 6, 5}, {6, 2, 4}, {5, 4, 3}};
  for (int k = 0; k < 4; k++) {
    char text[200];
    double stress[3][3];
    snprintf(text, sizeof text, "1\nProperties=species:S:1:pos:R:3 REF_stress=%s a=b\nH 0 0 0\n", forms[k]);
    ftl_xyz_frame f = first(text);
    assert_int_equal(ftl_xyz_matrix(&f, "REF_stress", stress, NULL), FTL_OK);
    assert_memory_equal(stress, want, sizeof want);
    assert_string_equal(ftl_xyz_value(&f, "a"), "b");
    ftl_xyz_frame_free(&f);
  }
}

static void several_frames(void **unused) {
  (void)unused;
  const char *text = "1\n\nH 0 0 0\n3\nx\nH 0 0 0\nO 0 0 1\nH 0 0 2\n\n \n2\ny\nCu 0 0 0\nCu 0 0 2\n\n\n";
  ftl_xyz_reader *reader = open_bytes(text, strlen(text));
  ftl_xyz_frame f = {0};
  bool end;
  const int n[] = {1, 3, 2}, line[] = {1, 4, 11};
  for (int k = 0; k < 3; k++) {
    assert_int_equal(ftl_xyz_read(reader, &f, &end, NULL), FTL_OK);
    assert_false(end);
    assert_int_equal(f.index, k);
    assert_int_equal(f.n, n[k]);
    assert_int_equal(f.line, line[k]);
  }
  assert_int_equal(ftl_xyz_read(reader, &f, &end, NULL), FTL_OK);
  assert_true(end);
  ftl_xyz_frame_free(&f);
  ftl_xyz_close(reader);
}

static void round_trip(void **unused) {
  (void)unused;
  ftl_xyz_frame f = first("2\nLattice=\"5 0 0 0 6 0 0 0 7\" Properties=species:S:1:pos:R:3:forces:R:3:name:S:1 "
                          "REF_stress=\"_JSON [[1, 2], 3]\" q=\"a \\\"b\\\" \\\\ c\" old=1 pbc=\"T T F\"\n"
                          "Cu 0.10000000000000001 2.50 3 9 9 9 top\nH 1 2 3 8 8 8 tip\n");
  const double forces[2][3] = {{0.1, -1.0 / 3, 1e-300}, {1e22, 5, -0.0}}, e[2] = {-3.5, 123456789.12345679};
  const ftl_xyz_extra extra[] = {{"forces", 3, forces[0]}, {"node_energy", 1, e}};
  assert_int_equal(ftl_xyz_set(&f, "energy", "-3.5", NULL), FTL_OK);
  assert_int_equal(ftl_xyz_set(&f, "tricky", "a=\"b\" \\c", NULL), FTL_OK);
  assert_int_equal(ftl_xyz_set(&f, "old", NULL, NULL), FTL_OK);
  assert_int_equal(ftl_xyz_set(&f, "empty", "", NULL), FTL_OK);
  char *text = NULL;
  size_t length;
  FILE *memory = open_memstream(&text, &length);
  assert_int_equal(ftl_xyz_write(memory, &f, extra, 2, NULL), FTL_OK);
  fclose(memory);
  ftl_xyz_frame g = first(text);
  assert_non_null(strstr(text, " 0.10000000000000001 2.50 3 ")); /* untouched columns keep their text */
  assert_non_null(strstr(text, "REF_stress=\"_JSON [[1, 2], 3]\""));
  free(text);
  assert_int_equal(g.n, 2);
  assert_memory_equal(g.cell, f.cell, sizeof f.cell);
  assert_memory_equal(g.pbc, f.pbc, sizeof f.pbc);
  assert_memory_equal(g.position, f.position, 2 * sizeof *f.position);
  double back[2][3], node[2];
  assert_int_equal(ftl_xyz_column(&g, "forces", 3, back[0], NULL), FTL_OK);
  assert_memory_equal(back, forces, sizeof forces);
  assert_int_equal(ftl_xyz_column(&g, "node_energy", 1, node, NULL), FTL_OK);
  assert_memory_equal(node, e, sizeof e);
  assert_true(ftl_xyz_has_column(&g, "name"));
  assert_string_equal(ftl_xyz_value(&g, "q"), "a \"b\" \\ c");
  assert_string_equal(ftl_xyz_value(&g, "tricky"), "a=\"b\" \\c");
  assert_string_equal(ftl_xyz_value(&g, "energy"), "-3.5");
  assert_string_equal(ftl_xyz_value(&g, "empty"), "");
  assert_null(ftl_xyz_value(&g, "old"));
  ftl_xyz_frame_free(&f);
  ftl_xyz_frame_free(&g);
}

static void numbers(void **unused) {
  (void)unused;
  const double values[] = {0.1, 1.0 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345678.0, 2.5};
  char text[32];
  for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
    double back;
    ftl_format_real(values[k], text);
    assert_true(ftl_parse_real(text, &back));
    assert_memory_equal(&back, &values[k], sizeof back);
  }
  ftl_format_real(0.1, text);
  assert_string_equal(text, "0.1");
  const char *bad[] = {"", "nan", "inf", "1e999", "0x10", "1.2.3", "1,5", "12abc", "e5", "-", "1d0", "1 ", " 1"};
  double x;
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) assert_false(ftl_parse_real(bad[k], &x));
}

#define HEAD "Properties=species:S:1:pos:R:3"

static void refusals(void **unused) {
  (void)unused;
  refuse("two\n\nH 0 0 0\n", "line 1, frame 0", "number of atoms");
  refuse("1 2\n\nH 0 0 0\n", "line 1", "number of atoms");
  refuse("0\n\n", "line 1", "number of atoms");
  refuse("-3\n\n", "line 1", "-3");
  refuse("99999999999999999999\n\n", "line 1", "number of atoms");
  refuse("2147483000\n\nH 0 0 0\n", "line 4", "1 of 2147483000"); /* and does not try to allocate them */
  refuse("1\n", "line 2", "comment line");
  refuse("2\n\nH 0 0 0\n", "line 4, frame 0", "1 of 2 atoms");
  refuse("1\n\nH 0 0 0\nH 0 0 1\n", "line 4, frame 1", "number of atoms"); /* more atoms than the count */
  refuse("2\n" HEAD "\nH 0 0 0\nH 0 0\n", "line 4", "atom 1 has 3 columns");
  refuse("1\n" HEAD "\nH 0 0 0 7\n", "line 3", "atom 0 has 5 columns");
  refuse("1\n" HEAD "\nXx 0 0 0\n", "line 3", "\"Xx\"");
  refuse("1\n" HEAD "\nCU 0 0 0\n", "line 3", "\"CU\"");
  refuse("1\n" HEAD "\n119 0 0 0\n", "line 3", "\"119\"");
  refuse("1\n" HEAD "\nH nan 0 0\n", "line 3", "atom 0: \"nan\"");
  refuse("1\n" HEAD "\nH 0 -inf 0\n", "line 3", "-inf");
  refuse("1\n" HEAD "\nH 0 0 1.5x\n", "line 3", "column 4");
  refuse("1\n" HEAD " a=\"b\nH 0 0 0\n", "line 2", "quote that is not closed");
  refuse("1\n" HEAD " a=[[1]\nH 0 0 0\n", "line 2", "bracket that is not closed");
  refuse("1\n" HEAD " a=\"b\"c\nH 0 0 0\n", "line 2", "behind a closing quote");
  refuse("1\n" HEAD " pbc=\"F F F\" pbc=\"F F F\"\nH 0 0 0\n", "line 2", "pbc twice");
  refuse("1\n" HEAD " =2\nH 0 0 0\n", "line 2", "without a key");
  refuse("1\nProperties=pos:R:3\n0 0 0\n", "line 2", "species");
  refuse("1\nProperties=species:S:1\nH\n", "line 2", "pos:R:3");
  refuse("1\nProperties=species:S:1:pos:R:2\nH 0 0\n", "line 2", "pos:R:3");
  refuse("1\nProperties=species:S:1:pos:R\nH 0 0\n", "line 2", "NAME:TYPE:COLUMNS");
  refuse("1\nProperties=species:S:1:pos:Q:3\nH 0 0\n", "line 2", "NAME:TYPE:COLUMNS");
  refuse("1\nProperties=species:S:1:pos:R:3:\nH 0 0 0\n", "line 2", "NAME:TYPE:COLUMNS");
  refuse("1\nProperties=species:S:1:pos:R:99999999999\nH 0 0\n", "line 2", "number of columns");
  refuse("1\nProperties=species:S:1:pos:R:3:pos:R:3\nH 0 0 0 0 0 0\n", "line 2", "pos twice");
  refuse("1\n" HEAD " Lattice=\"1 0 0 0 1 0 0 0\"\nH 0 0 0\n", "line 2", "nine");
  refuse("1\n" HEAD " Lattice=\"1 0 0 0 1 0 0 0 nan\"\nH 0 0 0\n", "line 2", "nine");
  refuse("1\n" HEAD " Lattice=\"1 0 0 0 1 0 0 0 1 0\"\nH 0 0 0\n", "line 2", "nine");
  refuse("1\n" HEAD " pbc=\"T T T\"\nH 0 0 0\n", "line 2", "no Lattice");
  refuse("1\n" HEAD " Lattice=\"1 0 0 0 1 0 0 0 1\" pbc=\"T T\"\nH 0 0 0\n", "line 2", "three of T and F");
  refuse("1\n" HEAD " Lattice=\"1 0 0 0 1 0 0 0 1\" pbc=\"T T Q\"\nH 0 0 0\n", "line 2", "three of T and F");
  refuse_bytes("1\n\nH 0 0\0 0\n", 11, "line 3", "not a text file");
  ftl_xyz_reader *reader;
  ftl_error error = {0};
  assert_int_equal(ftl_xyz_open("/nonexistent/file.xyz", &reader, &error), FTL_ERR_IO);
  assert_string_equal(error.where, "/nonexistent/file.xyz");
  assert_int_equal(ftl_xyz_open("/tmp", &reader, &error), FTL_ERR_IO);
}

static void full_disk(void **unused) {
  (void)unused;
  FILE *full = fopen("/dev/full", "w");
  if (!full) skip();
  setvbuf(full, NULL, _IONBF, 0);
  ftl_xyz_frame f = first("1\n\nH 0 0 0\n");
  ftl_error error = {0};
  assert_int_equal(ftl_xyz_write(full, &f, NULL, 0, &error), FTL_ERR_IO);
  assert_non_null(strstr(error.message, "No space left"));
  ftl_xyz_frame_free(&f);
  fclose(full);
}

int main(void) {
  int descriptor = mkstemp(path);
  if (descriptor < 0) return 1;
  close(descriptor);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_frame), cmocka_unit_test(plain_xyz),      cmocka_unit_test(periodicity),
      cmocka_unit_test(stress_forms),  cmocka_unit_test(several_frames), cmocka_unit_test(round_trip),
      cmocka_unit_test(numbers),       cmocka_unit_test(refusals),       cmocka_unit_test(full_disk),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
