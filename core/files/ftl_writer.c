#include <stdlib.h>
#include <string.h>

#include "files/architecture_json.h"
#include "files/ftl_file.h"
#include "files/left_out.h"
#include "files/safetensors.h"
#include "files/trust_file.h"
#include "base/error.h"

/* What is written: some tensors of a source, in the order of the file. */
typedef struct {
  const ftl_source *source;
  const ftl_source_delta *delta; /* NULL: a full file */
  const ftl_tensor **tensor;
  int n;
  bool left_out;     /* of a full file: constants are missing that the reader makes */
  ftl_tensors trust; /* what is written besides */
} content;

static json_t *make_metadata(const content *c) {
  const ftl_source *source = c->source;
  const ftl_architecture *arch = &source->arch;
  json_t *metadata = json_object(), *heads = json_array(), *buffers = json_array();
  int failed = 0;
  for (int k = 0; k < arch->n_heads; k++) failed |= json_array_append_new(heads, json_string(arch->heads[k]));
  for (int k = 0; k < source->tensors.n; k++) { /* in the order of names */
    bool written = false;
    for (int j = 0; !written && j < c->n; j++) written = c->tensor[j] == &source->tensors.tensor[k];
    if (written && !source->tensors.tensor[k].is_parameter)
      failed |= json_array_append_new(buffers, json_string(source->tensors.tensor[k].name));
  }
  for (int k = 0; k < c->trust.n; k++) failed |= json_array_append_new(buffers, json_string(c->trust.tensor[k].name));
  failed |= ftl_safetensors_describe(metadata, c->delta ? "delta" : "full", arch->atomic_numbers, arch->n_elements,
                                     ftl_architecture_to_json(arch));
  if (c->left_out) failed |= json_object_set_new(metadata, "format_version", json_string(FTL_FORMAT_LEFT_OUT));
  failed |= ftl_safetensors_set_json(metadata, "heads", heads);
  failed |= ftl_safetensors_set_json(metadata, "buffers", buffers);
  failed |= ftl_safetensors_set_digest(metadata, c->tensor, c->n, c->delta != NULL);
  failed |= ftl_safetensors_copy(metadata, source->metadata);
  if (c->delta)
    failed |= ftl_safetensors_set_json(
        metadata, "foundation", json_pack("{s:s, s:s}", "name", c->delta->foundation, "sha256", c->delta->sha256));
  if (!failed) return metadata;
  json_decref(metadata);
  return NULL;
}

static ftl_status write_content(content *c, const char *path, ftl_error *error) {
  const ftl_source *source = c->source;
  ftl_status status = source->trust ? ftl_trust_put(source->trust, &source->arch, &c->trust, error) : FTL_OK;
  const ftl_tensor **all = status ? NULL : realloc(c->tensor, ((size_t)(c->n + c->trust.n) + 1) * sizeof *all);
  if (!status && !all) status = ftl_no_memory(error, path, "writing the file");
  if (!status) {
    c->tensor = all;
    for (int k = 0; k < c->trust.n; k++) c->tensor[c->n++] = &c->trust.tensor[k];
    ftl_safetensors_order(c->tensor, c->n);
    status = ftl_safetensors_write(make_metadata(c), c->tensor, c->n, path, error);
  }
  ftl_tensors_free(&c->trust);
  return status;
}

ftl_status ftl_source_write(const ftl_source *source, const char *path, ftl_error *error) {
  content c = {.source = source};
  int n_left = 0;
  FTL_TRY(ftl_source_check(source, error));
  bool *left = malloc(((size_t)source->tensors.n + 1) * sizeof *left);
  c.tensor = malloc(((size_t)source->tensors.n + 1) * sizeof *c.tensor);
  ftl_status status = left && c.tensor ? ftl_left_out_find(source, left, &n_left, error)
                                       : ftl_no_memory(error, path, "writing the file");
  c.left_out = n_left > 0;
  for (int k = 0; !status && k < source->tensors.n; k++)
    if (!left[k]) c.tensor[c.n++] = &source->tensors.tensor[k];
  if (!status) status = write_content(&c, path, error);
  free(c.tensor);
  free(left);
  return status;
}

ftl_status ftl_source_write_delta(const ftl_source *source, const ftl_source_delta *delta, const char *path,
                                  ftl_error *error) {
  ftl_status status = ftl_source_check(source, error);
  content c = {.source = source, .delta = delta};
  FTL_TRY(status);
  c.tensor = malloc(((size_t)delta->n + (size_t)delta->n_factors + 1) * sizeof *c.tensor);
  if (!c.tensor) return ftl_no_memory(error, path, "writing the file");
  for (; !status && c.n < delta->n; c.n++) {
    c.tensor[c.n] = ftl_tensors_find(&source->tensors, delta->name[c.n]);
    if (!c.tensor[c.n])
      status = ftl_fail(error, FTL_ERR_ARGUMENT, source->path, "there is no tensor %s to write", delta->name[c.n]);
  }
  for (int k = 0; !status && k < delta->n_factors; k++) c.tensor[c.n++] = &delta->factor[k];
  if (!status) status = write_content(&c, path, error);
  free(c.tensor);
  return status;
}
