/* Data files of LAMMPS, atom_style atomic. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"
#include "sampling/lammps_lines.h"
#include "sampling/starts.h"
#include "sampling/structures.h"

typedef struct {
  ftl_lammps_lines in;
  int64_t atoms, types; /* -1: not said yet */
  bool has_side[3];
  double low[3], high[3], tilt[3]; /* xy xz yz */
  const int *element;
  int n_elements;
  int64_t *id; /* [atoms] 0: not there yet */
  ftl_structure made;
  bool has_atoms;
} reader;

#define bad(r, error, ...) ftl_lammps_bad(&(r)->in, error, __VA_ARGS__)

static bool is(const reader *r, int k, const char *word) { return ftl_lammps_is(&r->in, k, word); }

static ftl_status ended(const reader *r, const char *section, ftl_error *error) {
  return bad(r, error, "the file ends within the section %s", section);
}

/* ---- header ---- */

static ftl_status read_side(reader *r, int axis, ftl_error *error) {
  if (!ftl_parse_real(r->in.word[0], &r->low[axis]) || !ftl_parse_real(r->in.word[1], &r->high[axis]) ||
      !(r->high[axis] > r->low[axis]))
    return bad(r, error, "'%.30s %.30s' are not the bounds of a box", r->in.word[0], r->in.word[1]);
  r->has_side[axis] = true;
  return FTL_OK;
}

static ftl_status read_count(reader *r, ftl_error *error) {
  int64_t count;
  if (!ftl_lammps_whole(&r->in, 0, &count) || count < 0)
    return bad(r, error, "'%.40s' is neither a line of the header nor a section that is known", r->in.word[0]);
  if (r->in.n_words == 2 && is(r, 1, "atoms")) r->atoms = count;
  else if (r->in.n_words == 3 && is(r, 1, "atom") && is(r, 2, "types")) r->types = count;
  else if (count > 0)
    return bad(r, error, "'%.40s %.40s' are not for atom_style atomic; write_data of such a system works",
               r->in.n_words > 1 ? r->in.word[1] : "", r->in.n_words > 2 ? r->in.word[2] : "");
  return FTL_OK;
}

static ftl_status read_header_line(reader *r, ftl_error *error) {
  static const char *const side[3][2] = {{"xlo", "xhi"}, {"ylo", "yhi"}, {"zlo", "zhi"}};
  if (r->has_atoms) /* memory was made for what the header said before */
    return bad(r, error,
               "'%.40s' is neither a section that is known nor, behind the section Atoms, a line of the header",
               r->in.word[0]);
  for (int axis = 0; axis < 3; axis++)
    if (r->in.n_words == 4 && is(r, 2, side[axis][0]) && is(r, 3, side[axis][1])) return read_side(r, axis, error);
  if (r->in.n_words == 6 && is(r, 3, "xy") && is(r, 4, "xz") && is(r, 5, "yz")) {
    for (int k = 0; k < 3; k++)
      if (!ftl_parse_real(r->in.word[k], &r->tilt[k])) return bad(r, error, "'%.40s' is not a number", r->in.word[k]);
    return FTL_OK;
  }
  return read_count(r, error);
}

/* ---- sections ---- */

static ftl_status begin_atoms(reader *r, ftl_error *error) {
  if (r->has_atoms) return bad(r, error, "there is a second section Atoms");
  char *rest = NULL;
  const char *style = r->in.comment ? strtok_r(r->in.comment, " \t\r\n", &rest) : NULL;
  if (style && strcmp(style, "atomic") != 0)
    return bad(r, error, "the atoms are of style '%.40s'; only atomic can be read", style);
  if (r->atoms > 0 && !ftl_lammps_has_room(&r->in, r->atoms))
    return bad(r, error, "the header says that there are %lld atoms, which the file has no room for",
               (long long)r->atoms);
  if (r->atoms < 1 || r->types < 1)
    return bad(r, error, "the header says nothing of 'atoms' and 'atom types', or that there are none");
  if (!r->has_side[0] || !r->has_side[1] || !r->has_side[2])
    return bad(r, error, "the header does not give the box (xlo xhi, ylo yhi, zlo zhi)");
  if (r->types != r->n_elements)
    return ftl_fail(error, FTL_ERR_INPUT, r->in.path, "it has %lld atom types, and %d elements are given for them",
                    (long long)r->types, r->n_elements);
  r->has_atoms = true;
  r->id = calloc((size_t)r->atoms, sizeof *r->id);
  if (!r->id) return ftl_no_memory(error, r->in.path, "%lld atoms", (long long)r->atoms);
  return ftl_structure_new((int)r->atoms, r->in.path, &r->made, error);
}

static ftl_status read_atom(reader *r, int i, ftl_error *error) {
  int64_t type;
  if (r->in.n_words != 5 && r->in.n_words != 8)
    return bad(r, error, "an atom has the words: id type x y z [three image flags]; here are %d", r->in.n_words);
  if (!ftl_lammps_whole(&r->in, 0, &r->id[i]) || r->id[i] < 1)
    return bad(r, error, "'%.40s' is no id of an atom", r->in.word[0]);
  if (!ftl_lammps_whole(&r->in, 1, &type) || type < 1 || type > r->types)
    return bad(r, error, "'%.40s' is none of the atom types 1 to %lld", r->in.word[1], (long long)r->types);
  for (int c = 0; c < 3; c++)
    if (!ftl_parse_real(r->in.word[2 + c], &r->made.position[i][c]))
      return bad(r, error, "'%.40s' is not a number", r->in.word[2 + c]);
  r->made.atomic_number[i] = r->element[type - 1];
  return FTL_OK;
}

static ftl_status read_section(reader *r, ftl_error *error) {
  const bool atoms = is(r, 0, "Atoms"), masses = is(r, 0, "Masses");
  const char *name = atoms ? "Atoms" : masses ? "Masses" : "Velocities";
  ftl_status status = atoms ? begin_atoms(r, error) : FTL_OK;
  const int64_t lines = masses ? r->types : r->atoms;
  for (int64_t i = 0; !status && i < lines; i++) {
    status = ftl_lammps_next(&r->in, error);
    if (!status && r->in.n_words == 0) status = ended(r, name, error);
    if (!status && atoms) status = read_atom(r, (int)i, error);
    else if (!status && r->in.n_words != (masses ? 2 : 4))
      status = bad(r, error, "a line of the section %s has %d words; here are %d", name, masses ? 2 : 4, r->in.n_words);
  }
  return status;
}

static bool is_section(const reader *r) {
  return r->in.n_words == 1 && (is(r, 0, "Atoms") || is(r, 0, "Masses") || is(r, 0, "Velocities"));
}

/* ---- all of it ---- */

static int by_id(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static ftl_status finish(reader *r, ftl_error *error) {
  if (!r->has_atoms) return bad(r, error, "there is no section Atoms: is this a data file of LAMMPS?");
  qsort(r->id, (size_t)r->atoms, sizeof *r->id, by_id);
  for (int64_t i = 1; i < r->atoms; i++)
    if (r->id[i] == r->id[i - 1]) return bad(r, error, "two atoms have the id %lld", (long long)r->id[i]);
  ftl_structure *s = &r->made;
  ftl_lammps_cell(r->low, r->high, r->tilt, s->cell);
  s->volume = s->cell[0][0] * s->cell[1][1] * s->cell[2][2];
  s->has_cell = true;
  s->line = 1;
  s->pbc[0] = s->pbc[1] = s->pbc[2] = 1;
  return FTL_OK;
}

static ftl_status read_file(reader *r, ftl_error *error) {
  r->in.line = 1; /* the first one is a remark, whatever it says */

  if (getline(&r->in.text, &r->in.room, r->in.stream) <= 0) return bad(r, error, "the file is empty");
  for (;;) {
    FTL_TRY(ftl_lammps_next(&r->in, error));
    if (r->in.n_words == 0) return finish(r, error);
    FTL_TRY(is_section(r) ? read_section(r, error) : read_header_line(r, error));
  }
}

ftl_status ftl_starts_read_lammps(const char *path, const int *element, int n_elements, ftl_dataset *starts,
                                  ftl_error *error) {
  reader r = {.element = element, .n_elements = n_elements, .atoms = -1, .types = -1};
  ftl_status status = ftl_lammps_open(path, &r.in, error);
  if (!status) status = read_file(&r, error);
  if (!status) status = FTL_GROW(starts->structure, starts->room, (size_t)starts->n + 1, "structures", error);
  if (!status) starts->structure[starts->n++] = r.made;
  else ftl_structure_free(&r.made);
  ftl_lammps_close(&r.in);
  free(r.id);
  return status;
}
