#include "sampling/structures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static ftl_status no_memory(const char *path, ftl_error *error) { return ftl_no_memory(error, path, "a structure"); }

ftl_status ftl_structure_new(int n, const char *path, ftl_structure *made, ftl_error *error) {
  *made = (ftl_structure){.n = n, .weight = 1, .energy_weight = 1, .forces_weight = 1, .stress_weight = 1};
  made->path = strdup(path);
  made->config_type = strdup(FTL_NO_CONFIG_TYPE);
  made->atomic_number = calloc((size_t)n + 1, sizeof *made->atomic_number);
  made->position = calloc((size_t)n + 1, sizeof *made->position);
  if (!made->path || !made->config_type || !made->atomic_number || !made->position) return no_memory(path, error);
  return FTL_OK;
}

static void copy_cell(const ftl_structure *from, ftl_structure *made) {
  made->frame = from->frame;
  made->line = from->line;
  made->has_cell = from->has_cell;
  memcpy(made->cell, from->cell, sizeof made->cell);
  memcpy(made->pbc, from->pbc, sizeof made->pbc);
  made->volume = from->volume;
}

ftl_status ftl_structure_copy(const ftl_structure *from, ftl_structure *made, ftl_error *error) {
  FTL_TRY(ftl_structure_new(from->n, from->path, made, error));
  copy_cell(from, made);
  memcpy(made->atomic_number, from->atomic_number, (size_t)from->n * sizeof *made->atomic_number);
  memcpy(made->position, from->position, (size_t)from->n * sizeof *made->position);
  return ftl_structure_config_type(made, from->config_type, error);
}

void ftl_structure_replace(ftl_structure *structure, ftl_structure *made) {
  ftl_structure_free(structure);
  *structure = *made;
}

ftl_status ftl_structure_config_type(ftl_structure *structure, const char *config_type, ftl_error *error) {
  char *text = strdup(config_type);
  if (!text) return no_memory(structure->path, error);
  free(structure->config_type);
  structure->config_type = text;
  return FTL_OK;
}

void ftl_structure_scale(ftl_structure *structure, double factor) {
  for (int i = 0; i < structure->n; i++)
    for (int c = 0; c < 3; c++) structure->position[i][c] *= factor;
  for (int k = 0; k < 9; k++) structure->cell[k / 3][k % 3] *= factor;
  structure->volume *= factor * factor * factor;
}

ftl_status ftl_structure_remove(ftl_structure *structure, int64_t count, ftl_random *random, ftl_error *error) {
  char where[256];
  ftl_structure_where(structure, -1, where);
  if (count >= structure->n)
    return ftl_fail(error, FTL_ERR_INPUT, where,
                    "%lld atoms cannot be removed from %d: ask for fewer vacancies or a larger structure",
                    (long long)count, structure->n);
  for (; count > 0; count--) {
    const int64_t gone = ftl_random_below(random, structure->n);
    const size_t after = (size_t)(structure->n - 1 - gone);
    memmove(structure->atomic_number + gone, structure->atomic_number + gone + 1, after * sizeof(int));
    memmove(structure->position + gone, structure->position + gone + 1, after * sizeof *structure->position);
    structure->n--;
  }
  return FTL_OK;
}

/* ---- supercells ---- */

static int64_t determinant(const int m[3][3], int64_t adjugate[3][3]) {
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      const int p = (a + 1) % 3, q = (a + 2) % 3, r = (b + 1) % 3, s = (b + 2) % 3;
      adjugate[b][a] = (int64_t)m[p][r] * m[q][s] - (int64_t)m[p][s] * m[q][r];
    }
  return m[0][0] * adjugate[0][0] + m[0][1] * adjugate[1][0] + m[0][2] * adjugate[2][0];
}

/* A lattice point, in units of the small cell, lies in the large one: exact, since all is integer. */
static bool is_inside(const int t[3], const int64_t adjugate[3][3], int64_t det) {
  for (int b = 0; b < 3; b++) {
    int64_t g = t[0] * adjugate[0][b] + t[1] * adjugate[1][b] + t[2] * adjugate[2][b];
    if (det < 0) g = -g;
    if (g < 0 || g >= llabs(det)) return false;
  }
  return true;
}

/* The corners of the large cell bound its lattice points. */
static void bounds(const int m[3][3], int low[3], int high[3]) {
  for (int c = 0; c < 3; c++) {
    low[c] = high[c] = 0;
    for (int a = 0; a < 3; a++) *(m[a][c] < 0 ? &low[c] : &high[c]) += m[a][c];
  }
}

static void place_copy(const ftl_structure *from, const int t[3], int64_t first, ftl_structure *made) {
  for (int i = 0; i < from->n; i++) {
    made->atomic_number[first + i] = from->atomic_number[i];
    for (int c = 0; c < 3; c++)
      made->position[first + i][c] =
          from->position[i][c] + t[0] * from->cell[0][c] + t[1] * from->cell[1][c] + t[2] * from->cell[2][c];
  }
}

static bool mixes_open_directions(const ftl_structure *from, const int m[3][3]) {
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++)
      if ((!from->pbc[a] || !from->pbc[b]) && m[a][b] != (a == b)) return true;
  return false;
}

ftl_status ftl_structure_supercell(const ftl_structure *from, const int m[3][3], ftl_structure *made,
                                   ftl_error *error) {
  int64_t adjugate[3][3], placed = 0;
  const int64_t det = determinant(m, adjugate), n = llabs(det) * from->n;
  int low[3], high[3], t[3];
  char where[256];
  *made = (ftl_structure){0};
  ftl_structure_where(from, -1, where);
  if (mixes_open_directions(from, m))
    return ftl_fail(error, FTL_ERR_INPUT, where, "a direction that is not periodic cannot be repeated or turned");
  if (n == 0 || n > 1000000)
    return ftl_fail(error, FTL_ERR_INPUT, where, "a supercell of %lld atoms is not possible: between 1 and 1000000 are",
                    (long long)n);
  FTL_TRY(ftl_structure_new((int)n, from->path, made, error));
  copy_cell(from, made);
  made->volume *= (double)llabs(det);
  for (int a = 0; a < 3; a++)
    for (int c = 0; c < 3; c++)
      made->cell[a][c] = m[a][0] * from->cell[0][c] + m[a][1] * from->cell[1][c] + m[a][2] * from->cell[2][c];
  bounds(m, low, high);
  for (t[0] = low[0]; t[0] <= high[0]; t[0]++)
    for (t[1] = low[1]; t[1] <= high[1]; t[1]++)
      for (t[2] = low[2]; t[2] <= high[2]; t[2]++)
        if (is_inside(t, (const int64_t(*)[3])adjugate, det)) {
          place_copy(from, t, placed, made);
          placed += from->n;
        }
  return FTL_OK;
}
