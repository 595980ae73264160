/* Labels: under which names they are found, what is said about those that are not, blank ones, heads and selections;
   files that are packed or are no XYZ files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "data/dataset.h"
#include "data/formats.h"

static char path[] = "/tmp/frozentl-labels-XXXXXX";

static void write_bytes(const void *bytes, size_t n) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  fclose(file);
}

static ftl_status read_with(const char *text, const ftl_dataset_options *options, ftl_dataset *set, ftl_error *error) {
  char *paths[] = {path};
  write_bytes(text, strlen(text));
  *set = (ftl_dataset){0};
  *error = (ftl_error){0};
  return ftl_dataset_read(paths, 1, options, set, error);
}

static ftl_dataset read_text(const char *text, const ftl_dataset_options *options) {
  ftl_dataset set;
  ftl_error error;
  if (read_with(text, options, &set, &error) != FTL_OK) fail_msg("%s: %s", error.where, error.message);
  return set;
}

static void refuse(const char *text, const ftl_dataset_options *options, const char *words) {
  ftl_dataset set;
  ftl_error error;
  if (read_with(text, options, &set, &error) == FTL_OK) fail_msg("\"%s\" was accepted", text);
  if (!strstr(error.message, words)) fail_msg("\"%s\" is not in \"%s\"", words, error.message);
  ftl_dataset_free(&set);
}

/* One atom in a box of 8 Angstrom^3 with this comment, and forces under this name. */
static char *frame(const char *forces, const char *comment) {
  static char text[2000];
  snprintf(text, sizeof text,
           "1\nLattice=\"2 0 0 0 2 0 0 0 2\" Properties=species:S:1:pos:R:3:%s:R:3 %s\nCu 0 0 0 1 2 3\n", forces,
           comment);
  return text;
}

/* Everything that was said about a set, one sentence a line. */
static char said[8000];
static void keep(void *context, const char *text) {
  (void)context;
  strcat(said, text);
  strcat(said, "\n");
}
static void report(const ftl_dataset *set, const ftl_label_names *names) {
  said[0] = '\0';
  ftl_label_survey_report(&set->survey, names, "set", false, true, keep, NULL);
}

/* Guards the spellings behind a prefix, and that a virial is -stress * volume. */
static void spellings(void **unused) {
  (void)unused;
  const char *prefixes[] = {NULL, "dft_", "", "y_", "DFT_"};
  const char *forces[] = {"forces", "force", "Forces"}, *energies[] = {"energy", "Energy"};
  const char *stresses[] = {"stress", "stresses", "Stress"}, *virials[] = {"virial", "virials", "Virial"};
  for (int p = 0; p < 5; p++)
    for (int k = 0; k < 6; k++) {
      const ftl_dataset_options o = {.labels = {.prefix = prefixes[p]}};
      const char *prefix = ftl_label_prefix(&o.labels);
      char name[100], comment[300];
      snprintf(name, sizeof name, "%s%s", prefix, forces[k % 3]);
      snprintf(comment, sizeof comment, "%s%s=-3.5 %s%s=\"%s\"", prefix, energies[k % 2], prefix,
               k < 3 ? stresses[k] : virials[k - 3], k < 3 ? "1 2 3 4 5 6" : "-8 -48 -40 -48 -16 -32 -40 -32 -24");
      ftl_dataset set = read_text(frame(name, comment), &o);
      const ftl_labels *labels = &set.structure[0].labels;
      assert_true(labels->has_energy && labels->has_forces && labels->has_stress);
      assert_true(labels->energy == -3.5 && labels->forces[0][2] == 3);
      const double want[3][3] = {{1, 6, 5}, {6, 2, 4}, {5, 4, 3}};
      assert_memory_equal(labels->stress, want, sizeof want);
      assert_int_equal(labels->has_virial, k >= 3);
      report(&set, &o.labels);
      assert_string_equal(said, "");
      ftl_dataset_free(&set);
    }
}

/* Guards that of two names of one label none is taken in silence, and that stress and virial are both kept. */
static void two_of_a_kind(void **unused) {
  (void)unused;
  refuse(frame("REF_forces", "REF_Virial=\"1 2 3 4 5 6\" REF_virials=\"1 2 3 4 5 6\""), NULL, "--labels-virial");
  ftl_dataset both = read_text("1\n"
                               "Properties=species:S:1:pos:R:3:REF_force:R:3:REF_forces:R:3\nH 0 0 0 1 1 1 2 2 2\n",
                               NULL);
  assert_true(both.structure[0].labels.forces[0][0] == 2); /* the usual spelling, and the other one is said */
  report(&both, &(ftl_label_names){0});
  assert_non_null(strstr(said, "not read: column REF_force (1)"));
  ftl_dataset_free(&both);
  const ftl_dataset_options plain = {.labels = {.prefix = ""}};
  both = read_text("1\n"
                   "Properties=species:S:1:pos:R:3:force:R:3:forces:R:3 TotEnergy=1 energy=2\nH 0 0 0 1 1 1 2 2 2\n",
                   &plain);
  assert_true(both.structure[0].labels.forces[0][0] == 2 && both.structure[0].labels.energy == 2);
  report(&both, &plain.labels);
  assert_non_null(strstr(said, "not read: column force (1)"));
  ftl_dataset_free(&both);
  refuse(frame("REF_forces", "REF_energy=1 REF_energy=1"), NULL, "REF_energy twice");
  refuse(frame("REF_forces", "head=a head=a"), NULL, "head twice");
  refuse(frame("REF_forces", "config_type=a config_type=b"), NULL, "config_type twice");
  refuse(frame("REF_forces", "config_weight=1 config_weight=1"), NULL, "config_weight twice");
  ftl_dataset set = read_text(frame("REF_forces", "REF_stress=\"1 2 3 4 5 6\" REF_virial=\"7 7 7 7 7 7\""), NULL);
  const ftl_labels *labels = &set.structure[0].labels;
  assert_true(labels->has_stress && labels->stress[0][0] == 1);
  assert_true(labels->has_virial && labels->virial[0][0] == 7);
  report(&set, &(ftl_label_names){0});
  assert_string_equal(said, "");
  ftl_dataset_free(&set);
}

/* Guards names of their own, and what happens to those that are nowhere. */
static void single_names(void **unused) {
  (void)unused;
  const ftl_dataset_options o = {.labels = {.name = {"E_tot", "F", "sigma", "W"}}};
  ftl_dataset set = read_text(frame("F", "E_tot=2 sigma=\"1 2 3 4 5 6\" REF_stress=\"9 9 9 9 9 9\""), &o);
  assert_true(set.structure[0].labels.energy == 2 && set.structure[0].labels.forces[0][0] == 1);
  assert_true(set.structure[0].labels.stress[0][0] == 1);
  ftl_error error = {0};
  assert_int_equal(ftl_label_survey_require_names(&set.survey, &o.labels, "set", "f", &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "labels.virial is W"));
  assert_non_null(strstr(error.message, "E_tot, F, sigma"));
  ftl_dataset_free(&set);
  /* a name for the stress puts out the prefix's virial */
  const ftl_dataset_options stress = {.labels = {.name = {NULL, NULL, "sigma", NULL}}};
  set = read_text(frame("REF_forces", "REF_virial=\"1 2 3 4 5 6\""), &stress);
  assert_false(set.structure[0].labels.has_stress);
  ftl_dataset_free(&set);
}

/* Guards that every label that is there and not read is said, with its name and the option. */
static void unread(void **unused) {
  (void)unused;
  const struct {
    const char *forces, *comment, *option;
    const char *names[4];
  } cases[] = {
      {"forces", "energy=1 stress=\"1 2 3 4 5 6\" free_energy=2", "use --labels ''", {"energy", "forces", "stress"}},
      {"dft_force",
       "dft_energy=1 dft_virial=\"1 2 3 4 5 6\"",
       "use --labels dft_",
       {"dft_energy", "dft_force", "dft_virial"}},
      {"y_force", "y_energy=1 y_stress=\"1 2 3 4 5 6\"", "use --labels y_", {"y_energy", "y_force", "y_stress"}},
      {"DFT_forces", "DFT_energy=1 DFT_Virials=\"1 2 3 4 5 6\"", "use --labels DFT_", {"DFT_energy", "DFT_Virials"}},
      {"f", "TotEnergy=1", "use --labels-energy TotEnergy --labels-forces f", {"TotEnergy", "f"}},
      {"forces_pbe", "energy_pbe=1", "use --labels-energy energy_pbe --labels-forces forces_pbe", {"energy_pbe"}},
      {"REF_forces", "REF_energy=1 stress=\"1 2 3 4 5 6\"", "use --labels-stress stress", {"stress"}},
      {"REF_forces", "REF_energy=1 virial=\"nan nan nan nan nan nan\"", "use --labels-virial virial", {"virial"}},
      {"REF_forces", "energy=1", "use --labels-energy energy", {"energy"}},
      {"force", "REF_energy=1", "use --labels-forces force", {"force"}},
      {"REF_forces",
       "E=1 virial=\"1 2 3 4 5 6\" stress=\"1 2 3 4 5 6\"",
       "use --labels-energy E --labels-stress stress",
       {"E"}},
      {"REF_forces", "E_dft=1", "use --labels-energy E_dft", {"E_dft"}},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_dataset set = read_text(frame(cases[k].forces, cases[k].comment), NULL);
    report(&set, &(ftl_label_names){0});
    if (!strstr(said, cases[k].option)) fail_msg("\"%s\" is not in \"%s\"", cases[k].option, said);
    if (!strstr(said, "1 of 1 structures (first: ") || !strstr(said, ", line 2, frame 0")) fail_msg("%s", said);
    for (int j = 0; j < 4 && cases[k].names[j]; j++)
      if (!strstr(said, cases[k].names[j])) fail_msg("\"%s\" is not in \"%s\"", cases[k].names[j], said);
    ftl_dataset_free(&set);
  }
  /* other energies are not proposed */
  ftl_dataset other =
      read_text(frame("REF_forces", "e0=1 E_field=1 E_cut=400 formation_energy=1 e_above_hull=0 energy_per_atom=1 "
                                    "E0_H=1 max_stress=\"1 2 3 4 5 6\""),
                NULL);
  report(&other, &(ftl_label_names){0});
  assert_string_equal(said, "");
  ftl_dataset_free(&other);
  /* what is no label, or of a kind that is read, is not remarked */
  ftl_dataset set = read_text(frame("REF_forces", "REF_energy=1 energy=1 config_energy_weight=2 node_energy=3 "
                                                  "energy_per_atom=1 kinetic_energy=1 step=3 stress=low"),
                              NULL);
  report(&set, &(ftl_label_names){0});
  assert_string_equal(said, "");
  ftl_dataset_free(&set);
}

/* Guards the names that begin with the prefix, and that their number is bounded. */
static void prefixed(void **unused) {
  (void)unused;
  ftl_dataset set = read_text("2\nProperties=species:S:1:pos:R:3:REF_forces:R:3:REF_magmom:R:1 REF_energy=1 "
                              "REF_dipole=\"1 2 3\" REF_free_energy=1\nH 0 0 0 0 0 0 1\nH 0 0 1 0 0 0 1\n",
                              NULL);
  report(&set, &(ftl_label_names){0});
  assert_non_null(
      strstr(said, "begin with REF_ and are not read: REF_dipole (1), REF_free_energy (1), column REF_magmom"));
  ftl_dataset_free(&set);
  static char many[20000] = "1\nREF_energy=1 ";
  for (int k = 0; k < 500; k++) sprintf(many + strlen(many), "REF_k%d=1 ", k);
  strcat(many, "\nH 0 0 0\n");
  set = read_text(many, NULL);
  report(&set, &(ftl_label_names){0});
  assert_non_null(strstr(said, "REF_k0 (1)"));
  assert_non_null(strstr(said, "and others"));
  ftl_dataset_free(&set);
}

/* Guards that a label without a number is missing, is counted, and that half a label is an error. */
static void blank(void **unused) {
  (void)unused;
  const char *blanks[] = {"nan",
                          "NaN",
                          "-nan",
                          "\"nan nan nan nan nan nan nan nan nan\"",
                          "None",
                          "null",
                          "\"\"",
                          "--",
                          "[None, None, None]",
                          "\"_JSON [[nan, nan], [nan]]\"",
                          "NA",
                          "N/A"};
  for (size_t k = 0; k < sizeof blanks / sizeof *blanks; k++) {
    char comment[300];
    snprintf(comment, sizeof comment, "REF_energy=%s REF_stress=%s", blanks[k], blanks[k]);
    ftl_dataset set = read_text(frame("REF_forces", comment), NULL);
    const ftl_labels *labels = &set.structure[0].labels;
    assert_false(labels->has_energy || labels->has_stress);
    assert_true(labels->has_forces);
    report(&set, &(ftl_label_names){0});
    assert_non_null(strstr(said, "energies of 1 structures, stresses of 1 structures of 1; first: "));
    ftl_dataset_free(&set);
  }
  ftl_dataset set =
      read_text("1\nProperties=species:S:1:pos:R:3:REF_forces:R:3 REF_energy=1\nH 0 0 0 nan nan nan\n", NULL);
  assert_false(set.structure[0].labels.has_forces);
  assert_int_equal(set.survey.blank[1], 1);
  ftl_dataset_free(&set);
  /* a blank stress leaves the virial */
  set = read_text(frame("REF_forces", "REF_stress=nan REF_virial=\"8 8 8 0 0 0\""), NULL);
  assert_true(set.structure[0].labels.has_stress && set.structure[0].labels.stress[0][0] == -1);
  assert_int_equal(set.survey.blank[2], 0);
  ftl_dataset_free(&set);
  const char *half[] = {"REF_stress=\"nan 1 1 1 1 1\"",           "REF_energy=inf",
                        "REF_stress=\"inf inf inf inf inf inf\"", "REF_energy=****",
                        "REF_virial=\"1 2 3 nan 5 6\"",           "REF_energy"};
  for (size_t k = 0; k < sizeof half / sizeof *half; k++) refuse(frame("REF_forces", half[k]), NULL, "finite number");
  refuse("2\nProperties=species:S:1:pos:R:3:REF_forces:R:3\nH 0 0 0 nan nan nan\nH 0 0 1 1 1 1\n", NULL, "\"nan\"");
}

#define TWO "1\nhead=pbe k=1\nH 0 0 0\n1\nhead=scan k=1\nH 0 0 0\n1\nk=2\nH 0 0 0\n1\nhead=pbe k=2\nH 0 0 0\n"

/* Guards which frames a selection takes, and what is said when it takes none. */
static void selections(void **unused) {
  (void)unused;
  const struct {
    int n;
    char *condition[3];
    int taken;
  } cases[] = {{1, {"head=pbe"}, 2},        {2, {"head=pbe", "head=scan"}, 3},  {1, {"head=(none)"}, 1},
               {2, {"head=pbe", "k=2"}, 1}, {3, {"k=2", "head=pbe", "k=1"}, 2}, {0, {NULL}, 4}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const ftl_dataset_options o = {.select = {cases[k].n, cases[k].condition}};
    ftl_dataset set = read_text(TWO, &o);
    assert_int_equal(set.n, cases[k].taken);
    ftl_dataset_free(&set);
  }
  char *none[] = {"head=hse"}, *bad[] = {"head"}, *empty[] = {"=x"};
  refuse(TWO, &(ftl_dataset_options){.select = {1, none}}, "head=pbe (2), head=scan (1), head=(none) (1)");
  refuse(TWO, &(ftl_dataset_options){.select = {1, bad}}, "KEY=VALUE");
  refuse(TWO, &(ftl_dataset_options){.select = {1, empty}}, "KEY=VALUE");
  refuse("1\nhead=a head=b\nH 0 0 0\n", &(ftl_dataset_options){.select = {1, none}}, "head twice");
}

/* Guards when heads are mixed: several, unless chosen; one and none is remarked. */
static void heads(void **unused) {
  (void)unused;
#define CELL "Lattice=\"9 0 0 0 9 0 0 0 9\" "
  char *choice[] = {"head=a", "head=b"};
  const ftl_selection nothing = {0}, chosen = {2, choice};
  ftl_error error = {0};
  ftl_dataset set = read_text("1\n" CELL "head=a\nH 0 0 0\n1\n" CELL "head=b\nH 0 0 0\n1\n" CELL "head=a\nH 0 0 0\n"
                              "1\nhead=c\nH 0 0 0\n",
                              NULL);
  assert_int_equal(ftl_heads_require_one(&set.survey.heads, &nothing, "--select ", "f", &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "a (2), b (1);"));
  assert_non_null(strstr(error.message, "--select head=a"));
  assert_int_equal(ftl_heads_require_one(&set.survey.heads, &chosen, "--select ", "f", &error), FTL_OK);
  ftl_dataset_free(&set);
  set = read_text("1\n" CELL "head=a\nH 0 0 0\n1\n" CELL "\nH 0 0 0\n", NULL);
  assert_int_equal(ftl_heads_require_one(&set.survey.heads, &nothing, "--select ", "f", &error), FTL_OK);
  said[0] = '\0';
  ftl_heads_report(&set.survey.heads, &nothing, "set", false, keep, NULL);
  assert_non_null(strstr(said, "a (1), (none) (1)"));
  ftl_dataset_free(&set);
}

/* Guards that keys nobody reads may stand twice, once remarked, and are written as they were. */
static void repeated_keys(void **unused) {
  (void)unused;
  ftl_dataset set = read_text("1\nstep=1 step=1 REF_energy=2\nH 0 0 0\n1\nstep=1 step=2\nH 0 0 0\n", NULL);
  report(&set, &(ftl_label_names){0});
  assert_non_null(strstr(said, "comment line of 2 structures, and nobody reads it: step"));
  assert_true(set.structure[0].labels.energy == 2);
  ftl_dataset_free(&set);
  ftl_xyz_reader *reader;
  ftl_xyz_frame f = {0};
  bool end;
  write_bytes("1\na=1 b=2 a=3 energy=1 energy=2\nH 0 0 0\n", 40);
  assert_int_equal(ftl_xyz_open(path, &reader, NULL), FTL_OK);
  assert_int_equal(ftl_xyz_read(reader, &f, &end, NULL), FTL_OK);
  assert_string_equal(ftl_xyz_value(&f, "a"), "1");
  assert_int_equal(ftl_xyz_set(&f, "energy", "7", NULL), FTL_OK);
  assert_int_equal(f.n_entries, 4);
  assert_int_equal(ftl_xyz_set(&f, "a", NULL, NULL), FTL_OK);
  assert_int_equal(f.n_entries, 2);
  assert_string_equal(ftl_xyz_value(&f, "energy"), "7");
  ftl_xyz_frame_free(&f);
  ftl_xyz_close(reader);
}

/* Guards against lines that take quadratic time: 400 000 keys, names and columns took minutes. */
static void long_lines(void **unused) {
  (void)unused;
  enum { KEYS = 400000 };
  char *text = malloc(KEYS * 16), *p = text;
  assert_non_null(text);
  p += sprintf(p, "1\n");
  for (int k = 0; k < KEYS; k++) p += sprintf(p, "REF_k%d=%d ", k, k % 7);
  sprintf(p, "\nH 0 0 0\n");
  const time_t before = time(NULL);
  ftl_dataset set = read_text(text, NULL);
  assert_int_equal(set.n, 1);
  ftl_dataset_free(&set);
  p = text + sprintf(text, "1\nProperties=species:S:1:pos:R:3");
  for (int k = 0; k < 9000; k++) p += sprintf(p, ":c%d:R:1", k);
  p += sprintf(p, "\nH 0 0 0");
  for (int k = 0; k < 9000; k++) p += sprintf(p, " %d", k);
  set = read_text(text, NULL);
  assert_int_equal(set.n, 1);
  ftl_dataset_free(&set);
  free(text);
  assert_true(time(NULL) - before < 60);
}

/* ---- packed files ---- */

static size_t pack(const char *text, size_t n, unsigned char *packed, size_t room) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)text;
  z.avail_in = (uInt)n;
  z.next_out = packed;
  z.avail_out = (uInt)room;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  const size_t used = room - z.avail_out;
  deflateEnd(&z);
  return used;
}

static ftl_status read_packed(const unsigned char *bytes, size_t n, ftl_dataset *set, ftl_error *error) {
  char *paths[] = {path};
  write_bytes(bytes, n);
  *set = (ftl_dataset){0};
  *error = (ftl_error){0};
  return ftl_dataset_read(paths, 1, NULL, set, error);
}

/* Guards gzip: members, padding, the digest of the file's own bytes, and that a damaged file is never half read. */
static void gzip(void **unused) {
  (void)unused;
  static char text[200000];
  static unsigned char packed[200000];
  unsigned state = 1;
  int frames = 0;
  for (size_t used = 0; used < 150000; frames++) {
    state = state * 1664525 + 1013904223;
    used += (size_t)sprintf(text + used, "1\nREF_energy=%u.5\nH 0 0 %u\n", state, state >> 7);
  }
  const size_t half = (size_t)(strstr(text + 70000, "\n1\n") - text) + 1, n = strlen(text);
  size_t first = pack(text, half, packed, sizeof packed);
  size_t all = first + pack(text + half, n - half, packed + first, sizeof packed - first);
  ftl_dataset set;
  ftl_error error;
  char digest[FTL_SHA256_HEX];
  assert_int_equal(read_packed(packed, all, &set, &error), FTL_OK);
  assert_int_equal(set.n, frames);
  assert_true(set.structure[frames - 1].labels.energy == state + 0.5);
  ftl_sha256(packed, all, digest);
  assert_string_equal(set.file[0].sha256, digest);
  ftl_dataset_free(&set);
  memset(packed + all, 0, 100); /* a tape's padding */
  assert_int_equal(read_packed(packed, all + 100, &set, &error), FTL_OK);
  assert_int_equal(set.n, frames);
  ftl_dataset_free(&set);
  const size_t cuts[] = {3, 15, first / 2, first - 1, first + 1, first + 12, all - 8, all - 1};
  for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
    assert_int_equal(read_packed(packed, cuts[k], &set, &error), FTL_ERR_FORMAT);
    assert_non_null(strstr(error.message, "damaged (the file ends too early)"));
    assert_string_equal(error.where, path);
    ftl_dataset_free(&set);
  }
  for (int k = 0; k < 40; k++) { /* a bit turned anywhere: never the wrong numbers */
    const size_t at = 2 + (size_t)k * (all - 2) / 40;
    packed[at] ^= 0x10;
    if (read_packed(packed, all, &set, &error) == FTL_OK) {
      assert_int_equal(set.n, frames); /* the header has times and flags that do not matter */
      assert_true(at < 10 || (at >= first && at < first + 10));
    }
    ftl_dataset_free(&set);
    packed[at] ^= 0x10;
  }
  packed[all] = 'x';
  assert_int_equal(read_packed(packed, all + 1, &set, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "other bytes follow"));
  ftl_dataset_free(&set);
}

/* ---- other formats ---- */

/* Guards that files of other formats are named, with what helps, packed or not; and that XYZ files never are. */
static void other_formats(void **unused) {
  (void)unused;
#define BYTES(text) text, sizeof text - 1
  static const struct {
    const char *bytes;
    size_t n;
    const char *name, *advice;
  } files[] = {
      {BYTES("\x89HDF\r\n\x1a\n\0\0"), "HDF5", "python -m frozentl.convert"},
      {BYTES("SQLite format 3\0\x10"), "SQLite", "python -m frozentl.convert"},
      {BYTES("- of UlmASE-Trajectory\0"), "trajectory of ASE", "python -m frozentl.convert"},
      {BYTES("BZh91AY&SY\0"), "bzip2", "bzip2 -dc"},
      {BYTES("\xfd"
             "7zXZ\0\0"),
       "xz", "xz -dc"},
      {BYTES("\x28\xb5\x2f\xfd\x04\0"), "zstd", "zstd -dc"},
      {BYTES("PAR1\0"), "Parquet", "ASE"},
      {BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xde\xc0\xef\xbe"), "LMDB", "ASE"},
      {BYTES("PK\3\4\0\0model/data.pkl\0"), "PyTorch", "model comes first"},
      {BYTES("PK\3\4\0\0arr_0.npy\0"), ".npz", "ASE"},
      {BYTES("\xff\xfe"
             "1\0\n\0"),
       "UTF-16", "iconv"},
      {BYTES("1\r\rH 0 0 0\r"), "CR alone", "tr "},
      {BYTES("data_Cu\n_cell_length_a 3.6\nloop_\n"), "CIF", "python -m frozentl.convert"},
      {BYTES("# by someone\n\ndata_Cu\n_cell_length_a 3.6\n"), "CIF", "python -m frozentl.convert"},
      {BYTES("Cu4\n1.0\n3.6 0 0\n0 3.6 0\n0 0 3.6\nCu\n4\nDirect\n0 0 0\n"), "POSCAR", "python -m frozentl.convert"},
      {BYTES("4\n3.6\n1 0 0\n0 1 0\n0 0 1\nCu H\n4 1\nSelective dynamics\nCartesian\n0 0 0 T T T\n"), "POSCAR",
       "python -m frozentl.convert"},
      {BYTES("Cu4\n1.0\n3.6 0 0\n0 3.6 0\n0 0 3.6\n4\ncartesian\n0 0 0\n"), "POSCAR", "python -m frozentl.convert"},
      {BYTES(" vasp.6.4.2 20Jul23 (build Aug 1 2023) complex\n\n executed on LinuxGNU\n"), "OUTCAR",
       "python -m frozentl.convert"},
      {BYTES("<?xml version=\"1.0\"?>\n<modeling>\n"), "vasprun.xml", "python -m frozentl.convert"},
      {BYTES("ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\n"), "dump of LAMMPS", "python -m frozentl.convert"},
      {BYTES("LAMMPS data file\n\n4 atoms\n1 atom types\n0 3.6 xlo xhi\n"), "data file of LAMMPS",
       "python -m frozentl.convert"},
      {BYTES("{\"1\": {\"cell\": 1}}\n"), "JSON", "python -m frozentl.convert"},
      {BYTES("\x31\0\0\0\0\0\0\0{\"__metadata__\":{}}"), ".ftl", "model comes first"},
  };
  for (size_t k = 0; k < sizeof files / sizeof *files; k++)
    for (int packed = 0; packed < 2; packed++) {
      static unsigned char bytes[10000];
      size_t n = files[k].n;
      if (packed) n = pack(files[k].bytes, files[k].n, bytes, sizeof bytes);
      else memcpy(bytes, files[k].bytes, n);
      ftl_dataset set;
      ftl_error error;
      assert_int_equal(read_packed(bytes, n, &set, &error), FTL_ERR_FORMAT);
      if (!strstr(error.message, files[k].name) || !strstr(error.message, files[k].advice))
        fail_msg("%s, %s: \"%s\"", files[k].name, files[k].advice, error.message);
      assert_string_equal(error.where, path);
      ftl_dataset_free(&set);
    }
  /* XYZ files with a fault keep the place of it */
  refuse("1\nProperties=species:S:1:pos:R:3\nH 0 0\n", NULL, "atom 0 has 3 columns");
  refuse("3\n1.0\n1 0 0\n0 1 0\n0 0 1\n", NULL, "atom 0 has 3 columns");
  refuse("", &(ftl_dataset_options){.select = {1, (char *[]){"x"}}}, "KEY=VALUE");
  ftl_dataset set = read_text("\xef\xbb\xbf"
                              "1\r\n\r\nH 0 0 0\r\n",
                              NULL); /* UTF-8 with a byte order mark, CR LF */
  assert_int_equal(set.n, 1);
  ftl_dataset_free(&set);
}

/* ---- species ---- */

/* Guards that numbers are elements only where the column says so, and what is said about near misses. */
static void species(void **unused) {
  (void)unused;
  const char *columns[] = {"Z:I:1", "numbers:I:1", "atomic_numbers:I:1", "Z:S:1"};
  for (int k = 0; k < 4; k++) {
    char text[200];
    snprintf(text, sizeof text, "1\nProperties=%s:pos:R:3\n29 0 0 0\n", columns[k]);
    ftl_dataset set = read_text(text, NULL);
    assert_int_equal(set.structure[0].atomic_number[0], 29);
    ftl_dataset_free(&set);
    snprintf(text, sizeof text, "1\nProperties=%s:pos:R:3\n119 0 0 0\n", columns[k]);
    refuse(text, NULL, "not an atomic number");
  }
  const struct {
    const char *word, *says;
  } cases[] = {{"1", "type of LAMMPS"}, {"29", "Z:I:1"},     {"0", "type of LAMMPS"}, {"Cu1", "is it Cu?"},
               {"Fe_pv", "is it Fe?"},  {"CU", "is it Cu?"}, {"cu", "is it Cu?"},     {"OW", "is it O?"},
               {"D", "write H"},        {"T", "write H"},    {"X", "dummy atom"},     {"Cu2+", "is it Cu?"},
               {"Copper", "spelt"},     {"?", "spelt"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    for (int form = 0; form < 3; form++) {
      const char *comment[] = {"", "Properties=species:S:1:pos:R:3", "Properties=species:I:1:pos:R:3"};
      char text[200];
      snprintf(text, sizeof text, "1\n%s\n%s 0 0 0\n", comment[form], cases[k].word);
      refuse(text, NULL, cases[k].says);
    }
}

/* Guards that the sentence about a large force names both options, and that one of them leaves the frame out. */
static void large_forces(void **unused) {
  (void)unused;
  ftl_dataset_options o = {.max_force = 2};
  const char *text = frame("REF_forces", "REF_energy=1");
  refuse(text, &o, "--large-forces drop");
  refuse(text, &o, "--max-force");
  o.drop_absurd = true;
  ftl_dataset set = read_text(text, &o);
  assert_int_equal(set.n, 0);
  assert_int_equal(set.dropped, 1);
  ftl_dataset_free(&set);
}

int main(void) {
  int descriptor = mkstemp(path);
  if (descriptor < 0) return 1;
  close(descriptor);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spellings),  cmocka_unit_test(two_of_a_kind), cmocka_unit_test(single_names),
      cmocka_unit_test(unread),     cmocka_unit_test(prefixed),      cmocka_unit_test(blank),
      cmocka_unit_test(selections), cmocka_unit_test(heads),         cmocka_unit_test(repeated_keys),
      cmocka_unit_test(long_lines), cmocka_unit_test(gzip),          cmocka_unit_test(other_formats),
      cmocka_unit_test(species),    cmocka_unit_test(large_forces),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
