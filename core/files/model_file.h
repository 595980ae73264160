/* Reading of model files, whatever their kind. */
#ifndef FTL_MODEL_FILE_H
#define FTL_MODEL_FILE_H

#include "model/architecture.h"

/* ftl_source_read for a file that lies in memory; `name` stands for the path. Nothing of `data` is kept. */
ftl_status ftl_source_read_memory(const void *data, size_t size, const char *name, ftl_source **source,
                                  ftl_error *error);

/* A delta's foundation. Another digest than `sha256` is no error: *source stays NULL, and `digest` is what it has
   (FTL_SHA256_HEX characters). A delta is refused. */
ftl_status ftl_foundation_read(const char *path, const char *sha256, ftl_source **source, char *digest,
                               ftl_error *error);

/* Maps a whole regular file, for munmap; NULL for an empty one. */
ftl_status ftl_file_map(const char *path, void **data, size_t *size, ftl_error *error);
/* PACE potentials, which have no MACE weights: by content or, failing that, by name. */
typedef enum { FTL_PACE_NONE, FTL_PACE_YACE, FTL_PACE_SURROGATE } ftl_pace_kind;
ftl_pace_kind ftl_pace_kind_of(const void *data, size_t size, const char *name);
ftl_status ftl_pace_kind_of_file(const char *path, ftl_pace_kind *kind, ftl_error *error);

#endif
