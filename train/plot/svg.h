/* A picture as SVG 1.1 text: the few shapes that plots need.

   Coordinates are pixels from the upper left corner, y downwards. Text stays text (it can be searched and edited) and
   is made valid XML whatever bytes it has. Nothing here fails: whether everything was written is known from the stream.
 */
#ifndef FTL_SVG_H
#define FTL_SVG_H

#include <stdbool.h>
#include <stdio.h>

typedef struct {
  FILE *stream;
  int n_clips;
} ftl_svg;

/* Colours that differ also for colour-blind eyes (Okabe and Ito, without the yellow that white paper swallows). */
#define FTL_N_COLOURS 7
extern const char *const ftl_svg_colours[FTL_N_COLOURS];
#define FTL_INK  "#222222"
#define FTL_GREY "#767676"
#define FTL_PALE "#dddddd"

typedef enum { FTL_NO_MARKER, FTL_CIRCLE, FTL_SQUARE, FTL_TRIANGLE, FTL_DIAMOND, FTL_WEDGE, FTL_N_MARKERS } ftl_marker;

/* How a line and its points are drawn. dash: as SVG's stroke-dasharray, or NULL. width 0: points only. */
typedef struct {
  const char *colour, *dash;
  double width;
  ftl_marker marker;
} ftl_style;

typedef enum { FTL_START, FTL_MIDDLE, FTL_END } ftl_anchor;

typedef struct {
  double size; /* font size, pixels */
  ftl_anchor anchor;
  const char *colour; /* NULL: FTL_INK */
  bool bold, upwards; /* upwards: turned by 90 degrees, read from below */
} ftl_text;

/* The head of the file, `title` for viewers and screen readers, and a white background. */
void ftl_svg_begin(ftl_svg *svg, FILE *stream, double width, double height, const char *title);
void ftl_svg_end(ftl_svg *svg);

/* What is drawn up to the matching end belongs together as `label` (aria-label). */
void ftl_svg_group(ftl_svg *svg, const char *label);
/* The same, and nothing is drawn outside the rectangle. */
void ftl_svg_group_clipped(ftl_svg *svg, const char *label, double x, double y, double width, double height);
void ftl_svg_group_end(ftl_svg *svg);

void ftl_svg_line(ftl_svg *svg, double x1, double y1, double x2, double y2, const ftl_style *style);
/* Through n points x[n], y[n]. */
void ftl_svg_polyline(ftl_svg *svg, int n, const double *x, const double *y, const ftl_style *style);
void ftl_svg_markers(ftl_svg *svg, int n, const double *x, const double *y, const ftl_style *style);
void ftl_svg_ring(ftl_svg *svg, double x, double y, double radius, const ftl_style *style);
/* n round dots as one path: about nine bytes each. */
void ftl_svg_dots(ftl_svg *svg, int n, const double *x, const double *y, double diameter, const char *colour);
/* fill NULL: none; stroke NULL: none. */
void ftl_svg_rect(ftl_svg *svg, double x, double y, double width, double height, const char *fill, double opacity,
                  const char *stroke);
void ftl_svg_text(ftl_svg *svg, double x, double y, const char *text, const ftl_text *how);

/* About how wide a text is, pixels; on the wide side, as fonts differ. */
double ftl_svg_text_width(const char *text, double size);
/* Copies text to out[room], with an ellipsis in place of what is wider than `width` pixels. */
void ftl_svg_shorten(const char *text, double size, double width, char *out, size_t room);

#endif
