#include "tune/train_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/findings/compare.h"
#include "tune/start.h"
#include "base/error.h"

/* So many structures of train, of so many atoms, and fewer of the others, are compared with the foundation's answers:
   seconds, and units and signs are seen in far fewer. */
enum { STRUCTURES = 40, ATOMS = 2500, OTHERS = 16, ATOMS_OF_OTHERS = 1000 };

/* A single atom's energy this far from the foundation's, eV, is remarked; other spin states are within. */
#define ATOM_DIFFERS 1.
/* ... unless energies of structures agree with the foundation's to this: its E0 are then a fit, not atoms. */
#define AGREES 0.1
/* Labels this far from the foundation's, eV an atom, are of another code or functional. */
#define ZERO_DIFFERS 1.

static void warn(void *context, const char *text) { ftl_setup_warn(context, "%s", text); }

/* Tells what was found since the list had `first`. */
static ftl_status tell(ftl_setup *s, int first, bool accepted, ftl_error *error) {
  if (accepted || s->recipe->checks == FTL_CHECKS_WARN) ftl_findings_accept(&s->findings);
  return ftl_findings_tell(&s->findings, first, warn, s, "; --checks warn trains on it as it is", error);
}

ftl_status ftl_check_labels(ftl_setup *s, bool resumed, ftl_error *error) {
  const ftl_architecture *arch = &s->source->arch;
  const int first = s->findings.n;
  ftl_status status =
      ftl_sets_check(s->recipe, &s->sets, arch->atomic_numbers, arch->n_elements, arch->r_max, &s->findings, error);
  if (status == FTL_OK) status = tell(s, first, resumed, error);
  return status == FTL_OK ? ftl_sets_weigh(s->recipe, &s->sets, error) : status;
}

/* ---- against the foundation ---- */

static bool is_known(const ftl_setup *s, const ftl_structure *structure) {
  for (int i = 0; i < structure->n; i++)
    if (ftl_start_adds(s->recipe, structure->atomic_number[i])) return false;
  return true;
}

static ftl_status answer(ftl_setup *s, const ftl_dataset *some, ftl_comparison *comparison, ftl_error *error) {
  const ftl_architecture *arch = &s->source->arch;
  ftl_predictions predictions = {0};
  ftl_graphs graphs = {0};
  ftl_status status =
      ftl_graphs_new(some, arch->atomic_numbers, arch->n_elements, arch->r_max, &s->memory, &graphs, error);
  if (!status) status = ftl_evaluate(&s->team, &graphs, NULL, FTL_ANSWER_LABELLED, &predictions, error);
  for (int64_t k = 0; !status && k < some->n; k++) {
    const ftl_structure *structure = &some->structure[k];
    const ftl_prediction prediction = ftl_predictions_get(&predictions, k);
    double stress[3][3] = {{0}};
    for (int a = 0; structure->volume > 0 && a < 9; a++)
      stress[a / 3][a % 3] = -prediction.virial[a / 3][a % 3] / structure->volume;
    status = ftl_comparison_add(comparison, structure, prediction.energy, (const double(*)[3])prediction.forces,
                                (const double(*)[3])stress, error);
  }
  ftl_predictions_free(&predictions);
  ftl_graphs_free(&graphs);
  return status;
}

/* Shallow copies of the structures that are compared. */
static ftl_status compare(ftl_setup *s, const ftl_dataset *dataset, bool train, ftl_comparison *comparison,
                          ftl_error *error) {
  ftl_dataset some = {0};
  bool *chosen = malloc((size_t)dataset->n + 1);
  some.structure = malloc(STRUCTURES * sizeof *some.structure);
  ftl_status status = FTL_OK;
  if (!chosen || !some.structure) status = ftl_no_memory(error, NULL, "checking the data");
  if (!status) {
    ftl_comparison_choose(dataset, train ? STRUCTURES : OTHERS, train ? ATOMS : ATOMS_OF_OTHERS, chosen);
    for (int64_t k = 0; k < dataset->n; k++)
      if (chosen[k] && is_known(s, &dataset->structure[k])) some.structure[some.n++] = dataset->structure[k];
    if (some.n > 0) status = answer(s, &some, comparison, error);
  }
  free(chosen);
  free(some.structure);
  return status;
}

/* Elements of isolated atoms of data whose energies are not the model's E0, as text; returns how many. */
static int describe_atoms(const ftl_setup *s, char text[160]) {
  const ftl_architecture *arch = &s->source->arch;
  const ftl_dataset *isolated = &s->sets.isolated;
  bool said[FTL_MAX_ELEMENTS] = {false};
  int n = 0;
  *text = '\0';
  for (int64_t k = 0; k < isolated->n && ftl_baseline_of_atoms(s->source); k++) {
    const ftl_structure *atom = &isolated->structure[k];
    const int species = ftl_element_index(arch->atomic_numbers, arch->n_elements, atom->atomic_number[0]);
    if (species < 0 || said[species] || !atom->labels.has_energy) continue;
    if (fabs(atom->labels.energy - s->baseline.e0[species]) < ATOM_DIFFERS) continue;
    said[species] = true;
    const size_t used = strlen(text);
    if (n++ < 3)
      snprintf(text + used, 160 - used, "%s%s %.6g eV in data, %.6g in the model", used ? "; " : "",
               ftl_element_symbol(atom->atomic_number[0]), atom->labels.energy, s->baseline.e0[species]);
  }
  return n;
}

static const char *advice(const ftl_setup *s) {
  switch (s->recipe->e0.kind) {
  case FTL_START_KEEP:
    return s->sets.isolated.n > 0 && ftl_baseline_of_atoms(s->source)
               ? "use --e0 fit, which takes E0 from the isolated atoms of data"
               : "use --e0 fit, which fits E0 to data";
  case FTL_START_FIT:
    return s->baseline.free_atoms ? "do the isolated atoms of data belong to the other structures? without them --e0 "
                                    "fit fits E0 to these"
                                  : "is it one calculation?";
  default:
    return "are the values of e0.values of the same calculation? --e0 fit fits E0 to data";
  }
}

/* Energies, with E0 as they will be. */
static ftl_status find_zero(ftl_setup *s, const double *e0_shift, ftl_error *error) {
  static const char *const name[] = {"train", "valid", "test"};
  const bool kept = s->recipe->e0.kind == FTL_START_KEEP;
  char atoms[160];
  const int n_atoms = kept ? describe_atoms(s, atoms) : 0;
  double typical[3] = {NAN, NAN, NAN};
  ftl_status status = FTL_OK;
  const int before = s->findings.n;
  /* that of train is said for all */
  for (int k = 0; !status && k < 3 && s->findings.n == before; k++)
    status = ftl_comparison_zero(name[k], &s->compared[k], e0_shift, advice(s), &typical[k], &s->findings, error);
  const bool told = s->findings.n > before, agrees = typical[0] < AGREES;
  if (status != FTL_OK || n_atoms == 0 || (agrees && !told)) return status;
  return ftl_findings_add(
      &s->findings, FTL_FINDING_ATOM_ENERGIES, FTL_REMARK, n_atoms, error,
      "train: isolated atoms of data have other energies than the model's E0, for %d element%s: %s; "
      "use --e0 fit, which takes them",
      n_atoms, n_atoms > 1 ? "s" : "", atoms);
}

ftl_status ftl_check_answers(ftl_setup *s, ftl_error *error) {
  static const char *const name[] = {"train", "valid", "test"};
  const ftl_dataset *set[] = {&s->sets.train, &s->sets.valid, &s->sets.test};
  const int first = s->findings.n;
  ftl_status status = FTL_OK;
  if (!s->recipe->foundation) return FTL_OK;
  for (int k = 0; !status && k < 3; k++) status = compare(s, set[k], k == 0, &s->compared[k], error);
  for (int k = 0; !status && k < 3; k++) status = ftl_comparison_units(name[k], &s->compared[k], &s->findings, error);
  ftl_baseline_get(s->source, &s->baseline);
  const bool units = ftl_findings_have(&s->findings, FTL_FINDING_ENERGY_UNIT);
  if (!status && !units && s->recipe->loss.energy > 0 && s->recipe->e0.kind == FTL_START_KEEP)
    status = find_zero(s, NULL, error);
  return status ? status : tell(s, first, false, error);
}

/* With fitted E0 the labels may have any zero of energy; one that is far from the foundation's is remarked unless it is
   asked for, since it may be a mistake. */
static ftl_status say_zero(ftl_setup *s, ftl_error *error) {
  const ftl_comparison *train = &s->compared[0];
  double sum = 0;
  int n = 0;
  char text[500];
  for (int64_t k = 0; k < train->n; k++) {
    if (!train->frame[k].has_energy) continue;
    sum += (train->frame[k].energy - train->frame[k].answer) / train->frame[k].n;
    n++;
  }
  if (n == 0) return FTL_OK;
  const bool far = fabs(sum / n) > ZERO_DIFFERS;
  snprintf(
      text, sizeof text,
      "energies of train are on average %.3f eV/atom from those of the foundation%s; E0 %s (--e0 fit, the default; "
      "%s--e0 keep keeps the foundation's)",
      sum / n, far ? ", as of another code, functional or pseudopotential" : "",
      s->baseline.free_atoms ? "are those of the isolated atoms" : "are fitted to them",
      ftl_baseline_of_atoms(s->source) ? "isolated atoms in data give E0 where there is one of each element; " : "");
  if (far && !ftl_options_is_chosen(&s->recipe->options, "e0.kind"))
    return ftl_findings_add(&s->findings, FTL_FINDING_E0, FTL_REMARK, n, error, "%s", text);
  ftl_setup_say(s, "%s", text);
  return FTL_OK;
}

ftl_status ftl_check_zero(ftl_setup *s, const ftl_baseline *before, ftl_error *error) {
  const ftl_architecture *arch = &s->source->arch;
  double shift[119] = {0};
  const int first = s->findings.n;
  if (!s->recipe->foundation || s->recipe->e0.kind == FTL_START_KEEP || s->recipe->loss.energy == 0 ||
      ftl_findings_have(&s->findings, FTL_FINDING_ENERGY_UNIT))
    return FTL_OK;
  for (int k = 0; k < arch->n_elements; k++) shift[arch->atomic_numbers[k]] = s->baseline.e0[k] - before->e0[k];
  FTL_TRY(find_zero(s, shift, error));
  if (s->findings.n == first && s->recipe->e0.kind == FTL_START_FIT) FTL_TRY(say_zero(s, error));
  return tell(s, first, false, error);
}
