/* .yace: YAML written by PACE's tools. docs/ace.md lists the fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/ace_check.h"
#include "model/ace_potential.h"
#include "files/yaml.h"
#include "files/model_file.h"
#include "base/error.h"

static ftl_status no_memory(ftl_yaml *yaml, ftl_error *error) {
  return ftl_no_memory(error, yaml->path, "reading the potential");
}

static ftl_status read_elements(ftl_yaml *yaml, const yaml_node_t *names, const yaml_node_t *e0, ftl_ace_file *file,
                                ftl_error *error) {
  int n = ftl_yaml_length(names);
  if (n < 1 || n > FTL_MAX_ELEMENTS)
    return ftl_yaml_fail(yaml, names, error, "elements must be a list of 1 to %d symbols", FTL_MAX_ELEMENTS);
  for (int k = 0; k < n; k++) {
    const yaml_node_t *item = ftl_yaml_item(yaml, names, k);
    const char *symbol = ftl_yaml_text(item);
    int z = ftl_atomic_number(symbol);
    if (z == 0)
      return ftl_yaml_fail(yaml, item, error, "elements: '%.20s' is no chemical symbol", symbol ? symbol : "(a list)");
    for (int j = 0; j < k; j++)
      if (file->atomic_number[j] == z) return ftl_yaml_fail(yaml, item, error, "elements has %s twice", symbol);
    file->atomic_number[k] = z;
  }
  file->n_elements = n;
  file->embedding = calloc((size_t)n, sizeof *file->embedding);
  file->bond = calloc((size_t)n * (size_t)n, sizeof *file->bond);
  file->n_functions = calloc((size_t)n, sizeof *file->n_functions);
  file->function = calloc((size_t)n, sizeof *file->function);
  if (!file->embedding || !file->bond || !file->n_functions || !file->function) return no_memory(yaml, error);
  return ftl_yaml_numbers(yaml, e0, "E0", n, file->e0, error);
}

/* ---- embeddings ---- */

static ftl_status read_embedding(ftl_yaml *yaml, const yaml_node_t *node, int mu, ftl_ace_file *file,
                                 ftl_error *error) {
  enum { N_DENSITY, PARAMETERS, KIND, CORE, D_CORE, N };
  ftl_yaml_field f[N] = {{"ndensity", true, NULL},
                         {"FS_parameters", true, NULL},
                         {"npoti", true, NULL},
                         {"rho_core_cutoff", true, NULL},
                         {"drho_core_cutoff", true, NULL}};
  char what[64], wrong[FTL_ACE_TEXT];
  double parameters[2 * FTL_ACE_MAX_DENSITY];
  ftl_ace_embedding *e = &file->embedding[mu];
  snprintf(what, sizeof what, "embeddings of element %d", mu);
  if (e->n_density > 0) return ftl_yaml_fail(yaml, node, error, "%s are given twice", what); /* "0" and "00" */
  FTL_TRY(ftl_yaml_fields(yaml, node, what, f, N, error));
  ftl_status status = FTL_OK;
  FTL_TRY(ftl_yaml_integer(yaml, f[N_DENSITY].value, "ndensity", 1, FTL_ACE_MAX_DENSITY, &e->n_density, error));
  const char *kind = ftl_yaml_text(f[KIND].value);
  e->shifted = kind && strcmp(kind, "FinnisSinclairShiftedScaled") == 0;
  if (!e->shifted && (!kind || strcmp(kind, "FinnisSinclair") != 0))
    return ftl_yaml_fail(yaml, f[KIND].value, error,
                         "npoti is '%.40s'; FinnisSinclair and FinnisSinclairShiftedScaled are known",
                         kind ? kind : "(a list)");
  if ((status = ftl_yaml_numbers(yaml, f[PARAMETERS].value, "FS_parameters", 2 * e->n_density, parameters, error)) ||
      (status = ftl_yaml_number(yaml, f[CORE].value, "rho_core_cutoff", &e->core_cutoff, error)) ||
      (status = ftl_yaml_number(yaml, f[D_CORE].value, "drho_core_cutoff", &e->d_core_cutoff, error)))
    return status;
  for (int p = 0; p < e->n_density; p++) {
    e->weight[p] = parameters[2 * p];
    e->exponent[p] = parameters[2 * p + 1];
  }
  if (!ftl_ace_embedding_good(e, wrong)) return ftl_yaml_fail(yaml, f[PARAMETERS].value, error, "%s", wrong);
  file->n_parameters += 2 * e->n_density;
  return FTL_OK;
}

/* ---- bonds ---- */

static ftl_status read_base_kind(ftl_yaml *yaml, const yaml_node_t *node, ftl_ace_base_kind *kind, ftl_error *error) {
  const char *name = ftl_yaml_text(node);
  if (name && strcmp(name, "TEST_SBessel") == 0) name = "SBessel";
  if (ftl_ace_base_kind_of(name, kind)) return FTL_OK;
  if (name && strncmp(name, "ACE.jl", 6) == 0)
    return ftl_yaml_fail(yaml, node, error, "radbasename '%.40s': potentials of ACE.jl are not covered", name);
  return ftl_yaml_fail(yaml, node, error,
                       "radbasename is '%.40s'; ChebExpCos, ChebPow, ChebLinear and SBessel are known",
                       name ? name : "(a list)");
}

static ftl_status read_inner_kind(ftl_yaml *yaml, const yaml_node_t *node, ftl_ace_inner_kind *kind, ftl_error *error) {
  const char *name = node ? ftl_yaml_text(node) : "density";
  if (ftl_ace_inner_kind_of(name, kind)) return FTL_OK;
  return ftl_yaml_fail(yaml, node, error, "inner_cutoff_type is '%.40s'; density, distance and zbl are known",
                       name ? name : "(a list)");
}

static ftl_status read_coefficients(ftl_yaml *yaml, const yaml_node_t *node, ftl_ace_bond *bond, ftl_error *error) {
  const char *what = "radcoefficients";
  size_t n_l = (size_t)bond->lmax + 1, count = (size_t)bond->n_radial * n_l * (size_t)bond->n_base;
  bond->coefficient = calloc(count + 1, sizeof *bond->coefficient);
  if (!bond->coefficient) return no_memory(yaml, error);
  if (ftl_yaml_length(node) != bond->n_radial)
    return ftl_yaml_fail(yaml, node, error, "%s must list nradmax = %d functions", what, bond->n_radial);
  for (int n = 0; n < bond->n_radial; n++) {
    const yaml_node_t *by_l = ftl_yaml_item(yaml, node, n);
    if (ftl_yaml_length(by_l) != bond->lmax + 1)
      return ftl_yaml_fail(yaml, by_l, error, "%s must list lmax + 1 = %d sets for each n", what, bond->lmax + 1);
    for (int l = 0; l <= bond->lmax; l++) {
      double *to = bond->coefficient + ((size_t)n * n_l + (size_t)l) * (size_t)bond->n_base;
      FTL_TRY(ftl_yaml_numbers(yaml, ftl_yaml_item(yaml, by_l, l), what, bond->n_base, to, error));
    }
  }
  return FTL_OK;
}

static ftl_status read_bond(ftl_yaml *yaml, const yaml_node_t *node, int i, int j, ftl_ace_file *file,
                            ftl_error *error) {
  enum { N_RADIAL, L, N_BASE, BASE, PARAMETERS, COEFFICIENTS, CORE, DECAY, CUT, D_CUT, IN, D_IN, INNER, N };
  ftl_yaml_field f[N] = {{"nradmax", true, NULL},
                         {"lmax", true, NULL},
                         {"nradbasemax", true, NULL},
                         {"radbasename", true, NULL},
                         {"radparameters", true, NULL},
                         {"radcoefficients", true, NULL},
                         {"prehc", true, NULL},
                         {"lambdahc", true, NULL},
                         {"rcut", true, NULL},
                         {"dcut", true, NULL},
                         {"rcut_in", false, NULL},
                         {"dcut_in", false, NULL},
                         {"inner_cutoff_type", false, NULL}};
  char what[64], wrong[FTL_ACE_TEXT];
  ftl_ace_bond *b = &file->bond[i * file->n_elements + j];
  snprintf(what, sizeof what, "bonds of [%d, %d]", i, j);
  if (b->coefficient) return ftl_yaml_fail(yaml, node, error, "%s are given twice", what);
  ftl_status status = ftl_yaml_fields(yaml, node, what, f, N, error);
  if (status ||
      (status = ftl_yaml_integer(yaml, f[N_RADIAL].value, "nradmax", 0, FTL_ACE_MAX_RADIAL, &b->n_radial, error)) ||
      (status = ftl_yaml_integer(yaml, f[L].value, "lmax", 0, FTL_ACE_MAX_L, &b->lmax, error)) ||
      (status = ftl_yaml_integer(yaml, f[N_BASE].value, "nradbasemax", 1, FTL_ACE_MAX_RADIAL, &b->n_base, error)) ||
      (status = read_base_kind(yaml, f[BASE].value, &b->kind, error)) ||
      (status = read_inner_kind(yaml, f[INNER].value, &b->inner_kind, error)))
    return status;
  if (ftl_yaml_length(f[PARAMETERS].value) < 1)
    return ftl_yaml_fail(yaml, f[PARAMETERS].value, error, "radparameters must be a list of numbers");
  const yaml_node_t *lambda = ftl_yaml_item(yaml, f[PARAMETERS].value, 0);
  FTL_TRY(ftl_yaml_number(yaml, lambda, "radparameters", &b->lambda, error));
  const struct {
    int field;
    double *to;
  } numbers[] = {{CORE, &b->core},      {DECAY, &b->core_decay}, {CUT, &b->cutoff},
                 {D_CUT, &b->d_cutoff}, {IN, &b->inner},         {D_IN, &b->d_inner}};
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
    const ftl_yaml_field *field = &f[numbers[k].field];
    if (field->value && (status = ftl_yaml_number(yaml, field->value, field->name, numbers[k].to, error)))
      return status;
  }
  if (!ftl_ace_bond_good(b, wrong)) return ftl_yaml_fail(yaml, node, error, "%s", wrong);
  FTL_TRY(read_coefficients(yaml, f[COEFFICIENTS].value, b, error));
  file->n_parameters += (int64_t)b->n_radial * (b->lmax + 1) * b->n_base;
  return FTL_OK;
}

/* ---- functions ---- */

static ftl_status read_function(ftl_yaml *yaml, const yaml_node_t *node, int mu, ftl_ace_file *file,
                                ftl_ace_function *g, ftl_error *error) {
  enum { MU0, RANK, N_DENSITY, N_M, MUS, NS, LS, MS, C, N };
  ftl_yaml_field f[N] = {{"mu0", true, NULL},          {"rank", true, NULL},     {"ndensity", true, NULL},
                         {"num_ms_combs", true, NULL}, {"mus", true, NULL},      {"ns", true, NULL},
                         {"ls", true, NULL},           {"ms_combs", true, NULL}, {"ctildes", true, NULL}};
  char what[64], wrong[FTL_ACE_TEXT];
  int mu0;
  snprintf(what, sizeof what, "a function of element %d", mu);
  ftl_status status = ftl_yaml_fields(yaml, node, what, f, N, error);
  if (status || (status = ftl_yaml_integer(yaml, f[MU0].value, "mu0", mu, mu, &mu0, error)) ||
      (status = ftl_yaml_integer(yaml, f[RANK].value, "rank", 1, FTL_ACE_MAX_RANK, &g->rank, error)) ||
      (status = ftl_yaml_integer(yaml, f[N_DENSITY].value, "ndensity", file->embedding[mu].n_density,
                                 file->embedding[mu].n_density, &g->n_density, error)) ||
      (status = ftl_yaml_integer(yaml, f[N_M].value, "num_ms_combs", 0, 1 << 20, &g->n_m, error)) ||
      (status = ftl_yaml_integers(yaml, f[MUS].value, "mus", g->rank, 0, file->n_elements - 1, g->mu, error)) ||
      (status = ftl_yaml_integers(yaml, f[NS].value, "ns", g->rank, 1, FTL_ACE_MAX_RADIAL, g->n, error)) ||
      (status = ftl_yaml_integers(yaml, f[LS].value, "ls", g->rank, 0, FTL_ACE_MAX_L, g->l, error)))
    return status;
  /* the lists are in the file, so its size bounds the memory */
  if (ftl_yaml_length(f[MS].value) != g->rank * g->n_m)
    return ftl_yaml_fail(yaml, f[MS].value, error, "ms_combs must have rank * num_ms_combs = %d entries",
                         g->rank * g->n_m);
  g->m = malloc(((size_t)g->rank * (size_t)g->n_m + 1) * sizeof *g->m);
  g->c = malloc(((size_t)g->n_density * (size_t)g->n_m + 1) * sizeof *g->c);
  if (!g->m || !g->c) return no_memory(yaml, error);
  if ((status = ftl_yaml_integers(yaml, f[MS].value, "ms_combs", g->rank * g->n_m, -FTL_ACE_MAX_L, FTL_ACE_MAX_L, g->m,
                                  error)) ||
      (status = ftl_yaml_numbers(yaml, f[C].value, "ctildes", g->n_density * g->n_m, g->c, error)))
    return status;
  for (int t = 0; t < g->rank; t++) g->n[t]--;
  if (!ftl_ace_function_good(file, mu, g, wrong)) return ftl_yaml_fail(yaml, node, error, "%s", wrong);
  file->n_parameters += g->n_density * g->n_m;
  return FTL_OK;
}

static ftl_status read_functions(ftl_yaml *yaml, const yaml_node_t *node, int mu, ftl_ace_file *file,
                                 ftl_error *error) {
  int n = ftl_yaml_length(node);
  if (n < 0) return ftl_yaml_fail(yaml, node, error, "functions of element %d must be a list", mu);
  if (file->function[mu]) return ftl_yaml_fail(yaml, node, error, "functions of element %d are given twice", mu);
  file->function[mu] = calloc((size_t)n + 1, sizeof **file->function);
  if (!file->function[mu]) return no_memory(yaml, error);
  file->n_functions[mu] = n;
  for (int k = 0; k < n; k++)
    FTL_TRY(read_function(yaml, ftl_yaml_item(yaml, node, k), mu, file, &file->function[mu][k], error));
  return FTL_OK;
}

/* ---- the whole ---- */

/* Entries "0: ..." of a mapping by element. */
static ftl_status for_elements(ftl_yaml *yaml, const yaml_node_t *mapping, const char *what, ftl_ace_file *file,
                               ftl_status (*read)(ftl_yaml *, const yaml_node_t *, int, ftl_ace_file *, ftl_error *),
                               ftl_error *error) {
  int n = ftl_yaml_pairs(mapping);
  if (n < 0) return ftl_yaml_fail(yaml, mapping, error, "%s must be a mapping by element index", what);
  for (int k = 0; k < n; k++) {
    const yaml_node_pair_t *pair = &mapping->data.mapping.pairs.start[k];
    int mu;
    ftl_status status =
        ftl_yaml_integer(yaml, ftl_yaml_node(yaml, pair->key), what, 0, file->n_elements - 1, &mu, error);
    if (status || (status = read(yaml, ftl_yaml_node(yaml, pair->value), mu, file, error))) return status;
  }
  return FTL_OK;
}

static ftl_status read_bonds(ftl_yaml *yaml, const yaml_node_t *mapping, ftl_ace_file *file, ftl_error *error) {
  int n = ftl_yaml_pairs(mapping);
  if (n < 0) return ftl_yaml_fail(yaml, mapping, error, "bonds must be a mapping by pairs of element indices");
  for (int k = 0; k < n; k++) {
    const yaml_node_pair_t *pair = &mapping->data.mapping.pairs.start[k];
    int ij[2];
    ftl_status status =
        ftl_yaml_integers(yaml, ftl_yaml_node(yaml, pair->key), "bonds", 2, 0, file->n_elements - 1, ij, error);
    if (status || (status = read_bond(yaml, ftl_yaml_node(yaml, pair->value), ij[0], ij[1], file, error)))
      return status;
  }
  for (int k = 0; k < file->n_elements * file->n_elements; k++) {
    if (!file->bond[k].coefficient)
      return ftl_yaml_fail(yaml, mapping, error, "bonds lacks [%d, %d]", k / file->n_elements, k % file->n_elements);
    if (file->bond[k].inner_kind != file->bond[0].inner_kind)
      return ftl_yaml_fail(yaml, mapping, error, "all bonds must have the same inner_cutoff_type");
  }
  return FTL_OK;
}

static ftl_status read_all(ftl_yaml *yaml, ftl_ace_file *file, ftl_error *error) {
  enum { ELEMENTS, E0, BINS, EMBEDDINGS, BONDS, FUNCTIONS, METADATA, N };
  ftl_yaml_field f[N] = {{"elements", true, NULL},   {"E0", true, NULL},    {"deltaSplineBins", true, NULL},
                         {"embeddings", true, NULL}, {"bonds", true, NULL}, {"functions", true, NULL},
                         {"metadata", false, NULL}};
  const yaml_node_t *root = yaml_document_get_root_node(&yaml->document);
  char wrong[FTL_ACE_TEXT];
  if (!root) return ftl_fail(error, FTL_ERR_FORMAT, yaml->path, "the file has no content");
  ftl_status status = ftl_yaml_fields(yaml, root, "the file", f, N, error);
  if (status || (status = read_elements(yaml, f[ELEMENTS].value, f[E0].value, file, error)) ||
      (status = ftl_yaml_number(yaml, f[BINS].value, "deltaSplineBins", &file->bins, error)) ||
      (status = for_elements(yaml, f[EMBEDDINGS].value, "embeddings", file, read_embedding, error)))
    return status;
  for (int mu = 0; mu < file->n_elements; mu++)
    if (file->embedding[mu].n_density == 0)
      return ftl_yaml_fail(yaml, f[EMBEDDINGS].value, error, "embeddings lacks element %d (%s)", mu,
                           ftl_element_symbol(file->atomic_number[mu]));
  FTL_TRY(read_bonds(yaml, f[BONDS].value, file, error));
  if (!ftl_ace_bins_good(file, wrong)) return ftl_yaml_fail(yaml, f[BINS].value, error, "%s", wrong);
  FTL_TRY(for_elements(yaml, f[FUNCTIONS].value, "functions", file, read_functions, error));
  for (int mu = 0; mu < file->n_elements; mu++)
    if (!file->function[mu])
      return ftl_yaml_fail(yaml, f[FUNCTIONS].value, error, "functions lacks element %d (%s)", mu,
                           ftl_element_symbol(file->atomic_number[mu]));
  return FTL_OK;
}

ftl_status ftl_ace_file_read(const void *data, size_t size, const char *path, ftl_ace_file *file, ftl_error *error) {
  ftl_yaml yaml;
  memset(file, 0, sizeof *file);
  FTL_TRY(ftl_yaml_open(&yaml, data, size, path, error));
  ftl_status status = read_all(&yaml, file, error);
  ftl_yaml_close(&yaml);
  if (status) ftl_ace_file_free(file);
  return status;
}

ftl_status ftl_ace_file_open(const char *path, ftl_ace_file *file, ftl_error *error) {
  void *data;
  size_t size;
  FTL_TRY(ftl_file_map(path, &data, &size, error));
  ftl_status status = ftl_ace_file_read(data, size, path, file, error);
  if (data) munmap(data, size);
  return status;
}
