#include "model/ace_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool wrong(char *text, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(text, FTL_ACE_TEXT, format, list);
  va_end(list);
  return false;
}

static bool all_finite(const double *values, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (!isfinite(values[k])) return false;
  return true;
}

static bool within(int value, int least, int most) { return value >= least && value <= most; }

bool ftl_ace_embedding_good(const ftl_ace_embedding *e, char *text) {
  if (!within(e->n_density, 1, FTL_ACE_MAX_DENSITY))
    return wrong(text, "ndensity is %d; 1 to %d are covered", e->n_density, FTL_ACE_MAX_DENSITY);
  for (int p = 0; p < e->n_density; p++)
    if (!(e->exponent[p] > 0)) return wrong(text, "FS_parameters: the exponent %g is not positive", e->exponent[p]);
  if (!all_finite(e->weight, (size_t)e->n_density) || !all_finite(e->exponent, (size_t)e->n_density) ||
      !isfinite(e->core_cutoff) || !isfinite(e->d_core_cutoff))
    return wrong(text, "the embedding has numbers that are not finite");
  if (e->d_core_cutoff < 0) return wrong(text, "drho_core_cutoff is %g; it must not be negative", e->d_core_cutoff);
  return true;
}

bool ftl_ace_bond_good(const ftl_ace_bond *b, char *text) {
  const double numbers[] = {b->lambda, b->cutoff, b->d_cutoff, b->inner, b->d_inner, b->core, b->core_decay};
  if (!within(b->n_radial, 0, FTL_ACE_MAX_RADIAL) || !within(b->lmax, 0, FTL_ACE_MAX_L) ||
      !within(b->n_base, 1, FTL_ACE_MAX_RADIAL))
    return wrong(text, "nradmax %d, lmax %d, nradbasemax %d; up to %d, %d, %d are covered", b->n_radial, b->lmax,
                 b->n_base, FTL_ACE_MAX_RADIAL, FTL_ACE_MAX_L, FTL_ACE_MAX_RADIAL);
  if (!all_finite(numbers, sizeof numbers / sizeof *numbers))
    return wrong(text, "a bond has numbers that are not finite");
  if (!(b->cutoff > 0) || b->cutoff > 100)
    return wrong(text, "rcut is %g Angstrom; it must be positive and below 100", b->cutoff);
  if (b->d_cutoff < 0 || b->d_cutoff > b->cutoff)
    return wrong(text, "dcut is %g; it must lie between 0 and rcut", b->d_cutoff);
  if (b->inner < 0 || b->d_inner < 0) return wrong(text, "rcut_in and dcut_in must not be negative");
  if (b->inner > b->cutoff || b->d_inner > 100)
    return wrong(text, "rcut_in is %g and dcut_in %g; rcut_in must lie below rcut, which is %g, and dcut_in below 100",
                 b->inner, b->d_inner, b->cutoff);
  if (b->inner_kind == FTL_ACE_INNER_ZBL && !(b->d_cutoff > 0 && b->d_inner > 0))
    return wrong(text, "inner_cutoff_type zbl needs a positive dcut and dcut_in");
  if (b->kind == FTL_ACE_CHEB_EXP_COS && b->lambda == 0)
    return wrong(text, "radparameters: ChebExpCos needs a number other than 0");
  if (b->kind == FTL_ACE_CHEB_POW && b->lambda < 1)
    return wrong(text, "radparameters: ChebPow needs a power of at least 1, so that forces exist");
  return true;
}

bool ftl_ace_bins_good(const ftl_ace_file *file, char *text) {
  if (!(file->bins >= FTL_ACE_LEAST_BINS && file->bins <= FTL_ACE_MOST_BINS))
    return wrong(text, "deltaSplineBins is %g Angstrom; %g to %g make sense (0.001 is usual)", file->bins,
                 FTL_ACE_LEAST_BINS, FTL_ACE_MOST_BINS);
  for (int k = 0; k < file->n_elements * file->n_elements; k++)
    if (file->bond[k].cutoff < FTL_ACE_FEWEST_BINS * file->bins)
      return wrong(text, "rcut of [%d, %d] is %g Angstrom, less than %d times deltaSplineBins, which is %g",
                   k / file->n_elements, k % file->n_elements, file->bond[k].cutoff, FTL_ACE_FEWEST_BINS, file->bins);
  return true;
}

bool ftl_ace_function_good(const ftl_ace_file *file, int mu, const ftl_ace_function *g, char *text) {
  if (!within(g->rank, 1, FTL_ACE_MAX_RANK) || g->n_m < 0 || g->n_density != file->embedding[mu].n_density)
    return wrong(text, "a function has rank %d, %d terms and %d densities", g->rank, g->n_m, g->n_density);
  for (int t = 0; t < g->rank; t++)
    if (!within(g->mu[t], 0, file->n_elements - 1) || !within(g->n[t], 0, FTL_ACE_MAX_RADIAL - 1) ||
        !within(g->l[t], 0, FTL_ACE_MAX_L))
      return wrong(text, "a function has a factor of element %d, n = %d and l = %d", g->mu[t], g->n[t] + 1, g->l[t]);
  for (int k = 0; k < g->rank * g->n_m; k++)
    if (!within(g->m[k], -g->l[k % g->rank], g->l[k % g->rank]))
      return wrong(text, "ms_combs has m = %d for l = %d", g->m[k], g->l[k % g->rank]);
  if (!all_finite(g->c, (size_t)g->n_density * (size_t)g->n_m))
    return wrong(text, "a function has coefficients that are not finite");
  if (g->rank == 1 && (g->l[0] != 0 || g->n_m > 1))
    return wrong(text, "a function of rank 1 has l = 0 and one coefficient set");
  return true;
}

size_t ftl_ace_bond_coefficients(const ftl_ace_bond *b) {
  return (size_t)b->n_radial * ((size_t)b->lmax + 1) * (size_t)b->n_base;
}

/* ---- names ---- */

static const char *const base_names[] = {[FTL_ACE_CHEB_EXP_COS] = "ChebExpCos",
                                         [FTL_ACE_CHEB_POW] = "ChebPow",
                                         [FTL_ACE_CHEB_LINEAR] = "ChebLinear",
                                         [FTL_ACE_SBESSEL] = "SBessel"};
static const char *const inner_names[] = {
    [FTL_ACE_INNER_DENSITY] = "density", [FTL_ACE_INNER_DISTANCE] = "distance", [FTL_ACE_INNER_ZBL] = "zbl"};

static int find(const char *const *names, int n, const char *name) {
  for (int k = 0; name && k < n; k++)
    if (!strcmp(names[k], name)) return k;
  return -1;
}

const char *ftl_ace_base_name(ftl_ace_base_kind kind) { return base_names[kind]; }
const char *ftl_ace_inner_name(ftl_ace_inner_kind kind) { return inner_names[kind]; }

bool ftl_ace_base_kind_of(const char *name, ftl_ace_base_kind *kind) {
  int k = find(base_names, (int)(sizeof base_names / sizeof *base_names), name);
  if (k >= 0) *kind = (ftl_ace_base_kind)k;
  return k >= 0;
}

bool ftl_ace_inner_kind_of(const char *name, ftl_ace_inner_kind *kind) {
  int k = find(inner_names, (int)(sizeof inner_names / sizeof *inner_names), name);
  if (k >= 0) *kind = (ftl_ace_inner_kind)k;
  return k >= 0;
}
