#include "tune/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/error.h"

ftl_status ftl_checkpoint_base(const char *foundation, const ftl_source *source, ftl_source **base, ftl_error *error) {
  const ftl_architecture *arch = &source->arch;
  FTL_TRY(ftl_source_read(foundation, base, error));
  ftl_status status = FTL_OK;
  if ((*base)->delta)
    status = ftl_fail(error, FTL_ERR_INPUT, foundation,
                      "it is a delta, and a delta of a delta is not written: use a full checkpoint, or make the "
                      "foundation whole with `frozentl merge`");
  for (int k = 0; !status && k < arch->n_elements; k++) {
    bool there = false;
    for (int j = 0; j < (*base)->arch.n_elements; j++)
      there |= (*base)->arch.atomic_numbers[j] == arch->atomic_numbers[k];
    if (!there)
      status =
          ftl_fail(error, FTL_ERR_INPUT, foundation,
                   "the element %s is added to the foundation, and a delta cannot hold that: use a full checkpoint",
                   ftl_element_symbol(arch->atomic_numbers[k]));
  }
  if (!status) status = ftl_source_cut_to(*base, arch, error);
  if (!status) return FTL_OK;
  ftl_source_free(*base);
  *base = NULL;
  return status;
}

/* ---- metadata ---- */

static json_t *trained_names(const ftl_parameters *parameters) {
  json_t *names = json_array();
  for (int k = 0; k < parameters->n; k++)
    if (parameters->parameter[k].trained) json_array_append_new(names, json_string(parameters->parameter[k].name));
  return names;
}

/* What an earlier fine-tune of the foundation said goes; the rest of its metadata stays. */
static void set(json_t *metadata, const char *key, json_t *value) {
  if (value) json_object_set_new(metadata, key, value);
  else json_object_del(metadata, key);
}

/* "trained: 9600 steps on 2000 structures", after what had been done to the file before. */
static void note_training(json_t *metadata, const ftl_checkpoint_info *info) {
  json_t *changes = json_object_get(json_object_get(metadata, "provenance"), "changes"), *file;
  json_int_t frames = 0;
  char note[100];
  size_t k;
  if (!json_is_array(changes) || !info->training) return;
  json_array_foreach(json_object_get(info->dataset, "files"), k, file) {
    const char *set_name = json_string_value(json_object_get(file, "set"));
    if (set_name && !strcmp(set_name, "train")) frames += json_integer_value(json_object_get(file, "frames"));
  }
  const char *method = json_string_value(json_object_get(info->training, "method"));
  if (method) snprintf(note, sizeof note, "trained: %.20s, on %lld structures", method, (long long)frames);
  else
    snprintf(note, sizeof note, "trained: %lld steps on %lld structures",
             (long long)json_integer_value(json_object_get(info->training, "steps")), (long long)frames);
  json_array_append_new(changes, json_string(note));
}

/* The text of the source's metadata with those of the run; NULL when out of memory. */
static char *make_metadata(const ftl_source *source, const ftl_parameters *parameters,
                           const ftl_checkpoint_info *info) {
  json_t *metadata = source->metadata ? json_loads(source->metadata, 0, NULL) : NULL;
  char *text = NULL;
  if (!metadata) metadata = json_object();
  set(metadata, "foundation",
      info->foundation ? json_pack("{s:s, s:s*}", "name", ftl_path_name(info->foundation), "sha256", info->sha256)
                       : NULL);
  set(metadata, "freeze", json_deep_copy(info->freeze));
  set(metadata, "trained", trained_names(parameters));
  set(metadata, "dataset", json_deep_copy(info->dataset));
  set(metadata, "training", json_deep_copy(info->training));
  note_training(metadata, info);
  if (metadata) text = json_dumps(metadata, JSON_COMPACT | JSON_REAL_PRECISION(17));
  json_decref(metadata);
  return text;
}

/* ---- writing ---- */

/* Bit by bit; the same numbers as another type are the same, for all types are computed with as float64. */
static bool same_values(const ftl_tensor *a, const ftl_tensor *b) {
  if (a->count != b->count) return false;
  if (a->dtype == b->dtype) return memcmp(a->data, b->data, (size_t)a->count * ftl_dtype_bytes(a->dtype)) == 0;
  for (int64_t k = 0; k < a->count; k++)
    if (ftl_tensor_at(a, k) != ftl_tensor_at(b, k)) return false;
  return true;
}

static bool belongs_in_delta(const ftl_source *base, const ftl_tensor *tensor, const ftl_parameters *parameters) {
  const ftl_parameter *parameter = ftl_parameters_find(parameters, tensor->name);
  const ftl_tensor *before = ftl_tensors_find(&base->tensors, tensor->name);
  if (!before || (parameter && parameter->trained)) return true;
  if (parameter && !tensor->is_parameter && tensor->dtype != before->dtype) return true; /* small: E0, scale, shift */
  return !same_values(tensor, before);
}

/* NAME.lora_A is there. */
static bool has_factors(const ftl_lora_pairs *pairs, const char *name) {
  const size_t length = strlen(name);
  for (int k = 0; k < pairs->n; k += 2) {
    const char *factor = pairs->tensor[k].name;
    if (strncmp(factor, name, length) == 0 && strcmp(factor + length, ".lora_A") == 0) return true;
  }
  return false;
}

static ftl_status write_delta(const ftl_source *source, const ftl_parameters *parameters,
                              const ftl_checkpoint_info *info, const char *path, ftl_error *error) {
  static const ftl_lora_pairs none;
  const ftl_lora_pairs *pairs = info->pairs ? info->pairs : &none;
  const char **names = malloc(((size_t)source->tensors.n + 1) * sizeof *names);
  if (!names) return ftl_no_memory(error, path, "writing the file");
  ftl_source_delta delta = {.foundation = ftl_path_name(info->foundation),
                            .sha256 = info->sha256,
                            .name = names,
                            .n_factors = pairs->n,
                            .factor = pairs->tensor};
  for (int k = 0; k < source->tensors.n; k++) {
    const ftl_tensor *tensor = &source->tensors.tensor[k];
    if (!has_factors(pairs, tensor->name) && belongs_in_delta(info->base, tensor, parameters))
      names[delta.n++] = tensor->name;
  }
  ftl_status status = ftl_source_write_delta(source, &delta, path, error);
  free(names);
  return status;
}

ftl_status ftl_checkpoint_write(const ftl_source *source, const ftl_parameters *parameters,
                                const ftl_checkpoint_info *info, const char *path, ftl_error *error) {
  ftl_source described = *source; /* the same model with other metadata */
  if (info->base && (!info->foundation || !info->sha256))
    return ftl_fail(error, FTL_ERR_ARGUMENT, path, "a delta needs the name and the SHA-256 of its foundation");
  described.metadata = make_metadata(source, parameters, info);
  if (!described.metadata) return ftl_no_memory(error, path, "the metadata of the checkpoint");
  ftl_status status =
      info->base ? write_delta(&described, parameters, info, path, error) : ftl_source_write(&described, path, error);
  free(described.metadata);
  return status;
}
