/* Bytes of a file or of standard input in pieces, unpacked where they are packed with gzip (also several members one
   after another, as pigz and bgzip write them). */
#ifndef FTL_BYTES_H
#define FTL_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "frozentl.h"

enum { FTL_BYTES_HEAD = 4096 };

/* Zero-initialise. What is at hand is data[at] to data[end - 1]; whoever takes bytes moves `at`. */
typedef struct {
  const unsigned char *data;
  size_t at, end; /* both 0: ftl_bytes_fill has not been called, or the end is reached */
  bool gzip;
  unsigned char head[FTL_BYTES_HEAD]; /* the first bytes, unpacked: they say what a file is */
  size_t n_head;

  /* private */
  int descriptor;
  bool owned;
  char *path; /* for messages */
  unsigned char *packed;
  size_t packed_at, packed_end;
  unsigned char *unpacked;
  void *stream; /* of zlib */
  bool begun, member;
} ftl_bytes;

/* path "-" is standard input; `name` is what messages call it. FTL_ERR_IO: it cannot be opened, or is a folder;
   FTL_ERR_MEMORY. To be closed also after a failure. */
ftl_status ftl_bytes_open(const char *path, const char *name, ftl_bytes *bytes, ftl_error *error);
/* The next piece, as soon as there is one: a pipe is not waited for longer than for its next bytes. Nothing at hand
   afterwards: the end. FTL_ERR_IO: it cannot be read; FTL_ERR_FORMAT: packed data that are damaged or end too early. */
ftl_status ftl_bytes_fill(ftl_bytes *bytes, ftl_error *error);
void ftl_bytes_close(ftl_bytes *bytes);

#endif
