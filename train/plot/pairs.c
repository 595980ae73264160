#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot/parity.h"

ftl_pair_errors ftl_pairs_errors(const ftl_pairs *pairs) {
  double square = 0, absolute = 0, largest = 0;
  for (int64_t k = 0; k < pairs->n; k++) {
    double e = pairs->prediction[k] - pairs->reference[k];
    square += e * e;
    absolute += fabs(e);
    largest = fmax(largest, fabs(e));
  }
  if (pairs->n == 0) return (ftl_pair_errors){NAN, NAN, NAN};
  return (ftl_pair_errors){sqrt(square / (double)pairs->n), absolute / (double)pairs->n, largest};
}

void ftl_pairs_histogram(const ftl_pairs *pairs, double reach, int n, int64_t *count) {
  memset(count, 0, sizeof *count * (size_t)n);
  for (int64_t k = 0; k < pairs->n; k++) {
    double place = ((pairs->prediction[k] - pairs->reference[k]) / reach + 1) / 2 * n;
    count[place >= n ? n - 1 : place > 0 ? (int)place : 0]++;
  }
}

typedef struct {
  int64_t n;
  double x, y; /* sums */
} cell;

static int shade_of(int64_t n) { return n < 2 ? 0 : n < 5 ? 1 : n < 20 ? 2 : n < 100 ? 3 : 4; }

/* Fills the grid; returns how many cells have something. */
static int fill(const ftl_pairs *pairs, const ftl_axes *axes, double size, int columns, int rows, cell *grid) {
  int occupied = 0;
  memset(grid, 0, sizeof *grid * (size_t)columns * (size_t)rows);
  for (int64_t k = 0; k < pairs->n; k++) {
    double x = ftl_axes_x(axes, pairs->reference[k]), y = ftl_axes_y(axes, pairs->prediction[k]);
    if (!(x >= axes->x && x <= axes->x + axes->width && y >= axes->y && y <= axes->y + axes->height)) continue;
    int i = (int)((x - axes->x) / size), j = (int)((y - axes->y) / size);
    cell *c = &grid[(size_t)j * (size_t)columns + (size_t)i];
    occupied += c->n++ == 0;
    c->x += x;
    c->y += y;
  }
  return occupied;
}

bool ftl_dots_make(const ftl_pairs *pairs, const ftl_axes *axes, int most, ftl_dots *dots) {
  double size = 0.8;
  *dots = (ftl_dots){0};
  int columns = (int)(axes->width / size) + 1, rows = (int)(axes->height / size) + 1;
  cell *grid = malloc(sizeof *grid * (size_t)columns * (size_t)rows);
  if (!grid) return false;
  while ((dots->n = fill(pairs, axes, size, columns, rows, grid)) > most) {
    size *= 1.25;
    columns = (int)(axes->width / size) + 1;
    rows = (int)(axes->height / size) + 1;
  }
  dots->x = malloc(sizeof *dots->x * 2 * (size_t)(dots->n ? dots->n : 1));
  dots->y = dots->x + dots->n;
  int n = 0;
  for (int shade = 0; dots->x && shade < FTL_N_SHADES; shade++) {
    dots->begin[shade] = n;
    for (int k = 0; k < columns * rows; k++) {
      if (grid[k].n == 0 || shade_of(grid[k].n) != shade) continue;
      dots->x[n] = grid[k].x / (double)grid[k].n;
      dots->y[n++] = grid[k].y / (double)grid[k].n;
    }
  }
  dots->begin[FTL_N_SHADES] = n;
  free(grid);
  return dots->x != NULL;
}

void ftl_dots_free(ftl_dots *dots) { free(dots->x); }
