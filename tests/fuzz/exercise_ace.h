/* What the fuzzers of potentials do with one that was accepted. */
#ifndef FTL_FUZZ_EXERCISE_ACE_H
#define FTL_FUZZ_EXERCISE_ACE_H

#include <stdio.h>
#include <stdlib.h>

#include "files/yace_writer.h"

/* A refusal must come with a code and a sentence. */
static inline bool refused(ftl_status status, const ftl_error *error) {
  if (status && (error->code != status || !error->message[0])) abort();
  return status != FTL_OK;
}

/* Writes it as .yace with its own bins and reads that; true if it was accepted again. */
static inline bool survives_writing(const ftl_ace_file *file) {
  char *text = NULL;
  size_t size = 0;
  ftl_ace_file again;
  ftl_error error = {0};
  FILE *stream = open_memstream(&text, &size);
  if (!stream) abort();
  bool good = !refused(ftl_ace_file_write(file, file->bins > 0 ? file->bins : 0.001, NULL, stream, &error), &error);
  fclose(stream);
  good = good && !refused(ftl_ace_file_read(text, size, "again.yace", &again, &error), &error);
  if (good) ftl_ace_file_free(&again);
  free(text);
  return good;
}

#endif
