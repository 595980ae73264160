#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/printable.h"

static ftl_status fill(ftl_error *error, ftl_status code, const char *where, const char *begin, const char *format,
                       va_list args) {
  if (!error) return code;
  error->code = code;
  const int begun = snprintf(error->message, sizeof error->message, "%s", begin);
  vsnprintf(error->message + begun, sizeof error->message - (size_t)begun, format, args);
  ftl_printable(error->message, ""); /* it may hold names from files */
  ftl_error_place(error, where);
  return code;
}

ftl_status ftl_fail(ftl_error *error, ftl_status code, const char *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(error, code, where, "", format, args);
  va_end(args);
  return code;
}

ftl_status ftl_no_memory(ftl_error *error, const char *where, const char *what, ...) {
  va_list args;
  va_start(args, what);
  fill(error, FTL_ERR_MEMORY, where, "no memory for ", what, args);
  va_end(args);
  return FTL_ERR_MEMORY;
}

void ftl_error_place(ftl_error *error, const char *where) {
  if (!error) return;
  snprintf(error->where, sizeof error->where, "%s", where ? where : "");
  ftl_printable(error->where, "");
}
