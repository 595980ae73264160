#include "plot/scale.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot/svg.h"

#define MINUS "\xE2\x88\x92"

void ftl_range_add(ftl_range *range, double value) {
  if (!isfinite(value)) return;
  if (range->n == 0 || value < range->lo) range->lo = value;
  if (range->n == 0 || value > range->hi) range->hi = value;
  if (value > 0 && (range->n_positive == 0 || value < range->least)) range->least = value;
  if (value > 0 && range->n_positive < INT_MAX) range->n_positive++;
  if (range->n < INT_MAX) range->n++;
}

ftl_scale ftl_scale_over(const ftl_range *range, ftl_scale_kind kind) {
  const double most = 1e300; /* so that hi - lo is finite */
  ftl_scale scale = {kind, 0, 1};
  if (kind == FTL_LOG && range->n_positive == 0) scale.kind = FTL_LINEAR;
  if (range->n == 0) return scale;
  double lo = fmax(-most, fmin(most, range->lo)), hi = fmax(-most, fmin(most, range->hi));
  if (scale.kind == FTL_LOG) {
    lo = fmax(1e-300, fmin(most, range->least));
    hi = fmax(hi, lo);
    double span = log10(hi) - log10(lo), margin = span > 0 ? fmax(0.06 * span, 0.02) : 0.3;
    scale.lo = fmax(1e-300, pow(10, log10(lo) - margin));
    scale.hi = fmin(most, pow(10, log10(hi) + margin));
    return scale;
  }
  if (scale.kind == FTL_BARS) {
    scale.hi = hi > 1e-300 ? 1.05 * hi : 1;
    return scale;
  }
  /* steps far below the numbers themselves cannot be told apart by their labels */
  double size = fmax(fabs(lo), fabs(hi)), least = fmax(1e-9 * size, 1e-290);
  double margin = scale.kind == FTL_WHOLE ? 0 : 0.05 * (hi - lo);
  if (lo == hi && scale.kind == FTL_WHOLE) margin = fmax(0.5, least);
  else if (lo == hi) margin = size > 0 ? fmax(0.1 * size, least) : 1;
  else if (hi - lo < least) margin = least;
  scale.lo = lo - margin;
  scale.hi = hi + margin;
  return scale;
}

double ftl_scale_place(const ftl_scale *scale, double value) {
  if (!isfinite(value)) return NAN;
  if (scale->kind != FTL_LOG) return (value - scale->lo) / (scale->hi - scale->lo);
  if (value <= 0) return NAN;
  return (log10(value) - log10(scale->lo)) / (log10(scale->hi) - log10(scale->lo));
}

/* text of a power of ten: "10⁻⁷" */
static void format_power(int exponent, char *text, size_t room) {
  static const char *const digit[] = {"\xE2\x81\xB0", "\xC2\xB9",     "\xC2\xB2",     "\xC2\xB3",     "\xE2\x81\xB4",
                                      "\xE2\x81\xB5", "\xE2\x81\xB6", "\xE2\x81\xB7", "\xE2\x81\xB8", "\xE2\x81\xB9"};
  char plain[16];
  snprintf(plain, sizeof plain, "%d", abs(exponent));
  size_t used = (size_t)snprintf(text, room, "10%s", exponent < 0 ? "\xE2\x81\xBB" : "");
  for (const char *p = plain; *p && used < room; p++)
    used += (size_t)snprintf(text + used, room - used, "%s", digit[*p - '0']);
}

/* value with `decimals` behind the point, or with a power of ten if `exponent` is not 0: of the value / 10^exponent. */
static void format_value(double value, int decimals, int exponent, char *text, size_t room) {
  char power[40] = "", plain[64];
  if (exponent != 0) {
    format_power(exponent, power, sizeof power);
    value /= pow(10, exponent);
  }
  snprintf(plain, sizeof plain, "%.*f", decimals, fabs(value));
  bool zero = strspn(plain, "0.") == strlen(plain), one = exponent != 0 && strcmp(plain, "1") == 0;
  if (zero) snprintf(text, room, "0");
  else if (one) snprintf(text, room, "%s%s", value < 0 ? MINUS : "", power);
  else snprintf(text, room, "%s%s%s%s", value < 0 ? MINUS : "", plain, exponent != 0 ? "\xC3\x97" : "", power);
}

void ftl_scale_format(double value, char *text, int room) {
  if (!isfinite(value)) {
    snprintf(text, (size_t)room, isnan(value) ? "\xE2\x80\x93" : "infinite");
    return;
  }
  char rounded[32]; /* rounding may reach the next power of ten: 9.999 is 10.0 */
  snprintf(rounded, sizeof rounded, "%.2e", value);
  double number = strtod(rounded, NULL);
  int exponent = number == 0 ? 0 : atoi(strchr(rounded, 'e') + 1);
  if (exponent < -3 || exponent > 5) format_value(number, 2, exponent, text, (size_t)room);
  else format_value(number, exponent > 2 ? 0 : 2 - exponent, 0, text, (size_t)room);
}

static int ticks_linear(const ftl_scale *scale, int wanted, ftl_tick *tick) {
  double span = scale->hi - scale->lo, size = fmax(fabs(scale->lo), fabs(scale->hi));
  int exponent = (int)floor(log10(span / wanted));
  static const int steps[] = {1, 2, 5, 10};
  double step = 0;
  int k = 0;
  do step = steps[k] * pow(10, exponent);
  while (++k < 4 && span / step > wanted);
  if (k == 4) exponent++; /* the step is 10 */
  if (scale->kind == FTL_WHOLE && step < 1) {
    step = 1;
    exponent = 0;
  }
  int decimals = exponent < 0 ? -exponent : 0, power = 0;
  if (size >= 1e6 || decimals > 6) {
    power = (int)floor(log10(size));
    decimals = power - exponent > 0 ? power - exponent : 0;
  }
  int n = 0;
  double first = ceil(scale->lo / step - 1e-9), last = floor(scale->hi / step + 1e-9);
  for (double at = first; at <= last && n < FTL_MAX_TICKS; at++) {
    tick[n].value = at * step;
    tick[n].major = false;
    format_value(tick[n].value, decimals, power, tick[n].label, sizeof tick[n].label);
    n++;
  }
  return n;
}

static int ticks_log(const ftl_scale *scale, int wanted, ftl_tick *tick) {
  int first = (int)floor(log10(scale->lo)), last = (int)ceil(log10(scale->hi));
  int powers = 0, ones = 0;
  for (int e = first; e <= last; e++)
    for (int m = 1; m <= 5; m += m == 1 ? 1 : 3) {
      double value = m * pow(10, e);
      if (value < scale->lo || value > scale->hi) continue;
      powers += m == 1;
      ones++;
    }
  if (ones < 3) {
    ftl_scale linear = *scale;
    linear.kind = FTL_LINEAR;
    return ticks_linear(&linear, wanted, tick);
  }
  int stride = (powers + wanted - 1) / wanted, n = 0;
  const bool between = last - first <= 9;      /* else only powers of ten */
  const bool plain = first >= -5 && last <= 6; /* all labels of a scale alike */
  for (int e = first; e <= last; e++)
    for (int m = 1; m <= (between ? 9 : 1) && n < FTL_MAX_TICKS; m++) {
      double value = m * pow(10, e);
      if (value < scale->lo || value > scale->hi || (!between && e % stride != 0)) continue;
      bool labelled = m == 1 ? e % stride == 0 : powers < 3 && (m == 2 || m == 5);
      tick[n].value = value;
      tick[n].major = m == 1;
      tick[n].label[0] = 0;
      if (labelled) format_value(value, plain && e < 0 ? -e : 0, plain ? 0 : e, tick[n].label, sizeof tick[n].label);
      n++;
    }
  return n;
}

int ftl_scale_ticks(const ftl_scale *scale, int wanted, ftl_tick tick[FTL_MAX_TICKS]) {
  if (wanted < 1) wanted = 1;
  return scale->kind == FTL_LOG ? ticks_log(scale, wanted, tick) : ticks_linear(scale, wanted, tick);
}

static double label_length(const ftl_tick *tick, double size, bool upright) {
  return upright ? 1.3 * size : ftl_svg_text_width(tick->label, size) + 0.7 * size;
}

static bool touch(const ftl_scale *scale, double length, double size, bool upright, const ftl_tick *a,
                  const ftl_tick *b) {
  double distance = length * fabs(ftl_scale_place(scale, a->value) - ftl_scale_place(scale, b->value));
  return *a->label && *b->label && distance < (label_length(a, size, upright) + label_length(b, size, upright)) / 2;
}

/* Takes labels away where they touch: a power of ten stays rather than what is near it, else the first one. */
static void thin_labels(const ftl_scale *scale, double length, double size, bool upright, int n, ftl_tick *tick) {
  for (int major = 1; major >= 0; major--)
    for (int k = 0; k < n; k++)
      for (int other = 0; other < n && tick[k].major == (major == 1); other++) {
        bool later = tick[other].major == tick[k].major ? other < k : tick[other].major;
        if (later && touch(scale, length, size, upright, &tick[k], &tick[other])) tick[k].label[0] = 0;
      }
}

int ftl_scale_ticks_fit(const ftl_scale *scale, double length, double size, bool upright,
                        ftl_tick tick[FTL_MAX_TICKS]) {
  const int most = (int)fmax(1, length / (upright ? 34 : 55));
  bool fits = false, powers = false;
  int n = 0;
  for (int wanted = most; wanted >= 1 && !fits && !powers; wanted--) {
    n = ftl_scale_ticks(scale, wanted, tick);
    fits = n > 1;
    for (int k = 1; k < n; k++) fits = fits && !touch(scale, length, size, upright, &tick[k - 1], &tick[k]);
    for (int k = 0; k < n; k++) powers = powers || tick[k].major;
  }
  if (!fits) {
    n = ftl_scale_ticks(scale, most, tick);
    thin_labels(scale, length, size, upright, n, tick);
  }
  if (powers) thin_labels(scale, length, size, upright, n, tick);
  return n;
}
