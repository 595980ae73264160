/* For readers that take a path: the input as a file in memory. */
#ifndef FTL_FUZZ_EXERCISE_FILE_H
#define FTL_FUZZ_EXERCISE_FILE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frozentl.h"

/* The path of a file with these bytes; each call replaces the one before. */
static inline const char *path_of(const unsigned char *data, size_t size) {
  static int file = -1;
  static char path[64];
  if (file < 0 && (file = memfd_create("fuzz", 0)) < 0) abort();
  if (ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return path;
}

/* A refusal must come with a code and a sentence. */
static inline int refused_file(ftl_status status, const ftl_error *error) {
  if (status && (error->code != status || !error->message[0])) abort();
  return status != FTL_OK;
}

#endif
