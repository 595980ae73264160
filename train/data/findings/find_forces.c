/* Forces that are zero where nothing asks for it, and forces that do not add up. */
#include <math.h>
#include <stdlib.h>

#include "data/findings/find.h"
#include "base/error.h"

/* Neighbours up to here tell whether the surroundings of an atom have a direction, Angstrom. */
#define SURROUNDINGS 4.
/* Of the sum of all weights: displacements by thermal motion give 0.05 and more, coordinates with four digits 1e-4. */
#define DIRECTED 5e-3
/* DFT codes leave a drift of up to some meV/Angstrom an atom (liquid water: 7), and some hundredths in all. */
#define DRIFT         0.1
#define DRIFT_AN_ATOM 0.01
/* A net force counts from this part of the largest force on. */
#define NET_PART 0.25

static bool is_zero(const double force[3]) { return force[0] == 0 && force[1] == 0 && force[2] == 0; }

/* Whether symmetry lets the force on atom i be other than zero: a sum over its neighbours that would vanish. Weights
   depend on distance and element, so that nothing cancels by accident. */
static bool has_direction(const ftl_structure *s, const ftl_neighbours *list, int i) {
  double sum[3] = {0}, all = 0;
  for (int64_t e = list->first_edge[i]; e < list->first_edge[i + 1]; e++) {
    const double *r = list->vector[e];
    const double length = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]), edge = 1 - length / SURROUNDINGS;
    const double weight = edge * edge * (1 + 0.1 * sqrt(s->atomic_number[list->sender[e]])) / (length + 1e-3);
    for (int c = 0; c < 3; c++) sum[c] += weight * r[c];
    all += weight * length;
  }
  return sqrt(sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]) > DIRECTED * all;
}

/* Atoms whose force is exactly zero though it need not be. Relaxed forces are small, but not zero to the last digit. */
static ftl_status count_zeros(const ftl_structure *s, ftl_neighbours *list, int *zero, int *unexplained,
                              ftl_error *error) {
  *zero = *unexplained = 0;
  for (int i = 0; i < s->n; i++) *zero += is_zero(s->labels.forces[i]);
  if (*zero == 0) return FTL_OK;
  ftl_status status = ftl_structure_neighbours(s, SURROUNDINGS, list, error);
  for (int i = 0; !status && i < s->n; i++) *unexplained += is_zero(s->labels.forces[i]) && has_direction(s, list, i);
  return status;
}

/* Forces are written with so many digits that an exact zero means something: not all are multiples of 1e-4. */
static bool are_fine(const ftl_structure *s) {
  for (int k = 0; k < 3 * s->n; k++) {
    const double f = 1e4 * s->labels.forces[k / 3][k % 3];
    if (fabs(f - nearbyint(f)) > 1e-3) return true;
  }
  return false;
}

/* Length of the sum of forces; 0 when it is what DFT codes leave. */
static double net_force(const ftl_structure *s) {
  double sum[3] = {0};
  for (int k = 0; k < 3 * s->n; k++) sum[k % 3] += s->labels.forces[k / 3][k % 3];
  const double net = sqrt(sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]);
  const bool drift = net <= DRIFT + DRIFT_AN_ATOM * s->n || net <= NET_PART * ftl_largest_force(s);
  return drift ? 0 : net;
}

typedef struct {
  int64_t labelled, n_zero_atoms;
  ftl_worst zero, part, net;
} tally;

static ftl_status look(const ftl_structure *s, ftl_neighbours *list, tally *t, ftl_error *error) {
  int zero, unexplained;
  FTL_TRY(count_zeros(s, list, &zero, &unexplained, error));
  t->labelled++;
  if (zero == s->n) {
    if (unexplained > 0) ftl_worst_add(&t->zero, s, unexplained);
    return FTL_OK;
  }
  if (unexplained > 0 && are_fine(s)) {
    ftl_worst_add(&t->part, s, unexplained);
    t->n_zero_atoms += unexplained;
    return FTL_OK; /* their net force follows from that */
  }
  const double net = net_force(s);
  if (net > 0) ftl_worst_add(&t->net, s, net);
  return FTL_OK;
}

static ftl_status report(const char *name, const tally *t, ftl_findings *findings, ftl_error *error) {
  const long long all = t->labelled;
  ftl_status status = FTL_OK;
  char where[256];
  if (t->zero.count > 0) {
    ftl_worst_where(&t->zero, where);
    status = ftl_findings_add(
        findings, FTL_FINDING_ZERO_FORCES, FTL_REMARK, t->zero.count, error,
        "%s: the forces of %lld of %lld structures are all zero, though these are neither single atoms nor perfect "
        "crystals: constraints (ASE writes zeros for fixed atoms), or missing labels? such as: %.150s; write the "
        "forces "
        "without constraints, or set config_forces_weight=0 in these frames",
        name, (long long)t->zero.count, all, where);
  }
  if (!status && t->part.count > 0) {
    ftl_worst_where(&t->part, where);
    status = ftl_findings_add(
        findings, FTL_FINDING_ZERO_FORCES, FTL_REMARK, t->part.count, error,
        "%s: the forces of some atoms are exactly zero, and symmetry is not the reason: %lld atoms in %lld of %lld "
        "structures; worst: %.150s, %d of %d atoms; fixed atoms (ASE writes zeros for them)? write the forces without "
        "constraints, or set config_forces_weight=0 in these frames",
        name, (long long)t->n_zero_atoms, (long long)t->part.count, all, where, (int)t->part.measure,
        t->part.structure->n);
  }
  if (!status && t->net.count > 0) {
    ftl_worst_where(&t->net, where);
    status = ftl_findings_add(
        findings, FTL_FINDING_NET_FORCE, FTL_REMARK, t->net.count, error,
        "%s: the forces of %lld of %lld structures do not add up to zero; worst: %.150s, %.3g eV/A in all, %.3g eV/A "
        "the largest; no potential can have this: an external field, atoms left out, a column misread? correct the "
        "forces, or set config_forces_weight=0 in these frames",
        name, (long long)t->net.count, all, where, t->net.measure, ftl_largest_force(t->net.structure));
  }
  return status;
}

ftl_status ftl_find_forces(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error) {
  tally t = {0};
  ftl_neighbours list = {0};
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    if (s->labels.has_forces && s->n > 1) status = look(s, &list, &t, error);
  }
  ftl_neighbours_free(&list);
  return status ? status : report(name, &t, findings, error);
}
