#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/architecture_json.h"
#include "io/ftl_file.h"
#include "model/error.h"
#include "model/provenance.h"

/* ---- header ---- */

static size_t tensor_bytes(const ftl_tensor *t) { return (size_t)t->count * ftl_dtype_bytes(t->dtype); }

/* Tensors that end on a multiple of 8 come first, so that they all begin on one and can be used where they are mapped;
   wide types before narrow ones, so that the rest is aligned to its own size. */
static int compare_layout(const void *a, const void *b) {
  const ftl_tensor *x = *(const ftl_tensor *const *)a, *y = *(const ftl_tensor *const *)b;
  bool odd_x = tensor_bytes(x) % 8 != 0, odd_y = tensor_bytes(y) % 8 != 0;
  size_t width_x = ftl_dtype_bytes(x->dtype), width_y = ftl_dtype_bytes(y->dtype);
  if (odd_x != odd_y) return odd_x ? 1 : -1;
  if (width_x != width_y) return width_x > width_y ? -1 : 1;
  return strcmp(x->name, y->name);
}

/* A JSON value as the text of a metadata string. */
static int set_text(json_t *metadata, const char *key, json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  int failed = !text || json_object_set_new(metadata, key, json_string(text));
  free(text);
  json_decref(value);
  return failed;
}

/* What is written: some tensors of a source, in the order of the file. */
typedef struct {
  const ftl_source *source;
  const ftl_source_delta *delta; /* NULL: a full file */
  const ftl_tensor **tensor;
  int n;
} content;

static int compare_names(const void *a, const void *b) {
  return strcmp((*(const ftl_tensor *const *)a)->name, (*(const ftl_tensor *const *)b)->name);
}

/* SHA-256 of the architecture's text and then the data, so that a flipped bit in either does not pass for a model. In a
   delta, where another name is another model too, the names come between. */
static int set_digest(json_t *metadata, const content *c) {
  const char *architecture = json_string_value(json_object_get(metadata, "architecture"));
  ftl_bytes *part = malloc(((size_t)c->n * 3 + 1) * sizeof *part);
  const ftl_tensor **named = malloc(((size_t)c->n + 1) * sizeof *named);
  char digest[FTL_SHA256_HEX];
  int failed = !architecture || !part || !named, n = 0;
  if (!failed) {
    memcpy(named, c->tensor, (size_t)c->n * sizeof *named);
    if (c->n > 1) qsort(named, (size_t)c->n, sizeof *named, compare_names);
    part[n++] = (ftl_bytes){architecture, strlen(architecture)};
    for (int k = 0; c->delta && k < c->n; k++) {
      part[n++] = (ftl_bytes){named[k]->name, strlen(named[k]->name)};
      part[n++] = (ftl_bytes){"\n", 1};
    }
    for (int k = 0; k < c->n; k++) part[n++] = (ftl_bytes){c->tensor[k]->data, tensor_bytes(c->tensor[k])};
    ftl_sha256_parts(part, n, digest);
    failed = json_object_set_new(metadata, "content_sha256", json_string(digest));
  }
  free(named);
  free(part);
  return failed;
}

static json_t *make_metadata(const content *c) {
  const ftl_source *source = c->source;
  const ftl_architecture *arch = &source->arch;
  json_t *metadata = json_object(), *heads = json_array(), *buffers = json_array(), *kept, *value;
  char elements[FTL_MAX_ELEMENTS * 4] = "";
  const char *key;
  int failed = 0;
  for (int k = 0; k < arch->n_elements; k++)
    snprintf(elements + strlen(elements), sizeof elements - strlen(elements), "%s%s", k ? " " : "",
             ftl_element_symbol(arch->atomic_numbers[k]));
  for (int k = 0; k < arch->n_heads; k++) failed |= json_array_append_new(heads, json_string(arch->heads[k]));
  for (int k = 0; k < source->tensors.n; k++) { /* in the order of names */
    bool written = !c->delta;
    for (int j = 0; !written && j < c->n; j++) written = c->tensor[j] == &source->tensors.tensor[k];
    if (written && !source->tensors.tensor[k].is_parameter)
      failed |= json_array_append_new(buffers, json_string(source->tensors.tensor[k].name));
  }
  failed |= json_object_set_new(metadata, "format_version", json_string(FTL_FORMAT_VERSION));
  failed |= json_object_set_new(metadata, "kind", json_string(c->delta ? "delta" : "full"));
  failed |= json_object_set_new(metadata, "units", json_string(FTL_UNITS));
  failed |= json_object_set_new(metadata, "elements", json_string(elements));
  failed |= set_text(metadata, "heads", heads);
  failed |= set_text(metadata, "architecture", ftl_architecture_to_json(arch));
  failed |= set_text(metadata, "buffers", buffers);
  failed |= set_digest(metadata, c);
  kept = source->metadata ? json_loads(source->metadata, 0, NULL) : NULL;
  json_object_foreach(kept, key, value) {
    if (json_object_get(metadata, key)) continue;
    if (json_is_string(value)) failed |= json_object_set(metadata, key, value);
    else failed |= set_text(metadata, key, json_incref(value));
  }
  json_decref(kept);
  if (c->delta)
    failed |= set_text(metadata, "foundation",
                       json_pack("{s:s, s:s}", "name", c->delta->foundation, "sha256", c->delta->sha256));
  if (!failed) return metadata;
  json_decref(metadata);
  return NULL;
}

/* The header's text, padded with spaces to a multiple of 8. */
static char *make_header(const content *c, size_t *length) {
  json_t *header = json_object();
  size_t at = 0;
  int failed = json_object_set_new(header, "__metadata__", make_metadata(c));
  char *text, *padded = NULL;
  for (int k = 0; k < c->n; k++) {
    const ftl_tensor *t = c->tensor[k];
    json_t *shape = json_array();
    for (int d = 0; d < t->ndim; d++) failed |= json_array_append_new(shape, json_integer(t->shape[d]));
    failed |= json_object_set_new(header, t->name,
                                  json_pack("{s:s, s:o, s:[I,I]}", "dtype", ftl_dtype_name(t->dtype), "shape", shape,
                                            "data_offsets", (json_int_t)at, (json_int_t)(at + tensor_bytes(t))));
    at += tensor_bytes(t);
  }
  text = failed ? NULL : json_dumps(header, JSON_COMPACT);
  json_decref(header);
  if (!text) return NULL;
  *length = (strlen(text) + 7) / 8 * 8;
  padded = malloc(*length);
  if (padded) {
    memset(padded, ' ', *length);
    memcpy(padded, text, strlen(text));
  }
  free(text);
  return padded;
}

/* ---- file ---- */

static ftl_status write_content(FILE *file, const content *c, const char *path, ftl_error *error) {
  size_t length = 0;
  char *header = make_header(c, &length);
  unsigned char prefix[8];
  bool good;
  if (!header) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory for the header");
  for (int k = 0; k < 8; k++) prefix[k] = (unsigned char)((uint64_t)length >> (8 * k));
  good = fwrite(prefix, 1, 8, file) == 8 && fwrite(header, 1, length, file) == length;
  free(header);
  for (int k = 0; good && k < c->n; k++)
    good = fwrite(c->tensor[k]->data, 1, tensor_bytes(c->tensor[k]), file) == tensor_bytes(c->tensor[k]);
  if (!good || fflush(file) || fsync(fileno(file)))
    return ftl_fail(error, FTL_ERR_IO, path, "the file cannot be written: %s", strerror(errno));
  return FTL_OK;
}

/* Makes the rename last through a crash. Failure is harmless: the file itself is complete either way. */
static void sync_folder(const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
  int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  free(folder);
}

static ftl_status write_file(const content *c, const char *path, const char *temporary, ftl_error *error) {
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
  ftl_status status;
  if (!file) {
    status = ftl_fail(error, FTL_ERR_IO, path, "the file cannot be created: %s", strerror(errno));
    if (fd >= 0) close(fd);
    return status;
  }
  status = write_content(file, c, path, error);
  if (fclose(file) && !status)
    status = ftl_fail(error, FTL_ERR_IO, path, "the file cannot be written: %s", strerror(errno));
  if (!status && rename(temporary, path))
    status = ftl_fail(error, FTL_ERR_IO, path, "the file cannot be put in place: %s", strerror(errno));
  if (status) unlink(temporary);
  else sync_folder(path);
  return status;
}

static ftl_status write_atomically(content *c, const char *path, ftl_error *error) {
  size_t size = strlen(path) + 32;
  char *temporary = malloc(size);
  if (!temporary) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory to write the file");
  if (c->n > 1) qsort(c->tensor, (size_t)c->n, sizeof *c->tensor, compare_layout);
  snprintf(temporary, size, "%s.%ld.tmp", path, (long)getpid());
  ftl_status status = write_file(c, path, temporary, error);
  free(temporary);
  return status;
}

ftl_status ftl_source_write(const ftl_source *source, const char *path, ftl_error *error) {
  ftl_status status = ftl_source_check(source, error);
  content c = {.source = source, .n = source->tensors.n};
  if (status) return status;
  c.tensor = malloc((size_t)c.n * sizeof *c.tensor);
  if (!c.tensor) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory to write the file");
  for (int k = 0; k < c.n; k++) c.tensor[k] = &source->tensors.tensor[k];
  status = write_atomically(&c, path, error);
  free(c.tensor);
  return status;
}

ftl_status ftl_source_write_delta(const ftl_source *source, const ftl_source_delta *delta, const char *path,
                                  ftl_error *error) {
  ftl_status status = ftl_source_check(source, error);
  content c = {.source = source, .delta = delta};
  if (status) return status;
  c.tensor = malloc(((size_t)delta->n + (size_t)delta->n_factors + 1) * sizeof *c.tensor);
  if (!c.tensor) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory to write the file");
  for (; !status && c.n < delta->n; c.n++) {
    c.tensor[c.n] = ftl_tensors_find(&source->tensors, delta->name[c.n]);
    if (!c.tensor[c.n])
      status = ftl_fail(error, FTL_ERR_ARGUMENT, source->path, "there is no tensor %s to write", delta->name[c.n]);
  }
  for (int k = 0; !status && k < delta->n_factors; k++) c.tensor[c.n++] = &delta->factor[k];
  if (!status) status = write_atomically(&c, path, error);
  free(c.tensor);
  return status;
}
