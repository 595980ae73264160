#include "model/surrogate.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void ftl_ace_file_free(ftl_ace_file *file) {
  for (int k = 0; file->bond && k < file->n_elements * file->n_elements; k++) free(file->bond[k].coefficient);
  for (int mu = 0; file->function && mu < file->n_elements; mu++) {
    for (int k = 0; file->function[mu] && k < file->n_functions[mu]; k++) {
      free(file->function[mu][k].m);
      free(file->function[mu][k].c);
    }
    free(file->function[mu]);
  }
  free(file->embedding);
  free(file->bond);
  free(file->n_functions);
  free(file->function);
  memset(file, 0, sizeof *file);
}

void ftl_surrogate_number(ftl_surrogate *s) {
  for (int mu = 0; mu < s->file.n_elements; mu++) s->first[mu + 1] = s->first[mu] + s->file.n_functions[mu];
  s->file.n_parameters = s->first[s->file.n_elements];
}

static void *copy(const void *from, size_t bytes) {
  void *to = malloc(bytes + 1);
  if (to && bytes) memcpy(to, from, bytes);
  return to;
}

static bool copy_function(const ftl_ace_function *from, const double *coefficient, int n_density,
                          ftl_ace_function *to) {
  const size_t n_m = (size_t)from->n_m, n = (size_t)n_density;
  *to = *from;
  to->n_density = n_density;
  to->m = copy(from->m, n_m * (size_t)from->rank * sizeof *to->m);
  to->c = malloc((n_m * n + 1) * sizeof *to->c);
  for (size_t k = 0; to->c && k < n_m * n; k++) to->c[k] = from->c[k / n] * coefficient[k % n];
  return to->m && to->c;
}

/* E = rho_1 + F(rho_2), as PACE's own fits have it. */
static void embed_second(const ftl_surrogate *s, ftl_ace_embedding *e) {
  e->n_density = 2;
  e->shifted = true;
  e->weight[1] = 1;
  e->exponent[1] = s->exponent;
}

ftl_status ftl_surrogate_file(const ftl_surrogate *s, const double *coefficient, ftl_ace_file *file, ftl_error *error) {
  const ftl_ace_file *from = &s->file;
  size_t n = (size_t)from->n_elements;
  *file = *from;
  file->embedding = copy(from->embedding, n * sizeof *file->embedding);
  file->bond = copy(from->bond, n * n * sizeof *file->bond);
  file->n_functions = calloc(n + 1, sizeof *file->n_functions);
  file->function = calloc(n + 1, sizeof *file->function);
  bool good = file->embedding && file->bond && file->n_functions && file->function;
  for (size_t k = 0; file->bond && k < n * n; k++) {
    ftl_ace_bond *b = &file->bond[k];
    size_t count = (size_t)b->n_radial * ((size_t)b->lmax + 1) * (size_t)b->n_base;
    b->coefficient = copy(from->bond[k].coefficient, count * sizeof *b->coefficient);
    good = good && b->coefficient;
  }
  for (size_t mu = 0; good && mu < n; mu++) {
    file->function[mu] = calloc((size_t)from->n_functions[mu] + 1, sizeof **file->function);
    good = file->function[mu];
    for (int k = 0; good && k < from->n_functions[mu]; k++) {
      const int column = s->first[mu] + k;
      const double c[2] = {coefficient[column], s->second ? s->second[column] : 0};
      if (c[0] == 0 && c[1] == 0) continue; /* ARD prunes functions */
      good = copy_function(&from->function[mu][k], c, s->second ? 2 : 1, &file->function[mu][file->n_functions[mu]++]);
    }
    if (good && s->second) embed_second(s, &file->embedding[mu]);
  }
  if (good) return FTL_OK;
  ftl_ace_file_free(file);
  return ftl_no_memory(error, NULL, "the potential");
}

void ftl_surrogate_free(ftl_surrogate *s) {
  ftl_ace_file_free(&s->file);
  free(s->coefficient);
  free(s->second);
  free(s->committee);
  for (int mu = 0; mu < FTL_MAX_ELEMENTS; mu++) free(s->active[mu]);
  *s = (ftl_surrogate){0};
}
