/* Dumps of LAMMPS: snapshots of a box and its atoms. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"
#include "sampling/lammps_lines.h"
#include "sampling/starts.h"
#include "sampling/structures.h"

typedef struct {
  int64_t id;
  int element;
  double place[3]; /* as in the file */
} atom;

/* Columns of ATOMS; -1: not there. */
typedef struct {
  int n, id, type, element, place;
  bool scaled;
} columns;

typedef struct {
  ftl_lammps_lines in;
  const int *element;
  int n_elements;
  int64_t atoms; /* -1: not said yet */
  bool has_box;
  int pbc[3];
  double low[3], high[3], tilt[3]; /* xy xz yz */
  atom *atom;                      /* [atoms] */
  size_t room;
} dump;

#define bad(d, error, ...) ftl_lammps_bad(&(d)->in, error, __VA_ARGS__)

static bool is_item(const dump *d, const char *name, const char *more) {
  return ftl_lammps_is(&d->in, 0, "ITEM:") && ftl_lammps_is(&d->in, 1, name) &&
         (!more || ftl_lammps_is(&d->in, 2, more));
}

static ftl_status next(dump *d, ftl_error *error) {
  FTL_TRY(ftl_lammps_next(&d->in, error));
  return d->in.n_words > 0 ? FTL_OK : bad(d, error, "the file ends within a snapshot");
}

/* ---- the box ---- */

/* Bounds enclose the box, tilts included. */
static void take_tilts_off(dump *d) {
  const double xy = d->tilt[0], xz = d->tilt[1], yz = d->tilt[2];
  d->low[0] -= fmin(fmin(0, xy), fmin(xz, xy + xz));
  d->high[0] -= fmax(fmax(0, xy), fmax(xz, xy + xz));
  d->low[1] -= fmin(0, yz);
  d->high[1] -= fmax(0, yz);
}

static ftl_status read_box(dump *d, ftl_error *error) {
  int at = 3; /* behind ITEM: BOX BOUNDS */
  const bool tilted = ftl_lammps_is(&d->in, at, "xy") && ftl_lammps_is(&d->in, at + 1, "xz");
  if (tilted) at += 3;
  if (ftl_lammps_is(&d->in, at, "abc"))
    return bad(d, error, "the box is written by its vectors; dump_modify triclinic/general no writes bounds");
  for (int k = 0; k < 3; k++) d->pbc[k] = at + k >= d->in.n_words || strcmp(d->in.word[at + k], "pp") == 0;
  memset(d->tilt, 0, sizeof d->tilt);
  for (int k = 0; k < 3; k++) {
    FTL_TRY(next(d, error));
    if (d->in.n_words != 2 + tilted || !ftl_parse_real(d->in.word[0], &d->low[k]) ||
        !ftl_parse_real(d->in.word[1], &d->high[k]) || (tilted && !ftl_parse_real(d->in.word[2], &d->tilt[k])))
      return bad(d, error, "a line of the box has its bounds%s", tilted ? " and a tilt" : "");
  }
  take_tilts_off(d);
  for (int k = 0; k < 3; k++)
    if (!(d->high[k] > d->low[k])) return bad(d, error, "the box has no length along %c", 'x' + k);
  d->has_box = true;
  return FTL_OK;
}

/* ---- atoms ---- */

static int column_of(const dump *d, const char *name) {
  for (int k = 2; k < d->in.n_words; k++)
    if (strcmp(d->in.word[k], name) == 0) return k - 2;
  return -1;
}

static ftl_status find_columns(const dump *d, columns *c, ftl_error *error) {
  static const char *const names[4][3] = {
      {"x", "y", "z"}, {"xu", "yu", "zu"}, {"xs", "ys", "zs"}, {"xsu", "ysu", "zsu"}};
  *c = (columns){.n = d->in.n_words - 2,
                 .id = column_of(d, "id"),
                 .type = column_of(d, "type"),
                 .element = column_of(d, "element"),
                 .place = -1};
  for (int k = 0; k < 4 && c->place < 0; k++) {
    const int x = column_of(d, names[k][0]);
    if (x < 0 || column_of(d, names[k][1]) != x + 1 || column_of(d, names[k][2]) != x + 2) continue;
    c->place = x;
    c->scaled = k >= 2;
  }
  if (c->place < 0) return bad(d, error, "there are no columns x y z, xu yu zu, xs ys zs or xsu ysu zsu side by side");
  if (d->n_elements > 0 && c->type < 0) return bad(d, error, "elements are given, but there is no column type");
  if (d->n_elements == 0 && c->element < 0)
    return ftl_fail(error, FTL_ERR_INPUT, d->in.path,
                    "it has no column element: give the elements of its types, in order (--elements Ti,Al)");
  return FTL_OK;
}

static ftl_status read_element(const dump *d, const columns *c, int *element, ftl_error *error) {
  int64_t type;
  if (d->n_elements == 0) {
    *element = ftl_atomic_number(d->in.word[c->element]);
    return *element ? FTL_OK : bad(d, error, "'%.20s' is no chemical symbol", d->in.word[c->element]);
  }
  if (!ftl_lammps_whole(&d->in, c->type, &type) || type < 1)
    return bad(d, error, "'%.20s' is no type of an atom", d->in.word[c->type]);
  if (type > d->n_elements)
    return bad(d, error, "an atom has type %lld, and %d elements are given for the types", (long long)type,
               d->n_elements);
  *element = d->element[type - 1];
  return FTL_OK;
}

static ftl_status read_atom(dump *d, const columns *c, atom *a, ftl_error *error) {
  FTL_TRY(next(d, error));
  if (d->in.n_words != c->n)
    return bad(d, error, "an atom has %d columns, as ITEM: ATOMS says; here are %d", c->n, d->in.n_words);
  FTL_TRY(read_element(d, c, &a->element, error));
  if (c->id >= 0 && !ftl_lammps_whole(&d->in, c->id, &a->id))
    return bad(d, error, "'%.40s' is no id of an atom", d->in.word[c->id]);
  for (int k = 0; k < 3; k++)
    if (!ftl_parse_real(d->in.word[c->place + k], &a->place[k]))
      return bad(d, error, "'%.40s' is not a number", d->in.word[c->place + k]);
  return FTL_OK;
}

static int by_id(const void *left, const void *right) {
  const int64_t a = ((const atom *)left)->id, b = ((const atom *)right)->id;
  return (a > b) - (a < b);
}

static ftl_status read_atoms(dump *d, columns *c, ftl_error *error) {
  FTL_TRY(find_columns(d, c, error));
  if (d->atoms < 1 || !d->has_box)
    return bad(d, error, "the snapshot does not say how many atoms and which box it has");
  FTL_TRY(FTL_GROW(d->atom, d->room, (size_t)d->atoms, "a snapshot", error));
  for (int64_t i = 0; i < d->atoms; i++) FTL_TRY(read_atom(d, c, &d->atom[i], error));
  if (c->id >= 0) qsort(d->atom, (size_t)d->atoms, sizeof *d->atom, by_id);
  for (int64_t i = 1; i < d->atoms && c->id >= 0; i++)
    if (d->atom[i].id == d->atom[i - 1].id)
      return bad(d, error, "two atoms have the id %lld", (long long)d->atom[i].id);
  return FTL_OK;
}

static void fill(const dump *d, bool scaled, ftl_structure *s) {
  ftl_lammps_cell(d->low, d->high, d->tilt, s->cell);
  for (int i = 0; i < s->n; i++) {
    const double *place = d->atom[i].place;
    s->atomic_number[i] = d->atom[i].element;
    for (int c = 0; c < 3; c++)
      s->position[i][c] =
          scaled ? d->low[c] + place[0] * s->cell[0][c] + place[1] * s->cell[1][c] + place[2] * s->cell[2][c]
                 : place[c];
  }
  memcpy(s->pbc, d->pbc, sizeof s->pbc);
  s->has_cell = true;
  s->volume = d->pbc[0] && d->pbc[1] && d->pbc[2] ? s->cell[0][0] * s->cell[1][1] * s->cell[2][2] : 0;
}

static ftl_status add(dump *d, bool scaled, int64_t line, ftl_dataset *to, ftl_error *error) {
  FTL_TRY(FTL_GROW(to->structure, to->room, (size_t)to->n + 1, "structures", error));
  ftl_structure *made = &to->structure[to->n];
  *made = (ftl_structure){0};
  ftl_status status = ftl_structure_new((int)d->atoms, d->in.path, made, error);
  if (status) {
    ftl_structure_free(made);
    return status;
  }
  fill(d, scaled, made);
  made->frame = to->n++;
  made->line = line;
  return FTL_OK;
}

/* ---- snapshots ---- */

static ftl_status read_snapshot(dump *d, ftl_dataset *to, ftl_error *error) {
  const int64_t line = d->in.line;
  columns c;
  d->atoms = -1;
  d->has_box = false;
  for (bool first = true;; first = false) { /* up to the atoms, in any order */
    if (!first) FTL_TRY(next(d, error));
    if (is_item(d, "ATOMS", NULL)) break;
    if (is_item(d, "BOX", "BOUNDS")) {
      FTL_TRY(read_box(d, error));
    } else if (is_item(d, "NUMBER", "OF")) {
      FTL_TRY(next(d, error));
      if (!ftl_lammps_whole(&d->in, 0, &d->atoms) || d->atoms < 1 || !ftl_lammps_has_room(&d->in, d->atoms))
        return bad(d, error, "'%.40s' is no number of atoms that the file has", d->in.word[0]);
    } else if (ftl_lammps_is(&d->in, 0, "ITEM:")) {
      FTL_TRY(next(d, error)); /* TIMESTEP, TIME, UNITS: a line each */
    } else {
      return bad(d, error, "'%.40s' is where ITEM: ... of a dump is expected", d->in.word[0]);
    }
  }
  FTL_TRY(read_atoms(d, &c, error));
  return add(d, c.scaled, line, to, error);
}

ftl_status ftl_starts_read_dump(const char *path, const int *element, int n_elements, ftl_dataset *structures,
                                ftl_error *error) {
  dump d = {.element = element, .n_elements = n_elements};
  ftl_status status = ftl_lammps_open(path, &d.in, error);
  while (!status) {
    status = ftl_lammps_next(&d.in, error);
    if (status || d.in.n_words == 0) break;
    status = read_snapshot(&d, structures, error);
  }
  if (!status && structures->n == 0) status = bad(&d, error, "there is no snapshot in it");
  ftl_lammps_close(&d.in);
  free(d.atom);
  return status;
}

bool ftl_starts_is_dump(const char *path) {
  char begin[6];
  FILE *file = fopen(path, "r");
  const bool is = file && fread(begin, 1, sizeof begin, file) == sizeof begin && memcmp(begin, "ITEM: ", 6) == 0;
  if (file) fclose(file);
  return is;
}
