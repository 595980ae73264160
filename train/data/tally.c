#include "data/tally.h"

#include <stdio.h>
#include <string.h>

void ftl_tally_clean(const char *word, char clean[FTL_TALLY_WORD]) {
  const size_t length = strlen(word), most = FTL_TALLY_WORD - 1;
  const size_t kept = length > most ? most : length;
  for (size_t k = 0; k < kept; k++) clean[k] = (unsigned char)word[k] < ' ' || word[k] == 127 ? '?' : word[k];
  clean[kept] = '\0';
  if (length > most) memcpy(clean + most - 3, "...", 3);
}

static void add(ftl_tally *tally, const char *clean, int64_t count) {
  int k = 0;
  while (k < tally->n && strcmp(tally->word[k], clean) != 0) k++;
  if (k == FTL_TALLY_MOST) {
    tally->others += count;
    return;
  }
  if (k == tally->n) {
    memcpy(tally->word[k], clean, FTL_TALLY_WORD);
    tally->count[k] = 0;
    tally->n++;
  }
  tally->count[k] += count;
}

void ftl_tally_add(ftl_tally *tally, const char *word) {
  char clean[FTL_TALLY_WORD] = "";
  ftl_tally_clean(word, clean);
  add(tally, clean, 1);
}

void ftl_tally_join(ftl_tally *tally, const ftl_tally *other) {
  for (int k = 0; k < other->n; k++) add(tally, other->word[k], other->count[k]);
  tally->others += other->others;
}

void ftl_tally_list(const ftl_tally *tally, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int k = 0; k < tally->n; k++) {
    char item[FTL_TALLY_WORD + 32];
    const int length =
        snprintf(item, sizeof item, "%s%s (%lld)", k ? ", " : "", tally->word[k], (long long)tally->count[k]);
    if (used + (size_t)length + 24 > size) {
      snprintf(text + used, size - used, ", ...");
      return;
    }
    memcpy(text + used, item, (size_t)length + 1);
    used += (size_t)length;
  }
  if (tally->others > 0) snprintf(text + used, size - used, ", others (%lld)", (long long)tally->others);
}
