#include "files/json_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

ftl_status ftl_json_bad(const ftl_json_reader *reader, const char *format, ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return ftl_fail(reader->error, FTL_ERR_FORMAT, reader->where, "the architecture in the header is wrong: %s", text);
}
