#include "data/checks.h"

#include <stdlib.h>
#include <string.h>

#include "data/duplicates.h"
#include "data/findings/find.h"
#include "base/error.h"

/* ---- one set ---- */

static ftl_status check_elements(const ftl_checks *checks, const ftl_checked_set *set, ftl_findings *findings,
                                 ftl_error *error) {
  const ftl_dataset *dataset = set->dataset;
  bool missing[119] = {false};
  char first[256] = "", names[256] = "";
  int64_t count = 0;
  int first_atom = 0;
  for (int64_t s = 0; s < dataset->n; s++) {
    const ftl_structure *structure = &dataset->structure[s];
    bool lacks = false;
    for (int i = 0; i < structure->n; i++) {
      const int z = structure->atomic_number[i];
      if (ftl_element_index(checks->elements, checks->n_elements, z) >= 0) continue;
      if (!*first) {
        ftl_structure_where(structure, i, first);
        first_atom = i;
      }
      lacks = missing[z] = true;
    }
    count += lacks;
  }
  if (count == 0) return FTL_OK;
  for (int z = 1; z <= 118; z++)
    if (missing[z] && strlen(names) + 4 < sizeof names) {
      if (*names) strcat(names, " ");
      strcat(names, ftl_element_symbol(z));
    }
  return ftl_findings_add(
      findings, FTL_FINDING_ELEMENT, FTL_FATAL, count, error,
      "%s: the model does not have %.120s, which %lld of %lld structures contain; first: %.150s, atom %d%s", set->name,
      names, (long long)count, (long long)dataset->n, first, first_atom,
      checks->adds_elements ? "; add_elements adds elements to a foundation" : "");
}

/* One kind of label: none at all, or on a part of the structures. */
static ftl_status check_label(const ftl_checks *checks, const ftl_checked_set *set, const char *a_label,
                              const char *name, int64_t labelled, ftl_findings *findings, ftl_error *error) {
  const int64_t n = set->dataset->n, without = n - labelled;
  if (without == 0) return FTL_OK;
  if (labelled == 0)
    return ftl_findings_add(findings, FTL_FINDING_UNLABELLED, FTL_REMARK, n, error,
                            "%s: no structure has %s, so %s.%s has no effect on it", set->name, a_label,
                            checks->weights, name);
  return ftl_findings_add(findings, FTL_FINDING_PARTIAL, FTL_REMARK, without, error,
                          "%s: %lld of %lld structures have %s; the other %lld count with their other labels only",
                          set->name, (long long)labelled, (long long)n, a_label, (long long)without);
}

static ftl_status check_labels(const ftl_checks *checks, const ftl_checked_set *set, ftl_findings *findings,
                               ftl_error *error) {
  const long long n = set->dataset->n;
  ftl_label_counts counts;
  ftl_dataset_count_labels(set->dataset, &counts);
  const int64_t used = (checks->energy ? counts.energy : 0) + (checks->forces ? counts.forces : 0) +
                       (checks->stress ? counts.stress : 0);
  ftl_status status = FTL_OK;
  if (used == 0)
    return ftl_findings_add(
        findings, FTL_FINDING_UNLABELLED, set->trained_on ? FTL_FATAL : FTL_REMARK, n, error,
        "%s: none of the %lld structures has a label that the loss weighs; see the prefix of the labels and the "
        "weights of the loss",
        set->name, n);
  if (checks->energy) status = check_label(checks, set, "an energy", "energy", counts.energy, findings, error);
  if (!status && checks->forces) status = check_label(checks, set, "forces", "forces", counts.forces, findings, error);
  const bool all_left_out = counts.stress == 0 && counts.stress_without_volume > 0; /* the next one says it */
  if (!status && checks->stress && !all_left_out)
    status = check_label(checks, set, "a stress", "stress", counts.stress, findings, error);
  if (!status && checks->stress && counts.stress_without_volume > 0)
    status = ftl_findings_add(findings, FTL_FINDING_NO_VOLUME, FTL_REMARK, counts.stress_without_volume, error,
                              "%s: stress labels left out, because the structure is not periodic in three directions: "
                              "%lld (with vacuum in a cell, pbc=\"T T T\" keeps them)",
                              set->name, (long long)counts.stress_without_volume);
  return status;
}

static ftl_status check_weights(const ftl_checked_set *set, ftl_findings *findings, ftl_error *error) {
  const ftl_dataset *dataset = set->dataset;
  int64_t count = 0;
  for (int64_t s = 0; s < dataset->n; s++) count += dataset->structure[s].weight == 0;
  if (count == 0) return FTL_OK;
  return ftl_findings_add(findings, FTL_FINDING_WEIGHT, set->trained_on && count == dataset->n ? FTL_FATAL : FTL_REMARK,
                          count, error, "%s: %lld of %lld structures have the weight 0 and train nothing", set->name,
                          (long long)count, (long long)dataset->n);
}

/* What labels and positions can be. Labels that the loss does not weigh do no harm. */
static ftl_status check_physics(const ftl_checks *checks, const ftl_checked_set *set, ftl_findings *findings,
                                ftl_error *error) {
  const ftl_dataset *isolated = checks->isolated ? checks->isolated : set->dataset;
  const bool first = set == checks->set;
  ftl_status status = ftl_find_geometry(set->name, set->dataset, findings, error);
  if (!status && checks->cutoff > 0)
    status = ftl_find_isolated(set->name, set->dataset, checks->cutoff, findings, error);
  if (!status && checks->cutoff > 0 && checks->isolated && first)
    status = ftl_find_isolated(set->name, checks->isolated, checks->cutoff, findings, error);
  if (!status && checks->energy) status = ftl_find_energies(set->name, set->dataset, findings, error);
  if (!status && checks->energy && checks->cutoff > 0 && first)
    status = ftl_find_atom_energies(set->name, set->dataset, isolated, checks->cutoff, findings, error);
  if (!status && checks->energy && checks->n_e0 > 0 && first)
    status =
        ftl_find_given_energies(set->name, set->dataset, checks->n_e0, checks->e0_element, checks->e0, findings, error);
  if (!status && checks->energy && !first && !set->apart && checks->set->dataset->n > 0 &&
      !ftl_findings_have(findings, FTL_FINDING_ENERGY_UNIT))
    status = ftl_find_other_energies(checks->set->name, checks->set->dataset, set->name, set->dataset, findings, error);
  if (!status && checks->forces) status = ftl_find_forces(set->name, set->dataset, findings, error);
  if (!status && checks->energy && checks->forces && first && !ftl_findings_have(findings, FTL_FINDING_ENERGY_UNIT))
    status = ftl_find_work(set->name, set->dataset, findings, error);
  if (!status && checks->stress) status = ftl_find_stress(set->name, set->dataset, findings, error);
  return status;
}

static ftl_status check_set(const ftl_checks *checks, const ftl_checked_set *set, ftl_findings *findings,
                            ftl_error *error) {
  const ftl_dataset *dataset = set->dataset;
  ftl_status status = FTL_OK;
  if (dataset->dropped > 0)
    status = ftl_findings_add(findings, FTL_FINDING_DROPPED, FTL_REMARK, dataset->dropped, error,
                              "%s: structures left out for absurd forces: %lld; first: %.400s", set->name,
                              (long long)dataset->dropped, dataset->first_dropped);
  if (!status && dataset->n == 0)
    return ftl_findings_add(findings, FTL_FINDING_EMPTY, FTL_FATAL, 0, error, "%s: there is no structure in %s%s",
                            set->name, dataset->n_files ? dataset->file[0].path : "the set",
                            dataset->n_files > 1 ? " and the other files" : "");
  if (!status && checks->n_elements > 0) status = check_elements(checks, set, findings, error);
  if (!status) status = check_labels(checks, set, findings, error);
  if (!status) status = check_weights(set, findings, error);
  return status ? status : check_physics(checks, set, findings, error);
}

/* ---- all sets ---- */

static ftl_status check_configs(const ftl_checks *checks, ftl_findings *findings, ftl_error *error) {
  for (int k = 0; k < checks->n_configs; k++) {
    const char *name = checks->config[k];
    bool found = strcmp(name, "Default") == 0;
    for (int a = 0; !found && a < checks->n_sets; a++)
      for (int64_t s = 0; !found && s < checks->set[a].dataset->n; s++)
        found = strcmp(checks->set[a].dataset->structure[s].config_type, name) == 0;
    if (found) continue;
    FTL_TRY(ftl_findings_add(findings, FTL_FINDING_CONFIG, FTL_REMARK, 0, error,
                             "%s.configs has a weight for %.100s, but no structure is of this config_type",
                             checks->weights, name));
  }
  return FTL_OK;
}

/* Structures of set b that are in set a too, with other labels. */
static ftl_status check_relabelled(const ftl_duplicates *pair, const char *one, const char *two, ftl_findings *findings,
                                   ftl_error *error) {
  const ftl_structure *s = pair->worst, *twin = pair->worst_twin;
  const bool energies = s->labels.has_energy && twin->labels.has_energy;
  char values[100] = "";
  if (energies)
    snprintf(values, sizeof values, " (%.6g and %.6g eV an atom)", twin->labels.energy / twin->n,
             s->labels.energy / s->n);
  return ftl_findings_add(findings, FTL_FINDING_RELABELLED, FTL_REMARK, pair->relabelled, error,
                          "%s%s%s: the same structure has other labels: %lld; worst: %.110s frame %lld is %.110s frame "
                          "%lld%s; order of atoms and lattice translations aside; remove the wrong ones",
                          one, one == two ? "" : " and ", one == two ? "" : two, (long long)pair->relabelled,
                          twin->path, (long long)twin->frame, s->path, (long long)s->frame, values);
}

static ftl_status check_duplicates(const ftl_checks *checks, ftl_findings *findings, ftl_error *error) {
  const ftl_dataset **sets = calloc((size_t)checks->n_sets + 1, sizeof *sets);
  ftl_duplicates *pairs = calloc((size_t)checks->n_sets * (size_t)checks->n_sets + 1, sizeof *pairs);
  ftl_status status = FTL_OK;
  if (!sets || !pairs) status = ftl_no_memory(error, NULL, "the search of duplicates");
  for (int a = 0; !status && a < checks->n_sets; a++) sets[a] = checks->set[a].dataset;
  if (!status) status = ftl_duplicates_find(sets, checks->n_sets, pairs, error);
  for (int a = 0; !status && a < checks->n_sets; a++)
    for (int b = a; !status && b < checks->n_sets; b++) {
      const ftl_duplicates *pair = &pairs[a * checks->n_sets + b];
      if (pair->count == 0) continue;
      const char *one = checks->set[a].name, *two = checks->set[b].name;
      const long long count = pair->count, frame = pair->first->frame, same = pair->second->frame;
      if (a == b)
        status = ftl_findings_add(findings, FTL_FINDING_DUPLICATE, FTL_REMARK, count, error,
                                  "%s: repeated structures: %lld; first: %.150s frame %lld is %.150s frame %lld", one,
                                  count, pair->second->path, same, pair->first->path, frame);
      else
        status = ftl_findings_add(
            findings, FTL_FINDING_DUPLICATE, FTL_REMARK, count, error,
            "%lld of %lld structures of %s are in %s too, so errors on %s are too good; first: %.120s frame "
            "%lld is %.120s frame %lld",
            count, (long long)sets[b]->n, two, one, two, pair->second->path, same, pair->first->path, frame);
      if (!status && pair->relabelled > 0) status = check_relabelled(pair, one, two, findings, error);
    }
  free(sets);
  free(pairs);
  return status;
}

ftl_status ftl_checks_run(const ftl_checks *checks, ftl_findings *findings, ftl_error *error) {
  for (int a = 0; a < checks->n_sets; a++) FTL_TRY(check_set(checks, &checks->set[a], findings, error));
  FTL_TRY(check_configs(checks, findings, error));
  return check_duplicates(checks, findings, error);
}
