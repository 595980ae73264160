#include <math.h>

#include "data/findings/compare_internal.h"
#include "base/error.h"

/* Frames with smaller forces, in the labels and in the answers, say nothing: eV/Angstrom, root mean square. */
#define SMALL 0.1

/* Hartree/Angstrom is within 6 % of Rydberg/Bohr. */
static const ftl_unit units[] = {{1, NULL},
                                 {1 / 51.422067, "Hartree/Bohr"},
                                 {1 / 26.46, "Rydberg/Bohr or Hartree/A"},
                                 {1 / 13.605693, "Rydberg/A"},
                                 {10, "eV/nm"},
                                 {23.060548, "kcal/mol/A"},
                                 {96.485332, "kJ/mol/A"},
                                 {964.85332, "kJ/mol/nm"},
                                 {1000, "meV/A"}};
enum { N_UNITS = sizeof units / sizeof *units };

/* Labels that are all zero where the model has forces. The labels alone may have shown it. */
static ftl_status find_zeros(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                             ftl_error *error) {
  int64_t labelled = 0, count = 0, first = 0;
  char where[256];
  for (int64_t k = 0; k < comparison->n; k++) {
    const ftl_compared *f = &comparison->frame[k];
    labelled += f->has_forces;
    if (!f->has_forces || f->n < 2 || f->force2 > 0 || f->answer2 < SMALL * SMALL * 3 * f->n) continue;
    if (count++ == 0) first = k;
  }
  if (count == 0 || ftl_findings_have(findings, FTL_FINDING_ZERO_FORCES)) return FTL_OK;
  ftl_compared_where(&comparison->frame[first], where);
  return ftl_findings_add(findings, FTL_FINDING_ZERO_FORCES, FTL_REMARK, count, error,
                          "%s: the forces of %lld of %lld structures are all zero, where the model has %.2g eV/A: "
                          "constraints (ASE writes zeros for fixed atoms), or missing labels? first: %.150s; write the "
                          "forces without constraints, or set config_forces_weight=0 in these frames",
                          name, (long long)count, (long long)labelled,
                          sqrt(comparison->frame[first].answer2 / (3.0 * comparison->frame[first].n)), where);
}

static ftl_status find_unit(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                            ftl_error *error) {
  ftl_votes votes = {0};
  for (int64_t k = 0; k < comparison->n; k++) {
    const ftl_compared *f = &comparison->frame[k];
    if (!f->has_forces || f->n < 2 || f->force2 == 0 || f->answer2 == 0) continue;
    if (fmax(f->force2, f->answer2) < SMALL * SMALL * 3 * f->n) continue;
    ftl_votes_add(&votes, k, f->n, f->force_answer / f->answer2, f->force_answer / sqrt(f->force2 * f->answer2), units,
                  N_UNITS);
  }
  bool negative;
  int64_t count, first;
  ftl_severity severity;
  char where[256];
  const ftl_unit *unit = ftl_votes_winner(&votes, units, N_UNITS, &negative, &count, &first, &severity);
  if (!unit) return FTL_OK;
  const ftl_compared *f = &comparison->frame[first];
  ftl_compared_where(f, where);
  return ftl_findings_add(
      findings, FTL_FINDING_FORCE_UNIT, severity, count, error,
      "%s: the forces of %lld of %lld structures look like %s%s: they follow the model's predictions "
      "with a factor of about %.3g; first: %.150s (%.4g); forces in eV/A, minus the gradient of the "
      "energy, are expected",
      name, (long long)count, (long long)votes.frames, negative ? "gradients, of the other sign, in " : "",
      unit->name ? unit->name : "eV/A", (negative ? -1 : 1) * unit->factor, where, f->force_answer / f->answer2);
}

ftl_status ftl_compare_forces(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                              ftl_error *error) {
  FTL_TRY(find_zeros(name, comparison, findings, error));
  return find_unit(name, comparison, findings, error);
}
