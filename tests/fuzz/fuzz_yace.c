/* libFuzzer target: the reader of .yace. See scripts/fuzz.sh. */
#include "exercise_ace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ftl_ace_file file;
  ftl_error error = {0};
  if (refused(ftl_ace_file_read(data, size, "fuzz.yace", &file, &error), &error)) return 0;
  if (!survives_writing(&file)) abort();
  ftl_ace_file_free(&file);
  return 0;
}
