#include "plot/table.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

#define MAX_LINE  (1 << 20) /* bytes: a file that is no table may have no line end */
#define MAX_CELLS 1000

struct ftl_table {
  FILE *file;
  char *path;
  int64_t line, next_line; /* of the record in `text`, and of the one after it */
  char *text;              /* cells, each ended by 0 */
  size_t used, room;
  size_t cell[MAX_CELLS]; /* where they begin */
  int n_cells;
  char **name;
  int n_names;
};

ftl_status ftl_table_fail(const ftl_table *table, ftl_error *error, const char *format, ...) {
  char message[512], where[256];
  /* a long path loses its beginning rather than the line number */
  size_t length = strlen(table->path), most = sizeof where - 40;
  snprintf(where, sizeof where, "%s%s, line %lld", length > most ? "..." : "",
           length > most ? table->path + length - most : table->path, (long long)table->line);
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return ftl_fail(error, FTL_ERR_FORMAT, where, "%s", message);
}

static ftl_status put(ftl_table *table, int c, ftl_error *error) {
  if (table->used == table->room) {
    size_t room = table->room ? 2 * table->room : 256;
    if (room > MAX_LINE) return ftl_table_fail(table, error, "this line is longer than 1 MB: the file is no CSV table");
    char *text = realloc(table->text, room);
    if (!text) return ftl_fail(error, FTL_ERR_MEMORY, table->path, "out of memory");
    table->text = text;
    table->room = room;
  }
  table->text[table->used++] = (char)c;
  return FTL_OK;
}

/* One cell up to its separator, which is returned in *last: ',', '\n' or EOF. */
static ftl_status read_cell(ftl_table *table, int *last, ftl_error *error) {
  int c = getc(table->file);
  bool quoted = c == '"';
  if (quoted) c = getc(table->file);
  for (;; c = getc(table->file)) {
    if (quoted && c == '"') {
      c = getc(table->file);
      if (c != '"') {
        quoted = false;
        if (c == '\r') c = getc(table->file);
        if (c != ',' && c != '\n' && c != EOF)
          return ftl_table_fail(table, error, "after a closing quote there is '%c' in place of a comma", c);
        break;
      }
    } else if (c == EOF && quoted) {
      return ftl_table_fail(table, error, "a quote is opened here and never closed");
    } else if (!quoted && (c == ',' || c == '\n' || c == EOF)) {
      break;
    } else if (!quoted && c == '\r') {
      c = getc(table->file);
      if (c == '\n' || c == EOF) break;
      return ftl_table_fail(table, error, "a carriage return inside the line: the file is no CSV table");
    } else if (c == 0) {
      return ftl_table_fail(table, error, "it has a byte 0: the file is no text");
    }
    if (c == '\n') table->next_line++;
    ftl_status status = put(table, c, error);
    if (status != FTL_OK) return status;
  }
  *last = c;
  return put(table, 0, error);
}

static ftl_status read_record(ftl_table *table, bool *end, ftl_error *error) {
  int last = '\n';
  do {
    table->line = table->next_line++;
    table->used = 0;
    table->n_cells = 0;
    do {
      if (table->n_cells == MAX_CELLS)
        return ftl_table_fail(table, error, "this line has more than %d cells: the file is no CSV table", MAX_CELLS);
      table->cell[table->n_cells++] = table->used;
      ftl_status status = read_cell(table, &last, error);
      if (status != FTL_OK) return status;
    } while (last == ',');
  } while (last == '\n' && table->used == 1);
  *end = last == EOF && table->used == 1;
  if (ferror(table->file)) return ftl_fail(error, FTL_ERR_IO, table->path, "cannot read it: %s", strerror(errno));
  return FTL_OK;
}

static ftl_status read_names(ftl_table *table, ftl_error *error) {
  bool end = false;
  int mark[3]; /* spreadsheets begin a file with U+FEFF */
  for (int k = 0; k < 3; k++) mark[k] = getc(table->file);
  if (mark[0] != 0xEF || mark[1] != 0xBB || mark[2] != 0xBF) rewind(table->file);
  ftl_status status = read_record(table, &end, error);
  if (status != FTL_OK) return status;
  if (end)
    return ftl_fail(error, FTL_ERR_FORMAT, table->path, "it is empty: a line with the names of the columns is missing");
  table->name = calloc((size_t)table->n_cells, sizeof *table->name);
  if (!table->name) return ftl_fail(error, FTL_ERR_MEMORY, table->path, "out of memory");
  for (int k = 0; k < table->n_cells; k++) {
    if (ftl_table_find(table, ftl_table_text(table, k)) >= 0)
      return ftl_table_fail(table, error, "two columns are named '%.60s'", ftl_table_text(table, k));
    table->name[k] = strdup(ftl_table_text(table, k));
    if (!table->name[k]) return ftl_fail(error, FTL_ERR_MEMORY, table->path, "out of memory");
    table->n_names++;
  }
  return FTL_OK;
}

ftl_status ftl_table_open(const char *path, ftl_table **out, ftl_error *error) {
  struct stat info;
  *out = NULL;
  ftl_table *table = calloc(1, sizeof *table);
  if (!table || !(table->path = strdup(path))) {
    ftl_table_close(table);
    return ftl_fail(error, FTL_ERR_MEMORY, path, "out of memory");
  }
  table->next_line = 1;
  table->file = fopen(path, "r");
  ftl_status status = FTL_OK;
  if (!table->file || fstat(fileno(table->file), &info) != 0)
    status = ftl_fail(error, FTL_ERR_IO, path, "cannot read it: %s", strerror(errno));
  else if (!S_ISREG(info.st_mode)) status = ftl_fail(error, FTL_ERR_IO, path, "cannot read it: it is no regular file");
  if (status == FTL_OK) status = read_names(table, error);
  if (status != FTL_OK) {
    ftl_table_close(table);
    return status;
  }
  *out = table;
  return FTL_OK;
}

void ftl_table_close(ftl_table *table) {
  if (!table) return;
  if (table->file) fclose(table->file);
  for (int k = 0; k < table->n_names; k++) free(table->name[k]);
  free(table->name);
  free(table->text);
  free(table->path);
  free(table);
}

int ftl_table_find(const ftl_table *table, const char *name) {
  for (int k = 0; k < table->n_names; k++)
    if (strcmp(table->name[k], name) == 0) return k;
  return -1;
}

ftl_status ftl_table_columns(const ftl_table *table, int n, const char *const *names, int *column, ftl_error *error) {
  for (int k = 0; k < n; k++) {
    column[k] = ftl_table_find(table, names[k]);
    if (column[k] < 0) return ftl_table_fail(table, error, "it names no column '%s'", names[k]);
  }
  return FTL_OK;
}

ftl_status ftl_table_next(ftl_table *table, bool *end, ftl_error *error) {
  ftl_status status = read_record(table, end, error);
  if (status == FTL_OK && !*end && table->n_cells != table->n_names)
    return ftl_table_fail(table, error, "it has %d cells, and the first line names %d columns", table->n_cells,
                          table->n_names);
  return status;
}

const char *ftl_table_text(const ftl_table *table, int column) { return table->text + table->cell[column]; }

ftl_status ftl_table_number(const ftl_table *table, int column, bool any, double *value, ftl_error *error) {
  const char *text = ftl_table_text(table, column);
  char *end;
  *value = NAN;
  if (!*text) return FTL_OK;
  *value = strtod(text, &end);
  if (end == text || *end)
    return ftl_table_fail(table, error, "column '%s' has '%.60s' in place of a number", table->name[column], text);
  if (!any && !isfinite(*value))
    return ftl_table_fail(table, error, "column '%s' has %.60s, and only finite numbers can be drawn",
                          table->name[column], text);
  return FTL_OK;
}

ftl_status ftl_table_value(const ftl_table *table, int column, double *value, ftl_error *error) {
  if (!*ftl_table_text(table, column)) return ftl_table_fail(table, error, "column '%s' is empty", table->name[column]);
  return ftl_table_number(table, column, false, value, error);
}

ftl_status ftl_table_read(const char *path, int n, const char *const *names, ftl_table_line *line, void *self,
                          ftl_error *error) {
  ftl_table *table;
  int column[FTL_TABLE_NAMES];
  bool end = false;
  ftl_status status = ftl_table_open(path, &table, error);
  if (status != FTL_OK) return status;
  status = ftl_table_columns(table, n, names, column, error);
  while (status == FTL_OK && (status = ftl_table_next(table, &end, error)) == FTL_OK && !end)
    status = line(self, table, column, error);
  ftl_table_close(table);
  return status;
}
