/* answers double|mixed <DUMP: the kernels in use, then energy, energies of the atoms, forces and virial of a rattled
   block of the model's elements, a number per line. The same program for every processor: run.py compares. */
#include "dump.h"

#include "model/prepared.h"

#define N 27

int main(int argc, char **argv) {
  dump_check(argc == 2, "usage: answers double|mixed <DUMP");
  ftl_source *source = dump_read(stdin);
  ftl_open_options options = {.precision = strcmp(argv[1], "mixed") == 0 ? FTL_MIXED : FTL_DOUBLE};
  ftl_model *model;
  ftl_workspace *workspace;
  ftl_error error = {0};
  if (ftl_prepare(source, &options, &model, &error) || ftl_workspace_new(model, 2, &workspace, &error))
    dump_check(0, error.message);
  ftl_model_info info;
  ftl_model_get_info(model, &info);
  printf("%s\n", info.kernel_isa);

  int species[N];
  const int pbc[3] = {1, 1, 0};
  const double cell[3][3] = {{7.2, 0, 0}, {0, 7.2, 0}, {0, 0, 7.2}};
  double x[N][3], forces[3 * N], node_energy[N];
  unsigned seed = 7;
  for (int i = 0; i < N; i++) {
    const int at[3] = {i % 3, i / 3 % 3, i / 9};
    species[i] = i % info.n_elements;
    for (int k = 0; k < 3; k++) {
      seed = seed * 1103515245u + 12345u;
      x[i][k] = 2.4 * at[k] + 0.4 * ((seed >> 8) % 1000 / 1000.0 - 0.5);
    }
  }
  ftl_result result = {.forces = forces, .node_energy = node_energy};
  if (ftl_compute(workspace, N, species, (const double(*)[3])x, cell, pbc, &result, &error))
    dump_check(0, error.message);
  printf("%.17g\n", result.energy);
  for (int i = 0; i < N; i++) printf("%.17g\n", node_energy[i]);
  for (int k = 0; k < 3 * N; k++) printf("%.17g\n", forces[k]);
  for (int k = 0; k < 6; k++) printf("%.17g\n", result.virial[k]);
  ftl_workspace_free(workspace);
  ftl_model_free(model);
  ftl_source_free(source);
  return 0;
}
