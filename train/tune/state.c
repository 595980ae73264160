#include "tune/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/output.h"
#include "base/error.h"
#include "model/provenance.h"

/* A safetensors file, so that numpy opens it too: the length of the header (8 bytes), the header, the vectors. The
   digest in the header is that of header and vectors with 64 zeros in its own place: no bit goes unchecked. */
#define VERSION "1"
#define DIGEST  (FTL_SHA256_HEX - 1)
static const char no_digest[FTL_SHA256_HEX] = "0000000000000000000000000000000000000000000000000000000000000000";

/* ---- writing ---- */

static bool add_vector(json_t *header, const ftl_state_vector *vector, int64_t at) {
  return !json_object_get(header, vector->name) &&
         !json_object_set_new(header, vector->name,
                              json_pack("{s:s, s:[I], s:[I,I]}", "dtype", "F64", "shape", (json_int_t)vector->count,
                                        "data_offsets", (json_int_t)at, (json_int_t)(at + 8 * vector->count)));
}

/* The header's text without its digest, padded with spaces so that the vectors begin on a multiple of 8. */
static char *make_header(const ftl_state_vector *vector, int n, const json_t *object, size_t *length) {
  char *state = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)), *text = NULL, *padded = NULL;
  json_t *header = json_pack("{s:{s:s, s:s, s:s, s:s}}", "__metadata__", "kind", "training state", "format_version",
                             VERSION, "sha256", no_digest, "state", state ? state : "");
  bool good = state && header;
  int64_t at = 0;
  for (int k = 0; good && k < n; k++) {
    good = add_vector(header, &vector[k], at);
    at += 8 * vector[k].count;
  }
  if (good) text = json_dumps(header, JSON_COMPACT);
  *length = text ? (strlen(text) + 7) / 8 * 8 : 0;
  if (text) padded = malloc(*length + 1);
  if (padded) sprintf(padded, "%-*s", (int)*length, text);
  free(text);
  free(state);
  json_decref(header);
  return padded;
}

/* Header and vectors as one digest, put into the header. */
static ftl_status sign(char *header, size_t length, const ftl_state_vector *vector, int n, const char *path,
                       ftl_error *error) {
  ftl_bytes *part = malloc(((size_t)n + 1) * sizeof *part);
  char digest[FTL_SHA256_HEX];
  if (!part) return ftl_no_memory(error, path, "writing the training state");
  part[0] = (ftl_bytes){header, length};
  for (int k = 0; k < n; k++) part[k + 1] = (ftl_bytes){vector[k].data, 8 * (size_t)vector[k].count};
  ftl_sha256_parts(part, n + 1, digest);
  memcpy(strstr(header, no_digest), digest, DIGEST); /* the metadata come first, and in them the digest */
  free(part);
  return FTL_OK;
}

static bool write_content(FILE *file, const char *header, size_t length, const ftl_state_vector *vector, int n) {
  unsigned char prefix[8];
  for (int k = 0; k < 8; k++) prefix[k] = (unsigned char)((uint64_t)length >> (8 * k));
  bool good = fwrite(prefix, 1, 8, file) == 8 && fwrite(header, 1, length, file) == length;
  for (int k = 0; good && k < n; k++)
    good = fwrite(vector[k].data, 8, (size_t)vector[k].count, file) == (size_t)vector[k].count;
  return good;
}

static ftl_status write_file(const char *path, const char *header, size_t length, const ftl_state_vector *vector, int n,
                             ftl_error *error) {
  ftl_output_file output;
  FTL_TRY(ftl_output_open(path, &output, error));
  if (write_content(output.stream, header, length, vector, n)) return ftl_output_commit(&output, error);
  ftl_fail(error, FTL_ERR_IO, path, "the training state cannot be written: %s", strerror(errno));
  ftl_output_discard(&output);
  return FTL_ERR_IO;
}

ftl_status ftl_state_write(const char *path, const ftl_state_vector *vector, int n, const json_t *object,
                           ftl_error *error) {
  size_t length;
  char *header = make_header(vector, n, object, &length);
  if (!header) return ftl_no_memory(error, path, "writing the training state (or two vectors of one name)");
  ftl_status status = sign(header, length, vector, n, path, error);
  if (!status) status = write_file(path, header, length, vector, n, error);
  free(header);
  return status;
}

/* ---- reading ---- */

static ftl_status damaged(const char *path, const char *how, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_FORMAT, path,
                  "this training state cannot be used: %s; restore it from a copy or begin a new run", how);
}

static ftl_status load(const char *path, unsigned char **memory, size_t *size, ftl_error *error) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a pipe must not hang here */
  FILE *file = descriptor >= 0 ? fdopen(descriptor, "rb") : NULL;
  struct stat info;
  ftl_status status = FTL_OK;
  *memory = NULL;
  if (!file) return ftl_fail(error, FTL_ERR_IO, path, "the training state cannot be opened: %s", strerror(errno));
  if (fstat(fileno(file), &info) || !S_ISREG(info.st_mode))
    status = ftl_fail(error, FTL_ERR_IO, path,
                      "the training state is no regular file: restore it from a copy, or begin a new run");
  else if (info.st_size < 16) status = damaged(path, info.st_size ? "it is truncated" : "it is empty", error);
  if (!status) {
    *size = (size_t)info.st_size;
    *memory = malloc(*size);
    if (!*memory) status = ftl_no_memory(error, path, "%zu bytes of training state", *size);
    else if (fread(*memory, 1, *size, file) != *size)
      status = ftl_fail(error, FTL_ERR_IO, path, "the training state cannot be read: %s", strerror(errno));
  }
  fclose(file);
  return status;
}

/* The digest in the file becomes zeros and is compared with that of the bytes. */
static bool check_digest(char *header, size_t length, const char *claimed, const void *data, size_t size) {
  const char *end = header + length;
  char digest[FTL_SHA256_HEX];
  char *at = header;
  if (strlen(claimed) != DIGEST) return false;
  while (at + DIGEST <= end && memcmp(at, claimed, DIGEST)) at++;
  if (at + DIGEST > end) return false;
  memcpy(at, no_digest, DIGEST);
  ftl_sha256_parts((const ftl_bytes[]){{header, length}, {data, size}}, 2, digest);
  return strcmp(digest, claimed) == 0;
}

/* The vectors in their order, which cover the data. */
static bool list_vectors(json_t *header, char *data, size_t size, ftl_state *state) {
  const char *name;
  json_t *json;
  json_int_t at = 0, count, begin, end;
  state->vector = calloc(json_object_size(header), sizeof *state->vector);
  if (!state->vector) return false;
  json_object_foreach(header, name, json) {
    if (!strcmp(name, "__metadata__")) continue;
    if (json_unpack(json, "{s:[I], s:[I,I]}", "shape", &count, "data_offsets", &begin, &end)) return false;
    if (begin != at || end < begin || (uint64_t)end > size || (end - begin) % 8 || (end - begin) / 8 != count)
      return false;
    /* the name lives in the header's JSON, which the state keeps */
    state->vector[state->n++] = (ftl_state_vector){name, count, (double *)(void *)(data + begin)};
    at = end;
  }
  return (uint64_t)at == size;
}

typedef struct {
  unsigned char *file;
  json_t *header;
} contents;

static ftl_status parse(const char *path, contents *c, size_t size, ftl_state *state, ftl_error *error) {
  uint64_t length = 0;
  const char *kind = NULL, *version = NULL, *digest = NULL, *text = NULL;
  for (int k = 7; k >= 0; k--) length = length << 8 | c->file[k];
  if (length > size - 8 || length % 8) return damaged(path, "it is truncated, or no training state", error);
  char *header = (char *)c->file + 8, *data = header + length;
  const size_t data_size = size - 8 - (size_t)length;
  c->header = json_loadb(header, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
  if (json_unpack(c->header, "{s:{s:s, s:s, s:s, s:s}}", "__metadata__", "kind", &kind, "format_version", &version,
                  "sha256", &digest, "state", &text) ||
      strcmp(kind, "training state"))
    return damaged(path, "it is damaged, or no training state", error);
  if (strcmp(version, VERSION))
    return ftl_fail(error, FTL_ERR_FORMAT, path,
                    "the training state has format version %.20s, but this program reads version %s: go on with the "
                    "program that wrote it, or begin a new run",
                    version, VERSION);
  if (!check_digest(header, (size_t)length, digest, data, data_size))
    return damaged(path, "it is truncated or damaged, for its digest is not that of its content", error);
  if (!list_vectors(c->header, data, data_size, state)) return damaged(path, "its vectors are not credible", error);
  state->object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  return json_is_object(state->object) ? FTL_OK : damaged(path, "its JSON object is not readable", error);
}

ftl_status ftl_state_read(const char *path, ftl_state *state, ftl_error *error) {
  contents *c = calloc(1, sizeof *c);
  size_t size = 0;
  memset(state, 0, sizeof *state);
  if (!c) return ftl_no_memory(error, path, "reading the training state");
  state->memory = c;
  ftl_status status = load(path, &c->file, &size, error);
  if (!status) status = parse(path, c, size, state, error);
  if (status) ftl_state_free(state);
  return status;
}

void ftl_state_free(ftl_state *state) {
  contents *c = state->memory;
  if (c) {
    json_decref(c->header);
    free(c->file);
  }
  free(c);
  free(state->vector);
  json_decref(state->object);
  memset(state, 0, sizeof *state);
}

ftl_status ftl_state_find(const ftl_state *state, const char *name, int64_t count, const double **data,
                          ftl_error *error) {
  for (int k = 0; k < state->n; k++) {
    const ftl_state_vector *vector = &state->vector[k];
    if (strcmp(vector->name, name)) continue;
    if (vector->count != count)
      return ftl_fail(error, FTL_ERR_FORMAT, name,
                      "the training state has %lld numbers of this name, but the run needs %lld: it belongs to another "
                      "model or recipe",
                      (long long)vector->count, (long long)count);
    *data = vector->data;
    return FTL_OK;
  }
  return ftl_fail(error, FTL_ERR_FORMAT, name,
                  "the training state has no vector of this name: it belongs to another model or recipe");
}
