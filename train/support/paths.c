#include "support/paths.h"

#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/foundations.h"
#include "support/run_folder.h"
#include "base/array.h"
#include "base/error.h"

void ftl_paths_free(ftl_paths *paths) {
  for (int k = 0; k < paths->n; k++) {
    free(paths->path[k].path);
    free(paths->path[k].what);
  }
  free(paths->path);
  *paths = (ftl_paths){0};
}

static void add(ftl_paths *paths, const char *what, const char *path, bool output) {
  if (!path || !*path || strcmp(path, "-") == 0) return;
  const ftl_status grown = FTL_GROW(paths->path, paths->room, paths->n + 1, "the paths", NULL);
  ftl_named_path own = {strdup(path), strdup(what), output};
  if (!grown && own.path && own.what) {
    paths->path[paths->n++] = own;
    return;
  }
  free(own.path);
  free(own.what);
  paths->no_memory = true;
}

void ftl_paths_input(ftl_paths *paths, const char *what, const char *path) { add(paths, what, path, false); }
void ftl_paths_output(ftl_paths *paths, const char *what, const char *path) { add(paths, what, path, true); }

/* ---- the foundation of a delta ---- */

/* The header of a safetensors file, or NULL. */
static json_t *read_header(const char *path) {
  unsigned char prefix[8];
  json_t *header = NULL;
  struct stat info;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && read(fd, prefix, 8) == 8) {
    uint64_t length = 0;
    for (int k = 7; k >= 0; k--) length = length << 8 | prefix[k];
    char *text = length < (uint64_t)info.st_size ? malloc((size_t)length + 1) : NULL;
    if (text && read(fd, text, (size_t)length) == (ssize_t)length) header = json_loadb(text, (size_t)length, 0, NULL);
    free(text);
  }
  if (fd >= 0) close(fd);
  return header;
}

static void add_in_folder(ftl_paths *paths, const char *folder, size_t length, const char *name) {
  char path[4096];
  if (length && snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, name) < (int)sizeof path &&
      access(path, F_OK) == 0)
    add(paths, "foundation", path, false);
}

/* Every place where a delta looks for its foundation (core/files/delta.c). */
static void add_foundation(ftl_paths *paths, const char *path) {
  json_t *header = read_header(path);
  const char *text = NULL, *name = NULL, *slash = strrchr(path, '/');
  json_unpack(header, "{s:{s:s}}", "__metadata__", "foundation", &text);
  json_t *foundation = text ? json_loads(text, 0, NULL) : NULL;
  json_unpack(foundation, "{s:s}", "name", &name);
  if (name && !strchr(name, '/')) {
    add_in_folder(paths, slash ? path : ".", slash && slash > path ? (size_t)(slash - path) : 1, name);
    char folder[FTL_PATH_ROOM];
    for (int k = 0; ftl_search_folder(k, folder); k++) add_in_folder(paths, folder, strlen(folder), name);
  }
  json_decref(foundation);
  json_decref(header);
}

/* The file of a foundation that is given by name; anything else as it is. */
static const char *file_of(const char *given, char path[FTL_PATH_ROOM]) {
  return given && ftl_model_place(given, path, FTL_PATH_ROOM, NULL) == FTL_OK ? path : given;
}

void ftl_paths_model(ftl_paths *paths, const char *what, const char *path, const char *foundation) {
  char file[FTL_PATH_ROOM], base[FTL_PATH_ROOM];
  path = file_of(path, file);
  foundation = file_of(foundation, base);
  add(paths, what, path, false);
  add(paths, "foundation", foundation, false);
  if (path && !foundation) add_foundation(paths, path);
}

/* ---- options ---- */

void ftl_paths_options(ftl_paths *paths, const ftl_options *options) {
  for (int k = 0; k < options->table->n; k++) {
    const ftl_option *option = &options->table->option[k];
    const void *member = (const char *)options->values + option->offset;
    if (option->type == FTL_OPTION_PATH && strcmp(option->key, "output") != 0)
      ftl_paths_model(paths, option->key, *(char *const *)member, NULL);
    const ftl_words *words = option->type == FTL_OPTION_PATHS ? member : NULL;
    for (int w = 0; words && w < words->n; w++) add(paths, option->key, words->item[w], false);
  }
  add(paths, "settings", options->source, false);
}

/* ---- the same file ---- */

/* Of a file that is there: what it is. Of one that is not: the folder it will be in, and its name. */
typedef struct {
  bool there, known;
  struct stat info; /* of the file, or of its folder */
  char name[256];
} place;

/* "a/b/": b in a. */
static void locate(const char *path, place *at) {
  *at = (place){0};
  at->known = at->there = stat(path, &at->info) == 0;
  if (at->there) return;
  char *copy = strdup(path), *again = strdup(path);
  if (copy && again) {
    snprintf(at->name, sizeof at->name, "%s", basename(copy));
    at->known = stat(dirname(again), &at->info) == 0;
  }
  free(copy);
  free(again);
}

static bool same(const char *a, const char *b) {
  place x, y;
  if (strcmp(a, b) == 0) return stat(a, &x.info) != 0 || !S_ISCHR(x.info.st_mode);
  locate(a, &x);
  locate(b, &y);
  if (!x.known || !y.known || x.there != y.there || (x.there && S_ISCHR(x.info.st_mode))) return false;
  return x.info.st_dev == y.info.st_dev && x.info.st_ino == y.info.st_ino && strcmp(x.name, y.name) == 0;
}

ftl_status ftl_paths_check(const ftl_paths *paths, ftl_error *error) {
  if (paths->no_memory) return ftl_no_memory(error, NULL, "the names of files");
  for (int k = 0; k < paths->n; k++)
    for (int j = 0; j < paths->n && paths->path[k].output; j++) {
      const ftl_named_path *written = &paths->path[k], *other = &paths->path[j];
      if (j == k || (other->output && j < k) || !same(written->path, other->path)) continue;
      return other->output
                 ? ftl_fail(error, FTL_ERR_INPUT, written->path,
                            "%s and %s (%.200s) would both be written to this file: give two names", written->what,
                            other->what, other->path)
                 : ftl_fail(error, FTL_ERR_INPUT, written->path,
                            "%s would overwrite the file of %s (%.200s), which is read: choose another output",
                            written->what, other->what, other->path);
    }
  return FTL_OK;
}

ftl_status ftl_paths_check_runs(const ftl_paths *paths, ftl_error *error) {
  ftl_status status = FTL_OK;
  for (int k = 0; !status && k < paths->n; k++)
    if (paths->path[k].output) status = ftl_run_folder_check_output(paths->path[k].path, error);
  return status;
}
