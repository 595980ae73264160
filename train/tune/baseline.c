#include "tune/baseline.h"

#include <stdio.h>
#include <string.h>

#include "tune/start.h"
#include "base/error.h"

static const char energies[] = "atomic_energies_fn.atomic_energies", scale_name[] = "scale_shift.scale",
                  shift_name[] = "scale_shift.shift";

/* The head that is the user's: the last one. */
static int own_head(const ftl_source *source) { return source->arch.n_heads - 1; }

bool ftl_baseline_of_atoms(const ftl_source *source) { return source->arch.family == FTL_FAMILY_MACE; }

/* One number for each head, which is fitted. */
static bool has_scale(const ftl_source *source) {
  return source->arch.scale_shift && source->arch.family == FTL_FAMILY_MACE;
}

void ftl_baseline_get(const ftl_source *source, ftl_baseline *baseline) {
  const int n = source->arch.n_elements, head = own_head(source);
  *baseline = (ftl_baseline){.scale = 1};
  const ftl_tensor *e0 = ftl_tensors_find(&source->tensors, energies);
  for (int k = 0; e0 && k < n; k++) baseline->e0[k] = ftl_tensor_at(e0, head * n + k);
  if (!has_scale(source)) return;
  baseline->scale = ftl_tensor_at(ftl_tensors_find(&source->tensors, scale_name), head);
  baseline->shift = ftl_tensor_at(ftl_tensors_find(&source->tensors, shift_name), head);
}

/* Replaces the last n numbers of a tensor. */
static ftl_status put_last(ftl_source *source, const char *name, const double *last, int n, ftl_error *error) {
  double numbers[2 * FTL_MAX_ELEMENTS];
  const ftl_tensor *tensor = ftl_tensors_find(&source->tensors, name);
  const int64_t count = tensor ? tensor->count : 0;
  if (count < n || count > 2 * FTL_MAX_ELEMENTS)
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "tensor %s does not have the expected size", name);
  for (int64_t k = 0; k < count; k++) numbers[k] = ftl_tensor_at(tensor, k);
  memcpy(numbers + count - n, last, (size_t)n * sizeof *last);
  return ftl_start_set(source, name, numbers, count, error);
}

ftl_status ftl_baseline_put(const ftl_baseline *baseline, ftl_source *source, ftl_error *error) {
  ftl_status status = put_last(source, energies, baseline->e0, source->arch.n_elements, error);
  if (!status && has_scale(source)) {
    status = put_last(source, scale_name, &baseline->scale, 1, error);
    if (!status) status = put_last(source, shift_name, &baseline->shift, 1, error);
  }
  return status;
}

/* Energies of isolated atoms, if there is one of every element of train; otherwise *all is false and e0 is kept. */
static ftl_status from_isolated(const ftl_sets *sets, const ftl_source *source, ftl_baseline *baseline, bool *all,
                                ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  double e0[FTL_MAX_ELEMENTS];
  bool found[FTL_MAX_ELEMENTS] = {false};
  int present[118], n = 0;
  memcpy(e0, baseline->e0, sizeof e0);
  *all = false;
  if (sets->isolated.n == 0) return FTL_OK;
  if (!ftl_baseline_of_atoms(source)) {
    snprintf(baseline->warning, sizeof baseline->warning,
             "the isolated atoms of data do not count: the zero of this model's energies is its shift of each element, "
             "an atom in matter, which is fitted to all structures");
    return FTL_OK;
  }
  ftl_status status =
      ftl_e0_isolated(&sets->isolated, arch->r_max, arch->atomic_numbers, arch->n_elements, e0, found, error);
  FTL_TRY(status);
  const int n_present = ftl_dataset_elements(&sets->train, present);
  for (int k = 0; k < n_present; k++) {
    const int species = ftl_element_index(arch->atomic_numbers, arch->n_elements, present[k]);
    n += species >= 0 && found[species];
  }
  *all = n == n_present;
  if (*all) memcpy(baseline->e0, e0, sizeof e0);
  else
    snprintf(baseline->warning, sizeof baseline->warning,
             "there are isolated atoms of %d of the %d elements in train; E0 is fitted to all structures instead of "
             "taken from them",
             n, n_present);
  return FTL_OK;
}

ftl_status ftl_baseline_of_free_atoms(const ftl_recipe *recipe, const ftl_sets *sets, const ftl_source *source,
                                      bool *free, ftl_error *error) {
  ftl_baseline unused = {0};
  *free = recipe->e0.kind == FTL_START_GIVEN;
  return recipe->e0.kind == FTL_START_FIT ? from_isolated(sets, source, &unused, free, error) : FTL_OK;
}

ftl_status ftl_baseline_e0(const ftl_recipe *recipe, const ftl_sets *sets, const ftl_source *source,
                           const double *predicted, ftl_baseline *baseline, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  const int kind = recipe->e0.kind;
  baseline->warning[0] = '\0';
  if (kind == FTL_START_KEEP) return FTL_OK;
  if (kind == FTL_START_GIVEN && !ftl_baseline_of_atoms(source))
    return ftl_fail(error, FTL_ERR_INPUT, "e0.kind",
                    "energies of single atoms are not what this model measures from: it has a shift for each element, "
                    "the energy of an atom in matter; fit corrects it, keep leaves it");
  baseline->free_atoms = kind == FTL_START_GIVEN;
  if (kind == FTL_START_GIVEN)
    return ftl_e0_given(recipe->e0.values.name, recipe->e0.values.value, recipe->e0.values.n, arch->atomic_numbers,
                        arch->n_elements, baseline->e0, error);
  bool all;
  ftl_status status = from_isolated(sets, source, baseline, &all, error);
  baseline->free_atoms = all;
  if (status != FTL_OK || all) return status;
  double start[FTL_MAX_ELEMENTS];
  ftl_e0_fit fit;
  memcpy(start, baseline->e0, sizeof start);
  status = ftl_e0_least_squares(&sets->train, arch->atomic_numbers, arch->n_elements, predicted ? start : NULL,
                                predicted, baseline->e0, &fit, error);
  if (!status && *fit.warning) snprintf(baseline->warning, sizeof baseline->warning, "%s", fit.warning);
  return status;
}

ftl_status ftl_baseline_scale_shift(const ftl_recipe *recipe, const ftl_sets *sets, const ftl_source *source,
                                    ftl_baseline *baseline, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  baseline->warning[0] = '\0';
  if (recipe->scale_shift == FTL_START_KEEP) return FTL_OK;
  if (!ftl_baseline_of_atoms(source))
    return ftl_fail(error, FTL_ERR_INPUT, source->path,
                    "scale_shift: fit is for one scale and shift; this model has them for each element: its shift is "
                    "fitted with e0, its scale is kept");
  if (!arch->scale_shift)
    return ftl_fail(error, FTL_ERR_INPUT, source->path,
                    "scale_shift: fit needs a model with scale and shift; this one is without");
  ftl_status status = ftl_scale_shift(&sets->train, arch->atomic_numbers, arch->n_elements, baseline->e0,
                                      &baseline->scale, &baseline->shift, error);
  if (baseline->free_atoms) baseline->shift = 0;
  return status;
}
