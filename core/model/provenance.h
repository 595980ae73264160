/* Where a model comes from and what was done to it: the "provenance" member of ftl_source.metadata. */
#ifndef FTL_PROVENANCE_H
#define FTL_PROVENANCE_H

#include "model/architecture.h"

#define FTL_SHA256_HEX 65
/* Hexadecimal SHA-256 of some bytes. */
void ftl_sha256(const void *data, size_t size, char hex[FTL_SHA256_HEX]);
/* The same of several pieces, one after another. */
typedef struct {
  const void *data;
  size_t size;
} ftl_bytes;
void ftl_sha256_parts(const ftl_bytes *part, int n, char hex[FTL_SHA256_HEX]);
/* The same of a file. FTL_ERR_IO. */
ftl_status ftl_sha256_file(const char *path, char hex[FTL_SHA256_HEX], ftl_error *error);

/* Sets source->metadata to a provenance with the file's name (without its folder) and digest. */
ftl_status ftl_provenance_start(ftl_source *source, const void *data, size_t size, ftl_error *error);

/* Adds a sentence to the list of changes: "cut to elements H Cu". */
ftl_status ftl_provenance_note(ftl_source *source, const char *change, ftl_error *error);

#endif
