/* What both fuzzers do with a file that lies in memory. */
#ifndef FTL_FUZZ_EXERCISE_H
#define FTL_FUZZ_EXERCISE_H

#include <stdlib.h>
#include <string.h>

#include "files/model_file.h"

/* As if the file lay there: deltas among the seeds have their foundation in this folder, seen from the project's root.
 */
#define PLACE "tests/fuzz/corpus/ftl/fuzz"

/* Reads; a refusal must come with a code and a sentence. What was accepted must also survive being changed. */
static inline void exercise(const unsigned char *data, size_t size) {
  ftl_source *source = NULL;
  ftl_error error = {0};
  ftl_status status = ftl_source_read_memory(data, size, PLACE, &source, &error);
  if (status) {
    if (source || error.code != status || !error.message[0]) abort();
    return;
  }
  int last = source->arch.atomic_numbers[source->arch.n_elements - 1];
  if (ftl_source_cut_head(source, source->arch.heads[source->arch.n_heads - 1], &error)) abort();
  if (ftl_source_cut_elements(source, &last, 1, &error)) abort();
  if (ftl_source_cast(source, FTL_F64, &error)) abort();
  if (ftl_source_check(source, &error)) abort();
  ftl_source_free(source);
}

#endif
