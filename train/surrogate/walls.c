#include "surrogate/walls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ace/ace.h"
#include "base/error.h"

enum { STEPS = 25 };

typedef struct {
  ftl_workspace *workspace;
  const ftl_nearest *pair;
  int *species;          /* [atoms] */
  double (*position)[3]; /* [atoms] */
} pushed;

static ftl_status begin(pushed *p, const ftl_model *model, const ftl_nearest *pair, ftl_error *error) {
  const ftl_structure *s = pair->structure;
  p->pair = pair;
  p->species = malloc((size_t)s->n * sizeof *p->species);
  p->position = malloc((size_t)s->n * sizeof *p->position);
  if (!p->species || !p->position) return ftl_no_memory(error, NULL, "two atoms that are pushed together");
  for (int i = 0; i < s->n; i++) p->species[i] = ftl_model_species(model, s->atomic_number[i]);
  return FTL_OK;
}

/* Both move by as much, along their bond. */
static ftl_status energy_at(pushed *p, double r, double *energy, ftl_error *error) {
  const ftl_structure *s = p->pair->structure;
  const double by = (1 - r / p->pair->r) / 2;
  ftl_result result = {.energy_only = 1};
  memcpy(p->position, s->position, (size_t)s->n * sizeof *p->position);
  for (int k = 0; k < 3; k++) {
    p->position[p->pair->atom][k] += by * p->pair->bond[k];
    p->position[p->pair->neighbour][k] -= by * p->pair->bond[k];
  }
  FTL_TRY(ftl_compute(p->workspace, s->n, p->species, (const double(*)[3])p->position,
                      s->has_cell ? (const double(*)[3])s->cell : NULL, s->pbc, &result, error));
  *energy = result.energy;
  return FTL_OK;
}

static ftl_status scan(pushed *p, double to, ftl_wall *wall, ftl_error *error) {
  double start, highest = 0, energy;
  wall->from = p->pair->r;
  wall->at = to;
  FTL_TRY(energy_at(p, wall->from, &start, error));
  for (int k = 1; k <= STEPS; k++) {
    const double r = wall->from + k * (to - wall->from) / STEPS;
    FTL_TRY(energy_at(p, r, &energy, error));
    highest = fmax(highest, energy - start);
    if (highest - (energy - start) <= wall->fall) continue;
    wall->fall = highest - (energy - start);
    wall->rim = highest;
    wall->at = r;
  }
  if (wall->fall == 0) wall->rim = highest;
  return FTL_OK;
}

static ftl_status scan_all(const ftl_model *model, const ftl_ace_file *file, const ftl_nearest *nearest, ftl_wall *wall,
                           int *n_walls, ftl_error *error) {
  pushed p = {0};
  ftl_status status = ftl_workspace_new(model, 1, &p.workspace, error);
  for (int mu = 0; mu < file->n_elements; mu++)
    for (int nu = mu; nu < file->n_elements && !status; nu++) {
      const ftl_nearest *pair = &nearest[mu * file->n_elements + nu];
      const ftl_ace_bond *bond = &file->bond[mu * file->n_elements + nu];
      if (!pair->structure || bond->inner - bond->d_inner >= pair->r) continue;
      wall[*n_walls] = (ftl_wall){.mu = mu, .nu = nu};
      status = begin(&p, model, pair, error);
      if (!status) status = scan(&p, bond->inner - bond->d_inner, &wall[(*n_walls)++], error);
      free(p.species);
      free(p.position);
    }
  ftl_workspace_free(p.workspace);
  return status;
}

ftl_status ftl_walls_scan(const ftl_surrogate *surrogate, const ftl_nearest *nearest, ftl_wall *wall, int *n_walls,
                          ftl_error *error) {
  ftl_ace_file file;
  ftl_model *model = NULL;
  *n_walls = 0;
  FTL_TRY(ftl_surrogate_file(surrogate, surrogate->coefficient, &file, error));
  const ftl_open_options options = {.elements = file.atomic_number, .n_elements = file.n_elements};
  ftl_status status = ftl_ace_make(&file, "the fitted potential", &options, &model, error);
  if (!status) status = scan_all(model, &file, nearest, wall, n_walls, error);
  ftl_model_free(model);
  ftl_ace_file_free(&file);
  return status;
}

bool ftl_wall_is_hole(const ftl_wall *wall) { return wall->fall > FTL_HOLE_FALL && wall->rim < FTL_HOLE_RIM; }
