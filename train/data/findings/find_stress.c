/* Stresses that cannot be, by labels alone. */
#include <math.h>
#include <stdlib.h>

#include "data/findings/composition.h"
#include "data/findings/find.h"
#include "base/error.h"

#define GPA 160.21766208 /* of 1 eV/Angstrom^3 */
/* More than in the middle of Jupiter; static calculations beyond it are rare enough to be asked about. */
#define IMPOSSIBLE (1000 / GPA)
/* Half of a set above this is not what a set is made of, save for high-pressure work: 1 GPa written as 1 is 160. */
#define USUAL (100 / GPA)

static const char what_to_do[] = "expected is eV/A^3 with the sign of ASE, positive when the cell wants to shrink: "
                                 "divide kbar of VASP by -1602.18, GPa by 160.218";

static ftl_status find_size(const char *name, const ftl_dataset *dataset, double *size, ftl_findings *findings,
                            ftl_error *error) {
  ftl_worst impossible = {0}, largest = {0};
  int64_t n = 0;
  char where[256];
  for (int64_t k = 0; k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    if (!s->labels.has_stress) continue;
    const double stress = size[n++] = ftl_largest_component((const double(*)[3])s->labels.stress);
    if (stress > IMPOSSIBLE) ftl_worst_add(&impossible, s, stress);
    ftl_worst_add(&largest, s, stress);
  }
  if (impossible.count > 0) {
    ftl_worst_where(&impossible, where);
    return ftl_findings_add(findings, FTL_FINDING_STRESS_SIZE, FTL_REFUSE, impossible.count, error,
                            "%s: %lld of %lld structures have a stress above 1000 GPa, which no condensed matter has; "
                            "worst: %.150s, %.4g eV/A^3 = %.4g GPa; %s",
                            name, (long long)impossible.count, (long long)n, where, impossible.measure,
                            impossible.measure * GPA, what_to_do);
  }
  const double median = ftl_median(size, n);
  if (n == 0 || median <= USUAL) return FTL_OK;
  ftl_worst_where(&largest, where);
  return ftl_findings_add(findings, FTL_FINDING_STRESS_SIZE, FTL_REMARK, n, error,
                          "%s: half of %lld structures have a stress above %.3g GPa; largest: %.150s, %.4g eV/A^3 = "
                          "%.4g GPa; is that meant? %s",
                          name, (long long)n, median * GPA, where, largest.measure, largest.measure * GPA, what_to_do);
}

/* Largest component of stress - factor virial. */
static double differs(const ftl_labels *labels, double factor) {
  double d[3][3];
  for (int k = 0; k < 9; k++) d[k / 3][k % 3] = labels->stress[k / 3][k % 3] - factor * labels->virial[k / 3][k % 3];
  return ftl_largest_component((const double(*)[3])d);
}

static ftl_status find_contradictions(const char *name, const ftl_dataset *dataset, ftl_findings *findings,
                                      ftl_error *error) {
  ftl_worst sign = {0}, other = {0};
  char where[256];
  for (int64_t k = 0; k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    if (!s->labels.has_stress || !s->labels.has_virial || !(s->volume > 0)) continue;
    /* either may be written with few digits */
    const double rounding = 1e-4 + 0.02 * ftl_largest_component((const double(*)[3])s->labels.stress),
                 d = differs(&s->labels, -1 / s->volume);
    if (d <= rounding) continue;
    ftl_worst_add(differs(&s->labels, 1 / s->volume) <= rounding ? &sign : &other, s, d);
  }
  const int64_t count = sign.count + other.count;
  if (count == 0) return FTL_OK;
  const ftl_worst *worst = other.count > sign.count ? &other : &sign;
  const ftl_structure *s = worst->structure;
  int at = 0;
  for (int k = 0; k < 9; k++)
    if (fabs(s->labels.stress[k / 3][k % 3]) > fabs(s->labels.stress[at / 3][at % 3])) at = k;
  ftl_worst_where(worst, where);
  return ftl_findings_add(
      findings, FTL_FINDING_STRESS_VIRIAL, FTL_REMARK, count, error,
      "%s: stress and virial of %lld structures contradict each other%s; worst: %.150s, stress %.4g, -virial/volume "
      "%.4g eV/A^3; the stress is used; virial = -stress volume is expected, with stress of the sign of ASE (positive "
      "when the cell wants to shrink): remove the wrong key",
      name, (long long)count, worst == &sign ? " in the sign" : "", where, s->labels.stress[at / 3][at % 3],
      -s->labels.virial[at / 3][at % 3] / s->volume);
}

ftl_status ftl_find_stress(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error) {
  double *size = malloc(((size_t)dataset->n + 1) * sizeof *size);
  if (!size) return ftl_no_memory(error, NULL, "looking at stresses");
  ftl_status status = find_size(name, dataset, size, findings, error);
  free(size);
  return status ? status : find_contradictions(name, dataset, findings, error);
}
