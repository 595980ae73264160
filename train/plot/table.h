/* Reading CSV files (RFC 4180) whose first line names the columns, line by line. */
#ifndef FTL_TABLE_H
#define FTL_TABLE_H

#include <stdbool.h>

#include "frozentl.h"

typedef struct ftl_table ftl_table;

/* FTL_ERR_IO; FTL_ERR_FORMAT for a file without a line of names or with a name twice; FTL_ERR_MEMORY. */
ftl_status ftl_table_open(const char *path, ftl_table **table, ftl_error *error);
void ftl_table_close(ftl_table *table);

/* Index of a column; -1 if there is none. */
int ftl_table_find(const ftl_table *table, const char *name);
/* Indices of names[n], all of which must be there: FTL_ERR_FORMAT names the first that is not. */
ftl_status ftl_table_columns(const ftl_table *table, int n, const char *const *names, int *column, ftl_error *error);

/* The next line, which must have as many cells as the first; *end is true after the last one. Empty lines are skipped.
 */
ftl_status ftl_table_next(ftl_table *table, bool *end, ftl_error *error);
/* A cell of that line. Lives until the next one is read. */
const char *ftl_table_text(const ftl_table *table, int column);
/* A cell as a number. An empty one is NAN; nan and inf are refused unless `any`. FTL_ERR_FORMAT with line and column.
 */
ftl_status ftl_table_number(const ftl_table *table, int column, bool any, double *value, ftl_error *error);
/* The same for a cell that must not be empty. */
ftl_status ftl_table_value(const ftl_table *table, int column, double *value, ftl_error *error);

/* Called for a line; column[k] is the index of names[k]. */
typedef ftl_status ftl_table_line(void *self, const ftl_table *table, const int *column, ftl_error *error);
/* Opens a table with the columns names[n] (at most FTL_TABLE_NAMES), calls `line` for all lines in turn up to the first
   that fails, and closes it. */
#define FTL_TABLE_NAMES 16
ftl_status ftl_table_read(const char *path, int n, const char *const *names, ftl_table_line *line, void *self,
                          ftl_error *error);

/* FTL_ERR_FORMAT, with "FILE, line L" of the line as where. */
ftl_status ftl_table_fail(const ftl_table *table, ftl_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
