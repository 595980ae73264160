/* Ranges of numbers, scales from numbers to places, and where their ticks are. */
#ifndef FTL_SCALE_H
#define FTL_SCALE_H

#include <stdbool.h>

/* Smallest and largest of the finite numbers added. Zero-initialise. */
typedef struct {
  int n;          /* numbers added, up to INT_MAX */
  double lo, hi;  /* of all of them */
  int n_positive; /* those above zero, */
  double least;   /* and the smallest of these */
} ftl_range;

void ftl_range_add(ftl_range *range, double value); /* a value that is not finite is left out */

typedef enum {
  FTL_LINEAR,
  FTL_LOG,
  FTL_WHOLE, /* linear, for counts: ticks at whole numbers, no margin */
  FTL_BARS   /* linear, from zero */
} ftl_scale_kind;

typedef struct {
  ftl_scale_kind kind;
  double lo, hi; /* finite, lo < hi; above zero for FTL_LOG */
} ftl_scale;

/* A scale that shows the range with a small margin. An empty or one-point range gives a usable scale too; FTL_LOG
   without a positive number becomes FTL_LINEAR. */
ftl_scale ftl_scale_over(const ftl_range *range, ftl_scale_kind kind);
/* 0 at lo, 1 at hi; NAN for a value that has no place (not finite, or not positive on FTL_LOG). */
double ftl_scale_place(const ftl_scale *scale, double value);

#define FTL_MAX_TICKS 96
typedef struct {
  double value;
  bool major;     /* of a logarithmic scale: a power of ten */
  char label[32]; /* UTF-8; "" for a tick without label */
} ftl_tick;

/* Ticks within the scale in rising order, about `wanted` labels apart from those between powers of ten; returns how
   many. Steps are 1, 2 or 5 times a power of ten. A logarithmic scale is labelled at powers of ten, with fewer than
   three of these also at 2 and 5 times, and below that as a linear one. */
int ftl_scale_ticks(const ftl_scale *scale, int wanted, ftl_tick tick[FTL_MAX_TICKS]);
/* Ticks for an axis of `length` pixels, whose labels (font size `size`) do not touch, side by side or, if upright, one
   above the other. */
int ftl_scale_ticks_fit(const ftl_scale *scale, double length, double size, bool upright, ftl_tick tick[FTL_MAX_TICKS]);

/* value with three significant digits, as people write it ("0.0123", "13.4", "2060", "1.2×10⁻⁷"). */
void ftl_scale_format(double value, char *text, int room);

#endif
