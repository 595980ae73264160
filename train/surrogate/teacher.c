#include "surrogate/teacher.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct {
  const ftl_model *model;
  ftl_workspace *workspace;
  int room;
  int *species;        /* [room] */
  double (*forces)[3]; /* [room] */
  ftl_error_table *table;
  ftl_comparison *comparison;
} asked;

static ftl_status make_room(asked *a, int n, ftl_error *error) {
  if (n <= a->room) return FTL_OK;
  free(a->species);
  free(a->forces);
  a->species = malloc((size_t)n * sizeof *a->species);
  a->forces = malloc((size_t)n * sizeof *a->forces);
  a->room = a->species && a->forces ? n : 0;
  return a->room ? FTL_OK : ftl_no_memory(error, NULL, "the predictions of a model");
}

static ftl_status set_species(asked *a, const ftl_structure *s, ftl_error *error) {
  FTL_TRY(make_room(a, s->n, error));
  for (int i = 0; i < s->n; i++) {
    char where[256];
    a->species[i] = ftl_model_species(a->model, s->atomic_number[i]);
    if (a->species[i] >= 0) continue;
    ftl_structure_where(s, i, where);
    return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d is %s, which the model lacks", i,
                    ftl_element_symbol(s->atomic_number[i]));
  }
  return FTL_OK;
}

static ftl_status ask(asked *a, const ftl_structure *s, ftl_error *error) {
  static const int at[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}}; /* xx yy zz xy xz yz, as frozentl.h has it */
  double stress[3][3] = {{0}};
  FTL_TRY(set_species(a, s, error));
  ftl_result result = {.forces = a->forces[0]};
  FTL_TRY(ftl_compute(a->workspace, s->n, a->species, (const double(*)[3])s->position,
                      s->has_cell ? (const double(*)[3])s->cell : NULL, s->pbc, &result, error));
  for (int k = 0; s->volume > 0 && k < 9; k++) stress[k / 3][k % 3] = -result.virial[at[k / 3][k % 3]] / s->volume;
  const double(*forces)[3] = (const double(*)[3])a->forces, (*stresses)[3] = (const double(*)[3])stress;
  if (a->table)
    FTL_TRY(
        ftl_error_table_add(a->table, "", s->config_type, s->n, &s->labels, result.energy, forces, stresses, error));
  return a->comparison ? ftl_comparison_add(a->comparison, s, result.energy, forces, stresses, error) : FTL_OK;
}

ftl_status ftl_answers_compare(const ftl_model *model, int threads, const ftl_dataset *set, const bool *chosen,
                               ftl_error_table *table, ftl_comparison *comparison, ftl_error *error) {
  asked a = {.model = model, .table = table, .comparison = comparison};
  ftl_status status = ftl_workspace_new(model, threads, &a.workspace, error);
  for (int64_t k = 0; !status && k < set->n; k++)
    if (!chosen || chosen[k]) status = ask(&a, &set->structure[k], error);
  ftl_workspace_free(a.workspace);
  free(a.species);
  free(a.forces);
  return status;
}

static ftl_status ask_atoms(asked *a, const int *elements, const double *e0, int n, ftl_structure *s,
                            ftl_error *error) {
  FTL_TRY(set_species(a, s, error));
  s->atom_energy = malloc((size_t)s->n * sizeof *s->atom_energy);
  if (!s->atom_energy) return ftl_no_memory(error, NULL, "the energies of atoms");
  ftl_result result = {.node_energy = s->atom_energy, .energy_only = 1};
  FTL_TRY(ftl_compute(a->workspace, s->n, a->species, (const double(*)[3])s->position,
                      s->has_cell ? (const double(*)[3])s->cell : NULL, s->pbc, &result, error));
  for (int i = 0; i < s->n; i++) {
    const int mu = ftl_element_index(elements, n, s->atomic_number[i]);
    if (mu >= 0) s->atom_energy[i] -= e0[mu];
  }
  return FTL_OK;
}

ftl_status ftl_answers_atoms(const ftl_model *model, int threads, const int *elements, const double *e0, int n,
                             ftl_dataset *set, ftl_error *error) {
  asked a = {.model = model};
  ftl_status status = ftl_workspace_new(model, threads, &a.workspace, error);
  for (int64_t k = 0; !status && k < set->n; k++) status = ask_atoms(&a, elements, e0, n, &set->structure[k], error);
  ftl_workspace_free(a.workspace);
  free(a.species);
  free(a.forces);
  return status;
}
