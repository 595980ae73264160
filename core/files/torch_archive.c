#include "files/torch_archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/zip.h"
#include "base/error.h"
#include "base/text.h"
#include "model/tensors.h"

typedef struct {
  size_t size;
  void *data;
} torch_storage;

struct ftl_torch_archive {
  char where[256];
  char prefix[256]; /* "NAME/" */
  size_t file_size;
  ftl_zip *zip;
  void *pickle_data;
  ftl_pickle *pickle;
  torch_storage *storages; /* by entry of the archive; read where there are data */
  size_t bytes;            /* of tensors made so far */
};

/* ---- opening ---- */

/* Finds NAME/data.pkl and with it the prefix of everything else. */
static ftl_status find_pickle(ftl_torch_archive *a, int *entry, ftl_error *error) {
  *entry = -1;
  for (int k = 0; k < ftl_zip_count(a->zip); k++) {
    const char *name = ftl_zip_name(a->zip, k), *slash = strchr(name, '/');
    if (!slash || strcmp(slash, "/data.pkl") || strlen(name) >= sizeof a->prefix) continue;
    if (*entry >= 0) return ftl_fail(error, FTL_ERR_FORMAT, a->where, "the archive has two data.pkl");
    *entry = k;
    memcpy(a->prefix, name, (size_t)(slash + 1 - name));
    a->prefix[slash + 1 - name] = 0;
  }
  if (*entry < 0)
    return ftl_fail(error, FTL_ERR_FORMAT, a->where,
                    "this ZIP archive has no NAME/data.pkl: it was not written by torch.save");
  return FTL_OK;
}

static ftl_status refuse_script(ftl_torch_archive *a, ftl_error *error) {
  for (int k = 0; k < ftl_zip_count(a->zip); k++) {
    const char *name = ftl_zip_name(a->zip, k);
    if (strstr(name, "/code/") || ftl_ends_with(name, "/constants.pkl"))
      return ftl_fail(
          error, FTL_ERR_UNSUPPORTED, a->where,
          "this is a TorchScript archive (torch.jit.save, mace_create_lammps_model, sevenn_get_model); give the "
          "file that it was made from: the .model of mace-torch, or the checkpoint (.pth) of sevenn");
  }
  return FTL_OK;
}

static ftl_status check_byte_order(ftl_torch_archive *a, ftl_error *error) {
  char name[300], order[8] = "";
  size_t size;
  int k;
  snprintf(name, sizeof name, "%sbyteorder", a->prefix);
  k = ftl_zip_find(a->zip, name);
  if (k < 0) return FTL_OK; /* torch before 2.1: little-endian in practice */
  FTL_TRY(ftl_zip_entry_size(a->zip, k, &size, error));
  if (size < sizeof order) FTL_TRY(ftl_zip_entry_read(a->zip, k, order, size, error));
  if (strcmp(order, "little"))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, a->where, "the file was written by a big-endian machine");
  return FTL_OK;
}

static ftl_status read_entry(ftl_torch_archive *a, int k, void **data, size_t *size, ftl_error *error) {
  FTL_TRY(ftl_zip_entry_size(a->zip, k, size, error));
  *data = malloc(*size ? *size : 1);
  if (!*data) return ftl_no_memory(error, a->where, "%s", ftl_zip_name(a->zip, k));
  ftl_status status = ftl_zip_entry_read(a->zip, k, *data, *size, error);
  if (status) {
    free(*data);
    *data = NULL;
  }
  return status;
}

static ftl_status open_all(ftl_torch_archive *a, const void *data, size_t size, bool script, ftl_error *error) {
  int entry;
  size_t pickle_size;
  FTL_TRY(ftl_zip_open(data, size, a->where, &a->zip, error));
  a->storages = calloc((size_t)ftl_zip_count(a->zip) + 1, sizeof *a->storages);
  if (!a->storages) return ftl_no_memory(error, a->where, "the storages");
  FTL_TRY(find_pickle(a, &entry, error));
  if (!script) FTL_TRY(refuse_script(a, error));
  FTL_TRY(check_byte_order(a, error));
  FTL_TRY(read_entry(a, entry, &a->pickle_data, &pickle_size, error));
  return ftl_pickle_parse(a->pickle_data, pickle_size, a->where, &a->pickle, error);
}

ftl_status ftl_torch_open(const void *data, size_t size, const char *where, bool script, ftl_torch_archive **archive,
                          ftl_error *error) {
  ftl_torch_archive *a = calloc(1, sizeof *a);
  ftl_status status;
  *archive = NULL;
  if (!a) return ftl_no_memory(error, where, "opening the archive");
  snprintf(a->where, sizeof a->where, "%s", where);
  a->file_size = size;
  status = open_all(a, data, size, script, error);
  if (status) ftl_torch_free(a);
  else *archive = a;
  return status;
}

void ftl_torch_free(ftl_torch_archive *archive) {
  if (!archive) return;
  for (int k = 0; archive->storages && k < ftl_zip_count(archive->zip); k++) free(archive->storages[k].data);
  free(archive->storages);
  ftl_pickle_free(archive->pickle);
  free(archive->pickle_data);
  ftl_zip_free(archive->zip);
  free(archive);
}

const ftl_py *ftl_torch_root(const ftl_torch_archive *archive) { return ftl_pickle_root(archive->pickle); }

/* ---- tensors ---- */

const ftl_py *ftl_torch_find_tensor(const ftl_py *value, bool *is_parameter) {
  *is_parameter = false;
  for (int depth = 0; depth < 8 && value && value->kind == FTL_PY_CALL; depth++) {
    const ftl_py *function = value->u.call.callable, *args = value->u.call.args;
    if (ftl_py_global_is(function, "torch._utils", "_rebuild_parameter") ||
        ftl_py_global_is(function, "torch._utils", "_rebuild_parameter_with_state")) {
      *is_parameter = true;
      value = ftl_py_item(args, 0);
    } else if (function->kind == FTL_PY_GLOBAL && function->u.global.module.size >= 5 &&
               !memcmp(function->u.global.module.data, "torch", 5) && function->u.global.name.size > 9 &&
               !memcmp(function->u.global.name.data, "_rebuild_", 9)) {
      return value; /* _rebuild_tensor_v2; sparse, quantised and so on are refused by name when they are added */
    } else {
      return NULL;
    }
  }
  return NULL;
}

static ftl_status storage_dtype(const ftl_py *type, const char *where, const char *name, ftl_dtype *dtype,
                                ftl_error *error) {
  static const struct {
    const char *storage;
    ftl_dtype dtype;
  } known[] = {{"FloatStorage", FTL_F32}, {"DoubleStorage", FTL_F64}, {"IntStorage", FTL_I32},
               {"LongStorage", FTL_I64},  {"BoolStorage", FTL_BOOL},  {"ByteStorage", FTL_U8}};
  char text[256];
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    if (ftl_py_global_is(type, "torch", known[k].storage)) {
      *dtype = known[k].dtype;
      return FTL_OK;
    }
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, where,
                  "tensor %s has a %s, which is not covered: convert the model with .float() or .double() and save it "
                  "again",
                  name, ftl_py_describe(type, text, sizeof text));
}

/* The bytes of the storage that a persistent id ("storage", type, key, device, numel) refers to. */
static ftl_status load_storage(ftl_torch_archive *a, const ftl_py *reference, const char *name, ftl_dtype *dtype,
                               const torch_storage **storage, ftl_error *error) {
  const ftl_py *id = reference && reference->kind == FTL_PY_PERSISTENT ? reference->u.call.args : NULL;
  const ftl_py *key = ftl_py_item(id, 2);
  char entry[512];
  torch_storage *s;
  int k;
  if (!key || !ftl_py_string_is(ftl_py_item(id, 0), "storage") || key->kind != FTL_PY_STRING || key->u.text.size > 64)
    return ftl_fail(error, FTL_ERR_FORMAT, a->where, "tensor %s does not refer to a storage of the archive", name);
  FTL_TRY(storage_dtype(ftl_py_item(id, 1), a->where, name, dtype, error));
  snprintf(entry, sizeof entry, "%sdata/%.*s", a->prefix, (int)key->u.text.size, key->u.text.data);
  if ((k = ftl_zip_find(a->zip, entry)) < 0)
    return ftl_fail(error, FTL_ERR_FORMAT, a->where, "the storage of tensor %s is missing in the archive", name);
  s = &a->storages[k];
  if (!s->data) FTL_TRY(read_entry(a, k, &s->data, &s->size, error));
  *storage = s;
  return FTL_OK;
}

typedef struct {
  int ndim;
  int64_t shape[FTL_MAX_NDIM], stride[FTL_MAX_NDIM];
  int64_t offset, count;
} view;

/* Reads offset, size and stride of _rebuild_tensor_v2(storage, offset, size, stride, ...). */
static bool read_view(const ftl_py *args, view *v) {
  const ftl_py *size = ftl_py_item(args, 2), *stride = ftl_py_item(args, 3);
  size_t n = ftl_py_length(size);
  if (!size || !stride || n > FTL_MAX_NDIM || ftl_py_length(stride) != n) return false;
  if (!ftl_py_to_int(ftl_py_item(args, 1), &v->offset)) return false;
  v->ndim = (int)n;
  for (size_t d = 0; d < n; d++)
    if (!ftl_py_to_int(ftl_py_item(size, d), &v->shape[d]) || !ftl_py_to_int(ftl_py_item(stride, d), &v->stride[d]))
      return false;
  for (int d = 0; d < v->ndim; d++)
    if (v->shape[d] == 1) v->stride[d] = 0; /* never taken, and may be anything */
  return ftl_shape_count(v->ndim, v->shape, &v->count);
}

/* Every element lies in a storage of n elements, and there are no more of them than the storage has. */
static bool view_fits(const view *v, int64_t n) {
  int64_t last = v->offset;
  if (v->offset < 0 || v->offset > n || v->count > n) return false;
  if (v->count == 0) return true;
  for (int d = 0; d < v->ndim; d++) {
    int64_t steps = v->shape[d] - 1;
    if (steps == 0) continue;
    if (v->stride[d] < 0 || v->stride[d] > (n - 1 - last) / steps) return false;
    last += steps * v->stride[d];
  }
  return last < n;
}

static void copy_view(const view *v, size_t width, const char *from, char *to) {
  int64_t index[FTL_MAX_NDIM] = {0}, at = v->offset;
  for (int64_t k = 0; k < v->count; k++) {
    memcpy(to + (size_t)k * width, from + (size_t)at * width, width);
    for (int d = v->ndim - 1; d >= 0; d--) {
      at += v->stride[d];
      if (++index[d] < v->shape[d]) break;
      at -= v->stride[d] * v->shape[d];
      index[d] = 0;
    }
  }
}

ftl_status ftl_torch_add_tensor(ftl_torch_archive *a, const ftl_py *record, const char *name, bool is_parameter,
                                ftl_tensors *tensors, ftl_error *error) {
  const ftl_py *args = record->u.call.args;
  const torch_storage *storage = NULL;
  ftl_dtype dtype = FTL_F32;
  view v;
  size_t width;
  void *data;
  char text[256];
  if (!ftl_py_global_is(record->u.call.callable, "torch._utils", "_rebuild_tensor_v2"))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, a->where,
                    "tensor %s is made by %s: only plain dense tensors are covered", name,
                    ftl_py_describe(record, text, sizeof text));
  if (!read_view(args, &v)) return ftl_fail(error, FTL_ERR_FORMAT, a->where, "tensor %s has no credible shape", name);
  if (v.count == 0) return FTL_OK;
  FTL_TRY(load_storage(a, ftl_py_item(args, 0), name, &dtype, &storage, error));
  width = ftl_dtype_bytes(dtype);
  if (!view_fits(&v, (int64_t)(storage->size / width)))
    return ftl_fail(error, FTL_ERR_FORMAT, a->where, "tensor %s reaches outside of its storage (%zu bytes)", name,
                    storage->size);
  /* Tensors may share a storage, but no model needs them to multiply the file's size. */
  a->bytes += (size_t)v.count * width;
  if (a->bytes > 4 * a->file_size)
    return ftl_fail(error, FTL_ERR_FORMAT, a->where, "the tensors up to %s hold four times the bytes of the file",
                    name);
  data = ftl_tensors_allocate(tensors, (size_t)v.count * width);
  if (!data) return ftl_no_memory(error, a->where, "tensor %s", name);
  copy_view(&v, width, storage->data, data);
  ftl_status status = ftl_tensors_add_view(tensors, name, dtype, v.ndim, v.shape, data, is_parameter, error);
  if (status) ftl_error_place(error, a->where);
  return status;
}

/* ---- bytes ---- */

ftl_status ftl_py_to_bytes(const ftl_py *value, const char *where, const char *name, void **bytes, size_t *size,
                           ftl_error *error) {
  const ftl_py *text = value;
  unsigned char *out;
  size_t n = 0;
  bool latin1 = false;
  *bytes = NULL;
  if (value && value->kind == FTL_PY_CALL && ftl_py_global_is(value->u.call.callable, "_codecs", "encode")) {
    text = ftl_py_item(value->u.call.args, 0);
    latin1 = true;
    if (!text || text->kind != FTL_PY_STRING) text = NULL;
  } else if (!value || value->kind != FTL_PY_BYTES) {
    text = NULL;
  }
  if (!text) return ftl_fail(error, FTL_ERR_FORMAT, where, "%s is not a string of bytes", name);
  out = malloc(text->u.text.size ? text->u.text.size : 1);
  if (!out) return ftl_no_memory(error, where, "%s", name);
  for (size_t k = 0; k < text->u.text.size; k++) {
    unsigned char c = (unsigned char)text->u.text.data[k];
    if (latin1 && c >= 0x80) { /* U+0080 .. U+00FF in UTF-8: 110000xx 10xxxxxx */
      unsigned char next = k + 1 < text->u.text.size ? (unsigned char)text->u.text.data[k + 1] : 0;
      if ((c & 0xfc) != 0xc0 || (next & 0xc0) != 0x80) {
        free(out);
        return ftl_fail(error, FTL_ERR_FORMAT, where, "%s is not Latin-1 text", name);
      }
      c = (unsigned char)((c & 3) << 6 | (next & 0x3f));
      k++;
    }
    out[n++] = c;
  }
  *bytes = out;
  *size = n;
  return FTL_OK;
}
