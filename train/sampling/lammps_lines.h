/* Lines of LAMMPS's text files in words: data files and dumps. */
#ifndef FTL_LAMMPS_LINES_H
#define FTL_LAMMPS_LINES_H

#include <stdbool.h>
#include <stdio.h>

#include "frozentl.h"

enum { FTL_LAMMPS_WORDS = 64 };

typedef struct {
  const char *path; /* the caller's */
  FILE *stream;
  char *text;
  size_t room;
  int64_t line;  /* of the file, from 1 */
  char *comment; /* behind a #, or NULL */
  int n_words;   /* of the line; 0 at the end of the file */
  char *word[FTL_LAMMPS_WORDS];
} ftl_lammps_lines;

/* FTL_ERR_IO. Close it also after a failure. */
ftl_status ftl_lammps_open(const char *path, ftl_lammps_lines *lines, ftl_error *error);
void ftl_lammps_close(ftl_lammps_lines *lines);

/* The next line that is not blank. FTL_ERR_IO; FTL_ERR_FORMAT: too many words. */
ftl_status ftl_lammps_next(ftl_lammps_lines *lines, ftl_error *error);
/* Word k is this one. */
bool ftl_lammps_is(const ftl_lammps_lines *lines, int k, const char *word);
/* Word k is a whole number. */
bool ftl_lammps_whole(const ftl_lammps_lines *lines, int k, int64_t *value);
/* The file has room for so many atoms: a header must not make memory of nothing. */
bool ftl_lammps_has_room(const ftl_lammps_lines *lines, int64_t atoms);

/* FTL_ERR_FORMAT with "FILE, line L". */
ftl_status ftl_lammps_bad(const ftl_lammps_lines *lines, ftl_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The cell of a box: vectors (x, 0, 0), (xy, y, 0), (xz, yz, z); tilt is xy xz yz. */
void ftl_lammps_cell(const double low[3], const double high[3], const double tilt[3], double cell[3][3]);

#endif
