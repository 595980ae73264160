#include "files/surrogate_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/ace_check.h"
#include "base/error.h"
#include "files/json_reader.h"

static json_t *embedding_json(const ftl_ace_embedding *e) {
  return json_pack("{s:f, s:f, s:b, s:f, s:f}", "weight", e->weight[0], "exponent", e->exponent[0], "shifted",
                   (int)e->shifted, "core_cutoff", e->core_cutoff, "core_width", e->d_core_cutoff);
}

static json_t *bond_json(const ftl_ace_bond *b) {
  return json_pack("{s:s, s:f, s:i, s:i, s:i, s:f, s:f, s:s, s:f, s:f, s:f, s:f}", "basis", ftl_ace_base_name(b->kind),
                   "lambda", b->lambda, "base_functions", b->n_base, "radial_functions", b->n_radial, "lmax", b->lmax,
                   "cutoff", b->cutoff, "width", b->d_cutoff, "inner", ftl_ace_inner_name(b->inner_kind),
                   "inner_cutoff", b->inner, "inner_width", b->d_inner, "core", b->core, "core_decay", b->core_decay);
}

json_t *ftl_surrogate_to_json(const ftl_surrogate *s) {
  const ftl_ace_file *file = &s->file;
  json_t *numbers = json_array(), *e0 = json_array(), *embeddings = json_array(), *bonds = json_array();
  for (int mu = 0; mu < file->n_elements; mu++) {
    json_array_append_new(numbers, json_integer(file->atomic_number[mu]));
    json_array_append_new(e0, json_real(file->e0[mu]));
    json_array_append_new(embeddings, embedding_json(&file->embedding[mu]));
  }
  for (int k = 0; k < file->n_elements * file->n_elements; k++) json_array_append_new(bonds, bond_json(&file->bond[k]));
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:f, s:f}", "model", "ACE", "atomic_numbers", numbers, "E0", e0,
                   "embeddings", embeddings, "bonds", bonds, "energy_scale", s->energy_scale, "force_scale",
                   s->force_scale);
}

/* ---- reading ---- */

static ftl_status read_elements(const ftl_json_reader *r, json_t *numbers, json_t *e0, ftl_ace_file *file) {
  size_t n = json_array_size(numbers);
  if (n < 1 || n > FTL_MAX_ELEMENTS) return ftl_json_bad(r, "there are %zu elements", n);
  if (json_array_size(e0) != n) return ftl_json_bad(r, "E0 has %zu entries for %zu elements", json_array_size(e0), n);
  for (size_t k = 0; k < n; k++) {
    json_int_t z = json_integer_value(json_array_get(numbers, k));
    if (z < 1 || z > 118) return ftl_json_bad(r, "%lld is no atomic number", (long long)z);
    for (size_t j = 0; j < k; j++)
      if (file->atomic_number[j] == z) return ftl_json_bad(r, "element %lld is there twice", (long long)z);
    if (!json_is_number(json_array_get(e0, k))) return ftl_json_bad(r, "E0 of element %lld is no number", (long long)z);
    file->atomic_number[k] = (int)z;
    file->e0[k] = json_number_value(json_array_get(e0, k));
  }
  file->embedding = calloc(n, sizeof *file->embedding);
  file->bond = calloc(n * n, sizeof *file->bond);
  file->n_functions = calloc(n, sizeof *file->n_functions);
  file->function = calloc(n, sizeof *file->function);
  if (!file->embedding || !file->bond || !file->n_functions || !file->function)
    return ftl_no_memory(r->error, r->where, "the surrogate");
  file->n_elements = (int)n;
  return FTL_OK;
}

/* Only F(rho) = rho: the errors are those of a model that is linear in its coefficients. */
static ftl_status read_embedding(const ftl_json_reader *r, json_t *json, ftl_ace_embedding *e) {
  json_error_t found;
  char text[FTL_ACE_TEXT];
  int shifted;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:F, s:F, s:b, s:F, s:F}", "weight", &e->weight[0], "exponent",
                     &e->exponent[0], "shifted", &shifted, "core_cutoff", &e->core_cutoff, "core_width",
                     &e->d_core_cutoff))
    return ftl_json_bad(r, "an embedding: %.200s", found.text);
  e->n_density = 1;
  e->shifted = shifted;
  if (!ftl_ace_embedding_good(e, text)) return ftl_json_bad(r, "%s", text);
  if (e->weight[0] != 1 || e->exponent[0] != 1)
    return ftl_json_bad(r, "an embedding has weight %g and exponent %g; a surrogate is linear, with 1 and 1",
                        e->weight[0], e->exponent[0]);
  return FTL_OK;
}

static bool small(json_int_t value, int *to) {
  if (value < 0 || value > 1 << 20) return false;
  *to = (int)value;
  return true;
}

static ftl_status read_bond(const ftl_json_reader *r, json_t *json, ftl_ace_bond *b) {
  json_error_t found;
  char text[FTL_ACE_TEXT];
  const char *basis, *inner;
  json_int_t n_base, n_radial, lmax;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:F, s:I, s:I, s:I, s:F, s:F, s:s, s:F, s:F, s:F, s:F}", "basis",
                     &basis, "lambda", &b->lambda, "base_functions", &n_base, "radial_functions", &n_radial, "lmax",
                     &lmax, "cutoff", &b->cutoff, "width", &b->d_cutoff, "inner", &inner, "inner_cutoff", &b->inner,
                     "inner_width", &b->d_inner, "core", &b->core, "core_decay", &b->core_decay))
    return ftl_json_bad(r, "a bond: %.200s", found.text);
  if (!ftl_ace_base_kind_of(basis, &b->kind)) return ftl_json_bad(r, "basis \"%.40s\" is not known", basis);
  if (!ftl_ace_inner_kind_of(inner, &b->inner_kind)) return ftl_json_bad(r, "inner \"%.40s\" is not known", inner);
  if (!small(n_base, &b->n_base) || !small(n_radial, &b->n_radial) || !small(lmax, &b->lmax))
    return ftl_json_bad(r, "a bond has %lld, %lld radial functions and lmax %lld", (long long)n_base,
                        (long long)n_radial, (long long)lmax);
  if (!ftl_ace_bond_good(b, text)) return ftl_json_bad(r, "%s", text);
  return FTL_OK;
}

ftl_status ftl_surrogate_from_json(json_t *json, const char *where, ftl_surrogate *s, ftl_error *error) {
  const ftl_json_reader r = {where, error};
  const char *model;
  json_t *numbers, *e0, *embeddings, *bonds;
  json_error_t found;
  if (json_unpack_ex(json, &found, JSON_STRICT, "{s:s, s:o, s:o, s:o, s:o, s:F, s:F}", "model", &model,
                     "atomic_numbers", &numbers, "E0", &e0, "embeddings", &embeddings, "bonds", &bonds, "energy_scale",
                     &s->energy_scale, "force_scale", &s->force_scale))
    return ftl_json_bad(&r, "%.200s", found.text);
  if (strcmp(model, "ACE") != 0)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, where, "the architecture's model is \"%.100s\", which is not covered",
                    model);
  if (!(s->energy_scale >= 0) || !(s->force_scale >= 0))
    return ftl_json_bad(&r, "energy_scale is %g and force_scale %g", s->energy_scale, s->force_scale);
  FTL_TRY(read_elements(&r, numbers, e0, &s->file));
  size_t n = (size_t)s->file.n_elements;
  if (json_array_size(embeddings) != n || json_array_size(bonds) != n * n)
    return ftl_json_bad(&r, "%zu elements have %zu embeddings and %zu bonds", n, json_array_size(embeddings),
                        json_array_size(bonds));
  for (size_t k = 0; k < n; k++) FTL_TRY(read_embedding(&r, json_array_get(embeddings, k), &s->file.embedding[k]));
  for (size_t k = 0; k < n * n; k++) {
    FTL_TRY(read_bond(&r, json_array_get(bonds, k), &s->file.bond[k]));
    if (s->file.bond[k].inner_kind != s->file.bond[0].inner_kind)
      return ftl_json_bad(&r, "all bonds must have the same kind of inner cutoff");
  }
  return FTL_OK;
}
