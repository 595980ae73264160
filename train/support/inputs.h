/* The files that a run reads, by content: a run goes on with the files it began with, wherever they are by now. */
#ifndef FTL_INPUTS_H
#define FTL_INPUTS_H

#include <jansson.h>

#include "support/options.h"

/* [{"key", "item", "path", "sha256"}] of every file that an option names; path is absolute. NULL: *error (FTL_ERR_IO,
   FTL_ERR_MEMORY). */
json_t *ftl_inputs_record(const ftl_options *options, ftl_error *error);

/* Puts into `options` where the files of a record are now. A file is looked for where the option says, where it was,
   in the run's folder, next to that, in the working folder and in those of FROZENTL_PATH and the cache, and taken where
   its SHA-256 is that of the record. `said` is "" or says what was found elsewhere. FTL_ERR_INPUT: a file that is
   nowhere, or has changed. */
ftl_status ftl_inputs_find(ftl_options *options, const json_t *record, const char *folder, char said[400],
                           ftl_error *error);

#endif
