#include "tune/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct {
  int64_t index;
  const char *type;
  int64_t kind;            /* number of the type */
  uint64_t hash;           /* of the structure and the seed; equal for copies */
  double place;            /* in the order, 0 to 1 */
  int64_t copies, of_type; /* structures that are the same, and of this type */
} entry;

/* ---- hashes ---- */

/* splitmix64 */
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static uint64_t add_reals(uint64_t hash, const double *x, size_t n) {
  for (size_t k = 0; k < n; k++) {
    const double value = x[k] + 0; /* -0 is 0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    hash = mix(hash ^ bits);
  }
  return hash;
}

static uint64_t hash_structure(const ftl_structure *s, uint64_t seed) {
  uint64_t hash = mix(seed ^ mix((uint64_t)s->n));
  for (int k = 0; k < 3; k++) hash = mix(hash ^ (uint64_t)(s->pbc[k] != 0));
  for (int i = 0; i < s->n; i++) hash = mix(hash ^ (uint64_t)s->atomic_number[i]);
  hash = add_reals(hash, s->cell[0], 9);
  return s->n > 0 ? add_reals(hash, s->position[0], 3 * (size_t)s->n) : hash;
}

static double uniform(const char *type, uint64_t seed) {
  uint64_t hash = mix(seed + 1);
  for (const char *p = type; *p; p++) hash = mix(hash ^ (uint64_t)(unsigned char)*p);
  return (double)(hash >> 11) * 0x1p-53;
}

/* ---- the order ---- */

static int by_index(const entry *a, const entry *b) { return a->index < b->index ? -1 : a->index > b->index; }

static int by_type(const void *left, const void *right) {
  const entry *a = left, *b = right;
  const int types = strcmp(a->type, b->type);
  if (types != 0) return types;
  return a->hash != b->hash ? (a->hash < b->hash ? -1 : 1) : by_index(a, b);
}

static int by_hash(const void *left, const void *right) {
  const entry *a = left, *b = right;
  return a->hash != b->hash ? (a->hash < b->hash ? -1 : 1) : by_type(left, right);
}

static int by_place(const void *left, const void *right) {
  const entry *a = left, *b = right;
  if (a->place != b->place) return a->place < b->place ? -1 : 1;
  return a->hash != b->hash ? (a->hash < b->hash ? -1 : 1) : by_index(a, b);
}

/* The structures of a type, in the random order of their hashes, are spread evenly over the whole order. */
static void place_type(entry *of_type, int64_t n, uint64_t seed) {
  const double offset = uniform(of_type->type, seed);
  for (int64_t first = 0, next; first < n; first = next) {
    for (next = first; next < n && of_type[next].hash == of_type[first].hash;) next++;
    for (int64_t k = first; k < next; k++) {
      of_type[k].place = ((double)first + offset) / (double)n;
      of_type[k].copies = next - first;
      of_type[k].of_type = n;
    }
  }
}

/* All structures in their order, and how many types there are; the caller frees it. NULL without memory. */
static entry *make_entries(const ftl_dataset *dataset, uint64_t seed, int64_t *n_kinds, ftl_error *error) {
  const int64_t n = dataset->n;
  entry *list = malloc(((size_t)n + 1) * sizeof *list);
  *n_kinds = 0;
  if (!list) {
    ftl_no_memory(error, NULL, "dividing the data set");
    return NULL;
  }
  for (int64_t k = 0; k < n; k++)
    list[k] = (entry){
        .index = k, .type = dataset->structure[k].config_type, .hash = hash_structure(&dataset->structure[k], seed)};
  qsort(list, (size_t)n, sizeof *list, by_hash);
  for (int64_t k = 1; k < n; k++) /* copies under other types go with the first */
    if (list[k].hash == list[k - 1].hash) list[k].type = list[k - 1].type;
  qsort(list, (size_t)n, sizeof *list, by_type);
  for (int64_t first = 0, next; first < n; first = next) {
    for (next = first; next < n && strcmp(list[next].type, list[first].type) == 0;) list[next++].kind = *n_kinds;
    place_type(list + first, next - first, seed);
    ++*n_kinds;
  }
  qsort(list, (size_t)n, sizeof *list, by_place);
  return list;
}

ftl_status ftl_split_order(const ftl_dataset *dataset, uint64_t seed, int64_t *order, ftl_error *error) {
  int64_t n_kinds;
  entry *list = make_entries(dataset, seed, &n_kinds, error);
  if (!list) return FTL_ERR_MEMORY;
  for (int64_t k = 0; k < dataset->n; k++) order[k] = list[k].index;
  free(list);
  return FTL_OK;
}

/* ---- a part of a set ---- */

ftl_status ftl_split_keep(ftl_dataset *dataset, int64_t n, uint64_t seed, const char *key, ftl_error *error) {
  int64_t isolated = 0, kept = 0, n_kinds;
  ftl_dataset rest = {0};
  for (int64_t k = 0; k < dataset->n; k++) isolated += dataset->structure[k].isolated;
  if (n > dataset->n - isolated)
    return ftl_fail(error, FTL_ERR_INPUT, dataset->n_files ? dataset->file[0].path : NULL,
                    "%s is %lld, but there are %lld structures only", key, (long long)n,
                    (long long)(dataset->n - isolated));
  entry *list = make_entries(dataset, seed, &n_kinds, error);
  bool *moved = calloc((size_t)dataset->n + 1, sizeof *moved);
  ftl_status status = list && moved ? FTL_OK : ftl_no_memory(error, NULL, "a part of the set");
  for (int64_t k = 0; !status && k < dataset->n; k++)
    if (!dataset->structure[list[k].index].isolated) moved[list[k].index] = ++kept > n;
  if (!status) status = ftl_dataset_move(dataset, moved, &rest, error);
  ftl_dataset_free(&rest);
  free(list);
  free(moved);
  return status;
}

/* ---- a set to validate on ---- */

/* list[n] in their order; taken[index] are those that are moved. */
typedef struct {
  entry *list;
  int64_t n, wanted, count;
  bool *taken;
  int64_t *has, *left; /* [types] structures that are taken, and different ones (copies count once) that are not */
} draw;

typedef enum { MISSING_TYPES, ALL_TYPES, LAST_ONES } round_kind;

/* Walks through the order and takes whole sets of copies, as long as there is room. */
static void take(draw *d, round_kind round) {
  enum { COMMON = 4 };
  for (int64_t k = 0; k < d->n && d->count < d->wanted; k += d->list[k].copies) {
    const entry *e = &d->list[k];
    if (d->taken[e->index] || d->count + e->copies > d->wanted || d->count + e->copies >= d->n) continue;
    if (round == MISSING_TYPES && (d->has[e->kind] > 0 || e->of_type < COMMON)) continue;
    if (round != LAST_ONES && d->left[e->kind] < 2) continue;
    for (int64_t c = 0; c < e->copies; c++) d->taken[d->list[k + c].index] = true;
    d->has[e->kind] += e->copies;
    d->left[e->kind]--;
    d->count += e->copies;
  }
}

static ftl_status start_draw(const ftl_dataset *dataset, uint64_t seed, int64_t wanted, draw *d, ftl_error *error) {
  int64_t n_kinds;
  *d = (draw){.n = dataset->n, .wanted = wanted, .list = make_entries(dataset, seed, &n_kinds, error)};
  if (!d->list) return FTL_ERR_MEMORY;
  d->taken = calloc((size_t)d->n + 1, sizeof *d->taken);
  d->has = calloc((size_t)n_kinds + 1, sizeof *d->has);
  d->left = calloc((size_t)n_kinds + 1, sizeof *d->left);
  if (!d->taken || !d->has || !d->left) return ftl_no_memory(error, NULL, "dividing the data set");
  for (int64_t k = 0; k < d->n; k += d->list[k].copies) d->left[d->list[k].kind]++;
  return FTL_OK;
}

static void end_draw(draw *d) {
  free(d->list);
  free(d->taken);
  free(d->has);
  free(d->left);
}

static int64_t least_of(int64_t n) {
  const int64_t quarter = n / 4 < FTL_SPLIT_LEAST ? n / 4 : FTL_SPLIT_LEAST;
  return quarter < 1 ? 1 : quarter;
}

ftl_status ftl_split_off(ftl_dataset *dataset, double fraction, uint64_t seed, ftl_dataset *out, char note[300],
                         ftl_error *error) {
  const int64_t n = dataset->n, asked = llround(fraction * (double)n), least = least_of(n);
  draw d;
  ftl_status status = start_draw(dataset, seed, asked < least ? least : asked > n - 1 ? n - 1 : asked, &d, error);
  note[0] = '\0';
  if (!status) take(&d, MISSING_TYPES);
  if (!status) take(&d, ALL_TYPES);
  if (!status && d.count < d.wanted / 2 + d.wanted % 2) take(&d, LAST_ONES); /* mostly types of one structure */
  if (!status) status = ftl_dataset_move(dataset, d.taken, out, error);
  if (!status && asked < least && d.count > asked)
    snprintf(note, 300, "%g of %lld structures would be %lld to validate on; %lld are taken", fraction, (long long)n,
             (long long)asked, (long long)d.count);
  end_draw(&d);
  return status;
}

/* ---- types that are missing ---- */

static int by_name(const void *left, const void *right) { return strcmp(*(char *const *)left, *(char *const *)right); }

/* config_types of all structures, sorted; NULL without memory. */
static char **sorted_types(const ftl_dataset *dataset) {
  char **list = malloc(((size_t)dataset->n + 1) * sizeof *list);
  for (int64_t k = 0; list && k < dataset->n; k++) list[k] = dataset->structure[k].config_type;
  if (list) qsort(list, (size_t)dataset->n, sizeof *list, by_name);
  return list;
}

void ftl_split_lacking(const ftl_dataset *dataset, const ftl_dataset *other, const char *name, char text[500]) {
  char list[360] = "", **own = sorted_types(dataset), **there = sorted_types(other);
  bool more = false;
  int64_t at = 0;
  for (int64_t first = 0, next; own && there && first < dataset->n; first = next) {
    for (next = first; next < dataset->n && strcmp(own[next], own[first]) == 0;) next++;
    while (at < other->n && strcmp(there[at], own[first]) < 0) at++;
    if (at < other->n && strcmp(there[at], own[first]) == 0) continue;
    const size_t used = strlen(list);
    more |= used > 280;
    if (used <= 280)
      snprintf(list + used, sizeof list - used, "%s%.60s (%lld)", used ? ", " : "", own[first],
               (long long)(next - first));
  }
  free(own);
  free(there);
  text[0] = '\0';
  if (*list)
    snprintf(text, 500, "%s has no structure of config_type %s%s: errors on these are not seen", name, list,
             more ? ", ..." : "");
}
