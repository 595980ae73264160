/* What reading a JSON header carries along: the file, for messages, and where they go. */
#ifndef FTL_JSON_READER_H
#define FTL_JSON_READER_H

#include "frozentl.h"

typedef struct {
  const char *where;
  ftl_error *error;
} ftl_json_reader;

/* FTL_ERR_FORMAT: "the architecture in the header is wrong: ..." */
ftl_status ftl_json_bad(const ftl_json_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
