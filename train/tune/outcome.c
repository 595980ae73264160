#include "tune/outcome.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name, *unit;
  double least; /* smallest difference that counts */
} kinds[FTL_OUTCOME_KINDS] = {{"energy", "meV/atom", 1e-4}, {"forces", "meV/A", 1e-3}, {"stress", "meV/A^3", 5e-5}};

void ftl_outcome_start(ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS], double loss, double second_loss) {
  *outcome = (ftl_outcome){.first_loss = {loss, second_loss}};
  memcpy(outcome->first, errors, sizeof outcome->first);
}

static bool is_worse(const ftl_outcome *outcome, int k, double error, double factor) {
  return error > factor * outcome->first[k] && error - outcome->first[k] > kinds[k].least;
}

int ftl_outcome_worse(const ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS]) {
  int bits = 0;
  for (int k = 0; k < FTL_OUTCOME_KINDS; k++) bits |= is_worse(outcome, k, errors[k], 1.05) << k;
  return bits;
}

int ftl_outcome_epoch(ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS]) {
  enum { IN_A_ROW = 3 };
  const int worse = ftl_outcome_worse(outcome, errors);
  int evident = 0;
  for (int k = 0; k < FTL_OUTCOME_KINDS; k++) {
    outcome->bad[k] = worse & 1 << k ? outcome->bad[k] + 1 : 0;
    if (outcome->bad[k] >= IN_A_ROW || is_worse(outcome, k, errors[k], 2)) evident |= 1 << k;
  }
  const int fresh = evident & ~(int)outcome->told;
  outcome->told |= fresh;
  return fresh;
}

void ftl_outcome_list(const ftl_outcome *outcome, const double errors[FTL_OUTCOME_KINDS], int bits, char *text,
                      size_t room) {
  *text = '\0';
  for (int k = 0; k < FTL_OUTCOME_KINDS; k++) {
    const size_t used = strlen(text);
    if (!(bits & 1 << k) || !isfinite(errors[k]) || !isfinite(outcome->first[k])) continue;
    snprintf(text + used, room - used, "%s%s %.*f -> %.*f %s", used ? ", " : "", kinds[k].name, k == 1 ? 1 : 3,
             1000 * outcome->first[k], k == 1 ? 1 : 3, 1000 * errors[k], kinds[k].unit);
  }
}
