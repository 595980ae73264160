/* What torch.save (and torch.jit.save) writes: a ZIP with one pickle, NAME/data.pkl, and the raw bytes of every storage
   in NAME/data/KEY. The pickle's tensors are records (_rebuild_tensor_v2) that refer to storages. */
#ifndef FTL_TORCH_ARCHIVE_H
#define FTL_TORCH_ARCHIVE_H

#include <stdbool.h>

#include "files/pickle.h"
#include "model/architecture.h"

typedef struct ftl_torch_archive ftl_torch_archive;

/* `data` must outlive the archive. `script` allows archives with TorchScript code in them (the nested ones of e3nn):
   the code is never looked at. */
ftl_status ftl_torch_open(const void *data, size_t size, const char *where, bool script, ftl_torch_archive **archive,
                          ftl_error *error);
void ftl_torch_free(ftl_torch_archive *archive);
const ftl_py *ftl_torch_root(const ftl_torch_archive *archive);

/* The tensor of a record, or NULL if the value is no tensor: looks through Parameters. */
const ftl_py *ftl_torch_find_tensor(const ftl_py *value, bool *is_parameter);

/* Adds the tensor of such a record to a table, made contiguous. Refuses dtypes, layouts and devices that are not
   covered, views that reach outside of their storage, and more bytes in all than the file could hold. Tensors without
   elements are left out. */
ftl_status ftl_torch_add_tensor(ftl_torch_archive *archive, const ftl_py *record, const char *name, bool is_parameter,
                                ftl_tensors *tensors, ftl_error *error);

/* The bytes that Python 3 pickles under protocol 2 as _codecs.encode(text, "latin1"). *bytes is malloc'ed. Returns
   FTL_ERR_FORMAT for anything else; `name` is for the message. */
ftl_status ftl_py_to_bytes(const ftl_py *value, const char *where, const char *name, void **bytes, size_t *size,
                           ftl_error *error);

#endif
