#include "files/delta.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/foundations.h"
#include "files/model_file.h"
#include "files/yaml.h"
#include "base/error.h"
#include "base/path.h"
#include "model/provenance.h"
#include "model/tensors.h"

/* ---- what the metadata say ---- */

typedef struct {
  json_t *metadata; /* what the strings live in */
  const char *name, *sha256;
} origin;

static bool plain_name(const char *name) {
  return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..") && strlen(name) < 200;
}

static ftl_status read_origin(const ftl_source *delta, origin *o, ftl_error *error) {
  o->metadata = json_loads(delta->metadata, 0, NULL);
  if (json_unpack(o->metadata, "{s:{s:s, s:s}}", "foundation", "name", &o->name, "sha256", &o->sha256) ||
      strlen(o->sha256) != FTL_SHA256_HEX - 1 || !plain_name(o->name))
    return ftl_fail(error, FTL_ERR_FORMAT, delta->path,
                    "the delta's metadata do not say which foundation it belongs to (a file name and a SHA-256)");
  return FTL_OK;
}

/* ---- finding the foundation ---- */

typedef struct {
  const origin *origin;
  ftl_source *found;
  char other[512]; /* a file of the right name with another digest: folder and digest */
  ftl_error *error;
} search;

/* Reads one file if it is there. FTL_OK with search.found NULL: go on. */
static ftl_status try_file(search *s, const char *path, const char *place) {
  char digest[FTL_SHA256_HEX] = "";
  if (access(path, F_OK)) return FTL_OK;
  ftl_status status = ftl_foundation_read(path, s->origin->sha256, &s->found, digest, s->error);
  if (status || s->found || *s->other) return status;
  snprintf(s->other, sizeof s->other, "%.200s has the SHA-256 %.12s..., but the delta was made from %.12s...", place,
           digest, s->origin->sha256);
  return FTL_OK;
}

static ftl_status try_folder(search *s, const char *folder, size_t length) {
  char *path;
  ftl_status status;
  if (s->found || !length) return FTL_OK;
  path = malloc(length + strlen(s->origin->name) + 2);
  if (!path) return ftl_no_memory(s->error, s->origin->name, "looking for the foundation");
  sprintf(path, "%.*s/%s", (int)length, folder, s->origin->name);
  status = try_file(s, path, path);
  free(path);
  return status;
}

/* The file that `foundation` of a recipe names; NULL if it says nothing of one. The caller frees it. */
static char *foundation_of_recipe(const char *recipe) {
  ftl_yaml yaml;
  void *data = NULL;
  size_t size = 0;
  char *path = NULL;
  if (access(recipe, F_OK) || ftl_file_map(recipe, &data, &size, NULL) != FTL_OK) return NULL;
  if (ftl_yaml_open(&yaml, data, size, recipe, NULL) == FTL_OK) {
    const yaml_node_t *root = yaml_document_get_root_node(&yaml.document);
    for (int k = 0; root && !path && k < ftl_yaml_pairs(root); k++) {
      const yaml_node_pair_t *pair = &root->data.mapping.pairs.start[k];
      const char *key = ftl_yaml_text(ftl_yaml_node(&yaml, pair->key)),
                 *value = ftl_yaml_text(ftl_yaml_node(&yaml, pair->value));
      if (key && value && !strcmp(key, "foundation")) path = ftl_path_beside(recipe, value);
    }
    ftl_yaml_close(&yaml);
  }
  if (data) munmap(data, size);
  return path;
}

/* A delta in the folder of its run: the recipe there says where the foundation was. */
static ftl_status try_recipe(search *s, const char *folder, size_t length) {
  char recipe[FTL_PATH_ROOM];
  if (s->found || length > sizeof recipe - sizeof "/recipe.yaml") return FTL_OK;
  snprintf(recipe, sizeof recipe, "%.*s/recipe.yaml", (int)length, folder);
  char *path = foundation_of_recipe(recipe);
  const ftl_status status = path ? try_file(s, path, path) : FTL_OK;
  free(path);
  return status;
}

static ftl_status not_found(const search *s, const ftl_source *delta, const char *folder, size_t length,
                            const char *foundation) {
  const char *paths = getenv("FROZENTL_PATH");
  const ftl_foundation *known = ftl_foundation_of_file(s->origin->name);
  if (*s->other)
    return ftl_fail(s->error, FTL_ERR_FORMAT, delta->path, "this delta needs another foundation: %s", s->other);
  if (foundation)
    return ftl_fail(s->error, FTL_ERR_IO, foundation, "there is no such file, which was given as the foundation of %s",
                    delta->path);
  return ftl_fail(
      s->error, FTL_ERR_IO, delta->path,
      "its foundation %s (SHA-256 %.12s...) is neither next to it, in %.*s, nor where a recipe.yaml there says, nor in "
      "%s%.200s: copy it there, "
      "set FROZENTL_PATH to its folder, or give the file itself%s%s",
      s->origin->name, s->origin->sha256, (int)(length < 100 ? length : 100), folder,
      paths && *paths ? "FROZENTL_PATH=" : "FROZENTL_PATH, which is not set", paths ? paths : "",
      known ? "; or get it with: frozentl foundation " : "", known ? known->name : "");
}

static ftl_status find_foundation(const ftl_source *delta, const origin *o, const char *foundation, ftl_source **found,
                                  ftl_error *error) {
  search s = {.origin = o, .error = error};
  const char *slash = strrchr(delta->path, '/'), *folder = slash ? delta->path : ".";
  char other[FTL_PATH_ROOM];
  const size_t length = slash && slash > folder ? (size_t)(slash - folder) : 1; /* "." or "/" or the folder */
  ftl_status status = foundation ? try_file(&s, foundation, foundation) : try_folder(&s, folder, length);
  if (!status && !foundation) status = try_recipe(&s, folder, length);
  for (int k = 0; !status && !foundation && ftl_search_folder(k, other); k++)
    status = try_folder(&s, other, strlen(other));
  if (!status && !s.found) status = not_found(&s, delta, folder, length, foundation);
  *found = s.found;
  return status;
}

/* ---- putting the tensors in ---- */

static ftl_status unfit(const ftl_source *delta, const char *name, const char *why, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_FORMAT, delta->path, "tensor %s of the delta %s", name, why);
}

static ftl_status replace(ftl_source *base, ftl_tensor *to, ftl_dtype dtype, const void *data, ftl_error *error) {
  const size_t size = (size_t)to->count * ftl_dtype_bytes(dtype);
  void *copy = ftl_tensors_allocate(&base->tensors, size);
  if (!copy) return ftl_no_memory(error, base->path, "tensor %s", to->name);
  memcpy(copy, data, size);
  to->dtype = dtype;
  to->data = copy;
  return FTL_OK;
}

/* What a delta may have besides what its foundation has. */
static bool is_of_random_features(const ftl_architecture *arch, const char *name) {
  char prefix[32];
  const int n = arch->n_readouts;
  const int length = snprintf(prefix, sizeof prefix, "readouts.%d.", n - 1);
  return n > 0 && arch->readout[n - 1].kind == FTL_READOUT_RANDOM && strncmp(name, prefix, (size_t)length) == 0;
}

static ftl_status add_whole(const ftl_tensor *from, ftl_source *base, ftl_error *error) {
  FTL_TRY(ftl_tensors_add(&base->tensors, from->name, from->dtype, from->ndim, from->shape, from->data,
                          from->is_parameter, error));
  ftl_tensors_sort(&base->tensors);
  return FTL_OK;
}

static ftl_status put_whole(const ftl_source *delta, const ftl_tensor *from, ftl_source *base, ftl_error *error) {
  ftl_tensor *to = (ftl_tensor *)ftl_tensors_find(&base->tensors, from->name);
  if (!to && is_of_random_features(&delta->arch, from->name)) return add_whole(from, base, error);
  if (!to) return unfit(delta, from->name, "is none of its foundation", error);
  if (to->ndim != from->ndim || memcmp(to->shape, from->shape, (size_t)to->ndim * sizeof *to->shape))
    return unfit(delta, from->name, "has another shape than in its foundation", error);
  return replace(base, to, from->dtype, from->data, error);
}

static bool is_real(const ftl_tensor *t) { return t->dtype == FTL_F32 || t->dtype == FTL_F64; }

/* to += A B, in float64; the result has the wider type of the three. */
static ftl_status add_product(const ftl_tensor *a, const ftl_tensor *b, ftl_source *base, ftl_tensor *to,
                              ftl_error *error) {
  const int64_t rows = a->shape[0], rank = a->shape[1], columns = b->shape[1];
  const bool wide = to->dtype == FTL_F64 || a->dtype == FTL_F64 || b->dtype == FTL_F64;
  void *data = ftl_tensors_allocate(&base->tensors, (size_t)to->count * (wide ? 8 : 4));
  if (!data) return ftl_no_memory(error, base->path, "tensor %s", to->name);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      double sum = 0;
      for (int64_t k = 0; k < rank; k++) sum += ftl_tensor_at(a, i * rank + k) * ftl_tensor_at(b, k * columns + j);
      const double value = ftl_tensor_at(to, i * columns + j) + sum;
      if (wide) ((double *)data)[i * columns + j] = value;
      else ((float *)data)[i * columns + j] = (float)value;
    }
  to->dtype = wide ? FTL_F64 : FTL_F32;
  to->data = data;
  return FTL_OK;
}

#define SUFFIX 7 /* ".lora_A" */
static const char *lora_suffix(const char *name) {
  const size_t n = strlen(name);
  const char *end = n > SUFFIX ? name + n - SUFFIX : "";
  return !strcmp(end, ".lora_A") || !strcmp(end, ".lora_B") ? end : NULL;
}

/* One of the two factors; the work is done when A comes. */
static ftl_status put_product(const ftl_source *delta, const ftl_tensor *from, ftl_source *base, ftl_error *error) {
  char name[200], other[200 + SUFFIX + 1]; /* names are shorter, says the reader */
  const size_t length = strlen(from->name) - SUFFIX;
  snprintf(name, sizeof name, "%.*s", (int)length, from->name);
  snprintf(other, sizeof other, "%s.lora_%c", name, from->name[length + SUFFIX - 1] == 'A' ? 'B' : 'A');
  const ftl_tensor *b = ftl_tensors_find(&delta->tensors, other);
  ftl_tensor *to = (ftl_tensor *)ftl_tensors_find(&base->tensors, name);
  if (!b) return unfit(delta, from->name, "lacks the other factor of its product (lora_A, lora_B)", error);
  if (ftl_tensors_find(&delta->tensors, name)) return unfit(delta, name, "is there whole and as a product", error);
  if (!to || !is_real(to)) return unfit(delta, from->name, "is a factor of no weights of its foundation", error);
  if (from->name[length + SUFFIX - 1] == 'B') return FTL_OK;
  if (from->ndim != 2 || b->ndim != 2 || !is_real(from) || !is_real(b) || from->shape[1] != b->shape[0] ||
      from->shape[1] > from->shape[0] || from->shape[1] > b->shape[1] || to->count / from->shape[0] != b->shape[1] ||
      to->count % from->shape[0])
    return unfit(delta, from->name,
                 "and its other factor do not have the shapes [rows, rank] and [rank, columns] of a "
                 "product of the tensor's size",
                 error);
  return add_product(from, b, base, to, error);
}

static ftl_status put_tensors(ftl_source *delta, ftl_source *base, ftl_error *error) {
  ftl_status status = FTL_OK;
  int products = 0;
  for (int k = 0; !status && k < delta->tensors.n; k++) {
    const ftl_tensor *t = &delta->tensors.tensor[k];
    const char *suffix = lora_suffix(t->name);
    status = suffix ? put_product(delta, t, base, error) : put_whole(delta, t, base, error);
    products += suffix && suffix[SUFFIX - 1] == 'A';
  }
  delta->products = products;
  return status;
}

ftl_status ftl_delta_complete(ftl_source *delta, const char *foundation, ftl_error *error) {
  origin o = {0};
  ftl_source *base = NULL;
  ftl_status status = read_origin(delta, &o, error);
  if (!status) status = find_foundation(delta, &o, foundation, &base, error);
  if (!status) status = ftl_source_cut_to(base, &delta->arch, error);
  if (!status) status = put_tensors(delta, base, error);
  if (!status) {
    ftl_tensors own = delta->tensors;
    delta->tensors = base->tensors;
    base->tensors = own;
  }
  ftl_source_free(base);
  json_decref(o.metadata);
  return status;
}
