#include "data/sense.h"

#include <math.h>

#include "base/error.h"

/* eV an atom: the heaviest atom has -1.5e6 with all its electrons */
static const double MOST_ENERGY = 2e6;
static const double MOST_FORCE = 1e7, MOST_STRESS = 1e6;

bool ftl_e0_possible(double e0) { return fabs(e0) <= MOST_ENERGY; }

static ftl_status impossible(const ftl_structure *s, int atom, const char *what, double value, const char *unit,
                             ftl_error *error) {
  char where[256];
  ftl_structure_where(s, atom, where);
  return ftl_fail(error, FTL_ERR_INPUT, where,
                  "%s of %.3g %s is impossible: correct the label and its unit, or leave the frame out", what, value,
                  unit);
}

static ftl_status check(const ftl_structure *s, ftl_error *error) {
  const ftl_labels *l = &s->labels;
  if (l->has_energy && !(fabs(l->energy) <= MOST_ENERGY * s->n))
    return impossible(s, -1, "an energy", l->energy, "eV", error);
  for (int i = 0; l->has_forces && i < s->n; i++)
    for (int k = 0; k < 3; k++)
      if (!(fabs(l->forces[i][k]) <= MOST_FORCE))
        return impossible(s, i, "a force", l->forces[i][k], "eV/Angstrom", error);
  for (int k = 0; l->has_stress && k < 9; k++)
    if (!(fabs(l->stress[k / 3][k % 3]) <= MOST_STRESS))
      return impossible(s, -1, "a stress", l->stress[k / 3][k % 3], "eV/Angstrom^3", error);
  return FTL_OK;
}

ftl_status ftl_labels_possible(const ftl_dataset *dataset, ftl_error *error) {
  for (int64_t k = 0; k < dataset->n; k++) {
    FTL_TRY(check(&dataset->structure[k], error));
  }
  return FTL_OK;
}

ftl_status ftl_labels_weigh(const ftl_dataset *dataset, const ftl_label_weights *w, const char *what,
                            ftl_error *error) {
  ftl_label_counts count;
  double frames = 0;
  ftl_dataset_count_labels(dataset, &count);
  if (dataset->n == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "nothing is determined by %s: there is no structure of more than one isolated atom", what);
  if (count.energy + count.forces + count.stress == 0)
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "nothing is determined by %s: there are no labels on its %lld structures", what,
                    (long long)dataset->n);
  for (int64_t k = 0; k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    const ftl_labels *l = &s->labels;
    const double energy = l->has_energy ? w->energy * s->energy_weight : 0,
                 forces = l->has_forces ? w->forces * s->forces_weight : 0,
                 stress = l->has_stress ? w->stress * s->stress_weight : 0;
    frames += s->weight;
    if (s->weight * (energy + forces + stress) > 0) return FTL_OK;
  }
  if (frames == 0)
    return ftl_fail(
        error, FTL_ERR_INPUT, NULL,
        "nothing is determined by %s: config_weight or the factor of the config_type is 0 for all of its %lld "
        "structures",
        what, (long long)dataset->n);
  return ftl_fail(
      error, FTL_ERR_INPUT, NULL,
      "nothing is determined by %s: all weights are zero. There are %lld energies, %lld forces and %lld stresses, and "
      "%s.energy is %g, %s.forces %g, %s.stress %g",
      what, (long long)count.energy, (long long)count.forces, (long long)count.stress, w->name, w->energy, w->name,
      w->forces, w->name, w->stress);
}
