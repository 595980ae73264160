/* A ZIP archive in memory. Those that torch.save writes have entries stored, not compressed; ftl_zip_entry_unpack is
   for others (Python wheels). Built on libzip. */
#ifndef FTL_ZIP_H
#define FTL_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "frozentl.h"

typedef struct ftl_zip ftl_zip;

/* Refuses names that are there twice, are absolute or lead up, entries that overlap, and bytes after the archive.
 * `data` must outlive the archive. `where` (the file) is for messages and is copied. */
ftl_status ftl_zip_open(const void *data, size_t size, const char *where, ftl_zip **zip, ftl_error *error);
void ftl_zip_free(ftl_zip *zip);

int ftl_zip_count(const ftl_zip *zip);
/* Name of an entry; "" if it has none. Valid as long as the archive. */
const char *ftl_zip_name(const ftl_zip *zip, int k);
/* Index of an entry, or -1. */
int ftl_zip_find(const ftl_zip *zip, const char *name);

/* Size of an entry's content. */
ftl_status ftl_zip_entry_size(ftl_zip *zip, int k, size_t *size, ftl_error *error);
/* Reads an entry of that size into `data` and checks its CRC. Compressed and encrypted entries are refused. */
ftl_status ftl_zip_entry_read(ftl_zip *zip, int k, void *data, size_t size, ftl_error *error);
/* Writes the content of an entry, compressed or not, to `stream`, and checks its CRC. An entry of more than `most`
   bytes is refused. FTL_ERR_IO: the stream cannot be written; `where` is then left to the caller. */
ftl_status ftl_zip_entry_unpack(ftl_zip *zip, int k, size_t most, FILE *stream, ftl_error *error);

#endif
