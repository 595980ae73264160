/* What a command reads and writes, registered before anything is computed: no output may be an input, or another
   output, also by another name of the same file, nor a file of a run that is not the command's own. */
#ifndef FTL_PATHS_H
#define FTL_PATHS_H

#include <stdbool.h>

#include "support/options.h"

typedef struct {
  char *path, *what; /* "--json", "data" */
  bool output;
} ftl_named_path;

/* Zero-initialise; ftl_paths_free when done. */
typedef struct {
  int n;
  size_t room;
  ftl_named_path *path;
  bool no_memory;
} ftl_paths;

void ftl_paths_free(ftl_paths *paths);

/* A file that is read or written; NULL and "-" are none. `what` is for messages. */
void ftl_paths_input(ftl_paths *paths, const char *what, const char *path);
void ftl_paths_output(ftl_paths *paths, const char *what, const char *path);
/* A model and, if it is a delta, the file that it takes its foundation from (`foundation`: given, or NULL). A file that
   cannot be read is no error here. */
void ftl_paths_model(ftl_paths *paths, const char *what, const char *path, const char *foundation);
/* All files that options name as inputs (paths but `output`), and the recipe they were read from. */
void ftl_paths_options(ftl_paths *paths, const ftl_options *options);

/* FTL_ERR_INPUT names the two that are one file. Files are the same when their device and inode are; one that is not
   there yet is compared by its name in its folder. Terminals and /dev/null may be anything at once. */
ftl_status ftl_paths_check(const ftl_paths *paths, ftl_error *error);

/* FTL_ERR_INPUT: a regular output belongs to a run (support/run_folder.h). */
ftl_status ftl_paths_check_runs(const ftl_paths *paths, ftl_error *error);

#endif
