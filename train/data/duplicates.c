/* Structures are sorted by what must be equal exactly (a hash of elements and pbc) and then by a number that changes
   smoothly with cell and positions: structures that agree to the tolerance lie within a known window of it, on whatever
   side of a rounding boundary they are, and only those are compared. */
#include "data/duplicates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/same.h"
#include "base/error.h"

/* Labels of one structure that differ by more are of different calculations: eV an atom, eV/Angstrom, eV/Angstrom^3. */
#define OTHER_ENERGY 1e-3
#define OTHER_FORCE  0.05
#define OTHER_STRESS 2e-3

typedef struct {
  const ftl_structure *structure;
  int set;
  int64_t index; /* in its set */
  uint64_t hash;
  double projection, window;
  int64_t group; /* entry (in sorted order) of the first structure that is the same */
  double other;  /* how far its labels are from that one's, in units of the OTHER_... */
} entry;

static int by_projection(const void *left, const void *right) {
  const entry *a = left, *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  if (a->projection != b->projection) return a->projection < b->projection ? -1 : 1;
  if (a->set != b->set) return a->set - b->set;
  return a->index < b->index ? -1 : a->index > b->index;
}

/* The largest difference of labels in units of the OTHER_...; image[i] is the atom of b that is atom i of a. */
static double labels_differ(const ftl_structure *a, const ftl_structure *b, const int *image) {
  const ftl_labels *x = &a->labels, *y = &b->labels;
  double most = 0;
  if (x->has_energy && y->has_energy) most = fabs(x->energy - y->energy) / a->n / OTHER_ENERGY;
  for (int i = 0; i < a->n && x->has_forces && y->has_forces; i++)
    for (int c = 0; c < 3; c++) most = fmax(most, fabs(x->forces[i][c] - y->forces[image[i]][c]) / OTHER_FORCE);
  for (int k = 0; k < 9 && x->has_stress && y->has_stress; k++)
    most = fmax(most, fabs(x->stress[k / 3][k % 3] - y->stress[k / 3][k % 3]) / OTHER_STRESS);
  return most;
}

/* Gives every entry its group. Only the firsts of groups are compared with, so that many copies cost no more. */
static ftl_status group(entry *entries, int64_t n, int64_t *firsts, ftl_error *error) {
  int64_t start = 0, end = 0; /* of the groups that can still be within a window */
  ftl_same_work work = {0};
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < n; k++) {
    entry *e = &entries[k];
    while (start < end &&
           (entries[firsts[start]].hash != e->hash || e->projection - entries[firsts[start]].projection > e->window))
      start++;
    e->group = k;
    for (int64_t f = start; !status && f < end && e->group == k; f++) {
      const ftl_structure *first = entries[firsts[f]].structure;
      bool same;
      status = ftl_same(first, e->structure, &work, &same, error);
      if (status != FTL_OK || !same) continue;
      e->group = firsts[f];
      e->other = labels_differ(first, e->structure, work.image);
    }
    if (e->group == k) firsts[end++] = k;
  }
  ftl_same_work_free(&work);
  return status;
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
      const double other = fmax(entries[k].other, t->member[a]->other); /* from the first of the group */
      pair->relabelled += other > 1;
      if (other > 1 && other > pair->other) {
        pair->other = other;
        pair->worst = t->member[a]->structure;
        pair->worst_twin = entries[k].structure;
      }
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
    status = ftl_no_memory(error, NULL, "the search of duplicates");
    goto done;
  }
  for (int a = 0; a < n_sets; a++)
    for (int64_t s = 0; s < sets[a]->n; s++, k++) {
      entries[k] = (entry){.structure = &sets[a]->structure[s], .set = a, .index = s};
      const ftl_fingerprint print = ftl_same_fingerprint(entries[k].structure);
      entries[k].hash = print.hash;
      entries[k].projection = print.projection;
      entries[k].window = print.window;
    }
  qsort(entries, (size_t)n, sizeof *entries, by_projection);
  status = group(entries, n, firsts, error);
  if (status) goto done;
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
