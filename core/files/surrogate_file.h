/* Surrogates as `.ftl` (kind "ace"; docs/ftl-format.md, section 9). */
#ifndef FTL_SURROGATE_FILE_H
#define FTL_SURROGATE_FILE_H

#include "model/surrogate.h"

/* Writes atomically (temporary file, fsync, rename). The surrogate has coefficients. `metadata` is the text of a JSON
   object (NULL: none) whose members become the file's: "provenance", "dataset", "training", ... */
ftl_status ftl_surrogate_write(const ftl_surrogate *surrogate, const char *path, const char *metadata,
                               ftl_error *error);

/* Complete and checked on success; `name` stands for the path in messages, nothing of `data` is kept. *metadata
   (metadata may be NULL) is the text of a JSON object, the caller's to free. */
ftl_status ftl_surrogate_read(const void *data, size_t size, const char *name, ftl_surrogate *surrogate,
                              char **metadata, ftl_error *error);
/* The file at `path` likewise. */
ftl_status ftl_surrogate_open(const char *path, ftl_surrogate *surrogate, char **metadata, ftl_error *error);

/* Whether this is such a file, by its header. */
bool ftl_is_surrogate(const void *data, size_t size);

#endif
