/* The ground floor (core/base): the arena stays failed and refuses sizes that cannot be, the array keeps what it had,
   FTL_TRY passes on what fails, the sentence for lack of memory says what for, paths are joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/error.h"
#include "base/path.h"

static const size_t chunks[] = {0, 256};

static void arrays_are_apart_aligned_and_zero(void **state) {
  (void)state;
  for (int c = 0; c < 2; c++) {
    ftl_arena arena = {.chunk = chunks[c]};
    char *taken[40];
    for (int k = 0; k < 40; k++) {
      const size_t n = (size_t)k * 7;
      taken[k] = ftl_arena_take(&arena, n, 1);
      assert_non_null(taken[k]);
      assert_int_equal((uintptr_t)taken[k] % 64, 0);
      for (size_t i = 0; i < n; i++) assert_int_equal(taken[k][i], 0);
      memset(taken[k], k + 1, n);
    }
    for (int k = 0; k < 40; k++)
      for (int i = 0; i < 7 * k; i++) assert_int_equal(taken[k][i], k + 1);
    assert_int_equal(ftl_arena_check(&arena, NULL, "a test"), FTL_OK);
    ftl_arena_free(&arena);
    assert_null(arena.last);
    assert_int_equal(arena.bytes, 0);
  }
}

static void one_piece_after_reset_and_zero_again(void **state) {
  (void)state;
  ftl_arena arena = {.chunk = 256};
  for (int round = 0; round < 3; round++) {
    for (int k = 0; k < 20; k++) {
      unsigned char *taken = ftl_arena_take(&arena, 100, 1);
      for (int i = 0; i < 100; i++) assert_int_equal(taken[i], 0);
      memset(taken, 0xff, 100);
    }
    const size_t bytes = arena.bytes;
    ftl_arena_reset(&arena);
    assert_int_equal(arena.bytes, bytes); /* the same again needs nothing new */
    assert_int_equal(arena.used, 0);
  }
  ftl_arena_free(&arena);
}

static void sizes_that_cannot_be_fail_and_stay_failed(void **state) {
  (void)state;
  const size_t count[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 8 + 2, SIZE_MAX / 64}, size[] = {1, 2, 8, 64};
  for (int k = 0; k < 4; k++) {
    ftl_arena arena = {.chunk = chunks[k % 2]};
    ftl_error error;
    int *first = ftl_arena_take(&arena, 3, sizeof *first);
    assert_non_null(first);
    assert_null(ftl_arena_take(&arena, count[k], size[k]));
    assert_null(ftl_arena_take(&arena, 1, 1)); /* sticky: one test at the end is enough */
    assert_null(ftl_arena_text(&arena, "a"));
    assert_int_equal(ftl_arena_check(&arena, &error, "a test of %d sizes", 4), FTL_ERR_MEMORY);
    assert_string_equal(error.message, "no memory for a test of 4 sizes");
    first[2] = 1; /* what it gave stays */
    ftl_arena_reset(&arena);
    assert_non_null(ftl_arena_take(&arena, 1, 1));
    ftl_arena_free(&arena);
  }
}

static bool nothing_left(void) { return false; }

static void gives_up_when_too_little_is_left(void **state) {
  (void)state;
  ftl_arena arena = {.enough = nothing_left};
  assert_null(ftl_arena_take(&arena, 1, 1));
  assert_true(arena.failed);
  ftl_arena_free(&arena);
}

static void the_array_grows_and_keeps(void **state) {
  (void)state;
  int *item = NULL;
  size_t room = 0;
  for (int n = 0; n < 1000; n++) {
    assert_int_equal(FTL_GROW(item, room, n + 1, "items", NULL), FTL_OK);
    assert_true(room > (size_t)n);
    item[n] = n;
  }
  for (int n = 0; n < 1000; n++) assert_int_equal(item[n], n);
  free(item);
}

static void the_array_refuses_sizes_that_cannot_be(void **state) {
  (void)state;
  const size_t need[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 8, SIZE_MAX / 12};
  double *item = NULL;
  size_t room = 0;
  assert_int_equal(FTL_GROW(item, room, 4, "items", NULL), FTL_OK);
  double *const before = item;
  const size_t room_before = room;
  item[3] = 3;
  for (int k = 0; k < 5; k++) {
    ftl_error error;
    assert_int_equal(FTL_GROW(item, room, need[k], "the items", &error), FTL_ERR_MEMORY);
    assert_non_null(strstr(error.message, "no memory for the items"));
    assert_ptr_equal(item, before);
    assert_int_equal(room, room_before);
  }
  assert_true(item[3] == 3);
  free(item);
}

static ftl_status passes(ftl_status status, int *reached) {
  FTL_TRY(status);
  *reached += 1;
  return FTL_OK;
}

static void try_passes_a_failure_on(void **state) {
  (void)state;
  int reached = 0;
  assert_int_equal(passes(FTL_OK, &reached), FTL_OK);
  assert_int_equal(passes(FTL_ERR_FORMAT, &reached), FTL_ERR_FORMAT);
  assert_int_equal(reached, 1);
}

static void no_memory_says_where_and_what_for(void **state) {
  (void)state;
  ftl_error error;
  assert_int_equal(ftl_no_memory(&error, "a.xyz", "%d atoms", 7), FTL_ERR_MEMORY);
  assert_int_equal(error.code, FTL_ERR_MEMORY);
  assert_string_equal(error.where, "a.xyz");
  assert_string_equal(error.message, "no memory for 7 atoms");
  assert_int_equal(ftl_no_memory(NULL, NULL, "nobody"), FTL_ERR_MEMORY);
}

static void paths_are_joined(void **state) {
  (void)state;
  const char *const beside[][3] = {
      {"run/recipe.yaml", "a.xyz", "run/a.xyz"}, {"recipe.yaml", "a.xyz", "a.xyz"}, {"run/recipe.yaml", "/a", "/a"}};
  char small[6];
  char *path = ftl_path_join("run", "log.csv");
  assert_string_equal(path, "run/log.csv");
  free(path);
  for (int k = 0; k < 3; k++) {
    path = ftl_path_beside(beside[k][0], beside[k][1]);
    assert_string_equal(path, beside[k][2]);
    free(path);
  }
  assert_true(ftl_path_put(small, sizeof small, "ab", "cd"));
  assert_false(ftl_path_put(small, sizeof small, "ab", "cde"));
  assert_string_equal(ftl_path_name("a/b/c"), "c");
  assert_string_equal(ftl_path_name("c"), "c");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arrays_are_apart_aligned_and_zero),
      cmocka_unit_test(one_piece_after_reset_and_zero_again),
      cmocka_unit_test(sizes_that_cannot_be_fail_and_stay_failed),
      cmocka_unit_test(gives_up_when_too_little_is_left),
      cmocka_unit_test(the_array_grows_and_keeps),
      cmocka_unit_test(the_array_refuses_sizes_that_cannot_be),
      cmocka_unit_test(try_passes_a_failure_on),
      cmocka_unit_test(no_memory_says_where_and_what_for),
      cmocka_unit_test(paths_are_joined),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
