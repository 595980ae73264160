#include <jansson.h>
#include <string.h>

#include "files/architecture_json.h"
#include "files/ftl_file.h"
#include "files/left_out.h"
#include "files/safetensors.h"
#include "files/trust_file.h"
#include "base/error.h"

static ftl_status check_kind(const ftl_safetensors *s, ftl_source *source, ftl_error *error) {
  source->delta = !strcmp(s->kind, "delta");
  if (!source->delta && strcmp(s->kind, "full"))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->where,
                    "the file's kind is \"%.40s\"; \"full\" and \"delta\" are covered", s->kind);
  return FTL_OK;
}

static ftl_status read_architecture(const ftl_safetensors *s, ftl_architecture *arch, ftl_error *error) {
  json_t *json = ftl_safetensors_json(s, "architecture");
  if (!json) return ftl_fail(error, FTL_ERR_FORMAT, s->where, "the metadata hold no architecture in JSON");
  ftl_status status = ftl_architecture_from_json(json, s->where, arch, error);
  json_decref(json);
  return status;
}

/* The copies of elements and heads that are there for other readers must agree with the architecture. */
static ftl_status check_copies(const ftl_safetensors *s, const ftl_architecture *arch, ftl_error *error) {
  json_t *list = ftl_safetensors_json(s, "heads");
  bool good = json_array_size(list) == (size_t)arch->n_heads;
  for (int k = 0; good && k < arch->n_heads; k++) {
    const char *name = json_string_value(json_array_get(list, (size_t)k));
    good = name && !strcmp(name, arch->heads[k]);
  }
  json_decref(list);
  if (!good)
    return ftl_fail(error, FTL_ERR_FORMAT, s->where, "the heads in the metadata are not those of the architecture");
  return ftl_safetensors_check_elements(s, arch->atomic_numbers, arch->n_elements, error);
}

static ftl_status read_all(ftl_safetensors *s, const void *data, size_t size, bool mapped, ftl_source *source,
                           ftl_error *error) {
  ftl_status status;
  if ((status = ftl_safetensors_open(data, size, source->path, s, error)) || (status = check_kind(s, source, error)) ||
      (status = read_architecture(s, &source->arch, error)) || (status = check_copies(s, &source->arch, error)) ||
      (status = ftl_safetensors_keep(s, &source->metadata, error)) ||
      (status = ftl_safetensors_tensors(s, mapped, &source->tensors, error)))
    return status;
  /* late: other messages say more */
  FTL_TRY(ftl_safetensors_check_digest(s, &source->tensors, source->delta, error));
  if (!strcmp(s->version, FTL_FORMAT_LEFT_OUT)) FTL_TRY(ftl_left_out_make(source, error));
  return ftl_trust_take(&source->tensors, source->path, &source->trust, error);
}

ftl_status ftl_ftl_read(const void *data, size_t size, bool mapped, ftl_source *source, ftl_error *error) {
  ftl_safetensors s;
  ftl_status status = read_all(&s, data, size, mapped, source, error);
  ftl_safetensors_close(&s);
  return status;
}
