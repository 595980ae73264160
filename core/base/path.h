/* Names of files. Internal to core and train. */
#ifndef FTL_PATH_H
#define FTL_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* "FOLDER/NAME". NULL without memory; the caller frees it. */
char *ftl_path_join(const char *folder, const char *name);
/* The same into a buffer of `size` bytes, cut to it. Whether all of it fits. */
bool ftl_path_put(char *path, size_t size, const char *folder, const char *name);

/* What follows the last '/': points into path. */
const char *ftl_path_name(const char *path);
/* Characters of the folder in front, its '/' included; 0: a path without folder. */
size_t ftl_path_folder(const char *path);
/* A path that is meant from the folder of `file`, as one from here; absolute ones stay. NULL without memory; the caller
   frees it. */
char *ftl_path_beside(const char *file, const char *path);

#endif
