/* Data sets: what is read, what it means, what is refused and how; graphs; checks between sets. */
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
#include "data/checks.h"

#define FILES 3
static char paths[FILES][64];

static int make_files(void **unused) {
  (void)unused;
  for (int k = 0; k < FILES; k++) {
    strcpy(paths[k], "/tmp/frozentl-data-XXXXXX");
    int fd = mkstemp(paths[k]);
    if (fd < 0) return -1;
    close(fd);
  }
  return 0;
}

static int remove_files(void **unused) {
  (void)unused;
  for (int k = 0; k < FILES; k++) unlink(paths[k]);
  return 0;
}

static char *write_file(int k, const char *text) {
  FILE *file = fopen(paths[k], "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  fclose(file);
  return paths[k];
}

static ftl_dataset read_text(int k, const char *text, const ftl_dataset_options *options) {
  char *path = write_file(k, text);
  ftl_dataset dataset = {0};
  ftl_error error = {0};
  if (ftl_dataset_read(&path, 1, options, &dataset, &error) != FTL_OK) fail_msg("%s: %s", error.where, error.message);
  return dataset;
}

/* The text must be refused with this code, in a place and with words. */
static void refuse(const char *text, const ftl_dataset_options *options, ftl_status code, const char *place,
                   const char *words) {
  char *path = write_file(0, text);
  ftl_dataset dataset = {0};
  ftl_error error = {0};
  ftl_status status = ftl_dataset_read(&path, 1, options, &dataset, &error);
  ftl_dataset_free(&dataset);
  if (status != code || !strstr(error.where, place) || !strstr(error.message, words))
    fail_msg("expected \"%s\" at \"%s\", got %d \"%s\" at \"%s\"", words, place, status, error.message, error.where);
}

#define CELL   "Lattice=\"4 0 0 0 5 0 0 0 6\" "
#define FORCES "Properties=species:S:1:pos:R:3:REF_forces:R:3 "

/* 2 atoms with everything, 1 atom with nothing but a virial that has no volume */
static const char two_frames[] =
    "2\n" CELL FORCES "REF_energy=-3.5 REF_stress=\"1 2 3 4 5 6\" config_type=slab head=dft config_weight=2 "
    "config_energy_weight=0.5 config_forces_weight=3 config_stress_weight=4\n"
    "Cu 0 0 0 0.1 0.2 0.3\nH 1 1.5 1 -0.1 -0.2 -0.3\n"
    "1\nREF_virial=\"1 0 0 0 1 0 0 0 1\"\nH 0 0 9\n";

/* Guards everything that a structure takes from a frame. */
static void reads_structures(void **unused) {
  (void)unused;
  ftl_dataset set = read_text(0, two_frames, NULL);
  assert_int_equal(set.n, 2);
  assert_int_equal(set.n_files, 1);
  assert_int_equal(set.file[0].frames, 2);
  assert_int_equal(ftl_dataset_atoms(&set), 3);
  const ftl_structure *a = &set.structure[0], *b = &set.structure[1];
  assert_string_equal(a->path, paths[0]);
  assert_int_equal(a->frame, 0);
  assert_int_equal(b->frame, 1);
  assert_int_equal(b->line, 5);
  assert_int_equal(a->n, 2);
  assert_int_equal(a->atomic_number[0], 29);
  assert_int_equal(a->atomic_number[1], 1);
  assert_close(a->position[1][1], 1.5, 0);
  assert_close(a->cell[2][2], 6, 0);
  assert_true(a->has_cell && a->pbc[0] && a->pbc[1] && a->pbc[2]);
  assert_close(a->volume, 120, 1e-12);
  assert_string_equal(a->config_type, "slab");
  assert_string_equal(a->head, "dft");
  assert_close(a->weight, 2, 0);
  assert_close(a->energy_weight, 0.5, 0);
  assert_close(a->forces_weight, 3, 0);
  assert_close(a->stress_weight, 4, 0);
  assert_true(a->labels.has_energy && a->labels.has_forces && a->labels.has_stress);
  assert_close(a->labels.energy, -3.5, 0);
  assert_close(a->labels.forces[1][2], -0.3, 0);
  assert_close(a->labels.stress[1][2], 4, 0);
  assert_false(a->isolated);

  assert_string_equal(b->config_type, FTL_NO_CONFIG_TYPE);
  assert_null(b->head);
  assert_null(b->labels.forces);
  assert_true(b->isolated && b->stress_without_volume);
  assert_false(b->labels.has_energy || b->labels.has_forces || b->labels.has_stress);
  assert_close(b->weight * b->energy_weight * b->forces_weight * b->stress_weight, 1, 0);

  ftl_label_counts counts;
  ftl_dataset_count_labels(&set, &counts);
  assert_int_equal(counts.energy, 1);
  assert_int_equal(counts.forces, 1);
  assert_int_equal(counts.stress, 1);
  assert_int_equal(counts.none, 1);
  assert_int_equal(counts.stress_without_volume, 1);

  int elements[118];
  assert_int_equal(ftl_dataset_elements(&set, elements), 2);
  assert_int_equal(elements[0], 1);
  assert_int_equal(elements[1], 29);
  char where[256];
  ftl_structure_where(a, 1, where);
  assert_non_null(strstr(where, ", line 4, frame 0"));
  ftl_dataset_free(&set);
  assert_int_equal(set.n, 0);

  set = read_text(0, "1\n" CELL "REF_virial=\"12 0 0 0 24 0 0 0 6\"\nH 0 0 9\n", NULL);
  assert_true(set.structure[0].labels.has_stress && !set.structure[0].isolated);
  assert_close(set.structure[0].labels.stress[1][1], -24 / 120.0, 1e-15);
  ftl_dataset_free(&set);
}

/* Guards the options: prefix, several files, weights by config_type, digests. */
static void options(void **unused) {
  (void)unused;
  const char one[] = "1\ndft_energy=1 config_type=bulk config_weight=3\nH 0 0 0\n1\n\nH 0 0 0\n";
  const char two[] = "1\ndft_energy=2 config_type=slab\nH 0 0 0\n1\n\nH 0 0 0\n";
  char *both[] = {write_file(0, one), write_file(1, two)};
  char *names[] = {"bulk", "Default", "slab"};
  const double weights[] = {0.5, 7, 11};
  const ftl_dataset_options o = {
      .labels = {.prefix = "dft_"}, .n_configs = 3, .config = names, .config_weight = weights};
  ftl_dataset set = {0};
  assert_int_equal(ftl_dataset_read(both, 2, &o, &set, NULL), FTL_OK);
  assert_int_equal(set.n, 4);
  assert_int_equal(set.file[0].frames, 2);
  assert_int_equal(set.file[1].frames, 2);
  assert_close(set.structure[0].weight, 1.5, 0);
  assert_close(set.structure[1].weight, 7, 0); /* mace-torch calls "no config_type" Default */
  assert_close(set.structure[2].weight, 11, 0);
  assert_close(set.structure[2].labels.energy, 2, 0);
  assert_int_equal(set.structure[2].frame, 0);

  /* sha256sum of the files, and of the two digests one after another */
  char digest[FTL_SHA256_HEX], expected[FTL_SHA256_HEX], joined[2 * FTL_SHA256_HEX];
  ftl_sha256(one, strlen(one), expected);
  assert_string_equal(set.file[0].sha256, expected);
  snprintf(joined, sizeof joined, "%s%s", set.file[0].sha256, set.file[1].sha256);
  ftl_sha256(joined, strlen(joined), expected);
  assert_int_equal(ftl_dataset_digest(&set, digest, NULL), FTL_OK);
  assert_string_equal(digest, expected);
  ftl_dataset_free(&set);
  ftl_sha256("abc", 3, digest); /* FIPS 180-4, example B.1 */
  assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Guards the splits: nothing is lost or copied. */
static void splits(void **unused) {
  (void)unused;
  char text[2000] = "";
  for (int k = 0; k < 10; k++)
    sprintf(text + strlen(text), "1\n" CELL "REF_energy=%d%s\nH 0 0 0\n", k, k == 4 ? " config_type=IsolatedAtom" : "");
  ftl_dataset set = read_text(0, text, NULL), valid = {0};
  bool moved[10] = {false};
  moved[2] = moved[7] = moved[9] = true;
  assert_int_equal(ftl_dataset_move(&set, moved, &valid, NULL), FTL_OK);
  assert_int_equal(set.n, 7);
  assert_int_equal(valid.n, 3);
  assert_close(valid.structure[1].labels.energy, 7, 0);
  assert_close(set.structure[6].labels.energy, 8, 0);
  assert_string_equal(valid.file[0].sha256, set.file[0].sha256);
  assert_int_equal(ftl_dataset_remove_isolated(&set), 1);
  assert_int_equal(set.n, 6);
  assert_close(set.structure[3].labels.energy, 5, 0);
  memset(moved, 0, sizeof moved);
  moved[0] = true;
  assert_int_equal(ftl_dataset_move(&valid, moved, &set, NULL), FTL_OK);
  assert_close(set.structure[6].labels.energy, 2, 0);
  ftl_dataset_truncate(&set, 2);
  assert_int_equal(set.n, 2);
  ftl_dataset_truncate(&set, 5);
  assert_int_equal(set.n, 2);
  ftl_dataset_free(&set);
  ftl_dataset_free(&valid);
}

/* Guards the sentences about bad labels and weights. */
static void refusals(void **unused) {
  (void)unused;
  refuse("2\n" FORCES "\nH 0 0 0 1 1 1\nH 0 0 1 1 nan 1\n", NULL, FTL_ERR_FORMAT, "line 4, frame 0", "atom 1: \"nan\"");
  refuse("1\nREF_energy=inf\nH 0 0 0\n", NULL, FTL_ERR_FORMAT, "line 2, frame 0", "REF_energy=\"inf\"");
  refuse("1\nconfig_weight=heavy\nH 0 0 0\n", NULL, FTL_ERR_FORMAT, "line 2, frame 0", "config_weight");
  refuse("1\n\nH 0 0 0\n1\nconfig_forces_weight=-1\nH 0 0 0\n", NULL, FTL_ERR_FORMAT, "line 5, frame 1", "negative");
  refuse("1\n" CELL "REF_stress=\"1 2 3\"\nH 0 0 0\n", NULL, FTL_ERR_FORMAT, "line 2, frame 0", "REF_stress");
  refuse("2\n\nH 0 0 0\n", NULL, FTL_ERR_FORMAT, "frame 0", "after 1 of 2 atoms");

  ftl_dataset set = {0};
  ftl_error error = {0};
  char *missing[] = {"/nowhere/train.xyz"}, *folder[] = {"/tmp"}, *pipe[] = {"-"}, *device[] = {"/dev/null"};
  assert_int_equal(ftl_dataset_read(missing, 1, NULL, &set, &error), FTL_ERR_IO);
  assert_string_equal(error.where, "/nowhere/train.xyz");
  ftl_dataset_free(&set);
  assert_int_equal(ftl_dataset_read(folder, 1, NULL, &set, &error), FTL_ERR_IO);
  assert_non_null(strstr(error.message, "folder"));
  ftl_dataset_free(&set);
  assert_int_equal(ftl_dataset_read(pipe, 1, NULL, &set, &error), FTL_ERR_INPUT);
  ftl_dataset_free(&set);
  assert_int_equal(ftl_dataset_read(device, 1, NULL, &set, &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "regular file"));
  ftl_dataset_free(&set);
}

/* Guards max_force: an error that says where and how many, or frames left out and counted. */
static void absurd_forces(void **unused) {
  (void)unused;
  const char text[] = "1\n" FORCES "\nH 0 0 0 1 2 3\n"
                      "2\n" FORCES "\nH 0 0 0 1 2 3\nCu 0 0 2 30 40 0\n"
                      "1\n" FORCES "\nH 0 0 0 0 0 -51\n";
  ftl_dataset_options o = {.max_force = 49.9};
  refuse(text, &o, FTL_ERR_INPUT, "line 7, frame 1", "atom 1 (Cu) has a force of 50 eV/A");
  refuse(text, &o, FTL_ERR_INPUT, "", "2 frames are like this");
  o.drop_absurd = true;
  ftl_dataset set = read_text(0, text, &o);
  assert_int_equal(set.n, 1);
  assert_int_equal(set.file[0].frames, 1);
  assert_int_equal(set.dropped, 2);
  assert_non_null(strstr(set.first_dropped, "line 7, frame 1: atom 1 (Cu)"));
  ftl_dataset_free(&set);
  o = (ftl_dataset_options){.max_force = 50};
  refuse(text, &o, FTL_ERR_INPUT, "line 10, frame 2", "1 frame is like this");
  o.max_force = 0;
  set = read_text(0, text, &o);
  assert_int_equal(set.n, 3);
  ftl_dataset_free(&set);
}

/* ---- graphs ---- */

/* Guards the layout of the graph: species in the model's order, the neighbours of a box. */
static void graphs(void **unused) {
  (void)unused;
  ftl_dataset set = read_text(0, "2\nLattice=\"3 0 0 0 9 0 0 0 9\"\nCu 0 0 0\nH 0 2 0\n1\n\nH 0 0 0\n", NULL);
  const int elements[] = {1, 8, 29};
  ftl_neighbours scratch = {0};
  ftl_structure_graph graph;
  ftl_error error = {0};
  assert_int_equal(ftl_structure_graph_build(&set.structure[0], elements, 3, 3.5, &scratch, &graph, &error), FTL_OK);
  assert_int_equal(graph.graph.n_local, 2);
  assert_int_equal(graph.graph.n_total, 2);
  assert_int_equal(graph.graph.species[0], 2);
  assert_int_equal(graph.graph.species[1], 0);
  /* each has itself in the next box on either side (3 A), and the other once (2 A; sqrt(13) is beyond) */
  assert_int_equal(graph.graph.first_edge[0], 0);
  assert_int_equal(graph.graph.first_edge[1], 3);
  assert_int_equal(graph.graph.first_edge[2], 6);
  double sum[3] = {0};
  for (int k = 0; k < 3; k++)
    for (int c = 0; c < 3; c++) sum[c] += graph.graph.vector[k][c];
  assert_close(sum[0], 0, 1e-12);
  assert_close(sum[1], 2, 1e-12);
  assert_int_equal(graph.bytes, 6 * (24 + 4) + 3 * 8 + 2 * 4);
  ftl_structure_graph_free(&graph);
  assert_int_equal(graph.bytes, 0);

  assert_int_equal(ftl_structure_graph_build(&set.structure[1], elements, 3, 3.5, &scratch, &graph, &error), FTL_OK);
  assert_int_equal(graph.graph.first_edge[1], 0);
  ftl_structure_graph_free(&graph);

  double average; /* over atoms that have neighbours, as mace-torch: the lone atom does not count */
  assert_int_equal(ftl_dataset_average_neighbours(&set, 3.5, &average, &error), FTL_OK);
  assert_close(average, 3, 1e-15);

  const int lacking[] = {29};
  assert_int_equal(ftl_structure_graph_build(&set.structure[0], lacking, 1, 3.5, &scratch, &graph, &error),
                   FTL_ERR_INPUT);
  assert_non_null(strstr(error.where, "line 4, frame 0"));
  assert_non_null(strstr(error.message, "atom 1 is H"));
  set.structure[0].position[1][1] = 0;
  assert_int_equal(ftl_structure_graph_build(&set.structure[0], elements, 3, 3.5, &scratch, &graph, &error),
                   FTL_ERR_INPUT);
  assert_non_null(strstr(error.where, paths[0]));
  assert_null(graph.memory);
  assert_int_equal(ftl_dataset_average_neighbours(&set, 3.5, &average, &error), FTL_ERR_INPUT);
  ftl_neighbours_free(&scratch);
  ftl_dataset_free(&set);
}

/* ---- checks ---- */

static const ftl_finding *finding_of(const ftl_findings *findings, ftl_finding_kind kind, int skip_first) {
  for (int k = 0; k < findings->n; k++)
    if (findings->finding[k].kind == kind && skip_first-- == 0) return &findings->finding[k];
  return NULL;
}

static void expect_finding(const ftl_findings *findings, ftl_finding_kind kind, int which, int64_t count, bool fatal,
                           const char *words) {
  const ftl_finding *finding = finding_of(findings, kind, which);
  if (!finding) fail_msg("no finding of kind %d with \"%s\"", kind, words);
  if (finding->count != count || finding->fatal != fatal || !strstr(finding->text, words))
    fail_msg("expected %lld \"%s\", got %lld \"%s\"", (long long)count, words, (long long)finding->count,
             finding->text);
}

static const int h_and_cu[] = {1, 29};

/* Guards that good data have no findings, and each of them. */
static void checks(void **unused) {
  (void)unused;
  ftl_dataset good =
      read_text(0, "1\n" CELL FORCES "REF_energy=1 REF_stress=\".1 .2 .3 .1 .2 .3\"\nH 0 0 0 0 0 0\n", NULL);
  ftl_dataset mixed = read_text(1,
                                "1\n" CELL "REF_energy=1 REF_stress=\".1 .2 .3 .1 .2 .3\"\nCu 0 1 0\n"
                                "1\nREF_energy=1 REF_stress=\".1 .2 .3 .1 .2 .3\"\nH 0 1 0\n"
                                "2\n" CELL "config_weight=0\nO 0 1 0\nZr 0 1 3\n",
                                NULL);
  ftl_dataset empty = read_text(2, "", NULL);
  ftl_checked_set sets[] = {
      {"train", &good, true, false}, {"valid", &mixed, false, false}, {"test", &empty, false, false}};
  char *configs[] = {"Default", "slabb"};
  ftl_checks run = {.n_sets = 1,
                    .weights = "loss",
                    .set = sets,
                    .n_elements = 2,
                    .elements = h_and_cu,
                    .energy = true,
                    .forces = true,
                    .stress = true,
                    .n_configs = 1,
                    .config = configs};
  ftl_findings findings = {0};
  assert_int_equal(ftl_checks_run(&run, &findings, NULL), FTL_OK);
  assert_int_equal(findings.n, 0);
  assert_null(ftl_findings_fatal(&findings));
  ftl_findings_free(&findings);

  run.n_sets = 3;
  run.n_configs = 2;
  assert_int_equal(ftl_checks_run(&run, &findings, NULL), FTL_OK);
  expect_finding(&findings, FTL_FINDING_ELEMENT, 0, 1, true, "valid: the model does not have O Zr");
  expect_finding(&findings, FTL_FINDING_ELEMENT, 0, 1, true, "line 9, frame 2, atom 0");
  expect_finding(&findings, FTL_FINDING_PARTIAL, 0, 1, false, "valid: 2 of 3 structures have an energy");
  expect_finding(&findings, FTL_FINDING_UNLABELLED, 0, 3, false, "valid: no structure has forces");
  expect_finding(&findings, FTL_FINDING_PARTIAL, 1, 2, false, "valid: 1 of 3 structures have a stress");
  expect_finding(&findings, FTL_FINDING_NO_VOLUME, 0, 1, false, "directions: 1");
  expect_finding(&findings, FTL_FINDING_WEIGHT, 0, 1, false, "weight 0");
  expect_finding(&findings, FTL_FINDING_EMPTY, 0, 0, true, "test: there is no structure in");
  expect_finding(&findings, FTL_FINDING_CONFIG, 0, 0, false, "loss.configs has a weight for slabb");
  assert_int_equal(findings.n, 8);
  assert_int_equal(ftl_findings_fatal(&findings)->kind, FTL_FINDING_ELEMENT);
  ftl_findings_free(&findings);

  /* no label that is weighed: fatal where it is trained on */
  sets[1].trained_on = true;
  run = (ftl_checks){.n_sets = 2, .set = sets, .weights = "loss", .forces = true};
  assert_int_equal(ftl_checks_run(&run, &findings, NULL), FTL_OK);
  expect_finding(&findings, FTL_FINDING_UNLABELLED, 0, 3, true, "none of the 3 structures");
  ftl_findings_free(&findings);
  ftl_dataset_free(&good);
  ftl_dataset_free(&mixed);
  ftl_dataset_free(&empty);
}

#define FRAME(x) "2\n" CELL "REF_energy=1\nH 0 " x " 0\nCu 1 2 3\n"

/* Guards the search of duplicates (test_findings: in other orders and cells): positions that differ in the seventh
   digit are the same, on whichever side of a rounding boundary; elements, cell, pbc and the fifth digit tell structures
   apart; counts and the first pair. */
static void duplicates(void **unused) {
  (void)unused;
  ftl_dataset train = read_text(0, FRAME("0.5") FRAME("0.6") FRAME("0.50000049999") FRAME("0.7"), NULL);
  ftl_dataset valid = read_text(1, FRAME("0.1") FRAME("0.70000000001") FRAME("0.5") FRAME("0.69999999999"), NULL);
  ftl_dataset other = read_text(2,
                                "2\nREF_energy=1 " CELL "pbc=\"T T F\"\nH 0 0.5 0\nCu 1 2 3\n"
                                "2\nREF_energy=1 Lattice=\"4.00001 0 0 0 5 0 0 0 6\"\nH 0 0.5 0\nCu 1 2 3\n"
                                "2\nREF_energy=1 " CELL "\nCu 0 0.5 0\nH 1 2 3\n"
                                "2\nREF_energy=1 " CELL "\nH 0 0.50001 0\nCu 1 2 3\n",
                                NULL);
  const ftl_checked_set sets[] = {
      {"train", &train, true, false}, {"valid", &valid, false, false}, {"test", &other, false, false}};
  const ftl_checks run = {.n_sets = 3, .set = sets, .weights = "loss", .energy = true};
  ftl_findings findings = {0};
  char first[400];
  assert_int_equal(ftl_checks_run(&run, &findings, NULL), FTL_OK);
  snprintf(first, sizeof first, "first: %s frame 2 is %s frame 0", paths[0], paths[0]);
  expect_finding(&findings, FTL_FINDING_DUPLICATE, 0, 1, false, first);
  snprintf(first, sizeof first, "3 of 4 structures of valid are in train too");
  expect_finding(&findings, FTL_FINDING_DUPLICATE, 1, 3, false, first);
  snprintf(first, sizeof first, "first: %s frame 1 is %s frame 3", paths[1], paths[0]);
  expect_finding(&findings, FTL_FINDING_DUPLICATE, 1, 3, false, first);
  expect_finding(&findings, FTL_FINDING_DUPLICATE, 2, 1, false, "valid: repeated structures: 1");
  assert_int_equal(findings.n, 3);
  ftl_findings_free(&findings);
  ftl_dataset_free(&train);
  ftl_dataset_free(&valid);
  ftl_dataset_free(&other);
}

/* ---- errors of a model ---- */

/* Guards the sums of errors by config_type and their totals. */
static void error_tables(void **unused) {
  (void)unused;
  ftl_dataset set = read_text(0, two_frames, NULL);
  const ftl_structure *a = &set.structure[0], *b = &set.structure[1];
  const double forces[2][3] = {{0.1, 0.2, 0.3 + 0.6}, {-0.1, -0.2, -0.3}};
  ftl_error_table table = {0};
  assert_int_equal(
      ftl_error_table_add(&table, "Default", a->config_type, a->n, &a->labels, -3.5 + 0.2, forces, NULL, NULL), FTL_OK);
  assert_int_equal(ftl_error_table_add(&table, "Default", b->config_type, b->n, &b->labels, 1, forces, NULL, NULL),
                   FTL_OK);
  assert_int_equal(table.n, 2);
  assert_string_equal(table.row[0].config_type, "slab");
  assert_string_equal(table.row[1].config_type, FTL_NO_CONFIG_TYPE);
  const ftl_error_row total = ftl_error_table_total(&table, "Default");
  assert_int_equal(total.frames, 2);
  assert_int_equal(total.atoms, 3);
  assert_close(ftl_error_rmse(&total.energy), 0.1, 1e-15);
  assert_close(ftl_error_rmse(&total.forces), sqrt(0.36 / 6), 1e-15);
  assert_close(ftl_error_mae(&total.forces), 0.1, 1e-15);
  assert_true(isnan(ftl_error_rmse(&total.stress)));
  assert_int_equal(ftl_error_table_total(&table, "other").frames, 0);
  ftl_error_table_free(&table);
  ftl_dataset_free(&set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_structures), cmocka_unit_test(options),       cmocka_unit_test(splits),
      cmocka_unit_test(refusals),         cmocka_unit_test(absurd_forces), cmocka_unit_test(graphs),
      cmocka_unit_test(checks),           cmocka_unit_test(duplicates),    cmocka_unit_test(error_tables)};
  return cmocka_run_group_tests(tests, make_files, remove_files);
}
