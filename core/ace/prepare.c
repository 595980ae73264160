/* A .yace as a model: tables over the elements that were asked for, and the scratch of its threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "compute/prepared.h"
#include "kernels/kernels.h"
#include "model/error.h"

#define BLOCK      ((size_t)FTL_BLOCK_ATOMS)
#define MAX_TABLES ((size_t)1 << 30)

static int largest(int a, int b) { return a > b ? a : b; }
static int round_up(int n) { return (n + 7) / 8 * 8; }

/* Normalised associated Legendre functions by recursion, with the factor that makes Y_00 = 1. */
static void harmonics_recursion(ftl_ace *ace) {
  for (int l = 1; l <= ace->lmax; l++) {
    for (int m = 0; m + 1 < l; m++) {
      double l2 = (double)l * l, k2 = (l - 1.0) * (l - 1.0), m2 = (double)m * m;
      ace->y_a[l][m] = sqrt((4 * l2 - 1) / (l2 - m2));
      ace->y_b[l][m] = -sqrt((k2 - m2) / (4 * k2 - 1));
    }
    ace->y_c[l] = -sqrt(1 + 0.5 / l);
    ace->y_d[l] = sqrt(2.0 * l + 1);
  }
}

/* species_of[file index]: place among the elements asked for, or -1. */
static ftl_status choose_elements(const ftl_ace_file *file, const ftl_open_options *options, const char *path,
                                  int *species_of, ftl_model *model, ftl_error *error) {
  bool keep[FTL_MAX_ELEMENTS] = {false};
  for (int k = 0; k < file->n_elements; k++) keep[k] = !options || !options->elements;
  for (int k = 0; options && options->elements && k < options->n_elements; k++) {
    int mu = 0, z = options->elements[k];
    while (mu < file->n_elements && file->atomic_number[mu] != z) mu++;
    if (mu == file->n_elements) {
      const char *symbol = ftl_element_symbol(z);
      return ftl_fail(error, FTL_ERR_INPUT, path, "the potential does not have the element %s", symbol ? symbol : "?");
    }
    keep[mu] = true;
  }
  for (int mu = 0; mu < file->n_elements; mu++) {
    species_of[mu] = keep[mu] ? model->n_species : -1;
    if (keep[mu]) model->arch.atomic_numbers[model->n_species++] = file->atomic_number[mu];
  }
  if (model->n_species == 0) return ftl_fail(error, FTL_ERR_INPUT, path, "no elements are asked for");
  return FTL_OK;
}

/* Sizes are those of the whole file: PACE takes g_k up to the largest nradbasemax for every pair. */
static ftl_status set_sizes(ftl_ace *ace, const ftl_ace_file *file, const char *path, ftl_error *error) {
  int n_radial = 0;
  for (int k = 0; k < file->n_elements * file->n_elements; k++) {
    n_radial = largest(n_radial, file->bond[k].n_radial);
    ace->lmax = largest(ace->lmax, file->bond[k].lmax);
    ace->n_base = largest(ace->n_base, file->bond[k].n_base);
  }
  ace->inner = file->bond[0].inner_kind;
  ace->n_lm = (ace->lmax + 1) * (ace->lmax + 1);
  ace->base_pad = round_up(ace->n_base);
  ace->n_chunks = largest(1, round_up(n_radial) / 8);
  /* a small hostile file can ask for large tables: bonds without functions cost as much as others */
  size_t table = (size_t)(ace->lmax + 1) * (size_t)ace->n_chunks * (size_t)ace->n_base * 8 * sizeof(double);
  if (table * (size_t)ace->n_species * (size_t)ace->n_species > MAX_TABLES)
    return ftl_fail(
        error, FTL_ERR_UNSUPPORTED, path,
        "its radial functions would take %zu MB for each of %d pairs of elements; open it for fewer elements",
        table >> 20, ace->n_species * ace->n_species);
  ace->n_a = ace->n_species * ace->n_lm * 8 * ace->n_chunks;
  for (int mu = 0; mu < file->n_elements; mu++)
    for (int k = 0; k < file->n_functions[mu]; k++) {
      const ftl_ace_function *f = &file->function[mu][k];
      for (int t = 0; t < f->rank; t++)
        if (f->l[t] > ace->lmax || f->n[t] >= (f->rank == 1 ? ace->n_base : n_radial))
          return ftl_fail(error, FTL_ERR_FORMAT, path,
                          "function %d of element %d has n = %d, l = %d, which no bond has radial functions for", k + 1,
                          mu, f->n[t] + 1, f->l[t]);
    }
  return FTL_OK;
}

static ftl_status prepare_pair(ftl_ace *ace, const ftl_ace_bond *bond, ftl_ace_pair *pair, ftl_error *error) {
  size_t n_l = (size_t)ace->lmax + 1, n_base = (size_t)ace->n_base, n_chunks = (size_t)ace->n_chunks;
  pair->bond = *bond;
  pair->bond.coefficient = NULL;
  pair->radial = ftl_calloc64(n_l * n_chunks * n_base * 8 * sizeof(double));
  if (!pair->radial) return ftl_fail(error, FTL_ERR_MEMORY, "", "no memory for radial functions");
  for (size_t n = 0; n < (size_t)bond->n_radial; n++)
    for (size_t l = 0; l <= (size_t)bond->lmax; l++)
      for (size_t k = 0; k < (size_t)bond->n_base; k++)
        pair->radial[((l * n_chunks + n / 8) * n_base + k) * 8 + n % 8] =
            bond->coefficient[(n * ((size_t)bond->lmax + 1) + l) * (size_t)bond->n_base + k];
  return FTL_OK;
}

static ftl_status prepare_element(ftl_ace *ace, const ftl_ace_file *file, int mu, const int *species_of,
                                  ftl_ace_element *element, ftl_error *error) {
  size_t n_density = (size_t)file->embedding[mu].n_density;
  element->embedding = file->embedding[mu];
  element->linear = calloc((size_t)ace->n_species * (size_t)ace->base_pad * n_density, sizeof(double));
  if (!element->linear) return ftl_fail(error, FTL_ERR_MEMORY, "", "no memory for the potential");
  for (int k = 0; k < file->n_functions[mu]; k++) {
    const ftl_ace_function *f = &file->function[mu][k];
    int z = species_of[f->mu[0]];
    if (f->rank > 1 || z < 0) continue;
    for (size_t p = 0; p < n_density && f->n_m > 0; p++)
      element->linear[((size_t)(z * ace->base_pad + f->n[0])) * n_density + p] += f->c[p];
  }
  ftl_status status = ftl_ace_products_make(ace, file, mu, species_of, &element->products, error);
  ace->max_factors = largest(ace->max_factors, element->products.n_factors);
  ace->max_nodes = largest(ace->max_nodes, element->products.n_nodes);
  return status;
}

static ftl_status prepare(const ftl_ace_file *file, const char *path, const int *species_of, ftl_model *model,
                          ftl_error *error) {
  int n = model->n_species;
  ftl_ace *ace = calloc(1, sizeof *ace);
  if (!ace) return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory for the potential");
  model->ace = ace;
  ace->n_species = n;
  ftl_status status = set_sizes(ace, file, path, error);
  if (status) return status;
  harmonics_recursion(ace);
  ace->element = calloc((size_t)n, sizeof *ace->element);
  ace->pair = calloc((size_t)n * (size_t)n, sizeof *ace->pair);
  model->e0 = calloc((size_t)n, sizeof *model->e0);
  if (!ace->element || !ace->pair || !model->e0)
    return ftl_fail(error, FTL_ERR_MEMORY, path, "no memory for the potential");
  for (int i = 0; i < file->n_elements && !status; i++) {
    int zi = species_of[i];
    if (zi < 0) continue;
    model->e0[zi] = file->e0[i];
    status = prepare_element(ace, file, i, species_of, &ace->element[zi], error);
    for (int j = 0; j < file->n_elements && !status; j++) {
      if (species_of[j] < 0) continue;
      ftl_ace_pair *pair = &ace->pair[zi * n + species_of[j]];
      const ftl_ace_bond *bond = &file->bond[i * file->n_elements + j];
      pair->z[0] = file->atomic_number[i];
      pair->z[1] = file->atomic_number[j];
      model->arch.r_max = fmax(model->arch.r_max, bond->cutoff);
      status = prepare_pair(ace, bond, pair, error);
    }
  }
  return status;
}

ftl_status ftl_ace_open(const ftl_ace_file *file, const char *path, const ftl_open_options *options,
                        ftl_model **out, ftl_error *error) {
  int species_of[FTL_MAX_ELEMENTS];
  if (options && options->precision == FTL_MIXED)
    return ftl_fail(error, FTL_ERR_UNSUPPORTED, path, "PACE potentials run in double precision only: ask for double");
  if (options && options->head && strcmp(options->head, "Default") != 0)
    return ftl_fail(error, FTL_ERR_INPUT, path, "it has no head '%.60s': PACE potentials have none", options->head);
  ftl_model *model = calloc(1, sizeof *model);
  if (!model) return ftl_fail(error, FTL_ERR_MEMORY, path, "out of memory");
  model->precision = FTL_DOUBLE;
  model->real_bytes = 8;
  model->lanes = 8;
  model->scale = 1;
  model->arch.n_layers = 1;
  model->arch.n_heads = 1;
  model->heads[0] = "Default";
  model->n_parameters = file->n_parameters;
  ftl_status status = choose_elements(file, options, path, species_of, model, error);
  if (!status) status = prepare(file, path, species_of, model, error);
  if (!status) status = ftl_kernels_choose(FTL_DOUBLE, &model->kernels, error);
  if (status) ftl_model_free(model);
  else *out = model;
  return status;
}

void ftl_ace_free(ftl_ace *ace) {
  if (!ace) return;
  for (int k = 0; ace->pair && k < ace->n_species * ace->n_species; k++) free(ace->pair[k].radial);
  for (int k = 0; ace->element && k < ace->n_species; k++) {
    free(ace->element[k].linear);
    ftl_ace_products_free(&ace->element[k].products);
  }
  free(ace->element);
  free(ace->pair);
  free(ace);
}

/* ---- scratch ---- */

size_t ftl_ace_edge_numbers(const ftl_ace *ace) {
  size_t n_l = (size_t)ace->lmax + 1;
  size_t y = (size_t)round_up(ace->n_lm), legendre = (size_t)round_up((int)(n_l * (n_l + 1) / 2));
  return y + 2 * legendre + 2 * n_l * 8 * (size_t)ace->n_chunks + 2 * (size_t)ace->base_pad + 8;
}

ftl_status ftl_ace_scratch_new(const ftl_ace *ace, ftl_ace_scratch **out, ftl_error *error) {
  ftl_ace_scratch *s = calloc(1, sizeof *s);
  if (!s) return ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory for a workspace");
  struct {
    double **to;
    size_t n;
  } parts[] = {{&s->a, BLOCK * (size_t)ace->n_a},
               {&s->a_adjoint, BLOCK * (size_t)ace->n_a},
               {&s->linear, BLOCK * (size_t)(ace->n_species * ace->base_pad)},
               {&s->linear_adjoint, BLOCK * (size_t)(ace->n_species * ace->base_pad)},
               {&s->factor, 2 * BLOCK * (size_t)ace->max_factors},
               {&s->factor_adjoint, 2 * BLOCK * (size_t)ace->max_factors},
               {&s->node, 2 * BLOCK * (size_t)ace->max_nodes},
               {&s->node_adjoint, 2 * BLOCK * (size_t)ace->max_nodes}};
  bool ok = true;
  for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
    *parts[k].to = ftl_calloc64((parts[k].n + 8) * sizeof(double));
    ok = ok && *parts[k].to;
    s->bytes += parts[k].n * sizeof(double);
  }
  if (!ok) {
    ftl_ace_scratch_free(s);
    return ftl_fail(error, FTL_ERR_MEMORY, "", "out of memory for a workspace");
  }
  *out = s;
  return FTL_OK;
}

bool ftl_ace_scratch_edges(const ftl_ace *ace, ftl_ace_scratch *s, size_t n_edges) {
  free(s->edge);
  s->edge = ftl_calloc64(n_edges * ftl_ace_edge_numbers(ace) * sizeof(double));
  return s->edge != NULL;
}

void ftl_ace_scratch_free(ftl_ace_scratch *s) {
  if (!s) return;
  free(s->a);
  free(s->a_adjoint);
  free(s->linear);
  free(s->linear_adjoint);
  free(s->factor);
  free(s->factor_adjoint);
  free(s->node);
  free(s->node_adjoint);
  free(s->edge);
  free(s);
}
