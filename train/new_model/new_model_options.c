/* What a new model may be: defaults and limits of its options. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "new_model/new_model_internal.h"

/* Limits of ftl_source_check, except for the last: no published MACE has wider layers. */
#define MAX_ELL         3
#define MAX_HIDDEN_L    2
#define MAX_CORRELATION 4
#define MAX_RADIAL      1024
#define MAX_WIDTH       4096

void ftl_scratch_defaults(ftl_scratch_options *options) {
  *options = (ftl_scratch_options){.r_max = 5,
                                   .radial = FTL_RADIAL_BESSEL,
                                   .num_bessel = 8,
                                   .cutoff_p = 5,
                                   .transform = FTL_TRANSFORM_NONE,
                                   .n_radial_mlp = 3,
                                   .radial_mlp = {64, 64, 64},
                                   .apply_cutoff = true,
                                   .hidden = "128x0e+128x1o",
                                   .max_ell = 3,
                                   .n_layers = 2,
                                   .correlation = {3},
                                   .first = FTL_INTERACTION,
                                   .other = FTL_INTERACTION_RESIDUAL,
                                   .mlp = "16x0e",
                                   .gate = FTL_ACTIVATION_SILU,
                                   .dtype = FTL_F64};
}

static ftl_status __attribute__((format(printf, 2, 3))) bad(ftl_error *error, const char *format, ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return ftl_fail(error, FTL_ERR_INPUT, "new model", "%s", text);
}

static ftl_status check_whole(const char *what, int value, int min, int max, ftl_error *error) {
  if (value >= min && value <= max) return FTL_OK;
  return bad(error, "%s is %d; it must be from %d to %d", what, value, min, max);
}

static ftl_status check_elements(const ftl_scratch_options *o, ftl_error *error) {
  if (o->n_elements < 1 || !o->elements) return bad(error, "it has no elements");
  if (o->n_elements > FTL_MAX_ELEMENTS)
    return bad(error, "it has %d elements; up to %d are possible", o->n_elements, FTL_MAX_ELEMENTS);
  for (int k = 0; k < o->n_elements; k++) {
    if (!ftl_element_symbol(o->elements[k])) return bad(error, "there is no element %d", o->elements[k]);
    for (int j = 0; j < k; j++)
      if (o->elements[j] == o->elements[k])
        return bad(error, "element %s is given twice", ftl_element_symbol(o->elements[k]));
  }
  return FTL_OK;
}

static ftl_status check_heads(const ftl_scratch_options *o, ftl_error *error) {
  if (o->n_heads < 0 || o->n_heads > FTL_MAX_HEADS || (o->n_heads && !o->heads))
    return bad(error, "it has %d heads; up to %d are possible", o->n_heads, FTL_MAX_HEADS);
  for (int k = 0; k < o->n_heads; k++) {
    if (!o->heads[k] || !o->heads[k][0]) return bad(error, "head %d has no name", k + 1);
    for (int j = 0; j < k; j++)
      if (!strcmp(o->heads[j], o->heads[k])) return bad(error, "head %.100s is given twice", o->heads[k]);
  }
  return FTL_OK;
}

static ftl_status check_finite(const char *what, const double *value, int n, ftl_error *error) {
  for (int k = 0; value && k < n; k++)
    if (!isfinite(value[k])) return bad(error, "%s is not a number (number %d)", what, k + 1);
  return FTL_OK;
}

static ftl_status check_radial(const ftl_scratch_options *o, ftl_error *error) {
  if (!(o->r_max > 0 && o->r_max < 1000)) return bad(error, "r_max is %g; it must be a length in Angstrom", o->r_max);
  /* The width of the Gaussians comes from their distance. */
  FTL_TRY(check_whole("the number of radial functions", o->num_bessel, o->radial == FTL_RADIAL_GAUSSIAN ? 2 : 1,
                      MAX_RADIAL, error));
  FTL_TRY(check_whole("the exponent of the cutoff", o->cutoff_p, 1, 100, error));
  FTL_TRY(check_whole("the number of layers of the radial MLP", o->n_radial_mlp, 0, FTL_SCRATCH_MAX_MLP, error));
  for (int k = 0; k < o->n_radial_mlp; k++)
    FTL_TRY(check_whole("the width of the radial MLP", o->radial_mlp[k], 1, MAX_WIDTH, error));
  if (!(o->avg_num_neighbors > 0 && isfinite(o->avg_num_neighbors)))
    FTL_TRY(bad(error, "avg_num_neighbors is %g; it must be a positive number", o->avg_num_neighbors));
  return FTL_OK;
}

/* e3nn builds other combinations too, but mace-torch's own command gives one multiplicity to all, and an irrep of
   unnatural parity gets nothing from the first layer. */
static ftl_status check_hidden(const ftl_scratch_options *o, ftl_error *error) {
  ftl_irreps hidden;
  if (!o->hidden || ftl_irreps_parse(o->hidden, &hidden, NULL) || hidden.n < 1)
    return bad(error, "the hidden irreps are \"%.80s\"; they must be the like of 32x0e+32x1o",
               o->hidden ? o->hidden : "");
  for (int k = 0; k < hidden.n; k++) {
    const ftl_irrep *b = &hidden.block[k];
    if (k ? b->l <= hidden.block[k - 1].l : b->l != 0)
      return bad(error, "the hidden irreps \"%.80s\" must start with 0e and go up in l", o->hidden);
    if (b->p != (b->l % 2 ? -1 : 1))
      return bad(error, "the hidden irreps \"%.80s\" must be of the parities 0e, 1o, 2e", o->hidden);
    if (b->mul != hidden.block[0].mul || b->mul < 1 || b->mul > MAX_WIDTH)
      return bad(error, "the hidden irreps \"%.80s\" must all have the same number of channels, 1 to %d", o->hidden,
                 MAX_WIDTH);
    if (b->l > MAX_HIDDEN_L || b->l > o->max_ell)
      return bad(error, "the hidden irreps \"%.80s\" go beyond l = %d (%s)", o->hidden,
                 o->max_ell < MAX_HIDDEN_L ? o->max_ell : MAX_HIDDEN_L,
                 b->l > MAX_HIDDEN_L ? "more is not covered" : "max_ell");
  }
  return FTL_OK;
}

static ftl_status check_readout(const ftl_scratch_options *o, ftl_error *error) {
  ftl_irreps mlp;
  if (!o->mlp || ftl_irreps_parse(o->mlp, &mlp, NULL) || mlp.n != 1 || mlp.block[0].l || mlp.block[0].p < 0 ||
      mlp.block[0].mul < 1 || mlp.block[0].mul > MAX_WIDTH)
    return bad(error, "the irreps of the readout's MLP are \"%.80s\"; they must be scalars, the like of 16x0e",
               o->mlp ? o->mlp : "");
  return FTL_OK;
}

ftl_status ftl_scratch_check(const ftl_scratch_options *o, ftl_error *error) {
  const int n_heads = o->n_heads ? o->n_heads : 1;
  FTL_TRY(check_elements(o, error));
  FTL_TRY(check_heads(o, error));
  FTL_TRY(check_finite("an energy of a single atom", o->e0, n_heads * o->n_elements, error));
  FTL_TRY(check_finite("the scale", o->scale, n_heads, error));
  FTL_TRY(check_finite("the shift", o->shift, n_heads, error));
  FTL_TRY(check_radial(o, error));
  FTL_TRY(check_whole("max_ell", o->max_ell, 1, MAX_ELL, error));
  FTL_TRY(check_whole("the number of layers", o->n_layers, 1, FTL_MAX_LAYERS, error));
  for (int t = 0; t < o->n_layers; t++)
    FTL_TRY(check_whole("the correlation", o->correlation[t], t ? 0 : 1, MAX_CORRELATION, error));
  FTL_TRY(check_hidden(o, error));
  FTL_TRY(check_readout(o, error));
  if (o->dtype != FTL_F32 && o->dtype != FTL_F64)
    return bad(error, "its numbers are %s; F32 and F64 are possible", ftl_dtype_name(o->dtype));
  return FTL_OK;
}
