/* The tensors of a checkpoint under MACE's names and in MACE's conventions. Two of them differ: sevenn's edge vectors
   lead from the receiver to the sender, and the signs of its 3j symbols depend on e3nn's version. Both are taken into
   the columns of the radial networks: the column of a path with the harmonic l gets (-1)^l, and another sign where the
   stored symbol is minus ours. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/sevennet_reader.h"
#include "math/wigner.h"
#include "model/tensors.h"
#include "model/traits.h"

static const ftl_tensor *find(ftl_sevennet *s, const char *name) {
  const ftl_tensor *tensor = ftl_tensors_find(&s->raw, name);
  if (tensor) s->used[tensor - s->raw.tensor] = true;
  return tensor;
}

/* A tensor of floating-point numbers with `count` of them; -1: any. */
static ftl_status require(ftl_sevennet *s, const char *name, int64_t count, const ftl_tensor **tensor) {
  *tensor = find(s, name);
  if (!*tensor) return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "tensor %s is missing", name);
  if (((*tensor)->dtype != FTL_F32 && (*tensor)->dtype != FTL_F64) || (count >= 0 && (*tensor)->count != count))
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "tensor %s has %lld numbers of type %s, but %lld real ones are needed",
                            name, (long long)(*tensor)->count, ftl_dtype_name((*tensor)->dtype), (long long)count);
  return FTL_OK;
}

static ftl_status add(ftl_sevennet *s, const char *name, ftl_dtype dtype, int ndim, const int64_t *shape,
                      const void *data, bool is_parameter) {
  return ftl_tensors_add(&s->reader->source->tensors, name, dtype, ndim, shape, data, is_parameter, s->reader->error);
}

static ftl_status add_number(ftl_sevennet *s, const char *name, double number) {
  return add(s, name, FTL_F64, 0, NULL, &number, false);
}

/* Numbers first .. first + count - 1 of a raw tensor. */
static ftl_status add_part(ftl_sevennet *s, const char *name, const ftl_tensor *raw, int64_t first, int ndim,
                           const int64_t *shape) {
  const char *data = raw->data;
  return add(s, name, raw->dtype, ndim, shape, data + (size_t)first * ftl_dtype_bytes(raw->dtype), true);
}

/* RAW.linear.weight (or RAW.PART.weight) with n weights, then, by head, [heads][channels]; RAW.linear.bias. */
static ftl_status add_linear(ftl_sevennet *s, const char *raw_name, const char *name, int64_t n, int64_t channels,
                             bool by_head) {
  const ftl_architecture *arch = &s->reader->source->arch;
  const ftl_tensor *raw;
  char text[200];
  ftl_status status;
  snprintf(text, sizeof text, "%s.linear.weight", raw_name);
  if ((status = require(s, text, n + (by_head ? arch->n_heads * channels : 0), &raw))) return status;
  snprintf(text, sizeof text, "%s.weight", name);
  if ((status = add_part(s, text, raw, 0, 1, (const int64_t[]){n}))) return status;
  snprintf(text, sizeof text, "%s.heads", name);
  if (by_head && channels && (status = add_part(s, text, raw, n, 2, (const int64_t[]){arch->n_heads, channels})))
    return status;
  snprintf(text, sizeof text, "%s.linear.bias", raw_name);
  if (!arch->nequip.biased || !channels) return FTL_OK;
  if ((status = require(s, text, channels, &raw))) return status;
  snprintf(text, sizeof text, "%s.bias", name);
  return add_part(s, text, raw, 0, 1, (const int64_t[]){channels});
}

/* ---- convolution ---- */

/* Our symbol goes into the source, in double; *sign is that of the stored one against it. With a zero among the three
   nothing is stored, and both are positive. */
static ftl_status add_3j(ftl_sevennet *s, int t, int l1, int l2, int l3, bool again, int *sign) {
  double own[7 * 7 * 7], dot = 0, difference = 0;
  const int64_t shape[3] = {2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1}, n = shape[0] * shape[1] * shape[2];
  const ftl_tensor *raw;
  char name[200];
  *sign = 1;
  if (!l1 || !l2 || !l3) return FTL_OK;
  snprintf(name, sizeof name, "%d_convolution.convolution._compiled_main_left_right._w3j_%d_%d_%d", t, l1, l2, l3);
  if (!ftl_tensors_find(&s->raw, name) &&
      (ftl_value_truth(ftl_py_get(s->config, "use_flash_tp")) || ftl_value_truth(ftl_py_get(s->config, "use_oeq"))))
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED,
                            "tensor %s is missing, as its config has use_flash_tp or use_oeq: load it with sevenn's "
                            "SevenNetCheckpoint, build_model(), and save that",
                            name);
  ftl_status status = require(s, name, n, &raw);
  if (status) return status;
  ftl_wigner_3j(l1, l2, l3, own);
  for (int64_t k = 0; k < n; k++) dot += own[k] * ftl_tensor_at(raw, k);
  *sign = dot < 0 ? -1 : 1;
  for (int64_t k = 0; k < n; k++) difference = fmax(difference, fabs(ftl_tensor_at(raw, k) - *sign * own[k]));
  if (!(difference < 1e-5))
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "tensor %s is not a 3j symbol in e3nn's basis", name);
  snprintf(name, sizeof name, "interactions.%d.conv_tp._compiled_main_left_right._w3j_%d_%d_%d", t, l1, l2, l3);
  return again ? FTL_OK : add(s, name, FTL_F64, 3, shape, own, false);
}

typedef struct {
  int64_t first; /* column in the file */
  int sign;
} column_block;

/* Since 0.11 the columns follow the sorted paths, before they did the enumeration: by block of the features, then
   harmonic, then output. */
static ftl_status column_blocks(ftl_sevennet *s, int t, const ftl_conv_paths *paths, column_block *block) {
  const ftl_architecture *arch = &s->reader->source->arch;
  const ftl_layer *layer = &arch->layer[t];
  bool done[4][4][4] = {0};
  for (int k = 0; k < paths->n; k++) {
    const ftl_path *path = &paths->path[k];
    block[k].first = 0;
    for (int j = 0; j < paths->n; j++) {
      const ftl_path *other = &paths->path[j];
      const bool before = s->version >= 11          ? j < k
                          : other->in1 != path->in1 ? other->in1 < path->in1
                          : other->in2 != path->in2 ? other->in2 < path->in2
                                                    : paths->mid.block[j].l < paths->mid.block[k].l;
      if (before) block[k].first += paths->mid.block[j].mul;
    }
    const int l1 = layer->edge.block[path->in1].l, l2 = arch->sh.block[path->in2].l, l3 = paths->mid.block[k].l;
    if (l1 > 3 || l2 > 3 || l3 > 3)
      return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "layer %d has features of l > 3, which is not covered", t);
    ftl_status status = add_3j(s, t, l1, l2, l3, done[l1][l2][l3], &block[k].sign);
    if (status) return status;
    done[l1][l2][l3] = true;
    if (l2 % 2) block[k].sign = -block[k].sign;
  }
  return FTL_OK;
}

/* The last layer of the radial network, its columns in our order and with our signs. */
static ftl_status add_columns(ftl_sevennet *s, const ftl_tensor *raw, const char *name, const ftl_conv_paths *paths,
                              const column_block *block) {
  const int64_t rows = raw->shape[0], columns = raw->shape[1];
  double *sorted = malloc((size_t)raw->count * sizeof *sorted), *to = sorted;
  if (!sorted) return ftl_sevennet_bad(s, FTL_ERR_MEMORY, "no memory for tensor %s", raw->name);
  for (int64_t i = 0; i < rows; i++)
    for (int k = 0; k < paths->n; k++)
      for (int c = 0; c < paths->mid.block[k].mul; c++)
        *to++ = block[k].sign * ftl_tensor_at(raw, i * columns + block[k].first + c);
  if (raw->dtype == FTL_F32) /* in place: a float is never behind its double */
    for (int64_t k = 0; k < raw->count; k++) {
      const float value = (float)sorted[k];
      memcpy((char *)sorted + (size_t)k * sizeof value, &value, sizeof value);
    }
  ftl_status status = add(s, name, raw->dtype, 2, raw->shape, sorted, true);
  free(sorted);
  return status;
}

static ftl_status add_radial_net(ftl_sevennet *s, int t, const ftl_conv_paths *paths) {
  const ftl_py *hidden = ftl_py_get(s->config, "weight_nn_hidden_neurons");
  column_block block[FTL_MAX_BLOCKS];
  int64_t n_columns = 0;
  char name[200];
  ftl_status status = column_blocks(s, t, paths, block);
  for (int k = 0; k < paths->n; k++) n_columns += paths->mid.block[k].mul;
  for (int k = 0; !status; k++) {
    const ftl_tensor *raw;
    snprintf(name, sizeof name, "%d_convolution.weight_nn.layer%d.weight", t, k + 1);
    const bool last = hidden ? (size_t)k == ftl_py_length(hidden) : !ftl_tensors_find(&s->raw, name);
    snprintf(name, sizeof name, "%d_convolution.weight_nn.layer%d.weight", t, k);
    if ((status = require(s, name, -1, &raw))) return status;
    if (raw->ndim != 2 || (last && raw->shape[1] != n_columns))
      return ftl_sevennet_bad(s, FTL_ERR_FORMAT,
                              "tensor %s has %lld numbers in %d dimensions, but its layer's convolution needs a matrix "
                              "with %lld columns",
                              name, (long long)raw->count, raw->ndim, (long long)n_columns);
    snprintf(name, sizeof name, "interactions.%d.conv_tp_weights.layer%d.weight", t, k);
    if (last) return add_columns(s, raw, name, paths, block);
    status = add_part(s, name, raw, 0, 2, raw->shape);
  }
  return status;
}

static ftl_status add_layer(ftl_sevennet *s, int t) {
  const ftl_architecture *arch = &s->reader->source->arch;
  const ftl_layer *layer = &arch->layer[t];
  const ftl_layer_traits traits = ftl_layer_traits_of(layer);
  const int64_t n_skip = ftl_linear_count(&traits.skip_in, &traits.skip_out);
  ftl_conv_paths paths;
  const ftl_tensor *raw;
  char from[64], to[64];
  ftl_status status = ftl_conv_paths_make(&layer->edge, &arch->sh, &layer->target, &paths, s->reader->error);
  if (status) return status;
  snprintf(from, sizeof from, "%d_self_connection_intro.%s.weight", t,
           layer->skip_by_element ? "fc_tensor_product" : "linear");
  snprintf(to, sizeof to, "interactions.%d.skip_tp.weight", t);
  if ((status = require(s, from, n_skip * (layer->skip_by_element ? arch->n_elements : 1), &raw))) return status;
  if ((status = add_part(s, to, raw, 0, 1, &raw->count))) return status;

  snprintf(from, sizeof from, "%d_self_interaction_1", t);
  snprintf(to, sizeof to, "interactions.%d.linear_up", t);
  if ((status = add_linear(s, from, to, ftl_linear_count(&layer->node_feats, &layer->edge),
                           ftl_irreps_count(&layer->edge, 0, 1), arch->nequip.head_up)))
    return status;
  if ((status = add_radial_net(s, t, &paths))) return status;

  snprintf(from, sizeof from, "%d_convolution.denominator", t);
  snprintf(to, sizeof to, "interactions.%d.denominator", t);
  if ((status = require(s, from, 1, &raw))) return status;
  if (ftl_tensor_at(raw, 0) == 0) return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "tensor %s is 0", from);
  if ((status = add(s, to, raw->dtype, 0, NULL, raw->data, s->train_denominator))) return status;

  snprintf(from, sizeof from, "%d_self_interaction_2", t);
  snprintf(to, sizeof to, "interactions.%d.linear", t);
  return add_linear(s, from, to, ftl_linear_count(&paths.mid, &traits.message), ftl_irreps_count(&traits.message, 0, 1),
                    arch->nequip.head_linear);
}

/* ---- the rest ---- */

static ftl_status add_readout(ftl_sevennet *s) {
  const ftl_architecture *arch = &s->reader->source->arch;
  const ftl_readout *readout = &arch->readout[0];
  const int64_t in = ftl_irreps_count(&readout->in, 0, 1), hidden = ftl_irreps_count(&readout->mlp, 0, 1);
  char name[200];
  ftl_status status;
  if (readout->kind == FTL_READOUT_TWO_LINEAR) {
    status =
        add_linear(s, "reduce_input_to_hidden", "readouts.0.linear_1", in * hidden, hidden, arch->nequip.head_readout);
    return status ? status : add_linear(s, "reduce_hidden_to_energy", "readouts.0.linear_2", hidden, 1, false);
  }
  for (int k = 0;; k++) {
    const ftl_tensor *raw;
    snprintf(name, sizeof name, "readout_FCN.fcn.layer%d.weight", k);
    if (k > 0 && !ftl_tensors_find(&s->raw, name)) return FTL_OK;
    if ((status = require(s, name, -1, &raw))) return status;
    snprintf(name, sizeof name, "readouts.0.layer%d.weight", k);
    if ((status = add_part(s, name, raw, 0, raw->ndim, raw->shape))) return status;
  }
}

/* One number, one for each species, or for each modality and species. */
static ftl_status add_by_species(ftl_sevennet *s, const char *raw_name, const char *name) {
  const ftl_architecture *arch = &s->reader->source->arch;
  const int64_t shape[2] = {arch->n_heads, arch->n_elements}, n = shape[0] * shape[1];
  const ftl_tensor *raw;
  double *values;
  ftl_status status = require(s, raw_name, -1, &raw);
  if (status) return status;
  if (raw->count != 1 && raw->count != arch->n_elements && raw->count != n)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "tensor %s has %lld numbers, but there are %d modalities and %d species",
                            raw_name, (long long)raw->count, arch->n_heads, arch->n_elements);
  if (!(values = malloc((size_t)n * sizeof *values)))
    return ftl_sevennet_bad(s, FTL_ERR_MEMORY, "no memory for tensor %s", raw_name);
  for (int64_t k = 0; k < n; k++) values[k] = ftl_tensor_at(raw, k % raw->count);
  status = add(s, name, FTL_F64, 2, shape, values, s->train_shift_scale);
  free(values);
  return status;
}

/* Without a tensor: the float32 values of k pi / r_max. */
static ftl_status add_bessel(ftl_sevennet *s) {
  static const char *const name = "radial_embedding.bessel_fn.bessel_weights";
  const ftl_architecture *arch = &s->reader->source->arch;
  const int64_t n = arch->num_bessel;
  const ftl_tensor *raw = find(s, "edge_embedding.basis_function.coeffs");
  float weights[1024];
  if (raw && raw->count != n)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "tensor %s has %lld numbers, but bessel_basis_num is %lld", raw->name,
                            (long long)raw->count, (long long)n);
  if (raw) return add(s, name, raw->dtype, 1, &n, raw->data, true);
  for (int k = 0; k < arch->num_bessel; k++) weights[k] = (float)((k + 1) * M_PI / arch->r_max);
  return add(s, name, FTL_F32, 1, &n, weights, false);
}

/* What the config alone has. */
static ftl_status add_cutoff(ftl_sevennet *s) {
  const ftl_architecture *arch = &s->reader->source->arch;
  const bool xplor = arch->cutoff == FTL_CUTOFF_XPLOR;
  const char *key = xplor ? "cutoff_on" : "poly_cut_p_value";
  const ftl_py *value = ftl_py_get(ftl_py_get(s->config, "cutoff_function"), key);
  double number = 6;
  ftl_status status = value || xplor ? ftl_value_number(s->reader, value, key, &number) : FTL_OK;
  if (status) return status;
  if (xplor && !(number >= 0 && number < arch->r_max))
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "cutoff_on is %g, but the cutoff is %g", number, arch->r_max);
  if ((status = add_number(s, xplor ? "radial_embedding.cutoff_fn.r_on" : "radial_embedding.cutoff_fn.p", number)))
    return status;
  if ((status = add_number(s, "radial_embedding.cutoff_fn.r_max", arch->r_max))) return status;
  return add_number(s, "radial_embedding.bessel_fn.prefactor", 2 / arch->r_max);
}

ftl_status ftl_sevennet_tensors(ftl_sevennet *s) {
  const ftl_architecture *arch = &s->reader->source->arch;
  const int64_t channels = ftl_irreps_count(&arch->layer[0].node_feats, 0, 1), n_elements = arch->n_elements;
  int64_t numbers[FTL_MAX_ELEMENTS];
  ftl_status status;
  for (int k = 0; k < arch->n_elements; k++) numbers[k] = arch->atomic_numbers[k];
  if ((status = add(s, "atomic_numbers", FTL_I64, 1, &n_elements, numbers, false))) return status;
  if ((status = add_cutoff(s))) return status;
  if ((status = add_bessel(s))) return status;
  if ((status = add_by_species(s, "rescale_atomic_energy.shift", "atomic_energies_fn.atomic_energies"))) return status;
  if ((status = add_by_species(s, "rescale_atomic_energy.scale", "scale_shift.scale"))) return status;
  if ((status = add_linear(s, "onehot_to_feature_x", "node_embedding.linear", n_elements * channels, channels,
                           arch->nequip.head_embedding)))
    return status;
  for (int t = 0; t < arch->n_layers; t++)
    if ((status = add_layer(s, t))) return status;
  return add_readout(s);
}
