/* PACE potentials in core/kokkos against the C core: the cases of tests/ace (each way to get radial functions, each
   kind of inner cutoff, several densities, linear functions), the surrogates of potentials/, and LAMMPS' copper if
   bench/setup_rivals.sh has made it. Prints the largest differences. */
#include "compare.h"

enum { MAX_FOUND = 64 };

/* The structure that a case of tests/ace was made with: pairs deep in their inner cutoffs among it. */
static bool read_case(const char *path, structure *s) {
  char name[256];
  snprintf(name, sizeof name, "%.*s.json", (int)strlen(path) - 5, path);
  json_t *json = json_load_file(name, 0, NULL);
  if (!json) return false;
  const json_t *elements = json_object_get(json, "elements"), *positions = json_object_get(json, "positions");
  *s = (structure){.n = (int)json_array_size(elements), .pbc = {1, 1, 1}};
  for (size_t i = 0; i < (size_t)s->n; i++) {
    s->number[i] = ftl_atomic_number(json_string_value(json_array_get(elements, i)));
    for (size_t x = 0; x < 3; x++)
      s->position[i][x] = json_number_value(json_array_get(json_array_get(positions, i), x));
  }
  for (size_t k = 0; k < 9; k++)
    s->cell[k / 3][k % 3] =
        json_number_value(json_array_get(json_array_get(json_object_get(json, "cell"), k / 3), k % 3));
  json_decref(json);
  return true;
}

/* An atom of no element, without neighbours; no atoms at all, as a rank may have none. */
static void check_absent(const char *path, const ftl_model *model) {
  static answers c;
  const double position[3][3] = {{0, 0, 0}, {0, 0, 2.2}, {0, 0, 30}};
  const int64_t first_edge[4] = {0, 1, 2, 2};
  const int sender[2] = {1, 0}, species[3] = {0, 0, -1};
  double forces[9], node_energy[3];
  ftl_graph graph = {
      .n_local = 3, .n_total = 3, .species = species, .first_edge = first_edge, .sender = sender, .position = position};
  c_answers(model, &graph, &c);
  for (const char *const *space = kokkos_spaces(); *space; space++) {
    kokkos_answer k = {.energy = 1, .forces = forces, .node_energy = node_energy};
    graph.n_local = graph.n_total = 3;
    compare(path, *space, model, &graph, NULL, &c, false);
    graph.n_local = graph.n_total = 0;
    MUST(kokkos_evaluate(*space, model, &graph, NULL, 1, &k, error));
    assert_close(k.energy, 0, 0);
  }
}

static void open_both(const char *path, const int *elements, int n_elements, ftl_model *models[2]) {
  for (int k = 0; k < 2; k++) {
    const ftl_open_options options = {
        .precision = k ? FTL_MIXED : FTL_DOUBLE, .elements = elements, .n_elements = n_elements};
    MUST(ftl_model_open(path, &options, &models[k], error));
  }
}

static void close_both(ftl_model *models[2]) {
  for (int k = 0; k < 2; k++) ftl_model_free(models[k]);
}

/* Cells smaller than the cutoff, skewed; thin ones, where most have few neighbours; more atoms than a batch. */
static void check_potential(const char *path) {
  static structure s;
  ftl_model *models[2];
  ftl_model_info info;
  uint64_t state = 11;
  int last;
  const double before[2] = {worst_double, worst_mixed};
  worst_double = worst_mixed = worst_trust = 0;
  open_both(path, NULL, 0, models);
  ftl_model_get_info(models[0], &info);
  last = info.atomic_numbers[info.n_elements - 1];
  if (read_case(path, &s)) check_structure(path, models, &s);
  for (int k = 0; k < 3; k++) {
    const int n[3] = {7, 24, 120};
    const double side[3] = {4.5, 16, 13};
    random_structure(&s, n[k], side[k], 1.5, info.atomic_numbers, info.n_elements, &state);
    check_structure(path, models, &s);
  }
  check_absent(path, models[0]);
  close_both(models);
  open_both(path, &last, 1, models); /* of one element the potential is another */
  random_structure(&s, 12, 7, 1.6, &last, 1, &state);
  check_structure(path, models, &s);
  close_both(models);
  print_message("%-40s double %.2g, forces in mixed %.2g", path, worst_double, worst_mixed);
  print_message(worst_trust > 0 ? ", grades and deviations %.2g\n" : "\n", worst_trust);
  worst_double = fmax(worst_double, before[0]);
  worst_mixed = fmax(worst_mixed, before[1]);
}

/* tests/ace/distance.yace without what has an l = 1: with a gap in l below the largest. */
static void check_gap(void) {
  const char *path = "kokkos_gap.yace";
  char line[65536];
  int left_out = 0;
  FILE *from = fopen("tests/ace/distance.yace", "r"), *to = fopen(path, "w");
  assert_true(from && to);
  while (fgets(line, sizeof line, from)) {
    const char *ls = strstr(line, "ls: [");
    if (ls && memchr(ls, '1', strcspn(ls, "]"))) left_out++;
    else fputs(line, to);
  }
  fclose(from);
  assert_int_equal(fclose(to), 0);
  assert_in_range(left_out, 5, 1000);
  check_potential(path);
  unlink(path);
}

static int check_all(const char *pattern) {
  glob_t found;
  int n = 0;
  if (glob(pattern, 0, NULL, &found) == 0)
    for (; n < (int)found.gl_pathc; n++) check_potential(found.gl_pathv[n]);
  globfree(&found);
  return n;
}

static void test_cases(void **unused) {
  (void)unused;
  assert_in_range(check_all("tests/ace/*.yace"), 7, MAX_FOUND);
  check_gap();
}

static void test_surrogates(void **unused) {
  (void)unused;
  assert_in_range(check_all("potentials/*-ace.yace") + check_all("potentials/*-ace.ftl"), 4, MAX_FOUND);
  check_all("build/bench/Cu-PBE-core-rep.yace");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_surrogates)};
  kokkos_start(argc, argv);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  kokkos_stop();
  return failed;
}
