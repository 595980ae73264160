/* Energies that no sum over atoms comes near, by labels alone. */
#include <math.h>
#include <stdlib.h>

#include "data/findings/composition.h"
#include "data/findings/find.h"
#include "base/arena.h"
#include "base/error.h"

/* A structure is far from the rest when it is so many standard deviations from it and more than this, eV an atom: bulk
   and surfaces, liquids and defects of one composition are within. */
#define DEVIATIONS 25.
#define FAR        2.
/* What atoms that are pushed into others may be above the rest; eV per eV/Angstrom of their force. */
#define OF_A_FORCE 0.5
/* Gas and clusters among bulk: the energy of all its bonds. */
#define ALL_BONDS 12.
/* Bonds of all kinds are within this of each other, eV an atom: an energy that is farther is of another calculation. */
#define REFUSED 25.
/* Sets of one calculation may hold other kinds of structures, whose energies are so far apart, eV an atom. */
#define OTHER_SET 5.
/* One frame in so many may be called far from the rest; if there are more, they are a part of the set. */
#define RARE 20

typedef struct {
  ftl_compositions compositions;
  const ftl_structure **structure; /* [n] of those with an energy */
  double *energy, *left, *work;    /* [n] per atom; what the composition leaves */
  ftl_arena memory;
} energies;

static void free_energies(energies *e) {
  ftl_compositions_free(&e->compositions);
  ftl_arena_free(&e->memory);
}

static ftl_status collect(const ftl_dataset *dataset, energies *e, ftl_error *error) {
  const size_t n = (size_t)dataset->n + 1;
  e->structure = ftl_arena_take(&e->memory, n, sizeof *e->structure);
  e->energy = ftl_arena_take(&e->memory, n, sizeof *e->energy);
  e->left = ftl_arena_take(&e->memory, n, sizeof *e->left);
  e->work = ftl_arena_take(&e->memory, n, sizeof *e->work);
  FTL_TRY(ftl_arena_check(&e->memory, error, "comparing energies"));
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    if (!s->labels.has_energy || s->isolated) continue;
    e->structure[e->compositions.n] = s;
    e->energy[e->compositions.n] = s->labels.energy / s->n;
    status = ftl_compositions_add(&e->compositions, s->n, s->atomic_number, error);
  }
  return status;
}

/* Fewer than 6 neighbours an atom within 3.2 Angstrom: not the inside of a solid or a liquid, which have 8 and more. */
static bool is_sparse(const ftl_structure *s) {
  ftl_neighbours list = {0};
  const bool known = ftl_structure_neighbours(s, 3.2, &list, NULL) == FTL_OK;
  const bool sparse = known && list.n_edges < 6 * (int64_t)s->n;
  ftl_neighbours_free(&list);
  return sparse;
}

/* How far an energy may be from what its composition says, eV an atom. */
static double allowed(const ftl_structure *s, double left, double deviation) {
  double most = fmax(DEVIATIONS * deviation, FAR) + OF_A_FORCE * ftl_largest_force(s);
  if (left > most && is_sparse(s)) most = fmax(most, ALL_BONDS);
  return most;
}

static ftl_status find_far(const char *name, energies *e, ftl_findings *findings, ftl_error *error) {
  const int64_t n = e->compositions.n;
  ftl_worst far = {0}, other = {0};
  double worst = 0;
  char where[256];
  FTL_TRY(ftl_compositions_fit(&e->compositions, e->energy, e->left, error));
  const double deviation = ftl_robust_deviation(e->left, n, 0, e->work);
  for (int64_t k = 0; k < n; k++) {
    const ftl_structure *s = e->structure[k];
    const double left = e->left[k];
    if (fabs(left) > REFUSED + OF_A_FORCE * ftl_largest_force(s)) ftl_worst_add(&other, s, fabs(left));
    if (!(fabs(left) > FAR) || !(fabs(left) > allowed(s, left, deviation))) continue;
    if (far.count == 0 || fabs(left) > fabs(worst)) worst = left;
    ftl_worst_add(&far, s, fabs(left));
  }
  if (other.count * RARE > n) { /* two calculations in one set: no frame is the odd one out */
    ftl_worst_where(&other, where);
    return ftl_findings_add(findings, FTL_FINDING_ENERGY_FAR, FTL_REFUSE, other.count, error,
                            "%s: energies of %lld of %lld structures are more than %g eV an atom from any sum of "
                            "energies of their atoms: calculations of different kinds, or units, in one set? worst: "
                            "%.150s; correct or remove them",
                            name, (long long)other.count, (long long)n, REFUSED, where);
  }
  if (far.count == 0 || far.count * RARE > n + RARE) return FTL_OK;
  ftl_worst_where(&far, where);
  return ftl_findings_add(findings, FTL_FINDING_ENERGY_FAR, fabs(worst) > REFUSED ? FTL_REFUSE : FTL_REMARK, far.count,
                          error,
                          "%s: energies far from those of the other structures: %lld of %lld; worst: %.150s, %+.4g eV "
                          "an atom (the others: +-%.2g); correct or remove them, or give them config_energy_weight=0",
                          name, (long long)far.count, (long long)n, where, worst, deviation);
}

/* Energies per atom are a linear function of the fractions as they stand; totals, once they are divided. */
static ftl_status find_per_atom(const char *name, energies *e, ftl_findings *findings, ftl_error *error) {
  const int64_t n = e->compositions.n;
  int fewest = e->structure[0]->n, most = fewest;
  for (int64_t k = 0; k < n; k++) {
    if (e->structure[k]->n < fewest) fewest = e->structure[k]->n;
    if (e->structure[k]->n > most) most = e->structure[k]->n;
    e->energy[k] *= e->structure[k]->n;
  }
  const double as_totals = ftl_trimmed_size(e->left, n, e->work);
  if (most < 2 * fewest || as_totals < 0.15) return FTL_OK;
  FTL_TRY(ftl_compositions_fit(&e->compositions, e->energy, e->left, error));
  const double as_given = ftl_trimmed_size(e->left, n, e->work);
  if (!(as_given < 0.4 * as_totals && as_given < 1)) return FTL_OK;
  char where[256];
  ftl_structure_where(e->structure[0], -1, where);
  return ftl_findings_add(
      findings, FTL_FINDING_ENERGY_UNIT, FTL_REFUSE, n, error,
      "%s: the energies of %lld structures of %d to %d atoms look like energies per atom (they "
      "follow the composition to %.2g eV as they are, to %.2g eV when divided by the atoms); first: "
      "%.150s; the energy of the whole structure is expected",
      name, (long long)n, fewest, most, as_given, as_totals, where);
}

ftl_status ftl_find_energies(const char *name, const ftl_dataset *dataset, ftl_findings *findings, ftl_error *error) {
  energies e = {0};
  ftl_status status = collect(dataset, &e, error);
  const int before = findings->n;
  /* with fewer, the composition explains everything */
  const bool enough = e.compositions.n >= e.compositions.n_elements + 5;
  if (!status && enough) {
    ftl_findings far = {0}; /* said only when the energies are not per atom */
    status = find_far(name, &e, &far, error);
    if (!status) status = find_per_atom(name, &e, findings, error);
    for (int k = 0; !status && k < far.n && findings->n == before; k++)
      status = ftl_findings_add(findings, far.finding[k].kind, far.finding[k].fatal ? FTL_REFUSE : FTL_REMARK,
                                far.finding[k].count, error, "%s", far.finding[k].text);
    ftl_findings_free(&far);
  }
  free_energies(&e);
  return status;
}

/* Both are fitted together: what is left of either then tells their zeros apart. */
ftl_status ftl_find_other_energies(const char *name, const ftl_dataset *dataset, const char *other_name,
                                   const ftl_dataset *other, ftl_findings *findings, ftl_error *error) {
  ftl_structure *copies = malloc(((size_t)dataset->n + (size_t)other->n + 1) * sizeof *copies);
  energies e = {0};
  char where[256];
  ftl_status status = FTL_OK;
  if (!copies) status = ftl_no_memory(error, NULL, "comparing energies");
  int64_t n = 0, split = 0;
  for (int64_t k = 0; !status && k < dataset->n; k++) copies[n++] = dataset->structure[k];
  for (int64_t k = 0; !status && k < other->n; k++) copies[n++] = other->structure[k];
  const ftl_dataset all = {.n = n, .structure = copies};
  if (!status) status = collect(&all, &e, error);
  while (!status && split < e.compositions.n && e.structure[split] < copies + dataset->n) split++;
  const int64_t rest = e.compositions.n - split;
  if (!status && split > 0 && rest > 0) {
    status = ftl_compositions_fit(&e.compositions, e.energy, e.left, error);
    for (int64_t k = 0; k < split; k++) e.work[k] = e.left[k];
    const double own = ftl_median(e.work, split);
    for (int64_t k = 0; k < rest; k++) e.work[k] = e.left[split + k];
    const double apart = ftl_median(e.work, rest) - own;
    if (!status && fabs(apart) > OTHER_SET) {
      ftl_structure_where(e.structure[split], -1, where);
      status = ftl_findings_add(findings, FTL_FINDING_ENERGY_FAR, fabs(apart) > REFUSED ? FTL_REFUSE : FTL_REMARK, rest,
                                error,
                                "%s: energies are typically %+.4g eV an atom away from those of %s, at the same "
                                "composition: another calculation? %lld structures; first: %.150s; errors on %s mean "
                                "nothing then: give sets of one calculation",
                                other_name, apart, name, (long long)rest, where, other_name);
    }
  }
  free_energies(&e);
  free(copies);
  return status;
}
