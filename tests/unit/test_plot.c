/* Scales and ticks of plots, thinning of points, CSV tables, text that must stay valid XML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plot/parity.h"
#include "plot/table.h"

static ftl_scale scale_of(ftl_scale_kind kind, int n, const double *values) {
  ftl_range range = {0};
  for (int k = 0; k < n; k++) ftl_range_add(&range, values[k]);
  return ftl_scale_over(&range, kind);
}

/* Labels of a scale, joined by blanks; ticks without label as dots. */
static const char *labels(ftl_scale_kind kind, double lo, double hi, int wanted) {
  static char text[4096];
  const ftl_scale scale = {kind, lo, hi};
  ftl_tick tick[FTL_MAX_TICKS];
  int n = ftl_scale_ticks(&scale, wanted, tick);
  *text = 0;
  for (int k = 0; k < n; k++) {
    assert_true(tick[k].value >= lo - 1e-9 * (hi - lo) && tick[k].value <= hi + 1e-9 * (hi - lo));
    if (k) assert_true(tick[k].value > tick[k - 1].value);
    if (*tick[k].label) strcat(strcat(text, *text ? " " : ""), tick[k].label);
    else strcat(text, ".");
  }
  return text;
}

static void linear_ticks(void **unused) {
  (void)unused;
  assert_string_equal(labels(FTL_LINEAR, 0, 1, 5), "0 0.2 0.4 0.6 0.8 1.0");
  assert_string_equal(labels(FTL_LINEAR, 0, 1, 4), "0 0.5 1.0");
  assert_string_equal(labels(FTL_LINEAR, -3.11, -2.99, 6),
                      "\u22123.10 \u22123.08 \u22123.06 \u22123.04 \u22123.02 \u22123.00");
  assert_string_equal(labels(FTL_LINEAR, -12, 31, 5), "\u221210 0 10 20 30");
  assert_string_equal(labels(FTL_LINEAR, 0, 4.1e7, 5), "0 10\u2077 2\u00d710\u2077 3\u00d710\u2077 4\u00d710\u2077");
  assert_string_equal(labels(FTL_WHOLE, 0, 3, 10), "0 1 2 3");
  assert_string_equal(labels(FTL_WHOLE, 0.5, 1.5, 10), "1");
  assert_string_equal(labels(FTL_WHOLE, 0, 5000, 10), "0 500 1000 1500 2000 2500 3000 3500 4000 4500 5000");
}

static void logarithmic_ticks(void **unused) {
  (void)unused;
  assert_string_equal(labels(FTL_LOG, 0.5, 2000, 6), "..... 1........ 10........ 100........ 1000.");
  assert_string_equal(labels(FTL_LOG, 1.5, 60, 6), "2.. 5.... 10 20.. 50.");
  assert_string_equal(labels(FTL_LOG, 6, 9, 4), "6 7 8 9");
  /* many powers: only some, and no ticks between */
  assert_string_equal(labels(FTL_LOG, 1e-9, 1e9, 4), "10\u207b\u2075 1 10\u2075");
  assert_string_equal(labels(FTL_LOG, 0.9e-6, 1.1e-4, 5),
                      ". 10\u207b\u2076........ 10\u207b\u2075........ 10\u207b\u2074");
}

static void scales(void **unused) {
  (void)unused;
  const double some[] = {3, NAN, 1, INFINITY, 2}, odd[] = {-5, 0, 10, 1000}, one[] = {7}, none[] = {0};
  ftl_scale s = scale_of(FTL_LINEAR, 5, some);
  assert_true(s.lo < 1 && s.lo > 0.8 && s.hi > 3 && s.hi < 3.2);
  assert_float_equal(ftl_scale_place(&s, 2), 0.5, 1e-12);
  s = scale_of(FTL_LOG, 4, odd); /* from the least positive number on */
  assert_true(s.kind == FTL_LOG && s.lo < 10 && s.lo > 5 && s.hi > 1000 && s.hi < 2000);
  assert_float_equal(ftl_scale_place(&s, 100), 0.5, 1e-12);
  assert_true(isnan(ftl_scale_place(&s, 0)) && isnan(ftl_scale_place(&s, -1)) && isnan(ftl_scale_place(&s, NAN)));
  s = scale_of(FTL_LOG, 1, one);
  assert_float_equal(ftl_scale_place(&s, 7), 0.5, 1e-12);
  assert_int_equal(scale_of(FTL_LOG, 1, none).kind, FTL_LINEAR);
  s = scale_of(FTL_BARS, 5, some);
  assert_true(s.lo == 0 && s.hi > 3);
  s = scale_of(FTL_WHOLE, 5, some);
  assert_true(s.lo == 1 && s.hi == 3);
}

/* Whatever the numbers are, there are ticks, in order, inside, and places are finite. */
static void hard_ranges(void **unused) {
  (void)unused;
  static const double ends[][2] = {{0, 0},           {1, 1},           {-3.7e5, -3.7e5}, {1, 1 + 1e-15},
                                   {-1e308, 1e308},  {5e-324, 5e-324}, {1e-300, 1e300},  {-1e-320, 1e-320},
                                   {1e15, 1e15 + 2}, {0, 1e-200},      {1e307, 1.7e308}};
  for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
    for (ftl_scale_kind kind = FTL_LINEAR; kind <= FTL_BARS; kind++)
      for (int length = 1; length <= 1000; length *= 10)
        for (int upright = 0; upright < 2; upright++) {
          ftl_scale s = scale_of(kind, 2, ends[k]);
          ftl_tick tick[FTL_MAX_TICKS];
          assert_true(isfinite(s.lo) && isfinite(s.hi) && s.lo < s.hi);
          int n = ftl_scale_ticks_fit(&s, length, 11, upright, tick);
          assert_in_range(n, 0, FTL_MAX_TICKS);
          for (int t = 0; t < n; t++) {
            double place = ftl_scale_place(&s, tick[t].value);
            if (!(place > -1e-6 && place < 1 + 1e-6))
              fail_msg("%g to %g, kind %d: tick %.17g at %g", s.lo, s.hi, (int)s.kind, tick[t].value, place);
            assert_true(strlen(tick[t].label) < sizeof tick[t].label - 1);
          }
        }
}

static void labels_do_not_touch(void **unused) {
  (void)unused;
  static const ftl_scale cases[] = {{FTL_LINEAR, -3652.12345, -3652.12305},
                                    {FTL_LOG, 0.00012, 0.0091},
                                    {FTL_LOG, 1, 1e12},
                                    {FTL_LINEAR, 0, 7e9},
                                    {FTL_WHOLE, 0, 123456},
                                    {FTL_LOG, 6.1e-7, 9.3e-7}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    for (double length = 80; length < 900; length += 7) {
      ftl_tick tick[FTL_MAX_TICKS];
      int n = ftl_scale_ticks_fit(&cases[c], length, 11, false, tick), shown = 0;
      double end = -1e9;
      for (int k = 0; k < n; k++) {
        if (!*tick[k].label) continue;
        double at = length * ftl_scale_place(&cases[c], tick[k].value);
        double half = ftl_svg_text_width(tick[k].label, 11) / 2;
        if (at - half <= end) fail_msg("case %zu, %g pixels: '%s' touches its neighbour", c, length, tick[k].label);
        end = at + half;
        shown++;
      }
      if (length > 250) assert_true(shown >= 2);
    }
}

static void three_digits(void **unused) {
  (void)unused;
  static const struct {
    double value;
    const char *text;
  } cases[] = {{0, "0"},
               {13.44, "13.4"},
               {2060, "2060"},
               {9.999, "10.0"},
               {0.0123, "0.0123"},
               {-0.5, "\u22120.500"},
               {123456, "123000"},
               {1.234e-7, "1.23\u00d710\u207b\u2077"},
               {NAN, "\u2013"},
               {INFINITY, "infinite"},
               {4.5e12, "4.50\u00d710\u00b9\u00b2"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    char text[40];
    ftl_scale_format(cases[k].value, text, sizeof text);
    assert_string_equal(text, cases[k].text);
  }
}

static void dots_stand_for_all_points(void **unused) {
  (void)unused;
  enum { N = 20000 };
  static double reference[N], prediction[N];
  ftl_pairs pairs = {.reference = reference, .prediction = prediction, .n = N, .room = N};
  for (int k = 0; k < N; k++) {
    reference[k] = (k * 7919 % N) / (double)N;
    prediction[k] = (k * 104729 % N) / (double)N;
  }
  prediction[5] = 40; /* an outlier must be among the dots, exactly */
  for (int k = 0; k < N; k++) {
    ftl_range_add(&pairs.range, reference[k]);
    ftl_range_add(&pairs.range, prediction[k]);
  }
  const ftl_scale scale = ftl_scale_over(&pairs.range, FTL_LINEAR);
  const ftl_axes axes = {.x = 10, .y = 20, .width = 300, .height = 300, .across = scale, .up = scale};
  ftl_dots dots;
  assert_true(ftl_dots_make(&pairs, &axes, 500, &dots));
  assert_in_range(dots.n, 10, 500);
  assert_int_equal(dots.begin[0], 0);
  assert_int_equal(dots.begin[FTL_N_SHADES], dots.n);
  bool found = false;
  for (int k = 0; k < dots.n; k++) {
    assert_true(dots.x[k] > 10 && dots.x[k] < 310 && dots.y[k] > 20 && dots.y[k] < 320);
    found = found || (fabs(dots.x[k] - ftl_axes_x(&axes, reference[5])) < 1e-9 &&
                      fabs(dots.y[k] - ftl_axes_y(&axes, 40)) < 1e-9);
  }
  assert_true(found);
  ftl_dots_free(&dots);
  int64_t count[3];
  prediction[5] = reference[5];
  pairs.n = 6;
  for (int k = 0; k < 5; k++) prediction[k] = reference[k] + (const double[]){-9, -0.9, 0, 0.2, 9}[k];
  ftl_pairs_histogram(&pairs, 1, 3, count);
  assert_int_equal(count[0], 2);
  assert_int_equal(count[1], 3);
  assert_int_equal(count[2], 1);
  ftl_pair_errors errors = ftl_pairs_errors(&pairs);
  assert_float_equal(errors.rmse, sqrt((81 + 0.81 + 0.04 + 81) / 6), 1e-12);
  assert_float_equal(errors.mae, (9 + 0.9 + 0.2 + 9) / 6, 1e-12);
  assert_float_equal(errors.largest, 9, 1e-12);
}

static void text_is_xml(void **unused) {
  (void)unused;
  char *text = NULL, shorter[24];
  size_t size;
  ftl_svg svg;
  FILE *stream = open_memstream(&text, &size);
  const ftl_text how = {12, FTL_START, NULL, false, false};
  ftl_svg_begin(&svg, stream, 10, 10, "<a&b>");
  ftl_svg_text(&svg, 1.005, -0.001, "\x01\xff\xc3\xa5\xed\xa0\x80\"", &how);
  ftl_svg_end(&svg);
  fclose(stream);
  assert_non_null(strstr(text, "<title>&lt;a&amp;b&gt;</title>"));
  assert_non_null(strstr(text, ">\uFFFD\uFFFD\u00e5\uFFFD\uFFFD\uFFFD&quot;</text>"));
  assert_non_null(strstr(text, "y=\"0\"")); /* not -0 */
  free(text);
  /* cut between characters, never inside one */
  ftl_svg_shorten("\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5", 10, 1e6,
                  shorter, sizeof shorter);
  assert_string_equal(shorter, "\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u00e5\u2026");
  ftl_svg_shorten("abcdefghij", 10, 40, shorter, sizeof shorter);
  assert_true(strlen(shorter) < 10 && strncmp(shorter, "abc", 3) == 0 && strstr(shorter, "\u2026"));
  ftl_svg_shorten("abc", 10, 40, shorter, sizeof shorter);
  assert_string_equal(shorter, "abc");
}

static char path[] = "/tmp/frozentl-plot-XXXXXX";

static ftl_table *open_text(const char *text, size_t length, ftl_error *error) {
  ftl_table *table;
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fwrite(text, 1, length, file);
  fclose(file);
  ftl_table_open(path, &table, error);
  return table;
}

static void tables(void **unused) {
  (void)unused;
  static const char text[] = "\xEF\xBB\xBF"
                             "a,\"b,\"\"c\",d\r\n1,\"two\nlines, \"\"x\"\"\",\n\n-2e3,,0x10\n3,,"; /* no line end */
  ftl_error error = {0};
  ftl_table *table = open_text(text, sizeof text - 1, &error);
  bool end;
  double value;
  assert_non_null(table);
  assert_int_equal(ftl_table_find(table, "b,\"c"), 1);
  assert_int_equal(ftl_table_find(table, "e"), -1);
  assert_int_equal(ftl_table_next(table, &end, &error), FTL_OK);
  assert_string_equal(ftl_table_text(table, 1), "two\nlines, \"x\"");
  assert_int_equal(ftl_table_number(table, 2, false, &value, &error), FTL_OK);
  assert_true(isnan(value));
  assert_int_equal(ftl_table_value(table, 2, &value, &error), FTL_ERR_FORMAT);
  assert_non_null(strstr(error.where, ", line 2"));
  assert_int_equal(ftl_table_next(table, &end, &error), FTL_OK);
  assert_int_equal(ftl_table_value(table, 0, &value, &error), FTL_OK);
  assert_true(value == -2000);
  ftl_table_fail(table, &error, "x");
  assert_non_null(strstr(error.where, ", line 5"));
  assert_int_equal(ftl_table_next(table, &end, &error), FTL_OK);
  assert_false(end);
  assert_int_equal(ftl_table_next(table, &end, &error), FTL_OK);
  assert_true(end);
  ftl_table_close(table);
}

static void bad_tables(void **unused) {
  (void)unused;
  static const struct {
    const char *text, *line, *words;
  } cases[] = {{"", "", "it is empty"},
               {"\n\n", "", "it is empty"},
               {"a,a\n", "line 1", "two columns are named 'a'"},
               {"a,b\n1,2\n1\n", "line 3", "1 cells"},
               {"a,b\n1,2,3\n", "line 2", "3 cells"},
               {"a,b\n1,\"2\n", "line 2", "never closed"},
               {"a,b\n\"1\"x,2\n", "line 2", "after a closing quote"},
               {"a,b\n1\r2,3\n", "line 2", "carriage return"},
               {"a,b\nx,2\n", "line 2", "column 'a' has 'x'"},
               {"a,b\n1e,2\n", "line 2", "column 'a' has '1e'"},
               {"a,b\nnan,2\n", "line 2", "only finite"},
               {"a,b\n1e999,2\n", "line 2", "only finite"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    ftl_error error = {0};
    bool end = false;
    double value;
    ftl_table *table = open_text(cases[k].text, strlen(cases[k].text), &error);
    while (table && !end && error.code == FTL_OK)
      if (ftl_table_next(table, &end, &error) == FTL_OK && !end) ftl_table_value(table, 0, &value, &error);
    if (error.code != FTL_ERR_FORMAT) fail_msg("\"%s\" was accepted", cases[k].text);
    if (!strstr(error.message, cases[k].words)) fail_msg("\"%s\" is not in \"%s\"", cases[k].words, error.message);
    if (!strstr(error.where, cases[k].line)) fail_msg("\"%s\" is not in \"%s\"", cases[k].line, error.where);
    ftl_table_close(table);
  }
  ftl_error error = {0};
  assert_null(open_text("a\0b\n", 4, &error));
  assert_non_null(strstr(error.message, "byte 0"));
  char *long_line = malloc(3 << 20);
  assert_non_null(long_line);
  memset(long_line, 'a', 3 << 20);
  assert_null(open_text(long_line, 3 << 20, &error));
  assert_non_null(strstr(error.message, "longer than 1 MB"));
  memset(long_line, ',', 3 << 20);
  assert_null(open_text(long_line, 3 << 20, &error));
  assert_non_null(strstr(error.message, "more than 1000 cells"));
  free(long_line);
}

static int make_file(void **unused) {
  (void)unused;
  int descriptor = mkstemp(path);
  return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_file(void **unused) {
  (void)unused;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear_ticks),
      cmocka_unit_test(logarithmic_ticks),
      cmocka_unit_test(scales),
      cmocka_unit_test(hard_ranges),
      cmocka_unit_test(three_digits),
      cmocka_unit_test(dots_stand_for_all_points),
      cmocka_unit_test(labels_do_not_touch),
      cmocka_unit_test(text_is_xml),
      cmocka_unit_test(tables),
      cmocka_unit_test(bad_tables),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
