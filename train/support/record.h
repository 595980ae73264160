/* What the options of a run were when it began, for a look when it goes on. */
#ifndef FTL_RECORD_H
#define FTL_RECORD_H

#include <jansson.h>

#include "support/options.h"

/* {key: text} of all options that apply, but paths: of files the content counts (support/inputs.h). NULL without
 * memory.
 */
json_t *ftl_options_record(const ftl_options *options);

/* The options against a record. Keys of `free` (ending with NULL) may have changed: `said` then says how, "" if none
   did. FTL_ERR_INPUT lists every other key that changed, with its value then and now. An option that the record does
   not know and that has its default was added to the program since. */
ftl_status ftl_options_compare(const ftl_options *options, const json_t *record, const char *const *free,
                               const char *where, char said[400], ftl_error *error);

/* Writes JSON as a file (support/output.h), and lets go of it, also after a failure. NULL is FTL_ERR_MEMORY. */
ftl_status ftl_record_write(const char *path, json_t *json, ftl_error *error);

#endif
