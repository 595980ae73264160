#include "support/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/error.h"
#include "files/foundations.h"
#include "model/provenance.h"

/* How many files an option names, and the k-th of them. */
static int count(const ftl_options *options, const ftl_option *option) {
  const void *member = (const char *)options->values + option->offset;
  if (option->type == FTL_OPTION_PATHS) return ((const ftl_words *)member)->n;
  return option->type == FTL_OPTION_PATH && strcmp(option->key, "output") != 0 && *(char *const *)member ? 1 : 0;
}

static const char *file(const ftl_options *options, const ftl_option *option, int k) {
  const void *member = (const char *)options->values + option->offset;
  return option->type == FTL_OPTION_PATHS ? ((const ftl_words *)member)->item[k] : *(char *const *)member;
}

/* ---- recording ---- */

json_t *ftl_inputs_record(const ftl_options *options, ftl_error *error) {
  json_t *record = json_array();
  ftl_status status = record ? FTL_OK : ftl_no_memory(error, NULL, "the files of a run");
  for (int o = 0; !status && o < options->table->n; o++) {
    const ftl_option *option = &options->table->option[o];
    for (int k = 0; !status && k < count(options, option); k++) {
      char sha256[FTL_SHA256_HEX];
      const char *path = file(options, option, k);
      status = ftl_sha256_file(path, sha256, error);
      if (status) break;
      char *real = realpath(path, NULL);
      json_t *entry = json_pack("{s:s, s:i, s:s, s:s}", "key", option->key, "item", k, "path", real ? real : path,
                                "sha256", sha256);
      /* a name that is not UTF-8 is left out */
      if (!entry) entry = json_pack("{s:s, s:i, s:s}", "key", option->key, "item", k, "sha256", sha256);
      free(real);
      if (json_array_append_new(record, entry) != 0) status = ftl_no_memory(error, NULL, "the files of a run");
    }
  }
  if (!status) return record;
  json_decref(record);
  return NULL;
}

/* ---- finding ---- */

typedef struct {
  const char *sha256, *name; /* name: of the file, without its folder */
  bool other;                /* a file was there, with other content */
  char other_path[FTL_PATH_ROOM], found[FTL_PATH_ROOM];
} search;

static bool try_file(search *s, const char *path) {
  char sha256[FTL_SHA256_HEX];
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || ftl_sha256_file(path, sha256, NULL) != FTL_OK) return false;
  if (strcmp(sha256, s->sha256) == 0) {
    snprintf(s->found, sizeof s->found, "%s", path);
    return true;
  }
  if (!s->other) snprintf(s->other_path, sizeof s->other_path, "%s", path);
  s->other = true;
  return false;
}

static bool try_folder(search *s, const char *folder, size_t length, const char *more) {
  char path[FTL_PATH_ROOM];
  if (length == 0 || snprintf(path, sizeof path, "%.*s%s/%s", (int)length, folder, more, s->name) >= (int)sizeof path)
    return false;
  return try_file(s, path);
}

static bool look(search *s, const char *given, const char *before, const char *folder) {
  s->name = ftl_path_name(given);
  if (try_file(s, given) || (before && try_file(s, before))) return true;
  if (try_folder(s, folder, strlen(folder), "") || try_folder(s, folder, strlen(folder), "/..")) return true;
  if (try_folder(s, ".", 1, "")) return true;
  char other[FTL_PATH_ROOM];
  for (int k = 0; ftl_search_folder(k, other); k++)
    if (try_folder(s, other, strlen(other), "")) return true;
  return false;
}

static const json_t *entry_of(const json_t *record, const char *key, int item) {
  size_t k;
  json_t *entry;
  json_array_foreach(record, k, entry) {
    const char *name = json_string_value(json_object_get(entry, "key"));
    if (name && strcmp(name, key) == 0 && json_integer_value(json_object_get(entry, "item")) == item) return entry;
  }
  return NULL;
}

static ftl_status nowhere(const search *s, const char *key, const char *given, ftl_error *error) {
  if (s->other)
    return ftl_fail(error, FTL_ERR_INPUT, s->other_path,
                    "this file (%s) has changed since the run began: its SHA-256 was %.12s...; restore it, or begin "
                    "another run",
                    key, s->sha256);
  return ftl_fail(error, FTL_ERR_INPUT, given,
                  "this file (%s), with the SHA-256 %.12s..., is neither there nor in or next to the run's folder, nor "
                  "in FROZENTL_PATH: copy it there, or say where it is (--set %s=FILE)",
                  key, s->sha256, key);
}

static ftl_status find_files(ftl_options *options, const ftl_option *option, const json_t *record, const char *folder,
                             char said[400], ftl_error *error) {
  const int n = count(options, option);
  char(*found)[FTL_PATH_ROOM] = calloc((size_t)n + 1, sizeof *found);
  search *s = malloc(sizeof *s);
  bool moved = false;
  ftl_status status = found && s ? FTL_OK : ftl_no_memory(error, NULL, "the files of a run");
  for (int k = 0; !status && k < n; k++) {
    const json_t *entry = entry_of(record, option->key, k);
    const char *given = file(options, option, k);
    *s = (search){.sha256 = json_string_value(json_object_get(entry, "sha256"))};
    if (!s->sha256 || entry_of(record, option->key, n))
      status = ftl_fail(error, FTL_ERR_INPUT, folder,
                        "%s names another number of files than when the run began: put that back, or begin another run",
                        option->key);
    else if (!look(s, given, json_string_value(json_object_get(entry, "path")), folder))
      status = nowhere(s, option->key, given, error);
    if (status) break;
    memcpy(found[k], s->found, FTL_PATH_ROOM);
    if (strcmp(found[k], given) == 0) continue;
    const size_t used = strlen(said);
    snprintf(said + used, 400 - used, "%s%s is %s", used ? ", " : "", option->key, found[k]);
    moved = true;
  }
  if (!status && n == 0 && entry_of(record, option->key, 0))
    status = ftl_fail(error, FTL_ERR_INPUT, folder,
                      "the recipe names no %s any more: put it back, or begin another run", option->key);
  if (moved && !status) options->grows[option - options->table->option] = false;
  for (int k = 0; moved && !status && k < n; k++)
    status = ftl_options_set(options, option->key, found[k], "--resume", error);
  free(s);
  free(found);
  return status;
}

ftl_status ftl_inputs_find(ftl_options *options, const json_t *record, const char *folder, char said[400],
                           ftl_error *error) {
  ftl_status status = FTL_OK;
  *said = '\0';
  for (int k = 0; !status && k < options->table->n; k++) {
    const ftl_option *option = &options->table->option[k];
    if ((option->type == FTL_OPTION_PATH && strcmp(option->key, "output") != 0) || option->type == FTL_OPTION_PATHS)
      status = find_files(options, option, record, folder, said, error);
  }
  return status;
}
