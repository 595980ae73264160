#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/random.h"
#include "base/error.h"
#include "sampling/starts.h"
#include "sampling/structures.h"

typedef struct {
  const char *name;
  int n;
  double place[8][3]; /* fractions of the cell */
} lattice;

static const lattice lattices[] = {
    {"sc", 1, {{0, 0, 0}}},
    {"bcc", 2, {{0, 0, 0}, {.5, .5, .5}}},
    {"fcc", 4, {{0, 0, 0}, {0, .5, .5}, {.5, 0, .5}, {.5, .5, 0}}},
    {"hcp", 2, {{0, 0, 0}, {1. / 3, 2. / 3, .5}}},
    {"diamond",
     8,
     {{0, 0, 0},
      {0, .5, .5},
      {.5, 0, .5},
      {.5, .5, 0},
      {.25, .25, .25},
      {.25, .75, .75},
      {.75, .25, .75},
      {.75, .75, .25}}},
};

static const lattice *find(const char *name) {
  for (size_t k = 0; k < sizeof lattices / sizeof *lattices; k++)
    if (strcmp(lattices[k].name, name) == 0) return &lattices[k];
  return NULL;
}

static ftl_status check(const ftl_crystal *crystal, const lattice *found, ftl_error *error) {
  const char *name = crystal->name;
  if (!found)
    return ftl_fail(error, FTL_ERR_INPUT, name,
                    "'%.40s' is no crystal that can be made: sc, bcc, fcc, hcp, diamond are", name);
  if (!(crystal->a > 0 && crystal->a < 100) || !(crystal->c >= 0 && crystal->c < 100))
    return ftl_fail(error, FTL_ERR_INPUT, name, "lattice constants of %g and %g A are not possible", crystal->a,
                    crystal->c);
  if (crystal->c > 0 && strcmp(name, "hcp") != 0)
    return ftl_fail(error, FTL_ERR_INPUT, name, "a second lattice constant (%g) is for hcp only", crystal->c);
  for (int k = 0; k < 3; k++)
    if (crystal->repeat[k] < 1 || crystal->repeat[k] > 100)
      return ftl_fail(error, FTL_ERR_INPUT, name, "a cell is repeated 1 to 100 times, not %d", crystal->repeat[k]);
  if (crystal->n_elements < 1 || crystal->n_elements > 118)
    return ftl_fail(error, FTL_ERR_INPUT, name, "a crystal needs at least one element");
  for (int k = 0; k < crystal->n_elements; k++)
    if (!ftl_element_symbol(crystal->element[k]) || (crystal->fraction && !(crystal->fraction[k] > 0)))
      return ftl_fail(error, FTL_ERR_INPUT, name, "element %d (atomic number %d) or its fraction is not possible",
                      k + 1, crystal->element[k]);
  return FTL_OK;
}

static void fill_cell(const ftl_crystal *crystal, const lattice *found, ftl_structure *cell) {
  const double a = crystal->a;
  const bool hexagonal = strcmp(found->name, "hcp") == 0;
  const double c = !hexagonal ? a : crystal->c > 0 ? crystal->c : a * sqrt(8. / 3);
  const double vector[3][3] = {{a, 0, 0}, {hexagonal ? -a / 2 : 0, hexagonal ? a * sqrt(0.75) : a, 0}, {0, 0, c}};
  memcpy(cell->cell, vector, sizeof vector);
  for (int i = 0; i < found->n; i++) {
    cell->atomic_number[i] = crystal->element[0];
    for (int k = 0; k < 3; k++)
      for (int v = 0; v < 3; v++) cell->position[i][k] += found->place[i][v] * vector[v][k];
  }
  cell->has_cell = true;
  cell->pbc[0] = cell->pbc[1] = cell->pbc[2] = 1;
  cell->volume = a * vector[1][1] * c;
}

/* As many atoms of each element as its fraction says, the rounding being spread over the elements, then shuffled. */
static void occupy(const ftl_crystal *crystal, ftl_structure *made) {
  ftl_random random;
  double all = 0, sum = 0;
  int at = 0;
  ftl_random_seed(&random, crystal->seed);
  for (int k = 0; k < crystal->n_elements; k++) all += crystal->fraction ? crystal->fraction[k] : 1;
  for (int k = 0; k < crystal->n_elements; k++) {
    sum += crystal->fraction ? crystal->fraction[k] : 1;
    const int end = k + 1 == crystal->n_elements ? made->n : (int)lround(made->n * sum / all);
    while (at < end) made->atomic_number[at++] = crystal->element[k];
  }
  ftl_random_shuffle(&random, made->n, made->atomic_number);
}

static ftl_status name_it(const ftl_crystal *crystal, ftl_structure *made, ftl_error *error) {
  char text[512];
  int used = snprintf(text, sizeof text, "%s", crystal->name);
  for (int k = 0; k < crystal->n_elements && used < 400; k++)
    used += snprintf(text + used, sizeof text - (size_t)used, "%s%s", k ? "-" : " ",
                     ftl_element_symbol(crystal->element[k]));
  free(made->path);
  made->path = strdup(text);
  return made->path ? FTL_OK : ftl_no_memory(error, crystal->name, "a structure");
}

/* Takes it over, or frees it. */
static ftl_status add(ftl_structure *made, ftl_status status, ftl_dataset *starts, ftl_error *error) {
  if (!status) status = FTL_GROW(starts->structure, starts->room, (size_t)starts->n + 1, "structures", error);
  if (!status) starts->structure[starts->n++] = *made;
  else ftl_structure_free(made);
  return status;
}

ftl_status ftl_starts_add_crystal(const ftl_crystal *crystal, ftl_dataset *starts, ftl_error *error) {
  const lattice *found = find(crystal->name);
  const int *r = crystal->repeat, m[3][3] = {{r[0], 0, 0}, {0, r[1], 0}, {0, 0, r[2]}};
  ftl_structure cell = {0}, made = {0};
  ftl_status status = check(crystal, found, error);
  if (!status) status = ftl_structure_new(found->n, crystal->name, &cell, error);
  if (!status) {
    fill_cell(crystal, found, &cell);
    status = ftl_structure_supercell(&cell, m, &made, error);
  }
  if (!status && crystal->n_elements > 1) occupy(crystal, &made);
  if (!status) status = name_it(crystal, &made, error);
  ftl_structure_free(&cell);
  return add(&made, status, starts, error);
}

ftl_status ftl_starts_add_pair(const int element[2], double distance, ftl_dataset *starts, ftl_error *error) {
  const char *first = ftl_element_symbol(element[0]), *second = ftl_element_symbol(element[1]);
  ftl_structure made = {0};
  char name[16];
  if (!first || !second || !(distance > 0 && distance < 100))
    return ftl_fail(error, FTL_ERR_INPUT, "pair", "atomic numbers %d and %d, %g A apart, are no pair of atoms",
                    element[0], element[1], distance);
  snprintf(name, sizeof name, "%s-%s", first, second);
  ftl_status status = ftl_structure_new(2, name, &made, error);
  if (!status) {
    memcpy(made.atomic_number, element, 2 * sizeof *element);
    made.position[1][2] = distance;
  }
  return add(&made, status, starts, error);
}
