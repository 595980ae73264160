/* RMSE by config_type: a row of bars per type, a bar per set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plot/axes.h"
#include "plot/plot.h"
#include "plot/table.h"

#define MAX_SETS 4
#define MAX_ROWS 40 /* of a picture */
#define BAR      11.0
#define SIDE     250.0
#define ABOVE    92.0

enum { ENERGY, FORCES, STRESS, N_QUANTITIES };
static const char *const titles[N_QUANTITIES] = {"Energy", "Forces", "Stress"};
static const char *const units[N_QUANTITIES] = {"RMSE / meV per atom", "RMSE / meV/\u00c5", "RMSE / meV/\u00c5\u00b3"};

typedef struct {
  char *name;
  double frames;                       /* of all sets */
  bool there[MAX_SETS];                /* the set has this type */
  double rmse[MAX_SETS][N_QUANTITIES]; /* meV; NAN for none */
} row;

typedef struct {
  int n, room, n_sets;
  row *rows;
  char *set[MAX_SETS];
  bool has[N_QUANTITIES];
} bars;

static void bars_free(bars *b) {
  for (int k = 0; k < b->n; k++) free(b->rows[k].name);
  for (int s = 0; s < b->n_sets; s++) free(b->set[s]);
  free(b->rows);
}

static ftl_status no_memory(ftl_error *error) { return ftl_fail(error, FTL_ERR_MEMORY, NULL, "out of memory"); }

static ftl_status find_set(bars *b, const ftl_table *table, const char *name, int *set, ftl_error *error) {
  for (*set = 0; *set < b->n_sets; ++*set)
    if (strcmp(b->set[*set], name) == 0) return FTL_OK;
  if (b->n_sets == MAX_SETS)
    return ftl_table_fail(table, error, "'%.60s' is one set more than the %d a picture takes", name, MAX_SETS);
  if (!(b->set[*set] = strdup(name))) return no_memory(error);
  b->n_sets++;
  return FTL_OK;
}

static ftl_status find_row(bars *b, const char *name, row **found, ftl_error *error) {
  for (int k = 0; k < b->n; k++)
    if (strcmp(b->rows[k].name, name) == 0) {
      *found = &b->rows[k];
      return FTL_OK;
    }
  if (b->n == b->room) {
    int room = b->room ? 2 * b->room : 16;
    row *rows = realloc(b->rows, sizeof *rows * (size_t)room);
    if (!rows) return no_memory(error);
    b->rows = rows;
    b->room = room;
  }
  *found = &b->rows[b->n];
  **found = (row){.name = strdup(name)};
  if (!(*found)->name) return no_memory(error);
  b->n++;
  return FTL_OK;
}

enum { SET, TYPE, FRAMES, RMSE, N_COLUMNS = RMSE + N_QUANTITIES };

static ftl_status add_line(void *self, const ftl_table *table, const int *column, ftl_error *error) {
  bars *b = self;
  const char *set_name = ftl_table_text(table, column[SET]), *type = ftl_table_text(table, column[TYPE]);
  row *r = NULL;
  int set;
  double frames, value;
  ftl_status status = find_set(b, table, set_name, &set, error);
  if (status == FTL_OK) status = find_row(b, type, &r, error);
  if (status != FTL_OK) return status;
  bool total = strcmp(type, "total") == 0; /* the last one of a set is the set's, whatever its types are called */
  if (r->there[set] && !total)
    return ftl_table_fail(table, error, "config_type '%.60s' of set '%.60s' is there twice", type, set_name);
  status = ftl_table_value(table, column[FRAMES], &frames, error);
  if (status != FTL_OK) return status;
  r->frames = r->there[set] ? frames : r->frames + frames;
  r->there[set] = true;
  for (int q = 0; q < N_QUANTITIES && status == FTL_OK; q++) {
    status = ftl_table_number(table, column[RMSE + q], false, &value, error);
    if (status == FTL_OK && value < 0) return ftl_table_fail(table, error, "an RMSE is negative");
    r->rmse[set][q] = 1000 * value;
    b->has[q] = b->has[q] || isfinite(value);
  }
  return status;
}

static ftl_status bars_read(const char *path, bars *b, ftl_error *error) {
  static const char *const names[N_COLUMNS] = {"set",         "config_type", "frames",
                                               "energy_rmse", "forces_rmse", "stress_rmse"};
  ftl_status status = ftl_table_read(path, N_COLUMNS, names, add_line, b, error);
  for (int k = 0; k < b->n; k++)
    for (int s = 0; s < MAX_SETS; s++)
      for (int q = 0; q < N_QUANTITIES && !b->rows[k].there[s]; q++) b->rows[k].rmse[s][q] = NAN;
  return status;
}

static double worst(const row *r, int quantity) {
  double value = -1;
  for (int s = 0; s < MAX_SETS; s++) value = fmax(value, r->rmse[s][quantity]);
  return value;
}

/* The total, then the largest errors of forces, or of energies where there are no forces. */
static int compare(const void *a, const void *b) {
  const row *p = a, *q = b;
  int total = (strcmp(q->name, "total") == 0) - (strcmp(p->name, "total") == 0);
  if (total) return total;
  const double first[] = {worst(p, FORCES), worst(p, ENERGY)}, second[] = {worst(q, FORCES), worst(q, ENERGY)};
  for (int k = 0; k < 2; k++)
    if (first[k] != second[k]) return first[k] < second[k] ? 1 : -1;
  return strcmp(p->name, q->name);
}

static double row_height(const bars *b) { return 9 + BAR * b->n_sets; }

static void draw_names(ftl_svg *svg, const bars *b, int n, double x) {
  char text[256], name[200];
  for (int k = 0; k < n; k++) {
    ftl_text how = {FTL_TICK_SIZE, FTL_END, NULL, strcmp(b->rows[k].name, "total") == 0, false};
    ftl_svg_shorten(b->rows[k].name, FTL_TICK_SIZE, 180, name, sizeof name);
    snprintf(text, sizeof text, "%s (%.0f)", name, b->rows[k].frames);
    ftl_svg_text(svg, x, ABOVE + row_height(b) * (k + 0.5) + 4, text, &how);
  }
}

static void draw_frame(ftl_svg *svg, const bars *b, int n, int quantity, double x) {
  const ftl_text how = {10, FTL_START, FTL_INK, false, false};
  ftl_range range = {0};
  for (int k = 0; k < n; k++)
    for (int s = 0; s < b->n_sets; s++) ftl_range_add(&range, 1.25 * b->rows[k].rmse[s][quantity]);
  ftl_axes axes = {.x = x,
                   .y = ABOVE,
                   .width = SIDE,
                   .height = fmax(row_height(b) * n, 60),
                   .title = titles[quantity],
                   .across_label = units[quantity]};
  axes.across = ftl_scale_over(&range, FTL_BARS);
  ftl_svg_group(svg, titles[quantity]);
  ftl_axes_draw_across(svg, &axes);
  if (!b->has[quantity]) ftl_axes_note(svg, &axes, "no labels");
  for (int k = 0; k < n && b->has[quantity]; k++)
    for (int s = 0; s < b->n_sets; s++) {
      char text[40];
      double value = b->rows[k].rmse[s][quantity], y = ABOVE + row_height(b) * k + 4.5 + BAR * s;
      double end = isfinite(value) ? ftl_axes_x(&axes, value) : x;
      if (!b->rows[k].there[s]) continue;
      if (end > x) ftl_svg_rect(svg, x, y, end - x, BAR - 1, ftl_svg_colours[s], 1, NULL);
      ftl_scale_format(value, text, sizeof text);
      ftl_svg_text(svg, end + 4, y + BAR - 2.5, text, &how);
    }
  ftl_svg_group_end(svg);
}

static void draw(const bars *b, const char *title, FILE *stream) {
  const ftl_text large = {FTL_TITLE_SIZE, FTL_START, NULL, true, false};
  const ftl_text small = {FTL_LABEL_SIZE, FTL_START, FTL_GREY, false, false};
  const int n = b->n < MAX_ROWS ? b->n : MAX_ROWS, frames = b->has[STRESS] ? 3 : 2;
  double left = 70;
  for (int k = 0; k < n; k++)
    left = fmax(left, 70 + fmin(180, ftl_svg_text_width(b->rows[k].name, 1.05 * FTL_TICK_SIZE)));
  const double width = left + frames * (SIDE + 24), height = ABOVE + fmax(row_height(b) * n, 60) + 48;
  char name[256], text[160] = "Root mean square errors by config_type (frames of all sets)";
  ftl_svg svg;
  ftl_svg_begin(&svg, stream, width, height, title);
  ftl_svg_shorten(title, 1.1 * FTL_TITLE_SIZE, width - 40, name, sizeof name);
  ftl_svg_text(&svg, 20, 28, name, &large);
  if (n < b->n) snprintf(text + strlen(text), sizeof text - strlen(text), ", the %d worst of %d", n - 1, b->n - 1);
  ftl_svg_text(&svg, 20, 47, text, &small);
  ftl_legend entry[MAX_SETS];
  for (int s = 0; s < b->n_sets; s++)
    entry[s] = (ftl_legend){b->set[s], {ftl_svg_colours[s], NULL, 0, FTL_NO_MARKER}, true};
  ftl_legend_row(&svg, width - 24, 43, b->n_sets, entry);
  draw_names(&svg, b, n, left - 8);
  for (int q = 0; q < frames; q++) draw_frame(&svg, b, n, q, left + q * (SIDE + 24));
  ftl_svg_end(&svg);
}

ftl_status ftl_plot_errors(const char *errors, const char *title, FILE *svg, ftl_error *error) {
  bars b = {0};
  ftl_status status = bars_read(errors, &b, error);
  if (status == FTL_OK) {
    if (b.n) qsort(b.rows, (size_t)b.n, sizeof *b.rows, compare);
    draw(&b, title, svg);
  }
  bars_free(&b);
  return status;
}
