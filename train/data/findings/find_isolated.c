/* Isolated atoms that are none, and whose energies do not fit the others. */
#include <math.h>

#include "data/findings/find.h"
#include "data/isolated.h"
#include "base/error.h"

/* Binding energies of solids are up to 9 eV an atom (W), of molecules up to 7: an energy per atom this far below the
   free atoms', or above them, is of another calculation. */
#define MOST_BOUND  (-15.)
#define LEAST_BOUND 5.
/* An atom that is pushed into others is less bound; eV per eV/Angstrom of its force. */
#define OF_A_FORCE 0.5
#define REFUSED    50. /* eV an atom: E0 of another code, whatever the bonds */

ftl_status ftl_find_isolated(const char *name, const ftl_dataset *dataset, double cutoff, ftl_findings *findings,
                             ftl_error *error) {
  ftl_worst several = {0}, reached = {0};
  ftl_neighbours list = {0};
  ftl_status status = FTL_OK;
  char where[256];
  for (int64_t k = 0; !status && k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    if (!ftl_isolated_by_name(s->config_type)) continue;
    if (s->n > 1) {
      ftl_worst_add(&several, s, s->n);
      continue;
    }
    status = ftl_structure_neighbours(s, cutoff, &list, error);
    if (!status && list.n_edges > 0) ftl_worst_add(&reached, s, list.n_edges);
  }
  ftl_neighbours_free(&list);
  if (!status && several.count > 0) {
    ftl_worst_where(&several, where);
    status = ftl_findings_add(findings, FTL_FINDING_ISOLATED, FTL_REMARK, several.count, error,
                              "%s: config_type says isolated atom, but there are several atoms: %lld structures, which "
                              "are taken as ordinary ones; worst: %.150s (%d atoms); correct the config_type",
                              name, (long long)several.count, where, several.structure->n);
  }
  if (!status && reached.count > 0) {
    ftl_worst_where(&reached, where);
    status = ftl_findings_add(
        findings, FTL_FINDING_ISOLATED, FTL_REMARK, reached.count, error,
        "%s: config_type says isolated atom, but images of the atom are within the cutoff of %g A: %lld structures; "
        "first: %.150s; use a longer box, or another config_type if it is a crystal",
        name, cutoff, (long long)reached.count, where);
  }
  return status;
}

typedef struct {
  bool known[119];
  double energy[119];
  const ftl_structure *source[119];
} atom_energies;

/* The first of each element. *odd: one that is another energy of the same element. */
static ftl_status read_atoms(const ftl_dataset *isolated, double cutoff, atom_energies *atoms, ftl_worst *odd,
                             ftl_error *error) {
  ftl_neighbours list = {0};
  ftl_status status = FTL_OK;
  for (int64_t k = 0; !status && k < isolated->n; k++) {
    const ftl_structure *s = &isolated->structure[k];
    bool alone = s->isolated;
    if (s->n != 1 || !s->labels.has_energy) continue;
    if (!alone) status = ftl_isolated_within(s, cutoff, &list, &alone, error);
    if (status != FTL_OK || !alone) continue;
    const int z = s->atomic_number[0];
    if (atoms->known[z] && fabs(atoms->energy[z] - s->labels.energy) > 1e-3)
      ftl_worst_add(odd, s, fabs(atoms->energy[z] - s->labels.energy));
    if (atoms->known[z]) continue;
    atoms->known[z] = true;
    atoms->energy[z] = s->labels.energy;
    atoms->source[z] = s;
  }
  ftl_neighbours_free(&list);
  return status;
}

/* Energy per atom above the free atoms'; false when one of them is not known. */
static bool above_atoms(const atom_energies *atoms, const ftl_structure *s, double *energy) {
  double sum = 0;
  for (int i = 0; i < s->n; i++) {
    if (!atoms->known[s->atomic_number[i]]) return false;
    sum += atoms->energy[s->atomic_number[i]];
  }
  *energy = (s->labels.energy - sum) / s->n;
  return true;
}

/* `whose` energies of atoms do not belong to those of the structures; `advice` says what to do. */
static ftl_status compare(const char *name, const ftl_dataset *dataset, const atom_energies *atoms, const char *whose,
                          const char *advice, ftl_findings *findings, ftl_error *error) {
  ftl_worst far = {0};
  int64_t compared = 0;
  double worst = 0;
  char where[256];
  for (int64_t k = 0; k < dataset->n; k++) {
    const ftl_structure *s = &dataset->structure[k];
    double energy;
    if (!s->labels.has_energy || s->isolated || !above_atoms(atoms, s, &energy)) continue;
    compared++;
    if (energy >= MOST_BOUND && energy <= LEAST_BOUND + OF_A_FORCE * ftl_largest_force(s)) continue;
    if (far.count == 0 || fabs(energy) > fabs(worst)) worst = energy;
    ftl_worst_add(&far, s, fabs(energy));
  }
  if (far.count == 0 || far.count * 5 < compared) return FTL_OK; /* a few: another matter */
  ftl_worst_where(&far, where);
  return ftl_findings_add(
      findings, FTL_FINDING_ATOM_ENERGIES, fabs(worst) > REFUSED ? FTL_REFUSE : FTL_REMARK, far.count, error,
      "%s: %s do not belong to the other energies: %lld of %lld structures are not within %g and %g "
      "eV an atom of them; worst: %.150s, %.4g eV an atom; %s",
      name, whose, (long long)far.count, (long long)compared, MOST_BOUND, LEAST_BOUND, where, worst, advice);
}

ftl_status ftl_find_given_energies(const char *name, const ftl_dataset *dataset, int n, const int *atomic_number,
                                   const double *e0, ftl_findings *findings, ftl_error *error) {
  atom_energies atoms = {0};
  for (int k = 0; k < n; k++) {
    atoms.known[atomic_number[k]] = true;
    atoms.energy[atomic_number[k]] = e0[k];
  }
  return compare(name, dataset, &atoms, "the E0 that are given",
                 "correct them (eV, of the same calculation), or leave e0 to be found in the data", findings, error);
}

ftl_status ftl_find_atom_energies(const char *name, const ftl_dataset *dataset, const ftl_dataset *isolated,
                                  double cutoff, ftl_findings *findings, ftl_error *error) {
  atom_energies atoms = {0};
  ftl_worst odd = {0};
  char where[256];
  ftl_status status = read_atoms(isolated, cutoff, &atoms, &odd, error);
  if (!status && odd.count > 0) {
    const int z = odd.structure->atomic_number[0];
    ftl_worst_where(&odd, where);
    status = ftl_findings_add(findings, FTL_FINDING_ATOM_ENERGIES, FTL_REMARK, odd.count, error,
                              "%s: isolated atoms of one element have different energies: %lld; worst: %s has %g eV in "
                              "%.120s and %g eV in frame %lld of %.80s; keep the right one",
                              name, (long long)odd.count, ftl_element_symbol(z), odd.structure->labels.energy, where,
                              atoms.energy[z], (long long)atoms.source[z]->frame, atoms.source[z]->path);
  }
  FTL_TRY(status);
  return compare(name, dataset, &atoms, "the isolated atoms",
                 "correct the isolated atoms (same code, functional, pseudopotentials, unit), or leave them out: E0 is "
                 "then fitted",
                 findings, error);
}
