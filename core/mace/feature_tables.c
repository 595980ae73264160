/* The radial network's last hidden layer as piecewise polynomials, one set per pair class. */
#include "mace/feature_tables.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"

/* Degree 8 in double reaches the tolerance with cells of 0.05 to 0.3 Angstrom; higher degrees lose digits in monomials
   and time. From the cutoff inwards each cell is made as wide as the error, measured between the nodes, allows, and
   then halved; of the cutoff, no cell is narrower than 1/UNITS, nor than 1/POLISH where the error is accepted: rounding
   may keep the tolerance out of reach. Below R_LOW all that is accepted will do: the Agnesi transform is not smooth at
   0, and no atoms are that close. Errors are relative to the largest of SCALES values on the same side of R_SPLIT, as
   functions grow towards 0. */
#define UNITS   2048
#define POLISH  512
#define R_LOW   0.5
#define R_SPLIT 1.5
#define SCALES  64
#define FEWEST  16 /* cells of a class, for an estimate */

static int n_coefficients(const ftl_model *model) { return FTL_RADIAL_COEFFICIENTS(model->real_bytes); }

ftl_status ftl_feature_tables_check_room(const ftl_model *model, const char *path, ftl_error *error) {
  double weights = 0;
  for (int t = 1; t < model->arch.n_layers; t++) {
    const ftl_layer *layer = &model->arch.layer[t];
    ftl_conv_paths paths;
    FTL_TRY(ftl_conv_paths_make(&layer->edge, &model->arch.sh, &layer->target, &paths, error));
    for (int p = 0; p < paths.mid.n; p++) weights += paths.mid.block[p].mul;
  }
  const double per_class = weights * FEWEST * n_coefficients(model);
  const double needed = per_class * model->n_classes * model->real_bytes;
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

/* A table in the making. */
typedef struct {
  const ftl_radial *radial;
  sample_context context;
  double tolerance; /* of a cell before it is halved */
  double accepted;  /* a model whose functions need more is refused */
  ftl_grid *grid;
  double **density;
  ftl_feature_tables *tables;
  size_t cell_room, coefficient_room, density_room;
  double largest[2], largest_density[2]; /* below and from R_SPLIT on */
} table_fit;

static void find_largest(table_fit *fit, double cutoff, double *values) {
  const double split = fmin(R_SPLIT, 0.5 * cutoff), low = fmin(R_LOW, 0.5 * split);
  for (int side = 0; side < 2; side++) {
    const double from = side ? split : low, to = side ? cutoff : split;
    fit->largest[side] = fit->largest_density[side] = 0;
    for (int q = 0; q < SCALES; q++) {
      const double r = from + (q + 0.5) / SCALES * (to - from);
      sample_features(&fit->context, r, values);
      for (int f = 0; f < fit->radial->n_features; f++) fit->largest[side] = fmax(fit->largest[side], fabs(values[f]));
      if (!fit->radial->has_density) continue;
      sample_density(&fit->context, r, values);
      fit->largest_density[side] = fmax(fit->largest_density[side], fabs(values[0]));
    }
  }
}

static double relative(double error, double largest) { return error != 0 ? error / largest : 0; }

/* Fits cell number `at`; its largest relative error. */
static ftl_status fit_cell(table_fit *fit, int at, double low, double high, double *largest_error, ftl_error *error) {
  const int m = fit->grid->n_coefficients, n = fit->radial->n_features, side = high > R_SPLIT;
  const size_t rows = (size_t)at * (size_t)m, end = rows + (size_t)m;
  FTL_TRY(FTL_GROW(fit->grid->cell, fit->cell_room, at + 1, "the radial tables", error));
  FTL_TRY(FTL_GROW(fit->tables->coefficients, fit->coefficient_room, end * (size_t)n, "the radial tables", error));
  ftl_cell *cell = &fit->grid->cell[at];
  double *coefficients = fit->tables->coefficients + rows * (size_t)n;
  if (low <= 0) low = 1e-3 * high; /* both ends are nodes, and the functions have no value at 0 */
  *cell = (ftl_cell){0.5 * (low + high), 2 / (high - low)};
  FTL_TRY(ftl_piecewise_fit(cell, m, n, sample_features, &fit->context, coefficients, error));
  *largest_error =
      relative(ftl_piecewise_error(cell, m, n, sample_features, &fit->context, coefficients), fit->largest[side]);
  if (!fit->radial->has_density) return FTL_OK;
  FTL_TRY(FTL_GROW(*fit->density, fit->density_room, end, "the radial tables", error));
  FTL_TRY(ftl_piecewise_fit(cell, m, 1, sample_density, &fit->context, *fit->density + rows, error));
  const double of_density = relative(
      ftl_piecewise_error(cell, m, 1, sample_density, &fit->context, *fit->density + rows), fit->largest_density[side]);
  if (!(of_density <= *largest_error)) *largest_error = of_density;
  return FTL_OK;
}

/* The width that the last one and its error promise, in units. */
static int next_width(int width, double error, double tolerance, int n_coefficients) {
  const double factor = error > 0 ? 0.95 * pow(tolerance / error, 1.0 / n_coefficients) : 2;
  return (int)fmax(1, width * fmin(fmax(factor, 0.25), 2));
}

/* The cells of a class, from the cutoff inwards. `stop`, falling, to 0: units over which no cell may reach. */
static ftl_status fit_class(table_fit *fit, int class_, double cutoff, const int *stop, ftl_error *error) {
  ftl_grid *grid = fit->grid;
  const int low_end = (int)(R_LOW * grid->units), polished = grid->n_units / POLISH;
  int at = grid->first[class_], wish = grid->n_units / 32;
  for (int end = grid->n_units; end > 0;) {
    if (end <= *stop) stop++;
    const double tolerance = end > low_end ? fit->tolerance : fit->accepted;
    double largest_error, last = INFINITY;
    int width = wish < end - *stop ? wish : end - *stop;
    for (;;) {
      FTL_TRY(fit_cell(fit, at, (end - width) / grid->units, fmin(end / grid->units, cutoff), &largest_error, error));
      const bool rounding = width <= polished || largest_error > 0.5 * last;
      if (largest_error <= tolerance || (rounding && largest_error <= fit->accepted)) break;
      if (width == 1 && end <= low_end) break;
      if (width == 1)
        return ftl_fail(
            error, FTL_ERR_UNSUPPORTED, "",
            "the radial functions turn too quickly to be tabulated: a cell of %.4f Angstrom leaves an error "
            "of %.1e",
            1 / grid->units, largest_error);
      last = largest_error;
      const int narrower = next_width(width, largest_error, tolerance, grid->n_coefficients);
      width = narrower < width ? narrower : width - 1;
    }
    wish = next_width(width, largest_error, tolerance, grid->n_coefficients);
    if (wish < polished) wish = polished;
    /* halves: the error that is left, smaller by 2 to the number of coefficients, is less than rounding and could not
       be measured, but shows in the slopes */
    for (const int low = end - width; end > low; at++) {
      const int part = end > low_end && end - low == width ? (width + 1) / 2 : end - low;
      FTL_TRY(fit_cell(fit, at, (end - part) / grid->units, fmin(end / grid->units, cutoff), &largest_error, error));
      for (int unit = end - part; unit < end; unit++)
        grid->cell_of[class_ * grid->n_units + unit] = (uint16_t)(at - grid->first[class_]);
      end -= part;
    }
  }
  grid->first[class_ + 1] = at;
  return FTL_OK;
}

ftl_status ftl_feature_tables_fit(const ftl_model *model, const ftl_radial *radial, ftl_grid *grid, double **density,
                                  ftl_feature_tables *tables, ftl_error *error) {
  /* in mixed too the fit is better than the arithmetic: its slopes, which make forces, err some hundred times more */
  table_fit fit = {.radial = radial,
                   .tolerance = model->precision == FTL_DOUBLE ? 1e-12 : 6e-8,
                   .accepted = model->precision == FTL_DOUBLE ? 1e-10 : 1e-6,
                   .grid = grid,
                   .density = density,
                   .tables = tables};
  const double cutoff = model->arch.r_max;
  /* the second derivative of XPLOR's cutoff jumps where it begins: a unit ends there */
  const bool xplor = radial->basis.cutoff_kind == FTL_CUTOFF_XPLOR && radial->basis.r_on > 0;
  const int on = xplor ? (int)ceil(UNITS * radial->basis.r_on / cutoff) : 0;
  grid->n_coefficients = n_coefficients(model);
  grid->units = xplor ? on / radial->basis.r_on : UNITS / cutoff;
  grid->n_units = (int)ceil(cutoff * grid->units - 1e-6);
  const int low = (int)(R_LOW * grid->units), stop[3] = {on > low ? on : low, on > low ? low : on, 0};
  grid->cell_of = calloc((size_t)model->n_classes * (size_t)grid->n_units, sizeof *grid->cell_of);
  grid->first = calloc((size_t)model->n_classes + 1, sizeof *grid->first);
  double *values = malloc(((size_t)radial->n_features + 1) * sizeof *values);
  ftl_status status = FTL_OK;
  if (!grid->cell_of || !grid->first || !values) status = ftl_no_memory(error, NULL, "the radial tables");
  for (int c = 0; c < model->n_classes && !status; c++) {
    fit.context = class_sample(model, radial, c);
    find_largest(&fit, cutoff, values);
    status = fit_class(&fit, c, cutoff, stop, error);
  }
  free(values);
  return status;
}

void ftl_grid_free(ftl_grid *grid) {
  free(grid->cell_of);
  free(grid->first);
  free(grid->cell);
}
