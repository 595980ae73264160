#include "model/provenance.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/sha256.h"

/* Whole blocks go to the CPU's own instructions; SHA256Update has what is left at either end. */
static void update(SHA2_CTX *context, const void *data, size_t size) {
  const unsigned char *at = data;
  const size_t kept = (size_t)(context->bitcount[0] / 8 % SHA256_BLOCK_LENGTH);
  size_t begin = kept == 0 ? 0 : SHA256_BLOCK_LENGTH - kept;
  if (begin > size) begin = size;
  SHA256Update(context, at, begin);
  at += begin;
  size -= begin;
  const size_t n = size / SHA256_BLOCK_LENGTH;
  if (n > 0 && ftl_sha256_blocks(context->state.st32, at, n)) {
    context->bitcount[0] += 8 * (uint64_t)(n * SHA256_BLOCK_LENGTH);
    at += n * SHA256_BLOCK_LENGTH;
    size -= n * SHA256_BLOCK_LENGTH;
  }
  SHA256Update(context, at, size);
}

static void finish(SHA2_CTX *context, char hex[FTL_SHA256_HEX]) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256Final(digest, context);
  for (int k = 0; k < SHA256_DIGEST_LENGTH; k++) snprintf(hex + 2 * k, 3, "%02x", digest[k]);
}

void ftl_sha256_parts(const ftl_bytes *part, int n, char hex[FTL_SHA256_HEX]) {
  SHA2_CTX context;
  SHA256Init(&context);
  for (int k = 0; k < n; k++) update(&context, part[k].data, part[k].size);
  finish(&context, hex);
}

void ftl_sha256(const void *data, size_t size, char hex[FTL_SHA256_HEX]) {
  ftl_sha256_parts(&(ftl_bytes){data, size}, 1, hex);
}

ftl_status ftl_sha256_file(const char *path, char hex[FTL_SHA256_HEX], ftl_error *error) {
  unsigned char part[1 << 14];
  SHA2_CTX context;
  struct stat info;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: a pipe must not hang here */
  FILE *file = descriptor >= 0 ? fdopen(descriptor, "rb") : NULL;
  if (!file) return ftl_fail(error, FTL_ERR_IO, path, "cannot open it: %s", strerror(errno));
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    fclose(file);
    return ftl_fail(error, FTL_ERR_IO, path, "it is no regular file");
  }
  SHA256Init(&context);
  for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0;) update(&context, part, n);
  const bool failed = ferror(file) != 0;
  if (failed) ftl_fail(error, FTL_ERR_IO, path, "cannot be read: %s", strerror(errno));
  fclose(file);
  finish(&context, hex);
  return failed ? FTL_ERR_IO : FTL_OK;
}

ftl_status ftl_provenance_start(ftl_source *source, const void *data, size_t size, ftl_error *error) {
  const char *slash = strrchr(source->path, '/');
  char digest[FTL_SHA256_HEX];
  json_t *json;
  ftl_sha256(data, size, digest);
  /* A file name need not be UTF-8: then it is left out. */
  json = json_pack("{s:{s:s, s:s, s:s, s:[]}}", "provenance", "source", slash ? slash + 1 : source->path,
                   "source_sha256", digest, "frozentl", ftl_version(), "changes");
  if (!json)
    json =
        json_pack("{s:{s:s, s:s, s:[]}}", "provenance", "source_sha256", digest, "frozentl", ftl_version(), "changes");
  source->metadata = json ? json_dumps(json, JSON_COMPACT) : NULL;
  json_decref(json);
  return source->metadata ? FTL_OK : ftl_no_memory(error, source->path, "the metadata");
}

ftl_status ftl_provenance_note(ftl_source *source, const char *change, ftl_error *error) {
  json_t *json = source->metadata ? json_loads(source->metadata, 0, NULL) : json_object();
  json_t *provenance = json_object_get(json, "provenance"), *changes;
  char *text = NULL;
  if (!json_is_object(provenance)) {
    json_object_set_new(json, "provenance", json_object());
    provenance = json_object_get(json, "provenance");
  }
  changes = json_object_get(provenance, "changes");
  if (!json_is_array(changes)) {
    json_object_set_new(provenance, "changes", json_array());
    changes = json_object_get(provenance, "changes");
  }
  if (json_array_append_new(changes, json_string(change)) == 0) text = json_dumps(json, JSON_COMPACT);
  json_decref(json);
  if (!text) return ftl_no_memory(error, source->path, "the metadata");
  free(source->metadata);
  source->metadata = text;
  return FTL_OK;
}
