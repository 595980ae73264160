/* Linked cells over explicit periodic images.

   1. ftl_box_make  completes the periodic vectors to a basis, so that every structure has fractional coordinates
   2. wrap          atoms into the cell, and the range of fractional coordinates that they occupy
   3. make_images   copies of the atoms that are within the cutoff of that range, atoms themselves included
   4. sort_images   counting sort into bins of half a cutoff; a row of bins along the third axis is contiguous
   5. search        per receiver: filter the rows that the cutoff reaches, then compute the vectors of what is left

   An image carries its lattice shift T, and the vector is (x_j - x_i) + T: negating T and exchanging i and j negates
   it exactly, which makes the list symmetric to the bit. The position x_j + T only serves the filter. */
#include "neighbour/neighbours.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "neighbour/box.h"

#define IMAGES_PER_ATOM 32 /* bounds of what is worth answering, see the header */
#define IMAGES_ALWAYS   1e6
#define EDGES_PER_ATOM  2000
#define EDGES_ALWAYS    10000000
#define BINS_PER_CUTOFF 2
#define BINS_ALWAYS     (1 << 18)
#define MARGIN          1e-9 /* relative widening of filters that work on rounded numbers */

struct ftl_image {
  int atom;
  double shift[3];
};

/* Bins of the images in fractional coordinates: `count` of them from `origin`, `per_width` to a unit. */
typedef struct {
  int count[3];
  double origin[3], per_width[3];
} bins;

/* One of a set of buffers that grow together. */
typedef struct {
  void *buffer; /* address of the pointer */
  size_t bytes; /* of one element */
} growing;

/* Makes room for `need` elements in each buffer, and for half as many again. Contents are lost unless `keep`. */
static ftl_status grow(size_t *room, size_t need, const growing *set, int n_set, bool keep, ftl_error *error) {
  if (need <= *room) return FTL_OK;
  size_t target = need + need / 2;
  for (int k = 0; k < n_set; k++) {
    void *old, *fresh;
    memcpy(&old, set[k].buffer, sizeof old);
    if (keep) {
      fresh = realloc(old, target * set[k].bytes);
    } else {
      free(old);
      fresh = malloc(target * set[k].bytes);
    }
    if (!fresh) {
      if (!keep) memcpy(set[k].buffer, &fresh, sizeof fresh);
      *room = 0; /* some buffers are smaller than others now */
      return ftl_no_memory(error, NULL, "a neighbour list of %zu elements", target);
    }
    memcpy(set[k].buffer, &fresh, sizeof fresh);
  }
  *room = target;
  return FTL_OK;
}

#define GROWING(pointer)                                                                                               \
  { &(pointer), sizeof *(pointer) }

/* ---- 2. wrap ---- */

static ftl_status wrap(ftl_neighbours *list, int n, const double (*positions)[3], ftl_box *b, ftl_error *error) {
  const growing set[] = {GROWING(list->first_edge), GROWING(list->wrapped), GROWING(list->fractional),
                         GROWING(list->home)};
  FTL_TRY(grow(&list->atom_room, (size_t)n + 1, set, 4, false, error));
  for (int a = 0; a < 3; a++) {
    b->low[a] = INFINITY;
    b->high[a] = -INFINITY;
  }
  for (int i = 0; i < n; i++) {
    double *x = list->wrapped[i], *s = list->fractional[i];
    for (int k = 0; k < 3; k++) {
      x[k] = positions[i][k];
      if (!(fabs(x[k]) <= FTL_MAX_POSITION))
        return ftl_fail(error, FTL_ERR_INPUT, NULL,
                        "atom %d (counting from 0) is at (%g %g %g): a position must be finite and below %g Angstrom",
                        i, positions[i][0], positions[i][1], positions[i][2], FTL_MAX_POSITION);
    }
    for (int a = 0; a < 3; a++) {
      if (!b->periodic[a]) continue;
      double turns = floor(ftl_dot(positions[i], b->dual[a]));
      if (turns != 0)
        for (int k = 0; k < 3; k++) x[k] -= turns * b->vector[a][k];
    }
    for (int a = 0; a < 3; a++) {
      s[a] = ftl_dot(x, b->dual[a]);
      if (s[a] < b->low[a]) b->low[a] = s[a];
      if (s[a] > b->high[a]) b->high[a] = s[a];
    }
  }
  return FTL_OK;
}

/* ---- 3. images ---- */

/* The lattice steps that bring coordinate s, along axis a, within reach of the occupied box. */
static void steps(const ftl_box *b, int a, double s, double *first, double *last) {
  double reach = b->reach[a] * (1 + MARGIN) + MARGIN;
  *first = b->periodic[a] ? ceil(b->low[a] - reach - s) : 0;
  *last = b->periodic[a] ? floor(b->high[a] + reach - s) : 0;
}

static ftl_status make_images(ftl_neighbours *list, int n, const ftl_box *b, int *n_images, ftl_error *error) {
  double total = 0, limit = IMAGES_ALWAYS + (double)IMAGES_PER_ATOM * n, first[3], last[3];
  for (int i = 0; i < n; i++) {
    double product = 1;
    for (int a = 0; a < 3; a++) {
      steps(b, a, list->fractional[i][a], &first[a], &last[a]);
      product *= last[a] - first[a] + 1;
    }
    total += product;
  }
  if (limit > INT32_MAX) limit = INT32_MAX;
  if (!(total <= limit))
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "%d atoms have %.3g periodic images within the cutoff of %g Angstrom: the cell is too small or too "
                    "flat; check its units",
                    n, total, b->cutoff);
  const growing set[] = {GROWING(list->image),       GROWING(list->image_bin), GROWING(list->image_atom),
                         GROWING(list->image_shift), GROWING(list->image_x),   GROWING(list->image_y),
                         GROWING(list->image_z)};
  FTL_TRY(grow(&list->image_room, (size_t)total, set, 7, false, error));

  int m = 0;
  for (int i = 0; i < n; i++) {
    for (int a = 0; a < 3; a++) steps(b, a, list->fractional[i][a], &first[a], &last[a]);
    for (double u = first[0]; u <= last[0]; u++)
      for (double v = first[1]; v <= last[1]; v++)
        for (double w = first[2]; w <= last[2]; w++) {
          if (u == 0 && v == 0 && w == 0) list->home[i] = m; /* sort_images turns it into the sorted place */
          list->image[m].atom = i;
          for (int k = 0; k < 3; k++)
            list->image[m].shift[k] = u * b->vector[0][k] + v * b->vector[1][k] + w * b->vector[2][k];
          m++;
        }
  }
  *n_images = m;
  return FTL_OK;
}

/* ---- 4. bins ---- */

static int bin_of(const bins *g, int a, double s) {
  double t = floor((s - g->origin[a]) * g->per_width[a]);
  if (!(t > 0)) return 0;
  return t < g->count[a] - 1 ? (int)t : g->count[a] - 1;
}

/* Bins of 1/BINS_PER_CUTOFF of the cutoff; wider where sparse structures would need many more bins than atoms. */
static void bins_make(bins *g, const ftl_box *b, int n_images) {
  double count[3], limit = fmin(4.0 * n_images + BINS_ALWAYS, INT32_MAX - 2);
  for (int a = 0; a < 3; a++) {
    double margin = b->periodic[a] ? b->reach[a] : 0;
    g->origin[a] = b->low[a] - margin;
    count[a] = fmax(1, ceil((b->high[a] - b->low[a] + 2 * margin) / b->reach[a] * BINS_PER_CUTOFF));
  }
  while (count[0] * count[1] * count[2] > limit) {
    int widest = count[0] >= count[1] ? 0 : 1;
    if (count[2] > count[widest]) widest = 2;
    count[widest] = ceil(count[widest] / 2);
  }
  for (int a = 0; a < 3; a++) {
    double span = b->high[a] + (b->periodic[a] ? b->reach[a] : 0) - g->origin[a];
    g->count[a] = (int)count[a];
    g->per_width[a] = span > 0 ? count[a] / span : 0;
  }
}

static ftl_status sort_images(ftl_neighbours *list, int n, int n_images, const ftl_box *b, bins *g, ftl_error *error) {
  bins_make(g, b, n_images);
  size_t n_bins = (size_t)g->count[0] * (size_t)g->count[1] * (size_t)g->count[2];
  const growing set[] = {GROWING(list->bin_start)};
  FTL_TRY(grow(&list->bin_room, n_bins + 2, set, 1, false, error));

  /* bin_start[k + 2] first counts bin k, then becomes its start at [k + 1], and at [k] once the images have moved. */
  int *start = list->bin_start;
  memset(start, 0, (n_bins + 2) * sizeof *start);
  for (int m = 0; m < n_images; m++) {
    const struct ftl_image *image = &list->image[m];
    double x[3];
    int at[3];
    for (int k = 0; k < 3; k++) x[k] = list->wrapped[image->atom][k] + image->shift[k];
    for (int a = 0; a < 3; a++) at[a] = bin_of(g, a, ftl_dot(x, b->dual[a]));
    int bin = (at[0] * g->count[1] + at[1]) * g->count[2] + at[2];
    list->image_bin[m] = bin;
    start[bin + 2]++;
  }
  for (size_t k = 2; k < n_bins + 2; k++) start[k] += start[k - 1];
  for (int m = 0; m < n_images; m++) {
    const struct ftl_image *image = &list->image[m];
    const double *x = list->wrapped[image->atom];
    int place = start[list->image_bin[m] + 1]++;
    list->image_atom[place] = image->atom;
    memcpy(list->image_shift[place], image->shift, sizeof image->shift);
    list->image_x[place] = x[0] + image->shift[0];
    list->image_y[place] = x[1] + image->shift[1];
    list->image_z[place] = x[2] + image->shift[2];
    if (list->home[image->atom] == m) list->image_bin[m] = -1 - place;
  }
  for (int i = 0; i < n; i++) list->home[i] = -1 - list->image_bin[list->home[i]];
  return FTL_OK;
}

/* ---- 5. search ---- */

/* Images within the cutoff of atom i, as indices of the sorted images: a superset by rounding. */
static ftl_status filter(ftl_neighbours *list, int i, const ftl_box *b, const bins *g, int *n_hits, ftl_error *error) {
  const double *s = list->fractional[i], *centre = list->wrapped[i];
  const double limit = b->cutoff * b->cutoff * (1 + MARGIN);
  int first[3], last[3], count = 0;
  for (int a = 0; a < 3; a++) {
    double reach = b->reach[a] * (1 + MARGIN) + MARGIN;
    first[a] = bin_of(g, a, s[a] - reach);
    last[a] = bin_of(g, a, s[a] + reach);
  }
  for (int u = first[0]; u <= last[0]; u++)
    for (int v = first[1]; v <= last[1]; v++) {
      const int *row = list->bin_start + (size_t)(u * g->count[1] + v) * (size_t)g->count[2];
      int begin = row[first[2]], end = row[last[2] + 1];
      const growing set[] = {GROWING(list->hit)};
      FTL_TRY(grow(&list->hit_room, (size_t)(count + end - begin), set, 1, true, error));
      for (int m = begin; m < end; m++) {
        double x = list->image_x[m] - centre[0], y = list->image_y[m] - centre[1], z = list->image_z[m] - centre[2];
        list->hit[count] = m;
        count += x * x + y * y + z * z < limit; /* no branch: it would be mispredicted once per edge */
      }
    }
  *n_hits = count;
  return FTL_OK;
}

/* Numbers the images: atoms keep their numbers, the rest follow. */
static ftl_status number_images(ftl_neighbours *list, int n, int n_images, ftl_error *error) {
  const growing set[] = {GROWING(list->position), GROWING(list->node)};
  FTL_TRY(grow(&list->position_room, (size_t)n_images, set, 2, false, error));
  list->n_atoms = n;
  for (int m = 0; m < n_images; m++) {
    int j = list->image_atom[m], number = m == list->home[j] ? j : list->n_atoms++;
    list->image_bin[m] = number;
    list->node[number] = j;
    for (int k = 0; k < 3; k++) list->position[number][k] = list->wrapped[j][k] + list->image_shift[m][k];
  }
  return FTL_OK;
}

/* Gives back what doubling took too much of: on a large structure the list of edges is the largest of all buffers. */
static void trim_edges(ftl_neighbours *list) {
  size_t room = (size_t)list->n_edges + (size_t)list->n_edges / 16 + 1;
  if (room >= list->edge_room) return;
  int *sender = realloc(list->sender, room * sizeof *sender);
  if (!sender) return;
  list->sender = sender;
  list->edge_room = room;
}

static ftl_status search(ftl_neighbours *list, int n, const ftl_box *b, const bins *g, bool images, ftl_error *error) {
  const double square = b->cutoff * b->cutoff;
  int64_t n_edges = 0;
  for (int i = 0; i < n; i++) {
    int n_hits;
    FTL_TRY(filter(list, i, b, g, &n_hits, error));
    const growing senders[] = {GROWING(list->sender)}, vectors[] = {GROWING(list->vector)};
    FTL_TRY(grow(&list->edge_room, (size_t)(n_edges + n_hits), senders, 1, true, error));
    if (!images) FTL_TRY(grow(&list->vector_room, (size_t)(n_edges + n_hits), vectors, 1, true, error));

    list->first_edge[i] = n_edges;
    const double *centre = list->wrapped[i];
    for (int h = 0; h < n_hits; h++) {
      int m = list->hit[h], j = list->image_atom[m];
      if (m == list->home[i]) continue;
      double r[3];
      for (int k = 0; k < 3; k++) r[k] = (list->wrapped[j][k] - centre[k]) + list->image_shift[m][k];
      double distance2 = ftl_dot(r, r);
      if (!(distance2 < square)) continue;
      if (distance2 < FTL_MIN_DISTANCE * FTL_MIN_DISTANCE) {
        if (i == j)
          return ftl_fail(error, FTL_ERR_INPUT, NULL,
                          "atom %d (counting from 0) is in the place of its own periodic image: the cell is too small",
                          i);
        return ftl_fail(error, FTL_ERR_INPUT, NULL, "atoms %d and %d (counting from 0) are in one place", i, j);
      }
      list->sender[n_edges] = images ? list->image_bin[m] : j;
      if (!images) memcpy(list->vector[n_edges], r, sizeof r);
      n_edges++;
    }
    if (n_edges > EDGES_ALWAYS && n_edges / EDGES_PER_ATOM > n)
      return ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "more than %d neighbours per atom within %g Angstrom: check the units of positions and cell",
                      EDGES_PER_ATOM, b->cutoff);
  }
  list->first_edge[n] = n_edges;
  list->n_edges = n_edges;
  if (images) trim_edges(list);
  return FTL_OK;
}

static ftl_status build(ftl_neighbours *list, int n, const double (*positions)[3], const double (*cell)[3],
                        const int pbc[3], double cutoff, bool images, ftl_error *error) {
  if (!list || n < 0 || (n > 0 && !positions))
    return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "ftl_neighbours_build needs a list and %d positions", n);
  if (!(cutoff > 0 && cutoff < FTL_MAX_POSITION))
    return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "the cutoff of a neighbour list is %g: not a positive length",
                    cutoff);
  list->n_edges = 0;
  list->n_atoms = 0;
  ftl_box b;
  bins g;
  int n_images = 0;
  ftl_status status = ftl_box_make(&b, cell, pbc, cutoff, error);
  if (status == FTL_OK) status = wrap(list, n, positions, &b, error);
  if (status == FTL_OK && n == 0) {
    list->first_edge[0] = 0;
    return FTL_OK;
  }
  if (status == FTL_OK) status = make_images(list, n, &b, &n_images, error);
  if (status == FTL_OK) status = sort_images(list, n, n_images, &b, &g, error);
  if (status == FTL_OK && images) status = number_images(list, n, n_images, error);
  if (status == FTL_OK) status = search(list, n, &b, &g, images, error);
  return status;
}

ftl_status ftl_neighbours_build(ftl_neighbours *list, int n, const double (*positions)[3], const double (*cell)[3],
                                const int pbc[3], double cutoff, ftl_error *error) {
  return build(list, n, positions, cell, pbc, cutoff, false, error);
}

ftl_status ftl_neighbours_build_images(ftl_neighbours *list, int n, const double (*positions)[3],
                                       const double (*cell)[3], const int pbc[3], double cutoff, ftl_error *error) {
  return build(list, n, positions, cell, pbc, cutoff, true, error);
}

ftl_graph ftl_neighbours_graph(const ftl_neighbours *list, int n, const int *species) {
  return (ftl_graph){.n_local = n,
                     .n_total = n,
                     .species = species,
                     .first_edge = list->first_edge,
                     .sender = list->sender,
                     .position = (const double(*)[3])list->position,
                     .n_atoms = list->n_atoms,
                     .node = list->node};
}

void ftl_neighbours_free(ftl_neighbours *list) {
  if (!list) return;
  void *buffers[] = {list->first_edge, list->sender,  list->vector,    list->wrapped,    list->fractional,
                     list->home,       list->image,   list->image_bin, list->image_atom, list->image_shift,
                     list->image_x,    list->image_y, list->image_z,   list->bin_start,  list->hit,
                     list->position,   list->node};
  for (size_t k = 0; k < sizeof buffers / sizeof *buffers; k++) free(buffers[k]);
  memset(list, 0, sizeof *list);
}

size_t ftl_neighbours_bytes(const ftl_neighbours *list) {
  const size_t per_atom =
      sizeof *list->first_edge + sizeof *list->wrapped + sizeof *list->fractional + sizeof *list->home;
  const size_t per_image = sizeof *list->image + sizeof *list->image_bin + sizeof *list->image_atom +
                           sizeof *list->image_shift + 3 * sizeof *list->image_x;
  return list->atom_room * per_atom + list->edge_room * sizeof *list->sender +
         list->vector_room * sizeof *list->vector +
         list->position_room * (sizeof *list->position + sizeof *list->node) + list->image_room * per_image +
         list->bin_room * sizeof *list->bin_start + list->hit_room * sizeof *list->hit;
}
