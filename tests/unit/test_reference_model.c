/* The reference against the answers of mace-torch in ../shared, and its derivatives against its energies. */
#include "twins.h"

#include "close.h"
#include "reference/reference.h"

/* Largest deviation of one kind, over the largest value of that kind. */
static double relative(double deviation, double scale) { return deviation / fmax(scale, 1e-12); }

static double larger(double a, double b) { return fmax(fabs(a), fabs(b)); }

/* Compares one twin with its answers; prints the largest relative deviation of energy, node energies, forces and
 * stress. */
static void compare(const char *twin) {
  ftl_source *source = read_twin(twin);
  json_t *root = read_answers(twin);
  double worst = 0;
  const size_t n = SANITIZED ? 1 : count_answers(root); /* other structures, the same code */
  for (size_t k = 0; k < n; k++) {
    static answer expected;
    static structure s;
    static structure_graph g;
    static double node_energy[MAX_ATOMS], forces[MAX_ATOMS][3];
    get_answer(root, k, source, &expected);
    FILE *file = fopen(with_extension(twin, "xyz"), "r");
    assert_non_null(file);
    for (int frame = 0; frame <= expected.frame; frame++) assert_true(read_frame(file, &s));
    fclose(file);
    build_graph(&g, &s, source->arch.atomic_numbers, source->arch.n_elements, source->arch.r_max);

    ftl_error error = {0};
    double energy, virial[9];
    if (ftl_reference_compute(source, expected.head, &g.graph, &energy, node_energy, forces, virial, &error) != FTL_OK)
      fail_msg("%s: %s (%s)", twin, error.message, error.where);
    double d_node = 0, node = 0, d_force = 0, force = 0, d_stress = 0, stress = 0, sum = 0;
    for (int i = 0; i < s.n; i++) {
      sum += node_energy[i];
      const double without_e0 = node_energy[i] - twin_e0(source, expected.head, g.species[i]);
      d_node = larger(d_node, without_e0 - expected.node_energy[i]);
      node = larger(node, expected.node_energy[i]);
      for (int c = 0; c < 3; c++) {
        d_force = larger(d_force, forces[i][c] - expected.forces[i][c]);
        force = larger(force, expected.forces[i][c]);
      }
    }
    assert_close(sum, energy, 1e-12 * larger(energy, s.n));
    /* mace differentiates by a symmetric strain: its stress is the symmetric part */
    static const int column_of[9] = {0, 3, 4, 6, 1, 5, 7, 8, 2}, transposed[9] = {0, 3, 6, 1, 4, 7, 2, 5, 8};
    for (int q = 0; expected.has_stress && s.pbc[0] && s.pbc[1] && s.pbc[2] && q < 9; q++) {
      const double w = 0.5 * (virial[column_of[q]] + virial[column_of[transposed[q]]]);
      d_stress = larger(d_stress, -w / volume(&s) - expected.stress[q]);
      stress = larger(stress, expected.stress[q]);
    }
    const double d_energy = fabs(energy - expected.energy) / larger(expected.energy, 1);
    const double all = fmax(fmax(relative(d_node, node), relative(d_force, force)),
                            fmax(stress > 0 ? relative(d_stress, stress) : 0, d_energy));
    if (!(all < 1e-12))
      fail_msg("%s frame %d head %d: energy %.1e, node energies %.1e of %.1e, forces %.1e of %.1e, stress %.1e of %.1e",
               twin, expected.frame, expected.head, d_energy, d_node, node, d_force, force, d_stress, stress);
    worst = fmax(worst, all);
    free_graph(&g);
  }
  json_decref(root);
  ftl_source_free(source);
  print_message("%-40s largest relative deviation %.1e\n", twin, worst);
}

static void test_answers(void **unused) {
  (void)unused;
  for_each_twin(compare);
}

static double energy_of(const ftl_source *source, const ftl_graph *graph) {
  ftl_error error = {0};
  double energy;
  if (ftl_reference_compute(source, source->arch.n_heads - 1, graph, &energy, NULL, NULL, NULL, &error) != FTL_OK)
    fail_msg("%s: %s", source->path, error.message);
  return energy;
}

/* dE/dr_ij of every edge against differences of the energy: each edge is moved alone, so that no error can cancel. */
static void check_edge_gradient(const char *twin, uint64_t seed) {
  ftl_source *source = read_twin(twin);
  static structure s;
  static structure_graph g;
  random_structure(&s, 3, 4.0, 1.7, source->arch.atomic_numbers, source->arch.n_elements, &seed);
  for (int c = 0; c < 3; c++) s.pbc[c] = 0;
  build_graph(&g, &s, source->arch.atomic_numbers, source->arch.n_elements, source->arch.r_max);
  ftl_error error = {0};
  ftl_ref_run *run;
  if (ftl_ref_run_new(source, source->arch.n_heads - 1, &g.graph, &run, &error) != FTL_OK)
    fail_msg("%s: %s (%s)", twin, error.message, error.where);
  ftl_ref_run_forward(run);
  ftl_ref_run_reverse(run);
  double scale = 0;
  for (int64_t e = 0; e < run->n_edges; e++)
    for (int c = 0; c < 3; c++) scale = larger(scale, run->d_vector[e][c]);
  for (int64_t e = 0; e < run->n_edges; e++)
    for (int c = 0; c < 3; c++) {
      static const double at[4] = {-2, -1, 1, 2}, factor[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
      const double h = 5e-4, x = g.neighbours.vector[e][c];
      double difference = 0;
      for (int q = 0; q < 4; q++) {
        g.neighbours.vector[e][c] = x + at[q] * h;
        difference += factor[q] / h * energy_of(source, &g.graph);
      }
      g.neighbours.vector[e][c] = x;
      if (!(fabs(difference - run->d_vector[e][c]) < 1e-7 * scale))
        fail_msg("%s edge %d component %d: %.10g, and %.10g by finite differences", twin, (int)e, c,
                 run->d_vector[e][c], difference);
    }
  ftl_ref_run_free(run);
  free_graph(&g);
  ftl_source_free(source);
}

static void test_edge_gradients(void **unused) {
  (void)unused;
  /* every kind of interaction, ZBL, heads, no cutoff on the basis */
  check_edge_gradient("tests/parity/twins/t-plain-residual", 1);
  check_edge_gradient("tests/parity/twins/t-nonresidual", 2);
  check_edge_gradient("tests/parity/twins/t-nonlinear-heads", 3);
  check_edge_gradient("tests/parity/twins/t-density-zbl", 4);
  check_edge_gradient("tests/parity/twins/t-density-other", 5);
}

/* What it must refuse, in a sentence. */
static void test_refusals(void **unused) {
  (void)unused;
  need_shared();
  ftl_source *source = read_twin(shared_twin("mace/corr2-small"));
  const double vector[2][3] = {{0, 0, 1}, {0, 0, -1}}, zero[2][3] = {{0, 0, 0}, {0, 0, 0}};
  const int64_t first_edge[3] = {0, 1, 2};
  const int sender[2] = {1, 0}, species[2] = {0, 1}, wrong[2] = {0, 7}, hidden[2] = {0, -1};
  const ftl_graph good = {
      .n_local = 2, .n_total = 2, .species = species, .first_edge = first_edge, .sender = sender, .vector = vector};
  ftl_error error = {0};
  double energy;
  assert_int_equal(ftl_reference_compute(source, 0, &good, &energy, NULL, NULL, NULL, &error), FTL_OK);
  assert_int_equal(ftl_reference_compute(source, 1, &good, &energy, NULL, NULL, NULL, &error), FTL_ERR_ARGUMENT);
  ftl_graph bad = good;
  bad.vector = zero;
  assert_int_equal(ftl_reference_compute(source, 0, &bad, &energy, NULL, NULL, NULL, &error), FTL_ERR_INPUT);
  bad = good, bad.species = wrong;
  assert_int_equal(ftl_reference_compute(source, 0, &bad, &energy, NULL, NULL, NULL, &error), FTL_ERR_INPUT);
  bad = good, bad.species = hidden;
  assert_int_equal(ftl_reference_compute(source, 0, &bad, &energy, NULL, NULL, NULL, &error), FTL_ERR_INPUT);
  bad = good, bad.n_total = 3;
  assert_int_equal(ftl_reference_compute(source, 0, &bad, &energy, NULL, NULL, NULL, &error), FTL_ERR_ARGUMENT);
  ftl_source_free(source);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_edge_gradients),
      cmocka_unit_test(test_refusals),
  };
  share_twins(test_answers);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
