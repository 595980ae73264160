/* Irreps as text, and the paths of the convolution's tensor product. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "model/architecture.h"

static ftl_irreps parse(const char *text) {
  ftl_irreps irreps;
  ftl_error error = {0};
  if (ftl_irreps_parse(text, &irreps, &error)) fail_msg("%s", error.message);
  return irreps;
}

static void text_round_trip(void **unused) {
  (void)unused;
  static const char *const cases[][2] = {
      {"128x0e+128x1o", "128x0e+128x1o"}, {" 4x0e + 2 x 1o ", "4x0e+2x1o"}, {"0e+3x2e+1o", "1x0e+3x2e+1x1o"}, {"", ""}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_irreps irreps = parse(cases[k][0]);
    char text[64];
    assert_true(ftl_irreps_format(&irreps, text, sizeof text));
    assert_string_equal(text, cases[k][1]);
  }
}

static void wrong_text_is_refused(void **unused) {
  (void)unused;
  static const char *const cases[] = {"x",      "4x",   "4x0",   "4x0e+",    "4x0e 4x1o",
                                      "-1x0e",  "4x0f", "4x99e", "+4x0e",    "99999999999x0e",
                                      "4x0e+,", "4xe",  "4x0e4", "four x 0e"};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_irreps irreps;
    ftl_error error = {0};
    assert_int_equal(ftl_irreps_parse(cases[k], &irreps, &error), FTL_ERR_FORMAT);
    assert_non_null(strstr(error.message, cases[k]));
  }
}

static void too_many_blocks_are_refused(void **unused) {
  (void)unused;
  char text[(FTL_MAX_BLOCKS + 1) * 3 + 1] = "0e";
  ftl_irreps irreps;
  for (int k = 0; k < FTL_MAX_BLOCKS - 1; k++) strcat(text, "+0e");
  assert_int_equal(ftl_irreps_parse(text, &irreps, NULL), FTL_OK);
  assert_int_equal(irreps.n, FTL_MAX_BLOCKS);
  strcat(text, "+0e");
  assert_int_equal(ftl_irreps_parse(text, &irreps, NULL), FTL_ERR_FORMAT);
}

static void sizes(void **unused) {
  (void)unused;
  ftl_irreps a = parse("4x0e+3x1o+2x2e+5x0e"), b = parse("4x0e+3x1o+2x2e+5x0e"), c = parse("4x0e+3x1e+2x2e+5x0e");
  char text[8];
  assert_int_equal(ftl_irreps_dim(&a), 4 + 9 + 10 + 5);
  assert_int_equal(ftl_irreps_count(&a, 0, 1), 9);
  assert_int_equal(ftl_irreps_count(&a, 0, -1), 0);
  assert_int_equal(ftl_irreps_count(&a, 1, -1), 3);
  assert_true(ftl_irreps_equal(&a, &b));
  assert_false(ftl_irreps_equal(&a, &c));
  assert_false(ftl_irreps_format(&a, text, sizeof text));
}

static void check_paths(const char *edge, const char *sh, const char *target, const char *mid, const char *pairs) {
  ftl_irreps e = parse(edge), s = parse(sh), t = parse(target);
  ftl_conv_paths paths;
  char text[1024], list[1024] = "";
  assert_int_equal(ftl_conv_paths_make(&e, &s, &t, &paths, NULL), FTL_OK);
  assert_true(ftl_irreps_format(&paths.mid, text, sizeof text));
  assert_string_equal(text, mid);
  for (int k = 0; k < paths.n; k++) {
    char one[16];
    snprintf(one, sizeof one, "%d%d ", paths.path[k].in1, paths.path[k].in2);
    strcat(list, one);
  }
  assert_string_equal(list, pairs);
}

/* Expected values: mace-torch 0.3.16, conv_tp.instructions. */
static void paths_of_mace(void **unused) {
  (void)unused;
  check_paths("8x0e", "1x0e+1x1o+1x2e", "8x0e+8x1o+8x2e", "8x0e+8x1o+8x2e", "00 01 02 ");
  check_paths("64x0e+64x1o", "1x0e+1x1o+1x2e+1x3o", "64x0e+64x1o+64x2e+64x3o",
              "64x0e+64x0e+64x1o+64x1o+64x1o+64x2e+64x2e+64x2e+64x3o+64x3o", "00 11 01 10 12 02 11 13 03 12 ");
  /* unequal multiplicities: each path has that of its sender's block */
  check_paths("10x0e+6x1o", "1x0e+1x1o", "5x0e+5x1o", "10x0e+6x0e+10x1o+6x1o", "00 11 01 10 ");
  /* e3nn sorts odd before even at equal l */
  check_paths("2x0e+3x1o", "1x0e+1x1o", "2x0e+2x1e+2x1o", "2x0e+3x0e+2x1o+3x1o+3x1e", "00 11 01 10 11 ");
}

static void too_many_paths_are_refused(void **unused) {
  (void)unused;
  ftl_irreps many = {0}, sh = parse("1x0e+1x1o"), target = parse("1x0e");
  ftl_conv_paths paths;
  for (many.n = 0; many.n < FTL_MAX_BLOCKS; many.n++) many.block[many.n] = (ftl_irrep){1, 0, 1};
  assert_int_equal(ftl_conv_paths_make(&many, &sh, &target, &paths, NULL), FTL_OK);
  target = parse("1x0e+1x1o");
  assert_int_equal(ftl_conv_paths_make(&many, &sh, &target, &paths, NULL), FTL_ERR_UNSUPPORTED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_round_trip), cmocka_unit_test(wrong_text_is_refused),
      cmocka_unit_test(sizes),           cmocka_unit_test(too_many_blocks_are_refused),
      cmocka_unit_test(paths_of_mace),   cmocka_unit_test(too_many_paths_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
