/* Parts of a data set: of every size, mix of types and order of the file they are fair, nested, reproducible, and
   copies of a structure do not get onto both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tune/split.h"

enum { MOST_TYPES = 8 };

/* So many structures of each type, "a", "b", ...; each is there `copies` times. Sorted by type, as files often are. */
typedef struct {
  const char *what;
  int n[MOST_TYPES], copies, isolated;
} mix;

static const mix mixes[] = {
    {"one type", {40}, 1, 0},
    {"one large, one small, one single", {200, 12, 1}, 1, 3},
    {"equal types", {25, 25, 25, 25}, 1, 0},
    {"every structure its own type", {1, 1, 1, 1, 1, 1, 1, 1}, 1, 1},
    {"few", {5, 4}, 1, 0},
    {"two", {2}, 1, 0},
    {"pairs of copies", {30, 8}, 2, 0},
};
enum { N_MIXES = sizeof mixes / sizeof *mixes };

static void add(ftl_dataset *set, const char *type, double number, bool isolated) {
  ftl_structure *s = &set->structure[set->n++];
  *s = (ftl_structure){.n = 1, .isolated = isolated, .config_type = strdup(type), .path = strdup("some.xyz")};
  s->atomic_number = malloc(sizeof *s->atomic_number);
  s->position = calloc(1, sizeof *s->position);
  s->atomic_number[0] = 29;
  s->position[0][0] = number;
}

static double number_of(const ftl_dataset *set, int64_t k) { return set->structure[k].position[0][0]; }

static ftl_dataset make(const mix *m) {
  ftl_dataset set = {0};
  int number = 0;
  set.room = 4000;
  set.structure = calloc(set.room, sizeof *set.structure);
  for (int t = 0; t < MOST_TYPES; t++)
    for (int k = 0; k < m->n[t]; k++, number++)
      for (int c = 0; c < m->copies; c++) add(&set, (char[2]){(char)('a' + t), 0}, number, false);
  for (int k = 0; k < m->isolated; k++) add(&set, "IsolatedAtom", 1e6 + k, true);
  return set;
}

static void shuffle(ftl_dataset *set, uint64_t seed) {
  ftl_random random;
  ftl_random_seed(&random, seed);
  for (int64_t k = set->n - 1; k > 0; k--) {
    const int64_t other = ftl_random_below(&random, k + 1);
    const ftl_structure swap = set->structure[k];
    set->structure[k] = set->structure[other];
    set->structure[other] = swap;
  }
}

static int count(const ftl_dataset *set, int type) {
  int n = 0;
  for (int64_t k = 0; k < set->n; k++) n += set->structure[k].config_type[0] == 'a' + type;
  return n;
}

static bool has(const ftl_dataset *set, double number) {
  for (int64_t k = 0; k < set->n; k++)
    if (number_of(set, k) == number) return true;
  return false;
}

static bool same_numbers(const ftl_dataset *a, const ftl_dataset *b) {
  if (a->n != b->n) return false;
  for (int64_t k = 0; k < a->n; k++)
    if (!has(b, number_of(a, k))) return false;
  return true;
}

static ftl_dataset off(const mix *m, double fraction, uint64_t seed, uint64_t order, ftl_dataset *rest) {
  char note[300];
  ftl_dataset out = {0};
  *rest = make(m);
  ftl_dataset_remove_isolated(rest);
  if (order) shuffle(rest, order);
  assert_int_equal(ftl_split_off(rest, fraction, seed, &out, note, NULL), FTL_OK);
  return out;
}

static void keep(const mix *m, int64_t n, uint64_t seed, uint64_t order, ftl_dataset *set) {
  *set = make(m);
  if (order) shuffle(set, order);
  assert_int_equal(ftl_split_keep(set, n, seed, "frames", NULL), FTL_OK);
}

/* Guards validation sets: size, types, copies, and that neither the order of the file nor anything but the seed counts.
 */
static void what_is_split_off_is_fair(void **unused) {
  (void)unused;
  const double fractions[] = {1e-6, 0.05, 0.1, 0.3, 0.9};
  for (int m = 0; m < N_MIXES; m++)
    for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++)
      for (uint64_t seed = 1; seed < 6; seed++) {
        ftl_dataset rest, rest2, out = off(&mixes[m], fractions[f], seed, 0, &rest),
                                 out2 = off(&mixes[m], fractions[f], seed, seed + 7, &rest2);
        const int64_t n = out.n + rest.n, copies = mixes[m].copies;
        const int64_t least = n / 4 < 4 ? (n / 4 < 1 ? 1 : n / 4) : 4;
        if (rest.n < 1 || out.n < least - (copies - 1) ||
            (double)out.n > fractions[f] * (double)n + 0.5 + (double)least)
          fail_msg("%s: %g of %d is %d", mixes[m].what, fractions[f], (int)n, (int)out.n);
        assert_true(same_numbers(&out, &out2));
        assert_true(same_numbers(&rest, &rest2));
        for (int64_t k = 0; k < out.n; k++) assert_false(has(&rest, number_of(&out, k)));
        for (int t = 0; t < MOST_TYPES; t++) {
          const int here = count(&out, t), all = here + count(&rest, t);
          const bool many = mixes[m].n[1] && mixes[m].n[0] == 1; /* every structure its own type */
          if (all > 0 && !many) assert_true(count(&rest, t) > 0);
          /* in proportion, give or take a structure for each type that must be there */
          if (!many &&
              (here - fractions[f] * all > 4 * (double)copies || fractions[f] * all - here > 4 * (double)copies))
            fail_msg("%s: %d of %d for %g", mixes[m].what, here, all, fractions[f]);
          if (all >= 8 * copies && fractions[f] >= 0.05 && n > 100) assert_true(here > 0);
        }
        ftl_dataset_free(&out);
        ftl_dataset_free(&out2);
        ftl_dataset_free(&rest);
        ftl_dataset_free(&rest2);
      }
}

/* Guards learning curves: the larger part contains the smaller, in proportion, whatever the order of the file; isolated
   atoms are no part of it and stay. */
static void what_is_kept_is_nested(void **unused) {
  (void)unused;
  for (int m = 0; m < N_MIXES; m++)
    for (uint64_t seed = 1; seed < 4; seed++) {
      ftl_dataset all = make(&mixes[m]), last = {0}, kept, other;
      const int64_t n = all.n - mixes[m].isolated;
      for (int64_t k = 1; k <= n; k += 1 + n / 9) {
        keep(&mixes[m], k, seed, 0, &kept);
        keep(&mixes[m], k, seed, 11, &other);
        assert_int_equal(kept.n, k + mixes[m].isolated);
        assert_true(same_numbers(&kept, &other));
        for (int64_t i = 0; i < last.n; i++) assert_true(has(&kept, number_of(&last, i)));
        for (int t = 0; t < MOST_TYPES; t++) {
          const double share = (double)k * count(&all, t) / (double)n, here = count(&kept, t);
          if (here - share > MOST_TYPES || share - here > MOST_TYPES)
            fail_msg("%s: %g of type %d in %d, not %g", mixes[m].what, here, t, (int)k, share);
        }
        ftl_dataset_free(&last);
        ftl_dataset_free(&other);
        last = kept;
      }
      ftl_dataset_free(&last);
      ftl_dataset_free(&all);
    }
}

/* Guards the seed: another one draws others. */
static void seeds_differ(void **unused) {
  (void)unused;
  ftl_dataset rest, rest2, one = off(&mixes[0], 0.3, 1, 0, &rest), two = off(&mixes[0], 0.3, 2, 0, &rest2);
  assert_false(same_numbers(&one, &two));
  ftl_dataset_free(&one);
  ftl_dataset_free(&two);
  ftl_dataset_free(&rest);
  ftl_dataset_free(&rest2);
}

/* Guards what is said: too few, nothing to split, types that are missing. */
static void limits_are_told(void **unused) {
  (void)unused;
  ftl_error error = {0};
  ftl_dataset set = make(&mixes[1]), out = {0};
  char note[300], text[500];
  assert_int_equal(ftl_split_keep(&set, 214, 1, "frames", &error), FTL_ERR_INPUT);
  assert_non_null(strstr(error.message, "frames is 214, but there are 213"));
  ftl_dataset_remove_isolated(&set);
  assert_int_equal(ftl_split_off(&set, 0.001, 1, &out, note, NULL), FTL_OK);
  assert_non_null(strstr(note, "0.001 of 213 structures would be 0"));
  assert_int_equal(out.n, 4);
  ftl_split_lacking(&set, &out, "valid", text);
  assert_non_null(strstr(text, "valid has no structure of config_type c (1)"));
  ftl_split_lacking(&set, &set, "valid", text);
  assert_string_equal(text, "");
  ftl_dataset_free(&set);
  ftl_dataset_free(&out);
  for (int copies = 1; copies < 30; copies += 9) {
    const mix same = {"copies of one", {1}, copies, 0};
    ftl_dataset rest;
    out = off(&same, 0.5, 1, 0, &rest);
    assert_int_equal(out.n, 0);
    assert_int_equal(rest.n, copies);
    ftl_dataset_free(&rest);
    ftl_dataset_free(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_split_off_is_fair),
      cmocka_unit_test(what_is_kept_is_nested),
      cmocka_unit_test(seeds_differ),
      cmocka_unit_test(limits_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
