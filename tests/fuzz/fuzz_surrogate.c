/* libFuzzer target: the reader of surrogates' `.ftl`. See scripts/fuzz.sh. */
#include "model/surrogate.h"
#include "exercise_ace.h"
#include "files/surrogate_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ftl_surrogate surrogate;
  ftl_ace_file file;
  ftl_error error = {0};
  char *metadata;
  if (refused(ftl_surrogate_read(data, size, "fuzz.ftl", &surrogate, &metadata, &error), &error)) return 0;
  if (!metadata || ftl_surrogate_file(&surrogate, surrogate.coefficient, &file, &error)) abort();
  survives_writing(&file); /* it need not: products of huge numbers are not finite */
  ftl_ace_file_free(&file);
  free(metadata);
  ftl_surrogate_free(&surrogate);
  return 0;
}
