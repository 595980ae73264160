#include "surrogate/fit_outcome.h"

#include <math.h>

#include "data/sense.h"
#include "base/error.h"

static const double NOTHING = 1e-9;   /* eV an atom, eV/Angstrom, eV/Angstrom^3: rounding of energies minus E0 */
static const double MOST_ERROR = 1e4; /* eV an atom */

static bool all_finite(const double *values, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (!isfinite(values[k])) return false;
  return true;
}

/* An energy without E0, and of what its rounding is a part. */
static double bare_energy(const ftl_surrogate_state *run, const ftl_structure *s, double *scale) {
  double energy = s->labels.energy;
  *scale = fabs(energy);
  for (int i = 0; i < s->n; i++) {
    const int mu = ftl_element_index(run->elements, run->n_elements, s->atomic_number[i]);
    if (mu < 0) continue;
    energy -= run->e0[mu];
    *scale += fabs(run->e0[mu]);
  }
  return energy;
}

/* Whether a structure says anything beyond E0. */
static bool says_something(const ftl_surrogate_state *run, const ftl_structure *s) {
  const ftl_labels *l = &s->labels;
  double scale;
  if (l->has_energy && fabs(bare_energy(run, s, &scale)) > NOTHING * s->n + 1e-12 * scale) return true;
  for (int i = 0; l->has_forces && i < s->n; i++)
    for (int k = 0; k < 3; k++)
      if (fabs(l->forces[i][k]) > NOTHING) return true;
  for (int k = 0; l->has_stress && k < 9; k++)
    if (fabs(l->stress[k / 3][k % 3]) > NOTHING) return true;
  return false;
}

/* The structure whose energy is furthest from its E0, per atom. */
static void place_furthest(const ftl_surrogate_state *run, char where[256]) {
  double most = 0, scale;
  *where = 0;
  for (int64_t k = 0; k < run->train.n; k++) {
    const ftl_structure *s = &run->train.structure[k];
    const double off = s->labels.has_energy ? fabs(bare_energy(run, s, &scale)) / s->n : 0;
    if (off <= most) continue;
    most = off;
    ftl_structure_where(s, -1, where);
  }
}

ftl_status ftl_outcome_expected(const ftl_surrogate_state *run, ftl_error *error) {
  const ftl_surrogate_recipe *r = run->recipe;
  const ftl_label_weights weights = {r->weights.energy, r->weights.forces, r->weights.stress, "weights"};
  for (int mu = 0; mu < run->n_elements; mu++)
    if (!ftl_e0_possible(run->e0[mu]))
      return ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "E0 of %s is %.3g eV, which is impossible (%s): give e0, or correct the energies",
                      ftl_element_symbol(run->elements[mu]), run->e0[mu], run->e0_from);
  ftl_status status = ftl_labels_weigh(&run->train, &weights, "the data", error);
  for (int64_t k = 0; k < run->train.n && !status; k++)
    if (says_something(run, &run->train.structure[k])) return FTL_OK;
  FTL_TRY(status);
  return ftl_fail(
      error, FTL_ERR_INPUT, NULL,
      "the data determine nothing: without E0 (%s) the energies of all %lld structures are zero, and so are the "
      "forces and stresses: give structures that differ, isolated atoms, or e0",
      run->e0_from, (long long)run->train.n);
}

ftl_status ftl_outcome_fitted(const ftl_surrogate_state *run, ftl_error *error) {
  const ftl_solution *x = &run->solution;
  const ftl_surrogate *s = &run->surrogate;
  const size_t n = (size_t)s->first[s->file.n_elements];
  if (!all_finite(s->coefficient, n) || !all_finite(s->committee, n * (size_t)s->n_committee))
    return ftl_fail(error, FTL_ERR_INPUT, NULL,
                    "the fit gave coefficients that are not finite: look for impossible labels and weights");
  if (x->rank > 0 && x->kept > 0) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, NULL,
                  "the data determine nothing: rank %d, %d of %zu functions kept; look at the weights and at solver",
                  x->rank, x->kept, n);
}

ftl_status ftl_outcome_measured(const ftl_surrogate_state *run, ftl_error *error) {
  const ftl_fit_errors *e = &run->on_train;
  const ftl_ace_file *file = &run->surrogate.file;
  char where[256];
  place_furthest(run, where);
  for (int k = 0; k < 3; k++)
    if (e->n[k] > 0 && !(e->rmse[k] < MOST_ERROR))
      return ftl_fail(error, FTL_ERR_INPUT, where,
                      "the fit has errors of %.3g %s on its own structures, so that it is no potential: look for "
                      "impossible labels, such as the energy of this structure, and at E0 (%s)",
                      e->rmse[k], k == 1 ? "eV/Angstrom" : "eV/atom", run->e0_from);
  if (!isfinite(run->surrogate.energy_scale) || !isfinite(run->surrogate.force_scale))
    return ftl_fail(error, FTL_ERR_INPUT, NULL, "the committee's spread is not finite: look for impossible labels");
  for (int mu = 0; mu < file->n_elements; mu++) {
    const size_t n = (size_t)file->n_functions[mu];
    if (run->surrogate.active[mu] && !all_finite(run->surrogate.active[mu], n * n))
      return ftl_fail(error, FTL_ERR_INPUT, NULL,
                      "the active set of %s is not finite: its atoms do not tell the functions apart",
                      ftl_element_symbol(file->atomic_number[mu]));
  }
  return FTL_OK;
}
