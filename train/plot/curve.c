/* Learning curves: error against the size of the training set, a line per mode. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plot/axes.h"
#include "plot/plot.h"
#include "plot/table.h"

#define SIDE   320.0
#define HEIGHT 300.0
#define ABOVE  88.0
#define NAME   220.0 /* pixels of the longest name in the legend */

enum { ENERGY, FORCES, N_QUANTITIES };

typedef struct {
  int mode; /* index into names */
  double x, error[N_QUANTITIES];
  char *seed;
} run;

typedef struct {
  int n, room, n_modes, modes_room;
  run *runs;
  char **names; /* [n_modes], in order of appearance */
  bool fraction, repeated;
} curves;

static void curves_free(curves *c) {
  for (int k = 0; k < c->n; k++) free(c->runs[k].seed);
  for (int m = 0; m < c->n_modes; m++) free(c->names[m]);
  free(c->runs);
  free(c->names);
}

static ftl_status no_memory(ftl_error *error) { return ftl_fail(error, FTL_ERR_MEMORY, NULL, "out of memory"); }

static ftl_status find_mode(curves *c, const char *name, int *mode, ftl_error *error) {
  for (*mode = 0; *mode < c->n_modes; ++*mode)
    if (strcmp(c->names[*mode], name) == 0) return FTL_OK;
  if (c->n_modes == c->modes_room) {
    int room = c->modes_room ? 2 * c->modes_room : 8;
    char **names = realloc(c->names, sizeof *names * (size_t)room);
    if (!names) return no_memory(error);
    c->names = names;
    c->modes_room = room;
  }
  if (!(c->names[*mode] = strdup(name))) return no_memory(error);
  c->n_modes++;
  return FTL_OK;
}

enum { MODE, ERRORS, X = ERRORS + N_QUANTITIES, SEED, N_COLUMNS };

static ftl_status add_line(curves *c, const ftl_table *table, const int column[N_COLUMNS], ftl_error *error) {
  run r = {0};
  const char *name = ftl_table_text(table, column[MODE]);
  const char *seed = column[SEED] >= 0 ? ftl_table_text(table, column[SEED]) : "";
  if (!*name) return ftl_table_fail(table, error, "column 'mode' is empty");
  ftl_status status = ftl_table_value(table, column[X], &r.x, error);
  if (status == FTL_OK && (r.x <= 0 || (c->fraction && r.x > 1)))
    return ftl_table_fail(table, error,
                          c->fraction ? "a fraction of %g is not above 0 and at most 1"
                                      : "%g structures cannot be shown: it must be more than 0",
                          r.x);
  if (c->fraction) r.x *= 100;
  for (int q = 0; q < N_QUANTITIES && status == FTL_OK; q++) {
    status = ftl_table_number(table, column[ERRORS + q], false, &r.error[q], error);
    if (status == FTL_OK && r.error[q] < 0)
      return ftl_table_fail(table, error, "an error of %g is negative", r.error[q]);
  }
  if (status == FTL_OK) status = find_mode(c, name, &r.mode, error);
  for (int k = 0; k < c->n && status == FTL_OK; k++) {
    if (c->runs[k].mode != r.mode || c->runs[k].x != r.x) continue;
    c->repeated = true;
    if (strcmp(c->runs[k].seed, seed) == 0)
      return ftl_table_fail(table, error, "mode '%.60s' has seed '%.20s' twice at %g%s", name, seed, r.x,
                            c->fraction ? " %" : " structures");
  }
  if (status == FTL_OK && c->n == c->room) {
    int room = c->room ? 2 * c->room : 64;
    run *runs = realloc(c->runs, sizeof *runs * (size_t)room);
    if (!runs) return no_memory(error);
    c->runs = runs;
    c->room = room;
  }
  if (status != FTL_OK) return status;
  if (!(r.seed = strdup(seed))) return no_memory(error);
  c->runs[c->n++] = r;
  return FTL_OK;
}

static ftl_status curves_read(const char *path, curves *c, ftl_error *error) {
  static const char *const names[] = {"mode", "energy_rmse_meV_atom", "force_rmse_meV_A"};
  ftl_table *table;
  int column[N_COLUMNS];
  bool end = false;
  ftl_status status = ftl_table_open(path, &table, error);
  if (status != FTL_OK) return status;
  status = ftl_table_columns(table, X, names, column, error);
  column[SEED] = ftl_table_find(table, "seed");
  column[X] = ftl_table_find(table, "fraction");
  c->fraction = column[X] >= 0;
  if (!c->fraction) column[X] = ftl_table_find(table, "structures");
  if (status == FTL_OK && column[X] < 0)
    status = ftl_table_fail(table, error, "it names neither a column 'fraction' nor 'structures'");
  while (status == FTL_OK && (status = ftl_table_next(table, &end, error)) == FTL_OK && !end)
    status = add_line(c, table, column, error);
  ftl_table_close(table);
  return status;
}

static int rising(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Different sizes of a mode, or of all (-1), into x; returns how many. */
static int sizes(const curves *c, int mode, double *x) {
  int n = 0, kept = 0;
  for (int k = 0; k < c->n; k++)
    if (mode < 0 || c->runs[k].mode == mode) x[n++] = c->runs[k].x;
  if (n) qsort(x, (size_t)n, sizeof *x, rising);
  for (int k = 0; k < n; k++)
    if (k == 0 || x[k] != x[kept - 1]) x[kept++] = x[k];
  return kept;
}

/* Colours and markers of the modes: 35 different pairs, with dashes from the eighth on. */
static ftl_style style_of(int mode) {
  return (ftl_style){ftl_svg_colours[mode % FTL_N_COLOURS], mode / FTL_N_COLOURS % 2 ? "6 3" : NULL, 1.6,
                     (ftl_marker)(FTL_CIRCLE + (mode + mode / 35) % (FTL_N_MARKERS - 1))};
}

static bool draw_mode(ftl_svg *svg, const ftl_axes *axes, const curves *c, int mode, int quantity, double *x,
                      double *mean) {
  const ftl_style style = style_of(mode), bar = {style.colour, NULL, 1.2, FTL_NO_MARKER};
  int n = sizes(c, mode, x);
  ftl_svg_group(svg, "seeds");
  for (int p = 0; p < n; p++) {
    ftl_range range = {0};
    double sum = 0;
    for (int k = 0; k < c->n; k++) {
      const run *r = &c->runs[k];
      if (r->mode != mode || r->x != x[p] || !isfinite(r->error[quantity])) continue;
      ftl_range_add(&range, r->error[quantity]);
      sum += r->error[quantity];
    }
    mean[p] = range.n ? sum / range.n : NAN;
    if (range.n < 2 || range.lo == range.hi) continue;
    double at = ftl_axes_x(axes, x[p]), top = ftl_axes_y(axes, range.hi), bottom = ftl_axes_y(axes, range.lo);
    if (!isfinite(bottom)) bottom = axes->y + axes->height; /* an error of zero on a logarithmic axis */
    if (!isfinite(top)) continue;
    ftl_svg_line(svg, at, top, at, bottom, &bar);
    ftl_svg_line(svg, at - 3, top, at + 3, top, &bar);
    ftl_svg_line(svg, at - 3, bottom, at + 3, bottom, &bar);
  }
  ftl_svg_group_end(svg);
  return ftl_axes_curve(svg, axes, c->names[mode], n, x, mean, &style);
}

/* Axes of energies and forces from the left edge on; x[c->n] gets the sizes. Returns where they end. */
static double lay_out(const curves *c, ftl_axes axes[N_QUANTITIES], double *x) {
  static const char *const titles[] = {"Energy", "Forces"};
  static const char *const labels[] = {"RMSE / meV per atom", "RMSE / meV/\u00c5"};
  const int n = sizes(c, -1, x);
  double left = 0;
  ftl_range across = {0};
  for (int k = 0; k < n; k++) ftl_range_add(&across, x[k]);
  for (int q = 0; q < N_QUANTITIES; q++) {
    ftl_range up = {0};
    for (int k = 0; k < c->n; k++) ftl_range_add(&up, c->runs[k].error[q]);
    axes[q] = (ftl_axes){.y = ABOVE, .width = SIDE, .height = HEIGHT, .title = titles[q], .up_label = labels[q]};
    axes[q].across = ftl_scale_over(&across, FTL_LOG);
    axes[q].up = ftl_scale_over(&up, FTL_LOG);
    axes[q].across_label = c->fraction ? "part of the training set / %" : "training structures";
    axes[q].x = left + ftl_axes_left(&axes[q].up, HEIGHT);
    axes[q].at = n > 0 && n <= 12 ? x : NULL;
    axes[q].n_at = n;
    left = axes[q].x + SIDE + 14;
  }
  return left;
}

/* x[2][c->n]: room for the points of a mode */
static bool draw_frame(ftl_svg *svg, const curves *c, const ftl_axes *axes, int quantity, double *x) {
  bool ok = true, any = false;
  for (int k = 0; k < c->n; k++) any = any || isfinite(c->runs[k].error[quantity]);
  ftl_svg_group(svg, axes->title);
  ftl_axes_draw(svg, axes);
  if (!any) ftl_axes_note(svg, axes, "no numbers in the table");
  for (int m = 0; m < c->n_modes && ok; m++) ok = draw_mode(svg, axes, c, m, quantity, x, x + c->n);
  ftl_svg_group_end(svg);
  return ok;
}

static ftl_status draw(const curves *c, const char *title, FILE *stream, ftl_error *error) {
  const ftl_text large = {FTL_TITLE_SIZE, FTL_START, NULL, true, false};
  const ftl_text small = {FTL_LABEL_SIZE, FTL_START, FTL_GREY, false, false};
  const size_t room = (size_t)(c->n_modes ? c->n_modes : 1);
  ftl_legend *entry = calloc(room, sizeof *entry);
  char(*name)[256] = calloc(room, sizeof *name), text[256];
  double *x = malloc(sizeof *x * 3 * (size_t)(c->n ? c->n : 1));
  bool ok = entry && name && x;
  for (int m = 0; m < c->n_modes && ok; m++) {
    ftl_svg_shorten(c->names[m], FTL_TICK_SIZE, NAME, name[m], sizeof name[m]);
    entry[m] = (ftl_legend){name[m], style_of(m), false};
  }
  if (ok) {
    ftl_axes axes[N_QUANTITIES];
    ftl_svg svg;
    const double left = lay_out(c, axes, x);
    const double width = left + (c->n_modes ? ftl_legend_width(c->n_modes, entry) + 10 : 0);
    ftl_svg_begin(&svg, stream, width, fmax(ABOVE + HEIGHT + 48, ABOVE + 18 * c->n_modes + 20), title);
    ftl_svg_shorten(title, 1.1 * FTL_TITLE_SIZE, width - 40, text, sizeof text);
    ftl_svg_text(&svg, 20, 28, text, &large);
    if (c->repeated)
      ftl_svg_text(&svg, 20, 47, "Means over the seeds; bars from the lowest seed to the highest.", &small);
    for (int q = 0; q < N_QUANTITIES && ok; q++) ok = draw_frame(&svg, c, &axes[q], q, x + c->n);
    ftl_legend_column(&svg, left, ABOVE + 10, c->n_modes, entry);
    ftl_svg_end(&svg);
  }
  free(entry);
  free(name);
  free(x);
  return ok ? FTL_OK : no_memory(error);
}

ftl_status ftl_plot_curve(const char *table, const char *title, FILE *svg, ftl_error *error) {
  curves c = {0};
  ftl_status status = curves_read(table, &c, error);
  if (status == FTL_OK) status = draw(&c, title, svg, error);
  curves_free(&c);
  return status;
}
