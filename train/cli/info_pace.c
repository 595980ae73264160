#include "cli/info_pace.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "ace/ace_file.h"
#include "cli/cli.h"
#include "model/error.h"

static const char *base_name(ftl_ace_base_kind kind) {
  static const char *const names[] = {"ChebExpCos", "ChebPow", "ChebLinear", "SBessel"};
  return names[kind];
}

static const char *inner_name(ftl_ace_inner_kind kind) {
  static const char *const names[] = {"density", "distance", "zbl"};
  return names[kind];
}

static const char *symbol_of(const ftl_ace_file *file, int mu) { return ftl_element_symbol(file->atomic_number[mu]); }

static json_t *describe_element(const ftl_ace_file *file, int mu) {
  int rank = 0, l = 0;
  json_int_t products = 0;
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    rank = f->rank > rank ? f->rank : rank;
    products += f->n_m;
    for (int t = 0; t < f->rank; t++) l = f->l[t] > l ? f->l[t] : l;
  }
  return json_pack("{s:s, s:f, s:i, s:s, s:i, s:I, s:i, s:i}", "element", symbol_of(file, mu), "E0", file->e0[mu],
                   "densities", file->embedding[mu].n_density, "embedding",
                   file->embedding[mu].shifted ? "FinnisSinclairShiftedScaled" : "FinnisSinclair", "functions",
                   file->n_functions[mu], "products", products, "max_rank", rank, "max_l", l);
}

static json_t *describe_bond(const ftl_ace_file *file, int i, int j) {
  const ftl_ace_bond *b = &file->bond[i * file->n_elements + j];
  return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:s, s:b}", "center", symbol_of(file, i), "neighbour",
                   symbol_of(file, j), "basis", base_name(b->kind), "base_functions", b->n_base, "radial_functions",
                   b->n_radial, "lmax", b->lmax, "cutoff", b->cutoff, "inner_cutoff", inner_name(b->inner_kind),
                   "core_repulsion", b->core != 0);
}

static json_t *describe(const ftl_ace_file *file, const char *path) {
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
  return json_pack("{s:s, s:s, s:o, s:f, s:o, s:o, s:I}", "file", path, "class", "PACE", "elements", elements, "cutoff",
                   cutoff, "atoms", details, "bonds", bonds, "parameters", (json_int_t)file->n_parameters);
}

static void print_text(const ftl_ace_file *file, const char *path) {
  double cutoff = 0;
  for (int k = 0; k < file->n_elements * file->n_elements; k++) cutoff = fmax(cutoff, file->bond[k].cutoff);
  printf("file          %s\nclass         PACE, double precision\nelements      %d:", path, file->n_elements);
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
    json_decref(e);
  }
  for (int i = 0; i < file->n_elements; i++)
    for (int j = 0; j < file->n_elements; j++) {
      const ftl_ace_bond *b = &file->bond[i * file->n_elements + j];
      printf("bond %2s-%-2s    %s, %d functions, R_nl to n = %d and l = %d, cutoff %.8g, inner cutoff by %s%s\n",
             symbol_of(file, i), symbol_of(file, j), base_name(b->kind), b->n_base, b->n_radial, b->lmax, b->cutoff,
             inner_name(b->inner_kind), b->core != 0 ? ", core repulsion" : "");
    }
  printf("%-24s %12lld\n", "parameters", (long long)file->n_parameters);
}

int cli_info_pace(const char *path, int json, ftl_error *error) {
  ftl_ace_file file;
  if (ftl_ace_file_open(path, &file, error) != FTL_OK) return cli_report(error, CLI_INPUT);
  json_t *object = describe(&file, path);
  if (!object) ftl_fail(error, FTL_ERR_MEMORY, path, "cannot describe it: no memory");
  else if (json) {
    json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    putchar('\n');
  } else {
    print_text(&file, path);
  }
  ftl_ace_file_free(&file);
  if (!object) return cli_report(error, CLI_INPUT);
  json_decref(object);
  return CLI_OK;
}
