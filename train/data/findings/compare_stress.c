#include <math.h>

#include "data/findings/compare_internal.h"
#include "data/findings/find.h"

/* Frames with smaller stresses say nothing: a model is easily wrong by so much; 0.01 eV/Angstrom^3 are 1.6 GPa. */
#define SMALL 0.01
#define SHEAR 0.005

static const ftl_unit units[] = {{1, NULL},
                                 {160.21766, "GPa"},
                                 {1602.1766, "kbar"},
                                 {160217.66, "MPa"},
                                 {1602176.6, "bar"},
                                 {1.6021766e11, "Pa"},
                                 {1 / 183.63154, "Hartree/Bohr^3"},
                                 {1 / 91.81577, "Rydberg/Bohr^3"}};
enum { N_UNITS = sizeof units / sizeof *units };

/* What is written in the place of a stress: the virial, in eV. */
static const ftl_unit volume[] = {{1, "a virial (eV)"}};

static void sums(const ftl_compared *f, double *both, double *label, double *answer) {
  *both = *label = *answer = 0;
  for (int k = 0; k < 9; k++) {
    const double x = f->stress[k / 3][k % 3], y = f->stress_answer[k / 3][k % 3];
    *both += x * y;
    *label += x * x;
    *answer += y * y;
  }
}

static bool says_something(const ftl_compared *f) {
  return f->has_stress && ftl_largest_component((const double(*)[3])f->stress_answer) > SMALL &&
         ftl_largest_component((const double(*)[3])f->stress) > 0;
}

static ftl_status find_unit(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                            ftl_error *error) {
  ftl_votes votes = {0}, virials = {0};
  for (int64_t k = 0; k < comparison->n; k++) {
    const ftl_compared *f = &comparison->frame[k];
    double both, label, answer;
    if (!says_something(f)) continue;
    sums(f, &both, &label, &answer);
    ftl_votes_add(&votes, k, f->n, both / answer, both / sqrt(label * answer), units, N_UNITS);
    ftl_votes_add(&virials, k, f->n, both / answer / f->volume, both / sqrt(label * answer), volume, 1);
  }
  bool negative, other;
  int64_t count, first, n_virials, first_virial;
  ftl_severity severity, of_virials;
  char where[256];
  const ftl_unit *unit = ftl_votes_winner(&votes, units, N_UNITS, &negative, &count, &first, &severity);
  ftl_votes_winner(&virials, volume, 1, &other, &n_virials, &first_virial, &of_virials);
  if (of_virials == FTL_REFUSE && n_virials > count && n_virials > votes.count[0]) {
    unit = volume;
    negative = other;
    count = n_virials;
    first = first_virial;
    severity = of_virials;
  }
  if (!unit) return FTL_OK;
  const ftl_compared *f = &comparison->frame[first];
  int at = 0;
  for (int k = 0; k < 9; k++)
    if (fabs(f->stress[k / 3][k % 3]) > fabs(f->stress[at / 3][at % 3])) at = k;
  ftl_compared_where(f, where);
  return ftl_findings_add(
      findings, FTL_FINDING_STRESS_UNIT, severity, count, error,
      "%s: the stress of %lld of %lld structures looks like %s%s; first: %.150s has %.4g where the model predicts %.4g "
      "eV/A^3 = %.3g GPa; expected is eV/A^3 with the sign of ASE, positive when the cell wants to shrink: divide kbar "
      "of VASP by -1602.18, GPa by 160.218",
      name, (long long)count, (long long)votes.frames, unit->name ? unit->name : "eV/A^3",
      negative ? " of the other sign" : "", where, f->stress[at / 3][at % 3], f->stress_answer[at / 3][at % 3],
      f->stress_answer[at / 3][at % 3] * 160.21766);
}

/* ---- the order of shears ---- */

static const struct {
  int from[3]; /* where yz, xz, xy, as read, belong: 0 yz, 1 xz, 2 xy */
  const char *name;
} orders[] = {{{1, 2, 0}, "xx yy zz xy yz zx (VASP)"}, {{2, 1, 0}, "xx yy zz xy xz yz (LAMMPS)"}};

static void shears(const double stress[3][3], double shear[3]) {
  shear[0] = 0.5 * (stress[1][2] + stress[2][1]);
  shear[1] = 0.5 * (stress[0][2] + stress[2][0]);
  shear[2] = 0.5 * (stress[0][1] + stress[1][0]);
}

static ftl_status find_order(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                             ftl_error *error) {
  int64_t frames = 0, count[2] = {0}, first[2] = {0};
  char where[256];
  for (int64_t k = 0; k < comparison->n; k++) {
    const ftl_compared *f = &comparison->frame[k];
    double x[3], y[3], as_read = 0, answer = 0, other[2] = {0};
    if (!says_something(f)) continue;
    shears((const double(*)[3])f->stress, x);
    shears((const double(*)[3])f->stress_answer, y);
    for (int c = 0; c < 3; c++) {
      as_read += (x[c] - y[c]) * (x[c] - y[c]);
      answer += y[c] * y[c];
      for (int o = 0; o < 2; o++) other[o] += pow(x[orders[o].from[c]] - y[c], 2);
    }
    if (answer < SHEAR * SHEAR) continue;
    frames++;
    for (int o = 0; o < 2; o++)
      if (other[o] < 0.2 * as_read && as_read > 0.3 * answer && other[o] < 0.3 * answer && count[o]++ == 0)
        first[o] = k;
  }
  const int o = count[1] > count[0];
  if (count[o] < 3 || 10 * count[o] < 6 * frames) return FTL_OK;
  ftl_compared_where(&comparison->frame[first[o]], where);
  return ftl_findings_add(findings, FTL_FINDING_STRESS_UNIT, FTL_REFUSE, count[o], error,
                          "%s: the six numbers of the stress of %lld of %lld structures look like the order %s; first: "
                          "%.150s; Voigt's order xx yy zz yz xz xy is expected, or nine numbers",
                          name, (long long)count[o], (long long)frames, orders[o].name, where);
}

ftl_status ftl_compare_stress(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                              ftl_error *error) {
  const int before = findings->n;
  ftl_status status = find_unit(name, comparison, findings, error);
  return status == FTL_OK && findings->n == before ? find_order(name, comparison, findings, error) : status;
}
