/* `.yace` with the fields, their order and the flow style of pacemaker's files (docs/ace.md). */
#include "files/yace_writer.h"

#include "model/ace_check.h"
#include "base/error.h"

static void write_numbers(FILE *stream, const double *values, int n) {
  fputc('[', stream);
  for (int k = 0; k < n; k++) fprintf(stream, "%s%.17g", k ? ", " : "", values[k]);
  fputc(']', stream);
}

static void write_integers(FILE *stream, const char *name, const int *values, int n, int add) {
  fprintf(stream, ", %s: [", name);
  for (int k = 0; k < n; k++) fprintf(stream, "%s%d", k ? ", " : "", values[k] + add);
  fputc(']', stream);
}

static void write_embedding(FILE *stream, int mu, const ftl_ace_embedding *e) {
  double parameters[2 * FTL_ACE_MAX_DENSITY];
  for (int p = 0; p < e->n_density; p++) {
    parameters[2 * p] = e->weight[p];
    parameters[2 * p + 1] = e->exponent[p];
  }
  fprintf(stream, "  %d: {ndensity: %d, FS_parameters: ", mu, e->n_density);
  write_numbers(stream, parameters, 2 * e->n_density);
  fprintf(stream, ", npoti: %s, rho_core_cutoff: %.17g, drho_core_cutoff: %.17g}\n",
          e->shifted ? "FinnisSinclairShiftedScaled" : "FinnisSinclair", e->core_cutoff, e->d_core_cutoff);
}

static void write_bond(FILE *stream, int i, int j, const ftl_ace_bond *b) {
  fprintf(stream, "  [%d, %d]: {nradmax: %d, lmax: %d, nradbasemax: %d, radbasename: %s, radparameters: ", i, j,
          b->n_radial, b->lmax, b->n_base, ftl_ace_base_name(b->kind));
  write_numbers(stream, &b->lambda, 1);
  fputs(", radcoefficients: [", stream);
  for (int n = 0; n < b->n_radial; n++) {
    fputs(n ? ", [" : "[", stream);
    for (int l = 0; l <= b->lmax; l++) {
      if (l) fputs(", ", stream);
      write_numbers(stream, b->coefficient + (n * (b->lmax + 1) + l) * b->n_base, b->n_base);
    }
    fputc(']', stream);
  }
  fprintf(stream,
          "], prehc: %.17g, lambdahc: %.17g, rcut: %.17g, dcut: %.17g, rcut_in: %.17g, dcut_in: %.17g, "
          "inner_cutoff_type: %s}\n",
          b->core, b->core_decay, b->cutoff, b->d_cutoff, b->inner, b->d_inner, ftl_ace_inner_name(b->inner_kind));
}

static void write_function(FILE *stream, int mu, const ftl_ace_function *g) {
  fprintf(stream, "    - {mu0: %d, rank: %d, ndensity: %d, num_ms_combs: %d", mu, g->rank, g->n_density, g->n_m);
  write_integers(stream, "mus", g->mu, g->rank, 0);
  write_integers(stream, "ns", g->n, g->rank, 1);
  write_integers(stream, "ls", g->l, g->rank, 0);
  write_integers(stream, "ms_combs", g->m, g->rank * g->n_m, 0);
  fputs(", ctildes: ", stream);
  write_numbers(stream, g->c, g->n_density * g->n_m);
  fputs("}\n", stream);
}

ftl_status ftl_ace_file_write(const ftl_ace_file *file, double spline_bins, const char *metadata, FILE *stream,
                              ftl_error *error) {
  int n = file->n_elements;
  ftl_ace_file as_read = *file;
  char wrong[FTL_ACE_TEXT];
  as_read.bins = spline_bins;
  if (!ftl_ace_bins_good(&as_read, wrong)) return ftl_fail(error, FTL_ERR_INPUT, NULL, "%s", wrong);
  fputs("elements: [", stream);
  for (int mu = 0; mu < n; mu++) fprintf(stream, "%s%s", mu ? ", " : "", ftl_element_symbol(file->atomic_number[mu]));
  fputs("]\nE0: ", stream);
  write_numbers(stream, file->e0, n);
  fprintf(stream, "\ndeltaSplineBins: %.17g\nembeddings:\n", spline_bins);
  for (int mu = 0; mu < n; mu++) write_embedding(stream, mu, &file->embedding[mu]);
  fputs("bonds:\n", stream);
  for (int k = 0; k < n * n; k++) write_bond(stream, k / n, k % n, &file->bond[k]);
  fputs("functions:\n", stream);
  for (int mu = 0; mu < n; mu++) {
    fprintf(stream, file->n_functions[mu] ? "  %d:\n" : "  %d: []\n", mu);
    for (int k = 0; k < file->n_functions[mu]; k++) write_function(stream, mu, &file->function[mu][k]);
  }
  if (metadata) fprintf(stream, "metadata: %s\n", metadata);
  if (fflush(stream) || ferror(stream))
    return ftl_fail(error, FTL_ERR_IO, NULL, "the potential could not be written; is the disk full?");
  return FTL_OK;
}
