/* Where models are: the folders that are looked through, and names of foundations in place of paths. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "files/foundations.h"
#include "model/provenance.h"

/* $XDG_CACHE_HOME/frozentl, where that is an absolute path as its specification demands, else ~/.cache/frozentl. */
static bool cache_folder(char folder[FTL_PATH_ROOM]) {
  const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int n = 0;
  if (xdg && *xdg == '/') n = snprintf(folder, FTL_PATH_ROOM, "%s/frozentl", xdg);
  else if (home && *home) n = snprintf(folder, FTL_PATH_ROOM, "%s/.cache/frozentl", home);
  return n > 0 && n < FTL_PATH_ROOM;
}

bool ftl_search_folder(int k, char folder[FTL_PATH_ROOM]) {
  const char *paths = getenv("FROZENTL_PATH");
  for (const char *p = paths ? paths : ""; *p;) {
    const size_t n = strcspn(p, ":");
    if (n > 0 && n < FTL_PATH_ROOM && k-- == 0) {
      memcpy(folder, p, n);
      folder[n] = '\0';
      return true;
    }
    p += n + (p[n] == ':');
  }
  return k == 0 && cache_folder(folder);
}

bool ftl_foundation_locate(const ftl_foundation *foundation, char path[FTL_PATH_ROOM]) {
  char folder[FTL_PATH_ROOM];
  struct stat info;
  for (int k = 0; ftl_search_folder(k, folder); k++)
    if (snprintf(path, FTL_PATH_ROOM, "%s/%s", folder, foundation->file) < FTL_PATH_ROOM && !stat(path, &info) &&
        S_ISREG(info.st_mode))
      return true;
  return false;
}

/* ---- the digest it must have ---- */

void ftl_foundation_record_path(const char *path, char record[FTL_PATH_ROOM]) {
  snprintf(record, FTL_PATH_ROOM, "%.*s.sha256", FTL_PATH_ROOM - 8, path);
}

ftl_status ftl_foundation_expected(const ftl_foundation *foundation, const char *path, char *sha256, ftl_error *error) {
  char record[FTL_PATH_ROOM];
  *sha256 = '\0';
  if (foundation->sha256) {
    strcpy(sha256, foundation->sha256);
    return FTL_OK;
  }
  ftl_foundation_record_path(path, record);
  FILE *file = fopen(record, "r");
  if (!file && errno == ENOENT) return FTL_OK;
  if (!file) return ftl_fail(error, FTL_ERR_IO, record, "cannot open it: %s", strerror(errno));
  const size_t n = fread(sha256, 1, FTL_SHA256_HEX - 1, file);
  fclose(file);
  sha256[n] = '\0';
  if (strspn(sha256, "0123456789abcdef") == FTL_SHA256_HEX - 1) return FTL_OK;
  return ftl_fail(error, FTL_ERR_FORMAT, record,
                  "it should begin with the SHA-256 of %s, 64 hexadecimal digits: remove it, and it is written again",
                  foundation->file);
}

ftl_status ftl_foundation_check(const ftl_foundation *foundation, const char *path, char *sha256, ftl_error *error) {
  char expected[FTL_SHA256_HEX], record[FTL_PATH_ROOM];
  ftl_status status = ftl_foundation_expected(foundation, path, expected, error);
  if (!status) status = ftl_sha256_file(path, sha256, error);
  if (status || !*expected || !strcmp(expected, sha256)) return status;
  if (foundation->sha256)
    return ftl_fail(error, FTL_ERR_FORMAT, path,
                    "its SHA-256 is %.12s..., but that of %s is %.12s...: the file is damaged, or another one; remove "
                    "it, then: frozentl foundation %s",
                    sha256, foundation->name, expected, foundation->name);
  ftl_foundation_record_path(path, record);
  return ftl_fail(error, FTL_ERR_FORMAT, path,
                  "its SHA-256 is %.12s..., but that of the first download of %s was %.12s...: remove it and fetch it "
                  "again; if the model was published anew, remove %.200s too",
                  sha256, foundation->name, expected, record);
}

/* ---- a name in place of a path ---- */

/* The foundation of this name, if it is one; its file is in `found`. */
static ftl_status find(const char *given, const ftl_foundation **foundation, char found[FTL_PATH_ROOM],
                       ftl_error *error) {
  char folder[FTL_PATH_ROOM] = "";
  struct stat info;
  *foundation = ftl_foundation_find(given);
  if (!*foundation) return FTL_OK;
  /* silently taking one of them would depend on the folder that one is in */
  if (!stat(given, &info) && !S_ISDIR(info.st_mode))
    return ftl_fail(error, FTL_ERR_INPUT, given,
                    "this is the name of a foundation, and a file here: write ./%s for the file, or rename it", given);
  if (ftl_foundation_locate(*foundation, found)) return FTL_OK;
  ftl_search_folder(0, folder);
  return ftl_fail(error, FTL_ERR_IO, given,
                  "this foundation is not on this machine yet; get it with: frozentl foundation %s (%s is "
                  "looked for in the folders of FROZENTL_PATH and in the cache%s%.200s)",
                  given, (*foundation)->file, *folder ? "; it goes to " : "", folder);
}

ftl_status ftl_model_place(const char *given, char *path, size_t size, ftl_error *error) {
  char found[FTL_PATH_ROOM];
  const ftl_foundation *foundation;
  if (!given || !path) return ftl_fail(error, FTL_ERR_ARGUMENT, NULL, "no path of a model file is given");
  const ftl_status status = find(given, &foundation, found, error);
  if (status) return status;
  const char *is = foundation ? found : given;
  if (strlen(is) >= size) return ftl_fail(error, FTL_ERR_IO, given, "the path is too long");
  strcpy(path, is);
  return FTL_OK;
}

ftl_status ftl_model_path(const char *given, char *path, size_t size, ftl_error *error) {
  char digest[FTL_SHA256_HEX];
  ftl_status status = ftl_model_place(given, path, size, error);
  const ftl_foundation *foundation = status ? NULL : ftl_foundation_find(given);
  return foundation ? ftl_foundation_check(foundation, path, digest, error) : status;
}
