/* The digests that files are checked by, which go through the CPU's own instructions where it has them: against libmd,
   for all lengths about the block's, and for content that comes in parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "model/provenance.h"
#include "base/sha256.h"

#define N 1000

static void fill(unsigned char *data, size_t n) {
  unsigned seed = 3;
  for (size_t k = 0; k < n; k++) data[k] = (unsigned char)((seed = seed * 1103515245u + 12345u) >> 16);
}

static void lengths(void **unused) {
  (void)unused;
  unsigned char data[N + 1];
  char ours[FTL_SHA256_HEX], theirs[SHA256_DIGEST_STRING_LENGTH];
  fill(data, sizeof data);
  for (size_t n = 0; n <= N; n++) {
    ftl_sha256(data + n % 2, n, ours); /* aligned or not */
    SHA256Data(data + n % 2, n, theirs);
    assert_string_equal(ours, theirs);
  }
}

static void parts(void **unused) {
  (void)unused;
  unsigned char data[N];
  char whole[FTL_SHA256_HEX], split[FTL_SHA256_HEX];
  fill(data, sizeof data);
  ftl_sha256(data, N, whole);
  for (size_t a = 0; a <= 200; a++)
    for (size_t b = a; b <= 400; b += 37) {
      const ftl_bytes part[3] = {{data, a}, {data + a, b - a}, {data + b, N - b}};
      ftl_sha256_parts(part, 3, split);
      assert_string_equal(split, whole);
    }
}

/* FIPS 180-2, B.3: a million times "a" */
static void long_content(void **unused) {
  (void)unused;
  const size_t n = 1000000;
  char *data = malloc(n), digest[FTL_SHA256_HEX];
  assert_non_null(data);
  memset(data, 'a', n);
  ftl_sha256(data, n, digest);
  assert_string_equal(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  free(data);
  uint32_t state[8] = {0};
  print_message("SHA-256 by the CPU's instructions: %s\n", ftl_sha256_blocks(state, NULL, 0) ? "yes" : "no");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lengths), cmocka_unit_test(parts),
                                     cmocka_unit_test(long_content)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
