/* Published foundation models that are known by name: where they come from, and where they lie on this machine. */
#ifndef FTL_FOUNDATIONS_H
#define FTL_FOUNDATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "frozentl.h"

#define FTL_PATH_ROOM 4096

typedef struct {
  const char *name, *file; /* "sevennet-0"; the file's name on this machine */
  const char *package;     /* of PyPI, as pip takes it; NULL: it is at `source` */
  const char *source;      /* an address, or the file's path in the package's wheel */
  int64_t bytes;           /* 0: not published */
  const char *sha256;      /* NULL: not published */
  const char *licence, *citation, *about;
} ftl_foundation;

extern const ftl_foundation ftl_foundations[];
extern const int ftl_n_foundations;

/* By its name, or by its file's; NULL: there is none. */
const ftl_foundation *ftl_foundation_find(const char *name);
const ftl_foundation *ftl_foundation_of_file(const char *file);

/* The k-th folder where models are looked for: those of FROZENTL_PATH (separated by colons), then the cache,
   $XDG_CACHE_HOME/frozentl or ~/.cache/frozentl. False: there are no more. */
bool ftl_search_folder(int k, char folder[FTL_PATH_ROOM]);

/* The foundation's file in the first of these folders that has it. False: none has. */
bool ftl_foundation_locate(const ftl_foundation *foundation, char path[FTL_PATH_ROOM]);

/* ftl_model_path without reading the file: where it is, whatever it holds. */
ftl_status ftl_model_place(const char *given, char *path, size_t size, ftl_error *error);

/* The name of the file beside `path` that keeps the SHA-256 of the first download, as sha256sum writes it. */
void ftl_foundation_record_path(const char *path, char record[FTL_PATH_ROOM]);

/* What the file at `path` has to have: the published SHA-256, or the recorded one; "" when there is neither. Room for
   FTL_SHA256_HEX. FTL_ERR_FORMAT: the record is unreadable. */
ftl_status ftl_foundation_expected(const ftl_foundation *foundation, const char *path, char *sha256, ftl_error *error);

/* FTL_ERR_FORMAT when the file at `path` has another SHA-256 than that; `sha256` is what it has. */
ftl_status ftl_foundation_check(const ftl_foundation *foundation, const char *path, char *sha256, ftl_error *error);

#endif
