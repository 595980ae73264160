#include "model/error.h"

#include <stdarg.h>
#include <stdio.h>

ftl_status ftl_fail(ftl_error *error, ftl_status code, const char *where, const char *format, ...) {
  if (error) {
    va_list args;
    error->code = code;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    snprintf(error->where, sizeof error->where, "%s", where ? where : "");
  }
  return code;
}
