/* Axes with ticks and labels, curves in them, legends. */
#ifndef FTL_AXES_H
#define FTL_AXES_H

#include "plot/scale.h"
#include "plot/svg.h"

#define FTL_TICK_SIZE  11.0 /* font sizes, pixels */
#define FTL_LABEL_SIZE 12.0
#define FTL_TITLE_SIZE 15.0

typedef struct {
  double x, y, width, height; /* of the frame, pixels */
  ftl_scale across, up;
  const char *title, *across_label, *up_label; /* NULL: none */
  bool bare_across;                            /* ticks without numbers: a panel below has them */
  double up_label_at;                          /* pixels across; 0: beside the numbers */
  const double *at;                            /* values of the ticks across, rising; NULL: nice ones */
  int n_at;
} ftl_axes;

/* Pixels of a value; NAN where it has no place. */
double ftl_axes_x(const ftl_axes *axes, double value);
double ftl_axes_y(const ftl_axes *axes, double value);

/* Pixels that numbers and label take left of a frame of this height. */
double ftl_axes_left(const ftl_scale *up, double height);

/* Frame, title, ticks and grid on both sides, or across only. */
void ftl_axes_draw(ftl_svg *svg, const ftl_axes *axes);
void ftl_axes_draw_across(ftl_svg *svg, const ftl_axes *axes);
/* A second scale on the right side, in `colour`. */
void ftl_axes_draw_right(ftl_svg *svg, const ftl_axes *axes, const ftl_scale *up, const char *label,
                         const char *colour);

/* A line, with markers when there are few points, through x[n], y[n] (values, not pixels). The line is broken at a
   point without a place; more points than pixels are thinned to the extremes of each pixel. Returns FTL memory trouble
   as false. */
bool ftl_axes_curve(ftl_svg *svg, const ftl_axes *axes, const char *name, int n, const double *x, const double *y,
                    const ftl_style *style);
/* A sentence in the middle of an empty frame. */
void ftl_axes_note(ftl_svg *svg, const ftl_axes *axes, const char *text);

typedef struct {
  const char *text;
  ftl_style style;
  bool bar; /* a filled square in place of line and marker */
} ftl_legend;

/* Entries side by side; the last one ends at x. y: middle of the line of text. */
void ftl_legend_row(ftl_svg *svg, double x, double y, int n, const ftl_legend *entry);
/* Entries one below the other from (x, y) on. */
void ftl_legend_column(ftl_svg *svg, double x, double y, int n, const ftl_legend *entry);
double ftl_legend_width(int n, const ftl_legend *entry); /* of a column */

#endif
