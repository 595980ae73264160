#include "sampling/dynamics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/masses.h"
#include "sampling/structures.h"

static ftl_status find_species(ftl_md *md, ftl_error *error) {
  const ftl_structure *s = md->structure;
  for (int i = 0; i < s->n; i++) {
    md->species[i] = ftl_model_species(md->model, s->atomic_number[i]);
    md->mass[i] = ftl_atomic_weight(s->atomic_number[i]);
    if (md->species[i] >= 0) continue;
    char where[256];
    ftl_structure_where(s, i, where);
    return ftl_fail(error, FTL_ERR_INPUT, where, "atom %d is %s, which the model does not know", i,
                    ftl_element_symbol(s->atomic_number[i]));
  }
  return FTL_OK;
}

ftl_status ftl_md_start(ftl_md *md, ftl_error *error) {
  const size_t n = (size_t)md->structure->n;
  md->memory = (ftl_arena){0};
  md->forces = ftl_arena_take(&md->memory, n, sizeof *md->forces);
  md->velocity = ftl_arena_take(&md->memory, n, sizeof *md->velocity);
  md->mass = ftl_arena_take(&md->memory, n, sizeof *md->mass);
  md->species = ftl_arena_take(&md->memory, n, sizeof *md->species);
  md->steps = 0;
  FTL_TRY(ftl_arena_check(&md->memory, error, "the dynamics of %zu atoms", n));
  FTL_TRY(find_species(md, error));
  return ftl_md_evaluate(md, error);
}

void ftl_md_free(ftl_md *md) { ftl_arena_free(&md->memory); }

ftl_status ftl_md_evaluate(ftl_md *md, ftl_error *error) {
  const ftl_structure *s = md->structure;
  ftl_result result = {.forces = md->forces[0]};
  ftl_status status = ftl_compute(md->workspace, s->n, md->species, (const double(*)[3])s->position,
                                  s->has_cell ? s->cell : NULL, s->pbc, &result, error);
  md->energy = result.energy;
  memcpy(md->virial, result.virial, sizeof md->virial);
  return status;
}

ftl_status ftl_md_grade(ftl_md *md, double *gamma, ftl_error *error) {
  const ftl_structure *s = md->structure;
  double *grade = malloc((size_t)s->n * sizeof *grade);
  if (!grade) return ftl_no_memory(error, NULL, "extrapolation grades");
  ftl_result result = {.extrapolation = grade, .energy_only = 1};
  ftl_status status = ftl_compute(md->workspace, s->n, md->species, (const double(*)[3])s->position,
                                  s->has_cell ? s->cell : NULL, s->pbc, &result, error);
  *gamma = 0;
  for (int i = 0; i < s->n && !status; i++) *gamma = fmax(*gamma, grade[i]);
  free(grade);
  return status;
}

/* ---- velocities ---- */

void ftl_md_heat(ftl_md *md, int first, int end, double temperature) {
  for (int i = first; i < end; i++) {
    const double width = sqrt(FTL_BOLTZMANN * temperature * FTL_ACCELERATION / md->mass[i]);
    for (int c = 0; c < 3; c++) md->velocity[i][c] = width * ftl_random_normal(md->random);
  }
}

void ftl_md_stop_drift(ftl_md *md, int first, int end) {
  double mass = 0, momentum[3] = {0};
  for (int i = first; i < end; i++) {
    mass += md->mass[i];
    for (int c = 0; c < 3; c++) momentum[c] += md->mass[i] * md->velocity[i][c];
  }
  for (int i = first; i < end; i++)
    for (int c = 0; c < 3; c++) md->velocity[i][c] -= momentum[c] / mass;
}

double ftl_md_kinetic(const ftl_md *md, int first, int end) {
  double twice = 0;
  for (int i = first; i < end; i++) {
    const double *v = md->velocity[i];
    twice += md->mass[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  }
  return 0.5 * twice / FTL_ACCELERATION;
}

double ftl_md_temperature(const ftl_md *md, int first, int end) {
  return end > first ? ftl_md_kinetic(md, first, end) / (1.5 * (end - first) * FTL_BOLTZMANN) : 0;
}

double ftl_md_largest_force(const ftl_md *md) {
  double largest = 0;
  for (int i = 0; i < md->structure->n; i++) {
    const double *f = md->forces[i], square = f[0] * f[0] + f[1] * f[1] + f[2] * f[2];
    if (!isfinite(square)) return NAN;
    largest = fmax(largest, square);
  }
  return sqrt(largest);
}

/* ---- a step ---- */

static void kick(ftl_md *md) {
  for (int i = 0; i < md->structure->n; i++)
    for (int c = 0; c < 3; c++)
      md->velocity[i][c] += 0.5 * md->step * FTL_ACCELERATION / md->mass[i] * md->forces[i][c];
}

static void drift(ftl_md *md) {
  for (int i = 0; i < md->structure->n; i++)
    for (int c = 0; c < 3; c++) md->structure->position[i][c] += 0.5 * md->step * md->velocity[i][c];
}

static void exchange_heat(ftl_md *md) {
  if (!(md->relaxation > 0)) return;
  const double kept = exp(-md->step / md->relaxation);
  for (int i = 0; i < md->bath; i++) {
    const double noise = sqrt((1 - kept * kept) * FTL_BOLTZMANN * md->temperature * FTL_ACCELERATION / md->mass[i]);
    for (int c = 0; c < 3; c++) md->velocity[i][c] = kept * md->velocity[i][c] + noise * ftl_random_normal(md->random);
  }
}

ftl_status ftl_md_step(ftl_md *md, ftl_error *error) {
  kick(md);
  drift(md);
  exchange_heat(md);
  drift(md);
  md->steps++;
  ftl_status status = ftl_md_evaluate(md, error);
  if (!status) kick(md);
  return status;
}

/* ---- frames ---- */

ftl_status ftl_md_frame(const ftl_md *md, const char *config_type, ftl_structure *frame, ftl_error *error) {
  static const int voigt[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}}; /* places in xx yy zz xy xz yz */
  const size_t bytes = (size_t)md->structure->n * sizeof *md->forces;
  FTL_TRY(ftl_structure_copy(md->structure, frame, error));
  FTL_TRY(ftl_structure_config_type(frame, config_type, error));
  ftl_labels *labels = &frame->labels;
  labels->forces = malloc(bytes);
  if (!labels->forces) return ftl_no_memory(error, frame->path, "a frame");
  memcpy(labels->forces, md->forces, bytes);
  labels->energy = md->energy;
  labels->has_energy = labels->has_forces = true;
  labels->has_stress = frame->volume > 0;
  for (int a = 0; labels->has_stress && a < 3; a++)
    for (int b = 0; b < 3; b++) labels->stress[a][b] = -md->virial[voigt[a][b]] / frame->volume;
  return FTL_OK;
}

double ftl_md_default_step(const ftl_structure *structure) {
  double lightest = INFINITY;
  for (int i = 0; i < structure->n; i++) lightest = fmin(lightest, ftl_atomic_weight(structure->atomic_number[i]));
  return lightest < 2 ? 0.5 : lightest < 40 ? 1 : 2;
}
