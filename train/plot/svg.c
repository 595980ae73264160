#include "plot/svg.h"

#include <math.h>
#include <string.h>

#include "base/printable.h"

const char *const ftl_svg_colours[FTL_N_COLOURS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                    "#e69f00", "#56b4e9", "#555555"};

/* A coordinate, with two decimals at most. Far away is far enough. */
static void put_number(FILE *stream, double value) {
  char text[32];
  if (!isfinite(value)) value = 0;
  snprintf(text, sizeof text, "%.2f", fmax(-99999, fmin(99999, value)));
  char *end = text + strlen(text);
  while (end[-1] == '0') *--end = 0;
  if (end[-1] == '.') *--end = 0;
  fputs(strcmp(text, "-0") == 0 ? "0" : text, stream);
}

static void put_attribute(FILE *stream, const char *name, double value) {
  fprintf(stream, " %s=\"", name);
  put_number(stream, value);
  fputc('"', stream);
}

/* Bytes of the character at p, 0 for one that has no place in a picture. */
static int character(const unsigned char *p) { return *p == '\t' ? 1 : ftl_printable_size((const char *)p); }

static void put_text(FILE *stream, const char *text) {
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    int n = character(p);
    if (n == 0) fputs("\xEF\xBF\xBD", stream);
    else if (*p == '&') fputs("&amp;", stream);
    else if (*p == '<') fputs("&lt;", stream);
    else if (*p == '>') fputs("&gt;", stream);
    else if (*p == '"') fputs("&quot;", stream);
    else fwrite(p, 1, (size_t)n, stream);
    p += n ? n : 1;
  }
}

void ftl_svg_begin(ftl_svg *svg, FILE *stream, double width, double height, const char *title) {
  svg->stream = stream;
  svg->n_clips = 0;
  fputs("<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"", stream);
  put_attribute(stream, "width", width);
  put_attribute(stream, "height", height);
  fprintf(stream, " viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica, Arial, sans-serif\">\n<title>", width, height);
  put_text(stream, title);
  fputs("</title>\n", stream);
  ftl_svg_rect(svg, 0, 0, width, height, "#ffffff", 1, NULL);
}

void ftl_svg_end(ftl_svg *svg) { fputs("</svg>\n", svg->stream); }

void ftl_svg_group(ftl_svg *svg, const char *label) {
  fputs("<g aria-label=\"", svg->stream);
  put_text(svg->stream, label);
  fputs("\">\n", svg->stream);
}

void ftl_svg_group_clipped(ftl_svg *svg, const char *label, double x, double y, double width, double height) {
  fprintf(svg->stream, "<clipPath id=\"clip%d\">", ++svg->n_clips);
  ftl_svg_rect(svg, x, y, width, height, "#000000", 1, NULL);
  fprintf(svg->stream, "</clipPath>\n<g clip-path=\"url(#clip%d)\" aria-label=\"", svg->n_clips);
  put_text(svg->stream, label);
  fputs("\">\n", svg->stream);
}

void ftl_svg_group_end(ftl_svg *svg) { fputs("</g>\n", svg->stream); }

static void put_stroke(FILE *stream, const ftl_style *style) {
  fprintf(stream, " fill=\"none\" stroke=\"%s\"", style->colour);
  put_attribute(stream, "stroke-width", style->width);
  if (style->dash) fprintf(stream, " stroke-dasharray=\"%s\"", style->dash);
}

void ftl_svg_line(ftl_svg *svg, double x1, double y1, double x2, double y2, const ftl_style *style) {
  fputs("<line", svg->stream);
  put_attribute(svg->stream, "x1", x1);
  put_attribute(svg->stream, "y1", y1);
  put_attribute(svg->stream, "x2", x2);
  put_attribute(svg->stream, "y2", y2);
  put_stroke(svg->stream, style);
  fputs("/>\n", svg->stream);
}

void ftl_svg_polyline(ftl_svg *svg, int n, const double *x, const double *y, const ftl_style *style) {
  fputs("<polyline points=\"", svg->stream);
  for (int k = 0; k < n; k++) {
    if (k) fputc(' ', svg->stream);
    put_number(svg->stream, x[k]);
    fputc(',', svg->stream);
    put_number(svg->stream, y[k]);
  }
  fputc('"', svg->stream);
  put_stroke(svg->stream, style);
  fputs(" stroke-linejoin=\"round\"/>\n", svg->stream);
}

/* Corners in units of the marker's radius, chosen so that all shapes look equally large. */
static void marker_polygon(FILE *stream, double x, double y, double r, ftl_marker marker) {
  static const double square[][2] = {{-.88, -.88}, {.88, -.88}, {.88, .88}, {-.88, .88}};
  static const double diamond[][2] = {{0, -1.25}, {1.25, 0}, {0, 1.25}, {-1.25, 0}};
  static const double triangle[][2] = {{0, -1.3}, {1.2, .8}, {-1.2, .8}};
  const double(*corner)[2] = marker == FTL_SQUARE ? square : marker == FTL_DIAMOND ? diamond : triangle;
  int n = marker == FTL_SQUARE || marker == FTL_DIAMOND ? 4 : 3;
  double turn = marker == FTL_WEDGE ? -r : r;
  fputs("<polygon points=\"", stream);
  for (int k = 0; k < n; k++) {
    if (k) fputc(' ', stream);
    put_number(stream, x + r * corner[k][0]);
    fputc(',', stream);
    put_number(stream, y + turn * corner[k][1]);
  }
  fputs("\"/>\n", stream);
}

void ftl_svg_markers(ftl_svg *svg, int n, const double *x, const double *y, const ftl_style *style) {
  const double r = 3.4;
  fprintf(svg->stream, "<g fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"0.6\">\n", style->colour);
  for (int k = 0; k < n; k++)
    if (style->marker == FTL_CIRCLE) {
      fputs("<circle", svg->stream);
      put_attribute(svg->stream, "cx", x[k]);
      put_attribute(svg->stream, "cy", y[k]);
      put_attribute(svg->stream, "r", r);
      fputs("/>\n", svg->stream);
    } else {
      marker_polygon(svg->stream, x[k], y[k], r, style->marker);
    }
  fputs("</g>\n", svg->stream);
}

void ftl_svg_ring(ftl_svg *svg, double x, double y, double radius, const ftl_style *style) {
  fputs("<circle", svg->stream);
  put_attribute(svg->stream, "cx", x);
  put_attribute(svg->stream, "cy", y);
  put_attribute(svg->stream, "r", radius);
  put_stroke(svg->stream, style);
  fputs("/>\n", svg->stream);
}

void ftl_svg_dots(ftl_svg *svg, int n, const double *x, const double *y, double diameter, const char *colour) {
  if (n == 0) return;
  fputs("<path d=\"", svg->stream);
  for (int k = 0; k < n; k++) {
    fputc('M', svg->stream);
    put_number(svg->stream, x[k]);
    fputc(' ', svg->stream);
    put_number(svg->stream, y[k]);
    fputs("h0", svg->stream);
  }
  fprintf(svg->stream, "\" fill=\"none\" stroke=\"%s\" stroke-linecap=\"round\"", colour);
  put_attribute(svg->stream, "stroke-width", diameter);
  fputs("/>\n", svg->stream);
}

void ftl_svg_rect(ftl_svg *svg, double x, double y, double width, double height, const char *fill, double opacity,
                  const char *stroke) {
  fputs("<rect", svg->stream);
  put_attribute(svg->stream, "x", x);
  put_attribute(svg->stream, "y", y);
  put_attribute(svg->stream, "width", width);
  put_attribute(svg->stream, "height", height);
  fprintf(svg->stream, " fill=\"%s\"", fill ? fill : "none");
  if (opacity < 1) put_attribute(svg->stream, "fill-opacity", opacity);
  if (stroke) fprintf(svg->stream, " stroke=\"%s\"", stroke);
  fputs("/>\n", svg->stream);
}

void ftl_svg_text(ftl_svg *svg, double x, double y, const char *text, const ftl_text *how) {
  static const char *const anchors[] = {"start", "middle", "end"};
  fputs("<text", svg->stream);
  put_attribute(svg->stream, "x", x);
  put_attribute(svg->stream, "y", y);
  put_attribute(svg->stream, "font-size", how->size);
  fprintf(svg->stream, " fill=\"%s\"", how->colour ? how->colour : FTL_INK);
  if (how->anchor != FTL_START) fprintf(svg->stream, " text-anchor=\"%s\"", anchors[how->anchor]);
  if (how->bold) fputs(" font-weight=\"bold\"", svg->stream);
  if (how->upwards) {
    fputs(" transform=\"rotate(-90 ", svg->stream);
    put_number(svg->stream, x);
    fputc(' ', svg->stream);
    put_number(svg->stream, y);
    fputs(")\"", svg->stream);
  }
  fputc('>', svg->stream);
  put_text(svg->stream, text);
  fputs("</text>\n", svg->stream);
}

/* Of the character at p, in units of the font size; wide enough for Helvetica and for DejaVu Sans, in which files are
   shown where there is no Helvetica. */
static double advance(const unsigned char *p) {
  if (*p >= 0xE3 && *p < 0xF0) return 1.05; /* Chinese, Japanese, Korean */
  if (*p >= 0x80) return *p == 0xE2 ? 0.66 : 0.63;
  if (strchr("ijlI.,:;'|!()[] ft", *p)) return 0.38;
  if (strchr("mwMW%@", *p)) return 0.92;
  if (*p >= 'A' && *p <= 'Z') return 0.71;
  return 0.61;
}

double ftl_svg_text_width(const char *text, double size) {
  double width = 0;
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    int n = character(p);
    width += advance(p);
    p += n ? n : 1;
  }
  return width * size;
}

void ftl_svg_shorten(const char *text, double size, double width, char *out, size_t room) {
  static const char ellipsis[] = "\xE2\x80\xA6";
  bool whole = strlen(text) < room && ftl_svg_text_width(text, size) <= width;
  double left = width / size - (whole ? 0 : 0.9);
  size_t used = 0, reserve = whole ? 1 : sizeof ellipsis;
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    int n = character(p);
    size_t bytes = n ? (size_t)n : 1;
    left -= advance(p);
    if (!whole && (left < 0 || used + bytes + reserve > room)) break;
    memcpy(out + used, p, bytes);
    used += bytes;
    p += bytes;
  }
  strcpy(out + used, whole ? "" : ellipsis);
}
