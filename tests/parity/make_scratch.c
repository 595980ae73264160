/* Writes models with random weights: make_scratch FOLDER, one of each kind of block, for invariance.py; make_scratch
   FOLDER published, of the size of MACE-MP-0a small and 0b3 medium, for H and Cu, to measure speed and memory with
   (make gpu-kit). */
#include <stdio.h>
#include <string.h>

#include "new_model/new_model.h"

static const int elements[] = {29, 1, 22};

static int write_model(const char *folder, const char *name, const ftl_scratch_options *options) {
  ftl_random random;
  ftl_source *source = NULL;
  ftl_error error = {0};
  char path[1024];
  ftl_random_seed(&random, 7);
  snprintf(path, sizeof path, "%s/%s.ftl", folder, name);
  if (ftl_scratch_new(options, &random, &source, &error) || ftl_source_write(source, path, &error))
    fprintf(stderr, "%s: %s (%s)\n", path, error.message, error.where);
  ftl_source_free(source);
  return error.code != FTL_OK;
}

/* The command's defaults, with fewer channels. */
static ftl_scratch_options small(const char *hidden, int max_ell) {
  ftl_scratch_options o;
  ftl_scratch_defaults(&o);
  o.n_elements = 3;
  o.elements = elements;
  o.hidden = hidden;
  o.max_ell = max_ell;
  o.avg_num_neighbors = 14.5;
  return o;
}

static int write_published(const char *folder) {
  ftl_scratch_options o = small("128x0e", 3);
  o.elements = (const int[]){1, 29};
  o.n_elements = 2;
  o.r_max = 6;
  o.num_bessel = 10;
  o.first = FTL_INTERACTION_RESIDUAL;
  o.avg_num_neighbors = 61.96;
  o.dtype = FTL_F32;
  const int failed = write_model(folder, "mp0a-small", &o);
  o.hidden = "128x0e+128x1o";
  o.num_bessel = 8;
  o.first = FTL_INTERACTION_DENSITY;
  o.other = FTL_INTERACTION_DENSITY_RESIDUAL;
  o.transform = FTL_TRANSFORM_AGNESI;
  o.pair_repulsion = true;
  return failed | write_model(folder, "mp0b3-medium", &o);
}

int main(int argc, char **argv) {
  const char *folder = argc >= 2 ? argv[1] : NULL;
  static const char *const heads[] = {"first", "second"};
  int failed = 0;
  ftl_scratch_options o;
  const bool published = argc == 3 && !strcmp(argv[2], "published");
  if (!folder || argc != 2 + published) return fprintf(stderr, "usage: %s FOLDER [published]\n", argv[0]), 2;
  if (published) return write_published(folder);

  o = small("8x0e+8x1o", 3);
  failed |= write_model(folder, "default", &o);

  o = small("8x0e+8x1o+8x2e", 2);
  o.first = FTL_INTERACTION_DENSITY;
  o.other = FTL_INTERACTION_DENSITY_RESIDUAL;
  o.transform = FTL_TRANSFORM_AGNESI;
  o.pair_repulsion = true;
  o.n_layers = 3;
  o.correlation[1] = 2;
  o.n_heads = 2;
  o.heads = heads;
  failed |= write_model(folder, "density", &o);

  o = small("8x0e+8x1o", 2);
  o.first = o.other = FTL_INTERACTION_NONLINEAR;
  o.apply_cutoff = false;
  o.gate = FTL_ACTIVATION_TANH;
  failed |= write_model(folder, "nonlinear", &o);

  o = small("8x0e", 2);
  o.first = FTL_INTERACTION_RESIDUAL;
  o.correlation[0] = 4;
  o.radial = FTL_RADIAL_GAUSSIAN;
  o.gate = FTL_ACTIVATION_ABS;
  o.dtype = FTL_F32;
  failed |= write_model(folder, "fourth", &o);

  o = small("8x0e", 1);
  o.n_layers = 1;
  o.radial = FTL_RADIAL_CHEBYSHEV;
  o.transform = FTL_TRANSFORM_SOFT;
  o.n_radial_mlp = 0;
  failed |= write_model(folder, "one-layer", &o);
  return failed;
}
