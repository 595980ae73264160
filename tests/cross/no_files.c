/* The engine's row names what opens files, which this build does without: nothing here calls it. */
#include "base/error.h"
#include "model/architecture.h"

ftl_status ftl_source_read_with(const char *path, const char *foundation, ftl_source **source, ftl_error *error) {
  (void)foundation, (void)source;
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, path, "this build reads no files");
}

ftl_status ftl_source_no_delta(const char *path, ftl_error *error) {
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, path, "this build reads no files");
}

ftl_status ftl_source_cut_elements(ftl_source *source, const int *elements, int n, ftl_error *error) {
  (void)elements, (void)n;
  return ftl_fail(error, FTL_ERR_UNSUPPORTED, source->path, "this build cuts no models");
}
