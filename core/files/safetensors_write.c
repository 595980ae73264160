#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files/safetensors.h"
#include "base/error.h"
#include "model/provenance.h"

/* ---- metadata ---- */

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

void ftl_safetensors_order(const ftl_tensor **tensor, int n) {
  if (n > 1) qsort(tensor, (size_t)n, sizeof *tensor, compare_layout);
}

int ftl_safetensors_set_json(json_t *metadata, const char *key, json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  int failed = !text || json_object_set_new(metadata, key, json_string(text));
  free(text);
  json_decref(value);
  return failed;
}

int ftl_safetensors_copy(json_t *metadata, const char *text) {
  json_t *kept = text ? json_loads(text, 0, NULL) : NULL, *value;
  const char *key;
  int failed = 0;
  json_object_foreach(kept, key, value) {
    if (json_object_get(metadata, key)) continue;
    if (json_is_string(value)) failed |= json_object_set(metadata, key, value);
    else failed |= ftl_safetensors_set_json(metadata, key, json_incref(value));
  }
  json_decref(kept);
  return failed;
}

int ftl_safetensors_describe(json_t *metadata, const char *kind, const int *atomic_numbers, int n,
                             json_t *architecture) {
  char elements[FTL_MAX_ELEMENTS * 4] = "";
  for (int k = 0; k < n; k++)
    snprintf(elements + strlen(elements), sizeof elements - strlen(elements), "%s%s", k ? " " : "",
             ftl_element_symbol(atomic_numbers[k]));
  return json_object_set_new(metadata, "format_version", json_string(FTL_FORMAT_VERSION)) |
         json_object_set_new(metadata, "kind", json_string(kind)) |
         json_object_set_new(metadata, "units", json_string(FTL_UNITS)) |
         json_object_set_new(metadata, "elements", json_string(elements)) |
         ftl_safetensors_set_json(metadata, "architecture", architecture);
}

static int compare_names(const void *a, const void *b) {
  return strcmp((*(const ftl_tensor *const *)a)->name, (*(const ftl_tensor *const *)b)->name);
}

/* SHA-256 of the architecture's text and then the data, so that a flipped bit in either does not pass for a model. In a
   delta, where another name is another model too, the names come between. */
int ftl_safetensors_set_digest(json_t *metadata, const ftl_tensor *const *tensor, int n_tensors, bool names) {
  const char *architecture = json_string_value(json_object_get(metadata, "architecture"));
  ftl_bytes *part = malloc(((size_t)n_tensors * 3 + 1) * sizeof *part);
  const ftl_tensor **named = malloc(((size_t)n_tensors + 1) * sizeof *named);
  char digest[FTL_SHA256_HEX];
  int failed = !architecture || !part || !named, n = 0;
  if (!failed) {
    memcpy(named, tensor, (size_t)n_tensors * sizeof *named);
    if (n_tensors > 1) qsort(named, (size_t)n_tensors, sizeof *named, compare_names);
    part[n++] = (ftl_bytes){architecture, strlen(architecture)};
    for (int k = 0; names && k < n_tensors; k++) {
      part[n++] = (ftl_bytes){named[k]->name, strlen(named[k]->name)};
      part[n++] = (ftl_bytes){"\n", 1};
    }
    for (int k = 0; k < n_tensors; k++) part[n++] = (ftl_bytes){tensor[k]->data, tensor_bytes(tensor[k])};
    ftl_sha256_parts(part, n, digest);
    failed = json_object_set_new(metadata, "content_sha256", json_string(digest));
  }
  free(named);
  free(part);
  return failed;
}

/* ---- header ---- */

/* The header's text, padded with spaces to a multiple of 8. */
static char *make_header(json_t *metadata, const ftl_tensor *const *tensor, int n, size_t *length) {
  json_t *header = json_object();
  size_t at = 0;
  int failed = json_object_set_new(header, "__metadata__", metadata);
  char *text, *padded = NULL;
  for (int k = 0; k < n; k++) {
    const ftl_tensor *t = tensor[k];
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

static ftl_status write_content(FILE *file, json_t *metadata, const ftl_tensor *const *tensor, int n, const char *path,
                                ftl_error *error) {
  size_t length = 0;
  char *header = make_header(metadata, tensor, n, &length);
  unsigned char prefix[8];
  bool good;
  if (!header) return ftl_no_memory(error, path, "the header");
  for (int k = 0; k < 8; k++) prefix[k] = (unsigned char)((uint64_t)length >> (8 * k));
  good = fwrite(prefix, 1, 8, file) == 8 && fwrite(header, 1, length, file) == length;
  free(header);
  for (int k = 0; good && k < n; k++)
    good = fwrite(tensor[k]->data, 1, tensor_bytes(tensor[k]), file) == tensor_bytes(tensor[k]);
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

static ftl_status write_file(json_t *metadata, const ftl_tensor *const *tensor, int n, const char *path,
                             const char *temporary, ftl_error *error) {
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
  ftl_status status;
  if (!file) {
    status = ftl_fail(error, FTL_ERR_IO, path, "the file cannot be created: %s", strerror(errno));
    if (fd >= 0) close(fd);
    json_decref(metadata);
    return status;
  }
  status = write_content(file, metadata, tensor, n, path, error);
  if (fclose(file) && !status)
    status = ftl_fail(error, FTL_ERR_IO, path, "the file cannot be written: %s", strerror(errno));
  if (!status && rename(temporary, path))
    status = ftl_fail(error, FTL_ERR_IO, path, "the file cannot be put in place: %s", strerror(errno));
  if (status) unlink(temporary);
  else sync_folder(path);
  return status;
}

ftl_status ftl_safetensors_write(json_t *metadata, const ftl_tensor *const *tensor, int n, const char *path,
                                 ftl_error *error) {
  size_t size = strlen(path) + 32;
  char *temporary = metadata ? malloc(size) : NULL;
  if (!temporary) {
    json_decref(metadata);
    return ftl_no_memory(error, path, "writing the file");
  }
  snprintf(temporary, size, "%s.%ld.tmp", path, (long)getpid());
  ftl_status status = write_file(metadata, tensor, n, path, temporary, error);
  free(temporary);
  return status;
}
