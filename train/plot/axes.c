#include "plot/axes.h"

#include <math.h>
#include <stdlib.h>

static const ftl_style frame = {FTL_GREY, NULL, 1, FTL_NO_MARKER}, grid = {"#e6e6e6", NULL, 1, FTL_NO_MARKER};

double ftl_axes_x(const ftl_axes *axes, double value) {
  return axes->x + axes->width * ftl_scale_place(&axes->across, value);
}

double ftl_axes_y(const ftl_axes *axes, double value) {
  return axes->y + axes->height * (1 - ftl_scale_place(&axes->up, value));
}

static double widest(int n, const ftl_tick *tick) {
  double width = 0;
  for (int k = 0; k < n; k++) width = fmax(width, ftl_svg_text_width(tick[k].label, FTL_TICK_SIZE));
  return width;
}

double ftl_axes_left(const ftl_scale *up, double height) {
  ftl_tick tick[FTL_MAX_TICKS];
  return widest(ftl_scale_ticks_fit(up, height, FTL_TICK_SIZE, true, tick), tick) + FTL_LABEL_SIZE + 20;
}

static int ticks_across(const ftl_axes *axes, ftl_tick *tick) {
  if (!axes->at) return ftl_scale_ticks_fit(&axes->across, axes->width, FTL_TICK_SIZE, false, tick);
  double end = -1e9;
  int n = axes->n_at < FTL_MAX_TICKS ? axes->n_at : FTL_MAX_TICKS;
  for (int k = 0; k < n; k++) {
    tick[k] = (ftl_tick){.value = axes->at[k], .major = true};
    snprintf(tick[k].label, sizeof tick[k].label, "%.4g", axes->at[k]);
    double half = ftl_svg_text_width(tick[k].label, FTL_TICK_SIZE) / 2, at = ftl_axes_x(axes, axes->at[k]);
    if (at - half < end + 4) tick[k].label[0] = 0;
    else end = at + half;
  }
  return n;
}

static void draw_ticks_across(ftl_svg *svg, const ftl_axes *axes) {
  const ftl_text small = {FTL_TICK_SIZE, FTL_MIDDLE, NULL, false, false};
  const ftl_text large = {FTL_LABEL_SIZE, FTL_MIDDLE, NULL, false, false};
  const double bottom = axes->y + axes->height;
  ftl_tick tick[FTL_MAX_TICKS];
  int n = ticks_across(axes, tick);
  ftl_svg_group(svg, "axis across");
  for (int k = 0; k < n; k++) {
    double x = ftl_axes_x(axes, tick[k].value);
    if (*tick[k].label) ftl_svg_line(svg, x, axes->y, x, bottom, &grid);
    ftl_svg_line(svg, x, bottom, x, bottom + (*tick[k].label ? 5 : 3), &frame);
    if (*tick[k].label && !axes->bare_across) ftl_svg_text(svg, x, bottom + 17, tick[k].label, &small);
  }
  if (axes->across_label && !axes->bare_across)
    ftl_svg_text(svg, axes->x + axes->width / 2, bottom + 35, axes->across_label, &large);
  ftl_svg_group_end(svg);
}

/* After the grid, which would else cover it. */
static void draw_frame(ftl_svg *svg, const ftl_axes *axes) {
  const ftl_text title = {FTL_LABEL_SIZE, FTL_START, NULL, true, false};
  ftl_svg_rect(svg, axes->x, axes->y, axes->width, axes->height, NULL, 1, FTL_GREY);
  if (axes->title) ftl_svg_text(svg, axes->x, axes->y - 8, axes->title, &title);
}

void ftl_axes_draw_across(ftl_svg *svg, const ftl_axes *axes) {
  draw_ticks_across(svg, axes);
  draw_frame(svg, axes);
}

void ftl_axes_draw(ftl_svg *svg, const ftl_axes *axes) {
  const ftl_text small = {FTL_TICK_SIZE, FTL_END, NULL, false, false};
  const ftl_text large = {FTL_LABEL_SIZE, FTL_MIDDLE, NULL, false, true};
  draw_ticks_across(svg, axes);
  ftl_tick tick[FTL_MAX_TICKS];
  int n = ftl_scale_ticks_fit(&axes->up, axes->height, FTL_TICK_SIZE, true, tick);
  ftl_svg_group(svg, "axis upwards");
  for (int k = 0; k < n; k++) {
    double y = ftl_axes_y(axes, tick[k].value);
    if (*tick[k].label) ftl_svg_line(svg, axes->x, y, axes->x + axes->width, y, &grid);
    ftl_svg_line(svg, axes->x - (*tick[k].label ? 5 : 3), y, axes->x, y, &frame);
    if (*tick[k].label) ftl_svg_text(svg, axes->x - 8, y + 0.35 * FTL_TICK_SIZE, tick[k].label, &small);
  }
  double label_at = axes->up_label_at > 0 ? axes->up_label_at : axes->x - 16 - widest(n, tick);
  if (axes->up_label) ftl_svg_text(svg, label_at, axes->y + axes->height / 2, axes->up_label, &large);
  ftl_svg_group_end(svg);
  draw_frame(svg, axes);
}

void ftl_axes_draw_right(ftl_svg *svg, const ftl_axes *axes, const ftl_scale *up, const char *label,
                         const char *colour) {
  const ftl_text small = {FTL_TICK_SIZE, FTL_START, colour, false, false};
  const ftl_text large = {FTL_LABEL_SIZE, FTL_MIDDLE, colour, false, true};
  const double right = axes->x + axes->width;
  ftl_tick tick[FTL_MAX_TICKS];
  int n = ftl_scale_ticks_fit(up, axes->height, FTL_TICK_SIZE, true, tick);
  ftl_svg_group(svg, "axis right");
  for (int k = 0; k < n; k++) {
    double y = axes->y + axes->height * (1 - ftl_scale_place(up, tick[k].value));
    ftl_svg_line(svg, right, y, right + (*tick[k].label ? 5 : 3), y, &frame);
    if (*tick[k].label) ftl_svg_text(svg, right + 8, y + 0.35 * FTL_TICK_SIZE, tick[k].label, &small);
  }
  ftl_svg_text(svg, right + 8 + widest(n, tick) + 16, axes->y + axes->height / 2, label, &large);
  ftl_svg_group_end(svg);
}

/* Of a run of points within one pixel column: the first, the lowest, the highest and the last, in order. */
static int thin(int n, double *x, double *y) {
  int kept = 0;
  for (int k = 0; k < n;) {
    int end = k + 1, low = k, high = k;
    while (end < n && floor(x[end]) == floor(x[k])) {
      if (y[end] < y[low]) low = end;
      if (y[end] > y[high]) high = end;
      end++;
    }
    const int pick[4] = {k, low < high ? low : high, low < high ? high : low, end - 1};
    int last = -1;
    for (int p = 0; p < 4; p++)
      if (pick[p] > last) {
        last = pick[p];
        x[kept] = x[last];
        y[kept++] = y[last];
      }
    k = end;
  }
  return kept;
}

bool ftl_axes_curve(ftl_svg *svg, const ftl_axes *axes, const char *name, int n, const double *x, const double *y,
                    const ftl_style *style) {
  const int few = 60;
  double *px = malloc(sizeof *px * 2 * (size_t)(n ? n : 1)), *py = px + n;
  if (!px) return false;
  ftl_svg_group_clipped(svg, name, axes->x - 5, axes->y - 5, axes->width + 10, axes->height + 10);
  for (int k = 0; k < n;) {
    int m = 0;
    for (; k < n; k++) {
      px[m] = ftl_axes_x(axes, x[k]);
      py[m] = ftl_axes_y(axes, y[k]);
      if (!isfinite(px[m]) || !isfinite(py[m])) break;
      m++;
    }
    k++;
    ftl_style points = *style;
    if (m == 1 && points.marker == FTL_NO_MARKER) points.marker = FTL_CIRCLE; /* else it could not be seen */
    bool markers = points.marker != FTL_NO_MARKER && (n <= few || m == 1);
    if (m > 2 * axes->width) m = thin(m, px, py);
    if (m > 1 && style->width > 0) ftl_svg_polyline(svg, m, px, py, style);
    if (m > 0 && markers) ftl_svg_markers(svg, m, px, py, &points);
  }
  ftl_svg_group_end(svg);
  free(px);
  return true;
}

void ftl_axes_note(ftl_svg *svg, const ftl_axes *axes, const char *text) {
  const ftl_text how = {FTL_LABEL_SIZE, FTL_MIDDLE, FTL_GREY, false, false};
  ftl_svg_text(svg, axes->x + axes->width / 2, axes->y + axes->height / 2, text, &how);
}

#define SAMPLE 24.0 /* pixels of line in a legend */
#define GAP    6.0

static void draw_entry(ftl_svg *svg, double x, double y, const ftl_legend *entry) {
  const ftl_text how = {FTL_TICK_SIZE, FTL_START, NULL, false, false};
  const double middle = x + SAMPLE / 2;
  if (entry->bar) ftl_svg_rect(svg, x + SAMPLE - 12, y - 5, 10, 10, entry->style.colour, 1, NULL);
  else if (entry->style.width > 0) ftl_svg_line(svg, x, y, x + SAMPLE, y, &entry->style);
  if (entry->style.marker != FTL_NO_MARKER) ftl_svg_markers(svg, 1, &middle, &y, &entry->style);
  ftl_svg_text(svg, x + SAMPLE + GAP, y + 0.35 * FTL_TICK_SIZE, entry->text, &how);
}

static double entry_width(const ftl_legend *entry) {
  return SAMPLE + GAP + ftl_svg_text_width(entry->text, FTL_TICK_SIZE);
}

void ftl_legend_row(ftl_svg *svg, double x, double y, int n, const ftl_legend *entry) {
  for (int k = n - 1; k >= 0; k--) {
    x -= entry_width(&entry[k]);
    draw_entry(svg, x, y, &entry[k]);
    x -= 14;
  }
}

void ftl_legend_column(ftl_svg *svg, double x, double y, int n, const ftl_legend *entry) {
  for (int k = 0; k < n; k++) draw_entry(svg, x, y + 18 * k, &entry[k]);
}

double ftl_legend_width(int n, const ftl_legend *entry) {
  double width = 0;
  for (int k = 0; k < n; k++) width = fmax(width, entry_width(&entry[k]));
  return width;
}
