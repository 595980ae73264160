/* The folder of a run of `frozentl train`, `fit` or `distill`: made, locked and checked before anything is computed.
   Only these names are written in it. */
#ifndef FTL_RUN_FOLDER_H
#define FTL_RUN_FOLDER_H

#include "support/lock.h"
#include "support/paths.h"

/* What a folder holds. FTL_RUN_NONE: no run. */
typedef enum { FTL_RUN_NONE, FTL_RUN_TRAIN, FTL_RUN_FIT, FTL_RUN_DISTILL } ftl_run_kind;

/* Zero: not open. */
typedef struct {
  const char *path; /* the caller's */
  ftl_lock lock;
  int made; /* folders that this call made, the last of them `path` */
} ftl_run_folder;

ftl_run_kind ftl_run_folder_kind(const char *path);

/* Takes the folder for a run, and holds it until ftl_run_folder_close. Files named by `options` (the run's own) are
   inputs that no file of the run may be. A new run (`resume` false) makes the folder, and those above it that are not
   there; it must not hold a run, nor files of the names that it would write; a fit that ended early left nothing, and
   may begin again. With `resume` it must hold a run of this kind. Temporary files that an earlier process left there
   are removed. `warning` is "" or a sentence. FTL_ERR_INPUT: another process works there, the folder holds something
   else, or an input would be overwritten; FTL_ERR_IO. */
ftl_status ftl_run_folder_open(const char *path, ftl_run_kind kind, bool resume, const ftl_options *options,
                               ftl_run_folder *folder, char warning[400], ftl_error *error);
/* The same check of a run that goes on, whose own recipe.yaml may be the source of `options`. */
ftl_status ftl_run_folder_check_inputs(const char *path, ftl_run_kind kind, const ftl_options *options,
                                       ftl_error *error);
/* Lets go. Folders that were made and are empty are removed. Also of one that is not open. */
void ftl_run_folder_close(ftl_run_folder *folder);

/* FTL_ERR_INPUT when another command's output is a file of a run. */
ftl_status ftl_run_folder_check_output(const char *path, ftl_error *error);

#endif
