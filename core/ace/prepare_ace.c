/* A .yace as a model: tables over the elements that were asked for, and the scratch of its threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "model/engine.h"
#include "model/kernels.h"
#include "base/error.h"

/* Up to so many elements, each set of neighbours has its own program: 8 times the memory of one. */
enum { MAX_SETS = 3 };

static int largest(int a, int b) { return a > b ? a : b; }

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
  ace->n_chunks = largest(1, (n_radial + 7) / 8);
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

/* Coupled products, if they can express all functions. */
static ftl_status prepare_coupled(const ftl_model *model, const ftl_ace_file *file, int mu, const int *species_of,
                                  ftl_ace_element *element, ftl_error *error) {
  ftl_ace *ace = model->ace;
  ftl_ace_plan *plan = NULL;
  FTL_TRY(ftl_ace_plan_make(ace, file, mu, species_of, &plan, error));
  if (!plan) return FTL_OK;
  element->coupled = calloc((size_t)element->n_programs, sizeof *element->coupled);
  ftl_status status = element->coupled ? FTL_OK : ftl_no_memory(error, NULL, "the potential's products");
  for (int set = 0; set < element->n_programs && !status; set++) {
    ftl_ace_coupled *coupled = &element->coupled[set];
    status = ftl_ace_coupled_make(ace, plan, element->n_programs == 1 ? ~0u : (unsigned)set, coupled, error);
    const size_t numbers = (size_t)coupled->n_places * FTL_BLOCK_ATOMS * (size_t)(1 + element->embedding.n_density);
    if (numbers > ace->coupled_numbers) ace->coupled_numbers = numbers;
  }
  ftl_ace_plan_free(plan);
  return status;
}

static ftl_status prepare_element(const ftl_model *model, const ftl_ace_file *file, int mu, const int *species_of,
                                  ftl_ace_element *element, ftl_error *error) {
  const int n = model->n_species;
  int kept[FTL_MAX_ELEMENTS];
  ftl_status status = FTL_OK;
  element->embedding = file->embedding[mu];
  element->n_programs = n <= MAX_SETS ? 1 << n : 1;
  element->program = calloc((size_t)element->n_programs, sizeof *element->program);
  if (!element->program) return ftl_no_memory(error, NULL, "the potential's products");
  for (int set = 0; set < element->n_programs && !status; set++) {
    ftl_ace_products products = {0};
    for (int k = 0; k < file->n_elements; k++) {
      const bool near = species_of[k] >= 0 && (element->n_programs == 1 || set >> species_of[k] & 1);
      kept[k] = near ? species_of[k] : -1;
    }
    status = ftl_ace_products_make(model->ace, file, mu, kept, &products, error);
    if (!status) status = ftl_ace_program_make(model->ace, file, mu, kept, &products, &element->program[set], error);
    ftl_ace_products_free(&products);
  }
  return status ? status : prepare_coupled(model, file, mu, species_of, element, error);
}

/* Room for the sums of a pair's tiles, each filled up to whole vectors. */
static size_t sum_row(const ftl_ace_pair *pair) {
  const int lanes = FTL_ACE_MAX_LANES, tile = (FTL_ACE_TILE_Y * FTL_ACE_TILE_R + lanes - 1) / lanes * lanes;
  int n = 0;
  for (int s = 0; s < pair->n_segments; s++)
    n += ((pair->segment[s].n_lm + FTL_ACE_TILE_Y - 1) / FTL_ACE_TILE_Y) *
         ((pair->segment[s].n + FTL_ACE_TILE_R - 1) / FTL_ACE_TILE_R) * tile;
  return (size_t)n;
}

static ftl_status prepare(const ftl_ace_file *file, const char *path, const int *species_of, ftl_model *model,
                          ftl_error *error) {
  int n = model->n_species;
  ftl_ace *ace = calloc(1, sizeof *ace);
  if (!ace) return ftl_no_memory(error, path, "the potential");
  model->ace = ace;
  ace->n_species = n;
  FTL_TRY(set_sizes(ace, file, path, error));
  harmonics_recursion(ace);
  ace->element = calloc((size_t)n, sizeof *ace->element);
  ace->pair = calloc((size_t)n * (size_t)n, sizeof *ace->pair);
  model->e0 = calloc((size_t)n, sizeof *model->e0);
  if (!ace->element || !ace->pair || !model->e0) return ftl_no_memory(error, path, "the potential");
  for (int i = 0; i < file->n_elements; i++)
    for (int j = 0; j < file->n_elements; j++) {
      if (species_of[i] < 0 || species_of[j] < 0) continue;
      const ftl_ace_bond *bond = &file->bond[i * file->n_elements + j];
      ace->pair[species_of[i] * n + species_of[j]] =
          (ftl_ace_pair){.bond = *bond, .z = {file->atomic_number[i], file->atomic_number[j]}};
      ace->pair[species_of[i] * n + species_of[j]].bond.coefficient = NULL;
      model->arch.r_max = fmax(model->arch.r_max, bond->cutoff);
    }
  ftl_status status = ftl_ace_tables_make(model, file, path, species_of, error);
  for (int k = 0; k < n * n && !status; k++)
    if (sum_row(&ace->pair[k]) > ace->sum_row) ace->sum_row = sum_row(&ace->pair[k]);
  for (int i = 0; i < file->n_elements && !status; i++) {
    if (species_of[i] < 0) continue;
    model->e0[species_of[i]] = file->e0[i];
    status = prepare_element(model, file, i, species_of, &ace->element[species_of[i]], error);
  }
  return status;
}

ftl_status ftl_ace_make(const ftl_ace_file *file, const char *path, const ftl_open_options *options, ftl_model **out,
                        ftl_error *error) {
  int species_of[FTL_MAX_ELEMENTS];
  if (options && options->head && strcmp(options->head, "Default") != 0)
    return ftl_fail(error, FTL_ERR_INPUT, path, "it has no head '%.60s': PACE potentials have none", options->head);
  ftl_model *model = calloc(1, sizeof *model);
  if (!model) return ftl_no_memory(error, path, "the model");
  model->engine = &ftl_ace_engine;
  model->precision = options ? options->precision : FTL_DOUBLE;
  model->real_bytes = model->precision == FTL_DOUBLE ? 8 : 4;
  model->pad = 64 / model->real_bytes;
  model->block_atoms = FTL_BLOCK_ATOMS;
  model->arch.n_layers = 1;
  model->arch.n_heads = 1;
  model->heads[0] = model->arch.heads[0] = strdup("Default");
  model->n_parameters = file->n_parameters;
  ftl_status status = model->heads[0] ? FTL_OK : ftl_no_memory(error, path, "the model");
  if (!status) status = ftl_kernels_choose(model->precision, &model->kernels, error);
  if (!status) model->lanes = model->kernels->vector_bytes / model->real_bytes;
  if (!status) status = choose_elements(file, options, path, species_of, model, error);
  if (!status) status = prepare(file, path, species_of, model, error);
  if (status) ftl_model_free(model);
  else *out = model;
  return status;
}

static void tables_free(ftl_ace *ace) {
  if (!ace) return;
  for (int k = 0; ace->pair && k < ace->n_species * ace->n_species; k++) {
    free(ace->pair[k].mix);
    free(ace->pair[k].core);
  }
  for (int k = 0; ace->table && k < ace->n_tables; k++) free(ace->table[k].row);
  for (int k = 0; ace->element && k < ace->n_species; k++) {
    for (int set = 0; ace->element[k].program && set < ace->element[k].n_programs; set++)
      ftl_ace_program_free(&ace->element[k].program[set]);
    for (int set = 0; ace->element[k].coupled && set < ace->element[k].n_programs; set++)
      ftl_arena_free(&ace->element[k].coupled[set].memory);
    free(ace->element[k].program);
    free(ace->element[k].coupled);
  }
  ftl_ace_couplings_free(&ace->couplings);
  free(ace->table);
  free(ace->element);
  free(ace->pair);
  free(ace);
}

void ftl_ace_free(ftl_model *model) {
  tables_free(model->ace);
  if (model->surrogate) ftl_surrogate_free(model->surrogate);
  free(model->surrogate);
}

/* ---- scratch ---- */

ftl_status ftl_ace_scratch_new(const ftl_model *model, void **out, ftl_error *error) {
  const ftl_ace *ace = model->ace;
  ftl_ace_scratch *s = calloc(1, sizeof *s);
  if (!(*out = s)) return ftl_no_memory(error, NULL, "a workspace");
  const size_t a = ((size_t)ace->n_a + 8 * (size_t)ace->n_chunks) * FTL_BLOCK_ATOMS;
  s->a = ftl_arena_take(&s->memory, a, sizeof(double));
  s->a_adjoint = ftl_arena_take(&s->memory, a, sizeof(double));
  s->coupled = ftl_arena_take(&s->memory, ace->coupled_numbers, sizeof(double));
  s->sums = ftl_arena_take(&s->memory, ((size_t)ace->n_species * FTL_BLOCK_ATOMS + 1) * ace->sum_row, sizeof(double));
  s->adjoint_rows = ftl_arena_take(&s->memory, (size_t)ace->n_a * FTL_BLOCK_ATOMS, (size_t)model->real_bytes);
  s->y = ftl_arena_take(&s->memory, FTL_ACE_GATHER * (size_t)ace->n_lm, 64);
  s->bytes = s->memory.bytes;
  return ftl_arena_check(&s->memory, error, "a workspace");
}

size_t ftl_ace_scratch_bytes(const void *scratch) {
  const ftl_ace_scratch *s = scratch;
  return s->bytes + s->edge_bytes;
}

bool ftl_ace_scratch_edges(const ftl_model *model, void *scratch, size_t n_edges) {
  ftl_ace_scratch *s = scratch;
  const ftl_ace *ace = model->ace;
  size_t n_groups = n_edges / (size_t)model->lanes + FTL_BLOCK_ATOMS * (size_t)ace->n_species + 1;
  if (n_groups > n_edges) n_groups = n_edges; /* none is empty */
  /* one more: an edge is written before it is known whether it counts */
  const size_t found = n_edges + 1, lanes = n_groups * (size_t)model->lanes + 1;
  ftl_arena_free(&s->edges);
  for (int x = 0; x < 3; x++) {
    s->found.v[x] = ftl_arena_take_dirty(&s->edges, ace->n_species > 1 ? found : 1, sizeof(double));
    s->edge.v[x] = ftl_arena_take_dirty(&s->edges, lanes, sizeof(double));
  }
  s->found.sender = ftl_arena_take_dirty(&s->edges, ace->n_species > 1 ? found : 1, sizeof(int));
  s->found_species = ftl_arena_take_dirty(&s->edges, found, sizeof(int));
  s->edge.sender = ftl_arena_take_dirty(&s->edges, lanes, sizeof(int));
  s->r = ftl_arena_take_dirty(&s->edges, lanes, sizeof(double));
  s->core_slope = ftl_arena_take_dirty(&s->edges, lanes, sizeof(double));
  s->bin = ftl_arena_take_dirty(&s->edges, lanes, sizeof(int));
  s->w = ftl_arena_take_dirty(&s->edges, lanes, (size_t)model->real_bytes);
  s->group = ftl_arena_take_dirty(&s->edges, n_groups, sizeof *s->group);
  s->record = ftl_arena_take(&s->edges, n_groups * ace->record_vectors, 64);
  s->edge_bytes = s->edges.bytes;
  return !s->edges.failed;
}

void ftl_ace_scratch_free(void *scratch) {
  ftl_ace_scratch *s = scratch;
  if (!s) return;
  ftl_arena_free(&s->memory);
  ftl_arena_free(&s->edges);
  free(s);
}
