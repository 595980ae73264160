#include "model/trust.h"

#include <stdlib.h>
#include <string.h>

ftl_trust *ftl_trust_new(int n, int n_committee, int n_active, const int *atomic_numbers) {
  ftl_trust *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  *t = (ftl_trust){.n = n, .n_committee = n_committee, .n_active = n_active, .energy_scale = 1, .force_scale = 1};
  const size_t square = (size_t)n * (size_t)n + 1;
  t->factor = calloc(square, sizeof(double));
  t->committee = calloc((size_t)n_committee * (size_t)n + 1, sizeof(double));
  bool ok = t->factor && t->committee;
  for (int k = 0; k < n_active && ok; k++) {
    t->atomic_number[k] = atomic_numbers[k];
    ok = (t->active[k] = calloc(square, sizeof(double))) != NULL;
  }
  if (ok) return t;
  ftl_trust_free(t);
  return NULL;
}

void ftl_trust_free(ftl_trust *trust) {
  if (!trust) return;
  for (int k = 0; k < trust->n_active; k++) free(trust->active[k]);
  free(trust->factor);
  free(trust->committee);
  free(trust);
}

const double *ftl_trust_active(const ftl_trust *trust, int atomic_number) {
  for (int k = 0; k < trust->n_active; k++)
    if (trust->atomic_number[k] == atomic_number) return trust->active[k];
  return NULL;
}
