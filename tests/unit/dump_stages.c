/* Prints what every stage of the reference makes of one frame: a debugging aid for the fast stages, not a test.

     dump_stages MODEL DATA.xyz [FRAME [HEAD [ATOM]]]

   For each array: the 2-norm over all atoms, the largest value, and the first values of one atom's row (e3nn's mul_ir
   layout). Built by hand with the target dump_stages. */
#include "twins.h"

#include "reference/reference.h"

static void print_array(const char *what, const double *x, int64_t n_rows, int width, int64_t shown) {
  double squares = 0, largest = 0;
  for (int64_t k = 0; k < n_rows * width; k++) {
    squares += x[k] * x[k];
    largest = fmax(largest, fabs(x[k]));
  }
  printf("  %-22s [%lld][%d]  norm %.12g  largest %.6g  row %lld:", what, (long long)n_rows, width, sqrt(squares),
         largest, (long long)shown);
  for (int k = 0; k < width && k < 4 && shown < n_rows; k++) printf(" %.10g", x[shown * width + k]);
  printf("\n");
}

static void print_layer(const ftl_ref_run *run, int t, int atom) {
  const ftl_ref_layer *layer = &run->layer[t];
  const int n = run->n;
  char text[512];
  printf("layer %d\n", t);
  for (int f = 0; f < FTL_N_FEATURES; f++) {
    if (!layer->operations.used[f]) continue;
    const ftl_irreps *irreps = &layer->operations.irreps[f];
    char name[32];
    if (!ftl_irreps_format(irreps, text, sizeof text)) text[0] = 0;
    print_array(ftl_features_name((ftl_features_of)f), layer->x[f], n, ftl_irreps_dim(irreps), atom);
    snprintf(name, sizeof name, "dE/d(%s)", ftl_features_name((ftl_features_of)f));
    print_array(name, layer->d[f], n, ftl_irreps_dim(irreps), atom);
    printf("  %-22s %s\n", "", text);
  }
  if (layer->traits.has_density) print_array("density", layer->density, n, 1, atom);
}

int main(int argc, char **argv) {
  static structure s;
  static structure_graph g;
  ftl_error error = {0};
  ftl_source *source;
  ftl_ref_run *run;
  const int frame = argc > 3 ? atoi(argv[3]) : 0, head = argc > 4 ? atoi(argv[4]) : 0;
  const int atom = argc > 5 ? atoi(argv[5]) : 0;
  FILE *file = argc > 2 ? fopen(argv[2], "r") : NULL;
  if (!file) return fprintf(stderr, "usage: dump_stages MODEL DATA.xyz [FRAME [HEAD [ATOM]]]\n"), 2;
  if (ftl_source_read(argv[1], &source, &error) != FTL_OK) return fprintf(stderr, "%s\n", error.message), 1;
  for (int k = 0; k <= frame; k++)
    if (!read_frame(file, &s)) return fprintf(stderr, "there is no frame %d\n", frame), 1;
  fclose(file);
  build_graph(&g, &s, source->arch.atomic_numbers, source->arch.n_elements, source->arch.r_max);
  if (ftl_ref_run_new(source, head, &g.graph, &run, &error) != FTL_OK) return fprintf(stderr, "%s\n", error.message), 1;
  ftl_ref_run_forward(run);
  ftl_ref_run_reverse(run);

  const int n_sh = (run->l_max + 1) * (run->l_max + 1);
  const int64_t first = g.graph.first_edge[atom];
  printf("%d atoms, %lld edges, energy %.15g\nedges\n", run->n, (long long)run->n_edges, run->energy);
  print_array("length", run->length, run->n_edges, 1, first);
  print_array("harmonics of -r_ij", run->y, run->n_edges, n_sh, first);
  print_array("basis (* cutoff)", run->basis, run->n_edges, run->radial.n, first);
  print_array("cutoff on weights", run->cutoff, run->n_edges, 1, first);
  print_array("dE/d(harmonics)", run->d_y, run->n_edges, n_sh, first);
  print_array("dE/d(basis)", run->d_basis, run->n_edges, run->radial.n, first);
  print_array("dE/dr_ij", run->d_vector[0], run->n_edges, 3, first);
  for (int t = 0; t < source->arch.n_layers; t++) print_layer(run, t, atom);
  printf("energies (before scale %.10g and shift %.10g)\n", run->scale[g.species[atom]], run->shift);
  print_array("zbl", run->zbl_energy, run->n, 1, atom);
  for (int k = 0; k < source->arch.n_readouts; k++) {
    char name[32];
    snprintf(name, sizeof name, "readout %d", k);
    print_array(name, run->readout_energy[k], run->n, 1, atom);
  }
  print_array("node energy with E0", run->node_energy, run->n, 1, atom);
  ftl_ref_run_free(run);
  free_graph(&g);
  ftl_source_free(source);
  return 0;
}
