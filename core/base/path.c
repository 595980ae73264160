#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ftl_path_join(const char *folder, const char *name) {
  const size_t size = strlen(folder) + strlen(name) + 2;
  char *path = malloc(size);
  if (path) ftl_path_put(path, size, folder, name);
  return path;
}

bool ftl_path_put(char *path, size_t size, const char *folder, const char *name) {
  const int length = snprintf(path, size, "%s/%s", folder, name);
  return length >= 0 && (size_t)length < size;
}

const char *ftl_path_name(const char *path) { return path + ftl_path_folder(path); }

size_t ftl_path_folder(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

char *ftl_path_beside(const char *file, const char *path) {
  const size_t folder = path[0] == '/' ? 0 : ftl_path_folder(file), length = strlen(path);
  char *joined = malloc(folder + length + 1);
  if (!joined) return NULL;
  memcpy(joined, file, folder);
  memcpy(joined + folder, path, length + 1);
  return joined;
}
