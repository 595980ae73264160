/* Tables of errors and answers as CSV, which `frozentl plot` draws. */
#ifndef FTL_ERROR_CSV_H
#define FTL_ERROR_CSV_H

#include <stdio.h>

#include "data/labels.h"

/* The line of names; then, per set, a line per config_type and their total. eV (per atom), eV/Angstrom, eV/Angstrom^3;
   nothing where there are no labels. The stream's errors are the caller's to look for. */
void ftl_error_csv_begin(FILE *stream);
void ftl_error_csv_set(FILE *stream, const char *set, const ftl_error_table *table);

/* What other tables need: a name, quoted where it must be, and ",VALUE" (nothing behind the comma for NAN). */
void ftl_csv_name(FILE *stream, const char *name);
void ftl_csv_real(FILE *stream, double value);

#endif
