#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/architecture_json.h"
#include "io/ftl_file.h"
#include "model/error.h"
#include "model/provenance.h"
#include "model/tensors.h"

typedef struct {
  ftl_source *source;
  const char *where;
  json_t *header;
  const char *data; /* the tensors' bytes */
  uint64_t data_size;
  bool mapped;
  ftl_error *error;
} reader;

static ftl_status parse_header(reader *r, const unsigned char *file, size_t size) {
  uint64_t length = 0;
  json_error_t found;
  if (size < 8) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the file is truncated: it has %zu bytes", size);
  for (int k = 7; k >= 0; k--) length = length << 8 | file[k];
  if (length > FTL_MAX_HEADER || length > size - 8)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                    "the header claims %llu bytes, but the file has %zu (and %llu are the limit): it is truncated or "
                    "no .ftl file",
                    (unsigned long long)length, size, (unsigned long long)FTL_MAX_HEADER);
  r->header = json_loadb((const char *)file + 8, (size_t)length, JSON_REJECT_DUPLICATES, &found);
  if (!json_is_object(r->header))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the header is not a JSON object: %.200s",
                    r->header ? "it is something else" : found.text);
  r->data = (const char *)file + 8 + length;
  r->data_size = size - 8 - length;
  return FTL_OK;
}

/* ---- metadata ---- */

static const char *const own_keys[] = {"format_version", "kind",  "architecture", "units",
                                       "elements",       "heads", "buffers",      "content_sha256"};

static bool is_own_key(const char *key) {
  for (size_t k = 0; k < sizeof own_keys / sizeof *own_keys; k++)
    if (!strcmp(key, own_keys[k])) return true;
  return false;
}

static ftl_status check_kind(reader *r, json_t *metadata) {
  const char *version = json_string_value(json_object_get(metadata, "format_version"));
  const char *kind = json_string_value(json_object_get(metadata, "kind"));
  const char *key;
  json_t *value;
  if (!version || !kind)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                    "this safetensors file is no .ftl file: its metadata have no format_version and kind");
  if (strcmp(version, FTL_FORMAT_VERSION))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "the file has .ftl format version %.20s, but this program reads version %s: update FrozenTL",
                    version, FTL_FORMAT_VERSION);
  r->source->delta = !strcmp(kind, "delta");
  if (!r->source->delta && strcmp(kind, "full"))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where,
                    "the file's kind is \"%.40s\"; \"full\" and \"delta\" are covered", kind);
  json_object_foreach(metadata, key, value) {
    if (!json_is_string(value))
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "metadata %.80s is not a string", key);
  }
  return FTL_OK;
}

static ftl_status read_architecture(reader *r, json_t *metadata) {
  const char *text = json_string_value(json_object_get(metadata, "architecture"));
  const char *units = json_string_value(json_object_get(metadata, "units"));
  json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
  ftl_status status;
  if (!json) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the metadata hold no architecture in JSON");
  status = ftl_architecture_from_json(json, r->where, &r->source->arch, r->error);
  json_decref(json);
  if (!status && (!units || strcmp(units, FTL_UNITS)))
    return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "the units are \"%.80s\"; \"%s\" are covered",
                    units ? units : "not given", FTL_UNITS);
  return status;
}

/* What the reader does not use itself is kept as it is: provenance, training summary, ... */
static ftl_status keep_metadata(reader *r, json_t *metadata) {
  json_t *kept = json_object(), *value;
  const char *key;
  json_object_foreach(metadata, key, value) {
    const char *text = json_string_value(value);
    json_t *parsed = *text == '{' || *text == '[' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (is_own_key(key)) json_decref(parsed);
    else if (parsed) json_object_set_new(kept, key, parsed);
    else json_object_set(kept, key, value);
  }
  r->source->metadata = json_dumps(kept, JSON_COMPACT);
  json_decref(kept);
  return r->source->metadata ? FTL_OK : ftl_fail(r->error, FTL_ERR_MEMORY, r->where, "no memory for the metadata");
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
  return ftl_fail(r->error, FTL_ERR_UNSUPPORTED, r->where, "tensor %s has the type %.20s, which is not covered", name,
                  text);
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
  ftl_status status;
  if (!credible_name(name)) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the name of a tensor is not credible");
  e->name = name;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:o, s:[I,I]}", "dtype", &dtype, "shape", &shape, "data_offsets",
                     &begin, &end))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the description of tensor %s is wrong: %.100s", name,
                    found.text);
  if ((status = read_dtype(r, name, dtype, &e->dtype))) return status;
  if (!json_is_array(shape) || json_array_size(shape) > FTL_MAX_NDIM)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the shape of tensor %s is not credible", name);
  e->ndim = (int)json_array_size(shape);
  for (int d = 0; d < e->ndim; d++) {
    json_t *extent = json_array_get(shape, (size_t)d);
    e->shape[d] = json_is_integer(extent) ? json_integer_value(extent) : -1;
  }
  if (!ftl_shape_count(e->ndim, e->shape, &e->count))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the shape of tensor %s is not credible", name);
  if (begin < 0 || end < begin || (uint64_t)end > r->data_size)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                    "tensor %s lies at bytes %lld to %lld of the data, which are %llu bytes long: the file is "
                    "truncated or damaged",
                    name, (long long)begin, (long long)end, (unsigned long long)r->data_size);
  e->begin = (uint64_t)begin;
  e->end = (uint64_t)end;
  if (e->end - e->begin != (uint64_t)e->count * ftl_dtype_bytes(e->dtype))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "tensor %s has %llu bytes, but its shape and type need %llu",
                    name, (unsigned long long)(e->end - e->begin),
                    (unsigned long long)((uint64_t)e->count * ftl_dtype_bytes(e->dtype)));
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
      return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                      "tensor %s begins at byte %llu of the data, but %s ends at %llu: "
                      "the regions %s",
                      entries[k].name, (unsigned long long)entries[k].begin, k ? entries[k - 1].name : "nothing",
                      (unsigned long long)at, entries[k].begin < at ? "overlap" : "leave a hole");
    at = entries[k].end;
  }
  if (at != r->data_size)
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                    "the tensors end at byte %llu of the data, which are %llu bytes "
                    "long",
                    (unsigned long long)at, (unsigned long long)r->data_size);
  return FTL_OK;
}

static ftl_status add_tensor(reader *r, const entry *e, const json_t *buffers) {
  const char *data = r->data + e->begin;
  bool is_parameter = true;
  ftl_status status;
  for (size_t k = 0; k < json_array_size(buffers); k++) {
    const char *name = json_string_value(json_array_get(buffers, k));
    if (name && !strcmp(name, e->name)) is_parameter = false;
  }
  if (e->count == 0) return ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "tensor %s has no elements", e->name);
  status = (r->mapped && (uintptr_t)data % 8 == 0 ? ftl_tensors_add_view : ftl_tensors_add)(
      &r->source->tensors, e->name, e->dtype, e->ndim, e->shape, data, is_parameter, r->error);
  if (status && r->error) snprintf(r->error->where, sizeof r->error->where, "%s", r->where);
  return status;
}

static ftl_status read_tensors(reader *r, const json_t *metadata) {
  const char *buffer_text = json_string_value(json_object_get(metadata, "buffers")), *name;
  json_t *buffers = buffer_text ? json_loads(buffer_text, JSON_REJECT_DUPLICATES, NULL) : NULL, *json;
  size_t n = json_object_size(r->header) - 1, k = 0;
  entry *entries = calloc(n + 1, sizeof *entries);
  ftl_status status = FTL_OK;
  if (!entries) status = ftl_fail(r->error, FTL_ERR_MEMORY, r->where, "no memory for %zu tensors", n);
  else if (!json_is_array(buffers) || n > FTL_MAX_TENSORS || json_array_size(buffers) > n)
    status = ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the metadata hold no credible list of buffers");
  if (!status) json_object_foreach(r->header, name, json) {
      if (status || !strcmp(name, "__metadata__")) continue;
      status = read_entry(r, name, json, &entries[k++]);
    }
  if (!status) status = check_layout(r, entries, n);
  for (k = 0; !status && k < n; k++) status = add_tensor(r, &entries[k], buffers);
  ftl_tensors_sort(&r->source->tensors);
  for (k = 0; !status && k < json_array_size(buffers); k++) {
    const char *buffer = json_string_value(json_array_get(buffers, k));
    if (!buffer || !ftl_tensors_find(&r->source->tensors, buffer))
      status = ftl_fail(r->error, FTL_ERR_FORMAT, r->where, "the list of buffers names %.100s, which is no tensor",
                        buffer ? buffer : "something");
  }
  free(entries);
  json_decref(buffers);
  return status;
}

/* The copies of elements and heads that are there for other readers must agree with the architecture. */
static ftl_status check_copies(reader *r, json_t *metadata) {
  const ftl_architecture *arch = &r->source->arch;
  const char *elements = json_string_value(json_object_get(metadata, "elements"));
  const char *heads = json_string_value(json_object_get(metadata, "heads"));
  json_t *list = heads ? json_loads(heads, 0, NULL) : NULL;
  char text[FTL_MAX_ELEMENTS * 4] = "";
  bool good = json_array_size(list) == (size_t)arch->n_heads;
  for (int k = 0; k < arch->n_elements; k++) {
    const char *symbol = ftl_element_symbol(arch->atomic_numbers[k]);
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", k ? " " : "", symbol ? symbol : "?");
  }
  for (int k = 0; good && k < arch->n_heads; k++) {
    const char *name = json_string_value(json_array_get(list, (size_t)k));
    good = name && !strcmp(name, arch->heads[k]);
  }
  json_decref(list);
  if (!good || !elements || strcmp(elements, text))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                    "the elements or heads in the metadata are not those of the architecture");
  return FTL_OK;
}

/* After everything else, whose messages say more. */
static ftl_status check_digest(reader *r, json_t *metadata) {
  const char *want = json_string_value(json_object_get(metadata, "content_sha256"));
  const char *architecture = json_string_value(json_object_get(metadata, "architecture"));
  char digest[FTL_SHA256_HEX];
  if (!want) return FTL_OK;
  size_t n = r->source->delta ? (size_t)r->source->tensors.n : 0, used = 0;
  ftl_bytes *part = malloc((2 * n + 2) * sizeof *part);
  if (!part) return ftl_fail(r->error, FTL_ERR_MEMORY, r->where, "no memory for the digest of %zu tensors", n);
  part[used++] = (ftl_bytes){architecture, strlen(architecture)};
  for (size_t k = 0; k < n; k++) { /* in the order of names */
    part[used++] = (ftl_bytes){r->source->tensors.tensor[k].name, strlen(r->source->tensors.tensor[k].name)};
    part[used++] = (ftl_bytes){"\n", 1};
  }
  part[used++] = (ftl_bytes){r->data, r->data_size};
  ftl_sha256_parts(part, (int)used, digest);
  free(part);
  if (strcmp(want, digest))
    return ftl_fail(r->error, FTL_ERR_FORMAT, r->where,
                    "the file is damaged: its architecture and tensors do not have the SHA-256 in content_sha256");
  return FTL_OK;
}

static ftl_status read_all(reader *r, const void *file, size_t size) {
  json_t *metadata;
  ftl_status status = parse_header(r, file, size);
  if (status) return status;
  metadata = json_object_get(r->header, "__metadata__");
  if ((status = check_kind(r, metadata))) return status;
  if ((status = read_architecture(r, metadata))) return status;
  if ((status = check_copies(r, metadata))) return status;
  if ((status = keep_metadata(r, metadata))) return status;
  if ((status = read_tensors(r, metadata))) return status;
  return check_digest(r, metadata);
}

ftl_status ftl_ftl_read(const void *data, size_t size, bool mapped, ftl_source *source, ftl_error *error) {
  reader r = {.source = source, .where = source->path, .mapped = mapped, .error = error};
  ftl_status status = read_all(&r, data, size);
  json_decref(r.header);
  return status;
}
