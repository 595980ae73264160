#include "support/distance.h"

#include <string.h>

int ftl_word_distance(const char *a, const char *b) {
  enum { MOST = 128 };
  int row[3][MOST];
  const size_t lengths[2] = {strlen(a), strlen(b)};
  if (lengths[0] >= MOST || lengths[1] >= MOST) return MOST;
  const int n = (int)lengths[0], m = (int)lengths[1];
  for (int j = 0; j <= m; j++) row[0][j] = j;
  for (int i = 1; i <= n; i++) {
    int *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= m; j++) {
      int best = last[j - 1] + (a[i - 1] != b[j - 1]);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
        best = before[j - 2] + 1;
      now[j] = best;
    }
  }
  return row[n % 3][m];
}
