/* SHA-256 by the instructions that some CPUs have for it: a model of 20 MB is then checked in 10 ms instead of 80. */
#ifndef FTL_SHA256_H
#define FTL_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes n blocks of 64 bytes into the state (a .. h). False, and nothing done, where the CPU lacks the instructions. */
bool ftl_sha256_blocks(uint32_t state[8], const unsigned char *data, size_t n);

#endif
