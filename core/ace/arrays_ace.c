/* The arrays of a PACE potential or surrogate (model/arrays.h). */
#include "ace/ace.h"
#include "base/error.h"
#include "math/wigner.h"
#include "model/ace_check.h"
#include "model/arrays.h"

static ftl_status list_program(ftl_ace_program *program, int n_density, ftl_arrays *arrays, ftl_error *error) {
  size_t n_leaves = (size_t)program->n_alone;
  FTL_STRUCTURE(program->node, program->n_nodes);
  for (int k = 0; k < program->n_nodes; k++) n_leaves += (size_t)program->node[k].n_leaves;
  FTL_STRUCTURE(program->leaf, n_leaves);
  FTL_DOUBLES(program->leaf_c, n_leaves * ((size_t)n_density + 1));
  return FTL_OK;
}

static ftl_status list_coupled(ftl_ace_coupled *coupled, int n_density, ftl_arrays *arrays, ftl_error *error) {
  size_t n_others = 0;
  FTL_STRUCTURE(coupled->channel, coupled->n_channels);
  FTL_STRUCTURE(coupled->batch, coupled->n_batches);
  FTL_STRUCTURE(coupled->row, coupled->n_rows);
  for (int k = 0; k < coupled->n_rows; k++) n_others += (size_t)coupled->row[k].n;
  FTL_STRUCTURE(coupled->other, n_others);
  FTL_DOUBLES(coupled->c, n_others * (size_t)n_density);
  FTL_STRUCTURE(coupled->alone, coupled->n_alone);
  FTL_DOUBLES(coupled->alone_c, coupled->n_alone * n_density);
  return FTL_OK;
}

static ftl_status list_elements(ftl_ace *ace, ftl_arrays *arrays, ftl_error *error) {
  FTL_STRUCTURE(ace->element, ace->n_species);
  for (int z = 0; z < ace->n_species; z++) {
    ftl_ace_element *element = &ace->element[z];
    const int n_density = element->embedding.n_density;
    FTL_STRUCTURE(element->program, element->n_programs);
    for (int set = 0; set < element->n_programs; set++)
      FTL_TRY(list_program(&element->program[set], n_density, arrays, error));
    FTL_STRUCTURE(element->coupled, element->n_programs);
    for (int set = 0; element->coupled && set < element->n_programs; set++)
      FTL_TRY(list_coupled(&element->coupled[set], n_density, arrays, error));
  }
  return FTL_OK;
}

static ftl_status list_couplings(ftl_ace_couplings *couplings, ftl_arrays *arrays, ftl_error *error) {
  const int size = FTL_WIGNER_MAX_L + 1;
  FTL_STRUCTURE(couplings->of, size * size * size);
  FTL_STRUCTURE(couplings->kind, couplings->n);
  for (int k = 0; k < couplings->n; k++)
    for (int way = 0; way < FTL_ACE_DIRECTIONS; way++) {
      ftl_ace_coupling *coupling = &couplings->kind[k].way[way];
      FTL_STRUCTURE(coupling->term, coupling->first[coupling->n_rows]);
      FTL_DOUBLES(coupling->c, coupling->first[coupling->n_rows]);
    }
  return FTL_OK;
}

/* A pair points to its table: as the same place in another array, once that is there. */
static ftl_status list_pairs(ftl_model *model, ftl_ace *ace, ftl_arrays *arrays, ftl_error *error) {
  const int n_pairs = ace->n_species * ace->n_species;
  const ftl_ace_table *before = ace->table;
  FTL_STRUCTURE(ace->table, ace->n_tables);
  for (int k = 0; k < ace->n_tables; k++) {
    ftl_ace_table *table = &ace->table[k];
    FTL_NUMBERS(table->row, ((size_t)table->n_bins + 3) * (size_t)table->pad, 16);
  }
  FTL_STRUCTURE(ace->pair, n_pairs);
  for (int k = 0; k < n_pairs; k++) {
    ftl_ace_pair *pair = &ace->pair[k];
    pair->table = ace->table + (pair->table - before);
    FTL_NUMBERS(pair->mix, (ace->n_out - ace->n_direct) * pair->table->n_functions, (size_t)model->real_bytes);
    FTL_DOUBLES(pair->core, 2 * (pair->n_core + 1));
  }
  return FTL_OK;
}

static ftl_status list_surrogate(ftl_surrogate *s, ftl_arrays *arrays, ftl_error *error) {
  ftl_ace_file *file = &s->file;
  const int n = file->n_elements, n_columns = s->first[n];
  FTL_STRUCTURE(file->embedding, n);
  FTL_STRUCTURE(file->n_functions, n);
  FTL_STRUCTURE(file->bond, n * n);
  for (int k = 0; k < n * n; k++) FTL_DOUBLES(file->bond[k].coefficient, ftl_ace_bond_coefficients(&file->bond[k]));
  FTL_STRUCTURE(file->function, n);
  for (int mu = 0; mu < n; mu++) {
    FTL_STRUCTURE(file->function[mu], file->n_functions[mu]);
    for (int k = 0; k < file->n_functions[mu]; k++) {
      ftl_ace_function *f = &file->function[mu][k];
      FTL_STRUCTURE(f->m, f->n_m * f->rank);
      FTL_DOUBLES(f->c, f->n_m * f->n_density);
    }
    FTL_DOUBLES(s->active[mu], (size_t)file->n_functions[mu] * (size_t)file->n_functions[mu]);
  }
  FTL_DOUBLES(s->coefficient, n_columns);
  FTL_DOUBLES(s->second, n_columns);
  FTL_DOUBLES(s->committee, (size_t)s->n_committee * (size_t)n_columns);
  return FTL_OK;
}

ftl_status ftl_ace_arrays(ftl_model *model, ftl_arrays *arrays, ftl_error *error) {
  FTL_STRUCTURE(model->ace, 1);
  FTL_TRY(list_elements(model->ace, arrays, error));
  FTL_TRY(list_couplings(&model->ace->couplings, arrays, error));
  FTL_TRY(list_pairs(model, model->ace, arrays, error));
  FTL_STRUCTURE(model->surrogate, 1);
  return model->surrogate ? list_surrogate(model->surrogate, arrays, error) : FTL_OK;
}
