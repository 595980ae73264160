/* Loss, learning rate and errors on valid by epoch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plot/axes.h"
#include "plot/plot.h"
#include "plot/table.h"

/* Columns of log.csv (tune/log.h). */
enum { EPOCH, LR, TRAIN, VALID, ENERGY, FORCES, STRESS, N_SERIES, STAGE = N_SERIES, BEST, N_COLUMNS };
static const char *const names[N_COLUMNS] = {"epoch",       "lr",          "train_loss", "valid_loss", "energy_rmse",
                                             "forces_rmse", "stress_rmse", "stage",      "best"};

typedef struct {
  int n, room;
  double *series[N_SERIES]; /* [n] each; errors in meV */
  ftl_range range[N_SERIES];
  int best;      /* index of the last epoch that was the best so far; -1: none */
  double stage2; /* the last epoch of stage one; NAN: there is one stage */
} history;

static void history_free(history *h) {
  for (int s = 0; s < N_SERIES; s++) free(h->series[s]);
}

static ftl_status add_line(void *self, const ftl_table *table, const int *column, ftl_error *error) {
  history *h = self;
  double value[N_COLUMNS];
  if (h->n == h->room) {
    h->room = h->room ? 2 * h->room : 128;
    for (int s = 0; s < N_SERIES; s++) {
      double *series = realloc(h->series[s], sizeof *series * (size_t)h->room);
      if (!series) return ftl_fail(error, FTL_ERR_MEMORY, NULL, "out of memory");
      h->series[s] = series;
    }
  }
  for (int c = 0; c < N_COLUMNS; c++) {
    /* a run that diverged may have logged nan and inf: they are not drawn */
    ftl_status status = c == EPOCH ? ftl_table_value(table, column[c], &value[c], error)
                                   : ftl_table_number(table, column[c], true, &value[c], error);
    if (status != FTL_OK) return status;
  }
  if (h->n && value[EPOCH] <= h->series[EPOCH][h->n - 1])
    return ftl_table_fail(table, error, "epoch %g comes after epoch %g", value[EPOCH], h->series[EPOCH][h->n - 1]);
  for (int s = 0; s < N_SERIES; s++) {
    double scaled = s >= ENERGY ? 1000 * value[s] : value[s];
    h->series[s][h->n] = isfinite(scaled) ? scaled : NAN;
    ftl_range_add(&h->range[s], scaled);
  }
  if (value[STAGE] < 2) h->stage2 = value[EPOCH];
  if (value[BEST] == 1) h->best = h->n;
  h->n++;
  return FTL_OK;
}

static ftl_status history_read(const char *path, history *h, ftl_error *error) {
  *h = (history){.best = -1, .stage2 = NAN};
  ftl_status status = ftl_table_read(path, N_COLUMNS, names, add_line, h, error);
  if (h->n && h->stage2 == h->series[EPOCH][h->n - 1]) h->stage2 = NAN;
  return status;
}

/* "12 epochs; the best is 11: 2.31 meV/atom, 14.2 meV/Å on valid" */
static void summary(const history *h, char *text, size_t room) {
  size_t used = h->n == 0 ? 0 : (size_t)snprintf(text, room, "up to epoch %.0f", h->series[EPOCH][h->n - 1]);
  if (h->n == 0) snprintf(text, room, "no epoch is finished yet");
  if (h->best < 0) return;
  char number[32];
  used += (size_t)snprintf(text + used, room - used, "; best: epoch %.0f", h->series[EPOCH][h->best]);
  static const char *const units[] = {"meV/atom", "meV/\u00c5", "meV/\u00c5\u00b3"};
  for (int s = ENERGY; s <= STRESS; s++) {
    if (!isfinite(h->series[s][h->best])) continue;
    ftl_scale_format(h->series[s][h->best], number, sizeof number);
    used += (size_t)snprintf(text + used, room - used, ", %s %s", number, units[s - ENERGY]);
  }
}

/* What has one panel: series 'from' to 'to' on one scale. */
typedef struct {
  const char *title, *label;
  int from, to;
  double height;
} panel;

static ftl_scale panel_scale(const history *h, const panel *p) {
  ftl_range range = {0};
  for (int s = p->from; s <= p->to; s++)
    for (int k = 0; k < h->n; k++) ftl_range_add(&range, h->series[s][k]);
  return ftl_scale_over(&range, FTL_LOG);
}

static void draw_marks(ftl_svg *svg, const ftl_axes *axes, const history *h, const panel *p, double top) {
  const ftl_style dashed = {FTL_GREY, "4 3", 1, FTL_NO_MARKER};
  const ftl_text small = {FTL_TICK_SIZE, FTL_START, FTL_GREY, false, false};
  if (isfinite(h->stage2)) {
    double x = ftl_axes_x(axes, h->stage2);
    ftl_svg_line(svg, x, axes->y, x, axes->y + axes->height, &dashed);
    if (axes->y == top) ftl_svg_text(svg, x + 4, axes->y + 13, "stage 2", &small);
  }
  if (h->best < 0) return;
  double x = ftl_axes_x(axes, h->series[EPOCH][h->best]), y = ftl_axes_y(axes, h->series[p->to][h->best]);
  const ftl_style ring = {FTL_INK, NULL, 1.4, FTL_CIRCLE};
  if (isfinite(y)) ftl_svg_ring(svg, x, y, 6, &ring);
}

static bool draw_panel(ftl_svg *svg, ftl_axes *axes, const history *h, const panel *p, double top) {
  static const char *const labels[] = {"", "learning rate", "train", "valid", "valid", "valid", "valid"};
  const ftl_style lr = {"#8a8a8a", NULL, 1, FTL_NO_MARKER};
  const ftl_style train = {ftl_svg_colours[4], NULL, 1.8, FTL_CIRCLE};
  const ftl_style valid = {ftl_svg_colours[0], NULL, 1.8, FTL_CIRCLE};
  const bool loss = p->from == TRAIN;
  bool ok = true;
  axes->up = panel_scale(h, p);
  axes->title = p->title;
  axes->up_label = p->label;
  ftl_svg_group(svg, p->title);
  ftl_axes_draw(svg, axes);
  if (h->range[p->from].n + h->range[p->to].n == 0)
    ftl_axes_note(svg, axes, h->n ? "no numbers in the log" : "no epoch is finished yet");
  if (loss && h->range[LR].n) {
    ftl_axes right = *axes;
    right.up = ftl_scale_over(&h->range[LR], FTL_LOG);
    ftl_axes_draw_right(svg, axes, &right.up, labels[LR], FTL_GREY);
    ok = ftl_axes_curve(svg, &right, labels[LR], h->n, h->series[EPOCH], h->series[LR], &lr);
  }
  for (int s = p->from; s <= p->to && ok; s++)
    ok = ftl_axes_curve(svg, axes, names[s], h->n, h->series[EPOCH], h->series[s], s == TRAIN ? &train : &valid);
  draw_marks(svg, axes, h, p, top);
  if (loss) {
    const ftl_legend entry[] = {{labels[TRAIN], train, false}, {labels[VALID], valid, false}, {labels[LR], lr, false}};
    ftl_legend_row(svg, axes->x + axes->width, axes->y - 12, h->range[LR].n ? 3 : 2, entry);
  }
  ftl_svg_group_end(svg);
  return ok;
}

static ftl_status draw(const history *h, const char *title, FILE *stream, ftl_error *error) {
  static const panel panels[] = {{"Loss", "loss", TRAIN, VALID, 190},
                                 {"Energy on valid", "RMSE / meV per atom", ENERGY, ENERGY, 140},
                                 {"Forces on valid", "RMSE / meV/\u00c5", FORCES, FORCES, 140},
                                 {"Stress on valid", "RMSE / meV/\u00c5\u00b3", STRESS, STRESS, 140}};
  const ftl_text large = {FTL_TITLE_SIZE, FTL_START, NULL, true, false};
  const ftl_text small = {FTL_LABEL_SIZE, FTL_START, FTL_GREY, false, false};
  const double width = 720, top = 88, gap = 34, bottom = 48;
  const int n_panels = h->range[STRESS].n ? 4 : 3;
  double height = top + bottom + gap * (n_panels - 1), left = 0;
  for (int p = 0; p < n_panels; p++) {
    ftl_scale scale = panel_scale(h, &panels[p]);
    left = fmax(left, ftl_axes_left(&scale, panels[p].height));
    height += panels[p].height;
  }
  left = fmax(left, 70);
  char text[256], name[256];
  ftl_svg svg;
  ftl_svg_begin(&svg, stream, width, height, title);
  ftl_svg_shorten(title, 1.1 * FTL_TITLE_SIZE, width - 40, name, sizeof name);
  ftl_svg_text(&svg, 20, 28, name, &large);
  summary(h, text, sizeof text);
  ftl_svg_text(&svg, 20, 47, text, &small);
  ftl_axes axes = {.x = left, .y = top, .width = width - left - 80, .across_label = "epoch", .up_label_at = 18};
  axes.across = ftl_scale_over(&h->range[EPOCH], FTL_WHOLE);
  bool ok = true;
  for (int p = 0; p < n_panels && ok; p++) {
    axes.height = panels[p].height;
    axes.bare_across = p + 1 < n_panels;
    ok = draw_panel(&svg, &axes, h, &panels[p], top);
    axes.y += axes.height + gap;
  }
  ftl_svg_end(&svg);
  return ok ? FTL_OK : ftl_fail(error, FTL_ERR_MEMORY, NULL, "out of memory");
}

ftl_status ftl_plot_history(const char *log, const char *title, FILE *svg, ftl_error *error) {
  history h;
  ftl_status status = history_read(log, &h, error);
  if (status == FTL_OK) status = draw(&h, title, svg, error);
  history_free(&h);
  return status;
}
