/* Extended XYZ files, one frame at a time.

     4                                                             number of atoms
     Lattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 REF_energy=-3.2 pbc="T T F"
     Cu 0.0 0.0 0.0                                                as many lines as atoms, columns as in Properties
     ...

   The conventions are ASE's. Lattice: nine numbers, the three vectors one after another (or three numbers: a box).
   pbc: three of T/F/1/0; without it a frame with a Lattice is periodic in every direction and one without is not.
   Properties: NAME:TYPE:COLUMNS repeated, TYPE one of S R I L, in any order; pos:R:3 is needed, and species:S:1
   (symbols) or Z:I:1, numbers:I:1 or atomic_numbers:I:1 (numbers, or symbols): a number under species may be a type of
   LAMMPS and is refused. Without Properties every line is "symbol x y z" and a comment that is not key=value is kept
   under the key `comment`. Values may be quoted with "" or '', or bracketed with {} or []; a key alone means T. A
   stress has nine values or Voigt's six (xx yy zz yz xz xy), in eV/Angstrom^3, positive when the cell wants to shrink
   (ASE: dE/dstrain / volume); a virial is -stress * volume.

   A file that is packed with gzip is unpacked as it is read, standard input too. Lattice, pbc, Properties and names of
   columns may not be given twice; another key may, as long as nobody reads it (ftl_xyz_once).

   Everything that a frame holds beside what is parsed stays as text, so that writing a frame gives back its columns
   and keys unchanged.

   Frames and atoms count from 0, lines from 1. Errors: FTL_ERR_IO, FTL_ERR_MEMORY and FTL_ERR_FORMAT, whose `where` is
   "FILE, line L, frame F"; one of a file that is no XYZ file names its format and what converts it (data/formats.h).
   Nothing here is shared between frames: different ones may be used by different threads. */
#ifndef FTL_XYZ_H
#define FTL_XYZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/numbers.h"
#include "frozentl.h"

typedef struct {
  char *key;
  char *value; /* without quotes and escapes */
  char *raw;   /* as in the file, key and quotes included; NULL when set by ftl_xyz_set */
} ftl_xyz_entry;

typedef struct {
  char *name;
  char type;   /* S R I L */
  int columns; /* how many */
  int first;   /* the first of them */
} ftl_xyz_property;

/* Zero-initialise before the first read. Everything is owned by the frame, save `path`. */
typedef struct {
  const char *path;      /* of the reader's file; lives as long as the reader */
  int64_t index;         /* of this frame in the file */
  int64_t line;          /* where it begins: the line with the number of atoms */
  int n;                 /* atoms, at least 1 */
  int *atomic_number;    /* [n] */
  double (*position)[3]; /* [n], Angstrom, finite */
  bool has_cell;
  double cell[3][3]; /* rows are vectors; zero without a Lattice */
  int pbc[3];
  int n_entries; /* of the comment line, in order, without Properties */
  ftl_xyz_entry *entry;
  char repeated[64]; /* a key that stands twice (the first counts), shortened if need be; "" if there is none */
  int n_properties;  /* in order, species and pos included */
  ftl_xyz_property *property;
  int n_columns;

  /* private: the words of the atom lines */
  size_t entry_room, property_room, atom_room, word_room, text_room, text_used;
  size_t *word; /* [n * n_columns] offsets into text */
  char *text;
} ftl_xyz_frame;

typedef struct ftl_xyz_reader ftl_xyz_reader;

/* path "-" is standard input. */
ftl_status ftl_xyz_open(const char *path, ftl_xyz_reader **reader, ftl_error *error);
/* The next frame; *end becomes true, and the frame is left alone, when there is none. Blank lines between frames and at
   the end are allowed. An empty file has no frame and is no error here. */
ftl_status ftl_xyz_read(ftl_xyz_reader *reader, ftl_xyz_frame *frame, bool *end, ftl_error *error);
void ftl_xyz_close(ftl_xyz_reader *reader);

/* "FILE, line L, frame F", for the `where` of errors about a frame. */
void ftl_xyz_where(const ftl_xyz_frame *frame, int64_t line, char where[256]);
/* The line of atom i. */
int64_t ftl_xyz_atom_line(const ftl_xyz_frame *frame, int i);

/* Frees what a frame owns and zeroes it. */
void ftl_xyz_frame_free(ftl_xyz_frame *frame);

/* Value of a key of the comment line, or NULL. */
const char *ftl_xyz_value(const ftl_xyz_frame *frame, const char *key);
/* FTL_ERR_FORMAT if the key is given twice: for keys that mean something. */
ftl_status ftl_xyz_once(const ftl_xyz_frame *frame, const char *key, ftl_error *error);
/* The value as a finite number; the key must be there. */
ftl_status ftl_xyz_real(const ftl_xyz_frame *frame, const char *key, double *value, ftl_error *error);
/* The value as a 3x3 matrix, from nine or six numbers; the key must be there. */
ftl_status ftl_xyz_matrix(const ftl_xyz_frame *frame, const char *key, double matrix[3][3], ftl_error *error);

/* Whether a text says that a value was not computed, as scripts do: nothing, or all its words are nan, None, null, NA
   or
   "--" (a masked value), however they are bracketed. inf is a failure, not a missing value. */
bool ftl_xyz_is_blank(const char *text);
bool ftl_xyz_has_column(const ftl_xyz_frame *frame, const char *name);
bool ftl_xyz_column_is_blank(const ftl_xyz_frame *frame, const char *name); /* in all atoms; false: not there */
/* values[n][columns]: the property as finite numbers; it must be there and have that many columns. */
ftl_status ftl_xyz_column(const ftl_xyz_frame *frame, const char *name, int columns, double *values, ftl_error *error);

/* Replaces or adds a key, wherever it stands twice; value NULL removes it. */
ftl_status ftl_xyz_set(ftl_xyz_frame *frame, const char *key, const char *value, ftl_error *error);

/* Columns to write after (or, by the same name, instead of) those of the frame. */
typedef struct {
  const char *name;
  int columns;
  const double *values; /* [n][columns] */
} ftl_xyz_extra;

/* Writes one frame. FTL_ERR_IO when the stream refuses. */
ftl_status ftl_xyz_write(FILE *stream, const ftl_xyz_frame *frame, const ftl_xyz_extra *extra, int n_extra,
                         ftl_error *error);

#endif
