/* The radial network's last hidden layer as piecewise polynomials, one set per pair class. */
#include "mace/feature_tables.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

/* Degree 8 in double reaches 1e-13 with cells of about 0.1 Angstrom; higher degrees lose digits in monomials and time;
   the number of cells is doubled until the error, measured between the nodes, is below the tolerance. Below R_LOW it
   may be larger: the Agnesi transform is not smooth at 0, and no atoms are that close. */
#define R_LOW     0.5
#define R_SPLIT   1.5
#define FINE      32 /* cells to begin with */
#define COARSE    16
#define MAX_CELLS 128                 /* of either kind, to polish: rounding may keep the tolerance out of reach */
#define MOST      (FTL_MAX_CELLS / 2) /* while the error is more than is accepted; then the model is refused */
#define ACCEPTED  1e3                 /* times the tolerance */

static int n_coefficients(const ftl_model *model) { return FTL_RADIAL_COEFFICIENTS(model->real_bytes); }

ftl_status ftl_feature_tables_check_room(const ftl_model *model, const char *path, ftl_error *error) {
  double weights = 0;
  for (int t = 1; t < model->arch.n_layers; t++) {
    const ftl_layer *layer = &model->arch.layer[t];
    ftl_conv_paths paths;
    FTL_TRY(ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error));
    for (int p = 0; p < paths.mid.n; p++) weights += paths.mid.block[p].mul;
  }
  const double per_class = weights * (FINE + COARSE) * n_coefficients(model);
  const double needed = per_class * model->n_classes * (sizeof(double) + (size_t)model->real_bytes);
  const double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (!(there > 0) || needed < there) return FTL_OK;
  return ftl_fail(error, FTL_ERR_MEMORY, path,
                  "the radial tables of %d elements, %d pairs, take at least %.0f GB, and this machine has %.0f: open "
                  "the model for the elements in use only",
                  model->n_species, model->n_classes, needed / 1e9, there / 1e9);
}

typedef struct {
  const ftl_radial *radial;
  int i, j;
} sample_context;

static void sample_features(void *context, double r, double *values) {
  const sample_context *c = context;
  ftl_radial_features(c->radial, c->i, c->j, r, values);
}
static void sample_density(void *context, double r, double *values) {
  const sample_context *c = context;
  values[0] = ftl_radial_density(c->radial, c->i, c->j, r);
}

/* A pair (receiver, sender) that belongs to the class. */
static sample_context class_sample(const ftl_model *model, const ftl_radial *radial, int class_) {
  for (int ij = 0; ij < model->n_species * model->n_species; ij++)
    if (model->pair_class[ij] == class_) return (sample_context){radial, ij / model->n_species, ij % model->n_species};
  return (sample_context){radial, 0, 0};
}

/* Cells of a width that the number of them gives. */
static void set_cells(ftl_grid *grid, int n_fine, int n_coarse, double cutoff) {
  grid->n_fine = n_fine;
  grid->n_cells = n_fine + n_coarse;
  grid->inverse_fine = n_fine / grid->split;
  grid->inverse_coarse = n_coarse / (cutoff - grid->split);
}

/* The second derivative of XPLOR's cutoff jumps where it begins: no cell may reach over that. Moves the split up a
   little and chooses the number of cells after it so that one ends there; also when their number is doubled. */
static void end_cells_at(double r_on, double cutoff, double *split, int *n_coarse) {
  const double width = (cutoff - *split) / *n_coarse;
  const int after = (int)ceil((cutoff - r_on) / width), before = (int)floor((r_on - *split) * after / (cutoff - r_on));
  *split = before > 0 ? r_on - before * (cutoff - r_on) / after : r_on;
  *n_coarse = after + (before > 0 ? before : 0);
}

static ftl_status allocate(const ftl_model *model, const ftl_radial *radial, const ftl_grid *grid, double **density,
                           ftl_feature_tables *tables, ftl_error *error) {
  const size_t cells = (size_t)grid->n_cells * (size_t)grid->n_coefficients;
  tables->class_stride = cells * (size_t)radial->n_features;
  free(tables->coefficients);
  free(*density);
  *density = NULL;
  tables->coefficients = malloc(tables->class_stride * (size_t)model->n_classes * sizeof(double));
  if (radial->has_density) *density = malloc(cells * (size_t)model->n_classes * sizeof(double));
  if (tables->coefficients && (*density || !radial->has_density)) return FTL_OK;
  return ftl_no_memory(error, NULL, "the radial tables of %d element pairs; open the model for fewer elements",
                       model->n_classes);
}

/* Fits one class; the largest errors of features and density in cells of either kind. */
static ftl_status fit_class(const ftl_model *model, const ftl_radial *radial, const ftl_grid *grid, int class_,
                            double *coefficients, double *density, double *fine, double *coarse, ftl_error *error) {
  sample_context context = class_sample(model, radial, class_);
  double density_fine = 0, density_coarse = 0;
  FTL_TRY(ftl_piecewise_fit(grid, radial->n_features, sample_features, &context, coefficients, error));
  ftl_piecewise_error(grid, radial->n_features, sample_features, &context, coefficients, R_LOW, fine, coarse);
  if (!density) return FTL_OK;
  FTL_TRY(ftl_piecewise_fit(grid, 1, sample_density, &context, density, error));
  ftl_piecewise_error(grid, 1, sample_density, &context, density, R_LOW, &density_fine, &density_coarse);
  *fine = fmax(*fine, density_fine);
  *coarse = fmax(*coarse, density_coarse);
  return FTL_OK;
}

ftl_status ftl_feature_tables_fit(const ftl_model *model, const ftl_radial *radial, ftl_grid *grid, double **density,
                                  ftl_feature_tables *tables, ftl_error *error) {
  /* in mixed too the fit is better than the arithmetic: its slopes, which make forces, err some hundred times more */
  const double tolerance = model->precision == FTL_DOUBLE ? 1e-13 : 1e-9, accepted = ACCEPTED * tolerance;
  const double cutoff = model->arch.r_max;
  int n_fine = FINE, n_coarse = COARSE;
  grid->n_coefficients = n_coefficients(model);
  grid->split = fmin(R_SPLIT, 0.5 * cutoff);
  if (radial->basis.cutoff_kind == FTL_CUTOFF_XPLOR && radial->basis.r_on > 0)
    end_cells_at(radial->basis.r_on, cutoff, &grid->split, &n_coarse);
  for (;;) {
    bool refine_fine = false, refine_coarse = false;
    set_cells(grid, n_fine, n_coarse, cutoff);
    ftl_status status = allocate(model, radial, grid, density, tables, error);
    const size_t cells = (size_t)grid->n_cells * (size_t)grid->n_coefficients;
    for (int c = 0; !status && c < model->n_classes && !refine_fine && !refine_coarse; c++) {
      double fine, coarse;
      status = fit_class(model, radial, grid, c, tables->coefficients + (size_t)c * tables->class_stride,
                         *density ? *density + (size_t)c * cells : NULL, &fine, &coarse, error);
      if (status) break;
      refine_fine = fine > tolerance && n_fine < (fine > accepted ? MOST : MAX_CELLS);
      refine_coarse = coarse > tolerance && n_coarse < (coarse > accepted ? MOST : MAX_CELLS);
      if (!refine_fine && !refine_coarse && !(fmax(fine, coarse) < accepted))
        return ftl_fail(error, FTL_ERR_UNSUPPORTED, "",
                        "the radial functions turn too quickly to be tabulated: %d cells leave an error of %.1e",
                        grid->n_cells, fmax(fine, coarse));
    }
    if (status || (!refine_fine && !refine_coarse)) return status;
    if (refine_fine) n_fine *= 2;
    if (refine_coarse) n_coarse *= 2;
  }
}
