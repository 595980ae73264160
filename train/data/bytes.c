#include "data/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"

enum { PIECE = 1 << 16, GZIP_1 = 0x1f, GZIP_2 = 0x8b };

ftl_status ftl_bytes_open(const char *path, const char *name, ftl_bytes *b, ftl_error *error) {
  struct stat info;
  *b = (ftl_bytes){.descriptor = -1};
  b->path = strdup(name);
  b->packed = malloc(PIECE);
  if (!b->path || !b->packed) return ftl_no_memory(error, path, "opening a file");
  b->owned = strcmp(path, "-") != 0;
  b->descriptor = b->owned ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  if (b->descriptor < 0) return ftl_fail(error, FTL_ERR_IO, path, "cannot open it: %s", strerror(errno));
  if (fstat(b->descriptor, &info) == 0 && S_ISDIR(info.st_mode))
    return ftl_fail(error, FTL_ERR_IO, path, "is a folder, not an XYZ file");
  return FTL_OK;
}

void ftl_bytes_close(ftl_bytes *b) {
  if (b->owned && b->descriptor >= 0) close(b->descriptor);
  if (b->stream) inflateEnd(b->stream);
  free(b->stream);
  free(b->packed);
  free(b->unpacked);
  free(b->path);
  *b = (ftl_bytes){.descriptor = -1};
}

/* More bytes of the file behind those that are left of the last ones; *end: there are none. */
static ftl_status read_more(ftl_bytes *b, bool *end, ftl_error *error) {
  ssize_t n;
  memmove(b->packed, b->packed + b->packed_at, b->packed_end - b->packed_at);
  b->packed_end -= b->packed_at;
  b->packed_at = 0;
  do n = read(b->descriptor, b->packed + b->packed_end, PIECE - b->packed_end);
  while (n < 0 && errno == EINTR);
  *end = n == 0;
  if (n < 0) return ftl_fail(error, FTL_ERR_IO, b->path, "cannot be read: %s", strerror(errno));
  b->packed_end += (size_t)n;
  return FTL_OK;
}

/* ---- gzip ---- */

static ftl_status begin(ftl_bytes *b, ftl_error *error) {
  bool end = false;
  ftl_status status = FTL_OK;
  b->begun = true;
  while (!status && !end && b->packed_end < 2) status = read_more(b, &end, error);
  b->gzip = b->packed_end >= 2 && b->packed[0] == GZIP_1 && b->packed[1] == GZIP_2;
  if (status != FTL_OK || !b->gzip) return status;
  b->unpacked = malloc(PIECE);
  b->stream = calloc(1, sizeof(z_stream));
  if (!b->unpacked || !b->stream || inflateInit2(b->stream, 16 + MAX_WBITS) != Z_OK)
    return ftl_no_memory(error, b->path, "unpacking it");
  b->member = true;
  return FTL_OK;
}

static ftl_status damaged(const ftl_bytes *b, const char *how, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_FORMAT, b->path,
                  "its gzip data are damaged (%s): nothing of it can be relied on; copy or download it again", how);
}

/* Between members: another one, padding with zeros, or the end. */
static ftl_status next_member(ftl_bytes *b, ftl_error *error) {
  while (b->packed_at < b->packed_end && b->packed[b->packed_at] == 0) b->packed_at++;
  if (b->packed_at == b->packed_end) return FTL_OK;
  if (b->packed[b->packed_at] != GZIP_1) return damaged(b, "other bytes follow its end", error);
  b->member = true;
  return inflateReset(b->stream) == Z_OK ? FTL_OK : damaged(b, "cannot go on", error);
}

static ftl_status unpack(ftl_bytes *b, ftl_error *error) {
  z_stream *z = b->stream;
  b->data = b->unpacked;
  b->at = b->end = 0;
  while (b->end == 0) {
    ftl_status status = b->member ? FTL_OK : next_member(b, error);
    bool end = false;
    if (!status && b->packed_at == b->packed_end) status = read_more(b, &end, error);
    FTL_TRY(status);
    if (end) return b->member ? damaged(b, "the file ends too early", error) : FTL_OK;
    if (!b->member) continue;
    z->next_in = b->packed + b->packed_at;
    z->avail_in = (uInt)(b->packed_end - b->packed_at);
    z->next_out = b->unpacked;
    z->avail_out = PIECE;
    const int code = inflate(z, Z_NO_FLUSH);
    b->packed_at = b->packed_end - z->avail_in;
    b->end = PIECE - z->avail_out;
    if (code == Z_STREAM_END) b->member = false;
    else if (code == Z_MEM_ERROR) return ftl_no_memory(error, b->path, "unpacking it");
    else if (code != Z_OK && code != Z_BUF_ERROR) return damaged(b, z->msg ? z->msg : "no gzip data", error);
  }
  return FTL_OK;
}

/* ---- both ---- */

static ftl_status take_plain(ftl_bytes *b, ftl_error *error) {
  ftl_status status = FTL_OK;
  bool end;
  if (b->packed_at == b->packed_end) status = read_more(b, &end, error);
  b->data = b->packed;
  b->at = b->packed_at;
  b->end = b->packed_at = b->packed_end;
  return status;
}

ftl_status ftl_bytes_fill(ftl_bytes *b, ftl_error *error) {
  ftl_status status = b->begun ? FTL_OK : begin(b, error);
  if (!status) status = b->gzip ? unpack(b, error) : take_plain(b, error);
  if (status) b->at = b->end = 0;
  size_t n = b->end - b->at;
  if (n > FTL_BYTES_HEAD - b->n_head) n = FTL_BYTES_HEAD - b->n_head;
  if (n > 0) memcpy(b->head + b->n_head, b->data + b->at, n);
  b->n_head += n;
  return status;
}
