/* libFuzzer target: the training state. Its digest is put right in three of four mutants, so that what is behind it
   gets its share. See scripts/fuzz.sh. */
#include "exercise_file.h"

#include <string.h>

#include "tune/state.h"
#include "model/provenance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* The digest is of the header with zeros in its place, and of what follows. */
static void repair(uint8_t *data, size_t size) {
  static const char key[] = "\"sha256\":\"";
  enum { DIGEST = FTL_SHA256_HEX - 1 };
  char digest[FTL_SHA256_HEX];
  uint8_t *at = size > 8 ? memmem(data + 8, size - 8, key, sizeof key - 1) : NULL;
  if (!at || (size_t)(data + size - at) < sizeof key - 1 + DIGEST) return;
  at += sizeof key - 1;
  memset(at, '0', DIGEST);
  ftl_sha256(data + 8, size - 8, digest);
  memcpy(at, digest, DIGEST);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4) repair(data, size);
  return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ftl_state state;
  ftl_error error = {0};
  const double *values;
  if (refused_file(ftl_state_read(path_of(data, size), &state, &error), &error)) return 0;
  for (int k = 0; k < state.n; k++)
    if (ftl_state_find(&state, state.vector[k].name, state.vector[k].count, &values, &error)) abort();
  ftl_state_free(&state);
  return 0;
}
