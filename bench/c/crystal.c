#include "crystal.h"

#include <math.h>
#include <stdlib.h>

#define RATTLE 0.05

static double uniform(unsigned long long *state) {
  *state = *state * 6364136223846793005ull + 1442695040888963407ull;
  return (double)(*state >> 11) / 9007199254740992.0;
}
double ftl_bench_gauss(unsigned long long *state) {
  return sqrt(-2 * log(uniform(state) + 1e-300)) * cos(2 * M_PI * uniform(state));
}

int ftl_crystal(const ftl_model *model, int cells, int **species, double (**position)[3]) {
  static const double fcc[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
  int copper = ftl_model_species(model, 29), hydrogen = ftl_model_species(model, 1), n = 0;
  unsigned long long state = 1;
  *species = calloc((size_t)cells * (size_t)cells * (size_t)cells * 5, sizeof **species);
  *position = calloc((size_t)cells * (size_t)cells * (size_t)cells * 5, sizeof **position);
  if (!*species || !*position) {
    free(*species), free(*position);
    return -1;
  }
  for (int c = 0; c < cells * cells * cells; c++) {
    const double corner[3] = {c % cells, c / cells % cells, c / (cells * cells)};
    for (int k = 0; k < 5; k++) {
      const int is_hydrogen = k == 4;
      if (is_hydrogen && (hydrogen < 0 || copper < 0 || uniform(&state) >= 0.08)) continue;
      for (int x = 0; x < 3; x++)
        (*position)[n][x] = LATTICE * (corner[x] + (is_hydrogen ? 0.5 : fcc[k][x])) + RATTLE * ftl_bench_gauss(&state);
      (*species)[n++] = is_hydrogen ? hydrogen : copper < 0 ? 0 : copper;
    }
  }
  return n;
}

ftl_status ftl_open_for_crystal(const char *path, ftl_precision precision, ftl_model **model, ftl_error *error) {
  static const int elements[2] = {1, 29};
  ftl_open_options options = {.precision = precision, .elements = elements, .n_elements = 2};
  if (ftl_model_open(path, &options, model, error) != FTL_ERR_INPUT) return error ? error->code : FTL_OK;
  options.elements = NULL;
  options.n_elements = 0;
  return ftl_model_open(path, &options, model, error);
}
