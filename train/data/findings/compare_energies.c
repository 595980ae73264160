#include <math.h>
#include <stdlib.h>

#include "data/findings/compare_internal.h"
#include "base/arena.h"
#include "base/error.h"

/* Energies above the free atoms', eV an atom, that say something. */
#define SMALL 0.5
/* A mean difference from the model that is remarked, when other E0 remove most of it: foundations are right to 0.1,
   other functionals are 0.1 to 1 away; and one that no functional makes. */
#define REMARKED 0.3
#define REFUSED  10.
/* What other E0 leave of a difference that is one of E0. */
#define LEFT 0.25
/* Without that: the model knows nothing of these structures. */
#define UNKNOWN 2.
/* Single frames: so many standard deviations, and more than this; and eV per eV/Angstrom of the largest force. */
#define DEVIATIONS 25.
#define FAR        1.
#define OF_A_FORCE 0.5

static const ftl_unit units[] = {{1, "eV"},
                                 {1 / 27.211386, "Hartree"},
                                 {1 / 13.605693, "Rydberg"},
                                 {23.060548, "kcal/mol"},
                                 {96.485332, "kJ/mol"},
                                 {1000, "meV"}};
enum { N_UNITS = sizeof units / sizeof *units };

static ftl_status no_memory(ftl_error *error) { return ftl_no_memory(error, NULL, "comparing energies"); }

/* Frames with an energy: values[n] by `what`; the compositions of those go with them. */
typedef struct {
  int64_t n;
  int64_t *frame; /* [n] */
  ftl_compositions compositions;
  double *label, *answer, *left, *work; /* [n], eV an atom but for work */
  ftl_arena memory;
} energies;

static void free_energies(energies *e) {
  ftl_arena_free(&e->memory);
  ftl_compositions_free(&e->compositions);
}

/* Fractions of a structure stand for its atoms. */
static ftl_status copy_composition(const ftl_comparison *c, int64_t k, ftl_compositions *into, double *shift,
                                   const double *e0_shift, ftl_error *error) {
  const int n = c->frame[k].n;
  int *number = malloc((size_t)n * sizeof *number), at = 0;
  if (!number) return no_memory(error);

  for (int64_t i = c->compositions.first[k]; i < c->compositions.first[k + 1]; i++) {
    const int z = c->compositions.element[c->compositions.at[i]];
    const int count = (int)lround(c->compositions.fraction[i] * n);
    for (int j = 0; j < count && at < n; j++) number[at++] = z;
    if (e0_shift) *shift += c->compositions.fraction[i] * e0_shift[z];
  }
  ftl_status status = ftl_compositions_add(into, at, number, error);
  free(number);
  return status;
}

static ftl_status collect(const ftl_comparison *c, const double *e0_shift, energies *e, ftl_error *error) {
  const size_t n = (size_t)c->n + 1;
  e->frame = ftl_arena_take(&e->memory, n, sizeof *e->frame);
  e->label = ftl_arena_take(&e->memory, n, sizeof *e->label);
  e->answer = ftl_arena_take(&e->memory, n, sizeof *e->answer);
  e->left = ftl_arena_take(&e->memory, n, sizeof *e->left);
  e->work = ftl_arena_take(&e->memory, n, sizeof *e->work);
  FTL_TRY(ftl_arena_check(&e->memory, error, "comparing energies"));
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < c->n; k++) {
    const ftl_compared *f = &c->frame[k];
    double shift = 0;
    if (!f->has_energy) continue;
    status = copy_composition(c, k, &e->compositions, &shift, e0_shift, error);
    e->frame[e->n] = k;
    e->label[e->n] = f->energy / f->n;
    e->answer[e->n++] = f->answer / f->n + shift;
  }
  return status;
}

/* ---- units ---- */

/* Labels and answers have the same E0: their ratio is the unit, or one over the number of atoms. */
static ftl_status find_ratio(const char *name, const ftl_comparison *c, energies *e, ftl_findings *findings,
                             ftl_error *error) {
  int64_t n = 0, several = 0;
  char where[256];
  for (int64_t k = 0; k < e->n; k++) {
    if (fabs(e->answer[k]) < SMALL) continue;
    several += c->frame[e->frame[k]].n > 1;
    e->left[n++] = e->label[k] / e->answer[k];
  }
  if (n < 2) return FTL_OK;
  for (int64_t k = 0; k < n; k++) e->work[k] = e->left[k];
  double ratio = ftl_median(e->work, n);
  const double spread = ftl_robust_deviation(e->left, n, ratio, e->work);
  const ftl_unit *unit = ftl_unit_of(ratio, units, N_UNITS);
  ftl_compared_where(&c->frame[e->frame[0]], where);
  /* per atom: ratio times atoms is one, which units can't be for several numbers of atoms */
  int64_t m = 0;
  for (int64_t k = 0; k < e->n; k++)
    if (fabs(e->answer[k]) >= SMALL) e->left[m++] = e->label[k] / e->answer[k] * c->frame[e->frame[k]].n;
  for (int64_t k = 0; k < n; k++) e->work[k] = e->left[k];
  const double one = ftl_median(e->work, n), of_one = ftl_robust_deviation(e->left, n, one, e->work);
  if (2 * several > n && fabs(one - 1) < 0.2 && of_one < 0.15 && !(fabs(ratio - 1) < 0.2))
    return ftl_findings_add(findings, FTL_FINDING_ENERGY_UNIT, FTL_REFUSE, n, error,
                            "%s: the energies of %lld structures look like energies per atom: times the number of "
                            "atoms they are the model's; first: %.150s; the energy of the whole structure is expected",
                            name, (long long)n, where);
  if (!unit || unit->factor == 1 || ratio < 0 || spread > 0.1 * ratio) return FTL_OK;
  return ftl_findings_add(findings, FTL_FINDING_ENERGY_UNIT, FTL_REFUSE, n, error,
                          "%s: the energies of %lld structures look like %s: they are %.4g times the model's; first: "
                          "%.150s; eV are expected",
                          name, (long long)n, unit->name, ratio, where);
}

/* Whatever E0 are, what the composition leaves of the energies follows the model's with the unit as a factor. */
static ftl_status find_slope(const char *name, const ftl_comparison *c, energies *e, ftl_findings *findings,
                             ftl_error *error) {
  if (e->n < e->compositions.n_elements + 8) return FTL_OK;
  double xy = 0, xx = 0, yy = 0;
  double *x = malloc((size_t)e->n * sizeof *x);
  if (!x) return no_memory(error);
  ftl_status status = ftl_compositions_fit(&e->compositions, e->answer, x, error);
  if (!status) status = ftl_compositions_fit(&e->compositions, e->label, e->left, error);
  const double sx = ftl_robust_deviation(x, e->n, 0, e->work), sy = ftl_robust_deviation(e->left, e->n, 0, e->work);
  for (int64_t k = 0; k < e->n; k++) {
    if (fabs(x[k]) > 6 * sx || fabs(e->left[k]) > 6 * sy) continue;
    xy += x[k] * e->left[k];
    xx += x[k] * x[k];
    yy += e->left[k] * e->left[k];
  }
  free(x);
  if (status != FTL_OK || sx < 0.02 || xx == 0 || yy == 0 || fabs(xy) < 0.9 * sqrt(xx * yy)) return status;
  const ftl_unit *unit = ftl_unit_of(xy / xx, units, N_UNITS);
  if (!unit || (unit->factor == 1 && xy > 0)) return FTL_OK;
  char where[256];
  ftl_compared_where(&c->frame[e->frame[0]], where);
  return ftl_findings_add(findings, FTL_FINDING_ENERGY_UNIT, FTL_REFUSE, e->n, error,
                          "%s: the energies of %lld structures look like %s%s: where the model's change by 1 eV, they "
                          "change by %.4g; first: %.150s; eV are expected",
                          name, (long long)e->n, unit->name, xy < 0 ? " of the other sign" : "", xy / xx, where);
}

ftl_status ftl_compare_energies(const char *name, const ftl_comparison *comparison, ftl_findings *findings,
                                ftl_error *error) {
  energies e = {0};
  const int before = findings->n;
  ftl_status status = collect(comparison, NULL, &e, error);
  if (!status) status = find_ratio(name, comparison, &e, findings, error);
  if (!status && findings->n == before) status = find_slope(name, comparison, &e, findings, error);
  free_energies(&e);
  return status;
}

/* ---- the zero ---- */

static ftl_status find_zero(const char *name, const ftl_comparison *c, energies *e, const char *advice, double *typical,
                            ftl_findings *findings, ftl_error *error) {
  int64_t worst = 0;
  char where[256];
  for (int64_t k = 0; k < e->n; k++) {
    e->label[k] -= e->answer[k];
    if (fabs(e->label[k]) > fabs(e->label[worst])) worst = k;
    e->work[k] = fabs(e->label[k]);
  }
  *typical = ftl_median(e->work, e->n);
  FTL_TRY(ftl_compositions_fit(&e->compositions, e->label, e->left, error));
  const double left = ftl_robust_deviation(e->left, e->n, 0, e->work) / 1.4826;
  /* with as few structures as elements other E0 explain everything */
  const bool explained = left <= LEFT * *typical && e->n >= e->compositions.n_elements + 2;
  if (*typical < REMARKED || (!explained && *typical < UNKNOWN)) return FTL_OK;
  ftl_compared_where(&c->frame[e->frame[worst]], where);
  if (!explained && *typical < REFUSED)
    return ftl_findings_add(findings, FTL_FINDING_E0, FTL_REMARK, e->n, error,
                            "%s: energies are typically %.3g eV an atom away from the model's, and other E0 leave %.3g "
                            "of it (%lld structures looked at); worst: %.150s, %+.4g eV an atom; are labels and unit "
                            "right? %s",
                            name, *typical, left, (long long)e->n, where, e->label[worst], advice);
  return ftl_findings_add(findings, FTL_FINDING_E0, *typical > REFUSED ? FTL_REFUSE : FTL_REMARK, e->n, error,
                          "%s: energies are typically %.4g eV an atom away from the model's, which looks like E0 of "
                          "another code, functional or pseudopotential (%lld structures looked at; other E0 leave "
                          "%.2g); worst: %.120s, %+.4g eV an atom; %s",
                          name, *typical, (long long)e->n, left, where, e->label[worst], advice);
}

static ftl_status find_far(const char *name, const ftl_comparison *c, const energies *e, ftl_findings *findings,
                           ftl_error *error) {
  const double deviation = ftl_robust_deviation(e->left, e->n, 0, e->work);
  int64_t worst = -1, count = 0;
  char where[256];
  for (int64_t k = 0; k < e->n; k++) {
    const double most = fmax(FAR, DEVIATIONS * deviation) + OF_A_FORCE * c->frame[e->frame[k]].largest_force;
    if (fabs(e->left[k]) <= most) continue;
    count++;
    if (worst < 0 || fabs(e->left[k]) > fabs(e->left[worst])) worst = k;
  }
  if (count == 0 || 20 * count > e->n + 20) return FTL_OK;
  ftl_compared_where(&c->frame[e->frame[worst]], where);
  return ftl_findings_add(findings, FTL_FINDING_ENERGY_FAR, FTL_REMARK, count, error,
                          "%s: energies unlike the model's, and unlike the others in that: %lld of %lld structures "
                          "looked at; worst: %.150s, %+.4g eV an atom (the others: +-%.2g); correct or remove them",
                          name, (long long)count, (long long)e->n, where, e->left[worst], deviation);
}

ftl_status ftl_comparison_zero(const char *name, const ftl_comparison *comparison, const double *e0_shift,
                               const char *advice, double *mean, ftl_findings *findings, ftl_error *error) {
  energies e = {0};
  double typical = NAN;
  const int before = findings->n;
  ftl_status status = collect(comparison, e0_shift, &e, error);
  if (!status && e.n > 0) status = find_zero(name, comparison, &e, advice, &typical, findings, error);
  const bool enough = e.n >= e.compositions.n_elements + 5 && findings->n == before;
  if (!status && enough && !ftl_findings_have(findings, FTL_FINDING_ENERGY_FAR))
    status = find_far(name, comparison, &e, findings, error);
  free_energies(&e);
  if (mean) *mean = typical;
  return status;
}
