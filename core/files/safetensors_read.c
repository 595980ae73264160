#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/safetensors.h"
#include "base/error.h"
#include "model/provenance.h"
#include "model/tensors.h"

/* What goes through the functions that read tensors. */
typedef struct {
  const ftl_safetensors *file;
  ftl_error *error;
} reader;

/* ---- header ---- */

static ftl_status parse_header(ftl_safetensors *s, const unsigned char *file, size_t size, ftl_error *error) {
  uint64_t length = 0;
  json_error_t found;
  if (size < 8) return ftl_fail(error, FTL_ERR_FORMAT, s->where, "the file is truncated: it has %zu bytes", size);
  for (int k = 7; k >= 0; k--) length = length << 8 | file[k];
  if (length > FTL_MAX_HEADER || length > size - 8)
    return ftl_fail(error, FTL_ERR_FORMAT, s->where,
                    "the header claims %llu bytes, but the file has %zu (and %llu are the limit): it is truncated or "
                    "no .ftl file",
                    (unsigned long long)length, size, (unsigned long long)FTL_MAX_HEADER);
  s->header = json_loadb((const char *)file + 8, (size_t)length, JSON_REJECT_DUPLICATES, &found);
  if (!s->header && json_error_code(&found) == json_error_out_of_memory)
    return ftl_no_memory(error, s->where, "the header");
  if (!json_is_object(s->header))
    return ftl_fail(error, FTL_ERR_FORMAT, s->where, "the header is not a JSON object: %.200s",
                    s->header ? "it is something else" : found.text);
  s->data = (const char *)file + 8 + length;
  s->data_size = size - 8 - length;
  return FTL_OK;
}

static ftl_status check_metadata(ftl_safetensors *s, ftl_error *error) {
  const char *units = json_string_value(json_object_get(s->metadata, "units"));
  const char *key;
  json_t *value;
  s->version = json_string_value(json_object_get(s->metadata, "format_version"));
  s->kind = json_string_value(json_object_get(s->metadata, "kind"));
  if (!s->version || !s->kind)
    return ftl_fail(error, FTL_ERR_FORMAT, s->where,
                    "this safetensors file is no .ftl file: its metadata have no format_version and kind");
  if (strcmp(s->version, FTL_FORMAT_VERSION) && strcmp(s->version, FTL_FORMAT_LEFT_OUT))
    return ftl_fail(
        error, FTL_ERR_UNSUPPORTED, s->where,
        "the file has .ftl format version %.20s, but this program reads versions %s and %s: update FrozenTL",
        s->version, FTL_FORMAT_VERSION, FTL_FORMAT_LEFT_OUT);
  json_object_foreach(s->metadata, key, value) {
    if (!json_is_string(value)) return ftl_fail(error, FTL_ERR_FORMAT, s->where, "metadata %.80s is not a string", key);
  }
  if (!units || strcmp(units, FTL_UNITS))
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, s->where, "the units are \"%.80s\"; \"%s\" are covered",
                    units ? units : "not given", FTL_UNITS);
  return FTL_OK;
}

ftl_status ftl_safetensors_open(const void *file, size_t size, const char *where, ftl_safetensors *s,
                                ftl_error *error) {
  *s = (ftl_safetensors){.where = where};
  FTL_TRY(parse_header(s, file, size, error));
  s->metadata = json_object_get(s->header, "__metadata__");
  return check_metadata(s, error);
}

void ftl_safetensors_close(ftl_safetensors *s) {
  json_decref(s->header);
  *s = (ftl_safetensors){0};
}

json_t *ftl_safetensors_json(const ftl_safetensors *s, const char *key) {
  const char *text = json_string_value(json_object_get(s->metadata, key));
  return text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

ftl_status ftl_safetensors_check_elements(const ftl_safetensors *s, const int *atomic_numbers, int n,
                                          ftl_error *error) {
  const char *elements = json_string_value(json_object_get(s->metadata, "elements"));
  char text[FTL_MAX_ELEMENTS * 4] = "";
  for (int k = 0; k < n; k++) {
    const char *symbol = ftl_element_symbol(atomic_numbers[k]);
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", k ? " " : "", symbol ? symbol : "?");
  }
  if (!elements || strcmp(elements, text))
    return ftl_fail(error, FTL_ERR_FORMAT, s->where, "the elements in the metadata are not those of the architecture");
  return FTL_OK;
}

static const char *const own_keys[] = {"format_version", "kind",  "architecture", "units",
                                       "elements",       "heads", "buffers",      "content_sha256"};

static bool is_own_key(const char *key) {
  for (size_t k = 0; k < sizeof own_keys / sizeof *own_keys; k++)
    if (!strcmp(key, own_keys[k])) return true;
  return false;
}

ftl_status ftl_safetensors_keep(const ftl_safetensors *s, char **text, ftl_error *error) {
  json_t *kept = json_object(), *value;
  const char *key;
  json_object_foreach(s->metadata, key, value) {
    const char *string = json_string_value(value);
    json_t *parsed = *string == '{' || *string == '[' ? json_loads(string, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (is_own_key(key)) json_decref(parsed);
    else if (parsed) json_object_set_new(kept, key, parsed);
    else json_object_set(kept, key, value);
  }
  *text = json_dumps(kept, JSON_COMPACT);
  json_decref(kept);
  return *text ? FTL_OK : ftl_no_memory(error, s->where, "the metadata");
}

/* ---- tensors ---- */

typedef struct {
  const char *name;
  ftl_dtype dtype;
  int ndim;
  int64_t shape[FTL_MAX_NDIM], count;
  uint64_t begin, end;
} entry;

static ftl_status read_dtype(reader *r, const char *name, const char *text, ftl_dtype *dtype) {
  static const ftl_dtype all[] = {FTL_F32, FTL_F64, FTL_I32, FTL_I64, FTL_BOOL, FTL_U8};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++)
    if (!strcmp(text, ftl_dtype_name(all[k]))) {
      *dtype = all[k];
      return FTL_OK;
    }
  return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->file->where, "tensor %s has the type %.20s, which is not covered",
                  name, text);
}

static bool credible_name(const char *name) {
  size_t n = strlen(name);
  for (size_t k = 0; k < n; k++)
    if ((unsigned char)name[k] <= 0x20 || (unsigned char)name[k] > 0x7e) return false;
  return n > 0 && n < 200;
}

static ftl_status read_entry(reader *r, const char *name, json_t *json, entry *e) {
  const char *dtype;
  json_t *shape;
  json_int_t begin, end;
  json_error_t found;
  if (!credible_name(name))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where, "the name of a tensor is not credible");
  e->name = name;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:o, s:[I,I]}", "dtype", &dtype, "shape", &shape, "data_offsets",
                     &begin, &end))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where, "the description of tensor %s is wrong: %.100s", name,
                    found.text);
  FTL_TRY(read_dtype(r, name, dtype, &e->dtype));
  if (!json_is_array(shape) || json_array_size(shape) > FTL_MAX_NDIM)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where, "the shape of tensor %s is not credible", name);
  e->ndim = (int)json_array_size(shape);
  for (int d = 0; d < e->ndim; d++) {
    json_t *extent = json_array_get(shape, (size_t)d);
    e->shape[d] = json_is_integer(extent) ? json_integer_value(extent) : -1;
  }
  if (!ftl_shape_count(e->ndim, e->shape, &e->count))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where, "the shape of tensor %s is not credible", name);
  if (begin < 0 || end < begin || (uint64_t)end > r->file->data_size)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where,
                    "tensor %s lies at bytes %lld to %lld of the data, which are %llu bytes long: the file is "
                    "truncated or damaged",
                    name, (long long)begin, (long long)end, (unsigned long long)r->file->data_size);
  e->begin = (uint64_t)begin;
  e->end = (uint64_t)end;
  if (e->end - e->begin != (uint64_t)e->count * ftl_dtype_bytes(e->dtype))
    return ftl_fail(
        r->error, FTL_ERR_FORMAT, r->file->where, "tensor %s has %llu bytes, but its shape and type need %llu", name,
        (unsigned long long)(e->end - e->begin), (unsigned long long)((uint64_t)e->count * ftl_dtype_bytes(e->dtype)));
  return FTL_OK;
}

static int compare_begin(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

/* The regions must cover the data exactly, as safetensors demands: no overlap, no hole, no tail. */
static ftl_status check_layout(reader *r, entry *entries, size_t n) {
  uint64_t at = 0;
  qsort(entries, n, sizeof *entries, compare_begin);
  for (size_t k = 0; k < n; k++) {
    if (entries[k].begin != at)
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where,
                      "tensor %s begins at byte %llu of the data, but %s ends at %llu: "
                      "the regions %s",
                      entries[k].name, (unsigned long long)entries[k].begin, k ? entries[k - 1].name : "nothing",
                      (unsigned long long)at, entries[k].begin < at ? "overlap" : "leave a hole");
    at = entries[k].end;
  }
  if (at != r->file->data_size)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where,
                    "the tensors end at byte %llu of the data, which are %llu bytes "
                    "long",
                    (unsigned long long)at, (unsigned long long)r->file->data_size);
  return FTL_OK;
}

static ftl_status add_tensor(reader *r, const entry *e, const json_t *buffers, bool mapped, ftl_tensors *tensors) {
  const char *data = r->file->data + e->begin;
  bool is_parameter = true;
  ftl_status status;
  for (size_t k = 0; k < json_array_size(buffers); k++) {
    const char *name = json_string_value(json_array_get(buffers, k));
    if (name && !strcmp(name, e->name)) is_parameter = false;
  }
  if (e->count == 0) return ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where, "tensor %s has no elements", e->name);
  status = (mapped && (uintptr_t)data % 8 == 0 ? ftl_tensors_add_view : ftl_tensors_add)(
      tensors, e->name, e->dtype, e->ndim, e->shape, data, is_parameter, r->error);
  if (status) ftl_error_place(r->error, r->file->where);
  return status;
}

ftl_status ftl_safetensors_tensors(const ftl_safetensors *s, bool mapped, ftl_tensors *tensors, ftl_error *error) {
  reader this = {s, error}, *r = &this;
  const char *name;
  json_t *buffers = ftl_safetensors_json(s, "buffers"), *json;
  size_t n = json_object_size(s->header) - 1, k = 0;
  entry *entries = calloc(n + 1, sizeof *entries);
  ftl_status status = FTL_OK;
  if (!entries) status = ftl_no_memory(r->error, r->file->where, "%zu tensors", n);
  else if (!json_is_array(buffers) || n > FTL_MAX_TENSORS || json_array_size(buffers) > n)
    status = ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where, "the metadata hold no credible list of buffers");
  if (!status) json_object_foreach(s->header, name, json) {
      if (status || !strcmp(name, "__metadata__")) continue;
      status = read_entry(r, name, json, &entries[k++]);
    }
  if (!status) status = check_layout(r, entries, n);
  for (k = 0; !status && k < n; k++) status = add_tensor(r, &entries[k], buffers, mapped, tensors);
  ftl_tensors_sort(tensors);
  for (k = 0; !status && k < json_array_size(buffers); k++) {
    const char *buffer = json_string_value(json_array_get(buffers, k));
    if (!buffer || !ftl_tensors_find(tensors, buffer))
      status = ftl_fail(r->error, FTL_ERR_FORMAT, r->file->where,
                        "the list of buffers names %.100s, which is no tensor", buffer ? buffer : "something");
  }
  free(entries);
  json_decref(buffers);
  return status;
}

ftl_status ftl_safetensors_check_digest(const ftl_safetensors *s, const ftl_tensors *tensors, bool names,
                                        ftl_error *error) {
  const char *want = json_string_value(json_object_get(s->metadata, "content_sha256"));
  const char *architecture = json_string_value(json_object_get(s->metadata, "architecture"));
  char digest[FTL_SHA256_HEX];
  if (!want) return FTL_OK;
  size_t n = names ? (size_t)tensors->n : 0, used = 0;
  ftl_bytes *part = malloc((2 * n + 2) * sizeof *part);
  if (!part) return ftl_no_memory(error, s->where, "the digest of %zu tensors", n);
  part[used++] = (ftl_bytes){architecture, strlen(architecture)};
  for (size_t k = 0; k < n; k++) { /* in the order of names */
    part[used++] = (ftl_bytes){tensors->tensor[k].name, strlen(tensors->tensor[k].name)};
    part[used++] = (ftl_bytes){"\n", 1};
  }
  part[used++] = (ftl_bytes){s->data, s->data_size};
  ftl_sha256_parts(part, (int)used, digest);
  free(part);
  if (strcmp(want, digest))
    return ftl_fail(error, FTL_ERR_FORMAT, s->where,
                    "the file is damaged: its architecture and tensors do not have the SHA-256 in content_sha256");
  return FTL_OK;
}
