/* FrozenTL from C: the energy, forces and stress of a strained crystal of four copper atoms.

     cc energy.c $(pkg-config --cflags --libs frozentl) -o energy && ./energy ../../potentials/h2cu.ftl */
#include <frozentl.h>
#include <stdio.h>

static int fail(const ftl_error *error) {
  fprintf(stderr, "%s: %s\n", error->where, error->message);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: energy MODEL\n");
    return 2;
  }
  ftl_error error;
  ftl_model *model;
  if (ftl_model_open(argv[1], NULL, &model, &error)) return fail(&error);
  ftl_workspace *workspace;
  if (ftl_workspace_new(model, 1, &workspace, &error)) return fail(&error);

  const double a = 3.65; /* Angstrom; stretched along z, the first atom off its site */
  const double cell[3][3] = {{a, 0, 0}, {0, a, 0}, {0, 0, 1.02 * a}};
  const double x[4][3] = {{0.05, 0, 0}, {0, a / 2, 0.51 * a}, {a / 2, 0, 0.51 * a}, {a / 2, a / 2, 0}};
  const int pbc[3] = {1, 1, 1};
  int species[4];
  for (int i = 0; i < 4; i++) species[i] = ftl_model_species(model, 29);
  if (species[0] < 0) {
    fprintf(stderr, "%s has no copper\n", argv[1]);
    return 1;
  }

  double forces[4][3];
  ftl_result result = {.forces = &forces[0][0]};
  if (ftl_compute(workspace, 4, species, x, cell, pbc, &result, &error)) return fail(&error);

  printf("%s\nenergy %.8f eV\n", ftl_version(), result.energy);
  for (int i = 0; i < 4; i++) printf("force %d  % .6f % .6f % .6f eV/A\n", i, forces[i][0], forces[i][1], forces[i][2]);
  printf("stress xx yy zz  % .6f % .6f % .6f eV/A^3\n", -result.virial[0] / (1.02 * a * a * a),
         -result.virial[1] / (1.02 * a * a * a), -result.virial[2] / (1.02 * a * a * a));

  ftl_workspace_free(workspace);
  ftl_model_free(model);
  return 0;
}
