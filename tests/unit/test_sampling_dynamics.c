/* The dynamics by which a model samples: energy is kept without a thermostat, the thermostat holds its temperature, and
   frames carry the model's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"
#include "sampling/dynamics.h"
#include "sampling/launch.h"
#include "base/masses.h"
#include "sampling/starts.h"
#include "sanitized.h"

static ftl_model *model;
static ftl_workspace *workspace;

static int open_model(void **unused) {
  (void)unused;
  ftl_error error = {0};
  if (ftl_model_open("potentials/h2cu.ftl", NULL, &model, &error) != FTL_OK) fail_msg("%s", error.message);
  assert_int_equal(ftl_workspace_new(model, 1, &workspace, NULL), FTL_OK);
  return 0;
}

static int close_model(void **unused) {
  (void)unused;
  ftl_workspace_free(workspace);
  ftl_model_free(model);
  return 0;
}

static ftl_dataset copper(int repeat) {
  ftl_dataset starts = {0};
  const ftl_crystal crystal = {
      .name = "fcc", .a = 3.65, .n_elements = 1, .element = (const int[]){29}, .repeat = {repeat, repeat, repeat}};
  assert_int_equal(ftl_starts_add_crystal(&crystal, &starts, NULL), FTL_OK);
  return starts;
}

static void start(ftl_md *md, ftl_structure *structure, ftl_random *random, double relaxation, double temperature) {
  ftl_error error = {0};
  ftl_random_seed(random, 5);
  *md = (ftl_md){.model = model,
                 .workspace = workspace,
                 .structure = structure,
                 .random = random,
                 .step = 2,
                 .relaxation = relaxation,
                 .temperature = temperature,
                 .bath = structure->n};
  if (ftl_md_start(md, &error) != FTL_OK) fail_msg("%s", error.message);
}

/* Mean square deviation of the total energy with a step, over the same time. */
static double fluctuation(double step) {
  ftl_dataset starts = copper(2);
  ftl_random random;
  ftl_md md;
  start(&md, &starts.structure[0], &random, 0, 0);
  md.step = step;
  ftl_md_heat(&md, 0, md.structure->n, 600);
  double sum = 0, square = 0, first = md.energy + ftl_md_kinetic(&md, 0, md.structure->n);
  const int n = (int)(300 / step);
  for (int k = 0; k < n; k++) {
    assert_int_equal(ftl_md_step(&md, NULL), FTL_OK);
    const double e = md.energy + ftl_md_kinetic(&md, 0, md.structure->n) - first;
    assert_close(e, 0, 0.03);
    sum += e / n;
    square += e * e / n;
  }
  ftl_md_free(&md);
  ftl_dataset_free(&starts);
  return sqrt(square - sum * sum);
}

/* Velocity Verlet: the energy does not drift, and its error falls with the square of the step. */
static void energy_is_conserved(void **unused) {
  (void)unused;
  if (SANITIZED) skip(); /* the same step again and again */
  const double coarse = fluctuation(4), fine = fluctuation(2);
  print_message("total energy of 32 Cu at 300 K: +- %.2e eV with 4 fs, %.2e eV with 2 fs\n", coarse, fine);
  assert_true(fine < 2e-3);
  assert_true(coarse / fine > 3 && coarse / fine < 5.5);
}

/* The mean kinetic temperature over 8 ps of 12 degrees of freedom, with friction that makes 1 fs steps nearly
   independent after 40 fs. */
static void thermostat_holds_temperature(void **unused) {
  (void)unused;
  if (SANITIZED) skip();
  ftl_dataset starts = copper(1);
  ftl_random random;
  ftl_md md;
  start(&md, &starts.structure[0], &random, 20, 400);
  ftl_md_heat(&md, 0, md.structure->n, 400);
  const int n = 4000, block = 100;
  double mean = 0, variance = 0, part = 0;
  for (int k = 0; k < 200; k++) assert_int_equal(ftl_md_step(&md, NULL), FTL_OK);
  for (int k = 1; k <= n; k++) {
    assert_int_equal(ftl_md_step(&md, NULL), FTL_OK);
    part += ftl_md_temperature(&md, 0, md.structure->n) / block;
    if (k % block) continue;
    mean += part * block / n;
    variance += part * part * block / n;
    part = 0;
  }
  const double deviation = sqrt((variance - mean * mean) / (n / block - 1));
  print_message("mean temperature %.1f +- %.1f K, 400 asked\n", mean, deviation);
  assert_true(deviation > 2 && deviation < 15);
  assert_close(mean, 400, 4 * deviation);
  ftl_md_free(&md);
  ftl_dataset_free(&starts);
}

static void frames_carry_the_answer(void **unused) {
  (void)unused;
  ftl_dataset starts = copper(1);
  ftl_structure frame;
  ftl_random random;
  ftl_md md;
  start(&md, &starts.structure[0], &random, 100, 1000);
  ftl_md_heat(&md, 0, 4, 1000);
  for (int k = 0; k < 20; k++) assert_int_equal(ftl_md_step(&md, NULL), FTL_OK);
  assert_int_equal(ftl_md_frame(&md, "bulk-1000K", &frame, NULL), FTL_OK);
  const int species[4] = {ftl_model_species(model, 29), ftl_model_species(model, 29), ftl_model_species(model, 29),
                          ftl_model_species(model, 29)};
  double forces[4][3];
  ftl_result result = {.forces = forces[0]};
  assert_int_equal(ftl_compute(workspace, 4, species, (const double(*)[3])frame.position,
                               (const double(*)[3])frame.cell, frame.pbc, &result, NULL),
                   FTL_OK);
  assert_close(frame.labels.energy, result.energy, 1e-9);
  for (int k = 0; k < 12; k++) assert_close(frame.labels.forces[k / 3][k % 3], forces[k / 3][k % 3], 1e-9);
  assert_true(frame.labels.has_stress);
  assert_close(frame.labels.stress[1][1], -result.virial[1] / pow(3.65, 3), 1e-9);
  assert_close(frame.labels.stress[2][0], -result.virial[4] / pow(3.65, 3), 1e-9);
  assert_string_equal(frame.config_type, "bulk-1000K");
  assert_close(ftl_md_largest_force(&md) > 0.1, 1, 0);
  ftl_structure_free(&frame);
  ftl_md_free(&md);
  ftl_dataset_free(&starts);
}

/* Height, bond, kinetic energy of the centre and mean energies of rotation and vibration are those asked for. */
static void molecule_above_a_slab(void **unused) {
  (void)unused;
  const ftl_sampling_molecule h2 = {
      .n = 2, .element = {1, 1}, .bond = 0.74, .height = 4, .energy = 0.7, .temperature = 500};
  const double m = ftl_atomic_weight(1);
  const int n = 3000;
  double internal = 0, along = 0, lowest = 1, left = 0;
  ftl_random random;
  ftl_random_seed(&random, 1);
  for (int k = 0; k < n; k++) {
    ftl_dataset starts = copper(1);
    ftl_structure *s = &starts.structure[0];
    ftl_launch launch;
    assert_int_equal(ftl_launch_place(&h2, s, &random, &launch, NULL), FTL_OK);
    assert_int_equal(s->n, 6);
    const double *a = s->position[4], *b = s->position[5], *v = launch.velocity[0], *w = launch.velocity[1];
    double bond = 0, radial = 0, relative = 0;
    for (int c = 0; c < 3; c++) {
      bond += (b[c] - a[c]) * (b[c] - a[c]);
      radial += (b[c] - a[c]) * (w[c] - v[c]) / 0.74;
      relative += (w[c] - v[c]) * (w[c] - v[c]);
      assert_close(m * (v[c] + w[c]), c < 2 ? 0 : -2 * m * sqrt(0.7 * FTL_ACCELERATION / m), 1e-12);
    }
    assert_close(sqrt(bond), 0.74, 1e-12);
    assert_close((a[2] + b[2]) / 2, 3.65 / 2 + 4, 1e-12);
    internal += 0.25 * m * relative / FTL_ACCELERATION / n;
    along += 0.25 * m * radial * radial / FTL_ACCELERATION / n;
    lowest = fmin(lowest, (a[0] + b[0]) / 2 / 3.65);
    left = fmax(left, (a[0] + b[0]) / 2 / 3.65);
    ftl_dataset_free(&starts);
  }
  assert_close(along / (FTL_BOLTZMANN * 500), 1, 0.12); /* vibration: kT, relative deviation sqrt(2/n) = 0.026 */
  assert_close(internal / (FTL_BOLTZMANN * 500), 2, 0.15);
  assert_true(lowest >= 0 && lowest < 0.01 && left > 0.99 && left < 1);
}

static void masses(void **unused) {
  (void)unused;
  assert_close(ftl_atomic_weight(1), 1.008, 1e-9);
  assert_close(ftl_atomic_weight(29), 63.546, 1e-9);
  assert_close(ftl_atomic_weight(79), 196.97, 1e-9);
  assert_close(ftl_atomic_weight(118), 294, 1e-9);
  assert_close(ftl_atomic_weight(0) + ftl_atomic_weight(119), 0, 0);
  /* it grows with the atomic number, but for these pairs and the unstable ones */
  for (int z = 2; z <= 83; z++)
    if (z != 19 && z != 28 && z != 53) assert_true(ftl_atomic_weight(z) > ftl_atomic_weight(z - 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(energy_is_conserved),
      cmocka_unit_test(thermostat_holds_temperature),
      cmocka_unit_test(frames_carry_the_answer),
      cmocka_unit_test(molecule_above_a_slab),
      cmocka_unit_test(masses),
  };
  return cmocka_run_group_tests(tests, open_model, close_model);
}
