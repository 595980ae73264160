#include "cli/info_pace.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/ace_check.h"
#include "cli/cli.h"
#include "cli/origin.h"
#include "files/surrogate_file.h"
#include "base/error.h"

static const char *symbol_of(const ftl_ace_file *file, int mu) { return ftl_element_symbol(file->atomic_number[mu]); }

/* Functions of each rank up to the highest. */
static json_t *count_ranks(const ftl_ace_file *file, int mu) {
  int count[FTL_ACE_MAX_RANK + 1] = {0}, highest = 0;
  json_t *list = json_array();
  for (int k = 0; k < file->n_functions[mu]; k++) {
    int rank = file->function[mu][k].rank;
    count[rank]++;
    highest = rank > highest ? rank : highest;
  }
  for (int rank = 1; rank <= highest; rank++) json_array_append_new(list, json_integer(count[rank]));
  return list;
}

static json_t *describe_element(const ftl_ace_file *file, int mu) {
  int rank = 0, l = 0;
  json_int_t products = 0;
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    rank = f->rank > rank ? f->rank : rank;
    products += f->n_m;
    for (int t = 0; t < f->rank; t++) l = f->l[t] > l ? f->l[t] : l;
  }
  return json_pack("{s:s, s:f, s:i, s:s, s:i, s:I, s:i, s:i, s:o}", "element", symbol_of(file, mu), "E0", file->e0[mu],
                   "densities", file->embedding[mu].n_density, "embedding",
                   file->embedding[mu].shifted ? "FinnisSinclairShiftedScaled" : "FinnisSinclair", "functions",
                   file->n_functions[mu], "products", products, "max_rank", rank, "max_l", l, "functions_by_rank",
                   count_ranks(file, mu));
}

static json_t *describe_bond(const ftl_ace_file *file, int i, int j) {
  const ftl_ace_bond *b = &file->bond[i * file->n_elements + j];
  return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:s, s:f, s:f, s:b}", "center", symbol_of(file, i), "neighbour",
                   symbol_of(file, j), "basis", ftl_ace_base_name(b->kind), "base_functions", b->n_base,
                   "radial_functions", b->n_radial, "lmax", b->lmax, "cutoff", b->cutoff, "inner_cutoff",
                   ftl_ace_inner_name(b->inner_kind), "inner_radius", b->inner, "inner_width", b->d_inner,
                   "core_repulsion", b->core != 0);
}

/* What a surrogate knows of its errors. */
static json_t *describe_uncertainty(const ftl_surrogate *s) {
  json_t *active = json_array();
  for (int mu = 0; mu < s->file.n_elements; mu++)
    if (s->active[mu]) json_array_append_new(active, json_string(symbol_of(&s->file, mu)));
  return json_pack("{s:i, s:f, s:f, s:o}", "committee", s->n_committee, "energy_scale", s->energy_scale, "force_scale",
                   s->force_scale, "active_sets", active);
}

static json_t *describe(const ftl_ace_file *file, const char *kind, const char *path) {
  json_t *elements = json_array(), *details = json_array(), *bonds = json_array();
  double cutoff = 0;
  for (int i = 0; i < file->n_elements; i++) {
    json_array_append_new(elements, json_string(symbol_of(file, i)));
    json_array_append_new(details, describe_element(file, i));
    for (int j = 0; j < file->n_elements; j++) {
      json_array_append_new(bonds, describe_bond(file, i, j));
      cutoff = fmax(cutoff, file->bond[i * file->n_elements + j].cutoff);
    }
  }
  return json_pack("{s:s, s:s, s:o, s:f, s:o, s:o, s:I}", "file", path, "class", kind, "elements", elements, "cutoff",
                   cutoff, "atoms", details, "bonds", bonds, "parameters", (json_int_t)file->n_parameters);
}

static void print_text(const ftl_ace_file *file, const char *kind, const char *path) {
  double cutoff = 0;
  for (int k = 0; k < file->n_elements * file->n_elements; k++) cutoff = fmax(cutoff, file->bond[k].cutoff);
  printf("file          %s\nclass         %s, double precision\nelements      %d:", path, kind, file->n_elements);
  for (int i = 0; i < file->n_elements; i++) printf(" %s", symbol_of(file, i));
  printf("\ncutoff        %.8g Angstrom\n", cutoff);
  for (int i = 0; i < file->n_elements; i++) {
    json_t *e = describe_element(file, i);
    printf("element %-2s    E0 %.8g eV, %d functions up to rank %d and l = %d (%lld products), %d %s of %s\n",
           symbol_of(file, i), file->e0[i], file->n_functions[i],
           (int)json_integer_value(json_object_get(e, "max_rank")),
           (int)json_integer_value(json_object_get(e, "max_l")),
           (long long)json_integer_value(json_object_get(e, "products")), file->embedding[i].n_density,
           file->embedding[i].n_density == 1 ? "density" : "densities",
           json_string_value(json_object_get(e, "embedding")));
    printf("              functions of rank 1, 2, ...:");
    size_t rank;
    json_t *count;
    json_array_foreach(json_object_get(e, "functions_by_rank"), rank, count)
        printf(" %lld", (long long)json_integer_value(count));
    putchar('\n');
    json_decref(e);
  }
  for (int i = 0; i < file->n_elements; i++)
    for (int j = 0; j < file->n_elements; j++) {
      const ftl_ace_bond *b = &file->bond[i * file->n_elements + j];
      printf("bond %2s-%-2s    %s, %d functions, R_nl to n = %d and l = %d, cutoff %.8g, inner cutoff by %s",
             symbol_of(file, i), symbol_of(file, j), ftl_ace_base_name(b->kind), b->n_base, b->n_radial, b->lmax,
             b->cutoff, ftl_ace_inner_name(b->inner_kind));
      if (b->inner > 0 || b->inner_kind == FTL_ACE_INNER_ZBL)
        printf(" from %.8g to %.8g", b->inner, b->inner - b->d_inner);
      puts(b->core != 0 ? ", core repulsion" : "");
    }
  printf("%-24s %12lld\n", "parameters", (long long)file->n_parameters);
}

static void print_uncertainty(const ftl_surrogate *s) {
  if (s->n_committee > 0)
    printf("uncertainty   committee of %d, scales %.4g (energy) and %.4g (forces)\n", s->n_committee, s->energy_scale,
           s->force_scale);
  else puts("uncertainty   no committee");
  printf("active sets  ");
  int n = 0;
  for (int mu = 0; mu < s->file.n_elements; mu++)
    if (s->active[mu]) {
      printf(" %s", symbol_of(&s->file, mu));
      n++;
    }
  puts(n ? "" : " none");
}

/* A .yace is read as a surrogate that has its file only. */
static ftl_status read_file(const char *path, ftl_pace_kind kind, ftl_surrogate *s, char **metadata, ftl_error *error) {
  *s = (ftl_surrogate){0};
  *metadata = NULL;
  if (kind == FTL_PACE_SURROGATE) return ftl_surrogate_open(path, s, metadata, error);
  return ftl_ace_file_open(path, &s->file, error);
}

int cli_info_pace(const char *path, ftl_pace_kind kind, int json, ftl_error *error) {
  ftl_surrogate s;
  char *metadata;
  if (read_file(path, kind, &s, &metadata, error) != FTL_OK) return cli_report(error, CLI_INPUT);
  bool surrogate = kind == FTL_PACE_SURROGATE;
  json_t *origin = metadata ? json_loads(metadata, 0, NULL) : NULL;
  json_t *object = describe(&s.file, surrogate ? "ACE surrogate" : "PACE", path);
  if (surrogate && object) json_object_set_new(object, "uncertainty", describe_uncertainty(&s));
  if (origin && object) json_object_set(object, "origin", origin);
  if (!object) {
    ftl_no_memory(error, path, "its description");
  } else if (json) {
    cli_print_json(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
  } else {
    print_text(&s.file, surrogate ? "ACE surrogate" : "PACE", path);
    if (surrogate) print_uncertainty(&s);
    if (origin) cli_print_origin(origin, true);
  }
  free(metadata);
  json_decref(origin);
  ftl_surrogate_free(&s);
  if (!object) return cli_report(error, CLI_INPUT);
  json_decref(object);
  return CLI_OK;
}
