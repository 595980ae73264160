/* libFuzzer target: the `.model` reader. See scripts/fuzz.sh.

   Most mutants of a ZIP archive die of a wrong CRC before anything else looks at them. The mutator therefore writes the
   right CRCs into three of four mutants, so that the pickle machine and all behind it get their share. */
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static uint32_t get(const uint8_t *at, int bytes) {
  uint32_t value = 0;
  for (int k = bytes; k-- > 0;) value = value << 8 | at[k];
  return value;
}

static void put(uint8_t *at, uint32_t value) {
  for (int k = 0; k < 4; k++) at[k] = (uint8_t)(value >> (8 * k));
}

/* Walks the central directory (PKZIP APPNOTE 4.3.12) wherever its records are found. */
static void repair(uint8_t *data, size_t size) {
  for (size_t k = 0; k + 46 <= size; k++) {
    if (memcmp(data + k, "PK\1\2", 4)) continue;
    size_t length = get(data + k + 20, 4), local = get(data + k + 42, 4), begin;
    if (local > size || size - local < 30 || memcmp(data + local, "PK\3\4", 4)) continue;
    begin = local + 30 + get(data + local + 26, 2) + get(data + local + 28, 2);
    if (begin > size || length > size - begin) continue;
    uint32_t crc = (uint32_t)crc32(0, data + begin, (uInt)length);
    put(data + k + 16, crc);
    put(data + local + 14, crc);
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4) repair(data, size);
  return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  exercise(data, size);
  return 0;
}
