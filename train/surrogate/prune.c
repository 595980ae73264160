#include "surrogate/prune.h"

#include <stdlib.h>

static bool is_zero(const ftl_surrogate *s, int column) {
  const int n = s->first[s->file.n_elements];
  bool zero = s->coefficient[column] == 0 && (!s->second || s->second[column] == 0);
  for (int d = 0; d < s->n_committee && zero; d++) zero = s->committee[(size_t)d * (size_t)n + (size_t)column] == 0;
  return zero;
}

/* Moves columns to the front of their rows in place: the target never overtakes the source. */
static void keep_columns(ftl_surrogate *s, const int *kept, int n_kept) {
  const size_t n = (size_t)s->first[s->file.n_elements];
  for (int k = 0; k < n_kept; k++) s->coefficient[k] = s->coefficient[kept[k]];
  for (int k = 0; k < n_kept && s->second; k++) s->second[k] = s->second[kept[k]];
  for (size_t d = 0; d < (size_t)s->n_committee; d++)
    for (int k = 0; k < n_kept; k++)
      s->committee[d * (size_t)n_kept + (size_t)k] = s->committee[d * n + (size_t)kept[k]];
}

int ftl_surrogate_prune(ftl_surrogate *s) {
  const int n = s->first[s->file.n_elements];
  int *kept = malloc(((size_t)n + 1) * sizeof *kept), n_kept = 0;
  if (!kept) return 0; /* nothing is wrong with functions that do nothing */
  for (int mu = 0; mu < s->file.n_elements; mu++) {
    ftl_ace_function *function = s->file.function[mu];
    int n_here = 0;
    for (int k = 0; k < s->file.n_functions[mu]; k++) {
      if (is_zero(s, s->first[mu] + k)) {
        free(function[k].m);
        free(function[k].c);
        continue;
      }
      kept[n_kept++] = s->first[mu] + k;
      function[n_here++] = function[k];
    }
    s->file.n_functions[mu] = n_here;
  }
  keep_columns(s, kept, n_kept);
  ftl_surrogate_number(s);
  free(kept);
  return n - n_kept;
}
