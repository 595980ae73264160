#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/printable.h"

ftl_status ftl_fail(ftl_error *error, ftl_status code, const char *where, const char *format, ...) {
  if (error) {
    va_list args;
    error->code = code;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    ftl_printable(error->message, ""); /* it may hold names from files */
    ftl_error_place(error, where);
  }
  return code;
}

void ftl_error_place(ftl_error *error, const char *where) {
  if (!error) return;
  snprintf(error->where, sizeof error->where, "%s", where ? where : "");
  ftl_printable(error->where, "");
}
