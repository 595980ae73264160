/* The config of a checkpoint as an architecture. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "files/sevennet_reader.h"
#include "model/traits.h"

/* Every key that sevenn 0.9 to 0.13 writes; another one that is set may change the model. */
static const char *const known[] = {"No_label",
                                    "_chemical_species_by_atomic_number",
                                    "_is_trace_stress",
                                    "_modal_map",
                                    "_model_type",
                                    "_normalize_sph",
                                    "_num_workers",
                                    "_number_of_modalities",
                                    "_number_of_species",
                                    "_type_map",
                                    "act_gate",
                                    "act_radial",
                                    "act_scalar",
                                    "avg_num_neigh",
                                    "batch_size",
                                    "best_metric",
                                    "channel",
                                    "checkpoint",
                                    "chemical_species",
                                    "compute_statistics",
                                    "continue",
                                    "conv_denominator",
                                    "csv_log",
                                    "cuequivariance_config",
                                    "cutoff",
                                    "cutoff_function",
                                    "data_divide_ratio",
                                    "data_format",
                                    "data_format_args",
                                    "data_shuffle",
                                    "data_weight",
                                    "dataset_type",
                                    "ddp_backend",
                                    "default_modal",
                                    "deploy_model",
                                    "device",
                                    "draw_learning_curve",
                                    "draw_parity",
                                    "dtype",
                                    "epoch",
                                    "error_record",
                                    "ewc_lambda",
                                    "fisher_information",
                                    "force_loss_weight",
                                    "format_outputs_for_ase",
                                    "interaction_type",
                                    "irreps_manual",
                                    "is_ddp",
                                    "is_parity",
                                    "is_train_stress",
                                    "lmax",
                                    "lmax_edge",
                                    "lmax_node",
                                    "load_dataset_path",
                                    "load_memory_path",
                                    "load_testset_path",
                                    "load_trainset_path",
                                    "load_validset_path",
                                    "local_rank",
                                    "loss",
                                    "loss_param",
                                    "mem_batch_size",
                                    "mem_ratio",
                                    "modal_list",
                                    "model_check_point",
                                    "num_convolution_layer",
                                    "num_workers",
                                    "opt_params",
                                    "optim_param",
                                    "optimize_by_reduce",
                                    "optimizer",
                                    "output_per_epoch",
                                    "per_epoch",
                                    "preprocess_num_cores",
                                    "radial_basis",
                                    "random_seed",
                                    "rank",
                                    "readout_as_fcn",
                                    "readout_fcn_activation",
                                    "readout_fcn_hidden_neurons",
                                    "rehearsal",
                                    "reset_epoch",
                                    "reset_optimizer",
                                    "reset_scheduler",
                                    "save_by_label",
                                    "save_by_train_valid",
                                    "save_data_pickle",
                                    "save_dataset_path",
                                    "scale",
                                    "scheduler",
                                    "scheduler_param",
                                    "self_connection_type",
                                    "shift",
                                    "skip_output_until",
                                    "stress_loss_weight",
                                    "structure_list",
                                    "train_avg_num_neigh",
                                    "train_denominator",
                                    "train_shift_scale",
                                    "train_shuffle",
                                    "use_bias_in_linear",
                                    "use_flash_tp",
                                    "use_mliap",
                                    "use_modal_node_embedding",
                                    "use_modal_output_block",
                                    "use_modal_self_inter_intro",
                                    "use_modal_self_inter_outro",
                                    "use_modal_wise_scale",
                                    "use_modal_wise_shift",
                                    "use_modality",
                                    "use_oeq",
                                    "use_species_wise_shift_scale",
                                    "use_statistic_values_of_checkpoint",
                                    "use_statistic_values_for_cp_modal_only",
                                    "use_testset",
                                    "use_weight",
                                    "version",
                                    "weight_nn_hidden_neurons",
                                    "world_size"};

static bool has_content(const ftl_py *value) {
  if (value->kind == FTL_PY_FLOAT) return value->u.real != 0;
  if (value->kind == FTL_PY_STRING) return value->u.text.size > 0;
  if (value->kind == FTL_PY_LIST || value->kind == FTL_PY_TUPLE || value->kind == FTL_PY_DICT)
    return value->u.items.n > 0;
  return ftl_value_truth(value);
}

/* Names of data sets, "_cp" for what was there in the checkpoint that training went on from, and paths say nothing
   about the model. */
static bool says_nothing(const char *key, size_t n) {
  return (n > 3 && !memcmp(key + n - 3, "_cp", 3)) || (n > 5 && !memcmp(key + n - 5, "_path", 5)) ||
         (n > 5 && !memcmp(key, "load_", 5));
}

static ftl_status check_keys(const ftl_sevennet *s) {
  for (size_t k = 0; k + 1 < s->config->u.items.n; k += 2) {
    const ftl_py *key = s->config->u.items.item[k], *value = s->config->u.items.item[k + 1];
    size_t j = 0, n = sizeof known / sizeof *known;
    if (key->kind != FTL_PY_STRING || key->u.text.size > 100 || !has_content(value)) continue;
    if (says_nothing(key->u.text.data, key->u.text.size)) continue;
    while (j < n && !ftl_py_string_is(key, known[j])) j++;
    if (j == n)
      return ftl_sevennet_bad(
          s, FTL_ERR_UNSUPPORTED,
          "its config has the option %.*s, which no sevenn from 0.9 to 0.13 has: what it changes is "
          "not known here",
          (int)key->u.text.size, key->u.text.data);
  }
  return FTL_OK;
}

/* ---- values ---- */

static const ftl_py *get(const ftl_sevennet *s, const char *key) {
  const ftl_py *value = ftl_py_get(s->config, key);
  return value && value->kind != FTL_PY_NONE ? value : NULL;
}

static bool flag(const ftl_sevennet *s, const char *key) { return ftl_value_truth(get(s, key)); }

static ftl_status integer(const ftl_sevennet *s, const char *key, int otherwise, int min, int max, int *number) {
  const ftl_py *value = get(s, key);
  int64_t found;
  *number = otherwise;
  if (!value) return FTL_OK;
  if (!ftl_py_to_int(value, &found) || found < min || found > max)
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "%s is not a number from %d to %d", key, min, max);
  *number = (int)found;
  return FTL_OK;
}

static ftl_status real(const ftl_sevennet *s, const ftl_py *value, const char *key, double otherwise, double *number) {
  *number = otherwise;
  return value && value->kind != FTL_PY_NONE ? ftl_value_number(s->reader, value, key, number) : FTL_OK;
}

static ftl_status activation(const ftl_sevennet *s, const ftl_py *value, const char *key, const char *otherwise,
                             ftl_activation *kind) {
  char text[256];
  for (int k = FTL_ACTIVATION_NONE + 1; k < FTL_N_ACTIVATIONS; k++) {
    const char *name = ftl_activation_name((ftl_activation)k);
    if (value ? ftl_py_string_is(value, name) : !strcmp(otherwise, name)) {
      *kind = (ftl_activation)k;
      return FTL_OK;
    }
  }
  if (value->kind == FTL_PY_STRING && value->u.text.size < 80)
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "%s is the activation \"%.*s\", which is not covered", key,
                            (int)value->u.text.size, value->u.text.data);
  return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "%s is %s, not the name of an activation", key,
                          ftl_py_describe(value, text, sizeof text));
}

/* A word that has to be `wanted`, or missing; `covered` is all that the key may have, for the message. */
static ftl_status one_of(const ftl_sevennet *s, const char *key, const ftl_py *value, const char *wanted,
                         const char *covered) {
  char text[256];
  if (!value || ftl_py_string_is(value, wanted)) return FTL_OK;
  if (value->kind == FTL_PY_STRING && value->u.text.size < 80)
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "%s is \"%.*s\"; %s is covered", key, (int)value->u.text.size,
                            value->u.text.data, covered);
  return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "%s is %s; %s is covered", key,
                          ftl_py_describe(value, text, sizeof text), covered);
}

/* ---- parts ---- */

/* "0.11.0.dev0" is older than 0.11 in what it writes. */
static ftl_status read_version(ftl_sevennet *s) {
  const ftl_py *version = get(s, "version");
  char text[40] = "";
  int major = 0, minor = 0;
  if (version && version->kind == FTL_PY_STRING && version->u.text.size < sizeof text) {
    memcpy(text, version->u.text.data, version->u.text.size);
    text[version->u.text.size] = 0;
  }
  if (sscanf(text, "%d.%d", &major, &minor) != 2 || major < 0 || minor < 0)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT,
                            "its version, \"%s\", is none of sevenn: the order of the radial "
                            "networks' columns depends on it",
                            text);
  s->version = 100 * major + minor;
  if (s->version == 11 && strstr(text, "dev")) s->version = 10;
  return FTL_OK;
}

/* {atomic number: species}. */
static ftl_status read_elements(ftl_sevennet *s) {
  ftl_architecture *arch = &s->reader->source->arch;
  const ftl_py *map = get(s, "_type_map");
  const size_t n = map && map->kind == FTL_PY_DICT ? map->u.items.n / 2 : 0;
  if (n < 1 || n > FTL_MAX_ELEMENTS) return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "_type_map has %zu elements", n);
  arch->n_elements = arch->norm_elements = (int)n;
  for (size_t k = 0; k < n; k++) {
    int64_t z, species;
    if (!ftl_py_to_int(map->u.items.item[2 * k], &z) || !ftl_py_to_int(map->u.items.item[2 * k + 1], &species) ||
        z < 1 || z > 118 || species < 0 || species >= (int64_t)n || arch->atomic_numbers[species])
      return ftl_sevennet_bad(s, FTL_ERR_FORMAT,
                              "_type_map does not give each element (atomic numbers 1 to 118) a species of 0 to %zu",
                              n - 1);
    arch->atomic_numbers[species] = (int)z;
  }
  return FTL_OK;
}

static ftl_status read_heads(ftl_sevennet *s) {
  ftl_architecture *arch = &s->reader->source->arch;
  const ftl_py *map = get(s, "_modal_map");
  const bool modal = flag(s, "use_modality");
  const size_t n = modal && map && map->kind == FTL_PY_DICT ? map->u.items.n / 2 : modal ? 0 : 1;
  if (n < 1 || n > FTL_MAX_HEADS)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT,
                            "use_modality is on, but _modal_map has %zu modalities; 1 to %d are covered", n,
                            FTL_MAX_HEADS);
  arch->n_heads = arch->norm_heads = (int)n; /* ftl_source_free frees what is there */
  for (size_t k = 0; k < n; k++) {
    const ftl_py *name = modal ? map->u.items.item[2 * k] : NULL;
    int64_t index = 0;
    if (modal &&
        (name->kind != FTL_PY_STRING || name->u.text.size > 255 || !name->u.text.size ||
         memchr(name->u.text.data, 0, name->u.text.size) || !ftl_py_to_int(map->u.items.item[2 * k + 1], &index) ||
         index < 0 || index >= (int64_t)n || arch->heads[index]))
      return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "_modal_map does not give each modality an index");
    arch->heads[index] = modal ? strndup(name->u.text.data, name->u.text.size) : strdup("Default");
    if (!arch->heads[index]) return ftl_sevennet_bad(s, FTL_ERR_MEMORY, "no memory for the modalities");
  }
  arch->nequip.head_embedding = modal && flag(s, "use_modal_node_embedding");
  arch->nequip.head_up = modal && flag(s, "use_modal_self_inter_intro");
  arch->nequip.head_linear = modal && flag(s, "use_modal_self_inter_outro");
  arch->nequip.head_readout = modal && flag(s, "use_modal_output_block") && !flag(s, "readout_as_fcn");
  return FTL_OK;
}

static ftl_status read_radial(ftl_sevennet *s) {
  ftl_architecture *arch = &s->reader->source->arch;
  const ftl_py *basis = get(s, "radial_basis"), *cutoff = get(s, "cutoff_function");
  const ftl_py *name = ftl_py_get(cutoff, "cutoff_function_name"), *size = ftl_py_get(basis, "bessel_basis_num");
  int64_t n = 8;
  ftl_status status;
  if ((status = one_of(s, "radial_basis", ftl_py_get(basis, "radial_basis_name"), "bessel", "bessel"))) return status;
  if (size && (!ftl_py_to_int(size, &n) || n < 1 || n > 1024))
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "bessel_basis_num is not a number from 1 to 1024");
  arch->radial = FTL_RADIAL_BESSEL;
  arch->num_bessel = (int)n;
  arch->apply_cutoff = true;
  arch->cutoff = ftl_py_string_is(name, "XPLOR") ? FTL_CUTOFF_XPLOR : FTL_CUTOFF_POLYNOMIAL;
  if (arch->cutoff != FTL_CUTOFF_XPLOR &&
      (status = one_of(s, "cutoff_function", name, "poly_cut", "XPLOR or poly_cut")))
    return status;
  if (!get(s, "cutoff")) return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "its config has no cutoff");
  if ((status = real(s, get(s, "cutoff"), "cutoff", 0, &arch->r_max))) return status;
  return activation(s, get(s, "act_radial"), "act_radial", "silu", &arch->nequip.radial_act);
}

/* Options that say the tensors are laid out, or energies and forces made, in another way. */
static ftl_status check_layout(const ftl_sevennet *s) {
  const ftl_py *reduced = get(s, "optimize_by_reduce");
  if (ftl_value_truth(ftl_py_get(get(s, "cuequivariance_config"), "use")))
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED,
                            "cuequivariance_config says that its tensors are cuEquivariance's: load it with sevenn's "
                            "SevenNetCheckpoint, build_model(enable_cueq=False), and save that");
  if (reduced && !ftl_value_truth(reduced))
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED,
                            "optimize_by_reduce is off: an old kind of model, which sevenn since 0.10 refuses too");
  return FTL_OK;
}

static ftl_status read_gates(ftl_sevennet *s) {
  ftl_nequip *nequip = &s->reader->source->arch.nequip;
  static const char *const keys[2] = {"act_scalar", "act_gate"}, *const parity[2] = {"e", "o"},
                           *const usual[2] = {"silu", "tanh"};
  for (int k = 0; k < 2; k++)
    for (int p = 0; p < 2; p++) {
      ftl_activation *kind = k ? &nequip->act_gate[p] : &nequip->act_scalar[p];
      ftl_status status = activation(s, ftl_py_get(get(s, keys[k]), parity[p]), keys[k], usual[p], kind);
      if (status) return status;
      if (p == 0 ? *kind != FTL_ACTIVATION_SILU && *kind != FTL_ACTIVATION_SSP
                 : *kind != FTL_ACTIVATION_TANH && *kind != FTL_ACTIVATION_ABS)
        return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "%s has %s for %s scalars; sevenn knows %s", keys[k],
                                ftl_activation_name(*kind), p ? "odd" : "even", p ? "tanh and abs" : "silu and ssp");
    }
  return FTL_OK;
}

static ftl_status read_self_connections(ftl_sevennet *s) {
  ftl_architecture *arch = &s->reader->source->arch;
  const ftl_py *type = get(s, "self_connection_type");
  const bool each = ftl_py_length(type) > 0;
  if (each && ftl_py_length(type) != (size_t)arch->n_layers)
    return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "self_connection_type has %zu entries, but there are %d layers",
                            ftl_py_length(type), arch->n_layers);
  for (int t = 0; t < arch->n_layers; t++) {
    const ftl_py *one = each ? ftl_py_item(type, (size_t)t) : type;
    const bool linear = ftl_py_string_is(one, "linear");
    ftl_status status = linear ? FTL_OK : one_of(s, "self_connection_type", one, "nequip", "linear or nequip");
    if (status) return status;
    arch->layer[t].skip_by_element = !linear;
  }
  return FTL_OK;
}

static ftl_status read_irreps(ftl_sevennet *s) {
  ftl_architecture *arch = &s->reader->source->arch;
  const ftl_py *manual = get(s, "irreps_manual");
  int lmax, lmax_edge, lmax_node, channel;
  ftl_status status;
  if ((status = integer(s, "num_convolution_layer", 3, 1, FTL_MAX_LAYERS, &arch->n_layers))) return status;
  if ((status = integer(s, "lmax", 1, 0, 3, &lmax))) return status;
  if ((status = integer(s, "lmax_edge", -1, -1, 3, &lmax_edge))) return status;
  if ((status = integer(s, "lmax_node", -1, -1, 3, &lmax_node))) return status;
  if ((status = integer(s, "channel", 32, 1, 100000, &channel))) return status;
  if (lmax_edge <= 0) lmax_edge = lmax;
  if (lmax_node <= 0) lmax_node = lmax;
  arch->sh.n = lmax_edge + 1;
  for (int l = 0; l <= lmax_edge; l++)
    arch->sh.block[l] = (ftl_irrep){1, l, (!get(s, "is_parity") || flag(s, "is_parity")) && l % 2 ? -1 : 1};
  if (manual && manual->kind != FTL_PY_LIST && manual->kind != FTL_PY_TUPLE) {
    if (has_content(manual)) return ftl_sevennet_bad(s, FTL_ERR_FORMAT, "irreps_manual is neither false nor a list");
    manual = NULL;
  }
  return ftl_sevennet_layers(s, lmax_node, channel, manual);
}

static ftl_status read_readout(ftl_sevennet *s) {
  ftl_architecture *arch = &s->reader->source->arch;
  ftl_readout *readout = &arch->readout[0];
  arch->n_readouts = 1;
  readout->layer = arch->n_layers - 1;
  readout->in = arch->layer[readout->layer].product;
  readout->gate_cst = 1;
  if (!flag(s, "readout_as_fcn")) {
    readout->kind = FTL_READOUT_TWO_LINEAR;
    readout->mlp = (ftl_irreps){1, {{ftl_irreps_dim(&readout->in) / 2, 0, 1}}};
    return FTL_OK;
  }
  readout->kind = FTL_READOUT_NET;
  if (ftl_irreps_count(&readout->in, 0, 1) != ftl_irreps_dim(&readout->in))
    return ftl_sevennet_bad(s, FTL_ERR_UNSUPPORTED, "readout_as_fcn reads features that are not scalars");
  ftl_status status = activation(s, get(s, "readout_fcn_activation"), "readout_fcn_activation", "relu", &readout->gate);
  readout->gate_cst = status ? 1 : ftl_activation_constant(readout->gate);
  return status;
}

ftl_status ftl_sevennet_architecture(ftl_sevennet *s) {
  ftl_architecture *arch = &s->reader->source->arch;
  const ftl_py *normalize = get(s, "_normalize_sph");
  ftl_status status;
  arch->family = FTL_FAMILY_NEQUIP;
  arch->scale_shift = true;
  if ((status = read_version(s))) return status;
  if ((status = check_keys(s))) return status;
  if ((status = one_of(s, "_model_type", get(s, "_model_type"), "E3_equivariant_model", "E3_equivariant_model")))
    return status;
  if ((status = one_of(s, "interaction_type", get(s, "interaction_type"), "nequip", "nequip"))) return status;
  if ((status = check_layout(s))) return status;
  if ((status = read_elements(s))) return status;
  if ((status = read_heads(s))) return status;
  if ((status = read_radial(s))) return status;
  if ((status = read_gates(s))) return status;
  if ((status = read_irreps(s))) return status;
  if ((status = read_self_connections(s))) return status;
  arch->nequip.biased = flag(s, "use_bias_in_linear");
  arch->nequip.raw_harmonics = normalize ? !ftl_value_truth(normalize) : s->version < 10;
  s->train_denominator = flag(s, "train_denominator") || flag(s, "train_avg_num_neigh");
  s->train_shift_scale = flag(s, "train_shift_scale");
  return read_readout(s);
}
