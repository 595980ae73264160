/* The container of `.ftl` files: safetensors with text metadata and a digest (docs/ftl-format.md, sections 1 to 3). */
#ifndef FTL_SAFETENSORS_H
#define FTL_SAFETENSORS_H

#include <jansson.h>

#include "model/architecture.h"

#define FTL_FORMAT_VERSION  "1"
#define FTL_FORMAT_LEFT_OUT "2" /* that of full files without constants (left_out.h) */
#define FTL_UNITS           "eV, Angstrom"
#define FTL_MAX_HEADER      ((uint64_t)1 << 24)

/* ---- reading ---- */

typedef struct {
  const char *where;
  json_t *header, *metadata; /* metadata belongs to the header */
  const char *version, *kind;
  const char *data; /* the tensors' bytes */
  uint64_t data_size;
} ftl_safetensors;

/* The header of a file that lies in memory: version, units and that all metadata are strings are checked. Close it
   after a failure, too. */
ftl_status ftl_safetensors_open(const void *file, size_t size, const char *where, ftl_safetensors *s, ftl_error *error);
void ftl_safetensors_close(ftl_safetensors *s);
/* A metadata string that holds JSON: a new reference, or NULL. */
json_t *ftl_safetensors_json(const ftl_safetensors *s, const char *key);
/* The list of elements must be that of the architecture. */
ftl_status ftl_safetensors_check_elements(const ftl_safetensors *s, const int *atomic_numbers, int n, ftl_error *error);
/* What no reader uses itself (provenance, training summary, ...) as the text of a JSON object. */
ftl_status ftl_safetensors_keep(const ftl_safetensors *s, char **text, ftl_error *error);
/* All tensors, sorted by name; those of the metadata's `buffers` are no parameters. `mapped`: the memory outlives them,
   so that they may point into it. */
ftl_status ftl_safetensors_tensors(const ftl_safetensors *s, bool mapped, ftl_tensors *tensors, ftl_error *error);
/* Compares content_sha256, if it is there; `names`: it is that of a delta. */
ftl_status ftl_safetensors_check_digest(const ftl_safetensors *s, const ftl_tensors *tensors, bool names,
                                        ftl_error *error);

/* ---- writing ---- */

/* Sets what all kinds have: version, kind, units, elements; and `architecture`, whose reference is taken. Nonzero:
   no memory. */
int ftl_safetensors_describe(json_t *metadata, const char *kind, const int *atomic_numbers, int n,
                             json_t *architecture);
/* A JSON value as the text of a metadata string; takes the reference. Nonzero: no memory. */
int ftl_safetensors_set_json(json_t *metadata, const char *key, json_t *value);
/* Copies the members of a JSON object (text; NULL: none) that metadata does not have yet. */
int ftl_safetensors_copy(json_t *metadata, const char *text);
/* The order of tensors in the file; the digest depends on it. */
void ftl_safetensors_order(const ftl_tensor **tensor, int n);
/* Sets content_sha256, for tensors in order; `names`: as a delta does. */
int ftl_safetensors_set_digest(json_t *metadata, const ftl_tensor *const *tensor, int n, bool names);
/* Writes atomically (temporary file, fsync, rename) and takes the reference of metadata; NULL is FTL_ERR_MEMORY. */
ftl_status ftl_safetensors_write(json_t *metadata, const ftl_tensor *const *tensor, int n, const char *path,
                                 ftl_error *error);

#endif
