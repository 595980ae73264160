/* Columns of the atom lines of an extended XYZ frame: elements and numbers. */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "data/xyz_internal.h"
#include "base/error.h"

const char *ftl_xyz_word(const ftl_xyz_frame *frame, int i, int column) {
  return frame->text + frame->word[(size_t)i * (size_t)frame->n_columns + (size_t)column];
}

const ftl_xyz_property *ftl_xyz_find_property(const ftl_xyz_frame *frame, const char *name) {
  for (int k = 0; k < frame->n_properties; k++)
    if (strcmp(frame->property[k].name, name) == 0) return &frame->property[k];
  return NULL;
}

bool ftl_xyz_has_column(const ftl_xyz_frame *frame, const char *name) {
  return ftl_xyz_find_property(frame, name) != NULL;
}

ftl_status ftl_xyz_read_reals(const ftl_xyz_frame *frame, int i, const ftl_xyz_property *property, double *values,
                              ftl_error *error) {
  for (int c = 0; c < property->columns; c++) {
    const char *word = ftl_xyz_word(frame, i, property->first + c);
    if (!ftl_parse_real(word, &values[c]))
      return ftl_xyz_fail(frame, ftl_xyz_atom_line(frame, i), error,
                          "atom %d: \"%.40s\" in %s (column %d) is not a finite number", i, word, property->name,
                          property->first + c + 1);
  }
  return FTL_OK;
}

bool ftl_xyz_column_is_blank(const ftl_xyz_frame *frame, const char *name) {
  const ftl_xyz_property *property = ftl_xyz_find_property(frame, name);
  if (!property) return false;
  for (int i = 0; i < frame->n; i++)
    for (int c = 0; c < property->columns; c++)
      if (!ftl_xyz_is_blank(ftl_xyz_word(frame, i, property->first + c))) return false;
  return true;
}

ftl_status ftl_xyz_column(const ftl_xyz_frame *frame, const char *name, int columns, double *values, ftl_error *error) {
  const ftl_xyz_property *property = ftl_xyz_find_property(frame, name);
  if (!property) return ftl_xyz_fail(frame, frame->line + 1, error, "Properties has no %s", name);
  if (property->columns != columns || property->type == 'S' || property->type == 'L')
    return ftl_xyz_fail(frame, frame->line + 1, error, "Properties has %s:%c:%d where %s:R:%d is needed", name,
                        property->type, property->columns, name, columns);
  for (int i = 0; i < frame->n; i++) {
    FTL_TRY(ftl_xyz_read_reals(frame, i, property, values + (size_t)i * (size_t)columns, error));
  }
  return FTL_OK;
}

/* ---- species ---- */

/* Why a word is no element, and how it is spelt. */
static ftl_status not_an_element(const ftl_xyz_frame *frame, int i, const char *word, const char *column, bool numbers,
                                 ftl_error *error) {
  const int64_t line = ftl_xyz_atom_line(frame, i);
  const size_t letters = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
  char symbol[3] = {(char)toupper((unsigned char)word[0]), letters > 1 ? (char)tolower((unsigned char)word[1]) : 0, 0};
  if (numbers)
    return ftl_xyz_fail(frame, line, error,
                        "atom %d: \"%.20s\" in %s is not an atomic number (1 to 118) nor a chemical element", i, word,
                        column);
  if (word[0] && !word[strspn(word, "+-0123456789.")])
    return ftl_xyz_fail(
        frame, line, error,
        "atom %d: \"%.20s\" is not a chemical element; species are symbols (H, Cu), since a number may "
        "be a type of LAMMPS as well as an atomic number: write symbols (LAMMPS: dump_modify element), or "
        "name a column of atomic numbers Z:I:1",
        i, word);
  if (strcmp(word, "D") == 0 || strcmp(word, "T") == 0)
    return ftl_xyz_fail(
        frame, line, error,
        "atom %d: \"%s\" is an isotope of hydrogen: write H (a potential does not know masses; they are "
        "set where atoms move)",
        i, word);
  if (strcmp(word, "X") == 0 || strcmp(word, "Xx") == 0)
    return ftl_xyz_fail(frame, line, error, "atom %d: \"%s\" is a dummy atom, not a chemical element: remove it", i,
                        word);
  if (letters >= 1 && letters <= 2 && !ftl_atomic_number(symbol)) symbol[1] = 0; /* OW: O */
  if (letters >= 1 && letters <= 2 && ftl_atomic_number(symbol))
    return ftl_xyz_fail(frame, line, error, "atom %d: \"%.20s\" is not a chemical element; is it %s? Write it so", i,
                        word, symbol);
  return ftl_xyz_fail(frame, line, error,
                      "atom %d: \"%.20s\" is not a chemical element; symbols are spelt H, Cu, without labels", i, word);
}

/* Atomic numbers only where the column says that it has them: elsewhere a number may be a type of LAMMPS. */
ftl_status ftl_xyz_read_species(ftl_xyz_frame *frame, int i, const ftl_xyz_property *species, ftl_error *error) {
  const char *word = ftl_xyz_word(frame, i, species->first);
  const bool numbers = strcmp(species->name, "species") != 0;
  char *end;
  int z = ftl_atomic_number(word);
  if (z == 0 && numbers && *word >= '1' && *word <= '9') {
    long number = strtol(word, &end, 10);
    if (!*end && number <= INT_MAX && ftl_element_symbol((int)number)) z = (int)number;
  }
  if (z == 0) return not_an_element(frame, i, word, species->name, numbers, error);
  frame->atomic_number[i] = z;
  return FTL_OK;
}
