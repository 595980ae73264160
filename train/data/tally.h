/* How often each of a few words occurs: values of a key of the comment line, for messages. */
#ifndef FTL_TALLY_H
#define FTL_TALLY_H

#include <stddef.h>
#include <stdint.h>

enum { FTL_TALLY_MOST = 20, FTL_TALLY_WORD = 64 };

/* Zero-initialise. Words are shortened to fit, and what could upset a terminal becomes '?'; words that find no room any
   more are counted together. */
typedef struct {
  int n;
  char word[FTL_TALLY_MOST][FTL_TALLY_WORD];
  int64_t count[FTL_TALLY_MOST];
  int64_t others;
} ftl_tally;

void ftl_tally_add(ftl_tally *tally, const char *word);
void ftl_tally_join(ftl_tally *tally, const ftl_tally *other);
/* "pbe (12), scan (11)", as much of it as fits. */
void ftl_tally_list(const ftl_tally *tally, char *text, size_t size);
/* A word as it is kept and printed. */
void ftl_tally_clean(const char *word, char clean[FTL_TALLY_WORD]);

#endif
