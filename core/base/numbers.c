#include "base/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ftl_parse_real(const char *text, double *value) {
  /* strtod also takes hexadecimal numbers, "nan" and "infinity", and leading spaces: none is a number of a data file */
  if (!*text || text[strspn(text, "0123456789+-.eE")]) return false;
  char *end;
  *value = strtod(text, &end);
  return end != text && !*end && isfinite(*value);
}

void ftl_format_real(double value, char text[32]) {
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, 32, "%.*g", digits, value);
    if (strtod(text, NULL) == value) return;
  }
}
