/* What an architecture must satisfy before any stage looks at it. */
#include <math.h>
#include <string.h>

#include "model/architecture.h"
#include "base/error.h"
#include "base/printable.h"
#include "model/schema.h"

#define MAX_ELL          3
#define MAX_HIDDEN_L     2
#define MAX_CORRELATION  4
#define MAX_GATED_BLOCKS 16 /* sorted features have 8 with both parities up to l = 3 */

static ftl_status check_elements(const ftl_source *s, ftl_error *error) {
  const ftl_architecture *arch = &s->arch;
  const ftl_tensor *z = ftl_tensors_find(&s->tensors, "atomic_numbers");
  if (arch->n_elements < 1 || arch->n_elements > FTL_MAX_ELEMENTS || arch->norm_elements < 1)
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "the model has %d elements, made from %d", arch->n_elements,
                    arch->norm_elements);
  for (int k = 0; k < arch->n_elements; k++) {
    if (!ftl_element_symbol(arch->atomic_numbers[k]) ||
        (z && k < z->count && ftl_tensor_at(z, k) != arch->atomic_numbers[k]))
      return ftl_fail(error, FTL_ERR_FORMAT, s->path, "atomic number %d of the model (tensor atomic_numbers) is wrong",
                      k);
    for (int j = 0; j < k; j++)
      if (arch->atomic_numbers[j] == arch->atomic_numbers[k])
        return ftl_fail(error, FTL_ERR_FORMAT, s->path, "element %s is there twice",
                        ftl_element_symbol(arch->atomic_numbers[k]));
  }
  return FTL_OK;
}

static ftl_status check_heads(const ftl_source *s, ftl_error *error) {
  const ftl_architecture *arch = &s->arch;
  const bool any_norm = arch->family == FTL_FAMILY_NEQUIP; /* rows of a head may be new */
  if (arch->n_heads < 1 || arch->n_heads > FTL_MAX_HEADS || (!any_norm && arch->norm_heads < arch->n_heads))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "the model has %d heads, made from %d", arch->n_heads,
                    arch->norm_heads);
  for (int k = 0; k < arch->n_heads; k++) {
    if (!arch->heads[k][0]) return ftl_fail(error, FTL_ERR_FORMAT, s->path, "head %d has no name", k);
    if (!ftl_is_printable(arch->heads[k])) /* hosts print it */
      return ftl_fail(error, FTL_ERR_FORMAT, s->path,
                      "the name of head %d, '%.100s', has characters that cannot be shown", k, arch->heads[k]);
    for (int j = 0; j < k; j++)
      if (!strcmp(arch->heads[j], arch->heads[k]))
        return ftl_fail(error, FTL_ERR_FORMAT, s->path, "head %.100s is there twice", arch->heads[k]);
  }
  return FTL_OK;
}

/* r_max is in three tensors and the architecture; they say the same up to float32. */
static ftl_status check_radial(const ftl_source *s, ftl_error *error) {
  static const char *const names[] = {"r_max", "radial_embedding.cutoff_fn.r_max", "radial_embedding.bessel_fn.r_max"};
  const ftl_architecture *arch = &s->arch;
  if (!(arch->r_max > 0 && arch->r_max < 1000))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "r_max is %g", arch->r_max);
  if (arch->num_bessel < 1 || arch->num_bessel > 1024)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "the model has %d radial functions; 1 to 1024 are covered",
                    arch->num_bessel);
  if (arch->radial == FTL_RADIAL_GAUSSIAN && !isfinite(arch->gaussian_coeff))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "the width of the Gaussian basis is not finite");
  for (int k = 0; k < 3; k++) {
    const ftl_tensor *t = ftl_tensors_find(&s->tensors, names[k]);
    if (t && t->count == 1 && fabs(ftl_tensor_at(t, 0) - arch->r_max) > 1e-6 * arch->r_max)
      return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "tensor %s is %g, but the model's r_max is %g", names[k],
                      ftl_tensor_at(t, 0), arch->r_max);
  }
  return FTL_OK;
}

/* l = 0 .. lmax once each, of natural parity or (use_so3) all even. */
static ftl_status check_sh(const ftl_source *s, ftl_error *error) {
  const ftl_irreps *sh = &s->arch.sh;
  char text[256];
  bool natural = true, even = true;
  for (int k = 0; k < sh->n; k++) {
    natural = natural && sh->block[k].mul == 1 && sh->block[k].l == k && sh->block[k].p == (k % 2 ? -1 : 1);
    even = even && sh->block[k].mul == 1 && sh->block[k].l == k && sh->block[k].p == 1;
  }
  if (!ftl_irreps_format(sh, text, sizeof text)) strcpy(text, "longer than is credible");
  if (sh->n < 1 || !(natural || even))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "the spherical harmonics of the edges are %.200s", text);
  if (sh->n > MAX_ELL + 1)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "max_ell is %d; up to %d is covered", sh->n - 1, MAX_ELL);
  return FTL_OK;
}

/* Each irrep once, scalars among them, and all with the same multiplicity unless `uneven`. */
static bool is_regular(const ftl_irreps *irreps, int max_l, bool uneven) {
  for (int k = 0; k < irreps->n; k++) {
    const ftl_irrep *b = &irreps->block[k];
    if (b->mul < 1 || b->l > max_l || (!uneven && b->mul != irreps->block[0].mul)) return false;
    if (ftl_irreps_count(irreps, b->l, b->p) != b->mul) return false;
  }
  return ftl_irreps_count(irreps, 0, 1) > 0;
}

static ftl_status refuse_irreps(const ftl_source *s, int t, const char *what, const ftl_irreps *irreps,
                                ftl_error *error) {
  char text[256];
  if (!ftl_irreps_format(irreps, text, sizeof text)) strcpy(text, "very many");
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path,
                  "the %s of layer %d have the irreps %.200s, which is not covered", what, t, text);
}

/* Any multiplicities, an irrep also more than once; scalars come in. */
static ftl_status check_gated(const ftl_source *s, int t, ftl_error *error) {
  const ftl_architecture *arch = &s->arch;
  const ftl_layer *layer = &arch->layer[t];
  const ftl_irreps *before = t ? &arch->layer[t - 1].product : NULL, *in = &layer->node_feats;
  const ftl_irreps *const all[] = {in, &layer->hidden, &layer->target};
  for (int k = 0; k < 3; k++) {
    for (int b = 0; b < all[k]->n; b++)
      if (all[k]->block[b].mul < 1 || all[k]->block[b].l > MAX_ELL)
        return refuse_irreps(s, t, "features", all[k], error);
    if (all[k]->n < 1 || all[k]->n > MAX_GATED_BLOCKS) return refuse_irreps(s, t, "features", all[k], error);
  }
  if (before ? !ftl_irreps_equal(before, in) : in->n != 1 || in->block[0].l != 0 || in->block[0].p != 1)
    return refuse_irreps(s, t, "incoming node features", in, error);
  if (!ftl_irreps_equal(&layer->edge, in)) return refuse_irreps(s, t, "edge features", &layer->edge, error);
  if (!ftl_irreps_equal(&layer->hidden, &layer->product))
    return refuse_irreps(s, t, "products", &layer->product, error);
  if (!layer->use_sc || layer->correlation != 0 || layer->avg_num_neighbors != 1 || layer->agnostic_product)
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "layer %d has what a gated block does not have", t);
  return FTL_OK;
}

static ftl_status check_layer(const ftl_source *s, int t, ftl_error *error) {
  const ftl_architecture *arch = &s->arch;
  const ftl_layer *layer = &arch->layer[t];
  const ftl_irreps *before = t ? &arch->layer[t - 1].product : NULL;
  if ((arch->family == FTL_FAMILY_NEQUIP) != (layer->kind == FTL_INTERACTION_GATED))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "layer %d is not of the model's family", t);
  if (arch->family == FTL_FAMILY_NEQUIP) return check_gated(s, t, error);
  const bool nonlinear = layer->kind == FTL_INTERACTION_NONLINEAR;
  if (!is_regular(&layer->node_feats, MAX_HIDDEN_L, false))
    return refuse_irreps(s, t, "node features", &layer->node_feats, error);
  if (!is_regular(&layer->edge, MAX_HIDDEN_L, true)) return refuse_irreps(s, t, "edge features", &layer->edge, error);
  if (!is_regular(&layer->target, MAX_ELL, false)) return refuse_irreps(s, t, "messages", &layer->target, error);
  if (!is_regular(&layer->hidden, MAX_HIDDEN_L, false))
    return refuse_irreps(s, t, "hidden features", &layer->hidden, error);
  if (!is_regular(&layer->product, MAX_HIDDEN_L, false)) return refuse_irreps(s, t, "products", &layer->product, error);
  if (layer->product.block[0].mul != layer->target.block[0].mul)
    return refuse_irreps(s, t, "products", &layer->product, error);
  if (before ? !ftl_irreps_equal(before, &layer->node_feats) : layer->node_feats.n != 1)
    return refuse_irreps(s, t, "incoming node features", &layer->node_feats, error);
  if (layer->use_sc && !ftl_irreps_equal(&layer->hidden, &layer->product))
    return refuse_irreps(s, t, "skip connections", &layer->hidden, error);
  if (layer->correlation < 1 || layer->correlation > MAX_CORRELATION)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "the correlation of layer %d is %d; 1 to %d are covered", t,
                    layer->correlation, MAX_CORRELATION);
  if (!(layer->avg_num_neighbors > 0) || !isfinite(layer->avg_num_neighbors))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "avg_num_neighbors of layer %d is %g", t, layer->avg_num_neighbors);
  if (nonlinear ? !isfinite(layer->gate_scalar_cst) || !isfinite(layer->gate_cst) : !isfinite(layer->radial_act_cst))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "a normalisation constant of layer %d is not finite", t);
  return FTL_OK;
}

static ftl_status check_random(const ftl_source *s, int k, ftl_error *error) {
  const ftl_architecture *arch = &s->arch;
  const ftl_readout *readout = &arch->readout[k];
  if (k == 0 || k != arch->n_readouts - 1 || readout->layer != arch->n_layers - 1 || readout->masks_heads ||
      !isfinite(readout->gate_cst) || readout->mlp.n != 1 || ftl_irreps_count(&readout->mlp, 0, 1) < 1)
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "readout %d, of random features, is not what that can be", k);
  return FTL_OK;
}

static ftl_status check_readout(const ftl_source *s, int k, ftl_error *error) {
  const ftl_architecture *arch = &s->arch;
  const ftl_readout *readout = &arch->readout[k];
  int mlp, n_own = arch->n_readouts;
  n_own -= arch->readout[n_own - 1].kind == FTL_READOUT_RANDOM;
  if (readout->layer < 0 || readout->layer >= arch->n_layers ||
      !ftl_irreps_equal(&readout->in, &arch->layer[readout->layer].product))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "readout %d does not fit the features of layer %d", k,
                    readout->layer);
  if (readout->kind == FTL_READOUT_RANDOM) return check_random(s, k, error);
  if (arch->family == FTL_FAMILY_MACE && readout->kind == FTL_READOUT_LINEAR) return FTL_OK;
  if ((arch->family == FTL_FAMILY_NEQUIP) !=
          (readout->kind == FTL_READOUT_NET || readout->kind == FTL_READOUT_TWO_LINEAR) ||
      (arch->family == FTL_FAMILY_NEQUIP && (n_own != 1 || readout->layer != arch->n_layers - 1)))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "readout %d is not of the model's family", k);
  if (readout->kind == FTL_READOUT_NET) { /* what it reads is one vector */
    if (readout->in.n == 1 && readout->in.block[0].l == 0 && readout->in.block[0].p == 1) return FTL_OK;
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "readout %d is a network of features that are not scalars", k);
  }
  mlp = ftl_irreps_count(&readout->mlp, 0, 1);
  if (readout->mlp.n != 1 || mlp < 1)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "the hidden irreps of readout %d are not scalars", k);
  /* Without the mask the heads would share hidden channels; no version of mace-torch does that. */
  if (readout->kind == FTL_READOUT_TWO_LINEAR) return FTL_OK; /* one output for all heads */
  if (readout->masks_heads != (arch->norm_heads > 1) || (readout->masks_heads && mlp % arch->n_heads))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->path, "the %d hidden channels of readout %d are not split by head",
                    mlp, k);
  if (!isfinite(readout->gate_cst))
    return ftl_fail(error, FTL_ERR_FORMAT, s->path, "the gate of readout %d has no finite constant", k);
  return FTL_OK;
}

/* Infinities and NaNs have all bits of the exponent; looked at as integers, many at once. */
static bool all_finite(const ftl_tensor *t) {
  uint64_t found = 0;
  if (t->dtype == FTL_F32) {
    const uint32_t *bits = t->data, exponent = 0x7f800000;
    uint32_t any = 0;
    for (int64_t k = 0; k < t->count; k++) any |= (bits[k] & exponent) == exponent;
    found = any;
  } else if (t->dtype == FTL_F64) {
    const uint64_t *bits = t->data, exponent = UINT64_C(0x7ff0000000000000);
    for (int64_t k = 0; k < t->count; k++) found |= (bits[k] & exponent) == exponent;
  }
  return found == 0;
}

static ftl_status check_finite(const ftl_source *s, ftl_error *error) {
  for (int k = 0; k < s->tensors.n; k++) {
    const ftl_tensor *t = &s->tensors.tensor[k];
    if (all_finite(t)) continue;
    for (int64_t j = 0; j < t->count; j++)
      if (!isfinite(ftl_tensor_at(t, j)))
        return ftl_fail(error, FTL_ERR_FORMAT, s->path, "tensor %s has a value that is not finite (number %lld)",
                        t->name, (long long)j);
  }
  return FTL_OK;
}

ftl_status ftl_source_check(const ftl_source *source, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  const ftl_tensor *n = ftl_tensors_find(&source->tensors, "num_interactions");
  if (arch->n_layers < 1 || arch->n_layers > FTL_MAX_LAYERS || arch->n_readouts < 1 ||
      arch->n_readouts > FTL_MAX_LAYERS || (n && n->count == 1 && ftl_tensor_at(n, 0) != arch->n_layers))
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "the model has %d layers and %d readouts", arch->n_layers,
                    arch->n_readouts);
  FTL_TRY(check_elements(source, error));
  FTL_TRY(check_heads(source, error));
  FTL_TRY(check_radial(source, error));
  FTL_TRY(check_sh(source, error));
  if (arch->family == FTL_FAMILY_NEQUIP &&
      (arch->radial != FTL_RADIAL_BESSEL || arch->transform != FTL_TRANSFORM_NONE || !arch->apply_cutoff ||
       arch->pair_repulsion || !arch->scale_shift))
    return ftl_fail(error, FTL_ERR_FORMAT, source->path, "a NequIP model has a radial part or energies of a MACE");
  for (int t = 0; t < arch->n_layers; t++) FTL_TRY(check_layer(source, t, error));
  for (int k = 0; k < arch->n_readouts; k++) FTL_TRY(check_readout(source, k, error));
  FTL_TRY(ftl_schema_check(source, error));
  return check_finite(source, error);
}
