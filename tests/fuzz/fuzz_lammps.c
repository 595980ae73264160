/* libFuzzer target: LAMMPS data files that sampling starts from. See scripts/fuzz.sh. */
#include "exercise_file.h"

#include "sampling/starts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int element[2] = {29, 1};
  const char *path = path_of(data, size);
  for (int n = 1; n <= 2; n++) {
    ftl_dataset starts = {0};
    ftl_error error = {0};
    if (!refused_file(ftl_starts_read_lammps(path, element, n, &starts, &error), &error) && starts.n != 1) abort();
    ftl_dataset_free(&starts);
  }
  return 0;
}
