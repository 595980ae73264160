/* Shared by the files of the XYZ reader and writer. */
#ifndef FTL_XYZ_INTERNAL_H
#define FTL_XYZ_INTERNAL_H

#include "data/xyz.h"

/* Fails with the place "FILE, line L, frame F". */
ftl_status ftl_xyz_fail(const ftl_xyz_frame *frame, int64_t line, ftl_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills entries, properties, cell and pbc from the comment line of frame->line + 1. Modifies nothing of `text`. */
ftl_status ftl_xyz_parse_comment(ftl_xyz_frame *frame, const char *text, ftl_error *error);

/* Numbers of a value: separated by spaces, commas or brackets, with or without ASE's "_JSON" in front. Returns how
   many, or -1 when a word is not a finite number or there are more than `max`. */
int ftl_xyz_numbers(const char *text, double *values, int max);

/* The word of atom i in a column, counted over all properties. */
const char *ftl_xyz_word(const ftl_xyz_frame *frame, int i, int column);
/* The column of this name, or NULL. */
const ftl_xyz_property *ftl_xyz_find_property(const ftl_xyz_frame *frame, const char *name);
/* The element, and the numbers, of atom i whose line was cut into words. */
ftl_status ftl_xyz_read_species(ftl_xyz_frame *frame, int i, const ftl_xyz_property *species, ftl_error *error);
ftl_status ftl_xyz_read_reals(const ftl_xyz_frame *frame, int i, const ftl_xyz_property *property, double *values,
                              ftl_error *error);

/* Frees the entries and properties, keeping the lists. */
void ftl_xyz_clear(ftl_xyz_frame *frame);

#endif
