/* Predicted against reference energies, forces and stresses. */
#include "plot/parity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plot/plot.h"
#include "plot/table.h"

#define SIDE  300.0 /* pixels of a frame */
#define DOTS  6000  /* of a frame: about 80 kB */
#define BINS  33
#define GAP   28.0
#define ABOVE 106.0

enum { ENERGY, FORCE, STRESS, N_QUANTITIES };
static const struct {
  const char *name, *title, *unit, *error_unit;
} quantities[N_QUANTITIES] = {{"energy", "Energy", "eV per atom", "meV per atom"},
                              {"force", "Forces, components", "eV/\u00c5", "meV/\u00c5"},
                              {"stress", "Stress, components", "eV/\u00c5\u00b3", "meV/\u00c5\u00b3"}};

static ftl_status add_pair(ftl_pairs *p, double reference, double prediction, ftl_error *error) {
  if (p->n == p->room) {
    int64_t room = p->room ? 2 * p->room : 1024;
    double *a = realloc(p->reference, sizeof *a * (size_t)room);
    if (a) p->reference = a;
    double *b = a ? realloc(p->prediction, sizeof *b * (size_t)room) : NULL;
    if (!b) return ftl_fail(error, FTL_ERR_MEMORY, NULL, "out of memory");
    p->prediction = b;
    p->room = room;
  }
  p->reference[p->n] = reference;
  p->prediction[p->n++] = prediction;
  ftl_range_add(&p->range, reference);
  ftl_range_add(&p->range, prediction);
  return FTL_OK;
}

static ftl_status add_line(void *self, const ftl_table *table, const int *column, ftl_error *error) {
  ftl_pairs *pairs = self;
  const char *name = ftl_table_text(table, column[0]);
  double reference, prediction;
  int q = 0;
  while (q < N_QUANTITIES && strcmp(name, quantities[q].name) != 0) q++;
  if (q == N_QUANTITIES)
    return ftl_table_fail(table, error, "the quantity is '%.60s' in place of energy, force or stress", name);
  ftl_status status = ftl_table_value(table, column[1], &reference, error);
  if (status == FTL_OK) status = ftl_table_value(table, column[2], &prediction, error);
  return status == FTL_OK ? add_pair(&pairs[q], reference, prediction, error) : status;
}

static ftl_status read_pairs(const char *path, ftl_pairs pairs[N_QUANTITIES], ftl_error *error) {
  static const char *const names[] = {"quantity", "reference", "prediction"};
  return ftl_table_read(path, 3, names, add_line, pairs, error);
}

/* Above the frame, where no point is hidden: what it is, how many, and how large the errors are. */
static void draw_numbers(ftl_svg *svg, const ftl_axes *axes, const ftl_pair_errors *errors, int64_t n, int quantity) {
  const ftl_text title = {FTL_LABEL_SIZE, FTL_START, NULL, true, false};
  const ftl_text how = {FTL_TICK_SIZE, FTL_START, NULL, false, false};
  char text[160], rmse[40], mae[40], largest[40];
  snprintf(text, sizeof text, "%s, %lld %s", quantities[quantity].title, (long long)n, n == 1 ? "point" : "points");
  ftl_svg_text(svg, axes->x, axes->y - 24, text, &title);
  ftl_scale_format(1000 * errors->rmse, rmse, sizeof rmse);
  ftl_scale_format(1000 * errors->mae, mae, sizeof mae);
  ftl_scale_format(1000 * errors->largest, largest, sizeof largest);
  snprintf(text, sizeof text, "RMSE %s, MAE %s, largest %s %s", rmse, mae, largest, quantities[quantity].error_unit);
  if (n) ftl_svg_text(svg, axes->x, axes->y - 8, text, &how);
}

/* Histogram of the errors in the lower right corner, from -reach to reach. */
static void draw_histogram(ftl_svg *svg, const ftl_axes *axes, const ftl_pairs *pairs, const ftl_pair_errors *errors,
                           const char *unit) {
  const double width = 112, height = 62, x = axes->x + SIDE - width - 12, y = axes->y + SIDE - height - 36;
  const ftl_text middle = {10, FTL_MIDDLE, FTL_GREY, false, false}, start = {10, FTL_START, FTL_GREY, false, false},
                 finish = {10, FTL_END, FTL_GREY, false, false};
  const ftl_style line = {FTL_GREY, NULL, 1, FTL_NO_MARKER};
  const double reach = fmin(errors->largest, 4 * errors->rmse); /* the few beyond are in the outermost bins */
  int64_t count[BINS], most = 0;
  if (!(reach > 0) || !isfinite(reach)) return;
  ftl_pairs_histogram(pairs, reach, BINS, count);
  for (int k = 0; k < BINS; k++) most = count[k] > most ? count[k] : most;
  ftl_svg_group(svg, "histogram of errors");
  for (int k = 0; k < BINS; k++) {
    double bar = height * (double)count[k] / (double)most;
    if (count[k])
      ftl_svg_rect(svg, x + width * k / BINS, y + height - bar, width / BINS - 0.4, bar, "#6baed6", 1, NULL);
  }
  ftl_svg_line(svg, x, y + height, x + width, y + height, &line);
  ftl_svg_line(svg, x + width / 2, y + height, x + width / 2, y + height + 3, &line);
  char number[40], text[96];
  ftl_scale_format(1000 * reach, number, sizeof number);
  snprintf(text, sizeof text, "\u2212%s", number);
  ftl_svg_text(svg, x, y + height + 13, text, &start);
  ftl_svg_text(svg, x + width, y + height + 13, number, &finish);
  if (ftl_svg_text_width(text, 10) < width / 2 - 8) ftl_svg_text(svg, x + width / 2, y + height + 13, "0", &middle);
  snprintf(text, sizeof text, "error / %s", unit);
  ftl_svg_text(svg, x + width / 2, y + height + 26, text, &middle);
  ftl_svg_group_end(svg);
}

static bool draw_frame(ftl_svg *svg, ftl_axes *axes, const ftl_pairs *pairs, int q) {
  static const char *const shades[FTL_N_SHADES] = {"#6baed6", "#3f8fc5", "#1f6fb0", "#0b4f8f", "#08306b"};
  const ftl_style diagonal = {FTL_GREY, NULL, 1, FTL_NO_MARKER};
  char across[64], up[64];
  snprintf(across, sizeof across, "reference / %s", quantities[q].unit);
  snprintf(up, sizeof up, "predicted / %s", quantities[q].unit);
  axes->across_label = across;
  axes->up_label = up;
  ftl_svg_group(svg, quantities[q].name);
  ftl_axes_draw(svg, axes);
  ftl_svg_line(svg, axes->x, axes->y + SIDE, axes->x + SIDE, axes->y, &diagonal);
  const ftl_pair_errors errors = ftl_pairs_errors(pairs);
  draw_numbers(svg, axes, &errors, pairs->n, q);
  ftl_dots dots;
  bool ok = ftl_dots_make(pairs, axes, DOTS, &dots);
  for (int s = 0; s < FTL_N_SHADES && ok; s++)
    ftl_svg_dots(svg, dots.begin[s + 1] - dots.begin[s], dots.x + dots.begin[s], dots.y + dots.begin[s],
                 dots.n < 500 ? 4 : 2.6, shades[s]);
  ftl_dots_free(&dots);
  if (pairs->n) {
    draw_histogram(svg, axes, pairs, &errors, quantities[q].error_unit);
  } else {
    ftl_axes_note(svg, axes, "no predictions with a reference");
  }
  ftl_svg_group_end(svg);
  return ok;
}

static ftl_status draw(const ftl_pairs pairs[N_QUANTITIES], const char *title, FILE *stream, ftl_error *error) {
  const int frames = pairs[STRESS].n ? 3 : 2;
  const ftl_text large = {FTL_TITLE_SIZE, FTL_START, NULL, true, false};
  const ftl_text small = {FTL_LABEL_SIZE, FTL_START, FTL_GREY, false, false};
  ftl_axes axes[N_QUANTITIES];
  double x = 0;
  for (int q = 0; q < frames; q++) {
    ftl_scale scale = ftl_scale_over(&pairs[q].range, FTL_LINEAR);
    x += ftl_axes_left(&scale, SIDE);
    axes[q] = (ftl_axes){.x = x, .y = ABOVE, .width = SIDE, .height = SIDE, .across = scale, .up = scale};
    x += SIDE + GAP;
  }
  char name[256];
  ftl_svg svg;
  bool ok = true;
  ftl_svg_begin(&svg, stream, x, ABOVE + SIDE + 48, title);
  ftl_svg_shorten(title, 1.1 * FTL_TITLE_SIZE, x - 40, name, sizeof name);
  ftl_svg_text(&svg, 20, 28, name, &large);
  ftl_svg_text(&svg, 20, 47, "Points that fall on one another are drawn once, the darker the more they are.", &small);
  for (int q = 0; q < frames && ok; q++) ok = draw_frame(&svg, &axes[q], &pairs[q], q);
  ftl_svg_end(&svg);
  return ok ? FTL_OK : ftl_fail(error, FTL_ERR_MEMORY, NULL, "out of memory");
}

ftl_status ftl_plot_parity(const char *predictions, const char *title, FILE *svg, ftl_error *error) {
  ftl_pairs pairs[N_QUANTITIES] = {0};
  ftl_status status = read_pairs(predictions, pairs, error);
  if (status == FTL_OK) status = draw(pairs, title, svg, error);
  for (int q = 0; q < N_QUANTITIES; q++) {
    free(pairs[q].reference);
    free(pairs[q].prediction);
  }
  return status;
}
