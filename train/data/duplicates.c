/* Structures are sorted by what must be equal exactly (a hash of atomic numbers and pbc) and then by a random linear
   combination of all coordinates: structures that agree to the tolerance lie within a known window of it, on whatever
   side of a rounding boundary they are, and only those are compared. */
#include "data/duplicates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/error.h"

#define TOLERANCE 1e-6

typedef struct {
  const ftl_structure *structure;
  int set;
  int64_t index; /* in its set */
  uint64_t hash;
  double projection, window;
  int64_t group; /* entry (in sorted order) of the first structure that is the same */
} entry;

/* splitmix64, as a hash of a counter */
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static double coefficient(uint64_t k) { return (double)(mix(k) >> 11) * 0x1p-52 - 1; }

static void describe(entry *e) {
  const ftl_structure *s = e->structure;
  e->hash = mix((uint64_t)s->n);
  for (int k = 0; k < 3; k++) e->hash = mix(e->hash ^ (uint64_t)(s->pbc[k] != 0));
  for (int i = 0; i < s->n; i++) e->hash = mix(e->hash ^ (uint64_t)s->atomic_number[i]);
  double sum = 0, scale = 0, largest = 0;
  uint64_t k = 0;
  for (int i = 0; i < s->n + 3; i++) {
    const double *x = i < s->n ? s->position[i] : s->cell[i - s->n];
    for (int c = 0; c < 3; c++, k++) {
      const double factor = coefficient(k);
      sum += factor * x[c];
      scale += fabs(factor);
      largest = fmax(largest, fabs(x[c]));
    }
  }
  e->projection = sum;
  e->window = scale * (TOLERANCE + 1e-14 * largest); /* and the rounding of the sum */
}

static int by_projection(const void *left, const void *right) {
  const entry *a = left, *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  if (a->projection != b->projection) return a->projection < b->projection ? -1 : 1;
  if (a->set != b->set) return a->set - b->set;
  return a->index < b->index ? -1 : a->index > b->index;
}

static bool close(const double (*a)[3], const double (*b)[3], int rows) {
  for (int i = 0; i < rows; i++)
    for (int c = 0; c < 3; c++)
      if (fabs(a[i][c] - b[i][c]) > TOLERANCE) return false;
  return true;
}

static bool same(const ftl_structure *a, const ftl_structure *b) {
  if (a->n != b->n || memcmp(a->atomic_number, b->atomic_number, (size_t)a->n * sizeof *a->atomic_number) != 0)
    return false;
  for (int k = 0; k < 3; k++)
    if (!a->pbc[k] != !b->pbc[k]) return false;
  return close((const double(*)[3])a->cell, (const double(*)[3])b->cell, 3) &&
         close((const double(*)[3])a->position, (const double(*)[3])b->position, a->n);
}

/* Gives every entry its group. Only the firsts of groups are compared with, so that many copies cost no more. */
static void group(entry *entries, int64_t n, int64_t *firsts) {
  int64_t start = 0, end = 0; /* of the groups that can still be within a window */
  for (int64_t k = 0; k < n; k++) {
    entry *e = &entries[k];
    while (start < end &&
           (entries[firsts[start]].hash != e->hash || e->projection - entries[firsts[start]].projection > e->window))
      start++;
    e->group = k;
    for (int64_t f = start; f < end && e->group == k; f++)
      if (same(entries[firsts[f]].structure, e->structure)) e->group = firsts[f];
    if (e->group == k) firsts[end++] = k;
  }
}

static int by_group(const void *left, const void *right) {
  const entry *a = left, *b = right;
  if (a->group != b->group) return a->group < b->group ? -1 : 1;
  if (a->set != b->set) return a->set - b->set;
  return a->index < b->index ? -1 : a->index > b->index;
}

typedef struct {
  int n_sets;
  ftl_duplicates *pairs;
  int64_t *where;       /* [n_sets][n_sets] index of pairs[][].second in its set */
  const entry **member; /* [n_sets] the first entry of each set in this group, or NULL */
} tally;

/* entries[n] of one group, sorted by set and index. */
static void count(tally *t, const entry *entries, int64_t n) {
  for (int a = 0; a < t->n_sets; a++) t->member[a] = NULL;
  for (int64_t k = 0; k < n; k++) {
    const int b = entries[k].set;
    for (int a = 0; a <= b; a++) {
      ftl_duplicates *pair = &t->pairs[a * t->n_sets + b];
      int64_t *where = &t->where[a * t->n_sets + b];
      if (!t->member[a]) continue;
      if (pair->count++ > 0 && *where <= entries[k].index) continue;
      *where = entries[k].index;
      pair->first = t->member[a]->structure;
      pair->second = entries[k].structure;
    }
    if (!t->member[b]) t->member[b] = &entries[k];
  }
}

ftl_status ftl_duplicates_find(const ftl_dataset *const *sets, int n_sets, ftl_duplicates *pairs, ftl_error *error) {
  int64_t n = 0, k = 0;
  for (int a = 0; a < n_sets; a++) n += sets[a]->n;
  entry *entries = malloc(((size_t)n + 1) * sizeof *entries);
  int64_t *firsts = malloc(((size_t)n + 1) * sizeof *firsts);
  tally t = {.n_sets = n_sets, .pairs = pairs};
  t.where = calloc((size_t)n_sets * (size_t)n_sets + 1, sizeof *t.where);
  t.member = calloc((size_t)n_sets + 1, sizeof *t.member);
  ftl_status status = FTL_OK;
  if (!entries || !firsts || !t.where || !t.member) {
    status = ftl_fail(error, FTL_ERR_MEMORY, NULL, "out of memory for the search of duplicates");
    goto done;
  }
  for (int a = 0; a < n_sets; a++)
    for (int64_t s = 0; s < sets[a]->n; s++, k++) {
      entries[k] = (entry){.structure = &sets[a]->structure[s], .set = a, .index = s};
      describe(&entries[k]);
    }
  qsort(entries, (size_t)n, sizeof *entries, by_projection);
  group(entries, n, firsts);
  qsort(entries, (size_t)n, sizeof *entries, by_group);
  for (int64_t first = 0, next; first < n; first = next) {
    for (next = first + 1; next < n && entries[next].group == entries[first].group;) next++;
    count(&t, entries + first, next - first);
  }
done:
  free(entries);
  free(firsts);
  free(t.where);
  free(t.member);
  return status;
}
