/* The table of tensors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "model/tensors.h"

static void add_sort_find(void **unused) {
  (void)unused;
  ftl_tensors table = {0};
  ftl_error error = {0};
  const float f[6] = {1, 2, 3, 4, 5, 6.5f};
  const int64_t i[1] = {-7}, shape[2] = {2, 3};
  const uint8_t flags[3] = {0, 1, 2};
  const int64_t three = 3;
  assert_int_equal(ftl_tensors_add(&table, "z", FTL_F32, 2, shape, f, true, &error), FTL_OK);
  assert_int_equal(ftl_tensors_add(&table, "a.b", FTL_I64, 0, NULL, i, false, &error), FTL_OK);
  assert_int_equal(ftl_tensors_add(&table, "m", FTL_BOOL, 1, &three, flags, false, &error), FTL_OK);
  assert_int_equal(ftl_tensors_add(&table, "m", FTL_BOOL, 1, &three, flags, false, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "m is there twice"));
  ftl_tensors_sort(&table);
  const ftl_tensor *z = ftl_tensors_find(&table, "z"), *a = ftl_tensors_find(&table, "a.b");
  assert_non_null(z);
  assert_non_null(a);
  assert_null(ftl_tensors_find(&table, "b"));
  assert_null(ftl_tensors_find(&table, ""));
  assert_int_equal(z->count, 6);
  assert_true(z->is_parameter);
  assert_int_equal((uintptr_t)z->data % 8, 0);
  assert_true(ftl_tensor_at(z, 5) == 6.5);
  assert_int_equal(a->count, 1);
  assert_false(a->is_parameter);
  assert_true(ftl_tensor_at(a, 0) == -7);
  assert_true(ftl_tensor_at(ftl_tensors_find(&table, "m"), 1) == 1);
  ftl_tensors_free(&table);
  assert_int_equal(table.n, 0);
  ftl_tensors_free(NULL);
}

static void many_tensors_stay_findable(void **unused) {
  (void)unused;
  ftl_tensors table = {0};
  for (int k = 0; k < 500; k++) {
    char name[16];
    double value = k;
    snprintf(name, sizeof name, "t%d", (k * 37) % 500);
    assert_int_equal(ftl_tensors_add(&table, name, FTL_F64, 0, NULL, &value, false, NULL), FTL_OK);
  }
  ftl_tensors_sort(&table);
  for (int k = 0; k < 500; k++) {
    char name[16];
    snprintf(name, sizeof name, "t%d", (k * 37) % 500);
    assert_true(ftl_tensor_at(ftl_tensors_find(&table, name), 0) == k);
  }
  ftl_tensors_free(&table);
}

static void shapes(void **unused) {
  (void)unused;
  ftl_tensors table = {0};
  const int64_t negative[1] = {-1}, huge[3] = {1 << 20, 1 << 20, 1 << 20}, empty[2] = {4, 0}, nine[9] = {1};
  int64_t count;
  ftl_error error = {0};
  assert_false(ftl_shape_count(1, negative, &count));
  assert_false(ftl_shape_count(3, huge, &count));
  assert_false(ftl_shape_count(9, nine, &count));
  assert_true(ftl_shape_count(2, empty, &count));
  assert_int_equal(count, 0);
  assert_true(ftl_shape_count(0, NULL, &count));
  assert_int_equal(count, 1);
  assert_int_equal(ftl_tensors_add(&table, "huge", FTL_U8, 3, huge, NULL, false, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.message, "huge"));
  ftl_tensors_free(&table);
}

static void dtypes(void **unused) {
  (void)unused;
  static const struct {
    ftl_dtype dtype;
    const char *name;
    size_t size;
  } all[] = {{FTL_F32, "F32", 4}, {FTL_F64, "F64", 8},   {FTL_I32, "I32", 4},
             {FTL_I64, "I64", 8}, {FTL_BOOL, "BOOL", 1}, {FTL_U8, "U8", 1}};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    assert_string_equal(ftl_dtype_name(all[k].dtype), all[k].name);
    assert_int_equal(ftl_dtype_bytes(all[k].dtype), all[k].size);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(add_sort_find),
      cmocka_unit_test(many_tensors_stay_findable),
      cmocka_unit_test(shapes),
      cmocka_unit_test(dtypes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
